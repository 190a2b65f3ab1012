//! The things of a resolved site: each keeps its declaration (attributes with their places) beside what was resolved.

use super::address::Addresses;
use super::ends::{End, EndRef, Leg, LegRole, Object};
use super::ids::{ClusterId, GatewayId, NamespaceId, NetworkId, SegmentId, ZoneId};
use super::service::ServiceMatch;
use crate::source::{Date, Span};
use crate::syntax::document as decl;
use crate::syntax::objects as obj;
use crate::syntax::service::ServiceExpr;

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
