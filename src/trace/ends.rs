//! Ends of flows against ends that are asked about.

use super::{Packet, Question, Release};
use crate::graph::{Graphs, PairWays};
use crate::model::site::Flow;
use crate::model::{Addresses, ClusterId, End, Family, FlowId, GatewayId, Place, ServiceMatch, Site};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

/// What releases a packet by the model, whatever enforcers say: the flows whose ends and service it has, and the name service of
/// a cluster. An end in a cluster is known by its pods, every other one by its addresses.
pub(super) fn releases(
    site: &Site,
    graphs: &Graphs,
    question: &Question,
    to: End,
    packet: Packet,
) -> BTreeSet<Release> {
    let in_force = site.flows.iter().filter(|(_, flow)| flow.is_valid_on(site.as_of));
    let about = in_force.filter(|(id, flow)| {
        let mut pairs = graphs.ways.of(*id).iter();
        flow.matches.iter().any(|allowed| covers(allowed, &question.service))
            && pairs.any(|pair| is_about(site, flow, pair, [question.from, to], packet))
    });
    let name_service = site.cluster_of(to).filter(|cluster| asks_names(site, *cluster, question));
    about.map(|(id, _)| Release::Flow(id)).chain(name_service.map(Release::NameService)).collect()
}

fn is_about(site: &Site, flow: &Flow, pair: &PairWays, asked: [End; 2], packet: Packet) -> bool {
    let is_pod = |end| site.cluster_of(end).is_some();
    let side = |end: End, asked: End, addresses: &Addresses, address| match (is_pod(end), is_pod(asked)) {
        (true, _) => stands_for(site, end, asked),
        (false, true) => false,
        (false, false) => addresses.contains(address),
    };
    let (from, to) = (pair.from.end, pair.to.end);
    match packet {
        Packet::AmongPods => pair.among_pods && stands_for(site, from, asked[0]) && stands_for(site, to, asked[1]),
        Packet::Between(source, destination) => pair.ways.iter().flatten().any(|way| {
            way.families().filter(|family| flow.wants(*family)).any(|family| {
                side(from, asked[0], &way.source.addresses.only(family), source)
                    && side(to, asked[1], &way.destination.addresses.only(family), destination)
            })
        }),
    }
}

/// Whether a pod of a cluster asks its name service.
pub(super) fn asks_names(site: &Site, cluster: ClusterId, question: &Question) -> bool {
    let Some(service) = site.name_service(&site.clusters[cluster]).ok().flatten() else { return false };
    let to = question.to;
    site.cluster_of(question.from) == Some(cluster)
        && site.name_service_ends(&service).any(|end| Some(end) == to)
        && service.services.iter().any(|allowed| covers(allowed, &question.service))
}

/// Whether a service holds another one.
pub(super) fn covers(allowed: &ServiceMatch, asked: &ServiceMatch) -> bool {
    match (allowed, asked) {
        (ServiceMatch::Ports(a, ports), ServiceMatch::Ports(b, wanted)) => a == b && wanted.is_subset(ports),
        (a, b) => a == b,
    }
}

/// Whether an end of a flow includes another end: itself, or the set it belongs to.
pub(super) fn stands_for(site: &Site, whole: End, part: End) -> bool {
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

/// An address to show: of a documentation prefix where the set holds one, else its first that could be a host's.
pub(super) fn example(addresses: &Addresses, family: Family) -> Option<IpAddr> {
    let documented = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 10));
    if family == Family::V4 && addresses.contains(documented) {
        return Some(documented);
    }
    let first = addresses.first(family).or_else(|| addresses.first(Family::V6))?;
    // The first address of a prefix is none that hosts have.
    let next = match first {
        IpAddr::V4(address) if address.octets()[3] == 0 => IpAddr::V4(Ipv4Addr::from(u32::from(address) + 1)),
        IpAddr::V6(address) if address.octets()[15] == 0 => IpAddr::V6((u128::from(address) + 1).into()),
        _ => first,
    };
    Some(if addresses.contains(next) { next } else { first })
}

/// The addresses of an end outside of clusters.
pub(super) fn end_addresses(site: &Site, end: End) -> Option<Addresses> {
    match end {
        End::Component(id) => Some(site.components[id].legs.iter().map(|leg| &leg.addresses).collect()),
        End::Gateway(id) => Some(site.gateways[id].interfaces.iter().map(|i| &i.leg.addresses).collect()),
        End::Network(_) | End::Segment(_) | End::Zone(_) => {
            Some(places(site, end).into_iter().map(|place| site.place_addresses(place)).collect())
        }
        End::Cluster(_) | End::Namespace(_) => None,
    }
}

/// The places an end stands in.
pub(super) fn places(site: &Site, end: End) -> Vec<Place> {
    match end {
        End::Network(id) => vec![Place::Network(id)],
        End::Segment(id) => vec![Place::Segment(id)],
        End::Zone(id) => site.zones[id].segments.iter().map(|id| Place::Segment(*id)).collect(),
        End::Component(id) => site.components[id].legs.iter().map(|leg| leg.place).collect(),
        End::Gateway(id) => site.gateways[id].interfaces.iter().map(|interface| interface.leg.place).collect(),
        End::Cluster(_) | End::Namespace(_) => Vec::new(),
    }
}

/// The interface of a gateway at which packets of an end arrive.
pub(super) fn input_of(site: &Site, gateway: GatewayId, end: End) -> Option<usize> {
    let places = places(site, end);
    let uplink = |place: &Place| {
        site.uplinks.values().any(|uplink| {
            uplink.gateway == gateway
                && uplink.segment.map(Place::Segment) == Some(*place)
                && places.contains(&Place::Network(uplink.network))
        })
    };
    let mut interfaces = site.gateways[gateway].interfaces.iter();
    interfaces.position(|interface| places.contains(&interface.leg.place) || uplink(&interface.leg.place))
}

/// The flow that differs least from what is asked: rather in its initiator than in its responder, then by name. A source that
/// may not enter where it does is not the one that a flow means.
pub(super) fn nearest(site: &Site, question: &Question, is_spoofed: bool) -> Option<(FlowId, Vec<&'static str>)> {
    let differs = |flow: &Flow| {
        let mut differs = Vec::new();
        if is_spoofed || !flow.from.iter().any(|end| stands_for(site, end.end, question.from)) {
            differs.push("source");
        }
        let to = question.to.is_some_and(|to| flow.to.iter().any(|end| stands_for(site, end.end, to)));
        if !to {
            differs.push("destination");
        }
        if !flow.matches.iter().any(|allowed| covers(allowed, &question.service)) {
            differs.push("service");
        }
        differs
    };
    let in_force = site.flows.iter().filter(|(_, flow)| flow.is_valid_on(site.as_of));
    let near = in_force.map(|(id, flow)| (id, differs(flow)));
    let near = near.filter(|(_, differs)| !differs.is_empty() && differs.len() < 3);
    near.min_by_key(|(id, differs)| {
        let [destination, source] = ["destination", "source"].map(|what| differs.contains(&what));
        (differs.len(), destination, source, *id)
    })
}
