//! Every rule has sites that break it (`violates*.yaml`) and sites that nearly do (`nearly*.yaml`), in `tests/sites/<rule>/`.
//!
//! `#~ ZM-PAP-01` at the end of a line says that the primary label of a finding of that rule sits there; several rules are
//! separated by `;`. After the rule may stand the case and the weight (`#~ ZM-K8S-11 same-segment warning`), and after a colon
//! the witness (`#~ ZM-PAP-01: internet -> pf -> app`). A site raises its rule on exactly the marked lines, and no error or
//! warning of any rule that is evaluated without a mark; one that nearly violates raises its own rule nowhere.
//! A finding about the site as a whole has no line: it is marked by a line of its own, `#~ whole-site: ZM-LOG-01`.
//! A finding that a deviation covers is marked with `deviation` as its weight.
//! Lines that start with `#~` steer: `family: PAP SEP` (evaluate these only; else the rule's own with MOD, FLO and ADR),
//! `as-of: 2026-06-30`, `strict`.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot read its fixture has failed")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use zonec::deviations::{Assessed, assess};
use zonec::finding::Severity;
use zonec::graph::Graphs;
use zonec::i18n::Lang;
use zonec::model::resolve;
use zonec::rules::{Catalogue, Rule, evaluate, registry};
use zonec::source::{Date, Limits, MemoryWorld, SourceMap};
use zonec::syntax::read_site;

/// A place where a rule must speak.
#[derive(PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Mark {
    line: usize,
    rule: String,
    case: Option<String>,
    weight: Option<String>,
    witness: Option<String>,
}

impl Mark {
    /// Reads `ZM-K8S-11 same-segment warning: a -> b`.
    fn read(line: usize, text: &str) -> Self {
        let (head, witness) =
            text.split_once(':').map_or((text, None), |(head, witness)| (head, Some(witness.trim().to_owned())));
        let mut words = head.split_whitespace().map(str::to_owned);
        let mut mark = Self { line, rule: words.next().unwrap(), case: None, weight: None, witness };
        for word in words {
            let slot = if WEIGHTS.contains(&word.as_str()) { &mut mark.weight } else { &mut mark.case };
            assert!(slot.replace(word).is_none(), "two of a kind in `{text}`");
        }
        mark
    }

    fn fits(&self, line: usize, item: &Assessed) -> bool {
        let weight = weight(item.severity);
        self.line == line
            && self.rule == item.finding.rule
            && self.case.as_ref().is_none_or(|own| *own == item.finding.case)
            && self.weight.as_ref().map_or(item.severity != Severity::Deviation, |own| *own == weight)
            && self.witness.as_ref().is_none_or(|own| *own == item.finding.witness.join(" -> "))
    }
}

const WEIGHTS: [&str; 4] = ["error", "warning", "info", "deviation"];

fn weight(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => WEIGHTS[0],
        Severity::Warning => WEIGHTS[1],
        Severity::Info => WEIGHTS[2],
        Severity::Deviation => WEIGHTS[3],
    }
}

struct Fixture {
    path: PathBuf,
    rule: String,
    text: String,
    families: BTreeSet<String>,
    as_of: Date,
    strict: bool,
    marks: Vec<Mark>,
}

fn family(rule: &str) -> &str {
    rule.split('-').nth(1).unwrap_or("")
}

fn fixture(rule: &str, path: PathBuf) -> Fixture {
    let text = fs::read_to_string(&path).unwrap();
    let mut families: BTreeSet<String> = [family(rule), "MOD", "FLO", "ADR"].map(str::to_owned).into();
    let (mut as_of, mut strict, mut marks) = (Date::new(2026, 11, 24).unwrap(), false, Vec::new());
    for (index, line) in text.lines().enumerate() {
        let Some((before, after)) = line.split_once("#~") else { continue };
        if before.trim().is_empty() {
            match after.trim().split_once(':').map_or((after.trim(), ""), |(key, value)| (key, value.trim())) {
                ("family", list) => families = list.split_whitespace().map(str::to_owned).collect(),
                ("as-of", day) => as_of = day.parse().unwrap(),
                ("strict", _) => strict = true,
                ("whole-site", mark) => marks.push(Mark::read(0, mark)),
                (other, _) => panic!("{}: what is `{other}`?", path.display()),
            }
            continue;
        }
        for mark in after.split(';') {
            marks.push(Mark::read(index + 1, mark));
        }
    }
    Fixture { path, rule: rule.to_owned(), text, families, as_of, strict, marks }
}

/// All fixtures by rule, in order of names.
fn fixtures() -> BTreeMap<String, Vec<Fixture>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sites");
    let mut all = BTreeMap::new();
    for folder in fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()) {
        let rule = folder.file_name().unwrap().to_str().unwrap().to_owned();
        let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        files.retain(|file| file.extension().is_some_and(|extension| extension == "yaml"));
        files.sort();
        let list = files.into_iter().map(|file| fixture(&rule, file)).collect();
        all.insert(rule, list);
    }
    all
}

fn catalogue() -> &'static Catalogue {
    static CATALOGUE: OnceLock<Catalogue> = OnceLock::new();
    CATALOGUE.get_or_init(|| Catalogue::load("dvs-2.0").unwrap())
}

/// What zonec says about a fixture, with the rules of its families.
fn findings(fixture: &Fixture, rules: &[Rule]) -> (Vec<Assessed>, SourceMap) {
    let world = MemoryWorld::single(&fixture.text, fixture.as_of);
    let read = read_site(&world, &Limits::default());
    let mut faults = read.findings;
    let mut found = None;
    if faults.is_empty() {
        let (site, mut more) = resolve(read.documents, fixture.as_of);
        faults.append(&mut more);
        found = site;
    }
    let unreadable = |finding| Assessed { finding, severity: Severity::Error, deviation: None };
    let Some(site) = found else { return (faults.into_iter().map(unreadable).collect(), read.sources) };
    let graphs = Graphs::new(&site);
    let rules: Vec<Rule> = rules.iter().copied().filter(|(id, _)| fixture.families.contains(family(id))).collect();
    let mut all =
        assess(&site, &catalogue().clone().on(fixture.as_of), evaluate(&site, &graphs, &rules), fixture.strict);
    all.retain(|item| family(item.finding.rule) != "ABW" || fixture.families.contains("ABW"));
    (all, read.sources)
}

/// What is wrong with a fixture when a rule is dropped, or none is; empty when it says what its marks say.
fn complaints(fixture: &Fixture, dropped: Option<&str>) -> Vec<String> {
    let mut rules = registry();
    rules.retain(|(id, _)| Some(*id) != dropped);
    let (mut found, sources) = findings(fixture, &rules);
    // Rules that the resolver and the deviations stage decide.
    found.retain(|item| Some(item.finding.rule) != dropped);
    let violates = fixture.path.file_stem().unwrap().to_str().unwrap().starts_with("violates");
    let mut wrong = Vec::new();
    let mut met = BTreeSet::new();
    for item in &found {
        wrong.extend(silent(item));
        let line = item.finding.span().map_or(0, |span| sources.position(span).line);
        let own = item.finding.rule == fixture.rule && item.severity != Severity::Deviation;
        match fixture.marks.iter().find(|mark| mark.fits(line, item)) {
            Some(mark) => {
                met.insert(mark);
            }
            None if own || item.severity != Severity::Info => {
                let (finding, witness) = (&item.finding, item.finding.witness.join(" -> "));
                let weight = weight(item.severity);
                wrong.push(format!("unmarked: line {line}: {} {} {weight} [{witness}]", finding.rule, finding.case));
            }
            None => {}
        }
    }
    wrong.extend(fixture.marks.iter().filter(|mark| !met.contains(mark)).map(|mark| format!("not raised: {mark:?}")));
    let marked = |mark: &Mark| mark.rule == fixture.rule && mark.weight.as_deref() != Some("deviation");
    if violates != fixture.marks.iter().any(marked) {
        wrong.push("a site that violates marks its rule, one that nearly does does not".to_owned());
    }
    wrong
}

/// What the texts of a finding lack in either language: a message of its case, label texts, values of placeholders.
fn silent(item: &Assessed) -> Vec<String> {
    let (finding, catalogue) = (&item.finding, catalogue());
    let mut wrong = Vec::new();
    for lang in [Lang::En, Lang::De] {
        let message = catalogue.message(finding, lang);
        if message.contains('{') || message.ends_with(&format!("({})", finding.case)) {
            wrong.push(format!("{} {}: {message}", finding.rule, finding.case));
        }
        for label in finding.labels.iter().filter(|label| !matches!(label.key, "" | "here")) {
            let text = catalogue.label(finding, label.key, &label.args, lang);
            if text.is_empty() || text.contains('{') {
                wrong.push(format!("{} {}: label `{}`: {text}", finding.rule, finding.case, label.key));
            }
        }
    }
    wrong
}

#[test]
fn every_fixture_says_what_its_marks_say() {
    let mut wrong = Vec::new();
    for (rule, list) in fixtures() {
        assert!(catalogue().rule(&rule).is_some(), "{rule} is no rule");
        for fixture in list {
            let name = format!("{rule}/{}", fixture.path.file_name().unwrap().to_str().unwrap());
            wrong.extend(complaints(&fixture, None).into_iter().map(|text| format!("{name}: {text}")));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn every_rule_has_both_kinds_of_fixtures() {
    let all = fixtures();
    let has = |rule: &str, kind: &str| {
        let of_kind = |fixture: &Fixture| fixture.path.file_name().unwrap().to_str().unwrap().starts_with(kind);
        all.get(rule).is_some_and(|list| list.iter().any(of_kind))
    };
    let lacking: Vec<&str> = catalogue().ids().filter(|id| !has(id, "violates") || !has(id, "nearly")).collect();
    assert_eq!(lacking, Vec::<&str>::new());
}

/// Dropping any rule is noticed by one of its own fixtures.
#[test]
fn a_dropped_rule_is_noticed() {
    for (rule, list) in &fixtures() {
        let noticed = list.iter().any(|fixture| !complaints(fixture, Some(rule)).is_empty());
        assert!(noticed, "nobody notices that {rule} is gone");
    }
}
