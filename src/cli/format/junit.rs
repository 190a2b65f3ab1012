//! Findings as JUnit XML, which every pipeline shows: one test case per rule of the catalogue.

use super::Places;
use crate::check::Checked;
use crate::deviations::Assessed;
use crate::finding::Severity;
use crate::i18n::Lang;
use crate::rules::{Catalogue, is_decided};
use std::fmt::Write as _;
use std::io::{Result, Write};

/// How a test case ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// Well; what there is to say goes to its output.
    Passed(String),
    /// Not well: a line that says what, and all details.
    Failed(String, String),
    /// It could not be judged.
    Broken(String, String),
    /// It was not run, and why.
    Skipped(String),
}

/// A test case.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// Dotted group it belongs to.
    pub class: String,
    /// Its name.
    pub name: String,
    /// The file it is about.
    pub file: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
}

/// Prints one test case per rule; a site that cannot be read fails in the case `syntax` or in its rule, and skips the others.
pub fn findings(checked: &Checked, places: &Places, lang: Lang, out: &mut dyn Write) -> Result<()> {
    let model = checked.model.as_ref().map(|model| &model.site);
    let suite = model.map_or("zonec", |site| site.name());
    let blueprint = model.map_or("zonec", |site| site.blueprint.name.as_str());
    let syntax = (checked.count_rule("syntax") > 0).then(|| ("syntax", String::new()));
    let title = |rule: &crate::rules::RuleData| rule.title.get(lang).to_owned();
    let rules = checked.catalogue.rules().map(|(id, rule)| (id, title(rule)));
    let cases: Vec<Case> = syntax
        .into_iter()
        .chain(rules)
        .map(|(id, title)| {
            let found: Vec<&Assessed> = checked.findings.iter().filter(|item| item.finding.rule == id).collect();
            let family = id.split('-').nth(1).unwrap_or("syntax");
            Case {
                class: format!("{blueprint}.{family}"),
                name: format!("{id} {title}").trim().to_owned(),
                file: found.first().map(|item| places.primary(checked, &item.finding).path),
                outcome: outcome(checked, places, id, &found, lang),
            }
        })
        .collect();
    print(suite, &cases, out)
}

fn outcome(checked: &Checked, places: &Places, id: &str, found: &[&Assessed], lang: Lang) -> Outcome {
    let german = lang == Lang::De;
    let details = found.iter().fold(String::new(), |text, item| text + &detail(checked, places, item, lang));
    let errors: Vec<&&Assessed> = found.iter().filter(|item| item.severity == Severity::Error).collect();
    let more = errors.len().saturating_sub(1);
    let first = errors.first().map(|item| checked.catalogue.message(&item.finding, lang));
    match first {
        Some(first) => {
            let rest = match (more, german) {
                (0, _) => String::new(),
                (_, true) => format!(" (und {more} weitere)"),
                (_, false) => format!(" (and {more} more)"),
            };
            let message = format!("{first}{rest}");
            if checked.model.is_none() { Outcome::Broken(message, details) } else { Outcome::Failed(message, details) }
        }
        None if checked.model.is_none() => {
            let reason = if german { "der Standort ist nicht lesbar" } else { "the site cannot be read" };
            Outcome::Skipped(reason.to_owned())
        }
        None if !is_decided(id) && !Catalogue::is_attestation(id) && found.is_empty() => {
            let reason = if german { "diese Version prüft die Regel nicht" } else { "not decided by this version" };
            Outcome::Skipped(reason.to_owned())
        }
        None => Outcome::Passed(details),
    }
}

/// A finding in a few lines.
fn detail(checked: &Checked, places: &Places, item: &Assessed, lang: Lang) -> String {
    let found = &item.finding;
    let place = places.primary(checked, found);
    let word = super::human::severity_word(item.severity, lang);
    let mut text = format!("{}:{}: {word}: {}\n", place.path, place.line(), checked.catalogue.message(found, lang));
    if !found.witness.is_empty() {
        let _ = writeln!(text, "  {}", found.witness.join(" -> "));
    }
    let help = checked.catalogue.help(found, lang);
    if !help.is_empty() {
        let _ = writeln!(text, "  {help}");
    }
    text
}

/// Prints a suite of test cases. No times: the same input gives the same bytes.
pub fn print(suite: &str, cases: &[Case], out: &mut dyn Write) -> Result<()> {
    let count = |is: fn(&Outcome) -> bool| cases.iter().filter(|case| is(&case.outcome)).count();
    let totals = format!(
        "tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\"",
        cases.len(),
        count(|outcome| matches!(outcome, Outcome::Failed(..))),
        count(|outcome| matches!(outcome, Outcome::Broken(..))),
        count(|outcome| matches!(outcome, Outcome::Skipped(_))),
    );
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites name=\"zonec\" {totals}>")?;
    writeln!(out, "  <testsuite name=\"{}\" {totals}>", escape(suite))?;
    for case in cases {
        let file = case.file.as_ref().map(|file| format!(" file=\"{}\"", escape(file))).unwrap_or_default();
        let open = format!("    <testcase classname=\"{}\" name=\"{}\"{file}", escape(&case.class), escape(&case.name));
        let element = |out: &mut dyn Write, name: &str, message: &str, text: &str| {
            writeln!(out, "{open}>")?;
            writeln!(out, "      <{name} message=\"{}\">{}</{name}>", escape(message), escape(text))?;
            writeln!(out, "    </testcase>")
        };
        match &case.outcome {
            Outcome::Passed(text) if text.is_empty() => writeln!(out, "{open}/>")?,
            Outcome::Passed(text) => {
                writeln!(out, "{open}>\n      <system-out>{}</system-out>\n    </testcase>", escape(text))?;
            }
            Outcome::Failed(message, text) => element(out, "failure", message, text)?,
            Outcome::Broken(message, text) => element(out, "error", message, text)?,
            Outcome::Skipped(reason) => element(out, "skipped", reason, "")?,
        }
    }
    writeln!(out, "  </testsuite>\n</testsuites>")
}

/// The one place where texts become XML: nothing in them can start markup, and what XML 1.0 forbids becomes U+FFFD.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' => out.push('\n'),
            '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
            c if c.is_control() => out.push('\u{FFFD}'),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(escape("a<b>&\"c\u{1b}[0m"), "a&lt;b&gt;&amp;&quot;c\u{FFFD}[0m");
    }
}
