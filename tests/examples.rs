//! The example sites say what their READMEs say they say.

#![allow(clippy::unwrap_used, reason = "a test that cannot read its fixture has failed")]

use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The day the examples are written for; their evidence is valid on it.
const DAY: &str = "2026-11-24";

struct Outcome {
    status: i32,
    report: Value,
}

impl Outcome {
    fn findings(&self) -> &[Value] {
        self.report["findings"].as_array().map(Vec::as_slice).unwrap_or_default()
    }

    /// (rule, severity) of every finding that is no error, once each.
    fn remarks(&self) -> BTreeSet<(String, String)> {
        let kept = self.findings().iter().filter(|finding| finding["severity"] != "error");
        kept.map(|finding| (text(&finding["rule"]), text(&finding["severity"]))).collect()
    }

    /// Rules of a severity, once each.
    fn rules(&self, severity: &str) -> BTreeSet<String> {
        let kept = self.findings().iter().filter(|finding| finding["severity"] == severity);
        kept.map(|finding| text(&finding["rule"])).collect()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

fn set(rules: &[&str]) -> BTreeSet<String> {
    rules.iter().map(|rule| (*rule).to_owned()).collect()
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

fn check(site: &Path, day: &str) -> Outcome {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zonec"));
    let output = command.arg("check").arg(site).args(["--as-of", day, "--format", "json"]).output().unwrap();
    let report = serde_json::from_slice(&output.stdout).unwrap();
    Outcome { status: output.status.code().unwrap(), report }
}

/// A copy of an example with one passage replaced; the passage must occur exactly once.
fn mutated(name: &str, file: &str, from: &str, to: &str) -> tempfile::TempDir {
    let copy = tempfile::tempdir().unwrap();
    copy_tree(&example(name), copy.path());
    let path = copy.path().join(file);
    let before = fs::read_to_string(&path).unwrap();
    assert_eq!(before.matches(from).count(), 1, "`{from}` in {file}");
    fs::write(&path, before.replace(from, to)).unwrap();
    copy
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// A clean site: released, and with no remarks but those its README names.
fn clean(name: &str, remarks: &[(&str, &str)]) {
    let outcome = check(&example(name), DAY);
    let errors = outcome.rules("error");
    assert!(errors.is_empty(), "{name} has errors: {errors:?}");
    assert_eq!(outcome.status, 0, "{name}");
    let expected: BTreeSet<_> = remarks.iter().map(|(rule, kind)| ((*rule).to_owned(), (*kind).to_owned())).collect();
    let mut found = outcome.remarks();
    // Which main zones a site does not offer (ZM-ZON-02) is a fact about it, not a remark on it.
    found.remove(&("ZM-ZON-02".to_owned(), "info".to_owned()));
    assert_eq!(found, expected, "{name}");
}

#[test]
fn musterau_is_clean() {
    clean("kommune-musterau", &[("ZM-LOG-08", "deviation")]);
}

#[test]
fn seenland_is_clean() {
    // FLO-05 notes the two flows between neighbours of one segment, PAP-11 the structure towards the NdB-VN.
    clean("landesrz-seenland", &[("ZM-FLO-05", "info"), ("ZM-PAP-11", "info")]);
}

fn rule_id(mark: &str) -> String {
    format!("ZM-{}", mark.trim().trim_start_matches("ZM-"))
}

#[test]
fn fehlerstedt_is_refused_at_its_marks() {
    let file = example("amt-fehlerstedt").join("site.yaml");
    let marks: BTreeSet<(u64, String)> = fs::read_to_string(file)
        .unwrap()
        .lines()
        .zip(1..)
        .filter_map(|(line, number)| line.split_once("#~ ZM-").map(|(_, rules)| (number, rules)))
        .flat_map(|(number, rules)| rules.split(';').map(move |rule| (number, rule_id(rule))))
        .collect();
    let planted: BTreeSet<&str> = marks.iter().map(|(_, rule)| rule.as_str()).collect();
    assert!(planted.len() >= 70, "only {} rules are planted", planted.len());

    let outcome = check(&example("amt-fehlerstedt"), DAY);
    assert_eq!(outcome.status, 1);
    let place = |finding: &Value| finding["labels"][0]["line"].as_u64().unwrap_or_default();
    let found: BTreeSet<(u64, String)> =
        outcome.findings().iter().map(|finding| (place(finding), text(&finding["rule"]))).collect();
    assert_eq!(found, marks);
    let told: BTreeSet<(u64, String)> =
        outcome.findings().iter().map(|finding| (place(finding), text(&finding["message"]))).collect();
    assert_eq!(told.len(), outcome.findings().len(), "a defect is told twice");
}

#[test]
fn a_dangling_name_stops_everything() {
    let outcome = check(&example("amt-fehlerstedt-unlesbar"), DAY);
    assert_eq!(outcome.status, 2);
    assert_eq!(outcome.rules("error"), set(&["ZM-MOD-01"]));
    assert_eq!(outcome.findings()[0]["labels"][0]["line"], 37);
}

#[test]
fn the_mail_room_must_not_push() {
    let pull = "    from: fachverfahren\n    to: poststelle\n";
    let push = "    from: poststelle\n    to: fachverfahren\n";
    let site = mutated("landesrz-seenland", "flows/team-wohngeld.yaml", pull, push);
    let outcome = check(site.path(), DAY);
    assert_eq!(outcome.status, 1);
    assert_eq!(outcome.rules("error"), set(&["ZM-ACC-01"]));
    let finding = outcome.findings().iter().find(|finding| finding["rule"] == "ZM-ACC-01").unwrap();
    assert_eq!(finding["witness"], serde_json::json!(["internet", "waf-1", "poststelle", "fachverfahren"]));
    assert_eq!(finding["labels"][0]["file"], "flows/team-wohngeld.yaml");
}

#[test]
fn auental_is_clean() {
    clean("kreis-it-auental", &[("ZM-PAP-11", "info")]);
}

#[test]
fn auental_rests_on_the_trust_in_the_landesnetz() {
    let trusted = "    title: Landesverwaltungsnetz\n    trust: trusted-lower\n";
    let untrusted = "    title: Landesverwaltungsnetz\n    trust: untrusted\n";
    let outcome = check(mutated("kreis-it-auental", "site.yaml", trusted, untrusted).path(), DAY);
    assert_eq!(outcome.status, 1);
    let errors = outcome.rules("error");
    assert!(errors.is_superset(&set(&["ZM-ACC-01", "ZM-PAP-01"])), "{errors:?}");
}

const CARRIED: [&str; 3] = ["ZM-PAP-08", "ZM-UPL-01", "ZM-UPL-02"];

#[test]
fn beispielhafen_is_carried_by_its_deviations() {
    let outcome = check(&example("stadt-beispielhafen"), "2025-06-30");
    assert_eq!(outcome.status, 0);
    assert_eq!(outcome.rules("deviation"), set(&CARRIED));
    assert_eq!(outcome.rules("warning"), set(&[]));
}

#[test]
fn beispielhafen_is_warned_before_the_end() {
    let outcome = check(&example("stadt-beispielhafen"), "2025-11-15");
    assert_eq!(outcome.status, 0);
    assert_eq!(outcome.rules("deviation"), set(&CARRIED));
    assert_eq!(outcome.rules("warning"), set(&["ZM-ABW-08"]));
}

#[test]
fn beispielhafen_is_refused_after_the_end() {
    let outcome = check(&example("stadt-beispielhafen"), "2026-01-01");
    assert_eq!(outcome.status, 1);
    assert_eq!(outcome.rules("error"), set(&["ZM-ABW-05", "ZM-UPL-01", "ZM-UPL-02"]));
    assert_eq!(outcome.rules("deviation"), set(&["ZM-PAP-08"]));
}

#[test]
fn a_prohibition_cannot_be_waived() {
    let site = mutated("stadt-beispielhafen", "site.yaml", "[ZM-UPL-01, ZM-UPL-02]", "[ZM-ZON-05]");
    let outcome = check(site.path(), "2025-06-30");
    assert_eq!(outcome.status, 1);
    assert!(outcome.rules("error").contains("ZM-ABW-06"));
}

#[test]
fn a_basis_requirement_needs_another_measure() {
    let site = mutated("stadt-beispielhafen", "site.yaml", "[ZM-UPL-01, ZM-UPL-02]", "[ZM-SEP-02]");
    let outcome = check(site.path(), "2025-06-30");
    assert_eq!(outcome.status, 1);
    assert!(outcome.rules("error").contains("ZM-ABW-04"));
}

#[test]
fn talwinkel_is_clean() {
    clean("zv-it-talwinkel", &[("ZM-ADR-02", "deviation"), ("ZM-DEV-01", "info")]);
}
