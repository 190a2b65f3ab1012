//! Whether connections leave the cluster with the source addresses that the site gives its components.

use super::Expected;
use super::proof::Fault;
use crate::readers::cluster::Policies;
use crate::readers::cluster::selector::is;
use crate::readers::cluster::universe::Universe;
use crate::readers::egress_gateway::EgressGateway;
use crate::space::Ranges;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// A policy with its pods and destinations looked up.
struct Resolved<'p> {
    policy: &'p EgressGateway,
    pods: Ranges,
    destinations: Ranges,
}

/// What differs, at most one finding per pod. A missing address counts only with `complete`: it opens nothing, the gateways
/// stop what comes with another one.
pub(super) fn differences(
    expected: &Expected<'_>,
    universe: &Universe,
    policies: &Policies,
    complete: bool,
) -> Vec<Fault> {
    let resolved: Vec<Resolved<'_>> = policies.egress.iter().map(|policy| resolve(policy, universe)).collect();
    let mut found: Vec<Fault> =
        resolved.iter().filter_map(|item| wrong_nodes(item.policy, expected.egress_pool())).collect();
    for (namespace, pods) in universe.namespaces() {
        if namespace.cluster != universe.name() || !expected.is_managed(&namespace.name) {
            continue;
        }
        for pod in pods.numbers() {
            found.extend(of_pod(expected, universe, &resolved, pod, complete));
        }
    }
    found
}

fn resolve<'p>(policy: &'p EgressGateway, universe: &Universe) -> Resolved<'p> {
    let pods = policy.subjects.iter().map(|subject| universe.select(subject)).collect::<Vec<_>>().iter().collect();
    let cells = |prefixes: &[ipnet::IpNet]| -> Ranges {
        prefixes.iter().map(|prefix| universe.block(*prefix, &[])).collect::<Vec<_>>().iter().collect()
    };
    let same_family = |prefix: &&ipnet::IpNet| prefix.addr().is_ipv4() == policy.address.is_ipv4();
    let destinations: Vec<ipnet::IpNet> = policy.destinations.iter().filter(same_family).copied().collect();
    Resolved { policy, pods, destinations: cells(&destinations).difference(&cells(&policy.excluded)) }
}

fn wrong_nodes(policy: &EgressGateway, pool: Option<&str>) -> Option<Fault> {
    let wanted = pool.map(|pool| vec![("zonec.io/pool".to_owned(), is(pool))]);
    (wanted.as_ref() != Some(&policy.node))
        .then(|| Fault::new(&policy.object, "leaves by nodes that are not the cluster's pool of the role `egress`"))
}

fn of_pod(
    expected: &Expected<'_>,
    universe: &Universe,
    resolved: &[Resolved<'_>],
    pod: u32,
    complete: bool,
) -> Option<Fault> {
    let mut wanted: BTreeMap<IpAddr, Ranges> = BTreeMap::new();
    for (cells, address) in expected.leaves(universe, pod) {
        let all = wanted.entry(address).or_default();
        *all = all.union(&cells);
    }
    let applied: Vec<&Resolved<'_>> = resolved.iter().filter(|item| item.pods.contains(pod)).collect();
    let nothing = Ranges::EMPTY;
    for item in &applied {
        let surplus = item.destinations.difference(wanted.get(&item.policy.address).unwrap_or(&nothing));
        if let Some(to) = surplus.first() {
            let (from, to) = (universe.describe(pod), universe.describe(to));
            let reason = format!(
                "gives {from} the source address {} towards {to}, which the site does not",
                item.policy.address
            );
            return Some(Fault::new(&item.policy.object, reason));
        }
    }
    if !complete {
        return None;
    }
    for (address, cells) in &wanted {
        let given: Ranges = applied
            .iter()
            .filter(|item| item.policy.address == *address)
            .map(|item| item.destinations.clone())
            .collect::<Vec<_>>()
            .iter()
            .collect();
        if let Some(to) = cells.difference(&given).first() {
            let (from, to) = (universe.describe(pod), universe.describe(to));
            return Some(Fault::new(
                from,
                format!("has no source address {address} towards {to}, as the site asks for"),
            ));
        }
    }
    None
}
