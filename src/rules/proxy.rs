//! ZM-PAP-05, -07, -12, -13: how application-level gateways and name servers are set up at the Internet.

use super::{Cx, Rule};
use crate::finding::Finding;
use crate::graph::Vertex;
use crate::model::site::{Component, Flow, ServiceUse};
use crate::model::{ComponentId, End, Leg, LegRole, Place, Property, SegmentId, ServiceMatch, Site};
use crate::source::Span;
use crate::syntax::document::Trust;
use crate::syntax::objects::{Stage, TlsMode};
use crate::syntax::service::{ServiceExpr, Transport};
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] =
    &[("ZM-PAP-05", dual_homed), ("ZM-PAP-07", fitting_proxy), ("ZM-PAP-12", name_servers), ("ZM-PAP-13", opened_tls)];

/// The gateway of a stage that a segment belongs to, with the place of its interface.
pub(super) fn gateway_at(site: &Site, segment: SegmentId, stage: Stage) -> Option<(&str, Span)> {
    site.gateways.values().filter(|gateway| gateway.stage() == Some(stage)).find_map(|gateway| {
        let leg = |leg: &Leg| leg.place == Place::Segment(segment) && leg.role == LegRole::Data;
        let interface = gateway.interfaces.iter().find(|interface| leg(&interface.leg))?;
        Some((gateway.name.as_str(), interface.leg.span))
    })
}

fn segments(component: &Component) -> Vec<(SegmentId, Span)> {
    let legs = component.data_legs().filter_map(|leg| match leg.place {
        Place::Segment(id) => Some((id, leg.span)),
        Place::Network(_) => None,
    });
    legs.collect()
}

/// Whether an end is the Internet or stands in it.
fn is_internet(site: &Site, end: End) -> bool {
    let internet = |place: Place| matches!(place, Place::Network(id) if site.networks[id].is_internet());
    match end {
        End::Network(id) => site.networks[id].is_internet(),
        End::Component(id) => {
            let legs = &site.components[id].legs;
            !legs.is_empty() && legs.iter().all(|leg| internet(leg.place))
        }
        _ => false,
    }
}

fn is_untrusted(site: &Site, end: End) -> bool {
    matches!(end, End::Network(id) if site.networks[id].trust() == Trust::Untrusted) || is_internet(site, end)
}

/// Whether a flow joins a component and an end for which `other` holds, in either direction.
fn joins(flow: &Flow, id: ComponentId, other: impl Fn(End) -> bool) -> bool {
    let names = |ends: &[crate::model::EndRef]| ends.iter().any(|end| end.end == End::Component(id));
    let any = |ends: &[crate::model::EndRef]| ends.iter().any(|end| other(end.end));
    (names(&flow.from) && any(&flow.to)) || (names(&flow.to) && any(&flow.from))
}

/// Application-level gateways stand between both stages in transfer nets of their own (NET.1.1.A18).
fn dual_homed(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut foreign = BTreeSet::new();
    for (id, alg) in site.components.iter().filter(|(id, _)| site.is(*id, Property::Alg)) {
        let legs = segments(alg);
        let outer: Vec<SegmentId> =
            legs.iter().map(|(id, _)| *id).filter(|id| gateway_at(site, *id, Stage::Outer).is_some()).collect();
        let inner: Vec<SegmentId> =
            legs.iter().map(|(id, _)| *id).filter(|id| gateway_at(site, *id, Stage::Inner).is_some()).collect();
        let exposed = site.flows.values().any(|flow| joins(flow, id, |end| is_untrusted(site, end)));
        if outer.is_empty() && !exposed {
            continue;
        }
        let apart = outer.iter().any(|outer| inner.iter().any(|inner| inner != outer));
        if !apart {
            let case = if outer.is_empty() { "no-outer-leg" } else { "no-inner-leg" };
            let mut finding = Finding::new("ZM-PAP-05", case).arg("component", &alg.name).object(&alg.name);
            finding = finding.label(alg.span, "alg");
            for (_, span) in &legs {
                finding = finding.label(*span, "leg");
            }
            out.push(finding);
        }
        for net in outer.iter().chain(&inner) {
            for (other, component) in site.components.iter().filter(|(other, _)| !site.is(*other, Property::Alg)) {
                let Some((_, span)) = segments(component).into_iter().find(|(segment, _)| segment == net) else {
                    continue;
                };
                if foreign.insert((*net, other)) {
                    let finding = Finding::new("ZM-PAP-05", "foreign")
                        .arg("component", &component.name)
                        .arg("kind", &component.decl.kind.0)
                        .arg("segment", &site.segments[*net].name)
                        .arg("alg", &alg.name);
                    let finding = finding.object(&component.name).object(&site.segments[*net].name);
                    out.push(finding.label(span, "foreign").label(alg.span, "alg"));
                }
            }
        }
    }
}

/// The application protocol of a service, as `protocols` of a gateway names it; `None` when nothing is known of it.
fn protocol_of(site: &Site, service: &ServiceUse) -> Option<String> {
    let named = match &service.expr {
        ServiceExpr::Named(name) => Some(name.clone()),
        _ => {
            let own = ServiceMatch::normalise(service.matches.clone());
            site.blueprint.services.iter().find(|(_, known)| known.matches() == own).map(|(name, _)| name.clone())
        }
    }?;
    let stated =
        site.services.get(&named).and_then(|own| own.record.as_ref()).and_then(|record| record.protocol.as_ref());
    Some(stated.map_or_else(
        || match named.as_str() {
            "https" | "http3" | "https-alt" => "http".to_owned(),
            "submission" | "submissions" => "smtp".to_owned(),
            _ => named,
        },
        |protocol| protocol.0.clone(),
    ))
}

fn protocols(site: &Site, id: ComponentId) -> Vec<String> {
    match &site.components[id].decl.protocols {
        Some(stated) => stated.iter().map(|protocol| protocol.0.clone()).collect(),
        None => site.kind(id).map(|kind| kind.protocols.clone()).unwrap_or_default(),
    }
}

/// Whether a gateway with some protocols carries a service: by its own proxy, or a generic one where no proxy exists.
fn carries(protocols: &[String], protocol: Option<&str>, service: &ServiceUse) -> bool {
    let has = |name: &str| protocols.iter().any(|own| own == name);
    match protocol {
        Some("http" | "https") => has("http") || has("https"),
        Some(known @ ("smtp" | "dns")) => has(known),
        other => {
            other.is_some_and(has)
                || service.matches.iter().all(|item| match item {
                    ServiceMatch::Ports(Transport::Tcp, _) => has("generic-tcp"),
                    ServiceMatch::Ports(Transport::Udp, _) => has("generic-udp"),
                    // Echo requests and their like carry no application protocol.
                    ServiceMatch::Icmp(_) | ServiceMatch::Icmpv6(_) => true,
                    _ => false,
                })
        }
    }
}

/// The application-level gateways of a flow whose other end is the Internet.
fn gateways_at_internet(site: &Site, flow: &Flow) -> BTreeSet<ComponentId> {
    let internet = |ends: &[crate::model::EndRef]| ends.iter().any(|end| is_internet(site, end.end));
    let algs = |ends: &[crate::model::EndRef]| -> Vec<ComponentId> {
        let ids = ends.iter().filter_map(|end| super::support::component(end.end));
        ids.filter(|id| site.is(*id, Property::Alg)).collect()
    };
    let mut found = BTreeSet::new();
    if internet(&flow.from) {
        found.extend(algs(&flow.to));
    }
    if internet(&flow.to) {
        found.extend(algs(&flow.from));
    }
    found
}

/// Each protocol passes a proxy that understands it (NET.3.2.A16, A20).
fn fitting_proxy(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for flow in site.flows.values() {
        for id in gateways_at_internet(site, flow) {
            let own = protocols(site, id);
            for service in &flow.services {
                let protocol = protocol_of(site, service);
                if carries(&own, protocol.as_deref(), service) {
                    continue;
                }
                let alg = &site.components[id];
                let finding = Finding::new("ZM-PAP-07", "no-proxy")
                    .arg("flow", &flow.name)
                    .arg("alg", &alg.name)
                    .arg("protocol", protocol.unwrap_or_else(|| service.expr.to_string()))
                    .arg("protocols", if own.is_empty() { "–".to_owned() } else { own.join(", ") });
                let finding = finding.object(&flow.name).object(&alg.name);
                out.push(finding.label(service.span, "service").label(alg.span, "alg"));
            }
        }
    }
}

/// Public name servers stand at the outer filter, resolvers among base services behind it (APP.3.6.A16).
fn name_servers(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, component) in site.components.iter() {
        let legs: Vec<(SegmentId, Span)> = component
            .legs
            .iter()
            .filter_map(|leg| match leg.place {
                Place::Segment(segment) => Some((segment, leg.span)),
                Place::Network(_) => None,
            })
            .collect();
        let told = |case| Finding::new("ZM-PAP-12", case).arg("component", &component.name).object(&component.name);
        match component.decl.kind.0.as_str() {
            "dns-authoritative" => {
                let asked = site.flows.values().any(|flow| joins(flow, id, |end| is_internet(site, end)));
                let placed = legs.iter().any(|(segment, _)| gateway_at(site, *segment, Stage::Outer).is_some());
                if asked && !placed {
                    out.push(told("authoritative").label(component.span, "dns"));
                }
            }
            "dns-resolver" => {
                for (segment, _) in legs {
                    out.extend(misplaced(cx, segment, &told).map(|finding| {
                        let mut finding = finding.arg("segment", &site.segments[segment].name);
                        finding
                            .labels
                            .insert(0, crate::finding::Label { span: component.span, key: "dns", args: Vec::new() });
                        finding
                    }));
                }
            }
            _ => {}
        }
    }
}

/// What is wrong with a segment for a resolver.
fn misplaced(cx: &Cx<'_>, segment: SegmentId, told: &dyn Fn(&'static str) -> Finding) -> Option<Finding> {
    let site = cx.site;
    if let Some((gateway, span)) = gateway_at(site, segment, Stage::Outer) {
        return Some(told("resolver-outer").arg("gateway", gateway).label(span, "gateway"));
    }
    let stands = |component: &Component| component.legs.iter().any(|leg| leg.place == Place::Segment(segment));
    let unfit = |id: ComponentId| {
        [Property::Application, Property::Database, Property::Client].into_iter().any(|property| site.is(id, property))
    };
    let data = |component: &Component| component.data_legs().any(|leg| leg.place == Place::Segment(segment));
    let other = site.components.iter().find(|(id, component)| unfit(*id) && stands(component) && data(component));
    if let Some((_, other)) = other {
        return Some(told("resolver-shared").arg("other", &other.name).label(other.span, "other"));
    }
    let nodes = site.clusters.values().find(|cluster| cluster.pools.iter().any(|pool| pool.segment == segment));
    if let Some(cluster) = nodes {
        return Some(told("resolver-shared").arg("other", &cluster.name).label(cluster.span, "other"));
    }
    let touched = cx.graphs.topology_all.neighbours(Vertex::Segment(segment));
    let filtered = touched.into_iter().any(|vertex| matches!(vertex, Vertex::Gateway(_)));
    (!filtered).then(|| told("resolver-unfiltered"))
}

/// Encrypted Internet traffic is opened for inspection at the gateway (NET.3.2.A21).
fn opened_tls(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut told = BTreeSet::new();
    for flow in site.flows.values() {
        let web = flow.services.iter().any(|service| {
            let secured = |item: &ServiceMatch| matches!(item, ServiceMatch::Ports(_, ports) if ports.contains(443));
            matches!(&service.expr, ServiceExpr::Named(name) if name == "https-alt")
                || service.matches.iter().any(secured)
        });
        for id in gateways_at_internet(site, flow) {
            let alg = &site.components[id];
            let finding = match &alg.decl.tls {
                Some(tls) if tls.value == TlsMode::Passthrough => {
                    Finding::new("ZM-PAP-13", "passthrough").label(tls.span, "tls")
                }
                None if web => Finding::new("ZM-PAP-13", "unstated").label(alg.span, "alg"),
                _ => continue,
            };
            if told.insert(id) {
                let finding =
                    finding.arg("alg", &alg.name).arg("flow", &flow.name).object(&alg.name).object(&flow.name);
                out.push(finding.label(flow.span, "flow"));
            }
        }
    }
}
