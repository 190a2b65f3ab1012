//! What the plan allows a cluster's pods, in the readers' terms.

use super::facts::{cluster_name, nodes, ports};
use super::members::Members;
use crate::model::{Addresses, End, Family, Site};
use crate::plan::{ClusterPlan, PodPeer, PodPermit, Side};
use crate::readers::cluster::ports::everything;
use crate::readers::cluster::rule::{Direction, Entity};
use crate::readers::cluster::universe::Universe;
use crate::space::{Ranges, Reach};
use crate::syntax::objects::{EgressMode, PoolRole};
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The plan of a cluster, ready to be asked pod by pod.
pub struct Expected<'a> {
    site: &'a Site,
    plan: &'a ClusterPlan,
    cilium: bool,
    managed: BTreeSet<&'a str>,
    control_plane: Addresses,
    other_nodes: Addresses,
    /// Places of permits by direction and subject: `namespace/component`, `namespace/`, or empty for the cluster.
    by_subject: BTreeMap<(Direction, String), Vec<usize>>,
    members: Members,
}

impl<'a> Expected<'a> {
    /// Sorts the permits of a plan by subject.
    #[must_use]
    pub(super) fn new(site: &'a Site, plan: &'a ClusterPlan, cilium: bool) -> Self {
        let cluster = &site.clusters[plan.cluster];
        let namespaces = cluster.namespaces.iter().map(|id| &site.namespaces[*id]);
        let managed = namespaces.filter(|n| n.decl.system.as_ref().is_none_or(|system| !system.value));
        let control = cluster.pools.iter().filter(|pool| pool.decl.role.value == PoolRole::ControlPlane);
        let control_plane = control.fold(Addresses::default(), |all, pool| all.union(&pool.addresses));
        let mut by_subject: BTreeMap<(Direction, String), Vec<usize>> = BTreeMap::new();
        for (place, permit) in plan.permits.iter().enumerate() {
            by_subject.entry((direction(permit.side), place_of(site, permit.subject))).or_default().push(place);
        }
        Self {
            site,
            plan,
            cilium,
            managed: managed.map(|namespace| namespace.name.as_str()).collect(),
            other_nodes: nodes(cluster).difference(&control_plane),
            control_plane,
            by_subject,
            members: Members::default(),
        }
    }

    /// Finds the pods of every component.
    pub(super) fn locate(&mut self, universe: &Universe) {
        self.members = Members::of(self.site, universe);
    }

    /// Whether zonec decides about a namespace.
    #[must_use]
    pub fn is_managed(&self, namespace: &str) -> bool {
        self.managed.contains(namespace)
    }

    /// Every prefix that the plan tells apart from others.
    pub fn prefixes(&self) -> impl Iterator<Item = IpNet> {
        let of_permits = self.plan.permits.iter().filter_map(|permit| match &permit.peer {
            PodPeer::Outside(addresses) => Some(addresses),
            _ => None,
        });
        of_permits.chain([&self.control_plane, &self.other_nodes]).flat_map(Addresses::prefixes)
    }

    /// What a pod may open or accept.
    #[must_use]
    pub fn reach(&self, universe: &Universe, pod: u32, direction: Direction) -> Reach {
        let mut products: Vec<(Ranges, Ranges)> = Vec::new();
        if let Some((namespace, _)) = universe.pod(pod) {
            let components = self.members.components(pod).iter().map(|id| place_of(self.site, End::Component(*id)));
            for subject in components.chain([format!("{}/", namespace.name), String::new()]) {
                for permit in self.permits(direction, &subject) {
                    products.push((self.peers(universe, permit), ports(&permit.services)));
                }
            }
        }
        // The own node reaches its pods, whatever policies say: Kubernetes wants its probes to work.
        if direction == Direction::Ingress
            && let Some(host) = universe.special(Entity::Host)
        {
            products.push((Ranges::one(host), everything()));
        }
        Reach::of(products.iter().map(|(peers, ports)| (peers, ports)))
    }

    /// The source addresses with which a pod's connections leave the cluster: where to, and with which address. Nothing
    /// where the site leaves it to the nodes.
    pub(super) fn leaves(&self, universe: &Universe, pod: u32) -> Vec<(Ranges, IpAddr)> {
        let mut found = Vec::new();
        if self.site.clusters[self.plan.cluster].egress() != EgressMode::Gateway {
            return found;
        }
        for id in self.members.components(pod) {
            let place = place_of(self.site, End::Component(*id));
            for permit in self.permits(Direction::Egress, &place) {
                let PodPeer::Outside(addresses) = &permit.peer else { continue };
                for family in Family::BOTH {
                    if let Some(address) = self.site.components[*id].egress_addresses.first(family) {
                        found.push((cells(universe, &addresses.only(family)), address));
                    }
                }
            }
        }
        found
    }

    /// The label of the nodes by which connections leave the cluster.
    pub(super) fn egress_pool(&self) -> Option<&'a str> {
        let pools = &self.site.clusters[self.plan.cluster].pools;
        pools.iter().find(|pool| pool.decl.role.value == PoolRole::Egress).map(|pool| pool.name.as_str())
    }

    /// The permits of all subjects in a namespace, in one direction.
    pub(super) fn of_namespace(&self, namespace: &str, direction: Direction) -> impl Iterator<Item = &'a PodPermit> {
        let wanted = format!("{namespace}/");
        let places = self.by_subject.iter().filter(move |((way, subject), _)| {
            *way == direction && (subject.is_empty() || subject.starts_with(&wanted))
        });
        places.flat_map(|(_, places)| places).filter_map(|place| self.plan.permits.get(*place))
    }

    fn permits(&self, direction: Direction, subject: &str) -> impl Iterator<Item = &'a PodPermit> {
        let places = self.by_subject.get(&(direction, subject.to_owned()));
        places.into_iter().flatten().filter_map(|place| self.plan.permits.get(*place))
    }

    pub(super) fn peers(&self, universe: &Universe, permit: &PodPermit) -> Ranges {
        match &permit.peer {
            PodPeer::Pods(end) => self.pods(universe, *end),
            PodPeer::Nodes(_) => self.addresses(universe, &self.other_nodes),
            PodPeer::Outside(addresses) => self.addresses(universe, addresses),
        }
    }

    fn pods(&self, universe: &Universe, end: End) -> Ranges {
        match end {
            End::Component(id) => self.members.pods(id),
            End::Namespace(id) => {
                let wanted = &self.site.namespaces[id];
                let cluster = cluster_name(&self.site.clusters[wanted.cluster]);
                let found = universe.namespaces().find(|(n, _)| n.name == wanted.name && n.cluster == cluster);
                found.map(|(_, pods)| pods).unwrap_or_default()
            }
            _ => universe.own_pods(),
        }
    }

    /// Cells, and with Cilium the entities that nodes are there.
    fn addresses(&self, universe: &Universe, addresses: &Addresses) -> Ranges {
        let mut found = vec![cells(universe, addresses)];
        if self.cilium {
            let mut entities = Vec::new();
            if addresses.overlaps(&self.control_plane) {
                entities.push(Entity::KubeApiServer);
            }
            if addresses.overlaps(&self.other_nodes) {
                // Cilium knows the API server as one of the remote nodes.
                entities.extend([Entity::Host, Entity::RemoteNode, Entity::KubeApiServer]);
            }
            found.extend(entities.into_iter().filter_map(|entity| universe.special(entity)).map(Ranges::one));
        }
        found.iter().collect()
    }
}

const fn direction(side: Side) -> Direction {
    match side {
        Side::Ingress => Direction::Ingress,
        Side::Egress => Direction::Egress,
    }
}

/// `namespace/component`, `namespace/`, or nothing for a whole cluster.
fn place_of(site: &Site, end: End) -> String {
    match end {
        End::Component(id) => {
            let component = &site.components[id];
            component.namespace.map(|n| format!("{}/{}", site.namespaces[n].name, component.name)).unwrap_or_default()
        }
        End::Namespace(id) => format!("{}/", site.namespaces[id].name),
        _ => String::new(),
    }
}

/// The outside cells of some addresses.
fn cells(universe: &Universe, addresses: &Addresses) -> Ranges {
    addresses.prefixes().iter().map(|prefix| universe.block(*prefix, &[])).collect::<Vec<_>>().iter().collect()
}
