//! The difference of two sites for the comment at a merge request.

use super::super::human::counted;
use super::{Page, count, or_none, severity, sign, total};
use crate::deviations::Assessed;
use crate::diff::{Change, Enforcer, Outcome, is_short, short_list};
use crate::i18n::Lang;
use crate::report::{markdown as escape, markdown_sentence as sentence};
use std::io::{Result, Write};

/// Characters of each list of a comment; there are five. Hosts of code refuse what is longer than 65,536 characters (GitHub).
const LIST: usize = 11_000;
/// Rectangles of one row.
const SHOWN: usize = 3;
/// Characters of a name, a message, a line of shell.
const CHARS: usize = 240;

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
    writeln!(
        out,
        "**{}**. {compares} {} → {}.\n",
        page.summary(),
        code(&short(page.names[0])),
        code(&short(page.names[1]))
    )?;
    changes(page, out)?;
    let rest = within(page.gravest().into_iter().map(|item| finding(page, item)), out)?;
    if rest > 0 {
        writeln!(out, "… {rest} {}\n", page.word("more findings: `zonec check`", "weitere Befunde: `zonec check`"))?;
    }
    fixed(page, out)?;
    if !page.diff.ending.is_empty() {
        writeln!(out, "#### {}\n", page.word("Mind", "Beachten"))?;
        let lines = page.diff.ending.iter().map(|(name, until, left)| match page.lang {
            Lang::De => format!("- **{} endet in {left} Tagen** ({until}).\n", escape(name)),
            Lang::En => format!("- **{} ends in {left} days** ({until}).\n", escape(name)),
        });
        let rest = within(lines, out)?;
        if rest > 0 {
            writeln!(out, "- … {rest} {}", page.word("more", "weitere"))?;
        }
        writeln!(out)?;
    }
    artefacts(page, out)?;
    let digest = new.digest.trim_start_matches("sha256:").get(..12).unwrap_or_default();
    let again = page.word("Check it yourself", "Nachrechnen");
    writeln!(out, "{} `{digest}…`, zonec {}.", page.word("Model digest", "Modell-Digest"), env!("CARGO_PKG_VERSION"))?;
    let [before, after] = page.names.map(short);
    writeln!(out, "{again}: {}", code(&format!("zonec diff {before} {after} --as-of {}", old.as_of)))
}

/// A side with the hash of its revision in a length that people read and git takes.
fn short(name: &str) -> String {
    match name.rsplit_once('@') {
        Some((path, hash)) if hash.len() >= 40 && hash.chars().all(|c| c.is_ascii_hexdigit()) => {
            format!("{path}@{}", hash.get(..12).unwrap_or(hash))
        }
        _ => name.to_owned(),
    }
}

/// Writes the parts of a list as far as a comment has room for them; gives the number of those left out.
fn within(parts: impl Iterator<Item = String>, out: &mut dyn Write) -> Result<usize> {
    let (mut room, mut rest) = (LIST, 0);
    for part in parts {
        match room.checked_sub(part.chars().count()).filter(|_| rest == 0) {
            Some(left) => {
                room = left;
                out.write_all(part.as_bytes())?;
            }
            None => rest += 1,
        }
    }
    Ok(rest)
}

/// A text as code, whatever is in it: a fence longer than any run of backticks in it.
fn code(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if longest > 0 { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", text.replace('|', "\\|"))
}

/// The beginning of a text that is too long for a comment.
fn cut(text: &str) -> String {
    if text.chars().count() <= CHARS {
        return text.to_owned();
    }
    text.chars().take(CHARS).chain(['…']).collect()
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
    let rest = within(page.diff.changes.iter().map(|change| row(page, change)), out)?;
    if rest > 0 {
        writeln!(out, "| … | {rest} {} | | |", page.word("more", "weitere"))?;
    }
    let unchanged = counted(page.diff.unchanged, page.lang, ["flow", "flows", "Fluss", "Flüsse"]);
    match page.lang {
        Lang::De => writeln!(
            out,
            "\nSonst unverändert: {unchanged}, IPv4 und IPv6. Eine Kombination ist Quelle, Ziel, Protokoll und Zielport.\n"
        ),
        Lang::En => writeln!(
            out,
            "\nUnchanged: {unchanged}, IPv4 and IPv6. A combination is source, destination, protocol and destination port.\n"
        ),
    }
}

/// A row of the table of changes.
fn row(page: &Page<'_>, change: &Change) -> String {
    let [from, to, service] = &change.named;
    let sides = [("+", &change.opened), ("−", &change.closed)];
    let mut packets = Vec::new();
    let mut counts = Vec::new();
    for (sign, rectangles) in sides.into_iter().filter(|(_, rectangles)| !rectangles.is_empty()) {
        for row in rectangles.iter().take(SHOWN) {
            let ends = format!("{} → {}", end(&row.from, &row.source), end(&row.to, &row.destination));
            packets.push(format!("{sign} {ends} {}", code(&short_list(&row.service))));
        }
        if rectangles.len() > SHOWN {
            packets.push(format!("{sign} … {} {}", rectangles.len() - SHOWN, page.word("more", "weitere")));
        }
        counts.push(format!("{sign} {}", count(total(rectangles))));
    }
    if !page.remark(change).is_empty() {
        packets.push(page.remark(change).to_owned());
    }
    if let Some([before, after]) = &change.conditions {
        packets.push(format!("{} → {}", code(&cut(or_none(before))), code(&cut(or_none(after)))));
    }
    let (packets, counts) =
        (packets.join("<br>"), if counts.is_empty() { "± 0".to_owned() } else { counts.join("<br>") });
    let label = format!("**{}** {}", sign(change.kind).replace('-', "−"), page.label(change));
    let flow = format!("{} {} → {} {}", code(&change.flow), escape(&cut(from)), escape(&cut(to)), code(&cut(service)));
    format!("| {label} | {flow} | {packets} | {counts} |\n")
}

/// The addresses of an end, and its name where they are many.
fn end(name: &str, addresses: &[String]) -> String {
    if is_short(addresses) { code(&short_list(addresses)) } else { code(name) }
}

/// Findings that are gone, in a line each.
fn fixed(page: &Page<'_>, out: &mut dyn Write) -> Result<()> {
    let (list, checked) = (&page.diff.fixed_findings, page.sides.old.0);
    if list.is_empty() {
        return Ok(());
    }
    writeln!(out, "#### {}\n", page.word("Fixed", "Behoben"))?;
    let line =
        |item: &&Assessed| format!("- {}: {}\n", item.finding.rule, sentence(&cut(&page.message(checked, item))));
    let rest = within(list.iter().map(line), out)?;
    if rest > 0 {
        writeln!(out, "- … {rest} {}", page.word("more", "weitere"))?;
    }
    writeln!(out)
}

/// A new finding with its path, what it rests on, and how to mend it.
fn finding(page: &Page<'_>, item: &Assessed) -> String {
    let checked = page.new_site();
    let rule = checked.catalogue.rule(item.finding.rule);
    let grade = rule.map(|rule| rule.grade.to_string()).unwrap_or_default();
    let new = page.word("New", "Neu");
    let grade = if grade.is_empty() { severity(item.severity) } else { &grade };
    let mut lines = vec![
        format!("#### {new}: {} ({grade})\n", item.finding.rule),
        format!("{} {}  ", code(&page.located(item)), sentence(&cut(&page.message(checked, item)))),
    ];
    if !item.finding.witness.is_empty() {
        let path: Vec<String> = item.finding.witness.iter().map(|name| escape(name)).collect();
        lines.push(format!("{}: {}  ", page.word("Path", "Weg"), cut(&path.join(" → "))));
    }
    let sources = rule.map(|rule| rule.sources.iter().map(|source| escape(source)).collect::<Vec<_>>().join(", "));
    if let Some(sources) = sources.filter(|sources| !sources.is_empty()) {
        lines.push(format!("{}: {sources}.", page.word("Basis", "Grundlage")));
    }
    let help = match &item.finding.fix {
        Some(fix) => super::super::human::did_you_mean(&fix.replacement, page.lang),
        None => checked.catalogue.help(&item.finding, page.lang),
    };
    if !help.is_empty() {
        lines.push(format!("\n{}: {}", page.word("Help", "Abhilfe"), sentence(&cut(&help))));
    }
    lines.join("\n") + "\n\n"
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
    let row = |enforcer: &Enforcer| {
        let flows = short_list(&enforcer.flows);
        let flows = if flows.is_empty() { String::new() } else { format!(" ({})", escape(&flows)) };
        let (file, outcome) = (code(&enforcer.artefact), page.outcome(enforcer.outcome));
        format!("| {file} | {} | {outcome}{flows} |\n", enforcer.permits)
    };
    let rest = within(list.iter().filter(|enforcer| enforcer.outcome != Outcome::Same).map(row), out)?;
    if rest > 0 {
        writeln!(out, "| … {rest} {} | | |", page.word("more", "weitere"))?;
    }
    if changed < list.len() {
        writeln!(out, "| {} {} | | |", list.len() - changed, page.word("unchanged", "unverändert"))?;
    }
    let lines: Vec<&String> = list.iter().flat_map(|enforcer| &enforcer.connections).collect();
    if !lines.is_empty() {
        let title = page.word("After loading, end what stays open", "Nach dem Laden beenden, was offen bleibt");
        writeln!(out, "\n{title}:\n\n```sh")?;
        let rest = within(lines.iter().map(|line| format!("{line}\n")), out)?;
        if rest > 0 {
            writeln!(out, "# … {rest} {}", page.word("more: zonec diff", "weitere: zonec diff"))?;
        }
        writeln!(out, "```")?;
    }
    writeln!(out, "\n</details>\n")
}
