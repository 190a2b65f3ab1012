//! What names stand for: objects, places, ends of flows, legs.

use super::address::Addresses;
use super::ids::{ClusterId, ComponentId, GatewayId, GroupId, NamespaceId, NetworkId, SegmentId, ZoneId};
use crate::source::Span;

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
