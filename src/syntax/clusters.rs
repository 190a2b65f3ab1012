//! The language as written: clusters and their namespaces.

use super::decode::{Entries, OneOrMany, Spanned};
use super::document::ProtectionNeed;
use super::record::{keywords, record};
use super::scalars::{Address, LabelText, Name, Prefix, Text, Word};
use super::service::ServiceExpr;

keywords! {
    /// Dialect of a cluster's allow rules.
    PolicyDialect, "policy-dialect" {
        /// NetworkPolicy of networking.k8s.io/v1.
        Kubernetes = "kubernetes",
        /// CiliumNetworkPolicy.
        Cilium = "cilium",
    }
}

keywords! {
    /// What a node pool is for.
    PoolRole, "pool-role" {
        /// Control plane.
        ControlPlane = "control-plane",
        /// Workloads.
        Worker = "worker",
        /// Egress gateways.
        Egress = "egress",
        /// Ingress controllers.
        Ingress = "ingress",
    }
}

keywords! {
    /// Source addresses of pods outside their cluster.
    EgressMode, "egress-mode" {
        /// Pod addresses are routed.
        Pods = "pods",
        /// Masqueraded to node addresses.
        Nodes = "nodes",
        /// Per-component egress addresses.
        Gateway = "gateway",
    }
}

keywords! {
    /// Source addresses that an ingress controller sees.
    IngressSource, "ingress-source" {
        /// The client's.
        Preserved = "preserved",
        /// A node's.
        Nodes = "nodes",
    }
}

keywords! {
    /// Encryption between nodes.
    NodeEncryption, "node-encryption" {
        /// WireGuard.
        Wireguard = "wireguard",
        /// IPsec.
        Ipsec = "ipsec",
        /// VXLAN, in the clear (ZM-K8S-06).
        Vxlan = "vxlan",
        /// Geneve, in the clear (ZM-K8S-06).
        Geneve = "geneve",
        /// None (ZM-K8S-06).
        None = "none",
    }
}

keywords! {
    /// Guardrail that keeps tenants inside the released flows.
    Guardrail, "guardrail" {
        /// ClusterNetworkPolicy v1alpha2.
        ClusterNetworkPolicy = "cluster-network-policy",
        /// CiliumClusterwideNetworkPolicy.
        Cilium = "cilium",
        /// ValidatingAdmissionPolicy.
        Admission = "admission",
    }
}

record! {
    /// Nodes of one role.
    NodePool, "node-pool" {
        /// The segment the nodes stand in.
        req "segment" segment: Spanned<Name>,
        /// Their addresses.
        opt "addresses" addresses: OneOrMany<Address>,
        /// Their role.
        req "role" role: Spanned<PoolRole>,
        /// Whether user workloads are scheduled. A control plane states `false`; absent attests nothing (ZM-K8S-10).
        opt "schedulable" schedulable: Spanned<bool>,
        /// Applications the pool is reserved for.
        opt "dedicated-to" dedicated_to: OneOrMany<Word>,
    }
}

record! {
    /// Management interfaces of the nodes.
    ClusterManagement, "cluster-management" {
        /// The management segment.
        req "segment" segment: Spanned<Name>,
        /// Addresses in it.
        opt "addresses" addresses: OneOrMany<Address>,
    }
}

record! {
    /// The cluster's name service.
    ClusterDns, "cluster-dns" {
        /// Its namespace; `kube-system` when absent.
        opt "namespace" namespace: Spanned<Name>,
        /// Labels of its pods; `k8s-app: kube-dns` when absent.
        opt "pods" pods: Entries<LabelText, Spanned<LabelText>>,
        /// Pod ports; 53/udp and 53/tcp when absent.
        opt "ports" ports: OneOrMany<ServiceExpr>,
    }
}

record! {
    /// A Kubernetes cluster.
    Cluster, "cluster" {
        /// The zone it stands in.
        req "zone" zone: Spanned<Name>,
        /// Environment; the zone's when absent.
        opt "environment" environment: Spanned<Word>,
        /// Dialect of the allow rules.
        req "policy" policy: Spanned<PolicyDialect>,
        /// Nodes by pool.
        opt "node-pools" node_pools: Entries<Name, NodePool>,
        /// Management interfaces of the nodes.
        opt "management" management: ClusterManagement,
        /// Pod prefixes.
        opt "pods" pods: OneOrMany<Prefix>,
        /// Service prefixes.
        opt "services" services: OneOrMany<Prefix>,
        /// Source addresses of pods outside the cluster; `nodes` when absent.
        opt "egress" egress: Spanned<EgressMode>,
        /// Source addresses that ingress controllers see; `nodes` when absent.
        opt "ingress-source" ingress_source: Spanned<IngressSource>,
        /// The name service.
        opt "dns" dns: ClusterDns,
        /// Encryption between nodes.
        opt "node-encryption" node_encryption: Spanned<NodeEncryption>,
        /// Version of Kubernetes, `1.34`.
        opt "version" version: Spanned<Word>,
        /// Network plug-in and its version, `cilium-1.20`.
        opt "cni" cni: Spanned<Word>,
        /// Guardrails the cluster has; chosen from the dialect when absent.
        opt "guardrail" guardrail: OneOrMany<Guardrail>,
        /// Name in the cluster mesh.
        opt "mesh-name" mesh_name: Spanned<Word>,
        /// The mesh it belongs to.
        opt "mesh" mesh: Spanned<Word>,
        /// Protection need.
        opt "protection" protection: ProtectionNeed,
        /// Namespaces.
        opt "namespaces" namespaces: Entries<Name, Namespace>,
        /// Title for people.
        opt "title" title: Spanned<Text>,
    }
}

keywords! {
    /// Pod security level of a namespace.
    PodSecurity, "pod-security" {
        /// No restriction.
        Privileged = "privileged",
        /// No host namespaces.
        Baseline = "baseline",
        /// Hardened.
        Restricted = "restricted",
    }
}

record! {
    /// A namespace of a cluster.
    Namespace, "namespace" {
        /// The application in it.
        opt "application" application: Spanned<Word>,
        /// Protection need.
        opt "protection" protection: ProtectionNeed,
        /// Environment; the cluster's when absent.
        opt "environment" environment: Spanned<Word>,
        /// Pod security level that the namespace enforces; `privileged` when absent, as in Kubernetes.
        opt "pod-security" pod_security: Spanned<PodSecurity>,
        /// Part of the platform, exempt from the rules for user workloads.
        opt "system" system: Spanned<bool>,
        /// Default deny in both directions; true when absent (ZM-K8S-14).
        opt "default-deny" default_deny: Spanned<bool>,
        /// Labels.
        opt "labels" labels: Entries<LabelText, Spanned<LabelText>>,
        /// Who answers for it.
        opt "owner" owner: Spanned<Text>,
        /// Title for people.
        opt "title" title: Spanned<Text>,
    }
}
