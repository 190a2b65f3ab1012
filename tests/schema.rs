//! The JSON Schema says what the reader says: it accepts every readable file of the repository, describes every property, and
//! is closed. What it must refuse is held in `first_hour.rs`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use zonec::source::{Date, Limits, MemoryWorld};
use zonec::syntax::read_site;

#[path = "support/yaml.rs"]
mod yaml;

fn files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            found.push(path);
        }
    }
}

#[test]
fn every_readable_zone_file_is_accepted() {
    let validator = jsonschema::validator_for(&zonec::cli::schema().unwrap()).unwrap();
    let mut found = Vec::new();
    for folder in ["examples", "tests/sites"] {
        files(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), &mut found);
    }
    let (mut wrong, mut read) = (Vec::new(), 0);
    for path in &found {
        let text = fs::read_to_string(path).unwrap();
        let site = MemoryWorld::single(&text, Date::new(2026, 11, 24).unwrap());
        // A part of a site has no version; the reader's other complaints count.
        let faults = read_site(&site, &Limits::default()).findings;
        let part = |case: &str| ["missing-version", "include-matches-nothing"].contains(&case);
        let readable = faults.iter().all(|fault| part(fault.case));
        let Some(json) = yaml::json(&text) else { continue };
        let refused: Vec<String> =
            validator.iter_errors(&json).map(|error| format!("{}: {error}", error.instance_path())).collect();
        read += usize::from(readable);
        // Kinds and blueprints are words of the data: the schema knows them, the reader leaves them to the resolver.
        let by_data =
            |text: &String| text.contains("is not one of") && (text.contains("/kind") || text.contains("/blueprint"));
        if readable && !refused.iter().all(by_data) {
            wrong.push(format!("{}: {refused:#?}", path.display()));
        }
    }
    assert!(read > 300, "{read} files were read");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_property_is_described_and_every_record_closed() {
    let schema = zonec::cli::schema().unwrap();
    let records = schema["$defs"].as_object().unwrap();
    assert!(records.len() > 30);
    for (name, record) in records {
        assert_eq!(record["additionalProperties"], Value::Bool(false), "{name} is open");
        assert!(!record["description"].as_str().unwrap().is_empty());
        for (key, property) in record["properties"].as_object().unwrap() {
            assert!(!property["description"].as_str().unwrap().is_empty(), "{name}.{key}");
        }
    }
}
