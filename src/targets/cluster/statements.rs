//! The plan of a cluster sorted into statements: one per flow, side and subject, each becomes one object.

use crate::model::{Addresses, ClusterId, ComponentId, End, Family, FlowId, NamespaceId, ServiceMatch, Site};
use crate::plan::{ClusterPlan, PodPeer, PodPermit, Request, Side};
use crate::syntax::objects::PoolRole;
use crate::targets::Refused;
use ipnet::IpNet;
use std::collections::BTreeMap;

/// Labels with their values.
pub type Labels = BTreeMap<String, String>;

/// What one object says: the subject's connections of one flow in one direction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// What is released.
    pub release: Release,
    /// The side.
    pub side: Side,
    /// The subject's namespace.
    pub namespace: NamespaceId,
    /// The subject.
    pub subject: Subject,
    /// Peers with the services that all of them have in common.
    pub rules: Vec<Rule>,
}

impl Statement {
    /// The flow, when it is one.
    #[must_use]
    pub const fn flow(&self) -> Option<FlowId> {
        match self.release {
            Release::Flow(flow) => Some(flow),
            Release::NameService => None,
        }
    }

    /// The labels of the subject's pods; none for every pod of the namespace.
    #[must_use]
    pub fn pods(&self, site: &Site) -> Labels {
        match &self.subject {
            Subject::Component(id) => pod_labels(site, *id),
            Subject::Labelled(labels) => labels.clone(),
            Subject::Namespace => Labels::new(),
        }
    }
}

/// What a statement comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// The cluster's `dns`.
    NameService,
    /// A flow.
    Flow(FlowId),
}

/// Whose connections a statement is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// All pods of the namespace.
    Namespace,
    /// The pods of a component.
    Component(ComponentId),
    /// Pods with labels.
    Labelled(Labels),
}

/// Peers × services × HTTP requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// The peers.
    pub peers: Vec<Peer>,
    /// The services at the destination.
    pub services: Vec<ServiceMatch>,
    /// The HTTP requests let pass; every packet when there are none.
    pub requests: Vec<Request>,
}

/// A peer as the policy APIs tell them apart.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Peer {
    /// The pods of a component, in this cluster or another one of its mesh.
    Component(ComponentId),
    /// Pods of a namespace with labels.
    Labelled(NamespaceId, Labels),
    /// The pods of a namespace.
    Namespace(NamespaceId),
    /// All pods of a cluster.
    Cluster(ClusterId),
    /// Addresses outside.
    Outside(Addresses),
    /// Addresses outside that the name service gives for some names, and the addresses that the flow releases.
    Names(Vec<String>, Addresses),
    /// The control plane's nodes, where the API server listens.
    ApiServer(Addresses),
    /// Other nodes of the cluster.
    Nodes(Addresses),
}

/// The labels that select a component's pods: those declared, else `app.kubernetes.io/name`.
#[must_use]
pub fn pod_labels(site: &Site, component: ComponentId) -> Labels {
    site.components[component].pod_labels()
}

/// Sorts a cluster's permits into statements, in order of namespace, subject, release, side.
///
/// # Errors
/// What no policy dialect can express, flow by flow.
pub fn statements(site: &Site, plan: &ClusterPlan) -> Result<Vec<Statement>, Vec<Refused>> {
    type Key = (NamespaceId, Subject, Release, Side);
    type Traffic = (Vec<ServiceMatch>, Vec<Request>);
    let mut grouped: BTreeMap<Key, BTreeMap<Traffic, Vec<Peer>>> = BTreeMap::new();
    let mut refused = Vec::new();
    for permit in &plan.permits {
        refused.extend(unseen(site, plan, permit).map(|reason| refusal(plan, permit.flow, reason)));
        match peers(site, plan.cluster, &permit.peer) {
            Ok(peers) => {
                let subjects = subjects(site, plan.cluster, permit.subject);
                for (namespace, subject) in subjects.into_iter().filter(|s| site.namespaces[s.0].is_managed()) {
                    let key = (namespace, subject, Release::Flow(permit.flow), permit.side);
                    let traffic = (permit.services.clone(), permit.requests.clone());
                    grouped.entry(key).or_default().entry(traffic).or_default().extend(peers.iter().cloned());
                }
            }
            Err(reason) => refused.push(refusal(plan, permit.flow, reason)),
        }
    }
    if !refused.is_empty() {
        refused.sort();
        refused.dedup();
        return Err(refused);
    }
    for (namespace, subject, side, peer, services) in name_service(site, plan) {
        let rules = grouped.entry((namespace, subject, Release::NameService, side)).or_default();
        rules.insert((services, Vec::new()), vec![peer]);
    }
    let rule = |((services, requests), peers)| Rule { peers: merged(peers), services, requests };
    let statements = grouped.into_iter().map(|((namespace, subject, release, side), rules)| Statement {
        release,
        side,
        namespace,
        subject,
        rules: rules.into_iter().map(rule).collect(),
    });
    Ok(statements.collect())
}

/// What the cluster's `dns` opens: every managed namespace may ask, and the name service may be asked.
fn name_service(site: &Site, plan: &ClusterPlan) -> Vec<(NamespaceId, Subject, Side, Peer, Vec<ServiceMatch>)> {
    let Some(service) = &plan.name_service else { return Vec::new() };
    let peer = Peer::Labelled(service.namespace, service.pods.clone());
    let managed = site.clusters[plan.cluster].namespaces.iter().filter(|id| site.namespaces[**id].is_managed());
    let asking = managed.map(|id| (*id, Subject::Namespace, Side::Egress, peer.clone(), service.services.clone()));
    let mut all: Vec<_> = asking.collect();
    if site.namespaces[service.namespace].is_managed() {
        let subject = Subject::Labelled(service.pods.clone());
        let peer = Peer::Cluster(plan.cluster);
        all.push((service.namespace, subject, Side::Ingress, peer, service.services.clone()));
    }
    all
}

fn refusal(plan: &ClusterPlan, flow: FlowId, reason: String) -> Refused {
    Refused { enforcer: plan.name.clone(), flow: Some(flow), reason }
}

/// Why policies cannot see one of the ends.
fn unseen(site: &Site, plan: &ClusterPlan, permit: &PodPermit) -> Option<String> {
    [permit.subject, permit.peer_end].into_iter().find_map(|end| {
        let managed = site.namespace_of(end).is_some_and(|id| site.namespaces[id].is_managed());
        let here = site.cluster_of(end).is_some_and(|id| id == plan.cluster || site.share_mesh(id, plan.cluster));
        let End::Component(id) = end else { return None };
        let on_host = site.components[id].decl.host_network.as_ref().is_some_and(|host| host.value);
        (managed && here && on_host).then(|| {
            let name = site.end_name(end);
            format!("{name} uses the node's network; policies neither select such pods nor see them as peers")
        })
    })
}

fn subjects(site: &Site, cluster: ClusterId, end: End) -> Vec<(NamespaceId, Subject)> {
    match end {
        End::Component(id) => {
            site.components[id].namespace.map(|namespace| (namespace, Subject::Component(id))).into_iter().collect()
        }
        End::Namespace(id) => vec![(id, Subject::Namespace)],
        End::Cluster(_) => site.clusters[cluster].namespaces.iter().map(|id| (*id, Subject::Namespace)).collect(),
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
        PodPeer::Pods(End::Cluster(id)) => vec![Peer::Cluster(*id)],
        PodPeer::Pods(_) => return Err("its peer is no pod".to_owned()),
        PodPeer::Nodes(_) => vec![Peer::Nodes(others)],
        PodPeer::Names(names, addresses) => {
            outside_only(site, cluster, addresses)?;
            if addresses.overlaps(&site.clusters[cluster].nodes()) {
                return Err("it names hosts outside, but its peer is a node of the cluster".to_owned());
            }
            vec![Peer::Names(names.clone(), addresses.clone())]
        }
        PodPeer::Outside(addresses) => {
            outside_only(site, cluster, addresses)?;
            let (api, node) = (addresses.intersection(&control_plane), addresses.intersection(&others));
            let outside = addresses.difference(&api).difference(&node);
            let parts = [Peer::ApiServer(api), Peer::Nodes(node), Peer::Outside(outside)];
            parts.into_iter().filter(|part| !part.addresses().is_some_and(Addresses::is_empty)).collect()
        }
    })
}

/// Policies never match pods, of the own cluster or of its mesh, by addresses; nor nodes of the mesh.
fn outside_only(site: &Site, cluster: ClusterId, addresses: &Addresses) -> Result<(), String> {
    let own = &site.clusters[cluster];
    if addresses.overlaps(&own.pods) || addresses.overlaps(&own.services) {
        return Err("its peer's addresses lie among the cluster's own pod or service addresses; policies never match those as addresses".to_owned());
    }
    for (id, other) in site.clusters.iter().filter(|(id, _)| site.share_mesh(*id, cluster)) {
        if addresses.overlaps(&other.pods) || addresses.overlaps(&other.nodes()) {
            let name = &site.clusters[id].name;
            return Err(format!(
                "its peer's addresses lie among pods or nodes of {name} in the same mesh; Cilium never matches those as addresses, so name the workload"
            ));
        }
    }
    Ok(())
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
