//! CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy of `cilium.io/v2`, as far as they are emitted.
//!
//! No list is ever serialised empty: to Cilium an empty peer list means nobody and an absent one everybody.

use crate::targets::cluster::Metadata;
use serde::Serialize;
use std::collections::BTreeMap;

/// A policy, namespaced or clusterwide.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// `cilium.io/v2`.
    pub api_version: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// Name, namespace, labels, annotations.
    pub metadata: Metadata,
    /// What it says.
    pub spec: Spec,
}

impl Policy {
    /// A policy of the kind that fits its metadata.
    #[must_use]
    pub const fn new(metadata: Metadata, spec: Spec) -> Self {
        let kind = if metadata.namespace.is_some() { "CiliumNetworkPolicy" } else { "CiliumClusterwideNetworkPolicy" };
        Self { api_version: "cilium.io/v2", kind, metadata, spec }
    }
}

/// `spec` of a policy.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Spec {
    /// One line for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Shown with every verdict by Hubble (1.18).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub log: Option<Log>,
    /// Whom it is about.
    pub endpoint_selector: Selector,
    /// Whether it isolates; absent means yes in each direction that has rules.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enable_default_deny: Option<DefaultDeny>,
    /// What may come in.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress: Vec<Ingress>,
    /// What may not come in, whatever else allows it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress_deny: Vec<Ingress>,
    /// What may go out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub egress: Vec<Egress>,
    /// What may not go out, whatever else allows it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub egress_deny: Vec<Egress>,
}

/// Text shown with verdicts.
#[derive(Clone, Debug, Serialize)]
pub struct Log {
    /// At most 32 printable characters.
    pub value: String,
}

/// Which directions a policy isolates.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DefaultDeny {
    /// Ingress.
    pub ingress: bool,
    /// Egress.
    pub egress: bool,
}

/// An endpoint selector.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Selector {
    /// Labels with their values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
    /// Further conditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub match_expressions: Vec<Expression>,
}

/// A condition on a label.
#[derive(Clone, Debug, Serialize)]
pub struct Expression {
    /// The label.
    pub key: String,
    /// `Exists`, `In`, `NotIn`.
    pub operator: &'static str,
    /// Its values.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

/// An ingress rule. The default has no peer and no port and matches nothing.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ingress {
    /// Pods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from_endpoints: Vec<Selector>,
    /// Addresses outside.
    #[serde(rename = "fromCIDRSet", skip_serializing_if = "Vec::is_empty")]
    pub from_cidr_set: Vec<CidrRule>,
    /// Special groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub from_entities: Vec<&'static str>,
    /// Ports.
    #[serde(flatten)]
    pub layer4: Layer4,
}

/// An egress rule. The default has no peer and no port and matches nothing.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Egress {
    /// Pods.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_endpoints: Vec<Selector>,
    /// Addresses outside.
    #[serde(rename = "toCIDRSet", skip_serializing_if = "Vec::is_empty")]
    pub to_cidr_set: Vec<CidrRule>,
    /// Special groups.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_entities: Vec<&'static str>,
    /// Names outside.
    #[serde(rename = "toFQDNs", skip_serializing_if = "Vec::is_empty")]
    pub to_names: Vec<NameRule>,
    /// Ports.
    #[serde(flatten)]
    pub layer4: Layer4,
}

/// Ports or ICMP types of a rule, never both.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Layer4 {
    /// Ports in lists of at most 40.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub to_ports: Vec<PortRule>,
    /// ICMP types.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub icmps: Vec<IcmpRule>,
}

/// A prefix without some parts, or a group of prefixes; exactly one of the two.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CidrRule {
    /// The prefix.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr: Option<String>,
    /// The name of a CiliumCIDRGroup.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cidr_group_ref: Option<String>,
    /// What is taken out of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// A name in DNS, or a pattern in which `*` stands for one label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum NameRule {
    /// Exactly this name.
    MatchName(String),
    /// Every name that fits.
    MatchPattern(String),
}

impl NameRule {
    /// The rule of a name as the zone file writes it.
    #[must_use]
    pub fn of(name: &str) -> Self {
        if name.contains('*') { Self::MatchPattern(name.to_owned()) } else { Self::MatchName(name.to_owned()) }
    }
}

/// A list of ports, with what their proxy lets pass.
#[derive(Clone, Debug, Serialize)]
pub struct PortRule {
    /// At most 40.
    pub ports: Vec<Port>,
    /// What the proxy lets pass; no proxy when absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rules: Option<Layer7>,
}

/// What a proxy lets pass.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Layer7 {
    /// HTTP requests.
    Http(Vec<HttpRule>),
    /// Questions to the name service.
    Dns(Vec<NameRule>),
}

/// HTTP requests of one method to paths that fit a regular expression.
#[derive(Clone, Debug, Serialize)]
pub struct HttpRule {
    /// Method.
    pub method: String,
    /// Regular expression of the whole path.
    pub path: String,
}

/// Ports of one protocol.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// First port, as text; `"0"` means all.
    pub port: String,
    /// Last port, when it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_port: Option<u16>,
    /// `TCP`, `UDP` or `SCTP`.
    pub protocol: &'static str,
}

/// A list of ICMP types.
#[derive(Clone, Debug, Serialize)]
pub struct IcmpRule {
    /// At most 40.
    pub fields: Vec<Icmp>,
}

/// An ICMP type.
#[derive(Clone, Debug, Serialize)]
pub struct Icmp {
    /// `IPv4` or `IPv6`; always written, because the default is filled in by the API server.
    pub family: &'static str,
    /// The type.
    #[serde(rename = "type")]
    pub kind: u8,
}
