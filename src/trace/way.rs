//! A packet on its way.

use super::ends::{asks_names, covers, end_addresses, example, input_of, places, releases, stands_for};
use super::{Enforcer, Packet, Question, Release, Remark, Trace, TraceHop, Verdict, gateway_plan};
use crate::graph::{Graphs, Hook, Hop, Mode, NoWay, Way, Ways};
use crate::model::nature::Nature;
use crate::model::{Addresses, End, EndRef, Family, GatewayId, Place, SegmentId, ServiceMatch, Site};
use crate::plan::{Permit, Plan, PodPeer, PodPermit, Side};
use crate::source::{FileId, Span};
use std::collections::BTreeSet;
use std::net::IpAddr;

/// Follows one packet.
pub(super) struct Follower<'a> {
    pub(super) site: &'a Site,
    pub(super) graphs: &'a Graphs,
    pub(super) plan: &'a Plan,
    pub(super) question: &'a Question,
}

impl Follower<'_> {
    pub(super) fn run(&self) -> Trace {
        let question = self.question;
        let mut trace = Trace {
            source: question.source,
            destination: question.destination,
            hops: Vec::new(),
            release: None,
            remark: None,
            nearest: None,
        };
        let to = question.to.filter(|_| question.destination.is_none_or(|address| Nature::of(address).is_forwarded()));
        let Some(to) = to else {
            self.leads_nowhere(&mut trace);
            return trace;
        };
        // Ends that are asked for stand nowhere in the source.
        let nowhere = Span { file: FileId(0), start: 0, end: 0 };
        let reference = |end| EndRef { end, span: nowhere };
        let pair = Ways::between(self.site, &self.graphs.routes, reference(question.from), reference(to));
        match &pair.ways {
            Ok(_) if pair.among_pods => self.inside(to, &mut trace),
            Ok(ways) => {
                if let Some((way, family)) = choose(ways, question) {
                    self.follow(to, way, family, &mut trace);
                } else if let Some(gateway) = ways.iter().flat_map(|way| &way.hops).map(|hop| hop.gateway).next() {
                    // The far side of a gateway: an address of its own, but not the one at which flows reach it.
                    let hook = if to == End::Gateway(gateway) { Hook::Input } else { Hook::Forward };
                    self.arrives(gateway, hook, &mut trace);
                }
            }
            Err(NoWay::Unreachable { near_source, .. }) => {
                let site = self.site;
                let shown = |end| example(end_addresses(site, end).as_ref()?, Family::V4);
                trace.source = trace.source.or_else(|| shown(question.from));
                trace.destination = trace.destination.or_else(|| shown(to));
                let itself = near_source.iter().find(|gateway| to == End::Gateway(**gateway));
                let hook = if itself.is_some() { Hook::Input } else { Hook::Forward };
                let first = itself.or(near_source.first());
                first.into_iter().for_each(|gateway| self.arrives(*gateway, hook, &mut trace));
            }
            Err(_) => {}
        }
        trace
    }

    /// The way of a packet to nobody: the policies of the cluster it starts in, else the first gateway it meets.
    fn leads_nowhere(&self, trace: &mut Trace) {
        let (site, from) = (self.site, self.question.from);
        let many = trace.destination.is_some_and(|address| !Nature::of(address).is_forwarded());
        trace.source = trace.source.or_else(|| {
            let family = if trace.destination.is_some_and(|to| to.is_ipv6()) { Family::V6 } else { Family::V4 };
            example(end_addresses(site, from).as_ref()?, family)
        });
        trace.remark = Some(if many { Remark::NotForwarded } else { Remark::NoRoute });
        if let Some(cluster) = site.cluster_of(from) {
            let at = Enforcer::Cluster { cluster, side: Side::Egress, end: from };
            trace.hops.push(TraceHop { at, verdict: Verdict::Drops });
            return;
        }
        let doors = |mode| {
            let places = places(site, from);
            places.into_iter().flat_map(move |place| self.graphs.routes.doors(place, mode)).next()
        };
        if let Some((gateway, _)) = doors(Mode::Production).or_else(|| doors(Mode::Management)) {
            self.arrives(gateway, if many { Hook::Input } else { Hook::Forward }, trace);
        }
    }

    /// A packet that no permit of the first gateway can be about: its source is checked, then it is dropped.
    fn arrives(&self, gateway: GatewayId, hook: Hook, trace: &mut Trace) {
        let input = input_of(self.site, gateway, self.question.from);
        if let Some(source) = trace.source
            && self.is_spoofed(gateway, input, source, trace)
        {
            return;
        }
        let at = Enforcer::Gateway { gateway, hook, input, output: None };
        trace.hops.push(TraceHop { at, verdict: Verdict::Drops });
    }

    /// Whether a source may not enter at an interface; then this is where the packet ends.
    fn is_spoofed(&self, gateway: GatewayId, input: Option<usize>, source: IpAddr, trace: &mut Trace) -> bool {
        let interface = input.and_then(|input| gateway_plan(self.plan, gateway)?.interfaces.get(input));
        let spoofed = interface.is_some_and(|interface| !interface.sources.contains(source));
        if spoofed {
            trace.remark = Some(Remark::Spoofed);
            trace.hops.push(TraceHop { at: Enforcer::SourceCheck { gateway }, verdict: Verdict::Drops });
        }
        spoofed
    }

    fn follow(&self, to: End, way: &Way, family: Family, trace: &mut Trace) {
        let question = self.question;
        let source = question.source.or_else(|| example(&way.source.addresses, family));
        let destination = question.destination.or_else(|| example(&way.destination.addresses, family));
        (trace.source, trace.destination) = (source, destination);
        let (Some(source), Some(destination)) = (source, destination) else { return };
        let packet = Packet::Between(source, destination);
        let mut released = releases(self.site, self.graphs, question, to, packet);
        if !self.cluster_side(Side::Egress, (question.from, to), packet, &mut released, trace) {
            return;
        }
        if way.hops.is_empty()
            && let Place::Segment(segment) = way.destination.place
        {
            self.neighbours(segment, trace);
        }
        let to_all = broadcast(self.site, way.destination.place, destination);
        let last = way.hops.iter().map(|hop| hop.level).max();
        let mut level = None;
        for hop in &way.hops {
            // Parallel gateways hold the same rules; the first one stands for them.
            if level == Some(hop.level) {
                continue;
            }
            level = Some(hop.level);
            if self.is_spoofed(hop.gateway, hop.input, source, trace) {
                return;
            }
            if to_all && last == level && hop.hook() == Hook::Forward {
                trace.remark = Some(Remark::NotForwarded);
                let at = Enforcer::Gateway { gateway: hop.gateway, hook: Hook::Input, input: hop.input, output: None };
                trace.hops.push(TraceHop { at, verdict: Verdict::Drops });
                return;
            }
            let passing = self.permitted(*hop, source, destination, &released);
            let at = Enforcer::Gateway { gateway: hop.gateway, hook: hop.hook(), input: hop.input, output: hop.output };
            let first = passing.first().copied();
            if !met(at, first, &passing.into_iter().collect(), &mut released, trace) {
                return;
            }
        }
        if self.cluster_side(Side::Ingress, (to, question.from), packet, &mut released, trace) {
            arrived(&released, trace);
        }
    }

    /// What the permits of a gateway let the packet pass for, first the one whose chain gets it. Of a gateway that is documented
    /// only, what the model says is taken for granted.
    fn permitted(&self, hop: Hop, source: IpAddr, destination: IpAddr, released: &BTreeSet<Release>) -> Vec<Release> {
        let Some(held) = gateway_plan(self.plan, hop.gateway) else { return released.iter().copied().collect() };
        let found = held.permits.iter().filter(|permit| {
            (permit.hook, permit.input, permit.output) == (hop.hook(), hop.input, hop.output)
                && lets_pass(permit, source, destination, &self.question.service)
        });
        found.map(|permit| Release::Flow(permit.flow)).collect()
    }

    fn neighbours(&self, segment: SegmentId, trace: &mut Trace) {
        let is_isolated = self.site.segments[segment].decl.isolated.is_some();
        trace.remark = Some(if is_isolated { Remark::Isolated(segment) } else { Remark::Neighbours(segment) });
    }

    /// Both ends in one cluster or mesh: the policies of their clusters decide, on both sides.
    fn inside(&self, to: End, trace: &mut Trace) {
        let (from, packet) = (self.question.from, Packet::AmongPods);
        let mut released = releases(self.site, self.graphs, self.question, to, packet);
        if self.cluster_side(Side::Egress, (from, to), packet, &mut released, trace)
            && self.cluster_side(Side::Ingress, (to, from), packet, &mut released, trace)
        {
            arrived(&released, trace);
        }
    }

    /// The policies of the cluster at one end; whether the packet goes on.
    fn cluster_side(
        &self,
        side: Side,
        (own, other): (End, End),
        packet: Packet,
        released: &mut BTreeSet<Release>,
        trace: &mut Trace,
    ) -> bool {
        let (site, question) = (self.site, self.question);
        let Some(cluster) = site.cluster_of(own) else { return true };
        let Some(held) = self.plan.clusters.iter().find(|held| held.cluster == cluster) else { return true };
        let at = Enforcer::Cluster { cluster, side, end: own };
        if site.namespace_of(own).is_some_and(|id| !site.namespaces[id].is_managed()) {
            trace.hops.push(TraceHop { at, verdict: Verdict::Open });
            return true;
        }
        let peer = |permit: &PodPermit| match (&permit.peer, packet) {
            (PodPeer::Pods(end), Packet::AmongPods) => stands_for(site, *end, other),
            (PodPeer::Outside(addresses) | PodPeer::Names(_, addresses), Packet::Between(source, destination)) => {
                addresses.contains(if side == Side::Egress { destination } else { source })
            }
            // Whoever comes from outside shows the address of a node.
            (PodPeer::Nodes(_), Packet::Between(..)) => side == Side::Ingress,
            _ => false,
        };
        let flows = held.permits.iter().filter(|permit| {
            permit.side == side
                && stands_for(site, permit.subject, own)
                && peer(permit)
                && site.flows[permit.flow].matches.iter().any(|allowed| covers(allowed, &question.service))
        });
        let mut passing: BTreeSet<Release> = flows.map(|permit| Release::Flow(permit.flow)).collect();
        if asks_names(site, cluster, question) {
            passing.insert(Release::NameService(cluster));
        }
        let first = passing.intersection(released).chain(&passing).next().copied();
        met(at, first, &passing, released, trace)
    }
}

/// Notes an enforcer; whether the packet goes on.
fn met(
    at: Enforcer,
    by: Option<Release>,
    passing: &BTreeSet<Release>,
    released: &mut BTreeSet<Release>,
    trace: &mut Trace,
) -> bool {
    released.retain(|release| passing.contains(release));
    trace.hops.push(TraceHop { at, verdict: by.map_or(Verdict::Drops, Verdict::Passes) });
    by.is_some()
}

/// Nothing has stopped the packet: it was released, or there is something to say about it.
fn arrived(released: &BTreeSet<Release>, trace: &mut Trace) {
    trace.release = released.first().copied();
    // Without an enforcer both ends are outside, and the packet is none of the site's.
    if trace.release.is_none() && trace.remark.is_none() && !trace.hops.is_empty() {
        trace.remark = Some(Remark::Unreleased);
    }
}

/// The first way and family that can carry the packet; one that its source could not take when it fits none, because anybody
/// can write any source into a packet.
fn choose<'w>(ways: &'w [Way], question: &Question) -> Option<(&'w Way, Family)> {
    let fits = |way: &Way, family: Family, strict: bool| {
        let of = |address: IpAddr| address.is_ipv4() == (family == Family::V4);
        let holds = |asked: Option<IpAddr>, addresses: &Addresses, strict: bool| {
            asked.is_none_or(|address| of(address) && (!strict || addresses.contains(address)))
        };
        question.service.fits(family)
            && holds(question.source, &way.source.addresses, strict)
            && holds(question.destination, &way.destination.addresses, true)
    };
    let first = |strict| ways.iter().find_map(|way| Some((way, way.families().find(|f| fits(way, *f, strict))?)));
    first(true).or_else(|| first(false))
}

/// Whether a permit holds a packet.
#[must_use]
pub fn lets_pass(permit: &Permit, source: IpAddr, destination: IpAddr, service: &ServiceMatch) -> bool {
    permit.source.contains(source) && permit.destination.contains(destination) && covers(&permit.service, service)
}

/// Whether an address is the broadcast address of a prefix of a place. Linux takes such a packet for itself where the prefix is
/// attached, and passes none on (`bc_forwarding` is off).
fn broadcast(site: &Site, place: Place, address: IpAddr) -> bool {
    let (Place::Segment(id), IpAddr::V4(address)) = (place, address) else { return false };
    let prefixes = site.segments[id].decl.addresses.iter();
    prefixes.into_iter().any(|prefix| match prefix.value.0 {
        ipnet::IpNet::V4(net) => net.prefix_len() <= 30 && net.broadcast() == address,
        ipnet::IpNet::V6(_) => false,
    })
}
