//! The language as written, second half: devices, clusters, components, lines, deviations.

use super::decode::{Entries, List, OneOrMany, Spanned};
use super::document::ProtectionNeed;
use super::record::{keywords, record};
use super::scalars::{
    Address, DeviationName, Either, Fqdn, InterfaceName, LabelText, Name, ObjectName, PathStep, Prefix, Ref, RuleName,
    Text, Word,
};
use super::service::{PodPort, ServiceExpr};
use crate::source::Date;

record! {
    /// Proof that lies elsewhere.
    Evidence, "evidence" {
        /// Reference of the document.
        req "ref" reference: Spanned<Text>,
        /// Who answers for it.
        opt "owner" owner: Spanned<Text>,
        /// Date of the document.
        opt "on" on: Spanned<Date>,
        /// Last day it counts.
        opt "valid-until" valid_until: Spanned<Date>,
    }
}

keywords! {
    /// Place of a packet filter in the site.
    Stage, "stage" {
        /// First filter behind an outside network.
        Outer = "outer",
        /// Filter behind the application-level gateways.
        Inner = "inner",
        /// Filter between zones further inside.
        Zone = "zone",
        /// Filter of the management zones.
        Management = "management",
    }
}

keywords! {
    /// What generates the rules of a filter.
    GatewayTarget, "gateway-target" {
        /// An nftables ruleset.
        Nftables = "nftables",
        /// Nothing: documented only.
        None = "none",
    }
}

keywords! {
    /// Verdict for what no flow allows.
    DefaultVerdict, "default-verdict" {
        /// Refused.
        Deny = "deny",
        /// Let through (ZM-SEP-09).
        Accept = "accept",
    }
}

keywords! {
    /// How a device is managed.
    ManagementBand, "management-band" {
        /// Out of band.
        Oob = "oob",
        /// In band.
        InBand = "in-band",
    }
}

/// A gateway's interface: the place it stands in, or a record.
pub type Interface = Either<Spanned<Name>, InterfaceRecord>;

record! {
    /// An interface with the gateway's own addresses.
    InterfaceRecord, "interface" {
        /// The segment; or `network`.
        opt "segment" segment: Spanned<Name>,
        /// The outside network; or `segment`.
        opt "network" network: Spanned<Name>,
        /// The gateway's own addresses on it.
        opt "addresses" addresses: OneOrMany<Address>,
    }
}

record! {
    /// Product approval, for example by the BSI for VS-NfD.
    ProductApproval, "product-approval" {
        /// What for: `vs-nfd`, …
        req "for" purpose: Spanned<Word>,
        /// Reference of the approval.
        req "ref" reference: Spanned<Text>,
        /// Last day it counts.
        opt "valid-until" valid_until: Spanned<Date>,
    }
}

record! {
    /// Where a device logs to.
    Logging, "logging" {
        /// The log server or SIEM.
        req "to" to: Spanned<Name>,
        /// Proof that logs cannot be changed unnoticed.
        opt "tamper-evident" tamper_evident: Evidence,
    }
}

record! {
    /// A packet filter: one nftables ruleset on each replica.
    Gateway, "gateway" {
        /// Interface name → segment or network.
        req "interfaces" interfaces: Entries<InterfaceName, Interface>,
        /// Place in the site.
        opt "stage" stage: Spanned<Stage>,
        /// The chassis; its own name when absent.
        opt "host" host: Spanned<Name>,
        /// Names of the devices that run this ruleset.
        opt "replicas" replicas: List<Name>,
        /// What is generated; `nftables` when absent.
        opt "target" target: Spanned<GatewayTarget>,
        /// Stateful; true when absent.
        opt "stateful" stateful: Spanned<bool>,
        /// Highest layer it filters at; 4 when absent.
        opt "layer" layer: Spanned<u16>,
        /// Verdict for what no flow allows; `deny` when absent.
        opt "default" default: Spanned<DefaultVerdict>,
        /// Product.
        opt "product" product: Spanned<Text>,
        /// Product approvals.
        opt "approvals" approvals: List<ProductApproval>,
        /// Where it logs to.
        opt "logging" logging: Logging,
        /// Runs a routing protocol; false when absent.
        opt "dynamic-routing" dynamic_routing: Spanned<bool>,
        /// Router of the perimeter, exempt from ZM-SEP-10.
        opt "perimeter-router" perimeter_router: Spanned<bool>,
        /// How it is managed.
        opt "management" management: Spanned<ManagementBand>,
        /// Title for people.
        opt "title" title: Spanned<Text>,
    }
}

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

keywords! {
    /// Interface of a component for other zones.
    InterfaceKind, "interface-kind" {
        /// Defined and offered to other zones.
        Published = "published",
    }
}

keywords! {
    /// What an ALG does with TLS.
    TlsMode, "tls-mode" {
        /// Ends it.
        Terminate = "terminate",
        /// Opens, inspects, encrypts anew.
        Inspect = "inspect",
        /// Passes it through.
        Passthrough = "passthrough",
    }
}

keywords! {
    /// Decoupling of a component.
    Decoupling, "decoupling" {
        /// Stores, then forwards.
        StoreAndForward = "store-and-forward",
    }
}

keywords! {
    /// Users of a VPN gateway.
    Users, "users" {
        /// Named users only.
        Restricted = "restricted",
        /// Anybody.
        Any = "any",
    }
}

record! {
    /// A host, service, workload or outside peer.
    Component, "component" {
        /// Kind of the blueprint.
        req "kind" kind: Spanned<Word>,
        /// Segment or network → its addresses there.
        opt "at" at: Entries<Name, OneOrMany<Address>>,
        /// The namespace it runs in.
        opt "in" namespace: Spanned<Ref>,
        /// Labels of its pods.
        opt "pods" pods: Entries<LabelText, Spanned<LabelText>>,
        /// Services it offers; with pod ports for workloads.
        opt "listens" listens: Either<OneOrMany<ServiceExpr>, Entries<ServiceExpr, OneOrMany<PodPort>>>,
        /// Source addresses outside the cluster.
        opt "egress-addresses" egress_addresses: OneOrMany<Address>,
        /// The chassis; its own name when absent.
        opt "host" host: Spanned<Name>,
        /// Protection need.
        opt "protection" protection: ProtectionNeed,
        /// Names people reach it by.
        opt "fqdn" fqdn: OneOrMany<Fqdn>,
        /// Names in the public view of the name service (kind dns-authoritative).
        opt "public-names" public_names: OneOrMany<Fqdn>,
        /// Defined interface for other zones.
        opt "interface" interface: Spanned<InterfaceKind>,
        /// Forwards packets between its legs; `false` attests that it does not.
        opt "forwards" forwards: Spanned<bool>,
        /// TLS handling of an ALG.
        opt "tls" tls: Spanned<TlsMode>,
        /// Application protocols an ALG decouples.
        opt "protocols" protocols: OneOrMany<Word>,
        /// Decoupling.
        opt "decouple" decouple: Spanned<Decoupling>,
        /// Users of a VPN gateway.
        opt "users" users: Spanned<Users>,
        /// Networks it is offered to.
        opt "audience" audience: OneOrMany<Name>,
        /// The application it belongs to.
        opt "application" application: Spanned<Word>,
        /// Product approvals.
        opt "approvals" approvals: List<ProductApproval>,
        /// Where it logs to.
        opt "logging" logging: Logging,
        /// What an audit system covers.
        opt "coverage" coverage: OneOrMany<Word>,
        /// Serves several segments, declared.
        opt "shared-service" shared_service: Spanned<bool>,
        /// Proof that one registry keeps areas apart.
        opt "logical-separation" logical_separation: Evidence,
        /// Environment (registries, hosts).
        opt "environment" environment: Spanned<Word>,
        /// Uses the node's network.
        opt "host-network" host_network: Spanned<bool>,
        /// How it is managed.
        opt "management" management: Spanned<ManagementBand>,
        /// Product.
        opt "product" product: Spanned<Text>,
        /// Another site that is this one's fallback, or whose fallback this one is (ZM-UPL-10).
        opt "fallback" fallback: Spanned<bool>,
        /// Level of government of another site: `bund`, `land`, `kommune`.
        opt "level" level: Spanned<Word>,
        /// Title for people.
        opt "title" title: Spanned<Text>,
    }
}

record! {
    /// Upstream protection of a line.
    DdosProtection, "ddos-protection" {
        /// Provider.
        req "provider" provider: Spanned<Text>,
        /// Contract.
        req "ref" reference: Spanned<Text>,
    }
}

record! {
    /// A line to an outside network.
    Uplink, "uplink" {
        /// The network.
        req "network" network: Spanned<Name>,
        /// The gateway it ends at.
        req "gateway" gateway: Spanned<Name>,
        /// The uplink segment it runs through, when the gateway does not stand in the network itself.
        opt "segment" segment: Spanned<Name>,
        /// Line id.
        opt "line" line: Spanned<Word>,
        /// Provider.
        opt "provider" provider: Spanned<Text>,
        /// Way from the site to the provider.
        opt "path" path: List<PathStep>,
        /// The replica of the gateway it ends at.
        opt "replica" replica: Spanned<Name>,
        /// Upstream detection and mitigation of attacks.
        opt "ddos-protection" ddos_protection: DdosProtection,
    }
}

keywords! {
    /// Kind of platform.
    PlatformKind, "platform-kind" {
        /// Hypervisor group.
        Hypervisor = "hypervisor",
        /// Manager of several clusters.
        ClusterManager = "cluster-manager",
        /// Orchestrator.
        Orchestrator = "orchestrator",
        /// Virtual switch.
        VirtualSwitch = "virtual-switch",
        /// Storage.
        Storage = "storage",
        /// Backup.
        Backup = "backup",
    }
}

record! {
    /// A platform that several zones or clusters run on.
    Platform, "platform" {
        /// Kind.
        req "kind" kind: Spanned<PlatformKind>,
        /// Zones or clusters it operates.
        opt "operates" operates: OneOrMany<Name>,
        /// Managed out of band.
        opt "management" management: Spanned<ManagementBand>,
        /// Title for people.
        opt "title" title: Spanned<Text>,
    }
}

keywords! {
    /// Kind of deviation.
    DeviationKind, "deviation-kind" {
        /// Formal exception from a MUSS rule (Ausnahme).
        Exception = "exception",
        /// Site-specific departure from the blueprint (Standort).
        Site = "site",
        /// Weighed departure from a SOLLTE rule (Begründung).
        Justification = "justification",
    }
}

record! {
    /// How a BSI requirement is met otherwise.
    BsiConformity, "bsi-conformity" {
        /// The requirement.
        req "requirement" requirement: Spanned<Word>,
        /// The measure.
        req "measure" measure: Spanned<Text>,
    }
}

keywords! {
    /// Body that approves deviations.
    Body, "body" {
        /// Architekturboard.
        Architekturboard = "architekturboard",
        /// Koordinierungsstelle.
        Koordinierungsstelle = "koordinierungsstelle",
        /// Geheimschutzbeauftragte.
        Geheimschutz = "geheimschutz",
    }
}

record! {
    /// Approval of a deviation.
    BodyApproval, "body-approval" {
        /// The body.
        req "body" body: Spanned<Body>,
        /// Reference of the decision.
        req "ref" reference: Spanned<Text>,
        /// Date of the decision.
        req "on" on: Spanned<Date>,
    }
}

record! {
    /// An approved departure from rules. What is missing here is found by the ZM-ABW rules, not by the reader.
    Deviation, "deviation" {
        /// Kind.
        req "kind" kind: Spanned<DeviationKind>,
        /// Rules it departs from.
        req "rules" rules: OneOrMany<RuleName>,
        /// Objects it holds for.
        req "objects" objects: OneOrMany<ObjectName>,
        /// Why.
        opt "reason" reason: Spanned<Text>,
        /// DVS standard with revision, `DVS-012-R02`.
        opt "dvs" dvs: Spanned<Word>,
        /// Risk that remains.
        opt "risk" risk: Spanned<Text>,
        /// Compensating measures.
        opt "measures" measures: OneOrMany<Text>,
        /// How the BSI requirements behind the rules are met otherwise.
        opt "bsi-conformity" bsi_conformity: List<BsiConformity>,
        /// Who answers for it.
        opt "owner" owner: Spanned<Text>,
        /// When it was asked for.
        opt "requested-on" requested_on: Spanned<Date>,
        /// Approvals.
        opt "approvals" approvals: List<BodyApproval>,
        /// First day.
        opt "valid-from" valid_from: Spanned<Date>,
        /// Last day.
        opt "valid-until" valid_until: Spanned<Date>,
        /// Next review.
        opt "review-on" review_on: Spanned<Date>,
        /// How it ends.
        opt "exit-plan" exit_plan: Spanned<Text>,
        /// The deviation it renews.
        opt "supersedes" supersedes: Spanned<DeviationName>,
    }
}
