//! ClusterNetworkPolicy of `policy.networking.k8s.io/v1alpha2`, after its API documentation (network-policy-api v0.2.0).

use super::cluster::Header;
use super::cluster::facts::ClusterFacts;
use super::cluster::object::{Field, Fields, Read};
use super::cluster::ports::{Transport, all_ports, everything, ports};
use super::cluster::rule::{Action, Direction, Peer, Peers, PortTerms, Proxy, Rule, Tier};
use super::cluster::selector::{Selector, Subject, Test, is};
use super::network_policy::{label_selector, port_number, prefix};
use ipnet::IpNet;

/// Reads the `spec` of one ClusterNetworkPolicy.
///
/// # Errors
/// When a field is unknown, or holds what the API does not define or this reader cannot evaluate.
pub fn read(
    _: &Header,
    mut object: Fields<'_, '_>,
    policy: usize,
    facts: &ClusterFacts,
    rules: &mut Vec<Rule>,
) -> Read<()> {
    let mut spec = object.need("spec")?.map()?;
    object.finish()?;
    let tier = spec.need("tier")?;
    let admin = match tier.text()?.as_str() {
        "Admin" => true,
        "Baseline" => false,
        _ => return Err(tier.fault("is neither Admin nor Baseline")),
    };
    let priority = spec.need("priority")?;
    let number = u32::try_from(priority.number()?).ok().filter(|n| *n <= 1000);
    let number = number.ok_or_else(|| priority.fault("is no number from 0 to 1000"))?;
    let subject = endpoints(&spec.need("subject")?, facts)?;
    let lists = [("ingress", "from", Direction::Ingress), ("egress", "to", Direction::Egress)]
        .map(|(key, peers, direction)| (spec.take(key), peers, direction));
    spec.finish()?;
    for (list, peers_key, direction) in lists {
        let list = list.map(|field| field.list()).transpose()?.unwrap_or_default();
        for (place, item) in (0u32..).zip(&list) {
            let mut fields = item.map()?;
            fields.take("name");
            let action = action(&fields.need("action")?)?;
            let peers = fields.need(peers_key)?.list()?;
            let mut all = Vec::new();
            for peer in &peers {
                all.extend(read_peer(peer, direction, facts)?);
            }
            let ports = protocols(fields.take("protocols"))?;
            fields.finish()?;
            let tier = if admin { Tier::Admin(number, place) } else { Tier::Baseline(number, place) };
            let subject = subject.clone();
            rules.push(Rule {
                policy,
                direction,
                tier,
                action,
                subject,
                isolates: false,
                peers: Peers::Listed(all),
                ports,
                proxy: Proxy::None,
            });
        }
    }
    Ok(())
}

fn action(field: &Field<'_, '_>) -> Read<Action> {
    match field.text()?.as_str() {
        "Accept" => Ok(Action::Allow),
        "Deny" => Ok(Action::Deny),
        "Pass" => Ok(Action::Pass),
        _ => Err(field.fault("is neither Accept, Deny nor Pass")),
    }
}

/// `namespaces` or `pods`.
fn endpoints(field: &Field<'_, '_>, facts: &ClusterFacts) -> Read<Selector> {
    let mut fields = field.map()?;
    let selector = namespaces_or_pods(&mut fields, facts)?;
    fields.finish()?;
    selector.ok_or_else(|| field.fault("selects neither namespaces nor pods"))
}

fn namespaces_or_pods(fields: &mut Fields<'_, '_>, facts: &ClusterFacts) -> Read<Option<Selector>> {
    match (fields.take("namespaces"), fields.take("pods")) {
        (Some(namespaces), None) => {
            let selector = label_selector(&namespaces, Subject::Namespace)?.and(Subject::NamespaceName, Test::Exists);
            // Cilium reads this kind of peer over the whole mesh.
            Ok(Some(if facts.cilium { selector } else { selector.and(Subject::Cluster, is(&facts.name)) }))
        }
        (None, Some(pods)) => {
            let mut fields = pods.map()?;
            let namespaces =
                fields.take("namespaceSelector").map(|f| label_selector(&f, Subject::Namespace)).transpose()?;
            let pods = label_selector(&fields.need("podSelector")?, Subject::Pod)?;
            fields.finish()?;
            let mut selector = namespaces.unwrap_or_default().and(Subject::NamespaceName, Test::Exists);
            selector.0.extend(pods.0);
            let local = !facts.cilium || facts.local_by_default;
            Ok(Some(if local { selector.and(Subject::Cluster, is(&facts.name)) } else { selector }))
        }
        (Some(namespaces), Some(_)) => Err(namespaces.fault("stands beside pods; exactly one is allowed")),
        (None, None) => Ok(None),
    }
}

fn read_peer(item: &Field<'_, '_>, direction: Direction, facts: &ClusterFacts) -> Read<Vec<Peer>> {
    let mut fields = item.map()?;
    let selector = namespaces_or_pods(&mut fields, facts)?;
    let networks = fields.take("networks");
    // `nodes` and `domainNames` are experimental; they end here as unknown fields.
    fields.finish()?;
    match (selector, networks) {
        (Some(selector), None) => Ok(vec![Peer::Endpoints(selector)]),
        (None, Some(networks)) if direction == Direction::Egress => {
            let prefixes = networks.list()?.iter().map(prefix).collect::<Read<Vec<_>>>()?;
            let mut peers: Vec<Peer> =
                prefixes.iter().map(|cidr| Peer::Block { cidr: *cidr, except: Vec::new() }).collect();
            if !facts.cilium {
                peers.extend(pods_in(&prefixes, &networks, facts)?);
            }
            Ok(peers)
        }
        (None, Some(networks)) => Err(networks.fault("is no peer of ingress rules")),
        (Some(_), Some(networks)) => Err(networks.fault("stands beside another peer; exactly one is allowed")),
        (None, None) => Err(item.fault("names no peer")),
    }
}

/// By the API, a network also means the pods whose addresses lie in it (Cilium leaves them out).
fn pods_in(prefixes: &[IpNet], field: &Field<'_, '_>, facts: &ClusterFacts) -> Read<Option<Peer>> {
    let covered = |inside: &IpNet| prefixes.iter().any(|prefix| prefix.contains(inside));
    let touched = |inside: &IpNet| prefixes.iter().any(|prefix| inside.contains(prefix) || prefix.contains(inside));
    if !facts.inside.iter().any(touched) {
        return Ok(None);
    }
    if facts.inside.iter().filter(|inside| touched(inside)).all(covered) {
        return Ok(Some(Peer::Endpoints(Selector::default().and(Subject::NamespaceName, Test::Exists))));
    }
    Err(field.fault("means some of the cluster's pod addresses and not others"))
}

/// A missing or empty list means all protocols.
fn protocols(field: Option<Field<'_, '_>>) -> Read<PortTerms> {
    let list = field.as_ref().map(Field::list).transpose()?.unwrap_or_default();
    if list.is_empty() {
        return Ok(PortTerms { numbers: everything(), names: Vec::new() });
    }
    let mut terms = PortTerms::default();
    for item in list {
        let mut fields = item.map()?;
        let named = fields.take("destinationNamedPort");
        let by_transport = [("tcp", Transport::Tcp), ("udp", Transport::Udp), ("sctp", Transport::Sctp)]
            .map(|(key, transport)| (fields.take(key), transport));
        fields.finish()?;
        let mut given: Vec<_> =
            by_transport.into_iter().filter_map(|(field, transport)| Some((field?, transport))).collect();
        match (given.pop(), given.is_empty(), named) {
            (Some((field, transport)), true, None) => {
                terms.numbers = terms.numbers.union(&transport_ports(&field, transport)?)
            }
            (None, true, Some(name)) => {
                terms.names.extend(Transport::ALL.map(|transport| (name.text().unwrap_or_default(), transport)))
            }
            _ => return Err(item.fault("names not exactly one protocol")),
        }
    }
    Ok(terms)
}

fn transport_ports(field: &Field<'_, '_>, transport: Transport) -> Read<crate::space::Ranges> {
    let mut fields = field.map()?;
    let port = fields.take("destinationPort");
    fields.finish()?;
    let Some(port) = port else { return Ok(all_ports(transport)) };
    let mut fields = port.map()?;
    let (number, range) = (fields.take("number"), fields.take("range"));
    fields.finish()?;
    match (number, range) {
        (Some(number), None) => {
            let number = port_number(&number)?;
            Ok(ports(transport, number, number))
        }
        (None, Some(range)) => {
            let mut fields = range.map()?;
            let (start, end) = (port_number(&fields.need("start")?)?, port_number(&fields.need("end")?)?);
            fields.finish()?;
            if end < start { Err(range.fault("ends before it starts")) } else { Ok(ports(transport, start, end)) }
        }
        _ => Err(port.fault("is neither one number nor one range")),
    }
}
