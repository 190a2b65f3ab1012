//! The resolved site: tables of its things, and what is asked about them.

use super::address::Addresses;
use super::blueprint::{Blueprint, Class, Kind, Property};
pub use super::ends::{End, EndRef, Leg, LegRole, Object, Place};
use super::ids::{
    ClusterId, ComponentId, DeviationId, FlowId, GatewayId, GroupId, NamespaceId, NetworkId, PlatformId, SegmentId,
    Table, UplinkId, ZoneId,
};
use super::service::ServiceMatch;
pub use super::things::{
    Cluster, Component, Deviation, EvidenceFor, Expectation, Flow, Gateway, Group, Interface, Namespace, Network,
    NodePool, Platform, Segment, ServiceUse, Uplink, Zone,
};
use crate::source::{Date, Span};
use crate::syntax::document as decl;
use crate::syntax::scalars::Ref;
use std::collections::BTreeMap;

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
