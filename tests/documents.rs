//! The documents against the model: figures recounted by other readers (tests/documents/read.py), and hostile texts that
//! come out inert in every format.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;
use zonec::check::{Checked, check};
use zonec::compile::report;
use zonec::finding::Severity;
use zonec::i18n::Lang;
use zonec::source::{Date, MemoryWorld};

#[cfg(feature = "pdf")]
#[path = "documents/pdf.rs"]
mod pdf;

const EXAMPLES: [&str; 6] = [
    "kommune-musterau",
    "landesrz-seenland",
    "kreis-it-auental",
    "zv-it-talwinkel",
    "stadt-beispielhafen",
    "amt-fehlerstedt",
];

fn day() -> Date {
    Date::new(2026, 11, 24).unwrap()
}

fn example(name: &str) -> MemoryWorld {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let mut files = BTreeMap::new();
    let mut open = vec![root.clone()];
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml") {
                let name = path.strip_prefix(&root).unwrap().to_string_lossy().into_owned();
                files.insert(name, std::fs::read(&path).unwrap());
            }
        }
    }
    MemoryWorld { files, as_of: day(), main: "site.yaml".to_owned() }
}

/// Writes the documents of a site into a folder and reads them back. Without Python only CI fails.
fn documents(checked: &Checked, lang: Lang) -> Option<Value> {
    let files = report(checked, checked.model.as_ref().unwrap(), lang).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files.iter() {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
    let reader = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/documents/read.py");
    let Ok(output) = Command::new("python3").arg(reader).arg(folder.path()).output() else {
        assert!(std::env::var_os("CI").is_none(), "CI must have python3");
        eprintln!("not run: there is no python3");
        return None;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

fn texts(value: &Value) -> Vec<String> {
    value.as_array().unwrap().iter().map(|item| item.as_str().unwrap().to_owned()).collect()
}

#[test]
fn figures_are_those_of_the_model() {
    for name in EXAMPLES {
        for lang in [Lang::De, Lang::En] {
            let checked = check(&example(name), false).unwrap();
            let Some(found) = documents(&checked, lang) else { return };
            recount(name, &checked, &found);
        }
    }
}

fn recount(name: &str, checked: &Checked, found: &Value) {
    let site = &checked.model.as_ref().unwrap().site;
    let (flows, areas) = (site.flows.len(), site.zones.len() + site.networks.len());
    let rows = |section: &str| found["html"]["sections"][section].as_array().unwrap();
    assert_eq!(rows("flows").len(), flows, "{name}: flows of the page");
    assert_eq!(rows("zones").len(), areas, "{name}: zones of the page");
    assert_eq!(rows("deviations").len(), site.deviations.len(), "{name}: deviations of the page");
    assert_eq!(rows("rules").len(), 156, "{name}: rules of the page");
    for (family, class) in [("ZM-VSN-", "restricted"), ("ZM-DEV-", "development")] {
        let rules: Vec<String> = rows("rules").iter().map(|row| texts(&row["cells"]).join("|")).collect();
        let rules: Vec<&String> = rules.iter().filter(|row| row.starts_with(family)).collect();
        let is_absent = |row: &&&String| row.contains("not applicable") || row.contains("nicht anwendbar");
        let wanted = if site.zones.values().any(|zone| zone.class == class) { 0 } else { rules.len() };
        assert!(!rules.is_empty(), "{name}: {family}");
        assert_eq!(rules.iter().filter(is_absent).count(), wanted, "{name}: {family} rules that do not apply");
    }
    let open = checked.findings.iter().filter(|item| item.severity != Severity::Deviation).count();
    let told = found["html"]["articles"].as_u64().unwrap() as usize + rows("findings").len();
    assert_eq!(told, open, "{name}: findings of the page");
    for (severity, letter) in [(Severity::Error, "V-"), (Severity::Warning, "W-"), (Severity::Info, "N-")] {
        let ids = texts(&found["html"]["ids"]).into_iter().filter(|id| id.starts_with(letter)).count();
        assert_eq!(ids, checked.count(severity), "{name}: {letter}");
    }
    let numbers: Vec<String> = (1..=flows).map(|number| format!("F{number:02}")).collect();
    let csv = found["csv"].as_array().unwrap();
    assert_eq!(csv.iter().skip(1).map(|row| row[0].as_str().unwrap()).collect::<Vec<_>>(), numbers, "{name}: CSV");
    let names: Vec<&str> = site.flows.values().map(|flow| flow.name.as_str()).collect();
    assert_eq!(csv.iter().skip(1).map(|row| row[1].as_str().unwrap()).collect::<Vec<_>>(), names, "{name}: CSV");
    let ids: Vec<&str> = rows("flows").iter().map(|row| row["id"].as_str().unwrap()).collect();
    assert_eq!(ids, numbers, "{name}: numbers of the page");
    let tables = found["md"]["tables"].as_object().unwrap();
    assert!(tables.values().any(|table| table.as_array().unwrap().len() == flows + 2), "{name}: flows in Markdown");
    for table in tables.values() {
        let widths: Vec<usize> = table.as_array().unwrap().iter().map(|row| row.as_array().unwrap().len()).collect();
        assert!(widths.iter().all(|width| Some(width) == widths.first()), "{name}: a row of another width");
    }
    workbook(name, checked, &found["xlsx"], csv);
    for picture in found["svg"].as_array().unwrap() {
        assert_eq!(picture["active"], json!([]), "{name}");
    }
    inert(name, found);
}

fn workbook(name: &str, checked: &Checked, sheets: &Value, csv: &[Value]) {
    let site = &checked.model.as_ref().unwrap().site;
    let sheets: Vec<&Value> = sheets.as_object().unwrap().values().collect();
    let counts: Vec<usize> = sheets.iter().map(|sheet| sheet["rows"].as_array().unwrap().len() - 1).collect();
    assert_eq!(counts.len(), 5, "{name}: sheets");
    let wanted = [site.flows.len(), site.zones.len() + site.networks.len(), counts[2], 156, site.deviations.len()];
    assert_eq!(counts, wanted, "{name}: rows of the workbook");
    assert!(counts[2] >= site.segments.len(), "{name}: addresses");
    assert!(sheets.iter().all(|sheet| sheet["frozen"] == true && sheet["filters"] == true), "{name}: heads");
    // The same cells in both, but for the apostrophe with which CSV keeps formulas away.
    let plain =
        |row: &Value| texts(row).iter().map(|cell| cell.trim_start_matches('\'').to_owned()).collect::<Vec<_>>();
    let rows = sheets[0]["rows"].as_array().unwrap();
    assert_eq!(rows.iter().map(plain).collect::<Vec<_>>(), csv.iter().map(plain).collect::<Vec<_>>(), "{name}");
}

/// Nothing in any document runs, loads or links to elsewhere.
fn inert(name: &str, found: &Value) {
    assert_eq!(found["html"]["active"], json!([]), "{name}");
    assert_eq!(found["html"]["tags"]["script"], 1, "{name}: one script, ours");
    assert_eq!(found["html"]["tags"]["style"], 1, "{name}: one style, ours");
    let policy = found["html"]["policy"].as_str().unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    assert_eq!(found["md"]["tags"], json!([]), "{name}: no tag in Markdown");
    assert_eq!(found["md"]["code"], 0, "{name}: no code span in Markdown");
}

/// A small site with the same text in every place that takes one.
fn site_with(text: &str) -> MemoryWorld {
    // Long enough for the rule about reasons, whatever the text.
    let long = serde_json::to_string(&format!("{text} {}", "weil ".repeat(20))).unwrap();
    let text = serde_json::to_string(text).unwrap();
    let site = format!(
        r#"zonec: 1
site: {{ name: s, title: {text}, operator: {text}, blueprint: dvs-2.0 }}
networks:
  internet: {{ kind: internet, title: {text} }}
zones:
  web: {{ class: external.web, addresses: [203.0.113.0/26], title: {text} }}
  app: {{ class: external.app, addresses: [10.10.0.0/24], title: {text} }}
gateways:
  g: {{ interfaces: {{ w0: web, a0: app }} }}
components:
  waf: {{ kind: waf, at: {{ web: 203.0.113.5 }}, listens: 443/tcp }}
  portal: {{ kind: app-server, at: {{ app: 10.10.0.5 }}, listens: 8443/tcp }}
flows:
  in: {{ from: waf, to: portal, service: 8443/tcp, purpose: {text}, owner: {text}, approved: {{ ref: {text}, by: {text}, on: 2026-01-01 }} }}
deviations:
  ABW-1:
    kind: justification
    rules: [ZM-ADR-02]
    objects: [app]
    reason: {long}
    risk: {text}
    owner: {text}
    measures: [{text}]
    valid-from: 2026-01-01
    valid-until: 2027-01-01
evidence:
  ZM-ATT-05: {{ ref: {text}, owner: {text}, on: 2026-01-01, valid-until: 2027-12-31 }}
"#
    );
    MemoryWorld {
        files: BTreeMap::from([("site.yaml".to_owned(), site.into_bytes())]),
        as_of: day(),
        main: "site.yaml".to_owned(),
    }
}

/// Everything about the documents that no text may change.
fn shape(found: &Value) -> Value {
    let bare = |kind: &str| found[kind]["bare"].clone();
    let width =
        |rows: &Value| rows.as_array().unwrap().iter().map(|row| row.as_array().unwrap().len()).collect::<Vec<_>>();
    let tables: Vec<Vec<usize>> = found["md"]["tables"].as_object().unwrap().values().map(width).collect();
    json!({
        "html": [found["html"]["tags"], found["html"]["ids"], found["html"]["articles"]],
        "csv": width(&found["csv"]), "md": tables, "mmd": bare("mmd"), "dot": bare("dot"),
    })
}

/// A text as documents show it: what turns the direction of text is replaced.
fn shown(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}');
    text.chars().map(|c| if turns(c) { '\u{fffd}' } else { c }).collect()
}

fn is_inert(text: &str) {
    let read = |text: &str| {
        let checked = check(&site_with(text), false).unwrap();
        assert!(checked.model.is_some(), "{:?}", checked.findings.first());
        documents(&checked, Lang::En)
    };
    static PLAIN: OnceLock<Option<Value>> = OnceLock::new();
    let (Some(plain), Some(found)) = (PLAIN.get_or_init(|| read("Plain words")), read(text)) else { return };
    inert("hostile", &found);
    // Long texts make long pictures; their elements are counted by kind only.
    let (mut wanted, mut told) = (shape(plain), shape(&found));
    for value in [&mut wanted, &mut told] {
        // Lines and texts of the picture follow the length of names; backticks of a message set code.
        for tag in ["text", "rect", "path", "g", "polygon", "circle", "code"] {
            value["html"][0].as_object_mut().unwrap().remove(tag);
        }
    }
    assert_eq!(told, wanted);
    let shown = shown(text);
    assert_eq!(found["xlsx"]["Flows"]["rows"][1][8], shown.as_str(), "the workbook holds the text");
    let formula = text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    // Line and paragraph separators end a line in some readers of CSV.
    let lines = shown.replace(['\u{2028}', '\u{2029}'], "\u{fffd}");
    let csv = if formula { format!("'{lines}") } else { lines };
    assert_eq!(found["csv"][1][8], csv.as_str(), "CSV holds the text");
    let cell = found["html"]["sections"]["flows"][0]["cells"][4].as_str().unwrap();
    assert_eq!(cell, shown.trim(), "the page holds the text");
    for picture in found["svg"].as_array().unwrap() {
        assert_eq!(picture["active"], json!([]));
        assert!(picture["tags"].get("script").is_none() && picture["tags"].get("a").is_none());
    }
}

#[test]
fn known_attacks_come_out_inert() {
    let attacks = [
        "</title></style></script><script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "{{ 7*7 }}{% for x in y %}{# c #}",
        "=1+1",
        "  @SUM(A1:A9)",
        "-2+3|cmd' /C calc'!A0",
        "]]><!--<svg onload=alert(1)>-->",
        "a\u{200f}b\u{200e}c\u{061c}d",
        "[x](javascript:alert(1)) ![y](http://e.example/z) `code` | cell | *b* _i_ # h",
        "_x0041_ _x000D_",
        "click P \"javascript:alert(1)\" %%{init: {}}%% ]--> x",
        "\\\" ; } -> evil [URL=\"http://e.example\"]",
        "\u{2028}\u{2029}\u{feff}\u{200b}",
    ];
    for attack in attacks {
        is_inert(attack);
    }
    is_inert(&"W".repeat(10_000));
    is_inert(&"<b> & \" ' ".repeat(1_000));
}

#[test]
fn what_hides_is_refused_before() {
    for text in ["a\u{7}b", "a\u{202e}b", "a\u{2066}b"] {
        assert!(check(&site_with(text), false).unwrap().model.is_none(), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if std::env::var_os("CI").is_some() { 48 } else { 12 }, ..ProptestConfig::default() })]

    #[test]
    fn any_text_comes_out_inert(text in "([<>&\"'`{}%#=+@|\\\\\\[\\]()*_!~$;:,./-]|[a-z]|script|[ -~]|\\PC|\u{200f}){1,60}") {
        let text: String = text.chars().filter(|c| !matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')).collect();
        prop_assume!(!text.trim().is_empty());
        is_inert(text.trim());
    }
}
