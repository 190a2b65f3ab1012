//! F and F*: who may open connections to whom (rule catalogue 0.1).
//!
//! F has an edge per flow from initiator to responder. F* adds the neighbours: hosts of one segment reach each other
//! without a filter unless the segment is isolated, and so do pods of a namespace without default deny. A segment or
//! namespace is a vertex of its own: it stands for its unlisted hosts and carries the neighbour edges, so that a large
//! segment costs two edges a host instead of a square.

use crate::model::{ComponentId, End, FlowId, GatewayId, NamespaceId, NetworkId, Place, SegmentId, Site};
use petgraph::Direction;
use petgraph::graph::{DiGraph, NodeIndex};
use petgraph::visit::EdgeRef;
use std::collections::{BTreeMap, VecDeque};

/// A vertex of the initiator graph.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Actor {
    /// Any host of an outside network.
    Network(NetworkId),
    /// The hosts of a segment that no component names.
    Segment(SegmentId),
    /// The pods of a namespace that no component names.
    Namespace(NamespaceId),
    /// A packet filter itself.
    Gateway(GatewayId),
    /// A component.
    Component(ComponentId),
}

impl Actor {
    /// Name of what the vertex stands for.
    #[must_use]
    pub fn name(self, site: &Site) -> &str {
        match self {
            Self::Network(id) => &site.networks[id].name,
            Self::Segment(id) => &site.segments[id].name,
            Self::Namespace(id) => &site.namespaces[id].path,
            Self::Gateway(id) => &site.gateways[id].name,
            Self::Component(id) => &site.components[id].name,
        }
    }
}

/// Why one actor reaches another in one step.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Step {
    /// A flow.
    Flow(FlowId),
    /// They stand in one segment or namespace.
    Neighbour,
}

/// The initiator graph F*.
#[derive(Debug)]
pub struct Initiator {
    graph: DiGraph<Actor, Step>,
    index: BTreeMap<Actor, NodeIndex>,
}

impl Initiator {
    /// Builds F* of a site.
    #[must_use]
    pub fn new(site: &Site) -> Self {
        let mut actors: Vec<Actor> = site.networks.ids().map(Actor::Network).collect();
        actors.extend(site.segments.ids().map(Actor::Segment));
        actors.extend(site.namespaces.ids().map(Actor::Namespace));
        actors.extend(site.gateways.ids().map(Actor::Gateway));
        actors.extend(site.components.ids().map(Actor::Component));
        actors.sort_by(|a, b| a.name(site).cmp(b.name(site)).then(a.cmp(b)));
        let mut this = Self { graph: DiGraph::default(), index: BTreeMap::new() };
        for actor in actors {
            let node = this.graph.add_node(actor);
            this.index.insert(actor, node);
        }
        this.neighbours(site);
        for (id, flow) in site.flows.iter() {
            let from: Vec<Actor> = flow.from.iter().flat_map(|end| initiators(site, end.end)).collect();
            let to: Vec<Actor> = flow.to.iter().flat_map(|end| responders(site, end.end)).collect();
            for from in &from {
                for to in &to {
                    this.join(*from, *to, Step::Flow(id));
                }
            }
        }
        this
    }

    fn neighbours(&mut self, site: &Site) {
        for (id, component) in site.components.iter() {
            for leg in &component.legs {
                let Place::Segment(segment) = leg.place else { continue };
                self.join(Actor::Segment(segment), Actor::Component(id), Step::Neighbour);
                if site.segments[segment].decl.isolated.is_none() {
                    self.join(Actor::Component(id), Actor::Segment(segment), Step::Neighbour);
                }
            }
            if let Some(namespace) = component.namespace {
                self.join(Actor::Namespace(namespace), Actor::Component(id), Step::Neighbour);
                if !site.namespaces[namespace].denies_by_default() {
                    self.join(Actor::Component(id), Actor::Namespace(namespace), Step::Neighbour);
                }
            }
        }
    }

    fn join(&mut self, from: Actor, to: Actor, step: Step) {
        if let (Some(from), Some(to)) = (self.index.get(&from), self.index.get(&to))
            && from != to
        {
            self.graph.add_edge(*from, *to, step);
        }
    }

    /// Direct successors of an actor with the step that leads there, in order of names, then flows.
    #[must_use]
    pub fn successors(&self, actor: Actor) -> Vec<(Actor, Step)> {
        let Some(node) = self.index.get(&actor) else { return Vec::new() };
        self.sorted(*node).into_iter().map(|(next, step)| (self.graph[next], step)).collect()
    }

    fn sorted(&self, node: NodeIndex) -> Vec<(NodeIndex, Step)> {
        let edges = self.graph.edges_directed(node, Direction::Outgoing);
        let mut next: Vec<(NodeIndex, Step)> = edges.map(|edge| (edge.target(), *edge.weight())).collect();
        next.sort_unstable();
        next
    }

    /// reach⁺ of some starts: what they reach along initiator direction, never continued through an outside network
    /// or a peer in one. `skip` leaves out single steps (remote access that ZM-ACC-08 accepts, assessed interconnections).
    #[must_use]
    pub fn reach(&self, site: &Site, starts: &[Actor], skip: impl Fn(Actor, Actor, Step) -> bool) -> Reach {
        let mut parent: BTreeMap<Actor, Option<(Actor, Step)>> = BTreeMap::new();
        let mut queue = VecDeque::new();
        for start in starts {
            if let (Some(node), std::collections::btree_map::Entry::Vacant(slot)) =
                (self.index.get(start), parent.entry(*start))
            {
                slot.insert(None);
                queue.push_back(*node);
            }
        }
        while let Some(node) = queue.pop_front() {
            let actor = self.graph[node];
            if !starts.contains(&actor) && is_outside(site, actor) {
                continue;
            }
            for (next, step) in self.sorted(node) {
                let target = self.graph[next];
                if !parent.contains_key(&target) && !skip(actor, target, step) {
                    parent.insert(target, Some((actor, step)));
                    queue.push_back(next);
                }
            }
        }
        Reach { parent }
    }

    /// The starts that stand for an outside network: the network and the peers in it.
    #[must_use]
    pub fn outside(site: &Site, network: NetworkId) -> Vec<Actor> {
        let stands =
            |id: &ComponentId| site.components[*id].legs.iter().any(|leg| leg.place == Place::Network(network));
        let mut starts = vec![Actor::Network(network)];
        starts.extend(site.components.ids().filter(stands).map(Actor::Component));
        starts
    }
}

/// Whether an actor is an outside network or stands in one.
fn is_outside(site: &Site, actor: Actor) -> bool {
    match actor {
        Actor::Network(_) => true,
        Actor::Component(id) => {
            let legs = &site.components[id].legs;
            !legs.is_empty() && legs.iter().all(|leg| matches!(leg.place, Place::Network(_)))
        }
        _ => false,
    }
}

/// What an end stands for when it opens connections: itself and, for a set of hosts, everything in it.
fn initiators(site: &Site, end: End) -> Vec<Actor> {
    match end {
        End::Network(id) => Initiator::outside(site, id),
        End::Zone(id) => site.zones[id].segments.iter().flat_map(|s| initiators(site, End::Segment(*s))).collect(),
        End::Segment(id) => {
            let stands = |c: &ComponentId| site.components[*c].legs.iter().any(|leg| leg.place == Place::Segment(id));
            let mut actors = vec![Actor::Segment(id)];
            actors.extend(site.components.ids().filter(stands).map(Actor::Component));
            actors
        }
        End::Gateway(id) => vec![Actor::Gateway(id)],
        End::Cluster(id) => {
            site.clusters[id].namespaces.iter().flat_map(|n| initiators(site, End::Namespace(*n))).collect()
        }
        End::Namespace(id) => {
            let runs = |c: &ComponentId| site.components[*c].namespace == Some(id);
            let mut actors = vec![Actor::Namespace(id)];
            actors.extend(site.components.ids().filter(runs).map(Actor::Component));
            actors
        }
        End::Component(id) => vec![Actor::Component(id)],
    }
}

/// What an end stands for when it answers. A segment's or namespace's vertex leads on to its members, so one edge does.
fn responders(site: &Site, end: End) -> Vec<Actor> {
    match end {
        End::Network(id) => Initiator::outside(site, id),
        End::Zone(id) => site.zones[id].segments.iter().map(|segment| Actor::Segment(*segment)).collect(),
        End::Segment(id) => vec![Actor::Segment(id)],
        End::Gateway(id) => vec![Actor::Gateway(id)],
        End::Cluster(id) => site.clusters[id].namespaces.iter().map(|namespace| Actor::Namespace(*namespace)).collect(),
        End::Namespace(id) => vec![Actor::Namespace(id)],
        End::Component(id) => vec![Actor::Component(id)],
    }
}

/// What some starts reach, with a shortest chain to each.
#[derive(Debug)]
pub struct Reach {
    parent: BTreeMap<Actor, Option<(Actor, Step)>>,
}

impl Reach {
    /// Whether an actor is reached (or a start).
    #[must_use]
    pub fn contains(&self, actor: Actor) -> bool {
        self.parent.contains_key(&actor)
    }

    /// Everything reached, starts included, in order of ids.
    pub fn actors(&self) -> impl Iterator<Item = Actor> {
        self.parent.keys().copied()
    }

    /// A shortest chain of steps to an actor, from a start: (from, to, step) each.
    #[must_use]
    pub fn steps(&self, actor: Actor) -> Vec<(Actor, Actor, Step)> {
        let mut steps = Vec::new();
        let mut at = actor;
        while let Some(Some((from, step))) = self.parent.get(&at) {
            steps.push((*from, at, *step));
            at = *from;
        }
        steps.reverse();
        steps
    }

    /// The names of a shortest chain to an actor. Segments and namespaces that only carry a neighbour step are left out.
    #[must_use]
    pub fn chain(&self, site: &Site, actor: Actor) -> Vec<String> {
        let steps = self.steps(actor);
        let mut names: Vec<String> = steps.first().map(|(from, _, _)| from.name(site).to_owned()).into_iter().collect();
        for (index, (_, to, _)) in steps.iter().enumerate() {
            let passes = matches!(to, Actor::Segment(_) | Actor::Namespace(_))
                && steps.get(index + 1).is_some_and(|(_, _, step)| *step == Step::Neighbour);
            if !passes {
                names.push(to.name(site).to_owned());
            }
        }
        if names.is_empty() {
            names.push(actor.name(site).to_owned());
        }
        names
    }
}
