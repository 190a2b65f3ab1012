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
mod members;
mod proof;

pub use facts::{PROBE, facts};
pub use proof::{ClusterProof, Difference, Fault};

use crate::model::Site;
use crate::plan::ClusterPlan;
use crate::readers::cluster::Policies;
use crate::readers::cluster::evaluate::Verdicts;
use crate::readers::cluster::facts::ClusterFacts;
use crate::readers::cluster::object::Unclear;
use crate::readers::cluster::ports::Port;
use crate::readers::cluster::rule::Direction;
use crate::readers::cluster::universe::Universe;
use crate::readers::cluster::witness::with_witnesses;
use crate::source::{FileId, Limits};
use crate::space::Reach;
use crate::syntax::tree::parse_documents;
use expected::Expected;
use std::collections::BTreeSet;

/// Reads policies from files (path, text).
#[must_use]
pub fn read<'t>(files: impl IntoIterator<Item = (&'t str, &'t str)>, facts: &ClusterFacts) -> Policies {
    let mut policies = Policies::default();
    for (path, text) in files {
        match parse_documents(text, FileId(0), &limits()) {
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
    let facts = facts(site, plan.cluster);
    let (deployed, mut proof) = deployed::of(plan, files);
    let policies = read(deployed, &facts);
    let found = equal(site, plan, &policies, &facts);
    proof.unclear.extend(found.unclear);
    proof.unclear.extend(deployed::strangers(&policies));
    proof.differences = found.differences;
    proof.faults.extend(found.faults);
    proof.faults.extend(deployed::unmarked(&policies));
    admission::judge(site, plan, &policies, &mut proof);
    proof
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
}

/// Whether the policies allow exactly what the flows of the plan need.
#[must_use]
pub fn equal(site: &Site, plan: &ClusterPlan, policies: &Policies, facts: &ClusterFacts) -> ClusterProof {
    let Court { expected, universe, verdicts, mut proof } = Court::new(site, plan, policies, facts);
    let compare = |verdicts: &Verdicts, request: Option<&str>, proof: &mut ClusterProof| {
        for (pod, direction) in decided(&expected, &universe, &facts.name) {
            let (found, wanted) = (verdicts.reach(pod, direction), expected.reach(&universe, pod, direction, request));
            if *found == wanted {
                continue;
            }
            let policies = || named(policies, verdicts.policies_of(pod, direction));
            let mut note = |surplus: Reach, model| {
                let mut found = difference(&universe, pod, direction, &surplus, model, policies());
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
    let differences = found.into_iter().filter_map(|(pod, direction, surplus)| {
        let policies = named(policies, verdicts.policies_of(pod, direction));
        difference(&universe, pod, direction, &surplus, false, policies)
    });
    proof.differences.extend(differences);
    proof.faults.extend(egress::differences(&expected, &universe, policies, false));
    proof
}

fn named(policies: &Policies, places: &[usize]) -> Vec<String> {
    let mut names: Vec<String> = places.iter().filter_map(|place| policies.names.get(*place)).cloned().collect();
    names.sort();
    names.dedup();
    names
}

/// The first connection of a surplus.
fn difference(
    universe: &Universe,
    pod: u32,
    direction: Direction,
    surplus: &Reach,
    model: bool,
    policies: Vec<String>,
) -> Option<Difference> {
    let (peer, _, ports) = surplus.parts().first()?;
    let port = Port::from_number(ports.first()?).to_string();
    let (pod, peer) = (universe.describe(pod), universe.describe(*peer));
    let (from, to) = if direction == Direction::Ingress { (peer, pod) } else { (pod, peer) };
    Some(Difference { from, to, port, model, policies })
}
