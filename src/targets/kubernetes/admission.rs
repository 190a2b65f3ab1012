//! Guardrail for clusters without cluster-wide policies: tenants' NetworkPolicies stay inside their namespace.
//!
//! NetworkPolicies are united, so a tenant's own could widen what is released. A ValidatingAdmissionPolicy lets tenants
//! write only rules whose peers are pods of the same namespace. Who may write NetworkPolicies in `kube-system` is taken
//! for the platform and is not held to it. Policies that exist already are not seen by admission: remove them first.

use super::super::cluster::{Capabilities, Metadata, Version, cluster_metadata};
use super::Layout;
use crate::model::Site;
use crate::plan::ClusterPlan;
use serde::Serialize;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Object<S> {
    api_version: &'static str,
    kind: &'static str,
    metadata: Metadata,
    spec: S,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Either {
    Policy(Object<PolicySpec>),
    Binding(Object<BindingSpec>),
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PolicySpec {
    failure_policy: &'static str,
    match_constraints: MatchConstraints,
    variables: Vec<Variable>,
    validations: Vec<Validation>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MatchConstraints {
    match_policy: &'static str,
    namespace_selector: Selector,
    object_selector: Selector,
    resource_rules: Vec<ResourceRule>,
}

#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Selector {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    match_expressions: Vec<Expression>,
}

#[derive(Serialize)]
struct Expression {
    key: &'static str,
    operator: &'static str,
    values: Vec<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ResourceRule {
    api_groups: Vec<&'static str>,
    api_versions: Vec<&'static str>,
    operations: Vec<&'static str>,
    resources: Vec<&'static str>,
    scope: &'static str,
}

#[derive(Serialize)]
struct Variable {
    name: &'static str,
    expression: &'static str,
}

#[derive(Serialize)]
struct Validation {
    expression: &'static str,
    message: &'static str,
    reason: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BindingSpec {
    policy_name: &'static str,
    validation_actions: Vec<&'static str>,
}

const NAME: &str = "zc-guard-tenants";
const PLATFORM: &str = "authorizer.group('networking.k8s.io').resource('networkpolicies').namespace('kube-system').check('create').allowed()";
const OURS: &str = "has(oldObject.metadata) && has(oldObject.metadata.labels) && 'app.kubernetes.io/managed-by' in oldObject.metadata.labels && oldObject.metadata.labels['app.kubernetes.io/managed-by'] == 'zonec'";

pub(super) fn emit(
    site: &Site,
    plan: &ClusterPlan,
    capabilities: &Capabilities,
    layout: &mut Layout,
) -> Result<(), String> {
    if capabilities.kubernetes < Version(1, 30, 0) {
        return Err("its guardrail is a ValidatingAdmissionPolicy, which Kubernetes has since 1.30; state a newer `version` or another `guardrail`".to_owned());
    }
    let namespaces = site.clusters[plan.cluster].namespaces.iter().map(|id| &site.namespaces[*id]);
    let names: Vec<String> =
        namespaces.filter(|namespace| namespace.is_managed()).map(|namespace| namespace.name.clone()).collect();
    if names.is_empty() {
        return Ok(());
    }
    let metadata = || cluster_metadata(NAME, "guardrail");
    let rule = |operations: Vec<&'static str>| ResourceRule {
        api_groups: vec!["networking.k8s.io"],
        api_versions: vec!["*"],
        operations,
        resources: vec!["networkpolicies"],
        scope: "*",
    };
    let policy = Object {
        api_version: "admissionregistration.k8s.io/v1",
        kind: "ValidatingAdmissionPolicy",
        metadata: metadata(),
        spec: PolicySpec {
            failure_policy: "Fail",
            match_constraints: MatchConstraints {
                match_policy: "Equivalent",
                namespace_selector: Selector {
                    match_expressions: vec![Expression {
                        key: "kubernetes.io/metadata.name",
                        operator: "In",
                        values: names,
                    }],
                },
                object_selector: Selector::default(),
                resource_rules: vec![rule(vec!["CREATE", "UPDATE", "DELETE"])],
            },
            variables: vec![
                Variable { name: "platform", expression: PLATFORM },
                Variable { name: "deletes", expression: "request.operation == 'DELETE'" },
                Variable { name: "released", expression: OURS },
            ],
            validations: vec![
                Validation {
                    expression: "variables.platform || request.operation == 'CREATE' || !variables.released",
                    message: "Objects of zonec are changed by a release, not by hand.",
                    reason: "Forbidden",
                },
                Validation {
                    expression: "variables.platform || variables.deletes || !has(object.spec.ingress) || object.spec.ingress.all(rule, has(rule.from) && size(rule.from) > 0 && rule.from.all(peer, has(peer.podSelector) && !has(peer.namespaceSelector) && !has(peer.ipBlock)))",
                    message: "Ingress from other namespaces or from outside is released through the zone model.",
                    reason: "Forbidden",
                },
                Validation {
                    expression: "variables.platform || variables.deletes || !has(object.spec.egress) || object.spec.egress.all(rule, has(rule.to) && size(rule.to) > 0 && rule.to.all(peer, has(peer.podSelector) && !has(peer.namespaceSelector) && !has(peer.ipBlock)))",
                    message: "Egress to other namespaces or to the outside is released through the zone model.",
                    reason: "Forbidden",
                },
            ],
        },
    };
    let binding = Object {
        api_version: "admissionregistration.k8s.io/v1",
        kind: "ValidatingAdmissionPolicyBinding",
        metadata: metadata(),
        spec: BindingSpec { policy_name: NAME, validation_actions: vec!["Deny"] },
    };
    let comment = "Tenants' NetworkPolicies may name pods of their own namespace only.";
    layout.add("00-guardrails/tenants.yaml", comment, vec![Either::Policy(policy), Either::Binding(binding)]);
    Ok(())
}
