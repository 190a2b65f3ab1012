//! Findings for people, in the style of rustc. The renderer sees windows of the source around the labels, never whole
//! files, so that a site of megabytes prints as fast as a small one.

use super::chain::Chains;
use crate::check::Checked;
use crate::deviations::Assessed;
use crate::finding::{Label, Severity};
use crate::i18n::Lang;
use crate::source::{FileId, SourceFile};
use annotate_snippets::{AnnotationKind, Group, Level, Patch, Renderer, Snippet};
use std::io::{Result, Write};

/// Labels at most this many lines apart share a window.
const NEAR: usize = 6;

/// Prints all findings and the result.
pub fn findings(checked: &Checked, site: &str, lang: Lang, color: bool, out: &mut dyn Write) -> Result<()> {
    let renderer = if color { Renderer::styled() } else { Renderer::plain() };
    let prefix = prefix(site);
    let witnessed = checked.findings.iter().any(|item| !item.finding.witness.is_empty());
    let chains = checked.model.as_ref().filter(|_| witnessed).map(|model| Chains::of(&model.site));
    for item in &checked.findings {
        let chain = match &chains {
            Some(chains) => chains.line(&item.finding.witness),
            None => item.finding.witness.join(" -> "),
        };
        writeln!(out, "{}\n", renderer.render(&groups(checked, item, &chain, &prefix, lang)))?;
    }
    writeln!(out, "{}", result(checked, lang))
}

/// What stands before a file's name so that it can be clicked: the folder given on the command line.
fn prefix(site: &str) -> String {
    let path = std::path::Path::new(site);
    let folder = if path.is_dir() { Some(path) } else { path.parent().filter(|folder| !folder.as_os_str().is_empty()) };
    folder.map_or_else(String::new, |folder| format!("{}/", folder.display().to_string().trim_end_matches('/')))
}

fn result(checked: &Checked, lang: Lang) -> String {
    let counts = counts(checked, lang);
    let releasable = checked.is_releasable();
    match (lang, &checked.model) {
        (Lang::En, None) => format!("error: {counts} in the model, rules were not evaluated"),
        (Lang::De, None) => format!("Fehler: {counts} im Modell, Regeln wurden nicht ausgewertet"),
        (Lang::En, Some(model)) => {
            let verdict = if releasable { "releasable" } else { "not releasable" };
            format!("{} is {verdict}: {counts}", model.site.name())
        }
        (Lang::De, Some(model)) => {
            let verdict = if releasable { "freigabefähig" } else { "nicht freigegeben" };
            format!("{} ist {verdict}: {counts}", model.site.name())
        }
    }
}

/// How many findings of which weight, in words; of a site that cannot be read only the errors.
#[must_use]
pub fn counts(checked: &Checked, lang: Lang) -> String {
    let count = |severity, forms| counted(checked.count(severity), lang, forms);
    let errors = count(Severity::Error, ["error", "errors", "Fehler", "Fehler"]);
    if checked.model.is_none() {
        return errors;
    }
    let warnings = count(Severity::Warning, ["warning", "warnings", "Warnung", "Warnungen"]);
    let notes = count(Severity::Info, ["note", "notes", "Hinweis", "Hinweise"]);
    let covered = count(
        Severity::Deviation,
        [
            "covered by a deviation",
            "covered by deviations",
            "durch eine Abweichung gedeckt",
            "durch Abweichungen gedeckt",
        ],
    );
    format!("{errors}, {warnings}, {notes}, {covered}")
}

/// A number with its noun: English singular and plural, German singular and plural.
#[must_use]
pub fn counted(number: usize, lang: Lang, forms: [&str; 4]) -> String {
    let [en_one, en, de_one, de] = forms;
    let word = match (lang, number) {
        (Lang::En, 1) => en_one,
        (Lang::En, _) => en,
        (Lang::De, 1) => de_one,
        (Lang::De, _) => de,
    };
    format!("{number} {word}")
}

/// The word for a severity.
#[must_use]
pub const fn severity_word(severity: Severity, lang: Lang) -> &'static str {
    match (severity, lang) {
        (Severity::Error, Lang::En) => "error",
        (Severity::Error, Lang::De) => "Fehler",
        (Severity::Warning, Lang::En) => "warning",
        (Severity::Warning, Lang::De) => "Warnung",
        (Severity::Info, Lang::En) => "note",
        (Severity::Info, Lang::De) => "Hinweis",
        (Severity::Deviation, Lang::En) => "deviation",
        (Severity::Deviation, Lang::De) => "Abweichung",
    }
}

/// The question that goes with a repair.
#[must_use]
pub fn did_you_mean(replacement: &str, lang: Lang) -> String {
    match lang {
        Lang::En => format!("did you mean `{replacement}`?"),
        Lang::De => format!("meinten Sie `{replacement}`?"),
    }
}

/// The level of a severity with its word in a language.
fn level(severity: Severity, lang: Lang) -> Level<'static> {
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Info => Level::NOTE,
        Severity::Deviation => Level::INFO,
    };
    level.with_name(severity_word(severity, lang))
}

fn groups<'a>(checked: &'a Checked, item: &'a Assessed, chain: &str, prefix: &str, lang: Lang) -> Vec<Group<'a>> {
    let found = &item.finding;
    let catalogue = &checked.catalogue;
    let title = level(item.severity, lang).primary_title(catalogue.message(found, lang)).id(found.rule);
    let mut group = Group::with_title(title);
    for window in windows(checked, &found.labels) {
        let file = checked.sources.file(window.file);
        let mut snippet =
            Snippet::source(window.text(file)).line_start(window.first + 1).path(format!("{prefix}{}", file.name));
        for (index, label) in &window.labels {
            let kind = if *index == 0 { AnnotationKind::Primary } else { AnnotationKind::Context };
            let text = catalogue.label(found, label.key, &label.args, lang);
            let annotation = kind.span(window.span(file, label));
            snippet = snippet.annotation(if text.is_empty() { annotation } else { annotation.label(text) });
        }
        group = group.element(snippet);
    }
    for (name, text) in notes(checked, item, chain, lang) {
        group = group.element(Level::NOTE.with_name(name).message(text));
    }
    let mut groups = vec![group];
    if let Some(fix) = &found.fix {
        let file = checked.sources.file(fix.span.file);
        let line = file.line_of(fix.span.start);
        let window = Window { file: fix.span.file, first: line, last: line, labels: Vec::new() };
        let offset = file.line_start(line);
        let range = fix.span.range().start.saturating_sub(offset)..fix.span.range().end.saturating_sub(offset);
        let help = Level::HELP.with_name(if lang == Lang::En { "help" } else { "Hilfe" });
        let help = help.secondary_title(did_you_mean(&fix.replacement, lang));
        let snippet = Snippet::source(window.text(file)).line_start(line + 1).path(format!("{prefix}{}", file.name));
        groups.push(help.element(snippet.patch(Patch::new(range, fix.replacement.clone()))));
    }
    groups
}

fn notes(checked: &Checked, item: &Assessed, chain: &str, lang: Lang) -> Vec<(&'static str, String)> {
    let found = &item.finding;
    let english = lang == Lang::En;
    let mut notes = Vec::new();
    if !chain.is_empty() {
        notes.push((if english { "path" } else { "Weg" }, chain.to_owned()));
    }
    if let Some(rule) = checked.catalogue.rule(found.rule) {
        notes.push((
            if english { "basis" } else { "Grundlage" },
            format!("{} ({})", rule.sources.join(", "), rule.grade),
        ));
    }
    if let (Some(id), Some(model)) = (item.deviation, &checked.model) {
        let deviation = &model.site.deviations[id];
        let until = deviation.decl.valid_until.as_ref().map(|until| until.value.to_string()).unwrap_or_default();
        let text = if english {
            format!("{}, valid until {until}", deviation.name)
        } else {
            format!("{}, gültig bis {until}", deviation.name)
        };
        notes.push((if english { "deviation" } else { "Abweichung" }, text));
    }
    let help = checked.catalogue.help(found, lang);
    if !help.is_empty() && found.fix.is_none() {
        notes.push((if english { "help" } else { "Hilfe" }, help));
    }
    if found.rule != "syntax" {
        let more = if english { ("more", "") } else { ("mehr", " --lang de") };
        notes.push((more.0, format!("zonec explain {}{}", found.rule, more.1)));
    }
    notes
}

/// Lines of one file with the labels in them.
struct Window<'a> {
    file: FileId,
    first: usize,
    last: usize,
    labels: Vec<(usize, &'a Label)>,
}

impl Window<'_> {
    fn text<'s>(&self, file: &'s SourceFile) -> &'s str {
        let text = file.text.get(file.line_start(self.first)..file.line_start(self.last + 1)).unwrap_or("");
        text.strip_suffix('\n').unwrap_or(text)
    }

    /// The label's bytes within the window; a label over several lines is cut at the end of its first.
    fn span(&self, file: &SourceFile, label: &Label) -> std::ops::Range<usize> {
        let offset = file.line_start(self.first);
        let line_end = file.line_start(file.line_of(label.span.start) + 1);
        let text = file.text.get(label.span.start as usize..(label.span.end as usize).min(line_end)).unwrap_or("");
        let start = (label.span.start as usize).saturating_sub(offset);
        start..start + text.trim_end().len()
    }
}

/// Windows around labels: the primary label's first, the others by file and line.
fn windows<'a>(checked: &Checked, labels: &'a [Label]) -> Vec<Window<'a>> {
    let mut sorted: Vec<(usize, &Label)> = labels.iter().enumerate().collect();
    sorted.sort_by_key(|(_, label)| label.span);
    let mut windows: Vec<Window<'_>> = Vec::new();
    for (index, label) in sorted {
        let line = checked.sources.file(label.span.file).line_of(label.span.start);
        match windows.last_mut() {
            Some(window) if window.file == label.span.file && line <= window.last + NEAR => {
                window.last = window.last.max(line);
                window.labels.push((index, label));
            }
            _ => windows.push(Window { file: label.span.file, first: line, last: line, labels: vec![(index, label)] }),
        }
    }
    let primary = windows.iter().position(|window| window.labels.iter().any(|(index, _)| *index == 0)).unwrap_or(0);
    if primary > 0 {
        let window = windows.remove(primary);
        windows.insert(0, window);
    }
    windows
}
