//! ZM-ADR, second half: IPv6, public addresses, names, protocol stacks.

use super::acc_inner::faces_public;
use super::adr::internal_only;
use super::support::{Area, component, end_is, pairs, untrusted};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::model::address::short;
use crate::model::{Addresses, ComponentId, End, Family, Place, Property, Site};
use crate::source::Span;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const RULES: &[Rule] = &[
    ("ZM-ADR-02", ipv6),
    ("ZM-ADR-03", ipv6_planned),
    ("ZM-ADR-05", public_on_gateway),
    ("ZM-ADR-08", own_ingress_address),
    ("ZM-ADR-09", reached_by_name),
    ("ZM-ADR-10", public_view),
    ("ZM-ADR-11", filtered_alike),
    ("ZM-ADR-12", dedicated_stack),
];

fn zone_has(site: &Site, zone: &crate::model::site::Zone, family: Family) -> bool {
    zone.segments.iter().any(|segment| site.segments[*segment].addresses.has(family))
}

/// Zones with IPv4 only.
fn ipv4_only(site: &Site) -> impl Iterator<Item = &crate::model::site::Zone> {
    site.zones.values().filter(|zone| zone_has(site, zone, Family::V4) && !zone_has(site, zone, Family::V6))
}

/// Every zone has IPv6 (DVS 5.3.3, SOLLTE).
fn ipv6(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    for zone in ipv4_only(cx.site) {
        let finding = Finding::new("ZM-ADR-02", "no-ipv6").arg("zone", &zone.name).object(&zone.name);
        out.push(finding.label(zone.span, "zone"));
    }
}

/// A zone without IPv6 has a plan for it (DVS 5.3.3).
fn ipv6_planned(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    for zone in ipv4_only(cx.site) {
        let about = |case| Finding::new("ZM-ADR-03", case).arg("zone", &zone.name).object(&zone.name);
        match &zone.decl.ipv6_plan {
            None => out.push(about("no-plan").label(zone.span, "zone")),
            Some(plan) if plan.target.value <= cx.site.as_of => {
                let args = vec![("as-of", cx.site.as_of.to_string())];
                let finding = about("past").arg("date", plan.target.value);
                out.push(finding.label_with(plan.target.span, "target", args));
            }
            Some(_) => {}
        }
    }
}

/// Public addresses of a component in segments of the site, as written.
fn public_addresses(site: &Site, id: ComponentId, allowed: &Addresses) -> Vec<(String, Span)> {
    let mut found = Vec::new();
    for (place, list) in site.components[id].decl.at.iter().flat_map(|entries| &entries.0) {
        let Some(Place::Segment(segment)) = site.place(&place.value.0) else { continue };
        // Behind the web zone ZM-ADR-04 reports the prefix.
        if !site.class(site.segments[segment].zone).is_some_and(|class| class.public_addresses) {
            continue;
        }
        let public = list.iter().filter(|address| !Addresses::from_nets([&address.value.0]).is_subset(allowed));
        found.extend(public.map(|address| (short(&address.value.0), address.span)));
    }
    found
}

/// A public address is held by a gateway (DVS 5.3.3).
fn public_on_gateway(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let allowed = internal_only(site);
    for (id, component) in site.components.iter() {
        if faces_public(site, End::Component(id)) || site.is(id, Property::NetworkDevice) {
            continue;
        }
        for (address, span) in public_addresses(site, id, &allowed) {
            let finding = Finding::new("ZM-ADR-05", "holder").arg("address", address).arg("component", &component.name);
            let kind = vec![("kind", component.decl.kind.0.clone())];
            out.push(finding.object(&component.name).label(span, "address").label_with(
                component.decl.kind.span,
                "kind",
                kind,
            ));
        }
    }
}

/// The application an end behind an ingress belongs to.
fn application(site: &Site, end: End) -> Option<String> {
    let namespace = match end {
        End::Namespace(id) => id,
        End::Component(id) => site.components[id].namespace?,
        _ => return None,
    };
    let namespace = &site.namespaces[namespace];
    Some(namespace.decl.application.as_ref().map_or_else(|| namespace.path.clone(), |name| name.0.clone()))
}

/// One address of the ingress per application (DVS 5.3.4).
fn own_ingress_address(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, component) in site.components.iter().filter(|(id, _)| site.is(*id, Property::Ingress)) {
        let mut behind: BTreeMap<String, Span> = BTreeMap::new();
        for pair in pairs(cx).filter(|pair| pair.ends.from.end == End::Component(id)) {
            if let Some(name) = application(site, pair.ends.to.end) {
                behind.entry(name).or_insert(pair.ends.to.span);
            }
        }
        for family in Family::BOTH {
            let lists = component.decl.at.iter().flat_map(|entries| &entries.0);
            let addresses = lists.flat_map(|(_, list)| list.iter()).filter(|address| match family {
                Family::V4 => address.value.0.addr().is_ipv4(),
                Family::V6 => address.value.0.addr().is_ipv6(),
            });
            let count = addresses.count();
            if count == 0 || count >= behind.len() {
                continue;
            }
            let names = behind.keys().cloned().collect::<Vec<_>>().join(", ");
            let mut finding = Finding::new("ZM-ADR-08", "shared")
                .arg("component", &component.name)
                .arg("addresses", count)
                .arg("family", family)
                .arg("applications", behind.len())
                .object(&component.name)
                .label_with(component.span, "ingress", vec![("names", names)]);
            for (name, span) in &behind {
                finding = finding.label_with(*span, "flow", vec![("application", name.clone())]);
            }
            out.push(finding);
            break;
        }
    }
}

/// Applications that others than their own kind address, with the flow that does.
fn exposed(cx: &Cx<'_>) -> BTreeMap<ComponentId, Option<Span>> {
    let site = cx.site;
    let mut found: BTreeMap<ComponentId, Option<Span>> = BTreeMap::new();
    for (id, component) in site.components.iter() {
        if site.is(id, Property::Application)
            && component.decl.audience.as_ref().is_some_and(|list| list.iter().next().is_some())
        {
            found.insert(id, None);
        }
    }
    for pair in pairs(cx) {
        let End::Component(id) = pair.ends.to.end else { continue };
        let from = pair.ends.from.end;
        let front = matches!(pair.from, Area::Network(_))
            || end_is(site, from, Property::Alg)
            || end_is(site, from, Property::Ingress)
            || super::support::kind_of(site, from) == "load-balancer";
        let inside = matches!(pair.to, Area::Zone(_));
        if front && inside && site.is(id, Property::Application) {
            found.entry(id).or_insert(Some(pair.ends.to.span));
        }
    }
    found
}

/// Exposed applications have a name of their own (DVS 5.3.4).
fn reached_by_name(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut names: BTreeMap<&str, (ComponentId, Span)> = BTreeMap::new();
    for (id, exposing) in exposed(cx) {
        let component = &site.components[id];
        let own: Vec<(&str, Span)> = component
            .decl
            .fqdn
            .iter()
            .flat_map(|list| list.iter())
            .map(|name| (name.value.0.as_str(), name.span))
            .collect();
        if own.is_empty() {
            let finding =
                Finding::new("ZM-ADR-09", "no-name").arg("component", &component.name).object(&component.name);
            let finding = finding.label(component.span, "component");
            out.push(exposing.into_iter().fold(finding, |finding, span| finding.label(span, "exposed")));
        }
        for (name, span) in own {
            match names.get(name) {
                Some((other, first)) if *other != id => {
                    let finding = Finding::new("ZM-ADR-09", "shared")
                        .arg("component", &component.name)
                        .arg("other", &site.components[*other].name)
                        .arg("name", name);
                    let finding = finding.object(&component.name).object(&site.components[*other].name);
                    out.push(finding.label(span, "name").label(*first, "first"));
                }
                Some(_) => {}
                None => {
                    names.insert(name, (id, span));
                }
            }
        }
    }
}

/// The public view of the name service holds public names only (APP.3.6.A13).
fn public_view(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let outside: BTreeSet<_> = untrusted(site).collect();
    let allowed = internal_only(site);
    let all: Vec<_> = pairs(cx).collect();
    let from_outside =
        all.iter().filter(|pair| matches!(pair.from, Area::Network(network) if outside.contains(&network)));
    let asked: BTreeSet<ComponentId> = from_outside.filter_map(|pair| component(pair.ends.to.end)).collect();
    let is_front = |end| component(end).is_some_and(|id| asked.contains(&id) && site.is(id, Property::Alg));
    let from_front = all.iter().filter(|pair| is_front(pair.ends.from.end));
    let behind: BTreeSet<ComponentId> = from_front.filter_map(|pair| component(pair.ends.to.end)).collect();
    let mut public: BTreeSet<ComponentId> = BTreeSet::new();
    for (id, component) in site.components.iter() {
        let audience = component.decl.audience.iter().flat_map(|list| list.iter());
        let offered = audience
            .into_iter()
            .any(|name| site.networks.iter().any(|(id, network)| network.name == name.0 && outside.contains(&id)));
        if offered || behind.contains(&id) || !public_addresses(site, id, &allowed).is_empty() {
            public.insert(id);
        }
    }
    let mut owners: BTreeMap<&str, ComponentId> = BTreeMap::new();
    for (id, component) in site.components.iter() {
        for name in component.decl.fqdn.iter().flat_map(|list| list.iter()) {
            let owner = owners.entry(name.value.0.as_str()).or_insert(id);
            if public.contains(&id) {
                *owner = id;
            }
        }
    }
    for (id, component) in site.components.iter() {
        if component.decl.public_names.is_none() || !asked.contains(&id) {
            continue;
        }
        for name in component.decl.public_names.iter().flat_map(|list| list.iter()) {
            let about = |case| {
                Finding::new("ZM-ADR-10", case)
                    .arg("component", &component.name)
                    .arg("name", &name.value.0)
                    .object(&component.name)
                    .label(name.span, "name")
            };
            match owners.get(name.value.0.as_str()) {
                None => out.push(about("unknown")),
                Some(owner) if !public.contains(owner) => {
                    let owner = &site.components[*owner];
                    out.push(about("internal").arg("owner", &owner.name).label(owner.span, "owner"));
                }
                Some(_) => {}
            }
        }
    }
}

/// A flow between dual-stack places compiles to both families or states which (NET.3.2.A15, A17).
fn filtered_alike(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, flow) in site.flows.iter().filter(|(_, flow)| flow.decl.family.is_none()) {
        for pair in cx.graphs.ways.of(id) {
            let ways = pair.ways.as_ref().map_or(&[][..], Vec::as_slice);
            for missing in Family::BOTH {
                let half = ways.iter().find(|way| {
                    let dual = |place| Family::BOTH.into_iter().all(|family| site.place_addresses(place).has(family));
                    let families: Vec<Family> = way.families().collect();
                    dual(way.source.place)
                        && dual(way.destination.place)
                        && !families.is_empty()
                        && !families.contains(&missing)
                        && flow.matches.iter().any(|service| service.fits(missing))
                });
                let Some(way) = half else { continue };
                let (end, stop) = if way.destination.addresses.has(missing) {
                    (pair.from, &way.source)
                } else {
                    (pair.to, &way.destination)
                };
                let other = if missing == Family::V4 { Family::V6 } else { Family::V4 };
                let finding = Finding::new("ZM-ADR-11", "half")
                    .arg("flow", &flow.name)
                    .arg("family", other)
                    .arg("end", site.end_name(end.end))
                    .arg("missing", missing)
                    .object(&flow.name)
                    .object(site.end_name(end.end));
                let args = vec![("segment", site.place_name(stop.place).to_owned()), ("missing", missing.to_string())];
                out.push(finding.label_with(end.span, "end", args));
            }
        }
    }
}

/// One protocol stack per segment (NET.1.1.A20).
fn dedicated_stack(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut stacks: BTreeMap<Place, BTreeMap<String, Span>> = BTreeMap::new();
    for component in site.components.values() {
        for leg in component.legs.iter().filter(|leg| matches!(leg.place, Place::Segment(_))) {
            let families: Vec<String> = Family::BOTH
                .into_iter()
                .filter(|family| leg.addresses.has(*family))
                .map(|family| family.to_string())
                .collect();
            if !families.is_empty() {
                stacks.entry(leg.place).or_default().entry(families.join(" + ")).or_insert(leg.span);
            }
        }
    }
    for (place, kinds) in stacks.into_iter().filter(|(_, kinds)| kinds.len() > 1) {
        let segment = site.place_name(place);
        let list = kinds.keys().cloned().collect::<Vec<_>>().join(", ");
        let finding = Finding::new("ZM-ADR-12", "mixed").arg("segment", segment).arg("families", list).object(segment);
        let mut finding = finding.label(site.place_span(place), "segment");
        for (families, span) in kinds {
            finding = finding.label_with(span, "component", vec![("families", families)]);
        }
        out.push(finding);
    }
}
