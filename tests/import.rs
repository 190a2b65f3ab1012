//! `zonec import`: our own exports come back as the same flows, rows are never lost, and hostile cells come out inert.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use zonec::check::{Checked, check};
use zonec::compile::report;
use zonec::diff::{Sides, diff};
use zonec::i18n::Lang;
use zonec::import::sheet::Limits;
use zonec::import::{Import, Mapping, Refusal, Request, Words, import};
use zonec::model::{Blueprint, Site};
use zonec::source::{Date, MemoryWorld};

fn example(name: &str, day: (u16, u8, u8)) -> MemoryWorld {
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
    MemoryWorld { files, as_of: Date::new(day.0, day.1, day.2).unwrap(), main: "site.yaml".to_owned() }
}

/// A site without its flows: what stands below `flows:` up to the next key of the file.
fn without_flows(mut world: MemoryWorld) -> MemoryWorld {
    for text in world.files.values_mut() {
        let mut kept = String::new();
        let mut inside = false;
        for line in std::str::from_utf8(text).unwrap().lines() {
            if line.starts_with(|c: char| c.is_ascii_lowercase()) {
                inside = line.starts_with("flows:");
                kept += if inside { "flows:\n" } else { "" };
            }
            if !inside {
                kept += &format!("{line}\n");
            }
        }
        *text = kept.into_bytes();
    }
    world
}

/// The site with imported flows in place of its own.
fn with_flows(world: &MemoryWorld, flows: &str) -> MemoryWorld {
    let mut world = world.clone();
    let main = world.files.get_mut("site.yaml").unwrap();
    let text = String::from_utf8(main.clone()).unwrap().replace("flows:\n", "");
    let includes = text.lines().any(|line| line.starts_with("include:"));
    if includes {
        world.files.insert("flows/imported.yaml".to_owned(), flows.as_bytes().to_vec());
    } else {
        *main = format!("{text}\n{flows}").into_bytes();
    }
    world
}

fn read(file: &str, bytes: &[u8], site: Option<&Site>, mapping: &Mapping) -> Result<Import, Refusal> {
    let blueprint = Blueprint::load("dvs-2.0").unwrap();
    let request = Request { file, bytes, sheet: None, mapping, site, blueprint: &blueprint, limits: Limits::default() };
    import(&request, &Words::load().unwrap())
}

/// Every filled row below the headings is a flow or is left, and none is both.
fn complete(found: &Import, rows: &BTreeSet<u32>) {
    let placed: BTreeSet<u32> = found.flows.iter().map(|flow| flow.row).collect();
    let left: BTreeSet<u32> = found.left.iter().map(|left| left.row).collect();
    assert!(placed.is_disjoint(&left));
    assert_eq!((placed.len(), left.len()), (found.flows.len(), found.left.len()), "a row twice");
    assert_eq!(&placed.union(&left).copied().collect::<BTreeSet<u32>>(), rows);
    assert!(found.left.iter().all(|left| !left.reasons.is_empty()));
}

fn explained(found: &Import) -> Vec<String> {
    let words = Words::load().unwrap();
    let reasons = found.left.iter().flat_map(|left| left.reasons.iter().map(move |reason| (left.row, reason)));
    let said = |(row, reason): (u32, &zonec::import::Reason)| {
        format!("{}{row} {}: {}", reason.column, reason.content, words.text(&reason.why.said, Lang::En))
    };
    reasons.map(said).collect()
}

#[test]
fn exports_of_the_examples_come_back_as_the_same_flows() {
    let day = (2026, 11, 24);
    for (name, day) in [
        ("kommune-musterau", day),
        ("landesrz-seenland", day),
        ("kreis-it-auental", day),
        ("zv-it-talwinkel", day),
        ("stadt-beispielhafen", (2025, 6, 30)),
    ] {
        let world = example(name, day);
        let before = check(&world, false).unwrap();
        let bare = without_flows(world);
        let site = check(&bare, false).unwrap();
        let site = site.model.as_ref().unwrap_or_else(|| panic!("{name} without flows: {:?}", site.findings.first()));
        // German as a workbook, English as CSV: dates and headings differ by language, cells do not by format.
        for (lang, path) in [(Lang::De, "report/flows.xlsx"), (Lang::En, "report/flows.csv")] {
            let files = report(&before, before.model.as_ref().unwrap(), lang).unwrap();
            {
                let (_, bytes) = files.iter().find(|(name, _)| *name == path).unwrap();
                let found = read(path, bytes, Some(&site.site), &Mapping::default()).unwrap();
                assert_eq!(explained(&found), Vec::<String>::new(), "{name}, {path}");
                let flows = found.flow_file(&Words::load().unwrap(), lang).unwrap();
                let after = check(&with_flows(&bare, &flows), false).unwrap();
                same(&format!("{name}, {path}"), &before, &after);
            }
        }
    }
}

fn same(what: &str, before: &Checked, after: &Checked) {
    let (old, new) = (before.model.as_ref().unwrap(), after.model.as_ref());
    assert!(new.is_some(), "{what}: {:?}", after.findings.first());
    let new = new.unwrap();
    let found = diff(Sides { old: (before, old), new: (after, new) }).unwrap();
    let told: Vec<String> = found.changes.iter().map(|change| format!("{:?} {}", change.kind, change.flow)).collect();
    let findings = |list: &[&zonec::deviations::Assessed]| {
        list.iter().map(|item| format!("{} {:?}", item.finding.rule, item.finding.objects)).collect::<Vec<_>>()
    };
    assert_eq!((told, findings(&found.new_findings), findings(&found.fixed_findings)), Default::default(), "{what}");
    assert!(found.is_empty(), "{what}");
    let kept = |site: &Site| -> Vec<_> {
        let flows = site.flows.values();
        flows
            .map(|flow| {
                let text = |value: &Option<zonec::syntax::Spanned<zonec::syntax::scalars::Text>>| {
                    value.as_ref().map(|text| text.0.clone())
                };
                (flow.name.clone(), text(&flow.decl.purpose), text(&flow.decl.owner), text(&flow.decl.reason))
            })
            .collect()
    };
    assert_eq!(kept(&old.site), kept(&new.site), "{what}");
}

fn musterau() -> Checked {
    check(&example("kommune-musterau", (2026, 11, 24)), false).unwrap()
}

fn text(found: &Import) -> String {
    found.flow_file(&Words::load().unwrap(), Lang::De).unwrap_or_default()
}

/// A matrix as administrations keep them: headings in two rows, merged cells, lists in cells, struck-through rows.
#[test]
fn a_matrix_of_a_data_centre_is_read_row_by_row() {
    let bytes = include_bytes!("import/freischaltungen.xlsx");
    let checked = musterau();
    let site = &checked.model.as_ref().unwrap().site;
    let found = read("freischaltungen.xlsx", bytes, Some(site), &Mapping::default()).unwrap();
    complete(&found, &(6..=32).collect());
    insta::with_settings!({ snapshot_path => "import", prepend_module_to_snapshot => false }, {
        insta::assert_snapshot!("freischaltungen-flows", text(&found));
        insta::assert_snapshot!("freischaltungen-left", explained(&found).join("\n"));
    });
    // What is written is language that the site takes, family and all.
    let world = example("kommune-musterau", (2026, 11, 24));
    let mut bare = without_flows(world);
    let main = bare.files.get_mut("site.yaml").unwrap();
    *main = String::from_utf8(main.clone()).unwrap().replace("flows:\n", "").into_bytes();
    main.extend(format!("\n{}", text(&found)).bytes());
    assert!(check(&bare, false).unwrap().model.is_some());
}

#[test]
fn without_a_site_the_names_that_it_needs_are_told() {
    let csv = "ID;Quelle;Quell-IP;Ziel;Dienst\nF-1;waf;10.1.1.4;portal;https\nzwei;Web Server 1;;portal;8443/tcp\ndrei;;10.1.1.9;portal;ssh\n";
    let found = read("m.csv", csv.as_bytes(), None, &Mapping::default()).unwrap();
    complete(&found, &(2..=4).collect());
    assert!(found.flows.is_empty());
    let map = found.map_file(Lang::En).unwrap();
    let wanted = "names:\n  \"10.1.1.9\": host-10-1-1-9\n  F-1: f-1\n  Web Server 1: web-server-1\n";
    assert!(map.ends_with(wanted), "{map}");
    // The proposals, taken over, give every row its place.
    let mapping: Mapping = zonec::data::parse("map", &map).unwrap();
    let found = read("m.csv", csv.as_bytes(), None, &mapping).unwrap();
    assert_eq!(explained(&found), Vec::<String>::new());
    let needed: Vec<&String> = found.needed.keys().collect();
    assert_eq!(needed, ["host-10-1-1-9", "portal", "waf", "web-server-1"]);
    assert!(text(&found).contains("#   waf 10.1.1.4\n"), "{}", text(&found));
}

#[test]
fn a_mapping_names_columns_that_are_headed_otherwise() {
    let csv = "Wer,Wohin,Womit\nwaf,portal,https\n";
    let error = read("m.csv", csv.as_bytes(), None, &Mapping::default()).unwrap_err();
    assert_eq!(error.0.key, "no-header");
    let mapping = zonec::data::parse("map", "columns: { from: Wer, to: B, service: womit }\n").unwrap();
    assert_eq!(read("m.csv", csv.as_bytes(), None, &mapping).unwrap().flows.len(), 1);
    for (map, key) in [("columns: { form: Wer }", "map-column"), ("columns: { from: Wen }", "map-heading")] {
        let mapping = zonec::data::parse("map", map).unwrap();
        assert_eq!(read("m.csv", csv.as_bytes(), None, &mapping).unwrap_err().0.key, key);
    }
}

/// A part of something is never widened to all of it, and addresses of one family open no other.
#[test]
fn addresses_open_exactly_what_the_row_says() {
    let checked = musterau();
    let site = &checked.model.as_ref().unwrap().site;
    let row = |from: &str| {
        let csv = format!("Source;Destination;Service\n{from};postgres;postgresql\n");
        let found = read("m.csv", csv.as_bytes(), Some(site), &Mapping::default()).unwrap();
        complete(&found, &BTreeSet::from([2]));
        match found.left.first() {
            Some(left) => Err(left.reasons[0].why.said.key),
            None => Ok(found.flows[0]
                .pairs
                .iter()
                .map(|(key, value)| format!("{key}={value}"))
                .collect::<Vec<_>>()
                .join(" ")),
        }
    };
    let own = |text: &str| Ok(format!("from={text}"));
    assert_eq!(row("10.10.16.40"), own("ingress-formulare to=postgres service=postgresql family=ipv4"));
    assert_eq!(row("\"10.10.16.40, fd3a:91c4:7e20:16::40\""), own("ingress-formulare to=postgres service=postgresql"));
    assert_eq!(row("10.10.16.0/24"), own("app to=postgres service=postgresql family=ipv4"));
    assert_eq!(row("10.10.16.0 255.255.255.0"), own("app to=postgres service=postgresql family=ipv4"));
    assert_eq!(row("10.10.16.77"), Err("in-segment"));
    assert_eq!(row("10.10.16.0/25"), Err("in-segment"));
    assert_eq!(row("8.8.8.8"), Err("in-network"));
    assert_eq!(row("10.99.0.1"), Err("nowhere"));
    assert_eq!(row("ingress-termine (10.10.16.40)"), Err("disagree"));
    assert_eq!(row("0.0.0.0/0"), Err("any"));
    assert_eq!(row("alle"), Err("any"));
}

/// Cells that mean something to YAML, to a spreadsheet or to a terminal.
const HOSTILE: [&str; 22] = [
    "=cmd|'/c calc'!A1",
    "+1",
    "@SUM(A1)",
    "a: b",
    "{x: y}",
    "[a]",
    "*a",
    "&a b",
    "!!python/object",
    "- a",
    "# c",
    "\"",
    "'",
    "---",
    "...",
    "\u{1b}[31m",
    "\u{7}",
    "a\nflows:\n  x: {}",
    "\u{202e}abc",
    "\u{2028}",
    "| x",
    "%YAML 1.1",
];

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => prop::sample::select(vec!["waf-1", "postgres", "bastion", "siem", "Internet", "10.10.32.10", "10.10.240.4"]).prop_map(str::to_owned),
        3 => prop::sample::select(vec!["https", "TCP/443", "8443/tcp", "443", "any", "53/udp, 443", "icmp", "8-4"]).prop_map(str::to_owned),
        3 => prop::sample::select(HOSTILE.to_vec()).prop_map(str::to_owned),
        1 => Just(String::new()),
        1 => any::<String>(),
        1 => Just("x".repeat(10_000)),
    ]
}

const HEADS: [&str; 9] =
    ["ID", "Quelle", "Ziel", "Dienst", "Zweck", "Verantwortlich", "Freigabe", "Gültig bis", "Weitere Angaben"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn hostile_cells_come_out_inert(rows in prop::collection::vec(prop::collection::vec(cell(), HEADS.len()), 1..5), named in any::<bool>()) {
        static SITE: std::sync::OnceLock<Checked> = std::sync::OnceLock::new();
        let checked = SITE.get_or_init(musterau);
        let site = checked.model.as_ref().map(|model| &model.site).filter(|_| named);
        let quoted = |cell: &str| format!("\"{}\"", cell.replace('"', "\"\"").replace('\0', " "));
        let line = |cells: Vec<&str>| cells.into_iter().map(quoted).collect::<Vec<_>>().join(";") + "\r\n";
        let mut csv = line(HEADS.to_vec());
        rows.iter().for_each(|row| csv += &line(row.iter().map(String::as_str).collect()));
        let found = read("m.csv", csv.as_bytes(), site, &Mapping::default()).unwrap();
        let filled = |row: &&Vec<String>| row.iter().any(|cell| !cell.replace('\0', " ").trim().is_empty());
        let numbers = rows.iter().zip(2u32..).filter(|(row, _)| filled(row)).map(|(_, number)| number).collect();
        complete(&found, &numbers);
        let Some(flows) = found.flow_file(&Words::load().unwrap(), Lang::En) else { return Ok(()) };
        prop_assert!(!flows.chars().any(|c| c.is_control() && c != '\n'), "{flows:?}");
        // Read as a site of its own: exactly these flows, and no other key.
        let world = MemoryWorld::single(&format!("zonec: 1\nsite: {{ name: s, blueprint: dvs-2.0 }}\n{flows}"), checked.as_of);
        let read = zonec::syntax::read_site(&world, &zonec::source::Limits::default());
        prop_assert!(read.findings.is_empty(), "{:?}\n{flows}", read.findings.first());
        let document = read.documents.first().unwrap();
        let names: Vec<&str> = document.flows.as_ref().unwrap().0.iter().map(|(name, _)| name.value.0.as_str()).collect();
        prop_assert_eq!(names, found.flows.iter().map(|flow| flow.name.as_str()).collect::<Vec<_>>());
        for (_, flow) in &document.flows.as_ref().unwrap().0 {
            let any = flow.service.iter().any(|service| service.value == zonec::syntax::service::ServiceExpr::Any);
            prop_assert!(!any, "{flows}");
        }
        for (placed, (_, flow)) in found.flows.iter().zip(&document.flows.as_ref().unwrap().0) {
            let cell = rows[placed.row as usize - 2][4].replace('\0', " ");
            if let Some(purpose) = &flow.purpose {
                let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
                let cell = if cell.starts_with('\'') { cell.trim_start_matches('\'').to_owned() } else { cell };
                prop_assert_eq!(plain(purpose.0.trim_start_matches('\'')), plain(&cell));
            }
        }
    }
}

#[cfg(feature = "xlsx")]
mod bombs {
    use super::*;
    use std::io::Write;

    /// A workbook of one sheet with this XML in it.
    fn workbook(sheet: &[u8]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        let options = zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
        let rels = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
        let files: [(&str, &[u8]); 3] = [
            (
                "xl/workbook.xml",
                br#"<workbook xmlns:r="r"><sheets><sheet name="S" sheetId="1" r:id="a"/></sheets></workbook>"#,
            ),
            (
                "xl/_rels/workbook.xml.rels",
                &format!(
                    r#"<Relationships><Relationship Id="a" Type="{rels}/worksheet" Target="s.xml"/></Relationships>"#
                )
                .into_bytes(),
            ),
            ("xl/s.xml", sheet),
        ];
        for (name, content) in files {
            zip.start_file(name, options).unwrap();
            zip.write_all(content).unwrap();
        }
        zip.finish().unwrap().into_inner()
    }

    fn refused(sheet: &[u8]) -> &'static str {
        let small = Limits { bytes: 1 << 20, ..Limits::default() };
        let (blueprint, mapping) = (Blueprint::load("dvs-2.0").unwrap(), Mapping::default());
        let bytes = workbook(sheet);
        assert!(bytes.len() < 1 << 20);
        let request = Request {
            file: "b.xlsx",
            bytes: &bytes,
            sheet: None,
            mapping: &mapping,
            site: None,
            blueprint: &blueprint,
            limits: small,
        };
        import(&request, &Words::load().unwrap()).unwrap_err().0.key
    }

    #[test]
    fn what_would_cost_too_much_is_refused() {
        assert_eq!(refused(&vec![b' '; 8 << 20]), "too-large");
        let far = br#"<worksheet><sheetData><row r="1"><c r="XFD1" t="str"><v>x</v></c></row></sheetData></worksheet>"#;
        assert_eq!(refused(far), "too-large");
        let entity = br#"<!DOCTYPE x [<!ENTITY a "aaaa">]><worksheet><sheetData><row r="1"><c r="A1" t="str"><v>&a;</v></c></row></sheetData></worksheet>"#;
        assert_eq!(refused(entity), "damaged");
        let rows: String =
            (1..9_000).map(|row| format!(r#"<row r="{row}"><c r="A{row}" t="str"><v>x</v></c></row>"#)).collect();
        let merged = r#"<mergeCell ref="A1:AAA9000"/>"#.repeat(50);
        let sheet = format!("<worksheet><sheetData>{rows}</sheetData><mergeCells>{merged}</mergeCells></worksheet>");
        assert_eq!(refused(sheet.as_bytes()), "too-large");
    }

    #[test]
    fn old_and_foreign_files_are_told_apart() {
        let key = |bytes: &[u8]| read("f", bytes, None, &Mapping::default()).unwrap_err().0.key;
        assert_eq!(key(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), "old-workbook");
        assert_eq!(key(b"PK\x03\x04rubbish"), "damaged");
        assert_eq!(key(b"\x7fELF\0\0"), "not-a-table");
    }
}
