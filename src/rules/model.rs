//! ZM-MOD: model integrity. ZM-MOD-01 and -04 are the resolver's, ZM-MOD-02 in part: a site without names, places or a rule set
//! cannot be evaluated.

use super::{Cx, Rule};
use crate::finding::{Finding, Severity};
use crate::graph::{Actor, Step};
use crate::model::{End, Place, Property};
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    ("ZM-MOD-02", assigned),
    ("ZM-MOD-03", trust_stated),
    ("ZM-MOD-05", used),
    ("ZM-MOD-06", joins_two),
    ("ZM-MOD-07", outside),
];

/// Every zone has a class; every leg has an address (NET.1.1.A2). Zones without segment and components without place are refused
/// by the resolver.
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

/// Nothing is unused (NET.1.1.A15): a fact worth knowing, not a fault.
fn used(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut tell = |case: &'static str, name: &str, span| {
        let finding = Finding::new("ZM-MOD-05", case).arg(case, name).object(name).weigh(Severity::Info);
        out.push(finding.label(span, "unused"));
    };
    let mut held: BTreeSet<Place> = BTreeSet::new();
    held.extend(site.gateways.values().flat_map(|gateway| gateway.interfaces.iter().map(|i| i.leg.place)));
    held.extend(site.components.values().flat_map(|component| component.legs.iter().map(|leg| leg.place)));
    for cluster in site.clusters.values() {
        held.extend(cluster.pools.iter().map(|pool| Place::Segment(pool.segment)));
        held.extend(cluster.management.iter().map(|leg| leg.place));
    }
    held.extend(site.uplinks.values().filter_map(|uplink| uplink.segment).map(Place::Segment));
    for (_, segment) in site.segments.iter().filter(|(id, _)| !held.contains(&Place::Segment(*id))) {
        tell("segment", &segment.name, segment.span);
    }
    // Whoever a flow names, alone or as a member of something larger.
    let mut busy: BTreeSet<Actor> = BTreeSet::new();
    for actor in site.components.ids().map(Actor::Component) {
        if cx.graphs.initiator.successors(actor).iter().any(|(_, step)| matches!(step, Step::Flow(_))) {
            busy.insert(actor);
        }
    }
    for flow in site.flows.values() {
        for end in flow.from.iter().chain(&flow.to) {
            let within = |component: crate::model::ComponentId| match end.end {
                End::Component(id) => component == id,
                End::Segment(id) => site.components[component].legs.iter().any(|leg| leg.place == Place::Segment(id)),
                End::Network(id) => site.components[component].legs.iter().any(|leg| leg.place == Place::Network(id)),
                End::Zone(id) => site.component_zones(component).contains(&id),
                End::Namespace(id) => site.components[component].namespace == Some(id),
                End::Cluster(id) => {
                    let namespace = site.components[component].namespace;
                    namespace.is_some_and(|namespace| site.namespaces[namespace].cluster == id)
                }
                End::Gateway(_) => false,
            };
            match end.end {
                End::Component(id) => {
                    busy.insert(Actor::Component(id));
                }
                End::Gateway(_) => {}
                _ => busy.extend(site.components.ids().filter(|id| within(*id)).map(Actor::Component)),
            }
        }
    }
    for (_, component) in site.components.iter().filter(|(id, _)| !busy.contains(&Actor::Component(*id))) {
        tell("component", &component.name, component.span);
    }
    let mut named: BTreeSet<String> = BTreeSet::new();
    named.extend(site.flows.values().flat_map(|flow| flow.services.iter().map(|service| service.expr.to_string())));
    for component in site.components.values() {
        use crate::syntax::scalars::Either;
        match &component.decl.listens {
            Some(Either::Short(list)) => named.extend(list.iter().map(|expr| expr.value.to_string())),
            Some(Either::Long(entries)) => named.extend(entries.0.iter().map(|(expr, _)| expr.value.to_string())),
            None => {}
        }
    }
    for (name, service) in site.services.iter().filter(|(name, _)| !named.contains(*name)) {
        tell("service", name, service.span);
    }
}

/// Systems outside the scope stand in outside networks (DVS 4.2).
fn outside(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (_, component) in site.components.iter().filter(|(id, _)| site.is(*id, Property::Outside)) {
        for leg in &component.legs {
            let Some(zone) = site.zone_of(leg.place) else { continue };
            let finding = Finding::new("ZM-MOD-07", "inside")
                .arg("component", &component.name)
                .arg("segment", site.place_name(leg.place))
                .arg("zone", &site.zones[zone].name)
                .object(&component.name);
            out.push(finding.label(leg.span, "place").label(component.decl.kind.span, "kind"));
        }
    }
}
