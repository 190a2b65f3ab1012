//! What the model says of a cluster, in the readers' terms.

use crate::model::site::{Cluster, Component};
use crate::model::{ClusterId, ServiceMatch, Site};
use crate::readers::cluster::facts::{ClusterFacts, NamespaceFacts, PodFacts};
use crate::syntax::objects::PolicyDialect;
use std::collections::BTreeMap;

/// Name of the pod without labels that stands in every namespace for whatever no component claims.
pub const PROBE: &str = "zonec.probe";

/// The cluster and the others of its mesh, with their namespaces and one pod per component.
#[must_use]
pub fn facts(site: &Site, id: ClusterId) -> ClusterFacts {
    let cluster = &site.clusters[id];
    let cilium = is_cilium(cluster);
    let mut inside = cluster.pods.clone();
    if cilium {
        inside = inside.union(&cluster.nodes());
    }
    let mut namespaces = namespaces(site, id);
    for (other, neighbour) in site.clusters.iter().filter(|(other, _)| site.share_mesh(*other, id)) {
        namespaces.extend(self::namespaces(site, other));
        if cilium {
            inside = inside.union(&neighbour.pods).union(&neighbour.nodes());
        }
    }
    let names = site.flows.values().flat_map(|flow| &flow.decl.fqdn).flat_map(|names| &names.0);
    ClusterFacts {
        name: cluster_name(cluster),
        cilium,
        local_by_default: true,
        meshed: cluster.mesh().is_some(),
        names: names.map(|name| name.value.0.clone()).collect(),
        inside: inside.prefixes(),
        namespaces,
    }
}

fn namespaces(site: &Site, id: ClusterId) -> Vec<NamespaceFacts> {
    let cluster = &site.clusters[id];
    let mut namespaces: Vec<NamespaceFacts> = Vec::new();
    for namespace in cluster.namespaces.iter().map(|id| &site.namespaces[*id]) {
        let labels = namespace.decl.labels.iter().flat_map(|entries| &entries.0);
        namespaces.push(NamespaceFacts {
            cluster: cluster_name(cluster),
            name: namespace.name.clone(),
            labels: labels.map(|(key, value)| (key.value.0.clone(), value.value.0.clone())).collect(),
            pods: vec![PodFacts { name: PROBE.to_owned(), ..PodFacts::default() }],
        });
    }
    let places: BTreeMap<String, usize> = (0..).zip(&namespaces).map(|(place, n)| (n.name.clone(), place)).collect();
    for component in site.components.values() {
        let Some(namespace) = component.namespace.map(|id| &site.namespaces[id]).filter(|n| n.cluster == id) else {
            continue;
        };
        if let Some(home) = places.get(&namespace.name).and_then(|place| namespaces.get_mut(*place)) {
            home.pods.push(PodFacts { name: component.name.clone(), labels: labels(component), ..PodFacts::default() });
        }
    }
    namespaces
}

/// The labels of a component's pods: those declared, else `app.kubernetes.io/name`.
pub(super) fn labels(component: &Component) -> BTreeMap<String, String> {
    match &component.decl.pods {
        Some(entries) if !entries.0.is_empty() => {
            entries.0.iter().map(|(key, value)| (key.value.0.clone(), value.value.0.clone())).collect()
        }
        _ => BTreeMap::from([("app.kubernetes.io/name".to_owned(), component.name.clone())]),
    }
}

/// The name that selectors on the cluster see.
pub(super) fn cluster_name(cluster: &Cluster) -> String {
    cluster.decl.mesh_name.as_ref().map_or_else(|| cluster.name.clone(), |name| name.value.0.clone())
}

fn is_cilium(cluster: &Cluster) -> bool {
    let stated = cluster.decl.cni.as_ref().is_some_and(|cni| cni.value.0.starts_with("cilium"));
    stated || cluster.decl.policy.value == PolicyDialect::Cilium
}

/// The readers' numbers of a service.
pub(super) fn ports(services: &[ServiceMatch]) -> crate::space::Ranges {
    use crate::readers::cluster::ports::{Port, Transport, ports};
    use crate::space::Ranges;
    let mut all = Ranges::EMPTY;
    for service in services {
        let numbers = match service {
            ServiceMatch::Ports(transport, list) => {
                let transport = match transport {
                    crate::syntax::service::Transport::Tcp => Transport::Tcp,
                    crate::syntax::service::Transport::Udp => Transport::Udp,
                    crate::syntax::service::Transport::Sctp => Transport::Sctp,
                };
                list.intervals()
                    .iter()
                    .map(|(first, last)| ports(transport, *first, *last))
                    .collect::<Vec<_>>()
                    .iter()
                    .collect()
            }
            ServiceMatch::Icmp(kind) => Ranges::one(Port::Icmp(*kind).number()),
            ServiceMatch::Icmpv6(kind) => Ranges::one(Port::Icmpv6(*kind).number()),
            ServiceMatch::Protocol(number) => Ranges::one(Port::Protocol(*number).number()),
            ServiceMatch::Any => Ranges::EMPTY,
        };
        all = all.union(&numbers);
    }
    all
}
