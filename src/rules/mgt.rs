//! ZM-MGT: management.

use super::acc::cell;
use super::support::{Area, end_is, is_device, is_gateway_host, main_zones, pairs};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::graph::{Actor, Reach, Step};
use crate::model::blueprint::Access;
use crate::model::{ComponentId, End, Leg, LegRole, Place, Property, SegmentId, Site, ZoneId};
use crate::source::Span;
use crate::syntax::document::{MainZone, SegmentPurpose};
use std::collections::{BTreeMap, BTreeSet};

pub(super) const RULES: &[Rule] =
    &[("ZM-MGT-03", no_detour), ("ZM-MGT-04", no_management_bridge), ("ZM-MGT-11", managed_do_not_initiate)];

/// Whether a zone is of class `management`.
pub(super) fn is_management(site: &Site, zone: ZoneId) -> bool {
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

/// Zones an actor stands in that are not management.
fn production_zones(site: &Site, actor: Actor) -> Vec<ZoneId> {
    let zones = match actor {
        Actor::Component(id) => site.component_zones(id),
        Actor::Segment(id) => vec![site.segments[id].zone],
        Actor::Namespace(id) => vec![site.clusters[site.namespaces[id].cluster].zone],
        Actor::Network(_) | Actor::Gateway(_) => Vec::new(),
    };
    zones.into_iter().filter(|zone| !is_management(site, *zone)).collect()
}

/// Whether a detour may start at an actor: VPN and crypto gateways lead into management by their nature (ZM-ACC-08, ZM-MGT-09).
fn may_start(site: &Site, actor: Actor) -> bool {
    !matches!(actor, Actor::Component(id) if site.is(id, Property::Vpn) || site.is(id, Property::Crypto))
}

/// The end of a flow that an actor is, for the access matrix.
fn as_end(actor: Actor) -> Option<End> {
    match actor {
        Actor::Component(id) => Some(End::Component(id)),
        Actor::Segment(id) => Some(End::Segment(id)),
        Actor::Namespace(id) => Some(End::Namespace(id)),
        Actor::Network(_) | Actor::Gateway(_) => None,
    }
}

/// Management does not undermine the zoning (DVS 5.3.2, NET.1.1.A21): from each zone, a search whose inner steps are management only.
fn no_detour(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let actors = site.segments.ids().map(Actor::Segment).chain(site.namespaces.ids().map(Actor::Namespace));
    let actors = actors.chain(site.components.ids().map(Actor::Component)).filter(|actor| may_start(site, *actor));
    let mut starts: BTreeMap<ZoneId, BTreeSet<Actor>> = BTreeMap::new();
    for actor in actors {
        for zone in production_zones(site, actor) {
            starts.entry(zone).or_default().insert(actor);
        }
    }
    for (from, starts) in starts {
        // Only steps from the zone into management, within it, and out of it.
        let skip = |a: Actor, b: Actor, _: Step| match (starts.contains(&a), manages(site, b)) {
            (true, managed) => !managed,
            (false, _) => !manages(site, a),
        };
        let mut order: Vec<Actor> = starts.iter().copied().collect();
        order.sort_by(|a, b| a.name(site).cmp(b.name(site)));
        let reach = cx.graphs.initiator.reach(site, &order, skip);
        // Per zone the shortest way into it, ties by name.
        let mut ends: BTreeMap<ZoneId, Actor> = BTreeMap::new();
        let rank = |actor: Actor| (reach.chain(site, actor).len(), actor.name(site));
        for actor in reach.actors().filter(|actor| !starts.contains(actor)) {
            for to in production_zones(site, actor) {
                if from != to && is_undermined(site, from, to, actor) {
                    let slot = ends.entry(to).or_insert(actor);
                    if rank(actor) < rank(*slot) {
                        *slot = actor;
                    }
                }
            }
        }
        out.extend(ends.into_iter().filter_map(|(to, end)| detour(site, from, to, &reach, end)));
    }
}

/// Whether reaching an actor of a zone from another zone goes against the matrix. An application-level gateway decouples.
fn is_undermined(site: &Site, from: ZoneId, to: ZoneId, actor: Actor) -> bool {
    let decouples = matches!(actor, Actor::Component(id) if is_gateway_host(site, id));
    let allowed = as_end(actor)
        .and_then(|end| cell(site, Area::Zone(from), Area::Zone(to), end))
        .is_some_and(|cell| cell.access == Access::Allowed);
    !decouples && !allowed
}

fn detour(site: &Site, from: ZoneId, to: ZoneId, reach: &Reach, end: Actor) -> Option<Finding> {
    let steps = reach.steps(end);
    let (start, _, _) = *steps.first()?;
    let (from, to) = (&site.zones[from].name, &site.zones[to].name);
    // The zones come first: they are what is joined, by this chain or by the next one.
    let finding = Finding::new("ZM-MGT-03", "detour").arg("from-zone", from).arg("to-zone", to).object(to).object(from);
    let finding = finding.arg("from", start.name(site)).arg("to", end.name(site)).witness(reach.chain(site, end));
    let mut flows = steps.iter().filter_map(|(_, _, step)| if let Step::Flow(id) = step { Some(*id) } else { None });
    let (first, last) = (flows.clone().next(), flows.next_back());
    let finding = match (last, start) {
        (Some(last), _) => finding.object(&site.flows[last].name).label(site.flows[last].span, "last"),
        // Nothing but shared segments: the host that stands in both is the fault.
        (None, Actor::Component(id)) => {
            finding.object(&site.components[id].name).label(site.components[id].span, "first")
        }
        (None, _) => return None,
    };
    Some(match first.filter(|first| Some(*first) != last) {
        Some(first) => finding.object(&site.flows[first].name).label(site.flows[first].span, "first"),
        None => finding,
    })
}

/// Whether a component administers, monitors, logs or audits, or backs up over a management network.
fn is_management_host(site: &Site, id: ComponentId) -> bool {
    let manages = [Property::Admin, Property::Monitoring, Property::Logging, Property::Audit];
    let reaches_management = || {
        let zones = site.components[id].legs.iter().filter_map(|leg| site.zone_of(leg.place));
        zones.into_iter().any(|zone| is_management(site, zone))
    };
    manages.into_iter().any(|property| site.is(id, property)) || (site.is(id, Property::Backup) && reaches_management())
}

/// Whether a leg is the management interface through which a host itself is managed, not one by which it manages others.
fn is_own_interface(site: &Site, leg: &Leg) -> bool {
    let Place::Segment(id) = leg.place else { return false };
    let purpose = site.segments[id].decl.purpose.as_ref();
    leg.role == LegRole::Mgmt && purpose.is_some_and(|purpose| purpose.value == SegmentPurpose::Interfaces)
}

/// No bridging by management systems (DVS 5.3.2).
fn no_management_bridge(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let hosts = site.components.iter().filter(|(id, _)| !is_gateway_host(site, *id) && !is_device(site, *id));
    for (id, component) in hosts {
        let zones = |counts: &dyn Fn(&Leg) -> bool| -> BTreeSet<&str> {
            let legs = component.legs.iter().filter(|leg| counts(leg));
            legs.filter_map(|leg| site.zone_of(leg.place)).map(|zone| site.zones[zone].name.as_str()).collect()
        };
        if is_management_host(site, id) && zones(&|leg| !is_own_interface(site, leg)).len() > 1 {
            let list: Vec<&str> = zones(&|_| true).into_iter().collect();
            let finding = Finding::new("ZM-MGT-04", "management-host").arg("component", &component.name);
            let finding = finding.arg("zones", list.join(", ")).object(&component.name);
            out.push(finding.label(component.span, "component"));
            continue;
        }
        let managed = |leg: &&Leg| site.zone_of(leg.place).is_some_and(|zone| is_management(site, zone));
        let management = component.legs.iter().find(managed);
        let data = component.legs.iter().find(|leg| !managed(leg));
        let forwards = component.decl.forwards.as_ref().is_none_or(|forwards| forwards.value);
        if let (Some(management), Some(data), true, None) = (management, data, forwards, component.namespace) {
            let finding = Finding::new("ZM-MGT-04", "forwards").arg("component", &component.name);
            let finding = finding.arg("segment", site.place_name(data.place));
            let finding = finding.arg("management", site.place_name(management.place)).object(&component.name);
            out.push(finding.label(component.span, "forwards"));
        }
    }
    for (segment, hosts) in hosts_by_segment(site) {
        let mut hosts = hosts.into_iter();
        let Some((first_zone, (first, first_span))) = hosts.next() else { continue };
        for (zone, (name, span)) in hosts {
            let finding = Finding::new("ZM-MGT-04", "two-main-zones").arg("segment", &site.segments[segment].name);
            let finding = finding.arg("first", first).arg("first-zone", first_zone.word());
            let finding = finding.arg("second", name).arg("second-zone", zone.word());
            let finding = finding.object(&site.segments[segment].name).object(name).object(first);
            let word = |zone: MainZone| vec![("zone", zone.word().to_owned())];
            let finding = finding.label_with(span, "second", word(zone));
            out.push(finding.label_with(first_span, "first", word(first_zone)));
        }
    }
}

/// The first management interface of each main zone in a segment: of a host, or of a cluster's nodes.
type Hosts<'a> = BTreeMap<MainZone, (&'a str, Span)>;

fn hosts_by_segment(site: &Site) -> BTreeMap<SegmentId, Hosts<'_>> {
    let mut found: BTreeMap<SegmentId, Hosts<'_>> = BTreeMap::new();
    let mut add = |leg: &Leg, zones: &[ZoneId], name| {
        let own = zones.iter().filter(|zone| !is_management(site, **zone));
        if let (Place::Segment(segment), LegRole::Mgmt) = (leg.place, leg.role) {
            for main in own.flat_map(|zone| main_zones(site, *zone)) {
                found.entry(segment).or_default().entry(main).or_insert((name, leg.span));
            }
        }
    };
    for (id, component) in site.components.iter().filter(|(id, _)| !is_gateway_host(site, *id)) {
        let zones = site.component_zones(id);
        component.legs.iter().for_each(|leg| add(leg, &zones, component.name.as_str()));
    }
    for cluster in site.clusters.values() {
        cluster.management.iter().for_each(|leg| add(leg, &[cluster.zone], cluster.name.as_str()));
    }
    found
}

/// Managed systems do not initiate into administration segments (NET.1.1.A21).
fn managed_do_not_initiate(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut told = BTreeSet::new();
    for pair in pairs(cx).filter(|pair| pair.to.is_class(site, "management")) {
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
            let segment = &site.segments[segment];
            let finding = match purpose {
                Some(purpose) => about("wrong-segment").arg("purpose", purpose.word()),
                None => about("no-purpose"),
            };
            let finding = finding.arg("segment", &segment.name).label(pair.ends.to.span, "misplaced");
            out.push(match purpose {
                Some(purpose) => finding.label(purpose.span, "segment"),
                None => finding.label(segment.span, "no-purpose"),
            });
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
