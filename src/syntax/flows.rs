//! The language as written: flows and policy tests.

use super::decode::{List, OneOrMany, Spanned};
use super::objects::Evidence;
use super::record::{keywords, record};
use super::scalars::{Fqdn, Name, Ref, Text, Word};
use super::service::ServiceExpr;
use crate::source::Date;

record! {
    /// Approval of a flow.
    Approval, "approval" {
        /// Reference of the change or ticket.
        req "ref" reference: Spanned<Text>,
        /// Who approved.
        req "by" by: Spanned<Text>,
        /// When.
        req "on" on: Spanned<Date>,
    }
}

keywords! {
    /// Address families of a flow.
    FamilyChoice, "family" {
        /// IPv4 only.
        Ipv4 = "ipv4",
        /// IPv6 only.
        Ipv6 = "ipv6",
        /// Both.
        Both = "both",
    }
}

keywords! {
    /// Logging of a flow's new connections.
    LogChoice, "log" {
        /// Not logged.
        None = "none",
        /// Each new connection, rate-limited.
        New = "new",
    }
}

keywords! {
    /// What a flow is for.
    FlowClass, "flow-class" {
        /// Of an application.
        Business = "business",
        /// Of the platform: names, time, API server.
        Platform = "platform",
        /// Of administration and monitoring.
        Management = "management",
    }
}

keywords! {
    /// Who opens a remote maintenance session.
    InitiatedBy, "initiated-by" {
        /// The site itself.
        Site = "site",
        /// The remote party.
        Remote = "remote",
    }
}

record! {
    /// One HTTP request that a Cilium layer-7 rule lets pass.
    HttpRule, "http-rule" {
        /// Method.
        req "method" method: Spanned<Word>,
        /// Path as a regular expression.
        req "path" path: Spanned<Text>,
    }
}

record! {
    /// A connection that `from` may open to `to` on the listed services.
    Flow, "flow" {
        /// Who opens the connection.
        req "from" from: OneOrMany<Ref>,
        /// To whom.
        req "to" to: OneOrMany<Ref>,
        /// On which services.
        req "service" service: OneOrMany<ServiceExpr>,
        /// Why the flow exists.
        opt "purpose" purpose: Spanned<Text>,
        /// Who answers for it.
        opt "owner" owner: Spanned<Text>,
        /// Its approval.
        opt "approved" approved: Approval,
        /// When it was asked for.
        opt "requested" requested: Spanned<Date>,
        /// First day.
        opt "valid-from" valid_from: Spanned<Date>,
        /// Last day.
        opt "valid-until" valid_until: Spanned<Date>,
        /// Families; both when absent.
        opt "family" family: Spanned<FamilyChoice>,
        /// Logging of new connections.
        opt "log" log: Spanned<LogChoice>,
        /// The gateways it must take, in order; asserted against the topology.
        opt "via" via: OneOrMany<Name>,
        /// Names of a destination outside (Cilium toFQDNs).
        opt "fqdn" fqdn: OneOrMany<Fqdn>,
        /// HTTP requests (Cilium layer 7).
        opt "http" http: List<HttpRule>,
        /// Legal basis of traffic between sites.
        opt "legal-basis" legal_basis: Spanned<Text>,
        /// Assessment of an interconnection of classified IT.
        opt "interconnection-assessment" interconnection_assessment: Evidence,
        /// The change process of an artefact hand-over.
        opt "change-process" change_process: Spanned<Text>,
        /// Who opens a remote maintenance session.
        opt "initiated-by" initiated_by: Spanned<InitiatedBy>,
        /// What the flow is for.
        opt "class" class: Spanned<FlowClass>,
        /// Replication or backup between databases (ZM-ACC-04).
        opt "replication" replication: Spanned<bool>,
        /// Tunnel that protects an insecure protocol (ZM-FLO-06): `vpn`, `macsec`, `ipsec`, `wireguard`.
        opt "protected-by" protected_by: Spanned<Word>,
        /// Why a whole segment or a wide range is meant (ZM-FLO-01, ZM-FLO-03, weighing of SOLLTE rules).
        opt "reason" reason: Spanned<Text>,
        /// Risk that is accepted.
        opt "risk" risk: Spanned<Text>,
    }
}

record! {
    /// A policy test: exactly one of `allow` and `deny`.
    Expectation, "expectation" {
        /// Must be allowed.
        opt "allow" allow: Connection,
        /// Must be denied.
        opt "deny" deny: Connection,
        /// Why.
        opt "because" because: Spanned<Text>,
    }
}

record! {
    /// A connection of a policy test.
    Connection, "connection" {
        /// From whom.
        req "from" from: Spanned<Ref>,
        /// To whom.
        req "to" to: Spanned<Ref>,
        /// On which service.
        req "service" service: Spanned<ServiceExpr>,
    }
}
