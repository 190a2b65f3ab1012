//! What several families ask: enforcement points, main zones, the areas at the ends of a flow.

use super::Cx;
use crate::graph::{PairWays, Topology, Vertex};
use crate::model::blueprint::{CatalogueService, ClassMainZone};
use crate::model::site::{Flow, ServiceUse};
use crate::model::{ComponentId, End, FlowId, NetworkId, Place, Property, Ranges, ServiceMatch, Site, ZoneId};
use crate::source::Span;
use crate::syntax::document::{MainZone, Trust};
use crate::syntax::objects::Users;
use crate::syntax::service::ServiceExpr;

/// Whether a vertex is an enforcement point (E of the catalogue): filters, application-level, VPN and crypto gateways.
pub(super) fn enforces(site: &Site, vertex: Vertex) -> bool {
    match vertex {
        Vertex::Gateway(_) => true,
        Vertex::Component(id) => is_gateway_host(site, id),
        Vertex::Network(_) | Vertex::Segment(_) => false,
    }
}

/// Whether a component is an application-level, VPN or crypto gateway.
pub(super) fn is_gateway_host(site: &Site, id: ComponentId) -> bool {
    [Property::Alg, Property::Vpn, Property::Crypto].into_iter().any(|property| site.is(id, property))
}

/// Whether a component forwards by its nature (routers and switches), so that a bridge over it is a topology fault.
pub(super) fn is_device(site: &Site, id: ComponentId) -> bool {
    site.is(id, Property::NetworkDevice) || site.is(id, Property::Platform)
}

/// Main zones a zone belongs to: its class's, or those a management zone serves.
pub(super) fn main_zones(site: &Site, zone: ZoneId) -> Vec<MainZone> {
    let Some(class) = site.class(zone) else { return Vec::new() };
    match class.main_zone {
        ClassMainZone::External => vec![MainZone::External],
        ClassMainZone::Internal => vec![MainZone::Internal],
        ClassMainZone::Restricted => vec![MainZone::Restricted],
        ClassMainZone::None => Vec::new(),
        ClassMainZone::Serves => {
            site.zones[zone].decl.serves.iter().flat_map(|list| list.iter()).map(|zone| zone.value).collect()
        }
    }
}

/// Main zone of a zone that carries applications; `None` for management, development and uplinks.
pub(super) fn own_main_zone(site: &Site, zone: ZoneId) -> Option<MainZone> {
    if site.zones[zone].class == "management" { None } else { main_zones(site, zone).first().copied() }
}

/// Outside networks that are not trusted, in order of name.
pub(super) fn untrusted(site: &Site) -> impl Iterator<Item = NetworkId> {
    site.networks.iter().filter(|(_, network)| network.trust() == Trust::Untrusted).map(|(id, _)| id)
}

/// A VPN or crypto gateway in the web zone with named users: the middle of the structure for authenticated access (ZM-ACC-08).
pub(super) fn is_remote_access(site: &Site, id: ComponentId) -> bool {
    let restricted = site.components[id].decl.users.as_ref().is_some_and(|users| users.value == Users::Restricted);
    let kind = site.is(id, Property::Vpn) || site.is(id, Property::Crypto);
    kind && restricted && site.component_zones(id).iter().any(|zone| site.zones[*zone].class == "external.web")
}

/// Where an end of a flow stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Area {
    /// In an outside network.
    Network(NetworkId),
    /// In a zone.
    Zone(ZoneId),
}

impl Area {
    pub(super) fn name(self, site: &Site) -> &str {
        match self {
            Self::Network(id) => &site.networks[id].name,
            Self::Zone(id) => &site.zones[id].name,
        }
    }

    /// Class of the zone; empty outside.
    pub(super) fn class(self, site: &Site) -> &str {
        match self {
            Self::Network(_) => "",
            Self::Zone(id) => &site.zones[id].class,
        }
    }

    pub(super) fn is_class(self, site: &Site, class: &str) -> bool {
        self.class(site) == class
    }
}

/// The areas of an end. A gateway counts for the place of the leg that is used.
pub(super) fn areas(site: &Site, end: End, used: Option<Place>) -> Vec<Area> {
    match end {
        End::Network(id) => vec![Area::Network(id)],
        End::Zone(id) => vec![Area::Zone(id)],
        End::Segment(id) => vec![Area::Zone(site.segments[id].zone)],
        End::Cluster(id) => vec![Area::Zone(site.clusters[id].zone)],
        End::Namespace(id) => vec![Area::Zone(site.clusters[site.namespaces[id].cluster].zone)],
        End::Gateway(_) => used.map(|place| area_of(site, place)).into_iter().collect(),
        End::Component(id) => {
            let zones = site.component_zones(id);
            if zones.is_empty() {
                site.components[id].legs.iter().map(|leg| area_of(site, leg.place)).collect()
            } else {
                zones.into_iter().map(Area::Zone).collect()
            }
        }
    }
}

fn area_of(site: &Site, place: Place) -> Area {
    match place {
        Place::Network(id) => Area::Network(id),
        Place::Segment(id) => Area::Zone(site.segments[id].zone),
    }
}

/// A pair of ends of a flow with their areas.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<'a> {
    pub flow: &'a Flow,
    pub ends: &'a PairWays,
    pub from: Area,
    pub to: Area,
}

/// Every pair of ends of every flow, by areas.
pub(super) fn pairs<'a>(cx: &Cx<'a>) -> impl Iterator<Item = Pair<'a>> {
    cx.pairs.get_or_init(|| all_pairs(cx)).iter().copied()
}

fn all_pairs<'a>(cx: &Cx<'a>) -> Vec<Pair<'a>> {
    let site = cx.site;
    let mut pairs = Vec::new();
    for (id, flow) in site.flows.iter() {
        for ends in cx.graphs.ways.of(id) {
            let way = ends.ways.as_ref().ok().and_then(|ways| ways.first());
            for from in areas(site, ends.from.end, way.map(|way| way.source.place)) {
                for to in areas(site, ends.to.end, way.map(|way| way.destination.place)) {
                    pairs.push(Pair { flow, ends, from, to });
                }
            }
        }
    }
    pairs
}

/// The flow of an id, for chains.
pub(super) fn flow<'a>(cx: &Cx<'a>, id: FlowId) -> &'a Flow {
    &cx.site.flows[id]
}

/// Where the name of a vertex stands.
pub(super) fn vertex_span(site: &Site, vertex: Vertex) -> Span {
    match vertex {
        Vertex::Network(id) => site.networks[id].span,
        Vertex::Segment(id) => site.segments[id].span,
        Vertex::Gateway(id) => site.gateways[id].span,
        Vertex::Component(id) => site.components[id].span,
    }
}

/// Names of a path in the topology.
pub(super) fn names(site: &Site, path: &[Vertex]) -> Vec<String> {
    Topology::names(site, path)
}

/// The component of an end, when it is one.
pub(super) fn component(end: End) -> Option<ComponentId> {
    match end {
        End::Component(id) => Some(id),
        _ => None,
    }
}

/// Whether the component of an end has a property.
pub(super) fn end_is(site: &Site, end: End, property: Property) -> bool {
    component(end).is_some_and(|id| site.is(id, property))
}

/// Kind of the end for messages.
pub(super) fn kind_of(site: &Site, end: End) -> String {
    component(end).map_or_else(|| "–".to_owned(), |id| site.components[id].decl.kind.0.clone())
}

/// Whether an end stands for a component: it is the component, or the segment, zone, namespace or cluster it is in.
pub(super) fn includes(site: &Site, end: End, id: ComponentId) -> bool {
    let stands = |segment| site.components[id].legs.iter().any(|leg| leg.place == Place::Segment(segment));
    let namespace = site.components[id].namespace;
    match end {
        End::Component(own) => own == id,
        End::Segment(segment) => stands(segment),
        End::Zone(zone) => site.zones[zone].segments.iter().any(|segment| stands(*segment)),
        End::Namespace(own) => namespace == Some(own),
        End::Cluster(cluster) => namespace.is_some_and(|namespace| site.namespaces[namespace].cluster == cluster),
        End::Network(_) | End::Gateway(_) => false,
    }
}

/// Whether a service administers: it is marked so, or its ports include one of a service that is, whatever the site calls it.
/// `counts` leaves out services of the catalogue that a rule does not judge.
pub(super) fn is_admin(site: &Site, service: &ServiceUse, counts: impl Fn(&str) -> bool) -> bool {
    if let ServiceExpr::Named(name) = &service.expr {
        let own = site.services.contains_key(name);
        if service.admin || (!own && site.blueprint.services.contains_key(name)) {
            return service.admin && (own || counts(name));
        }
    }
    let marked = site.blueprint.services.iter().filter(|(name, entry)| entry.admin && counts(name));
    marked.flat_map(|(_, entry)| entry.matches()).any(|known| {
        service.matches.iter().any(|own| match (known, own) {
            (_, ServiceMatch::Any) => true,
            (ServiceMatch::Ports(a, known), ServiceMatch::Ports(b, own)) => {
                a == b && !known.intersection(own).is_empty()
            }
            (known, own) => known == own,
        })
    })
}

/// Whether the catalogue knows a service as one of a sort: by its name, or, for a literal port or protocol, because services
/// of that sort use it and no other service does.
pub(super) fn is_known_as(
    site: &Site,
    service: &ServiceUse,
    sort: impl Fn(&CatalogueService) -> bool,
    named: bool,
) -> bool {
    let limit = site.blueprint.parameters.port_range_limit;
    let too_wide = match service.expr {
        ServiceExpr::Ports(_, first, last) => u32::from(last.saturating_sub(first)) >= limit,
        ServiceExpr::Named(_) => true,
        _ => false,
    };
    // What a wide range lets pass besides is ZM-FLO-01's.
    if named || too_wide {
        return named;
    }
    let touched = |entry: &CatalogueService| -> Vec<ServiceMatch> {
        let both = entry.matches().iter().flat_map(|known| service.matches.iter().map(move |own| (known, own)));
        both.filter_map(|(known, own)| match (known, own) {
            (ServiceMatch::Ports(a, known), ServiceMatch::Ports(b, own)) if a == b => {
                let common = known.intersection(own);
                (!common.is_empty()).then_some(ServiceMatch::Ports(*a, common))
            }
            (known, own) if known == own => Some(known.clone()),
            _ => None,
        })
        .collect()
    };
    let entries = site.blueprint.services.values();
    let (of_sort, others): (Vec<_>, Vec<_>) = entries.partition(|entry| sort(entry));
    let harmless: Vec<ServiceMatch> = others.into_iter().flat_map(touched).collect();
    of_sort.into_iter().flat_map(touched).any(|found| match found {
        ServiceMatch::Ports(transport, ports) => {
            let shared = harmless.iter().fold(Ranges::default(), |all, item| match item {
                ServiceMatch::Ports(other, ports) if *other == transport => all.union(ports),
                _ => all,
            });
            !ports.is_subset(&shared)
        }
        other => !harmless.contains(&other),
    })
}
