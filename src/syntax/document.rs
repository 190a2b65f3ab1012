//! The language as written: one record per kind of thing, every value with its place. Meaning comes in `model/`.

use super::decode::{Entries, List, OneOrMany, Spanned};
pub use super::flows::{
    Approval, Connection, Expectation, FamilyChoice, Flow, FlowClass, HttpRule, InitiatedBy, LogChoice,
};
use super::objects::{Cluster, Component, Deviation, Evidence, Gateway, Platform, Uplink};
use super::record::{keywords, record};
use super::scalars::{DeviationName, Either, LabelText, Name, Prefix, Ref, RuleName, Text, Word};
use super::service::ServiceExpr;
use crate::source::Date;

record! {
    /// A zone file. Every file of a site may hold any of these keys; maps of the same key are united.
    Document, "zone-file" {
        /// Version of the language; required in the main file.
        opt "zonec" zonec: Spanned<u16>,
        /// Globs of further files, relative to this one.
        opt "include" include: OneOrMany<Text>,
        /// The site itself; once.
        opt "site" site: SiteHead,
        /// Networks outside the site.
        opt "networks" networks: Entries<Name, Network>,
        /// Zones and their segments.
        opt "zones" zones: Entries<Name, Zone>,
        /// Packet filters.
        opt "gateways" gateways: Entries<Name, Gateway>,
        /// Kubernetes clusters.
        opt "clusters" clusters: Entries<Name, Cluster>,
        /// Hosts, services, workloads and outside peers.
        opt "components" components: Entries<Name, Component>,
        /// Named sets of components, segments or groups.
        opt "groups" groups: Entries<Name, Group>,
        /// Named services.
        opt "services" services: Entries<Name, Service>,
        /// Connections that are allowed.
        opt "flows" flows: Entries<Name, Flow>,
        /// Lines to outside networks.
        opt "uplinks" uplinks: Entries<Name, Uplink>,
        /// Hypervisor groups, orchestrators, storage.
        opt "platforms" platforms: Entries<Name, Platform>,
        /// Approved departures from rules.
        opt "deviations" deviations: Entries<DeviationName, Deviation>,
        /// Attestations: rule id → evidence.
        opt "evidence" evidence: Entries<RuleName, Evidence>,
        /// Policy tests, run by `zonec test`.
        opt "expect" expect: List<Expectation>,
    }
}

record! {
    /// The head of a site.
    SiteHead, "site" {
        /// Name of the site; used in file names.
        req "name" name: Spanned<Name>,
        /// Title for people.
        opt "title" title: Spanned<Text>,
        /// Who runs the site.
        opt "operator" operator: Spanned<Text>,
        /// Rule set, zone classes and access matrix the site is held against.
        req "blueprint" blueprint: Spanned<Word>,
        /// Whom to ask.
        opt "contact" contact: Spanned<Text>,
        /// Where the site stands.
        opt "location" location: Either<Spanned<Text>, Location>,
        /// Global prefixes that are used inside and not announced.
        opt "internal-prefixes" internal_prefixes: List<InternalPrefix>,
        /// Free labels.
        opt "labels" labels: Entries<LabelText, Spanned<Text>>,
    }
}

record! {
    /// Where a site stands.
    Location, "location" {
        /// Country, ISO 3166-1 alpha-2.
        req "country" country: Spanned<Word>,
        /// Town.
        opt "town" town: Spanned<Text>,
    }
}

record! {
    /// A global prefix that is used inside and not announced (ZM-ADR-04).
    InternalPrefix, "internal-prefix" {
        /// The prefix.
        req "prefix" prefix: Spanned<Prefix>,
        /// Proof that it is not announced.
        req "evidence" evidence: Evidence,
    }
}

keywords! {
    /// Kind of an outside network.
    NetworkKind, "network-kind" {
        /// The Internet: every address that nothing else in the site owns.
        Internet = "internet",
        /// Administrative network (NdB-VN, Landesnetz, Kommunalnetz).
        AdminNet = "admin-net",
        /// Network of a partner.
        Partner = "partner",
    }
}

keywords! {
    /// Trust in an outside network.
    Trust, "trust" {
        /// Treated like the Internet.
        Untrusted = "untrusted",
        /// Trusted less than the site itself.
        TrustedLower = "trusted-lower",
    }
}

keywords! {
    /// Structure of the security gateway towards a network.
    Structure, "structure" {
        /// Packet filter, application-level gateway, packet filter.
        Pap = "p-a-p",
        /// One stateful packet filter.
        Simplified = "simplified",
    }
}

record! {
    /// A network outside the site.
    Network, "network" {
        /// Kind of network.
        req "kind" kind: Spanned<NetworkKind>,
        /// Trust; fixed for the Internet, untrusted when absent.
        opt "trust" trust: Spanned<Trust>,
        /// Its prefixes; required unless it is the Internet.
        opt "addresses" addresses: OneOrMany<Prefix>,
        /// The Informationsverbund the access belongs to.
        opt "informationsverbund" informationsverbund: Evidence,
        /// Proof that the operator's connection conditions are met.
        opt "connection-conditions" connection_conditions: Evidence,
        /// The detection sensor at this crossing: a component, or evidence.
        opt "sensor" sensor: Either<Spanned<Name>, Evidence>,
        /// Structure of the gateway, asserted.
        opt "structure" structure: Spanned<Structure>,
        /// Title for people.
        opt "title" title: Spanned<Text>,
    }
}

keywords! {
    /// Protection need (Schutzbedarf).
    Protection, "protection" {
        /// Normal.
        Normal = "normal",
        /// High.
        High = "high",
        /// Very high.
        VeryHigh = "very-high",
    }
}

record! {
    /// Protection need per goal.
    ProtectionGoals, "protection-goals" {
        /// Confidentiality.
        req "confidentiality" confidentiality: Spanned<Protection>,
        /// Integrity.
        req "integrity" integrity: Spanned<Protection>,
        /// Availability.
        req "availability" availability: Spanned<Protection>,
        /// Measure that carries a need above normal.
        opt "measure" measure: Spanned<Text>,
    }
}

/// Protection need: one word for all goals, or one per goal.
pub type ProtectionNeed = Either<Spanned<Protection>, ProtectionGoals>;

keywords! {
    /// Classification of information.
    Classification, "classification" {
        /// Not classified.
        None = "none",
        /// Verschlusssache, nur für den Dienstgebrauch.
        VsNfd = "vs-nfd",
    }
}

keywords! {
    /// Main zone that a management zone serves.
    MainZone, "main-zone" {
        /// The external zone.
        External = "external",
        /// The internal zone.
        Internal = "internal",
        /// The zone for VS-NfD.
        Restricted = "restricted",
        /// The development area.
        Development = "development",
    }
}

keywords! {
    /// How a zone is separated from the others.
    SeparationKind, "separation-kind" {
        /// Own devices and cables.
        Physical = "physical",
        /// VLANs or virtual switches on shared devices.
        Virtual = "virtual",
    }
}

record! {
    /// Separation with its proof.
    Separation, "separation" {
        /// Kind of separation.
        req "kind" kind: Spanned<SeparationKind>,
        /// Proof of an equal level, for virtual separation.
        opt "evidence" evidence: Evidence,
    }
}

record! {
    /// Plan for the roll-out of IPv6.
    Ipv6Plan, "ipv6-plan" {
        /// Reference of the plan.
        req "ref" reference: Spanned<Text>,
        /// Target date.
        req "target" target: Spanned<Date>,
    }
}

record! {
    /// A zone: segments of one class.
    Zone, "zone" {
        /// Class of the blueprint; ZM-MOD-02 when missing.
        opt "class" class: Spanned<Word>,
        /// Prefixes of the zone's only segment, which is named like the zone.
        opt "addresses" addresses: OneOrMany<Prefix>,
        /// Segments by name.
        opt "segments" segments: Entries<Name, Segment>,
        /// Highest protection need the zone supports.
        opt "protection" protection: ProtectionNeed,
        /// Measures that carry a need above normal (ZM-ZON-10).
        opt "protection-measures" protection_measures: OneOrMany<Text>,
        /// Classification of what may be processed.
        opt "classification" classification: Spanned<Classification>,
        /// Environment: `production`, `development`, …
        opt "environment" environment: Spanned<Word>,
        /// Management zones: the main zones served.
        opt "serves" serves: OneOrMany<MainZone>,
        /// Separation from the other zones.
        opt "separation" separation: Either<Spanned<SeparationKind>, Separation>,
        /// Plan for IPv6, where it is missing.
        opt "ipv6-plan" ipv6_plan: Ipv6Plan,
        /// VLAN of the zone's only segment.
        opt "vlan" vlan: Spanned<u16>,
        /// Routed through, for the zone's only segment.
        opt "transit" transit: Spanned<bool>,
        /// Hosts cannot reach each other, for the zone's only segment.
        opt "isolated" isolated: Isolation,
        /// Purpose of the zone's only segment (management zones).
        opt "purpose" purpose: Spanned<SegmentPurpose>,
        /// Platform of the zone's only segment.
        opt "platform" platform: Spanned<Name>,
        /// Switch domain of the zone's only segment.
        opt "switch-domain" switch_domain: Spanned<Word>,
        /// Title for people.
        opt "title" title: Spanned<Text>,
    }
}

keywords! {
    /// What keeps hosts of a segment apart.
    IsolationMeans, "isolation-means" {
        /// Private VLAN.
        Pvlan = "pvlan",
        /// Host firewalls.
        HostFirewall = "host-firewall",
        /// Policies of the cluster in it.
        ClusterPolicy = "cluster-policy",
        /// Port isolation of the switch.
        PortIsolation = "port-isolation",
        /// Point-to-point link: there is one host.
        PointToPoint = "point-to-point",
    }
}

record! {
    /// Hosts in the segment cannot reach each other.
    Isolation, "isolation" {
        /// By what.
        req "by" by: Spanned<IsolationMeans>,
    }
}

keywords! {
    /// Function of a management segment (NET.1.1.A21).
    SegmentPurpose, "segment-purpose" {
        /// Authentication, authorisation, accounting.
        Aaa = "aaa",
        /// Administration.
        Administration = "administration",
        /// Monitoring.
        Monitoring = "monitoring",
        /// Logging and SIEM.
        Logging = "logging",
        /// Names, time, directory, registry, updates.
        BaseServices = "base-services",
        /// Management interfaces of the managed systems.
        Interfaces = "interfaces",
        /// Access of administrators from outside (jump server).
        Access = "access",
    }
}

record! {
    /// A subnet.
    Segment, "segment" {
        /// Its prefixes.
        req "addresses" addresses: OneOrMany<Prefix>,
        /// VLAN id.
        opt "vlan" vlan: Spanned<u16>,
        /// Hosts cannot reach each other.
        opt "isolated" isolated: Isolation,
        /// Function (management zones).
        opt "purpose" purpose: Spanned<SegmentPurpose>,
        /// Routed through.
        opt "transit" transit: Spanned<bool>,
        /// Switches that share VLAN ids.
        opt "switch-domain" switch_domain: Spanned<Word>,
        /// The platform (hypervisor group, virtual switch) that carries it.
        opt "platform" platform: Spanned<Name>,
        /// Protection need, when not the zone's.
        opt "protection" protection: ProtectionNeed,
        /// Title for people.
        opt "title" title: Spanned<Text>,
    }
}

/// A group: a list of members, or a record.
pub type Group = Either<List<Ref>, GroupRecord>;

record! {
    /// A named set.
    GroupRecord, "group" {
        /// Names of components, segments, namespaces or groups.
        req "members" members: List<Ref>,
        /// Title for people.
        opt "title" title: Spanned<Text>,
    }
}

/// A named service: expressions, or a record.
pub type Service = Either<OneOrMany<ServiceExpr>, ServiceRecord>;

record! {
    /// A named service with what rules want to know of it.
    ServiceRecord, "service-record" {
        /// Its ports and types.
        req "ports" ports: OneOrMany<ServiceExpr>,
        /// Title for people.
        opt "title" title: Spanned<Text>,
        /// Protected on the wire; true when absent.
        opt "secure" secure: Spanned<bool>,
        /// Carries other traffic inside.
        opt "tunnel" tunnel: Spanned<bool>,
        /// Used for administration.
        opt "admin" admin: Spanned<bool>,
        /// Application protocol, as `protocols` of an ALG names it.
        opt "protocol" protocol: Spanned<Word>,
        /// Why a range wider than the limit is needed (ZM-FLO-01).
        opt "range-reason" range_reason: Spanned<Text>,
    }
}
