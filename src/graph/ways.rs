//! The ways of flows: from a leg of the initiator to a leg of the responder, over all shortest chains of gateways.

use super::routes::{Mode, Routes};
use crate::model::{
    Addresses, ClusterId, ComponentId, End, EndRef, Family, FlowId, GatewayId, LegRole, Place, SegmentId, Site,
};
use crate::syntax::objects::{EgressMode, PoolRole};
use std::collections::BTreeMap;
use std::rc::Rc;

/// Where a way starts or ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stop {
    /// The place.
    pub place: Place,
    /// The addresses seen there.
    pub addresses: Addresses,
    /// The interface, when the end is a gateway itself.
    pub gateway: Option<(GatewayId, usize)>,
}

/// Which chain of a gateway a packet meets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Hook {
    /// Routed through.
    Forward,
    /// To the gateway itself.
    Input,
    /// From the gateway itself.
    Output,
}

/// A gateway on a way.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Hop {
    /// Number of gateways before it; parallel gateways share it.
    pub level: u32,
    /// The gateway.
    pub gateway: GatewayId,
    /// Interface the packet enters by; `None` when it starts here.
    pub input: Option<usize>,
    /// Interface the packet leaves by; `None` when it ends here.
    pub output: Option<usize>,
}

impl Hop {
    /// The chain the packet meets.
    #[must_use]
    pub const fn hook(&self) -> Hook {
        match (self.input, self.output) {
            (Some(_), None) => Hook::Input,
            (None, _) => Hook::Output,
            _ => Hook::Forward,
        }
    }
}

/// One way: two legs and every gateway on a shortest chain between them.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Way {
    /// Where it starts.
    pub source: Stop,
    /// Where it ends.
    pub destination: Stop,
    /// The gateways, in order of level, then name.
    pub hops: Vec<Hop>,
}

impl Way {
    /// Families that both ends have and the flow asks for.
    pub fn families(&self) -> impl Iterator<Item = Family> {
        Family::BOTH
            .into_iter()
            .filter(|family| self.source.addresses.has(*family) && self.destination.addresses.has(*family))
    }
}

/// Why two ends have no way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum NoWay {
    /// The initiator has no address outside its cluster.
    NoSource,
    /// The responder has no address outside its cluster.
    NoDestination,
    /// Nothing leads from one to the other. The gateways at the initiator's and at the responder's places.
    Unreachable {
        /// Gateways the initiator's places have.
        near_source: Vec<GatewayId>,
        /// Gateways the responder's places have.
        near_destination: Vec<GatewayId>,
    },
}

/// What was found for one pair of ends of a flow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PairWays {
    /// The initiator.
    pub from: EndRef,
    /// The responder.
    pub to: EndRef,
    /// Whether both run in one cluster or in clusters of one mesh: then the policies of the clusters alone enforce the flow,
    /// because an overlay carries it past every gateway.
    pub among_pods: bool,
    /// The shortest ways; several when several legs are equally near.
    pub ways: Result<Vec<Way>, NoWay>,
}

/// The ways of every flow.
#[derive(Debug)]
pub struct Ways(Vec<Vec<PairWays>>);

impl Ways {
    /// Finds the ways of all flows.
    #[must_use]
    pub fn new(site: &Site, routes: &Routes) -> Self {
        let mut finder = Finder { site, routes, distances: BTreeMap::new() };
        Self(site.flows.values().map(|flow| finder.pairs(&flow.from, &flow.to)).collect())
    }

    /// The ways of a flow, by pairs of ends.
    #[must_use]
    pub fn of(&self, flow: FlowId) -> &[PairWays] {
        use crate::model::ids::Id;
        self.0.get(flow.index()).map_or(&[], Vec::as_slice)
    }

    /// The ways between two ends, whether or not a flow joins them (trace, policy tests).
    #[must_use]
    pub fn between(site: &Site, routes: &Routes, from: EndRef, to: EndRef) -> PairWays {
        Finder { site, routes, distances: BTreeMap::new() }.pair(from, to)
    }
}

struct Finder<'a> {
    site: &'a Site,
    routes: &'a Routes,
    distances: BTreeMap<(Place, Mode), Rc<BTreeMap<Place, u32>>>,
}

impl Finder<'_> {
    fn pairs(&mut self, from: &[EndRef], to: &[EndRef]) -> Vec<PairWays> {
        let mut pairs = Vec::with_capacity(from.len() * to.len());
        for from in from {
            for to in to {
                // A host does not reach itself over a network.
                if from.end != to.end || !matches!(from.end, End::Component(_) | End::Gateway(_)) {
                    pairs.push(self.pair(*from, *to));
                }
            }
        }
        pairs
    }

    fn pair(&mut self, from: EndRef, to: EndRef) -> PairWays {
        let site = self.site;
        let among_pods = site
            .cluster_of(from.end)
            .is_some_and(|a| site.cluster_of(to.end).is_some_and(|b| a == b || site.share_mesh(a, b)));
        let ways = if among_pods { Ok(Vec::new()) } else { self.ways(from.end, to.end) };
        PairWays { from, to, among_pods, ways }
    }

    fn ways(&mut self, from: End, to: End) -> Result<Vec<Way>, NoWay> {
        let mode = if self.in_management(from) || self.in_management(to) { Mode::Management } else { Mode::Production };
        let sources = self.stops(from, mode, true);
        let destinations = self.stops(to, mode, false);
        if sources.is_empty() {
            return Err(NoWay::NoSource);
        }
        if destinations.is_empty() {
            return Err(NoWay::NoDestination);
        }
        // A set of hosts is as many ends as it has places; a single host takes the leg that is nearest.
        let (many_sources, many_destinations) = (is_set(self.site, from, true), is_set(self.site, to, false));
        let mut ways = Vec::new();
        for source in groups(&sources, many_sources) {
            for destination in groups(&destinations, many_destinations) {
                ways.append(&mut self.shortest(source, destination, mode));
            }
        }
        if ways.is_empty() {
            let near = |stops: &[Stop]| {
                let doors = stops.iter().flat_map(|stop| self.routes.doors(stop.place, mode));
                let mut gateways: Vec<GatewayId> = doors.map(|(gateway, _)| gateway).collect();
                gateways.sort_unstable();
                gateways.dedup();
                gateways
            };
            return Err(NoWay::Unreachable { near_source: near(&sources), near_destination: near(&destinations) });
        }
        Ok(ways)
    }

    /// The shortest ways between any of some sources and any of some destinations.
    fn shortest(&mut self, sources: &[Stop], destinations: &[Stop], mode: Mode) -> Vec<Way> {
        let mut best: Option<u32> = None;
        let mut pairs = Vec::new();
        for source in sources {
            let distances = self.distances(source.place, mode);
            for destination in destinations {
                let Some(distance) = distances.get(&destination.place).copied() else { continue };
                if best.is_none_or(|best| distance < best) {
                    best = Some(distance);
                    pairs.clear();
                }
                if best == Some(distance) {
                    pairs.push((source, destination, distance));
                }
            }
        }
        pairs
            .into_iter()
            .map(|(source, destination, distance)| Way {
                source: source.clone(),
                destination: destination.clone(),
                hops: self.hops(source, destination, distance, mode),
            })
            .collect()
    }

    /// Every gateway on a shortest chain between two places.
    fn hops(&mut self, source: &Stop, destination: &Stop, distance: u32, mode: Mode) -> Vec<Hop> {
        let mut hops = Vec::new();
        let offset = u32::from(source.gateway.is_some());
        if let Some((gateway, interface)) = source.gateway {
            hops.push(Hop { level: 0, gateway, input: None, output: Some(interface) });
        }
        let there = self.distances(destination.place, mode);
        let mut places = vec![source.place];
        for level in 0..distance {
            let mut next = Vec::new();
            for place in places {
                for (gateway, input) in self.routes.doors(place, mode) {
                    for (output, beyond) in self.routes.onward(gateway, destination.place) {
                        if output != input && there.get(&beyond) == Some(&(distance - level - 1)) {
                            hops.push(Hop { level: level + offset, gateway, input: Some(input), output: Some(output) });
                            next.push(beyond);
                        }
                    }
                }
            }
            next.sort_unstable();
            next.dedup();
            places = next;
        }
        if let Some((gateway, interface)) = destination.gateway {
            hops.push(Hop { level: distance + offset, gateway, input: Some(interface), output: None });
        }
        hops.sort_unstable();
        hops.dedup();
        hops
    }

    fn distances(&mut self, place: Place, mode: Mode) -> Rc<BTreeMap<Place, u32>> {
        let routes = self.routes;
        Rc::clone(self.distances.entry((place, mode)).or_insert_with(|| Rc::new(routes.distances(place, mode))))
    }

    /// Whether an end stands in a management zone (and nowhere else).
    fn in_management(&self, end: End) -> bool {
        let site = self.site;
        let managed = |place: Place| site.zone_of(place).is_some_and(|zone| site.zones[zone].class == "management");
        match end {
            End::Component(id) => {
                let component = &site.components[id];
                component.namespace.is_none()
                    && !component.legs.is_empty()
                    && component.legs.iter().all(|leg| managed(leg.place))
            }
            End::Segment(id) => managed(Place::Segment(id)),
            End::Zone(id) => site.zones[id].class == "management",
            End::Gateway(id) => site.gateways[id].interfaces.iter().all(|interface| managed(interface.leg.place)),
            End::Network(_) | End::Cluster(_) | End::Namespace(_) => false,
        }
    }

    /// The places and addresses by which an end opens (`initiates`) or answers connections.
    fn stops(&self, end: End, mode: Mode, initiates: bool) -> Vec<Stop> {
        let site = self.site;
        match end {
            End::Network(id) => vec![stop(Place::Network(id), site.networks[id].addresses.clone())],
            End::Zone(id) => site.zones[id].segments.iter().map(|id| self.segment_stop(*id)).collect(),
            End::Segment(id) => vec![self.segment_stop(id)],
            End::Gateway(id) => {
                let interfaces = site.gateways[id].interfaces.iter().enumerate();
                let used = interfaces
                    .filter(|(_, interface)| usable(interface.leg.role, mode) && !interface.leg.addresses.is_empty());
                used.map(|(index, interface)| Stop {
                    gateway: Some((id, index)),
                    ..stop(interface.leg.place, interface.leg.addresses.clone())
                })
                .collect()
            }
            End::Cluster(id) if initiates => pods_outside(site, id, None),
            End::Namespace(id) if initiates => pods_outside(site, site.namespaces[id].cluster, None),
            End::Cluster(_) | End::Namespace(_) => Vec::new(),
            End::Component(id) => self.component_stops(id, mode, initiates),
        }
    }

    fn segment_stop(&self, id: SegmentId) -> Stop {
        stop(Place::Segment(id), self.site.segments[id].addresses.clone())
    }

    fn component_stops(&self, id: ComponentId, mode: Mode, initiates: bool) -> Vec<Stop> {
        let component = &self.site.components[id];
        if let (Some(namespace), true) = (component.namespace, initiates) {
            return pods_outside(self.site, self.site.namespaces[namespace].cluster, Some(id));
        }
        let legs = component.legs.iter().filter(|leg| usable(leg.role, mode) && !leg.addresses.is_empty());
        legs.map(|leg| stop(leg.place, leg.addresses.clone())).collect()
    }
}

fn usable(role: LegRole, mode: Mode) -> bool {
    role == LegRole::Data || mode == Mode::Management
}

fn stop(place: Place, addresses: Addresses) -> Stop {
    Stop { place, addresses, gateway: None }
}

/// A set of hosts with several places, each of which is an end. A workload that opens connections may run on any node.
fn is_set(site: &Site, end: End, initiates: bool) -> bool {
    match end {
        End::Zone(_) | End::Cluster(_) | End::Namespace(_) => true,
        End::Component(id) => initiates && site.components[id].namespace.is_some(),
        _ => false,
    }
}

/// Stops that are chosen among (one group) or all meant (a group each).
fn groups(stops: &[Stop], each: bool) -> Vec<&[Stop]> {
    if each { stops.chunks(1).collect() } else { vec![stops] }
}

/// Source addresses of pods outside their cluster, and the places they come from: the node pools' segments.
fn pods_outside(site: &Site, cluster: ClusterId, workload: Option<ComponentId>) -> Vec<Stop> {
    let cluster = &site.clusters[cluster];
    let own = workload.map(|id| &site.components[id].egress_addresses).filter(|addresses| !addresses.is_empty());
    let schedulable = |role: PoolRole| role != PoolRole::ControlPlane;
    if let Some(own) = own {
        let egress = cluster.pools.iter().filter(|pool| pool.decl.role.value == PoolRole::Egress);
        let mut places: Vec<SegmentId> = egress.map(|pool| pool.segment).collect();
        if places.is_empty() {
            places
                .extend(cluster.pools.iter().filter(|pool| schedulable(pool.decl.role.value)).map(|pool| pool.segment));
        }
        places.sort_unstable();
        places.dedup();
        return places.into_iter().map(|id| stop(Place::Segment(id), own.clone())).collect();
    }
    let mut stops: BTreeMap<SegmentId, Addresses> = BTreeMap::new();
    for pool in cluster.pools.iter().filter(|pool| schedulable(pool.decl.role.value)) {
        let seen = match cluster.egress() {
            EgressMode::Pods => cluster.pods.clone(),
            EgressMode::Nodes => pool.addresses.clone(),
            // Per-component addresses, and this one has none.
            EgressMode::Gateway => Addresses::default(),
        };
        let slot = stops.entry(pool.segment).or_default();
        *slot = slot.union(&seen);
    }
    let stops = stops.into_iter().filter(|(_, addresses)| !addresses.is_empty());
    stops.map(|(id, addresses)| stop(Place::Segment(id), addresses)).collect()
}
