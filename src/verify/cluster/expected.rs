//! What the plan allows a cluster's pods, in the readers' terms.

use super::facts::{cluster_name, ports};
use super::members::Members;
use crate::model::{Addresses, End, Family, Site};
use crate::plan::{ClusterPlan, PodPeer, PodPermit, Request, Side};
use crate::readers::cluster::ports::everything;
use crate::readers::cluster::rule::{Direction, Entity};
use crate::readers::cluster::universe::Universe;
use crate::space::{Ranges, Reach};
use crate::syntax::objects::PoolRole;
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
    /// Per permit its peers and ports.
    permitted: Vec<(Ranges, Ranges)>,
    /// The pods of the name service.
    name_service: Ranges,
}

impl<'a> Expected<'a> {
    /// Sorts the permits of a plan by subject.
    #[must_use]
    pub(super) fn new(site: &'a Site, plan: &'a ClusterPlan, cilium: bool) -> Self {
        let cluster = &site.clusters[plan.cluster];
        let namespaces = cluster.namespaces.iter().map(|id| &site.namespaces[*id]);
        let managed = namespaces.filter(|namespace| namespace.is_managed());
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
            other_nodes: cluster.nodes().difference(&control_plane),
            control_plane,
            by_subject,
            members: Members::default(),
            permitted: Vec::new(),
            name_service: Ranges::EMPTY,
        }
    }

    /// Finds the pods of every component and the peers of every permit.
    pub(super) fn locate(&mut self, universe: &Universe) {
        self.members = Members::of(self.site, universe);
        let permitted = self.plan.permits.iter().map(|permit| (self.peers(universe, permit), ports(&permit.services)));
        self.permitted = permitted.collect();
        if let Some(service) = &self.plan.name_service {
            let home = self.pods(universe, End::Namespace(service.namespace));
            let asked = |number: &u32| {
                let labels = universe.pod(*number).map(|(_, pod)| &pod.labels);
                labels.is_some_and(|labels| service.pods.iter().all(|(key, value)| labels.get(key) == Some(value)))
            };
            self.name_service = home.numbers().filter(asked).map(|number| (number, number)).collect();
        }
    }

    /// Whether zonec decides about a namespace.
    #[must_use]
    pub fn is_managed(&self, namespace: &str) -> bool {
        self.managed.contains(namespace)
    }

    /// Every prefix that the plan tells apart from others.
    pub fn prefixes(&self) -> impl Iterator<Item = IpNet> {
        let of_permits = self.plan.permits.iter().filter_map(|permit| match &permit.peer {
            PodPeer::Outside(addresses) | PodPeer::Names(_, addresses) => Some(addresses),
            _ => None,
        });
        of_permits.chain([&self.control_plane, &self.other_nodes]).flat_map(Addresses::prefixes)
    }

    /// Every HTTP request that the plan tells apart from others.
    pub fn requests(&self) -> impl Iterator<Item = String> {
        self.plan.permits.iter().flat_map(|permit| &permit.requests).map(request)
    }

    /// What a pod may open or accept; with a request, what it may open or accept for that one.
    #[must_use]
    pub fn reach(&self, universe: &Universe, pod: u32, direction: Direction, asked: Option<&str>) -> Reach {
        let mut products: Vec<(&Ranges, &Ranges)> = Vec::new();
        if let Some((namespace, _)) = universe.pod(pod) {
            let components = self.members.components(pod).iter().map(|id| place_of(self.site, End::Component(*id)));
            for subject in components.chain([format!("{}/", namespace.name), String::new()]) {
                for (permit, peers, ports) in self.permits(direction, &subject) {
                    let passes = |wanted: &str| permit.requests.iter().any(|known| request(known) == wanted);
                    if permit.requests.is_empty() || asked.is_none_or(passes) {
                        products.push((peers, ports));
                    }
                }
            }
        }
        let name_service = self.name_service(universe, pod, direction);
        products.extend(name_service.as_ref().map(|(peers, ports)| (*peers, ports)));
        // The own node reaches its pods, whatever policies say: Kubernetes wants its probes to work.
        let host = universe.special(Entity::Host).filter(|_| direction == Direction::Ingress).map(Ranges::one);
        let everything = everything();
        products.extend(host.as_ref().map(|host| (host, &everything)));
        Reach::of(products)
    }

    /// The source addresses with which a pod's connections leave the cluster: where to, and with which address. Nothing
    /// where the site leaves it to the nodes or to something that is no Cilium.
    pub(super) fn leaves(&self, universe: &Universe, pod: u32) -> Vec<(Ranges, IpAddr)> {
        let mut found = Vec::new();
        if !self.cilium {
            return found;
        }
        for id in self.members.components(pod) {
            let place = place_of(self.site, End::Component(*id));
            for (permit, ..) in self.permits(Direction::Egress, &place) {
                let (PodPeer::Outside(addresses) | PodPeer::Names(_, addresses)) = &permit.peer else { continue };
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

    /// What the name service adds for a pod: every pod may ask it.
    pub(super) fn name_service<'s>(
        &'s self,
        universe: &'s Universe,
        pod: u32,
        way: Direction,
    ) -> Option<(&'s Ranges, Ranges)> {
        let service = self.plan.name_service.as_ref()?;
        match way {
            Direction::Egress => Some((&self.name_service, ports(&service.services))),
            Direction::Ingress if self.name_service.contains(pod) => {
                Some((universe.own_pods(), ports(&service.services)))
            }
            Direction::Ingress => None,
        }
    }

    /// The permits of all subjects in a namespace, in one direction, with their peers and ports.
    pub(super) fn of_namespace(
        &self,
        namespace: &str,
        direction: Direction,
    ) -> impl Iterator<Item = (&'a PodPermit, &Ranges, &Ranges)> {
        let first = format!("{namespace}/");
        let inside = self.by_subject.range((direction, first.clone())..);
        let inside = inside.take_while(move |((way, subject), _)| *way == direction && subject.starts_with(&first));
        let everywhere = self.by_subject.get(&(direction, String::new()));
        inside.map(|(_, places)| places).chain(everywhere).flatten().filter_map(|place| self.permitted(*place))
    }

    fn permits(&self, direction: Direction, subject: &str) -> impl Iterator<Item = (&'a PodPermit, &Ranges, &Ranges)> {
        let places = self.by_subject.get(&(direction, subject.to_owned()));
        places.into_iter().flatten().filter_map(|place| self.permitted(*place))
    }

    fn permitted(&self, place: usize) -> Option<(&'a PodPermit, &Ranges, &Ranges)> {
        let (peers, ports) = self.permitted.get(place)?;
        Some((self.plan.permits.get(place)?, peers, ports))
    }

    /// Addresses behind the names of a permit, which a guardrail, which knows no names, has to leave open.
    pub(super) fn behind_names(&self, universe: &Universe, permit: &PodPermit) -> Option<Ranges> {
        match &permit.peer {
            PodPeer::Names(_, addresses) => Some(self.addresses(universe, addresses)),
            _ => None,
        }
    }

    fn peers(&self, universe: &Universe, permit: &PodPermit) -> Ranges {
        match &permit.peer {
            PodPeer::Pods(end) => self.pods(universe, *end),
            PodPeer::Nodes(_) => self.addresses(universe, &self.other_nodes),
            PodPeer::Outside(addresses) => self.addresses(universe, addresses),
            PodPeer::Names(names, _) => {
                names.iter().filter_map(|name| universe.host_name(name)).map(|number| (number, number)).collect()
            }
        }
    }

    fn pods(&self, universe: &Universe, end: End) -> Ranges {
        match end {
            End::Component(id) => self.members.pods(id),
            End::Namespace(id) => {
                let wanted = &self.site.namespaces[id];
                universe.namespace_pods(&cluster_name(&self.site.clusters[wanted.cluster]), &wanted.name)
            }
            End::Cluster(id) => universe.cluster_pods(&cluster_name(&self.site.clusters[id])),
            _ => Ranges::EMPTY,
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

/// A request as the reader writes it.
fn request(request: &Request) -> String {
    format!("method {}, path {}", request.method, request.path)
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
