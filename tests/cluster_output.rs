//! The files of small clusters as they are, and what a change of the site changes in them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fmt::Write;
use support::{Compiled, day};
use zonec::source::MemoryWorld;
use zonec::verify::cluster::of_files;

fn site(text: &str) -> MemoryWorld {
    MemoryWorld::single(text, day())
}

const MESH: &str = include_str!("clusters/mesh.yaml");

/// Every file of a cluster, one after the other.
fn all(compiled: &Compiled, cluster: &str) -> String {
    let mut text = String::new();
    let folders = [format!("kubernetes/{cluster}/"), format!("cilium/{cluster}/")];
    for (path, content) in compiled.files.texts().filter(|(path, _)| folders.iter().any(|f| path.starts_with(f))) {
        let _ = write!(text, "=== {path}\n{content}");
    }
    text
}

#[test]
fn clusters_of_one_mesh_look_like_this() {
    let compiled = Compiled::of(&site(MESH));
    for plan in &compiled.plan.clusters {
        let proof = of_files(&compiled.site, plan, compiled.files.texts());
        assert!(proof.holds(), "{}\n{proof}", plan.name);
    }
    insta::assert_snapshot!("mesh_east", all(&compiled, "c-east"));
    insta::assert_snapshot!("mesh_west", all(&compiled, "c-west"));
}
