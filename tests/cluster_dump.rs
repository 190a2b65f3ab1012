//! Dumps of live clusters: what tenants added is judged with the namespaces and pods that are there, and with those that
//! could come.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use support::{Compiled, folder};
use zonec::verify::cluster::{ClusterProof, of_dump};

/// The worked example without its guardrails, as a dump with something added.
fn judge(added: &str) -> ClusterProof {
    let compiled = Compiled::of(&folder("tests/conformance/worked-example"));
    let mut files = compiled.policies("c1");
    files.retain(|(path, _)| !path.contains("00-guardrails"));
    files.push(("dump.yaml".to_owned(), added.to_owned()));
    let files = files.iter().map(|(path, text)| (path.as_str(), text.as_str()));
    of_dump(&compiled.site, &compiled.plan.clusters[0], files)
}

fn policy(namespace: &str, spec: &str) -> String {
    format!(
        "---\napiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {{name: tenant, namespace: {namespace}, uid: x, managedFields: []}}\n\
         spec: {{podSelector: {{}}, {spec}}}\n"
    )
}

#[test]
fn what_stays_inside_or_narrows_holds() {
    let own = policy("shop-db", "policyTypes: [Ingress, Egress], ingress: [{from: [{podSelector: {}}]}]");
    let closed = policy("shop-app", "policyTypes: [Ingress, Egress]");
    let node = "---\napiVersion: v1\nkind: Pod\nmetadata: {name: agent, namespace: shop-db, labels: {a: b}}\nspec: {hostNetwork: true, containers: []}\n";
    let service = "---\napiVersion: v1\nkind: Service\nmetadata: {name: s, namespace: shop-db}\nspec: {}\n";
    for added in ["", &own, &closed, &(own.clone() + &closed + node + service)] {
        let proof = judge(added);
        assert!(proof.holds(), "{added}\n{proof}");
    }
}

#[test]
fn an_opening_is_shown_with_both_ends_and_the_object() {
    let to = |namespaces: &str, pods: &str| {
        let peer = format!("namespaceSelector: {{{namespaces}}}, podSelector: {{{pods}}}");
        policy("shop-db", &format!("policyTypes: [Ingress], ingress: [{{from: [{{{peer}}}]}}]"))
    };
    let by_name = to("matchLabels: {kubernetes.io/metadata.name: not-there-yet}", "");
    let by_label = to("matchLabels: {team: red}", "matchLabels: {app: x}");
    let all = to("", "");
    let live = "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: red, labels: {team: red}}\n\
                ---\napiVersion: v1\nkind: Pod\nmetadata: {name: x-1, namespace: red, labels: {app: x, hash: q1}}\n\
                spec: {containers: [{name: c, ports: [{name: web, containerPort: 80, protocol: TCP}]}]}\n";
    for (added, from) in [
        (by_name, "not-there-yet/"),
        (by_label.clone(), "{team=red}/{app=x}"),
        (by_label + live, "red/x-1"),
        (all, "kube-system/coredns"),
    ] {
        let proof = judge(&added);
        assert!(proof.unclear.is_empty(), "{added}\n{proof}");
        let found = proof.differences.iter().find(|found| found.from.starts_with(from));
        let found = found.unwrap_or_else(|| panic!("{added}\n{proof}"));
        assert!(found.to.starts_with("shop-db/") && !found.model, "{found:?}");
        assert_eq!(found.policies, ["NetworkPolicy shop-db/tenant"], "{found:?}");
    }
}

#[test]
fn what_is_not_understood_is_unknown_and_never_inside() {
    let cilium = |spec: &str| {
        format!(
            "---\napiVersion: cilium.io/v2\nkind: CiliumNetworkPolicy\nmetadata: {{name: t, namespace: shop-db}}\nspec: {{endpointSelector: {{}}, {spec}}}\n"
        )
    };
    for added in [
        policy("shop-db", "novelty: true"),
        cilium("ingress: [{fromCIDRSet: [{cidrGroupRef: missing}]}]"),
        cilium("ingress: [{fromGroups: [{}]}]"),
        cilium("egress: [{toPorts: [{}]}]"),
        "---\napiVersion: crd.projectcalico.org/v1\nkind: GlobalNetworkPolicy\nmetadata: {name: g}\nspec: {}\n"
            .to_owned(),
        policy("shop-db", "policyTypes: [Ingress]") + &policy("shop-db", "policyTypes: [Egress]"),
    ] {
        let proof = judge(&added);
        assert!(!proof.unclear.is_empty() && !proof.holds(), "{added}\n{proof}");
    }
}

#[test]
fn a_foreign_source_address_is_shown() {
    let egress = "---\napiVersion: cilium.io/v2\nkind: CiliumEgressGatewayPolicy\nmetadata: {name: e}\n\
                  spec: {selectors: [{podSelector: {matchLabels: {io.kubernetes.pod.namespace: shop-app}}}], destinationCIDRs: [0.0.0.0/0],\n\
                  egressGateway: {nodeSelector: {matchLabels: {a: b}}, egressIP: 10.10.0.77}}\n";
    let proof = judge(egress);
    assert!(proof.unclear.is_empty(), "{proof}");
    assert!(proof.faults.iter().any(|fault| fault.reason.contains("10.10.0.77")), "{proof}");
}
