//! What several tests need: sites from folders, compiled, with their cluster files.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(dead_code, reason = "every test program uses a part of it")]

pub mod bounds;
pub mod crowd;
pub mod engine;
pub mod judge;
pub mod mutants;
pub mod random;

use std::collections::BTreeMap;
use std::path::Path;
use zonec::graph::Graphs;
use zonec::model::{Site, resolve};
use zonec::plan::{Plan, plan};
use zonec::source::{Date, Limits, MemoryWorld};
use zonec::syntax::read_site;
use zonec::targets::{Files, cluster};

/// A day on which the examples are clean.
pub fn day() -> Date {
    "2026-11-24".parse().unwrap()
}

/// A site of several files in a folder.
pub fn folder(path: &str) -> MemoryWorld {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let mut files = BTreeMap::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|extension| extension == "yaml") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    MemoryWorld { files, as_of: day(), main: "site.yaml".to_owned() }
}

/// A site with the policies of its clusters. Rules are not asked: a site may show one thing and be unsound otherwise.
pub struct Compiled {
    pub site: Site,
    pub plan: Plan,
    pub files: Files,
}

impl Compiled {
    /// Resolves, plans and emits the clusters.
    pub fn of(world: &MemoryWorld) -> Self {
        let read = read_site(world, &Limits::default());
        assert!(read.findings.is_empty(), "{:#?}", read.findings);
        let (site, findings) = resolve(read.documents, world.as_of);
        let site = site.unwrap_or_else(|| panic!("{findings:#?}"));
        let plan = plan(&site, &Graphs::new(&site)).unwrap();
        let mut files = Files::default();
        cluster::emit(&site, &plan, &mut files).unwrap();
        Self { site, plan, files }
    }

    /// Everything that is emitted for a cluster.
    pub fn emitted(&self, cluster: &str) -> Vec<(String, String)> {
        let folders = [format!("kubernetes/{cluster}/"), format!("cilium/{cluster}/")];
        let of_cluster = |path: &str| folders.iter().any(|folder| path.starts_with(folder.as_str()));
        self.files
            .texts()
            .filter(|(path, _)| of_cluster(path))
            .map(|(path, text)| (path.to_owned(), text.to_owned()))
            .collect()
    }

    /// The policy files of a cluster, without the list of them and the ConfigMap about them.
    pub fn policies(&self, cluster: &str) -> Vec<(String, String)> {
        let folders = [format!("kubernetes/{cluster}/"), format!("cilium/{cluster}/")];
        let of_cluster = |path: &str| folders.iter().any(|folder| path.starts_with(folder.as_str()));
        let about = |path: &str| path.ends_with("/kustomization.yaml") || path.ends_with("/90-manifest.yaml");
        let files = self.files.texts().filter(|(path, _)| of_cluster(path) && !about(path));
        files.map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
    }
}

/// A site as it is, and with Cilium in every cluster.
pub fn both_dialects(example: &str) -> Vec<Compiled> {
    let world = folder(example);
    let swapped = |from: &str, to: &str| {
        let mut other = world.clone();
        for text in other.files.values_mut() {
            *text = String::from_utf8(text.clone()).unwrap().replace(from, to).into_bytes();
        }
        other
    };
    let cilium = swapped("policy: kubernetes", "policy: cilium");
    let changed = cilium.files != world.files;
    let worlds: Vec<MemoryWorld> = [Some(world.clone()), changed.then_some(cilium)].into_iter().flatten().collect();
    worlds.iter().map(Compiled::of).collect()
}

/// Two clusters of one mesh.
pub fn mesh() -> Compiled {
    Compiled::of(&MemoryWorld::single(include_str!("../clusters/mesh.yaml"), day()))
}

/// A small cluster with its name service, in Cilium's dialect.
pub fn small() -> Compiled {
    let text = include_str!("../clusters/small.yaml").replace("policy: kubernetes", "policy: cilium");
    Compiled::of(&MemoryWorld::single(&text, day()))
}

/// The worked example with NetworkPolicies and ClusterNetworkPolicies as guardrail.
pub fn with_cluster_network_policies() -> MemoryWorld {
    let mut world = folder("tests/conformance/worked-example");
    for text in world.files.values_mut() {
        let guarded = "policy: kubernetes\n    guardrail: cluster-network-policy";
        let changed = String::from_utf8(text.clone()).unwrap().replace("policy: cilium\n    cni: cilium-1.20", guarded);
        *text = changed.into_bytes();
    }
    world
}

/// Lets everything in and out; what a tenant would write who wants no policies.
pub fn allow_all(namespace: &str) -> String {
    format!(
        "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: tenant, namespace: {namespace}}}\n\
         spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress], ingress: [{{}}], egress: [{{}}]}}\n"
    )
}

/// The same as CiliumNetworkPolicy.
pub fn allow_all_by_cilium(namespace: &str) -> String {
    format!(
        "apiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: tenant, namespace: {namespace}}}\n\
         spec: {{endpointSelector: {{}}, ingress: [{{fromEntities: [all]}}], egress: [{{toEntities: [all]}}]}}\n"
    )
}

/// The examples that have clusters and can be compiled, and the worked example of the conformance tests.
pub fn examples() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let mut found = vec!["tests/conformance/worked-example".to_owned()];
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // These two are about defects.
        if !path.is_dir() || name.starts_with("amt-fehlerstedt") {
            continue;
        }
        let world = folder(&format!("examples/{name}"));
        if world.files.values().any(|text| String::from_utf8_lossy(text).contains("\nclusters:")) {
            found.push(format!("examples/{name}"));
        }
    }
    found.sort();
    assert!(found.len() >= 3, "{found:?}");
    found
}
