//! The way of one packet: hop by hop, with the verdict of each enforcer.

use crate::graph::{Graphs, Hook, NoWay, Way, Ways};
use crate::model::site::Flow;
use crate::model::{Addresses, End, EndRef, Family, FlowId, GatewayId, Place, ServiceMatch, Site};
use crate::plan::{GatewayPlan, Permit, Plan, PodPeer, Side};
use crate::source::{FileId, Span};
use std::net::{IpAddr, Ipv4Addr};

/// What is asked: two ends and a service of one packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// The initiator.
    pub from: End,
    /// The responder.
    pub to: End,
    /// Source address, when one is asked for.
    pub source: Option<IpAddr>,
    /// Destination address, when one is asked for.
    pub destination: Option<IpAddr>,
    /// The service: one port, one ICMP type or one protocol.
    pub service: ServiceMatch,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// Source address of the packet.
    pub source: Option<IpAddr>,
    /// Destination address of the packet.
    pub destination: Option<IpAddr>,
    /// The enforcers met, in order; ends with the first that drops.
    pub hops: Vec<TraceHop>,
    /// The flow that allows the packet everywhere.
    pub flow: Option<FlowId>,
    /// For a denied packet: the flow that is nearest, and what differs (`source`, `destination`, `service`).
    pub nearest: Option<(FlowId, Vec<&'static str>)>,
}

impl Trace {
    /// Whether the packet arrives.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        self.hops.iter().all(|hop| hop.flow.is_some()) && self.flow.is_some()
    }
}

/// One enforcer on the way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceHop {
    /// The enforcer.
    pub at: Enforcer,
    /// The flow that lets the packet pass here; `None` when it is dropped.
    pub flow: Option<FlowId>,
}

/// What decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enforcer {
    /// A gateway, with the interfaces by which the packet enters and leaves.
    Gateway {
        /// The gateway.
        gateway: GatewayId,
        /// Chain.
        hook: Hook,
        /// Interface in.
        input: Option<usize>,
        /// Interface out; `None` in the forward chain when there is no route.
        output: Option<usize>,
    },
    /// The policies of a cluster, on one side.
    Cluster {
        /// The cluster.
        cluster: crate::model::ClusterId,
        /// The side.
        side: Side,
    },
}

/// Follows a packet through the plan.
#[must_use]
pub fn trace(site: &Site, graphs: &Graphs, plan: &Plan, question: &Question) -> Trace {
    // Ends that are asked for stand nowhere in the source.
    let nowhere = Span { file: FileId(0), start: 0, end: 0 };
    let reference = |end| EndRef { end, span: nowhere };
    let pair = Ways::between(site, &graphs.routes, reference(question.from), reference(question.to));
    let mut trace = Trace {
        source: question.source,
        destination: question.destination,
        hops: Vec::new(),
        flow: None,
        nearest: None,
    };
    match &pair.ways {
        Ok(ways) if !pair.among_pods => {
            if let Some((way, family)) = choose(ways, question) {
                follow(site, plan, question, way, family, &mut trace);
            }
        }
        Ok(_) => inside(site, plan, question, &mut trace),
        Err(NoWay::Unreachable { near_source, .. }) => {
            trace.source = trace.source.or_else(|| example(end_addresses(site, question.from).as_ref()?, Family::V4));
            trace.destination =
                trace.destination.or_else(|| example(end_addresses(site, question.to).as_ref()?, Family::V4));
            for gateway in near_source {
                let input = input_of(site, *gateway, question.from);
                let at = Enforcer::Gateway { gateway: *gateway, hook: Hook::Forward, input, output: None };
                trace.hops.push(TraceHop { at, flow: None });
            }
            trace.hops.truncate(1);
        }
        Err(_) => {}
    }
    if !trace.is_allowed() {
        trace.flow = None;
        trace.nearest = nearest(site, question);
    }
    trace
}

/// The first way and family that can carry the packet.
fn choose<'w>(ways: &'w [Way], question: &Question) -> Option<(&'w Way, Family)> {
    let fits = |way: &Way, family: Family| {
        let holds = |asked: Option<IpAddr>, addresses: &Addresses| {
            asked.is_none_or(|address| address.is_ipv4() == (family == Family::V4) && addresses.contains(address))
        };
        question.service.fits(family)
            && holds(question.source, &way.source.addresses)
            && holds(question.destination, &way.destination.addresses)
    };
    ways.iter().find_map(|way| way.families().find(|family| fits(way, *family)).map(|family| (way, family)))
}

fn follow(site: &Site, plan: &Plan, question: &Question, way: &Way, family: Family, trace: &mut Trace) {
    let source = question.source.or_else(|| example(&way.source.addresses, family));
    let destination = question.destination.or_else(|| way.destination.addresses.first(family));
    (trace.source, trace.destination) = (source, destination);
    let (Some(source), Some(destination)) = (source, destination) else { return };
    cluster_side(site, plan, question, Side::Egress, trace);
    let mut level = None;
    for hop in &way.hops {
        // Parallel gateways hold the same rules; the first one stands for them.
        if level == Some(hop.level) {
            continue;
        }
        level = Some(hop.level);
        let permits = plan
            .gateways
            .iter()
            .find(|gateway| gateway.gateway == hop.gateway)
            .map_or(&[][..], |gateway| &gateway.permits);
        let found = permits.iter().find(|permit| {
            (permit.hook, permit.input, permit.output) == (hop.hook(), hop.input, hop.output)
                && lets_pass(permit, source, destination, &question.service)
        });
        let at = Enforcer::Gateway { gateway: hop.gateway, hook: hop.hook(), input: hop.input, output: hop.output };
        trace.hops.push(TraceHop { at, flow: found.map(|permit| permit.flow) });
        trace.flow = found.map(|permit| permit.flow);
        if found.is_none() {
            return;
        }
    }
    cluster_side(site, plan, question, Side::Ingress, trace);
}

/// Whether a permit holds a packet.
#[must_use]
pub fn lets_pass(permit: &Permit, source: IpAddr, destination: IpAddr, service: &ServiceMatch) -> bool {
    permit.source.contains(source) && permit.destination.contains(destination) && covers(&permit.service, service)
}

fn covers(allowed: &ServiceMatch, asked: &ServiceMatch) -> bool {
    match (allowed, asked) {
        (ServiceMatch::Ports(a, ports), ServiceMatch::Ports(b, wanted)) => a == b && wanted.is_subset(ports),
        (a, b) => a == b,
    }
}

/// Both ends in one cluster: its policies decide, on both sides.
fn inside(site: &Site, plan: &Plan, question: &Question, trace: &mut Trace) {
    cluster_side(site, plan, question, Side::Egress, trace);
    if trace.hops.iter().all(|hop| hop.flow.is_some()) {
        cluster_side(site, plan, question, Side::Ingress, trace);
    }
}

fn cluster_side(site: &Site, plan: &Plan, question: &Question, side: Side, trace: &mut Trace) {
    let (own, other) = if side == Side::Egress { (question.from, question.to) } else { (question.to, question.from) };
    let Some(cluster) = site.cluster_of(own) else { return };
    let Some(held) = plan.clusters.iter().find(|held| held.cluster == cluster) else { return };
    let peer = |permit: &crate::plan::PodPermit| match &permit.peer {
        PodPeer::Pods(end) => stands_for(site, *end, other),
        PodPeer::Outside(_) | PodPeer::Nodes(_) | PodPeer::Names(..) => stands_for(site, permit.peer_end, other),
    };
    let found = held.permits.iter().find(|permit| {
        let flow = &site.flows[permit.flow];
        permit.side == side
            && stands_for(site, permit.subject, own)
            && peer(permit)
            && flow.matches.iter().any(|allowed| covers(allowed, &question.service))
    });
    trace.hops.push(TraceHop { at: Enforcer::Cluster { cluster, side }, flow: found.map(|permit| permit.flow) });
    trace.flow = found.map(|permit| permit.flow);
}

/// Whether an end of a flow includes another end: itself, or the set it belongs to.
fn stands_for(site: &Site, whole: End, part: End) -> bool {
    if whole == part {
        return true;
    }
    match (whole, part) {
        (End::Namespace(namespace), End::Component(id)) => site.components[id].namespace == Some(namespace),
        (End::Cluster(cluster), _) => site.cluster_of(part) == Some(cluster),
        (End::Segment(segment), End::Component(id)) => {
            site.components[id].legs.iter().any(|leg| leg.place == Place::Segment(segment))
        }
        (End::Zone(zone), End::Segment(segment)) => site.segments[segment].zone == zone,
        (End::Zone(zone), End::Component(id)) => site.component_zones(id).contains(&zone),
        (End::Network(network), End::Component(id)) => {
            site.components[id].legs.iter().any(|leg| leg.place == Place::Network(network))
        }
        _ => false,
    }
}

/// An address to show: of a documentation prefix where the set holds one, else its first.
fn example(addresses: &Addresses, family: Family) -> Option<IpAddr> {
    let documented = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
    if family == Family::V4 && addresses.contains(documented) {
        Some(documented)
    } else {
        addresses.first(family).or_else(|| addresses.first(Family::V6))
    }
}

fn end_addresses(site: &Site, end: End) -> Option<Addresses> {
    match end {
        End::Network(id) => Some(site.networks[id].addresses.clone()),
        End::Segment(id) => Some(site.segments[id].addresses.clone()),
        End::Component(id) => {
            Some(site.components[id].legs.iter().fold(Addresses::default(), |all, leg| all.union(&leg.addresses)))
        }
        _ => None,
    }
}

/// The interface of a gateway at which packets of an end arrive.
fn input_of(site: &Site, gateway: GatewayId, end: End) -> Option<usize> {
    let places: Vec<Place> = match end {
        End::Network(id) => vec![Place::Network(id)],
        End::Segment(id) => vec![Place::Segment(id)],
        End::Component(id) => site.components[id].legs.iter().map(|leg| leg.place).collect(),
        _ => Vec::new(),
    };
    let uplink = |place: &Place| {
        site.uplinks.values().any(|uplink| {
            uplink.gateway == gateway
                && uplink.segment.map(Place::Segment) == Some(*place)
                && places.contains(&Place::Network(uplink.network))
        })
    };
    site.gateways[gateway]
        .interfaces
        .iter()
        .position(|interface| places.contains(&interface.leg.place) || uplink(&interface.leg.place))
}

/// The flow that differs least from what is asked; ties by name.
fn nearest(site: &Site, question: &Question) -> Option<(FlowId, Vec<&'static str>)> {
    let differs = |flow: &Flow| {
        let mut differs = Vec::new();
        if !flow.from.iter().any(|end| stands_for(site, end.end, question.from)) {
            differs.push("source");
        }
        if !flow.to.iter().any(|end| stands_for(site, end.end, question.to)) {
            differs.push("destination");
        }
        if !flow.matches.iter().any(|allowed| covers(allowed, &question.service)) {
            differs.push("service");
        }
        differs
    };
    let near = site
        .flows
        .iter()
        .map(|(id, flow)| (id, differs(flow)))
        .filter(|(_, differs)| !differs.is_empty() && differs.len() < 3);
    near.min_by_key(|(id, differs)| (differs.len(), *id))
}

/// The plan of a gateway.
#[must_use]
pub fn gateway_plan(plan: &Plan, gateway: GatewayId) -> Option<&GatewayPlan> {
    plan.gateways.iter().find(|held| held.gateway == gateway)
}
