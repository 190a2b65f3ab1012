//! ZM-VSN: the zone for higher protection, VS-NfD.

use super::acc::{in_class, reach_of};
use super::evidence::is_valid;
use super::support::{Area, own_main_zone, pairs, untrusted};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::graph::{Actor, Step};
use crate::model::{FlowId, Place, Property, Site, ZoneId};
use crate::source::Span;
use crate::syntax::decode::List;
use crate::syntax::document::{MainZone, Trust};
use crate::syntax::objects::ProductApproval;
use std::collections::{BTreeMap, BTreeSet};

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
    reached_from_outside(cx, &told, out);
    chains_out(cx, &told, out);
}

/// Name of the restricted zone an actor stands in.
fn zone_name(site: &Site, actor: Actor) -> &str {
    let zones = match actor {
        Actor::Component(id) => site.component_zones(id),
        Actor::Segment(id) => vec![site.segments[id].zone],
        Actor::Namespace(id) => vec![site.clusters[site.namespaces[id].cluster].zone],
        Actor::Network(_) | Actor::Gateway(_) => Vec::new(),
    };
    let restricted = zones.into_iter().find(|zone| site.zones[*zone].class == "restricted");
    restricted.map_or("", |zone| site.zones[zone].name.as_str())
}

fn actor_span(site: &Site, actor: Actor) -> Span {
    match actor {
        Actor::Network(id) => site.networks[id].span,
        Actor::Segment(id) => site.segments[id].span,
        Actor::Namespace(id) => site.namespaces[id].span,
        Actor::Gateway(id) => site.gateways[id].span,
        Actor::Component(id) => site.components[id].span,
    }
}

/// Steps from elsewhere into the restricted zone by which an untrusted network gets there. `direct` flows are told already.
fn reached_from_outside(cx: &Cx<'_>, direct: &BTreeSet<String>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for network in untrusted(site) {
        let reach = reach_of(cx, network);
        for actor in reach.actors().filter(|actor| in_class(site, *actor, "restricted")) {
            let Some((before, _, step)) = reach.steps(actor).last().copied() else { continue };
            let told = matches!(step, Step::Flow(id) if direct.contains(&site.flows[id].name));
            if told || in_class(site, before, "restricted") {
                continue;
            }
            let finding = Finding::new("ZM-VSN-02", "reached")
                .arg("target", actor.name(site))
                .arg("zone", zone_name(site, actor))
                .arg("network", &site.networks[network].name);
            let target = actor_span(site, actor);
            let span = if let Step::Flow(flow) = step { site.flows[flow].span } else { target };
            let finding = finding.object(actor.name(site)).label(span, "last").label(target, "target");
            out.push(finding.witness(reach.chain(site, actor)));
        }
    }
}

/// Whether an actor is on the external side: in the external zone, or outside on an untrusted network.
fn is_external(site: &Site, actor: Actor) -> bool {
    let untrusted = |place: Place| matches!(place, Place::Network(id) if site.networks[id].trust() == Trust::Untrusted);
    match actor {
        Actor::Network(id) => untrusted(Place::Network(id)),
        Actor::Component(id) if site.component_zones(id).is_empty() => {
            site.components[id].legs.iter().any(|leg| untrusted(leg.place))
        }
        _ => ["external.web", "external.app", "external.db"].into_iter().any(|class| in_class(site, actor, class)),
    }
}

/// Chains from the restricted zone through others to the external side; a flow with a valid assessment ends a chain.
fn chains_out(cx: &Cx<'_>, direct: &BTreeSet<String>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let restricted = |actor: &Actor| in_class(site, *actor, "restricted");
    let mut starts: Vec<Actor> = site.components.ids().map(Actor::Component).collect();
    starts.extend(site.segments.ids().map(Actor::Segment));
    starts.extend(site.namespaces.ids().map(Actor::Namespace));
    starts.retain(restricted);
    let skip = |from: Actor, to: Actor, step: Step| {
        let Step::Flow(id) = step else { return false };
        let flow = &site.flows[id];
        let assessment = flow.decl.interconnection_assessment.as_ref();
        // Unassessed crossings into the internal zone are ZM-VSN-04's, direct ones are reported above.
        assessment.is_some_and(|evidence| is_valid(evidence, site.as_of))
            || direct.contains(&flow.name)
            || (restricted(&from) && !restricted(&to) && in_class(site, to, "internal"))
    };
    let reach = cx.graphs.initiator.reach(site, &starts, skip);
    // Where a chain enters the external side; one finding per last flow, with the shortest chain.
    let mut entries: BTreeMap<FlowId, (usize, Vec<String>, Actor)> = BTreeMap::new();
    for end in reach.actors().filter(|actor| is_external(site, *actor)) {
        let steps = reach.steps(end);
        let entered = steps.last().is_some_and(|(before, ..)| !is_external(site, *before));
        let last = steps.iter().rev().find_map(|(_, _, step)| if let Step::Flow(id) = step { Some(*id) } else { None });
        let (true, Some(last)) = (entered, last) else { continue };
        let found = (steps.len(), reach.chain(site, end), end);
        match entries.get(&last) {
            Some(known) if *known <= found => {}
            _ => {
                entries.insert(last, found);
            }
        }
    }
    for (last, (_, chain, end)) in entries {
        let start = reach.steps(end).first().map_or(end, |(from, ..)| *from);
        let finding = Finding::new("ZM-VSN-02", "chain")
            .arg("from", start.name(site))
            .arg("zone", zone_name(site, start))
            .arg("to", end.name(site));
        let finding = finding.object(&site.flows[last].name).label(site.flows[last].span, "last");
        out.push(finding.witness(chain));
    }
}
