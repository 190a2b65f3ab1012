//! What is in force in a cluster, for whoever looks at it there, and where each flow stands.

use super::{
    Capabilities, Labels, Metadata, NAME_SERVICE, Residual, Statement, Subject, cluster_metadata, residuals,
    statement_metadata, statements,
};
use crate::i18n::Lang;
use crate::model::{End, FlowId, Site};
use crate::plan::{ClusterPlan, Side};
use crate::syntax::objects::PolicyDialect;
use crate::targets::VERSION;
use crate::targets::kubernetes::file_of;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// An emitted object that holds a flow.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Held {
    /// The file, below the output folder.
    pub file: String,
    /// Kind, namespace and name: `CiliumNetworkPolicy shop/zc-f1-in.api`.
    pub object: String,
    /// The flow, or `000-dns` for the cluster's name service.
    pub flow: String,
}

/// The objects of a cluster that hold flows. None for a cluster that has been refused.
#[must_use]
pub fn held(site: &Site, plan: &ClusterPlan) -> Vec<Held> {
    let statements = statements(site, plan).unwrap_or_default();
    statements.iter().map(|statement| hold(site, plan, statement)).collect()
}

/// The object that holds a flow, or the name service, on one side for some pods. None where nothing is written.
#[must_use]
pub fn holding(site: &Site, plan: &ClusterPlan, flow: Option<FlowId>, side: Side, pods: End) -> Option<Held> {
    let statements = statements(site, plan).ok()?;
    let labels = match pods {
        End::Component(id) => site.components[id].pod_labels(),
        _ => Labels::new(),
    };
    let about = |statement: &&Statement| {
        let subject = match &statement.subject {
            Subject::Component(id) => pods == End::Component(*id),
            Subject::Namespace => true,
            Subject::Labelled(wanted) => wanted.iter().all(|(key, value)| labels.get(key) == Some(value)),
        };
        subject
            && statement.flow() == flow
            && statement.side == side
            && site.namespace_of(pods) == Some(statement.namespace)
    };
    statements.iter().find(about).map(|statement| hold(site, plan, statement))
}

fn hold(site: &Site, plan: &ClusterPlan, statement: &Statement) -> Held {
    let (folder, kind) = match site.clusters[plan.cluster].decl.policy.value {
        PolicyDialect::Kubernetes => ("kubernetes", "NetworkPolicy"),
        PolicyDialect::Cilium => ("cilium", "CiliumNetworkPolicy"),
    };
    Held {
        file: format!("{folder}/{}/{}", plan.name, file_of(site, statement)),
        object: format!("{kind} {}", object(site, statement)),
        flow: flow(site, statement).to_owned(),
    }
}

/// What the policies of a cluster leave open. Nothing for a cluster that has been refused.
#[must_use]
pub fn open(site: &Site, plan: &ClusterPlan) -> Vec<Residual> {
    let capabilities = Capabilities::of(&site.clusters[plan.cluster]);
    capabilities.map(|capabilities| residuals(site, plan, &capabilities)).unwrap_or_default()
}

fn flow<'a>(site: &'a Site, statement: &Statement) -> &'a str {
    statement.flow().map_or(NAME_SERVICE, |id| site.flows[id].name.as_str())
}

/// Namespace and name of a statement's object.
fn object(site: &Site, statement: &Statement) -> String {
    let metadata = statement_metadata(site, statement);
    format!("{}/{}", metadata.namespace.unwrap_or_default(), metadata.name)
}

/// A ConfigMap.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ConfigMap {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    data: BTreeMap<&'static str, String>,
}

/// An object may have one megabyte; etcd takes a little more.
const MOST: usize = 900_000;

/// The ConfigMap that says what a cluster's policies are. Of all objects only this one changes with every other one.
#[must_use]
pub fn config_map<'t>(
    site: &Site,
    plan: &ClusterPlan,
    capabilities: &Capabilities,
    statements: &[Statement],
    files: impl Iterator<Item = (&'t str, &'t str)>,
) -> ConfigMap {
    let mut digest = Sha256::new();
    let mut count = 0;
    for (path, text) in files {
        digest.update(path);
        digest.update([0]);
        digest.update(text);
        count += text.lines().filter(|line| line.starts_with("kind:")).count();
    }
    let hex = digest.finalize().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    });
    let mut flows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for statement in statements {
        flows.entry(flow(site, statement)).or_default().push(object(site, statement));
    }
    let lines: Vec<String> = flows.iter().map(|(flow, objects)| format!("{flow}: {}", objects.join(", "))).collect();
    let mut lines = lines.join("\n");
    if lines.len() > MOST {
        lines = format!("{} flows; too many for a ConfigMap, see manifest.json", flows.len());
    }
    let open = residuals(site, plan, capabilities);
    let open: Vec<String> = open.iter().map(|item| format!("{}: {}", item.id, item.text(Lang::En))).collect();
    let data = BTreeMap::from([
        ("cluster", plan.name.clone()),
        ("flows", lines),
        ("objects", count.to_string()),
        ("policies", format!("sha256:{hex}")),
        ("residuals", open.join("\n")),
        ("site", site.name().to_owned()),
        ("zonec", VERSION.to_owned()),
    ]);
    let metadata =
        Metadata { namespace: Some("kube-system".to_owned()), ..cluster_metadata("zc-manifest", "manifest") };
    ConfigMap { api_version: "v1", kind: "ConfigMap", metadata, data }
}
