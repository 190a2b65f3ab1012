//! The files of small clusters as they are, what a change of the site changes in them, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write;
use support::{Compiled, day};
use zonec::check::check;
use zonec::compile::enforced;
use zonec::source::MemoryWorld;
use zonec::verify::cluster::{equal, facts, of_files, read};

const MESH: &str = include_str!("clusters/mesh.yaml");
const SMALL: &str = include_str!("clusters/small.yaml");

fn compiled(text: &str) -> Compiled {
    Compiled::of(&MemoryWorld::single(text, day()))
}

/// The site with one thing written otherwise.
fn with(text: &str, from: &str, to: &str) -> String {
    let changed = text.replacen(from, to, 1);
    assert_ne!(text, changed, "`{from}` is not there");
    changed
}

/// Every file of a cluster, one after the other.
fn all(compiled: &Compiled, cluster: &str) -> String {
    let mut text = String::new();
    let folders = [format!("kubernetes/{cluster}/"), format!("cilium/{cluster}/")];
    for (path, content) in compiled.files.texts().filter(|(path, _)| folders.iter().any(|f| path.starts_with(f))) {
        let _ = write!(text, "=== {path}\n{content}");
    }
    text
}

fn snapshot(name: &str, compiled: &Compiled, cluster: &str) {
    let plan = compiled.plan.clusters.iter().find(|plan| plan.name == cluster).unwrap();
    let proof = of_files(&compiled.site, plan, compiled.files.texts());
    assert!(proof.holds(), "{cluster}\n{proof}");
    insta::with_settings!({filters => vec![(r#"zonec: "?\d+\.\d+\.\d+"?"#, "zonec: VERSION")]}, {
        insta::assert_snapshot!(name, all(compiled, cluster));
    });
}

#[test]
fn a_cluster_with_network_policies_looks_like_this() {
    snapshot("small_kubernetes", &compiled(SMALL), "c1");
}

#[test]
fn a_cluster_with_cilium_policies_looks_like_this() {
    snapshot("small_cilium", &compiled(&with(SMALL, "policy: kubernetes", "policy: cilium")), "c1");
}

#[test]
fn clusters_of_one_mesh_look_like_this() {
    let compiled = compiled(MESH);
    snapshot("mesh_east", &compiled, "c-east");
    snapshot("mesh_west", &compiled, "c-west");
}

/// The objects of all files: file and text.
fn objects(compiled: &Compiled) -> BTreeSet<(String, String)> {
    let documents = |(path, text): (&str, &str)| {
        text.split("---\n").map(|document| (path.to_owned(), document.to_owned())).collect::<Vec<_>>()
    };
    compiled.files.texts().flat_map(documents).collect()
}

#[test]
fn a_changed_flow_changes_its_objects_its_bounds_and_the_manifest() {
    for (site, from, to, expected) in [
        // Another purpose: what is released stays, so no bound changes.
        (SMALL, "purpose: Portal for the partner", "purpose: Another one", vec!["20-flows/ingress/edge.yaml"]),
        (SMALL, "service: postgresql", "service: mariadb", vec!["20-flows/shop/api.yaml"]),
        // A flow between clusters: both sides, and the guardrails of both namespaces.
        (
            MESH,
            "f3: { from: api, to: archive, service: https }",
            "f3: { from: api, to: archive, service: 22/tcp }",
            vec![
                "c-east/00-guardrails/shop.yaml",
                "c-east/20-flows/shop/api.yaml",
                "c-west/00-guardrails/archive.yaml",
                "c-west/20-flows/archive/archive.yaml",
            ],
        ),
    ] {
        let (before, after) = (compiled(site), compiled(&with(site, from, to)));
        let (before, after) = (objects(&before), objects(&after));
        let lost: Vec<&str> = before.difference(&after).map(|(path, _)| path.as_str()).collect();
        let won: Vec<&str> = after.difference(&before).map(|(path, _)| path.as_str()).collect();
        assert_eq!(lost, won, "{from}");
        let (manifests, others): (Vec<&str>, Vec<&str>) =
            lost.iter().partition(|path| path.ends_with("90-manifest.yaml"));
        assert!(!manifests.is_empty());
        assert_eq!(others.len(), expected.len(), "{from}: {others:?}");
        assert!(others.iter().zip(&expected).all(|(path, end)| path.ends_with(end)), "{from}: {others:?}");
    }
}

#[test]
fn a_withdrawn_flow_takes_its_two_objects_with_it() {
    let (before, after) = (
        compiled(MESH),
        compiled(&with(MESH, "  f6: { from: c-east/ingress, to: c-west/shop, service: [9000/tcp, 9000/udp] }\n", "")),
    );
    let names = |compiled: &Compiled| -> BTreeSet<String> {
        let lines = compiled.files.texts().flat_map(|(path, text)| text.lines().map(move |line| (path, line)));
        let names = lines.filter(|(_, line)| line.starts_with("  name: "));
        names.map(|(path, line)| format!("{} {line}", path.split('/').nth(1).unwrap_or_default())).collect()
    };
    let (before, after) = (names(&before), names(&after));
    let gone: Vec<&String> = before.difference(&after).collect();
    assert_eq!(gone, ["c-east   name: zc-f6-out", "c-west   name: zc-f6-in"]);
    assert!(after.is_subset(&before));
}

/// Why a site is not compiled.
fn refusal(text: &str) -> String {
    let checked = check(&MemoryWorld::single(text, day()), false).unwrap();
    let model = checked.model.as_ref().unwrap_or_else(|| panic!("{:#?}", checked.findings));
    match enforced(&checked, model) {
        Ok(_) => panic!("compiled"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_nobody_keeps_is_refused_with_its_place() {
    let flow = "api-database: { from: api, to: database, service: postgresql";
    let edge = "edge-api: { from: edge, to: api, service: [8080/tcp, 8000-8010/tcp]";
    let http = "http: [{ method: GET, path: /a }]";
    let cilium = with(SMALL, "policy: kubernetes", "policy: cilium");
    let cases: Vec<(String, &str, &str)> = vec![
        (with(SMALL, edge, &format!("{edge}, {http}")), "flow edge-api (site.yaml:", "`http` is kept by Cilium"),
        (with(SMALL, edge, &format!("{edge}, log: new")), "flow edge-api (site.yaml:", "NetworkPolicies cannot log"),
        (
            with(
                &with(SMALL, "portal: { from: partner, to: edge", "portal: { log: new, from: partner, to: edge"),
                "gateways:\n  pf: { interfaces",
                "gateways:\n  pf: { target: none, interfaces",
            ),
            "flow portal (site.yaml:",
            "`log: new` has no effect",
        ),
        (with(SMALL, edge, &format!("{edge}, family: ipv4")), "flow edge-api (site.yaml:", "`family` cannot be kept"),
        (with(SMALL, flow, &format!("{flow}, fqdn: a.example")), "flow api-database (site.yaml:", "is inside"),
        (
            with(SMALL, "from: prometheus, to: api", "from: apiserver, to: database, fqdn: a.example"),
            "flow metrics (site.yaml:",
            "is inside",
        ),
        (
            with(SMALL, "portal: { from: partner, to: edge", "portal: { from: database, to: partner, fqdn: a.example"),
            "flow portal (site.yaml:",
            "`fqdn` is kept by Cilium where the connection starts",
        ),
        (
            with(
                SMALL,
                "metrics: { from: prometheus, to: api",
                &format!("metrics: {{ {http}, from: apiserver, to: database"),
            ),
            "flow metrics (site.yaml:",
            "`http` is kept by Cilium",
        ),
        (
            with(SMALL, "service: 9090/tcp", "service: icmp:echo-request"),
            "flow metrics (site.yaml:",
            "TCP, UDP and SCTP only",
        ),
        (with(SMALL, "version: \"1.34\"", "version: newest"), "cluster c1 (site.yaml:", "`version` is newest"),
        (with(SMALL, "version: \"1.34\"", "cni: flannel"), "cluster c1 (site.yaml:", "enforces no NetworkPolicies"),
        (with(&cilium, "version: \"1.34\"", "cni: calico-3.31"), "cluster c1 (site.yaml:", "its `cni` is calico-3.31"),
        (with(&cilium, "version: \"1.34\"", "cni: cilium-newest"), "cluster c1 (site.yaml:", "cannot be read"),
        (
            with(SMALL, "kube-system: { system: true }", "other: {}"),
            "cluster c1 (site.yaml:",
            "add `kube-system: { system: true }`",
        ),
        (
            with(&with(&cilium, edge, &format!("{edge}, {http}")), "version: \"1.34\"", "cni: cilium-1.15.1"),
            "flow edge-api (site.yaml:",
            "CVE-2024-28248",
        ),
        (
            with(&cilium, edge, &format!("{edge}, http: [{{ method: GET, path: \"(a\" }}]")),
            "flow edge-api (site.yaml:",
            "no regular expression",
        ),
        (
            with(&cilium, "portal: { from: partner, to: edge", &format!("portal: {{ {http}, from: partner, to: edge")),
            "flow portal (site.yaml:",
            "encrypted service https",
        ),
        (
            with(
                &cilium,
                "api: { kind: workload, in: c1/shop",
                "api: { kind: workload, in: c1/shop, pods: { k8s.io/app: api }",
            ),
            "flow",
            "leaves out of identities",
        ),
        (
            with(
                MESH,
                "f4: { from: api, to: internet",
                "f4: { from: [api, c-east/ingress], to: internet, service: https }\n  f9: { from: api, to: archive, family: ipv4",
            ),
            "flow f9 (site.yaml:",
            "`fqdn` names a destination outside the site",
        ),
        (
            with(
                &with(MESH, "    policy: cilium\n", "    policy: kubernetes\n"),
                "    dns: {}\n",
                "    guardrail: cilium\n",
            ),
            "flow f2 (site.yaml:",
            "`http` is kept by Cilium",
        ),
    ];
    for (text, place, reason) in cases {
        let error = refusal(&text);
        assert!(error.contains(place) && error.contains(reason), "wanted `{place}` and `{reason}`, got:\n{error}");
    }
}

#[test]
fn in_a_mesh_network_policies_name_no_pods_of_other_clusters() {
    let text = with(
        MESH,
        "    policy: cilium\n    cni: cilium-1.20\n    mesh: m\n    mesh-name: west",
        "    policy: kubernetes\n    cni: cilium-1.20\n    mesh: m\n    mesh-name: west",
    );
    let error = refusal(&text);
    assert!(error.contains("flow f3 (site.yaml:") && error.contains("pods of their own cluster only"), "{error}");
    let error = refusal(&text.replace("cni: cilium-1.20", "cni: cilium-1.18"));
    assert!(error.contains("before Cilium 1.19"), "{error}");
}

#[test]
fn the_reader_tells_requests_names_and_their_proxies_apart() {
    let compiled = compiled(MESH);
    let plan = compiled.plan.clusters.iter().find(|plan| plan.name == "c-east").unwrap();
    let facts = facts(&compiled.site, plan.cluster);
    let files = compiled.policies("c-east");
    let judge = |from: &str, to: &str| {
        let changed: Vec<(String, String)> =
            files.iter().map(|(path, text)| (path.clone(), text.replace(from, to))).collect();
        assert_ne!(changed, files, "`{from}` is not there");
        let policies = read(changed.iter().map(|(path, text)| (path.as_str(), text.as_str())), &facts);
        equal(&compiled.site, plan, &policies, &facts)
    };
    for (from, to) in [
        ("method: POST", "method: PUT"),
        ("path: /orders/[0-9]+", "path: /orders/.*"),
        ("        - method: POST\n          path: /orders\n", "        - {}\n"),
        ("matchName: updates.example.org", "matchName: other.example.org"),
        ("    - matchPattern: \"*.pki.example\"\n", ""),
        // Without the proxy no answer is read, and the names stay closed.
        ("      rules:\n        dns:\n        - matchPattern: \"*\"\n", ""),
        ("\"k8s:io.cilium.k8s.policy.cluster\": west", "\"k8s:io.cilium.k8s.policy.cluster\": east"),
    ] {
        let proof = judge(from, to);
        assert!(proof.unclear.is_empty() && !proof.holds(), "{from} -> {to}: {proof}");
    }
}

#[test]
fn long_lists_of_addresses_become_a_group() {
    let prefixes: Vec<String> = (0..60).map(|n| format!("198.51.{n}.0/25")).collect();
    let text = with(MESH, "addresses: [203.0.113.0/24] }", &format!("addresses: [{}] }}", prefixes.join(", ")));
    let now = compiled(&text);
    let plan = now.plan.clusters.iter().find(|plan| plan.name == "c-east").unwrap();
    let proof = of_files(&now.site, plan, now.files.texts());
    assert!(proof.holds(), "{proof}");
    let group = now.files.get("cilium/c-east/05-groups/zc-net.partner.yaml").unwrap();
    assert_eq!(group.matches("198.51.").count(), 60, "{group}");
    assert!(
        now.files.get("cilium/c-east/20-flows/ingress/edge.yaml").unwrap().contains("cidrGroupRef: zc-net.partner")
    );
    // Before Cilium 1.18 the prefixes stand in the policy.
    let old = compiled(&text.replace("cni: cilium-1.20", "cni: cilium-1.17"));
    assert!(old.files.get("cilium/c-east/05-groups/zc-net.partner.yaml").is_none());
}

#[test]
fn long_guardrails_go_on_in_the_next_policy() {
    let mut text = with(SMALL, "    dns: {}\n", "    guardrail: cluster-network-policy\n");
    for n in 0..40 {
        text = with(&text, "      shop: {}\n", &format!("      shop: {{}}\n      n{n}: {{}}\n"));
        let _ = writeln!(text, "  g{n}: {{ from: api, to: c1/n{n}, service: {}/tcp }}", 1000 + n);
    }
    let now = compiled(&text);
    let proof = of_files(&now.site, &now.plan.clusters[0], now.files.texts());
    assert!(proof.holds(), "{proof}");
    let file = now.files.get("kubernetes/c1/00-guardrails/shop.yaml").unwrap();
    assert_eq!(file.matches("kind: ClusterNetworkPolicy").count(), 2);
    assert!(file.contains("priority: 100\n") && file.contains("priority: 101\n"), "{file}");
    assert!(file.split("---\n").all(|document| document.matches("action:").count() <= 2 * 25));
}

#[test]
fn what_dns_opens_counts_in_policy_tests() {
    let coredns =
        "  coredns: { kind: dns-resolver, in: c1/kube-system, pods: { k8s-app: kube-dns }, listens: [dns] }\n";
    let text = with(SMALL, "  database: {", &format!("{coredns}  database: {{"));
    let expect = "expect:\n  - { deny: { from: api, to: coredns, service: 53/udp }, because: a test }\n  \
        - { allow: { from: edge, to: coredns, service: 53/tcp }, because: a test }\n";
    for (text, holds) in [(text.clone(), [false, true]), (with(&text, "    dns: {}\n", ""), [true, false])] {
        let checked = check(&MemoryWorld::single(&format!("{text}{expect}"), day()), false).unwrap();
        let model = checked.model.as_ref().unwrap_or_else(|| panic!("{:#?}", checked.findings));
        let verdicts = zonec::query::expectations(model).unwrap();
        assert_eq!(verdicts.iter().map(|verdict| verdict.holds).collect::<Vec<_>>(), holds);
    }
}
