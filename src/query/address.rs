//! What an address is in a site.

use crate::model::{Addresses, End, Site};
use crate::source::Span;
use std::net::IpAddr;

/// Something that has an address, the most particular first.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Owner {
    /// `component`, `gateway`, `pods`, `services`, `nodes`, `segment`, `network`.
    pub sort: &'static str,
    /// Its name; an interface with its gateway.
    pub name: String,
    /// Where it is declared.
    pub span: Span,
    /// The end that flows name, when it can be one.
    pub end: Option<End>,
}

/// Everything that has an address. The Internet has what nothing else has.
#[must_use]
pub fn owners(site: &Site, address: IpAddr) -> Vec<Owner> {
    let has = |addresses: &Addresses| addresses.contains(address);
    let mut found = Vec::new();
    let mut add = |sort, name: String, span, end| found.push(Owner { sort, name, span, end });
    for (id, component) in site.components.iter() {
        if component.legs.iter().any(|leg| has(&leg.addresses)) || has(&component.egress_addresses) {
            add("component", component.name.clone(), component.span, Some(End::Component(id)));
        }
    }
    for (id, gateway) in site.gateways.iter() {
        for interface in gateway.interfaces.iter().filter(|interface| has(&interface.leg.addresses)) {
            let name = format!("{}/{}", gateway.name, interface.name);
            add("gateway", name, interface.leg.span, Some(End::Gateway(id)));
        }
    }
    for (id, cluster) in site.clusters.iter() {
        let end = Some(End::Cluster(id));
        if has(&cluster.pods) {
            add("pods", cluster.name.clone(), cluster.span, end);
        }
        if has(&cluster.services) {
            add("services", cluster.name.clone(), cluster.span, None);
        }
        for pool in cluster.pools.iter().filter(|pool| has(&pool.addresses)) {
            add("nodes", format!("{}/{}", cluster.name, pool.name), cluster.span, None);
        }
    }
    for (id, segment) in site.segments.iter().filter(|(_, segment)| has(&segment.addresses)) {
        add("segment", segment.name.clone(), segment.span, Some(End::Segment(id)));
    }
    for (id, network) in site.networks.iter().filter(|(_, network)| has(&network.addresses)) {
        add("network", network.name.clone(), network.span, Some(End::Network(id)));
    }
    found
}
