//! Egress addresses per component: CiliumEgressGatewayPolicy of `cilium.io/v2`.
//!
//! The packets of a component leave through a node of the cluster's egress pool with the address that the zone file gives
//! the component, which is what gateways on the way filter by. The policy decides nothing about who may talk: that is
//! done by the flows' policies.

use super::super::cluster::{
    Capabilities, Labels, Metadata, Peer, Statement, Subject, Version, blocks, cluster_metadata, pod_labels,
};
use super::super::kubernetes::Layout;
use super::objects::Selector;
use crate::model::{Addresses, ComponentId, Family, Site};
use crate::plan::{ClusterPlan, Side};
use crate::syntax::objects::{EgressMode, PoolRole};
use serde::Serialize;
use std::collections::BTreeMap;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EgressGatewayPolicy {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Serialize)]
struct Spec {
    selectors: Vec<Chosen>,
    #[serde(rename = "destinationCIDRs")]
    destinations: Vec<String>,
    #[serde(rename = "excludedCIDRs", skip_serializing_if = "Vec::is_empty")]
    excluded: Vec<String>,
    #[serde(rename = "egressGateway")]
    gateway: Gateway,
    /// Always empty; written because the API server would write it.
    #[serde(rename = "egressGateways")]
    gateways: Vec<Gateway>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Chosen {
    pod_selector: Selector,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Gateway {
    node_selector: Selector,
    #[serde(rename = "egressIP")]
    address: String,
}

/// Adds one policy per component, family and egress address.
///
/// # Errors
/// Why this cluster cannot have it.
pub fn emit(
    site: &Site,
    plan: &ClusterPlan,
    capabilities: &Capabilities,
    statements: &[Statement],
    layout: &mut Layout,
) -> Result<(), String> {
    let cluster = &site.clusters[plan.cluster];
    let outside = outside(site, cluster.egress(), statements)?;
    let pool = cluster.pools.iter().find(|pool| pool.decl.role.value == PoolRole::Egress);
    let mut files: BTreeMap<&str, Vec<EgressGatewayPolicy>> = BTreeMap::new();
    for (id, destinations) in &outside {
        let component = &site.components[*id];
        let Some(namespace) = component.namespace.map(|id| &site.namespaces[id]) else { continue };
        let name = &component.name;
        let pool = pool.ok_or_else(|| {
            format!("{name} leaves it by addresses of its own, but it has no node pool of the role `egress`")
        })?;
        for family in Family::BOTH {
            let reached = destinations.only(family);
            let Some(address) = component.egress_addresses.first(family).filter(|_| !reached.is_empty()) else {
                continue;
            };
            let own = component.egress_addresses.only(family).prefixes();
            if own.len() > 1 || own.iter().any(|net| net.prefix_len() < net.max_prefix_len()) {
                return Err(format!("{name} has several {family} egress addresses; Cilium gives it one"));
            }
            if family == Family::V6 && capabilities.cilium.is_some_and(|version| version < Version(1, 18, 0)) {
                return Err("Cilium before 1.18 has egress gateways for IPv4 only".to_owned());
            }
            let mut selected = pod_labels(site, *id);
            selected.insert("io.kubernetes.pod.namespace".to_owned(), namespace.name.clone());
            let word = if family == Family::V4 { "v4" } else { "v6" };
            let metadata = cluster_metadata(&format!("zc-egress-{word}.{name}"), "egress");
            let policy = policy(metadata, selected, &reached, &pool.name, address.to_string());
            files.entry(&namespace.name).or_default().push(policy);
        }
    }
    for (namespace, policies) in files {
        let comment = "Source addresses outside the cluster. Nodes of the egress pool carry the label zonec.io/pool.";
        layout.add(&format!("40-egress/{namespace}.yaml"), comment, policies);
    }
    Ok(())
}

/// The addresses outside that components with egress addresses of their own open connections to.
fn outside(
    site: &Site,
    mode: EgressMode,
    statements: &[Statement],
) -> Result<BTreeMap<ComponentId, Addresses>, String> {
    let mut outside: BTreeMap<ComponentId, Addresses> = BTreeMap::new();
    for statement in statements.iter().filter(|statement| statement.side == Side::Egress) {
        for peer in statement.rules.iter().flat_map(|rule| &rule.peers) {
            let (Peer::Outside(addresses) | Peer::Names(_, addresses)) = peer else { continue };
            match statement.subject {
                Subject::Component(id) if !site.components[id].egress_addresses.is_empty() => {
                    let united = outside.entry(id).or_default();
                    *united = united.union(addresses);
                }
                Subject::Component(_) => {}
                _ if mode == EgressMode::Gateway => {
                    return Err(
                        "a whole namespace opens connections to the outside, but egress addresses belong to components"
                            .to_owned(),
                    );
                }
                _ => {}
            }
        }
    }
    Ok(outside)
}

fn policy(
    metadata: Metadata,
    selected: Labels,
    reached: &Addresses,
    pool: &str,
    address: String,
) -> EgressGatewayPolicy {
    let blocks = blocks(reached);
    let nodes = BTreeMap::from([("zonec.io/pool".to_owned(), pool.to_owned())]);
    EgressGatewayPolicy {
        api_version: "cilium.io/v2",
        kind: "CiliumEgressGatewayPolicy",
        metadata,
        spec: Spec {
            selectors: vec![Chosen {
                pod_selector: Selector { match_labels: selected, match_expressions: Vec::new() },
            }],
            destinations: blocks.iter().map(|(cidr, _)| cidr.to_string()).collect(),
            excluded: blocks.iter().flat_map(|(_, except)| except).map(ToString::to_string).collect(),
            gateway: Gateway {
                node_selector: Selector { match_labels: nodes, match_expressions: Vec::new() },
                address,
            },
            gateways: Vec::new(),
        },
    }
}
