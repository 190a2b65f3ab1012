//! A large cluster: how long policies take to be emitted and proven.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use std::fmt::Write;
use std::time::Instant;
use support::{Compiled, day};
use zonec::source::MemoryWorld;
use zonec::verify::cluster::of_files;

/// A cluster with ten workloads per namespace; each calls the next one, every tenth one in the next namespace.
fn site(namespaces: usize) -> String {
    let mut text = "zonec: 1\nsite: { name: large, blueprint: dvs-2.0 }\nzones:\n  app: { class: external.app, addresses: [10.10.0.0/24] }\n\
         clusters:\n  c1:\n    zone: app\n    policy: cilium\n    node-pools: { w: { segment: app, role: worker, addresses: [10.10.0.21] } }\n    \
         pods: [10.244.0.0/14]\n    namespaces:\n"
        .to_owned();
    for n in 0..namespaces {
        let _ = writeln!(text, "      n{n}: {{}}");
    }
    text.push_str("components:\n");
    for pod in 0..namespaces * 10 {
        let _ = writeln!(text, "  p{pod}: {{ kind: workload, in: c1/n{} }}", pod / 10);
    }
    text.push_str("flows:\n");
    for pod in 0..namespaces * 10 {
        let next = (pod + 1) % (namespaces * 10);
        let _ = writeln!(text, "  f{pod}: {{ from: p{pod}, to: p{next}, service: {}/tcp }}", 1024 + pod % 50_000);
    }
    text
}

/// Prints times, judges the proof only: docs/performance.md has figures.
#[test]
fn a_large_cluster_is_emitted_and_proven() {
    let sizes = if cfg!(debug_assertions) { [20, 80] } else { [100, 1000] };
    for namespaces in sizes {
        let world = MemoryWorld::single(&site(namespaces), day());
        let start = Instant::now();
        let compiled = Compiled::of(&world);
        let emitted = start.elapsed();
        let start = Instant::now();
        let proof = of_files(&compiled.site, &compiled.plan.clusters[0], compiled.files.texts());
        assert!(proof.holds(), "{proof}");
        let proven = start.elapsed();
        println!(
            "{namespaces} namespaces, {} flows: emitted after {emitted:?}, proven after {proven:?}",
            namespaces * 10
        );
    }
}

#[test]
fn one_changed_flow_changes_its_own_objects_only() {
    let text = site(3);
    let before = Compiled::of(&MemoryWorld::single(&text, day()));
    let changed =
        text.replace("f7: { from: p7, to: p8, service: 1031/tcp }", "f7: { from: p7, to: p8, service: 1099/tcp }");
    assert_ne!(text, changed);
    let after = Compiled::of(&MemoryWorld::single(&changed, day()));
    let objects = |compiled: &Compiled| -> std::collections::BTreeSet<String> {
        compiled
            .files
            .texts()
            .flat_map(|(_, text)| text.split("---\n").map(str::to_owned).collect::<Vec<_>>())
            .collect()
    };
    let (before, after) = (objects(&before), objects(&after));
    let lost: Vec<_> = before.difference(&after).collect();
    let (manifest, flow): (Vec<&String>, Vec<&String>) =
        lost.iter().partition(|object| object.contains("kind: ConfigMap"));
    assert_eq!((manifest.len(), flow.len()), (1, 2), "{lost:#?}");
    assert!(flow.iter().all(|object| object.contains("zonec.io/flow: f7\n")), "{lost:#?}");
}
