//! CiliumNetworkPolicy and CiliumClusterwideNetworkPolicy of `cilium.io/v2`, after Cilium's policy documentation
//! (security/policy: layer3, layer4, deny, kubernetes, clustermesh).

use super::cluster::Header;
use super::cluster::facts::ClusterFacts;
use super::cluster::layer7;
use super::cluster::object::{Field, Fields, Read};
use super::cluster::ports::{Port, Transport, all_ports, everything, ports};
use super::cluster::rule::{Action, Direction, Entity, Peer, Peers, PortTerms, Proxy, Rule, Tier};
use super::cluster::selector::{Requirement, Selector, Subject, Test, is};
use super::network_policy::{expression, port_number, prefix};
use crate::space::Ranges;

/// Reads `spec` and `specs` of one policy.
///
/// # Errors
/// When a field is unknown, or holds what Cilium rejects or what this reader cannot evaluate.
pub fn read(
    header: &Header,
    mut object: Fields<'_, '_>,
    policy: usize,
    facts: &ClusterFacts,
    rules: &mut Vec<Rule>,
) -> Read<()> {
    let clusterwide = header.kind == "CiliumClusterwideNetworkPolicy";
    let namespace = if clusterwide { None } else { Some(header.namespace.as_deref().unwrap_or("default")) };
    let context = Context { namespace, facts, policy };
    let specs = object.take("specs").map(|field| field.list()).transpose()?.unwrap_or_default();
    let spec = object.take("spec");
    object.finish()?;
    for spec in spec.into_iter().chain(specs) {
        context.spec(&spec, rules)?;
    }
    Ok(())
}

struct Context<'c> {
    /// `None` for clusterwide policies.
    namespace: Option<&'c str>,
    facts: &'c ClusterFacts,
    policy: usize,
}

/// The four lists of a rule.
const LISTS: [(&str, Direction, Action); 4] = [
    ("ingress", Direction::Ingress, Action::Allow),
    ("ingressDeny", Direction::Ingress, Action::Deny),
    ("egress", Direction::Egress, Action::Allow),
    ("egressDeny", Direction::Egress, Action::Deny),
];

impl Context<'_> {
    fn spec(&self, spec: &Field<'_, '_>, rules: &mut Vec<Rule>) -> Read<()> {
        let mut fields = spec.map()?;
        for ignored in ["description", "labels", "log"] {
            fields.take(ignored);
        }
        if let Some(nodes) = fields.take("nodeSelector") {
            return Err(nodes.fault("is a policy for nodes, which this version does not evaluate"));
        }
        let subject = self.subject(&fields.need("endpointSelector")?)?;
        let mut lists = Vec::new();
        for (key, direction, action) in LISTS {
            let items = fields.take(key).map(|field| field.list()).transpose()?.unwrap_or_default();
            lists.push((items, direction, action));
        }
        if lists.iter().all(|(items, ..)| items.is_empty()) {
            return Err(spec.fault("holds no rule of either direction; Cilium rejects that"));
        }
        let isolates = default_deny(fields.take("enableDefaultDeny"))?;
        fields.finish()?;
        for (list, direction, action) in lists {
            for item in list {
                let mut fields = item.map()?;
                let parts = port_terms(&mut fields, action)?;
                let peers = self.peers(&mut fields, direction, (action, !parts.is_empty()), &item)?;
                fields.finish()?;
                let all = || vec![(PortTerms { numbers: everything(), names: Vec::new() }, Proxy::None)];
                for (ports, proxy) in if parts.is_empty() { all() } else { parts } {
                    if matches!(proxy, Proxy::Dns(_)) && direction == Direction::Ingress {
                        return Err(item.fault("has DNS rules on ingress; Cilium rejects that"));
                    }
                    rules.push(Rule {
                        policy: self.policy,
                        direction,
                        tier: Tier::Normal,
                        action,
                        subject: subject.clone(),
                        // Without a setting, any rule of a direction isolates in it, deny rules too.
                        isolates: isolates.get(direction),
                        peers: peers.clone(),
                        ports,
                        proxy,
                    });
                }
            }
        }
        Ok(())
    }

    /// Whom the policy is about. A namespaced policy is about its own namespace, whatever it says.
    fn subject(&self, field: &Field<'_, '_>) -> Read<Selector> {
        let selector = label_selector(field)?;
        match self.namespace {
            None => Ok(scoped(selector, None, None)),
            Some(_) if selector.mentions(|subject| *subject == Subject::NamespaceName) => {
                Err(field.fault("selects a namespace in a namespaced policy; Cilium then selects every pod of its own"))
            }
            Some(namespace) => Ok(selector.and(Subject::NamespaceName, is(namespace))),
        }
    }

    /// The one kind of peers that a rule may have. None at all means nobody, or with ports everybody.
    fn peers(
        &self,
        fields: &mut Fields<'_, '_>,
        direction: Direction,
        (action, has_ports): (Action, bool),
        rule: &Field<'_, '_>,
    ) -> Read<Peers> {
        let way = if direction == Direction::Ingress { "from" } else { "to" };
        let mut found: Option<Vec<Peer>> = None;
        let mut set = |peers: Vec<Peer>| match &found {
            Some(others) if !others.is_empty() && !peers.is_empty() => {
                Err(rule.fault("combines two kinds of peers; Cilium rejects that"))
            }
            _ => {
                found = Some(peers);
                Ok(())
            }
        };
        if let Some(list) = fields.take(&format!("{way}Endpoints")) {
            set(list.list()?.iter().map(|item| self.endpoints(item)).collect::<Read<_>>()?)?;
        }
        if let Some(list) = fields.take(&format!("{way}CIDR")) {
            let block = |item: &Field<'_, '_>| Ok(Peer::Block { cidr: prefix(item)?, except: Vec::new() });
            set(list.list()?.iter().map(block).collect::<Read<_>>()?)?;
        }
        if let Some(list) = fields.take(&format!("{way}CIDRSet")) {
            set(list.list()?.iter().map(cidr_set).collect::<Read<_>>()?)?;
        }
        if let Some(list) = fields.take(&format!("{way}Entities")) {
            set(list.list()?.iter().map(|item| Ok(Peer::Entity(entity(item)?))).collect::<Read<_>>()?)?;
        }
        if direction == Direction::Egress
            && let Some(list) = fields.take("toFQDNs")
        {
            if action == Action::Deny {
                return Err(list.fault("denies names; Cilium rejects that"));
            }
            set(list.list()?.iter().map(|item| Ok(Peer::Name(layer7::name(item)?))).collect::<Read<_>>()?)?;
        }
        Ok(match found {
            // An empty list selects nothing.
            Some(peers) => Peers::Listed(peers),
            None if has_ports => Peers::Everybody,
            None => Peers::Nobody,
        })
    }

    fn endpoints(&self, item: &Field<'_, '_>) -> Read<Peer> {
        let local = self.facts.local_by_default.then_some(self.facts.name.as_str());
        Ok(Peer::Endpoints(scoped(label_selector(item)?, self.namespace, local)))
    }
}

/// What Cilium adds to a selector: the policy's namespace (any namespace for a clusterwide policy) and the own cluster,
/// unless the selector speaks of them itself or of a reserved label.
fn scoped(selector: Selector, namespace: Option<&str>, cluster: Option<&str>) -> Selector {
    if selector.mentions(|subject| matches!(subject, Subject::Reserved(_))) {
        return selector;
    }
    let names_namespace = selector.mentions(|subject| *subject == Subject::NamespaceName);
    let labels_namespace = selector.mentions(|subject| matches!(subject, Subject::Namespace(_)));
    let names_cluster = selector.mentions(|subject| *subject == Subject::Cluster);
    let mut selector = match namespace {
        _ if names_namespace => selector,
        None => selector.and(Subject::NamespaceName, Test::Exists),
        Some(_) if labels_namespace => selector,
        Some(namespace) => selector.and(Subject::NamespaceName, is(namespace)),
    };
    if let Some(cluster) = cluster
        && !names_cluster
    {
        selector = selector.and(Subject::Cluster, is(cluster));
    }
    selector.0.sort();
    selector
}

struct Isolates {
    ingress: Option<bool>,
    egress: Option<bool>,
}

impl Isolates {
    fn get(&self, direction: Direction) -> bool {
        match direction {
            Direction::Ingress => self.ingress.unwrap_or(true),
            Direction::Egress => self.egress.unwrap_or(true),
        }
    }
}

fn default_deny(field: Option<Field<'_, '_>>) -> Read<Isolates> {
    let Some(field) = field else { return Ok(Isolates { ingress: None, egress: None }) };
    let mut fields = field.map()?;
    let ingress = fields.take("ingress").map(|field| field.flag()).transpose()?;
    let egress = fields.take("egress").map(|field| field.flag()).transpose()?;
    fields.finish()?;
    Ok(Isolates { ingress, egress })
}

fn label_selector(field: &Field<'_, '_>) -> Read<Selector> {
    let mut fields = field.map()?;
    let mut selector = Selector::default();
    if let Some(labels) = fields.take("matchLabels") {
        for (key, value) in labels.labels()? {
            selector = selector.and(subject_of(&key, &labels)?, is(&value));
        }
    }
    for item in fields.take("matchExpressions").map(|field| field.list()).transpose()?.unwrap_or_default() {
        let (key, test) = expression(&item)?;
        selector.0.push(Requirement { subject: subject_of(&key, &item)?, test });
    }
    fields.finish()?;
    selector.0.sort();
    Ok(selector)
}

/// Whose label a key with its source means.
fn subject_of(key: &str, field: &Field<'_, '_>) -> Read<Subject> {
    const RESERVED: [&str; 8] =
        ["host", "world", "remote-node", "kube-apiserver", "health", "ingress", "init", "unmanaged"];
    let (source, name) = key.split_once(':').unwrap_or(("any", key));
    match source {
        "reserved" => Ok(Subject::Reserved(name.to_owned())),
        "any" if RESERVED.contains(&name) => {
            Err(field.fault(format!("has the key `{key}`, which also means reserved:{name}")))
        }
        "k8s" | "any" => pod_label(name, field),
        _ => Err(field.fault(format!("has a label of the source `{source}`, which this version does not evaluate"))),
    }
}

/// Whose label a key on a pod's identity means (Cilium derives some from the namespace and the cluster).
///
/// # Errors
/// When Cilium leaves labels of that key out of identities by default, so that the selector never matches as written.
pub(super) fn pod_label(key: &str, field: &Field<'_, '_>) -> Read<Subject> {
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
    Ok(match key {
        "io.kubernetes.pod.namespace" => Subject::NamespaceName,
        "io.cilium.k8s.policy.cluster" => Subject::Cluster,
        "io.cilium.k8s.policy.serviceaccount" => Subject::ServiceAccount,
        _ => match key.strip_prefix("io.cilium.k8s.namespace.labels.") {
            Some(label) => Subject::Namespace(label.to_owned()),
            None if LEFT_OUT.iter().any(|prefix| key.starts_with(prefix)) => {
                return Err(
                    field.fault(format!("selects by `{key}`, a label that Cilium leaves out of identities by default"))
                );
            }
            None => Subject::Pod(key.to_owned()),
        },
    })
}

fn cidr_set(item: &Field<'_, '_>) -> Read<Peer> {
    let mut fields = item.map()?;
    let except = fields.take("except").map(|field| field.list()).transpose()?.unwrap_or_default();
    let except = except.iter().map(prefix).collect::<Read<Vec<_>>>()?;
    if let Some(group) = fields.take("cidrGroupRef") {
        fields.finish()?;
        return Ok(Peer::Group { name: group.text()?, except });
    }
    let cidr = prefix(&fields.need("cidr")?)?;
    fields.finish()?;
    match except.iter().find(|hole| !cidr.contains(*hole)) {
        Some(hole) => Err(item.fault(format!("takes {hole} out of {cidr}, in which it does not lie"))),
        None => Ok(Peer::Block { cidr, except }),
    }
}

fn entity(item: &Field<'_, '_>) -> Read<Entity> {
    Ok(match item.text()?.as_str() {
        "all" => Entity::All,
        "world" => Entity::World,
        "cluster" => Entity::Cluster,
        "host" => Entity::Host,
        "remote-node" => Entity::RemoteNode,
        "kube-apiserver" => Entity::KubeApiServer,
        "health" => Entity::Health,
        "ingress" => Entity::Ingress,
        "init" | "unmanaged" | "none" => Entity::Never,
        other => return Err(item.fault(format!("names the entity `{other}`, which this version does not evaluate"))),
    })
}

/// The ports of `toPorts`, with what a proxy lets pass there, or the types of `icmps`; nothing when the rule has neither.
fn port_terms(fields: &mut Fields<'_, '_>, action: Action) -> Read<Vec<(PortTerms, Proxy)>> {
    let to_ports = fields.take("toPorts").map(|field| field.list()).transpose()?.unwrap_or_default();
    let icmps = fields.take("icmps").map(|field| field.list()).transpose()?.unwrap_or_default();
    if let (Some(first), Some(_)) = (to_ports.first(), icmps.first()) {
        return Err(first.fault("stands beside icmps; Cilium rejects that"));
    }
    let mut parts: Vec<(PortTerms, Proxy)> = Vec::new();
    for item in &to_ports {
        let (terms, proxy) = port_rule(item, action)?;
        match parts.iter_mut().find(|(_, known)| *known == proxy) {
            Some((known, _)) => {
                known.numbers = known.numbers.union(&terms.numbers);
                known.names.extend(terms.names);
            }
            None => parts.push((terms, proxy)),
        }
    }
    let mut messages = PortTerms::default();
    for item in &icmps {
        let mut fields = item.map()?;
        for field in fields.take("fields").map(|field| field.list()).transpose()?.unwrap_or_default() {
            messages.numbers = messages.numbers.union(&Ranges::one(icmp(&field)?.number()));
        }
        fields.finish()?;
    }
    if !icmps.is_empty() {
        parts.push((messages, Proxy::None));
    }
    Ok(parts)
}

fn port_rule(item: &Field<'_, '_>, action: Action) -> Read<(PortTerms, Proxy)> {
    let mut terms = PortTerms::default();
    let mut fields = item.map()?;
    let list = fields.take("ports").map(|field| field.list()).transpose()?.unwrap_or_default();
    let proxy = match fields.take("rules") {
        Some(rules) if action == Action::Allow => layer7::proxy(&rules)?,
        Some(rules) => return Err(rules.fault("stands in a deny; Cilium rejects that")),
        None => Proxy::None,
    };
    fields.finish()?;
    if list.is_empty() {
        // In a deny it matches nothing (Cilium 1.20's engine), whatever its documentation says of rules without ports.
        return Err(item.fault("names no ports; enforcers disagree on what that means"));
    }
    for item in list {
        let mut fields = item.map()?;
        let protocol = fields.take("protocol");
        let transports: Vec<Transport> = match protocol.as_ref().map(Field::text).transpose()?.as_deref() {
            None | Some("ANY") => Transport::ALL.to_vec(),
            Some(name) => match Transport::read(name) {
                Some(transport) => vec![transport],
                None => {
                    return Err(
                        item.fault(format!("names the protocol `{name}`, which this version does not evaluate"))
                    );
                }
            },
        };
        let port = fields.take("port");
        let end = fields
            .take("endPort")
            .map(|field| if field.number()? == 0 { Ok(None) } else { port_number(&field).map(Some) })
            .transpose()?;
        fields.finish()?;
        let text = port.as_ref().map(Field::text).transpose()?.unwrap_or_else(|| "0".to_owned());
        for transport in transports {
            let numbers = match (text.parse::<u16>(), end.flatten()) {
                (Ok(0), None) => all_ports(transport),
                (Ok(first), Some(last)) if last < first => {
                    return Err(item.fault("is a range that ends before it starts; enforcers disagree on it"));
                }
                (Ok(first), last) => ports(transport, first, last.unwrap_or(first)),
                (Err(_), None) => {
                    terms.names.push((text.clone(), transport));
                    continue;
                }
                (Err(_), Some(_)) => return Err(item.fault("is a range that starts with a name")),
            };
            if proxy != Proxy::None && numbers == all_ports(transport) {
                return Err(item.fault("has layer 7 rules for every port; Cilium rejects that"));
            }
            terms.numbers = terms.numbers.union(&numbers);
        }
    }
    Ok((terms, proxy))
}

fn icmp(field: &Field<'_, '_>) -> Read<Port> {
    let mut fields = field.map()?;
    let family = fields.take("family").map(|field| field.text()).transpose()?;
    let kind = fields.need("type")?;
    fields.finish()?;
    let v6 = match family.as_deref() {
        None | Some("IPv4") => false,
        Some("IPv6") => true,
        Some(_) => return Err(field.fault("is of a family that is neither IPv4 nor IPv6")),
    };
    let number = if kind.is_number() {
        u8::try_from(kind.number()?).map_err(|_| kind.fault("is no ICMP type"))?
    } else {
        match (kind.text()?.as_str(), v6) {
            ("EchoReply", false) => 0,
            ("DestinationUnreachable", false) => 3,
            ("Echo" | "EchoRequest", false) => 8,
            ("TimeExceeded", false) => 11,
            ("ParameterProblem", false) => 12,
            ("Timestamp", false) => 13,
            ("DestinationUnreachable", true) => 1,
            ("PacketTooBig", true) => 2,
            ("TimeExceeded", true) => 3,
            ("ParameterProblem", true) => 4,
            ("EchoRequest", true) => 128,
            ("EchoReply", true) => 129,
            (other, _) => {
                return Err(kind.fault(format!("names the ICMP type `{other}`, which this version does not evaluate")));
            }
        }
    };
    Ok(if v6 { Port::Icmpv6(number) } else { Port::Icmp(number) })
}
