//! ZM-ACC, second half: the ways between the external and the internal zone, remote access, administrative networks.

use super::acc::reach_of;
use super::support::{Area, end_is, pairs, untrusted};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::graph::{Actor, Reach, Way};
use crate::model::{ComponentId, End, NetworkId, Place, Property, Site};
use crate::source::Span;
use crate::syntax::document::Trust;
use crate::syntax::objects::{InterfaceKind, Users};
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    ("ZM-ACC-06", external_does_not_push),
    ("ZM-ACC-07", published_interfaces),
    ("ZM-ACC-08", remote_access),
    ("ZM-ACC-09", released_one_by_one),
];

/// What an end stands for in the initiator graph.
pub(super) fn actor(end: End) -> Option<Actor> {
    match end {
        End::Network(id) => Some(Actor::Network(id)),
        End::Segment(id) => Some(Actor::Segment(id)),
        End::Gateway(id) => Some(Actor::Gateway(id)),
        End::Namespace(id) => Some(Actor::Namespace(id)),
        End::Component(id) => Some(Actor::Component(id)),
        End::Zone(_) | End::Cluster(_) => None,
    }
}

fn reaches(cx: &Cx<'_>) -> Vec<(NetworkId, Reach)> {
    untrusted(cx.site).map(|network| (network, reach_of(cx, network))).collect()
}

/// The external zone does not initiate into the internal zone, even where nothing outside reaches it today (DVS 5.3.2).
fn external_does_not_push(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let reaches = reaches(cx);
    let mut told = BTreeSet::new();
    for pair in pairs(cx) {
        let external = ["external.app", "external.db"].iter().any(|class| pair.from.is_class(site, class));
        if !external || !pair.to.is_class(site, "internal") || matches!(pair.ends.from.end, End::Gateway(_)) {
            continue;
        }
        // What the Internet reaches is ZM-ACC-01's.
        let reached =
            actor(pair.ends.from.end).is_some_and(|actor| reaches.iter().any(|(_, reach)| reach.contains(actor)));
        if !reached && told.insert((&pair.flow.name, pair.from)) {
            let finding = Finding::new("ZM-ACC-06", "initiates").arg("flow", &pair.flow.name).object(&pair.flow.name);
            let zone = vec![("zone", pair.from.name(site).to_owned())];
            out.push(finding.label(pair.ends.to.span, "to").label_with(pair.ends.from.span, "from", zone));
        }
    }
}

/// The internal zone uses published interfaces of the external zone only (APP.3.1.A11).
fn published_interfaces(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut told = BTreeSet::new();
    for pair in pairs(cx).filter(|pair| pair.from.is_class(site, "internal")) {
        let to = site.end_name(pair.ends.to.end);
        let published = match pair.ends.to.end {
            End::Component(id) => {
                let interface = &site.components[id].decl.interface;
                interface.as_ref().is_some_and(|interface| interface.value == InterfaceKind::Published)
            }
            _ => false,
        };
        let case = match pair.to.class(site) {
            "external.db" => "database",
            "external.app" if !published => "unpublished",
            _ => continue,
        };
        if matches!(pair.ends.to.end, End::Gateway(_)) || !told.insert((&pair.flow.name, to)) {
            continue;
        }
        let finding =
            Finding::new("ZM-ACC-07", case).arg("flow", &pair.flow.name).arg("component", to).object(&pair.flow.name);
        let key = if case == "database" { "database" } else { "to" };
        out.push(finding.object(to).label(pair.ends.to.span, key).label(pair.ends.from.span, "from"));
    }
}

/// A lack of a VPN gateway, by ZM-ACC-08.
struct Lack {
    case: &'static str,
    args: Vec<(&'static str, String)>,
}

/// What a VPN gateway lacks as an entry for remote access into `internal` or `management`; nothing if it leads to neither.
fn lacks(cx: &Cx<'_>, vpn: ComponentId) -> Vec<Lack> {
    let site = cx.site;
    let component = &site.components[vpn];
    let inside = |place: Place| {
        site.zone_of(place).is_some_and(|zone| matches!(site.zones[zone].class.as_str(), "internal" | "management"))
    };
    let mut lacks = Vec::new();
    let mut unfiltered: BTreeSet<&str> = BTreeSet::new();
    let mut leads_inside = false;
    for leg in component.legs.iter().filter(|leg| inside(leg.place)) {
        leads_inside = true;
        unfiltered.insert(site.place_name(leg.place));
    }
    for pair in pairs(cx).filter(|pair| pair.ends.from.end == End::Component(vpn)) {
        if !["internal", "management"].iter().any(|class| pair.to.is_class(site, class)) {
            continue;
        }
        leads_inside = true;
        if pair.ends.ways.as_ref().is_ok_and(|ways| ways.iter().any(|way| !is_filtered(site, way))) {
            unfiltered.insert(site.end_name(pair.ends.to.end));
        }
    }
    if !leads_inside {
        return lacks;
    }
    for leg in component.data_legs() {
        if let Some(zone) = site.zone_of(leg.place).filter(|zone| site.zones[*zone].class != "external.web") {
            let zone = &site.zones[zone];
            lacks.push(Lack { case: "place", args: vec![("zone", zone.name.clone()), ("class", zone.class.clone())] });
        }
    }
    if component.decl.users.as_ref().is_none_or(|users| users.value != Users::Restricted) {
        lacks.push(Lack { case: "users", args: Vec::new() });
    }
    lacks.extend(
        unfiltered.into_iter().map(|target| Lack { case: "unfiltered", args: vec![("target", target.to_owned())] }),
    );
    lacks
}

fn is_filtered(site: &Site, way: &Way) -> bool {
    way.hops.iter().any(|hop| {
        let gateway = &site.gateways[hop.gateway];
        gateway.is_layer4() && gateway.denies_by_default()
    })
}

/// VPN gateways whose remote access ZM-ACC-08 accepts: ZM-ACC-01 does not count the step from outside to them.
pub(super) fn accepted_remote_access(cx: &Cx<'_>) -> BTreeSet<ComponentId> {
    let site = cx.site;
    site.components.ids().filter(|id| site.is(*id, Property::Vpn) && lacks(cx, *id).is_empty()).collect()
}

/// Remote access ends at a VPN gateway in the web zone, with a filter behind it (NET.1.1.A11, NET.3.3.A13).
fn remote_access(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut entries: Vec<(ComponentId, NetworkId, Span)> = Vec::new();
    for pair in pairs(cx) {
        let (Area::Network(network), End::Component(id)) = (pair.from, pair.ends.to.end) else { continue };
        let known = entries.iter().any(|(entry, _, _)| *entry == id);
        if site.networks[network].trust() == Trust::Untrusted && site.is(id, Property::Vpn) && !known {
            entries.push((id, network, pair.ends.to.span));
        }
    }
    for (id, network, span) in entries {
        let component = &site.components[id];
        for lack in lacks(cx, id) {
            let mut finding =
                Finding::new("ZM-ACC-08", lack.case).arg("component", &component.name).object(&component.name);
            finding.args.extend(lack.args.iter().cloned());
            let entry = vec![("network", site.networks[network].name.clone())];
            out.push(finding.label_with(component.span, lack.case, lack.args).label_with(span, "entry", entry));
        }
    }
}

/// Flows from the external zone into administrative networks are released one by one (DVS 5.3.3).
fn released_one_by_one(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let reaches = reaches(cx);
    let mut told = BTreeSet::new();
    for pair in pairs(cx) {
        let Area::Network(network) = pair.to else { continue };
        let external = pair.from.class(site).starts_with("external.");
        if !external || site.networks[network].trust() == Trust::Untrusted {
            continue;
        }
        let mut tell = |case: &'static str, span: Span, witness: Vec<String>| {
            if told.insert((pair.flow.name.clone(), case)) {
                let finding = Finding::new("ZM-ACC-09", case)
                    .arg("flow", &pair.flow.name)
                    .arg("network", &site.networks[network].name);
                out.push(finding.object(&pair.flow.name).label(span, case).witness(witness));
            }
        };
        if pair.flow.decl.approved.is_none() {
            tell("approval", pair.flow.span, Vec::new());
        }
        if matches!(pair.ends.to.end, End::Network(_)) {
            tell("peer", pair.ends.to.span, Vec::new());
        }
        let from = pair.ends.from.end;
        let decouples = match from {
            End::Component(id) => site.is(id, Property::Alg) || site.components[id].decl.decouple.is_some(),
            _ => false,
        };
        let reach = actor(from).and_then(|actor| {
            reaches.iter().find(|(_, reach)| reach.contains(actor)).map(|(_, reach)| reach.chain(site, actor))
        });
        if let (false, Some(mut chain)) = (decouples, reach) {
            chain.push(site.end_name(pair.ends.to.end).to_owned());
            tell("decouple", pair.ends.from.span, chain);
        }
    }
}

/// Whether an end may answer the Internet or hold a public address.
pub(super) fn faces_public(site: &Site, end: End) -> bool {
    end_is(site, end, Property::PublicEndpoint) || end_is(site, end, Property::Crypto)
}
