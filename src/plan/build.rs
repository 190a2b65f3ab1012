//! Site and ways → plan.

use super::pods::{Pods, name_service};
use super::{ClusterPlan, GatewayPlan, InterfacePlan, Permit, Plan};
use crate::graph::{Graphs, Hop, PairWays, Way};
use crate::model::site::Flow;
use crate::model::{Addresses, ClusterId, Family, FlowId, GatewayId, Place, Property, ServiceMatch, Site};
use crate::source::Span;
use crate::syntax::document::LogChoice;
use crate::syntax::objects::EgressMode;
use std::collections::{BTreeMap, BTreeSet};

/// Why a site has no plan: something that cannot be enforced as it is written. Rules report flows without way or family with
/// their places (ZM-FLO-01, ZM-FLO-05); this is the last guard before anything is emitted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PlanError {
    /// The flow or cluster.
    pub object: String,
    /// Where it stands.
    pub span: Span,
    /// What is in the way, in English, for people.
    pub reason: String,
}

/// Spreads the flows that are in force over gateways and clusters.
///
/// # Errors
/// [`PlanError`] for a flow without way, family or member, that means "any", or that asks for what no enforcer on its way
/// can do.
pub fn plan(site: &Site, graphs: &Graphs) -> Result<Plan, PlanError> {
    let mut builder = Builder { site, graphs, gateways: BTreeMap::new(), clusters: BTreeMap::new() };
    for (id, flow) in site.flows.iter().filter(|(_, flow)| flow.is_valid_on(site.as_of)) {
        let failed = |reason: String| PlanError { object: format!("flow {}", flow.name), span: flow.span, reason };
        if flow.matches.is_empty() || flow.matches.contains(&ServiceMatch::Any) {
            return Err(failed("its service means any packet".to_owned()));
        }
        for pair in graphs.ways.of(id) {
            builder.pair(id, flow, pair).map_err(|reason| {
                let (from, to) = (site.end_name(pair.from.end), site.end_name(pair.to.end));
                failed(format!("from {from} to {to}: {reason}"))
            })?;
        }
    }
    builder.finish()
}

struct Builder<'a> {
    site: &'a Site,
    graphs: &'a Graphs,
    gateways: BTreeMap<GatewayId, Vec<Permit>>,
    clusters: BTreeMap<ClusterId, Vec<super::PodPermit>>,
}

impl Builder<'_> {
    fn pair(&mut self, id: FlowId, flow: &Flow, pair: &PairWays) -> Result<(), String> {
        let pods = Pods { site: self.site, id, flow, pair };
        if pair.among_pods {
            self.add(pods.among()?);
            return Ok(());
        }
        let ways = pair.ways.as_ref().map_err(|_| "nothing leads there")?;
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
            return Err("no address family is left".to_owned());
        }
        let mut hops = ways.iter().flat_map(|way| &way.hops);
        let logged = pods.hubble_sees() || hops.any(|hop| self.site.gateways[hop.gateway].is_generated());
        if is_logged(flow) && !logged {
            return Err("`log: new` has no effect: no gateway on its way is generated; leave it out".to_owned());
        }
        self.add(pods.crossing(ways)?);
        Ok(())
    }

    fn add(&mut self, permits: Vec<(ClusterId, super::PodPermit)>) {
        for (cluster, permit) in permits {
            self.clusters.entry(cluster).or_default().push(permit);
        }
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
            log: is_logged(decl),
        });
    }

    fn finish(mut self) -> Result<Plan, PlanError> {
        let site = self.site;
        let mut gateways = Vec::new();
        let seen = seen(site);
        for (id, gateway) in site.gateways.iter().filter(|(_, gateway)| gateway.is_generated()) {
            let mut permits = self.gateways.remove(&id).unwrap_or_default();
            permits.sort();
            permits.dedup();
            let interfaces = self.interfaces(id, &permits, &seen);
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
            let name_service = name_service(site, cluster)?;
            clusters.push(ClusterPlan { cluster: id, name: cluster.name.clone(), permits, name_service });
        }
        Ok(Plan { gateways, clusters })
    }

    /// The interfaces of a gateway, each with the source addresses that may enter there.
    fn interfaces(&self, id: GatewayId, permits: &[Permit], seen: &BTreeMap<Place, Addresses>) -> Vec<InterfacePlan> {
        let (site, gateway) = (self.site, &self.site.gateways[id]);
        // The gateway's own addresses never come in from outside it.
        let own_all: Addresses = gateway.interfaces.iter().map(|interface| &interface.leg.addresses).collect();
        // What a flow may send here must pass the check of its source; nothing else is added by that.
        let mut sent: BTreeMap<usize, BTreeSet<&Addresses>> = BTreeMap::new();
        for permit in permits {
            if let Some(input) = permit.input {
                sent.entry(input).or_default().insert(&permit.source);
            }
        }
        let mut behind = self.graphs.routes.behind(id);
        let interfaces = gateway.interfaces.iter().enumerate();
        let plans = interfaces.map(|(index, interface)| {
            let place = interface.leg.place;
            let mut behind = behind.remove(&index).unwrap_or_default();
            behind.push(place);
            let sources = behind.iter().filter_map(|place| seen.get(place));
            let sources: Addresses = sources.chain(sent.remove(&index).unwrap_or_default()).collect();
            let zone = site.zone_of(place);
            InterfacePlan {
                name: interface.name.clone(),
                place: site.place_name(place).to_owned(),
                zone: zone.map_or_else(|| site.place_name(place), |zone| &site.zones[zone].name).to_owned(),
                sources: sources.difference(&own_all),
                own: interface.leg.addresses.clone(),
                outside: behind.iter().any(|place| matches!(place, Place::Network(_))),
            }
        });
        plans.collect()
    }
}

/// Whether new connections of a flow are to be logged.
pub(super) fn is_logged(flow: &Flow) -> bool {
    flow.decl.log.as_ref().is_some_and(|log| log.value == LogChoice::New)
}

/// Source addresses that packets from each place carry: its own, those of peers in it, and those of pods behind its nodes.
fn seen(site: &Site) -> BTreeMap<Place, Addresses> {
    let places = site.networks.ids().map(Place::Network).chain(site.segments.ids().map(Place::Segment));
    let mut seen: BTreeMap<Place, Addresses> =
        places.map(|place| (place, site.place_addresses(place).clone())).collect();
    let mut add = |place, addresses: &Addresses| {
        let known = seen.entry(place).or_default();
        *known = known.union(addresses);
    };
    for (_, component) in site.components.iter().filter(|(id, _)| site.is(*id, Property::Outside)) {
        component.legs.iter().for_each(|leg| add(leg.place, &leg.addresses));
    }
    for cluster in site.clusters.values().filter(|cluster| cluster.egress() == EgressMode::Pods) {
        cluster.pools.iter().for_each(|pool| add(Place::Segment(pool.segment), &cluster.pods));
    }
    seen
}
