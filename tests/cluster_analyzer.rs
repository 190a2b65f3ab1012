//! Emitted NetworkPolicies against network-config-analyzer (np-guard): equivalent to a second set that is written pod by
//! pod straight from the plan.
//!
//! Needs the Python package; `tests/conformance/run analyzer` installs it and runs this test.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fmt::Write;
use std::path::Path;
use std::process::Command;
use support::engine::world;
use support::{Compiled, folder};
use zonec::model::{End, ServiceMatch, Site};
use zonec::plan::{ClusterPlan, PodPeer, Side};
use zonec::verify::cluster::facts;

/// One policy per pod and permit, in the plainest form there is.
fn naive(site: &Site, plan: &ClusterPlan) -> String {
    let mut text = String::new();
    let managed = site.clusters[plan.cluster].namespaces.iter().map(|id| &site.namespaces[*id]);
    let managed: Vec<&str> =
        managed.filter(|n| !n.decl.system.as_ref().is_some_and(|s| s.value)).map(|n| n.name.as_str()).collect();
    for namespace in &managed {
        let _ = writeln!(
            text,
            "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: closed, namespace: {namespace}}}\n\
             spec: {{podSelector: {{}}, policyTypes: [Ingress, Egress]}}"
        );
    }
    for (place, permit) in plan.permits.iter().enumerate() {
        let (namespace, pods) = pods_of(site, permit.subject);
        if !managed.contains(&namespace.as_str()) {
            continue;
        }
        let peers: Vec<String> = match &permit.peer {
            PodPeer::Pods(end) => {
                let (namespace, pods) = pods_of(site, *end);
                let home = format!("{{matchLabels: {{kubernetes.io/metadata.name: {namespace}}}}}");
                vec![format!("{{namespaceSelector: {home}, podSelector: {pods}}}")]
            }
            PodPeer::Outside(addresses) => {
                addresses.prefixes().iter().map(|prefix| format!("{{ipBlock: {{cidr: \"{prefix}\"}}}}")).collect()
            }
            PodPeer::Names(..) => panic!("NetworkPolicies know no names"),
            PodPeer::Nodes(id) => {
                let pools = site.clusters[*id].pools.iter().filter(|pool| !pool.name.contains("steuerung"));
                pools
                    .flat_map(|pool| pool.addresses.prefixes())
                    .map(|p| format!("{{ipBlock: {{cidr: \"{p}\"}}}}"))
                    .collect()
            }
        };
        let mut ports = Vec::new();
        for service in &permit.services {
            let ServiceMatch::Ports(transport, list) = service else { panic!("{service}") };
            for (first, last) in list.intervals() {
                ports.extend(
                    (*first..=*last).map(|p| format!("{{protocol: {}, port: {p}}}", transport.word().to_uppercase())),
                );
            }
        }
        let (kind, rules, way) = match permit.side {
            Side::Ingress => ("Ingress", "ingress", "from"),
            Side::Egress => ("Egress", "egress", "to"),
        };
        let _ = writeln!(
            text,
            "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: permit-{place}, namespace: {namespace}}}\n\
             spec: {{podSelector: {pods}, policyTypes: [{kind}], {rules}: [{{{way}: [{}], ports: [{}]}}]}}",
            peers.join(", "),
            ports.join(", ")
        );
    }
    text
}

fn pods_of(site: &Site, end: End) -> (String, String) {
    match end {
        End::Component(id) => {
            let component = &site.components[id];
            let labels: Vec<String> = component
                .decl
                .pods
                .iter()
                .flat_map(|l| &l.0)
                .map(|(k, v)| format!("{}: {}", k.value.0, v.value.0))
                .collect();
            let namespace = site.namespaces[component.namespace.unwrap()].name.clone();
            (namespace, format!("{{matchLabels: {{{}}}}}", labels.join(", ")))
        }
        End::Namespace(id) => (site.namespaces[id].name.clone(), "{}".to_owned()),
        other => panic!("{other:?}"),
    }
}

fn equivalent(program: &str, left: &Path, right: &Path) -> (bool, String) {
    let run = Command::new(program)
        .args(["--equiv", "-r"])
        .arg(left)
        .arg("--base_resource_list")
        .arg(right)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr);
    match run.status.code() {
        Some(0) => (true, text),
        Some(1) => (false, text),
        code => panic!("nca ended with {code:?}: {text}"),
    }
}

#[test]
#[ignore = "needs network-config-analyzer: tests/conformance/run analyzer"]
fn network_policies_are_equivalent_to_plain_ones() {
    let program = std::env::var("ZONEC_NCA").expect("tests/conformance/run analyzer sets ZONEC_NCA");
    let mut compared = 0;
    for example in ["examples/kommune-musterau", "examples/landesrz-seenland"] {
        let compiled = Compiled::of(&folder(example));
        for plan in &compiled.plan.clusters {
            let files = compiled.policies(&plan.name);
            let policies: Vec<&str> = files
                .iter()
                .filter(|(path, _)| path.starts_with("kubernetes/") && !path.contains("00-guardrails"))
                .map(|(_, text)| text.as_str())
                .collect();
            if policies.is_empty() {
                continue;
            }
            let scratch = tempfile::tempdir().unwrap();
            let case = |name: &str, text: &str| {
                let folder = scratch.path().join(name);
                std::fs::create_dir(&folder).unwrap();
                let mut facts = facts(&compiled.site, plan.cluster);
                for namespace in &mut facts.namespaces {
                    namespace.labels.insert("kubernetes.io/metadata.name".to_owned(), namespace.name.clone());
                }
                std::fs::write(folder.join("world.yaml"), world(&facts)).unwrap();
                std::fs::write(folder.join("policies.yaml"), text).unwrap();
                folder
            };
            let emitted = case("emitted", &policies.join("---\n"));
            let plain = naive(&compiled.site, plan);
            let (equal, text) = equivalent(&program, &emitted, &case("plain", &plain));
            assert!(equal, "{example} {}: {text}", plan.name);
            // The judge can tell: without one permit the sets differ.
            let at = plain.rfind("---\n").unwrap();
            let (equal, _) = equivalent(&program, &emitted, &case("fewer", &plain[..at]));
            assert!(!equal, "{example} {}: a missing permit went unnoticed", plan.name);
            compared += 1;
        }
    }
    assert!(compared >= 2);
}
