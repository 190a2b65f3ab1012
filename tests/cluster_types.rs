//! Our own structs of Kubernetes' objects against the generated ones of `k8s-openapi`: every emitted object of Kubernetes' own
//! kinds is read into the generated type and written again without a difference, so no field is unknown to the API, misspelt
//! or of another type. Cilium's kinds are held against their published schemas in tests/conformance.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use k8s_openapi::api::admissionregistration::v1::{ValidatingAdmissionPolicy, ValidatingAdmissionPolicyBinding};
use k8s_openapi::api::core::v1::ConfigMap;
use k8s_openapi::api::networking::v1::NetworkPolicy;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::collections::BTreeMap;
use support::{Compiled, day, examples, folder};
use zonec::source::{FileId, Limits, MemoryWorld};
use zonec::syntax::de::{DeError, from_node_owned};
use zonec::syntax::tree::parse_documents;

fn documents(text: &str) -> Vec<Value> {
    let read = parse_documents(text, FileId(0), &Limits::default()).unwrap();
    let values: Result<Vec<Value>, DeError> = read.iter().map(from_node_owned).collect();
    values.unwrap()
}

/// What is left of an object after the generated type.
fn again<T: DeserializeOwned + Serialize>(object: &Value) -> Value {
    serde_json::to_value(serde_json::from_value::<T>(object.clone()).unwrap()).unwrap()
}

fn typed(object: &Value) -> Option<Value> {
    match object["kind"].as_str()? {
        "NetworkPolicy" => Some(again::<NetworkPolicy>(object)),
        "ConfigMap" => Some(again::<ConfigMap>(object)),
        "ValidatingAdmissionPolicy" => Some(again::<ValidatingAdmissionPolicy>(object)),
        "ValidatingAdmissionPolicyBinding" => Some(again::<ValidatingAdmissionPolicyBinding>(object)),
        _ => None,
    }
}

#[test]
fn emitted_objects_are_those_of_the_api() {
    let mut worlds: Vec<MemoryWorld> = examples().iter().map(|example| folder(example)).collect();
    worlds.push(MemoryWorld::single(include_str!("clusters/small.yaml"), day()));
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for compiled in worlds.iter().map(Compiled::of) {
        for (path, text) in compiled.files.texts().filter(|(path, _)| path.ends_with(".yaml")) {
            for object in documents(text) {
                if let Some(known) = typed(&object) {
                    assert_eq!(known, object, "{path}");
                    *seen.entry(object["kind"].as_str().unwrap().to_owned()).or_default() += 1;
                }
            }
        }
    }
    println!("{seen:?}");
    assert!(seen.len() == 4 && seen["NetworkPolicy"] > 50, "{seen:?}");
}

#[test]
fn an_unknown_field_would_be_seen() {
    let text = "apiVersion: networking.k8s.io/v1\nkind: NetworkPolicy\nmetadata: {name: a, namespace: b}\n\
        spec: {podSelector: {}, policyType: [Ingress]}\n";
    let object = documents(text).remove(0);
    assert_ne!(typed(&object).unwrap(), object);
}
