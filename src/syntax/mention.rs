//! Which keys and values of a zone file are names: where a thing gets its name, and where others refer to it.
//!
//! One table by place answers that for the tree as written, also where decoding finds faults, so that editors find, complete
//! and rename names while a file is being typed. `tests/mentions.rs` holds it against the schema: no place with the shape of a name is missing.

use super::decode::Scalar;
use super::service::ServiceExpr;
use super::tree::{Node, Value};
use crate::source::{SourceFile, Span};
use std::collections::BTreeMap;

/// What sort of thing a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NameKind {
    /// An outside network.
    Network,
    /// A zone.
    Zone,
    /// A segment.
    Segment,
    /// A gateway.
    Gateway,
    /// A cluster.
    Cluster,
    /// A namespace; its name is `cluster/namespace`.
    Namespace,
    /// A component.
    Component,
    /// A group.
    Group,
    /// A service of the site, or of the built-in catalogue where the site has none of the name.
    Service,
    /// A service of the built-in catalogue.
    CatalogueService,
    /// A flow.
    Flow,
    /// An uplink.
    Uplink,
    /// A platform.
    Platform,
    /// A deviation.
    Deviation,
    /// The site.
    Site,
    /// A device that runs the ruleset of a gateway.
    Replica,
    /// A chassis: whatever shares its name is one device.
    Host,
    /// A rule of the catalogue.
    Rule,
    /// A component kind of the blueprint.
    ComponentKind,
    /// A zone class of the blueprint.
    ZoneClass,
}

impl NameKind {
    /// Key of its word in `shapes:` of `zones/syntax.yaml`.
    #[must_use]
    pub const fn shape(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Zone => "zone",
            Self::Segment => "segment",
            Self::Gateway => "gateway",
            Self::Cluster => "cluster",
            Self::Namespace => "namespace",
            Self::Component => "component",
            Self::Group => "group",
            Self::Service | Self::CatalogueService => "service",
            Self::Flow => "flow",
            Self::Uplink => "uplink",
            Self::Platform => "platform",
            Self::Deviation => "deviation",
            Self::Site => "site",
            Self::Replica => "replica",
            Self::Host => "host",
            Self::Rule => "rule-id",
            Self::ComponentKind => "component-kind",
            Self::ZoneClass => "zone-class",
        }
    }

    /// Whether it shares one name space with the others of which this holds (language reference, "Files").
    #[must_use]
    pub const fn is_shared(self) -> bool {
        matches!(
            self,
            Self::Network | Self::Zone | Self::Segment | Self::Gateway | Self::Cluster | Self::Component | Self::Group
        )
    }
}

/// What a name does at its place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Role {
    /// Gives a thing its name.
    Defines(NameKind),
    /// Refers to a thing of one of these kinds; of the first kind that has one of the name.
    Refers(&'static [NameKind]),
}

/// A name at its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Mention {
    /// The bytes of the name, without quotes; of a namespace only the part behind the slash.
    pub span: Span,
    /// The whole name; of a namespace `cluster/namespace`.
    pub name: String,
    /// What it does.
    pub role: Role,
}

use NameKind as K;

const ENDS: &[K] = &[K::Network, K::Zone, K::Segment, K::Gateway, K::Cluster, K::Namespace, K::Component, K::Group];
const PLACES: &[K] = &[K::Network, K::Segment, K::Zone];
const SEGMENTS: &[K] = &[K::Segment, K::Zone];
const OBJECTS: &[K] = &[
    K::Network,
    K::Zone,
    K::Segment,
    K::Gateway,
    K::Cluster,
    K::Namespace,
    K::Component,
    K::Group,
    K::Flow,
    K::Uplink,
    K::Platform,
    K::Deviation,
    K::Service,
    K::Site,
];
const HOSTS: &[K] = &[K::Component, K::Gateway, K::Host];

/// Places of names. `*` is any key of a map; lists are not steps.
const KEYS: &[(&str, Role)] = &[
    ("networks.*", Role::Defines(K::Network)),
    ("zones.*", Role::Defines(K::Zone)),
    ("zones.*.segments.*", Role::Defines(K::Segment)),
    ("gateways.*", Role::Defines(K::Gateway)),
    ("clusters.*", Role::Defines(K::Cluster)),
    ("clusters.*.namespaces.*", Role::Defines(K::Namespace)),
    ("components.*", Role::Defines(K::Component)),
    ("components.*.at.*", Role::Refers(PLACES)),
    ("components.*.listens.*", Role::Refers(&[K::Service])),
    ("groups.*", Role::Defines(K::Group)),
    ("services.*", Role::Defines(K::Service)),
    ("flows.*", Role::Defines(K::Flow)),
    ("uplinks.*", Role::Defines(K::Uplink)),
    ("platforms.*", Role::Defines(K::Platform)),
    ("deviations.*", Role::Defines(K::Deviation)),
    ("evidence.*", Role::Refers(&[K::Rule])),
];

/// As [`KEYS`], for values.
const VALUES: &[(&str, Role)] = &[
    ("site.name", Role::Defines(K::Site)),
    ("networks.*.sensor", Role::Refers(&[K::Component])),
    ("zones.*.class", Role::Refers(&[K::ZoneClass])),
    ("zones.*.platform", Role::Refers(&[K::Platform])),
    ("zones.*.segments.*.platform", Role::Refers(&[K::Platform])),
    ("gateways.*.interfaces.*", Role::Refers(PLACES)),
    ("gateways.*.interfaces.*.segment", Role::Refers(PLACES)),
    ("gateways.*.interfaces.*.network", Role::Refers(PLACES)),
    ("gateways.*.host", Role::Refers(HOSTS)),
    ("gateways.*.replicas", Role::Defines(K::Replica)),
    ("gateways.*.logging.to", Role::Refers(&[K::Component])),
    ("clusters.*.zone", Role::Refers(&[K::Zone])),
    ("clusters.*.node-pools.*.segment", Role::Refers(SEGMENTS)),
    ("clusters.*.management.segment", Role::Refers(SEGMENTS)),
    ("clusters.*.dns.namespace", Role::Refers(&[K::Namespace])),
    ("clusters.*.dns.ports", Role::Refers(&[K::Service])),
    ("components.*.kind", Role::Refers(&[K::ComponentKind])),
    ("components.*.in", Role::Refers(&[K::Namespace])),
    ("components.*.listens", Role::Refers(&[K::Service])),
    ("components.*.listens.*", Role::Refers(&[K::Service])),
    ("components.*.host", Role::Refers(HOSTS)),
    ("components.*.audience", Role::Refers(&[K::Network])),
    ("components.*.logging.to", Role::Refers(&[K::Component])),
    ("groups.*", Role::Refers(ENDS)),
    ("groups.*.members", Role::Refers(ENDS)),
    ("services.*", Role::Refers(&[K::CatalogueService])),
    ("services.*.ports", Role::Refers(&[K::CatalogueService])),
    ("flows.*.from", Role::Refers(ENDS)),
    ("flows.*.to", Role::Refers(ENDS)),
    ("flows.*.service", Role::Refers(&[K::Service])),
    ("flows.*.via", Role::Refers(&[K::Gateway])),
    ("uplinks.*.network", Role::Refers(&[K::Network])),
    ("uplinks.*.gateway", Role::Refers(&[K::Gateway])),
    ("uplinks.*.segment", Role::Refers(SEGMENTS)),
    ("uplinks.*.replica", Role::Refers(&[K::Replica, K::Gateway])),
    ("platforms.*.operates", Role::Refers(&[K::Zone, K::Cluster])),
    ("deviations.*.rules", Role::Refers(&[K::Rule])),
    ("deviations.*.objects", Role::Refers(OBJECTS)),
    ("deviations.*.supersedes", Role::Refers(&[K::Deviation])),
    ("expect.allow.from", Role::Refers(ENDS)),
    ("expect.allow.to", Role::Refers(ENDS)),
    ("expect.allow.service", Role::Refers(&[K::Service])),
    ("expect.deny.from", Role::Refers(ENDS)),
    ("expect.deny.to", Role::Refers(ENDS)),
    ("expect.deny.service", Role::Refers(&[K::Service])),
];

/// A step of the table: what may follow, and what the names at this place do.
#[derive(Debug, Default)]
struct Step {
    named: BTreeMap<&'static str, Step>,
    any: Option<Box<Step>>,
    key: Option<Role>,
    value: Option<Role>,
}

impl Step {
    fn next(&self, key: &str) -> Option<&Self> {
        self.named.get(key).or(self.any.as_deref())
    }

    fn enter(&mut self, path: &'static str) -> &mut Self {
        path.split('.').fold(self, |step, part| match part {
            "*" => step.any.get_or_insert_default(),
            _ => step.named.entry(part).or_default(),
        })
    }
}

/// The places of names, ready to be asked.
#[derive(Debug)]
pub struct NamePlaces(Step);

impl Default for NamePlaces {
    fn default() -> Self {
        let mut root = Step::default();
        for (path, role) in KEYS {
            root.enter(path).key = Some(*role);
        }
        for (path, role) in VALUES {
            root.enter(path).value = Some(*role);
        }
        Self(root)
    }
}

impl NamePlaces {
    /// What the last key of a path does as a name.
    #[must_use]
    pub fn key<S: AsRef<str>>(&self, path: &[S]) -> Option<Role> {
        self.step(path)?.key
    }

    /// What a scalar at a path does as a name.
    #[must_use]
    pub fn value<S: AsRef<str>>(&self, path: &[S]) -> Option<Role> {
        self.step(path)?.value
    }

    /// What any key of the map at a path does as a name.
    #[must_use]
    pub fn any_key<S: AsRef<str>>(&self, path: &[S]) -> Option<Role> {
        self.step(path)?.any.as_ref()?.key
    }

    fn step<S: AsRef<str>>(&self, path: &[S]) -> Option<&Step> {
        path.iter().try_fold(&self.0, |step, key| step.next(key.as_ref()))
    }

    /// The names of a file in the order written. An alias repeats the names of its anchor, which are told once.
    #[must_use]
    pub fn mentions(&self, source: &SourceFile, document: &Node<'_>) -> Vec<Mention> {
        let mut walk = Walk { source, found: Vec::new(), way: Vec::new() };
        walk.node(document, &self.0);
        let mut found = walk.found;
        found.sort_by_key(|mention| (mention.span, mention.name.len()));
        found.dedup_by(|a, b| a.span == b.span && a.role == b.role);
        found
    }
}

struct Walk<'a, 'n> {
    source: &'a SourceFile,
    found: Vec<Mention>,
    way: Vec<&'n str>,
}

impl<'n> Walk<'_, 'n> {
    fn node(&mut self, node: &'n Node<'_>, step: &Step) {
        match &node.value {
            Value::Seq(items) => items.iter().for_each(|item| self.node(item, step)),
            Value::Map(pairs) => {
                for (key, value) in pairs {
                    let Some((name, next)) = key.text().and_then(|name| Some((name, step.next(name)?))) else {
                        continue;
                    };
                    self.way.push(name);
                    if let Some(role) = next.key {
                        self.name(key, role);
                    }
                    self.node(value, next);
                    self.way.pop();
                }
            }
            Value::Scalar { .. } => {
                if let Some(role) = step.value.filter(|_| !node.is_null()) {
                    self.name(node, role);
                }
            }
        }
    }

    fn name(&mut self, node: &Node<'_>, role: Role) {
        let Some(text) = node.text() else { return };
        let refers = |kind| matches!(role, Role::Refers(kinds) if kinds.contains(&kind));
        if (refers(K::Service) || refers(K::CatalogueService))
            && !matches!(ServiceExpr::parse(text), Ok(ServiceExpr::Named(_)))
            && role != Role::Refers(OBJECTS)
        {
            return;
        }
        let Some(span) = self.bare(node.span, text) else { return };
        let in_cluster = self.way.first() == Some(&"clusters");
        if let Some((cluster, _)) = text.split_once('/').filter(|_| refers(K::Namespace)) {
            let slash = span.start + cluster.len() as u32;
            let first = Span { end: slash, ..span };
            self.add(first, cluster.to_owned(), Role::Refers(&[K::Cluster]));
            self.add(Span { start: slash + 1, ..span }, text.to_owned(), Role::Refers(&[K::Namespace]));
        } else if in_cluster && (role == Role::Defines(K::Namespace) || refers(K::Namespace)) {
            let cluster = self.way.get(1).copied().unwrap_or_default();
            self.add(span, format!("{cluster}/{text}"), role);
        } else {
            self.add(span, text.to_owned(), role);
        }
    }

    fn add(&mut self, span: Span, name: String, role: Role) {
        self.found.push(Mention { span, name, role });
    }

    /// The bytes of a scalar without its quotes; `None` where escapes make it longer than what it says.
    fn bare(&self, span: Span, text: &str) -> Option<Span> {
        let written = self.source.text.get(span.range())?;
        let at = written.find(text)? as u32;
        Some(Span { start: span.start + at, end: span.start + at + text.len() as u32, ..span })
    }
}

/// Every place of the table with its role, keys first: for the test that holds it against the schema.
pub fn places() -> impl Iterator<Item = (&'static str, bool, Role)> {
    let keys = KEYS.iter().map(|(path, role)| (*path, true, *role));
    keys.chain(VALUES.iter().map(|(path, role)| (*path, false, *role)))
}
