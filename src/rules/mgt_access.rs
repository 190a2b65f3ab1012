//! ZM-MGT-06 to -09: who administers from where, and how the management area is divided.

use super::log::{is_management_system, is_outside};
use super::mgt::is_management;
use super::support::{Area, Pair, end_is, is_admin, main_zones, pairs};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::model::{ComponentId, End, Place, Property, SegmentId, Site};
use crate::source::Span;
use crate::syntax::document::{MainZone, SegmentPurpose};
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    ("ZM-MGT-06", named_sources),
    ("ZM-MGT-07", functional_segments),
    ("ZM-MGT-08", one_network_per_zone),
    ("ZM-MGT-09", jump_server),
];

fn stands_outside(site: &Site, end: End) -> bool {
    matches!(end, End::Network(_)) || matches!(end, End::Component(id) if is_outside(site, id))
}

/// Whether an end is a VPN or crypto gateway, where remote administration comes in.
fn is_remote(site: &Site, end: End) -> bool {
    end_is(site, end, Property::Vpn) || end_is(site, end, Property::Crypto)
}

/// Why the initiator of a pair may not administer: the label's key. Remote access to management is ZM-MGT-09's, to the restricted
/// zone ZM-VSN-06's.
fn unfit_source(site: &Site, pair: &Pair<'_>) -> Option<&'static str> {
    let judged_elsewhere = match pair.to {
        Area::Zone(zone) => is_management(site, zone) || main_zones(site, zone).contains(&MainZone::Restricted),
        Area::Network(_) => false,
    };
    match pair.ends.from.end {
        end if stands_outside(site, end) => Some("outside"),
        end if is_remote(site, end) && judged_elsewhere => None,
        End::Component(id) if is_management_system(site, id) => None,
        End::Component(_) => Some("host"),
        End::Gateway(_) => Some("gateway"),
        _ => Some("set"),
    }
}

/// Administration starts at named systems of the management zones (NET.3.2.A6, SYS.1.5.A5).
fn named_sources(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    // The Kubernetes API is ZM-K8S-15's: nodes of a cluster use it too.
    let judged = |name: &str| name != "kubernetes-api";
    let mut told = BTreeSet::new();
    for pair in pairs(cx).filter(|pair| !stands_outside(site, pair.ends.to.end)) {
        let Some(service) = pair.flow.services.iter().find(|service| is_admin(site, service, judged)) else { continue };
        let (from, to) = (pair.ends.from, pair.ends.to);
        let Some(key) = unfit_source(site, &pair).filter(|_| told.insert((&pair.flow.name, from.end))) else {
            continue;
        };
        let finding = Finding::new("ZM-MGT-06", "source").arg("flow", &pair.flow.name).arg("to", site.end_name(to.end));
        let finding = finding.arg("service", &service.expr).arg("from", site.end_name(from.end));
        let finding = finding.object(&pair.flow.name).object(site.end_name(from.end));
        let zone = vec![("zone", pair.from.name(site).to_owned())];
        out.push(finding.label_with(from.span, key, zone).label(service.span, "service"));
    }
}

/// The management area has a segment for each function (NET.1.1.A21).
fn functional_segments(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let Some(zone) = site.zones.values().find(|zone| zone.class == "management") else { return };
    let segments = site.segments.values().filter(|segment| is_management(site, segment.zone));
    let there: BTreeSet<SegmentPurpose> =
        segments.filter_map(|segment| segment.decl.purpose.as_ref()).map(|purpose| purpose.value).collect();
    let wanted = [
        SegmentPurpose::Aaa,
        SegmentPurpose::Administration,
        SegmentPurpose::Monitoring,
        SegmentPurpose::Logging,
        SegmentPurpose::BaseServices,
        SegmentPurpose::Interfaces,
    ];
    let missing = wanted.into_iter().filter(|purpose| !there.contains(purpose));
    let missing: Vec<String> = missing.map(|purpose| format!("`{}`", purpose.word())).collect();
    if !missing.is_empty() {
        let finding = Finding::new("ZM-MGT-07", "missing").arg("purposes", missing.join(", ")).object(&zone.name);
        out.push(finding.label(zone.span, "zone"));
    }
}

/// Each main zone has its own administration network (DVS 5.3.2).
fn one_network_per_zone(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    for zone in cx.site.zones.values().filter(|zone| zone.class == "management") {
        let list = || zone.decl.serves.iter().flat_map(|list| list.iter());
        let served: BTreeSet<MainZone> = list().map(|served| served.value).collect();
        let about = |case| Finding::new("ZM-MGT-08", case).arg("zone", &zone.name).object(&zone.name);
        if served.is_empty() {
            out.push(about("none").label(zone.span, "zone"));
        } else if served.len() > 1 && !served.contains(&MainZone::Restricted) {
            let words: Vec<String> = served.iter().map(|zone| format!("`{}`", zone.word())).collect();
            let span = list().next().map_or(zone.span, |first| first.span);
            out.push(about("several").arg("served", words.join(", ")).label(span, "serves"));
        }
    }
}

/// Access from outside passes a jump server in a segment of its own (NET.1.2.A21, OPS.1.2.5.A25).
fn jump_server(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut told = BTreeSet::new();
    for pair in pairs(cx).filter(|pair| pair.to.is_class(site, "management")) {
        let (from, to) = (pair.ends.from, pair.ends.to);
        let gateway = matches!(from.end, End::Gateway(_));
        let outside = matches!(pair.from, Area::Network(_)) && !gateway;
        if (!outside && !is_remote(site, from.end)) || end_is(site, to.end, Property::Sink) {
            continue;
        }
        let about = |case| {
            let finding = Finding::new("ZM-MGT-09", case).arg("flow", &pair.flow.name).arg("to", site.end_name(to.end));
            finding.object(&pair.flow.name).object(site.end_name(to.end))
        };
        if !end_is(site, to.end, Property::Bastion) {
            if told.insert((&pair.flow.name, to.end)) {
                out.push(about("no-bastion").label(to.span, "to").label(from.span, "from"));
            }
            continue;
        }
        let way = pair.ends.ways.as_ref().ok().and_then(|ways| ways.first());
        let Some(Place::Segment(segment)) = way.map(|way| way.destination.place) else { continue };
        if let Some((name, span)) = stranger(site, segment).filter(|_| told.insert((&pair.flow.name, to.end))) {
            let finding = about("shared-segment").arg("segment", &site.segments[segment].name).arg("other", name);
            out.push(finding.label(to.span, "to-shared").label(span, "other").label(from.span, "from"));
        }
    }
}

/// The first system of a segment that is no jump server: a component, or the nodes of a cluster.
fn stranger(site: &Site, segment: SegmentId) -> Option<(&str, Span)> {
    let place = Place::Segment(segment);
    let other = |id: &ComponentId| {
        !site.is(*id, Property::Bastion) && site.components[*id].legs.iter().any(|leg| leg.place == place)
    };
    let component = site.components.ids().find(other).map(|id| &site.components[id]);
    let nodes = site.clusters.values().find(|cluster| {
        cluster.pools.iter().any(|pool| pool.segment == segment)
            || cluster.management.as_ref().is_some_and(|leg| leg.place == place)
    });
    component
        .map(|item| (item.name.as_str(), item.span))
        .or_else(|| nodes.map(|cluster| (cluster.name.as_str(), cluster.span)))
}
