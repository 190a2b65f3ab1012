//! How many entries the policies of a pod take in Cilium's policy map.
//!
//! An entry is one peer identity with one port, or with one block of ports that a mask can name. The map of a pod holds 16,384 by
//! default and 65,536 at most (`bpf.policyMapMax`); what does not fit is not enforced (cilium/cilium#28450). Guardrails need
//! most: a deny of everybody else has an entry for each identity of the cluster. Counted is generously: every component is an
//! identity, and so is whatever else runs in its namespace; every prefix is one.

use super::envelope::{Envelope, Ports, Released};
use super::{Capabilities, Peer, Rule, Statement, Subject, complement, envelopes, of_services, statements};
use crate::model::{Addresses, ClusterId, FlowId, NamespaceId, ServiceMatch, Site};
use crate::plan::{ClusterPlan, Side};
use crate::syntax::objects::Guardrail;
use std::collections::{BTreeMap, BTreeSet};

/// Entries of a map by default.
pub const BY_DEFAULT: usize = 16_384;
/// Entries of the largest map that can be set.
pub const AT_MOST: usize = 65_536;
/// Addresses that Cilium keeps of one name (`tofqdns-endpoint-max-ip-per-hostname`).
const OF_A_NAME: usize = 50;
/// ICMP requests that a guardrail denies beside ports.
const REQUESTS: usize = 6;

/// The pods that need most.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Largest {
    /// Their namespace.
    pub namespace: NamespaceId,
    /// How many entries they take.
    pub entries: usize,
    /// The flow that takes most of them, when one does.
    pub flow: Option<FlowId>,
}

/// Entries, and the largest part of them with its flow.
#[derive(Clone, Copy, Default)]
struct Share {
    entries: usize,
    largest: (usize, Option<FlowId>),
}

impl Share {
    fn add(&mut self, entries: usize, flow: Option<FlowId>) {
        self.entries += entries;
        self.largest = self.largest.max((entries, flow));
    }
}

/// The pods of a cluster that need most; none where Cilium does not enforce, or nothing is written.
#[must_use]
pub fn largest(site: &Site, plan: &ClusterPlan, capabilities: &Capabilities) -> Option<Largest> {
    capabilities.cilium?;
    let statements = statements(site, plan).ok()?;
    let count = Count::new(site, plan.cluster, &statements);
    let guarded = capabilities.guardrails.iter().any(|guardrail| *guardrail != Guardrail::Admission);
    let envelopes = if guarded { envelopes(site, &statements) } else { BTreeMap::new() };
    let mut shared: BTreeMap<NamespaceId, Share> = BTreeMap::new();
    for id in site.clusters[plan.cluster].namespaces.iter().filter(|id| site.namespaces[**id].is_managed()) {
        let share = shared.entry(*id).or_default();
        // The own node always reaches its pods.
        share.add(1, None);
        for side in [Side::Ingress, Side::Egress].into_iter().filter(|_| guarded) {
            share.add(count.denied(*id, envelopes.get(&(*id, side))), None);
        }
    }
    let mut own: BTreeMap<(NamespaceId, &Subject), Share> = BTreeMap::new();
    for statement in &statements {
        let entries = statement.rules.iter().map(|rule| count.allowed(rule)).sum();
        let share = match &statement.subject {
            Subject::Component(_) => own.entry((statement.namespace, &statement.subject)).or_default(),
            Subject::Namespace | Subject::Labelled(_) => shared.entry(statement.namespace).or_default(),
        };
        share.add(entries, statement.flow());
    }
    let alone = shared.iter().map(|(namespace, share)| (*namespace, *share));
    let together = own.iter().map(|((namespace, _), own)| {
        let share = shared.get(namespace).copied().unwrap_or_default();
        (*namespace, Share { entries: own.entries + share.entries, largest: own.largest.max(share.largest) })
    });
    let (namespace, share) = alone.chain(together).max_by_key(|(_, share)| share.entries)?;
    Some(Largest { namespace, entries: share.entries, flow: share.largest.1 })
}

struct Count<'a> {
    site: &'a Site,
    identities: BTreeMap<NamespaceId, usize>,
    /// Identities of the cluster and its mesh.
    everybody: usize,
    /// Prefixes that some policy names; each is an identity of the outside.
    prefixes: usize,
}

impl<'a> Count<'a> {
    fn new(site: &'a Site, cluster: ClusterId, statements: &[Statement]) -> Self {
        let reached = |id: &NamespaceId| {
            let home = site.namespaces[*id].cluster;
            home == cluster || site.share_mesh(home, cluster)
        };
        let mut identities: BTreeMap<NamespaceId, usize> =
            site.namespaces.ids().filter(reached).map(|id| (id, 1)).collect();
        for namespace in site.components.values().filter_map(|component| component.namespace) {
            if let Some(count) = identities.get_mut(&namespace) {
                *count += 1;
            }
        }
        let peers = statements.iter().flat_map(|statement| &statement.rules).flat_map(|rule| &rule.peers);
        let prefixes: BTreeSet<_> = peers.filter_map(Peer::addresses).flat_map(Addresses::prefixes).collect();
        Self { site, everybody: identities.values().sum(), identities, prefixes: prefixes.len() }
    }

    fn of_namespace(&self, id: NamespaceId) -> usize {
        self.identities.get(&id).copied().unwrap_or_default()
    }

    fn of_cluster(&self, id: ClusterId) -> usize {
        self.site.clusters[id].namespaces.iter().map(|id| self.of_namespace(*id)).sum()
    }

    fn allowed(&self, rule: &Rule) -> usize {
        let peers: usize = rule
            .peers
            .iter()
            .map(|peer| match peer {
                Peer::Component(_) | Peer::Labelled(..) | Peer::ApiServer(_) => 1,
                Peer::Namespace(id) => self.of_namespace(*id),
                Peer::Cluster(id) => self.of_cluster(*id),
                Peer::Outside(addresses) => addresses.prefixes().len(),
                Peer::Names(names, _) => names.len() * OF_A_NAME,
                // The own node, other nodes, the API server.
                Peer::Nodes(_) => 3,
            })
            .sum();
        let messages = rule.services.iter().filter(|service| !matches!(service, ServiceMatch::Ports(..))).count();
        peers * (keys(&of_services(&rule.services)) + messages)
    }

    /// What a guardrail denies in one direction.
    fn denied(&self, own: NamespaceId, envelope: Option<&Envelope>) -> usize {
        let none = Envelope::default();
        let envelope = envelope.unwrap_or(&none);
        let mut rest = self.everybody.saturating_sub(self.of_namespace(own));
        let mut entries = 0;
        for (peer, released) in &envelope.namespaces {
            let identities = self.of_namespace(*peer);
            rest = rest.saturating_sub(identities);
            entries += identities * without(released);
        }
        for (cluster, released) in &envelope.clusters {
            let identities = self.of_cluster(*cluster);
            rest = rest.saturating_sub(identities);
            entries += identities * without(released);
        }
        // The outside as a whole, as IPv4 and as IPv6, beside its prefixes.
        entries += rest + 3 + self.prefixes;
        for release in &envelope.outside {
            let released = Released { ports: release.ports.clone(), icmp: release.icmp.clone() };
            entries += release.addresses.prefixes().len() * without(&released);
        }
        entries
    }
}

/// Keys of everything but what is released.
fn without(released: &Released) -> usize {
    if released.is_empty() { 1 } else { keys(&complement(&released.ports)) + REQUESTS }
}

/// Keys of some ports: blocks of ports that differ in their last bits only.
fn keys(ports: &Ports) -> usize {
    ports.values().flat_map(|ranges| ranges.intervals()).map(|(first, last)| blocks(*first, *last)).sum()
}

fn blocks(first: u16, last: u16) -> usize {
    if first <= 1 && last == u16::MAX {
        return 1;
    }
    let (mut from, end, mut count) = (u32::from(first), u32::from(last) + 1, 0);
    while from < end {
        let aligned = if from == 0 { u16::BITS } else { from.trailing_zeros() };
        let fitting = (end - from).ilog2();
        from += 1 << aligned.min(fitting);
        count += 1;
    }
    count
}

#[cfg(test)]
mod tests {
    use super::blocks;

    #[test]
    fn ranges_are_cut_to_aligned_blocks() {
        for (first, last, expected) in
            [(80, 80, 1), (1, 65_535, 1), (0, 65_535, 1), (8, 15, 1), (1, 2, 2), (1, 5431, 0)]
        {
            let covered = blocks(first, last);
            assert!(expected == 0 && covered > 10 || covered == expected, "{first}-{last}: {covered}");
        }
    }
}
