//! Names, labels and annotations of emitted objects.

use super::statements::{Statement, Subject};
use crate::model::Site;
use crate::model::site::Flow;
use crate::plan::Side;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// `metadata` of an object.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Metadata {
    /// Name.
    pub name: String,
    /// Namespace; none for cluster-wide objects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
}

impl Metadata {
    /// Writes down when Argo CD applies the object: groups and flows without a mark, then baseline, guardrails, manifest.
    /// The first roll-out cuts nothing off that way.
    pub fn place(&mut self) {
        let wave = match self.labels.get("zonec.io/role").map(String::as_str) {
            Some("baseline") => "1",
            Some("guardrail") => "2",
            Some("manifest") => "3",
            _ => return,
        };
        self.annotations.insert("argocd.argoproj.io/sync-wave".to_owned(), wave.to_owned());
    }
}

/// Labels that every object carries, with its role.
#[must_use]
pub fn labels(role: &str) -> BTreeMap<String, String> {
    BTreeMap::from([
        ("app.kubernetes.io/managed-by".to_owned(), "zonec".to_owned()),
        ("zonec.io/role".to_owned(), role.to_owned()),
    ])
}

/// A name of at most 63 characters: as it is, or cut with a hash of the whole, so that different names stay different.
#[must_use]
pub fn fitted(name: &str) -> String {
    if name.len() <= 63 {
        return name.to_owned();
    }
    let kept: String = name.chars().take(52).collect();
    format!("{}-{}", kept.trim_end_matches(['-', '.']), hex(name, 10))
}

/// Flow id of what a cluster's `dns` opens. No flow of a site is called so: those start with a letter.
pub const NAME_SERVICE: &str = "000-dns";

/// Metadata of a statement's object: named after flow, side and component, which gives each its own name because neither
/// flow nor component names hold a dot.
#[must_use]
pub fn statement_metadata(site: &Site, statement: &Statement) -> Metadata {
    let (short, long) = match statement.side {
        Side::Egress => ("out", "egress"),
        Side::Ingress => ("in", "ingress"),
    };
    let namespace = &site.namespaces[statement.namespace];
    let component = match &statement.subject {
        Subject::Component(id) => format!(".{}", site.components[*id].name),
        Subject::Namespace | Subject::Labelled(_) => String::new(),
    };
    let flow = statement.flow().map(|id| &site.flows[id]);
    let id = flow.map_or(NAME_SERVICE, |flow| flow.name.as_str());
    let mut labels = labels(if flow.is_none_or(is_platform) { "platform" } else { "flow" });
    labels.insert("zonec.io/flow".to_owned(), id.to_owned());
    labels.insert("zonec.io/side".to_owned(), long.to_owned());
    labels.insert("zonec.io/zone".to_owned(), site.zones[site.clusters[namespace.cluster].zone].name.clone());
    let mut annotations = BTreeMap::new();
    if let Some(flow) = flow {
        annotations.insert("zonec.io/peer".to_owned(), route(site, flow));
        if let Some(purpose) = &flow.decl.purpose {
            annotations.insert("zonec.io/purpose".to_owned(), purpose.value.0.clone());
        }
        if let Some(approved) = &flow.decl.approved {
            annotations.insert("zonec.io/release".to_owned(), approved.reference.value.0.clone());
        }
        annotations.insert("zonec.io/flow-digest".to_owned(), format!("sha256:{}", hex(&record(site, flow), 16)));
    }
    Metadata {
        name: fitted(&format!("zc-{id}-{short}{component}")),
        namespace: Some(namespace.name.clone()),
        labels,
        annotations,
    }
}

/// What a statement releases, in one line: `f1 out: portal -> postgres, postgresql`.
#[must_use]
pub fn described(site: &Site, statement: &Statement) -> String {
    let side = if statement.side == Side::Ingress { "in" } else { "out" };
    let Some(flow) = statement.flow().map(|id| &site.flows[id]) else {
        let cluster = &site.clusters[site.namespaces[statement.namespace].cluster];
        return format!("{NAME_SERVICE} {side}: name service of cluster {}", cluster.name);
    };
    let services: Vec<String> = flow.services.iter().map(|service| service.expr.to_string()).collect();
    format!("{} {side}: {}, {}", flow.name, route(site, flow), services.join(" "))
}

/// Metadata of a clusterwide object, with the place in which Argo CD applies it: flows first, then what closes the rest.
#[must_use]
pub fn cluster_metadata(name: &str, role: &str) -> Metadata {
    let mut metadata =
        Metadata { name: fitted(name), namespace: None, labels: labels(role), annotations: BTreeMap::new() };
    metadata.place();
    metadata
}

/// Whether the flow serves the platform (DNS, API server, monitoring).
#[must_use]
pub fn is_platform(flow: &Flow) -> bool {
    flow.decl.class.as_ref().is_some_and(|class| class.value == crate::syntax::document::FlowClass::Platform)
}

/// `portal -> postgres`, lists joined by commas.
#[must_use]
pub fn route(site: &Site, flow: &Flow) -> String {
    let names = |ends: &[crate::model::site::EndRef]| {
        ends.iter().map(|end| site.end_name(end.end)).collect::<Vec<_>>().join(", ")
    };
    format!("{} -> {}", names(&flow.from), names(&flow.to))
}

/// What a release decides about: changes with this flow and with nothing else.
fn record(site: &Site, flow: &Flow) -> String {
    let services: Vec<String> = flow.matches.iter().map(ToString::to_string).collect();
    let mut record = format!("{}\n{}\n{}", flow.name, route(site, flow), services.join(", "));
    for name in flow.decl.fqdn.iter().flat_map(|names| &names.0) {
        let _ = write!(record, "\nfqdn {}", name.value.0);
    }
    for request in flow.decl.http.iter().flat_map(|list| &list.0) {
        let _ = write!(record, "\nhttp {} {}", request.method.value.0, request.path.value.0);
    }
    record
}

fn hex(text: &str, length: usize) -> String {
    let mut digits = String::new();
    for byte in Sha256::digest(text.as_bytes()) {
        let _ = write!(digits, "{byte:02x}");
    }
    digits.truncate(length);
    digits
}
