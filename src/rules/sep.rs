//! ZM-SEP: separation.

use super::support::{enforces, is_device, is_gateway_host, names, own_main_zone, vertex_span};
use super::{Cx, Rule};
use crate::finding::{Finding, Severity};
use crate::graph::Vertex;
use crate::model::{ComponentId, Place, Property, SegmentId, Site, ZoneId};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const RULES: &[Rule] =
    &[("ZM-SEP-01", main_zones_apart), ("ZM-SEP-02", filtered), ("ZM-SEP-06", no_bridge), ("ZM-SEP-09", default_deny)];

/// A host that ZM-SEP-06 reports, or a hypervisor that ZM-SEP-07 does: its fault is named there once.
fn bridges(site: &Site, id: ComponentId) -> bool {
    if site.is(id, Property::Platform) {
        let main: BTreeSet<_> = data_zones(site, id).into_iter().filter_map(|zone| own_main_zone(site, zone)).collect();
        return main.len() > 1;
    }
    !is_gateway_host(site, id) && !is_device(site, id) && data_zones(site, id).len() > 1
}

fn data_zones(site: &Site, id: ComponentId) -> BTreeSet<ZoneId> {
    site.components[id].data_legs().filter_map(|leg| site.zone_of(leg.place)).collect()
}

pub(super) fn is_bridge(site: &Site, vertex: Vertex) -> bool {
    matches!(vertex, Vertex::Component(id) if bridges(site, id))
}

/// The three main zones are cut from each other by the enforcement points (DVS 5.3.2).
fn main_zones_apart(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, segment) in site.segments.iter() {
        let Some(own) = own_main_zone(site, segment.zone) else { continue };
        let other = |vertex: Vertex| match vertex {
            // Each pair once: from the smaller name to the greater.
            Vertex::Segment(other) => {
                other > id && own_main_zone(site, site.segments[other].zone).is_some_and(|zone| zone != own)
            }
            _ => false,
        };
        // One finding per joint: another device beside it is another fault.
        let mut joints: BTreeSet<Vertex> = BTreeSet::new();
        let blocked = |vertex: Vertex, joints: &BTreeSet<Vertex>| {
            let passed = enforces(site, vertex) || is_bridge(site, vertex) || matches!(vertex, Vertex::Network(_));
            passed || joints.contains(&vertex)
        };
        while let Some(path) = cx.graphs.topology.path(Vertex::Segment(id), other, |vertex| blocked(vertex, &joints))
            && let (Some(Vertex::Segment(end)), Some(joint)) = (path.last().copied(), path.get(1).copied())
        {
            joints.insert(joint);
            let far = &site.segments[end];
            let far_zone = own_main_zone(site, far.zone).map_or("", |zone| zone.word());
            let finding = Finding::new("ZM-SEP-01", "joined").arg("from", &segment.name).arg("from-zone", own.word());
            let finding = finding
                .arg("to", &far.name)
                .arg("to-zone", far_zone)
                .object(joint.name(site))
                .object(&segment.name)
                .object(&far.name);
            let finding = finding.label(vertex_span(site, joint), "joint");
            let finding = finding.label_with(segment.span, "segment", vec![("zone", own.word().to_owned())]);
            out.push(
                finding
                    .label_with(far.span, "segment", vec![("zone", far_zone.to_owned())])
                    .witness(names(site, &path)),
            );
        }
    }
}

/// Zones are cut from each other by stateful layer 4 filters (DVS 5.3.2, NET.1.1.A4). Two zones are not cut exactly when on some way
/// a device that is no such filter has a leg in two zones, so each such device is judged by itself.
pub(super) fn filtered(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let gateways = site.gateways.iter().filter(|(_, gateway)| !gateway.is_layer4()).map(|(id, _)| Vertex::Gateway(id));
    let components = site.components.ids().map(Vertex::Component).filter(|vertex| !is_bridge(site, *vertex));
    for joint in gateways.chain(components) {
        let mut first: BTreeMap<ZoneId, SegmentId> = BTreeMap::new();
        for vertex in cx.graphs.topology.neighbours(joint) {
            if let Vertex::Segment(id) = vertex {
                first.entry(site.segments[id].zone).or_insert(id);
            }
        }
        let zones: Vec<(ZoneId, SegmentId)> = first.into_iter().collect();
        for (index, (a, from)) in zones.iter().enumerate() {
            for (b, to) in zones.iter().skip(index + 1) {
                let web = |zone: ZoneId| site.zones[zone].class == "external.web";
                let (main_a, main_b) = (own_main_zone(site, *a), own_main_zone(site, *b));
                // Main zones joined without any enforcement point are ZM-SEP-01's.
                let unenforced = !enforces(site, joint) && main_a.is_some() && main_b.is_some() && main_a != main_b;
                if !(unenforced || web(*a) && web(*b)) {
                    out.push(unfiltered(site, (*a, *b), [Vertex::Segment(*from), joint, Vertex::Segment(*to)]));
                }
            }
        }
    }
}

fn unfiltered(site: &Site, (a, b): (ZoneId, ZoneId), path: [Vertex; 3]) -> Finding {
    let [_, joint, _] = path;
    let finding =
        Finding::new("ZM-SEP-02", "unfiltered").arg("from", &site.zones[a].name).arg("to", &site.zones[b].name);
    let finding = finding.object(joint.name(site));
    let finding = if let Vertex::Gateway(id) = joint {
        let gateway = &site.gateways[id];
        let layer = gateway.decl.layer.as_ref().map_or(4, |layer| layer.value);
        let key = if layer < 4 { "weak" } else { "stateless" };
        finding.label_with(gateway.span, key, vec![("layer", layer.to_string())])
    } else {
        finding.label(vertex_span(site, joint), "joint")
    };
    finding.object(&site.zones[a].name).object(&site.zones[b].name).witness(names(site, &path))
}

/// No host bridges segments (DVS 5.3.2, NET.1.1.A23). Management hosts are ZM-MGT-04's.
fn no_bridge(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, component) in site.components.iter() {
        if is_gateway_host(site, id) || is_device(site, id) {
            continue;
        }
        let zones = data_zones(site, id);
        let labelled = |mut finding: Finding| {
            for leg in component.data_legs() {
                let zone = site.zone_of(leg.place).map_or("", |zone| site.zones[zone].name.as_str());
                finding = finding.label_with(leg.span, "leg", vec![("zone", zone.to_owned())]);
            }
            finding.object(&component.name)
        };
        let segments = component.data_legs().filter(|leg| matches!(leg.place, Place::Segment(_))).count();
        if zones.len() > 1 {
            let list: Vec<&str> = zones.iter().map(|zone| site.zones[*zone].name.as_str()).collect();
            let finding =
                Finding::new("ZM-SEP-06", "bridge").arg("component", &component.name).arg("zones", list.join(", "));
            out.push(labelled(finding.label(component.span, "")));
        } else if segments > 1 && component.decl.forwards.as_ref().is_none_or(|forwards| forwards.value) {
            let zone = zones.first().map_or("", |zone| site.zones[*zone].name.as_str());
            let finding = Finding::new("ZM-SEP-06", "same-zone").arg("component", &component.name).arg("zone", zone);
            out.push(labelled(finding.label(component.span, "").weigh(Severity::Warning)));
        }
    }
}

/// Every filter denies what no flow allows (NET.1.1.A4, NET.3.2.A2).
fn default_deny(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    for gateway in cx.site.gateways.values().filter(|gateway| !gateway.denies_by_default()) {
        let span = gateway.decl.default.as_ref().map_or(gateway.span, |default| default.span);
        out.push(
            Finding::new("ZM-SEP-09", "accept")
                .arg("gateway", &gateway.name)
                .object(&gateway.name)
                .label(span, "default"),
        );
    }
}
