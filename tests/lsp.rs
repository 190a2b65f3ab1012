//! The language server, by a scripted editor over standard input and output.

#![cfg(feature = "lsp")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/editor.rs"]
mod editor;

use editor::{Editor, byte, edited, position, uri};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use zonec::check::{Checked, check};
use zonec::finding::Severity;
use zonec::source::{Date, MemoryWorld};

const SITE: &str = "\
zonec: 1
include: [flows/*.yaml]
site: { name: amt, blueprint: dvs-2.0 }
networks:
  internet: { kind: internet }
zones:
  web:
    class: external.web
    segments:
      web-out: { addresses: [203.0.113.0/28] }
      web-in: { addresses: [10.10.2.0/28] }
  app: { class: external.app, addresses: [10.10.16.0/24] }
gateways:
  pf-outer: { stage: outer, interfaces: { wan0: internet, dmz0: web-out } }
  pf-inner: { stage: inner, interfaces: { dmz0: web-in, app0: app } }
clusters:
  k1:
    zone: app
    policy: cilium
    namespaces:
      portal: { application: portal }
components:
  waf: { kind: waf, at: { web-out: [203.0.113.4], web-in: [10.10.2.4] } }
  app-1: { kind: app-server, at: { app: [10.10.16.20] } }
  pod: { kind: workload, in: k1/portal }
services:
  fach: 8443/tcp
";

const FLOWS: &str = "\
flows:
  einlass: { from: internet, to: waf, service: https, purpose: Bürgerportal }
  innen: { from: waf, to: app-1, service: fach, purpose: Weiterleitung }
";

/// A folder with the small site.
struct Folder {
    root: TempDir,
}

impl Folder {
    fn new() -> Self {
        let folder = Self { root: TempDir::new().unwrap() };
        folder.write("site.yaml", SITE);
        folder.write("flows/team.yaml", FLOWS);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
}

fn codes(diagnostics: &[Value]) -> Vec<&str> {
    diagnostics.iter().map(|item| item["code"].as_str().unwrap()).collect()
}

/// The text a range covers.
fn covered<'t>(text: &'t str, range: &Value) -> &'t str {
    &text[byte(text, &range["start"])..byte(text, &range["end"])]
}

fn find(text: &str, needle: &str) -> usize {
    text.find(needle).unwrap_or_else(|| panic!("no {needle:?}"))
}

fn example(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name)
}

/// A copy of an example, and its texts by path.
fn copy_of(name: &str) -> (TempDir, BTreeMap<PathBuf, String>) {
    let (from, to) = (example(name), TempDir::new().unwrap());
    let mut texts = BTreeMap::new();
    for path in glob::glob(&format!("{}/**/*.yaml", from.display())).unwrap().map(Result::unwrap) {
        let text = std::fs::read_to_string(&path).unwrap();
        let copy = to.path().join(path.strip_prefix(&from).unwrap());
        std::fs::create_dir_all(copy.parent().unwrap()).unwrap();
        std::fs::write(&copy, &text).unwrap();
        texts.insert(copy, text);
    }
    (to, texts)
}

fn checked(root: &Path, texts: &BTreeMap<PathBuf, String>) -> Checked {
    let name = |path: &Path| path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
    let files = texts.iter().map(|(path, text)| (name(path), text.clone().into_bytes())).collect();
    let world = MemoryWorld { files, as_of: Date::new(2026, 11, 24).unwrap(), main: "site.yaml".to_owned() };
    check(&world, false).unwrap()
}

// ── The session ──────────────────────────────────────────────────────────────────────────────────────────

#[test]
fn a_session_begins_and_ends_as_the_protocol_wants() {
    let mut editor = Editor::start(&[]);
    assert_eq!(editor.request("textDocument/hover", json!({})).unwrap_err()["code"], -32002);
    editor.notify("textDocument/didOpen", json!({ "nonsense": 1 }));
    let params = json!({ "processId": null, "rootUri": null, "capabilities": {} });
    let answer = editor.request("initialize", params.clone()).unwrap();
    assert_eq!(answer["serverInfo"]["name"], "zonec");
    assert_eq!(answer["capabilities"]["positionEncoding"], "utf-16");
    editor.notify("initialized", json!({}));
    assert_eq!(editor.request("initialize", params).unwrap_err()["code"], -32600);
    assert_eq!(editor.request("workspace/symbol", json!({ "query": "x" })).unwrap_err()["code"], -32601);
    assert_eq!(editor.request("textDocument/hover", json!({ "x": [] })).unwrap_err()["code"], -32602);
    editor.notify("$/setTrace", json!({ "value": "off" }));
    editor.notify("no/such", json!(7));
    assert_eq!(editor.request("shutdown", Value::Null).unwrap(), Value::Null);
    assert_eq!(editor.request("textDocument/hover", json!({})).unwrap_err()["code"], -32600);
    editor.notify("exit", Value::Null);
    assert_eq!(editor.hang_up(), Some(0));
}

#[test]
fn a_client_that_goes_without_a_word_is_told_by_the_status() {
    assert_eq!(Editor::greeted(&[]).hang_up(), Some(1));
    let mut editor = Editor::greeted(&[]);
    editor.notify("exit", Value::Null);
    assert_eq!(editor.hang_up(), Some(1));
}

#[test]
fn what_is_no_message_is_told_and_survived() {
    let folder = Folder::new();
    let mut editor = Editor::greeted(&[]);
    editor.write(b"Content-Length: 5\r\n\r\n{nope");
    editor.write(b"Content-Length: 4\r\n\r\n\xff\xfe\xfd\xfc");
    editor.write(b"Content-Length: minus\r\n\r\n");
    editor.write(b"GET / HTTP/1.1\r\n\r\n");
    editor.write(b"Content-Length: 2\r\n\r\n[]");
    // Nonsense about documents: an unknown one, a range from behind, a line that does not exist.
    let path = folder.path("site.yaml");
    editor.change(&path, None, "x");
    editor.open(&path, SITE);
    let far = json!({ "line": 4_000_000, "character": 4_000_000 });
    let zero = json!({ "line": 0, "character": 0 });
    editor.change(&path, Some(json!({ "start": far, "end": zero })), "# Ende\n");
    editor.notify("textDocument/didChange", json!({ "textDocument": { "uri": 5 } }));
    editor.notify(
        "textDocument/didOpen",
        json!({ "textDocument": { "uri": "untitled:a", "languageId": "yaml", "version": 1, "text": "" } }),
    );
    editor.settle(&path);
    let logged = editor.heard.iter().filter(|note| note["method"] == "window/logMessage").count();
    assert!(logged >= 6, "{:#?}", editor.heard);
    let hover = editor.ask_at("textDocument/hover", &path, SITE, 4_000.min(SITE.len()), &json!({}));
    assert!(hover.is_ok());
    assert_eq!(editor.quit(), Some(0));
}

#[test]
fn files_that_change_beside_the_editor_are_heard_of() {
    let folder = Folder::new();
    let mut editor = Editor::greeted(&[]);
    editor.open(&folder.path("site.yaml"), SITE);
    editor.settle(&folder.path("site.yaml"));
    let asked = editor.heard.iter().find(|message| message["method"] == "client/registerCapability").unwrap();
    assert_eq!(asked["params"]["registrations"][0]["method"], "workspace/didChangeWatchedFiles");
    let team = folder.path("flows/team.yaml");
    assert!(codes(editor.at(&team)).iter().all(|code| code.starts_with("ZM-")));
    folder.write("flows/team.yaml", &FLOWS.replace("to: waf", "to: wav"));
    editor.notify("workspace/didChangeWatchedFiles", json!({ "changes": [{ "uri": uri(&team), "type": 2 }] }));
    editor.settle(&folder.path("site.yaml"));
    assert_eq!(codes(editor.at(&team)), ["ZM-MOD-01"]);
    assert_eq!(editor.quit(), Some(0));
}

// ── Diagnostics ──────────────────────────────────────────────────────────────────────────────────────────

/// The same findings, texts, codes and places as `zonec check`, for sites with many findings and for one that cannot be read.
#[test]
fn diagnostics_are_the_findings_of_check() {
    for (name, arguments) in [
        ("amt-fehlerstedt", &[][..]),
        ("amt-fehlerstedt", &["--lang", "de", "--strict"]),
        ("amt-fehlerstedt-unlesbar", &["--lang", "de"]),
        ("landesrz-seenland", &[]),
    ] {
        let site = example(name);
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_zonec"))
            .args(["check", "--format", "json", "--as-of", "2026-11-24"])
            .args(arguments)
            .arg(&site)
            .output()
            .unwrap();
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let text = |file: &str| std::fs::read_to_string(site.join(file)).unwrap();
        let mut editor = Editor::greeted(arguments);
        let main = site.join("site.yaml");
        editor.open(&main, &text("site.yaml"));
        editor.settle(&main);
        let mut told = Vec::new();
        for (uri, diagnostics) in &editor.shown {
            for item in diagnostics {
                let message = item["message"].as_str().unwrap().lines().next().unwrap().to_owned();
                let related = item["relatedInformation"].as_array().map_or(0, Vec::len);
                let start = &item["range"]["start"];
                let severity = item["severity"].as_u64().unwrap();
                assert_eq!(item["source"], "zonec");
                if item["code"] != "syntax" {
                    assert!(item["codeDescription"]["href"].as_str().unwrap().contains("/docs/rules/"));
                }
                told.push((
                    uri.clone(),
                    start["line"].as_u64().unwrap(),
                    item["code"].to_string(),
                    severity,
                    message,
                    related,
                ));
            }
        }
        let mut wanted = Vec::new();
        for finding in report["findings"].as_array().unwrap() {
            let labels = finding["labels"].as_array().unwrap();
            let (file, line) = labels.first().map_or(("site.yaml", 0), |label| {
                (label["file"].as_str().unwrap(), label["line"].as_u64().unwrap() - 1)
            });
            let severity = match finding["severity"].as_str().unwrap() {
                "error" => 1,
                "warning" => 2,
                "info" => 3,
                _ => 4,
            };
            let message = finding["message"].as_str().unwrap().to_owned();
            let related = labels.len().saturating_sub(1);
            wanted.push((uri(&site.join(file)), line, finding["rule"].to_string(), severity, message, related));
        }
        told.sort();
        wanted.sort();
        assert!(name == "landesrz-seenland" || !wanted.is_empty(), "{name}");
        assert_eq!(told, wanted, "{name} {arguments:?}");
        assert_eq!(editor.quit(), Some(0));
    }
}

#[test]
fn a_fault_is_shown_at_its_file_while_it_is_there() {
    let folder = Folder::new();
    let (site, team) = (folder.path("site.yaml"), folder.path("flows/team.yaml"));
    let mut editor = Editor::greeted(&[]);
    // Only the file of the team is open; the site is found above it, and unsaved text counts.
    editor.open(&team, FLOWS);
    editor.settle(&team);
    let before = codes(editor.at(&site)).len();
    let at = find(FLOWS, "waf");
    let range = json!({ "start": position(FLOWS, at), "end": position(FLOWS, at + 3) });
    editor.change(&team, Some(range.clone()), "wav");
    editor.settle(&team);
    let [only] = editor.at(&team) else { panic!("{:#?}", editor.shown) };
    assert_eq!((only["code"].as_str(), only["severity"].as_u64()), (Some("ZM-MOD-01"), Some(1)));
    assert!(only["message"].as_str().unwrap().starts_with("unknown name `wav`"));
    assert_eq!(only["range"], range);
    // The similar name stands in a file that is not open.
    let related = &only["relatedInformation"][0];
    assert_eq!(related["location"]["uri"].as_str(), Some(uri(&site).as_str()));
    assert_eq!(covered(SITE, &related["location"]["range"]), "waf");
    // `zonec check` evaluates no rule on a site that cannot be read, and neither does this.
    assert_eq!(editor.at(&site).len(), 0);
    editor.change(&team, Some(range), "waf");
    editor.settle(&team);
    assert!(!codes(editor.at(&team)).contains(&"ZM-MOD-01"));
    assert_eq!(editor.at(&site).len(), before);
    // A fault of the main file hides its includes; they are still known when it is mended.
    editor.open(&site, &SITE.replace("kind: waf", "knd: waf"));
    editor.settle(&team);
    assert_eq!(codes(editor.at(&site)), ["syntax", "syntax"]);
    editor.change(&site, None, SITE);
    editor.settle(&team);
    assert_eq!(editor.at(&site).len(), before);
    // The last document of a site takes its diagnostics along.
    editor.close(&team);
    editor.close(&site);
    let here = uri(&site);
    editor.until(|editor| editor.shown[&here].is_empty());
    assert_eq!(editor.quit(), Some(0));
}

#[test]
fn a_file_of_no_site_says_nothing() {
    let folder = Folder::new();
    let mut editor = Editor::greeted(&[]);
    let other = folder.path("docker-compose.yaml");
    let text = "services:\n  web: { image: nginx }\n";
    editor.open(&other, text);
    for method in
        ["textDocument/hover", "textDocument/completion", "textDocument/definition", "textDocument/references"]
    {
        let more = match method {
            "textDocument/references" => json!({ "context": { "includeDeclaration": true } }),
            _ => json!({}),
        };
        assert_eq!(editor.ask_at(method, &other, text, find(text, "web"), &more).unwrap(), Value::Null, "{method}");
    }
    assert!(editor.published.is_empty(), "{:#?}", editor.shown);
    // A new document that the site includes belongs to it before it is saved.
    let new = folder.path("flows/neu.yaml");
    editor.open(&new, "flows:\n  neu: { from: waf, to: nirgends, service: https }\n");
    editor.settle(&new);
    assert_eq!(codes(editor.at(&new)), ["ZM-MOD-01"]);
    // A file that is a site of its own, under another name.
    let own = folder.path("test.yaml");
    editor.open(&own, "zonec: 1\nsite: { name: x, blueprint: dvs-9 }\n");
    editor.settle(&own);
    assert_eq!(codes(editor.at(&own)), ["ZM-MOD-04"]);
    assert_eq!(editor.quit(), Some(0));
}

#[test]
fn positions_count_utf16_and_every_line_ending() {
    let folder = Folder::new();
    let path = folder.path("flows/team.yaml");
    for ending in ["\n", "\r\n"] {
        let text = "# 🏛 Größe\nflows:\n  a: { purpose: \"Bürger 👩‍💻🏛\", from: internet, to: wäf, service: https }\n";
        let text = text.replace('\n', ending).replace("wäf", "wav");
        let mut editor = Editor::greeted(&[]);
        editor.open(&path, &text);
        editor.settle(&path);
        let [only] = editor.at(&path) else { panic!("{:#?}", editor.shown) };
        assert_eq!(covered(&text, &only["range"]), "wav");
        // Edits by position, beyond the emoji and beyond the end of a line.
        let at = find(&text, "wav");
        let range = json!({ "start": position(&text, at), "end": position(&text, at + 3) });
        editor.change(&path, Some(range), "waf");
        editor.settle(&path);
        assert!(!codes(editor.at(&path)).contains(&"ZM-MOD-01"), "{:#?}", editor.at(&path));
        let mended = text.replace("wav", "waf");
        let hover = editor.ask_at("textDocument/hover", &path, &mended, find(&mended, "waf") + 1, &json!({})).unwrap();
        assert_eq!(covered(&mended, &hover["range"]), "waf");
        let end_of_line = json!({ "line": 1, "character": 999 });
        editor.change(&path, Some(json!({ "start": end_of_line, "end": end_of_line })), " # ü");
        editor.settle(&path);
        assert!(!codes(editor.at(&path)).contains(&"syntax"), "{:#?}", editor.at(&path));
        assert_eq!(editor.quit(), Some(0));
    }
}

/// Many keystrokes at once are one state: the answer is that of the last, and the server does not work through the others.
#[test]
fn keystrokes_do_not_queue() {
    let (root, texts) = copy_of("landesrz-seenland");
    let path = root.path().join("flows/team-wohngeld.yaml");
    let text = texts[&path].clone() + "# ";
    let mut editor = Editor::greeted(&[]);
    editor.open(&path, &text);
    editor.settle(&path);
    let before = editor.published[&uri(&path)];
    let end = position(&text, text.len());
    for _ in 0..300 {
        editor.change(&path, Some(json!({ "start": end, "end": end })), "x");
    }
    editor.change(&path, None, &text.replacen("from: ", "from: gibtsnicht, x: ", 1));
    editor.settle(&path);
    let published = editor.published[&uri(&path)] - before;
    assert!(published < 100, "{published} publications for 301 changes");
    assert!(!codes(editor.at(&path)).is_empty());
    assert_eq!(editor.quit(), Some(0));
}

#[test]
fn a_request_that_waits_can_be_cancelled() {
    let folder = Folder::new();
    let path = folder.path("site.yaml");
    let mut editor = Editor::greeted(&[]);
    editor.open(&path, SITE);
    let place = json!({ "textDocument": { "uri": uri(&path) }, "position": { "line": 0, "character": 0 } });
    let id = editor.ask("textDocument/definition", place);
    editor.notify("$/cancelRequest", json!({ "id": id }));
    editor.notify("$/cancelRequest", json!({ "id": 4711 }));
    // Answered before the word arrived, or cancelled: one answer in any case.
    match editor.answer(id) {
        Ok(_) => {}
        Err(error) => assert_eq!(error["code"], -32800),
    }
    assert_eq!(editor.quit(), Some(0));
}

// ── Hover, definitions, references, symbols ──────────────────────────────────────────────────────────────

fn hover(editor: &mut Editor, path: &Path, text: &str, needle: &str) -> String {
    let at = find(text, needle) + needle.len() - 1;
    let answer = editor.ask_at("textDocument/hover", path, text, at, &json!({})).unwrap();
    answer["contents"]["value"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn hover_tells_what_a_thing_is() {
    let folder = Folder::new();
    let (site, team) = (folder.path("site.yaml"), folder.path("flows/team.yaml"));
    let mut editor = Editor::greeted(&[]);
    editor.open(&site, SITE);
    editor.open(&team, FLOWS);
    editor.settle(&site);
    let mut says = |path: &Path, needle: &str, wanted: &[&str]| {
        let text = if path.ends_with("site.yaml") { SITE } else { FLOWS };
        let page = hover(&mut editor, path, text, needle);
        for part in wanted {
            assert!(page.contains(part), "{needle}: no {part:?} in\n{page}");
        }
    };
    says(
        &site,
        "  web",
        &["**a zone** `web` · external.web", "`web-out` 203.0.113.0/28", "`pf-outer` (dmz0)", "`waf` (waf)"],
    );
    says(&site, "      web-in", &["**a segment** `web-in`", "10.10.2.0/28", "`web` (external.web)"]);
    says(&site, "  internet", &["**a network** `internet`", "nothing else in the site owns"]);
    says(&site, "class: external.web", &["**a zone class** `external.web`", "`web`"]);
    says(&site, "class", &["**key** `class`"]);
    says(&site, "  pf-inner", &["**a gateway** `pf-inner` · inner", "`dmz0` web-in", "1 flows"]);
    says(&site, "stage: outer", &["`outer`"]);
    says(&site, "kind: waf", &["**a component kind** `waf`"]);
    says(&site, "k1/p", &["**a namespace** `k1/portal`", "`pod`"]);
    says(&site, "in: k", &["**a cluster** `k1` · cilium"]);
    says(&site, "  fach", &["**a service** `fach` · 8443/tcp"]);
    says(&site, "[203.0.113.4", &["**address** `203.0.113.4`", "`waf` (a component)", "`web-out` (a segment)"]);
    says(
        &team,
        "  innen",
        &[
            "**a flow** `innen`",
            "Weiterleitung",
            "from: `waf` 10.10.2.4",
            "to: `app-1` 10.10.16.20",
            "`fach` (8443/tcp)",
            "enforced by: `pf-inner`",
        ],
    );
    says(&team, "to: waf", &["**a component** `waf`", "`web-out` 203.0.113.4", "opens: `innen`", "accepts: `einlass`"]);
    says(&team, "service: https", &["**a service** `https`", "443/tcp"]);
    says(&team, "purpose", &["**key** `purpose`", "Why the flow exists"]);
    let note = "evidence:\n  ZM-ATT-02: { ref: x }\n";
    folder.write("flows/note.yaml", note);
    editor.open(&folder.path("flows/note.yaml"), note);
    editor.settle(&site);
    let page = hover(&mut editor, &folder.path("flows/note.yaml"), note, "ZM-ATT-02");
    assert!(page.contains("`ZM-ATT-02`") && page.contains("grade: MUSS") && page.contains("sources: "), "{page}");
    assert_eq!(hover(&mut editor, &site, SITE, "zonec: 1"), "");
    assert_eq!(editor.quit(), Some(0));
}

#[test]
fn hover_speaks_german() {
    let folder = Folder::new();
    let site = folder.path("site.yaml");
    let mut editor = Editor::greeted(&["--lang", "de"]);
    editor.open(&site, SITE);
    editor.settle(&site);
    let page = hover(&mut editor, &site, SITE, "  pf-inner");
    assert!(page.starts_with("**ein Gateway** `pf-inner`") && page.contains("Schnittstellen: "), "{page}");
    assert_eq!(editor.quit(), Some(0));
}

/// Where a definition or reference leads, as `file:line`.
fn leads(answer: &Value, root: &Path) -> Vec<String> {
    let base = uri(root) + "/";
    let place = |item: &Value| {
        let file = item["uri"].as_str().unwrap().strip_prefix(&base).unwrap().to_owned();
        format!("{file}:{}", item["range"]["start"]["line"].as_u64().unwrap() + 1)
    };
    answer.as_array().unwrap().iter().map(place).collect()
}

#[test]
fn names_lead_to_their_definition_and_back() {
    let folder = Folder::new();
    let more = "groups: { alle: [waf, k1/portal] }\n\
                deviations:\n  D-1: { kind: justification, rules: ZM-FLO-03, objects: [k1/portal, innen, waf], supersedes: D-1 }\n\
                uplinks: { l1: { network: internet, gateway: pf-outer, replica: r1 } }\n";
    folder.write("flows/mehr.yaml", more);
    let (site, team, other) =
        (folder.path("site.yaml"), folder.path("flows/team.yaml"), folder.path("flows/mehr.yaml"));
    let mut editor = Editor::greeted(&[]);
    editor.open(&team, FLOWS);
    editor.open(&other, more);
    editor.open(&site, SITE);
    let root = folder.root.path().to_owned();
    let mut goes = |path: &Path, needle: &str, wanted: &[&str]| {
        let text = if path == site {
            SITE
        } else if path == team {
            FLOWS
        } else {
            more
        };
        let at = find(text, needle) + needle.len() - 1;
        let answer = editor.ask_at("textDocument/definition", path, text, at, &json!({})).unwrap();
        assert_eq!(leads(&answer, &root), wanted, "{needle}");
    };
    goes(&team, "to: waf", &["site.yaml:23"]);
    goes(&team, "from: internet", &["site.yaml:5"]);
    goes(&team, "service: fach", &["site.yaml:27"]);
    goes(&team, "service: https", &[]);
    goes(&site, "dmz0: web-in", &["site.yaml:11"]);
    goes(&site, "zone: app", &["site.yaml:12"]);
    goes(&site, "at: { app", &["site.yaml:12"]);
    goes(&site, "in: k1", &["site.yaml:17"]);
    goes(&site, "in: k1/portal", &["site.yaml:21"]);
    goes(&other, "objects: [k1/portal", &["site.yaml:21"]);
    goes(&other, "innen", &["flows/team.yaml:3"]);
    goes(&other, "supersedes: D-1", &["flows/mehr.yaml:3"]);
    goes(&other, "gateway: pf-outer", &["site.yaml:14"]);
    let mut refers = |needle: &str, with: bool, wanted: &[&str]| {
        let at = find(SITE, needle) + needle.len() - 1;
        let more = json!({ "context": { "includeDeclaration": with } });
        let answer = editor.ask_at("textDocument/references", &site, SITE, at, &more).unwrap();
        assert_eq!(leads(&answer, &root), wanted, "{needle}");
    };
    refers(
        "  waf",
        true,
        &["flows/mehr.yaml:1", "flows/mehr.yaml:3", "flows/team.yaml:2", "flows/team.yaml:3", "site.yaml:23"],
    );
    refers("  waf", false, &["flows/mehr.yaml:1", "flows/mehr.yaml:3", "flows/team.yaml:2", "flows/team.yaml:3"]);
    refers("  k1", false, &["flows/mehr.yaml:1", "flows/mehr.yaml:3", "site.yaml:25"]);
    refers("      portal", false, &["flows/mehr.yaml:1", "flows/mehr.yaml:3", "site.yaml:25"]);
    refers("  fach", false, &["flows/team.yaml:3"]);
    refers("kind: waf", false, &["site.yaml:23"]);
    let symbols =
        editor.request("textDocument/documentSymbol", json!({ "textDocument": { "uri": uri(&team) } })).unwrap();
    let names: Vec<&str> = symbols.as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["einlass", "innen"]);
    assert_eq!(editor.quit(), Some(0));
}

// ── Completion ───────────────────────────────────────────────────────────────────────────────────────────

/// The proposals at `‸` in a file of the small site, which need not be readable there.
fn proposals(editor: &mut Editor, path: &Path, marked: &str) -> Vec<String> {
    let at = find(marked, "‸");
    let text = marked.replace('‸', "");
    editor.change(path, None, &text);
    editor.settle(path);
    let answer = editor.ask_at("textDocument/completion", path, &text, at, &json!({})).unwrap();
    let items = answer["items"].as_array().cloned().unwrap_or_default();
    // What an editor would insert: the label under which it stands, and the text it becomes.
    items.iter().map(|item| item["textEdit"]["newText"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn completion_knows_what_can_stand_where() {
    let folder = Folder::new();
    let (site, team) = (folder.path("site.yaml"), folder.path("flows/team.yaml"));
    let mut editor = Editor::greeted(&[]);
    editor.open(&site, SITE);
    editor.open(&team, FLOWS);
    editor.settle(&site);
    let mut at = |marked: &str| proposals(&mut editor, &team, marked);
    let all = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    // Keys, without those that are there, in block and flow style.
    let keys = at("flows:\n  a:\n    from: waf\n    ‸\n    to: app-1\n");
    assert_eq!(keys.first().map(String::as_str), Some("service: "));
    assert!(
        keys.contains(&"via: ".to_owned())
            && keys.contains(&"approved:".to_owned())
            && !keys.contains(&"from: ".to_owned())
    );
    assert_eq!(at("flows:\n  a: { from: waf, app‸ }\n"), ["approved: "]);
    assert_eq!(at("flows:\n  a: { fr‸: waf }\n"), ["from", "valid-from"]);
    assert_eq!(at("fl‸"), ["flows:"]);
    // Names by what the place holds.
    assert_eq!(at("flows:\n  a: { from: [internet, ap‸] }\n"), ["app", "app-1"]);
    assert_eq!(at("flows:\n  a:\n    from:\n      - waf\n      - k1/‸\n"), ["k1/portal"]);
    assert_eq!(at("flows:\n  a: { from:‸ }\n").first().map(|text| text.starts_with(' ')), Some(true));
    assert_eq!(at("flows:\n  a: { via: ‸ }\n"), ["pf-inner", "pf-outer"]);
    assert_eq!(at("uplinks:\n  a: { network: ‸ }\n"), ["internet"]);
    assert_eq!(at("clusters:\n  k2: { zone: ‸ }\n"), ["app", "web"]);
    assert_eq!(
        at("clusters:\n  k2: { zone: app, namespaces: { kube-system: {} }, dns: { namespace: ‸ } }\n"),
        all(&["kube-system"])
    );
    assert_eq!(at("components:\n  c: { kind: waf, at: { web-‸ } }\n"), ["web-in: ", "web-out: "]);
    // Services: those of the site and of the catalogue.
    assert_eq!(at("flows:\n  a: { service: fac‸ }\n"), ["fach"]);
    assert_eq!(at("flows:\n  a: { service: postgres‸ }\n"), ["postgresql"]);
    // Words of the language and of the blueprint.
    assert_eq!(at("gateways:\n  g: { stage: ‸ }\n"), ["outer", "inner", "zone", "management"]);
    assert_eq!(at("gateways:\n  g: { stateful: ‸ }\n"), ["true", "false"]);
    assert_eq!(at("components:\n  c: { kind: bast‸ }\n"), ["bastion"]);
    assert_eq!(at("zones:\n  z:\n    class: external.d‸\n"), ["external.db"]);
    // Rules by what may be said of them.
    assert!(at("evidence:\n  ZM-ATT-0‸\n").iter().all(|text| text.starts_with("ZM-ATT-0") && text.ends_with(": ")));
    assert!(!at("deviations:\n  D:\n    rules: [ZM-FLO-‸]\n").is_empty());
    assert!(at("deviations:\n  D:\n    objects: [einl‸]\n").is_empty(), "the flow of this file is gone now");
    // Nothing in comments and texts.
    assert_eq!(at("flows: # fl‸\n"), [] as [String; 0]);
    assert_eq!(at("flows:\n  a: { purpose: f‸ }\n"), [] as [String; 0]);
    assert_eq!(editor.quit(), Some(0));
}

#[test]
fn a_file_that_is_no_yaml_is_still_helped_with() {
    let folder = Folder::new();
    let team = folder.path("flows/team.yaml");
    let mut editor = Editor::greeted(&[]);
    editor.open(&team, FLOWS);
    editor.settle(&team);
    let broken = FLOWS.to_owned() + "  neu: { from: [waf, \n  alt: { from: w";
    editor.change(&team, None, &broken);
    editor.settle(&team);
    assert_eq!(codes(editor.at(&team)), ["syntax"]);
    let answer = editor.ask_at("textDocument/completion", &team, &broken, broken.len(), &json!({})).unwrap();
    let labels: Vec<&str> =
        answer["items"].as_array().unwrap().iter().map(|item| item["label"].as_str().unwrap()).collect();
    assert_eq!(labels.first(), Some(&"waf"));
    assert!(hover(&mut editor, &team, &broken, "to: waf").contains("**a component** `waf`"));
    assert!(hover(&mut editor, &team, &broken, "  innen").contains("enforced by: `pf-inner`"));
    let at = find(&broken, "[waf") + 2;
    let answer = editor.ask_at("textDocument/definition", &team, &broken, at, &json!({})).unwrap();
    assert_eq!(leads(&answer, folder.root.path()), ["site.yaml:23"]);
    // But nothing is renamed on a guess.
    let error = editor.ask_at("textDocument/rename", &team, &broken, at, &json!({ "newName": "x" })).unwrap_err();
    assert!(error["message"].as_str().unwrap().contains("cannot be read"), "{error}");
    assert_eq!(editor.quit(), Some(0));
}

// ── Rename ───────────────────────────────────────────────────────────────────────────────────────────────

fn apply(texts: &mut BTreeMap<PathBuf, String>, changes: &Value) -> usize {
    let mut count = 0;
    for (path, text) in texts.iter_mut() {
        if let Some(edits) = changes["changes"][uri(path)].as_array() {
            *text = edited(text, edits);
            count += edits.len();
        }
    }
    assert_eq!(
        count,
        changes["changes"].as_object().unwrap().values().map(|edits| edits.as_array().unwrap().len()).sum::<usize>()
    );
    count
}

/// Rules, cases and weights of the findings, with the old name for the new one wherever it stands.
fn findings(checked: &Checked, new: &str, old: &str) -> BTreeSet<String> {
    let mut all = BTreeSet::new();
    for item in &checked.findings {
        let found = &item.finding;
        let mut objects: Vec<String> = found.objects.iter().map(|object| object.replace(new, old)).collect();
        objects.sort();
        all.insert(format!("{} {} {:?} {objects:?}", found.rule, found.case, item.severity));
    }
    all
}

/// Renames one thing of each kind in an example, and back.
#[test]
fn a_renamed_site_says_what_it_said() {
    for name in ["kommune-musterau", "landesrz-seenland", "amt-fehlerstedt"] {
        let (root, mut texts) = copy_of(name);
        let before = checked(root.path(), &texts);
        let mut editor = Editor::greeted(&[]);
        for (path, text) in &texts {
            editor.open(path, text);
        }
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let mut things = Vec::new();
        for path in texts.keys() {
            let answer = editor.request("textDocument/documentSymbol", json!({ "textDocument": { "uri": uri(path) } }));
            for item in answer.unwrap().as_array().unwrap() {
                let count = seen.entry(item["detail"].as_str().unwrap().to_owned()).or_default();
                *count += 1;
                if *count == 1 || (*count == 4 && name == "landesrz-seenland") {
                    things.push((
                        path.clone(),
                        item["name"].as_str().unwrap().to_owned(),
                        item["range"]["start"].clone(),
                    ));
                }
            }
        }
        assert!(things.len() >= 9, "{things:?}");
        for (path, name, place) in things {
            let original = texts.clone();
            let short = name.rsplit('/').next().unwrap().to_owned();
            let ask = |new: &str| json!({ "textDocument": { "uri": uri(&path) }, "position": place, "newName": new });
            // The new name stands where the old one stood in the order of names: rules name the first of several.
            let new = format!("{short}-neu");
            let changes = editor.request("textDocument/rename", ask(&new));
            let changes = changes.unwrap_or_else(|error| panic!("{name}: {error}"));
            apply(&mut texts, &changes);
            let after = checked(root.path(), &texts);
            assert!(after.model.is_some(), "{name}: {:#?}", after.findings);
            assert_eq!(findings(&after, &new, &short), findings(&before, &short, &short), "{name}");
            for (path, text) in texts.iter().filter(|(path, text)| original[*path] != **text) {
                editor.change(path, None, text);
            }
            let back =
                editor.request("textDocument/rename", ask(&short)).unwrap_or_else(|error| panic!("{name}: {error}"));
            apply(&mut texts, &back);
            assert_eq!(texts, original, "{name} does not come back");
            for (path, text) in &texts {
                editor.change(path, None, text);
            }
        }
        assert_eq!(editor.quit(), Some(0));
    }
}

/// What moves no packet is no difference: the renamed site allows the same packets.
#[test]
fn a_renamed_site_allows_the_same_packets() {
    let (root, mut texts) = copy_of("landesrz-seenland");
    let before = checked(root.path(), &texts);
    let mut editor = Editor::greeted(&[]);
    for (path, text) in &texts {
        editor.open(path, text);
    }
    for needle in ["pf-out:", "ndb-vn:", "fachverfahren:"] {
        let new = needle.replace(':', "-neu");
        let (path, text) = texts.iter().find(|(_, text)| text.contains(&format!("\n  {needle}"))).unwrap();
        let at = find(text, &format!("\n  {needle}")) + 3;
        let changes = editor.ask_at("textDocument/rename", path, text, at, &json!({ "newName": new })).unwrap();
        assert!(apply(&mut texts, &changes) > 1, "{needle}");
        for (path, text) in &texts {
            editor.change(path, None, text);
        }
    }
    let after = checked(root.path(), &texts);
    let sides = zonec::diff::Sides {
        old: (&before, before.model.as_ref().unwrap()),
        new: (&after, after.model.as_ref().unwrap()),
    };
    let diff = zonec::diff::diff(sides).unwrap();
    let moved: Vec<_> = diff.changes.iter().filter(|change| change.kind != zonec::diff::Kind::Rewritten).collect();
    assert!(moved.is_empty(), "{moved:#?}");
    assert_eq!(editor.quit(), Some(0));
}

#[test]
fn a_rename_that_cannot_be_is_refused_with_the_reason() {
    let folder = Folder::new();
    let more = "deviations: { D-1: { kind: justification, rules: ZM-FLO-03, objects: [portal, frei] } }\n\
                flows: { portal: { from: waf, to: portal, service: fach } }\n\
                components: { portal: { kind: app-server, at: { app: 10.10.16.30 } } }\n";
    folder.write("flows/mehr.yaml", more);
    let (site, other) = (folder.path("site.yaml"), folder.path("flows/mehr.yaml"));
    let mut editor = Editor::greeted(&[]);
    editor.open(&site, SITE);
    editor.open(&other, more);
    let mut refuses = |path: &Path, needle: &str, new: &str, reason: &str| {
        let text = if path == site { SITE } else { more };
        let at = find(text, needle) + needle.len() - 1;
        let error = editor.ask_at("textDocument/rename", path, text, at, &json!({ "newName": new })).unwrap_err();
        assert!(error["message"].as_str().unwrap().contains(reason), "{needle} → {new}: {error}");
        assert_eq!(error["code"], -32803);
    };
    refuses(&site, "  waf", "Waf", "no valid name");
    refuses(&site, "  waf", "", "no valid name");
    refuses(&site, "  waf", "a b", "no valid name");
    refuses(&site, "  waf", "pf-inner", "`pf-inner` is the name of a gateway already");
    refuses(&site, "  waf", "web-in", "`web-in` is the name of a segment already");
    refuses(&site, "  waf", "frei", "would cover what nobody approved");
    refuses(&site, "  fach", "https", "`https` is the name of a service already");
    refuses(&site, "kind: waf", "x", "built in");
    refuses(&site, "zonec", "x", "nothing here has a name");
    refuses(&site, "blueprint", "x", "nothing here has a name");
    refuses(&other, "to: portal", "x", "which several things are called");
    let prepared =
        editor.ask_at("textDocument/prepareRename", &site, SITE, find(SITE, "k1/portal") + 4, &json!({})).unwrap();
    assert_eq!(prepared["placeholder"], "portal");
    assert_eq!(covered(SITE, &prepared["range"]), "portal");
    let error = editor.ask_at("textDocument/prepareRename", &site, SITE, find(SITE, "zonec"), &json!({})).unwrap_err();
    assert_eq!(error["code"], -32803);
    assert_eq!(editor.quit(), Some(0));
}

// ── Repairs ──────────────────────────────────────────────────────────────────────────────────────────────

fn repairs(editor: &mut Editor, path: &Path, range: &Value) -> Vec<Value> {
    let params = json!({ "textDocument": { "uri": uri(path) }, "range": range, "context": { "diagnostics": [] } });
    editor.request("textDocument/codeAction", params).unwrap().as_array().unwrap().clone()
}

#[test]
fn a_slip_is_mended_as_check_proposes() {
    let folder = Folder::new();
    let team = folder.path("flows/team.yaml");
    let text = FLOWS.replace("to: waf", "to: wav");
    let mut editor = Editor::greeted(&[]);
    editor.open(&team, &text);
    editor.settle(&team);
    let range = editor.at(&team)[0]["range"].clone();
    let found = repairs(&mut editor, &team, &range);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["title"], "Write `waf`");
    assert_eq!(edited(&text, found[0]["edit"]["changes"][uri(&team)].as_array().unwrap()), FLOWS);
    assert_eq!(editor.quit(), Some(0));
}

/// Every skeleton parses, covers nothing while its reason is empty, and covers its finding once it is filled in.
#[test]
fn a_deviation_skeleton_covers_nothing_until_it_is_filled_in() {
    let (root, texts) = copy_of("amt-fehlerstedt");
    let main = root.path().join("site.yaml");
    let text = texts[&main].clone();
    let mut editor = Editor::greeted(&[]);
    editor.open(&main, &text);
    editor.settle(&main);
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for diagnostic in editor.at(&main).to_vec() {
        let rule = diagnostic["code"].as_str().unwrap().to_owned();
        let object = diagnostic["data"]["objects"][0].as_str().unwrap_or_default().to_owned();
        let wanted = format!("Insert a deviation skeleton for {rule} at `{object}`");
        let found = repairs(&mut editor, &main, &diagnostic["range"]);
        let Some(action) = found.iter().find(|action| action["title"] == wanted.as_str()) else { continue };
        let changed = edited(&text, action["edit"]["changes"][uri(&main)].as_array().unwrap());
        let kind = if changed.matches("kind: justification").count() > text.matches("kind: justification").count() {
            "justification"
        } else {
            "exception"
        };
        let count = kinds.entry(kind.to_owned()).or_default();
        *count += 1;
        if *count > 3 {
            continue;
        }
        let covers = |text: &str| {
            let checked = checked(root.path(), &BTreeMap::from([(main.clone(), text.to_owned())]));
            let model = checked.model.as_ref().unwrap_or_else(|| panic!("{rule}: {:#?}\n{text}", checked.findings));
            let is_own = |item: &&zonec::deviations::Assessed| {
                item.finding.rule == rule && item.finding.objects.first() == Some(&object)
            };
            let name = format!("{rule}-{object}");
            assert!(
                model.site.deviations.values().any(|deviation| deviation.name.starts_with(&name[..name.len().min(50)]))
            );
            let own: Vec<Severity> = checked.findings.iter().filter(is_own).map(|item| item.severity).collect();
            let asked = checked
                .findings
                .iter()
                .any(|item| item.finding.rule == "ZM-ABW-01" && item.finding.case == "short-reason");
            (own, asked)
        };
        let (open, asked) = covers(&changed);
        assert!(!open.is_empty() && !open.contains(&Severity::Deviation), "{rule} {object}: {open:?}");
        assert!(asked, "{rule}: nobody asks for the reason");
        // As an architect fills it in: the reason, and every comment.
        let start = find(&changed, &text[..10]);
        assert_eq!(start, 0);
        let filled: String = changed
            .lines()
            .map(|line| {
                let reason = "reason: \"Die Umstellung ist beauftragt und wird bis zum Ende der Frist abgeschlossen; bis dahin gilt die Ersatzmaßnahme.\"";
                let line = line.split("  # fill in").next().unwrap().replace("reason: \"\"", reason);
                let line = line.replace("# valid-until: … (at most 12 months later)", "valid-until: 2027-05-31");
                let line = ["owner", "risk", "exit-plan"].iter().fold(line, |line, key| match line.split_once(&format!("# {key}: …")) {
                    Some((pad, _)) => format!("{pad}{key}: Leitstelle, siehe Vorgang 4711"),
                    None => line,
                });
                let line = match line.split_once("# measures: […]") {
                    Some((pad, _)) => format!("{pad}measures: [Überwachung durch den Sensor]"),
                    None => line,
                };
                let line = line.replace("# approvals:", "approvals:").replace("# bsi-conformity:", "bsi-conformity:");
                line.replace("#   - {", "  - {").replace("ref: …, on: …", "ref: AB-1, on: 2026-11-20").replace("measure: …", "measure: Ersatzmaßnahme beschrieben in Vorgang 4711") + "\n"
            })
            .collect();
        let (covered, _) = covers(&filled);
        assert!(covered.contains(&Severity::Deviation), "{rule} {object}: {covered:?}\n{filled}");
    }
    assert!(kinds.len() == 2, "{kinds:?}");
    assert_eq!(editor.quit(), Some(0));
}

/// A register in any style takes the entry: block, flow, empty, in another file, with Windows line endings.
#[test]
fn a_skeleton_finds_its_place_in_any_register() {
    let entry = "ALT: { kind: justification, rules: ZM-FLO-03, objects: waf, reason: alt, owner: x }";
    let registers = [
        String::new(),
        "deviations:\n".to_owned(),
        "deviations: {}\n".to_owned(),
        format!("deviations: {{ {entry} }}\n"),
        format!("deviations:\n    {entry}   # so\n\n# danach\nplatforms: {{}}\n"),
        "deviations:\n  ALT:\n    kind: justification\n    rules: [ZM-FLO-03]\n    objects: [waf]\n    reason: >\n      lang\n      länger\n    owner: x\n\ngroups: { g: [waf] }\n".to_owned(),
    ];
    for (number, register) in registers.iter().enumerate() {
        for crlf in [false, true] {
            let folder = Folder::new();
            let site = folder.path("site.yaml");
            let convert = |text: &str| if crlf { text.replace('\n', "\r\n") } else { text.to_owned() };
            let (main, other) = (convert(SITE), convert(&format!("zonec: 1\n{register}")));
            folder.write("flows/abweichungen.yaml", &other);
            let other_path = folder.path("flows/abweichungen.yaml");
            let mut editor = Editor::greeted(&[]);
            editor.open(&site, &main);
            editor.open(&other_path, &other);
            editor.settle(&site);
            let whole = json!({ "start": { "line": 0, "character": 0 }, "end": { "line": 99, "character": 0 } });
            let found = repairs(&mut editor, &site, &whole);
            let action = found.iter().find(|action| action["title"].as_str().unwrap().contains("skeleton")).unwrap();
            let mut texts = BTreeMap::from([(site.clone(), main.clone()), (other_path.clone(), other.clone())]);
            assert_eq!(apply(&mut texts, &action["edit"]), 1);
            texts.insert(folder.path("flows/team.yaml"), FLOWS.to_owned());
            let checked = checked(folder.root.path(), &texts);
            let model =
                checked.model.as_ref().unwrap_or_else(|| panic!("{number}: {:#?}\n{texts:#?}", checked.findings));
            let count = model.site.deviations.len();
            assert_eq!(count, if register.contains("ALT") { 2 } else { 1 }, "{number} {texts:#?}");
            let changed = if number == 0 { &texts[&site] } else { &texts[&other_path] };
            assert!(changed.contains("reason: \"\""), "{number} {changed}");
            assert_eq!(changed.contains("\r\n"), crlf);
            assert!(!crlf || !changed.replace("\r\n", "").contains('\n'), "mixed line endings");
            assert_eq!(editor.quit(), Some(0));
        }
    }
}
