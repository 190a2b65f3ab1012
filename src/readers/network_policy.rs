//! NetworkPolicy of `networking.k8s.io/v1`, after its API documentation.

use super::cluster::Header;
use super::cluster::facts::ClusterFacts;
use super::cluster::object::{Field, Fields, Read};
use super::cluster::ports::{Transport, all_ports, everything, ports};
use super::cluster::rule::{Action, Direction, Peer, Peers, PortTerms, Proxy, Rule, Tier};
use super::cluster::selector::{Requirement, Selector, Subject, Test, is};
use ipnet::IpNet;
use std::collections::BTreeSet;

/// Reads the `spec` of one NetworkPolicy.
///
/// # Errors
/// When a field is unknown, missing, or holds what the API does not define.
pub fn read(
    header: &Header,
    mut object: Fields<'_, '_>,
    policy: usize,
    facts: &ClusterFacts,
    rules: &mut Vec<Rule>,
) -> Read<()> {
    let mut spec = object.need("spec")?.map()?;
    object.finish()?;
    let namespace = header.namespace.as_deref().unwrap_or("default");
    let home = |selector: Selector| in_namespace(selector, namespace, facts);
    let subject = home(label_selector(&spec.need("podSelector")?, pod_subject)?);
    let ingress = spec.take("ingress").map(|field| field.list()).transpose()?.unwrap_or_default();
    let egress = spec.take("egress").map(|field| field.list()).transpose()?.unwrap_or_default();
    let types = policy_types(spec.take("policyTypes"), !egress.is_empty())?;
    spec.finish()?;
    for (direction, list, peers_key) in [(Direction::Ingress, ingress, "from"), (Direction::Egress, egress, "to")] {
        if !types.contains(&direction) {
            // Kubernetes ignores such rules, Cilium does not.
            if let Some(rule) = list.first() {
                return Err(
                    rule.fault("is a rule of a direction that policyTypes does not name; enforcers disagree on it")
                );
            }
            continue;
        }
        let mut push = |peers, ports| {
            let subject = subject.clone();
            rules.push(Rule {
                policy,
                direction,
                tier: Tier::Normal,
                action: Action::Allow,
                subject,
                isolates: true,
                peers,
                ports,
                proxy: Proxy::None,
            });
        };
        if list.is_empty() {
            push(Peers::Nobody, PortTerms::default());
        }
        for rule in list {
            let mut rule = rule.map()?;
            let peers = peers(rule.take(peers_key), namespace, facts)?;
            let ports = port_list(rule.take("ports"))?;
            rule.finish()?;
            push(peers, ports);
        }
    }
    Ok(())
}

/// What policyTypes means, with the defaults that the API server writes into it.
fn policy_types(field: Option<Field<'_, '_>>, has_egress: bool) -> Read<BTreeSet<Direction>> {
    let listed = field.as_ref().map(Field::list).transpose()?.unwrap_or_default();
    if listed.is_empty() {
        let egress = has_egress.then_some(Direction::Egress);
        return Ok([Direction::Ingress].into_iter().chain(egress).collect());
    }
    let read = |item: &Field<'_, '_>| match item.text()?.as_str() {
        "Ingress" => Ok(Direction::Ingress),
        "Egress" => Ok(Direction::Egress),
        _ => Err(item.fault("is neither Ingress nor Egress")),
    };
    listed.iter().map(read).collect()
}

/// A missing or empty list means everybody.
fn peers(field: Option<Field<'_, '_>>, namespace: &str, facts: &ClusterFacts) -> Read<Peers> {
    let list = field.as_ref().map(Field::list).transpose()?.unwrap_or_default();
    if list.is_empty() {
        return Ok(Peers::Everybody);
    }
    list.iter().map(|item| peer(item, namespace, facts)).collect::<Read<_>>().map(Peers::Listed)
}

fn peer(item: &Field<'_, '_>, namespace: &str, facts: &ClusterFacts) -> Read<Peer> {
    let mut fields = item.map()?;
    let block = fields.take("ipBlock");
    let namespaces = fields.take("namespaceSelector");
    let pods = fields.take("podSelector");
    fields.finish()?;
    match (block, namespaces, pods) {
        (Some(block), None, None) => ip_block(&block),
        (Some(_), ..) => Err(item.fault("has an ipBlock and a selector")),
        (None, None, None) => Err(item.fault("names no peer")),
        (None, namespaces, pods) => {
            let pods = pods.map(|field| label_selector(&field, pod_subject)).transpose()?.unwrap_or_default();
            match namespaces {
                None => Ok(Peer::Endpoints(in_namespace(pods, namespace, facts))),
                Some(field) => {
                    let mut all = label_selector(&field, Subject::Namespace)?.and(Subject::NamespaceName, Test::Exists);
                    all.0.extend(pods.0);
                    Ok(Peer::Endpoints(in_cluster(all, facts)))
                }
            }
        }
    }
}

fn ip_block(field: &Field<'_, '_>) -> Read<Peer> {
    let mut fields = field.map()?;
    let cidr = prefix(&fields.need("cidr")?)?;
    let except = fields.take("except").map(|field| field.list()).transpose()?.unwrap_or_default();
    let except = except.iter().map(prefix).collect::<Read<Vec<_>>>()?;
    fields.finish()?;
    match except.iter().find(|hole| !cidr.contains(*hole) || **hole == cidr) {
        Some(hole) => Err(field.fault(format!("takes {hole} out of {cidr}, in which it does not lie"))),
        None => Ok(Peer::Block { cidr, except }),
    }
}

/// A prefix as the APIs write it.
///
/// # Errors
/// When the text is no prefix.
pub(super) fn prefix(field: &Field<'_, '_>) -> Read<IpNet> {
    let text = field.text()?;
    text.parse::<IpNet>().map(|net| net.trunc()).map_err(|_| field.fault(format!("`{text}` is no prefix")))
}

/// A missing or empty list means all protocols and ports.
fn port_list(field: Option<Field<'_, '_>>) -> Read<PortTerms> {
    let list = field.as_ref().map(Field::list).transpose()?.unwrap_or_default();
    if list.is_empty() {
        return Ok(PortTerms { numbers: everything(), names: Vec::new() });
    }
    let mut terms = PortTerms::default();
    for item in list {
        let mut fields = item.map()?;
        let protocol = fields.take("protocol");
        let transport = match &protocol {
            None => Transport::Tcp,
            Some(field) => {
                Transport::read(&field.text()?).ok_or_else(|| field.fault("is neither TCP, UDP nor SCTP"))?
            }
        };
        let (port, end) = (fields.take("port"), fields.take("endPort"));
        fields.finish()?;
        let numbers = match (port, end) {
            (None, None) => all_ports(transport),
            (None, Some(end)) => return Err(end.fault("is the end of a range without a start")),
            (Some(port), end) if port.is_number() => {
                let first = port_number(&port)?;
                let last = end.as_ref().map(port_number).transpose()?.unwrap_or(first);
                if last < first {
                    return Err(port.fault("starts a range that ends before it; enforcers disagree on it"));
                }
                ports(transport, first, last)
            }
            (Some(_), Some(end)) => return Err(end.fault("is the end of a range that starts with a name")),
            (Some(port), None) => {
                terms.names.push((port.text()?, transport));
                continue;
            }
        };
        terms.numbers = terms.numbers.union(&numbers);
    }
    Ok(terms)
}

/// A port from 1 to 65535.
///
/// # Errors
/// When the number is no port.
pub(super) fn port_number(field: &Field<'_, '_>) -> Read<u16> {
    let port = u16::try_from(field.number()?).ok().filter(|port| *port > 0);
    port.ok_or_else(|| field.fault("is no port from 1 to 65535"))
}

/// A LabelSelector of `meta/v1`; `subject` says whose labels it looks at.
///
/// # Errors
/// When a field or operator is unknown, or values do not fit the operator.
pub(super) fn label_selector(field: &Field<'_, '_>, subject: impl Fn(String) -> Subject) -> Read<Selector> {
    let mut fields = field.map()?;
    let mut selector = Selector::default();
    if let Some(labels) = fields.take("matchLabels") {
        for (key, value) in labels.labels()? {
            selector = selector.and(subject(key), is(&value));
        }
    }
    for item in fields.take("matchExpressions").map(|field| field.list()).transpose()?.unwrap_or_default() {
        let (key, test) = expression(&item)?;
        selector.0.push(Requirement { subject: subject(key), test });
    }
    fields.finish()?;
    selector.0.sort();
    Ok(selector)
}

/// One of `matchExpressions`.
///
/// # Errors
/// When the operator is unknown or its values do not fit.
pub(super) fn expression(item: &Field<'_, '_>) -> Read<(String, Test)> {
    let mut fields = item.map()?;
    let key = fields.need("key")?.text()?;
    let operator = fields.need("operator")?.text()?;
    let values = fields.take("values").map(|field| field.list()).transpose()?.unwrap_or_default();
    fields.finish()?;
    let values = values.iter().map(Field::text).collect::<Read<BTreeSet<_>>>()?;
    let test = match (operator.as_str(), values.is_empty()) {
        ("In", false) => Test::In(values),
        ("NotIn", false) => Test::NotIn(values),
        ("Exists", true) => Test::Exists,
        ("DoesNotExist", true) => Test::DoesNotExist,
        ("In" | "NotIn" | "Exists" | "DoesNotExist", _) => {
            return Err(item.fault("has values that do not fit its operator"));
        }
        _ => return Err(item.fault(format!("has the unknown operator `{operator}`"))),
    };
    Ok((key, test))
}

fn in_namespace(selector: Selector, namespace: &str, facts: &ClusterFacts) -> Selector {
    in_cluster(selector.and(Subject::NamespaceName, is(namespace)), facts)
}

/// Pods of other clusters are meant only where the mesh is older than Cilium's local default.
fn in_cluster(selector: Selector, facts: &ClusterFacts) -> Selector {
    let named = selector.mentions(|subject| *subject == Subject::Cluster);
    if named || (facts.cilium && !facts.local_by_default) {
        selector
    } else {
        selector.and(Subject::Cluster, is(&facts.name))
    }
}

/// With Cilium, one key among pod labels stands for the name of the pod's cluster.
fn pod_subject(key: String) -> Subject {
    if key == "io.cilium.k8s.policy.cluster" { Subject::Cluster } else { Subject::Pod(key) }
}
