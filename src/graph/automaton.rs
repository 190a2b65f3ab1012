//! The P-A-P automaton over P (rule catalogue 0.1): q0 –filter→ q1 –ALG→ q2 –filter→ q3; every other vertex keeps the state.

use super::topology::{Topology, Vertex};
use crate::model::{ComponentId, GatewayId, Property, Site};
use std::collections::{BTreeMap, VecDeque};

/// How much of packet filter, application-level gateway, packet filter a path has passed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PapState {
    /// Nothing.
    Start,
    /// An outer filter.
    Filter,
    /// A filter, then an ALG.
    Gateway,
    /// All three.
    Passed,
}

/// What a network reaches, in which states, by which shortest paths.
#[derive(Debug)]
pub struct PapReach {
    parent: BTreeMap<(Vertex, PapState), Option<(Vertex, PapState)>>,
}

impl PapReach {
    /// The states in which a vertex is reached, lowest first.
    pub fn states(&self, vertex: Vertex) -> impl Iterator<Item = PapState> {
        let range = (vertex, PapState::Start)..=(vertex, PapState::Passed);
        self.parent.range(range).map(|((_, state), _)| *state)
    }

    /// A shortest path on which a vertex is reached in a state.
    #[must_use]
    pub fn path(&self, vertex: Vertex, state: PapState) -> Vec<Vertex> {
        let mut path = Vec::new();
        let mut next = Some((vertex, state));
        while let Some(at) = next {
            path.push(at.0);
            next = self.parent.get(&at).copied().flatten();
        }
        path.reverse();
        path
    }
}

/// Whether a filter counts for the structure: stateful, layer 4 or above, default deny.
fn counts(site: &Site, gateway: GatewayId) -> bool {
    let gateway = &site.gateways[gateway];
    gateway.is_layer4() && gateway.denies_by_default()
}

/// Runs the automaton from a vertex. `middle` says which components beside ALG kinds count as the middle A: VPN and crypto
/// gateways that meet ZM-ACC-08 (NET.1.1.A18: authenticated VPN access should not pass the ALG).
#[must_use]
pub fn pap_reach(site: &Site, topology: &Topology, start: Vertex, middle: impl Fn(ComponentId) -> bool) -> PapReach {
    let first = (start, PapState::Start);
    let mut parent = BTreeMap::from([(first, None)]);
    let mut queue = VecDeque::from([first]);
    while let Some((vertex, state)) = queue.pop_front() {
        for next in topology.neighbours(vertex) {
            let reached = match (next, state) {
                (Vertex::Gateway(id), PapState::Start) if counts(site, id) => PapState::Filter,
                (Vertex::Gateway(id), PapState::Gateway) if counts(site, id) => PapState::Passed,
                (Vertex::Component(id), PapState::Filter) if site.is(id, Property::Alg) || middle(id) => {
                    PapState::Gateway
                }
                (_, state) => state,
            };
            // Other outside networks are not part of the site; a way through them is the other network's own start.
            if matches!(next, Vertex::Network(_)) {
                continue;
            }
            if let std::collections::btree_map::Entry::Vacant(slot) = parent.entry((next, reached)) {
                slot.insert(Some((vertex, state)));
                queue.push_back((next, reached));
            }
        }
    }
    PapReach { parent }
}
