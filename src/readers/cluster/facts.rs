//! What a reader has to be told about a cluster to evaluate its policies.

use super::ports::Transport;
use ipnet::IpNet;
use std::collections::BTreeMap;

/// A cluster and those it is meshed with.
#[derive(Clone, Debug, Default)]
pub struct ClusterFacts {
    /// Its name, as selectors on the cluster name it.
    pub name: String,
    /// Whether Cilium enforces the policies: then a block of addresses never means a pod or a node.
    pub cilium: bool,
    /// Whether selectors without a cluster term mean the own cluster only (Cilium: default since 1.19).
    pub local_by_default: bool,
    /// Whether there are other clusters in a mesh with it, so that selectors can mean their pods.
    pub meshed: bool,
    /// Names outside that flows lead to (lower case; `*.` in front stands for one label).
    pub names: Vec<String>,
    /// Addresses of pods, and with Cilium of nodes, which a block of addresses does not mean.
    pub inside: Vec<IpNet>,
    /// Namespaces with their pods, of this cluster and of the others in the mesh.
    pub namespaces: Vec<NamespaceFacts>,
}

/// A namespace.
#[derive(Clone, Debug, Default)]
pub struct NamespaceFacts {
    /// Its cluster.
    pub cluster: String,
    /// Its name.
    pub name: String,
    /// Its labels; `kubernetes.io/metadata.name` is added by the evaluator, as the API server does.
    pub labels: BTreeMap<String, String>,
    /// Its pods.
    pub pods: Vec<PodFacts>,
}

/// A pod.
#[derive(Clone, Debug, Default)]
pub struct PodFacts {
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Its named ports.
    pub ports: BTreeMap<(String, Transport), u16>,
    /// Its service account; `default` when none is stated.
    pub account: Option<String>,
}
