//! ZM-K8S: container clusters.

use super::pap::strict_networks;
use super::support::{is_remote_access, main_zones, names, own_main_zone};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::graph::{PapState, Vertex, pap_reach};
use crate::model::site::Cluster;
use crate::model::{ClusterId, NamespaceId, Place, Property, Site};
use crate::source::Span;
use crate::syntax::document::{MainZone, Protection, ProtectionNeed};
use crate::syntax::objects::PoolRole;
use crate::syntax::scalars::Either;

pub(super) const RULES: &[Rule] = &[
    ("ZM-K8S-02", one_need),
    ("ZM-K8S-03", one_environment),
    ("ZM-K8S-05", ingress_apart),
    ("ZM-K8S-12", one_zone),
    ("ZM-K8S-13", behind_structure),
];

/// Confidentiality, integrity, availability.
type Need = [Protection; 3];

/// The need a statement gives for the three goals.
pub(super) fn need(stated: Option<&ProtectionNeed>) -> Option<(Need, Span)> {
    match stated? {
        Either::Short(all) => Some(([all.value; 3], all.span)),
        Either::Long(goals) => {
            Some(([goals.confidentiality.value, goals.integrity.value, goals.availability.value], goals.span))
        }
    }
}

fn word(need: Need) -> String {
    if need.iter().all(|goal| Some(goal) == need.first()) {
        need.first().map_or_else(String::new, ToString::to_string)
    } else {
        need.map(|goal| goal.word()).join("/")
    }
}

/// One protection need per cluster (DVS 5.3.4).
fn one_need(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, cluster) in site.clusters.iter() {
        let needs = application_needs(site, id, cluster);
        let Some((first, first_need, first_span)) = needs.first() else { continue };
        if let Some((second, second_need, second_span)) = needs.iter().find(|(_, need, _)| need != first_need) {
            let finding = Finding::new("ZM-K8S-02", "mixed").arg("cluster", &cluster.name);
            let finding = finding
                .arg("first", first)
                .arg("first-need", word(*first_need))
                .arg("second", second)
                .arg("second-need", word(*second_need));
            let finding = finding.object(&cluster.name).object(second).object(first);
            let finding = finding.label_with(*second_span, "second", vec![("need", word(*second_need))]);
            out.push(finding.label_with(*first_span, "first", vec![("need", word(*first_need))]));
        }
    }
}

fn application_needs(site: &Site, id: ClusterId, cluster: &Cluster) -> Vec<(String, Need, Span)> {
    let of_cluster = need(cluster.decl.protection.as_ref());
    let mut needs = Vec::new();
    for namespace in cluster.namespaces.iter().map(|id| &site.namespaces[*id]) {
        if namespace.decl.application.is_some() || namespace.decl.protection.is_some() {
            let (need, span) = need(namespace.decl.protection.as_ref())
                .or(of_cluster)
                .unwrap_or(([Protection::Normal; 3], namespace.span));
            needs.push((namespace.path.clone(), need, span));
        }
    }
    for (component_id, component) in site.components.iter() {
        let Some(namespace) = component.namespace.filter(|namespace| site.namespaces[*namespace].cluster == id) else {
            continue;
        };
        let application = site.is(component_id, Property::Application);
        if application || component.decl.protection.is_some() {
            let inherited = need(site.namespaces[namespace].decl.protection.as_ref()).or(of_cluster);
            let (need, span) = need(component.decl.protection.as_ref())
                .or(inherited)
                .unwrap_or(([Protection::Normal; 3], component.span));
            needs.push((component.name.clone(), need, span));
        }
    }
    needs
}

/// One environment per cluster, that of its zone (DVS 5.3.4).
fn one_environment(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for cluster in site.clusters.values() {
        let zone = &site.zones[cluster.zone];
        let default = if zone.class == "development" { "development" } else { "production" };
        let of_zone = zone.decl.environment.as_ref().map_or(default, |word| word.0.as_str());
        let zone_span = zone.decl.environment.as_ref().map_or(zone.span, |word| word.span);
        let own = cluster.decl.environment.as_ref();
        let of_cluster = own.map_or(of_zone, |word| word.0.as_str());
        let above = |finding: Finding, span, expected: &str, found: &str, here| {
            let finding = finding
                .arg("environment", found)
                .arg("expected", expected)
                .arg("cluster", &cluster.name)
                .arg("zone", &zone.name);
            let finding = finding.label_with(here, "environment", vec![("environment", found.to_owned())]);
            finding.label_with(span, "above", vec![("expected", expected.to_owned())])
        };
        if let Some(own) = own.filter(|own| own.0 != of_zone) {
            let finding = Finding::new("ZM-K8S-03", "cluster").object(&cluster.name);
            out.push(above(finding, zone_span, of_zone, &own.0, own.span));
        }
        let cluster_span = own.map_or(cluster.span, |own| own.span);
        for namespace in cluster.namespaces.iter().map(|id| &site.namespaces[*id]) {
            if let Some(word) = namespace.decl.environment.as_ref().filter(|word| word.0 != of_cluster) {
                let finding = Finding::new("ZM-K8S-03", "namespace")
                    .arg("namespace", &namespace.path)
                    .object(&namespace.path)
                    .object(&cluster.name);
                out.push(above(finding, cluster_span, of_cluster, &word.0, word.span));
            }
        }
    }
}

/// The ingress is apart from other functions (DVS 5.3.4).
fn ingress_apart(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, namespace) in site.namespaces.iter() {
        let members = |wanted: bool| {
            let here = site.components.iter().filter(move |(_, component)| component.namespace == Some(id));
            here.filter(move |(component, _)| site.is(*component, Property::Ingress) == wanted)
                .map(|(_, component)| component)
                .next()
        };
        let Some(ingress) = members(true) else { continue };
        let other = members(false).map(|other| (other.name.clone(), other.span));
        let application = namespace.decl.application.as_ref().map(|word| (word.0.clone(), word.span));
        if let Some((name, span)) = other.or(application) {
            let finding = Finding::new("ZM-K8S-05", "shared")
                .arg("namespace", &namespace.path)
                .arg("ingress", &ingress.name)
                .arg("other", &name);
            let finding = finding.object(&namespace.path).label(span, "other");
            out.push(finding.label(ingress.span, "ingress"));
        }
    }
}

/// A cluster does not span zones (DVS 5.3.2, NET.1.1.A23).
fn one_zone(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, cluster) in site.clusters.iter() {
        let told = |case, zone, span| {
            let finding = Finding::new("ZM-K8S-12", case)
                .arg("cluster", &cluster.name)
                .arg("zone", &site.zones[cluster.zone].name);
            let finding = finding.arg("other", zone);
            finding.label(span, "segment").label(cluster.decl.zone.span, "zone")
        };
        let development = site.zones[cluster.zone].class == "development";
        let own = if development { Some(MainZone::Development) } else { own_main_zone(site, cluster.zone) };
        for pool in &cluster.pools {
            let zone = site.segments[pool.segment].zone;
            let serves = main_zones(site, zone).into_iter().any(|served| Some(served) == own);
            let control =
                pool.decl.role.value == PoolRole::ControlPlane && site.zones[zone].class == "management" && serves;
            if zone != cluster.zone && !control {
                out.push(
                    told("pool", &site.zones[zone].name, pool.decl.segment.span)
                        .arg("pool", &pool.name)
                        .object(&cluster.name),
                );
            }
        }
        let runs = |namespace: NamespaceId| site.namespaces[namespace].cluster == id;
        for component in site.components.values().filter(|component| component.namespace.is_some_and(runs)) {
            for leg in component.data_legs() {
                if let Some(zone) = site.zone_of(leg.place).filter(|zone| *zone != cluster.zone) {
                    out.push(
                        told("pods", &site.zones[zone].name, leg.span)
                            .arg("component", &component.name)
                            .object(&component.name)
                            .object(&cluster.name),
                    );
                }
            }
        }
    }
}

/// Clusters stand behind the P-A-P structure (DVS 5.3.4).
fn behind_structure(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for cluster in site.clusters.values() {
        let zone = &site.zones[cluster.zone];
        if site.class(cluster.zone).is_some_and(|class| class.before_gateway) {
            let finding = Finding::new("ZM-K8S-13", "class")
                .arg("cluster", &cluster.name)
                .arg("zone", &zone.name)
                .arg("class", &zone.class);
            out.push(finding.object(&cluster.name).label(cluster.decl.zone.span, "zone"));
            continue;
        }
        'networks: for network in strict_networks(cx) {
            let reach = pap_reach(site, &cx.graphs.topology, Vertex::Network(network), |id| is_remote_access(site, id));
            let segments = cluster.pools.iter().map(|pool| pool.segment).chain(zone.segments.iter().copied());
            for segment in segments {
                let vertex = Vertex::of(Place::Segment(segment));
                let Some(state) = reach.states(vertex).next().filter(|state| *state < PapState::Passed) else {
                    continue;
                };
                let finding = Finding::new("ZM-K8S-13", "reached")
                    .arg("cluster", &cluster.name)
                    .arg("segment", &site.segments[segment].name);
                let finding = finding
                    .arg("network", &site.networks[network].name)
                    .object(&cluster.name)
                    .label(cluster.span, "cluster");
                out.push(finding.witness(names(site, &reach.path(vertex, state))));
                break 'networks;
            }
        }
    }
}
