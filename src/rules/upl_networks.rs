//! ZM-UPL: uplinks and outside networks.

use super::acc_inner::actor;
use super::support::{Area, names, pairs, vertex_span};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::graph::{Actor, Initiator, Step, Vertex};
use crate::model::site::Network;
use crate::model::{ComponentId, End, NetworkId, Place, Property, Site};
use crate::syntax::document::{NetworkKind, Protection, Trust};
use crate::syntax::objects::Evidence;
use crate::syntax::scalars::Either;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    ("ZM-UPL-03", informationsverbund),
    ("ZM-UPL-04", connection_conditions),
    ("ZM-UPL-05", reachable),
    ("ZM-UPL-06", legal_basis),
    ("ZM-UPL-07", portal_interface),
    ("ZM-UPL-08", no_transit),
    ("ZM-UPL-09", independent_providers),
    ("ZM-UPL-10", fallback_replicated),
];

/// Judges the evidence a network carries, or the site's evidence for the rule.
fn evidence(cx: &Cx<'_>, rule: &'static str, of: impl Fn(&Network) -> Option<&Evidence>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let whole = site.evidence.get(rule).map(|entry| &entry.decl);
    for network in site.networks.values() {
        let about = |case| Finding::new(rule, case).arg("network", &network.name).object(&network.name);
        let Some(found) = of(network).or(whole) else {
            out.push(about("missing").label(network.span, "network"));
            continue;
        };
        let args = || vec![("as-of", site.as_of.to_string())];
        if let Some(until) = found.valid_until.as_ref().filter(|until| until.value < site.as_of) {
            out.push(about("expired").arg("date", until.value).label_with(until.span, "evidence", args()));
        } else if let Some(on) = found.on.as_ref().filter(|on| on.value > site.as_of) {
            out.push(about("future").arg("date", on.value).label_with(on.span, "evidence", args()));
        }
    }
}

/// Every access belongs to an Informationsverbund (DVS 5.3.3).
fn informationsverbund(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    evidence(cx, "ZM-UPL-03", |network| network.decl.informationsverbund.as_ref(), out);
}

/// The operators' connection conditions are met (DVS 5.3.2).
fn connection_conditions(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    evidence(cx, "ZM-UPL-04", |network| network.decl.connection_conditions.as_ref(), out);
}

/// Whether a chain of flows leads from some actors to one of others, neighbours not counted.
fn chained(cx: &Cx<'_>, starts: &[Actor], goals: &[Actor]) -> bool {
    let reach = cx.graphs.initiator.reach(cx.site, starts, |_, to, step| {
        // A flow to a whole segment or namespace leads on to its members; hosts do not lead on to their neighbours.
        step == Step::Neighbour && matches!(to, Actor::Segment(_) | Actor::Namespace(_))
    });
    goals.iter().any(|goal| reach.contains(*goal))
}

/// Services are reachable from the networks they are offered to (DVS-011-R02).
fn reachable(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    if site.networks.is_empty() {
        out.push(Finding::new("ZM-UPL-05", "no-network").object(site.name()));
    }
    for (id, component) in site.components.iter() {
        for name in component.decl.audience.iter().flat_map(|list| list.iter()) {
            let Some(Place::Network(network)) = site.place(&name.0) else { continue };
            if !chained(cx, &Initiator::outside(site, network), &[Actor::Component(id)]) {
                let finding = Finding::new("ZM-UPL-05", "unreachable")
                    .arg("component", &component.name)
                    .arg("network", &name.0)
                    .object(&component.name)
                    .object(&name.0);
                out.push(finding.label_with(name.span, "audience", vec![("network", name.0.clone())]));
            }
        }
    }
}

/// The network a component stands in.
fn network_of(site: &Site, id: ComponentId) -> Option<NetworkId> {
    site.components[id].legs.iter().find_map(|leg| match leg.place {
        Place::Network(network) => Some(network),
        Place::Segment(_) => None,
    })
}

/// Traffic with other cloud sites has a legal basis and uses an administrative network (DVS-011-R02).
fn legal_basis(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for flow in site.flows.values() {
        let mut told = BTreeSet::new();
        for end in flow.from.iter().chain(&flow.to) {
            let End::Component(id) = end.end else { continue };
            if !site.is(id, Property::CloudSite) || !told.insert(id) {
                continue;
            }
            let component = &site.components[id];
            let network = network_of(site, id);
            let name = network.map_or("–", |network| &site.networks[network].name);
            let about = |case| {
                Finding::new("ZM-UPL-06", case)
                    .arg("flow", &flow.name)
                    .arg("component", &component.name)
                    .object(&flow.name)
            };
            let place = vec![("network", name.to_owned())];
            if flow.decl.legal_basis.is_none() {
                out.push(about("no-basis").label(flow.span, "flow").label_with(end.span, "end", place.clone()));
            }
            let admin = network.is_some_and(|id| site.networks[id].decl.kind.value == NetworkKind::AdminNet);
            if !admin {
                out.push(about("network").arg("network", name).label_with(end.span, "end", place));
            }
        }
    }
}

/// A portal interface is joined to the Cloud-Service-Portal (DVS-013-R01).
fn portal_interface(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let of = |property| site.components.ids().filter(move |id| site.is(*id, property)).collect::<Vec<_>>();
    let (interfaces, portals) = (of(Property::PortalApi), of(Property::Portal));
    let about = |case| Finding::new("ZM-UPL-07", case).object(site.name()).label(site.head.name.span, "site");
    if interfaces.is_empty() {
        out.push(about("no-interface"));
        return;
    }
    if portals.is_empty() {
        out.push(about("no-portal"));
        return;
    }
    let mut remote: Vec<Actor> = portals.iter().map(|id| Actor::Component(*id)).collect();
    remote.extend(portals.iter().filter_map(|id| network_of(site, *id)).map(Actor::Network));
    let joined = |id: ComponentId| {
        let own = [Actor::Component(id)];
        chained(cx, &own, &remote) || chained(cx, &remote, &own)
    };
    if !interfaces.iter().any(|id| joined(*id)) {
        let portal = portals.first().map_or("–", |id| &site.components[*id].name);
        for id in interfaces {
            let component = &site.components[id];
            let finding = Finding::new("ZM-UPL-07", "no-chain").arg("component", &component.name);
            let args = vec![("portal", portal.to_owned())];
            out.push(finding.object(&component.name).label_with(component.span, "component", args));
        }
    }
}

fn is_admin_net(site: &Site, network: NetworkId) -> bool {
    site.networks[network].decl.kind.value == NetworkKind::AdminNet
}

/// Networks on the Internet's side: the Internet and untrusted partners.
fn internet_side(site: &Site) -> Vec<NetworkId> {
    let side =
        site.networks.iter().filter(|(id, network)| network.trust() == Trust::Untrusted && !is_admin_net(site, *id));
    side.map(|(id, _)| id).collect()
}

/// The site is no transit between outside networks (DVS 4.2).
fn no_transit(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for network in internet_side(site) {
        let from = &site.networks[network].name;
        transit_path(cx, network, out);
        let decouples =
            |actor: Actor| matches!(actor, Actor::Component(id) if site.components[id].decl.decouple.is_some());
        // What stores and forwards breaks the chain: nothing continues from it.
        let outside = Initiator::outside(site, network);
        let reach = cx.graphs.initiator.reach(site, &outside, |at, _, _| decouples(at));
        let mut told = BTreeSet::new();
        for pair in pairs(cx) {
            let Area::Network(to) = pair.to else { continue };
            if matches!(pair.from, Area::Network(_)) || !is_admin_net(site, to) {
                continue;
            }
            let Some(source) = actor(pair.ends.from.end).filter(|source| reach.contains(*source)) else { continue };
            if decouples(source) || !told.insert((&pair.flow.name, to)) {
                continue;
            }
            let to = &site.networks[to].name;
            let mut chain = reach.chain(site, source);
            chain.push(site.end_name(pair.ends.to.end).to_owned());
            let finding = Finding::new("ZM-UPL-08", "chain")
                .arg("flow", &pair.flow.name)
                .arg("from", from)
                .arg("to", to)
                .object(&pair.flow.name);
            let finding = finding.label_with(pair.ends.to.span, "to", vec![("to", to.clone())]);
            let args = vec![("from", from.clone())];
            out.push(finding.label_with(pair.ends.from.span, "source", args).witness(chain));
        }
    }
    let mut told = BTreeSet::new();
    for pair in pairs(cx) {
        let (Area::Network(from), Area::Network(to)) = (pair.from, pair.to) else { continue };
        if matches!(pair.ends.from.end, End::Gateway(_)) || matches!(pair.ends.to.end, End::Gateway(_)) {
            continue;
        }
        if told.insert((&pair.flow.name, from, to)) {
            let to = &site.networks[to].name;
            let finding = Finding::new("ZM-UPL-08", "flow")
                .arg("flow", &pair.flow.name)
                .arg("from", &site.networks[from].name)
                .arg("to", to)
                .object(&pair.flow.name);
            out.push(finding.label_with(pair.ends.to.span, "to", vec![("to", to.clone())]));
        }
    }
}

/// Without application-level and VPN gateways no path joins a network of the Internet's side to an administrative one.
fn transit_path(cx: &Cx<'_>, network: NetworkId, out: &mut Vec<Finding>) {
    let site = cx.site;
    let decoupled = |vertex: Vertex| matches!(vertex, Vertex::Component(id) if site.is(id, Property::Alg) || site.is(id, Property::Vpn));
    for goal in site.networks.ids().filter(|id| is_admin_net(site, *id)) {
        // The way through a third network is that network's.
        let blocked =
            |vertex: Vertex| decoupled(vertex) || matches!(vertex, Vertex::Network(id) if id != network && id != goal);
        let start = Vertex::Network(network);
        let Some(path) = cx.graphs.topology.path(start, |vertex| vertex == Vertex::Network(goal), blocked) else {
            continue;
        };
        let (from, to) = (&site.networks[network].name, &site.networks[goal].name);
        let args = || vec![("from", from.clone()), ("to", to.clone())];
        let mut finding = Finding::new("ZM-UPL-08", "path").arg("from", from).arg("to", to);
        let joints = path.iter().filter(|vertex| matches!(vertex, Vertex::Gateway(_) | Vertex::Component(_)));
        for vertex in joints {
            finding = finding.object(vertex.name(site)).label_with(vertex_span(site, *vertex), "join", args());
        }
        out.push(finding.witness(names(site, &path)));
    }
}

/// Availability need of a zone.
fn availability(zone: &crate::model::site::Zone) -> Option<(Protection, crate::source::Span)> {
    match zone.decl.protection.as_ref()? {
        Either::Short(need) => Some((need.value, need.span)),
        Either::Long(goals) => Some((goals.availability.value, goals.availability.span)),
    }
}

/// Two providers where availability matters (NET.3.2.A29).
fn independent_providers(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let needs = site.zones.values().find_map(|zone| {
        availability(zone).filter(|(need, _)| *need != Protection::Normal).map(|(need, span)| (zone, need, span))
    });
    let Some((zone, need, span)) = needs else { return };
    for (id, network) in site.networks.iter().filter(|(_, network)| network.is_internet()) {
        let uplinks: Vec<_> = site.uplinks.values().filter(|uplink| uplink.network == id).collect();
        let providers: BTreeSet<&str> =
            uplinks.iter().filter_map(|uplink| uplink.decl.provider.as_ref()).map(|name| name.0.as_str()).collect();
        if uplinks.is_empty() || providers.len() >= 2 {
            continue;
        }
        let provider = providers.first().copied();
        let mut finding = Finding::new("ZM-UPL-09", if provider.is_some() { "one" } else { "none" })
            .arg("network", &network.name)
            .arg("zone", &zone.name)
            .arg("provider", provider.unwrap_or("–"));
        for uplink in uplinks {
            finding = finding.object(&uplink.name);
            finding = match &uplink.decl.provider {
                Some(name) => finding.label_with(uplink.span, "uplink", vec![("provider", name.0.clone())]),
                None => finding.label(uplink.span, "unstated"),
            };
        }
        let need = if need == Protection::High { "high" } else { "very-high" };
        out.push(finding.label_with(span, "zone", vec![("need", need.to_owned())]));
    }
}

/// A declared fallback is replicated to (DVS-020-R01, Ausweichrechenzentrum).
fn fallback_replicated(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, component) in site.components.iter().filter(|(id, _)| site.is(*id, Property::CloudSite)) {
        if !component.decl.fallback.as_ref().is_some_and(|fallback| fallback.value) {
            continue;
        }
        let is_end = |end| end == End::Component(id);
        let ids = site.flows.iter().map(|(flow, _)| flow);
        let joining: Vec<_> = ids
            .flat_map(|flow| cx.graphs.ways.of(flow))
            .filter(|pair| is_end(pair.from.end) || is_end(pair.to.end))
            .collect();
        let case = if joining.is_empty() {
            "no-replication"
        } else if joining.iter().all(|pair| pair.ways.is_err()) {
            "no-path"
        } else {
            continue;
        };
        let finding = Finding::new("ZM-UPL-10", case).arg("component", &component.name).object(&component.name);
        out.push(finding.label(component.span, "fallback"));
    }
}
