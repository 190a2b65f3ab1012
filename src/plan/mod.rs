//! What each enforcer must allow: the site's flows spread over gateways and clusters, nothing more.
//!
//! A plan is the meeting point of emitters and proof: emitters turn it into artefacts, `verify` holds what the readers
//! find in the artefacts against it.

mod build;
mod pods;

pub use build::{PlanError, plan};

use crate::graph::Hook;
use crate::model::{Addresses, ClusterId, End, Family, FlowId, GatewayId, NameService, ServiceMatch};

/// The plan of a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Plan {
    /// The generated gateways, in order of name.
    pub gateways: Vec<GatewayPlan>,
    /// The clusters, in order of name.
    pub clusters: Vec<ClusterPlan>,
}

/// What one gateway enforces.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GatewayPlan {
    /// The gateway.
    pub gateway: GatewayId,
    /// Its name.
    pub name: String,
    /// Devices that run the ruleset.
    pub replicas: Vec<String>,
    /// Its interfaces, in order of name; indices of permits point here.
    pub interfaces: Vec<InterfacePlan>,
    /// What is allowed, in order of flow, hook, interfaces, family.
    pub permits: Vec<Permit>,
}

/// An interface of a gateway.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InterfacePlan {
    /// Name in the kernel.
    pub name: String,
    /// The segment or network it stands in.
    pub place: String,
    /// The zone of the segment; the network's name outside.
    pub zone: String,
    /// Source addresses that may enter here (anti-spoofing).
    pub sources: Addresses,
    /// The gateway's own addresses on it.
    pub own: Addresses,
    /// Whether an outside network is behind it.
    pub outside: bool,
}

/// One allowed set of new connections: a box in the packet space of a gateway.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Permit {
    /// The flow it belongs to.
    pub flow: FlowId,
    /// Forward, input or output.
    pub hook: Hook,
    /// Index of the interface the packet enters by (not for output).
    pub input: Option<usize>,
    /// Index of the interface the packet leaves by (not for input).
    pub output: Option<usize>,
    /// Address family; source and destination hold addresses of it only, and never none.
    pub family: Family,
    /// Source addresses.
    pub source: Addresses,
    /// Destination addresses.
    pub destination: Addresses,
    /// Destination ports or ICMP type.
    pub service: ServiceMatch,
    /// Whether new connections are logged.
    pub log: bool,
}

/// What one cluster's policies enforce.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterPlan {
    /// The cluster.
    pub cluster: ClusterId,
    /// Its name.
    pub name: String,
    /// What is allowed, in order of flow, side, subject.
    pub permits: Vec<PodPermit>,
    /// The name service that every pod of a managed namespace may ask, when the cluster states one (`dns`).
    pub name_service: Option<NameService>,
}

/// Side of a flow that a cluster enforces.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Side {
    /// At the pods that open connections.
    Egress,
    /// At the pods that answer.
    Ingress,
}

/// One allowed set of connections of pods.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PodPermit {
    /// The flow it belongs to.
    pub flow: FlowId,
    /// Side.
    pub side: Side,
    /// The pods: a component, a namespace or a whole cluster.
    pub subject: End,
    /// The other end, as the flow names it.
    pub peer_end: End,
    /// The other end, as this cluster sees it.
    pub peer: PodPeer,
    /// Packets as this cluster sees them: pod ports for pods of its own, service ports outside.
    pub services: Vec<ServiceMatch>,
    /// The HTTP requests that this side lets pass; every packet when there are none.
    pub requests: Vec<Request>,
}

/// The other end of a pod's connection.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum PodPeer {
    /// Pods of the same cluster, or of another one of its mesh.
    Pods(End),
    /// Addresses outside the cluster.
    Outside(Addresses),
    /// Addresses outside, narrowed to those that the name service gives for some names (lower case, `*.` for one label).
    Names(Vec<String>, Addresses),
    /// Nodes of the cluster: sources that an ingress controller sees when the client's address is not preserved.
    Nodes(ClusterId),
}

/// An HTTP request that is let pass.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Request {
    /// Method, `GET`.
    pub method: String,
    /// Regular expression of the whole path.
    pub path: String,
}
