//! Clusters whose allow rules are CiliumNetworkPolicies, and guardrails by CiliumClusterwideNetworkPolicy.
//!
//! Facts behind the shape (Cilium's policy documentation): peers always carry namespace and cluster terms, because their
//! defaults differ between versions; addresses never mean pods or nodes, so nodes and API server are entities; one kind of peer
//! per rule; at most 40 ports per list; a deny beats every allow of any policy.

mod egress;
mod groups;
mod guardrail;
mod objects;
mod rules;

pub(super) use self::egress::emit as egress_addresses;
pub(super) use self::guardrail::emit as guardrails;

use self::groups::Groups;
use self::objects::{Egress, Ingress, Layer7, Log, NameRule, Policy, Selector, Spec};
use self::rules::{Peers, Rules, cidr_rules, expression, in_namespace, port_rules, proxied, sourced};
use super::cluster::{
    Capabilities, NAME_SERVICE, Peer, Release, Statement, cluster_metadata, described, envelopes, of_services, ranges,
    statement_metadata, statements,
};
use super::kubernetes::{Layout, file_of};
use super::{Files, Refused};
use crate::model::{NamespaceId, Site};
use crate::plan::{ClusterPlan, Side};
use crate::syntax::objects::Guardrail;
use std::collections::{BTreeMap, BTreeSet};

/// Label of a pod's namespace.
const NAMESPACE: &str = "k8s:io.kubernetes.pod.namespace";
/// Label of a pod's cluster.
const CLUSTER: &str = "k8s:io.cilium.k8s.policy.cluster";

/// Emits the files of a cluster below `cilium/<cluster>/`.
///
/// # Errors
/// What the dialect cannot express, flow by flow; nothing is added to `files` then.
pub fn emit(site: &Site, plan: &ClusterPlan, files: &mut Files) -> Result<(), Vec<Refused>> {
    let cluster = &site.clusters[plan.cluster];
    let refuse = |reason| vec![Refused { enforcer: plan.name.clone(), flow: None, reason }];
    let capabilities = Capabilities::of(cluster).map_err(refuse)?;
    let statements = statements(site, plan)?;
    let groups = Groups::of(site, &statements, &capabilities);
    let names = |rule: &super::cluster::Rule| rule.peers.iter().any(|peer| matches!(peer, Peer::Names(..)));
    let by_name = statements.iter().filter(|statement| statement.rules.iter().any(names));
    let emitter = Emitter {
        rules: Rules { site, capabilities: &capabilities, groups: &groups },
        by_name: by_name.map(|statement| statement.namespace).collect(),
    };
    let mut layout = Layout::new(format!("cilium/{}", plan.name));
    groups.emit(&mut layout);
    for id in cluster.namespaces.iter().filter(|id| site.namespaces[**id].is_managed()) {
        let name = &site.namespaces[*id].name;
        let comment = format!("Namespace {name}: what no flow allows is denied.");
        layout.add(&format!("10-baseline/{name}.yaml"), &comment, vec![default_deny(name)]);
    }
    let mut refused = Vec::new();
    let mut objects: BTreeMap<String, Vec<(Option<String>, Policy)>> = BTreeMap::new();
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
    for kind in &capabilities.guardrails {
        let result =
            match kind {
                Guardrail::Cilium => guardrails(site, plan, &capabilities, &envelopes, &mut layout),
                _ => Err("beside CiliumNetworkPolicies the guardrail is `cilium`: it knows outside addresses as well"
                    .to_owned()),
            };
        refused.extend(result.err().into_iter().map(|reason| Refused {
            enforcer: plan.name.clone(),
            flow: None,
            reason,
        }));
    }
    let gateways = egress_addresses(site, plan, &capabilities, &statements, &mut layout);
    refused.extend(gateways.err().map(|reason| Refused { enforcer: plan.name.clone(), flow: None, reason }));
    if !refused.is_empty() {
        return Err(refused);
    }
    layout.add_manifest(site, plan, &capabilities, &statements);
    layout.write(files).map_err(refuse)
}

/// Clusterwide, so that tenants cannot delete it; by the namespace's name, so that no label has to be kept. The empty rules
/// match nothing and isolate.
fn default_deny(namespace: &str) -> Policy {
    let metadata = cluster_metadata(&format!("zc-000-default-deny.{namespace}"), "baseline");
    let spec = Spec {
        endpoint_selector: in_namespace(namespace),
        ingress: vec![Ingress::default()],
        egress: vec![Egress::default()],
        ..Spec::default()
    };
    Policy::new(metadata, spec)
}

struct Emitter<'a> {
    rules: Rules<'a>,
    /// Namespaces whose pods have flows to names: their questions go through Cilium's DNS proxy.
    by_name: BTreeSet<NamespaceId>,
}

impl Emitter<'_> {
    fn policy(&self, statement: &Statement) -> Result<Policy, String> {
        let site = self.rules.site;
        let side = if statement.side == Side::Ingress { "in" } else { "out" };
        let id = statement.flow().map_or(NAME_SERVICE, |id| site.flows[id].name.as_str());
        // At most 32 characters, of which the flow's name gives way.
        let short: String = id.chars().take(25 - side.len()).collect();
        let mut spec = Spec {
            description: Some(release(site, statement)),
            log: self.rules.capabilities.policy_log().then(|| Log { value: format!("zonec {short} {side}") }),
            endpoint_selector: Selector { match_labels: sourced(statement.pods(site))?, match_expressions: Vec::new() },
            ..Spec::default()
        };
        for rule in &statement.rules {
            for mut layer4 in self.rules.layer4(rule)? {
                if self.is_observed(statement) {
                    layer4.to_ports = observed(rule)?;
                }
                for peers in self.rules.peers(rule)? {
                    match statement.side {
                        Side::Ingress => spec.ingress.extend(peers.ingress(layer4.clone())),
                        Side::Egress => spec.egress.push(peers.egress(layer4.clone())),
                    }
                }
            }
        }
        Ok(Policy::new(statement_metadata(site, statement), spec))
    }

    /// Whether Cilium has to read the answers of the name service.
    fn is_observed(&self, statement: &Statement) -> bool {
        statement.release == Release::NameService
            && statement.side == Side::Egress
            && self.by_name.contains(&statement.namespace)
    }
}

/// What is released, why and by which decision: shown with the policy in the cluster.
fn release(site: &Site, statement: &Statement) -> String {
    let mut text = described(site, statement);
    if let Some(flow) = statement.flow().map(|id| &site.flows[id].decl) {
        if let Some(purpose) = &flow.purpose {
            text = format!("{text} ({})", purpose.value.0);
        }
        if let Some(approved) = &flow.approved {
            text = format!("{text} {}", approved.reference.value.0);
        }
    }
    text
}

/// Ports of the name service behind the proxy that learns which addresses names have. It lets every question pass: which names
/// a pod asks for is no matter of its flows.
fn observed(rule: &super::cluster::Rule) -> Result<Vec<objects::PortRule>, String> {
    let list = ranges(&of_services(&rule.services), true, 0).unwrap_or_default();
    if list.iter().any(|range| range.first != range.last) {
        return Err("Cilium reads answers of a name service at single ports only, and `dns` states a range".to_owned());
    }
    Ok(proxied(&list, &Layer7::Dns(vec![NameRule::of("*")])))
}
