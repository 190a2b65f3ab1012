//! The difference of two sites for the comment at a merge request.

use super::{Page, SHOWN, count, or_none, severity, sign, total};
use crate::deviations::Assessed;
use crate::diff::{Outcome, short_list};
use crate::i18n::Lang;
use crate::report::markdown as escape;
use std::io::{Result, Write};

/// Rows and findings of a comment: hosts of code cut what is longer.
const ROWS: usize = 60;

/// For the comment at a merge request.
pub fn markdown(page: &Page<'_>, out: &mut dyn Write) -> Result<()> {
    let (old, new) = (page.sides.old.0, page.new_site());
    let name = page.sides.new.1.site.name();
    let verdict = match (new.is_releasable(), page.lang) {
        (true, Lang::De) => "freigabefähig",
        (false, Lang::De) => "nicht freigegeben",
        (true, Lang::En) => "releasable",
        (false, Lang::En) => "not releasable",
    };
    writeln!(out, "<!-- zonec:diff site={name} v=1 -->")?;
    writeln!(out, "### {} `{name}`: {verdict}\n", page.word("Zone model", "Zonenmodell"))?;
    let compares = page.word("Compares", "Vergleich");
    writeln!(out, "**{}**. {compares} {} → {}.\n", page.summary(), code(page.names[0]), code(page.names[1]))?;
    changes(page, out)?;
    for item in page.gravest().into_iter().take(ROWS) {
        finding(page, item, out)?;
    }
    let rest = page.diff.new_findings.len().saturating_sub(ROWS);
    if rest > 0 {
        writeln!(out, "… {rest} {}\n", page.word("more findings: `zonec check`", "weitere Befunde: `zonec check`"))?;
    }
    if !page.diff.ending.is_empty() {
        writeln!(out, "#### {}\n", page.word("Mind", "Beachten"))?;
        for (name, until, left) in &page.diff.ending {
            match page.lang {
                Lang::De => writeln!(out, "- **{} endet in {left} Tagen** ({until}).", escape(name))?,
                Lang::En => writeln!(out, "- **{} ends in {left} days** ({until}).", escape(name))?,
            }
        }
        writeln!(out)?;
    }
    artefacts(page, out)?;
    let digest = new.digest.trim_start_matches("sha256:").get(..12).unwrap_or_default();
    let again = page.word("Check it yourself", "Nachrechnen");
    writeln!(out, "{} `{digest}…`, zonec {}.", page.word("Model digest", "Modell-Digest"), env!("CARGO_PKG_VERSION"))?;
    writeln!(out, "{again}: {}", code(&format!("zonec diff {} {} --as-of {}", page.names[0], page.names[1], old.as_of)))
}

/// A text as code, whatever is in it: a fence longer than any run of backticks in it.
fn code(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

fn changes(page: &Page<'_>, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "#### {}\n", page.word("Reachability", "Erreichbarkeit"))?;
    if page.diff.changes.is_empty() {
        return writeln!(
            out,
            "{}\n",
            page.word("No packet is treated otherwise.", "Kein Paket wird anders behandelt.")
        );
    }
    let head = match page.lang {
        Lang::De => "| Änderung | Fluss | Pakete | Kombinationen |",
        Lang::En => "| Change | Flow | Packets | Combinations |",
    };
    writeln!(out, "{head}\n|:--|:--|:--|--:|")?;
    for change in page.diff.changes.iter().take(ROWS) {
        let [from, to, service] = &change.named;
        let sides = [("+", &change.opened), ("−", &change.closed)];
        let mut packets = Vec::new();
        let mut counts = Vec::new();
        for (sign, rectangles) in sides.into_iter().filter(|(_, rectangles)| !rectangles.is_empty()) {
            for row in rectangles.iter().take(SHOWN) {
                let ends = format!("{} → {}", code(&short_list(&row.source)), code(&short_list(&row.destination)));
                packets.push(format!("{sign} {ends} {}", code(&short_list(&row.service))));
            }
            counts.push(format!("{sign} {}", count(total(rectangles))));
        }
        if !page.remark(change).is_empty() {
            packets.push(page.remark(change).to_owned());
        }
        if let Some([before, after]) = &change.conditions {
            packets.push(format!("{} → {}", code(or_none(before)), code(or_none(after))));
        }
        let (packets, counts) =
            (packets.join("<br>"), if counts.is_empty() { "± 0".to_owned() } else { counts.join("<br>") });
        let label = format!("**{}** {}", sign(change.kind).replace('-', "−"), page.kind(change.kind));
        let flow = format!("{} {} → {} {}", code(&change.flow), escape(from), escape(to), code(service));
        writeln!(out, "| {label} | {flow} | {packets} | {counts} |")?;
    }
    let rest = page.diff.changes.len().saturating_sub(ROWS);
    if rest > 0 {
        writeln!(out, "| … | {rest} {} | | |", page.word("more", "weitere"))?;
    }
    match page.lang {
        Lang::De => writeln!(
            out,
            "\nSonst unverändert: {} Flüsse, IPv4 und IPv6. Eine Kombination ist Quelle, Ziel, Protokoll und Zielport.\n",
            page.diff.unchanged
        ),
        Lang::En => writeln!(
            out,
            "\nUnchanged: {} flows, IPv4 and IPv6. A combination is source, destination, protocol and destination port.\n",
            page.diff.unchanged
        ),
    }
}

fn finding(page: &Page<'_>, item: &Assessed, out: &mut dyn Write) -> Result<()> {
    let checked = page.new_site();
    let rule = checked.catalogue.rule(item.finding.rule);
    let grade = rule.map(|rule| rule.grade.to_string()).unwrap_or_default();
    let new = page.word("New", "Neu");
    writeln!(
        out,
        "#### {new}: {} ({})\n",
        item.finding.rule,
        if grade.is_empty() { severity(item.severity) } else { &grade }
    )?;
    writeln!(out, "{} {}", code(&Page::place(checked, item)), escape(&page.message(checked, item)))?;
    if !item.finding.witness.is_empty() {
        let path: Vec<String> = item.finding.witness.iter().map(|name| escape(name)).collect();
        writeln!(out, "{}", path.join(" → "))?;
    }
    let sources = rule.map(|rule| rule.sources.iter().map(|source| escape(source)).collect::<Vec<_>>().join(", "));
    if let Some(sources) = sources.filter(|sources| !sources.is_empty()) {
        writeln!(out, "{}: {sources}.", page.word("Basis", "Grundlage"))?;
    }
    writeln!(out)
}

fn artefacts(page: &Page<'_>, out: &mut dyn Write) -> Result<()> {
    let list = match &page.diff.enforcers {
        Ok(list) => list,
        Err(reason) => return writeln!(out, "{}: {}\n", page.word("No plan", "Kein Plan"), escape(reason)),
    };
    let changed = list.iter().filter(|enforcer| enforcer.outcome != Outcome::Same).count();
    let title = match page.lang {
        Lang::De => format!("Artefakte: {changed} von {} Regelwerken ändern sich", list.len()),
        Lang::En => format!("Artefacts: {changed} of {} rule sets change", list.len()),
    };
    let head = match page.lang {
        Lang::De => "| Datei | Freigaben | Änderung |",
        Lang::En => "| File | Permits | Change |",
    };
    writeln!(out, "<details>\n<summary>{title}</summary>\n\n{head}\n|:--|--:|:--|")?;
    for enforcer in list {
        let flows = if enforcer.flows.is_empty() {
            String::new()
        } else {
            format!(" ({})", escape(&short_list(&enforcer.flows)))
        };
        writeln!(
            out,
            "| {} | {} | {}{flows} |",
            code(&enforcer.artefact),
            enforcer.permits,
            page.outcome(enforcer.outcome)
        )?;
    }
    let lines: Vec<&String> = list.iter().flat_map(|enforcer| &enforcer.connections).collect();
    if !lines.is_empty() {
        let title = page.word("After loading, end what stays open", "Nach dem Laden beenden, was offen bleibt");
        writeln!(out, "\n{title}:\n\n```sh")?;
        lines.iter().take(ROWS).try_for_each(|line| writeln!(out, "{line}"))?;
        if lines.len() > ROWS {
            writeln!(out, "# … {} {}", lines.len() - ROWS, page.word("more: zonec diff", "weitere: zonec diff"))?;
        }
        writeln!(out, "```")?;
    }
    writeln!(out, "\n</details>\n")
}
