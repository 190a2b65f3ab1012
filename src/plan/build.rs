//! Site and ways → plan.

use super::{ClusterPlan, GatewayPlan, InterfacePlan, Permit, Plan, PodPeer, PodPermit, Side};
use crate::graph::{Graphs, Hop, PairWays, Way};
use crate::model::site::Flow;
use crate::model::{Addresses, ClusterId, End, Family, FlowId, GatewayId, Place, Property, ServiceMatch, Site};
use crate::syntax::document::LogChoice;
use crate::syntax::objects::IngressSource;
use std::collections::BTreeMap;

/// Why a site has no plan: a flow that cannot be enforced as it is written. Rules report the same flows with their places
/// (ZM-FLO-01, ZM-FLO-05); this is the last guard before anything is emitted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlanError {
    /// The flow.
    pub flow: FlowId,
    /// What is missing.
    pub reason: &'static str,
}

/// Spreads the flows that are in force over gateways and clusters.
///
/// # Errors
/// [`PlanError`] for a flow without way, family or member, or that means "any".
pub fn plan(site: &Site, graphs: &Graphs) -> Result<Plan, PlanError> {
    let mut builder = Builder { site, graphs, gateways: BTreeMap::new(), clusters: BTreeMap::new() };
    for (id, flow) in site.flows.iter().filter(|(_, flow)| flow.is_valid_on(site.as_of)) {
        if flow.matches.is_empty() || flow.matches.contains(&ServiceMatch::Any) {
            return Err(PlanError { flow: id, reason: "any" });
        }
        for pair in graphs.ways.of(id) {
            builder.pair(id, flow, pair)?;
        }
    }
    Ok(builder.finish())
}

struct Builder<'a> {
    site: &'a Site,
    graphs: &'a Graphs,
    gateways: BTreeMap<GatewayId, Vec<Permit>>,
    clusters: BTreeMap<ClusterId, Vec<PodPermit>>,
}

impl Builder<'_> {
    fn pair(&mut self, id: FlowId, flow: &Flow, pair: &PairWays) -> Result<(), PlanError> {
        if let Some(cluster) = pair.cluster {
            self.inside(id, flow, pair, cluster);
            return Ok(());
        }
        let ways = pair.ways.as_ref().map_err(|_| PlanError { flow: id, reason: "no-way" })?;
        let mut compiled = false;
        for way in ways {
            for family in way.families().filter(|family| flow.wants(*family)) {
                for service in flow.matches.iter().filter(|service| service.fits(family)) {
                    compiled = true;
                    for hop in &way.hops {
                        self.permit(id, flow, way, *hop, family, service);
                    }
                }
            }
        }
        if !compiled {
            return Err(PlanError { flow: id, reason: "no-family" });
        }
        self.cluster_sides(id, flow, pair, ways);
        Ok(())
    }

    fn permit(&mut self, flow: FlowId, decl: &Flow, way: &Way, hop: Hop, family: Family, service: &ServiceMatch) {
        if !self.site.gateways[hop.gateway].is_generated() {
            return;
        }
        self.gateways.entry(hop.gateway).or_default().push(Permit {
            flow,
            hook: hop.hook(),
            input: hop.input,
            output: hop.output,
            family,
            source: way.source.addresses.only(family),
            destination: way.destination.addresses.only(family),
            service: service.clone(),
            log: decl.decl.log.as_ref().is_some_and(|log| log.value == LogChoice::New),
        });
    }

    /// Both ends in one cluster: egress at the initiator, ingress at the responder, both with pod ports.
    fn inside(&mut self, flow: FlowId, decl: &Flow, pair: &PairWays, cluster: ClusterId) {
        let services = self.pod_services(pair.to.end, &decl.matches);
        let permits = self.clusters.entry(cluster).or_default();
        let (from, to) = (pair.from.end, pair.to.end);
        permits.push(PodPermit {
            flow,
            side: Side::Egress,
            subject: from,
            peer_end: to,
            peer: PodPeer::Pods(to),
            services: services.clone(),
        });
        permits.push(PodPermit {
            flow,
            side: Side::Ingress,
            subject: to,
            peer_end: from,
            peer: PodPeer::Pods(from),
            services,
        });
    }

    /// The cluster sides of a flow that leaves or enters a cluster.
    fn cluster_sides(&mut self, flow: FlowId, decl: &Flow, pair: &PairWays, ways: &[Way]) {
        let families = |addresses: &Addresses| {
            let kept = Family::BOTH.into_iter().filter(|family| decl.wants(*family));
            kept.fold(Addresses::default(), |all, family| all.union(&addresses.only(family)))
        };
        let union = |pick: fn(&Way) -> &Addresses| {
            families(&ways.iter().fold(Addresses::default(), |all, way| all.union(pick(way))))
        };
        if let Some(cluster) = self.cluster_of(pair.from.end) {
            self.clusters.entry(cluster).or_default().push(PodPermit {
                flow,
                side: Side::Egress,
                subject: pair.from.end,
                peer_end: pair.to.end,
                peer: PodPeer::Outside(union(|way| &way.destination.addresses)),
                services: decl.matches.clone(),
            });
        }
        if let Some(cluster) = self.cluster_of(pair.to.end) {
            let preserved = self.site.clusters[cluster]
                .decl
                .ingress_source
                .as_ref()
                .is_some_and(|s| s.value == IngressSource::Preserved);
            let peer =
                if preserved { PodPeer::Outside(union(|way| &way.source.addresses)) } else { PodPeer::Nodes(cluster) };
            let services = self.pod_services(pair.to.end, &decl.matches);
            self.clusters.entry(cluster).or_default().push(PodPermit {
                flow,
                side: Side::Ingress,
                subject: pair.to.end,
                peer_end: pair.from.end,
                peer,
                services,
            });
        }
    }

    fn cluster_of(&self, end: End) -> Option<ClusterId> {
        let namespace = match end {
            End::Cluster(id) => return Some(id),
            End::Namespace(id) => Some(id),
            End::Component(id) => self.site.components[id].namespace,
            _ => None,
        };
        namespace.map(|namespace| self.site.namespaces[namespace].cluster)
    }

    /// Policies act after the service translation: the pod port that `listens` gives stands in for the service's own.
    fn pod_services(&self, to: End, matches: &[ServiceMatch]) -> Vec<ServiceMatch> {
        let End::Component(id) = to else { return matches.to_vec() };
        let listens = &self.site.components[id].listens;
        let translated = matches.iter().flat_map(|wanted| translate(wanted, listens));
        ServiceMatch::normalise(translated.collect())
    }

    fn finish(mut self) -> Plan {
        let site = self.site;
        let mut gateways = Vec::new();
        for (id, gateway) in site.gateways.iter().filter(|(_, gateway)| gateway.is_generated()) {
            let mut permits = self.gateways.remove(&id).unwrap_or_default();
            permits.sort();
            permits.dedup();
            let interfaces = (0..gateway.interfaces.len()).map(|index| self.interface(id, index, &permits)).collect();
            gateways.push(GatewayPlan {
                gateway: id,
                name: gateway.name.clone(),
                replicas: gateway.replicas.clone(),
                interfaces,
                permits,
            });
        }
        let mut clusters = Vec::new();
        for (id, cluster) in site.clusters.iter() {
            let mut permits = self.clusters.remove(&id).unwrap_or_default();
            permits.sort();
            permits.dedup();
            clusters.push(ClusterPlan { cluster: id, name: cluster.name.clone(), permits });
        }
        Plan { gateways, clusters }
    }

    fn interface(&self, id: GatewayId, index: usize, permits: &[Permit]) -> InterfacePlan {
        let site = self.site;
        let interface = &site.gateways[id].interfaces[index];
        let place = interface.leg.place;
        let mut behind = self.graphs.routes.behind(id, index);
        behind.push(place);
        let mut sources = behind.iter().fold(Addresses::default(), |all, place| all.union(&seen_at(site, *place)));
        // What a flow may send here must pass the check of its source; nothing else is added by that.
        for permit in permits.iter().filter(|permit| permit.input == Some(index)) {
            sources = sources.union(&permit.source);
        }
        // The gateway's own addresses never come in from outside it.
        let own_all =
            site.gateways[id].interfaces.iter().fold(Addresses::default(), |all, i| all.union(&i.leg.addresses));
        InterfacePlan {
            name: interface.name.clone(),
            place: site.place_name(place).to_owned(),
            zone: site
                .zone_of(place)
                .map_or_else(|| site.place_name(place).to_owned(), |zone| site.zones[zone].name.clone()),
            sources: sources.difference(&own_all),
            own: interface.leg.addresses.clone(),
            outside: behind.iter().any(|place| matches!(place, Place::Network(_))),
        }
    }
}

/// Source addresses that packets from a place carry: its own, those of peers in it, and those of pods behind its nodes.
fn seen_at(site: &Site, place: Place) -> Addresses {
    let mut seen = site.place_addresses(place).clone();
    for (id, component) in site.components.iter() {
        if site.is(id, Property::Outside) {
            let legs = component.legs.iter().filter(|leg| leg.place == place);
            seen = legs.fold(seen, |all, leg| all.union(&leg.addresses));
        }
    }
    for cluster in site.clusters.values() {
        let here = cluster.pools.iter().any(|pool| Place::Segment(pool.segment) == place);
        if here && cluster.egress() == crate::syntax::objects::EgressMode::Pods {
            seen = seen.union(&cluster.pods);
        }
    }
    seen
}

/// The pod ports of a service; the service itself where `listens` says nothing of it.
fn translate(wanted: &ServiceMatch, listens: &[(ServiceMatch, ServiceMatch)]) -> Vec<ServiceMatch> {
    let ServiceMatch::Ports(transport, ports) = wanted else { return vec![wanted.clone()] };
    let mut rest = ports.clone();
    let mut found = Vec::new();
    for (outside, inside) in listens {
        let ServiceMatch::Ports(other, offered) = outside else { continue };
        if other == transport && offered.is_subset(ports) && offered.overlaps(&rest) {
            rest = rest.difference(offered);
            found.push(inside.clone());
        }
    }
    if !rest.is_empty() {
        found.push(ServiceMatch::Ports(*transport, rest));
    }
    found
}
