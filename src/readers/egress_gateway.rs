//! CiliumEgressGatewayPolicy of `cilium.io/v2`, after Cilium's documentation (network/egress-gateway): with which source
//! address connections of pods leave the cluster.

use super::cilium_policy::pod_label;
use super::cluster::object::{Field, Fields, Read};
use super::cluster::selector::{Requirement, Selector, Subject, Test};
use super::network_policy::{expression, label_selector, prefix};
use ipnet::IpNet;
use std::net::IpAddr;

/// One policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EgressGateway {
    /// Kind and name.
    pub object: String,
    /// Whose connections: the union.
    pub subjects: Vec<Selector>,
    /// To where.
    pub destinations: Vec<IpNet>,
    /// But not to there.
    pub excluded: Vec<IpNet>,
    /// Conditions on the labels of the node that they leave by.
    pub node: Vec<(String, Test)>,
    /// The source address that they get.
    pub address: IpAddr,
}

/// Reads the `spec` of one policy.
///
/// # Errors
/// When a field is unknown, or the source address is left to the node.
pub fn read(name: &str, mut object: Fields<'_, '_>) -> Read<EgressGateway> {
    let mut spec = object.need("spec")?.map()?;
    object.finish()?;
    let subjects = spec.need("selectors")?.list()?.iter().map(subject).collect::<Read<Vec<_>>>()?;
    let prefixes = |field: Field<'_, '_>| field.list()?.iter().map(prefix).collect::<Read<Vec<_>>>();
    let destinations = prefixes(spec.need("destinationCIDRs")?)?;
    let excluded = spec.take("excludedCIDRs").map(prefixes).transpose()?.unwrap_or_default();
    if let Some(more) = spec.take("egressGateways")
        && let Some(one) = more.list()?.first()
    {
        return Err(one.fault("shares the connections among several gateways, which this version does not evaluate"));
    }
    let gateway = spec.need("egressGateway")?;
    spec.finish()?;
    let mut fields = gateway.map()?;
    let node = nodes(&fields.need("nodeSelector")?)?;
    let address = fields.take("egressIP");
    let interface = fields.take("interface");
    fields.finish()?;
    let (Some(address), None) = (address, interface) else {
        return Err(gateway.fault("leaves the source address to the node"));
    };
    let address = address.text()?.parse().map_err(|_| address.fault("is no address"))?;
    Ok(EgressGateway { object: name.to_owned(), subjects, destinations, excluded, node, address })
}

fn subject(field: &Field<'_, '_>) -> Read<Selector> {
    let mut fields = field.map()?;
    let pods = fields.take("podSelector");
    let namespaces = fields.take("namespaceSelector");
    fields.finish()?;
    if pods.is_none() && namespaces.is_none() {
        return Err(field.fault("selects nothing"));
    }
    let mut selector = Selector::default().and(Subject::NamespaceName, Test::Exists);
    if let Some(namespaces) = namespaces {
        selector.0.extend(label_selector(&namespaces, Subject::Namespace)?.0);
    }
    if let Some(pods) = pods {
        selector.0.extend(
            conditions(&pods)?
                .into_iter()
                .map(|(key, test)| Ok(Requirement { subject: pod_label(&key, &pods)?, test }))
                .collect::<Read<Vec<_>>>()?,
        );
    }
    selector.0.sort();
    Ok(selector)
}

fn nodes(field: &Field<'_, '_>) -> Read<Vec<(String, Test)>> {
    let mut found = conditions(field)?;
    found.sort();
    Ok(found)
}

/// Conditions of a label selector, whoever's labels they are about.
fn conditions(field: &Field<'_, '_>) -> Read<Vec<(String, Test)>> {
    let mut fields = field.map()?;
    let mut found = Vec::new();
    if let Some(labels) = fields.take("matchLabels") {
        found.extend(labels.labels()?.into_iter().map(|(key, value)| (key, super::cluster::selector::is(&value))));
    }
    for item in fields.take("matchExpressions").map(|field| field.list()).transpose()?.unwrap_or_default() {
        found.push(expression(&item)?);
    }
    fields.finish()?;
    match found.iter().find(|(key, _)| key.contains(':')) {
        Some((key, _)) => {
            Err(field.fault(format!("has the key `{key}` with a source, which this version does not evaluate")))
        }
        None => Ok(found),
    }
}
