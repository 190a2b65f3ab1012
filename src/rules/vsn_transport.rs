//! ZM-VSN, second half: transport, interconnection, own management, remote maintenance.

use super::evidence::{ended, is_valid};
use super::log::is_outside;
use super::support::{Area, is_admin, main_zones, pairs};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::model::site::{Flow, Platform};
use crate::model::{End, Object, Place, Property, Site, ZoneId};
use crate::source::Span;
use crate::syntax::document::{InitiatedBy, MainZone, Trust};
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    ("ZM-VSN-03", encrypted),
    ("ZM-VSN-04", assessed),
    ("ZM-VSN-05", own_management),
    ("ZM-VSN-06", remote_maintenance),
];

fn is_crypto(site: &Site, end: End) -> bool {
    matches!(end, End::Component(id) if site.is(id, Property::Crypto))
}

fn has_restricted(site: &Site) -> bool {
    site.zones.values().any(|zone| zone.class == "restricted")
}

/// Whether a peer outside lists a valid approval for VS-NfD.
fn is_approved(site: &Site, end: End) -> bool {
    let End::Component(id) = end else { return false };
    let approvals = site.components[id].decl.approvals.iter().flat_map(|list| list.0.iter());
    approvals.into_iter().any(|entry| {
        entry.purpose.0 == "vs-nfd" && entry.valid_until.as_ref().is_some_and(|until| until.value >= site.as_of)
    })
}

/// Traffic of the restricted zone leaves the site encrypted by approved products at both ends (CON.11.1.A10).
fn encrypted(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let shown = site.evidence.get("ZM-VSN-03").is_some_and(|entry| is_valid(&entry.decl, site.as_of));
    if shown || !has_restricted(site) {
        return;
    }
    let mut told = BTreeSet::new();
    for pair in pairs(cx) {
        let sides = match (pair.from, pair.to) {
            (Area::Zone(zone), Area::Network(network)) => (zone, pair.ends.from, network, pair.ends.to),
            (Area::Network(network), Area::Zone(zone)) => (zone, pair.ends.to, network, pair.ends.from),
            _ => continue,
        };
        let (zone, near, network, far) = sides;
        let about = |case| Finding::new("ZM-VSN-03", case).arg("flow", &pair.flow.name).object(&pair.flow.name);
        let finding = if is_crypto(site, near.end) {
            if is_approved(site, far.end) {
                continue;
            }
            about("peer").arg("peer", site.end_name(far.end)).object(site.end_name(far.end)).label(far.span, "peer")
        } else if site.zones[zone].class == "restricted" && site.networks[network].trust() != Trust::Untrusted {
            let finding = about("unencrypted").arg("zone", &site.zones[zone].name);
            finding.arg("network", &site.networks[network].name).label(far.span, "end")
        } else {
            continue;
        };
        if told.insert((pair.flow.name.clone(), far.end)) {
            out.push(finding);
        }
    }
}

/// An interconnection of the restricted zone is assessed before it is made (CON.11.1.A16).
fn assessed(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    if !has_restricted(site) {
        return;
    }
    let mut told = BTreeSet::new();
    for pair in pairs(cx) {
        let restricted = |area: Area| area.is_class(site, "restricted");
        let joins = |a: Area, b: Area| restricted(a) && a != b && (restricted(b) || b.is_class(site, "internal"));
        if !joins(pair.from, pair.to) && !joins(pair.to, pair.from) {
            continue;
        }
        let (zone, other) = if restricted(pair.to) { (pair.to, pair.from) } else { (pair.from, pair.to) };
        let about = |case| {
            let finding = Finding::new("ZM-VSN-04", case).arg("flow", &pair.flow.name).arg("zone", zone.name(site));
            finding.arg("other", format!("`{}`", other.name(site))).object(&pair.flow.name)
        };
        let finding = match &pair.flow.decl.interconnection_assessment {
            None => about("missing").label(pair.flow.span, "flow"),
            Some(evidence) if !is_valid(evidence, site.as_of) => ended(about("expired"), evidence, site.as_of),
            Some(_) => continue,
        };
        if told.insert(pair.flow.name.clone()) {
            out.push(finding);
        }
    }
}

/// Other main zones that a management zone serves beside the restricted one.
fn serves_others(site: &Site, zone: ZoneId) -> Vec<&'static str> {
    main_zones(site, zone).into_iter().filter(|served| *served != MainZone::Restricted).map(MainZone::word).collect()
}

fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

/// The restricted zone has its own platform and management (DVS 5.3.2).
fn own_management(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let Some(restricted) = site.zones.values().find(|zone| zone.class == "restricted") else { return };
    shared_platforms(site, out);
    let management = || site.zones.iter().filter(|(_, zone)| zone.class == "management");
    let serving: Vec<ZoneId> = management()
        .filter(|(id, _)| main_zones(site, *id).contains(&MainZone::Restricted))
        .map(|(id, _)| id)
        .collect();
    if serving.is_empty() {
        let finding = Finding::new("ZM-VSN-05", "no-management").arg("zone", &restricted.name);
        out.push(finding.object(&restricted.name).label(restricted.span, "zone"));
    }
    for id in serving {
        let others = serves_others(site, id);
        if !others.is_empty() {
            let zone = &site.zones[id];
            let finding = Finding::new("ZM-VSN-05", "serves").arg("zone", &zone.name).arg("others", list(&others));
            let span =
                zone.decl.serves.as_ref().and_then(|served| served.0.first()).map_or(zone.span, |word| word.span);
            out.push(finding.object(&zone.name).label(span, "serves"));
        }
    }
    foreign_legs(site, out);
    foreign_sinks(cx, out);
}

/// Zones a platform carries: those it operates, with those of its clusters, and those of segments that run on it.
fn carried(site: &Site, platform: &Platform) -> Vec<(ZoneId, Span)> {
    let operated = platform.operates.iter().filter_map(|(object, span)| match object {
        Object::Zone(id) => Some((*id, *span)),
        Object::Cluster(id) => Some((site.clusters[*id].zone, *span)),
        Object::Segment(id) => Some((site.segments[*id].zone, *span)),
        _ => None,
    });
    let segments = site.segments.values().filter_map(|segment| {
        let named = segment.decl.platform.as_ref().filter(|name| name.0 == platform.name)?;
        Some((segment.zone, named.span))
    });
    operated.chain(segments).collect()
}

/// Platforms that carry the restricted zone beside anything but its own management.
fn shared_platforms(site: &Site, out: &mut Vec<Finding>) {
    let restricted = |zone: ZoneId| site.zones[zone].class == "restricted";
    let own = |zone: ZoneId| {
        restricted(zone) || (site.zones[zone].class == "management" && main_zones(site, zone) == [MainZone::Restricted])
    };
    for platform in site.platforms.values() {
        let zones = carried(site, platform);
        let vs = zones.iter().find(|(zone, _)| restricted(*zone));
        let other = zones.iter().find(|(zone, _)| !own(*zone));
        if let (Some((vs, _)), Some((other, span))) = (vs, other) {
            let finding = Finding::new("ZM-VSN-05", "platform").arg("platform", &platform.name);
            let finding = finding.arg("zone", &site.zones[*vs].name).arg("other", &site.zones[*other].name);
            out.push(finding.object(&platform.name).label(*span, "operates"));
        }
    }
}

/// Management legs of the restricted zone in management zones that do not serve it alone. Zones that serve it beside others are
/// reported as such.
fn foreign_legs(site: &Site, out: &mut Vec<Finding>) {
    let foreign = |place: Place| {
        let zone = site.zone_of(place).filter(|zone| site.zones[*zone].class == "management")?;
        (!main_zones(site, zone).contains(&MainZone::Restricted)).then_some(zone)
    };
    let mut tell = |name: &str, place: Place, span: Span, zone: ZoneId| {
        let finding = Finding::new("ZM-VSN-05", "leg").arg("object", name).arg("segment", site.place_name(place));
        let finding = finding.arg("zone", &site.zones[zone].name).arg("served", list(&serves_others(site, zone)));
        out.push(finding.object(name).label(span, "object"));
    };
    let restricted = |zone: ZoneId| site.zones[zone].class == "restricted";
    for (id, component) in site.components.iter() {
        if site.component_zones(id).into_iter().any(restricted) {
            for leg in &component.legs {
                if let Some(zone) = foreign(leg.place) {
                    tell(&component.name, leg.place, leg.span, zone);
                }
            }
        }
    }
    for cluster in site.clusters.values().filter(|cluster| restricted(cluster.zone)) {
        if let Some(leg) = &cluster.management
            && let Some(zone) = foreign(leg.place)
        {
            tell(&cluster.name, leg.place, leg.span, zone);
        }
    }
}

fn foreign_sinks(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let assessed = |flow: &Flow| {
        flow.decl.interconnection_assessment.as_ref().is_some_and(|evidence| is_valid(evidence, site.as_of))
    };
    let mut told = BTreeSet::new();
    for pair in pairs(cx) {
        let Area::Zone(zone) = pair.to else { continue };
        let foreign = site.zones[zone].class == "management" && !main_zones(site, zone).contains(&MainZone::Restricted);
        if !pair.from.is_class(site, "restricted")
            || !foreign
            || assessed(pair.flow)
            || !told.insert(pair.flow.name.clone())
        {
            continue;
        }
        let finding = Finding::new("ZM-VSN-05", "sink").arg("flow", &pair.flow.name);
        let finding = finding.arg("to", site.end_name(pair.ends.to.end)).arg("zone", &site.zones[zone].name);
        let finding = finding.arg("served", list(&serves_others(site, zone))).object(&pair.flow.name);
        out.push(finding.label(pair.ends.to.span, "to"));
    }
}

/// Remote maintenance of the restricted zone: approved encryption, opened by the site (CON.11.1.A18).
fn remote_maintenance(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let inside = |area: Area| match area {
        Area::Zone(zone) => main_zones(site, zone).contains(&MainZone::Restricted),
        Area::Network(_) => false,
    };
    let remote = |end: End| match end {
        End::Network(_) => true,
        End::Component(id) => is_outside(site, id) || site.is(id, Property::Vpn) || site.is(id, Property::Crypto),
        _ => false,
    };
    let mut told = BTreeSet::new();
    for pair in pairs(cx) {
        let (from, admin) =
            (pair.ends.from, pair.flow.services.iter().any(|service| is_admin(site, service, |_| true)));
        if !admin || !inside(pair.to) || !remote(from.end) || is_crypto(site, pair.ends.to.end) {
            continue;
        }
        let about = |case| {
            let finding = Finding::new("ZM-VSN-06", case).arg("flow", &pair.flow.name).arg("zone", pair.to.name(site));
            finding.arg("from", site.end_name(from.end)).object(&pair.flow.name)
        };
        let opened = pair.flow.decl.initiated_by.as_ref().is_some_and(|by| by.value == InitiatedBy::Site);
        let finding = if !is_crypto(site, from.end) {
            about("no-crypto").label(from.span, "from")
        } else if !opened {
            about("not-opened").label(pair.flow.span, "flow")
        } else {
            continue;
        };
        if told.insert((pair.flow.name.clone(), from.end)) {
            out.push(finding);
        }
    }
}
