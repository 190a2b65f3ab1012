//! `manifest.json`: what went in, what came out, and which flow stands where.

use crate::check::Checked;
use crate::finding::Severity;
use crate::i18n::Lang;
use crate::model::Site;
use crate::plan::Plan;
use crate::targets::cluster::{held, open};
use crate::targets::{Files, VERSION};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// SHA-256 of some bytes: `sha256:…`.
#[must_use]
pub fn digest(bytes: &[u8]) -> String {
    let hex: String = Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// The manifest of an output folder; without a plan nothing is enforced. Names the site's content by its digest, not by bytes of files: reordered keys are
/// the same model and give the same output.
#[must_use]
pub fn manifest(checked: &Checked, site: &Site, plan: Option<&Plan>, files: &Files) -> String {
    let outputs: Map<String, Value> =
        files.iter().map(|(path, content)| (path.to_owned(), json!(digest(content)))).collect();
    let manifest = json!({
        "zonec": VERSION,
        "site": site.name(),
        "blueprint": site.blueprint.name,
        "as_of": checked.as_of.to_string(),
        "model_digest": checked.digest,
        "inputs": checked.sources.files().map(|(_, file)| file.name.as_str()).collect::<BTreeSet<_>>(),
        "released": checked.is_releasable(),
        "summary": {
            "errors": checked.count(Severity::Error),
            "warnings": checked.count(Severity::Warning),
            "infos": checked.count(Severity::Info),
            "deviations": checked.count(Severity::Deviation),
            "flows": site.flows.len(),
        },
        "outputs": outputs,
        "flows": flows(site, plan),
        "objects": objects(site, plan),
        "residuals": residuals(site, plan),
    });
    format!("{manifest:#}\n")
}

/// Flow → the enforcers that hold it.
fn flows(site: &Site, plan: Option<&Plan>) -> Value {
    let mut enforcers: BTreeMap<&str, BTreeSet<String>> =
        site.flows.values().map(|flow| (flow.name.as_str(), BTreeSet::new())).collect();
    for gateway in plan.iter().flat_map(|plan| &plan.gateways) {
        for permit in &gateway.permits {
            let held = enforcers.entry(site.flows[permit.flow].name.as_str()).or_default();
            held.insert(format!("nftables/{}.nft", gateway.name));
        }
    }
    for cluster in plan.iter().flat_map(|plan| &plan.clusters) {
        let folder = match site.clusters[cluster.cluster].decl.policy.value {
            crate::syntax::objects::PolicyDialect::Kubernetes => "kubernetes",
            crate::syntax::objects::PolicyDialect::Cilium => "cilium",
        };
        for permit in &cluster.permits {
            enforcers
                .entry(site.flows[permit.flow].name.as_str())
                .or_default()
                .insert(format!("{folder}/{}", cluster.name));
        }
    }
    json!(enforcers)
}

/// File → object → flow, for the policies of clusters. In nftables rulesets every rule names its flow in its comment.
fn objects(site: &Site, plan: Option<&Plan>) -> Value {
    let mut files: BTreeMap<String, BTreeMap<String, String>> = BTreeMap::new();
    for item in plan.iter().flat_map(|plan| &plan.clusters).flat_map(|cluster| held(site, cluster)) {
        files.entry(item.file).or_default().insert(item.object, item.flow);
    }
    json!(files)
}

/// Cluster → what its policies leave open.
fn residuals(site: &Site, plan: Option<&Plan>) -> Value {
    let of_cluster = |cluster: &crate::plan::ClusterPlan| {
        let stated: Vec<Value> =
            open(site, cluster).iter().map(|item| json!({"id": item.id, "text": item.text(Lang::En)})).collect();
        (cluster.name.clone(), json!(stated))
    };
    Value::Object(plan.iter().flat_map(|plan| &plan.clusters).map(of_cluster).collect())
}

/// The files a manifest names, itself included; none when there is no manifest.
pub(super) fn named(path: &Path) -> BTreeSet<String> {
    let manifest: Option<Value> = std::fs::read(path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok());
    let outputs = manifest.as_ref().and_then(|manifest| manifest.get("outputs")).and_then(Value::as_object);
    let mut names: BTreeSet<String> = outputs.into_iter().flat_map(Map::keys).cloned().collect();
    if outputs.is_some() {
        names.insert("manifest.json".to_owned());
    }
    names
}
