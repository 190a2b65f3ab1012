//! ZM-UPL: lines to outside networks.

use super::{Cx, Rule};
use crate::finding::Finding;
use crate::graph::Vertex;
use crate::model::site::Uplink;
use crate::model::{NetworkId, Site};
use crate::source::Span;
use crate::syntax::document::NetworkKind;
use crate::syntax::scalars::PathStep;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const RULES: &[Rule] = &[("ZM-UPL-01", two_lines), ("ZM-UPL-02", disjoint)];

/// What counts as a route of its own in ZM-UPL-01: the hole in the wall and the trench.
const ROUTE_KINDS: [&str; 2] = ["entry", "duct"];

/// Networks that redundancy is asked towards, with their uplinks in order of name.
fn connected(site: &Site) -> impl Iterator<Item = (NetworkId, Vec<&Uplink>)> {
    let kinds = [NetworkKind::Internet, NetworkKind::AdminNet];
    let networks = site.networks.iter().filter(move |(_, network)| kinds.contains(&network.decl.kind.value));
    networks.map(|(id, _)| (id, site.uplinks.iter().map(|(_, uplink)| uplink).filter(|up| up.network == id).collect()))
}

fn line(uplink: &Uplink) -> Option<&str> {
    uplink.decl.line.as_ref().map(|line| line.0.as_str())
}

fn element(step: &PathStep) -> String {
    format!("{}:{}", step.kind, step.name)
}

/// The steps of an uplink's path with their places.
fn steps(uplink: &Uplink) -> impl Iterator<Item = (&PathStep, Span)> {
    uplink.decl.path.iter().flat_map(|path| path.0.iter()).map(|step| (&step.value, step.span))
}

/// Building entries and ducts of an uplink.
fn route(uplink: &Uplink) -> BTreeSet<String> {
    let kept = steps(uplink).filter(|(step, _)| ROUTE_KINDS.contains(&step.kind.as_str()));
    kept.map(|(step, _)| element(step)).collect()
}

fn quoted<'a>(elements: impl IntoIterator<Item = &'a String>) -> String {
    elements.into_iter().map(|element| format!("`{element}`")).collect::<Vec<_>>().join(", ")
}

/// What an uplink leaves open that ZM-UPL-01 must know.
fn missing(uplink: &Uplink) -> Option<&'static str> {
    if line(uplink).is_none() {
        Some("`line`")
    } else if route(uplink).is_empty() {
        Some("`entry:`, `duct:`")
    } else {
        None
    }
}

/// Two physical lines on routes of their own (DVS 5.3.3, NET.1.1.A29).
fn two_lines(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, uplinks) in connected(site) {
        let network = &site.networks[id];
        let finding = |case| Finding::new("ZM-UPL-01", case).arg("network", &network.name);
        match uplinks.as_slice() {
            [] => {
                let mut joined = cx.graphs.topology.neighbours(Vertex::Network(id)).into_iter();
                if let Some(joint) = joined.next() {
                    let gateway = vec![("gateway", joint.name(site).to_owned())];
                    out.push(finding("none").label_with(network.span, "network", gateway).object(&network.name));
                }
            }
            [only] => {
                out.push(finding("single").label(only.span, "uplink").object(&only.name).object(&network.name));
            }
            several => out.extend(apart(several, &finding).map(|finding| finding.object(&network.name))),
        }
    }
}

/// Every pair of uplinks, in order.
fn pairs<'a>(uplinks: &'a [&'a Uplink]) -> impl Iterator<Item = (&'a Uplink, &'a Uplink)> {
    uplinks.iter().enumerate().flat_map(|(index, a)| uplinks.iter().skip(index + 1).map(move |b| (*a, *b)))
}

/// The finding about several uplinks of which no two run apart, if so.
fn apart(uplinks: &[&Uplink], finding: &impl Fn(&'static str) -> Finding) -> Option<Finding> {
    let stated = |(a, b): &(&Uplink, &Uplink)| missing(a).is_none() && missing(b).is_none() && line(a) != line(b);
    let shared = |a: &Uplink, b: &Uplink| route(a).intersection(&route(b)).cloned().collect::<BTreeSet<_>>();
    if pairs(uplinks).filter(stated).any(|(a, b)| shared(a, b).is_empty()) {
        return None;
    }
    if let Some((a, b)) = pairs(uplinks).find(stated) {
        let common = shared(a, b);
        let text = quoted(&common);
        let mut told = finding("shared").arg("first", &a.name).arg("second", &b.name).arg("shared", &text);
        for uplink in [a, b] {
            let place = steps(uplink).find(|(step, _)| common.contains(&element(step))).map_or(uplink.span, |s| s.1);
            told = told.label_with(place, "shared", vec![("shared", text.clone())]).object(&uplink.name);
        }
        return Some(told);
    }
    if let Some((uplink, missing)) = uplinks.iter().find_map(|uplink| missing(uplink).map(|text| (uplink, text))) {
        let told = finding("unstated").arg("uplink", &uplink.name).arg("missing", missing);
        return Some(
            told.label_with(uplink.span, "unstated", vec![("missing", missing.to_owned())]).object(&uplink.name),
        );
    }
    let first = uplinks.first().and_then(|uplink| line(uplink)).unwrap_or_default();
    let mut told = finding("same-line").arg("line", first);
    for uplink in uplinks {
        let place = uplink.decl.line.as_ref().map_or(uplink.span, |line| line.span);
        told = told.label_with(place, "line", vec![("line", first.to_owned())]).object(&uplink.name);
    }
    Some(told)
}

/// The elements an uplink needs, each with its place: the filter (its replica), then the path. A gateway without a
/// named replica is one node.
fn elements(site: &Site, uplink: &Uplink) -> Vec<(String, Span)> {
    let filter = match &uplink.decl.replica {
        Some(replica) => (replica.0.clone(), replica.span),
        None => (site.gateways[uplink.gateway].name.clone(), uplink.decl.gateway.span),
    };
    std::iter::once(filter).chain(steps(uplink).map(|(step, span)| (element(step), span))).collect()
}

/// Whether the core still reaches the network when one element is lost. An element of two ways is one node, so a way
/// may change from one uplink to another there.
fn survives(ways: &[Vec<(String, Span)>], lost: &str) -> bool {
    let mut next: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut ends: BTreeSet<&str> = BTreeSet::new();
    let mut open: Vec<&str> = Vec::new();
    for way in ways {
        let names: Vec<&str> = way.iter().map(|(name, _)| name.as_str()).collect();
        open.extend(names.first());
        ends.extend(names.last());
        for (a, b) in names.iter().zip(names.iter().skip(1)) {
            next.entry(a).or_default().insert(b);
            next.entry(b).or_default().insert(a);
        }
    }
    let mut seen = BTreeSet::from([lost]);
    while let Some(node) = open.pop() {
        if !seen.insert(node) {
            continue;
        }
        if ends.contains(node) {
            return true;
        }
        open.extend(next.get(node).into_iter().flatten());
    }
    false
}

/// Two ways that share no element (DVS 5.3.3). By Menger's theorem the maximum flow through elements of capacity one is
/// at least two exactly when no single element cuts the core from the network; the cutting elements are what to name.
fn disjoint(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, uplinks) in connected(site) {
        let ways: Vec<_> = uplinks.iter().map(|uplink| elements(site, uplink)).collect();
        let mut cuts: Vec<String> = Vec::new();
        for (name, _) in ways.iter().flatten() {
            if !cuts.contains(name) && !survives(&ways, name) {
                cuts.push(name.clone());
            }
        }
        if cuts.is_empty() {
            continue;
        }
        let network = &site.networks[id].name;
        let mut finding = Finding::new("ZM-UPL-02", "cut").arg("network", network).arg("cut", quoted(&cuts));
        for (uplink, way) in uplinks.iter().zip(&ways) {
            if let Some((name, span)) = way.iter().find(|(name, _)| cuts.contains(name)) {
                finding = finding.label_with(*span, "uplink", vec![("cut", format!("`{name}`"))]).object(&uplink.name);
            }
        }
        out.push(finding.object(network));
    }
}
