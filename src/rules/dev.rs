//! ZM-DEV-01, -02, -08: the development area and its border. What is delivered over it: `dev_chain`.

use super::dev_chain::is_hand_over;
use super::flo::{documented, necessary, specific};
use super::log::logging_fault;
use super::sep::{filtered, is_bridge};
use super::support::{Area, Pair, names, pairs};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::graph::Vertex;
use crate::model::{End, Leg, Place, Property, SegmentId, Site, ZoneId};
use crate::source::Span;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] =
    &[("ZM-DEV-01", offered), ("ZM-DEV-02", apart_from_production), ("ZM-DEV-08", border_follows_rules)];

/// Whether a zone is of class `development`.
pub(super) fn is_development(site: &Site, zone: ZoneId) -> bool {
    site.zones[zone].class == "development"
}

/// Whether a zone runs production: application, database, internal, restricted.
pub(super) fn is_production(site: &Site, zone: ZoneId) -> bool {
    matches!(site.zones[zone].class.as_str(), "external.app" | "external.db" | "internal" | "restricted")
}

/// Zones of class `development`, in order of name.
pub(super) fn areas(site: &Site) -> impl Iterator<Item = ZoneId> {
    site.zones.ids().filter(|zone| is_development(site, *zone))
}

/// A development area is a fact about a site (DVS-016-R01): the rules of this family apply.
fn offered(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for zone in areas(site).map(|zone| &site.zones[zone]) {
        let finding = Finding::new("ZM-DEV-01", "offered").arg("zone", &zone.name).object(&zone.name);
        out.push(finding.label(zone.span, "zone"));
    }
}

/// Which end of a pair stands in a zone for which `holds`, when the other does not.
fn crosses(pair: &Pair<'_>, holds: impl Fn(ZoneId) -> bool) -> bool {
    let inside = |area: Area| matches!(area, Area::Zone(zone) if holds(zone));
    inside(pair.from) != inside(pair.to)
}

/// Development is separated from production (DVS 5.3.5).
fn apart_from_production(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    if areas(site).next().is_none() {
        return;
    }
    let mut told = BTreeSet::new();
    for pair in pairs(cx).filter(|pair| crosses(pair, |zone| is_development(site, zone))) {
        let production = |area: Area| matches!(area, Area::Zone(zone) if is_production(site, zone));
        // What a filter itself sends and answers is the management rules'.
        let gateway = [pair.ends.from, pair.ends.to].iter().any(|end| matches!(end.end, End::Gateway(_)));
        if gateway || !(production(pair.from) || production(pair.to)) || is_hand_over(site, &pair) {
            continue;
        }
        if told.insert((&pair.flow.name, pair.from, pair.to)) {
            let (from, to) = (pair.ends.from, pair.ends.to);
            let finding = Finding::new("ZM-DEV-02", "flow").arg("flow", &pair.flow.name).object(&pair.flow.name);
            let finding = finding.arg("from", site.end_name(from.end)).arg("to", site.end_name(to.end));
            let class = |area: Area| vec![("class", area.class(site).to_owned())];
            let finding = finding.label_with(to.span, "to", class(pair.to));
            let chain = vec![site.end_name(from.end).to_owned(), site.end_name(to.end).to_owned()];
            out.push(finding.label_with(from.span, "from", class(pair.from)).witness(chain));
        }
    }
    joined(cx, out);
}

/// Ways in the topology of data legs that no stateful filter stands on. A host that joins both is ZM-SEP-06's.
fn joined(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let blocked = |vertex: Vertex| match vertex {
        Vertex::Gateway(id) => site.gateways[id].is_layer4(),
        Vertex::Component(_) => is_bridge(site, vertex),
        Vertex::Network(_) => true,
        Vertex::Segment(_) => false,
    };
    let zone_of = |id: SegmentId| site.segments[id].zone;
    let mut told = BTreeSet::new();
    for (id, segment) in site.segments.iter().filter(|(_, segment)| is_development(site, segment.zone)) {
        for vertex in cx.graphs.topology.component(Vertex::Segment(id), blocked) {
            let Vertex::Segment(other) = vertex else { continue };
            let zone = zone_of(other);
            if !is_production(site, zone) || told.contains(&(segment.zone, zone)) {
                continue;
            }
            let Some(path) = cx.graphs.topology.path(Vertex::Segment(id), |v| v == vertex, blocked) else { continue };
            // A way on through another development or production zone is told there.
            let third = |vertex: &Vertex| {
                matches!(vertex, Vertex::Segment(between) if {
                    let between = zone_of(*between);
                    ![segment.zone, zone].contains(&between)
                        && (is_production(site, between) || is_development(site, between))
                })
            };
            if path.iter().any(third) || !told.insert((segment.zone, zone)) {
                continue;
            }
            let far = &site.segments[other];
            let finding = Finding::new("ZM-DEV-02", "joined").arg("segment", &segment.name).arg("other", &far.name);
            let finding = finding.arg("zone", &site.zones[zone].name).object(&site.zones[segment.zone].name);
            let finding = finding.object(&segment.name).object(&far.name).witness(names(site, &path));
            out.push(finding.label(segment.span, "segment").label(far.span, "other"));
        }
    }
}

/// The border of the development area satisfies ZM-FLO-01 to -03, ZM-SEP-02 and ZM-LOG-02 (DVS 5.3.5 with 5.3.3).
fn border_follows_rules(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    if areas(site).next().is_none() {
        return;
    }
    let crossing: BTreeSet<&str> = pairs(cx)
        .filter(|pair| areas(site).any(|area| crosses(pair, |zone| zone == area)))
        .map(|pair| pair.flow.name.as_str())
        .collect();
    let mut found = Vec::new();
    necessary(cx, &mut found);
    documented(cx, &mut found);
    specific(cx, &mut found);
    for finding in found {
        if let Some(flow) = finding.objects.first().filter(|name| crossing.contains(name.as_str())) {
            out.extend(finding.span().map(|span| unsatisfied("flow", flow, finding.rule, span)));
        }
    }
    unfiltered(cx, out);
    unrecorded(cx, out);
}

fn unsatisfied(what: &'static str, name: &str, rule: &'static str, span: Span) -> Finding {
    Finding::new("ZM-DEV-08", what).arg(what, name).arg("rule", rule).object(name).label(span, what)
}

/// Unfiltered joints of a development zone, as ZM-SEP-02 names them.
fn unfiltered(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut found = Vec::new();
    filtered(cx, &mut found);
    for finding in found {
        let development = areas(site).any(|zone| finding.objects.contains(&site.zones[zone].name));
        if let (true, Some(joint), Some(span)) = (development, finding.objects.first(), finding.span()) {
            out.push(unsatisfied("gateway", joint, finding.rule, span));
        }
    }
}

/// Filters and application-level gateways at a development zone whose logging does not satisfy ZM-LOG-02.
fn unrecorded(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let at_area = |leg: &Leg| matches!(leg.place, Place::Segment(id) if is_development(site, site.segments[id].zone));
    let mut faults = Vec::new();
    for (id, gateway) in site.gateways.iter() {
        if gateway.interfaces.iter().any(|item| at_area(&item.leg)) {
            faults.extend(logging_fault(cx, End::Gateway(id), gateway.decl.logging.as_ref(), gateway.span));
        }
    }
    for (id, component) in site.components.iter().filter(|(id, _)| site.is(*id, Property::Alg)) {
        if component.legs.iter().any(at_area) {
            faults.extend(logging_fault(cx, End::Component(id), component.decl.logging.as_ref(), component.span));
        }
    }
    for fault in faults {
        if let (Some(device), Some(span)) = (fault.objects.first(), fault.span()) {
            out.push(unsatisfied("gateway", device, fault.rule, span));
        }
    }
}
