//! The table of names (`syntax::mention`) knows every place of the language that holds a name, and no other.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use serde_json::Value;
use std::collections::BTreeSet;
use zonec::source::{FileId, Limits, SourceFile};
use zonec::syntax::language_schema;
use zonec::syntax::mention::{NameKind, NamePlaces, Role, places};
use zonec::syntax::tree::parse;

/// Shapes of names (`shapes:` in `zones/syntax.yaml`).
const NAMES: [&str; 6] = ["name", "reference", "service", "rule-id", "object-id", "deviation-id"];

/// Keys that are names to which nothing refers.
const FREE: [&str; 1] = ["clusters.*.node-pools.*"];

/// Words that are names of the blueprint: their shape is that of any word.
const WORDS: [&str; 2] = ["components.*.kind", "zones.*.class"];

fn collect(root: &Value, schema: &Value, path: &str, found: &mut BTreeSet<(String, bool)>) {
    if let Some(reference) = schema["$ref"].as_str() {
        return collect(root, root.pointer(&reference[1..]).unwrap(), path, found);
    }
    for choice in schema["anyOf"].as_array().into_iter().flatten().chain(schema.get("items")) {
        collect(root, choice, path, found);
    }
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    for (key, value) in schema["properties"].as_object().into_iter().flatten() {
        collect(root, value, &below(key), found);
    }
    if schema["additionalProperties"].is_object() {
        if schema["propertyNames"]["title"].as_str().is_some_and(|title| NAMES.contains(&title)) {
            found.insert((below("*"), true));
        }
        collect(root, &schema["additionalProperties"], &below("*"), found);
    }
    if schema["title"].as_str().is_some_and(|title| NAMES.contains(&title)) {
        found.insert((path.to_owned(), false));
    }
}

#[test]
fn every_name_of_the_language_is_in_the_table() {
    let schema = language_schema();
    let mut wanted = BTreeSet::new();
    collect(&schema, &schema, "", &mut wanted);
    for path in FREE {
        assert!(wanted.remove(&(path.to_owned(), true)), "{path} is no key of the language");
    }
    wanted.extend(WORDS.map(|path| (path.to_owned(), false)));
    let there: BTreeSet<(String, bool)> = places().map(|(path, is_key, _)| (path.to_owned(), is_key)).collect();
    assert_eq!(there, wanted);
}

#[test]
fn names_are_found_where_they_stand() {
    let text = "clusters:\n  k: { zone: app, namespaces: { ns: {} }, dns: { namespace: ns } }\n\
                components: { c: { kind: workload, in: \"k/ns\", listens: { https: 8443/tcp, 9/udp: web } } }\n\
                flows: { f: { from: &a [c, 'k/ns'], to: *a, service: [443/tcp, https] } }\n\
                deviations: { D: { rules: ZM-FLO-03, objects: [c, k/ns] } }\n";
    let source = SourceFile::new("site.yaml".to_owned(), text.to_owned());
    let tree = parse(text, FileId(0), &Limits::default()).unwrap();
    let told: Vec<(&str, String)> = NamePlaces::default()
        .mentions(&source, &tree)
        .into_iter()
        .map(|mention| {
            let role = match mention.role {
                Role::Defines(kind) => format!("{} is {kind:?}", mention.name),
                Role::Refers([only]) => format!("{} as {only:?}", mention.name),
                Role::Refers(_) => mention.name.clone(),
            };
            (&text[mention.span.range()], role)
        })
        .collect();
    let own = |span: &'static str, told: &str| (span, told.to_owned());
    let wanted = vec![
        own("k", "k is Cluster"),
        own("app", "app as Zone"),
        own("ns", "k/ns is Namespace"),
        own("ns", "k/ns as Namespace"),
        own("c", "c is Component"),
        own("workload", "workload as ComponentKind"),
        own("k", "k as Cluster"),
        own("ns", "k/ns as Namespace"),
        own("https", "https as Service"),
        own("web", "web as Service"),
        own("f", "f is Flow"),
        own("c", "c"),
        own("k", "k as Cluster"),
        own("ns", "k/ns as Namespace"),
        own("https", "https as Service"),
        own("D", "D is Deviation"),
        own("ZM-FLO-03", "ZM-FLO-03 as Rule"),
        own("c", "c"),
        own("k", "k as Cluster"),
        own("ns", "k/ns as Namespace"),
    ];
    assert_eq!(told, wanted);
}

#[test]
fn a_path_says_what_can_stand_there() {
    let places = NamePlaces::default();
    assert_eq!(places.any_key(&["components", "x", "at"]).map(|role| matches!(role, Role::Refers(_))), Some(true));
    assert_eq!(places.value(&["flows", "x", "via"]), Some(Role::Refers(&[NameKind::Gateway])));
    assert_eq!(places.value(&["flows", "x", "purpose"]), None);
    assert_eq!(places.key(&["flows", "x"]), Some(Role::Defines(NameKind::Flow)));
}
