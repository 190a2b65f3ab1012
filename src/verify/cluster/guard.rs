//! Whether guardrails hold: with a policy of a tenant that allows everything, a namespace's pods reach its envelope, no more
//! and no less. Less would take away the tenants' right to open their own namespace to itself.

use super::Court;
use super::envelope::{Strength, bounds};
use super::proof::Difference;
use crate::model::Site;
use crate::plan::ClusterPlan;
use crate::readers::cluster::Policies;
use crate::readers::cluster::facts::ClusterFacts;
use crate::readers::cluster::ports::everything;
use crate::readers::cluster::rule::{Action, Direction, Peers, PortTerms, Proxy, Rule, Tier};
use crate::readers::cluster::selector::{Selector, Subject, Test, is};
use crate::space::Reach;
use crate::syntax::objects::{Guardrail, PolicyDialect};
use crate::workers;
use std::collections::BTreeSet;

/// What the guardrails inside the cluster can tell apart; nothing when the site asks for none of that kind.
pub(super) fn strengths(site: &Site, plan: &ClusterPlan) -> Vec<Strength> {
    let of = |guardrail: &Guardrail| match guardrail {
        Guardrail::Cilium => Some(Strength::Cilium),
        Guardrail::ClusterNetworkPolicy => Some(Strength::ClusterNetworkPolicy),
        Guardrail::Admission => None,
    };
    guardrails(site, plan).iter().filter_map(of).collect()
}

/// Connections that a tenant's policy ([`add_tenants`]) opens beyond the envelope, or cannot open inside it; at most one of
/// each per pod and direction.
pub(super) fn differences(court: &Court<'_>, strengths: &[Strength]) -> Vec<Difference> {
    let (expected, universe) = (&court.expected, &court.universe);
    let verdicts = court.rules.verdicts(|_| true);
    let judged = court.judged(&verdicts);
    // Guardrails know no names; they bound the addresses behind them.
    let names = Reach::of([(&universe.named(), &everything())]);
    let bounds = strengths.iter().map(|strength| bounds(expected, universe, universe.name(), *strength));
    let bounds = bounds.reduce(|one, mut other| {
        let both = |(place, one): (_, Reach)| {
            let other = other.remove(&place)?;
            Some((place, one.difference(&one.difference(&other))))
        };
        one.into_iter().filter_map(both).collect()
    });
    let mut wanted = bounds.unwrap_or_default();
    wanted.values_mut().for_each(|bound| *bound = bound.difference(&names));
    let found = workers::each(&court.decided(), |(pod, direction)| {
        let bound = universe.pod(*pod).and_then(|(namespace, _)| wanted.get(&(namespace.name.as_str(), *direction)));
        let Some(wanted) = bound else { return Vec::new() };
        let reach = verdicts.reach(*pod, *direction).difference(&names);
        if *wanted == reach {
            return Vec::new();
        }
        let sides = [(reach.difference(wanted), false), (wanted.difference(&reach), true)];
        let found = sides.iter().filter_map(|(surplus, model)| judged.difference(*pod, *direction, surplus, *model));
        found.map(|difference| Difference { tenant: true, ..difference }).collect()
    });
    found.into_iter().flatten().collect()
}

/// The guardrails that the site asks for.
pub(super) fn guardrails(site: &Site, plan: &ClusterPlan) -> BTreeSet<Guardrail> {
    let decl = &site.clusters[plan.cluster].decl;
    match &decl.guardrail {
        Some(list) => list.iter().map(|guardrail| guardrail.value).collect(),
        None if decl.policy.value == PolicyDialect::Cilium => BTreeSet::from([Guardrail::Cilium]),
        None => BTreeSet::from([Guardrail::Admission]),
    }
}

/// Adds a policy that allows the pods of all managed namespaces everything.
pub(super) fn add_tenants(site: &Site, plan: &ClusterPlan, policies: &mut Policies, facts: &ClusterFacts) {
    let namespaces = site.clusters[plan.cluster].namespaces.iter().map(|id| &site.namespaces[*id]);
    let managed: BTreeSet<String> =
        namespaces.filter(|namespace| namespace.is_managed()).map(|namespace| namespace.name.clone()).collect();
    let subject =
        Selector::default().and(Subject::NamespaceName, Test::In(managed)).and(Subject::Cluster, is(&facts.name));
    let policy = policies.names.len();
    policies.names.push("a tenant's policy that allows everything".to_owned());
    policies.rules.extend([Direction::Ingress, Direction::Egress].map(|direction| Rule {
        policy,
        direction,
        tier: Tier::Normal,
        action: Action::Allow,
        subject: subject.clone(),
        isolates: true,
        peers: Peers::Everybody,
        ports: PortTerms { numbers: everything(), names: Vec::new() },
        proxy: Proxy::None,
    }));
}
