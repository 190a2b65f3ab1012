//! Every rule of the families listed here has fixtures that break it and fixtures that nearly do.
//!
//! `tests/sites/<RULE>/violates*.yaml` raises the rule exactly at the lines marked `#~ <RULE>`, and no other error of the
//! families that belong together; `nearly*.yaml` does not raise it. A rule that is dropped, or that speaks where it should
//! not, fails here.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Families whose fixtures are held to all of this.
const FAMILIES: [&str; 5] = ["MOD", "ACC", "FLO", "ADR", "UPL"];
/// Families that every fixture must satisfy besides its own.
const COMMON: [&str; 3] = ["MOD", "FLO", "ADR"];
/// Rules without a fixture that breaks them: the reader refuses what would, under a case of its own.
const REFUSED_BY_THE_READER: [&str; 1] = ["ZM-MOD-04"];

/// Findings of a fixture: (rule, severity, line of the primary label).
fn check(file: &Path) -> Vec<(String, String, Option<u64>)> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zonec"));
    let output = command.arg("check").arg(file).args(["--as-of", "2026-11-24", "--format", "json"]).output().unwrap();
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    findings.map(|f| (word(&f["rule"]), word(&f["severity"]), f["labels"][0]["line"].as_u64())).collect()
}

/// Folders of the rules of our families, in order.
fn folders() -> Vec<(String, PathBuf)> {
    let sites = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sites");
    let mut found: Vec<(String, PathBuf)> = fs::read_dir(sites)
        .unwrap()
        .map(|entry| entry.unwrap())
        .map(|entry| (entry.file_name().into_string().unwrap(), entry.path()))
        .filter(|(rule, _)| FAMILIES.iter().any(|family| rule.starts_with(&format!("ZM-{family}-"))))
        .collect();
    found.sort();
    found
}

fn files(folder: &Path, prefix: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        entries.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with(prefix)).collect();
    found.sort();
    found
}

/// Errors of the rule's own and the common families that are not the rule's.
fn strangers(rule: &str, findings: &[(String, String, Option<u64>)]) -> Vec<String> {
    let own = rule.get(3..6).unwrap();
    let counts = |other: &str| {
        let family = other.get(3..6);
        !other.starts_with("ZM-") || family == Some(own) || COMMON.iter().any(|common| family == Some(common))
    };
    let others = findings.iter().filter(|(other, severity, _)| other != rule && severity == "error" && counts(other));
    others.map(|(other, _, line)| format!("{other} at {line:?}")).collect()
}

#[test]
fn every_rule_has_both_kinds() {
    assert_eq!(folders().len(), 48, "one folder per rule of these families");
    for (rule, folder) in folders() {
        let violates = !files(&folder, "violates").is_empty() || REFUSED_BY_THE_READER.contains(&rule.as_str());
        assert!(violates && !files(&folder, "nearly").is_empty(), "{rule}");
    }
}

#[test]
fn violates_raises_the_rule_where_it_is_marked() {
    let mut faults = Vec::new();
    for (rule, folder) in folders() {
        for file in files(&folder, "violates") {
            let text = fs::read_to_string(&file).unwrap();
            let mark = format!("#~ {rule}");
            let lines = text.lines().zip(1u64..);
            let marked: Vec<Option<u64>> =
                lines.filter(|(line, _)| line.ends_with(&mark)).map(|(_, number)| Some(number)).collect();
            let findings = check(&file);
            let mut found: Vec<Option<u64>> =
                findings.iter().filter(|(own, _, _)| *own == rule).map(|(_, _, line)| *line).collect();
            found.sort_unstable();
            found.dedup();
            let strangers = strangers(&rule, &findings);
            if marked.is_empty() || found != marked || !strangers.is_empty() {
                faults.push(format!("{}: marked {marked:?}, found {found:?}, also {strangers:?}", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn nearly_does_not_raise_it() {
    let mut faults = Vec::new();
    for (rule, folder) in folders() {
        for file in files(&folder, "nearly") {
            let findings = check(&file);
            let strangers = strangers(&rule, &findings);
            if findings.iter().any(|(own, _, _)| *own == rule) || !strangers.is_empty() {
                faults.push(format!("{}: {findings:?}", file.display()));
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
