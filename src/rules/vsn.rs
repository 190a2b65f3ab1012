//! ZM-VSN: the zone for higher protection, VS-NfD.

use super::acc::{in_class, reach_of};
use super::support::{Area, own_main_zone, pairs, untrusted};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::graph::{Actor, Step};
use crate::model::{Place, Property, Site, ZoneId};
use crate::source::Span;
use crate::syntax::decode::List;
use crate::syntax::document::{MainZone, Trust};
use crate::syntax::objects::ProductApproval;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[("ZM-VSN-01", approved), ("ZM-VSN-02", apart)];

fn is_restricted(site: &Site, place: Place) -> Option<ZoneId> {
    site.zone_of(place).filter(|zone| site.zones[*zone].class == "restricted")
}

/// Enforcement points at the restricted zone are approved for VS-NfD (DVS 5.3.2, CON.11.1.A3).
fn approved(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    if !site.zones.values().any(|zone| zone.class == "restricted") {
        return;
    }
    for gateway in site.gateways.values() {
        let leg = gateway
            .interfaces
            .iter()
            .find_map(|interface| Some((is_restricted(site, interface.leg.place)?, interface.leg.span)));
        if let Some((zone, span)) = leg {
            out.extend(judge(site, &gateway.name, gateway.span, gateway.decl.approvals.as_ref(), Some((zone, span))));
        }
    }
    for (id, component) in site.components.iter() {
        let crypto = site.is(id, Property::Crypto);
        let leg = component.legs.iter().find_map(|leg| Some((is_restricted(site, leg.place)?, leg.span)));
        let enforces = site.is(id, Property::Alg) || site.is(id, Property::Vpn) || crypto;
        if crypto && leg.is_none() {
            out.extend(judge(site, &component.name, component.span, component.decl.approvals.as_ref(), None));
        } else if let Some(leg) = leg.filter(|_| enforces) {
            out.extend(judge(site, &component.name, component.span, component.decl.approvals.as_ref(), Some(leg)));
        }
    }
}

fn judge(
    site: &Site,
    name: &str,
    span: Span,
    approvals: Option<&List<ProductApproval>>,
    leg: Option<(ZoneId, Span)>,
) -> Option<Finding> {
    let zone = leg.map_or("–", |(zone, _)| site.zones[zone].name.as_str());
    let about = |case| Finding::new("ZM-VSN-01", case).arg("device", name).arg("zone", zone).object(name);
    let held: Vec<&ProductApproval> = approvals
        .iter()
        .flat_map(|list| list.iter())
        .map(|entry| &entry.value)
        .filter(|entry| entry.purpose.0 == "vs-nfd")
        .collect();
    let Some(first) = held.first() else {
        let finding = about(if leg.is_some() { "missing" } else { "crypto" }).label(span, "device");
        return Some(match leg {
            Some((_, span)) => finding.label(span, "leg"),
            None => finding,
        });
    };
    let valid = |entry: &&&ProductApproval| entry.valid_until.as_ref().is_some_and(|until| until.value >= site.as_of);
    if held.iter().any(|entry| valid(&entry)) {
        return None;
    }
    Some(match &first.valid_until {
        Some(until) => about("expired").arg("until", until.value).label_with(
            until.span,
            "approval",
            vec![("as-of", site.as_of.to_string())],
        ),
        None => about("no-end").label_with(first.span, "approval", vec![("as-of", site.as_of.to_string())]),
    })
}

/// Nothing joins the restricted zone to the Internet or the external zone (DVS 5.3.2, CON.11.1.A10, A16).
fn apart(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let far = |area: Area| match area {
        Area::Network(id) => site.networks[id].trust() == Trust::Untrusted,
        Area::Zone(id) => own_main_zone(site, id) == Some(MainZone::External),
    };
    let near = |area: Area| area.is_class(site, "restricted");
    let mut told = BTreeSet::new();
    for pair in pairs(cx) {
        let sides = match (near(pair.from) && far(pair.to), far(pair.from) && near(pair.to)) {
            (true, _) => (pair.from, pair.ends.from, pair.to, pair.ends.to),
            (_, true) => (pair.to, pair.ends.to, pair.from, pair.ends.from),
            _ => continue,
        };
        if told.insert(pair.flow.name.clone()) {
            let (zone, zone_end, other, other_end) = sides;
            let finding = Finding::new("ZM-VSN-02", "direct")
                .arg("flow", &pair.flow.name)
                .arg("zone", zone.name(site))
                .arg("other", other.name(site));
            let finding = finding.object(&pair.flow.name).label(zone_end.span, "end").label(other_end.span, "other");
            out.push(finding.witness(vec![
                site.end_name(pair.ends.from.end).to_owned(),
                site.end_name(pair.ends.to.end).to_owned(),
            ]));
        }
    }
    reached_from_outside(cx, out);
    chains_out(cx, &told, out);
}

fn reached_from_outside(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for network in untrusted(site) {
        let reach = reach_of(cx, network);
        for actor in reach.actors().filter(|actor| in_class(site, *actor, "restricted")) {
            let Some((before, _, step)) = reach.steps(actor).last().copied() else { continue };
            let Actor::Component(id) = actor else { continue };
            if in_class(site, before, "restricted") {
                continue;
            }
            let zone = site.component_zones(id).first().map_or("", |zone| site.zones[*zone].name.as_str());
            let finding = Finding::new("ZM-VSN-02", "reached")
                .arg("target", actor.name(site))
                .arg("zone", zone)
                .arg("network", &site.networks[network].name);
            let span = if let Step::Flow(flow) = step { site.flows[flow].span } else { site.components[id].span };
            out.push(
                finding
                    .object(actor.name(site))
                    .label(span, "last")
                    .label(site.components[id].span, "target")
                    .witness(reach.chain(site, actor)),
            );
        }
    }
}

/// Chains from the restricted zone through others to the external zone; an assessed flow ends a chain.
fn chains_out(cx: &Cx<'_>, direct: &BTreeSet<String>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let external = |actor: Actor| {
        ["external.web", "external.app", "external.db"].into_iter().any(|class| in_class(site, actor, class))
    };
    let outside = |actor: Actor| matches!(actor, Actor::Network(id) if site.networks[id].trust() == Trust::Untrusted);
    let mut told = BTreeSet::new();
    for start in site.components.ids().map(Actor::Component).filter(|actor| in_class(site, *actor, "restricted")) {
        let skip = |from: Actor, to: Actor, step: Step| match step {
            Step::Flow(id) => {
                let flow = &site.flows[id];
                let crossing = in_class(site, from, "restricted") && !in_class(site, to, "restricted");
                // Unassessed crossings into the internal zone are ZM-VSN-04's, direct ones are reported above.
                flow.decl.interconnection_assessment.is_some()
                    || direct.contains(&flow.name)
                    || (crossing && in_class(site, to, "internal"))
            }
            Step::Neighbour => false,
        };
        let reach = cx.graphs.initiator.reach(site, &[start], skip);
        let end = reach
            .actors()
            .filter(|actor| external(*actor) || outside(*actor))
            .min_by_key(|actor| (reach.steps(*actor).len(), actor.name(site).to_owned()));
        let Some(end) = end else { continue };
        let Some((_, _, Step::Flow(last))) =
            reach.steps(end).iter().rev().find(|(_, _, step)| matches!(step, Step::Flow(_))).copied()
        else {
            continue;
        };
        if told.insert(last) {
            let zone = match start {
                Actor::Component(id) => {
                    site.component_zones(id).first().map_or("", |zone| site.zones[*zone].name.as_str())
                }
                _ => "",
            };
            let finding = Finding::new("ZM-VSN-02", "chain")
                .arg("from", start.name(site))
                .arg("zone", zone)
                .arg("to", end.name(site))
                .arg("other", end.name(site));
            out.push(
                finding
                    .object(&site.flows[last].name)
                    .label(site.flows[last].span, "last")
                    .witness(reach.chain(site, end)),
            );
        }
    }
}
