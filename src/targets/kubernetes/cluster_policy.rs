//! Guardrail as ClusterNetworkPolicy `policy.networking.k8s.io/v1alpha2`, tier Admin: `Pass` what is released and what stays in the
//! namespace, `Deny` the rest. Never `Accept`, which would take away the tenants' right to restrict, and would beat Cilium denies.
//!
//! Residual: the API has no addresses on ingress, so it cannot stop a tenant from opening a namespace to the outside.

use super::super::cluster::{
    Capabilities, Envelope, Metadata, PortRange, Version, blocks, cluster_metadata, fitted, ranges,
};
use super::Layout;
use super::objects::LabelSelector;
use crate::model::{NamespaceId, Site};
use crate::plan::{ClusterPlan, Side};
use crate::syntax::service::Transport;
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ClusterNetworkPolicy {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Serialize)]
struct Spec {
    tier: &'static str,
    priority: u16,
    subject: Subject,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    ingress: Vec<Rule>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    egress: Vec<Rule>,
}

#[derive(Serialize)]
struct Subject {
    namespaces: LabelSelector,
}

#[derive(Clone, Serialize)]
struct Rule {
    name: String,
    action: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    from: Vec<Peer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    to: Vec<Peer>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    protocols: Vec<Protocol>,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
enum Peer {
    Namespaces(LabelSelector),
    Networks(Vec<String>),
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
enum Protocol {
    Tcp(Destination),
    Udp(Destination),
    Sctp(Destination),
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Destination {
    destination_port: Port,
}

#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
enum Port {
    Number(u16),
    Range { start: u16, end: u16 },
}

/// The API's limit of rules, peers and protocols.
const MOST: usize = 25;

/// As many priorities are left for one namespace.
const MOST_PARTS: usize = 900;

pub(super) fn emit(
    site: &Site,
    plan: &ClusterPlan,
    capabilities: &Capabilities,
    envelopes: &BTreeMap<(NamespaceId, Side), Envelope>,
    layout: &mut Layout,
) -> Result<(), String> {
    if capabilities.cilium.is_some_and(|version| version < Version(1, 20, 0)) {
        return Err("its guardrail is a ClusterNetworkPolicy, which Cilium has since 1.20".to_owned());
    }
    for id in site.clusters[plan.cluster].namespaces.iter().filter(|id| site.namespaces[**id].is_managed()) {
        let namespace = &site.namespaces[*id].name;
        let list = |side| rules(site, *id, envelopes.get(&(*id, side)), side);
        let (ingress, egress) = (list(Side::Ingress)?, list(Side::Egress)?);
        let parts = ingress.len().max(egress.len()).div_ceil(MOST);
        if parts > MOST_PARTS {
            return Err(format!(
                "the envelope of namespace {namespace} needs more than {MOST_PARTS} ClusterNetworkPolicies"
            ));
        }
        let part = |list: &[Rule], number: usize| list.iter().skip(number * MOST).take(MOST).cloned().collect();
        let policies: Vec<ClusterNetworkPolicy> =
            (0..parts).map(|number| policy(namespace, number, part(&ingress, number), part(&egress, number))).collect();
        let comment = format!("Upper bound of namespace {namespace}: tenants may restrict, not widen.");
        layout.add(&format!("00-guardrails/{namespace}.yaml"), &comment, policies);
    }
    Ok(())
}

/// One of the policies of a namespace. The first rule that matches decides, whichever policy holds it: lower priorities
/// come first, so a long list goes on in the next policy.
fn policy(namespace: &str, number: usize, ingress: Vec<Rule>, egress: Vec<Rule>) -> ClusterNetworkPolicy {
    let place = if number == 0 { String::new() } else { format!(".{}", number + 1) };
    ClusterNetworkPolicy {
        api_version: "policy.networking.k8s.io/v1alpha2",
        kind: "ClusterNetworkPolicy",
        metadata: cluster_metadata(&format!("zc-guard-{namespace}{place}"), "guardrail"),
        spec: Spec {
            tier: "Admin",
            priority: 100 + u16::try_from(number).unwrap_or(u16::MAX - 100),
            subject: Subject { namespaces: named(namespace) },
            ingress,
            egress,
        },
    }
}

fn named(namespace: &str) -> LabelSelector {
    LabelSelector { match_labels: BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), namespace.to_owned())]) }
}

fn rules(site: &Site, own: NamespaceId, envelope: Option<&Envelope>, side: Side) -> Result<Vec<Rule>, String> {
    let (home, namespace) = (site.namespaces[own].cluster, site.namespaces[own].name.as_str());
    let none = Envelope::default();
    let envelope = envelope.unwrap_or(&none);
    let mut list = vec![rule("same-namespace", "Pass", side, vec![Peer::Namespaces(named(namespace))], Vec::new())];
    for (peer, released) in &envelope.namespaces {
        let name = &site.namespaces[*peer].name;
        if site.namespaces[*peer].cluster != home {
            return Err(format!(
                "ClusterNetworkPolicy selects namespaces of its own cluster only, and flows of {namespace} lead to another one of the mesh"
            ));
        }
        for protocols in protocols(&released.ports) {
            list.push(rule(
                &fitted(&format!("namespace-{name}")),
                "Pass",
                side,
                vec![Peer::Namespaces(named(name))],
                protocols,
            ));
        }
    }
    let everywhere = envelope.clusters.get(&home).cloned().unwrap_or_default();
    for protocols in protocols(&everywhere.ports) {
        list.push(rule("cluster", "Pass", side, vec![Peer::Namespaces(LabelSelector::default())], protocols));
    }
    if side == Side::Egress {
        for release in envelope.outside.iter().chain(&envelope.nodes) {
            if blocks(&release.addresses).iter().any(|(_, except)| !except.is_empty()) {
                return Err(format!(
                    "ClusterNetworkPolicy has no exceptions from networks, which the flows from {namespace} to the Internet need"
                ));
            }
            let networks: Vec<String> = release.addresses.prefixes().iter().map(ToString::to_string).collect();
            for networks in networks.chunks(MOST) {
                for protocols in protocols(&release.ports) {
                    list.push(rule("outside", "Pass", side, vec![Peer::Networks(networks.to_vec())], protocols));
                }
            }
        }
    }
    list.push(rule("other-namespaces", "Deny", side, vec![Peer::Namespaces(LabelSelector::default())], Vec::new()));
    if side == Side::Egress {
        let everything = vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()];
        list.push(rule("everything-else", "Deny", side, vec![Peer::Networks(everything)], Vec::new()));
    }
    Ok(list)
}

fn rule(name: &str, action: &'static str, side: Side, peers: Vec<Peer>, protocols: Vec<Protocol>) -> Rule {
    let (from, to) = if side == Side::Ingress { (peers, Vec::new()) } else { (Vec::new(), peers) };
    Rule { name: name.to_owned(), action, from, to, protocols }
}

/// The ports in lists of at most 25.
fn protocols(ports: &super::super::cluster::Ports) -> Vec<Vec<Protocol>> {
    let list = ranges(ports, true, 0).unwrap_or_default();
    let all: Vec<Protocol> = list.iter().map(protocol).collect();
    all.chunks(MOST).map(<[_]>::to_vec).collect()
}

fn protocol(range: &PortRange) -> Protocol {
    let port = if range.first == range.last {
        Port::Number(range.first)
    } else {
        Port::Range { start: range.first, end: range.last }
    };
    let destination = Destination { destination_port: port };
    match range.transport {
        Transport::Tcp => Protocol::Tcp(destination),
        Transport::Udp => Protocol::Udp(destination),
        Transport::Sctp => Protocol::Sctp(destination),
    }
}
