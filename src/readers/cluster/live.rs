//! Namespaces, pods and groups of addresses, as dumps of live clusters hold them.

use super::facts::PodFacts;
use super::object::{Field, Fields, Read};
use super::ports::Transport;
use crate::readers::network_policy::{port_number, prefix};
use ipnet::IpNet;
use std::collections::BTreeMap;

/// A pod of a dump, or nothing when policies do not see it: it uses its node's network, or it has ended.
///
/// # Errors
/// When a field that matters cannot be read. What policies do not look at is passed over.
pub fn pod(name: &str, labels: BTreeMap<String, String>, mut object: Fields<'_, '_>) -> Read<Option<PodFacts>> {
    let mut spec = object.need("spec")?.map()?;
    if let Some(host) = spec.take("hostNetwork")
        && host.flag()?
    {
        return Ok(None);
    }
    if let Some(status) = object.take("status")
        && let Some(phase) = status.map()?.take("phase")
        && ["Succeeded", "Failed"].contains(&phase.text()?.as_str())
    {
        return Ok(None);
    }
    let account = spec.take("serviceAccountName").map(|field| field.text()).transpose()?;
    let mut ports = BTreeMap::new();
    for key in ["initContainers", "containers"] {
        for container in spec.take(key).map(|field| field.list()).transpose()?.unwrap_or_default() {
            let listed = container.map()?.take("ports").map(|field| field.list()).transpose()?.unwrap_or_default();
            for port in listed {
                ports.extend(named_port(&port)?);
            }
        }
    }
    Ok(Some(PodFacts { name: name.to_owned(), labels, ports, account: account.filter(|name| name != "default") }))
}

fn named_port(port: &Field<'_, '_>) -> Read<Option<((String, Transport), u16)>> {
    let mut fields = port.map()?;
    let Some(name) = fields.take("name") else { return Ok(None) };
    let transport = match fields.take("protocol") {
        None => Transport::Tcp,
        Some(field) => Transport::read(&field.text()?).ok_or_else(|| field.fault("is neither TCP, UDP nor SCTP"))?,
    };
    Ok(Some(((name.text()?, transport), port_number(&fields.need("containerPort")?)?)))
}

/// The prefixes of a CiliumCIDRGroup.
///
/// # Errors
/// When a field is unknown or a prefix is none.
pub fn cidr_group(mut object: Fields<'_, '_>) -> Read<Vec<IpNet>> {
    let mut spec = object.need("spec")?.map()?;
    object.finish()?;
    let list = spec.take("externalCIDRs").map(|field| field.list()).transpose()?.unwrap_or_default();
    spec.finish()?;
    list.iter().map(prefix).collect()
}
