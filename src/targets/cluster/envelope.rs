//! The upper bound of a namespace: what its released flows need, and what no tenant may add to.

use super::ports::of_services;
use super::statements::{Peer, Statement};
use crate::model::address::Ranges;
use crate::model::{Addresses, ClusterId, NamespaceId, ServiceMatch, Site};
use crate::plan::Side;
use crate::syntax::service::Transport;
use std::collections::BTreeMap;

/// Ports by transport.
pub type Ports = BTreeMap<Transport, Ranges<u16>>;

/// Ports and ICMP types that are released.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Released {
    /// Ports.
    pub ports: Ports,
    /// ICMP types, sorted.
    pub icmp: Vec<ServiceMatch>,
}

impl Released {
    /// Whether nothing is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ports.is_empty() && self.icmp.is_empty()
    }

    /// Adds another release.
    pub fn unite(&mut self, more: &Self) {
        unite(&mut self.ports, &more.ports);
        self.icmp.extend(more.icmp.iter().cloned());
        self.icmp.sort();
        self.icmp.dedup();
    }
}

/// What a namespace's pods may at most do in one direction, beside everything inside the namespace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// Other namespaces with their ports.
    pub namespaces: BTreeMap<NamespaceId, Released>,
    /// Ports released for every pod of a cluster: the own one, or another one of its mesh.
    pub clusters: BTreeMap<ClusterId, Released>,
    /// Outside addresses: disjoint, each with its ports.
    pub outside: Vec<OutsideRelease>,
    /// Node addresses with their ports (for guardrails that know nodes by address).
    pub nodes: Vec<OutsideRelease>,
}

/// Outside addresses that have the same ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutsideRelease {
    /// The addresses.
    pub addresses: Addresses,
    /// Their ports.
    pub ports: Ports,
    /// ICMP types that are released beside the ports.
    pub icmp: Vec<ServiceMatch>,
}

impl Envelope {
    /// All released outside addresses.
    #[must_use]
    pub fn outside_addresses(&self) -> Addresses {
        self.outside.iter().fold(Addresses::default(), |all, release| all.union(&release.addresses))
    }

    fn add(&mut self, peer: &Peer, own: NamespaceId, services: &[ServiceMatch], site: &Site) {
        let ports = of_services(services);
        let released = Released { ports: ports.clone(), icmp: icmp_of(services) };
        match peer {
            Peer::Component(id) => {
                if let Some(namespace) = site.components[*id].namespace.filter(|namespace| *namespace != own) {
                    self.namespaces.entry(namespace).or_default().unite(&released);
                }
            }
            Peer::Namespace(namespace) | Peer::Labelled(namespace, _) if *namespace != own => {
                self.namespaces.entry(*namespace).or_default().unite(&released);
            }
            Peer::Namespace(_) | Peer::Labelled(..) => {}
            Peer::Cluster(cluster) => self.clusters.entry(*cluster).or_default().unite(&released),
            // A deny knows no names: the addresses of the flow are the bound.
            Peer::Outside(addresses) | Peer::Names(_, addresses) => {
                release(&mut self.outside, addresses, &ports, services);
            }
            Peer::ApiServer(addresses) | Peer::Nodes(addresses) => {
                release(&mut self.nodes, addresses, &ports, services)
            }
        }
    }
}

fn icmp_of(services: &[ServiceMatch]) -> Vec<ServiceMatch> {
    let is_icmp = |service: &&ServiceMatch| matches!(service, ServiceMatch::Icmp(_) | ServiceMatch::Icmpv6(_));
    let mut types: Vec<ServiceMatch> = services.iter().filter(is_icmp).cloned().collect();
    types.sort();
    types
}

fn unite(all: &mut Ports, more: &Ports) {
    for (transport, ports) in more {
        let united = all.entry(*transport).or_default();
        *united = united.union(ports);
    }
}

/// Adds a release to a disjoint list: overlaps get the ports of both.
fn release(list: &mut Vec<OutsideRelease>, addresses: &Addresses, ports: &Ports, services: &[ServiceMatch]) {
    let icmp = icmp_of(services);
    let mut rest = addresses.clone();
    let mut split = Vec::new();
    for old in list.drain(..) {
        let common = old.addresses.intersection(&rest);
        if common.is_empty() {
            split.push(old);
            continue;
        }
        rest = rest.difference(&common);
        let apart = old.addresses.difference(&common);
        let (mut united, mut messages) = (old.ports.clone(), old.icmp.clone());
        unite(&mut united, ports);
        messages.extend(icmp.iter().cloned());
        messages.sort();
        messages.dedup();
        split.push(OutsideRelease { addresses: common, ports: united, icmp: messages });
        if !apart.is_empty() {
            split.push(OutsideRelease { addresses: apart, ..old });
        }
    }
    if !rest.is_empty() {
        split.push(OutsideRelease { addresses: rest, ports: ports.clone(), icmp });
    }
    // Addresses with the same ports are one release, so that what is emitted does not depend on the way here.
    let mut merged: BTreeMap<(Ports, Vec<ServiceMatch>), Addresses> = BTreeMap::new();
    for item in split {
        let united = merged.entry((item.ports, item.icmp)).or_default();
        *united = united.union(&item.addresses);
    }
    *list = merged.into_iter().map(|((ports, icmp), addresses)| OutsideRelease { addresses, ports, icmp }).collect();
}

/// The envelopes of all managed namespaces that have statements; a namespace without any has empty ones.
#[must_use]
pub fn envelopes(site: &Site, statements: &[Statement]) -> BTreeMap<(NamespaceId, Side), Envelope> {
    let mut all: BTreeMap<(NamespaceId, Side), Envelope> = BTreeMap::new();
    for statement in statements {
        let envelope = all.entry((statement.namespace, statement.side)).or_default();
        for rule in &statement.rules {
            for peer in &rule.peers {
                envelope.add(peer, statement.namespace, &rule.services, site);
            }
        }
    }
    all
}
