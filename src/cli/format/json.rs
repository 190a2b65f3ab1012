//! Findings as JSON: the shape that other programs read (docs/cli.md).

use crate::check::Checked;
use crate::deviations::{Assessed, fingerprints};
use crate::finding::Severity;
use crate::i18n::Lang;
use serde_json::{Value, json};
use std::io::{Result, Write};

/// Prints all findings as one document.
pub fn findings(checked: &Checked, lang: Lang, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{:#}", document(checked, lang))
}

/// All findings as one document.
#[must_use]
pub fn document(checked: &Checked, lang: Lang) -> Value {
    let site = checked.model.as_ref().map(|model| &model.site);
    json!({
        "zonec": env!("CARGO_PKG_VERSION"),
        "site": site.map(crate::model::Site::name),
        "blueprint": site.map(|site| site.blueprint.name.as_str()),
        "as_of": checked.as_of.to_string(),
        "model_digest": checked.digest,
        "summary": {
            "errors": checked.count(Severity::Error),
            "warnings": checked.count(Severity::Warning),
            "infos": checked.count(Severity::Info),
            "deviations": checked.count(Severity::Deviation),
        },
        "findings": checked.findings.iter().zip(fingerprints(&checked.findings)).map(|(item, print)| finding(checked, item, print, lang)).collect::<Vec<_>>(),
    })
}

fn finding(checked: &Checked, item: &Assessed, fingerprint: String, lang: Lang) -> Value {
    let found = &item.finding;
    let catalogue = &checked.catalogue;
    let rule = catalogue.rule(found.rule);
    let deviation = match (&checked.model, item.deviation) {
        (Some(model), Some(id)) => Some(model.site.deviations[id].name.clone()),
        _ => None,
    };
    let labels = found.labels.iter().map(|label| {
        let file = checked.sources.file(label.span.file);
        let (start, end) = (file.position(label.span.start), file.position(label.span.end));
        json!({
            "file": file.name,
            "line": start.line, "column": start.column, "end_line": end.line, "end_column": end.column,
            "text": catalogue.label(found, label.key, &label.args, lang),
        })
    });
    json!({
        "rule": found.rule,
        "case": found.case,
        "grade": rule.map(|rule| rule.grade.to_string()),
        "severity": item.severity,
        "title": catalogue.title(found, lang),
        "message": catalogue.message(found, lang),
        "help": catalogue.help(found, lang),
        "sources": rule.map_or(&[][..], |rule| &rule.sources),
        "objects": found.objects,
        "labels": labels.collect::<Vec<_>>(),
        "witness": found.witness,
        "deviation": deviation,
        "fingerprint": fingerprint,
    })
}
