//! ZM-MOD: model integrity. ZM-MOD-01 is the resolver's.

use super::{Cx, Rule};
use crate::finding::Finding;
use crate::model::{Place, Property};
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[("ZM-MOD-02", assigned), ("ZM-MOD-03", trust_stated), ("ZM-MOD-06", joins_two)];

/// Every zone has a class; every leg has an address (NET.1.1.A2). Zones without segment are refused by the resolver.
fn assigned(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for zone in site.zones.values().filter(|zone| zone.class.is_empty()) {
        out.push(
            Finding::new("ZM-MOD-02", "no-class")
                .arg("zone", &zone.name)
                .object(&zone.name)
                .label(zone.span, "no-class"),
        );
    }
    for component in site.components.values() {
        for leg in component.legs.iter().filter(|leg| leg.addresses.is_empty()) {
            let finding = Finding::new("ZM-MOD-02", "no-address")
                .arg("component", &component.name)
                .arg("segment", site.place_name(leg.place));
            out.push(finding.object(&component.name).label(leg.span, "leg"));
        }
    }
}

/// Each outside network states its trust (DVS 5.3.3, NET.1.1.A9).
fn trust_stated(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    for network in cx.site.networks.values().filter(|network| !network.is_internet() && network.decl.trust.is_none()) {
        let finding = Finding::new("ZM-MOD-03", "missing").arg("network", &network.name).object(&network.name);
        out.push(finding.label(network.span, "network"));
    }
}

/// Filters and application-level gateways join two places (DVS 5.3.2).
fn joins_two(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for gateway in site.gateways.values() {
        let places: BTreeSet<Place> = gateway.interfaces.iter().map(|interface| interface.leg.place).collect();
        out.extend(
            too_few("gateway", "gateway", &gateway.name, places.len())
                .map(|finding| finding.label(gateway.span, "device")),
        );
    }
    for (id, component) in site.components.iter().filter(|(id, _)| site.is(*id, Property::Alg)) {
        let _ = id;
        let places: BTreeSet<Place> = component.legs.iter().map(|leg| leg.place).collect();
        out.extend(
            too_few("alg", "component", &component.name, places.len())
                .map(|finding| finding.label(component.span, "device")),
        );
    }
}

fn too_few(case: &'static str, placeholder: &'static str, name: &str, count: usize) -> Option<Finding> {
    let case = if count == 0 { "none" } else { case };
    (count < 2).then(|| {
        Finding::new("ZM-MOD-06", case).arg(placeholder, name).arg("device", name).arg("count", count).object(name)
    })
}
