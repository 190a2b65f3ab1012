//! Peers, ports and layer 7 of a rule in Cilium's terms.

use super::super::cluster::{
    Capabilities, Labels, Peer, PortRange, Rule, blocks, chunks, of_services, pod_labels, protocol, ranges,
};
use super::groups::Groups;
use super::objects::{
    CidrRule, Egress, Expression, HttpRule, Icmp, IcmpRule, Ingress, Layer4, Layer7, NameRule, Port, PortRule, Selector,
};
use super::{CLUSTER, NAMESPACE};
use crate::model::{Addresses, ClusterId, NamespaceId, ServiceMatch, Site};
use crate::plan::Request;
use std::collections::BTreeMap;

/// A condition on a label.
pub(super) fn expression(key: &str, operator: &'static str, values: Vec<String>) -> Expression {
    Expression { key: key.to_owned(), operator, values }
}

/// The pods of a namespace, whatever its cluster.
pub(super) fn in_namespace(namespace: &str) -> Selector {
    Selector {
        match_labels: BTreeMap::from([(NAMESPACE.to_owned(), namespace.to_owned())]),
        match_expressions: Vec::new(),
    }
}

/// Labels with their source.
///
/// # Errors
/// When Cilium leaves a label out of identities, so that the selector would never match.
pub(super) fn sourced(labels: Labels) -> Result<Labels, String> {
    const LEFT_OUT: [&str; 11] = [
        "io.kubernetes",
        "kubernetes.io",
        "statefulset.kubernetes.io/pod-name",
        "apps.kubernetes.io/pod-index",
        "batch.kubernetes.io/job-completion-index",
        "batch.kubernetes.io/controller-uid",
        "k8s.io",
        "pod-template-generation",
        "pod-template-hash",
        "controller-revision-hash",
        "topology.kubernetes.io",
    ];
    let given = |(key, value): (String, String)| match LEFT_OUT.iter().find(|prefix| key.starts_with(**prefix)) {
        Some(_) => Err(format!("it selects pods by `{key}`, a label that Cilium leaves out of identities by default")),
        None if value.len() > 63 => Err(format!("it selects pods by `{key}` with a value of more than 63 characters")),
        None => Ok((format!("k8s:{key}"), value)),
    };
    labels.into_iter().map(given).collect()
}

/// Turns rules of statements into rules of Cilium.
pub(super) struct Rules<'a> {
    pub(super) site: &'a Site,
    pub(super) capabilities: &'a Capabilities,
    pub(super) groups: &'a Groups,
}

impl Rules<'_> {
    /// Ports in one part, ICMP types in another.
    pub(super) fn layer4(&self, rule: &Rule) -> Result<Vec<Layer4>, String> {
        let mut parts = Vec::new();
        let list = ranges(&of_services(&rule.services), self.capabilities.port_ranges(), 100).ok_or(
            "Cilium before 1.16 takes a port range for its first port, and the range is too long to be spelt out",
        )?;
        if !list.is_empty() {
            let to_ports = match self.layer7(&rule.requests)? {
                Some(layer7) => proxied(&list, &layer7),
                None => port_rules(&list),
            };
            parts.push(Layer4 { to_ports, icmps: Vec::new() });
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

    fn layer7(&self, requests: &[Request]) -> Result<Option<Layer7>, String> {
        if requests.is_empty() {
            return Ok(None);
        }
        if !self.capabilities.http() {
            return Err("Cilium before 1.15.2 may skip HTTP rules (CVE-2024-28248); update it".to_owned());
        }
        requests.iter().try_for_each(readable)?;
        let rule = |request: &Request| HttpRule { method: request.method.clone(), path: request.path.clone() };
        Ok(Some(Layer7::Http(requests.iter().map(rule).collect())))
    }

    /// Peers by kind, because a rule may have only one kind.
    pub(super) fn peers(&self, rule: &Rule) -> Result<Vec<Peers>, String> {
        let (mut endpoints, mut cidrs, mut entities, mut names) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for peer in &rule.peers {
            match peer {
                Peer::Component(id) => {
                    let Some(namespace) = self.site.components[*id].namespace else { continue };
                    endpoints.push(self.endpoint(namespace, pod_labels(self.site, *id))?);
                }
                Peer::Labelled(id, labels) => endpoints.push(self.endpoint(*id, labels.clone())?),
                Peer::Namespace(id) => endpoints.push(self.endpoint(*id, Labels::new())?),
                Peer::Cluster(id) => {
                    let exists = expression(NAMESPACE, "Exists", Vec::new());
                    let all = Selector { match_labels: BTreeMap::new(), match_expressions: vec![exists] };
                    endpoints.push(self.of_cluster(*id, all));
                }
                Peer::Outside(addresses) => match self.groups.name_of(addresses) {
                    Some(name) => {
                        cidrs.push(CidrRule { cidr_group_ref: Some(name.to_owned()), ..CidrRule::default() });
                    }
                    None => cidrs.extend(cidr_rules(addresses)),
                },
                Peer::Names(list, _) => names.extend(list.iter().map(|name| NameRule::of(name))),
                Peer::ApiServer(_) => entities.push("kube-apiserver"),
                Peer::Nodes(_) => entities.extend(["host", "remote-node"]),
            }
        }
        let parts = [Peers::Endpoints(endpoints), Peers::Cidrs(cidrs), Peers::Entities(entities), Peers::Names(names)];
        let parts: Vec<Peers> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        if parts.is_empty() { Err("no peer is left of it".to_owned()) } else { Ok(parts) }
    }

    fn endpoint(&self, namespace: NamespaceId, labels: Labels) -> Result<Selector, String> {
        let namespace = &self.site.namespaces[namespace];
        let mut selector = self.of_cluster(namespace.cluster, in_namespace(&namespace.name));
        selector.match_labels.extend(sourced(labels)?);
        Ok(selector)
    }

    /// Without a cluster term a selector means one cluster or the whole mesh, depending on the version, so it is written
    /// wherever the cluster has a name in a mesh.
    fn of_cluster(&self, cluster: ClusterId, mut selector: Selector) -> Selector {
        if let Some(name) = &self.site.clusters[cluster].decl.mesh_name {
            selector.match_labels.insert(CLUSTER.to_owned(), name.value.0.clone());
        }
        selector
    }
}

/// Cilium takes an empty method or path for any, and rejects an expression that it cannot read: the flow would be closed.
fn readable(request: &Request) -> Result<(), String> {
    let Request { method, path } = request;
    if !method.chars().all(|c| c.is_ascii_uppercase()) {
        return Err(format!("its `http` has the method {method}, which is no word of capitals as GET"));
    }
    let mut open = 0i32;
    let (mut bracket, mut escaped, mut before) = (false, false, ' ');
    for c in path.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            ']' if bracket => bracket = false,
            _ if bracket => {}
            '[' => bracket = true,
            '(' => open += 1,
            ')' => open -= 1,
            '?' if before == '(' => open = i32::MIN,
            _ => {}
        }
        before = c;
        if open < 0 {
            break;
        }
    }
    if path.starts_with('/') && open == 0 && !bracket && !escaped {
        Ok(())
    } else {
        Err(format!(
            "its `http` has the path {path}, which is no regular expression of a path: it starts with a slash, closes what it opens and has no group with a question mark"
        ))
    }
}

/// One kind of peers, because a rule may have only one.
pub(super) enum Peers {
    Endpoints(Vec<Selector>),
    Cidrs(Vec<CidrRule>),
    Entities(Vec<&'static str>),
    Names(Vec<NameRule>),
}

impl Peers {
    const fn is_empty(&self) -> bool {
        match self {
            Self::Endpoints(list) => list.is_empty(),
            Self::Cidrs(list) => list.is_empty(),
            Self::Entities(list) => list.is_empty(),
            Self::Names(list) => list.is_empty(),
        }
    }

    /// An ingress rule; `None` for names, which only connections to the outside have.
    pub(super) fn ingress(self, layer4: Layer4) -> Option<Ingress> {
        let rule = Ingress { layer4, ..Ingress::default() };
        match self {
            Self::Endpoints(from_endpoints) => Some(Ingress { from_endpoints, ..rule }),
            Self::Cidrs(from_cidr_set) => Some(Ingress { from_cidr_set, ..rule }),
            Self::Entities(from_entities) => Some(Ingress { from_entities, ..rule }),
            Self::Names(_) => None,
        }
    }

    /// An egress rule.
    pub(super) fn egress(self, layer4: Layer4) -> Egress {
        let rule = Egress { layer4, ..Egress::default() };
        match self {
            Self::Endpoints(to_endpoints) => Egress { to_endpoints, ..rule },
            Self::Cidrs(to_cidr_set) => Egress { to_cidr_set, ..rule },
            Self::Entities(to_entities) => Egress { to_entities, ..rule },
            Self::Names(to_names) => Egress { to_names, ..rule },
        }
    }
}

pub(super) fn cidr_rules(addresses: &Addresses) -> impl Iterator<Item = CidrRule> {
    blocks(addresses).into_iter().map(|(cidr, except)| CidrRule {
        cidr: Some(cidr.to_string()),
        cidr_group_ref: None,
        except: except.iter().map(ToString::to_string).collect(),
    })
}

/// Ports in lists of at most 40; `"0"` means all of a protocol.
pub(super) fn port_rules(list: &[PortRange]) -> Vec<PortRule> {
    let port = |range: &PortRange| match (range.first, range.last) {
        (1, u16::MAX) => Port { port: "0".to_owned(), end_port: None, protocol: protocol(range.transport) },
        _ => numbered(range),
    };
    let all: Vec<Port> = list.iter().map(port).collect();
    chunks(&all).into_iter().map(|ports| PortRule { ports, rules: None }).collect()
}

/// Ports behind a proxy, which takes no "all ports".
pub(super) fn proxied(list: &[PortRange], layer7: &Layer7) -> Vec<PortRule> {
    let all: Vec<Port> = list.iter().map(numbered).collect();
    chunks(&all).into_iter().map(|ports| PortRule { ports, rules: Some(layer7.clone()) }).collect()
}

fn numbered(range: &PortRange) -> Port {
    Port {
        port: range.first.to_string(),
        end_port: (range.last > range.first).then_some(range.last),
        protocol: protocol(range.transport),
    }
}
