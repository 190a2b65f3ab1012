//! The language as written, second half: devices, components, lines, deviations.

pub use super::clusters::{
    Cluster, ClusterDns, ClusterManagement, EgressMode, Guardrail, IngressSource, Namespace, NodeEncryption, NodePool,
    PodSecurity, PolicyDialect, PoolRole,
};
use super::decode::{Entries, List, OneOrMany, Spanned};
use super::document::ProtectionNeed;
use super::record::{keywords, record};
use super::scalars::{
    Address, DeviationName, Either, Fqdn, InterfaceName, LabelText, Name, ObjectName, PathStep, Ref, RuleName, Text,
    Word,
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
