//! Findings as the editor shows them: the texts and codes of `zonec check`, at the files they belong to.

use super::position::Lines;
use super::uri::{folder, uri};
use super::words::Words;
use crate::check::Checked;
use crate::deviations::Assessed;
use crate::finding::{Label, Severity};
use crate::rules::Catalogue;
use crate::source::FileId;
use lsp_types::{
    CodeDescription, Diagnostic, DiagnosticRelatedInformation, DiagnosticSeverity, Location, NumberOrString, Range, Uri,
};
use serde_json::json;
use std::collections::BTreeMap;
use std::str::FromStr;

/// The files of a checked site, with their paths and lines.
#[derive(Debug)]
pub struct Files<'a> {
    checked: &'a Checked,
    root: &'a str,
    lines: BTreeMap<FileId, Lines>,
}

impl<'a> Files<'a> {
    /// The files of the site with this main file.
    #[must_use]
    pub fn new(checked: &'a Checked, main: &'a str) -> Self {
        Self { checked, root: folder(main), lines: BTreeMap::new() }
    }

    /// Path of a file.
    #[must_use]
    pub fn path(&self, file: FileId) -> String {
        format!("{}/{}", self.root, self.checked.sources.file(file).name)
    }

    /// Path and range of a label.
    pub fn place(&mut self, label: &Label) -> (String, Range) {
        let text = &self.checked.sources.file(label.span.file).text;
        let lines = self.lines.entry(label.span.file).or_insert_with(|| Lines::new(text));
        let range = lines.range(text, label.span.range());
        (self.path(label.span.file), range)
    }
}

/// The diagnostics of a site by path; every file of the site has an entry. `named` gives the URI by which the client knows a path.
#[must_use]
pub fn diagnostics(
    checked: &Checked,
    main: &str,
    words: &Words,
    named: &dyn Fn(&str) -> Option<Uri>,
) -> BTreeMap<String, Vec<Diagnostic>> {
    let mut files = Files::new(checked, main);
    let mut all: BTreeMap<String, Vec<Diagnostic>> = BTreeMap::from([(main.to_owned(), Vec::new())]);
    all.extend(checked.sources.files().map(|(id, _)| (files.path(id), Vec::new())));
    for item in &checked.findings {
        let (path, range) = match item.finding.labels.first() {
            Some(label) => files.place(label),
            None => (main.to_owned(), Range::default()),
        };
        let diagnostic = diagnostic(checked, item, range, &mut files, words, named);
        all.entry(path).or_default().push(diagnostic);
    }
    all
}

fn diagnostic(
    checked: &Checked,
    item: &Assessed,
    range: Range,
    files: &mut Files<'_>,
    words: &Words,
    named: &dyn Fn(&str) -> Option<Uri>,
) -> Diagnostic {
    let found = &item.finding;
    let related = found.labels.iter().skip(1).filter_map(|label| {
        let (path, range) = files.place(label);
        let text = checked.catalogue.label(found, label.key, &label.args, words.lang);
        let message = if text.is_empty() { words.get("see").to_owned() } else { text };
        Some(DiagnosticRelatedInformation {
            location: Location { uri: named(&path).or_else(|| uri(&path))?, range },
            message,
        })
    });
    let related: Vec<_> = related.collect();
    Diagnostic {
        range,
        severity: Some(severity(item.severity)),
        code: Some(NumberOrString::String(found.rule.to_owned())),
        code_description: page(&checked.catalogue, found.rule),
        source: Some("zonec".to_owned()),
        message: message(checked, item, words),
        related_information: (!related.is_empty()).then_some(related),
        tags: None,
        data: Some(json!({ "case": found.case, "objects": found.objects })),
    }
}

/// The page of a rule in the project's documents.
fn page(catalogue: &Catalogue, rule: &str) -> Option<CodeDescription> {
    let href = Uri::from_str(&catalogue.page(rule)?).ok()?;
    Some(CodeDescription { href })
}

const fn severity(severity: Severity) -> DiagnosticSeverity {
    match severity {
        Severity::Error => DiagnosticSeverity::ERROR,
        Severity::Warning => DiagnosticSeverity::WARNING,
        Severity::Info => DiagnosticSeverity::INFORMATION,
        Severity::Deviation => DiagnosticSeverity::HINT,
    }
}

/// The message of `zonec check`, then what it says beside the source: the label, the path, the deviation, the help.
fn message(checked: &Checked, item: &Assessed, words: &Words) -> String {
    let (found, catalogue, lang) = (&item.finding, &checked.catalogue, words.lang);
    let mut text = catalogue.message(found, lang);
    let mut add = |name: &str, more: &str| {
        if !more.is_empty() {
            text.push('\n');
            if !name.is_empty() {
                text.push_str(name);
                text.push_str(": ");
            }
            text.push_str(more);
        }
    };
    if let Some(label) = found.labels.first() {
        add("", &catalogue.label(found, label.key, &label.args, lang));
    }
    add(words.get("path"), &found.witness.join(" -> "));
    if let (Some(id), Some(model)) = (item.deviation, &checked.model) {
        let deviation = &model.site.deviations[id];
        let until = deviation.decl.valid_until.as_ref().map(|until| until.value.to_string());
        let until = until.map(|day| words.fill("until", &[("day", day)])).unwrap_or_default();
        add(words.get("deviation"), &format!("{}{until}", deviation.name));
    }
    if found.fix.is_none() {
        add(words.get("help"), &catalogue.help(found, lang));
    }
    text
}
