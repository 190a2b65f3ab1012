//! ZM-FLO: data flows.

use super::{Cx, Rule};
use crate::finding::{Finding, Severity};
use crate::graph::NoWay;
use crate::model::site::Flow;
use crate::model::{End, Family, GatewayId, Ranges, ServiceMatch, Site};
use crate::source::Span;
use crate::syntax::service::Transport;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const RULES: &[Rule] =
    &[("ZM-FLO-01", necessary), ("ZM-FLO-02", documented), ("ZM-FLO-03", specific), ("ZM-FLO-05", realisable)];

/// Only necessary protocols and ports (DVS 5.3.3, NET.1.1.A8).
pub(super) fn necessary(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let limit = cx.site.blueprint.parameters.port_range_limit;
    let count = |ports: &Ranges<u16>| -> u32 {
        ports.intervals().iter().map(|(first, last)| u32::from(*last) - u32::from(*first) + 1).sum()
    };
    for flow in cx.site.flows.values() {
        let about = |case| Finding::new("ZM-FLO-01", case).arg("flow", &flow.name).object(&flow.name);
        // The ports of one protocol are added up over the flow, so that a wide range cannot be split into narrow ones.
        let mut opened: BTreeMap<Transport, (Ranges<u16>, Span)> = BTreeMap::new();
        for service in &flow.services {
            for found in &service.matches {
                let ServiceMatch::Ports(transport, ports) = found else {
                    if *found == ServiceMatch::Any {
                        out.push(about("any").label(service.span, "service"));
                    }
                    continue;
                };
                if count(ports) >= u32::from(u16::MAX) {
                    out.push(about("all-ports").arg("protocol", transport.word()).label(service.span, "service"));
                } else if flow.decl.reason.is_none() && !range_reason(cx.site, service) {
                    let entry = opened.entry(*transport).or_insert((Ranges::default(), service.span));
                    entry.0 = entry.0.union(ports);
                }
            }
        }
        for (transport, (ports, span)) in opened {
            let count = count(&ports);
            if count > limit {
                let finding = about("wide").arg("protocol", transport.word()).arg("count", count).arg("limit", limit);
                out.push(finding.label_with(span, "wide", vec![("count", count.to_string())]));
            }
        }
    }
}

fn range_reason(site: &Site, service: &crate::model::site::ServiceUse) -> bool {
    let own = site.services.get(&service.expr.to_string());
    own.and_then(|own| own.record.as_ref()).is_some_and(|record| record.range_reason.is_some())
}

/// Every flow is documented (DVS 5.3.3).
pub(super) fn documented(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    for flow in cx.site.flows.values() {
        let decl = &flow.decl;
        let stated = |text: &Option<crate::syntax::Spanned<crate::syntax::scalars::Text>>| {
            text.as_ref().is_some_and(|text| !text.0.trim().is_empty())
        };
        let needed = [
            ("`purpose`", stated(&decl.purpose)),
            ("`owner`", stated(&decl.owner)),
            ("`approved`/`requested`", decl.approved.is_some() || decl.requested.is_some()),
        ];
        let missing: Vec<&str> = needed.iter().filter(|(_, there)| !there).map(|(name, _)| *name).collect();
        if !missing.is_empty() {
            let finding =
                Finding::new("ZM-FLO-02", "missing").arg("flow", &flow.name).arg("missing", missing.join(", "));
            out.push(finding.object(&flow.name).label(flow.span, "flow"));
        }
    }
}

/// Ends of flows are specific (DVS 5.3.3).
pub(super) fn specific(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for flow in cx.site.flows.values() {
        for end in flow.from.iter().chain(&flow.to) {
            let case = match end.end {
                End::Zone(_) => "zone",
                End::Cluster(_) => "cluster",
                End::Segment(_) if flow.decl.reason.is_none() => "segment",
                _ => continue,
            };
            let name = site.end_name(end.end);
            let finding = Finding::new("ZM-FLO-03", case).arg("flow", &flow.name).arg("end", name);
            out.push(finding.object(&flow.name).object(name).label(end.span, "end"));
        }
    }
}

/// A flow has a path that is filtered, and a family (DVS 5.3.2).
fn realisable(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, flow) in site.flows.iter() {
        let about = |case: &'static str| Finding::new("ZM-FLO-05", case).arg("flow", &flow.name).object(&flow.name);
        for pair in cx.graphs.ways.of(id) {
            let (from, to) = (site.end_name(pair.from.end), site.end_name(pair.to.end));
            let about_pair = |case| about(case).arg("from", from).arg("to", to);
            let ways = match &pair.ways {
                Ok(ways) => ways,
                Err(reason) => {
                    let near = |gateways: &[GatewayId]| names(site, gateways);
                    let (near_source, near_destination) = match reason {
                        NoWay::Unreachable { near_source, near_destination } => {
                            (near(near_source), near(near_destination))
                        }
                        NoWay::NoSource | NoWay::NoDestination => ("–".to_owned(), "–".to_owned()),
                    };
                    let finding =
                        about_pair("no-path").label_with(pair.to.span, "to", vec![("gateways", near_destination)]);
                    out.push(
                        finding
                            .label_with(pair.from.span, "from", vec![("gateways", near_source)])
                            .witness(vec![from.to_owned(), to.to_owned()]),
                    );
                    continue;
                }
            };
            if !pair.among_pods && !ways.iter().any(|way| has_packets(flow, way)) {
                let families = |addresses: &crate::model::Addresses| {
                    let list: Vec<String> = Family::BOTH
                        .into_iter()
                        .filter(|family| addresses.has(*family))
                        .map(|family| family.to_string())
                        .collect();
                    if list.is_empty() { "–".to_owned() } else { list.join(", ") }
                };
                let first = ways.first();
                let side = |span, addresses: Option<String>, finding: Finding| {
                    finding.label_with(span, "family", vec![("families", addresses.unwrap_or_default())])
                };
                let finding =
                    side(pair.to.span, first.map(|way| families(&way.destination.addresses)), about_pair("no-family"));
                out.push(side(pair.from.span, first.map(|way| families(&way.source.addresses)), finding));
            }
            let crossed: BTreeSet<GatewayId> =
                ways.iter().flat_map(|way| way.hops.iter().map(|hop| hop.gateway)).collect();
            for (gateway, span) in flow.via.iter().filter(|(gateway, _)| !crossed.contains(gateway)) {
                let list: Vec<GatewayId> = crossed.iter().copied().collect();
                let finding = about_pair("via").arg("gateway", &site.gateways[*gateway].name);
                out.push(finding.label_with(*span, "via", vec![("gateways", names(site, &list))]));
            }
            if let Some(way) = ways.iter().find(|way| way.hops.is_empty() && way.source.place == way.destination.place)
            {
                let segment = site.place_name(way.source.place);
                let finding = about_pair("same-segment").arg("segment", segment).weigh(Severity::Info);
                out.push(finding.label(pair.to.span, "same"));
            }
        }
    }
}

fn has_packets(flow: &Flow, way: &crate::graph::Way) -> bool {
    way.families().any(|family| flow.wants(family) && flow.matches.iter().any(|service| service.fits(family)))
}

fn names(site: &Site, gateways: &[GatewayId]) -> String {
    if gateways.is_empty() {
        return "–".to_owned();
    }
    gateways.iter().map(|id| site.gateways[*id].name.as_str()).collect::<Vec<_>>().join(", ")
}
