//! What a cluster allows beyond the envelope of its namespaces.

use super::expected::Expected;
use crate::readers::cluster::evaluate::Verdicts;
use crate::readers::cluster::ports::Port;
use crate::readers::cluster::rule::Direction;
use crate::readers::cluster::universe::Universe;
use crate::space::{Ranges, Reach};
use std::collections::BTreeMap;

/// Pods with what they may open or accept beyond the envelope, where the other side does not stop it.
///
/// The envelope of a namespace is everything inside it, and of other namespaces and the outside the ports that its flows
/// need, whichever of its pods needs them. With `alone` each side has to hold by itself. Nodes and the own host are left out: see the residuals of the targets.
pub(super) fn beyond(
    expected: &Expected<'_>,
    universe: &Universe,
    verdicts: &Verdicts,
    cluster: &str,
    alone: bool,
) -> Vec<(u32, Direction, Reach)> {
    let bounds = bounds(expected, universe, cluster, Strength::Cilium);
    let own = universe.namespaces().filter(|(n, _)| n.cluster == cluster && expected.is_managed(&n.name));
    let managed: Ranges = own.map(|(_, pods)| pods).collect::<Vec<_>>().iter().collect();
    let mut found = Vec::new();
    for pod in managed.numbers() {
        let Some((namespace, _)) = universe.pod(pod) else { continue };
        for direction in [Direction::Ingress, Direction::Egress] {
            let Some(bound) = bounds.get(&(namespace.name.as_str(), direction)) else { continue };
            let surplus = verdicts.reach(pod, direction).difference(bound);
            let opposite = if direction == Direction::Ingress { Direction::Egress } else { Direction::Ingress };
            if alone {
                if !surplus.parts().is_empty() {
                    found.push((pod, direction, surplus));
                }
                continue;
            }
            // Between two managed pods a connection needs both sides; it is reported where it starts.
            let open = surplus.parts().iter().flat_map(|(first, last, ports)| {
                let peers = Ranges::between(*first, *last);
                let free = peers.difference(&managed);
                let both = peers.intersection(&managed);
                let met = both
                    .numbers()
                    .filter(|_| direction == Direction::Egress)
                    .map(|peer| (Ranges::one(peer), ports.intersection(verdicts.reach(peer, opposite).ports(pod))));
                met.chain([(free, ports.clone())]).collect::<Vec<_>>()
            });
            let open: Vec<(Ranges, Ranges)> = open.collect();
            let reach = Reach::of(open.iter().map(|(peers, ports)| (peers, ports)));
            if !reach.parts().is_empty() {
                found.push((pod, direction, reach));
            }
        }
    }
    found
}

/// What a guardrail can tell apart.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Strength {
    /// Everything but ICMP messages and protocols beside released ports.
    Cilium,
    /// Ports exactly, but on ingress no addresses.
    ClusterNetworkPolicy,
}

/// What the pods of each managed namespace may reach at most.
pub(super) fn bounds<'u>(
    expected: &Expected<'_>,
    universe: &'u Universe,
    cluster: &str,
    strength: Strength,
) -> BTreeMap<(&'u str, Direction), Reach> {
    let mut all = BTreeMap::new();
    for (namespace, pods) in universe.namespaces().filter(|(n, _)| n.cluster == cluster && expected.is_managed(&n.name))
    {
        for direction in [Direction::Ingress, Direction::Egress] {
            let bound = bound(expected, universe, (&namespace.name, &pods), direction, strength);
            all.insert((namespace.name.as_str(), direction), bound);
        }
    }
    all
}

/// What pods of a namespace may reach at most.
fn bound(
    expected: &Expected<'_>,
    universe: &Universe,
    (namespace, own): (&str, &Ranges),
    direction: Direction,
    strength: Strength,
) -> Reach {
    let everything = crate::readers::cluster::ports::everything();
    // Special endpoints are no tenants' business; names stand for addresses outside, which are bounded as such.
    let nodes = universe.everybody().difference(universe.outside()).difference(&universe.all_pods());
    let mut products = vec![(own.clone(), everything.clone()), (nodes, everything.clone())];
    let beside = if strength == Strength::Cilium { no_requests() } else { Ranges::EMPTY };
    if strength == Strength::ClusterNetworkPolicy && direction == Direction::Ingress {
        products.push((universe.outside().clone(), everything));
    }
    // Namespaces, not pods, are what a guardrail tells apart.
    for (permit, peers, ports) in expected.of_namespace(namespace, direction) {
        let behind_names = expected.behind_names(universe, permit);
        products.push((universe.whole_namespaces(behind_names.as_ref().unwrap_or(peers)), ports.union(&beside)));
    }
    if let Some((peers, ports)) = own.numbers().find_map(|pod| expected.name_service(universe, pod, direction)) {
        products.push((universe.whole_namespaces(peers), ports.union(&beside)));
    }
    Reach::of(products.iter().map(|(peers, ports)| (peers, ports)))
}

/// ICMP messages that ask for no answer and IP protocols without ports: a deny by ports leaves them alone. The former
/// open nothing, the latter Cilium drops unless told otherwise.
fn no_requests() -> Ranges {
    let icmp = (0..=u8::MAX).filter(|kind| ![8, 13, 15, 17].contains(kind)).map(Port::Icmp);
    let icmpv6 = (0..=u8::MAX).filter(|kind| ![128, 139].contains(kind)).map(Port::Icmpv6);
    let others = (0..=u8::MAX).map(Port::Protocol);
    icmp.chain(icmpv6).chain(others).map(|port| (port.number(), port.number())).collect()
}
