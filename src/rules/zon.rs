//! ZM-ZON: zones and placement.

use super::support::{areas, end_is, own_main_zone};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::graph::Vertex;
use crate::model::{ComponentId, End, LegRole, Place, Property, Site, ZoneId};
use crate::syntax::document::MainZone;
use crate::syntax::nearest;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    ("ZM-ZON-01", known_class),
    ("ZM-ZON-02", offered),
    ("ZM-ZON-03", tiers),
    ("ZM-ZON-04", placement),
    ("ZM-ZON-05", no_logic_in_web),
    ("ZM-ZON-07", web_is_dmz),
    ("ZM-ZON-08", clients_apart),
];

fn of_class<'a>(site: &'a Site, class: &'a str) -> impl Iterator<Item = ZoneId> + 'a {
    site.zones.iter().filter(move |(_, zone)| zone.class == class).map(|(id, _)| id)
}

/// Whether a zone's class that the blueprint does not know is a slip of another one: ZM-ZON-01 says so, and the zone is no
/// missing tier.
fn is_misspelt(site: &Site, class: &str) -> bool {
    let known = || site.blueprint.classes.keys().map(String::as_str);
    site.zones.iter().any(|(id, zone)| site.class(id).is_none() && nearest(&zone.class, known()) == Some(class))
}

/// The external zone is split into web, application and database zone (DVS 5.3.2).
fn tiers(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let Some(first) = site.zones.values().find(|zone| zone.class.starts_with("external.")) else { return };
    for (class, case) in [("external.web", "no-web"), ("external.app", "no-app")] {
        if of_class(site, class).next().is_none() && !is_misspelt(site, class) {
            out.push(Finding::new("ZM-ZON-03", case).object(&first.name).label(first.span, "external"));
        }
    }
    let serving = serving_databases(cx);
    let db_zone = of_class(site, "external.db").next();
    match (db_zone, serving.first()) {
        (None, Some(database)) if !is_misspelt(site, "external.db") => {
            let component = &site.components[*database];
            let finding = Finding::new("ZM-ZON-03", "no-db").arg("component", &component.name).object(&component.name);
            out.push(finding.label(component.span, "database"));
        }
        (Some(zone), None) => {
            let zone = &site.zones[zone];
            out.push(
                Finding::new("ZM-ZON-03", "idle-db")
                    .arg("zone", &zone.name)
                    .object(&zone.name)
                    .label(zone.span, "idle"),
            );
        }
        _ => {}
    }
}

/// Databases in the external zone, or reached by a flow from it.
fn serving_databases(cx: &Cx<'_>) -> Vec<ComponentId> {
    let site = cx.site;
    let external = |zone: &ZoneId| site.zones[*zone].class.starts_with("external.");
    let mut found: BTreeSet<ComponentId> = site
        .components
        .ids()
        .filter(|id| site.is(*id, Property::Database) && site.component_zones(*id).iter().any(external))
        .collect();
    for flow in site.flows.values() {
        let from_external = flow
            .from
            .iter()
            .flat_map(|end| areas(site, end.end, None))
            .any(|area| area.class(site).starts_with("external."));
        let databases = flow.to.iter().filter(|end| from_external && end_is(site, end.end, Property::Database));
        found.extend(databases.filter_map(|end| match end.end {
            End::Component(id) => Some(id),
            _ => None,
        }));
    }
    found.into_iter().collect()
}

/// In the external zone each kind stands in the zone of its purpose (DVS 5.3.2).
fn placement(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, component) in site.components.iter() {
        let Some(wanted) = wanted(site, id) else { continue };
        for leg in component.data_legs() {
            let Place::Segment(segment) = leg.place else { continue };
            let class = &site.zones[site.segments[segment].zone].class;
            // What stands in the web zone is ZM-ZON-05's.
            if class.starts_with("external.") && class != "external.web" && class != wanted {
                let finding = Finding::new("ZM-ZON-04", "component")
                    .arg("component", &component.name)
                    .arg("kind", &component.decl.kind.0);
                let finding =
                    finding.arg("segment", &site.segments[segment].name).arg("class", class).arg("wanted", wanted);
                out.push(
                    finding.object(&component.name).label(component.decl.kind.span, "kind").label(leg.span, "leg"),
                );
                break;
            }
        }
    }
    for (_, component) in site.components.iter().filter(|(id, _)| site.is(*id, Property::Database)) {
        let Some(namespace) = component.namespace else { continue };
        let cluster = &site.clusters[site.namespaces[namespace].cluster];
        let class = &site.zones[cluster.zone].class;
        if class == "external.app" {
            let finding = Finding::new("ZM-ZON-04", "workload")
                .arg("component", &component.name)
                .arg("kind", &component.decl.kind.0)
                .arg("cluster", &cluster.name);
            let finding = finding.arg("class", class).arg("wanted", "external.db").object(&component.name);
            out.push(finding.label(component.decl.kind.span, "kind").label(cluster.decl.zone.span, "leg"));
        }
    }
    for cluster in site.clusters.values() {
        let class = &site.zones[cluster.zone].class;
        if class == "external.db" {
            let finding = Finding::new("ZM-ZON-04", "cluster")
                .arg("cluster", &cluster.name)
                .arg("class", class)
                .arg("wanted", "external.app");
            out.push(finding.object(&cluster.name).label(cluster.decl.zone.span, "leg"));
        }
    }
}

fn wanted(site: &Site, id: ComponentId) -> Option<&'static str> {
    if site.components[id].namespace.is_some() {
        None
    } else if site.is(id, Property::Alg) {
        Some("external.web")
    } else if site.is(id, Property::Application) {
        Some("external.app")
    } else if site.is(id, Property::Database) {
        Some("external.db")
    } else {
        None
    }
}

/// The web zone holds gateways and name servers only (DVS 5.3.3).
fn no_logic_in_web(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, component) in site.components.iter().filter(|(id, _)| !site.is(*id, Property::WebAllowed)) {
        let in_web = component.data_legs().find(|leg| {
            matches!(leg.place, Place::Segment(segment) if site.zones[site.segments[segment].zone].class == "external.web")
        });
        let _ = id;
        if let Some(leg) = in_web {
            let finding =
                Finding::new("ZM-ZON-05", "kind").arg("component", &component.name).arg("kind", &component.decl.kind.0);
            let finding = finding.arg("segment", site.place_name(leg.place)).object(&component.name);
            out.push(finding.label(component.decl.kind.span, "kind").label(leg.span, "leg"));
        }
    }
    for cluster in site.clusters.values().filter(|cluster| site.zones[cluster.zone].class == "external.web") {
        let finding = Finding::new("ZM-ZON-05", "cluster")
            .arg("cluster", &cluster.name)
            .arg("zone", &site.zones[cluster.zone].name);
        out.push(finding.object(&cluster.name).label(cluster.decl.zone.span, "cluster"));
    }
}

/// The web zone is a DMZ at the outer filter (DVS 5.3.4, NET.1.1.A10).
fn web_is_dmz(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let has_internet = site.networks.values().any(|network| network.is_internet());
    if has_internet && let Some(first) = of_class(site, "external.web").next() {
        let joined = site
            .gateways
            .ids()
            .any(|gateway| at_internet(cx, Vertex::Gateway(gateway)) && touches_web(cx, Vertex::Gateway(gateway)));
        if !joined {
            let zone = &site.zones[first];
            out.push(
                Finding::new("ZM-ZON-07", "not-at-outer")
                    .arg("zone", &zone.name)
                    .object(&zone.name)
                    .label(zone.span, "zone"),
            );
        }
    }
    for component in site.components.values() {
        let class_of = |place: Place| site.zone_of(place).map_or("", |zone| site.zones[zone].class.as_str());
        let legs: Vec<_> = component.legs.iter().filter(|leg| leg.role == LegRole::Data).collect();
        let web = legs.iter().find(|leg| class_of(leg.place) == "external.web");
        let inner = legs.iter().find(|leg| matches!(class_of(leg.place), "external.app" | "external.db" | "internal"));
        if let (Some(web), Some(inner)) = (web, inner) {
            let finding = Finding::new("ZM-ZON-07", "touches")
                .arg("component", &component.name)
                .arg("web", site.place_name(web.place));
            let finding = finding.arg("segment", site.place_name(inner.place)).arg("class", class_of(inner.place));
            out.push(finding.object(&component.name).label(inner.span, "inner").label(web.span, "web"));
        }
    }
}

/// Whether a gateway is attached to the Internet: itself, or over uplink segments and the routers in them.
fn at_internet(cx: &Cx<'_>, gateway: Vertex) -> bool {
    let site = cx.site;
    let internet = |vertex: Vertex| matches!(vertex, Vertex::Network(id) if site.networks[id].is_internet());
    let blocked = |vertex: Vertex| match vertex {
        Vertex::Gateway(_) => true,
        Vertex::Segment(id) => site.zones[site.segments[id].zone].class != "uplink",
        Vertex::Network(_) => !internet(vertex),
        Vertex::Component(_) => false,
    };
    cx.graphs.topology.path(gateway, internet, blocked).is_some()
}

fn touches_web(cx: &Cx<'_>, gateway: Vertex) -> bool {
    let site = cx.site;
    let web = |next: &Vertex| matches!(next, Vertex::Segment(id) if site.zones[site.segments[*id].zone].class == "external.web");
    cx.graphs.topology.neighbours(gateway).iter().any(web)
}

/// Every class is one of the blueprint (DVS-012-R02). A zone that states none is ZM-MOD-02's.
fn known_class(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, zone) in site.zones.iter().filter(|(_, zone)| !zone.class.is_empty()) {
        if site.class(id).is_none() {
            let span = zone.decl.class.as_ref().map_or(zone.span, |class| class.span);
            let finding = Finding::new("ZM-ZON-01", "unknown-class").arg("zone", &zone.name).arg("class", &zone.class);
            let finding = finding.arg("blueprint", &site.blueprint.name).object(&zone.name);
            let known = || site.blueprint.classes.keys().map(String::as_str);
            let finding = finding.arg("known", known().collect::<Vec<_>>().join("`, `")).label(span, "class");
            out.push(match nearest(&zone.class, known()) {
                Some(near) => finding.fix(span, near),
                None => finding,
            });
        }
    }
}

/// Which main zones the site does not offer: never a violation (DVS 5.3.2).
fn offered(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let present: BTreeSet<MainZone> = site.zones.ids().filter_map(|zone| own_main_zone(site, zone)).collect();
    let absent: Vec<String> = [MainZone::External, MainZone::Internal, MainZone::Restricted]
        .into_iter()
        .filter(|zone| !present.contains(zone))
        .map(|zone| format!("`{}`", zone.word()))
        .collect();
    let finding = match absent.len() {
        0 => return,
        3 => Finding::new("ZM-ZON-02", "none"),
        _ => Finding::new("ZM-ZON-02", "absent").arg("zones", absent.join(", ")),
    };
    out.push(finding.object(site.name()).label(site.head.name.span, "site"));
}

/// Clients and servers do not share a segment (NET.1.1.A5, A6).
fn clients_apart(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, segment) in site.segments.iter() {
        let find = |property| {
            site.components.iter().find_map(|(component_id, component)| {
                let leg = component.data_legs().find(|leg| leg.place == Place::Segment(id))?;
                site.is(component_id, property).then_some((component, leg.span))
            })
        };
        if let (Some((client, client_span)), Some((server, server_span))) =
            (find(Property::Client), find(Property::Server))
        {
            let finding = Finding::new("ZM-ZON-08", "mixed").arg("segment", &segment.name);
            let finding = finding.arg("client", &client.name).arg("server", &server.name);
            let finding = finding.object(&segment.name).object(&client.name).object(&server.name);
            out.push(finding.label(client_span, "client").label(server_span, "server"));
        }
    }
}
