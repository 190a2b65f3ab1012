//! Proof of a cluster's policies: for every pod, every peer and every port.
//!
//! Two questions. *Equal*: do emitted files allow exactly what the flows need, side by side? *Inside*: does a live cluster,
//! tenants' own policies included, allow nothing beyond the envelope of its namespaces?

mod admission;
mod deployed;
mod egress;
mod envelope;
mod expected;
mod facts;
mod guard;
mod members;
mod proof;

pub use facts::{PROBE, facts};
pub use proof::{ClusterProof, Difference, Fault};

use crate::model::Site;
use crate::plan::ClusterPlan;
use crate::readers::cluster::Policies;
use crate::readers::cluster::evaluate::Verdicts;
use crate::readers::cluster::facts::{ClusterFacts, NamespaceFacts, PodFacts};
use crate::readers::cluster::object::Unclear;
use crate::readers::cluster::ports::{Port, everything};
use crate::readers::cluster::rule::Direction;
use crate::readers::cluster::universe::Universe;
use crate::readers::cluster::witness::with_witnesses;
use crate::source::{FileId, Limits};
use crate::space::Reach;
use crate::syntax::tree::{Node, parse_documents};
use expected::Expected;
use std::collections::{BTreeMap, BTreeSet};

/// Reads policies from files (path, text).
#[must_use]
pub fn read<'t>(files: impl IntoIterator<Item = (&'t str, &'t str)>, facts: &ClusterFacts) -> Policies {
    of_documents(&parsed(files), facts)
}

/// A file with its documents; nothing when it is no YAML.
type Parsed<'t> = (&'t str, Option<Vec<Node<'t>>>);

fn parsed<'t>(files: impl IntoIterator<Item = (&'t str, &'t str)>) -> Vec<Parsed<'t>> {
    files.into_iter().map(|(path, text)| (path, parse_documents(text, FileId(0), &limits()).ok())).collect()
}

fn of_documents<'t: 'p, 'p>(files: impl IntoIterator<Item = &'p Parsed<'t>>, facts: &ClusterFacts) -> Policies {
    let mut policies = Policies::default();
    for (path, documents) in files {
        match documents {
            Some(documents) => {
                for document in documents.iter().filter(|document| !document.is_null()) {
                    policies.add(document, path, facts);
                }
            }
            None => policies.unclear.push(Unclear {
                object: (*path).to_owned(),
                field: "the file".to_owned(),
                reason: "is no YAML that this reader takes".to_owned(),
            }),
        }
    }
    policies.resolve_groups();
    policies
}

/// The proof of emitted files (path, text): they are deployed, allow exactly what the flows need, side by side, and guard it.
#[must_use]
pub fn of_files<'t>(
    site: &Site,
    plan: &ClusterPlan,
    files: impl IntoIterator<Item = (&'t str, &'t str)>,
) -> ClusterProof {
    let (deployed, mut proof) = deployed::of(plan, files);
    let files = parsed(deployed);
    for facts in readings(site, plan) {
        let policies = of_documents(&files, &facts);
        proof.add(equal(site, plan, &policies, &facts));
        // Guardrails hide what is wrong with the objects of flows, so these are looked at by themselves too.
        let bare: Vec<&Parsed<'_>> = files.iter().filter(|(path, _)| !path.contains("/00-guardrails/")).collect();
        if bare.len() < files.len() {
            proof.add(equal(site, plan, &of_documents(bare, &facts), &facts));
        }
        proof.unclear.extend(deployed::strangers(&policies));
        proof.faults.extend(deployed::unmarked(&policies));
        admission::judge(site, plan, &policies, &mut proof);
        proof.differences.extend(guard::differences(site, plan, &policies, &facts));
    }
    proof.tidy();
    proof
}

/// The proof of a live cluster (path, text of a dump): nothing is allowed beyond the envelope of its namespaces, tenants' own
/// policies included. Namespaces and pods of the dump are looked at as they are, beside those of the site.
#[must_use]
pub fn of_dump<'t>(
    site: &Site,
    plan: &ClusterPlan,
    files: impl IntoIterator<Item = (&'t str, &'t str)>,
) -> ClusterProof {
    let files: Vec<_> = files.into_iter().collect();
    let mut proof = ClusterProof::default();
    for facts in readings(site, plan) {
        let policies = read(files.iter().copied(), &facts);
        let facts = live(facts, &policies);
        proof.add(inside(site, plan, &policies, &facts));
    }
    proof.tidy();
    proof
}

/// The cluster as each setting of the mesh reads its policies: whether a selector without a cluster term means the own
/// cluster or all of them is an option of the agents (`policyDefaultLocalCluster`), so both have to hold.
fn readings(site: &Site, plan: &ClusterPlan) -> Vec<ClusterFacts> {
    let facts = facts(site, plan.cluster);
    let everywhere = (facts.cilium && facts.meshed).then(|| ClusterFacts { local_by_default: false, ..facts.clone() });
    [Some(facts), everywhere].into_iter().flatten().collect()
}

/// Adds the namespaces and pods that a dump holds; labels of a namespace are those of the dump.
fn live(mut facts: ClusterFacts, policies: &Policies) -> ClusterFacts {
    let own = facts.name.clone();
    let namespaces = facts.namespaces.iter().enumerate().filter(|(_, namespace)| namespace.cluster == own);
    let mut places: BTreeMap<String, usize> = namespaces.map(|(place, n)| (n.name.clone(), place)).collect();
    let pods = policies.pods.iter().map(|(namespace, _)| (namespace, None));
    for (name, labels) in policies.namespaces.iter().map(|(name, labels)| (name, Some(labels))).chain(pods) {
        let place = *places.entry(name.clone()).or_insert_with(|| {
            let pods = vec![PodFacts { name: PROBE.to_owned(), ..PodFacts::default() }];
            let added = NamespaceFacts { cluster: own.clone(), name: name.clone(), labels: BTreeMap::new(), pods };
            facts.namespaces.push(added);
            facts.namespaces.len() - 1
        });
        if let (Some(namespace), Some(labels)) = (facts.namespaces.get_mut(place), labels) {
            namespace.labels = labels.clone();
        }
    }
    for (namespace, pod) in &policies.pods {
        if let Some(home) = places.get(namespace).and_then(|place| facts.namespaces.get_mut(*place)) {
            home.pods.push(pod.clone());
        }
    }
    facts
}

/// Dumps of live clusters are larger than zone files.
fn limits() -> Limits {
    Limits { nodes: 50_000_000, ..Limits::default() }
}

/// The world in which policies are judged: the cluster with everybody whom a selector would select, numbered.
struct Court<'a> {
    expected: Expected<'a>,
    universe: Universe,
    verdicts: Verdicts,
    proof: ClusterProof,
}

impl<'a> Court<'a> {
    fn new(site: &'a Site, plan: &'a ClusterPlan, policies: &Policies, facts: &ClusterFacts) -> Self {
        let mut unclear = policies.unclear.clone();
        let mut facts = with_witnesses(facts, policies).unwrap_or_else(|reason| {
            unclear.push(*reason);
            facts.clone()
        });
        facts.names.extend(policies.host_names().cloned());
        let mut expected = Expected::new(site, plan, facts.cilium);
        let universe = Universe::new(&facts, policies.prefixes().chain(expected.prefixes()));
        expected.locate(&universe);
        let verdicts = Verdicts::of(policies, &universe);
        Self { expected, universe, verdicts, proof: ClusterProof { unclear, ..ClusterProof::default() } }
    }

    fn judged<'c>(&'c self, policies: &'c Policies) -> Judged<'c> {
        Judged { universe: &self.universe, verdicts: &self.verdicts, policies }
    }
}

/// Whether the policies allow exactly what the flows of the plan need.
#[must_use]
pub fn equal(site: &Site, plan: &ClusterPlan, policies: &Policies, facts: &ClusterFacts) -> ClusterProof {
    let Court { expected, universe, verdicts, mut proof } = Court::new(site, plan, policies, facts);
    let compare = |verdicts: &Verdicts, request: Option<&str>, proof: &mut ClusterProof| {
        for (pod, direction) in decided(&expected, &universe, &facts.name) {
            let found = verdicts.reach(pod, direction);
            let wanted = expected.reach(&universe, pod, direction, request);
            if *found == wanted {
                continue;
            }
            let judged = Judged { universe: &universe, verdicts, policies };
            let mut note = |surplus: Reach, model| {
                let mut found = judged.difference(pod, direction, &surplus, model);
                if let (Some(found), Some(request)) = (&mut found, request) {
                    let what = if request.is_empty() { "any other request" } else { request };
                    found.port = format!("{} ({what})", found.port);
                }
                proof.differences.extend(found);
            };
            note(found.difference(&wanted), false);
            note(wanted.difference(found), true);
        }
    };
    compare(&verdicts, None, &mut proof);
    // Once more for every request that a proxy or a flow tells apart, and for one that none of them names.
    let requests: BTreeSet<String> = policies.requests().cloned().chain(expected.requests()).collect();
    let other = (!requests.is_empty()).then(String::new);
    for request in requests.into_iter().filter(|request| request != "*").chain(other) {
        compare(&Verdicts::for_request(policies, &universe, Some(&request)), Some(&request), &mut proof);
    }
    // What zonec does not decide about, its policies leave alone.
    let free = Reach::of([(&universe.everybody(), &everything())]);
    let own = universe.namespaces().filter(|(n, _)| n.cluster == facts.name && !expected.is_managed(&n.name));
    for pod in own.flat_map(|(_, pods)| pods.numbers().collect::<Vec<_>>()) {
        for direction in [Direction::Ingress, Direction::Egress] {
            let lost = free.difference(verdicts.reach(pod, direction));
            let judged = Judged { universe: &universe, verdicts: &verdicts, policies };
            proof.differences.extend(judged.difference(pod, direction, &lost, true));
        }
    }
    proof.faults.extend(egress::differences(&expected, &universe, policies, true));
    proof
}

/// The pods that zonec decides about, with both directions.
fn decided<'u>(
    expected: &'u Expected<'_>,
    universe: &'u Universe,
    cluster: &'u str,
) -> impl Iterator<Item = (u32, Direction)> + 'u {
    let managed = universe.namespaces().filter(move |(n, _)| n.cluster == cluster && expected.is_managed(&n.name));
    let pods = managed.flat_map(|(_, pods)| pods.numbers().collect::<Vec<_>>());
    pods.flat_map(|pod| [(pod, Direction::Ingress), (pod, Direction::Egress)])
}

/// Whether nothing is allowed beyond the envelope of the namespaces, whoever wrote the policies.
#[must_use]
pub fn inside(site: &Site, plan: &ClusterPlan, policies: &Policies, facts: &ClusterFacts) -> ClusterProof {
    beyond(site, plan, policies, facts, false)
}

/// As [`inside`], but each namespace has to be bounded by itself, even where the other end's namespace stops the
/// connection anyway: what guardrails promise.
#[must_use]
pub fn bounded(site: &Site, plan: &ClusterPlan, policies: &Policies, facts: &ClusterFacts) -> ClusterProof {
    beyond(site, plan, policies, facts, true)
}

fn beyond(site: &Site, plan: &ClusterPlan, policies: &Policies, facts: &ClusterFacts, alone: bool) -> ClusterProof {
    let Court { expected, universe, verdicts, mut proof } = Court::new(site, plan, policies, facts);
    let found = envelope::beyond(&expected, &universe, &verdicts, &facts.name, alone);
    let judged = Judged { universe: &universe, verdicts: &verdicts, policies };
    let differences =
        found.into_iter().filter_map(|(pod, direction, surplus)| judged.difference(pod, direction, &surplus, false));
    proof.differences.extend(differences);
    proof.faults.extend(egress::differences(&expected, &universe, policies, false));
    proof
}

/// What is needed to describe a difference.
struct Judged<'a> {
    universe: &'a Universe,
    verdicts: &'a Verdicts,
    policies: &'a Policies,
}

impl Judged<'_> {
    /// The first connection of a surplus.
    fn difference(&self, pod: u32, direction: Direction, surplus: &Reach, model: bool) -> Option<Difference> {
        let (peer, _, ports) = surplus.parts().first()?;
        let number = ports.first()?;
        let places = self.verdicts.deciding(pod, direction, *peer, number);
        let policies = places.iter().filter_map(|place| self.policies.names.get(*place)).cloned().collect();
        let (pod, peer) = (self.universe.describe(pod), self.universe.describe(*peer));
        let (from, to) = if direction == Direction::Ingress { (peer, pod) } else { (pod, peer) };
        Some(Difference {
            from,
            to,
            port: Port::from_number(number).to_string(),
            side: direction,
            model,
            tenant: false,
            policies,
        })
    }
}
