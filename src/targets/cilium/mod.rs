//! Clusters whose allow rules are CiliumNetworkPolicies, and guardrails by CiliumClusterwideNetworkPolicy.
//!
//! Facts behind the shape (Cilium's policy documentation): peers always carry namespace and cluster terms, because their
//! defaults differ between versions; addresses never mean pods or nodes, so nodes and API server are entities; one kind of peer
//! per rule; at most 40 ports per list; a deny beats every allow of any policy.

mod egress;
mod guardrail;
mod objects;

pub(super) use self::guardrail::emit as guardrails;

use self::objects::{
    CidrRule, Egress, Expression, Icmp, IcmpRule, Ingress, Layer4, Log, Policy, Port, PortRule, Selector, Spec,
};
use super::cluster::{
    Capabilities, Metadata, Peer, PortRange, Rule, Statement, blocks, chunks, envelopes, fitted, flow_metadata, labels,
    managed, of_services, pod_labels, protocol, ranges, route, statements,
};
use super::kubernetes::{Layout, file_of};
use super::{Files, Refused};
use crate::model::{Addresses, NamespaceId, ServiceMatch, Site};
use crate::plan::{ClusterPlan, Side};
use crate::syntax::objects::Guardrail;
use std::collections::BTreeMap;

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
    let capabilities = Capabilities::of(cluster);
    if cluster.decl.mesh.is_some() && capabilities.mesh_name.is_none() {
        let reason =
            "it is in a mesh but states no `mesh-name`; selectors could then mean other clusters' pods".to_owned();
        return Err(vec![Refused { enforcer: plan.name.clone(), flow: None, reason }]);
    }
    let statements = statements(site, plan)?;
    let emitter = Emitter { site, plan, capabilities: &capabilities };
    let mut layout = Layout::new(format!("cilium/{}", plan.name));
    for id in cluster.namespaces.iter().filter(|id| managed(&site.namespaces[**id])) {
        let name = &site.namespaces[*id].name;
        let comment = format!("Namespace {name}: what no flow allows is denied.");
        layout.add(&format!("10-baseline/{name}.yaml"), &comment, &[default_deny(name)]);
    }
    let mut refused = Vec::new();
    let mut objects: BTreeMap<String, Vec<Policy>> = BTreeMap::new();
    for statement in &statements {
        match emitter.policy(statement) {
            Ok(policy) => objects.entry(file_of(site, statement)).or_default().push(policy),
            Err(reason) => refused.push(Refused { enforcer: plan.name.clone(), flow: Some(statement.flow), reason }),
        }
    }
    for (path, objects) in &objects {
        layout.add(path, "Released flows, one object per flow, side and component.", objects);
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
    let gateways = egress::emit(site, plan, &capabilities, &statements, &mut layout);
    refused.extend(gateways.err().map(|reason| Refused { enforcer: plan.name.clone(), flow: None, reason }));
    if !refused.is_empty() {
        return Err(refused);
    }
    layout.write(files).map_err(|reason| vec![Refused { enforcer: plan.name.clone(), flow: None, reason }])
}

/// Clusterwide, so that tenants cannot delete it; by the namespace's name, so that no label has to be kept. The empty rules
/// match nothing and isolate.
fn default_deny(namespace: &str) -> Policy {
    let metadata = Metadata {
        name: fitted(&format!("zc-000-default-deny.{namespace}")),
        namespace: None,
        labels: labels("baseline"),
        annotations: BTreeMap::new(),
    };
    let spec = Spec {
        endpoint_selector: in_namespace(namespace),
        ingress: vec![Ingress::default()],
        egress: vec![Egress::default()],
        ..Spec::default()
    };
    Policy::new(metadata, spec)
}

fn in_namespace(namespace: &str) -> Selector {
    Selector {
        match_labels: BTreeMap::from([(NAMESPACE.to_owned(), namespace.to_owned())]),
        match_expressions: Vec::new(),
    }
}

fn expression(key: &str, operator: &'static str, values: Vec<String>) -> Expression {
    Expression { key: key.to_owned(), operator, values }
}

struct Emitter<'a> {
    site: &'a Site,
    plan: &'a ClusterPlan,
    capabilities: &'a Capabilities,
}

impl Emitter<'_> {
    fn policy(&self, statement: &Statement) -> Result<Policy, String> {
        let site = self.site;
        let flow = &site.flows[statement.flow];
        let namespace = site.namespaces[statement.namespace].name.as_str();
        let component = statement.component.map(|id| site.components[id].name.as_str());
        let mut metadata = flow_metadata(site, statement.flow, statement.side, Some(namespace), component);
        metadata
            .labels
            .insert("zonec.io/zone".to_owned(), site.zones[site.clusters[self.plan.cluster].zone].name.clone());
        let side = if statement.side == Side::Ingress { "in" } else { "out" };
        // At most 32 characters, of which the flow's name gives way.
        let name: String = flow.name.chars().take(25 - side.len()).collect();
        let log = format!("zonec {name} {side}");
        let mut spec = Spec {
            description: Some(format!("{} {side}: {}", flow.name, route(site, flow))),
            log: self.capabilities.policy_log().then_some(Log { value: log }),
            endpoint_selector: Selector {
                match_labels: statement.component.map(|id| self.labels(id)).unwrap_or_default(),
                match_expressions: Vec::new(),
            },
            ..Spec::default()
        };
        for rule in &statement.rules {
            for layer4 in self.layer4(rule)? {
                for peers in self.peers(rule)? {
                    match statement.side {
                        Side::Ingress => spec.ingress.push(peers.ingress(layer4.clone())),
                        Side::Egress => spec.egress.push(peers.egress(layer4.clone())),
                    }
                }
            }
        }
        Ok(Policy::new(metadata, spec))
    }

    fn labels(&self, id: crate::model::ComponentId) -> BTreeMap<String, String> {
        pod_labels(self.site, id).into_iter().map(|(key, value)| (format!("k8s:{key}"), value)).collect()
    }

    /// Ports in one part, ICMP types in another.
    fn layer4(&self, rule: &Rule) -> Result<Vec<Layer4>, String> {
        let mut parts = Vec::new();
        let list = ranges(&of_services(&rule.services), self.capabilities.port_ranges(), 100).ok_or(
            "Cilium before 1.16 takes a port range for its first port, and the range is too long to be spelt out",
        )?;
        if !list.is_empty() {
            parts.push(Layer4 { to_ports: port_rules(&list), icmps: Vec::new() });
        }
        let mut fields = Vec::new();
        for service in &rule.services {
            match service {
                ServiceMatch::Ports(..) => {}
                ServiceMatch::Icmp(kind) => fields.push(Icmp { family: "IPv4", kind: *kind }),
                ServiceMatch::Icmpv6(kind) => fields.push(Icmp { family: "IPv6", kind: *kind }),
                other => return Err(format!("Cilium policies know TCP, UDP, SCTP and ICMP, not {other}")),
            }
        }
        if !fields.is_empty() {
            parts.push(Layer4 {
                to_ports: Vec::new(),
                icmps: chunks(&fields).into_iter().map(|fields| IcmpRule { fields }).collect(),
            });
        }
        if parts.is_empty() { Err("no port is left of its service".to_owned()) } else { Ok(parts) }
    }

    fn peers(&self, rule: &Rule) -> Result<Vec<Peers>, String> {
        let (mut endpoints, mut cidrs, mut entities) = (Vec::new(), Vec::new(), Vec::new());
        for peer in &rule.peers {
            match peer {
                Peer::Component(id) => {
                    let Some(namespace) = self.site.components[*id].namespace else { continue };
                    let mut selector = self.endpoint(namespace);
                    selector.match_labels.extend(self.labels(*id));
                    endpoints.push(selector);
                }
                Peer::Namespace(id) => endpoints.push(self.endpoint(*id)),
                Peer::Cluster => {
                    let mut selector = self.own_cluster(Selector::default());
                    selector.match_expressions.insert(0, expression(NAMESPACE, "Exists", Vec::new()));
                    endpoints.push(selector);
                }
                Peer::Outside(addresses) => cidrs.extend(cidr_rules(addresses)),
                Peer::ApiServer(_) => entities.push("kube-apiserver"),
                Peer::Nodes(_) => entities.extend(["host", "remote-node"]),
            }
        }
        let parts = [Peers::Endpoints(endpoints), Peers::Cidrs(cidrs), Peers::Entities(entities)];
        let parts: Vec<Peers> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() { Err("no peer is left of it".to_owned()) } else { Ok(parts) }
    }

    fn endpoint(&self, namespace: NamespaceId) -> Selector {
        self.own_cluster(in_namespace(&self.site.namespaces[namespace].name))
    }

    /// Without a cluster term a selector means one cluster or the whole mesh, depending on the version, so it is written
    /// wherever the cluster has a name in a mesh.
    fn own_cluster(&self, mut selector: Selector) -> Selector {
        if let Some(name) = &self.capabilities.mesh_name {
            selector.match_labels.insert(CLUSTER.to_owned(), name.clone());
        }
        selector
    }
}

/// One kind of peers, because a rule may have only one.
enum Peers {
    Endpoints(Vec<Selector>),
    Cidrs(Vec<CidrRule>),
    Entities(Vec<&'static str>),
}

impl Peers {
    fn is_empty(&self) -> bool {
        match self {
            Self::Endpoints(list) => list.is_empty(),
            Self::Cidrs(list) => list.is_empty(),
            Self::Entities(list) => list.is_empty(),
        }
    }

    fn ingress(self, layer4: Layer4) -> Ingress {
        let rule = Ingress { layer4, ..Ingress::default() };
        match self {
            Self::Endpoints(from_endpoints) => Ingress { from_endpoints, ..rule },
            Self::Cidrs(from_cidr_set) => Ingress { from_cidr_set, ..rule },
            Self::Entities(from_entities) => Ingress { from_entities, ..rule },
        }
    }

    fn egress(self, layer4: Layer4) -> Egress {
        let rule = Egress { layer4, ..Egress::default() };
        match self {
            Self::Endpoints(to_endpoints) => Egress { to_endpoints, ..rule },
            Self::Cidrs(to_cidr_set) => Egress { to_cidr_set, ..rule },
            Self::Entities(to_entities) => Egress { to_entities, ..rule },
        }
    }
}

fn cidr_rules(addresses: &Addresses) -> impl Iterator<Item = CidrRule> {
    blocks(addresses).into_iter().map(|(cidr, except)| CidrRule {
        cidr: cidr.to_string(),
        except: except.iter().map(ToString::to_string).collect(),
    })
}

fn port_rules(list: &[PortRange]) -> Vec<PortRule> {
    let port = |range: &PortRange| match (range.first, range.last) {
        (1, u16::MAX) => Port { port: "0".to_owned(), end_port: None, protocol: protocol(range.transport) },
        (first, last) => Port {
            port: first.to_string(),
            end_port: (last > first).then_some(last),
            protocol: protocol(range.transport),
        },
    };
    let all: Vec<Port> = list.iter().map(port).collect();
    chunks(&all).into_iter().map(|ports| PortRule { ports }).collect()
}
