//! The errors that every author of a zone file makes in the first hour, on a fresh starter site: each has a golden
//! rendering in both languages, in `tests/snapshots/`. `INSTA_UPDATE=always cargo test --test first_hour` rewrites them;
//! read what changed as the colleague who made the mistake.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use assert_cmd::Command;
use std::fs;
use std::path::Path;

#[path = "support/yaml.rs"]
mod yaml;

/// A slip: its name, the file, what stands there, and what the author writes instead.
type Slip = (&'static str, &'static str, &'static str, &'static str);

const SLIPS: &[Slip] = &[
    // Words
    ("misspelt-key", "zones.yaml", "    class: external.web", "    clas: external.web"),
    ("foreign-key", "zones.yaml", "    class: external.web", "    class: external.web\n    firewall: pf-outer"),
    ("misspelt-name", "flows/portal.yaml", "to: postgres\n", "to: postgers\n"),
    ("unknown-name", "flows/portal.yaml", "to: postgres\n", "to: oracle\n"),
    ("misspelt-segment", "zones.yaml", "dmz0: web-out", "dmz0: web-otu"),
    ("misspelt-kind", "systems.yaml", "kind: web-proxy", "kind: web-proxi"),
    ("unknown-kind", "systems.yaml", "kind: web-proxy", "kind: firewall"),
    ("misspelt-class", "zones.yaml", "class: external.app", "class: external.apps"),
    ("unknown-class", "zones.yaml", "class: external.app", "class: dmz"),
    ("misspelt-word", "zones.yaml", "stage: outer", "stage: outter"),
    ("unknown-blueprint", "site.yaml", "blueprint: dvs-2.0", "blueprint: dvs-2"),
    ("upper-case-name", "systems.yaml", "  portal-api:\n    kind", "  Portal_API:\n    kind"),
    ("wrong-kind-of-name", "systems.yaml", "zone: application", "zone: app"),
    ("name-given-twice", "systems.yaml", "  ntp: {", "  app: {"),
    ("missing-field", "flows/portal.yaml", "    service: postgresql\n", ""),
    // Shapes
    (
        "list-for-string",
        "flows/portal.yaml",
        "from: portal\n    to: postgres\n    service: postgresql\n    purpose: Read and write applications",
        "from: portal\n    to: postgres\n    service: postgresql\n    purpose: [Read and write applications]",
    ),
    ("string-for-list", "zones.yaml", "replicas: [pf-outer-1, pf-outer-2]", "replicas: pf-outer-1"),
    ("map-for-string", "site.yaml", "operator: EXAMPLE", "operator: { name: EXAMPLE }"),
    ("yes-for-true", "systems.yaml", "forwards: false", "forwards: no"),
    (
        "german-date",
        "flows/portal.yaml",
        "approved: { ref: CHG-0001, by: ISB, on: 2026-11-24 }\n  waf",
        "approved: { ref: CHG-0001, by: ISB, on: 24.11.2026 }\n  waf",
    ),
    ("empty-list", "flows/portal.yaml", "to: postgres\n", "to: []\n"),
    // Addresses and ports
    ("host-bits", "zones.yaml", "10.10.16.0/24", "10.10.16.1/24"),
    ("prefix-without-length", "zones.yaml", "10.10.16.0/24", "10.10.16.0"),
    ("address-out-of-range", "zones.yaml", "10.10.16.0/24", "10.10.256.0/24"),
    ("everything", "zones.yaml", "10.10.16.0/24", "0.0.0.0/0"),
    ("overlapping-segments", "zones.yaml", "10.10.32.0/24", "10.10.16.128/25"),
    ("outside-its-segment", "systems.yaml", "203.0.113.4,", "203.0.113.40,"),
    (
        "reversed-range",
        "flows/portal.yaml",
        "to: ingress\n    service: 8443/tcp",
        "to: ingress\n    service: 9000-8000/tcp",
    ),
    ("port-65536", "flows/portal.yaml", "to: ingress\n    service: 8443/tcp", "to: ingress\n    service: 65536/tcp"),
    (
        "port-without-protocol",
        "flows/portal.yaml",
        "to: ingress\n    service: 8443/tcp",
        "to: ingress\n    service: 8443",
    ),
    ("protocol-first", "flows/portal.yaml", "to: ingress\n    service: 8443/tcp", "to: ingress\n    service: tcp/8443"),
    ("misspelt-service", "flows/portal.yaml", "service: postgresql", "service: postgresq"),
    ("unknown-service", "flows/portal.yaml", "service: postgresql", "service: fachverfahren"),
    // Structure
    (
        "group-cycle",
        "systems.yaml",
        "filters: [pf-outer, pf-inner, pf-mgmt]\n  hosts: [waf, ",
        "filters: [pf-outer, pf-inner, pf-mgmt, hosts]\n  hosts: [filters, waf, ",
    ),
    ("flow-defined-twice", "flows/operations.yaml", "  login:\n", "  portal-public:\n"),
    ("duplicate-key", "flows/portal.yaml", "    to: postgres\n", "    to: postgres\n    to: siem\n"),
    (
        "zone-with-both",
        "zones.yaml",
        "    class: external.db\n",
        "    class: external.db\n    segments: { db-2: { addresses: [10.10.33.0/24] } }\n",
    ),
    // YAML itself
    ("tab", "zones.yaml", "    class: external.web", "\tclass: external.web"),
    ("missing-colon", "flows/portal.yaml", "    to: postgres\n", "    to postgres\n"),
    ("colon-in-text", "flows/portal.yaml", "purpose: Citizens use the portal", "purpose: Portal: citizens use it"),
    ("wrong-indentation", "flows/portal.yaml", "    to: postgres\n", "     to: postgres\n"),
    ("open-bracket", "zones.yaml", "replicas: [pf-outer-1, pf-outer-2]", "replicas: [pf-outer-1, pf-outer-2"),
    ("open-quote", "site.yaml", "operator: EXAMPLE", "operator: \"EXAMPLE"),
    ("bare-star", "site.yaml", "include: [\"*.yaml\", flows/*.yaml]", "include: *.yaml"),
    // Files
    ("include-outside", "site.yaml", "flows/*.yaml]", "../flows/*.yaml]"),
    ("include-nothing", "site.yaml", "flows/*.yaml]", "flow/*.yaml]"),
    ("language-version", "site.yaml", "zonec: 1 ", "zonec: 2 "),
    ("no-version", "site.yaml", "zonec: 1 ", "#"),
];

/// What `zonec check` prints in both languages, and its exit status.
fn said(folder: &Path, site: &str) -> String {
    let mut text = String::new();
    for lang in ["en", "de"] {
        let mut command = Command::cargo_bin("zonec").unwrap();
        let command = command.current_dir(folder).args(["check", site, "--as-of", "2026-11-24", "-q", "--lang", lang]);
        let output = command.output().unwrap();
        assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
        text += &String::from_utf8(output.stdout).unwrap();
        text += &format!("── exit {} ──\n", output.status.code().unwrap());
    }
    text
}

fn fresh(folder: &Path) {
    let mut command = Command::cargo_bin("zonec").unwrap();
    command.current_dir(folder).args(["new", "amt", "--as-of", "2026-11-24"]).assert().success();
}

fn golden(name: &str, text: &str) {
    let mut settings = insta::Settings::clone_current();
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings.bind(|| insta::assert_snapshot!(name, text));
}

#[test]
fn slips_are_told_kindly() {
    let folder = tempfile::tempdir().unwrap();
    fresh(folder.path());
    for (name, file, right, wrong) in SLIPS {
        let path = folder.path().join("amt").join(file);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(right), "{name}: `{right}` does not stand in {file}");
        fs::write(&path, text.replacen(right, wrong, 1)).unwrap();
        let told = said(folder.path(), "amt");
        assert!(told.matches("── exit 0 ──").count() == 0, "{name} is no error\n{told}");
        golden(name, &told);
        fs::write(&path, text).unwrap();
    }
}

#[test]
fn a_site_that_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    golden("no-such-file", &said(folder.path(), "zonen/site.yaml"));
    fs::create_dir(folder.path().join("zonen")).unwrap();
    golden("no-site-in-folder", &said(folder.path(), "zonen"));
}

/// Slips that the reader refuses and no schema can: they need arithmetic, or what stands elsewhere.
const BEYOND_SCHEMAS: &[&str] = &["host-bits", "reversed-range", "duplicate-key", "no-version"];

#[test]
fn the_schema_refuses_what_a_schema_can() {
    let folder = tempfile::tempdir().unwrap();
    fresh(folder.path());
    let validator = jsonschema::validator_for(&zonec::cli::schema().unwrap()).unwrap();
    let mut refused = 0;
    for (name, file, right, wrong) in SLIPS {
        let path = folder.path().join("amt").join(file);
        let text = fs::read_to_string(&path).unwrap();
        let fresh = yaml::json(&text).unwrap();
        assert!(validator.is_valid(&fresh), "{file}");
        let Some(json) = yaml::json(&text.replacen(right, wrong, 1)) else { continue };
        let told = fs::read_to_string(format!("tests/snapshots/{name}.snap")).unwrap();
        // The files named by an include are no matter of one file's schema.
        if told.contains("error[syntax]") && !BEYOND_SCHEMAS.contains(name) && !name.starts_with("include-") {
            assert!(!validator.is_valid(&json), "the schema accepts {name}");
            refused += 1;
        }
    }
    assert!(refused > 15, "{refused}");
}
