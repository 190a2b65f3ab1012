//! ZM-DEV-03 to -07: Open CoDE, the delivery chain, registries, hand-over, mirroring.

use super::dev::{areas, is_development, is_production};
use super::evidence::{ended, is_valid};
use super::log::{is_outside, touches};
use super::support::{Area, Pair, end_is, includes, pairs};
use super::{Cx, Rule};
use crate::finding::{Finding, Severity};
use crate::model::site::Flow;
use crate::model::{ComponentId, End, EndRef, Property, Site, ZoneId};
use crate::syntax::document::Trust;
use crate::syntax::service::Transport;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[
    ("ZM-DEV-03", open_code),
    ("ZM-DEV-04", delivery),
    ("ZM-DEV-05", two_registries),
    ("ZM-DEV-06", hand_over),
    ("ZM-DEV-07", mirrored),
];

fn is_web_proxy(site: &Site, end: End) -> bool {
    matches!(end, End::Component(id) if site.components[id].decl.kind.0 == "web-proxy")
}

/// The web proxies that something contacts.
fn proxies_of<'a>(site: &Site, pairs: &'a [Pair<'_>], from: impl Fn(&Pair<'_>) -> bool) -> BTreeSet<&'a End> {
    let kept = pairs.iter().filter(|pair| from(pair) && is_web_proxy(site, pair.ends.to.end));
    kept.map(|pair| &pair.ends.to.end).collect()
}

/// Whether a flow leads to Open CoDE, or to the Internet without saying that it means something else.
fn leads_to_open_code(site: &Site, flow: &Flow, to: End) -> bool {
    let here = |name: &str| name == "opencode.de" || name.ends_with(".opencode.de");
    let open = || flow.decl.fqdn.as_ref().is_none_or(|names| names.iter().any(|name| here(&name.0)));
    touches(&flow.matches, Transport::Tcp, &[443])
        && match to {
            End::Component(id) => site.is(id, Property::OpenCode),
            End::Network(id) => site.networks[id].is_internet() && open(),
            _ => false,
        }
}

/// Each development area reaches Open CoDE over a web proxy (DVS-017-R01).
fn open_code(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    if areas(site).next().is_none() {
        return;
    }
    let pairs: Vec<_> = pairs(cx).collect();
    for area in areas(site) {
        let proxies = proxies_of(site, &pairs, |pair| pair.from == Area::Zone(area));
        let reached = pairs
            .iter()
            .any(|pair| proxies.contains(&pair.ends.from.end) && leads_to_open_code(site, pair.flow, pair.ends.to.end));
        if !reached {
            let zone = &site.zones[area];
            let finding = Finding::new("ZM-DEV-03", "missing").arg("zone", &zone.name).object(&zone.name);
            out.push(finding.label(zone.span, "zone"));
        }
    }
}

/// Whether a flow leads from one component to another, each named or meant by a set.
fn leads(site: &Site, from: ComponentId, to: ComponentId) -> bool {
    let means = |ends: &[EndRef], id| ends.iter().any(|end| includes(site, end.end, id));
    site.flows.values().any(|flow| means(&flow.from, from) && means(&flow.to, to))
}

/// Whether a build server and a repository are joined: by a flow in either direction, or, outside, over a web proxy.
fn joined_repository(site: &Site, build: ComponentId, repository: ComponentId) -> bool {
    let over_proxy = |proxy: ComponentId| {
        is_web_proxy(site, End::Component(proxy)) && leads(site, build, proxy) && leads(site, proxy, repository)
    };
    leads(site, build, repository)
        || leads(site, repository, build)
        || (is_outside(site, repository) && site.components.ids().any(over_proxy))
}

/// Repository, build server and registry are there and joined (DVS-018-R01).
fn delivery(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let Some(zone) = areas(site).next().map(|zone| &site.zones[zone]) else { return };
    let all = |holds: &dyn Fn(ComponentId) -> bool| site.components.ids().filter(|id| holds(*id)).collect::<Vec<_>>();
    let repositories = all(&|id| site.is(id, Property::Repository) || site.is(id, Property::OpenCode));
    let builds = all(&|id| site.is(id, Property::Build) && !is_outside(site, id));
    let registries = all(&|id| site.is(id, Property::RegistrySink) && !is_outside(site, id));
    for (found, what) in [(&repositories, "git"), (&builds, "build"), (&registries, "registry")] {
        if found.is_empty() {
            let finding = Finding::new("ZM-DEV-04", "missing").arg("zone", &zone.name).arg("kind", what);
            out.push(finding.object(&zone.name).label(zone.span, "zone"));
        }
    }
    // What the best joined build server lacks; a chain through two build servers that know nothing of each other is none.
    let lacks = |build: ComponentId| {
        let registry = |id: &ComponentId| leads(site, build, *id) || leads(site, *id, build);
        let mut lacks = Vec::new();
        if !repositories.is_empty() && !repositories.iter().any(|id| joined_repository(site, build, *id)) {
            lacks.push("git");
        }
        if !registries.is_empty() && !registries.iter().any(registry) {
            lacks.push("registry");
        }
        lacks
    };
    let best = builds.into_iter().map(|build| (lacks(build), build)).min_by_key(|(lacks, _)| lacks.len());
    for (kind, build) in best.into_iter().flat_map(|(lacks, build)| lacks.into_iter().map(move |kind| (kind, build))) {
        let build = &site.components[build];
        let finding = Finding::new("ZM-DEV-04", "not-joined").arg("build", &build.name).arg("kind", kind);
        out.push(finding.object(&build.name).label(build.span, "build"));
    }
}

/// Which side a registry serves.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Side {
    Development,
    Production,
    /// Both, with proof that they are kept apart.
    Shared,
}

/// Side of a registry of the site; `None` for everything else. Its `environment` counts before its place.
fn side(site: &Site, id: ComponentId) -> Option<Side> {
    if !site.is(id, Property::RegistrySink) || is_outside(site, id) {
        return None;
    }
    let decl = &site.components[id].decl;
    if decl.logical_separation.as_ref().is_some_and(|evidence| is_valid(evidence, site.as_of)) {
        return Some(Side::Shared);
    }
    let development = match &decl.environment {
        Some(word) => word.0 == "development",
        None => site.component_zones(id).into_iter().any(|zone| is_development(site, zone)),
    };
    Some(if development { Side::Development } else { Side::Production })
}

fn side_of_end(site: &Site, end: End) -> Option<Side> {
    if let End::Component(id) = end { side(site, id) } else { None }
}

/// Development and production have a registry each, or one that provably keeps them apart (DVS 5.3.5).
fn two_registries(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    if areas(site).next().is_none() {
        return;
    }
    let registries: Vec<(ComponentId, Side)> =
        site.components.ids().filter_map(|id| Some((id, side(site, id)?))).collect();
    let has = |wanted| registries.iter().any(|(_, side)| *side == wanted);
    let Some((first, _)) = registries.first().copied() else { return };
    if has(Side::Shared) || (has(Side::Development) && has(Side::Production)) {
        return;
    }
    let registry = &site.components[first];
    let about = |case| Finding::new("ZM-DEV-05", case).arg("registry", &registry.name).object(&registry.name);
    let mut finding = match &registry.decl.logical_separation {
        Some(evidence) => ended(about("expired"), evidence, site.as_of),
        None => about("shared").label(registry.span, "registry"),
    };
    for (other, _) in registries.iter().skip(1) {
        finding = finding.label(site.components[*other].span, "other");
    }
    out.push(finding);
}

/// The end of a pair on the side of development and the one on the side of production, if it joins both. A registry counts by the
/// side it serves; one that serves both is on neither.
fn sides(site: &Site, pair: &Pair<'_>) -> Option<(EndRef, EndRef)> {
    let (from, to) = (pair.ends.from, pair.ends.to);
    let in_zone = |area: Area, holds: fn(&Site, ZoneId) -> bool| matches!(area, Area::Zone(zone) if holds(site, zone));
    let of = |area: Area, end: End| match side_of_end(site, end) {
        Some(side) => Some(side),
        None if in_zone(area, is_development) => Some(Side::Development),
        None if in_zone(area, is_production) => Some(Side::Production),
        None => None,
    };
    match (of(pair.from, from.end)?, of(pair.to, to.end)?) {
        (Side::Development, Side::Production) => Some((from, to)),
        (Side::Production, Side::Development) => Some((to, from)),
        _ => None,
    }
}

/// Whether a pair between development and production belongs to the delivery chain (ZM-DEV-06) and is not ZM-DEV-02's.
pub(super) fn is_hand_over(site: &Site, pair: &Pair<'_>) -> bool {
    if [pair.ends.from, pair.ends.to].iter().any(|end| side_of_end(site, end.end) == Some(Side::Shared)) {
        return true;
    }
    sides(site, pair).is_some_and(|(development, production)| {
        let chain = [Property::RegistrySink, Property::Repository, Property::Build];
        chain.into_iter().any(|property| end_is(site, development.end, property))
            || end_is(site, production.end, Property::RegistrySink)
    })
}

/// Artefacts pass from registry to registry, by a documented change, pulled by production (DVS 5.3.5).
fn hand_over(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    if areas(site).next().is_none() {
        return;
    }
    let mut told = BTreeSet::new();
    for pair in pairs(cx).filter(|pair| is_hand_over(site, pair)) {
        let Some((development, production)) = sides(site, &pair) else { continue };
        let (from, to) = (pair.ends.from, pair.ends.to);
        if !told.insert((&pair.flow.name, from.end, to.end)) {
            continue;
        }
        let about = |case| {
            let finding = Finding::new("ZM-DEV-06", case).arg("flow", &pair.flow.name).object(&pair.flow.name);
            finding.arg("from", site.end_name(from.end)).arg("to", site.end_name(to.end))
        };
        let foreign = [production, development].into_iter().find(|end| !end_is(site, end.end, Property::RegistrySink));
        if let Some(foreign) = foreign {
            out.push(about("not-registries").label(foreign.span, "to"));
            continue;
        }
        if pair.flow.decl.change_process.as_ref().is_none_or(|text| text.0.trim().is_empty()) {
            out.push(about("no-change").label(pair.flow.span, "flow"));
        }
        if from == development {
            out.push(about("push").label(from.span, "from").weigh(Severity::Warning));
        }
    }
}

/// External registries are mirrored by pull over a proxy; nothing is pushed in from outside (DVS 5.3.5).
fn mirrored(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let Some(zone) = areas(site).next().map(|zone| &site.zones[zone]) else { return };
    let pairs: Vec<_> = pairs(cx).collect();
    let own = |id: ComponentId| matches!(side(site, id), Some(Side::Development | Side::Shared));
    let registries: Vec<ComponentId> = site.components.ids().filter(|id| own(*id)).collect();
    let proxies = proxies_of(site, &pairs, |pair| registries.iter().any(|id| includes(site, pair.ends.from.end, *id)));
    let source = |end: End| match end {
        End::Network(id) => site.networks[id].is_internet(),
        End::Component(id) => {
            let kinds = [Property::RegistrySink, Property::OpenCode];
            is_outside(site, id) && (kinds.into_iter().any(|kind| site.is(id, kind)) || is_peer(site, id))
        }
        _ => false,
    };
    if !pairs.iter().any(|pair| proxies.contains(&pair.ends.from.end) && source(pair.ends.to.end)) {
        let finding = Finding::new("ZM-DEV-07", "no-pull").arg("zone", &zone.name).object(&zone.name);
        out.push(match registries.first().map(|id| &site.components[*id]) {
            Some(registry) => finding.object(&registry.name).label(registry.span, "registry"),
            None => finding.label(zone.span, "zone"),
        });
    }
    pushed(site, &pairs, out);
}

fn is_peer(site: &Site, id: ComponentId) -> bool {
    site.components[id].decl.kind.0 == "peer"
}

/// Flows from outside that end in a development area. What the offices of an administrative network use there (ZM-PAP-11) is no
/// push, unless it ends at the delivery chain.
fn pushed(site: &Site, pairs: &[Pair<'_>], out: &mut Vec<Finding>) {
    let chain = [Property::RegistrySink, Property::Repository, Property::Build];
    let mut told = BTreeSet::new();
    for pair in pairs {
        let (Area::Network(network), Area::Zone(zone)) = (pair.from, pair.to) else { continue };
        let (from, to) = (pair.ends.from, pair.ends.to);
        let untrusted = site.networks[network].trust() == Trust::Untrusted;
        let named = matches!(to.end, End::Component(_)) && !chain.into_iter().any(|kind| end_is(site, to.end, kind));
        let gateway = matches!(from.end, End::Gateway(_)) || matches!(to.end, End::Gateway(_));
        if !is_development(site, zone) || gateway || (named && !untrusted) {
            continue;
        }
        if told.insert((&pair.flow.name, from.end, to.end)) {
            let finding = Finding::new("ZM-DEV-07", "push").arg("flow", &pair.flow.name).object(&pair.flow.name);
            let finding = finding.arg("from", site.end_name(from.end)).arg("to", site.end_name(to.end));
            let chain = vec![site.end_name(from.end).to_owned(), site.end_name(to.end).to_owned()];
            out.push(finding.object(site.end_name(to.end)).label(to.span, "to").witness(chain));
        }
    }
}
