//! The PDF, read back with poppler and qpdf: its tags recounted against the model, hostile texts, the same bytes twice.

use super::*;
use std::collections::BTreeSet;
use zonec::report::Words;

/// Runs a reader of PDF. Without it only CI fails.
fn read(tool: &str, args: &[&str]) -> Option<String> {
    let Ok(output) = Command::new(tool).args(args).output() else {
        assert!(std::env::var_os("CI").is_none(), "CI must have {tool}");
        eprintln!("not run: there is no {tool}");
        return None;
    };
    assert!(output.status.success(), "{tool}: {}", String::from_utf8_lossy(&output.stderr));
    let faults = String::from_utf8_lossy(&output.stderr).into_owned();
    // Old poppler takes a truth value and the four colours of a border (ISO 32000-1, tables 321 and 343) for faults.
    let known = |line: &&str| line.contains("Suspects object is wrong type") || line.contains("Attribute BorderColor");
    assert_eq!(faults.lines().filter(|line| !known(line)).collect::<Vec<_>>(), Vec::<&str>::new(), "{tool}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// An element of the tagged structure: its kind, its own text and what is in it.
#[derive(Default, Debug)]
struct Tag {
    kind: String,
    text: String,
    inside: Vec<Tag>,
}

impl Tag {
    /// Reads what `pdfinfo -struct-text` prints: kinds indented by depth, texts in quotes below them.
    fn of(printed: &str) -> Self {
        let mut open = vec![(0, Self::default())];
        for line in printed.lines() {
            let depth = line.len() - line.trim_start().len();
            let line = line.trim_start();
            if line.starts_with('"') {
                let text = line.trim_matches('"');
                if let Some((_, tag)) = open.last_mut() {
                    tag.text.push_str(text);
                }
                continue;
            }
            while open.len() > 1 && open.last().is_some_and(|(before, _)| *before >= depth) {
                close(&mut open);
            }
            let kind = line.split([' ', ':', '(']).next().unwrap_or_default().to_owned();
            open.push((depth, Self { kind, ..Self::default() }));
        }
        while open.len() > 1 {
            close(&mut open);
        }
        open.pop().unwrap().1
    }

    fn all<'a>(&'a self, kind: &str, found: &mut Vec<&'a Self>) {
        for tag in &self.inside {
            if tag.kind == kind {
                found.push(tag);
            }
            tag.all(kind, found);
        }
    }

    fn texts(&self) -> String {
        self.inside.iter().fold(self.text.clone(), |text, tag| text + &tag.texts())
    }

    /// Cells of every row of a table.
    fn rows(&self) -> Vec<Vec<String>> {
        let mut rows = Vec::new();
        self.all("TR", &mut rows);
        rows.iter().map(|row| row.inside.iter().map(|cell| cell.texts().trim().to_owned()).collect()).collect()
    }
}

fn close(open: &mut Vec<(usize, Tag)>) {
    if let Some((_, tag)) = open.pop()
        && let Some((_, around)) = open.last_mut()
    {
        around.inside.push(tag);
    }
}

/// What the readers find.
struct Read {
    tags: Tag,
    text: String,
    about: String,
    keys: BTreeSet<String>,
}

fn pdf(checked: &Checked, lang: Lang) -> Vec<u8> {
    let files = report(checked, checked.model.as_ref().unwrap(), lang).unwrap();
    let found = files.iter().find(|(path, _)| *path == "report/report.pdf");
    found.map(|(_, content)| content.to_vec()).unwrap()
}

fn opened(content: &[u8]) -> Option<Read> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.pdf");
    std::fs::write(&path, content).unwrap();
    let path = path.to_str().unwrap();
    read("qpdf", &["--check", path])?;
    let objects: Value = serde_json::from_str(&read("qpdf", &["--json", path])?).unwrap();
    let mut keys = BTreeSet::new();
    names(&objects, &mut keys);
    Some(Read {
        tags: Tag::of(&read("pdfinfo", &["-struct-text", path])?),
        text: read("pdftotext", &["-layout", path, "-"])?,
        about: read("pdfinfo", &[path])? + &read("pdfinfo", &["-meta", path])?,
        keys,
    })
}

/// Every key and every name of the objects.
fn names(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| {
            found.insert(key.clone());
            names(value, found);
        }),
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        Value::String(name) if name.starts_with('/') => {
            found.insert(name.clone());
        }
        _ => {}
    }
}

/// Nothing runs, nothing leads out of the document, nothing is attached.
fn is_inert(name: &str, read: &Read) {
    for key in ["/JS", "/JavaScript", "/URI", "/Launch", "/GoToR", "/EmbeddedFiles", "/AA", "/SubmitForm", "/AcroForm"]
    {
        assert!(!read.keys.contains(key), "{name}: {key}");
    }
    let promised = ["<pdfaid:part>2<", "<pdfaid:conformance>A<", "Tagged:          yes", "JavaScript:      no"];
    assert!(promised.iter().all(|promise| read.about.contains(promise)), "{name}: {}", read.about);
}

#[test]
fn figures_are_those_of_the_model() {
    for name in EXAMPLES {
        // Setting a document takes its time: both languages of the smallest and of the one with findings, one of the others.
        let both = matches!(name, "kommune-musterau" | "amt-fehlerstedt");
        for lang in if both { vec![Lang::De, Lang::En] } else { vec![Lang::De] } {
            let checked = check(&example(name), false).unwrap();
            let Some(read) = opened(&pdf(&checked, lang)) else { return };
            recount(name, &checked, lang, &read);
            is_inert(name, &read);
        }
    }
}

fn recount(name: &str, checked: &Checked, lang: Lang, read: &Read) {
    let site = &checked.model.as_ref().unwrap().site;
    let words = Words::load(lang).unwrap();
    let mut tables = Vec::new();
    read.tags.all("Table", &mut tables);
    let tables: Vec<Vec<Vec<String>>> = tables.iter().map(|table| table.rows()).collect();
    // Rows below the heads of the tables whose first two heads are these.
    let rows = |first: &str, second: &str| -> Vec<&Vec<String>> {
        let heads = [words.get(first), words.get(second)];
        let those = tables.iter().filter(|rows| rows.first().is_some_and(|head| head.get(..2) == Some(&heads[..])));
        those.flat_map(|rows| rows.iter().skip(1)).collect()
    };
    let flows = rows("number", "from");
    let told: Vec<String> = flows.iter().filter_map(|row| row.first()).map(|cell| bare(cell)).collect();
    let named = (1..).zip(site.flows.values()).map(|(number, flow)| format!("F{number:02}{}", bare(&flow.name)));
    assert_eq!(told, named.collect::<Vec<_>>(), "{name}: flows");
    assert_eq!(rows("zone", "class").len(), site.zones.len() + site.networks.len(), "{name}: zones");
    assert_eq!(rows("number", "rule").iter().filter(|row| row.len() == 6).count(), site.deviations.len(), "{name}");
    assert_eq!(rows("rule", "statement").len(), 156, "{name}: rules");
    let artefacts = rows("file", "kind");
    assert_eq!(artefacts.is_empty(), !checked.is_releasable(), "{name}: artefacts");
    let mut heads = Vec::new();
    read.tags.all("H2", &mut heads);
    let lines = rows("number", "rule").into_iter().filter(|row| row.len() == 4).filter_map(|row| row.first().cloned());
    let findings: Vec<String> = heads.iter().map(|head| head.texts()).chain(lines).collect();
    for (severity, letter) in [(Severity::Error, "V-"), (Severity::Warning, "W-"), (Severity::Info, "N-")] {
        let count = findings.iter().filter(|text| text.contains(letter)).count();
        assert_eq!(count, checked.count(severity), "{name}: {letter} of {findings:?}");
    }
    let (day, stop) = (words.date(checked.as_of), words.get("not-released"));
    let pages = read.text.matches('\u{c}').count();
    assert!(read.text.matches(&day).count() >= pages, "{name}: the day is on every page");
    let digest = checked.digest.trim_start_matches("sha256:");
    assert!(read.text.matches(digest).count() >= pages, "{name}: the digest is on every page");
    let stops = read.text.matches(&stop).count();
    assert!(if checked.is_releasable() { stops == 0 } else { stops >= pages }, "{name}: {stops} times {stop}");
    let last = words.fill("page-of", &[("page", pages.to_string()), ("pages", pages.to_string())]);
    assert!(read.text.contains(&last), "{name}: {last}");
    assert!(read.text.contains(&words.get("term-zone-text")[..20]), "{name}: glossary");
}

/// A text without what setting it may change: blanks and hyphens.
fn bare(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '\u{ad}' | '\u{2010}' | '\u{200b}')).collect()
}

#[test]
fn known_attacks_come_out_inert() {
    let attacks = [
        "#panic() $1+1$ *b* _i_ @x <y> `z` \\ // # = + /",
        "\") #read(\"/etc/passwd\") (\"",
        ") Tj ET endstream endobj (",
        "<</S/JavaScript/JS(app.alert(1))>>",
        "</x:xmpmeta><script>alert(1)</script>",
        "=1+1 {{ 7*7 }}",
        "a\u{200f}b\u{200e}c\u{061c}d",
        "\u{4e2d}\u{1f600}\u{feff}\u{200b}\u{2028}",
    ];
    let attack = attacks.join(" ");
    let checked = check(&site_with(&attack), false).unwrap();
    let Some(read) = opened(&pdf(&checked, Lang::En)) else { return };
    is_inert("hostile", &read);
    let mut rows = Vec::new();
    read.tags.all("TR", &mut rows);
    let flow = rows.iter().map(|row| row.texts()).find(|text| text.trim_start().starts_with("F01"));
    let flow = flow.unwrap_or_else(|| panic!("no row of a flow in {:?}", read.tags));
    let lacking = ['\u{200f}', '\u{200e}', '\u{61c}', '\u{2028}', '\u{feff}', '\u{4e2d}', '\u{1f600}'];
    let shown: String = attack.chars().map(|c| if lacking.contains(&c) { '□' } else { c }).collect();
    assert!(bare(&flow).contains(&bare(&shown)), "{shown:?} in {flow:?}");
}

#[test]
fn long_texts_stay_whole() {
    let text = format!("{} {}", "W".repeat(10_000), "<b> & \" ' ".repeat(1_000));
    let checked = check(&site_with(&text), false).unwrap();
    let Some(read) = opened(&pdf(&checked, Lang::De)) else { return };
    is_inert("long", &read);
    let mut cells = Vec::new();
    read.tags.all("TD", &mut cells);
    let whole = cells.iter().filter(|cell| bare(&cell.texts()).contains(&bare(&text))).count();
    assert!(whole >= 4, "{whole} cells hold the text");
}

#[test]
fn the_same_site_gives_the_same_bytes() {
    let checked = check(&site_with("text"), false).unwrap();
    assert!(pdf(&checked, Lang::De) == pdf(&checked, Lang::De));
}
