//! Findings as SARIF 2.1.0 (OASIS), which code hosts and editors read.

use super::Places;
use super::place::Place;
use crate::check::Checked;
use crate::deviations::Assessed;
use crate::deviations::fingerprints;
use crate::finding::{Finding, Severity};
use crate::i18n::Lang;
use crate::rules::{Grade, RuleData};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::io::{Result, Write};

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Prints one run with all rules and all findings.
pub fn findings(checked: &Checked, places: &Places, lang: Lang, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "{:#}", document(checked, places, lang))
}

fn document(checked: &Checked, places: &Places, lang: Lang) -> Value {
    let rules: Vec<(&str, Option<&RuleData>)> =
        std::iter::once(("syntax", None)).chain(checked.catalogue.rules().map(|(id, rule)| (id, Some(rule)))).collect();
    let index = |id: &str| rules.iter().position(|(rule, _)| *rule == id);
    let prints = fingerprints(&checked.findings);
    let results = checked.findings.iter().zip(&prints).map(|(item, print)| {
        let run = Run { checked, places, lang };
        run.result(item, index(item.finding.rule), print)
    });
    let site = checked.model.as_ref().map(|model| &model.site);
    json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "zonec",
                "version": env!("CARGO_PKG_VERSION"),
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "informationUri": env!("CARGO_PKG_REPOSITORY"),
                "language": if lang == Lang::De { "de-DE" } else { "en-US" },
                "rules": rules.iter().map(|(id, rule)| descriptor(id, *rule, checked, lang)).collect::<Vec<_>>(),
            } },
            "invocations": [{ "executionSuccessful": true, "exitCode": i32::from(crate::cli::check::status(checked)) }],
            "columnKind": "unicodeCodePoints",
            "results": results.collect::<Vec<_>>(),
            "properties": {
                "site": site.map(crate::model::Site::name),
                "blueprint": site.map(|site| site.blueprint.name.as_str()),
                "asOf": checked.as_of.to_string(),
                "modelDigest": checked.digest,
            },
        }],
    })
}

/// A rule as the reader of a result sees it.
fn descriptor(id: &str, rule: Option<&RuleData>, checked: &Checked, lang: Lang) -> Value {
    let Some(rule) = rule else {
        let title = checked.catalogue.title(&Finding::new("syntax", ""), lang);
        return json!({
            "id": id,
            "shortDescription": { "text": title },
            "fullDescription": { "text": title },
            "help": { "text": title },
            "defaultConfiguration": { "level": "error" },
        });
    };
    let page = crate::cli::explain::text(id, rule, lang);
    json!({
        "id": id,
        "shortDescription": { "text": rule.title.get(lang) },
        "fullDescription": { "text": rule.explain.get(lang).trim() },
        "help": { "text": page },
        "helpUri": checked.catalogue.page(id),
        "defaultConfiguration": { "level": level(of_grade(rule.grade)) },
        "properties": {
            "tags": rule.sources,
            "grade": rule.grade.to_string(),
            "deviability": rule.deviability.to_string(),
        },
    })
}

const fn of_grade(grade: Grade) -> Severity {
    match grade {
        Grade::Muss | Grade::DarfNicht => Severity::Error,
        Grade::Sollte => Severity::Warning,
        Grade::Kann => Severity::Info,
    }
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info | Severity::Deviation => "note",
    }
}

struct Run<'a> {
    checked: &'a Checked,
    places: &'a Places,
    lang: Lang,
}

impl Run<'_> {
    fn result(&self, item: &Assessed, index: Option<usize>, print: &str) -> Value {
        let found = &item.finding;
        let catalogue = &self.checked.catalogue;
        let weight = match (item.severity, catalogue.rule(found.rule)) {
            // What a deviation covers keeps its level and is suppressed.
            (Severity::Deviation, Some(rule)) => of_grade(rule.grade),
            (severity, _) => severity,
        };
        let mut result = json!({
            "ruleId": found.rule,
            "level": level(weight),
            "message": { "text": catalogue.message(found, self.lang) },
            "locations": [self.primary(found)],
            "partialFingerprints": { "zonecFinding/v1": print },
            "properties": {
                "help": catalogue.help(found, self.lang),
                "objects": found.objects,
                "witness": found.witness,
            },
        });
        let Some(members) = result.as_object_mut() else { return result };
        if let Some(index) = index {
            members.insert("ruleIndex".to_owned(), json!(index));
        }
        let related: Vec<Value> =
            found.labels.iter().enumerate().skip(1).map(|(id, _)| self.related(found, id)).collect();
        if !related.is_empty() {
            members.insert("relatedLocations".to_owned(), Value::Array(related));
        }
        if let Some(fix) = self.fix(found) {
            members.insert("fixes".to_owned(), json!([fix]));
        }
        if let Some(suppression) = self.suppression(item) {
            members.insert("suppressions".to_owned(), json!([suppression]));
        }
        result
    }

    fn primary(&self, found: &Finding) -> Value {
        let mut location = self.location(&self.places.primary(self.checked, found));
        if let Some(members) = location.as_object_mut() {
            let text = self.label_text(found, 0);
            if !text.is_empty() {
                members.insert("message".to_owned(), json!({ "text": text }));
            }
            if !found.objects.is_empty() {
                // The schema wants each once; two objects of different kinds may share a name.
                let names: BTreeSet<&String> = found.objects.iter().collect();
                let named = names.into_iter().map(|name| json!({ "name": name }));
                members.insert("logicalLocations".to_owned(), named.collect());
            }
        }
        location
    }

    fn related(&self, found: &Finding, id: usize) -> Value {
        let Some(label) = found.labels.get(id) else { return Value::Null };
        let mut location = self.location(&self.places.label(self.checked, label));
        if let Some(members) = location.as_object_mut() {
            members.insert("id".to_owned(), json!(id));
            let text = self.label_text(found, id);
            if !text.is_empty() {
                members.insert("message".to_owned(), json!({ "text": text }));
            }
        }
        location
    }

    fn label_text(&self, found: &Finding, id: usize) -> String {
        let label = found.labels.get(id);
        label.map_or_else(String::new, |label| self.checked.catalogue.label(found, label.key, &label.args, self.lang))
    }

    fn location(&self, place: &Place) -> Value {
        let mut physical = Map::from_iter([("artifactLocation".to_owned(), json!({ "uri": uri(&place.path) }))]);
        if let Some(region) = region(place) {
            physical.insert("region".to_owned(), region);
        }
        json!({ "physicalLocation": physical })
    }

    fn fix(&self, found: &Finding) -> Option<Value> {
        let fix = found.fix.as_ref()?;
        let file = self.checked.sources.file(fix.span.file);
        let range = Some((file.position(fix.span.start), file.position(fix.span.end)));
        let place = Place { path: self.places.file(file), range };
        Some(json!({
            "description": { "text": super::human::did_you_mean(&fix.replacement, self.lang) },
            "artifactChanges": [{
                "artifactLocation": { "uri": uri(&place.path) },
                "replacements": [{ "deletedRegion": region(&place), "insertedContent": { "text": fix.replacement } }],
            }],
        }))
    }

    fn suppression(&self, item: &Assessed) -> Option<Value> {
        let (model, id) = (self.checked.model.as_ref()?, item.deviation?);
        let deviation = &model.site.deviations[id];
        let reason = deviation.decl.reason.as_ref().map(|reason| format!(": {}", reason.0)).unwrap_or_default();
        Some(json!({
            "kind": "external",
            "status": "accepted",
            "justification": format!("{}{reason}", deviation.name),
        }))
    }
}

fn region(place: &Place) -> Option<Value> {
    let (start, end) = place.range?;
    Some(json!({
        "startLine": start.line, "startColumn": start.column, "endLine": end.line, "endColumn": end.column,
    }))
}

/// A path as a URI reference (RFC 3986): what is not unreserved is percent-encoded.
fn uri(path: &str) -> String {
    let mut out = String::with_capacity(path.len() + 8);
    if path.starts_with('/') {
        out.push_str("file://");
    }
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("zonen/größe a.yaml"), "zonen/gr%C3%B6%C3%9Fe%20a.yaml");
        assert_eq!(uri("/srv/zonen/site.yaml"), "file:///srv/zonen/site.yaml");
    }
}
