//! The difference of two sites for programs.

use super::{Page, severity, total};
use crate::check::Checked;
use crate::deviations::Assessed;
use crate::diff::{Change, Enforcer, Rectangle, Row};
use serde_json::{Value, json};
use std::io::{Result, Write};

/// For programs.
pub fn json(page: &Page<'_>, out: &mut dyn Write) -> Result<()> {
    let diff = page.diff;
    let rows = |pick: fn(&Change) -> &Vec<Rectangle>| -> Vec<Value> {
        let each = diff.changes.iter().flat_map(|change| pick(change).iter().map(move |row| rectangle(change, row)));
        each.collect()
    };
    let changes: Vec<Value> = diff.changes.iter().map(change).collect();
    let finding = |checked: &Checked, item: &&Assessed| {
        json!({ "rule": item.finding.rule, "severity": severity(item.severity), "message": page.message(checked, item),
            "objects": item.finding.objects, "witness": item.finding.witness, "place": Page::place(checked, item) })
    };
    let list = |checked: &Checked, items: &[&Assessed]| -> Vec<Value> {
        items.iter().map(|item| finding(checked, item)).collect()
    };
    let artefacts: Vec<Value> = diff.enforcers.iter().flatten().map(enforcer).collect();
    let value = json!({
        "zonec": env!("CARGO_PKG_VERSION"),
        "site": page.sides.new.1.site.name(),
        "old": side(page.sides.old.0),
        "new": side(page.sides.new.0),
        "equal": diff.is_empty(),
        "opened": rows(|change| &change.opened),
        "closed": rows(|change| &change.closed),
        "changes": changes,
        "unchanged": diff.unchanged,
        "findings": { "new": list(page.new_site(), &diff.new_findings), "fixed": list(page.sides.old.0, &diff.fixed_findings),
            "kept": diff.kept_findings },
        "deviations_ending": diff.ending.iter().map(|(name, until, left)|
            json!({ "id": name, "valid_until": until.to_string(), "days_left": left })).collect::<Vec<_>>(),
        "artefacts": artefacts,
        "no_plan": diff.enforcers.as_ref().err(),
    });
    writeln!(out, "{value:#}")
}

fn side(checked: &Checked) -> Value {
    json!({ "as_of": checked.as_of.to_string(), "model_digest": checked.digest, "releasable": checked.is_releasable() })
}

fn rectangle(change: &Change, row: &Rectangle) -> Value {
    json!({ "from": row.from, "to": row.to, "service": change.named[2], "src": row.source, "dst": row.destination,
        "ports": row.service, "flows": [change.flow], "combinations": row.combinations })
}

fn change(change: &Change) -> Value {
    let [from, to, service] = &change.named;
    json!({ "kind": change.kind.word(), "flow": change.flow, "from": from, "to": to, "service": service,
        "opened": total(&change.opened), "closed": total(&change.closed), "conditions": change.conditions })
}

fn enforcer(enforcer: &Enforcer) -> Value {
    let rows = |rows: &[Row]| -> Vec<Value> { rows.iter().map(row).collect() };
    let sources = enforcer
        .sources
        .iter()
        .map(|check| json!({ "interface": check.interface, "opened": check.opened, "closed": check.closed }));
    let frame: Vec<&str> = enforcer.frame.iter().map(|part| part.word()).collect();
    json!({ "enforcer": enforcer.name, "file": enforcer.artefact, "result": enforcer.outcome.word(), "permits": enforcer.permits,
        "flows": enforcer.flows, "opened": rows(&enforcer.opened), "closed": rows(&enforcer.closed),
        "sources": sources.collect::<Vec<_>>(), "frame": frame, "connections": enforcer.connections })
}

fn row(row: &Row) -> Value {
    json!({ "at": row.at, "src": row.source, "dst": row.destination, "ports": row.service, "condition": row.condition,
        "flows": [row.flow] })
}
