//! Long lists of addresses as CiliumCIDRGroup of `cilium.io/v2`: written once, named by every policy that needs them.

use super::super::cluster::{Capabilities, Metadata, Peer, Statement, blocks, cluster_metadata, fitted};
use super::super::kubernetes::Layout;
use crate::model::{Addresses, Site};
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// A list of more prefixes becomes a group: Cilium makes an identity of every prefix that a policy names.
const LONG: usize = 50;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CidrGroup {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(rename = "externalCIDRs")]
    prefixes: Vec<String>,
}

/// The groups of a cluster, by their addresses.
#[derive(Default)]
pub(super) struct Groups(BTreeMap<Addresses, String>);

impl Groups {
    /// The groups that the statements need; none where this version of Cilium has none.
    pub(super) fn of(site: &Site, statements: &[Statement], capabilities: &Capabilities) -> Self {
        let mut groups = BTreeMap::new();
        if !capabilities.cidr_groups() {
            return Self(groups);
        }
        let peers = statements.iter().flat_map(|statement| &statement.rules).flat_map(|rule| &rule.peers);
        for peer in peers {
            let Peer::Outside(addresses) = peer else { continue };
            let blocks = blocks(addresses);
            // A block with exceptions is written in the policy: a group holds prefixes only.
            if blocks.len() > LONG && blocks.iter().all(|(_, except)| except.is_empty()) {
                groups.entry(addresses.clone()).or_insert_with(|| name(site, addresses));
            }
        }
        Self(groups)
    }

    /// The group of some addresses.
    pub(super) fn name_of(&self, addresses: &Addresses) -> Option<&str> {
        self.0.get(addresses).map(String::as_str)
    }

    /// Writes the groups.
    pub(super) fn emit(&self, layout: &mut Layout) {
        for (addresses, name) in &self.0 {
            let metadata = cluster_metadata(name, "group");
            let prefixes = blocks(addresses).iter().map(|(cidr, _)| cidr.to_string()).collect();
            let group =
                CidrGroup { api_version: "cilium.io/v2", kind: "CiliumCIDRGroup", metadata, spec: Spec { prefixes } };
            layout.add(&format!("05-groups/{name}.yaml"), "Addresses that several policies name.", vec![group]);
        }
    }
}

/// Named after the network that has exactly these addresses, else after the addresses.
fn name(site: &Site, addresses: &Addresses) -> String {
    if let Some(network) = site.networks.values().find(|network| network.addresses == *addresses) {
        return fitted(&format!("zc-net.{}", network.name));
    }
    let digest = Sha256::digest(addresses.to_string());
    let hex: String = digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect();
    format!("zc-addresses.{hex}")
}
