//! The difference of two sites for people.

use super::super::chain::Chains;
use super::super::human::counted;
use super::{Page, SHOWN, count, or_none, severity, sign, total};
use crate::diff::{Change, Enforcer, Outcome, Rectangle, short_list};
use crate::i18n::Lang;
use std::io::{Result, Write};

/// Rows of one enforcer that are written out: what moves end to end stands above.
const ROWS: usize = 3;

/// For people.
pub fn human(page: &Page<'_>, out: &mut dyn Write) -> Result<()> {
    let diff = page.diff;
    let heading = page.word("Reachability", "Erreichbarkeit");
    writeln!(out, "{heading}: {} → {}\n", page.names[0], page.names[1])?;
    for item in &diff.changes {
        change(page, item, out)?;
    }
    let forms = ["flow unchanged", "flows unchanged", "Fluss unverändert", "Flüsse unverändert"];
    writeln!(out, "  {}\n", counted(diff.unchanged, page.lang, forms))?;
    findings(page, out)?;
    for (name, until, left) in &diff.ending {
        let days = page.word("days left", "Tage");
        writeln!(
            out,
            "{} {name} {} {until} ({left} {days})",
            page.word("deviation", "Abweichung"),
            page.word("ends", "endet")
        )?;
    }
    writeln!(out, "{}", page.word("Enforcers", "Durchsetzung"))?;
    match &diff.enforcers {
        Err(reason) => writeln!(out, "  {}: {reason}", page.word("no plan", "kein Plan"))?,
        Ok(list) => {
            let changed: Vec<&Enforcer> = list.iter().filter(|item| item.outcome != Outcome::Same).collect();
            let width = changed.iter().map(|item| item.artefact.chars().count()).max().unwrap_or(0);
            for enforcer in &changed {
                let flows = if enforcer.flows.is_empty() {
                    String::new()
                } else {
                    format!("  {}", short_list(&enforcer.flows))
                };
                writeln!(out, "  {:width$}  {}{flows}", enforcer.artefact, page.outcome(enforcer.outcome))?;
                packets(page, enforcer, out)?;
            }
            let rest = list.len() - changed.len();
            match page.lang {
                Lang::En => writeln!(out, "  {rest} of {} rule sets unchanged", list.len())?,
                Lang::De => writeln!(out, "  {rest} von {} Regelwerken unverändert", list.len())?,
            }
        }
    }
    writeln!(
        out,
        "\n{}",
        if diff.is_empty() { page.word("no difference", "kein Unterschied").to_owned() } else { page.summary() }
    )
}

fn change(page: &Page<'_>, change: &Change, out: &mut dyn Write) -> Result<()> {
    let sign = sign(change.kind);
    let [from, to, service] = &change.named;
    writeln!(out, "  {sign} {:12} {}: {from} → {to}, {service}", page.kind(change.kind), change.flow)?;
    for (sign, rectangles) in [('+', &change.opened), ('-', &change.closed)] {
        for rectangle in rectangles.iter().take(SHOWN) {
            let Rectangle { source, destination, service, combinations, .. } = rectangle;
            let ends = format!("{} → {}", short_list(source), short_list(destination));
            writeln!(out, "      {sign} {ends} {}  ({sign}{})", service.join(", "), count(*combinations))?;
        }
        if rectangles.len() > SHOWN {
            let more = page.word("more, together", "weitere, zusammen");
            writeln!(out, "      {sign} {} {more} {}", rectangles.len() - SHOWN, count(total(rectangles)))?;
        }
    }
    if !page.remark(change).is_empty() {
        writeln!(out, "      {}", page.remark(change))?;
    }
    if let Some([before, after]) = &change.conditions {
        let word = page.word("conditions", "Bedingungen");
        writeln!(out, "      {word}: {} → {}", or_none(before), or_none(after))?;
    }
    Ok(())
}

fn packets(page: &Page<'_>, enforcer: &Enforcer, out: &mut dyn Write) -> Result<()> {
    for (sign, rows) in [('+', &enforcer.opened), ('-', &enforcer.closed)] {
        for row in rows.iter().take(ROWS) {
            let ends = format!("{} → {}", short_list(&row.source), short_list(&row.destination));
            let rest = [short_list(&row.service), row.condition.join(", ")].join(" ");
            writeln!(out, "      {sign} {}: {ends} {}  {}", row.at, rest.trim_end(), row.flow)?;
        }
        if rows.len() > ROWS {
            writeln!(out, "      {sign} {} {}", rows.len() - ROWS, page.word("more", "weitere"))?;
        }
    }
    for check in &enforcer.sources {
        let words = [('+', &check.opened), ('-', &check.closed)];
        let words = words.iter().filter(|(_, list)| !list.is_empty());
        let words: Vec<String> = words.map(|(sign, list)| format!("{sign} {}", short_list(list))).collect();
        let title = page.word("sources that may enter at", "Quellen, die eintreten dürfen an");
        writeln!(out, "      {title} {}: {}", check.interface, words.join("  "))?;
    }
    for part in &enforcer.frame {
        writeln!(out, "      {}: {}", page.word("changed", "geändert"), page.frame(*part))?;
    }
    if !enforcer.connections.is_empty() {
        let stay = page.word("after loading, end what stays open:", "nach dem Laden beenden, was offen bleibt:");
        writeln!(out, "      {stay}")?;
        enforcer.connections.iter().try_for_each(|line| writeln!(out, "        {line}"))?;
    }
    Ok(())
}

fn findings(page: &Page<'_>, out: &mut dyn Write) -> Result<()> {
    let (new, old) = (page.sides.new, page.sides.old);
    let sides = [(&page.gravest(), new, '+'), (&page.diff.fixed_findings, old, '-')];
    for (list, (checked, model), sign) in sides {
        let chains = Chains::of(&model.site);
        for item in list {
            let (rule, message) = (item.finding.rule, page.message(checked, item));
            writeln!(out, "{sign} {}[{rule}] {message}  {}", severity(item.severity), Page::place(checked, item))?;
            if !item.finding.witness.is_empty() {
                writeln!(out, "    {}", chains.line(&item.finding.witness))?;
            }
        }
    }
    if !page.diff.new_findings.is_empty() || !page.diff.fixed_findings.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}
