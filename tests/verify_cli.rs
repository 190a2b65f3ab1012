//! `zonec verify` on emitted files and on dumps of clusters.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use assert_cmd::Command;
use std::path::Path;

const SITE: &str = "examples/landesrz-seenland";

fn zonec(arguments: &[&str]) -> (i32, serde_json::Value) {
    let mut command = Command::cargo_bin("zonec").unwrap();
    let output = command.args(arguments).args(["--as-of", "2026-11-24", "--format", "json", "-q"]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    (output.status.code().unwrap(), serde_json::from_str(&text).unwrap_or(serde_json::Value::Null))
}

#[test]
fn a_compiled_folder_is_equal_and_a_changed_port_is_shown() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("build");
    let folder = folder.to_str().unwrap();
    assert_eq!(zonec(&["compile", SITE, "-o", folder]).0, 0);
    let (status, report) = zonec(&["verify", SITE, folder]);
    assert_eq!((status, &report["equal"]), (0, &true.into()), "{report:#}");
    let file = Path::new(folder).join("cilium/fachdienste/20-flows/dokumente/dokumentendienst.yaml");
    let text = std::fs::read_to_string(&file).unwrap();
    assert!(text.contains("port: \"5432\""));
    std::fs::write(&file, text.replace("port: \"5432\"", "port: \"5433\"")).unwrap();
    let (status, report) = zonec(&["verify", SITE, folder]);
    assert_eq!(status, 1);
    let differs: Vec<_> = report["artefacts"].as_array().unwrap().iter().filter(|a| a["result"] == "differs").collect();
    assert_eq!(differs.len(), 1);
    assert_eq!(differs[0]["counterexample"]["packet"]["service"], "5432/tcp");
    assert_eq!(differs[0]["counterexample"]["model"], "allow");
}

#[test]
fn a_tenant_who_opens_an_unguarded_cluster_is_shown() {
    let scratch = tempfile::tempdir().unwrap();
    let dump = scratch.path().join("dump.json");
    let tenant = r#"{"apiVersion": "v1", "kind": "List", "items": [{"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy",
        "metadata": {"name": "open", "namespace": "antragsportal", "managedFields": [], "uid": "1"},
        "spec": {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}}]}"#;
    std::fs::write(&dump, tenant).unwrap();
    let (status, report) = zonec(&["verify", SITE, "--cluster", &format!("online={}", dump.to_str().unwrap())]);
    assert_eq!((status, &report["artefacts"][0]["result"]), (1, &"differs".into()), "{report:#}");
    std::fs::write(&dump, tenant.replace("\"ingress\": [{}]", "\"ingress\": [{}], \"novelty\": 1")).unwrap();
    let (status, report) = zonec(&["verify", SITE, "--cluster", &format!("online={}", dump.to_str().unwrap())]);
    assert_eq!(status, 1, "{report:#}");
}

#[test]
fn a_changed_ruleset_is_shown_with_packet_and_line() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("build");
    let folder = folder.to_str().unwrap();
    assert_eq!(zonec(&["compile", SITE, "-o", folder]).0, 0);
    let file = Path::new(folder).join("nftables/pf-out.nft");
    let emitted = std::fs::read_to_string(&file).unwrap();

    // Layout, comments and counters are no difference.
    let relaid = emitted.replace("\t\t", "        ").replace("tcp flags", "counter tcp flags");
    assert_ne!(relaid, emitted);
    std::fs::write(&file, &relaid).unwrap();
    assert_eq!(zonec(&["verify", SITE, folder]).0, 0);

    let (hook, drop) = ("hook forward priority filter; policy drop;", "\t\tip saddr 198.51.100.7 udp dport 161 accept");
    let at = emitted.rfind(hook).unwrap() + hook.len();
    std::fs::write(&file, format!("{}\n{drop}{}", &emitted[..at], &emitted[at..])).unwrap();
    let (status, report) = zonec(&["verify", SITE, folder]);
    let artefacts = report["artefacts"].as_array().unwrap();
    let differs: Vec<_> = artefacts.iter().filter(|a| a["result"] == "differs").collect();
    assert_eq!((status, differs.len()), (1, 1), "{report:#}");
    let found = &differs[0]["counterexample"];
    assert_eq!((&found["model"], &found["artefact"]), (&"deny".into(), &"allow".into()));
    assert_eq!(found["packet"]["source"], "198.51.100.7");
    assert_eq!(found["packet"]["destination_port"], 161);
    let line = emitted[..at].lines().count() + 1;
    assert_eq!(found["rule"], format!("chain forward of table inet zonec, line {line}: accept"));

    std::fs::remove_file(&file).unwrap();
    let (status, report) = zonec(&["verify", SITE, folder]);
    assert_eq!(status, 1);
    assert!(report["artefacts"].as_array().unwrap().iter().any(|a| a["result"] == "differs"), "{report:#}");
}

#[test]
fn a_deployed_ruleset_is_held_against_its_gateway() {
    let scratch = tempfile::tempdir().unwrap();
    let dump = scratch.path().join("dump.json");
    let argument = |name: &str| format!("{name}={}", dump.to_str().unwrap());
    std::fs::write(&dump, r#"{"nftables": [{"metainfo": {"json_schema_version": 1}}]}"#).unwrap();
    let (status, report) = zonec(&["verify", SITE, "--nft", &argument("pf-out")]);
    assert_eq!(
        (status, &report["artefacts"][0]["result"]),
        (1, &"unknown".into()),
        "nothing loaded, no fragments reassembled"
    );
    std::fs::write(&dump, "table inet zonec {").unwrap();
    let (status, report) = zonec(&["verify", SITE, "--nft-text", &argument("pf-out")]);
    assert_eq!((status, &report["artefacts"][0]["result"]), (1, &"unknown".into()), "{report:#}");
    assert_eq!(zonec(&["verify", SITE, "--nft", &argument("nobody")]).0, 2);
    assert_eq!(zonec(&["verify", SITE, "--nft", "pf-out"]).0, 2);
}

#[test]
fn each_step_of_the_lossless_form_is_proven() {
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path().join("build");
    let folder = folder.to_str().unwrap();
    let site = "examples/kommune-musterau";
    assert_eq!(zonec(&["compile", site, "-o", folder, "--staged"]).0, 0);
    let (status, report) = zonec(&["verify", site, folder]);
    assert_eq!((status, &report["equal"]), (0, &true.into()), "{report:#}");
    let judged =
        report["artefacts"].as_array().unwrap().iter().filter(|a| a["file"].as_str().unwrap().contains(".staged/"));
    assert_eq!(judged.count(), 9, "three steps of three gateways");

    let head = "table inet zonec { }\n";
    let open = "table inet zonec {\nchain first {\ntype filter hook forward priority -9; policy drop;\n}\n}\n";
    for (step, old, new, result) in [
        // The first step drops, removes what is in use, or adds to a chain that may be in use.
        ("1-build.nft", head, open, "differs"),
        ("1-build.nft", head, "flush ruleset\ntable inet zonec { }\n", "unknown"),
        ("1-build.nft", head, "table inet zonec { }\nadd rule inet zonec d_in_G00000000 accept\n", "unknown"),
        ("1-build.nft", "\tchain c_rel_G", "\tchain d_in { accept }\n\tchain c_rel_G", "unknown"),
        // The second leaves the old rules in front, or says something else.
        ("2-switch.nft", "flush chain inet zonec forward\n", "", "differs"),
        ("2-switch.nft", "established : accept", "established : accept, new : accept", "differs"),
        ("2-switch.nft", "policy drop", "policy accept", "differs"),
        // The third is a script.
        ("3-retire.sh", "set -eu", "set -eu; nft flush ruleset", "unknown"),
    ] {
        let file = Path::new(folder).join("nftables/pf-in.staged").join(step);
        let emitted = std::fs::read_to_string(&file).unwrap();
        assert!(emitted.contains(old), "{step}: {old}");
        std::fs::write(&file, emitted.replace(old, new)).unwrap();
        let (status, report) = zonec(&["verify", site, folder]);
        let path = format!("nftables/pf-in.staged/{step}");
        let found = report["artefacts"].as_array().unwrap().iter().find(|a| a["file"] == path.as_str()).unwrap();
        assert_eq!((status, &found["result"]), (1, &result.into()), "{step}, `{new}`: {found:#}");
        std::fs::write(&file, emitted).unwrap();
    }
    assert_eq!(zonec(&["verify", site, folder]).0, 0);

    // A step that is gone, and a ruleset of a gateway that the site does not have.
    std::fs::remove_file(Path::new(folder).join("nftables/pf-in.staged/2-switch.nft")).unwrap();
    std::fs::write(Path::new(folder).join("nftables/pf-old.nft"), "table inet zonec { }\n").unwrap();
    let (status, report) = zonec(&["verify", site, folder]);
    let artefacts = report["artefacts"].as_array().unwrap();
    let differs: Vec<_> =
        artefacts.iter().filter(|a| a["result"] == "differs").filter_map(|a| a["file"].as_str()).collect();
    assert_eq!((status, differs), (1, vec!["nftables/pf-in.staged/2-switch.nft", "nftables/pf-old.nft"]));
}
