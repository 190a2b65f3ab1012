//! P: the undirected graph of networks, segments, gateways and components with two legs or more.

use crate::model::{ComponentId, GatewayId, LegRole, NetworkId, Place, SegmentId, Site};
use petgraph::graph::{NodeIndex, UnGraph};
use std::collections::{BTreeMap, VecDeque};

/// A vertex of P.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Vertex {
    /// An outside network.
    Network(NetworkId),
    /// A segment.
    Segment(SegmentId),
    /// A packet filter.
    Gateway(GatewayId),
    /// A component with two legs or more.
    Component(ComponentId),
}

impl Vertex {
    /// The vertex of a place.
    #[must_use]
    pub const fn of(place: Place) -> Self {
        match place {
            Place::Network(id) => Self::Network(id),
            Place::Segment(id) => Self::Segment(id),
        }
    }

    /// Name of what the vertex stands for.
    #[must_use]
    pub fn name(self, site: &Site) -> &str {
        match self {
            Self::Network(id) => &site.networks[id].name,
            Self::Segment(id) => &site.segments[id].name,
            Self::Gateway(id) => &site.gateways[id].name,
            Self::Component(id) => &site.components[id].name,
        }
    }
}

/// The topology of a site.
#[derive(Debug)]
pub struct Topology {
    graph: UnGraph<Vertex, ()>,
    index: BTreeMap<Vertex, NodeIndex>,
}

impl Topology {
    /// P, or P_all when `management` is set.
    #[must_use]
    pub fn new(site: &Site, management: bool) -> Self {
        let counts = |role: LegRole| management || role == LegRole::Data;
        let mut vertices: Vec<Vertex> = site.networks.ids().map(Vertex::Network).collect();
        vertices.extend(site.segments.ids().map(Vertex::Segment));
        vertices.extend(site.gateways.ids().map(Vertex::Gateway));
        let legged = |id: &ComponentId| site.components[*id].legs.iter().filter(|leg| counts(leg.role)).count() >= 2;
        vertices.extend(site.components.ids().filter(legged).map(Vertex::Component));
        // Node numbers in order of names: neighbours sorted by number are sorted by name.
        vertices.sort_by(|a, b| a.name(site).cmp(b.name(site)).then(a.cmp(b)));
        let mut topology = Self { graph: UnGraph::default(), index: BTreeMap::new() };
        for vertex in vertices {
            let node = topology.graph.add_node(vertex);
            topology.index.insert(vertex, node);
        }
        for (id, gateway) in site.gateways.iter() {
            for interface in gateway.interfaces.iter().filter(|interface| counts(interface.leg.role)) {
                topology.join(Vertex::Gateway(id), Vertex::of(interface.leg.place));
            }
        }
        for (id, component) in site.components.iter() {
            for leg in component.legs.iter().filter(|leg| counts(leg.role)) {
                topology.join(Vertex::Component(id), Vertex::of(leg.place));
            }
        }
        for uplink in site.uplinks.values() {
            let end = uplink.segment.map_or(Vertex::Gateway(uplink.gateway), Vertex::Segment);
            topology.join(Vertex::Network(uplink.network), end);
        }
        topology
    }

    fn join(&mut self, a: Vertex, b: Vertex) {
        if let (Some(a), Some(b)) = (self.index.get(&a), self.index.get(&b)) {
            self.graph.update_edge(*a, *b, ());
        }
    }

    /// The vertices in order of names.
    pub fn vertices(&self) -> impl Iterator<Item = Vertex> {
        self.graph.node_weights().copied()
    }

    /// Whether a vertex is in the graph (a component with one leg is not).
    #[must_use]
    pub fn contains(&self, vertex: Vertex) -> bool {
        self.index.contains_key(&vertex)
    }

    /// Neighbours of a vertex in order of names.
    #[must_use]
    pub fn neighbours(&self, vertex: Vertex) -> Vec<Vertex> {
        let Some(node) = self.index.get(&vertex) else { return Vec::new() };
        self.sorted(*node).into_iter().map(|next| self.graph[next]).collect()
    }

    fn sorted(&self, node: NodeIndex) -> Vec<NodeIndex> {
        let mut next: Vec<NodeIndex> = self.graph.neighbors(node).collect();
        next.sort_unstable();
        next
    }

    /// A shortest path from `start` to the first vertex (in order of distance, then name) for which `goal` holds, never
    /// through a `blocked` vertex. The start is not asked. `None` means: cut.
    #[must_use]
    pub fn path(
        &self,
        start: Vertex,
        goal: impl Fn(Vertex) -> bool,
        blocked: impl Fn(Vertex) -> bool,
    ) -> Option<Vec<Vertex>> {
        let first = *self.index.get(&start)?;
        let mut parent: Vec<Option<NodeIndex>> = vec![None; self.graph.node_count()];
        let mut queue = VecDeque::from([first]);
        mark(&mut parent, first, first);
        while let Some(node) = queue.pop_front() {
            let vertex = self.graph[node];
            if node != first && goal(vertex) {
                return Some(self.trail(&parent, node, first));
            }
            for next in self.sorted(node) {
                let unseen = parent.get(next.index()).is_some_and(Option::is_none);
                if unseen && !blocked(self.graph[next]) {
                    mark(&mut parent, next, node);
                    queue.push_back(next);
                }
            }
        }
        None
    }

    /// Every vertex that `start` reaches without a `blocked` one, `start` included, sorted.
    #[must_use]
    pub fn component(&self, start: Vertex, blocked: impl Fn(Vertex) -> bool) -> Vec<Vertex> {
        let Some(first) = self.index.get(&start).copied() else { return Vec::new() };
        let mut seen = vec![false; self.graph.node_count()];
        let mut queue = VecDeque::from([first]);
        let mut found = Vec::new();
        if let Some(slot) = seen.get_mut(first.index()) {
            *slot = true;
        }
        while let Some(node) = queue.pop_front() {
            found.push(self.graph[node]);
            for next in self.sorted(node) {
                if let Some(slot) = seen.get_mut(next.index()).filter(|slot| !**slot)
                    && !blocked(self.graph[next])
                {
                    *slot = true;
                    queue.push_back(next);
                }
            }
        }
        found.sort_unstable();
        found
    }

    fn trail(&self, parent: &[Option<NodeIndex>], end: NodeIndex, first: NodeIndex) -> Vec<Vertex> {
        let mut trail = vec![self.graph[end]];
        let mut node = end;
        while node != first {
            let Some(Some(before)) = parent.get(node.index()) else { break };
            node = *before;
            trail.push(self.graph[node]);
        }
        trail.reverse();
        trail
    }
}

fn mark(parent: &mut [Option<NodeIndex>], node: NodeIndex, from: NodeIndex) {
    if let Some(slot) = parent.get_mut(node.index()) {
        *slot = Some(from);
    }
}

impl Topology {
    /// Names of a path, for a witness.
    #[must_use]
    pub fn names(site: &Site, path: &[Vertex]) -> Vec<String> {
        path.iter().map(|vertex| vertex.name(site).to_owned()).collect()
    }
}
