//! ZM-ACC: access paths.

use super::acc_inner::accepted_remote_access;
use super::support::{Area, Pair, end_is, flow, own_main_zone, pairs, untrusted};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::graph::{Actor, Initiator, Reach, Step};
use crate::model::blueprint::{Access, AccessCell};
use crate::model::{End, NetworkId, Property, Site};
use crate::syntax::document::{MainZone, Trust};
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    ("ZM-ACC-01", never_inside),
    ("ZM-ACC-02", matrix),
    ("ZM-ACC-03", no_tier_skipped),
    ("ZM-ACC-04", database_answers),
    ("ZM-ACC-05", egress_by_proxy),
];

/// Whether an actor stands in a zone of class `internal`.
fn is_internal(site: &Site, actor: Actor) -> bool {
    in_class(site, actor, "internal")
}

/// Whether an actor stands in a zone of a class.
pub(super) fn in_class(site: &Site, actor: Actor, class: &str) -> bool {
    let of = |zone: crate::model::ZoneId| site.zones[zone].class == class;
    match actor {
        Actor::Segment(id) => of(site.segments[id].zone),
        Actor::Namespace(id) => of(site.clusters[site.namespaces[id].cluster].zone),
        Actor::Component(id) => site.component_zones(id).into_iter().any(of),
        Actor::Network(_) | Actor::Gateway(_) => false,
    }
}

/// reach⁺ of an untrusted network, without the remote access that ZM-ACC-08 accepts.
pub(super) fn reach_of(cx: &Cx<'_>, network: NetworkId) -> Reach {
    let site = cx.site;
    let starts = Initiator::outside(site, network);
    let accepted = accepted_remote_access(cx);
    let skip = |from: Actor, to: Actor, _: Step| {
        let outside = starts.contains(&from);
        outside && matches!(to, Actor::Component(id) if accepted.contains(&id))
    };
    cx.graphs.initiator.reach(site, &starts, skip)
}

/// No access from the Internet through the external into the internal zone (DVS 5.3.2, NET.1.1.A11).
fn never_inside(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut told = BTreeSet::new();
    for network in untrusted(site) {
        let reach = reach_of(cx, network);
        for actor in reach.actors().filter(|actor| is_internal(site, *actor)) {
            let steps = reach.steps(actor);
            // The first step into the internal zone is the fault; what it reaches from there follows.
            let Some((from, to, step)) = steps.last().copied() else { continue };
            if is_internal(site, from) {
                continue;
            }
            let chain = reach.chain(site, actor);
            let first = steps.iter().find_map(|(_, _, step)| if let Step::Flow(id) = step { Some(*id) } else { None });
            let name = &site.networks[network].name;
            match step {
                Step::Flow(id) => {
                    let entry = flow(cx, id);
                    if !told.insert(entry.name.clone()) {
                        continue;
                    }
                    let finding = Finding::new("ZM-ACC-01", "chain")
                        .arg("flow", &entry.name)
                        .arg("network", name)
                        .arg("component", to.name(site));
                    let to_span = entry.to.first().map_or(entry.span, |end| end.span);
                    let from_span = entry.from.first().map_or(entry.span, |end| end.span);
                    let finding = finding
                        .object(&entry.name)
                        .object(to.name(site))
                        .label(to_span, "entry")
                        .label(from_span, "source");
                    let finding = match first {
                        Some(first) if first != id => finding.label(flow(cx, first).span, "first"),
                        _ => finding,
                    };
                    out.push(finding.witness(chain));
                }
                Step::Neighbour => {
                    let Actor::Component(id) = from else { continue };
                    let component = &site.components[id];
                    if told.insert(component.name.clone()) {
                        let finding =
                            Finding::new("ZM-ACC-01", "joint").arg("component", &component.name).arg("network", name);
                        out.push(finding.object(&component.name).label(component.span, "joint").witness(chain));
                    }
                }
            }
        }
    }
    let accepted = accepted_remote_access(cx);
    for pair in pairs(cx) {
        let web = pair.from.is_class(site, "external.web") && pair.to.is_class(site, "internal");
        let remote = matches!(pair.ends.from.end, End::Component(id) if accepted.contains(&id));
        if web && !remote && told.insert(pair.flow.name.clone()) {
            let from = site.end_name(pair.ends.from.end);
            let finding = Finding::new("ZM-ACC-01", "web")
                .arg("flow", &pair.flow.name)
                .arg("component", from)
                .object(&pair.flow.name);
            let finding = finding.label(pair.ends.to.span, "entry").label(pair.ends.from.span, "web-source");
            out.push(finding.witness(vec![from.to_owned(), site.end_name(pair.ends.to.end).to_owned()]));
        }
    }
}

/// Row of the access matrix for an initiator.
fn row(site: &Site, area: Area) -> &str {
    match area {
        Area::Network(id) if site.networks[id].trust() == Trust::Untrusted => "internet",
        Area::Network(_) => "admin-net",
        Area::Zone(id) => &site.zones[id].class,
    }
}

/// Column of the access matrix for a responder: management is split by what is reached.
fn column(site: &Site, area: Area, end: End) -> &str {
    let name = row(site, area);
    if name != "management" {
        return name;
    }
    let sink = [Property::Sink, Property::Monitoring, Property::Backup]
        .into_iter()
        .any(|property| end_is(site, end, property));
    if sink { "management-sink" } else { "management-admin" }
}

/// The cell of the matrix for a pair of ends; a class without row or column is forbidden.
pub(super) fn cell(site: &Site, from: Area, to: Area, responder: End) -> Option<&AccessCell> {
    site.blueprint.access.rows.get(row(site, from))?.get(column(site, to, responder))
}

/// Only the paths that the access matrix permits (DVS 5.3.2).
fn matrix(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut told = BTreeSet::new();
    for pair in pairs(cx) {
        // Zones without a known class are ZM-MOD-02's and ZM-ZON-01's; traffic within one zone is not a crossing.
        let known =
            |area: Area| matches!(area, Area::Network(_)) || site.blueprint.classes.contains_key(area.class(site));
        if pair.from == pair.to || !known(pair.from) || !known(pair.to) || names_whole(&pair) {
            continue;
        }
        // A filter logs, asks for the time and is managed: its own traffic is the management rules'.
        if matches!(pair.ends.from.end, End::Gateway(_)) || matches!(pair.ends.to.end, End::Gateway(_)) {
            continue;
        }
        let Some(case) = violation(cx, &pair) else { continue };
        if told.insert((pair.flow.name.clone(), pair.from, pair.to)) {
            let area_class = |area: Area| {
                if area.class(site).is_empty() { row(site, area).to_owned() } else { area.class(site).to_owned() }
            };
            let finding =
                Finding::new("ZM-ACC-02", case).arg("flow", &pair.flow.name).arg("from-zone", pair.from.name(site));
            let finding = finding
                .arg("to-zone", pair.to.name(site))
                .arg("from-class", area_class(pair.from))
                .arg("to-class", area_class(pair.to));
            let finding =
                finding.object(&pair.flow.name).label(pair.ends.to.span, "to").label(pair.ends.from.span, "from");
            out.push(finding.witness(vec![
                site.end_name(pair.ends.from.end).to_owned(),
                site.end_name(pair.ends.to.end).to_owned(),
            ]));
        }
    }
}

/// Whole zones as ends are ZM-FLO-03's.
fn names_whole(pair: &Pair<'_>) -> bool {
    matches!(pair.ends.from.end, End::Zone(_)) || matches!(pair.ends.to.end, End::Zone(_))
}

fn violation(cx: &Cx<'_>, pair: &Pair<'_>) -> Option<&'static str> {
    let site = cx.site;
    let Some(cell) = cell(site, pair.from, pair.to, pair.ends.to.end) else { return Some("forbidden") };
    if end_is(site, pair.ends.from.end, Property::Vpn) && cell.vpn.is_some() {
        return None;
    }
    match (cell.access, &cell.rule) {
        (_, Some(_)) | (Access::Allowed, None) => None,
        (Access::Forbidden, None) => Some("forbidden"),
        (Access::Conditional, None) => {
            let main = |area: Area| if let Area::Zone(id) = area { own_main_zone(site, id) } else { None };
            let serves = |area: Area| match area {
                Area::Zone(id) => site.zones[id]
                    .decl
                    .serves
                    .iter()
                    .flat_map(|list| list.iter())
                    .map(|zone| zone.value)
                    .collect::<Vec<_>>(),
                Area::Network(_) => Vec::new(),
            };
            let wanted =
                if pair.to.is_class(site, "development") { Some(MainZone::Development) } else { main(pair.to) };
            let proxies = &site.blueprint.access.forward_proxies;
            let (held, case) = match cell.condition.as_deref() {
                Some("forward-proxy") => {
                    (proxies.contains(&super::support::kind_of(site, pair.ends.to.end)), "forward-proxy")
                }
                Some("from-alg") => (end_is(site, pair.ends.from.end, Property::Alg), "from-alg"),
                Some("serves") => (wanted.is_some_and(|zone| serves(pair.from).contains(&zone)), "serves"),
                Some("own-sink") => (serves(pair.to) == [MainZone::Restricted], "own-sink"),
                Some("approved") => (pair.flow.decl.approved.is_some(), "approved"),
                _ => (false, "forbidden"),
            };
            (!held).then_some(case)
        }
    }
}

/// No tier is skipped (DVS 5.3.2).
fn no_tier_skipped(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for pair in pairs(cx).filter(|pair| pair.to.is_class(site, "external.db")) {
        let case = match pair.from {
            Area::Network(_) => "outside",
            Area::Zone(_) if pair.from.is_class(site, "external.web") => "web",
            Area::Zone(_) => continue,
        };
        let finding = Finding::new("ZM-ACC-03", case)
            .arg("flow", &pair.flow.name)
            .arg("network", pair.from.name(site))
            .object(&pair.flow.name);
        out.push(finding.label(pair.ends.to.span, "to").label(pair.ends.from.span, "from"));
    }
}

/// The database zone only answers (DVS 5.3.2).
fn database_answers(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for pair in pairs(cx).filter(|pair| pair.from.is_class(site, "external.db")) {
        let to = pair.ends.to.end;
        let sink = [Property::Sink, Property::Monitoring, Property::Backup]
            .into_iter()
            .any(|property| end_is(site, to, property));
        let database = |end| end_is(site, end, Property::Database);
        let both = database(pair.ends.from.end) && database(to) && pair.to.is_class(site, "external.db");
        let replicates = pair.flow.decl.replication.as_ref().is_some_and(|replication| replication.value);
        if sink || (both && replicates) || matches!(pair.ends.from.end, End::Gateway(_)) {
            continue;
        }
        let case = if both { "replication" } else { "initiates" };
        let from = site.end_name(pair.ends.from.end);
        let finding =
            Finding::new("ZM-ACC-04", case).arg("flow", &pair.flow.name).arg("component", from).object(&pair.flow.name);
        out.push(finding.label(pair.ends.from.span, "from").label(pair.ends.to.span, "to"));
    }
}

/// Egress to the Internet only through a proxy in the web zone (NET.1.1.A12).
fn egress_by_proxy(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for pair in pairs(cx) {
        let Area::Network(network) = pair.to else { continue };
        let gateway = matches!(pair.ends.from.end, End::Gateway(_));
        let outside = !gateway && matches!(pair.from, Area::Network(_));
        if site.networks[network].trust() != Trust::Untrusted || outside {
            continue;
        }
        if !gateway && pair.from.is_class(site, "external.web") {
            continue;
        }
        let name = &site.networks[network].name;
        let finding = if gateway {
            let finding = Finding::new("ZM-ACC-05", "gateway").arg("gateway", site.end_name(pair.ends.from.end));
            finding.label(pair.ends.to.span, "to").label(pair.ends.from.span, "gateway")
        } else {
            let finding = Finding::new("ZM-ACC-05", "zone").arg("zone", pair.from.name(site));
            finding.label(pair.ends.to.span, "to").label(pair.ends.from.span, "from")
        };
        out.push(finding.arg("flow", &pair.flow.name).arg("network", name).object(&pair.flow.name));
    }
}
