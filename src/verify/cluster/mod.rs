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
use crate::readers::cluster::evaluate::{Rules, Verdicts};
use crate::readers::cluster::facts::{ClusterFacts, NamespaceFacts, PodFacts};
use crate::readers::cluster::object::Unclear;
use crate::readers::cluster::ports::{Port, everything};
use crate::readers::cluster::rule::Direction;
use crate::readers::cluster::universe::Universe;
use crate::readers::cluster::witness::with_witnesses;
use crate::source::{FileId, Limits};
use crate::space::{Ranges, Reach};
use crate::syntax::tree::parse_documents;
use crate::workers;
use expected::Expected;
use std::collections::{BTreeMap, BTreeSet};

/// Reads policies from files (path, text).
#[must_use]
pub fn read<'t>(files: impl IntoIterator<Item = (&'t str, &'t str)>, facts: &ClusterFacts) -> Policies {
    let files: Vec<_> = files.into_iter().collect();
    let mut policies = Policies::default();
    read_in_parts(&files, std::slice::from_ref(facts)).into_iter().for_each(|part| policies.extend(part));
    policies.resolve_groups();
    policies
}

/// What files (path, text) hold, once for each of some readings; references between files are not resolved yet.
fn read_in_parts(files: &[(&str, &str)], readings: &[ClusterFacts]) -> Vec<Policies> {
    let parts = workers::chunks(files, |files| {
        let mut all: Vec<Policies> = readings.iter().map(|_| Policies::default()).collect();
        for (path, text) in files {
            add_file(path, text, readings, &mut all);
        }
        all
    });
    let mut whole: Vec<Policies> = readings.iter().map(|_| Policies::default()).collect();
    for part in parts {
        whole.iter_mut().zip(part).for_each(|(policies, part)| policies.extend(part));
    }
    whole
}

fn add_file(path: &str, text: &str, readings: &[ClusterFacts], all: &mut [Policies]) {
    let documents = parse_documents(text, FileId(0), &limits());
    for (facts, policies) in readings.iter().zip(all) {
        match &documents {
            Ok(documents) => {
                for document in documents.iter().filter(|document| !document.is_null()) {
                    policies.add(document, path, facts);
                }
            }
            Err(_) => policies.unclear.push(Unclear {
                object: path.to_owned(),
                field: "the file".to_owned(),
                reason: "is no YAML that this reader takes".to_owned(),
            }),
        }
    }
}

/// The proof of emitted files (path, text): they are deployed, allow exactly what the flows need, side by side, and guard it.
#[must_use]
pub fn of_files<'t>(
    site: &Site,
    plan: &ClusterPlan,
    files: impl IntoIterator<Item = (&'t str, &'t str)>,
) -> ClusterProof {
    let (deployed, mut proof) = deployed::of(plan, files);
    let (guardrails, flows): (Vec<_>, Vec<_>) =
        deployed.into_iter().partition(|(path, _)| path.contains("/00-guardrails/"));
    let readings = readings(site, plan);
    let read = read_in_parts(&flows, &readings).into_iter().zip(read_in_parts(&guardrails, &readings));
    for (facts, (mut policies, guarding)) in readings.iter().zip(read) {
        // Places of the policies that are no guardrails.
        let of_flows = policies.names.len();
        policies.extend(guarding);
        policies.resolve_groups();
        proof.unclear.extend(deployed::strangers(&policies));
        proof.faults.extend(deployed::unmarked(&policies));
        admission::judge(site, plan, &policies, &mut proof);
        let all = policies.names.len();
        let guarded = guard::strengths(site, plan);
        if !guarded.is_empty() {
            guard::add_tenants(site, plan, &mut policies, facts);
        }
        let court = Court::new(site, plan, &policies, facts);
        proof.unclear.extend(court.unclear.iter().cloned());
        // Guardrails hide what is wrong with the objects of flows, so these are looked at by themselves too.
        court.equal(all, &mut proof);
        if of_flows < all {
            court.equal(of_flows, &mut proof);
        }
        proof.faults.extend(egress::differences(&court.expected, &court.universe, &policies, true));
        if !guarded.is_empty() {
            proof.differences.extend(guard::differences(&court, &guarded));
        }
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
    policies: &'a Policies,
    rules: Rules,
    unclear: Vec<Unclear>,
}

impl<'a> Court<'a> {
    fn new(site: &'a Site, plan: &'a ClusterPlan, policies: &'a Policies, facts: &ClusterFacts) -> Self {
        let mut unclear = policies.unclear.clone();
        let mut facts = with_witnesses(facts, policies).unwrap_or_else(|reason| {
            unclear.push(*reason);
            facts.clone()
        });
        facts.names.extend(policies.host_names().cloned());
        let mut expected = Expected::new(site, plan, facts.cilium);
        let universe = Universe::new(&facts, policies.prefixes().chain(expected.prefixes()));
        expected.locate(&universe);
        let rules = Rules::of(policies, &universe, None);
        Self { expected, universe, policies, rules, unclear }
    }

    fn judged<'c>(&'c self, verdicts: &'c Verdicts) -> Judged<'c> {
        Judged { universe: &self.universe, verdicts, policies: self.policies }
    }

    /// Adds where the first `count` policies, as if there were no others, do not allow exactly what the flows need.
    fn equal(&self, count: usize, proof: &mut ClusterProof) {
        let verdicts = self.rules.verdicts(|policy| policy < count);
        proof.differences.extend(self.compare(&verdicts, None));
        // Once more for every request that a proxy or a flow tells apart, and for one that none of them names.
        let requests: BTreeSet<String> = self
            .policies
            .requests()
            .cloned()
            .chain(self.expected.requests())
            .filter(|request| request != "*")
            .collect();
        let other = (!requests.is_empty()).then(String::new);
        for request in requests.into_iter().chain(other) {
            let rules = Rules::of(self.policies, &self.universe, Some(&request));
            proof.differences.extend(self.compare(&rules.verdicts(|policy| policy < count), Some(&request)));
        }
        // What zonec does not decide about, its policies leave alone.
        let free = Reach::of([(&self.universe.everybody(), &everything())]);
        let judged = self.judged(&verdicts);
        for pod in self
            .own()
            .filter(|(n, _)| !self.expected.is_managed(&n.name))
            .flat_map(|(_, pods)| pods.numbers().collect::<Vec<_>>())
        {
            for direction in [Direction::Ingress, Direction::Egress] {
                let lost = free.difference(verdicts.reach(pod, direction));
                proof.differences.extend(judged.difference(pod, direction, &lost, true));
            }
        }
    }

    fn compare(&self, verdicts: &Verdicts, request: Option<&str>) -> Vec<Difference> {
        let judged = self.judged(verdicts);
        let found = workers::each(&self.decided(), |(pod, direction)| {
            let found = verdicts.reach(*pod, *direction);
            let wanted = self.expected.reach(&self.universe, *pod, *direction, request);
            if *found == wanted {
                return Vec::new();
            }
            let sides = [(found.difference(&wanted), false), (wanted.difference(found), true)];
            sides
                .into_iter()
                .filter_map(|(surplus, model)| judged.difference(*pod, *direction, &surplus, model))
                .collect()
        });
        let mut found: Vec<Difference> = found.into_iter().flatten().collect();
        if let Some(request) = request {
            let what = if request.is_empty() { "any other request" } else { request };
            found.iter_mut().for_each(|found| found.port = format!("{} ({what})", found.port));
        }
        found
    }

    /// The namespaces of the own cluster with their pods.
    fn own(&self) -> impl Iterator<Item = (&NamespaceFacts, Ranges)> {
        self.universe.namespaces().filter(|(namespace, _)| namespace.cluster == self.universe.name())
    }

    /// The pods that zonec decides about, with both directions.
    fn decided(&self) -> Vec<(u32, Direction)> {
        let managed = self.own().filter(|(namespace, _)| self.expected.is_managed(&namespace.name));
        let pods = managed.flat_map(|(_, pods)| pods.numbers().collect::<Vec<_>>());
        pods.flat_map(|pod| [(pod, Direction::Ingress), (pod, Direction::Egress)]).collect()
    }
}

/// Whether the policies allow exactly what the flows of the plan need.
#[must_use]
pub fn equal(site: &Site, plan: &ClusterPlan, policies: &Policies, facts: &ClusterFacts) -> ClusterProof {
    let court = Court::new(site, plan, policies, facts);
    let mut proof = ClusterProof { unclear: court.unclear.clone(), ..ClusterProof::default() };
    court.equal(policies.names.len(), &mut proof);
    proof.faults.extend(egress::differences(&court.expected, &court.universe, policies, true));
    proof
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
    let court = Court::new(site, plan, policies, facts);
    let verdicts = court.rules.verdicts(|_| true);
    let mut proof = ClusterProof { unclear: court.unclear.clone(), ..ClusterProof::default() };
    let found = envelope::beyond(&court.expected, &court.universe, &verdicts, &facts.name, alone);
    let judged = court.judged(&verdicts);
    let differences =
        found.into_iter().filter_map(|(pod, direction, surplus)| judged.difference(pod, direction, &surplus, false));
    proof.differences.extend(differences);
    proof.faults.extend(egress::differences(&court.expected, &court.universe, policies, false));
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
