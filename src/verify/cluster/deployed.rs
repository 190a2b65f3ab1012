//! Which of the files in a folder are deployed, and whether they hold what zonec writes and nothing else.

use super::limits;
use super::proof::{ClusterProof, Fault};
use crate::plan::ClusterPlan;
use crate::readers::cluster::Policies;
use crate::readers::cluster::object::Unclear;
use crate::readers::kustomization::resources;
use crate::source::FileId;
use crate::syntax::tree::parse_documents;
use std::collections::{BTreeMap, BTreeSet};

/// The files of a cluster that its kustomization names, and what is wrong with the list.
pub(super) fn of<'t>(
    plan: &ClusterPlan,
    files: impl IntoIterator<Item = (&'t str, &'t str)>,
) -> (Vec<(&'t str, &'t str)>, ClusterProof) {
    let folders = [format!("kubernetes/{}/", plan.name), format!("cilium/{}/", plan.name)];
    let of_cluster = |path: &str| folders.iter().any(|folder| path.starts_with(folder.as_str()));
    let all: BTreeMap<&str, &str> = files.into_iter().filter(|(path, _)| of_cluster(path)).collect();
    let (mut deployed, mut proof) = (Vec::new(), ClusterProof::default());
    let used: Vec<&String> =
        folders.iter().filter(|folder| all.keys().any(|path| path.starts_with(folder.as_str()))).collect();
    if let [_, other] = used[..] {
        proof.faults.push(Fault::new(other, "stands beside files of the other dialect; their allows would be united"));
    }
    for folder in used {
        let path = format!("{folder}kustomization.yaml");
        let listed = match all.get(path.as_str()).map(|text| list(&path, text)) {
            Some(Ok(listed)) => listed,
            Some(Err(unclear)) => {
                proof.unclear.push(unclear);
                continue;
            }
            None => {
                proof.faults.push(Fault::new(path, "is missing, so nothing is deployed"));
                continue;
            }
        };
        for name in &listed {
            let file = format!("{folder}{name}");
            match all.get_key_value(file.as_str()) {
                Some((path, text)) => deployed.push((*path, *text)),
                None => proof.faults.push(Fault::new(&path, format!("names {name}, which is not there"))),
            }
        }
        let listed: BTreeSet<&str> = listed.iter().map(String::as_str).collect();
        for (file, name) in all.keys().filter_map(|file| Some((*file, file.strip_prefix(folder.as_str())?))) {
            if file != path && !listed.contains(name) {
                proof.faults.push(Fault::new(file, "is not named in kustomization.yaml, so it is not deployed"));
            }
        }
    }
    deployed.sort_unstable();
    (deployed, proof)
}

fn list(path: &str, text: &str) -> Result<Vec<String>, Unclear> {
    let unclear =
        |reason: &str| Unclear { object: path.to_owned(), field: "the file".to_owned(), reason: reason.to_owned() };
    let documents =
        parse_documents(text, FileId(0), &limits()).map_err(|_| unclear("is no YAML that this reader takes"))?;
    let [document] = documents.as_slice() else { return Err(unclear("is not exactly one document")) };
    resources(document).map_err(|reason| Unclear { object: path.to_owned(), ..*reason })
}

/// Kinds of objects that zonec never writes.
pub(super) fn strangers(policies: &Policies) -> impl Iterator<Item = Unclear> {
    let pods = policies.pods.iter().map(|(namespace, pod)| format!("Pod {namespace}/{}", pod.name));
    policies.passed_over.keys().cloned().chain(pods).map(|object| Unclear {
        object,
        field: "the object".to_owned(),
        reason: "is none that zonec writes; what it does is unknown".to_owned(),
    })
}

/// Objects without the mark by which they are withdrawn, and by which admission keeps tenants from changing them.
pub(super) fn unmarked(policies: &Policies) -> impl Iterator<Item = Fault> {
    let mark = |labels: &BTreeMap<String, String>| {
        labels.get("app.kubernetes.io/managed-by").is_some_and(|value| value == "zonec")
    };
    let unmarked = policies.objects.iter().filter(move |(_, object)| !mark(&object.labels));
    unmarked.map(|(object, _)| Fault::new(object, "lacks the label `app.kubernetes.io/managed-by: zonec`"))
}
