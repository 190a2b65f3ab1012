//! The upper bound of a namespace as a deny: everything but what its flows need, so that no allow of a tenant widens it.
//!
//! Residuals: towards released peers ICMP messages that are no requests are not denied (they open nothing); nodes, API server and health endpoints are not denied,
//! because probes and webhooks come from there.

use super::super::cluster::{Capabilities, Envelope, Released, Version, cluster_metadata, complement, ranges};
use super::super::kubernetes::Layout;
use super::objects::{DefaultDeny, Icmp, IcmpRule, Layer4, Policy, Selector, Spec};
use super::{CLUSTER, NAMESPACE, Peers, cidr_rules, expression, in_namespace, port_rules};
use crate::model::{Addresses, ClusterId, NamespaceId, ServiceMatch, Site};
use crate::plan::{ClusterPlan, Side};
use std::collections::BTreeMap;

/// Adds one guardrail per managed namespace.
///
/// # Errors
/// Why this version of Cilium cannot have it.
pub fn emit(
    site: &Site,
    plan: &ClusterPlan,
    capabilities: &Capabilities,
    envelopes: &BTreeMap<(NamespaceId, Side), Envelope>,
    layout: &mut Layout,
) -> Result<(), String> {
    match capabilities.cilium {
        None => return Err("its guardrail is Cilium's, but its `cni` is not".to_owned()),
        Some(version) if version < Version(1, 16, 0) => {
            return Err("Cilium before 1.16 has no deny that leaves other traffic alone (`enableDefaultDeny`); update it or choose another `guardrail`".to_owned());
        }
        Some(_) => {}
    }
    let none = Envelope::default();
    for id in site.clusters[plan.cluster].namespaces.iter().filter(|id| site.namespaces[**id].is_managed()) {
        let namespace = &site.namespaces[*id].name;
        let bound = |side| denials(site, *id, envelopes.get(&(*id, side)).unwrap_or(&none), capabilities);
        let metadata = cluster_metadata(&format!("zc-guard.{namespace}"), "guardrail");
        let spec = Spec {
            description: Some(format!("upper bound of {namespace}: a deny wins over every allow")),
            endpoint_selector: in_namespace(namespace),
            enable_default_deny: Some(DefaultDeny { ingress: false, egress: false }),
            ingress_deny: bound(Side::Ingress)
                .into_iter()
                .filter_map(|(peers, layer4)| peers.ingress(layer4))
                .collect(),
            egress_deny: bound(Side::Egress).into_iter().map(|(peers, layer4)| peers.egress(layer4)).collect(),
            ..Spec::default()
        };
        let comment = format!("Upper bound of namespace {namespace}: tenants may restrict, not widen.");
        layout.add(&format!("00-guardrails/{namespace}.yaml"), &comment, vec![Policy::new(metadata, spec)]);
    }
    Ok(())
}

/// The complement of an envelope, as rules of one direction.
fn denials(site: &Site, own: NamespaceId, envelope: &Envelope, capabilities: &Capabilities) -> Vec<(Peers, Layer4)> {
    let home = site.namespaces[own].cluster;
    // The clusters of the mesh with something released, the own one first.
    let released = envelope.namespaces.keys().map(|id| site.namespaces[*id].cluster);
    let mut clusters: Vec<ClusterId> = released.chain(envelope.clusters.keys().copied()).chain([home]).collect();
    clusters.sort_by_key(|id| (*id != home, *id));
    clusters.dedup();
    let mut rules = Vec::new();
    if capabilities.mesh_name.is_some() {
        let mut others = pods(None);
        let names = clusters.iter().filter_map(|id| mesh_name(site, *id)).collect();
        others.match_expressions.push(expression(CLUSTER, "NotIn", names));
        rules.push((Peers::Endpoints(vec![others]), Layer4::default()));
    }
    for cluster in clusters {
        let own = (cluster == home).then_some(own);
        of_cluster(site, cluster, own, envelope, &mut rules);
    }
    outside(envelope, &mut rules);
    rules
}

/// What is not released among the pods of one cluster.
fn of_cluster(
    site: &Site,
    cluster: ClusterId,
    own: Option<NamespaceId>,
    envelope: &Envelope,
    rules: &mut Vec<(Peers, Layer4)>,
) {
    let everywhere = envelope.clusters.get(&cluster).cloned().unwrap_or_default();
    // Namespaces with the same released ports share a rule; those without any are all the others.
    let mut by_release: BTreeMap<Released, Vec<String>> = BTreeMap::new();
    let mut named: Vec<String> = own.map(|id| site.namespaces[id].name.clone()).into_iter().collect();
    for (id, release) in envelope.namespaces.iter().filter(|(id, _)| site.namespaces[**id].cluster == cluster) {
        let mut all = release.clone();
        all.unite(&everywhere);
        let name = site.namespaces[*id].name.clone();
        named.push(name.clone());
        by_release.entry(all).or_default().push(name);
    }
    named.sort();
    let scope = || pods(mesh_name(site, cluster));
    let mut others = scope();
    if !named.is_empty() {
        others.match_expressions.push(expression(NAMESPACE, "NotIn", named));
    }
    for layer4 in without(&everywhere) {
        rules.push((Peers::Endpoints(vec![others.clone()]), layer4));
    }
    for (release, names) in by_release {
        let mut peers = scope();
        peers.match_expressions.push(expression(NAMESPACE, "In", names));
        for layer4 in without(&release) {
            rules.push((Peers::Endpoints(vec![peers.clone()]), layer4));
        }
    }
}

fn mesh_name(site: &Site, cluster: ClusterId) -> Option<String> {
    site.clusters[cluster].decl.mesh_name.as_ref().map(|name| name.value.0.clone())
}

/// All pods of one cluster of the mesh, or of all clusters; `Exists` keeps nodes and the outside out of `NotIn`.
fn pods(cluster: Option<String>) -> Selector {
    let of_cluster = match cluster {
        Some(name) => expression(CLUSTER, "In", vec![name]),
        None => expression(CLUSTER, "Exists", Vec::new()),
    };
    Selector {
        match_labels: BTreeMap::new(),
        match_expressions: vec![expression(NAMESPACE, "Exists", Vec::new()), of_cluster],
    }
}

/// Everything but what is released. A rule without ports denies everything, ICMP too, so it is right only where nothing
/// at all is released.
fn without(release: &Released) -> Vec<Layer4> {
    if release.is_empty() {
        return vec![Layer4::default()];
    }
    let list = ranges(&complement(&release.ports), true, 0).unwrap_or_default();
    let ports = (!list.is_empty()).then(|| Layer4 { to_ports: port_rules(&list), icmps: Vec::new() });
    let fields: Vec<Icmp> = REQUESTS
        .into_iter()
        .filter(|(family, kind)| !release.icmp.contains(&message(family, *kind)))
        .map(|(family, kind)| Icmp { family, kind })
        .collect();
    let icmp = (!fields.is_empty()).then(|| Layer4 { to_ports: Vec::new(), icmps: vec![IcmpRule { fields }] });
    ports.into_iter().chain(icmp).collect()
}

/// ICMP types that ask for an answer: echo, timestamp, information, address mask; echo and node information in IPv6.
const REQUESTS: [(&str, u8); 6] = [("IPv4", 8), ("IPv4", 13), ("IPv4", 15), ("IPv4", 17), ("IPv6", 128), ("IPv6", 139)];

fn message(family: &str, kind: u8) -> ServiceMatch {
    if family == "IPv4" { ServiceMatch::Icmp(kind) } else { ServiceMatch::Icmpv6(kind) }
}

fn outside(envelope: &Envelope, rules: &mut Vec<(Peers, Layer4)>) {
    let released = envelope.outside_addresses();
    if released.is_empty() {
        rules.push((Peers::Entities(vec!["world"]), Layer4::default()));
        return;
    }
    let everything = ["0.0.0.0/0", "::/0"].iter().filter_map(|whole| whole.parse().ok()).collect::<Vec<_>>();
    let rest = Addresses::from_nets(&everything).difference(&released);
    rules.push((Peers::Cidrs(cidr_rules(&rest).collect()), Layer4::default()));
    for release in &envelope.outside {
        let released = Released { ports: release.ports.clone(), icmp: release.icmp.clone() };
        for layer4 in without(&released) {
            rules.push((Peers::Cidrs(cidr_rules(&release.addresses).collect()), layer4));
        }
    }
}
