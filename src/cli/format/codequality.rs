//! Findings as GitLab reads them for the merge request (Code Quality report: description, check_name, fingerprint, severity,
//! location).

use super::Places;
use crate::check::Checked;
use crate::deviations::Assessed;
use crate::deviations::fingerprints;
use crate::finding::Severity;
use crate::i18n::Lang;
use serde_json::{Value, json};
use std::io::{Result, Write};

/// Prints all findings as one list.
pub fn findings(checked: &Checked, places: &Places, lang: Lang, out: &mut dyn Write) -> Result<()> {
    let prints = fingerprints(&checked.findings);
    let issues = checked.findings.iter().zip(prints).map(|(item, print)| issue(checked, places, item, print, lang));
    writeln!(out, "{:#}", Value::Array(issues.collect()))
}

fn issue(checked: &Checked, places: &Places, item: &Assessed, fingerprint: String, lang: Lang) -> Value {
    let found = &item.finding;
    let place = places.primary(checked, found);
    let message = checked.catalogue.message(found, lang);
    let rule = found.rule;
    let description = match (&checked.model, item.deviation) {
        (Some(model), Some(id)) => {
            let word = if lang == Lang::De { "gedeckt durch Abweichung" } else { "covered by deviation" };
            format!("{rule}: {message} ({word} {})", model.site.deviations[id].name)
        }
        _ => format!("{rule}: {message}"),
    };
    json!({
        "description": description,
        "check_name": rule,
        "fingerprint": fingerprint,
        "severity": severity(item, checked.model.is_none()),
        "location": { "path": place.path, "lines": { "begin": place.line() } },
    })
}

/// The five words of the format: what cannot be read blocks everything, a violation is critical, an open SOLLTE major.
const fn severity(item: &Assessed, unreadable: bool) -> &'static str {
    match item.severity {
        Severity::Error if unreadable => "blocker",
        Severity::Error => "critical",
        Severity::Warning => "major",
        Severity::Info | Severity::Deviation => "info",
    }
}
