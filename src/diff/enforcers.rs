//! What changes at each gateway and cluster: its part of the plan, compared by what it lets through.

use super::{clusters, gateways};
use crate::claims::Pods;
use crate::model::Site;
use crate::plan::{Plan, PlanError};
use std::collections::{BTreeMap, BTreeSet};

/// What became of what an enforcer lets through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The same permits: comments and annotations of its files change at most.
    Same,
    /// Other permits that treat every packet as before.
    Equal,
    /// Some packet is treated otherwise.
    Differs,
    /// It is new.
    New,
    /// It is gone.
    Gone,
}

impl Outcome {
    /// The word in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Equal => "equal",
            Self::Differs => "differs",
            Self::New => "new",
            Self::Gone => "gone",
        }
    }

    /// The outcome for an enforcer that one side may lack, that is written otherwise, that treats some packet otherwise.
    pub(super) const fn of(old: bool, new: bool, is_rewritten: bool, differs: bool) -> Self {
        match (old, new) {
            (false, _) => Self::New,
            (_, false) => Self::Gone,
            _ if differs => Self::Differs,
            _ if is_rewritten => Self::Equal,
            _ => Self::Same,
        }
    }
}

/// A gateway or cluster of either site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enforcer {
    /// Its name.
    pub name: String,
    /// Its file or folder in the output.
    pub artefact: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Number of permits in the new site.
    pub permits: usize,
    /// Flows whose permits here differ.
    pub flows: Vec<String>,
    /// New connections that are let through now and were not, by flow. Exact: nothing is in two rows, nothing is left out.
    pub opened: Vec<Row>,
    /// New connections that were let through and are not any more, by flow.
    pub closed: Vec<Row>,
    /// Source addresses that may enter a gateway now and might not, or the other way round, by interface.
    pub sources: Vec<SourceCheck>,
    /// What else of a cluster is written otherwise.
    pub frame: Vec<FramePart>,
    /// Shell lines that delete open connections which are not allowed any more, at a gateway; rules judge new ones only.
    pub connections: Vec<String>,
}

/// What shapes the objects of a cluster beside its permits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FramePart {
    /// NetworkPolicies or CiliumNetworkPolicies.
    Dialect,
    /// Versions, guardrails, name in a mesh.
    Capabilities,
    /// The namespaces that zonec decides about.
    Namespaces,
    /// Source addresses outside, and the nodes by which packets leave.
    Egress,
}

impl FramePart {
    /// The word in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Dialect => "dialect",
            Self::Capabilities => "capabilities",
            Self::Namespaces => "namespaces",
            Self::Egress => "egress",
        }
    }
}

/// Packets that an enforcer treats otherwise.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// The flow that accounts for them.
    pub flow: String,
    /// `forward a0 → d0` at a gateway, `egress` or `ingress` of a cluster.
    pub at: String,
    /// Prefixes of the sources, or paths of the pods.
    pub source: Vec<String>,
    /// Prefixes of the destinations, or paths of the pods.
    pub destination: Vec<String>,
    /// `tcp/443`.
    pub service: Vec<String>,
    /// HTTP requests, names of destinations.
    pub condition: Vec<String>,
}

/// A change of the source check of an interface.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourceCheck {
    /// The interface.
    pub interface: String,
    /// Prefixes that may enter now.
    pub opened: Vec<String>,
    /// Prefixes that may not enter any more.
    pub closed: Vec<String>,
}

/// Compares the enforcers of two sites.
pub(super) fn enforcers(
    plans: [Result<Plan, PlanError>; 2],
    sites: [&Site; 2],
    pods: &Pods,
) -> Result<Vec<Enforcer>, String> {
    let failed = |error: PlanError| format!("{}: {}", error.object, error.reason);
    let [before, after] = plans;
    let (before, after) = (before.map_err(failed)?, after.map_err(failed)?);
    let mut found = Vec::new();
    for (name, [old, new]) in paired(&before.gateways, &after.gateways, |plan| &plan.name) {
        let sides = [old.map(|plan| (plan, sites[0])), new.map(|plan| (plan, sites[1]))];
        found.push(gateways::compare(name, sides).map_err(|error| format!("{name}: {error}"))?);
    }
    for (name, [old, new]) in paired(&before.clusters, &after.clusters, |plan| &plan.name) {
        let sides = [old.map(|plan| (plan, sites[0])), new.map(|plan| (plan, sites[1]))];
        found.push(clusters::compare(name, sides, pods).map_err(|error| format!("{name}: {error}"))?);
    }
    Ok(found)
}

/// What has one name on both sides, in order of name.
pub(super) fn paired<'a, T>(
    old: &'a [T],
    new: &'a [T],
    name: impl Fn(&'a T) -> &'a str,
) -> Vec<(&'a str, [Option<&'a T>; 2])> {
    let mut pairs: BTreeMap<&str, [Option<&T>; 2]> = BTreeMap::new();
    old.iter().for_each(|item| pairs.entry(name(item)).or_default()[0] = Some(item));
    new.iter().for_each(|item| pairs.entry(name(item)).or_default()[1] = Some(item));
    pairs.into_iter().collect()
}

/// What of some flows' permits stays, and what does not.
pub(super) struct Sorted<'a, K> {
    /// Flows whose permits differ, in order of name.
    pub flows: Vec<&'a str>,
    /// Permits of those flows that only the old side has, with the number of their flow from 1.
    pub gone: Vec<(K, u32)>,
    /// Those that only the new side has.
    pub come: Vec<(K, u32)>,
    /// Permits of both sides.
    pub kept: Vec<K>,
}

/// Sorts the permits of both sides. Flows whose permits are the same in the same order are not looked at twice.
pub(super) fn sorted<'a, K: Ord + Clone>(
    old: BTreeMap<&'a str, Vec<K>>,
    new: BTreeMap<&'a str, Vec<K>>,
) -> Sorted<'a, K> {
    let mut sorted = Sorted { flows: Vec::new(), gone: Vec::new(), come: Vec::new(), kept: Vec::new() };
    let names: BTreeSet<&str> = old.keys().chain(new.keys()).copied().collect();
    let (mut old, mut new) = (old, new);
    for name in names {
        let (before, after) = (old.remove(name).unwrap_or_default(), new.remove(name).unwrap_or_default());
        if before == after {
            sorted.kept.extend(after);
            continue;
        }
        let [before, after] = [before, after].map(|list| list.into_iter().collect::<BTreeSet<K>>());
        sorted.kept.extend(before.intersection(&after).cloned());
        let label = u32::try_from(sorted.flows.len() + 1).unwrap_or(u32::MAX);
        let only = |these: &BTreeSet<K>, those: &BTreeSet<K>| -> Vec<(K, u32)> {
            these.difference(those).map(|key| (key.clone(), label)).collect()
        };
        let (gone, come) = (only(&before, &after), only(&after, &before));
        if !gone.is_empty() || !come.is_empty() {
            sorted.flows.push(name);
            sorted.gone.extend(gone);
            sorted.come.extend(come);
        }
    }
    sorted
}
