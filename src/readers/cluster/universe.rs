//! Every end a connection can have, as numbers: pods, special endpoints, cells of outside addresses.

use super::facts::{ClusterFacts, NamespaceFacts, PodFacts};
use super::rule::{Entity, Peer, Peers};
use super::selector::{Requirement, Selector, Subject, Test};
use crate::space::Ranges;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt::Write;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

/// The special endpoints, in the order of their numbers.
const SPECIAL: [(Entity, &str); 5] = [
    (Entity::Host, "host"),
    (Entity::RemoteNode, "remote-node"),
    (Entity::KubeApiServer, "kube-apiserver"),
    (Entity::Health, "health"),
    (Entity::Ingress, "ingress"),
];

/// The ends of one cluster's connections. Numbers ascend: pods by cluster, namespace and name; special endpoints; names
/// outside; cells of IPv4, then of IPv6 addresses. All addresses of one cell are treated alike by every policy and by the model.
pub struct Universe {
    name: String,
    cilium: bool,
    namespaces: Vec<(NamespaceFacts, u32)>,
    by_name: BTreeMap<String, Vec<usize>>,
    pods: u32,
    names: Vec<String>,
    cells: Vec<(IpAddr, IpAddr)>,
    outside: Ranges,
    own: Ranges,
    // The same few selectors are asked for again and again. Looked up only, never iterated.
    selected: Mutex<HashMap<Selector, Ranges>>,
}

impl Universe {
    /// Builds the universe; `cuts` are all prefixes that policies or model tell apart.
    #[must_use]
    pub fn new(facts: &ClusterFacts, cuts: impl IntoIterator<Item = IpNet>) -> Self {
        let mut namespaces: Vec<_> = facts.namespaces.clone();
        namespaces.sort_by(|a, b| (&a.cluster, &a.name).cmp(&(&b.cluster, &b.name)));
        let mut pods = 0u32;
        let mut by_name: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        let mut numbered = Vec::with_capacity(namespaces.len());
        for mut namespace in namespaces {
            namespace.labels.insert("kubernetes.io/metadata.name".to_owned(), namespace.name.clone());
            namespace.pods.sort_by(|a, b| a.name.cmp(&b.name));
            by_name.entry(namespace.name.clone()).or_default().push(numbered.len());
            let count = u32::try_from(namespace.pods.len()).unwrap_or(u32::MAX);
            numbered.push((namespace, pods));
            pods = pods.saturating_add(count);
        }
        let names: BTreeSet<String> = facts.names.iter().cloned().collect();
        let cells = cells(cuts.into_iter().chain(facts.inside.iter().copied()));
        let mut universe = Self {
            name: facts.name.clone(),
            cilium: facts.cilium,
            namespaces: numbered,
            by_name,
            pods,
            names: names.into_iter().collect(),
            cells,
            outside: Ranges::EMPTY,
            own: Ranges::EMPTY,
            selected: Mutex::default(),
        };
        let all = Ranges::between(universe.first_cell(), universe.end().saturating_sub(1));
        let inside: Ranges =
            facts.inside.iter().map(|prefix| universe.covered(*prefix)).collect::<Vec<_>>().iter().collect();
        universe.outside = all.difference(&inside);
        universe.own = universe.cluster_pods(&universe.name);
        universe
    }

    fn first_name(&self) -> u32 {
        self.pods + SPECIAL.len() as u32
    }

    fn first_cell(&self) -> u32 {
        self.first_name() + u32::try_from(self.names.len()).unwrap_or(u32::MAX)
    }

    /// The names outside with their numbers.
    pub fn names(&self) -> impl Iterator<Item = (u32, &str)> {
        (self.first_name()..).zip(self.names.iter().map(String::as_str))
    }

    /// The number of a name outside.
    #[must_use]
    pub fn host_name(&self, name: &str) -> Option<u32> {
        let place = self.names.binary_search_by(|known| known.as_str().cmp(name)).ok()?;
        Some(self.first_name() + u32::try_from(place).ok()?)
    }

    fn end(&self) -> u32 {
        self.first_cell() + u32::try_from(self.cells.len()).unwrap_or(u32::MAX)
    }

    /// Everything.
    #[must_use]
    pub fn everybody(&self) -> Ranges {
        Ranges::between(0, self.first_cell() - 1).union(&self.outside)
    }

    /// Every pod, of all clusters.
    #[must_use]
    pub fn all_pods(&self) -> Ranges {
        self.pods.checked_sub(1).map_or(Ranges::EMPTY, |last| Ranges::between(0, last))
    }

    /// The pods of the own cluster, whose connections its policies decide.
    #[must_use]
    pub const fn own_pods(&self) -> &Ranges {
        &self.own
    }

    /// The pods of a cluster.
    #[must_use]
    pub fn cluster_pods(&self, cluster: &str) -> Ranges {
        let pods = self.namespaces().filter(|(namespace, _)| namespace.cluster == cluster).map(|(_, pods)| pods);
        pods.collect::<Vec<_>>().iter().collect()
    }

    /// The pods of a namespace.
    #[must_use]
    pub fn namespace_pods(&self, cluster: &str, namespace: &str) -> Ranges {
        let places = self.by_name.get(namespace).into_iter().flatten().filter_map(|&place| self.namespaces.get(place));
        let found = places.into_iter().find(|(facts, _)| facts.cluster == cluster);
        found.map(|(facts, first)| span(*first, facts.pods.len())).unwrap_or_default()
    }

    /// Some endpoints with all pods of every namespace that holds one of them.
    #[must_use]
    pub fn whole_namespaces(&self, endpoints: &Ranges) -> Ranges {
        let mut found = endpoints.intervals().to_vec();
        for &(first, last) in endpoints.intervals() {
            // The namespace of the first pod may begin before it.
            let from = self.namespaces.partition_point(|(_, start)| *start <= first).saturating_sub(1);
            let touched = self.namespaces.iter().skip(from).take_while(|(_, start)| *start <= last);
            let pods = touched.map(|(facts, start)| span(*start, facts.pods.len()));
            found.extend(
                pods.filter(|pods| pods.last().is_some_and(|end| end >= first))
                    .flat_map(|pods| pods.intervals().to_vec()),
            );
        }
        found.into_iter().collect()
    }

    /// The name of the own cluster.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether Cilium enforces.
    #[must_use]
    pub const fn cilium(&self) -> bool {
        self.cilium
    }

    /// The namespaces with the numbers of their pods.
    pub fn namespaces(&self) -> impl Iterator<Item = (&NamespaceFacts, Ranges)> {
        self.namespaces.iter().map(|(namespace, first)| (namespace, span(*first, namespace.pods.len())))
    }

    /// A pod by its number.
    #[must_use]
    pub fn pod(&self, number: u32) -> Option<(&NamespaceFacts, &PodFacts)> {
        let after = self.namespaces.partition_point(|(_, first)| *first <= number);
        // Namespaces without pods share their number with the next one; the last of them holds the pod.
        let (namespace, first) = self.namespaces.get(after.checked_sub(1)?)?;
        Some((namespace, namespace.pods.get((number - first) as usize)?))
    }

    /// The number of a pod of the own cluster.
    #[must_use]
    pub fn pod_number(&self, namespace: &str, pod: &str) -> Option<u32> {
        let places = self.by_name.get(namespace)?;
        let own =
            places.iter().filter_map(|&i| self.namespaces.get(i)).find(|(facts, _)| facts.cluster == self.name)?;
        let place = own.0.pods.iter().position(|candidate| candidate.name == pod)?;
        Some(own.1 + u32::try_from(place).ok()?)
    }

    /// All names outside: addresses that are known by what the name service said.
    #[must_use]
    pub fn named(&self) -> Ranges {
        self.names().map(|(number, _)| (number, number)).collect()
    }

    /// The number of a special endpoint.
    #[must_use]
    pub fn special(&self, entity: Entity) -> Option<u32> {
        let place = SPECIAL.iter().position(|(candidate, _)| *candidate == entity)?;
        Some(self.pods + place as u32)
    }

    /// The cell of an outside address; `None` when the address is inside.
    #[must_use]
    pub fn address(&self, address: IpAddr) -> Option<u32> {
        let after = self.cells.partition_point(|(first, _)| *first <= address);
        let number = self.first_cell() + u32::try_from(after.checked_sub(1)?).ok()?;
        self.outside.contains(number).then_some(number)
    }

    /// Cells inside a prefix, whether outside or not.
    fn covered(&self, prefix: IpNet) -> Ranges {
        let (first, last) = (prefix.network(), prefix.broadcast());
        let from = self.cells.partition_point(|(start, _)| *start < first);
        let to = self.cells.partition_point(|(_, end)| *end <= last);
        let from = self.first_cell() + u32::try_from(from).unwrap_or(u32::MAX);
        let to = self.first_cell() + u32::try_from(to).unwrap_or(u32::MAX);
        to.checked_sub(1).map_or(Ranges::EMPTY, |to| Ranges::between(from, to))
    }

    /// The outside addresses of a prefix without some parts.
    #[must_use]
    pub fn block(&self, cidr: IpNet, except: &[IpNet]) -> Ranges {
        let holes: Ranges = except.iter().map(|hole| self.covered(*hole)).collect::<Vec<_>>().iter().collect();
        self.covered(cidr).difference(&holes).intersection(&self.outside)
    }

    /// Everything outside.
    #[must_use]
    pub const fn outside(&self) -> &Ranges {
        &self.outside
    }

    /// The peers of a rule.
    #[must_use]
    pub fn peers(&self, peers: &Peers) -> Ranges {
        match peers {
            Peers::Nobody => Ranges::EMPTY,
            Peers::Everybody => self.everybody(),
            Peers::Listed(list) => list.iter().map(|peer| self.peer(peer)).collect::<Vec<_>>().iter().collect(),
        }
    }

    fn peer(&self, peer: &Peer) -> Ranges {
        match peer {
            Peer::Endpoints(selector) => self.select(selector),
            Peer::Block { cidr, except } => self.block(*cidr, except),
            // Nothing any more, once groups are resolved.
            Peer::Group { .. } => Ranges::EMPTY,
            Peer::Name(name) => self.host_name(name).map_or(Ranges::EMPTY, Ranges::one),
            Peer::Entity(entity) => self.entity(*entity),
        }
    }

    fn entity(&self, entity: Entity) -> Ranges {
        let special = Ranges::between(self.pods, self.first_name() - 1);
        match entity {
            Entity::All => self.everybody(),
            Entity::Cluster => self.own.union(&special),
            Entity::World => self.outside.union(&self.named()),
            Entity::Never => Ranges::EMPTY,
            // The API server is reached by a node's address, so it is a remote node as well.
            Entity::RemoteNode => [Entity::RemoteNode, Entity::KubeApiServer]
                .into_iter()
                .filter_map(|e| self.special(e))
                .map(|n| (n, n))
                .collect(),
            _ => self.special(entity).map_or(Ranges::EMPTY, Ranges::one),
        }
    }

    /// The endpoints that a selector selects.
    #[must_use]
    pub fn select(&self, selector: &Selector) -> Ranges {
        let selected = || self.selected.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = selected().get(selector) {
            return known.clone();
        }
        let found = self.search(selector);
        selected().insert(selector.clone(), found.clone());
        found
    }

    fn search(&self, selector: &Selector) -> Ranges {
        if let Some((rest, names)) = without_excluded(selector) {
            let places = names.iter().filter_map(|name| self.by_name.get(name)).flatten();
            let pods = places.filter_map(|&place| self.namespaces.get(place));
            let excluded = pods.map(|(namespace, first)| span(*first, namespace.pods.len())).collect::<Vec<_>>();
            return self.select(&rest).difference(&excluded.iter().collect());
        }
        let (of_pod, of_namespace): (Vec<_>, Vec<_>) =
            selector.0.iter().partition(|r| matches!(r.subject, Subject::Pod(_) | Subject::ServiceAccount));
        let mut found = Vec::new();
        for &place in &self.candidates(&of_namespace) {
            let Some((namespace, first)) = self.namespaces.get(place) else { continue };
            if !of_namespace.iter().all(|r| r.test.passes(namespace_value(namespace, &r.subject))) {
                continue;
            }
            if of_pod.is_empty() {
                found.extend(span(*first, namespace.pods.len()).intervals());
                continue;
            }
            for (number, pod) in (*first..).zip(&namespace.pods) {
                if of_pod.iter().all(|r| r.test.passes(pod_value(pod, &r.subject))) {
                    found.push((number, number));
                }
            }
        }
        for (number, (entity, name)) in (self.pods..).zip(SPECIAL) {
            if selector.0.iter().all(|r| r.test.passes(special_value(entity, name, &r.subject))) {
                found.push((number, number));
            }
        }
        let world = |r: &Requirement| {
            r.test.passes(matches!(&r.subject, Subject::Reserved(name) if name == "world").then_some(""))
        };
        if selector.0.iter().all(world) {
            found.extend(self.outside.union(&self.named()).intervals());
        }
        found.into_iter().collect()
    }

    /// Namespaces worth a look: those named, when the selector names some.
    fn candidates(&self, requirements: &[&Requirement]) -> BTreeSet<usize> {
        let named = requirements.iter().find_map(|requirement| match (&requirement.subject, &requirement.test) {
            (Subject::NamespaceName, Test::In(names)) => Some(names),
            (Subject::Namespace(key), Test::In(names)) if key == "kubernetes.io/metadata.name" => Some(names),
            _ => None,
        });
        match named {
            Some(names) => names.iter().filter_map(|name| self.by_name.get(name)).flatten().copied().collect(),
            None => (0..self.namespaces.len()).collect(),
        }
    }

    /// How an endpoint is called in a report.
    #[must_use]
    pub fn describe(&self, number: u32) -> String {
        let mut text = String::new();
        if let Some((namespace, pod)) = self.pod(number) {
            if namespace.cluster != self.name {
                let _ = write!(text, "{}:", namespace.cluster);
            }
            let _ = write!(text, "{}/{}", namespace.name, pod.name);
        } else if let Some((_, name)) = number.checked_sub(self.pods).and_then(|place| SPECIAL.get(place as usize)) {
            text.push_str(name);
        } else if let Some(name) =
            number.checked_sub(self.first_name()).and_then(|place| self.names.get(place as usize))
        {
            text.push_str(name);
        } else if let Some((first, _)) =
            number.checked_sub(self.first_cell()).and_then(|place| self.cells.get(place as usize))
        {
            let _ = write!(text, "{first}");
        }
        text
    }
}

/// A selector without its first condition that excludes namespaces by name, and these names. Nearly every namespace fits such a
/// condition, so it is quicker to take out those that do not.
fn without_excluded(selector: &Selector) -> Option<(Selector, &BTreeSet<String>)> {
    let excluded = |requirement: &Requirement| {
        matches!((&requirement.subject, &requirement.test), (Subject::NamespaceName, Test::NotIn(_)))
    };
    let place = selector.0.iter().position(excluded)?;
    let Test::NotIn(names) = &selector.0.get(place)?.test else { return None };
    let mut rest = selector.clone();
    rest.0.remove(place);
    Some((rest, names))
}

fn span(first: u32, count: usize) -> Ranges {
    match u32::try_from(count) {
        Ok(0) => Ranges::EMPTY,
        Ok(count) => Ranges::between(first, first + count - 1),
        Err(_) => Ranges::between(first, u32::MAX),
    }
}

fn namespace_value<'a>(namespace: &'a NamespaceFacts, subject: &Subject) -> Option<&'a str> {
    match subject {
        Subject::Namespace(key) => namespace.labels.get(key).map(String::as_str),
        Subject::NamespaceName => Some(&namespace.name),
        Subject::Cluster => Some(&namespace.cluster),
        _ => None,
    }
}

fn pod_value<'a>(pod: &'a PodFacts, subject: &Subject) -> Option<&'a str> {
    match subject {
        Subject::Pod(key) => pod.labels.get(key).map(String::as_str),
        Subject::ServiceAccount => Some(pod.account.as_deref().unwrap_or("default")),
        _ => None,
    }
}

/// Special endpoints carry `reserved:` labels and nothing else.
fn special_value(entity: Entity, name: &str, subject: &Subject) -> Option<&'static str> {
    match subject {
        Subject::Reserved(key) if key == name => Some(""),
        Subject::Reserved(key) if key == "remote-node" && entity == Entity::KubeApiServer => Some(""),
        _ => None,
    }
}

/// The coarsest partition of both address families in which every prefix is a union of parts.
fn cells(cuts: impl Iterator<Item = IpNet>) -> Vec<(IpAddr, IpAddr)> {
    let mut v4 = BTreeSet::from([0u32]);
    let mut v6 = BTreeSet::from([0u128]);
    for cut in cuts {
        match cut {
            IpNet::V4(cut) => {
                v4.insert(cut.network().to_bits());
                v4.extend(cut.broadcast().to_bits().checked_add(1));
            }
            IpNet::V6(cut) => {
                v6.insert(cut.network().to_bits());
                v6.extend(cut.broadcast().to_bits().checked_add(1));
            }
        }
    }
    let mut cells = Vec::with_capacity(v4.len() + v6.len());
    let ends = v4.iter().skip(1).map(|next| next - 1).chain([u32::MAX]);
    cells.extend(v4.iter().zip(ends).map(|(first, last)| (IpAddr::V4((*first).into()), IpAddr::V4(last.into()))));
    let ends = v6.iter().skip(1).map(|next| next - 1).chain([u128::MAX]);
    cells.extend(v6.iter().zip(ends).map(|(first, last)| (IpAddr::V6((*first).into()), IpAddr::V6(last.into()))));
    cells
}
