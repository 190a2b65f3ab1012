//! NetworkPolicy of `networking.k8s.io/v1`, as far as it is emitted: every field that has a default is written out.

use crate::targets::cluster::Metadata;
use serde::Serialize;
use std::collections::BTreeMap;

/// A NetworkPolicy.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct NetworkPolicy {
    /// `networking.k8s.io/v1`.
    pub api_version: &'static str,
    /// `NetworkPolicy`.
    pub kind: &'static str,
    /// Name, namespace, labels, annotations.
    pub metadata: Metadata,
    /// What it says.
    pub spec: PolicySpec,
}

impl NetworkPolicy {
    /// A policy of this API version.
    #[must_use]
    pub const fn new(metadata: Metadata, spec: PolicySpec) -> Self {
        Self { api_version: "networking.k8s.io/v1", kind: "NetworkPolicy", metadata, spec }
    }
}

/// `spec` of a NetworkPolicy.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PolicySpec {
    /// Whom it is about.
    pub pod_selector: LabelSelector,
    /// `Ingress`, `Egress`; always written, because the default depends on the rules.
    pub policy_types: Vec<&'static str>,
    /// Ingress rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ingress: Vec<IngressRule>,
    /// Egress rules.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub egress: Vec<EgressRule>,
}

/// A label selector.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LabelSelector {
    /// Labels with their values.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub match_labels: BTreeMap<String, String>,
}

/// An ingress rule; both lists are never empty, because empty means everything.
#[derive(Clone, Debug, Serialize)]
pub struct IngressRule {
    /// Sources.
    pub from: Vec<Peer>,
    /// Ports.
    pub ports: Vec<Port>,
}

/// An egress rule; both lists are never empty, because empty means everything.
#[derive(Clone, Debug, Serialize)]
pub struct EgressRule {
    /// Destinations.
    pub to: Vec<Peer>,
    /// Ports.
    pub ports: Vec<Port>,
}

/// A peer: an address block, or namespaces and pods.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Peer {
    /// Addresses outside the cluster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ip_block: Option<IpBlock>,
    /// Namespaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace_selector: Option<LabelSelector>,
    /// Pods in them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pod_selector: Option<LabelSelector>,
}

/// An address block.
#[derive(Clone, Debug, Serialize)]
pub struct IpBlock {
    /// The prefix.
    pub cidr: String,
    /// What is taken out of it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub except: Vec<String>,
}

/// Ports of one protocol.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Port {
    /// `TCP`, `UDP` or `SCTP`; always written.
    pub protocol: &'static str,
    /// First port.
    pub port: u16,
    /// Last port, when it is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_port: Option<u16>,
}
