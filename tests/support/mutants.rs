//! Single changes of emitted objects, on their trees.

use super::{Compiled, allow_all};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use zonec::plan::ClusterPlan;
use zonec::readers::cluster::evaluate::Verdicts;
use zonec::readers::cluster::rule::Direction;
use zonec::readers::cluster::universe::Universe;
use zonec::readers::cluster::witness::with_witnesses;
use zonec::source::{FileId, Limits};
use zonec::syntax::tree::{Node, Value as Yaml, parse_documents};
use zonec::verify::cluster::{facts, read};

/// A changed set of files.
pub struct Mutant {
    /// Which kind of change: `port`, `label`, `dropped object`.
    pub kind: &'static str,
    /// Where and what.
    pub what: String,
    /// The file with the change.
    path: usize,
    text: String,
}

impl Mutant {
    /// All files, with the change.
    pub fn files(&self, files: &[(String, String)]) -> Vec<(String, String)> {
        let mut copy = files.to_vec();
        copy[self.path].1.clone_from(&self.text);
        copy
    }
}

/// Every mutant of some files.
pub fn mutants(files: &[(String, String)]) -> Vec<Mutant> {
    let mut all = Vec::new();
    for (path, (name, text)) in files.iter().enumerate() {
        let documents = trees(text);
        let written =
            |documents: &[Value]| documents.iter().map(|one| format!("{one:#}\n")).collect::<Vec<_>>().join("---\n");
        for (place, document) in documents.iter().enumerate() {
            let what = |more: &str| {
                format!("{name}: {} {}: {more}", text_at(document, &["kind"]), text_at(document, &["metadata", "name"]))
            };
            let mut rest = documents.clone();
            rest.remove(place);
            if text_at(document, &["kind"]) != "Kustomization" {
                all.push(Mutant { kind: "dropped object", what: what("dropped"), path, text: written(&rest) });
            }
            let mut changes = Vec::new();
            changed(document, &mut Vec::new(), &mut changes);
            for (kind, at, change) in changes {
                let mut copy = documents.clone();
                copy[place] = change;
                all.push(Mutant { kind, what: what(&at), path, text: written(&copy) });
            }
        }
    }
    all
}

/// The documents of a text. JSON is YAML too, so mutants are written as JSON.
fn trees(text: &str) -> Vec<Value> {
    let documents = parse_documents(text, FileId(0), &Limits::default()).unwrap();
    documents.iter().map(tree).collect()
}

fn tree(node: &Node<'_>) -> Value {
    match &node.value {
        Yaml::Scalar { text, plain: true } => serde_json::from_str(text).unwrap_or_else(|_| Value::from(&**text)),
        Yaml::Scalar { text, .. } => Value::from(&**text),
        Yaml::Seq(items) => Value::Array(items.iter().map(tree).collect()),
        Yaml::Map(entries) => {
            Value::Object(entries.iter().map(|(key, value)| (key.text().unwrap().to_owned(), tree(value))).collect())
        }
    }
}

/// As many of each kind as `most`, spread over all of them.
pub fn sample(all: Vec<Mutant>, most: usize) -> Vec<Mutant> {
    let mut by_kind: BTreeMap<&str, Vec<Mutant>> = BTreeMap::new();
    for mutant in all {
        by_kind.entry(mutant.kind).or_default().push(mutant);
    }
    let spread = |list: Vec<Mutant>| {
        let step = list.len().div_ceil(most).max(1);
        list.into_iter().step_by(step)
    };
    by_kind.into_values().flat_map(spread).collect()
}

fn text_at<'v>(value: &'v Value, path: &[&str]) -> &'v str {
    path.iter().try_fold(value, |value, key| value.get(*key)).and_then(Value::as_str).unwrap_or("")
}

type Changes = Vec<(&'static str, String, Value)>;

/// Every changed form of a tree.
fn changed(value: &Value, path: &mut Vec<String>, found: &mut Changes) {
    match value {
        Value::Object(entries) => {
            for (key, inner) in entries {
                let name = key.clone();
                if means_nothing(path, &name) {
                    continue;
                }
                let mut put = |kind, what: String, change: Option<Value>, as_key: Option<&str>| {
                    let mut copy = Map::new();
                    for (other, old) in entries {
                        if other != key {
                            copy.insert(other.clone(), old.clone());
                        } else if let Some(new) = &change {
                            copy.insert(as_key.map_or_else(|| key.clone(), str::to_owned), new.clone());
                        }
                    }
                    found.push((kind, format!("{}.{name}: {what}", path.join(".")), Value::Object(copy)));
                };
                for (kind, what, change) in variants(path, &name, inner) {
                    put(kind, what, change, None);
                }
                if let Some(other) = renamed(&name) {
                    put("direction", format!("becomes {other}"), Some(inner.clone()), Some(other));
                }
                let mut below = Changes::new();
                path.push(name.clone());
                changed(inner, path, &mut below);
                path.pop();
                for (kind, what, change) in below {
                    let mut copy = entries.clone();
                    copy.insert(key.clone(), change);
                    found.push((kind, what, Value::Object(copy)));
                }
            }
        }
        Value::Array(items) => {
            for (place, item) in items.iter().enumerate() {
                let mut fewer = items.clone();
                fewer.remove(place);
                found.push(("dropped item", format!("{}[{place}] dropped", path.join(".")), Value::Array(fewer)));
                let mut below = Changes::new();
                let owner = path.last().cloned().unwrap_or_default();
                path.push(format!("[{place}]"));
                if let Some((kind, what, change)) = item_variant(&owner, item) {
                    below.push((kind, format!("{}: {what}", path.join(".")), change));
                }
                changed(item, path, &mut below);
                path.pop();
                for (kind, what, change) in below {
                    let mut copy = items.clone();
                    copy[place] = change;
                    found.push((kind, what, Value::Array(copy)));
                }
            }
        }
        _ => {}
    }
}

/// What no enforcer looks at.
fn means_nothing(path: &[String], name: &str) -> bool {
    let parent = path.last().map_or("", String::as_str);
    let in_metadata = path.first().is_some_and(|first| first == "metadata");
    (in_metadata && parent == "labels" && name != "app.kubernetes.io/managed-by")
        || (path.len() == 1 && in_metadata && !["namespace", "labels"].contains(&name))
        || ["apiVersion", "kind", "description", "log", "message", "reason", "name", "matchPolicy"].contains(&name)
            && !(parent == "metadata" && name == "namespace")
}

/// Changed forms of the value of a field; nothing instead of a value drops the field.
fn variants(path: &[String], name: &str, value: &Value) -> Vec<(&'static str, String, Option<Value>)> {
    let parent = path.last().map_or("", String::as_str);
    let to = |kind, new: Value| (kind, format!("{value:?} becomes {new:?}"), Some(new));
    let number = |value: &Value| value.as_u64().or_else(|| value.as_str().and_then(|text| text.parse().ok()));
    let like = |new: u64| if value.is_string() { Value::from(new.to_string()) } else { Value::from(new) };
    let text = value.as_str().unwrap_or_default();
    match name {
        "port" | "endPort" | "number" | "start" | "end" => {
            let port = number(value).unwrap();
            [port.saturating_sub(1), port + 1]
                .into_iter()
                .filter(|new| *new != port && (1..65536).contains(new))
                .map(|new| to("port", like(new)))
                .chain((name == "endPort").then(|| ("port", "range cut".to_owned(), None)))
                .collect()
        }
        "protocol" => vec![to("protocol", Value::from(if text == "TCP" { "UDP" } else { "TCP" }))],
        "tcp" | "udp" | "sctp" => Vec::new(),
        "namespace" => vec![to("namespace", Value::from("elsewhere"))],
        "operator" => {
            let other = match text {
                "In" => "NotIn",
                "NotIn" => "In",
                "Exists" => "DoesNotExist",
                _ => "Exists",
            };
            vec![to("operator", Value::from(other))]
        }
        "cidr" => cidrs(text).into_iter().map(|new| to("CIDR", Value::from(new))).collect(),
        "egressIP" => {
            vec![to("address", Value::from(if text.contains(':') { "2001:db8::dead" } else { "192.0.2.251" }))]
        }
        "action" => {
            let others: &[&str] = if text == "Pass" { &["Deny", "Accept"] } else { &["Pass", "Accept"] };
            others.iter().map(|new| to("action", Value::from(*new))).collect()
        }
        "failurePolicy" => vec![to("admission", Value::from("Ignore"))],
        "policyName" => vec![to("admission", Value::from("another"))],
        "expression" => expressions(text).into_iter().map(|new| to("admission", Value::from(new))).collect(),
        "matchName" | "matchPattern" => vec![to("name", Value::from(format!("x{text}")))],
        "method" => vec![to("request", Value::from(if text == "GET" { "PUT" } else { "GET" }))],
        "path" => vec![to("request", Value::from(format!("{text}x")))],
        "except" | "excludedCIDRs" => vec![("CIDR", "exception dropped".to_owned(), None)],
        "enableDefaultDeny" => vec![("isolation", "dropped".to_owned(), None)],
        "podSelector" | "endpointSelector" | "namespaceSelector" | "ports" | "toPorts" | "policyTypes" | "from"
        | "to" | "rules" | "labels" | "ingress" | "egress" | "ingressDeny" | "egressDeny" | "protocols" | "icmps" => {
            vec![("dropped field", "dropped".to_owned(), None)]
        }
        _ if parent == "matchLabels" || (parent == "labels" && path.len() == 2) => {
            let kind = if name.ends_with("policy.cluster") { "cluster" } else { "label" };
            vec![to(kind, Value::from("elsewhere")), (kind, "dropped".to_owned(), None)]
        }
        _ => Vec::new(),
    }
}

fn renamed(name: &str) -> Option<&'static str> {
    Some(match name {
        "ingressDeny" => "ingress",
        "egressDeny" => "egress",
        "fromEndpoints" => "toEndpoints",
        "toEndpoints" => "fromEndpoints",
        _ => return None,
    })
}

/// A changed form of an item of a list.
fn item_variant(owner: &str, item: &Value) -> Option<(&'static str, String, Value)> {
    let text = item.as_str()?;
    let (kind, new) = match owner {
        "fromEntities" | "toEntities" => ("entity", if text == "world" { "host" } else { "world" }.to_owned()),
        "values" => ("label", "elsewhere".to_owned()),
        "policyTypes" => ("direction", if text == "Ingress" { "Egress" } else { "Ingress" }.to_owned()),
        "networks" | "destinationCIDRs" | "excludedCIDRs" | "except" | "externalCIDRs" => {
            ("CIDR", cidrs(text).into_iter().next()?)
        }
        "resources" if text.ends_with(".yaml") => ("file", format!("x{text}")),
        "resources" => ("admission", "pods".to_owned()),
        "operations" => ("admission", "CONNECT".to_owned()),
        "validationActions" => ("admission", "Warn".to_owned()),
        _ => return None,
    };
    Some((kind, format!("{text} becomes {new}"), Value::from(new)))
}

/// A prefix next to it, half of it, twice of it.
fn cidrs(text: &str) -> Vec<String> {
    let net: ipnet::IpNet = text.parse().unwrap();
    let widest = net.prefix_len() == 0;
    let sized = |length: u8| ipnet::IpNet::new(net.addr(), length).ok().map(|net| net.trunc().to_string());
    let half = sized(net.prefix_len() + 1);
    let twice = (!widest).then(|| sized(net.prefix_len() - 1)).flatten();
    let elsewhere = if text.contains(':') { "2001:db8:dead::/48" } else { "192.0.2.250/32" };
    half.into_iter().chain(twice).chain([elsewhere.to_owned()]).collect()
}

/// Changed forms of an expression of an admission policy.
fn expressions(text: &str) -> Vec<String> {
    let pairs = [
        ("&&", "||"),
        ("||", "&&"),
        ("> 0", "> 1"),
        ("!has", "has"),
        ("all(", "exists("),
        ("from", "to"),
        ("== ", "!= "),
        ("!variables", "variables"),
        ("kube-system", "default"),
        ("podSelector", "ipBlock"),
    ];
    pairs.iter().filter(|(old, _)| text.contains(old)).map(|(old, new)| text.replacen(old, new, 1)).collect()
}

/// Whether two sets of files decide every connection alike, of every pod that either of them could select, with and without
/// a tenant's policy that allows everything, under every request that a proxy tells apart. Only for files of policies.
pub fn same_verdicts(
    compiled: &Compiled,
    plan: &ClusterPlan,
    before: &[(String, String)],
    after: &[(String, String)],
) -> bool {
    let policies_only = |path: &str| {
        !["kustomization.yaml", "tenants.yaml"].iter().any(|end| path.ends_with(end)) && !path.contains("40-egress")
    };
    if before.iter().zip(after).any(|(before, after)| before != after && !policies_only(&before.0)) {
        return false;
    }
    let mut facts = facts(&compiled.site, plan.cluster);
    let tenants: Vec<String> = facts.namespaces.iter().map(|namespace| allow_all(&namespace.name)).collect();
    let policies = |files: &[(String, String)], tenants: &[String]| {
        let emitted =
            files.iter().filter(|(path, _)| policies_only(path)).map(|(path, text)| (path.as_str(), text.as_str()));
        read(emitted.chain(tenants.iter().map(|text| ("tenant", text.as_str()))), &facts)
    };
    let pairs = [&[][..], &tenants[..]].map(|tenants| (policies(before, tenants), policies(after, tenants)));
    for (before, after) in &pairs {
        facts = with_witnesses(&with_witnesses(&facts, before).unwrap(), after).unwrap();
        facts.names.extend(before.host_names().chain(after.host_names()).cloned());
    }
    pairs.iter().all(|(before, after)| {
        let universe = Universe::new(&facts, before.prefixes().chain(after.prefixes()));
        let requests: BTreeSet<String> =
            before.requests().chain(after.requests()).cloned().chain([String::new()]).collect();
        let requests = requests.iter().map(|request| Some(request.as_str())).chain([None]);
        requests.into_iter().all(|request| {
            let [before, after] = [before, after].map(|policies| Verdicts::for_request(policies, &universe, request));
            universe.own_pods().numbers().all(|pod| {
                [Direction::Ingress, Direction::Egress]
                    .iter()
                    .all(|way| before.reach(pod, *way) == after.reach(pod, *way))
            })
        })
    })
}
