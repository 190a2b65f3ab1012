//! Whether admission policies keep tenants' NetworkPolicies inside their namespace: asked with every shape of request that
//! the API tells apart.

use super::guard::guardrails;
use super::proof::{ClusterProof, Fault};
use crate::model::Site;
use crate::plan::ClusterPlan;
use crate::readers::admission::cel::Value;
use crate::readers::admission::{AdmissionPolicy, Request};
use crate::readers::cluster::Policies;
use crate::readers::cluster::object::Unclear;
use crate::syntax::objects::Guardrail;
use std::collections::BTreeMap;

/// Adds what the site asks for and the policies do not do, and what they refuse beyond it; one finding per namespace.
pub(super) fn judge(site: &Site, plan: &ClusterPlan, policies: &Policies, proof: &mut ClusterProof) {
    let cluster = &site.clusters[plan.cluster];
    let wanted = guardrails(site, plan).contains(&Guardrail::Admission);
    for name in policies.bound.iter().filter(|name| policies.admission.iter().all(|policy| policy.name != **name)) {
        let object = format!("ValidatingAdmissionPolicyBinding of {name}");
        proof.faults.push(Fault::new(object, "binds no policy that is there"));
    }
    for policy in policies.admission.iter().filter(|policy| !policy.closed) {
        let object = format!("ValidatingAdmissionPolicy {}", policy.name);
        proof.faults.push(Fault::new(object, "lets requests pass whenever an expression fails (failurePolicy)"));
    }
    if !wanted && policies.admission.is_empty() {
        return;
    }
    let namespaces = cluster.namespaces.iter().map(|id| &site.namespaces[*id]);
    let mut all: Vec<(String, bool)> = namespaces
        .map(|namespace| {
            let system = namespace.decl.system.as_ref().is_some_and(|system| system.value);
            (namespace.name.clone(), wanted && !system)
        })
        .collect();
    all.push(("nobody-described-it".to_owned(), false));
    let shapes = shapes();
    // Namespaces differ only by the policies that cover them.
    let mut judged: BTreeMap<(Vec<usize>, bool), Wrong> = BTreeMap::new();
    for (namespace, guarded) in all {
        let labels = BTreeMap::from([("kubernetes.io/metadata.name".to_owned(), namespace.clone())]);
        let covering = (0..)
            .zip(&policies.admission)
            .filter(|(_, policy)| policies.bound.contains(&policy.name) && policy.covers(&labels));
        let covering: Vec<usize> = covering.map(|(place, _)| place).collect();
        let wrong = judged.entry((covering, guarded)).or_insert_with_key(|(covering, guarded)| {
            let covering: Vec<&AdmissionPolicy> =
                covering.iter().filter_map(|place| policies.admission.get(*place)).collect();
            shapes.iter().find_map(|shape| wrong(&covering, shape, *guarded))
        });
        let object = format!("admission in namespace {namespace}");
        match wrong {
            None => {}
            Some(Ok(reason)) => proof.faults.push(Fault::new(object, reason.as_str())),
            Some(Err(reason)) => proof.unclear.push(Unclear {
                object,
                field: "an expression".to_owned(),
                reason: format!("cannot be evaluated: {reason}"),
            }),
        }
    }
}

/// What differs, or why nobody can tell; nothing when all is well.
type Wrong = Option<Result<String, String>>;

/// What is wrong with the answer to one request, or why there is none.
fn wrong(policies: &[&AdmissionPolicy], shape: &Shape, guarded: bool) -> Wrong {
    let refuse = guarded && shape.refuse;
    let answers: Result<Vec<bool>, String> = policies.iter().map(|policy| policy.refuses(&shape.request)).collect();
    match answers.map(|answers| answers.contains(&true)) {
        Ok(found) if found == refuse => None,
        Ok(_) if refuse => Some(Ok(format!("tenants may {} there", shape.what))),
        Ok(_) => Some(Ok(format!("whoever wants to {} there is refused", shape.what))),
        Err(reason) => Some(Err(reason)),
    }
}

/// A request and whether tenants must not have their way.
struct Shape {
    what: String,
    request: Request,
    refuse: bool,
}

/// Every combination of operation, requester, owner of the old object, and rules.
fn shapes() -> Vec<Shape> {
    let mut all = Vec::new();
    let sections = sections();
    let object = |ingress: &Section, egress: &Section, labels: &Value| {
        let mut spec = BTreeMap::from([("podSelector".to_owned(), empty())]);
        spec.extend(ingress.value("from").map(|value| ("ingress".to_owned(), value)));
        spec.extend(egress.value("to").map(|value| ("egress".to_owned(), value)));
        map([("metadata", labels.clone()), ("spec", Value::Map(spec))])
    };
    let text = |text: &str| Value::Text(text.to_owned());
    let owners = [
        ("unlabelled ", false, empty()),
        ("a tenant's ", false, map([("labels", map([("app.kubernetes.io/managed-by", text("helm"))]))])),
        ("zonec's ", true, map([("labels", map([("app.kubernetes.io/managed-by", text("zonec"))]))])),
    ];
    let none = Section { what: "no", rules: None, crosses: false };
    for platform in [false, true] {
        for (whose, ours, metadata) in &owners {
            let old = object(&none, &none, metadata);
            for operation in ["CREATE", "UPDATE"] {
                for ingress in &sections {
                    for egress in &sections {
                        let crosses = ingress.crosses || egress.crosses;
                        let held = operation == "UPDATE" && *ours;
                        all.push(Shape {
                            what: format!(
                                "{} {whose}NetworkPolicy with {} ingress and {} egress",
                                operation.to_lowercase(),
                                ingress.what,
                                egress.what
                            ),
                            request: Request {
                                operation,
                                object: object(ingress, egress, metadata),
                                old: if operation == "UPDATE" { old.clone() } else { Value::Null },
                                platform,
                            },
                            refuse: !platform && (crosses || held),
                        });
                    }
                }
            }
            all.push(Shape {
                what: format!("delete {whose}NetworkPolicy"),
                request: Request { operation: "DELETE", object: Value::Null, old, platform },
                refuse: !platform && *ours,
            });
        }
    }
    all
}

/// The rules of one direction.
struct Section {
    what: &'static str,
    /// The peers of each rule; a rule without a list of peers is none.
    rules: Option<Vec<Option<Vec<Value>>>>,
    /// Whether they allow anything outside the namespace.
    crosses: bool,
}

impl Section {
    fn value(&self, key: &str) -> Option<Value> {
        let rule = |peers: &Option<Vec<Value>>| match peers {
            Some(peers) => map([(key, Value::List(peers.clone()))]),
            None => empty(),
        };
        self.rules.as_ref().map(|rules| Value::List(rules.iter().map(rule).collect()))
    }
}

fn sections() -> Vec<Section> {
    let peer = |keys: &[&str]| map(keys.iter().map(|key| (*key, empty())));
    let (pods, namespaces, block) = (peer(&["podSelector"]), peer(&["namespaceSelector"]), peer(&["ipBlock"]));
    let both = peer(&["podSelector", "namespaceSelector"]);
    let section = |what, rules, crosses| Section { what, rules: Some(rules), crosses };
    vec![
        Section { what: "no", rules: None, crosses: false },
        section("an empty list of", Vec::new(), false),
        section("own pods'", vec![Some(vec![pods.clone()])], false),
        section("twice own pods'", vec![Some(vec![pods.clone()]), Some(vec![pods.clone(), pods.clone()])], false),
        section("everybody's", vec![None], true),
        section("everybody's (empty list)", vec![Some(Vec::new())], true),
        section("other namespaces'", vec![Some(vec![namespaces.clone()])], true),
        section("other namespaces' pods'", vec![Some(vec![both])], true),
        section("outside addresses'", vec![Some(vec![block.clone()])], true),
        section("own pods' and outside addresses'", vec![Some(vec![pods.clone(), block])], true),
        section("own pods' and other namespaces'", vec![Some(vec![pods.clone()]), Some(vec![namespaces])], true),
        section("own pods' and everybody's", vec![Some(vec![pods]), None], true),
    ]
}

fn empty() -> Value {
    Value::Map(BTreeMap::new())
}

fn map<K: Into<String>>(fields: impl IntoIterator<Item = (K, Value)>) -> Value {
    Value::Map(fields.into_iter().map(|(key, value)| (key.into(), value)).collect())
}
