//! What Cilium's proxies look at: HTTP requests and questions to the name service.

use super::object::{Field, Read};
use super::rule::Proxy;
use std::collections::BTreeSet;

/// `rules` of a list of ports.
///
/// # Errors
/// When they ask for something else than HTTP or DNS, or cannot be read.
pub fn proxy(rules: &Field<'_, '_>) -> Read<Proxy> {
    let mut fields = rules.map()?;
    let http = fields.take("http").map(|field| field.list()).transpose()?;
    let dns = fields.take("dns").map(|field| field.list()).transpose()?;
    fields.finish()?;
    match (http, dns) {
        (None, None) => Ok(Proxy::None),
        (Some(list), None) if !list.is_empty() => {
            let requests: Vec<Option<String>> = list.iter().map(request).collect::<Read<_>>()?;
            // One rule that asks for nothing lets every request pass.
            let all: Option<BTreeSet<String>> = requests.into_iter().collect();
            Ok(all.map_or(Proxy::None, Proxy::Http))
        }
        (None, Some(list)) if !list.is_empty() => Ok(Proxy::Dns(list.iter().map(name).collect::<Read<_>>()?)),
        _ => Err(rules.fault("are empty or of two kinds, so their meaning is unknown")),
    }
}

/// A request as one text; nothing when it may be any.
fn request(rule: &Field<'_, '_>) -> Read<Option<String>> {
    let mut fields = rule.map()?;
    let mut parts = Vec::new();
    for key in ["method", "path", "host"] {
        let value = fields.take(key).map(|field| field.text()).transpose()?.filter(|text| !text.is_empty());
        parts.extend(value.map(|value| format!("{key} {value}")));
    }
    fields.finish()?;
    Ok((!parts.is_empty()).then(|| parts.join(", ")))
}

/// A name or a pattern.
///
/// # Errors
/// When it is neither.
pub fn name(item: &Field<'_, '_>) -> Read<String> {
    let mut fields = item.map()?;
    let name = fields.take("matchName").map(|field| field.text()).transpose()?;
    let pattern = fields.take("matchPattern").map(|field| field.text()).transpose()?;
    fields.finish()?;
    match (name, pattern) {
        (Some(name), None) if !name.contains('*') && !name.is_empty() => Ok(canonical(&name)),
        (None, Some(pattern)) if !pattern.is_empty() => Ok(canonical(&pattern)),
        _ => Err(item.fault("has to hold one name or one pattern")),
    }
}

/// Cilium compares names in lower case and with the dot of the root.
fn canonical(name: &str) -> String {
    name.to_ascii_lowercase().trim_end_matches('.').to_owned()
}
