//! What the families ZON, SEP and PAP ask of protection needs (Schutzbedarf), per confidentiality, integrity, availability.

use super::support::is_gateway_host;
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::model::{ComponentId, Place, Property, SegmentId, Site, ZoneId};
use crate::source::Span;
use crate::syntax::document::{Protection, ProtectionNeed};
use crate::syntax::objects::Stage;
use crate::syntax::scalars::Either;

pub(super) const RULES: &[Rule] = &[
    ("ZM-ZON-09", one_need_per_segment),
    ("ZM-ZON-10", service_fits_zone),
    ("ZM-SEP-05", no_vlan_at_very_high),
    ("ZM-PAP-09", different_products),
];

const GOALS: [&str; 3] = ["confidentiality", "integrity", "availability"];

/// A stated need per goal, with the place of each.
type Need = [(Protection, Span); 3];

fn need(declared: Option<&ProtectionNeed>) -> Option<Need> {
    Some(match declared? {
        Either::Short(all) => [(all.value, all.span); 3],
        Either::Long(goals) => [
            (goals.confidentiality.value, goals.confidentiality.span),
            (goals.integrity.value, goals.integrity.span),
            (goals.availability.value, goals.availability.span),
        ],
    })
}

fn has_measure(declared: Option<&ProtectionNeed>) -> bool {
    matches!(declared, Some(Either::Long(goals)) if goals.measure.as_ref().is_some_and(|measure| !measure.0.trim().is_empty()))
}

/// The values of a need; normal where nothing is stated.
fn values(need: Option<Need>) -> [Protection; 3] {
    need.map_or([Protection::Normal; 3], |goals| goals.map(|(value, _)| value))
}

fn highest(needs: [Protection; 3]) -> Protection {
    needs.into_iter().max().unwrap_or(Protection::Normal)
}

/// What a segment carries: its own statement, else its zone's.
fn carried(site: &Site, id: SegmentId) -> [Protection; 3] {
    let segment = &site.segments[id];
    let own = need(segment.decl.protection.as_ref());
    values(own.or_else(|| need(site.zones[segment.zone].decl.protection.as_ref())))
}

fn exceeds(need: [Protection; 3], limit: [Protection; 3]) -> bool {
    need.iter().zip(limit).any(|(need, limit)| *need > limit)
}

/// Hosts with a data leg in a segment, gateways of the application level left out: they serve, and do not hold, the data.
fn hosts(site: &Site, id: SegmentId) -> impl Iterator<Item = ComponentId> {
    let stands = move |component: &ComponentId| {
        site.components[*component].data_legs().any(|leg| leg.place == Place::Segment(id))
            && !is_gateway_host(site, *component)
    };
    site.components.ids().filter(stands)
}

/// Components of a segment need the same protection, or the segment carries the highest (NET.1.1.A23).
fn one_need_per_segment(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, segment) in site.segments.iter() {
        let carried = carried(site, id);
        let own = |component: ComponentId| need(site.components[component].decl.protection.as_ref());
        let hosts: Vec<ComponentId> = hosts(site, id).collect();
        let Some(high) = hosts.iter().copied().find(|host| exceeds(values(own(*host)), carried)) else { continue };
        let Some(low) = hosts.iter().copied().find(|host| values(own(*host)) != values(own(high))) else { continue };
        let (high_need, low_need) = (highest(values(own(high))).word(), highest(values(own(low))).word());
        let (high, low) = (&site.components[high], &site.components[low]);
        let span = need(high.decl.protection.as_ref()).map_or(high.span, |[first, ..]| first.1);
        let finding = Finding::new("ZM-ZON-09", "mixed")
            .arg("segment", &segment.name)
            .arg("component", &high.name)
            .arg("need", high_need)
            .arg("other", &low.name)
            .arg("lower", low_need)
            .arg("carried", highest(carried).word());
        let finding = finding.object(&segment.name).object(&high.name).object(&low.name);
        out.push(finding.label(span, "high").label(low.span, "low"));
    }
}

/// A service needs no more than its zone supports, and a high need is carried by a described measure (DVS 5.4).
fn service_fits_zone(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, component) in site.components.iter().filter(|(id, _)| site.is(*id, Property::Server)) {
        let cluster = component.namespace.map(|namespace| {
            let namespace = &site.namespaces[namespace];
            (namespace.decl.protection.as_ref(), site.clusters[namespace.cluster].decl.protection.as_ref())
        });
        for zone in site.component_zones(id) {
            let measured = cluster.is_some_and(|(namespace, cluster)| has_measure(namespace) || has_measure(cluster));
            judge_service(site, &component.name, component.decl.protection.as_ref(), zone, measured, out);
        }
    }
    for namespace in site.namespaces.values() {
        let cluster = &site.clusters[namespace.cluster];
        let measured = has_measure(cluster.decl.protection.as_ref());
        judge_service(site, &namespace.path, namespace.decl.protection.as_ref(), cluster.zone, measured, out);
    }
}

fn judge_service(
    site: &Site,
    name: &str,
    declared: Option<&ProtectionNeed>,
    zone: ZoneId,
    measured: bool,
    out: &mut Vec<Finding>,
) {
    let Some(stated) = need(declared) else { return };
    let zone = &site.zones[zone];
    let of_zone = need(zone.decl.protection.as_ref());
    let supported = values(of_zone);
    let over = GOALS.iter().zip(stated).zip(supported).find(|((_, (need, _)), limit)| need > limit);
    if let Some(((goal, (value, span)), limit)) = over {
        let finding = Finding::new("ZM-ZON-10", "exceeds").arg("service", name).arg("need", value.word());
        let finding = finding.arg("goal", goal).arg("zone", &zone.name).arg("supported", limit.word());
        let zone_span = of_zone.map_or(zone.span, |[first, ..]| first.1);
        out.push(finding.object(name).object(&zone.name).label(span, "need").label(zone_span, "zone"));
    } else if highest(values(Some(stated))) > Protection::Normal
        && !measured
        && !has_measure(declared)
        && !has_measure(zone.decl.protection.as_ref())
    {
        let [first, ..] = stated;
        let finding = Finding::new("ZM-ZON-10", "no-measure").arg("service", name);
        let finding = finding.arg("need", highest(values(Some(stated))).word());
        out.push(finding.object(name).label(first.1, "need"));
    }
}

/// A segment of very high need is not separated by VLAN alone (NET.1.1.A36).
fn no_vlan_at_very_high(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, segment) in site.segments.iter() {
        let Some(vlan) = &segment.decl.vlan else { continue };
        let very_high = |declared: Option<&ProtectionNeed>| {
            need(declared).and_then(|goals| goals.into_iter().find(|(value, _)| *value == Protection::VeryHigh))
        };
        let own = very_high(segment.decl.protection.as_ref())
            .or_else(|| very_high(site.zones[segment.zone].decl.protection.as_ref()));
        let reason =
            own.or_else(|| hosts(site, id).find_map(|host| very_high(site.components[host].decl.protection.as_ref())));
        if let Some((_, span)) = reason {
            let finding = Finding::new("ZM-SEP-05", "vlan").arg("segment", &segment.name).arg("vlan", vlan.value);
            out.push(finding.object(&segment.name).label(vlan.span, "vlan").label(span, "need"));
        }
    }
}

/// At a high need the two filter stages are different products (NET.3.2.A27).
fn different_products(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let zone_needs = |zone: &crate::model::site::Zone| highest(values(need(zone.decl.protection.as_ref())));
    if !site.zones.values().any(|zone| zone_needs(zone) >= Protection::High) {
        return;
    }
    let stage = |wanted| site.gateways.values().filter(move |gateway| gateway.stage() == Some(wanted));
    if stage(Stage::Outer).next().is_none() || stage(Stage::Inner).next().is_none() {
        return;
    }
    for gateway in stage(Stage::Outer).chain(stage(Stage::Inner)).filter(|gateway| gateway.decl.product.is_none()) {
        let finding = Finding::new("ZM-PAP-09", "unstated").arg("gateway", &gateway.name);
        out.push(finding.object(&gateway.name).label(gateway.span, "unstated"));
    }
    for inner in stage(Stage::Inner) {
        let Some(product) = &inner.decl.product else { continue };
        let same = |other: &&crate::model::site::Gateway| {
            other.decl.product.as_ref().is_some_and(|own| own.0.trim().eq_ignore_ascii_case(product.0.trim()))
        };
        if let Some(outer) = stage(Stage::Outer).find(same) {
            let finding = Finding::new("ZM-PAP-09", "same").arg("outer", &outer.name).arg("inner", &inner.name);
            let finding = finding.arg("product", &product.0).object(&inner.name).object(&outer.name);
            let outer_span = outer.decl.product.as_ref().map_or(outer.span, |own| own.span);
            out.push(finding.label(product.span, "inner").label(outer_span, "outer"));
        }
    }
}
