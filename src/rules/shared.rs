//! ZM-SEP-03, -04, -07, -08, -10 and ZM-ZON-06: what zones share in spite of their separation.

use super::evidence::{ended, is_valid};
use super::support::{areas, enforces, is_device, main_zones, names, own_main_zone, vertex_span};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::graph::Vertex;
use crate::model::{ClusterId, Object, Place, Property, SegmentId, Site, ZoneId};
use crate::source::Span;
use crate::syntax::document::{MainZone, SeparationKind};
use crate::syntax::objects::Evidence;
use crate::syntax::scalars::Either;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const RULES: &[Rule] = &[
    ("ZM-ZON-06", platform_per_zone),
    ("ZM-SEP-03", virtual_separation),
    ("ZM-SEP-04", vlan_across_gateway),
    ("ZM-SEP-07", virtual_network),
    ("ZM-SEP-08", declared_sharing),
    ("ZM-SEP-10", static_routes),
];

fn words(zones: &BTreeSet<MainZone>) -> String {
    zones.iter().map(|zone| format!("`{}`", zone.word())).collect::<Vec<_>>().join(", ")
}

/// The main zones (EXT, INT, VS) a zone counts for; the development area is none of them.
fn counted(site: &Site, zone: ZoneId) -> impl Iterator<Item = MainZone> {
    main_zones(site, zone).into_iter().filter(|zone| *zone != MainZone::Development)
}

/// Each platform operates one main zone (DVS 5.3.2).
fn platform_per_zone(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for platform in site.platforms.values() {
        let zones: BTreeSet<MainZone> = platform
            .operates
            .iter()
            .filter_map(|(object, _)| zone_of(site, *object))
            .flat_map(|zone| counted(site, zone))
            .collect();
        let Some((_, span)) = platform.operates.first().filter(|_| zones.len() > 1) else { continue };
        let finding = Finding::new("ZM-ZON-06", "shared").arg("platform", &platform.name).arg("zones", words(&zones));
        out.push(finding.object(&platform.name).label_with(*span, "platform", vec![("zones", words(&zones))]));
    }
}

fn zone_of(site: &Site, object: Object) -> Option<ZoneId> {
    match object {
        Object::Zone(id) => Some(id),
        Object::Cluster(id) => Some(site.clusters[id].zone),
        Object::Segment(id) => Some(site.segments[id].zone),
        _ => None,
    }
}

/// The three places between which NET.1.1.A4 asks for physical separation.
fn physical_group(class: &str) -> Option<&'static str> {
    match class {
        "uplink" => Some("outside"),
        "external.web" => Some("DMZ"),
        "internal" | "restricted" => Some("inside"),
        _ => None,
    }
}

/// Virtual separation is proven equal, and not used where the BSI asks for physical separation (DVS 5.3.2, NET.1.1.A4).
fn virtual_separation(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for zone in site.zones.values() {
        let Some((span, evidence)) = virtual_of(zone.decl.separation.as_ref()) else { continue };
        let told = |case| Finding::new("ZM-SEP-03", case).arg("zone", &zone.name).object(&zone.name);
        match evidence {
            None => out.push(told("no-evidence").label(span, "separation")),
            Some(evidence) if !is_valid(evidence, site.as_of) => {
                out.push(ended(told("expired").label(span, "separation"), evidence, site.as_of));
            }
            Some(_) => {}
        }
        let Some(group) = physical_group(&zone.class) else { continue };
        let mut others: BTreeSet<&str> = site
            .zones
            .values()
            .filter_map(|other| physical_group(&other.class))
            .filter(|other| *other != group)
            .collect();
        if group != "outside" && !site.networks.is_empty() {
            others.insert("outside");
        }
        if !others.is_empty() {
            let list = others.into_iter().collect::<Vec<_>>().join(", ");
            out.push(told("physical-required").arg("group", group).arg("others", list).label(span, "separation"));
        }
    }
}

fn virtual_of(
    separation: Option<&Either<crate::syntax::decode::Spanned<SeparationKind>, crate::syntax::document::Separation>>,
) -> Option<(Span, Option<&Evidence>)> {
    let (kind, evidence) = match separation? {
        Either::Short(kind) => (kind, None),
        Either::Long(record) => (&record.kind, record.evidence.as_ref()),
    };
    (kind.value == SeparationKind::Virtual).then_some((kind.span, evidence))
}

/// No VLAN joins the inside and a zone before the application-level gateway (NET.1.1.A24).
fn vlan_across_gateway(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let class = |id: SegmentId| site.zones[site.segments[id].zone].class.as_str();
    let key = |id: SegmentId| {
        let decl = &site.segments[id].decl;
        decl.vlan.as_ref().map(|vlan| (decl.switch_domain.as_ref().map(|domain| domain.0.as_str()), vlan.value))
    };
    let mut before: BTreeMap<_, SegmentId> = BTreeMap::new();
    for id in site.segments.ids().filter(|id| matches!(class(*id), "external.web" | "uplink")) {
        if let Some(key) = key(id) {
            before.entry(key).or_insert(id);
        }
    }
    for inner in site.segments.ids().filter(|id| matches!(class(*id), "internal" | "restricted")) {
        let (Some(outer), Some(vlan)) = (key(inner).and_then(|key| before.get(&key)), &site.segments[inner].decl.vlan)
        else {
            continue;
        };
        let (near, far) = (&site.segments[inner], &site.segments[*outer]);
        let finding =
            Finding::new("ZM-SEP-04", "shared-vlan").arg("inner", &near.name).arg("inner-class", class(inner));
        let finding = finding.arg("outer", &far.name).arg("outer-class", class(*outer)).arg("vlan", vlan.value);
        let far_span = far.decl.vlan.as_ref().map_or(far.span, |vlan| vlan.span);
        out.push(finding.object(&near.name).object(&far.name).label(vlan.span, "inner").label(far_span, "outer"));
    }
}

/// Virtual switches and hypervisors do not join main zones past the filters (SYS.1.5.A4).
fn virtual_network(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (_, component) in site.components.iter().filter(|(id, _)| site.is(*id, Property::Platform)) {
        let mut zones: BTreeSet<MainZone> = BTreeSet::new();
        let mut spans = Vec::new();
        for leg in component.data_legs() {
            let Some(main) = site.zone_of(leg.place).and_then(|zone| own_main_zone(site, zone)) else { continue };
            zones.insert(main);
            spans.push((leg.span, main));
        }
        if zones.len() > 1 {
            let mut finding =
                Finding::new("ZM-SEP-07", "hypervisor").arg("component", &component.name).arg("zones", words(&zones));
            for (span, main) in spans.into_iter().rev() {
                finding = finding.label_with(span, "leg", vec![("zone", main.word().to_owned())]);
            }
            out.push(finding.object(&component.name));
        }
    }
    for platform in site.platforms.values() {
        let operated: BTreeSet<ZoneId> =
            platform.operates.iter().filter_map(|(object, _)| zone_of(site, *object)).collect();
        let on = |id: &SegmentId| {
            let segment = &site.segments[*id];
            operated.contains(&segment.zone)
                || segment.decl.platform.as_ref().is_some_and(|name| name.0 == platform.name)
        };
        let carried: BTreeSet<SegmentId> = site.segments.ids().filter(on).collect();
        if let Some((from, path)) = carried.iter().find_map(|from| Some((*from, joined(cx, *from, &carried)?)))
            && let (Some(end), Some(joint)) = (path.last(), path.get(1))
        {
            let finding = Finding::new("ZM-SEP-07", "platform").arg("platform", &platform.name);
            let finding = finding.arg("from", &site.segments[from].name).arg("to", end.name(site));
            let finding = finding.object(&platform.name).label(platform.span, "platform");
            out.push(finding.label(vertex_span(site, *joint), "joint").witness(names(site, &path)));
        }
    }
}

/// A way from one segment of a platform to one of another main zone, past every enforcement point.
fn joined(cx: &Cx<'_>, from: SegmentId, carried: &BTreeSet<SegmentId>) -> Option<Vec<Vertex>> {
    let site = cx.site;
    let own = own_main_zone(site, site.segments[from].zone)?;
    let other = |vertex: Vertex| match vertex {
        Vertex::Segment(id) => {
            carried.contains(&id) && own_main_zone(site, site.segments[id].zone).is_some_and(|zone| zone != own)
        }
        _ => false,
    };
    let blocked = |vertex| enforces(site, vertex) || matches!(vertex, Vertex::Network(_));
    cx.graphs.topology.path(Vertex::Segment(from), other, blocked)
}

/// Devices that several zones use are declared as shared (NET.1.1.A22).
fn declared_sharing(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, component) in site.components.iter().filter(|(id, _)| site.is(*id, Property::SharedDevice)) {
        if component.decl.shared_service.as_ref().is_some_and(|shared| shared.value) || is_device(site, id) {
            continue;
        }
        let own: BTreeSet<ZoneId> = site.component_zones(id).into_iter().collect();
        let mut users: BTreeMap<ZoneId, Span> = BTreeMap::new();
        for flow in site.flows.values() {
            let reached = flow.to.iter().find(|end| reaches(site, end.end, id));
            let Some(end) = reached else { continue };
            for from in &flow.from {
                let zones = areas(site, from.end, None).into_iter().filter_map(|area| match area {
                    super::support::Area::Zone(zone) => Some(zone),
                    super::support::Area::Network(_) => None,
                });
                for zone in zones {
                    users.entry(zone).or_insert(end.span);
                }
            }
        }
        let all: BTreeSet<ZoneId> = own.iter().chain(users.keys()).copied().collect();
        if all.len() < 2 || users.is_empty() {
            continue;
        }
        let list: Vec<&str> = all.iter().map(|zone| site.zones[*zone].name.as_str()).collect();
        let home = own.first().map_or("", |zone| site.zones[*zone].name.as_str());
        let finding =
            Finding::new("ZM-SEP-08", "undeclared").arg("component", &component.name).arg("zones", list.join(", "));
        let mut finding = finding.object(&component.name).label_with(
            component.decl.kind.span,
            "kind",
            vec![("zone", home.to_owned())],
        );
        for (zone, span) in users.iter().filter(|(zone, _)| !own.contains(zone)) {
            finding = finding.label_with(*span, "flow", vec![("zone", site.zones[*zone].name.clone())]);
        }
        out.push(finding);
    }
}

/// Whether an end of a flow is a component, or the segment or zone it stands in.
fn reaches(site: &Site, end: crate::model::End, id: crate::model::ComponentId) -> bool {
    use crate::model::End;
    let legs = || site.components[id].legs.iter();
    match end {
        End::Component(own) => own == id,
        End::Segment(segment) => legs().any(|leg| leg.place == Place::Segment(segment)),
        End::Zone(zone) => legs().any(|leg| site.zone_of(leg.place) == Some(zone)),
        End::Namespace(namespace) => site.components[id].namespace == Some(namespace),
        End::Cluster(cluster) => runs_in(site, id) == Some(cluster),
        End::Network(_) | End::Gateway(_) => false,
    }
}

fn runs_in(site: &Site, id: crate::model::ComponentId) -> Option<ClusterId> {
    site.components[id].namespace.map(|namespace| site.namespaces[namespace].cluster)
}

/// Filters route statically, but for a router of the perimeter (NET.3.2.A8).
fn static_routes(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, gateway) in site.gateways.iter() {
        let Some(dynamic) = gateway.decl.dynamic_routing.as_ref().filter(|dynamic| dynamic.value) else { continue };
        let claims = gateway.decl.perimeter_router.as_ref().is_some_and(|claim| claim.value);
        let outside = cx.graphs.topology.neighbours(Vertex::Gateway(id)).into_iter().any(|next| match next {
            Vertex::Network(_) => true,
            Vertex::Segment(id) => site.zones[site.segments[id].zone].class == "uplink",
            _ => false,
        });
        if !(claims && outside) {
            let finding = Finding::new("ZM-SEP-10", "dynamic").arg("gateway", &gateway.name);
            out.push(finding.object(&gateway.name).label(dynamic.span, "routing"));
        }
    }
}
