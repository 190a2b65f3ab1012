//! What both policy dialects of a cluster share: capabilities, names, and the plan sorted into statements.

mod capabilities;
mod envelope;
mod manifest;
mod names;
pub mod policy_map;
mod ports;
mod residuals;
mod statements;

pub use capabilities::{Capabilities, Version};
pub use envelope::{Envelope, OutsideRelease, Ports, Released, envelopes};
pub use manifest::{Held, config_map, held, holding, open};
pub use names::{
    Metadata, NAME_SERVICE, cluster_metadata, described, fitted, is_platform, labels, route, statement_metadata,
};
pub use ports::{PortRange, chunks, complement, of_services, protocol, ranges};
pub use residuals::{Residual, residuals};
pub use statements::{Blocks, Labels, Peer, Release, Rule, Statement, Subject, blocks, pod_labels, statements};

use super::{Files, Refused};
use crate::model::Site;
use crate::plan::{ClusterPlan, Plan};
use crate::syntax::objects::PolicyDialect;
use serde::Serialize;

/// Emits every cluster's policies, each in its own dialect.
///
/// # Errors
/// Everything that some dialect cannot express; then no file of any cluster is complete.
pub fn emit(site: &Site, plan: &Plan, files: &mut Files) -> Result<(), Vec<Refused>> {
    let mut refused = Vec::new();
    for cluster in &plan.clusters {
        refused.extend(too_large(site, cluster));
        let emitted = match site.clusters[cluster.cluster].decl.policy.value {
            PolicyDialect::Kubernetes => super::kubernetes::emit(site, cluster, files),
            PolicyDialect::Cilium => super::cilium::emit(site, cluster, files),
        };
        refused.extend(emitted.err().into_iter().flatten());
    }
    if refused.is_empty() { Ok(()) } else { Err(refused) }
}

/// Policies that no map of Cilium's could hold.
fn too_large(site: &Site, plan: &ClusterPlan) -> Option<Refused> {
    let capabilities = Capabilities::of(&site.clusters[plan.cluster]).ok()?;
    let largest = policy_map::largest(site, plan, &capabilities)?;
    (largest.entries > policy_map::AT_MOST).then(|| Refused {
        enforcer: plan.name.clone(),
        flow: largest.flow,
        reason: format!(
            "pods of namespace {} would take about {} entries in Cilium's policy map, which holds {} at most, and what does not fit is not enforced; name fewer prefixes, or split the cluster",
            site.namespaces[largest.namespace].name,
            largest.entries,
            policy_map::AT_MOST
        ),
    })
}

/// Objects as a multi-document YAML text, each with a line about it where there is something to say.
///
/// # Errors
/// What the writer reports.
pub fn documents<T: Serialize>(comment: &str, objects: &[(Option<String>, T)]) -> Result<String, String> {
    let mut text = format!("# {comment}\n");
    for (place, (about, object)) in objects.iter().enumerate() {
        if place > 0 {
            text.push_str("---\n");
        }
        if let Some(about) = about {
            text.push_str(&format!("# {about}\n"));
        }
        text.push_str(&serde_yaml::to_string(object).map_err(|error| error.to_string())?);
        if !text.ends_with('\n') {
            text.push('\n');
        }
    }
    Ok(text)
}

/// `kustomization.yaml` of a cluster: resources only, so that no selector is rewritten.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kustomization {
    api_version: &'static str,
    kind: &'static str,
    resources: Vec<String>,
}

impl Kustomization {
    /// A kustomization of some files.
    #[must_use]
    pub const fn new(resources: Vec<String>) -> Self {
        Self { api_version: "kustomize.config.k8s.io/v1beta1", kind: "Kustomization", resources }
    }
}
