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
use std::collections::BTreeSet;

/// Connections that a tenant's policy opens beyond the envelope, or cannot open inside it; at most one of each per pod and
/// direction.
pub(super) fn differences(
    site: &Site,
    plan: &ClusterPlan,
    policies: &Policies,
    facts: &ClusterFacts,
) -> Vec<Difference> {
    let guardrails = guardrails(site, plan);
    let strengths: Vec<Strength> = guardrails
        .iter()
        .filter_map(|guardrail| match guardrail {
            Guardrail::Cilium => Some(Strength::Cilium),
            Guardrail::ClusterNetworkPolicy => Some(Strength::ClusterNetworkPolicy),
            Guardrail::Admission => None,
        })
        .collect();
    if strengths.is_empty() {
        return Vec::new();
    }
    let overlaid = with_tenants(site, plan, policies, facts);
    let court = Court::new(site, plan, &overlaid, facts);
    let judged = court.judged(&overlaid);
    let bounds: Vec<_> =
        strengths.iter().map(|strength| bounds(&court.expected, &court.universe, &facts.name, *strength)).collect();
    // Guardrails know no names; they bound the addresses behind them.
    let names = Reach::of([(&court.universe.named(), &everything())]);
    let mut found = Vec::new();
    for (pod, direction) in super::decided(&court.expected, &court.universe, &facts.name) {
        let Some((namespace, _)) = court.universe.pod(pod) else { continue };
        let reach = court.verdicts.reach(pod, direction).difference(&names);
        let wanted = bounds.iter().filter_map(|bound| bound.get(&(namespace.name.as_str(), direction)));
        let wanted = wanted.cloned().reduce(|one, other| one.difference(&one.difference(&other)));
        let wanted = wanted.map(|wanted| wanted.difference(&names)).filter(|wanted| *wanted != reach);
        let Some(wanted) = wanted else { continue };
        for (surplus, model) in [(reach.difference(&wanted), false), (wanted.difference(&reach), true)] {
            let difference = judged.difference(pod, direction, &surplus, model);
            found.extend(difference.map(|difference| Difference { tenant: true, ..difference }));
        }
    }
    found
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

/// The policies with one that allows the pods of all managed namespaces everything.
fn with_tenants(site: &Site, plan: &ClusterPlan, policies: &Policies, facts: &ClusterFacts) -> Policies {
    let mut overlaid = policies.clone();
    let namespaces = site.clusters[plan.cluster].namespaces.iter().map(|id| &site.namespaces[*id]);
    let managed: BTreeSet<String> =
        namespaces.filter(|namespace| namespace.is_managed()).map(|namespace| namespace.name.clone()).collect();
    let subject =
        Selector::default().and(Subject::NamespaceName, Test::In(managed)).and(Subject::Cluster, is(&facts.name));
    let policy = overlaid.names.len();
    overlaid.names.push("a tenant's policy that allows everything".to_owned());
    overlaid.rules.extend([Direction::Ingress, Direction::Egress].map(|direction| Rule {
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
    overlaid
}
