//! Unites the documents of a site: maps of the same key become one, sorted by name; the same name twice shows both places.

use crate::finding::Finding;
use crate::syntax::decode::{Entries, List, Spanned};
use crate::syntax::document::{Document, Expectation, Flow, Group, Network, Service, SiteHead, Zone};
use crate::syntax::objects::{Cluster, Component, Deviation, Evidence, Gateway, Platform, Uplink};
use crate::syntax::scalars::{DeviationName, Name, RuleName};

/// Entries of one kind in order of name.
pub(super) type Sorted<K, V> = Vec<(Spanned<K>, V)>;

/// All documents in one.
#[derive(Default)]
pub(super) struct Merged {
    pub head: Option<SiteHead>,
    pub networks: Sorted<Name, Network>,
    pub zones: Sorted<Name, Zone>,
    pub gateways: Sorted<Name, Gateway>,
    pub clusters: Sorted<Name, Cluster>,
    pub components: Sorted<Name, Component>,
    pub groups: Sorted<Name, Group>,
    pub services: Sorted<Name, Service>,
    pub flows: Sorted<Name, Flow>,
    pub uplinks: Sorted<Name, Uplink>,
    pub platforms: Sorted<Name, Platform>,
    pub deviations: Sorted<DeviationName, Deviation>,
    pub evidence: Sorted<RuleName, Evidence>,
    pub expect: Vec<Spanned<Expectation>>,
}

/// Unites documents in reading order.
pub(super) fn merge(documents: Vec<Document>, findings: &mut Vec<Finding>) -> Merged {
    let mut merged = Merged::default();
    for document in documents {
        if let Some(head) = document.site {
            match &merged.head {
                None => merged.head = Some(head),
                Some(first) => {
                    let finding = Finding::new("ZM-MOD-01", "second-site").object(&head.name.0);
                    findings.push(finding.label(head.name.span, "second-name").label(first.name.span, "first-name"));
                }
            }
        }
        take(&mut merged.networks, document.networks);
        take(&mut merged.zones, document.zones);
        take(&mut merged.gateways, document.gateways);
        take(&mut merged.clusters, document.clusters);
        take(&mut merged.components, document.components);
        take(&mut merged.groups, document.groups);
        take(&mut merged.services, document.services);
        take(&mut merged.flows, document.flows);
        take(&mut merged.uplinks, document.uplinks);
        take(&mut merged.platforms, document.platforms);
        take(&mut merged.deviations, document.deviations);
        take(&mut merged.evidence, document.evidence);
        merged.expect.extend(document.expect.map(|List(list)| list).into_iter().flatten());
    }
    let name = |name: &Name| name.0.clone();
    sort(&mut merged.networks, name, findings);
    sort(&mut merged.zones, name, findings);
    sort(&mut merged.gateways, name, findings);
    sort(&mut merged.clusters, name, findings);
    sort(&mut merged.components, name, findings);
    sort(&mut merged.groups, name, findings);
    sort(&mut merged.services, name, findings);
    sort(&mut merged.flows, name, findings);
    sort(&mut merged.uplinks, name, findings);
    sort(&mut merged.platforms, name, findings);
    sort(&mut merged.deviations, |name| name.0.clone(), findings);
    sort(&mut merged.evidence, |name| name.0.clone(), findings);
    merged
}

fn take<K, V>(into: &mut Sorted<K, V>, from: Option<Entries<K, V>>) {
    into.extend(from.map(|Entries(entries)| entries).into_iter().flatten());
}

/// Sorts by name; of a name used twice (in two files) the first in reading order stays and the second is reported.
fn sort<K: Ord, V>(entries: &mut Sorted<K, V>, name: impl Fn(&K) -> String, findings: &mut Vec<Finding>) {
    entries.sort_by(|(a, _), (b, _)| a.value.cmp(&b.value).then(a.span.cmp(&b.span)));
    let mut kept: Sorted<K, V> = Vec::with_capacity(entries.len());
    for entry in entries.drain(..) {
        match kept.last() {
            Some((first, _)) if first.value == entry.0.value => {
                let text = name(&first.value);
                let finding = Finding::new("ZM-MOD-01", "defined-twice").arg("name", &text).object(text);
                findings.push(finding.label(entry.0.span, "second-name").label(first.span, "first-name"));
            }
            _ => kept.push(entry),
        }
    }
    *entries = kept;
}
