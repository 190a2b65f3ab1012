//! ZM-FLO, second half: releases between namespaces, insecure and hidden protocols, redundancy, expiry.

use super::support::{Area, end_is, is_known_as, pairs};
use super::{Cx, Rule};
use crate::finding::{Finding, Severity};
use crate::model::site::{Flow, ServiceUse};
use crate::model::{End, FlowId, NamespaceId, Place, Property, ServiceMatch, Site};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const RULES: &[Rule] = &[
    ("ZM-FLO-04", released),
    ("ZM-FLO-06", secure),
    ("ZM-FLO-07", not_redundant),
    ("ZM-FLO-08", not_expired),
    ("ZM-FLO-09", offered),
    ("ZM-FLO-10", not_encapsulated),
];

fn namespace(site: &Site, end: End) -> Option<NamespaceId> {
    match end {
        End::Namespace(id) => Some(id),
        End::Component(id) => site.components[id].namespace,
        _ => None,
    }
}

/// Between namespaces a flow is released explicitly, for selected pods (DVS 5.3.4, APP.4.4.A7).
fn released(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for flow in site.flows.values() {
        let mut told = BTreeSet::new();
        for (from, to) in flow.from.iter().flat_map(|from| flow.to.iter().map(move |to| (from, to))) {
            let (Some(a), Some(b)) = (namespace(site, from.end), namespace(site, to.end)) else { continue };
            if a == b {
                continue;
            }
            let about = |case| {
                Finding::new("ZM-FLO-04", case)
                    .arg("flow", &flow.name)
                    .arg("from", &site.namespaces[a].path)
                    .arg("to", &site.namespaces[b].path)
                    .object(&flow.name)
            };
            match &flow.decl.approved {
                None if told.insert(("approval", a, b)) => out.push(about("approval").label(flow.span, "flow")),
                Some(approval) if approval.on.value > site.as_of && told.insert(("future", a, b)) => {
                    out.push(about("future").arg("date", approval.on.value).label(approval.on.span, "future"));
                }
                _ => {}
            }
            for (end, of) in [(from, a), (to, b)] {
                let End::Component(id) = end.end else { continue };
                let component = &site.components[id];
                let selected = component.decl.pods.as_ref().is_some_and(|labels| !labels.0.is_empty());
                if !selected && told.insert(("selector", of, of)) {
                    let finding =
                        about("selector").arg("component", &component.name).arg("namespace", &site.namespaces[of].path);
                    out.push(finding.object(&component.name).label(component.span, "selector").label(end.span, "used"));
                }
            }
        }
    }
}

/// The catalogue's successor of an insecure service.
fn alternative(site: &Site, service: &ServiceUse) -> String {
    let services = &site.blueprint.services;
    let named = services.get(&service.expr.to_string());
    let found =
        named.or_else(|| services.values().find(|entry| !entry.secure && within(&service.matches, entry.matches())));
    found.and_then(|entry| entry.alternative.clone()).unwrap_or_else(|| "–".to_owned())
}

/// No insecure protocol crosses segments (NET.1.1.A7, NET.1.2.A10).
fn secure(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let managed = |place: Place| site.zone_of(place).is_some_and(|zone| site.zones[zone].class == "management");
    for (id, flow) in site.flows.iter().filter(|(_, flow)| flow.decl.protected_by.is_none()) {
        let insecure =
            |service: &&ServiceUse| is_known_as(site, service, |entry| !entry.secure, service.secure == Some(false));
        for service in flow.services.iter().filter(insecure) {
            let ways = cx.graphs.ways.of(id).iter().filter_map(|pair| pair.ways.as_ref().ok()).flatten();
            let mut open = ways.filter(|way| {
                let (source, destination) = (way.source.place, way.destination.place);
                source != destination && !(managed(source) && managed(destination))
            });
            let Some(way) = open.next() else { continue };
            let finding = Finding::new("ZM-FLO-06", "insecure").arg("flow", &flow.name).arg("service", &service.expr);
            let args = vec![("name", service.expr.to_string()), ("alternative", alternative(site, service))];
            let path = vec![
                ("from-segment", site.place_name(way.source.place).to_owned()),
                ("to-segment", site.place_name(way.destination.place).to_owned()),
            ];
            out.push(
                finding
                    .object(&flow.name)
                    .label_with(service.span, "service", args)
                    .label_with(flow.span, "path", path),
            );
        }
    }
}

/// The ends that contain an end: itself and, where it stands in one place only, the place and its zone.
fn around(site: &Site, end: End) -> Vec<End> {
    let mut ends = vec![end];
    match end {
        End::Component(id) => {
            let component = &site.components[id];
            match (component.namespace, component.legs.as_slice()) {
                (Some(namespace), _) => {
                    ends.extend([End::Namespace(namespace), End::Cluster(site.namespaces[namespace].cluster)]);
                }
                (None, [leg]) => match leg.place {
                    Place::Network(id) => ends.push(End::Network(id)),
                    Place::Segment(id) => ends.extend([End::Segment(id), End::Zone(site.segments[id].zone)]),
                },
                _ => {}
            }
        }
        End::Segment(id) => ends.push(End::Zone(site.segments[id].zone)),
        End::Namespace(id) => ends.push(End::Cluster(site.namespaces[id].cluster)),
        _ => {}
    }
    ends
}

/// Whether every packet of some services is a packet of others.
fn within(inner: &[ServiceMatch], outer: &[ServiceMatch]) -> bool {
    inner.iter().all(|item| {
        outer.iter().any(|other| match (item, other) {
            (_, ServiceMatch::Any) => true,
            (ServiceMatch::Ports(a, inner), ServiceMatch::Ports(b, outer)) => a == b && inner.is_subset(outer),
            (item, other) => item == other,
        })
    })
}

/// Whether flow `a` asks for no more than `b` in families and conditions of layer 7 and names.
fn no_wider(a: &Flow, b: &Flow) -> bool {
    use crate::model::Family;
    let families = Family::BOTH.into_iter().all(|family| !a.wants(family) || b.wants(family));
    let plain = b.decl.http.is_none() && b.decl.fqdn.is_none();
    families && (plain || (a.decl.http == b.decl.http && a.decl.fqdn == b.decl.fqdn))
}

/// No flow is contained in another one.
fn not_redundant(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut by_ends: BTreeMap<(End, End), Vec<FlowId>> = BTreeMap::new();
    for (id, flow) in site.flows.iter() {
        for (from, to) in flow.from.iter().flat_map(|from| flow.to.iter().map(move |to| (from.end, to.end))) {
            by_ends.entry((from, to)).or_default().push(id);
        }
    }
    // Flows that hold a pair of ends, directly or by a place around it.
    let holders = |from: End, to: End| -> BTreeSet<FlowId> {
        let tos = around(site, to);
        let keys = around(site, from).into_iter().flat_map(|from| tos.iter().map(move |to| (from, *to)));
        keys.filter_map(|key| by_ends.get(&key)).flatten().copied().collect()
    };
    let contained = |inner: FlowId, outer: FlowId| {
        let (a, b) = (&site.flows[inner], &site.flows[outer]);
        within(&a.matches, &b.matches)
            && no_wider(a, b)
            && a.from.iter().all(|from| a.to.iter().all(|to| holders(from.end, to.end).contains(&outer)))
    };
    for (id, flow) in site.flows.iter() {
        let (Some(from), Some(to)) = (flow.from.first(), flow.to.first()) else { continue };
        let candidates = holders(from.end, to.end);
        let found = candidates.into_iter().filter(|other| *other != id && contained(id, *other)).find_map(|other| {
            let equal = contained(other, id);
            (!equal || other < id).then_some((other, equal))
        });
        if let Some((other, equal)) = found {
            let case = if equal { "equal" } else { "contained" };
            let finding = Finding::new("ZM-FLO-07", case).arg("flow", &flow.name).arg("other", &site.flows[other].name);
            let finding = finding.object(&flow.name).object(&site.flows[other].name).weigh(Severity::Info);
            out.push(finding.label(flow.span, "flow").label(site.flows[other].span, "other"));
        }
    }
}

/// Temporary flows expire.
fn not_expired(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    for flow in cx.site.flows.values() {
        let Some(until) = flow.decl.valid_until.as_ref().filter(|until| until.value < cx.site.as_of) else { continue };
        let finding = Finding::new("ZM-FLO-08", "expired").arg("flow", &flow.name).arg("date", until.value);
        let args = vec![("as-of", cx.site.as_of.to_string())];
        out.push(finding.object(&flow.name).label_with(until.span, "date", args));
    }
}

/// The responder offers the service (SYS.1.1.A19).
fn offered(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for flow in site.flows.values() {
        for end in &flow.to {
            let End::Component(id) = end.end else { continue };
            let component = &site.components[id];
            if component.listens.is_empty() {
                continue;
            }
            let offers = ServiceMatch::normalise(component.listens.iter().map(|(seen, _)| seen.clone()).collect());
            for service in flow.services.iter().filter(|service| !within(&service.matches, &offers)) {
                let list: Vec<String> = offers.iter().map(ToString::to_string).collect();
                let finding = Finding::new("ZM-FLO-09", "not-offered")
                    .arg("flow", &flow.name)
                    .arg("component", &component.name)
                    .arg("service", &service.expr);
                let name = vec![("component", component.name.clone())];
                let finding = finding.object(&flow.name).object(&component.name);
                let finding = finding.label_with(service.span, "service", name);
                out.push(finding.label_with(component.span, "listens", vec![("offers", list.join(", "))]));
            }
        }
    }
}

/// No tunnel crosses a zone border past the filters (DVS 5.3.2: layer 4).
fn not_encapsulated(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut told = BTreeSet::new();
    let ends_tunnels = |end| end_is(site, end, Property::Vpn) || end_is(site, end, Property::Crypto);
    for pair in pairs(cx).filter(|pair| pair.from != pair.to) {
        if ends_tunnels(pair.ends.from.end) || ends_tunnels(pair.ends.to.end) {
            continue;
        }
        let name = |area: Area| area.name(site).to_owned();
        let tunnel = |service: &&ServiceUse| is_known_as(site, service, |entry| entry.tunnel, service.tunnel);
        for service in pair.flow.services.iter().filter(tunnel) {
            if told.insert((pair.flow.name.clone(), service.span, pair.from, pair.to)) {
                let finding = Finding::new("ZM-FLO-10", "tunnel")
                    .arg("flow", &pair.flow.name)
                    .arg("service", &service.expr)
                    .arg("from-zone", name(pair.from))
                    .arg("to-zone", name(pair.to));
                let finding = finding.object(&pair.flow.name).label(service.span, "service");
                out.push(finding.label(pair.ends.to.span, "end"));
            }
        }
    }
}
