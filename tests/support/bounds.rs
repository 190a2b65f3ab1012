//! What tenants may open at most, straight from the plan: shares nothing with the envelopes of targets and verify.

use super::Compiled;
use super::engine::Question;
use zonec::model::{ClusterId, End, ServiceMatch};
use zonec::plan::{ClusterPlan, PodPeer, Side};

/// Whether a connection stays, on both sides that the cluster enforces, inside what flows release for the namespace: anything
/// inside it, nodes, and of other namespaces and the outside the ports that some flow of the namespace needs.
pub fn may_be_open(compiled: &Compiled, plan: &ClusterPlan, question: &Question) -> bool {
    let bounds = Bounds { compiled, plan, question };
    bounds.side(&question.from, &question.to, Side::Egress) && bounds.side(&question.to, &question.from, Side::Ingress)
}

struct Bounds<'a> {
    compiled: &'a Compiled,
    plan: &'a ClusterPlan,
    question: &'a Question,
}

impl Bounds<'_> {
    fn side(&self, own: &str, other: &str, side: Side) -> bool {
        let site = &self.compiled.site;
        let Some((cluster, namespace)) = self.place(own) else { return true };
        let listed = site.clusters[self.plan.cluster].namespaces.iter().map(|id| &site.namespaces[*id]);
        let managed = listed.into_iter().any(|n| n.name == namespace && n.is_managed());
        if cluster != self.plan.cluster || !managed || other.starts_with("entity:") {
            return true;
        }
        let peer = self.place(other);
        if peer == Some((cluster, namespace)) {
            return true;
        }
        let here = |end: End| match end {
            End::Cluster(_) => true,
            _ => site.namespace_of(end).is_some_and(|id| site.namespaces[id].name == namespace),
        };
        let there = |end: End| match (end, peer) {
            (End::Cluster(id), Some((cluster, _))) => id == cluster,
            (_, Some((cluster, name))) => site.namespace_of(end).is_some_and(|id| {
                let found = &site.namespaces[id];
                found.cluster == cluster && found.name == name
            }),
            _ => false,
        };
        let address = other.strip_prefix("ip:").map(|address| address.parse::<std::net::IpAddr>().unwrap());
        let flows = self.plan.permits.iter().any(|permit| {
            let peer = match &permit.peer {
                PodPeer::Pods(end) => there(*end),
                PodPeer::Outside(all) | PodPeer::Names(_, all) => address.is_some_and(|address| all.contains(address)),
                PodPeer::Nodes(_) => false,
            };
            permit.side == side && here(permit.subject) && peer && self.holds(&permit.services)
        });
        flows
            || self.plan.name_service.as_ref().is_some_and(|service| {
                let home = (self.plan.cluster, site.namespaces[service.namespace].name.as_str());
                let asks = match side {
                    Side::Egress => peer == Some(home),
                    Side::Ingress => home.1 == namespace && peer.is_some_and(|(cluster, _)| cluster == home.0),
                };
                asks && self.holds(&service.services)
            })
    }

    fn holds(&self, services: &[ServiceMatch]) -> bool {
        services.iter().any(|service| match service {
            ServiceMatch::Ports(transport, ports) => {
                transport.word().eq_ignore_ascii_case(self.question.protocol) && ports.contains(self.question.port)
            }
            _ => false,
        })
    }

    /// Cluster and namespace of a pod: `namespace/pod`, `cluster:namespace/pod`.
    fn place<'q>(&self, end: &'q str) -> Option<(ClusterId, &'q str)> {
        if end.starts_with("entity:") || end.starts_with("ip:") {
            return None;
        }
        let (path, _) = end.split_once('/').unwrap();
        let Some((cluster, namespace)) = path.split_once(':') else { return Some((self.plan.cluster, path)) };
        let named = |decl: &zonec::model::site::Cluster| decl.decl.mesh_name.as_ref().map(|name| name.value.0.clone());
        let found = self.compiled.site.clusters.iter().find(|(_, other)| named(other).as_deref() == Some(cluster));
        Some((found.unwrap().0, namespace))
    }
}
