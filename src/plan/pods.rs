//! The sides of a flow that clusters enforce.

use super::build::{PlanError, is_logged};
use super::{PodPeer, PodPermit, Request, Side};
use crate::graph::{PairWays, Way};
use crate::model::site::{Cluster, Flow};
use crate::model::{Addresses, ClusterId, End, Family, FlowId, NameService, Property, ServiceMatch, Site};
use crate::syntax::decode::Spanned;
use crate::syntax::document::HttpRule;
use crate::syntax::objects::{IngressSource, PolicyDialect};

/// One pair of ends of a flow.
pub(super) struct Pods<'a> {
    pub(super) site: &'a Site,
    pub(super) id: FlowId,
    pub(super) flow: &'a Flow,
    pub(super) pair: &'a PairWays,
}

type Permits = Vec<(ClusterId, PodPermit)>;

impl Pods<'_> {
    /// Both ends are pods that reach each other by pod address: egress at the initiator, ingress at the responder, both
    /// with pod ports.
    pub(super) fn among(&self) -> Result<Permits, String> {
        let (from, to) = (self.pair.from.end, self.pair.to.end);
        let (Some(here), Some(there)) = (self.site.cluster_of(from), self.site.cluster_of(to)) else {
            return Ok(Vec::new());
        };
        self.nothing_that_pods_cannot(here)?;
        self.no_names(to)?;
        let services = self.pod_services();
        let requests = self.requests()?;
        let out = self.permit(Side::Egress, PodPeer::Pods(to), services.clone(), requests.of(Side::Egress));
        let into = self.permit(Side::Ingress, PodPeer::Pods(from), services, requests.of(Side::Ingress));
        Ok(vec![(here, out), (there, into)])
    }

    /// The cluster sides of a flow that leaves or enters a cluster.
    pub(super) fn crossing(&self, ways: &[Way]) -> Result<Permits, String> {
        let union = |pick: fn(&Way) -> &Addresses| {
            let mut all = Addresses::default();
            for way in ways {
                for family in way.families().filter(|family| self.flow.wants(*family)) {
                    all = all.union(&pick(way).only(family));
                }
            }
            all
        };
        let (from, to) = (self.pair.from.end, self.pair.to.end);
        let requests = self.requests()?;
        let mut permits = Vec::new();
        let outside = union(|way| &way.destination.addresses);
        let outside = self.named(outside)?;
        if let Some(cluster) = self.site.cluster_of(from) {
            let requests = requests.of(Side::Egress);
            permits.push((cluster, self.permit(Side::Egress, outside, self.flow.matches.clone(), requests)));
        }
        if let Some(cluster) = self.site.cluster_of(to) {
            let peer = self.seen_from(cluster, union(|way| &way.source.addresses))?;
            permits.push((cluster, self.permit(Side::Ingress, peer, self.pod_services(), requests.of(Side::Ingress))));
        }
        Ok(permits)
    }

    fn permit(&self, side: Side, peer: PodPeer, services: Vec<ServiceMatch>, requests: Vec<Request>) -> PodPermit {
        let (from, to) = (self.pair.from.end, self.pair.to.end);
        let (subject, peer_end) = if side == Side::Egress { (from, to) } else { (to, from) };
        PodPermit { flow: self.id, side, subject, peer_end, peer, services, requests }
    }

    /// What an ingress controller sees as source.
    fn seen_from(&self, cluster: ClusterId, sources: Addresses) -> Result<PodPeer, String> {
        let decl = &self.site.clusters[cluster].decl;
        if decl.ingress_source.as_ref().is_some_and(|source| source.value == IngressSource::Preserved) {
            return Ok(PodPeer::Outside(sources));
        }
        let nodes = self.site.clusters[cluster].nodes();
        match Family::BOTH.into_iter().find(|family| nodes.has(*family) && !self.flow.wants(*family)) {
            Some(_) => Err("its `family` cannot be kept in the cluster, which sees the address of a node and whose nodes have both families".to_owned()),
            None => Ok(PodPeer::Nodes(cluster)),
        }
    }

    /// What is asked of a flow among pods that policies, which select pods, cannot do.
    fn nothing_that_pods_cannot(&self, cluster: ClusterId) -> Result<(), String> {
        let pods = &self.site.clusters[cluster].pods;
        let mut unwanted = Family::BOTH.into_iter().filter(|family| !self.flow.wants(*family));
        if unwanted.any(|family| pods.is_empty() || pods.has(family)) {
            return Err(
                "policies select pods, whichever address family they use, so `family` cannot be kept among pods"
                    .to_owned(),
            );
        }
        if is_logged(self.flow) && !self.hubble_sees() {
            return Err("NetworkPolicies cannot log, so `log: new` has no effect in this cluster; leave it out or use `policy: cilium`, whose Hubble shows every connection".to_owned());
        }
        Ok(())
    }

    /// Whether an end runs where Hubble shows every connection.
    pub(super) fn hubble_sees(&self) -> bool {
        let ends = [self.pair.from.end, self.pair.to.end];
        ends.into_iter().filter_map(|end| self.site.cluster_of(end)).any(|id| is_cilium(&self.site.clusters[id]))
    }

    /// Policies act after the service translation: the pod port that `listens` gives stands in for the service's own.
    fn pod_services(&self) -> Vec<ServiceMatch> {
        let End::Component(id) = self.pair.to.end else { return self.flow.matches.clone() };
        let listens = &self.site.components[id].listens;
        let translated = self.flow.matches.iter().flat_map(|wanted| translate(wanted, listens));
        ServiceMatch::normalise(translated.collect())
    }

    /// Whether policies that know HTTP and names are written for the pods of an end.
    fn is_proxied(&self, end: End) -> bool {
        let site = self.site;
        site.namespace_of(end).is_some_and(|id| {
            let namespace = &site.namespaces[id];
            namespace.is_managed() && is_cilium(&site.clusters[namespace.cluster])
        })
    }

    /// The side that lets pass only the HTTP requests of the flow: the responder's when it can, else the initiator's.
    fn requests(&self) -> Result<Requests, String> {
        let Some(list) = &self.flow.decl.http else { return Ok(Requests { side: Side::Ingress, list: Vec::new() }) };
        let side = if self.is_proxied(self.pair.to.end) {
            Side::Ingress
        } else if self.is_proxied(self.pair.from.end) {
            Side::Egress
        } else {
            return Err("`http` is kept by Cilium at one of the ends, but neither runs in a managed namespace of a cluster with `policy: cilium`".to_owned());
        };
        if list.0.is_empty() {
            return Err("`http` lists no request; leave it out to let every request pass".to_owned());
        }
        if let Some(other) = self.flow.matches.iter().find(|m| m.protocol() != Some(6)) {
            return Err(format!("`http` runs over TCP, but its service holds {other}"));
        }
        if let Some(service) = self.flow.services.iter().find(|service| service.secure == Some(true)) {
            return Err(format!("`http` cannot be seen inside the encrypted service {}", service.expr));
        }
        let request =
            |rule: &Spanned<HttpRule>| Request { method: rule.method.value.0.clone(), path: rule.path.value.0.clone() };
        let mut list: Vec<Request> = list.0.iter().map(request).collect();
        list.sort();
        list.dedup();
        Ok(Requests { side, list })
    }

    /// The destination outside, narrowed to the names that the flow states.
    fn named(&self, outside: Addresses) -> Result<PodPeer, String> {
        let Some(names) = &self.flow.decl.fqdn else { return Ok(PodPeer::Outside(outside)) };
        self.no_names(self.pair.to.end)?;
        if !self.is_proxied(self.pair.from.end) {
            return Err("`fqdn` is kept by Cilium where the connection starts, which is no managed namespace of a cluster with `policy: cilium`".to_owned());
        }
        let cluster = self.site.cluster_of(self.pair.from.end).map(|id| &self.site.clusters[id]);
        if let Some(cluster) = cluster.filter(|cluster| cluster.decl.dns.is_none()) {
            return Err(format!(
                "Cilium keeps `fqdn` by reading the answers of the name service; state `dns` of cluster {}",
                cluster.name
            ));
        }
        let mut names: Vec<String> = names.0.iter().map(|name| name.value.0.clone()).collect();
        names.sort();
        names.dedup();
        Ok(PodPeer::Names(names, outside))
    }

    /// Names are for destinations outside the site.
    fn no_names(&self, to: End) -> Result<(), String> {
        let outside = match to {
            End::Network(_) => true,
            End::Component(id) => self.site.is(id, Property::Outside),
            _ => false,
        };
        if self.flow.decl.fqdn.is_some() && !outside {
            return Err("`fqdn` names a destination outside the site, and this one is inside".to_owned());
        }
        Ok(())
    }
}

/// The HTTP requests of a flow with the side that keeps them.
struct Requests {
    side: Side,
    list: Vec<Request>,
}

impl Requests {
    fn of(&self, side: Side) -> Vec<Request> {
        if side == self.side { self.list.clone() } else { Vec::new() }
    }
}

fn is_cilium(cluster: &Cluster) -> bool {
    cluster.decl.policy.value == PolicyDialect::Cilium
}

/// The name service that a cluster states.
pub(super) fn name_service(site: &Site, cluster: &Cluster) -> Result<Option<NameService>, PlanError> {
    site.name_service(cluster).map_err(|reason| PlanError {
        object: format!("cluster {}", cluster.name),
        span: cluster.span,
        reason,
    })
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
