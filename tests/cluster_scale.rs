//! Larger clusters: proven, and one changed flow changes its own objects only.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use support::{Compiled, crowd, day};
use zonec::source::MemoryWorld;
use zonec::verify::cluster::of_files;

/// `cargo bench --bench cluster` measures a thousand namespaces.
#[test]
fn a_larger_cluster_is_proven() {
    for mixed in [false, true] {
        let compiled = Compiled::of(&MemoryWorld::single(&crowd::site(40, mixed), day()));
        let proof = of_files(&compiled.site, &compiled.plan.clusters[0], compiled.files.texts());
        assert!(proof.holds(), "{proof}");
    }
}

#[test]
fn one_changed_flow_changes_its_own_objects_only() {
    let text = crowd::site(3, false);
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
