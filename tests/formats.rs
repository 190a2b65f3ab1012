//! The formats of `zonec check`, held against the schemas and shapes that their readers expect.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use assert_cmd::Command;
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A site with errors of every kind, one with deviations, and one that cannot be read.
const SITES: [(&str, i32); 3] =
    [("examples/amt-fehlerstedt", 1), ("examples/zv-it-talwinkel", 0), ("examples/amt-fehlerstedt-unlesbar", 2)];

fn zonec(arguments: &[&str]) -> (i32, String) {
    let mut command = Command::cargo_bin("zonec").unwrap();
    let output = command.args(arguments).args(["--as-of", "2026-11-24", "-q"]).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

fn json(site: &str, format: &str, lang: &str) -> (i32, Value) {
    let (status, text) = zonec(&["check", site, "--format", format, "--lang", lang]);
    (status, serde_json::from_str(&text).unwrap())
}

#[test]
fn sarif_satisfies_its_schema_and_says_everything() {
    // The schema's own pattern for languages has a bracket too many, which a strict regex reader refuses.
    let schema = fs::read_to_string("tests/schemas/sarif-2.1.0-rtm.5.json").unwrap();
    let schema = schema.replace("^[a-zA-Z]{2}|^[a-zA-Z]{2}-[a-zA-Z]{2}]?$", "^[a-zA-Z]{2}(-[a-zA-Z]{2})?$");
    let schema: Value = serde_json::from_str(&schema).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let mut suppressed = 0;
    for (site, wanted) in SITES {
        let (status, log) = json(site, "sarif", "de");
        assert_eq!(status, wanted);
        let faults: Vec<String> =
            validator.iter_errors(&log).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(faults.is_empty(), "{site}: {faults:#?}");
        let run = &log["runs"][0];
        let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
        assert!(rules.iter().all(|rule| !rule["help"]["text"].as_str().unwrap().is_empty()));
        let (_, plain) = json(site, "json", "de");
        let results = run["results"].as_array().unwrap();
        assert_eq!(results.len(), plain["findings"].as_array().unwrap().len());
        let mut prints = BTreeSet::new();
        for (result, finding) in results.iter().zip(plain["findings"].as_array().unwrap()) {
            let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
            assert_eq!(result["ruleId"], rules[index]["id"]);
            assert_eq!(result["message"]["text"], finding["message"]);
            let labels = finding["labels"].as_array().unwrap();
            let related = result["relatedLocations"].as_array().map_or(0, Vec::len);
            assert_eq!(related, labels.len().saturating_sub(1), "every label is shown");
            let physical = &result["locations"][0]["physicalLocation"];
            assert_eq!(physical["artifactLocation"]["uri"].as_str().unwrap(), format!("{site}/site.yaml"));
            if let Some(label) = labels.first() {
                assert_eq!(physical["region"]["startLine"], label["line"]);
                assert_eq!(physical["region"]["endColumn"], label["end_column"]);
            }
            assert_eq!(result["suppressions"].is_array(), finding["severity"] == "deviation");
            suppressed += usize::from(result["suppressions"].is_array());
            assert!(
                prints.insert(result["partialFingerprints"]["zonecFinding/v1"].to_string()),
                "each finding has its own"
            );
        }
    }
    assert!(suppressed > 0, "the sites hold a deviation");
}

#[test]
fn code_quality_has_the_fields_that_gitlab_reads() {
    for (site, wanted) in SITES {
        let (status, issues) = json(site, "codequality", "en");
        assert_eq!(status, wanted);
        let mut prints = BTreeSet::new();
        for issue in issues.as_array().unwrap() {
            assert!(
                !issue["description"].as_str().unwrap().is_empty() && !issue["check_name"].as_str().unwrap().is_empty()
            );
            assert!(["info", "minor", "major", "critical", "blocker"].contains(&issue["severity"].as_str().unwrap()));
            assert!(Path::new(issue["location"]["path"].as_str().unwrap()).is_file(), "a path in the repository");
            assert!(issue["location"]["lines"]["begin"].as_u64().unwrap() >= 1);
            assert!(prints.insert(issue["fingerprint"].as_str().unwrap().to_owned()), "fingerprints are unique");
        }
        assert!(!prints.is_empty());
    }
}

#[test]
fn fingerprints_survive_moved_lines() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.yaml");
    let prints = |text: &str| -> Vec<(u64, String)> {
        fs::write(&file, text).unwrap();
        let (_, issues) = json(file.to_str().unwrap(), "codequality", "en");
        let mut prints: Vec<(u64, String)> = issues
            .as_array()
            .unwrap()
            .iter()
            .map(|issue| {
                (
                    issue["location"]["lines"]["begin"].as_u64().unwrap(),
                    issue["fingerprint"].as_str().unwrap().to_owned(),
                )
            })
            .collect();
        prints.sort_by(|a, b| a.1.cmp(&b.1));
        prints
    };
    for (site, _) in SITES {
        let text = fs::read_to_string(Path::new(site).join("site.yaml")).unwrap();
        let (before, after) = (prints(&text), prints(&format!("# a line\n# and another\n{text}")));
        assert_eq!(
            before.iter().map(|(_, print)| print).collect::<Vec<_>>(),
            after.iter().map(|(_, print)| print).collect::<Vec<_>>()
        );
        assert!(before.iter().zip(&after).any(|((line, _), (moved, _))| *moved == line + 2), "lines did move");
    }
}

/// The attributes of each element of an XML text, checked to be well formed on the way.
fn elements(xml: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let mut rest = xml.strip_prefix("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n").unwrap();
    while let Some(start) = rest.find('<') {
        assert!(!rest[..start].contains('>'), "a bare > in a text");
        let end = rest[start..].find('>').unwrap() + start;
        let tag = &rest[start + 1..end];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "tags nest");
        } else {
            let (inner, closed) = tag.strip_suffix('/').map_or((tag, false), |inner| (inner, true));
            let (name, mut attributes) = inner.split_once(' ').unwrap_or((inner, ""));
            let mut list = Vec::new();
            while let Some((key, more)) = attributes.split_once("=\"") {
                let (value, more) = more.split_once('"').unwrap();
                list.push((key.trim().to_owned(), value.to_owned()));
                attributes = more;
            }
            found.push((name.to_owned(), list));
            if !closed {
                open.push(name.to_owned());
            }
        }
        rest = &rest[end + 1..];
    }
    assert!(open.is_empty(), "every element ends");
    found
}

#[test]
fn junit_has_one_case_per_rule_and_counts_them() {
    for (site, wanted) in SITES {
        let (status, text) = zonec(&["check", site, "--format", "junit", "--lang", "de"]);
        assert_eq!(status, wanted);
        let all = elements(&text);
        let count = |name: &str| all.iter().filter(|(element, _)| element == name).count();
        let attribute = |element: &str, key: &str| -> String {
            let (_, list) = all.iter().find(|(name, _)| name == element).unwrap();
            list.iter().find(|(name, _)| name == key).unwrap().1.clone()
        };
        assert!(count("testcase") >= 156);
        for (key, name) in [("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")]
        {
            assert_eq!(attribute("testsuites", key), count(name).to_string(), "{site} {key}");
            assert_eq!(attribute("testsuite", key), count(name).to_string(), "{site} {key}");
        }
        let names: BTreeSet<&str> = all
            .iter()
            .filter(|(name, _)| name == "testcase")
            .map(|(_, list)| list.iter().find(|(key, _)| key == "name").unwrap().1.as_str())
            .collect();
        assert_eq!(names.len(), count("testcase"), "each case has its own name");
        assert_eq!(count("failure") + count("error") > 0, status != 0);
    }
}

#[test]
fn markdown_tells_the_verdict_and_every_error() {
    for (site, wanted) in SITES {
        let (status, text) = zonec(&["check", site, "--format", "markdown", "--lang", "en"]);
        assert_eq!(status, wanted);
        let (_, plain) = json(site, "json", "en");
        let errors = plain["summary"]["errors"].as_u64().unwrap();
        assert_eq!(text.lines().filter(|line| line.starts_with("#### ")).count() as u64, errors, "{site}");
        let verdict = ["releasable", "not releasable", "cannot be read"][usize::try_from(status).unwrap()];
        assert!(text.lines().nth(1).unwrap().ends_with(&format!(": {verdict}")), "{text}");
    }
}

#[test]
fn a_format_without_sense_is_refused() {
    let mut command = Command::cargo_bin("zonec").unwrap();
    let run = command.args(["explain", "ZM-PAP-01", "--format", "junit", "--lang", "de"]).assert().code(2);
    let text = String::from_utf8(run.get_output().stderr.clone()).unwrap();
    assert!(text.contains("`junit`; möglich: `human`, `json`"), "{text}");
}
