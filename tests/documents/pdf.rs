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

/// The tagged structure as `pdfinfo -struct` prints it: each heading with the rows of the tables below it, heads left out.
fn outline(printed: &str) -> Vec<(String, usize)> {
    let mut found: Vec<(String, usize)> = Vec::new();
    let mut head = false;
    for line in printed.lines().map(str::trim) {
        let kind = line.split([' ', ':', '<']).next().unwrap_or_default();
        match (kind, found.last_mut()) {
            ("H1" | "H2", _) => found.push((line.split('"').nth(1).unwrap_or_default().to_owned(), 0)),
            ("THead" | "TBody", _) => head = kind == "THead",
            ("TR", Some((_, rows))) if !head => *rows += 1,
            _ => {}
        }
    }
    found
}

/// What the readers find.
struct Read {
    outline: Vec<(String, usize)>,
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
        outline: outline(&read("pdfinfo", &["-struct", path])?),
        text: read("pdftotext", &["-raw", path, "-"])?,
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
        // Setting takes its time, so German is read for the example that has everything. Old poppler prints headings in
        // another encoding than texts; the structure, which is the same, is counted in English.
        let both = name == "amt-fehlerstedt";
        for lang in if both { vec![Lang::En, Lang::De] } else { vec![Lang::En] } {
            let checked = check(&example(name), false).unwrap();
            let Some(read) = opened(&pdf(&checked, lang)) else { return };
            if lang == Lang::En {
                recount(name, &checked, &read.outline);
            }
            retell(name, &checked, lang, &read);
            is_inert(name, &read);
        }
    }
}

/// Rows of the tables, by the headings above them.
fn recount(name: &str, checked: &Checked, outline: &[(String, usize)]) {
    let site = &checked.model.as_ref().unwrap().site;
    let words = Words::load(Lang::En).unwrap();
    let rows = |key: &str| {
        let place = outline.iter().position(|(head, _)| *head == words.get(key));
        outline.get(place.unwrap_or_else(|| panic!("{name}: no {key} in {outline:?}"))).map(|(_, rows)| *rows)
    };
    assert_eq!(rows("flows"), Some(site.flows.len()), "{name}: flows");
    assert_eq!(rows("zones-and-addresses"), Some(site.zones.len() + site.networks.len()), "{name}: zones");
    assert_eq!(rows("deviations"), Some(site.deviations.len()), "{name}: deviations");
    assert_eq!(rows("rules-and-evidence"), Some(156), "{name}: rules");
    assert_eq!(rows("generated-artefacts") == Some(0), !checked.is_releasable(), "{name}: artefacts");
    assert!(rows("standard-dvs") > Some(10) && rows("standard-bsi") > Some(50), "{name}: {outline:?}");
    let told = outline.iter().filter(|(head, _)| ["V-", "W-", "N-"].iter().any(|id| head.starts_with(id))).count();
    let more = outline.iter().find(|(head, _)| *head == words.get("more-findings")).map_or(0, |(_, rows)| *rows);
    let open = checked.findings.iter().filter(|item| item.severity != Severity::Deviation).count();
    assert_eq!(told + more, open, "{name}: findings in {outline:?}");
}

/// What the pages say: every flow with its name, every finding, head and foot.
fn retell(name: &str, checked: &Checked, lang: Lang, read: &Read) {
    let site = &checked.model.as_ref().unwrap().site;
    let words = Words::load(lang).unwrap();
    let all = bare(&read.text);
    let mut rest = all.as_str();
    for (number, flow) in (1..).zip(site.flows.values()) {
        let cell = format!("F{number:02}{}", bare(&flow.name));
        rest = rest.split_once(&cell).unwrap_or_else(|| panic!("{name}: {cell} is not told in its order")).1;
    }
    for (severity, letter) in [(Severity::Error, "V-"), (Severity::Warning, "W-"), (Severity::Info, "N-")] {
        let ids = read.text.split_whitespace().map(|word| word.trim_matches([':', ',']));
        let number = |word: &str| word.strip_prefix(letter).is_some_and(|rest| rest.parse::<usize>().is_ok());
        let ids: BTreeSet<&str> = ids.filter(|word| number(word)).collect();
        assert_eq!(ids.len(), checked.count(severity), "{name}: {letter} of {ids:?}");
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
    assert!(all.contains(&bare(&words.get("term-witness-text"))), "{name}: glossary");
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
    let lacking = ['\u{200f}', '\u{200e}', '\u{61c}', '\u{2028}', '\u{feff}', '\u{4e2d}', '\u{1f600}'];
    let shown: String = attack.chars().map(|c| if lacking.contains(&c) { '□' } else { c }).collect();
    // Purpose, owner and approval of the flow among others.
    let told = bare(&read.text).matches(&bare(&shown)).count();
    assert!(told >= 5, "{told} times {shown:?} in {}", read.text);
}

#[test]
fn long_texts_stay_on_the_page() {
    let text = format!("{} {}", "W".repeat(10_000), "<b> & \" ' ".repeat(1_000));
    let checked = check(&site_with(&text), false).unwrap();
    let Some(read) = opened(&pdf(&checked, Lang::De)) else { return };
    is_inert("long", &read);
    // What lies beyond the edge of a page is in no text. Purpose, owner, twice the approval, ends, measure, reason, risk.
    let count = |text: &str| text.chars().filter(|c| *c == 'W').count();
    assert!(count(&read.text) >= 8 * count(&text), "{} of 8 times {}", count(&read.text), count(&text));
}

#[test]
fn the_same_site_gives_the_same_bytes() {
    let checked = check(&site_with("text"), false).unwrap();
    assert!(pdf(&checked, Lang::De) == pdf(&checked, Lang::De));
}
