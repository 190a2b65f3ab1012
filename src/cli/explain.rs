//! `zonec explain RULE`.

use super::{Format, OK, Options, Stop};
use crate::data;
use crate::i18n::Lang;
use crate::rules::{Catalogue, RuleData};
use crate::syntax::nearest;
use std::io::Write;

pub(super) fn run(rule: &str, options: &Options, out: &mut dyn Write) -> Result<u8, Stop> {
    options.only(&[Format::Human, Format::Json])?;
    let lang = options.lang();
    for blueprint in data::blueprints() {
        let catalogue = Catalogue::load(&blueprint)?;
        if let Some(data) = catalogue.rule(rule) {
            match options.format {
                Format::Json => writeln!(out, "{:#}", document(rule, data, lang))?,
                _ => write!(out, "{}", text(rule, data, lang))?,
            }
            return Ok(OK);
        }
        if let Some(near) = nearest(rule, catalogue.ids()) {
            return Err(Stop::Invalid(format!("there is no rule `{rule}`; did you mean `{near}`?")));
        }
    }
    Err(Stop::Invalid(format!("there is no rule `{rule}`; `zonec catalogue rules` lists them")))
}

/// A rule as JSON, texts in one language.
fn document(id: &str, rule: &RuleData, lang: Lang) -> serde_json::Value {
    serde_json::json!({
        "rule": id,
        "grade": rule.grade.to_string(),
        "raised": rule.raised.as_ref().map(|raised| serde_json::json!({
            "grade": raised.grade.to_string(),
            "from": raised.on.map(|on| on.to_string()),
        })),
        "deviability": rule.deviability.to_string(),
        "sources": rule.sources,
        "title": rule.title.get(lang),
        "decided": rule.decided.get(lang).trim(),
        "explain": rule.explain.get(lang).trim(),
        "help": rule.help.get(lang).trim(),
        "fails": rule.fails,
        "mended": rule.mended,
    })
}

/// The page of a rule.
#[must_use]
pub(super) fn text(id: &str, rule: &RuleData, lang: Lang) -> String {
    let words = match lang {
        Lang::En => [
            "Grade",
            "deviation",
            "Sources",
            "How it is decided",
            "Why",
            "How to mend it",
            "Breaks the rule",
            "Mended",
            "derived",
        ],
        Lang::De => [
            "Grad",
            "Abweichung",
            "Quellen",
            "Wie entschieden wird",
            "Warum",
            "Abhilfe",
            "Verstößt gegen die Regel",
            "Behoben",
            "abgeleitet",
        ],
    };
    let [grade, deviation, sources, decided, why, mend, fails, mended, derived] = words;
    let derived = if rule.basis == crate::rules::Basis::D { format!(", {derived}") } else { String::new() };
    let from = if lang == Lang::De { "ab" } else { "from" };
    let raised = rule.raised.as_ref().and_then(|raised| Some(format!(", {from} {} {}", raised.on?, raised.grade)));
    let raised = raised.unwrap_or_default();
    let mut page = format!(
        "{id}: {}\n\n{grade}: {}{raised}{derived}; {deviation}: {}\n{sources}: {}\n\n{decided}\n{}\n\n{why}\n{}\n\n{mend}\n{}\n",
        rule.title.get(lang),
        rule.grade,
        rule.deviability,
        rule.sources.join(", "),
        rule.decided.get(lang).trim(),
        rule.explain.get(lang).trim(),
        rule.help.get(lang).trim(),
    );
    for (title, snippet) in [(fails, &rule.fails), (mended, &rule.mended)] {
        if !snippet.trim().is_empty() {
            page.push_str(&format!("\n{title}\n"));
            for line in snippet.trim_end().lines() {
                page.push_str(&format!("    {line}\n"));
            }
        }
    }
    page
}
