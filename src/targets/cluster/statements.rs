//! The plan of a cluster sorted into statements: one per flow, side and subject, each becomes one object.

use crate::model::site::Namespace;
use crate::model::{Addresses, ClusterId, ComponentId, End, Family, FlowId, NamespaceId, ServiceMatch, Site};
use crate::plan::{ClusterPlan, PodPeer, Side};
use crate::syntax::objects::PoolRole;
use crate::targets::Refused;
use ipnet::IpNet;
use std::collections::BTreeMap;

/// What one object says: the subject's connections of one flow in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// The flow.
    pub flow: FlowId,
    /// The side.
    pub side: Side,
    /// The subject's namespace.
    pub namespace: NamespaceId,
    /// The subject; all pods of the namespace when none.
    pub component: Option<ComponentId>,
    /// Peers with the services that all of them have in common.
    pub rules: Vec<Rule>,
}

/// Peers × services.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The peers.
    pub peers: Vec<Peer>,
    /// The services at the destination.
    pub services: Vec<ServiceMatch>,
}

/// A peer as the policy APIs tell them apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// The pods of a component.
    Component(ComponentId),
    /// The pods of a namespace.
    Namespace(NamespaceId),
    /// All pods of the cluster.
    Cluster,
    /// Addresses outside.
    Outside(Addresses),
    /// The control plane's nodes, where the API server listens.
    ApiServer(Addresses),
    /// Other nodes of the cluster.
    Nodes(Addresses),
}

/// Whether zonec decides what the pods of a namespace may do. Namespaces of the platform are left to it: a default deny
/// there would cut off what keeps the cluster alive.
#[must_use]
pub fn managed(namespace: &Namespace) -> bool {
    namespace.decl.system.as_ref().is_none_or(|system| !system.value)
}

/// The labels that select a component's pods: those declared, else `app.kubernetes.io/name`.
#[must_use]
pub fn pod_labels(site: &Site, component: ComponentId) -> BTreeMap<String, String> {
    let item = &site.components[component];
    match &item.decl.pods {
        Some(entries) if !entries.0.is_empty() => {
            entries.0.iter().map(|(key, value)| (key.value.0.clone(), value.value.0.clone())).collect()
        }
        _ => BTreeMap::from([("app.kubernetes.io/name".to_owned(), item.name.clone())]),
    }
}

/// Sorts a cluster's permits into statements, in order of namespace, component, flow, side.
///
/// # Errors
/// What no policy dialect can express, flow by flow.
pub fn statements(site: &Site, plan: &ClusterPlan) -> Result<Vec<Statement>, Vec<Refused>> {
    type Key = (NamespaceId, Option<ComponentId>, FlowId, Side);
    let mut grouped: BTreeMap<Key, BTreeMap<Vec<ServiceMatch>, Vec<Peer>>> = BTreeMap::new();
    let mut refused = Vec::new();
    for permit in &plan.permits {
        let subjects = subjects(site, plan.cluster, permit.subject);
        match peers(site, plan.cluster, &permit.peer) {
            Ok(peers) => {
                for (namespace, component) in subjects.into_iter().filter(|s| managed(&site.namespaces[s.0])) {
                    let key = (namespace, component, permit.flow, permit.side);
                    let rules = grouped.entry(key).or_default();
                    rules.entry(permit.services.clone()).or_default().extend(peers.iter().cloned());
                }
            }
            Err(reason) => refused.push(refusal(plan, permit.flow, reason)),
        }
        if same_mesh(site, plan.cluster, permit.peer_end) {
            let reason = "its peer runs in another cluster of the same mesh, whose pods Cilium never matches by address; this version writes no such flows".to_owned();
            refused.push(refusal(plan, permit.flow, reason));
        }
        for end in [permit.subject, permit.peer_end] {
            if let End::Component(id) = end
                && uses_host_network(site, id, plan.cluster)
            {
                let reason = format!(
                    "{} uses the node's network; policies neither select such pods nor see them as peers",
                    site.end_name(end)
                );
                refused.push(refusal(plan, permit.flow, reason));
            }
        }
    }
    if site.clusters[plan.cluster].decl.dns.is_some() {
        let reason = "`dns` does not open anything by itself; describe the name service as a component of its namespace and write flows to it".to_owned();
        refused.push(Refused { enforcer: plan.name.clone(), flow: None, reason });
    }
    if !refused.is_empty() {
        refused.sort();
        refused.dedup();
        return Err(refused);
    }
    let statements = grouped.into_iter().map(|((namespace, component, flow, side), rules)| Statement {
        flow,
        side,
        namespace,
        component,
        rules: rules.into_iter().map(|(services, peers)| Rule { peers: merged(peers), services }).collect(),
    });
    Ok(statements.collect())
}

fn refusal(plan: &ClusterPlan, flow: FlowId, reason: String) -> Refused {
    Refused { enforcer: plan.name.clone(), flow: Some(flow), reason }
}

fn uses_host_network(site: &Site, id: ComponentId, cluster: ClusterId) -> bool {
    let component = &site.components[id];
    let here = component.namespace.is_some_and(|namespace| {
        let namespace = &site.namespaces[namespace];
        namespace.cluster == cluster && managed(namespace)
    });
    here && component.decl.host_network.as_ref().is_some_and(|host| host.value)
}

/// Whether an end runs in another cluster that shares a mesh with this one.
fn same_mesh(site: &Site, cluster: ClusterId, end: End) -> bool {
    let home = match end {
        End::Component(id) => site.components[id].namespace.map(|id| site.namespaces[id].cluster),
        End::Namespace(id) => Some(site.namespaces[id].cluster),
        End::Cluster(id) => Some(id),
        _ => None,
    };
    let mesh = |id: ClusterId| site.clusters[id].decl.mesh.as_ref().map(|mesh| mesh.value.0.as_str());
    home.is_some_and(|home| home != cluster && mesh(home).is_some() && mesh(home) == mesh(cluster))
}

fn subjects(site: &Site, cluster: ClusterId, end: End) -> Vec<(NamespaceId, Option<ComponentId>)> {
    match end {
        End::Component(id) => {
            site.components[id].namespace.map(|namespace| (namespace, Some(id))).into_iter().collect()
        }
        End::Namespace(id) => vec![(id, None)],
        End::Cluster(_) => site.clusters[cluster].namespaces.iter().map(|id| (*id, None)).collect(),
        _ => Vec::new(),
    }
}

fn peers(site: &Site, cluster: ClusterId, peer: &PodPeer) -> Result<Vec<Peer>, String> {
    let nodes = |role: fn(PoolRole) -> bool| {
        let pools = site.clusters[cluster].pools.iter().filter(|pool| role(pool.decl.role.value));
        pools.fold(Addresses::default(), |all, pool| all.union(&pool.addresses))
    };
    let control_plane = nodes(|role| role == PoolRole::ControlPlane);
    let others = nodes(|role| role != PoolRole::ControlPlane);
    Ok(match peer {
        PodPeer::Pods(End::Component(id)) => vec![Peer::Component(*id)],
        PodPeer::Pods(End::Namespace(id)) => vec![Peer::Namespace(*id)],
        PodPeer::Pods(_) => vec![Peer::Cluster],
        PodPeer::Nodes(_) => vec![Peer::Nodes(others)],
        PodPeer::Outside(addresses) => {
            let item = &site.clusters[cluster];
            if addresses.overlaps(&item.pods) || addresses.overlaps(&item.services) {
                return Err("its peer's addresses lie among the cluster's own pod or service addresses; policies never match those as addresses".to_owned());
            }
            let (api, node) = (addresses.intersection(&control_plane), addresses.intersection(&others));
            let outside = addresses.difference(&api).difference(&node);
            let parts = [Peer::ApiServer(api), Peer::Nodes(node), Peer::Outside(outside)];
            parts.into_iter().filter(|part| !part.addresses().is_some_and(Addresses::is_empty)).collect()
        }
    })
}

impl Peer {
    /// The addresses, when the peer is known by addresses.
    #[must_use]
    pub const fn addresses(&self) -> Option<&Addresses> {
        match self {
            Self::Outside(addresses) | Self::ApiServer(addresses) | Self::Nodes(addresses) => Some(addresses),
            _ => None,
        }
    }
}

/// Sorted, without doubles, outside addresses united.
fn merged(peers: Vec<Peer>) -> Vec<Peer> {
    let (mut outside, mut rest) = (Addresses::default(), Vec::new());
    for peer in peers {
        match peer {
            Peer::Outside(addresses) => outside = outside.union(&addresses),
            other => rest.push(other),
        }
    }
    if !outside.is_empty() {
        rest.push(Peer::Outside(outside));
    }
    rest.sort();
    rest.dedup();
    rest
}

/// Address blocks: a prefix and what is taken out of it.
pub type Blocks = Vec<(IpNet, Vec<IpNet>)>;

/// A set of addresses as blocks: prefixes, or everything without the rest where that is shorter (the Internet).
#[must_use]
pub fn blocks(addresses: &Addresses) -> Blocks {
    let mut found = Vec::new();
    for (family, everything) in [(Family::V4, "0.0.0.0/0"), (Family::V6, "::/0")] {
        let Ok(whole) = everything.parse::<IpNet>() else { continue };
        let prefixes = addresses.only(family).prefixes();
        let rest = Addresses::from_nets([&whole]).difference(addresses).prefixes();
        if prefixes.len() > 1 + rest.len() {
            found.push((whole, rest));
        } else {
            found.extend(prefixes.into_iter().map(|prefix| (prefix, Vec::new())));
        }
    }
    found
}
