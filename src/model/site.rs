//! The resolved site. Every entity keeps its declaration (attributes with their places) beside what was resolved.

use super::address::Addresses;
use super::blueprint::{Blueprint, Class, Kind, Property};
use super::ids::{
    ClusterId, ComponentId, DeviationId, FlowId, GatewayId, GroupId, NamespaceId, NetworkId, PlatformId, SegmentId,
    Table, UplinkId, ZoneId,
};
use super::service::ServiceMatch;
use crate::source::{Date, Span};
use crate::syntax::document as decl;
use crate::syntax::objects as obj;
use crate::syntax::scalars::Ref;
use crate::syntax::service::ServiceExpr;
use std::collections::BTreeMap;

/// What a name of the shared name space stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Object {
    /// An outside network.
    Network(NetworkId),
    /// A zone.
    Zone(ZoneId),
    /// A segment.
    Segment(SegmentId),
    /// A gateway.
    Gateway(GatewayId),
    /// A cluster.
    Cluster(ClusterId),
    /// A namespace.
    Namespace(NamespaceId),
    /// A component.
    Component(ComponentId),
    /// A group.
    Group(GroupId),
}

/// Where an interface or leg stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Place {
    /// An outside network.
    Network(NetworkId),
    /// A segment of the site.
    Segment(SegmentId),
}

/// An end of a flow after groups are expanded.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum End {
    /// An outside network: every address in it.
    Network(NetworkId),
    /// A whole zone (ZM-FLO-03).
    Zone(ZoneId),
    /// Every member of a segment.
    Segment(SegmentId),
    /// The filter host itself.
    Gateway(GatewayId),
    /// Every pod of a cluster (ZM-FLO-03).
    Cluster(ClusterId),
    /// Every pod of a namespace.
    Namespace(NamespaceId),
    /// A component.
    Component(ComponentId),
}

/// An end of a flow with the place that names it (the group's, when it came out of a group).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct EndRef {
    /// The end.
    pub end: End,
    /// Where the flow names it.
    pub span: Span,
}

/// Role of a leg (language reference, "Management leg").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum LegRole {
    /// Carries the traffic of applications.
    Data,
    /// Carries administration only.
    Mgmt,
}

/// A leg of a component or cluster, or an interface of a gateway, without its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Leg {
    /// Where it stands.
    pub place: Place,
    /// Its addresses there.
    pub addresses: Addresses,
    /// The key that names the place.
    pub span: Span,
    /// Data or management.
    pub role: LegRole,
}

/// An outside network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Network {
    /// Name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// As declared.
    pub decl: decl::Network,
    /// Its addresses; for the Internet the complement of everything owned.
    pub addresses: Addresses,
}

impl Network {
    /// Whether it is the Internet.
    #[must_use]
    pub fn is_internet(&self) -> bool {
        self.decl.kind.value == decl::NetworkKind::Internet
    }

    /// Trust: the Internet is untrusted, and so is what states nothing (ZM-MOD-03).
    #[must_use]
    pub fn trust(&self) -> decl::Trust {
        match &self.decl.trust {
            Some(trust) if !self.is_internet() => trust.value,
            _ => decl::Trust::Untrusted,
        }
    }
}

/// A zone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Zone {
    /// Name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// As declared.
    pub decl: decl::Zone,
    /// Name of its class; empty when not stated (ZM-MOD-02).
    pub class: String,
    /// Its segments.
    pub segments: Vec<SegmentId>,
}

/// A segment.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Segment {
    /// Name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// Its zone.
    pub zone: ZoneId,
    /// As declared; for a zone with one unnamed segment made from the zone's own keys.
    pub decl: decl::Segment,
    /// Its prefixes united.
    pub addresses: Addresses,
    /// Routed through. Segments of class `uplink` are.
    pub transit: bool,
}

/// An interface of a gateway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Interface {
    /// Name in the kernel.
    pub name: String,
    /// Place, own addresses, place in the source, role.
    pub leg: Leg,
}

/// A gateway: a packet filter.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gateway {
    /// Name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// As declared.
    pub decl: obj::Gateway,
    /// Interfaces in order of name.
    pub interfaces: Vec<Interface>,
    /// Chassis.
    pub host: String,
    /// Devices that run its ruleset; its own name when none is listed.
    pub replicas: Vec<String>,
}

impl Gateway {
    /// Stage, if stated.
    #[must_use]
    pub fn stage(&self) -> Option<obj::Stage> {
        self.decl.stage.as_ref().map(|stage| stage.value)
    }

    /// Whether it counts as a stateful filter at layer 4 or above (PF4 of the rules).
    #[must_use]
    pub fn is_layer4(&self) -> bool {
        self.is_stateful() && self.decl.layer.as_ref().is_none_or(|layer| layer.value >= 4)
    }

    /// Whether it keeps state.
    #[must_use]
    pub fn is_stateful(&self) -> bool {
        self.decl.stateful.as_ref().is_none_or(|stateful| stateful.value)
    }

    /// Whether it denies what no flow allows.
    #[must_use]
    pub fn denies_by_default(&self) -> bool {
        self.decl.default.as_ref().is_none_or(|default| default.value == obj::DefaultVerdict::Deny)
    }

    /// Whether an nftables ruleset is generated for it.
    #[must_use]
    pub fn is_generated(&self) -> bool {
        self.decl.target.as_ref().is_none_or(|target| target.value == obj::GatewayTarget::Nftables)
    }
}

/// A node pool of a cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NodePool {
    /// Name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// As declared.
    pub decl: obj::NodePool,
    /// The segment the nodes stand in.
    pub segment: SegmentId,
    /// Node addresses.
    pub addresses: Addresses,
}

/// A Kubernetes cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Cluster {
    /// Name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// As declared.
    pub decl: obj::Cluster,
    /// The zone it stands in.
    pub zone: ZoneId,
    /// Node pools in order of name.
    pub pools: Vec<NodePool>,
    /// Management interfaces of the nodes.
    pub management: Option<Leg>,
    /// Pod prefixes.
    pub pods: Addresses,
    /// Service prefixes.
    pub services: Addresses,
    /// Namespaces in order of name.
    pub namespaces: Vec<NamespaceId>,
}

impl Cluster {
    /// The mesh it belongs to. A name in a mesh without the mesh's own: all such clusters are one mesh.
    #[must_use]
    pub fn mesh(&self) -> Option<&str> {
        let stated = self.decl.mesh.as_ref().map(|mesh| mesh.value.0.as_str());
        stated.or_else(|| self.decl.mesh_name.as_ref().map(|_| ""))
    }

    /// The addresses of its nodes.
    #[must_use]
    pub fn nodes(&self) -> Addresses {
        self.pools.iter().fold(Addresses::default(), |all, pool| all.union(&pool.addresses))
    }

    /// How pods leave the cluster.
    #[must_use]
    pub fn egress(&self) -> obj::EgressMode {
        self.decl.egress.as_ref().map_or(obj::EgressMode::Nodes, |mode| mode.value)
    }
}

/// A namespace.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Namespace {
    /// `cluster/namespace`.
    pub path: String,
    /// Name without the cluster.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// Its cluster.
    pub cluster: ClusterId,
    /// As declared.
    pub decl: obj::Namespace,
}

impl Namespace {
    /// Whether zonec decides what its pods may do. Namespaces of the platform (`system: true`) are left to it: a default
    /// deny there would cut off what keeps the cluster alive.
    #[must_use]
    pub fn is_managed(&self) -> bool {
        self.decl.system.as_ref().is_none_or(|system| !system.value)
    }

    /// Whether everything no flow allows is denied in it.
    #[must_use]
    pub fn denies_by_default(&self) -> bool {
        self.decl.default_deny.as_ref().is_none_or(|deny| deny.value)
    }
}

/// A component.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Component {
    /// Name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// As declared.
    pub decl: obj::Component,
    /// Its legs (`at`), in order of place.
    pub legs: Vec<Leg>,
    /// The namespace it runs in.
    pub namespace: Option<NamespaceId>,
    /// Chassis.
    pub host: String,
    /// Source addresses outside its cluster.
    pub egress_addresses: Addresses,
    /// What it offers: packets seen outside the cluster → pod ports. Equal on both sides for hosts.
    pub listens: Vec<(ServiceMatch, ServiceMatch)>,
}

impl Component {
    /// Its data legs.
    pub fn data_legs(&self) -> impl Iterator<Item = &Leg> {
        self.legs.iter().filter(|leg| leg.role == LegRole::Data)
    }
}

/// A group.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// Name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// Ends it stands for, groups in it expanded, sorted.
    pub members: Vec<End>,
}

/// A use of a service in a flow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServiceUse {
    /// As written.
    pub expr: ServiceExpr,
    /// Where.
    pub span: Span,
    /// Its packets.
    pub matches: Vec<ServiceMatch>,
    /// Protected on the wire; `None` when nothing is known of it.
    pub secure: Option<bool>,
    /// Carries other traffic inside.
    pub tunnel: bool,
    /// Used for administration.
    pub admin: bool,
}

/// A flow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Flow {
    /// Id.
    pub name: String,
    /// Where the id stands.
    pub span: Span,
    /// As declared.
    pub decl: decl::Flow,
    /// Initiators.
    pub from: Vec<EndRef>,
    /// Responders.
    pub to: Vec<EndRef>,
    /// Services as written.
    pub services: Vec<ServiceUse>,
    /// Packets of all services, normalised.
    pub matches: Vec<ServiceMatch>,
    /// Gateways asserted.
    pub via: Vec<(GatewayId, Span)>,
}

impl Flow {
    /// Whether the flow asks for a family.
    #[must_use]
    pub fn wants(&self, family: super::Family) -> bool {
        let choice = self.decl.family.as_ref().map(|choice| choice.value);
        let excluded = match family {
            super::Family::V4 => decl::FamilyChoice::Ipv6,
            super::Family::V6 => decl::FamilyChoice::Ipv4,
        };
        choice != Some(excluded)
    }

    /// Whether it is in force on a day (`valid-from`, `valid-until`, both included).
    #[must_use]
    pub fn is_valid_on(&self, day: Date) -> bool {
        self.decl.valid_from.as_ref().is_none_or(|from| from.value <= day)
            && self.decl.valid_until.as_ref().is_none_or(|until| until.value >= day)
    }
}

/// An uplink.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Uplink {
    /// Name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// As declared.
    pub decl: obj::Uplink,
    /// The network.
    pub network: NetworkId,
    /// The gateway.
    pub gateway: GatewayId,
    /// The uplink segment.
    pub segment: Option<SegmentId>,
}

/// A platform.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Platform {
    /// Name.
    pub name: String,
    /// Where the name stands.
    pub span: Span,
    /// As declared.
    pub decl: obj::Platform,
    /// Zones and clusters it operates, with the places that name them.
    pub operates: Vec<(Object, Span)>,
}

/// A deviation.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Deviation {
    /// Id.
    pub name: String,
    /// Where the id stands.
    pub span: Span,
    /// As declared.
    pub decl: obj::Deviation,
}

/// The evidence for a rule.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EvidenceFor {
    /// Rule id.
    pub rule: String,
    /// Where the rule id stands.
    pub span: Span,
    /// As declared.
    pub decl: obj::Evidence,
}

/// A policy test.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Expectation {
    /// Where it stands.
    pub span: Span,
    /// Must it be allowed.
    pub allow: bool,
    /// From.
    pub from: End,
    /// To.
    pub to: End,
    /// On.
    pub service: ServiceUse,
    /// Why.
    pub because: String,
}

/// A site with everything resolved. Tables are in order of name, so that nothing depends on the order of keys or files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Site {
    /// The head.
    pub head: decl::SiteHead,
    /// Date of evaluation.
    pub as_of: Date,
    /// The blueprint.
    pub blueprint: Blueprint,
    /// Outside networks.
    pub networks: Table<NetworkId, Network>,
    /// Zones.
    pub zones: Table<ZoneId, Zone>,
    /// Segments.
    pub segments: Table<SegmentId, Segment>,
    /// Gateways.
    pub gateways: Table<GatewayId, Gateway>,
    /// Clusters.
    pub clusters: Table<ClusterId, Cluster>,
    /// Namespaces.
    pub namespaces: Table<NamespaceId, Namespace>,
    /// Components.
    pub components: Table<ComponentId, Component>,
    /// Groups.
    pub groups: Table<GroupId, Group>,
    /// Flows.
    pub flows: Table<FlowId, Flow>,
    /// Uplinks.
    pub uplinks: Table<UplinkId, Uplink>,
    /// Platforms.
    pub platforms: Table<PlatformId, Platform>,
    /// Deviations.
    pub deviations: Table<DeviationId, Deviation>,
    /// Evidence by rule id.
    pub evidence: BTreeMap<String, EvidenceFor>,
    /// Policy tests.
    pub expectations: Vec<Expectation>,
    /// Names of services used nowhere else: the site's own services, with the place of their names and whether a flow uses them.
    pub services: BTreeMap<String, SiteService>,
    pub(super) names: BTreeMap<String, Object>,
}

/// A service the site defines.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SiteService {
    /// Where its name stands.
    pub span: Span,
    /// Its packets.
    pub matches: Vec<ServiceMatch>,
    /// Its record, when it is more than a list of expressions.
    pub record: Option<decl::ServiceRecord>,
}

impl Site {
    /// Name of the site.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.head.name.0
    }

    /// What a name stands for. A zone with one unnamed segment shares the name with it; the name means the zone.
    #[must_use]
    pub fn lookup(&self, name: &str) -> Option<Object> {
        self.names.get(name).copied()
    }

    /// All names of the shared name space, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.keys().map(String::as_str)
    }

    /// The place a name stands for: a network, a segment, or a zone with one unnamed segment.
    #[must_use]
    pub fn place(&self, name: &str) -> Option<Place> {
        match self.lookup(name)? {
            Object::Network(id) => Some(Place::Network(id)),
            Object::Segment(id) => Some(Place::Segment(id)),
            Object::Zone(id) => match self.zones[id].segments.as_slice() {
                [only] if self.segments[*only].name == name => Some(Place::Segment(*only)),
                _ => None,
            },
            _ => None,
        }
    }

    /// Name of a place.
    #[must_use]
    pub fn place_name(&self, place: Place) -> &str {
        match place {
            Place::Network(id) => &self.networks[id].name,
            Place::Segment(id) => &self.segments[id].name,
        }
    }

    /// Addresses of a place.
    #[must_use]
    pub fn place_addresses(&self, place: Place) -> &Addresses {
        match place {
            Place::Network(id) => &self.networks[id].addresses,
            Place::Segment(id) => &self.segments[id].addresses,
        }
    }

    /// Where the name of a place stands.
    #[must_use]
    pub fn place_span(&self, place: Place) -> Span {
        match place {
            Place::Network(id) => self.networks[id].span,
            Place::Segment(id) => self.segments[id].span,
        }
    }

    /// The zone of a place inside the site.
    #[must_use]
    pub fn zone_of(&self, place: Place) -> Option<ZoneId> {
        match place {
            Place::Network(_) => None,
            Place::Segment(id) => Some(self.segments[id].zone),
        }
    }

    /// Name of an end, as flows write it.
    #[must_use]
    pub fn end_name(&self, end: End) -> &str {
        match end {
            End::Network(id) => &self.networks[id].name,
            End::Zone(id) => &self.zones[id].name,
            End::Segment(id) => &self.segments[id].name,
            End::Gateway(id) => &self.gateways[id].name,
            End::Cluster(id) => &self.clusters[id].name,
            End::Namespace(id) => &self.namespaces[id].path,
            End::Component(id) => &self.components[id].name,
        }
    }

    /// The cluster an end runs in.
    #[must_use]
    pub fn cluster_of(&self, end: End) -> Option<ClusterId> {
        match end {
            End::Cluster(id) => Some(id),
            _ => self.namespace_of(end).map(|namespace| self.namespaces[namespace].cluster),
        }
    }

    /// The namespace an end runs in, or is.
    #[must_use]
    pub fn namespace_of(&self, end: End) -> Option<NamespaceId> {
        match end {
            End::Namespace(id) => Some(id),
            End::Component(id) => self.components[id].namespace,
            _ => None,
        }
    }

    /// Whether two clusters are in one mesh: their pods reach each other by pod address.
    #[must_use]
    pub fn share_mesh(&self, a: ClusterId, b: ClusterId) -> bool {
        let mesh = self.clusters[a].mesh();
        a != b && mesh.is_some() && mesh == self.clusters[b].mesh()
    }

    /// The class of a zone, when the blueprint knows it.
    #[must_use]
    pub fn class(&self, zone: ZoneId) -> Option<&Class> {
        self.blueprint.classes.get(&self.zones[zone].class)
    }

    /// The kind of a component. The resolver refuses unknown kinds.
    #[must_use]
    pub fn kind(&self, component: ComponentId) -> Option<&Kind> {
        self.blueprint.kinds.get(&self.components[component].decl.kind.0)
    }

    /// Whether a component's kind has a property.
    #[must_use]
    pub fn is(&self, component: ComponentId, property: Property) -> bool {
        self.kind(component).is_some_and(|kind| kind.is(property))
    }

    /// Zones a component stands in: those of its data legs, or of its cluster; those of its management legs when it has no other.
    #[must_use]
    pub fn component_zones(&self, component: ComponentId) -> Vec<ZoneId> {
        let item = &self.components[component];
        let mut zones: Vec<ZoneId> = item.data_legs().filter_map(|leg| self.zone_of(leg.place)).collect();
        zones.extend(item.namespace.map(|namespace| self.clusters[self.namespaces[namespace].cluster].zone));
        if zones.is_empty() {
            zones.extend(item.legs.iter().filter_map(|leg| self.zone_of(leg.place)));
        }
        zones.sort_unstable();
        zones.dedup();
        zones
    }

    /// The members of a group or the end itself that a reference names.
    #[must_use]
    pub fn ends(&self, reference: &Ref) -> Vec<End> {
        match self.lookup(&reference.0) {
            Some(object) => self.object_ends(object),
            None => Vec::new(),
        }
    }

    /// The ends an object stands for.
    #[must_use]
    pub fn object_ends(&self, object: Object) -> Vec<End> {
        match object {
            Object::Network(id) => vec![End::Network(id)],
            Object::Zone(id) => vec![End::Zone(id)],
            Object::Segment(id) => vec![End::Segment(id)],
            Object::Gateway(id) => vec![End::Gateway(id)],
            Object::Cluster(id) => vec![End::Cluster(id)],
            Object::Namespace(id) => vec![End::Namespace(id)],
            Object::Component(id) => vec![End::Component(id)],
            Object::Group(id) => self.groups[id].members.clone(),
        }
    }
}
