//! Pods that do not exist yet, but that some selector would select.
//!
//! A policy is judged by what it allows whoever comes, not only by the pods of today: a peer in a namespace that nobody
//! described, a pod with half of a component's labels. For every selector this adds one pod for each way to satisfy it,
//! in every namespace that it reaches, and a namespace where none fits.

use super::Policies;
use super::facts::{ClusterFacts, NamespaceFacts, PodFacts};
use super::object::Unclear;
use super::rule::{Peer, Peers};
use super::selector::{Requirement, Selector, Subject, Test};
use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt::Write;

/// Name of the namespace and the cluster that stand for those that nobody described. As no real name it sorts behind them.
const ANOTHER: &str = "{any}";

/// As many ways to satisfy one selector are tried.
const MOST: usize = 1024;

/// Labels by key.
type Labels = BTreeMap<String, String>;

/// The facts with everything added that selectors of the policies would select.
///
/// # Errors
/// When a selector has more alternatives than can be tried.
pub fn with_witnesses(facts: &ClusterFacts, policies: &Policies) -> Result<ClusterFacts, Box<Unclear>> {
    let mut world = World::new(facts);
    // Asked only, never iterated.
    let mut seen = HashSet::new();
    for rule in &policies.rules {
        let listed = if let Peers::Listed(list) = &rule.peers { list.as_slice() } else { &[] };
        let peers =
            listed.iter().filter_map(|peer| if let Peer::Endpoints(selector) = peer { Some(selector) } else { None });
        for selector in peers.chain([&rule.subject]) {
            if seen.insert(selector) && world.add(selector).is_none() {
                return Err(too_many(policies.names.get(rule.policy)));
            }
        }
    }
    for policy in &policies.egress {
        if policy.subjects.iter().any(|selector| world.add(selector).is_none()) {
            return Err(too_many(Some(&policy.object)));
        }
    }
    Ok(world.facts)
}

fn too_many(object: Option<&String>) -> Box<Unclear> {
    let reason = format!("has more than {MOST} ways to be satisfied");
    Box::new(Unclear { object: object.cloned().unwrap_or_default(), field: "a selector".to_owned(), reason })
}

struct World {
    facts: ClusterFacts,
    by_name: BTreeMap<String, Vec<usize>>,
    /// Labels and account of the pods of each namespace.
    pods: Vec<BTreeSet<(Labels, Option<String>)>>,
    /// Whether every namespace has a pod without labels and account.
    bare_everywhere: bool,
}

impl World {
    fn new(facts: &ClusterFacts) -> Self {
        let mut world = Self {
            facts: ClusterFacts { namespaces: Vec::new(), ..facts.clone() },
            by_name: BTreeMap::new(),
            pods: Vec::new(),
            bare_everywhere: true,
        };
        for namespace in &facts.namespaces {
            world.place(namespace.clone());
        }
        world
    }

    fn place(&mut self, mut namespace: NamespaceFacts) -> usize {
        let name = namespace.name.clone();
        namespace.labels.insert("kubernetes.io/metadata.name".to_owned(), name.clone());
        let place = self.facts.namespaces.len();
        self.by_name.entry(name).or_default().push(place);
        let bare = |pod: &PodFacts| pod.labels.is_empty() && pod.account.is_none();
        self.bare_everywhere &= namespace.pods.iter().any(bare);
        self.pods.push(namespace.pods.iter().map(|pod| (pod.labels.clone(), pod.account.clone())).collect());
        self.facts.namespaces.push(namespace);
        place
    }

    /// Adds what satisfies a selector; `None` when there are too many ways.
    fn add(&mut self, selector: &Selector) -> Option<()> {
        if selector.mentions(|subject| matches!(subject, Subject::Reserved(_))) {
            return Some(());
        }
        self.add_namespaces(selector)?;
        let of_pod = |subject: &Subject| matches!(subject, Subject::Pod(_) | Subject::ServiceAccount);
        let (of_pod, rest): (Vec<&Requirement>, Vec<_>) = selector.0.iter().partition(|r| of_pod(&r.subject));
        let ways = satisfying(&of_pod)?;
        if self.bare_everywhere && ways.iter().all(BTreeMap::is_empty) {
            return Some(());
        }
        let candidates = self.candidates(&rest);
        for labels in ways {
            for place in &candidates {
                self.add_pod(*place, &labels);
            }
        }
        Some(())
    }

    fn add_pod(&mut self, place: usize, labels: &BTreeMap<&Subject, String>) {
        let of_pod = |(subject, value): (&&Subject, &String)| match subject {
            Subject::Pod(key) => Some((key.clone(), value.clone())),
            _ => None,
        };
        let account = labels.get(&Subject::ServiceAccount).cloned().filter(|account| account != "default");
        let labels: Labels = labels.iter().filter_map(of_pod).collect();
        let (Some(known), Some(namespace)) = (self.pods.get_mut(place), self.facts.namespaces.get_mut(place)) else {
            return;
        };
        if known.insert((labels.clone(), account.clone())) {
            let name = described(&labels, account.as_deref());
            namespace.pods.push(PodFacts { name, labels, account, ports: BTreeMap::new() });
        }
    }

    /// Namespaces that the requirements on namespace and cluster admit.
    fn candidates(&self, requirements: &[&Requirement]) -> Vec<usize> {
        let admits = |place: &usize| {
            self.facts
                .namespaces
                .get(*place)
                .is_some_and(|namespace| requirements.iter().all(|r| r.test.passes(value_of(namespace, &r.subject))))
        };
        match fixed_names(requirements) {
            Some(names) => {
                let places = names.iter().filter_map(|name| self.by_name.get(name)).flatten();
                places.copied().filter(admits).collect()
            }
            None => (0..self.facts.namespaces.len()).filter(admits).collect(),
        }
    }

    /// Namespaces that a selector would reach and that nobody described.
    fn add_namespaces(&mut self, selector: &Selector) -> Option<()> {
        let about =
            |subject: &Subject| matches!(subject, Subject::Namespace(_) | Subject::NamespaceName | Subject::Cluster);
        let requirements: Vec<&Requirement> = selector.0.iter().filter(|r| about(&r.subject)).collect();
        for values in satisfying(&requirements)? {
            let name = values.get(&Subject::NamespaceName);
            let by_label = values.get(&Subject::Namespace("kubernetes.io/metadata.name".to_owned()));
            let name = name.filter(|name| *name != ANY).or(by_label.filter(|name| *name != ANY));
            let labels: Labels = values
                .iter()
                .filter_map(|(subject, value)| match subject {
                    Subject::Namespace(key) if key != "kubernetes.io/metadata.name" => {
                        Some((key.clone(), value.clone()))
                    }
                    _ => None,
                })
                .collect();
            for cluster in self.clusters(values.get(&Subject::Cluster)) {
                // A namespace by that name is there already, with labels of its own.
                let known = |name: &String| {
                    let places = self.by_name.get(name).into_iter().flatten();
                    places.filter_map(|place| self.facts.namespaces.get(*place)).any(|n| n.cluster == cluster)
                };
                let name = match name {
                    Some(name) => name.clone(),
                    None if labels.is_empty() => ANOTHER.to_owned(),
                    None => described(&labels, None),
                };
                if known(&name) {
                    continue;
                }
                let mut added = NamespaceFacts {
                    cluster,
                    name,
                    labels: labels.clone(),
                    pods: vec![PodFacts { name: "any-pod".to_owned(), ..PodFacts::default() }],
                };
                added.labels.insert("kubernetes.io/metadata.name".to_owned(), added.name.clone());
                if requirements.iter().all(|r| r.test.passes(value_of(&added, &r.subject))) {
                    self.place(added);
                }
            }
        }
        Some(())
    }

    /// The clusters in which a namespace could be.
    fn clusters(&self, named: Option<&String>) -> Vec<String> {
        let own = self.facts.name.clone();
        match named {
            Some(name) if name != ANY => vec![name.clone()],
            _ if self.facts.meshed => vec![own, ANOTHER.to_owned()],
            _ => vec![own],
        }
    }
}

/// Stands for whatever value a label may have.
const ANY: &str = "any";

/// Every way to satisfy requirements: a value for each label that has to be there. `None` when there are too many.
fn satisfying<'r>(requirements: &[&'r Requirement]) -> Option<Vec<BTreeMap<&'r Subject, String>>> {
    let mut ways: Vec<BTreeMap<&Subject, String>> = vec![BTreeMap::new()];
    for requirement in requirements {
        let any = BTreeSet::from([ANY.to_owned()]);
        let values = match &requirement.test {
            Test::In(values) => values,
            Test::Exists => &any,
            Test::NotIn(_) | Test::DoesNotExist => continue,
        };
        let mut more = Vec::new();
        for way in &ways {
            for value in values {
                let mut way = way.clone();
                // `Exists` beside `In` says nothing new.
                if way.get(&requirement.subject).is_none_or(|old| old == ANY) {
                    way.insert(&requirement.subject, value.clone());
                }
                more.push(way);
            }
        }
        ways = more;
        ways.sort();
        ways.dedup();
        if ways.len() > MOST {
            return None;
        }
    }
    let holds = |way: &BTreeMap<&Subject, String>| {
        let fits = |r: &&Requirement| r.test.passes(way.get(&r.subject).map(String::as_str));
        requirements.iter().filter(|r| matches!(r.subject, Subject::Pod(_))).all(fits)
    };
    Some(ways.into_iter().filter(holds).collect())
}

/// The names among which the namespace has to be.
fn fixed_names<'r>(requirements: &[&'r Requirement]) -> Option<&'r BTreeSet<String>> {
    requirements.iter().find_map(|requirement| match (&requirement.subject, &requirement.test) {
        (Subject::NamespaceName, Test::In(names)) => Some(names),
        (Subject::Namespace(key), Test::In(names)) if key == "kubernetes.io/metadata.name" => Some(names),
        _ => None,
    })
}

fn value_of<'n>(namespace: &'n NamespaceFacts, subject: &Subject) -> Option<&'n str> {
    match subject {
        Subject::Namespace(key) => namespace.labels.get(key).map(String::as_str),
        Subject::NamespaceName => Some(&namespace.name),
        Subject::Cluster => Some(&namespace.cluster),
        _ => None,
    }
}

/// `{app=api, tier=x}`, as no pod can be called.
fn described(labels: &Labels, account: Option<&str>) -> String {
    let mut text = "{".to_owned();
    for (place, (key, value)) in labels.iter().enumerate() {
        let comma = if place > 0 { ", " } else { "" };
        let _ = write!(text, "{comma}{key}={value}");
    }
    if let Some(account) = account {
        let _ = write!(text, " as {account}");
    }
    text.push('}');
    text
}
