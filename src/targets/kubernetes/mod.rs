//! Clusters whose allow rules are NetworkPolicies.
//!
//! Per managed namespace a default deny in both directions; per flow, side and component one object. Facts behind the
//! shape: isolation is per pod and direction, allows are united, a flow needs both sides, answers are implicit; ports
//! are pod ports; namespaces are selected by `kubernetes.io/metadata.name`, which tenants cannot set.

mod admission;
mod cluster_policy;
mod objects;

use self::objects::{EgressRule, IngressRule, IpBlock, LabelSelector, NetworkPolicy, Peer, PolicySpec, Port};
use super::cluster::{
    Capabilities, Kustomization, Labels, Metadata, Peer as ClusterPeer, Rule, Statement, Subject, blocks,
    cluster_metadata, config_map, described, documents, envelopes, of_services, pod_labels, ranges, statement_metadata,
    statements,
};
use super::{Files, Refused};
use crate::model::{NamespaceId, ServiceMatch, Site};
use crate::plan::{ClusterPlan, Side};
use crate::syntax::objects::Guardrail;
use std::collections::BTreeMap;

/// Emits the files of a cluster below `kubernetes/<cluster>/`.
///
/// # Errors
/// What the dialect cannot express, flow by flow; nothing is added to `files` then.
pub fn emit(site: &Site, plan: &ClusterPlan, files: &mut Files) -> Result<(), Vec<Refused>> {
    let cluster = &site.clusters[plan.cluster];
    let refuse = |reason| vec![Refused { enforcer: plan.name.clone(), flow: None, reason }];
    let capabilities = Capabilities::of(cluster).map_err(refuse)?;
    let statements = statements(site, plan)?;
    let emitter = Emitter { site, plan, capabilities: &capabilities };
    let mut layout = Layout::new(format!("kubernetes/{}", plan.name));
    for id in cluster.namespaces.iter().filter(|id| site.namespaces[**id].is_managed()) {
        let name = &site.namespaces[*id].name;
        layout.add(
            &format!("10-baseline/{name}.yaml"),
            &format!("Namespace {name}: what no flow allows is denied."),
            vec![emitter.default_deny(*id)],
        );
    }
    let mut refused = Vec::new();
    let mut objects: BTreeMap<String, Vec<(Option<String>, NetworkPolicy)>> = BTreeMap::new();
    for statement in &statements {
        match emitter.policy(statement) {
            Ok(policy) => {
                let about = Some(described(site, statement));
                objects.entry(file_of(site, statement)).or_default().push((about, policy));
            }
            Err(reason) => refused.push(Refused { enforcer: plan.name.clone(), flow: statement.flow(), reason }),
        }
    }
    for (path, objects) in objects {
        layout.add_flows(&path, objects);
    }
    let envelopes = envelopes(site, &statements);
    for guardrail in &capabilities.guardrails {
        let result = match guardrail {
            Guardrail::Admission => admission::emit(site, plan, &capabilities, &mut layout),
            Guardrail::ClusterNetworkPolicy => cluster_policy::emit(site, plan, &capabilities, &envelopes, &mut layout),
            Guardrail::Cilium => super::cilium::guardrails(site, plan, &capabilities, &envelopes, &mut layout),
        };
        refused.extend(result.err().into_iter().map(|reason| Refused {
            enforcer: plan.name.clone(),
            flow: None,
            reason,
        }));
    }
    if capabilities.cilium.is_some() {
        let gateways = super::cilium::egress_addresses(site, plan, &capabilities, &statements, &mut layout);
        refused.extend(gateways.err().into_iter().flat_map(refuse));
    }
    if !refused.is_empty() {
        return Err(refused);
    }
    layout.add_manifest(site, plan, &capabilities, &statements);
    layout.write(files).map_err(refuse)
}

/// The file of a statement: platform flows apart, the others by namespace and component.
pub(super) fn file_of(site: &Site, statement: &Statement) -> String {
    let namespace = &site.namespaces[statement.namespace].name;
    if statement.flow().is_none_or(|flow| super::cluster::is_platform(&site.flows[flow])) {
        return format!("30-platform/{namespace}.yaml");
    }
    let component = match statement.subject {
        Subject::Component(id) => site.components[id].name.as_str(),
        Subject::Namespace | Subject::Labelled(_) => "all-pods",
    };
    format!("20-flows/{namespace}/{component}.yaml")
}

/// The files of one cluster before they are written.
pub(super) struct Layout {
    folder: String,
    texts: BTreeMap<String, Result<String, String>>,
}

impl Layout {
    pub(super) const fn new(folder: String) -> Self {
        Self { folder, texts: BTreeMap::new() }
    }

    pub(super) fn add<T: serde::Serialize>(&mut self, path: &str, comment: &str, objects: Vec<T>) {
        let objects: Vec<(Option<String>, T)> = objects.into_iter().map(|object| (None, object)).collect();
        self.texts.insert(path.to_owned(), documents(comment, &objects));
    }

    /// Objects of flows, each with a line about it.
    pub(super) fn add_flows<T: serde::Serialize>(&mut self, path: &str, objects: Vec<(Option<String>, T)>) {
        let comment = if path.starts_with("30-") {
            "What the platform needs: one object per flow and side."
        } else {
            "Released flows: one object per flow and side."
        };
        self.texts.insert(path.to_owned(), documents(comment, &objects));
    }

    /// What is in force in the cluster, from everything that has been added.
    pub(super) fn add_manifest(
        &mut self,
        site: &Site,
        plan: &ClusterPlan,
        capabilities: &Capabilities,
        statements: &[Statement],
    ) {
        let texts = self.texts.iter().filter_map(|(path, text)| Some((path.as_str(), text.as_deref().ok()?)));
        let manifest = config_map(site, plan, capabilities, statements, texts);
        self.add("90-manifest.yaml", "What is in force in this cluster, and what that leaves open.", vec![manifest]);
    }

    pub(super) fn write(self, files: &mut Files) -> Result<(), String> {
        let resources: Vec<String> = self.texts.keys().cloned().collect();
        let kustomization = Kustomization::new(resources);
        let comment = "Made by zonec. Resources only: commonLabels would rewrite the selectors.";
        files.add(format!("{}/kustomization.yaml", self.folder), documents(comment, &[(None, kustomization)])?);
        for (path, text) in self.texts {
            files.add(format!("{}/{path}", self.folder), text?);
        }
        Ok(())
    }
}

struct Emitter<'a> {
    site: &'a Site,
    plan: &'a ClusterPlan,
    capabilities: &'a Capabilities,
}

impl Emitter<'_> {
    fn default_deny(&self, id: NamespaceId) -> NetworkPolicy {
        let metadata = Metadata {
            namespace: Some(self.site.namespaces[id].name.clone()),
            ..cluster_metadata("zc-000-default-deny", "baseline")
        };
        NetworkPolicy::new(metadata, PolicySpec { policy_types: vec!["Ingress", "Egress"], ..PolicySpec::default() })
    }

    fn policy(&self, statement: &Statement) -> Result<NetworkPolicy, String> {
        let mut spec = PolicySpec {
            pod_selector: LabelSelector { match_labels: statement.pods(self.site) },
            ..PolicySpec::default()
        };
        for rule in &statement.rules {
            let (peers, ports) = (self.peers(rule, statement.side)?, self.ports(rule)?);
            match statement.side {
                Side::Ingress => spec.ingress.push(IngressRule { from: peers, ports }),
                Side::Egress => spec.egress.push(EgressRule { to: peers, ports }),
            }
        }
        spec.policy_types = vec![if statement.side == Side::Ingress { "Ingress" } else { "Egress" }];
        Ok(NetworkPolicy::new(statement_metadata(self.site, statement), spec))
    }

    fn ports(&self, rule: &Rule) -> Result<Vec<Port>, String> {
        if !rule.requests.is_empty() {
            return Err("NetworkPolicies know no HTTP, so `http` needs `policy: cilium`".to_owned());
        }
        if let Some(other) = rule.services.iter().find(|service| !matches!(service, ServiceMatch::Ports(..))) {
            return Err(format!(
                "NetworkPolicies know TCP, UDP and SCTP only, not {other}; use `policy: cilium` for this cluster or another way for it"
            ));
        }
        let list = ranges(&of_services(&rule.services), self.capabilities.port_ranges(), 100)
            .ok_or("this version of the network plug-in takes a port range for its first port, and the range is too long to be spelt out")?;
        if list.is_empty() {
            return Err("no port is left of its service".to_owned());
        }
        let port = |range: &super::cluster::PortRange| Port {
            protocol: super::cluster::protocol(range.transport),
            port: range.first,
            end_port: (range.last > range.first).then_some(range.last),
        };
        Ok(list.iter().map(port).collect())
    }

    fn peers(&self, rule: &Rule, side: Side) -> Result<Vec<Peer>, String> {
        let mut peers = Vec::new();
        for peer in &rule.peers {
            match peer {
                ClusterPeer::Component(id) => {
                    let Some(namespace) = self.site.components[*id].namespace else { continue };
                    peers.push(self.pods(namespace, pod_labels(self.site, *id))?);
                }
                ClusterPeer::Labelled(id, labels) => peers.push(self.pods(*id, labels.clone())?),
                ClusterPeer::Namespace(id) => {
                    peers.push(Peer { namespace_selector: Some(self.namespace(*id)?), ..Peer::default() });
                }
                ClusterPeer::Cluster(id) if *id == self.plan.cluster => {
                    peers.push(Peer { namespace_selector: Some(LabelSelector::default()), ..Peer::default() });
                }
                ClusterPeer::Cluster(_) => return Err(ONE_CLUSTER.to_owned()),
                ClusterPeer::Names(..) => {
                    return Err("NetworkPolicies know no names, so `fqdn` needs `policy: cilium`".to_owned());
                }
                ClusterPeer::Outside(addresses) => {
                    if side == Side::Ingress && self.capabilities.ip_block_leaks() {
                        return Err("Cilium 1.19.0 to 1.19.5 admit the own namespace beside every ipBlock (CVE-2026-56743); update to 1.19.6 or use `policy: cilium`".to_owned());
                    }
                    peers.extend(ip_blocks(addresses));
                }
                ClusterPeer::ApiServer(addresses) | ClusterPeer::Nodes(addresses) => {
                    if self.capabilities.cilium.is_some() {
                        return Err("its peer is a node of the cluster, which Cilium never matches by an ipBlock; use `policy: cilium`".to_owned());
                    }
                    peers.extend(ip_blocks(addresses));
                }
            }
        }
        if peers.is_empty() { Err("no peer is left of it".to_owned()) } else { Ok(peers) }
    }

    fn pods(&self, namespace: NamespaceId, labels: Labels) -> Result<Peer, String> {
        Ok(Peer {
            namespace_selector: Some(self.namespace(namespace)?),
            pod_selector: Some(LabelSelector { match_labels: labels }),
            ip_block: None,
        })
    }

    fn namespace(&self, id: NamespaceId) -> Result<LabelSelector, String> {
        let namespace = &self.site.namespaces[id];
        if namespace.cluster != self.plan.cluster {
            return Err(ONE_CLUSTER.to_owned());
        }
        let name = ("kubernetes.io/metadata.name".to_owned(), namespace.name.clone());
        Ok(LabelSelector { match_labels: BTreeMap::from([name]) })
    }
}

/// Why a peer in another cluster of the mesh cannot be named.
const ONE_CLUSTER: &str = "its peer runs in another cluster of the same mesh, and NetworkPolicies select pods of their own cluster only; use `policy: cilium` in both";

fn ip_blocks(addresses: &crate::model::Addresses) -> impl Iterator<Item = Peer> {
    blocks(addresses).into_iter().map(|(cidr, except)| Peer {
        ip_block: Some(IpBlock { cidr: cidr.to_string(), except: except.iter().map(ToString::to_string).collect() }),
        ..Peer::default()
    })
}
