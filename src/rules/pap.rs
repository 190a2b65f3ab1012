//! ZM-PAP: the security gateway of packet filter, application-level gateway, packet filter.

use super::support::{enforces, is_remote_access, kind_of, names, untrusted, vertex_span};
use super::{Cx, Rule};
use crate::finding::{Finding, Severity};
use crate::graph::{PapState, Vertex, pap_reach};
use crate::model::{End, EndRef, NetworkId, Place, Property, Site};
use crate::syntax::document::{NetworkKind, Structure, Trust};
use crate::syntax::objects::Stage;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    ("ZM-PAP-01", structure),
    ("ZM-PAP-02", outer_first),
    ("ZM-PAP-03", no_joint_net),
    ("ZM-PAP-04", separate_devices),
    ("ZM-PAP-06", ends_at_alg),
    ("ZM-PAP-08", upstream_defence),
    ("ZM-PAP-10", through_gateway),
    ("ZM-PAP-11", administrative),
];

fn is_before(site: &Site, vertex: Vertex) -> bool {
    matches!(vertex, Vertex::Segment(id) if site.class(site.segments[id].zone).is_some_and(|class| class.before_gateway))
}

/// Networks the full structure is asked of: untrusted ones, and trusted ones that some way enters unfiltered.
pub(super) fn strict_networks(cx: &Cx<'_>) -> Vec<NetworkId> {
    let site = cx.site;
    let mut networks: Vec<NetworkId> = untrusted(site).collect();
    let admin = site.networks.iter().filter(|(_, network)| network.trust() != Trust::Untrusted);
    networks.extend(admin.map(|(id, _)| id).filter(|id| enters_unfiltered(cx, *id)));
    networks.sort_unstable();
    networks
}

/// Whether some way from a network enters through a gateway that does not count (no gateway at all is ZM-PAP-10's).
fn enters_unfiltered(cx: &Cx<'_>, network: NetworkId) -> bool {
    let site = cx.site;
    let inside =
        |vertex: Vertex| matches!(vertex, Vertex::Segment(id) if site.zones[site.segments[id].zone].class != "uplink");
    let counts = |vertex: Vertex| match vertex {
        Vertex::Gateway(id) => site.gateways[id].is_layer4() && site.gateways[id].denies_by_default(),
        Vertex::Network(_) => true,
        _ => false,
    };
    let topology = &cx.graphs.topology;
    let before = topology.component(Vertex::Network(network), |vertex| counts(vertex) || inside(vertex));
    let enters = |vertex: &Vertex| topology.neighbours(*vertex).into_iter().any(inside);
    before.iter().any(|vertex| enforces(site, *vertex) && enters(vertex))
}

/// Filter, application-level gateway, filter on every way in (DVS 5.3.3, NET.1.1.A18).
fn structure(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for network in strict_networks(cx) {
        let reach = pap_reach(site, &cx.graphs.topology, Vertex::Network(network), |id| is_remote_access(site, id));
        let mut told = BTreeSet::new();
        for (id, segment) in site.segments.iter() {
            let vertex = Vertex::Segment(id);
            let Some(state) =
                reach.states(vertex).next().filter(|state| *state < PapState::Passed && !is_before(site, vertex))
            else {
                continue;
            };
            let path = reach.path(vertex, state);
            // A breach shows at the first segment behind it; what lies deeper is the same breach.
            let earlier = path
                .iter()
                .rev()
                .skip(1)
                .any(|before| matches!(before, Vertex::Segment(_)) && !is_before(site, *before));
            if earlier || !told.insert(vertex) {
                continue;
            }
            // Nothing at all on the way: ZM-PAP-10 names it.
            if !path.iter().any(|vertex| enforces(site, *vertex)) {
                continue;
            }
            let case = match state {
                PapState::Start => "no-filter",
                PapState::Filter => "no-alg",
                PapState::Gateway | PapState::Passed => "no-inner",
            };
            let name = &site.networks[network].name;
            let finding = Finding::new("ZM-PAP-01", case)
                .arg("network", name)
                .arg("segment", &segment.name)
                .object(&segment.name)
                .object(name);
            let finding = finding.label(segment.span, "segment").witness(names(site, &path));
            out.push(match path.iter().rev().nth(1) {
                Some(entry) => {
                    finding.label_with(vertex_span(site, *entry), "entry", vec![("name", entry.name(site).to_owned())])
                }
                None => finding,
            });
        }
    }
}

/// The outer filter stands first at the Internet (NET.1.1.A4, A8).
fn outer_first(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, network) in site.networks.iter().filter(|(_, network)| network.is_internet()) {
        let uplink_only = |component: &crate::model::site::Component| {
            let others = component.data_legs().filter(|leg| leg.place != Place::Network(id));
            let uplink = |place: Place| site.zone_of(place).is_some_and(|zone| site.zones[zone].class == "uplink");
            component.decl.kind.0 == "router" && others.into_iter().all(|leg| uplink(leg.place))
        };
        let neighbours = cx.graphs.topology.neighbours(Vertex::Network(id));
        for neighbour in &neighbours {
            let Vertex::Component(component) = neighbour else { continue };
            let component = &site.components[*component];
            if component.data_legs().filter(|leg| matches!(leg.place, Place::Segment(_))).count() == 0
                || uplink_only(component)
            {
                continue;
            }
            let finding = Finding::new("ZM-PAP-02", "neighbour")
                .arg("component", &component.name)
                .arg("kind", &component.decl.kind.0);
            let leg = component.legs.iter().find(|leg| leg.place == Place::Network(id));
            out.push(
                finding
                    .arg("network", &network.name)
                    .object(&component.name)
                    .label(leg.map_or(component.span, |leg| leg.span), "leg"),
            );
        }
        let blocked = |vertex: Vertex| match vertex {
            Vertex::Gateway(gateway) => site.gateways[gateway].stage() == Some(Stage::Outer),
            Vertex::Component(_) => neighbours.contains(&vertex),
            Vertex::Network(_) => true,
            Vertex::Segment(_) => false,
        };
        let inside = |vertex: Vertex| matches!(vertex, Vertex::Segment(id) if site.zones[site.segments[id].zone].class != "uplink");
        // One finding per entry: another one beside it is another fault.
        let mut entries: BTreeSet<Vertex> = BTreeSet::new();
        while let Some(path) =
            cx.graphs.topology.path(Vertex::Network(id), inside, |vertex| blocked(vertex) || entries.contains(&vertex))
            && let Some(end) = path.last()
        {
            let finding =
                Finding::new("ZM-PAP-02", "no-outer").arg("network", &network.name).arg("segment", end.name(site));
            let entry = path.get(1).copied().unwrap_or(*end);
            entries.insert(entry);
            let finding = finding.object(entry.name(site)).object(end.name(site));
            let finding =
                finding.label_with(vertex_span(site, entry), "entry", vec![("name", entry.name(site).to_owned())]);
            out.push(finding.label(vertex_span(site, *end), "segment").witness(names(site, &path)));
        }
    }
}

/// No transfer net joins both filter stages (NET.1.1.A18).
fn no_joint_net(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, segment) in site.segments.iter() {
        let find = |stage: Stage| {
            let mut gateways = site.gateways.values().filter(move |gateway| gateway.stage() == Some(stage));
            gateways.find_map(|gateway| {
                let interface = gateway.interfaces.iter().find(|interface| {
                    interface.leg.place == Place::Segment(id) && interface.leg.role == crate::model::LegRole::Data
                })?;
                Some((gateway, interface.leg.span))
            })
        };
        if let (Some((outer, outer_span)), Some((inner, inner_span))) = (find(Stage::Outer), find(Stage::Inner)) {
            let finding = Finding::new("ZM-PAP-03", "joined")
                .arg("segment", &segment.name)
                .arg("outer", &outer.name)
                .arg("inner", &inner.name);
            let finding = finding.object(&segment.name).object(&outer.name).object(&inner.name);
            out.push(finding.label(inner_span, "inner").label(outer_span, "outer").witness(vec![
                outer.name.clone(),
                segment.name.clone(),
                inner.name.clone(),
            ]));
        }
    }
}

/// The three stages are separate devices (NET.3.2.A16).
fn separate_devices(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut told = BTreeSet::new();
    for network in untrusted(site) {
        for chain in chains(cx, network) {
            for (index, a) in chain.iter().enumerate() {
                for b in chain.iter().skip(index + 1) {
                    let (host_a, host_b) = (host(site, *a), host(site, *b));
                    if host_a.0 != host_b.0 || !told.insert((*a, *b)) {
                        continue;
                    }
                    let finding = Finding::new("ZM-PAP-04", "same-host")
                        .arg("first", a.name(site))
                        .arg("second", b.name(site))
                        .arg("host", host_a.0);
                    let stage =
                        |finding: Finding, span| finding.label_with(span, "stage", vec![("host", host_a.0.to_owned())]);
                    let finding = stage(stage(finding, host_b.1), host_a.1).object(a.name(site)).object(b.name(site));
                    out.push(finding.witness(chain.iter().map(|vertex| vertex.name(site).to_owned()).collect()));
                }
            }
        }
    }
}

fn host(site: &Site, vertex: Vertex) -> (&str, crate::source::Span) {
    match vertex {
        Vertex::Gateway(id) => {
            let gateway = &site.gateways[id];
            (&gateway.host, gateway.decl.host.as_ref().map_or(gateway.span, |host| host.span))
        }
        Vertex::Component(id) => {
            let component = &site.components[id];
            (&component.host, component.decl.host.as_ref().map_or(component.span, |host| host.span))
        }
        other => (other.name(site), vertex_span(site, other)),
    }
}

/// Chains of outer filter, application-level gateway, inner filter that a network can take, by adjacency.
fn chains(cx: &Cx<'_>, network: NetworkId) -> Vec<[Vertex; 3]> {
    let site = cx.site;
    let topology = &cx.graphs.topology;
    let filters = |vertex: Vertex| matches!(vertex, Vertex::Gateway(id) if site.gateways[id].is_layer4());
    let middle = |vertex: Vertex| matches!(vertex, Vertex::Component(id) if site.is(id, Property::Alg) || is_remote_access(site, id));
    // Places that a vertex reaches without another enforcement point.
    let beyond = |start: Vertex| {
        topology.component(start, |vertex| enforces(site, vertex) || matches!(vertex, Vertex::Network(_)))
    };
    let at = |places: &[Vertex], wanted: &dyn Fn(Vertex) -> bool| {
        let mut found: Vec<Vertex> =
            places.iter().flat_map(|place| topology.neighbours(*place)).filter(|vertex| wanted(*vertex)).collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    let mut chains = Vec::new();
    for outer in at(&beyond(Vertex::Network(network)), &filters) {
        for alg in at(&beyond(outer), &middle) {
            for inner in at(&beyond(alg), &filters) {
                if inner != outer {
                    chains.push([outer, alg, inner]);
                }
            }
        }
    }
    chains
}

/// Internet traffic ends and starts at an application-level gateway in the web zone (NET.1.1.A18).
fn ends_at_alg(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let internet = |end: End| match end {
        End::Network(id) => site.networks[id].is_internet(),
        End::Component(id) => {
            let legs = &site.components[id].legs;
            !legs.is_empty()
                && legs.iter().all(|leg| matches!(leg.place, Place::Network(id) if site.networks[id].is_internet()))
        }
        _ => false,
    };
    let in_web = |end: End| matches!(end, End::Component(id) if site.component_zones(id).iter().any(|zone| site.zones[*zone].class == "external.web"));
    let is = |end: End, property| matches!(end, End::Component(id) if site.is(id, property));
    for flow in site.flows.values() {
        let told = |case, end: &EndRef, other: &EndRef, key, far| {
            let finding = Finding::new("ZM-PAP-06", case).arg("flow", &flow.name);
            let (from, to) = if case == "outbound" { (end, other) } else { (other, end) };
            let finding = finding
                .arg("from", site.end_name(from.end))
                .arg("to", site.end_name(to.end))
                .arg("kind", kind_of(site, end.end));
            finding.object(&flow.name).object(site.end_name(end.end)).label(end.span, key).label(other.span, far)
        };
        for (from, to) in flow.from.iter().flat_map(|from| flow.to.iter().map(move |to| (from, to))) {
            if internet(from.end) && !internet(to.end) {
                let vpn = matches!(to.end, End::Component(id) if site.is(id, Property::Vpn));
                let accepted = in_web(to.end) && is(to.end, Property::PublicEndpoint);
                if !accepted {
                    out.push(told("inbound", to, from, "to", "internet"));
                } else if vpn && !matches!(to.end, End::Component(id) if is_remote_access(site, id)) {
                    out.push(told("users", to, from, "to", "internet"));
                }
            } else if internet(to.end)
                && !internet(from.end)
                && super::support::areas(site, from.end, None).iter().any(|area| area.is_class(site, "external.web"))
            {
                // From other zones the flow is ZM-ACC-05's.
                if !is(from.end, Property::Alg) {
                    out.push(told("outbound", from, to, "from", "internet"));
                }
            }
        }
    }
}

/// Access from outside passes a gateway (DVS 5.3.2).
fn through_gateway(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, network) in site.networks.iter() {
        let blocked = |vertex| enforces(site, vertex) || matches!(vertex, Vertex::Network(_));
        let inside = |vertex: Vertex| matches!(vertex, Vertex::Segment(id) if site.zones[site.segments[id].zone].class != "uplink");
        // One finding per joint, with the nearest segment: what lies behind it is the same opening.
        for joint in cx.graphs.topology.neighbours(Vertex::Network(id)).into_iter().filter(|joint| !blocked(*joint)) {
            let others = |vertex: Vertex| {
                blocked(vertex)
                    || (vertex != joint && cx.graphs.topology.neighbours(Vertex::Network(id)).contains(&vertex))
            };
            let Some(path) = cx.graphs.topology.path(Vertex::Network(id), inside, others) else { continue };
            let Some(end) = path.last() else { continue };
            let finding =
                Finding::new("ZM-PAP-10", "open").arg("network", &network.name).arg("segment", end.name(site));
            let finding = finding.object(joint.name(site)).object(&network.name).object(end.name(site));
            let finding = finding.label_with(vertex_span(site, joint), "joint", vec![]);
            out.push(finding.label(vertex_span(site, *end), "segment").witness(names(site, &path)));
        }
    }
}

/// Which structure an administrative network is connected by (DVS 5.3.3).
fn administrative(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, network) in site.networks.iter() {
        let concerned = network.decl.kind.value == NetworkKind::AdminNet && network.trust() == Trust::TrustedLower;
        if !concerned || enters_unfiltered(cx, id) || cx.graphs.topology.neighbours(Vertex::Network(id)).is_empty() {
            continue;
        }
        let reach = pap_reach(site, &cx.graphs.topology, Vertex::Network(id), |id| is_remote_access(site, id));
        let simplified = site.segments.ids().map(Vertex::Segment).any(|vertex| {
            !is_before(site, vertex) && reach.states(vertex).next().is_some_and(|state| state < PapState::Passed)
        });
        let claims = network.decl.structure.as_ref().filter(|structure| structure.value == Structure::Pap);
        let finding = match (simplified, claims) {
            (true, Some(claim)) => {
                Finding::new("ZM-PAP-11", "claims-p-a-p").label(claim.span, "structure").weigh(Severity::Warning)
            }
            (true, None) => Finding::new("ZM-PAP-11", "simplified").label(network.span, "network"),
            (false, _) => Finding::new("ZM-PAP-11", "p-a-p").label(network.span, "network"),
        };
        out.push(finding.arg("network", &network.name).object(&network.name));
    }
}

/// Attacks that fill a line are met before it (DVS 5.3.3, NET.1.1.A30).
fn upstream_defence(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (_, uplink) in site.uplinks.iter() {
        if site.networks[uplink.network].is_internet() && uplink.decl.ddos_protection.is_none() {
            let finding = Finding::new("ZM-PAP-08", "missing").arg("uplink", &uplink.name);
            out.push(finding.label(uplink.span, "uplink").object(&uplink.name));
        }
    }
}
