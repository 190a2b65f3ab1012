//! Documents → [`Site`]. Collects every fault; gives a site only when there is none.
//!
//! Faults here are ZM-MOD-01 (names, references) and the few shapes that no single record can check.

mod clusters;
mod components;
mod flows;
mod merge;
mod places;
mod roles;

use super::address::Addresses;
use super::blueprint::Blueprint;
use super::ids::Table;
use super::site::{Deviation, EvidenceFor, Object, Place, Site};
use crate::data;
use crate::finding::Finding;
use crate::source::{Date, Span};
use crate::syntax::decode::{OneOrMany, Spanned};
use crate::syntax::document::{Document, SiteHead};
use crate::syntax::nearest;
use crate::syntax::scalars::{Address, Name, Prefix};
use merge::{Merged, merge};
use std::collections::{BTreeMap, BTreeSet};

/// Resolves the documents of a site at a date.
///
/// The site is there only when nothing was found.
#[must_use]
pub fn resolve(documents: Vec<Document>, as_of: Date) -> (Option<Site>, Vec<Finding>) {
    let mut findings = Vec::new();
    let merged = merge(documents, &mut findings);
    let Some(head) = merged.head.clone() else {
        findings.push(Finding::new("syntax", "missing-site"));
        return (None, findings);
    };
    let Some(blueprint) = blueprint(&head, &mut findings) else { return (None, findings) };
    let mut resolver = Resolver { site: empty(head, as_of, blueprint), findings, faulty: BTreeSet::new() };
    resolver.run(merged);
    let Resolver { site, findings, .. } = resolver;
    if findings.is_empty() { (Some(site), findings) } else { (None, findings) }
}

/// The rule set the site is held against. One that this program does not carry is ZM-MOD-04, decided here: no rule could
/// be evaluated without it.
fn blueprint(head: &SiteHead, findings: &mut Vec<Finding>) -> Option<Blueprint> {
    let name = &head.blueprint;
    let known = data::blueprints();
    if !known.contains(&name.0) {
        let near = nearest(&name.0, known.iter().map(String::as_str)).unwrap_or("dvs-2.0").to_owned();
        let finding = Finding::new("ZM-MOD-04", "unpinned").arg("blueprint", &name.0).arg("known", known.join(", "));
        findings.push(finding.label(name.span, "blueprint").fix(name.span, near));
        return None;
    }
    match Blueprint::load(&name.0) {
        Ok(blueprint) => Some(blueprint),
        Err(error) => {
            findings.push(Finding::new("syntax", "built-in-data").arg("reason", error));
            None
        }
    }
}

fn empty(head: SiteHead, as_of: Date, blueprint: Blueprint) -> Site {
    Site {
        head,
        as_of,
        blueprint,
        networks: Table::default(),
        zones: Table::default(),
        segments: Table::default(),
        gateways: Table::default(),
        clusters: Table::default(),
        namespaces: Table::default(),
        components: Table::default(),
        groups: Table::default(),
        flows: Table::default(),
        uplinks: Table::default(),
        platforms: Table::default(),
        deviations: Table::default(),
        evidence: BTreeMap::new(),
        expectations: Vec::new(),
        services: BTreeMap::new(),
        names: BTreeMap::new(),
    }
}

/// So many known names are listed where none is near.
const FEW: usize = 8;

/// Resolution in progress.
struct Resolver {
    site: Site,
    findings: Vec<Finding>,
    /// Names whose own fault is told already: what refers to them is not told as well.
    faulty: BTreeSet<String>,
}

impl Resolver {
    fn run(&mut self, merged: Merged) {
        self.networks(merged.networks);
        self.zones(merged.zones);
        self.declare_gateways(merged.gateways);
        self.clusters(merged.clusters);
        self.components(merged.components);
        self.groups(merged.groups);
        self.interfaces();
        self.roles();
        self.complement_internet();
        self.services(merged.services);
        self.listens();
        self.flows(merged.flows);
        self.uplinks(merged.uplinks);
        self.platforms(merged.platforms);
        self.expectations(merged.expect);
        for (key, decl) in merged.deviations {
            self.site.deviations.push(Deviation { name: key.value.0, span: key.span, decl });
        }
        for (key, decl) in merged.evidence {
            let rule = key.value.0;
            self.site.evidence.insert(rule.clone(), EvidenceFor { rule, span: key.span, decl });
        }
    }

    /// Enters a name into the shared name space.
    fn declare(&mut self, name: &str, span: Span, object: Object) {
        match self.site.names.get(name).copied() {
            None => {
                self.site.names.insert(name.to_owned(), object);
            }
            Some(first) => {
                let first = self.object_span(first);
                let finding = Finding::new("ZM-MOD-01", "duplicate-name").arg("name", name).object(name);
                self.findings.push(finding.label(span, "second-name").label(first, "first-name"));
                self.faulty.insert(name.to_owned());
            }
        }
    }

    /// Whether the fault of a name, or of the cluster before the slash, is told already.
    fn is_told(&self, name: &str) -> bool {
        self.faulty.contains(name) || name.split_once('/').is_some_and(|(cluster, _)| self.faulty.contains(cluster))
    }

    fn object_span(&self, object: Object) -> Span {
        let site = &self.site;
        match object {
            Object::Network(id) => site.networks[id].span,
            Object::Zone(id) => site.zones[id].span,
            Object::Segment(id) => site.segments[id].span,
            Object::Gateway(id) => site.gateways[id].span,
            Object::Cluster(id) => site.clusters[id].span,
            Object::Namespace(id) => site.namespaces[id].span,
            Object::Component(id) => site.components[id].span,
            Object::Group(id) => site.groups[id].span,
        }
    }

    /// Reports a name that stands for nothing, with the nearest name of a fitting kind, or all of them when they are few.
    fn unknown(&mut self, name: &str, span: Span, wanted: &'static str, fits: impl Fn(Object) -> bool) {
        if self.is_told(name) {
            return;
        }
        let fitting: Vec<(&String, Object)> =
            self.site.names.iter().filter(|(_, object)| fits(**object)).map(|(name, object)| (name, *object)).collect();
        let near = nearest(name, fitting.iter().map(|(name, _)| name.as_str()));
        let near = near.and_then(|near| fitting.iter().find(|(name, _)| *name == near));
        let finding = Finding::new("ZM-MOD-01", "unknown-name").arg("name", name).arg("wanted", wanted).object(name);
        let finding = finding.label(span, "unknown-name");
        let finding = match near {
            Some((near, object)) => finding
                .label_with(self.object_span(*object), "similar-name", vec![("nearest", (*near).clone())])
                .arg("nearest", near)
                .fix(span, *near),
            None if (1..=FEW).contains(&fitting.len()) => {
                let known: Vec<&str> = fitting.iter().map(|(name, _)| name.as_str()).collect();
                let mut finding = finding.arg("known", known.join("`, `"));
                finding.case = "unknown-name-list";
                finding
            }
            None => finding,
        };
        self.findings.push(finding);
    }

    /// Reports a name that stands for something else than wanted.
    fn misfit(&mut self, name: &str, span: Span, wanted: &'static str) {
        let Some(object) = self.site.lookup(name).filter(|_| !self.is_told(name)) else { return };
        let found = kind_word(object);
        let finding =
            Finding::new("ZM-MOD-01", "wrong-kind-of-name").arg("name", name).arg("wanted", wanted).arg("found", found);
        let declared = self.object_span(object);
        self.findings.push(finding.object(name).label(span, "wrong-kind").label(declared, "declared-here"));
    }

    /// The place a name stands for, or a finding.
    fn place(&mut self, name: &Spanned<Name>, wanted: &'static str) -> Option<Place> {
        let place = self.site.place(&name.0);
        if place.is_none() {
            match self.site.lookup(&name.0) {
                None => self.unknown(&name.0, name.span, wanted, |o| {
                    matches!(o, Object::Network(_) | Object::Segment(_) | Object::Zone(_))
                }),
                Some(_) => self.misfit(&name.0, name.span, wanted),
            }
        }
        place
    }
}

/// The word for a kind of object, a key of `shapes:` in `zones/syntax.yaml`.
const fn kind_word(object: Object) -> &'static str {
    match object {
        Object::Network(_) => "network",
        Object::Zone(_) => "zone",
        Object::Segment(_) => "segment",
        Object::Gateway(_) => "gateway",
        Object::Cluster(_) => "cluster",
        Object::Namespace(_) => "namespace",
        Object::Component(_) => "component",
        Object::Group(_) => "group",
    }
}

fn address_set(list: &OneOrMany<Address>) -> Addresses {
    Addresses::from_nets(list.0.iter().map(|address| &address.value.0))
}

fn prefix_set(list: &OneOrMany<Prefix>) -> Addresses {
    Addresses::from_nets(list.0.iter().map(|prefix| &prefix.value.0))
}
