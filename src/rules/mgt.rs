//! ZM-MGT: management.

use super::acc::cell;
use super::support::{Area, end_is, is_device, is_gateway_host, main_zones, pairs};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::graph::{Actor, Step};
use crate::model::blueprint::Access;
use crate::model::{ComponentId, End, LegRole, Place, Property, SegmentId, Site, ZoneId};
use crate::syntax::document::SegmentPurpose;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const RULES: &[Rule] =
    &[("ZM-MGT-03", no_detour), ("ZM-MGT-04", no_management_bridge), ("ZM-MGT-11", managed_do_not_initiate)];

fn is_management(site: &Site, zone: ZoneId) -> bool {
    site.zones[zone].class == "management"
}

/// Whether an actor stands in management zones only.
fn manages(site: &Site, actor: Actor) -> bool {
    match actor {
        Actor::Segment(id) => is_management(site, site.segments[id].zone),
        Actor::Component(id) => {
            let zones = site.component_zones(id);
            !zones.is_empty() && zones.into_iter().all(|zone| is_management(site, zone))
        }
        _ => false,
    }
}

fn production_zone(site: &Site, actor: Actor) -> Option<ZoneId> {
    match actor {
        Actor::Component(id) => site.component_zones(id).into_iter().find(|zone| !is_management(site, *zone)),
        _ => None,
    }
}

/// Management does not undermine the zoning (DVS 5.3.2, NET.1.1.A21): from each zone, a search whose inner steps are management only.
fn no_detour(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut told: BTreeSet<(ZoneId, ZoneId)> = BTreeSet::new();
    for (id, component) in site.components.iter() {
        let start = Actor::Component(id);
        let Some(from) = production_zone(site, start).filter(|_| !is_gateway_host(site, id)) else { continue };
        // Only steps from the start into management, within it, and out of it.
        let skip = |a: Actor, b: Actor, _: Step| {
            let inner = a == start || manages(site, a);
            !inner || (a == start && !manages(site, b))
        };
        let reach = cx.graphs.initiator.reach(site, &[start], skip);
        for actor in reach.actors().filter(|actor| *actor != start) {
            let (Some(to), Actor::Component(end)) = (production_zone(site, actor), actor) else { continue };
            let allowed = cell(site, Area::Zone(from), Area::Zone(to), End::Component(end))
                .is_some_and(|cell| cell.access == Access::Allowed);
            if from == to || allowed || is_gateway_host(site, end) || !told.insert((from, to)) {
                continue;
            }
            let steps = reach.steps(actor);
            let finding = Finding::new("ZM-MGT-03", "detour")
                .arg("from-zone", &site.zones[from].name)
                .arg("to-zone", &site.zones[to].name);
            let finding =
                finding.arg("from", &component.name).arg("to", actor.name(site)).witness(reach.chain(site, actor));
            let mut flows =
                steps.iter().filter_map(|(_, _, step)| if let Step::Flow(id) = step { Some(*id) } else { None });
            let (first, last) = (flows.clone().next(), flows.next_back());
            let mut finding = match last {
                Some(last) => finding.object(&site.flows[last].name).label(site.flows[last].span, "last"),
                None => finding.label(component.span, "first"),
            };
            if let Some(first) = first.filter(|first| Some(*first) != last) {
                finding = finding.object(&site.flows[first].name).label(site.flows[first].span, "first");
            }
            out.push(finding);
        }
    }
}

/// Whether a component administers, monitors, logs or audits.
fn is_management_host(site: &Site, id: ComponentId) -> bool {
    [Property::Admin, Property::Monitoring, Property::Logging, Property::Audit]
        .into_iter()
        .any(|property| site.is(id, property))
}

/// No bridging by management systems (DVS 5.3.2).
fn no_management_bridge(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let managed_place = |place: Place| site.zone_of(place).is_some_and(|zone| is_management(site, zone));
    for (id, component) in site.components.iter().filter(|(id, _)| !is_gateway_host(site, *id) && !is_device(site, *id))
    {
        let management = component.legs.iter().find(|leg| managed_place(leg.place));
        let data = component.legs.iter().find(|leg| !managed_place(leg.place));
        let zones: BTreeSet<&str> = component
            .legs
            .iter()
            .filter_map(|leg| site.zone_of(leg.place))
            .map(|zone| site.zones[zone].name.as_str())
            .collect();
        let (Some(management), Some(data)) = (management, data) else {
            // Legs in several management zones join what they serve.
            if is_management_host(site, id) && zones.len() > 1 {
                out.push(bridging(&component.name, &zones).label(component.span, "component"));
            }
            continue;
        };
        if is_management_host(site, id) {
            out.push(bridging(&component.name, &zones).label(component.span, "component"));
        } else if component.namespace.is_none()
            && component.decl.forwards.as_ref().is_none_or(|forwards| forwards.value)
        {
            let finding = Finding::new("ZM-MGT-04", "forwards").arg("component", &component.name);
            let finding = finding
                .arg("segment", site.place_name(data.place))
                .arg("management", site.place_name(management.place));
            out.push(finding.object(&component.name).label(component.span, "forwards"));
        }
    }
    for (segment, hosts) in hosts_by_segment(site) {
        if let [(first, first_zone), (second, second_zone), ..] = hosts.as_slice() {
            let finding = Finding::new("ZM-MGT-04", "two-main-zones").arg("segment", &site.segments[segment].name);
            let finding = finding.arg("first", &site.components[*first].name).arg("first-zone", first_zone.word());
            let finding = finding.arg("second", &site.components[*second].name).arg("second-zone", second_zone.word());
            let leg = |id: ComponentId| {
                site.components[id]
                    .legs
                    .iter()
                    .find(|leg| leg.place == Place::Segment(segment))
                    .map_or(site.components[id].span, |leg| leg.span)
            };
            let finding = finding.object(&site.segments[segment].name).label_with(
                leg(*second),
                "second",
                vec![("zone", second_zone.word().to_owned())],
            );
            out.push(finding.label_with(leg(*first), "first", vec![("zone", first_zone.word().to_owned())]));
        }
    }
}

fn bridging(name: &str, zones: &BTreeSet<&str>) -> Finding {
    let list: Vec<&str> = zones.iter().copied().collect();
    Finding::new("ZM-MGT-04", "management-host").arg("component", name).arg("zones", list.join(", ")).object(name)
}

/// Management segments with one host of each main zone that has a management leg there.
fn hosts_by_segment(site: &Site) -> BTreeMap<SegmentId, Vec<(ComponentId, crate::syntax::document::MainZone)>> {
    let mut found: BTreeMap<SegmentId, BTreeMap<crate::syntax::document::MainZone, ComponentId>> = BTreeMap::new();
    for (id, component) in site.components.iter().filter(|(id, _)| !is_gateway_host(site, *id)) {
        let main = site
            .component_zones(id)
            .into_iter()
            .filter(|zone| !is_management(site, *zone))
            .flat_map(|zone| main_zones(site, zone))
            .next();
        let Some(main) = main else { continue };
        for leg in component.legs.iter().filter(|leg| leg.role == LegRole::Mgmt) {
            if let Place::Segment(segment) = leg.place {
                found.entry(segment).or_default().entry(main).or_insert(id);
            }
        }
    }
    found
        .into_iter()
        .map(|(segment, hosts)| (segment, hosts.into_iter().map(|(zone, id)| (id, zone)).collect()))
        .collect()
}

/// Managed systems do not initiate into administration segments (NET.1.1.A21).
fn managed_do_not_initiate(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut told = BTreeSet::new();
    for pair in pairs(cx).into_iter().filter(|pair| pair.to.is_class(site, "management")) {
        let from = pair.ends.from.end;
        let gateway = matches!(from, End::Gateway(_));
        let remote = matches!(from, End::Component(id) if site.is(id, Property::Vpn) || site.is(id, Property::Crypto));
        if (pair.from.is_class(site, "management") && !gateway) || matches!(pair.from, Area::Network(_)) || remote {
            continue;
        }
        let to = pair.ends.to.end;
        let about = |case| {
            Finding::new("ZM-MGT-11", case)
                .arg("flow", &pair.flow.name)
                .arg("from", site.end_name(from))
                .arg("to", site.end_name(to))
                .arg("zone", pair.to.name(site))
                .object(&pair.flow.name)
        };
        if !end_is(site, to, Property::Sink) {
            if told.insert((pair.flow.name.clone(), to)) {
                out.push(about("not-a-sink").label(pair.ends.to.span, "to").label(pair.ends.from.span, "from"));
            }
            continue;
        }
        let segment = pair.ends.ways.as_ref().ok().and_then(|ways| ways.first()).map(|way| way.destination.place);
        let Some(Place::Segment(segment)) = segment else { continue };
        let purpose = site.segments[segment].decl.purpose.as_ref();
        let fits = purpose.is_some_and(|purpose| {
            matches!(purpose.value, SegmentPurpose::Logging | SegmentPurpose::Monitoring | SegmentPurpose::BaseServices)
        });
        if !fits && told.insert((pair.flow.name.clone(), to)) {
            let word = purpose.map_or("–", |purpose| purpose.word());
            let finding = about("wrong-segment").arg("segment", &site.segments[segment].name).arg("purpose", word);
            let span = purpose.map_or(site.segments[segment].span, |purpose| purpose.span);
            out.push(finding.label(pair.ends.to.span, "to").label_with(
                span,
                "segment",
                vec![("purpose", word.to_owned())],
            ));
        }
    }
    beside_sinks(site, out);
}

fn beside_sinks(site: &Site, out: &mut Vec<Finding>) {
    for (id, segment) in site.segments.iter().filter(|(_, segment)| is_management(site, segment.zone)) {
        let stands = |c: &ComponentId| site.components[*c].legs.iter().any(|leg| leg.place == Place::Segment(id));
        let hosts: Vec<ComponentId> = site.components.ids().filter(stands).collect();
        let sink = hosts.iter().find(|host| site.is(**host, Property::Sink));
        let admin = hosts.iter().find(|host| site.is(**host, Property::Admin));
        if let (Some(sink), Some(admin)) = (sink, admin) {
            let (sink, admin) = (&site.components[*sink], &site.components[*admin]);
            let finding = Finding::new("ZM-MGT-11", "admin-beside-sink")
                .arg("component", &admin.name)
                .arg("segment", &segment.name)
                .arg("sink", &sink.name);
            out.push(
                finding.object(&admin.name).object(&segment.name).label(admin.span, "admin").label(sink.span, "sink"),
            );
        }
    }
}
