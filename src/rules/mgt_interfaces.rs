//! ZM-MGT-01, -02, -10, -12: through which networks systems are managed.

use super::mgt::is_management;
use super::proxy::gateway_at;
use super::support::{is_device, is_gateway_host, names};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::graph::Vertex;
use crate::model::site::Component;
use crate::model::{ComponentId, Leg, LegRole, Place, Property, SegmentId, Site};
use crate::source::Span;
use crate::syntax::objects::{ManagementBand, PlatformKind, Stage};
use std::collections::BTreeMap;

pub(super) const RULES: &[Rule] = &[
    ("ZM-MGT-01", own_networks),
    ("ZM-MGT-02", interfaces_apart),
    ("ZM-MGT-10", outer_filter_apart),
    ("ZM-MGT-12", out_of_band),
];

/// The management segment of a place.
fn managed(site: &Site, place: Place) -> Option<SegmentId> {
    match place {
        Place::Segment(id) if is_management(site, site.segments[id].zone) => Some(id),
        _ => None,
    }
}

/// The management interface that a leg is, by its segment.
fn interface(leg: &Leg) -> Option<SegmentId> {
    match leg.place {
        Place::Segment(id) if leg.role == LegRole::Mgmt => Some(id),
        _ => None,
    }
}

/// Administration networks are separated from application networks (DVS 5.3.2), host from container administration (SYS.1.6.A5).
fn own_networks(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, component) in site.components.iter() {
        let about = |case| Finding::new("ZM-MGT-01", case).arg("component", &component.name).object(&component.name);
        let places = || component.legs.iter().filter(|leg| site.zone_of(leg.place).is_some());
        let segment = places().find_map(|leg| managed(site, leg.place));
        let data = places().any(|leg| managed(site, leg.place).is_none());
        let is = |properties: &[Property]| properties.iter().any(|property| site.is(id, *property));
        let device = site.is(id, Property::NetworkDevice) && !site.is(id, Property::Platform);
        if segment.is_none() && data && component.namespace.is_none() && !is(&[Property::Client]) && !device {
            out.push(about("no-leg").label(component.span, "no-leg"));
        }
        let carries = is(&[Property::Application, Property::Database, Property::Client]);
        if let Some(segment) = segment.filter(|_| carries && !data) {
            let finding = about("application-in-management").arg("kind", &component.decl.kind.0);
            let segment = &site.segments[segment].name;
            out.push(finding.arg("segment", segment).object(segment).label(component.span, "component"));
        }
    }
    container_administration(site, out);
    shared_vlans(site, out);
}

fn container_administration(site: &Site, out: &mut Vec<Finding>) {
    for cluster in site.clusters.values() {
        let about = |case| Finding::new("ZM-MGT-01", case).arg("cluster", &cluster.name).object(&cluster.name);
        let Some(leg) = &cluster.management else {
            out.push(about("no-cluster-management").label(cluster.span, "cluster"));
            continue;
        };
        let about = |case| about(case).arg("segment", site.place_name(leg.place));
        let Some(segment) = managed(site, leg.place) else {
            out.push(about("not-management").label(leg.span, "management"));
            continue;
        };
        for component in site.components.values() {
            if let Some(host) = component.legs.iter().find(|leg| interface(leg) == Some(segment)) {
                let finding = about("host-and-container").arg("component", &component.name).object(&component.name);
                out.push(finding.label(host.span, "host").label(leg.span, "container"));
            }
        }
    }
}

/// Two segments with one VLAN id on one switch are one network, whatever their prefixes.
fn shared_vlans(site: &Site, out: &mut Vec<Finding>) {
    type Members<'a> = BTreeMap<(Option<&'a str>, u16), Vec<(SegmentId, Span)>>;
    let mut segments = Members::new();
    for (id, segment) in site.segments.iter() {
        if let Some(vlan) = &segment.decl.vlan {
            let domain = segment.decl.switch_domain.as_ref().map(|domain| domain.0.as_str());
            segments.entry((domain, vlan.value)).or_default().push((id, vlan.span));
        }
    }
    for ((_, vlan), members) in segments {
        let management = |id: SegmentId| is_management(site, site.segments[id].zone);
        for (id, span) in members.iter().filter(|(id, _)| management(*id)) {
            // Two management segments are told once, at the first.
            for (other, other_span) in members.iter().filter(|(other, _)| !management(*other) || other > id) {
                let (segment, other) = (&site.segments[*id].name, &site.segments[*other].name);
                let finding = Finding::new("ZM-MGT-01", "shared-vlan").arg("segment", segment).arg("other", other);
                let finding = finding.arg("vlan", vlan).object(segment).object(other);
                out.push(finding.label(*span, "vlan").label(*other_span, "other-vlan"));
            }
        }
    }
}

/// What a managed system is and where it stands, the groups of NET.1.1.A21.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Placement {
    /// In the web zone or an uplink network: reachable from the Internet.
    Reachable,
    OuterFilter,
    /// Application-level, VPN or crypto gateway.
    SecurityGateway,
    Filter,
    Application,
    Database,
    Internal,
    Restricted,
    Development,
}

impl Placement {
    fn of_class(class: &str) -> Option<Self> {
        Some(match class {
            "external.web" | "uplink" => Self::Reachable,
            "external.app" => Self::Application,
            "external.db" => Self::Database,
            "internal" => Self::Internal,
            "restricted" => Self::Restricted,
            "development" => Self::Development,
            _ => return None,
        })
    }

    const fn is_filter(self) -> bool {
        matches!(self, Self::OuterFilter | Self::Filter)
    }

    /// Key of the group's name in the texts.
    const fn word(self) -> &'static str {
        match self {
            Self::Reachable => "external.web",
            Self::OuterFilter => "outer-filter",
            Self::SecurityGateway => "security-gateway",
            Self::Filter => "other-filter",
            Self::Application => "external.app",
            Self::Database => "external.db",
            Self::Internal => "internal",
            Self::Restricted => "restricted",
            Self::Development => "development",
        }
    }
}

/// A group of management interfaces: placement, and purpose (hosts before containers).
type Group = (Placement, bool);

fn word((placement, container): Group) -> String {
    if container { format!("Container, {}", placement.word()) } else { placement.word().to_owned() }
}

/// Whether two groups may be managed in one network. A security gateway may be managed with the filters on either side of it.
fn may_meet(a: Group, b: Group) -> bool {
    let gateway_and_filter = |a: Group, b: Group| a.0 == Placement::SecurityGateway && b.0.is_filter();
    a == b || (!a.1 && !b.1 && (gateway_and_filter(a, b) || gateway_and_filter(b, a)))
}

/// Name and place of the first interface of each group, by segment.
type Interfaces<'a> = BTreeMap<SegmentId, BTreeMap<Group, (&'a str, Span)>>;

fn interfaces(site: &Site) -> Interfaces<'_> {
    let mut found = Interfaces::new();
    let mut add = |leg: &Leg, group: Option<Group>, name| {
        if let (Some(segment), Some(group)) = (interface(leg), group) {
            found.entry(segment).or_default().entry(group).or_insert((name, leg.span));
        }
    };
    for gateway in site.gateways.values() {
        let stage = if gateway.stage() == Some(Stage::Outer) { Placement::OuterFilter } else { Placement::Filter };
        gateway.interfaces.iter().for_each(|item| add(&item.leg, Some((stage, false)), gateway.name.as_str()));
    }
    for (id, component) in site.components.iter().filter(|(_, component)| component.namespace.is_none()) {
        let zone = site.component_zones(id).first().copied();
        let placement = if is_gateway_host(site, id) {
            Some(Placement::SecurityGateway)
        } else {
            zone.and_then(|zone| Placement::of_class(&site.zones[zone].class))
        };
        let group = placement.map(|placement| (placement, false));
        component.legs.iter().for_each(|leg| add(leg, group, component.name.as_str()));
    }
    for cluster in site.clusters.values() {
        let group = Placement::of_class(&site.zones[cluster.zone].class).map(|placement| (placement, true));
        cluster.management.iter().for_each(|leg| add(leg, group, cluster.name.as_str()));
    }
    found
}

/// Management interfaces are separated by purpose and placement (NET.1.1.A21).
fn interfaces_apart(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let interfaces = interfaces(site);
    for (segment, groups) in &interfaces {
        // Each group is told once, beside the first that it must not meet. Hosts beside containers are ZM-MGT-01's.
        let foreign = |a: Group, b: Group| {
            let host_and_container = a.1 != b.1 && !a.0.is_filter() && !b.0.is_filter();
            !may_meet(a, b) && !host_and_container
        };
        for (group, second) in groups {
            let other =
                groups.iter().take_while(|(other, _)| *other < group).find(|(other, _)| foreign(**other, *group));
            if let Some((other, first)) = other {
                let finding = Finding::new("ZM-MGT-02", "shared-segment").arg("segment", &site.segments[*segment].name);
                let finding = finding.object(&site.segments[*segment].name);
                out.push(two_groups(finding, (*other, *first), (*group, *second)));
            }
        }
    }
    unfiltered(cx, &interfaces, out);
}

fn two_groups(finding: Finding, first: (Group, (&str, Span)), second: (Group, (&str, Span))) -> Finding {
    let (first_word, second_word) = (word(first.0), word(second.0));
    let finding = finding.arg("first", first.1.0).arg("first-group", first_word);
    let finding = finding.arg("second", second.1.0).arg("second-group", second_word);
    finding.object(second.1.0).object(first.1.0).label(second.1.1, "second").label(first.1.1, "first")
}

/// Hosts forward nothing (ZM-SEP-06, ZM-MGT-04 see to that); what may join networks are devices and security gateways.
fn forwards(site: &Site, id: ComponentId) -> bool {
    is_gateway_host(site, id) || is_device(site, id)
}

/// Segments of groups that must not meet, with no stateful filter on a way between them.
fn unfiltered(cx: &Cx<'_>, interfaces: &Interfaces<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let blocked = |vertex: Vertex| match vertex {
        Vertex::Gateway(id) => site.gateways[id].is_layer4(),
        Vertex::Component(id) => !forwards(site, id),
        Vertex::Network(_) => true,
        Vertex::Segment(_) => false,
    };
    let foreign = |a: SegmentId, b: SegmentId| {
        let (own, other) = (interfaces.get(&a)?, interfaces.get(&b)?);
        own.iter().find_map(|(own, first)| {
            let (other, second) = other.iter().find(|(other, _)| !may_meet(*own, **other))?;
            Some(((*own, *first), (*other, *second)))
        })
    };
    for a in interfaces.keys().copied() {
        for vertex in cx.graphs.topology_all.component(Vertex::Segment(a), blocked) {
            let Vertex::Segment(b) = vertex else { continue };
            let Some((first, second)) = foreign(a, b).filter(|_| b > a) else { continue };
            let Some(path) = cx.graphs.topology_all.path(Vertex::Segment(a), |v| v == vertex, blocked) else {
                continue;
            };
            // A way through a third group's segment is told at that segment.
            let third = |vertex: &Vertex| matches!(vertex, Vertex::Segment(c) if ![a, b].contains(c) && (foreign(a, *c).is_some() || foreign(*c, b).is_some()));
            if path.iter().any(third) {
                continue;
            }
            let (segment, other) = (&site.segments[a].name, &site.segments[b].name);
            let finding = Finding::new("ZM-MGT-02", "no-filter").arg("segment", segment).arg("other", other);
            let finding = finding.object(segment).object(other).witness(names(site, &path));
            out.push(two_groups(finding, first, second));
        }
    }
}

/// The outer filter and the devices at it are managed apart from the inner filter (NET.1.2.A29).
fn outer_filter_apart(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let of_stage = |stage| {
        let mut found: BTreeMap<SegmentId, (&str, Span)> = BTreeMap::new();
        for gateway in site.gateways.values().filter(|gateway| gateway.stage() == Some(stage)) {
            for item in &gateway.interfaces {
                if let Some(segment) = interface(&item.leg) {
                    found.entry(segment).or_insert((gateway.name.as_str(), item.leg.span));
                }
            }
        }
        found
    };
    let (mut outer, inner) = (of_stage(Stage::Outer), of_stage(Stage::Inner));
    for component in site.components.ids().filter(|id| is_gateway_host(site, *id)).map(|id| &site.components[id]) {
        let at_outer =
            |leg: &Leg| matches!(leg.place, Place::Segment(id) if gateway_at(site, id, Stage::Outer).is_some());
        if !component.data_legs().any(at_outer) {
            continue;
        }
        for leg in &component.legs {
            let Some(segment) = interface(leg) else { continue };
            outer.entry(segment).or_insert((component.name.as_str(), leg.span));
            if let Some(gateway) = inner.get(&segment) {
                out.push(beside_inner(site, component, leg, segment, *gateway));
            }
        }
    }
    around(cx, &outer, &inner, out);
}

fn beside_inner(site: &Site, device: &Component, leg: &Leg, segment: SegmentId, gateway: (&str, Span)) -> Finding {
    let finding = Finding::new("ZM-MGT-10", "shared-segment").arg("component", &device.name).arg("gateway", gateway.0);
    let finding = finding.arg("segment", &site.segments[segment].name).object(&device.name);
    let finding = finding.object(&site.segments[segment].name).label(leg.span, "component");
    finding.label(gateway.1, "gateway")
}

/// Ways through management segments alone, past the application-level gateway, from the outer side to the inner filter.
fn around(
    cx: &Cx<'_>,
    outer: &BTreeMap<SegmentId, (&str, Span)>,
    inner: &BTreeMap<SegmentId, (&str, Span)>,
    out: &mut Vec<Finding>,
) {
    let site = cx.site;
    let blocked = |vertex: Vertex| match vertex {
        Vertex::Segment(id) => !is_management(site, site.segments[id].zone),
        Vertex::Gateway(id) => site.gateways[id].stage() == Some(Stage::Management),
        Vertex::Component(id) => !forwards(site, id),
        Vertex::Network(_) => true,
    };
    for (a, own) in outer.iter().filter(|(id, _)| !inner.contains_key(id)) {
        for vertex in cx.graphs.topology_all.component(Vertex::Segment(*a), blocked) {
            let Vertex::Segment(b) = vertex else { continue };
            let Some(gateway) = inner.get(&b) else { continue };
            let Some(path) = cx.graphs.topology_all.path(Vertex::Segment(*a), |v| v == vertex, blocked) else {
                continue;
            };
            let between = |vertex: &Vertex| matches!(vertex, Vertex::Segment(c) if ![*a, b].contains(c) && (outer.contains_key(c) || inner.contains_key(c)));
            if path.iter().any(between) {
                continue;
            }
            let (segment, other) = (&site.segments[*a].name, &site.segments[b].name);
            let finding = Finding::new("ZM-MGT-10", "around").arg("segment", segment).arg("other", other);
            let finding = finding.arg("gateway", gateway.0).object(segment).object(other).witness(names(site, &path));
            out.push(finding.label(own.1, "outer").label(gateway.1, "gateway"));
        }
    }
}

/// Filters, switches, routers and hypervisors are managed out of band (NET.1.1.A21, NET.3.2.A18).
fn out_of_band(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut judge = |name: &str, span: Span, stated: Option<(ManagementBand, Span)>| {
        let about = |case| Finding::new("ZM-MGT-12", case).arg("device", name).object(name);
        match stated {
            Some((ManagementBand::Oob, _)) => {}
            Some((ManagementBand::InBand, span)) => out.push(about("in-band").label(span, "management")),
            None => out.push(about("unstated").label(span, "device")),
        }
    };
    for gateway in site.gateways.values() {
        judge(&gateway.name, gateway.span, gateway.decl.management.as_ref().map(|band| (band.value, band.span)));
    }
    let own = |id: &ComponentId| {
        is_device(site, *id) && site.components[*id].legs.iter().any(|leg| site.zone_of(leg.place).is_some())
    };
    for component in site.components.ids().filter(own).map(|id| &site.components[id]) {
        judge(&component.name, component.span, component.decl.management.as_ref().map(|band| (band.value, band.span)));
    }
    for platform in site.platforms.values() {
        if matches!(platform.decl.kind.value, PlatformKind::Hypervisor | PlatformKind::VirtualSwitch) {
            judge(&platform.name, platform.span, platform.decl.management.as_ref().map(|band| (band.value, band.span)));
        }
    }
}
