//! `zonec query` and `zonec test` as their users see them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use serde_json::Value;
use zonec::check::{Checked, check};
use zonec::query::expectations;
use zonec::source::{Date, MemoryWorld};

fn site(tail: &str) -> String {
    format!(
        "zonec: 1\nsite: {{ name: s, blueprint: dvs-2.0 }}\nnetworks: {{ internet: {{ kind: internet }} }}\nzones:\n  \
         app: {{ class: external.app, addresses: [10.1.0.0/24] }}\n  db: {{ class: external.db, addresses: [10.2.0.0/24] }}\n\
         gateways:\n  pf: {{ interfaces: {{ a0: app, d0: db, w0: internet }} }}\nclusters:\n  k:\n    zone: app\n    policy: cilium\n    \
         egress: nodes\n    pods: [10.64.0.0/16]\n    node-pools: {{ w: {{ segment: app, role: worker, addresses: [10.1.0.11, 10.1.0.12] }} }}\n    \
         namespaces: {{ shop: {{}}, pay: {{}} }}\ncomponents:\n  waf: {{ kind: waf, at: {{ app: [10.1.0.4] }} }}\n  \
         shop: {{ kind: workload, in: k/shop, pods: {{ app: shop }} }}\n  pay: {{ kind: workload, in: k/pay, pods: {{ app: pay }} }}\n  \
         pg: {{ kind: database, at: {{ db: [10.2.0.4] }} }}\nflows:\n  web: {{ from: internet, to: waf, service: https }}\n  \
         to-shop: {{ from: waf, to: pg, service: 5432/tcp }}\n  shop-db: {{ from: shop, to: pg, service: 5432/tcp }}\n{tail}"
    )
}

fn checked(text: &str) -> Checked {
    check(&MemoryWorld::single(text, Date::new(2026, 11, 24).unwrap()), false).unwrap()
}

#[test]
fn policy_tests_are_judged_over_all_packets() {
    let tests = "expect:\n\
        \x20 - allow: { from: shop, to: pg, service: 5432/tcp }\n\
        \x20 - deny: { from: pay, to: pg, service: 5432/tcp }\n\
        \x20 - deny: { from: shop, to: pg, service: 5000-6000/tcp }\n\
        \x20 - allow: { from: shop, to: pg, service: 5432-5433/tcp }\n\
        \x20 - deny: { from: internet, to: pg, service: 5432/tcp }\n\
        \x20 - deny: { from: app, to: pg, service: 5432/tcp }\n\
        \x20 - allow: { from: waf, to: shop, service: https }\n";
    let checked = checked(&site(tests));
    let verdicts = expectations(checked.model.as_ref().unwrap()).unwrap();
    let holds: Vec<bool> = verdicts.iter().map(|verdict| verdict.holds).collect();
    // `pay` shares the addresses of its nodes with `shop`, and is kept apart by the policies of the cluster.
    assert_eq!(holds, [true, true, false, false, true, false, false]);
    assert_eq!(verdicts[2].flows, ["shop-db"]);
    assert_eq!(verdicts[2].against[0].service, ["tcp/5432"]);
    assert_eq!(verdicts[3].against[0].service, ["tcp/5433"]);
    // One address of the segment is let through, that of `waf`.
    assert_eq!(verdicts[5].against[0].source, ["10.1.0.4"]);
}

fn zonec(arguments: &[&str], input: &str) -> (i32, String) {
    let mut command = assert_cmd::Command::cargo_bin("zonec").unwrap();
    let output = command.args(arguments).args(["--as-of", "2026-11-24"]).write_stdin(input).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn a_failed_policy_test_is_status_1_and_says_why() {
    let good = site(
        "expect:\n  - deny: { from: internet, to: pg, service: ssh }\n    because: Die Datenbank ist nie von außen erreichbar\n",
    );
    assert_eq!(
        zonec(&["test", "-"], &good),
        (0, "ok    deny internet -> pg ssh\n1 of 1 policy tests hold\n".to_owned())
    );
    let bad = good.replace("from: internet, to: pg, service: ssh", "from: waf, to: pg, service: 5432/tcp");
    let (status, text) = zonec(&["test", "-"], &bad);
    assert_eq!(status, 1);
    for part in
        ["FAIL  deny waf -> pg 5432/tcp", "to-shop", "nie von außen", "10.1.0.4 -> 10.2.0.4 tcp/5432", "stdin.yaml:"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (status, text) = zonec(&["test", "-", "--format", "junit"], &bad);
    assert!(status == 1 && text.contains("<failure") && text.contains("deny waf -&gt; pg 5432/tcp"), "{text}");
    let (_, text) = zonec(&["test", "-", "--format", "json"], &bad);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((&value["summary"]["failed"], &value["tests"][0]["holds"]), (&1.into(), &false.into()));
}

#[test]
fn who_reaches_an_end_is_answered_with_flows_and_chains() {
    let (status, text) = zonec(&["query", "-", "--to", "pg", "--format", "json"], &site(""));
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(status, 0);
    let direct: Vec<&str> =
        value["direct"].as_array().unwrap().iter().map(|row| row["other"].as_str().unwrap()).collect();
    assert_eq!(direct, ["shop", "waf"]);
    let chain = value["chains"].as_array().unwrap().iter().find(|row| row["other"] == "internet").unwrap();
    assert_eq!(chain["chain"], serde_json::json!(["internet", "waf", "pg"]));
    let (_, text) = zonec(&["query", "-", "--from", "internet", "--format", "json"], &site(""));
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["direct"][0]["other"], "waf");
    assert!(value["chains"].as_array().unwrap().iter().any(|row| row["other"] == "pg"));
    assert_eq!(zonec(&["query", "-", "--to", "nirgends"], &site("")).0, 2);
    assert_eq!(zonec(&["query", "-"], &site("")).0, 2);
}

#[test]
fn flows_addresses_and_rules_are_found() {
    let (status, text) = zonec(&["query", "-", "--flow", "shop-db"], &site(""));
    assert!(status == 0 && text.contains("pf") && text.contains("egress") && text.contains("10.2.0.4"), "{text}");
    let (_, text) = zonec(&["query", "-", "--address", "10.1.0.12"], &site(""));
    assert!(text.contains("nodes    k/w") && text.contains("segment  app"), "{text}");
    let (_, text) = zonec(&["query", "-", "--address", "192.0.2.1"], &site(""));
    assert!(text.contains("network  internet"), "{text}");
    let (status, text) = zonec(&["query", "-", "--rule", "ZM-FLO-02"], &site(""));
    assert!(status == 0 && text.contains("`web`"), "{text}");
    assert_eq!(zonec(&["query", "-", "--rule", "ZM-FLO-99"], &site("")).0, 2);
}
