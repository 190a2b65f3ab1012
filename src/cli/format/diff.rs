//! The difference of two sites: for people, for programs, for the comment at a merge request.

use crate::check::Checked;
use crate::deviations::Assessed;
use crate::diff::{Change, Diff, Enforcer, Kind, Outcome, Rectangle, Sides, short_list};
use crate::finding::Severity;
use crate::i18n::Lang;
use crate::report::markdown as escape;
use serde_json::{Value, json};
use std::io::{Result, Write};

/// Rectangles of one change that are written out for people.
const SHOWN: usize = 6;
/// Rows and findings of a comment: hosts of code cut what is longer.
const ROWS: usize = 60;

/// What is printed.
pub struct Page<'a> {
    /// The difference.
    pub diff: &'a Diff<'a>,
    /// The two sites.
    pub sides: Sides<'a>,
    /// Language.
    pub lang: Lang,
    /// The sites as named on the command line.
    pub names: [&'a str; 2],
}

impl Page<'_> {
    fn word(&self, en: &'static str, de: &'static str) -> &'static str {
        if self.lang == Lang::De { de } else { en }
    }

    fn kind(&self, kind: Kind) -> &'static str {
        match kind {
            Kind::Opened => self.word("opened", "geöffnet"),
            Kind::Widened => self.word("widened", "erweitert"),
            Kind::Moved => self.word("moved", "verlegt"),
            Kind::Narrowed => self.word("narrowed", "verengt"),
            Kind::Closed => self.word("closed", "geschlossen"),
            Kind::Rewritten => self.word("rewritten", "umgestellt"),
        }
    }

    /// Why a change moves no packet.
    fn remark(&self, change: &Change) -> &'static str {
        if change.kind != Kind::Rewritten || !change.is_one_sided {
            return "";
        }
        if change.has_no_way {
            return self.word("no way: nothing is let through", "kein Weg: nichts wird durchgelassen");
        }
        self.word("other flows let the same packets through", "andere Flüsse lassen dieselben Pakete durch")
    }

    /// New findings, the gravest first.
    fn gravest(&self) -> Vec<&Assessed> {
        let mut list = self.diff.new_findings.clone();
        list.sort_by_key(|item| item.severity);
        list
    }

    fn outcome(&self, outcome: Outcome) -> &'static str {
        match outcome {
            Outcome::Same => self.word("same", "gleich"),
            Outcome::Equal => self.word("rewritten, equal", "umgestellt, gleichwertig"),
            Outcome::Differs => self.word("differs", "geändert"),
            Outcome::New => self.word("new", "neu"),
            Outcome::Gone => self.word("gone", "entfällt"),
        }
    }

    fn new_site(&self) -> &Checked {
        self.sides.new.0
    }

    fn message(&self, checked: &Checked, item: &Assessed) -> String {
        checked.catalogue.message(&item.finding, self.lang)
    }

    fn place(checked: &Checked, item: &Assessed) -> String {
        item.finding.span().map_or_else(String::new, |span| {
            format!("{}:{}", checked.sources.file(span.file).name, checked.sources.position(span).line)
        })
    }

    fn new_errors(&self) -> usize {
        self.diff.new_findings.iter().filter(|item| item.severity == Severity::Error).count()
    }

    fn summary(&self) -> String {
        let fixed = self.diff.fixed_findings.iter().filter(|item| item.severity == Severity::Error).count();
        let (new, all) = (self.new_errors(), self.diff.new_findings.len() + self.diff.fixed_findings.len());
        let kept = self.diff.kept_findings;
        match self.lang {
            Lang::En => format!("{new} new violation(s), {fixed} fixed; {all} finding(s) differ, {kept} unchanged"),
            Lang::De => format!("{new} Verstöße neu, {fixed} behoben; {all} Befunde anders, {kept} unverändert"),
        }
    }
}

/// A number for people: exact while it is short.
fn count(number: f64) -> String {
    if number < 1e6 {
        let digits = format!("{number:.0}");
        let mut grouped = String::new();
        for (at, digit) in digits.chars().enumerate() {
            if at > 0 && (digits.len() - at).is_multiple_of(3) {
                grouped.push('\u{202f}');
            }
            grouped.push(digit);
        }
        return grouped;
    }
    format!("{number:.1e}")
}

fn total(rectangles: &[Rectangle]) -> f64 {
    rectangles.iter().map(|rectangle| rectangle.combinations).sum()
}

/// For people.
pub fn human(page: &Page<'_>, out: &mut dyn Write) -> Result<()> {
    let diff = page.diff;
    let heading = page.word("Reachability", "Erreichbarkeit");
    writeln!(out, "{heading}: {} → {}\n", page.names[0], page.names[1])?;
    for change in &diff.changes {
        human_change(page, change, out)?;
    }
    let unchanged = page.word("flows unchanged", "Flüsse unverändert");
    writeln!(out, "  {} {unchanged}\n", diff.unchanged)?;
    human_findings(page, out)?;
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
            let width = list.iter().map(|enforcer| enforcer.artefact.chars().count()).max().unwrap_or(0);
            for enforcer in list {
                let flows = if enforcer.flows.is_empty() {
                    String::new()
                } else {
                    format!("  {}", short_list(&enforcer.flows))
                };
                writeln!(out, "  {:width$}  {}{flows}", enforcer.artefact, page.outcome(enforcer.outcome))?;
                human_packets(page, enforcer, out)?;
            }
        }
    }
    writeln!(
        out,
        "\n{}",
        if diff.is_empty() { page.word("no difference", "kein Unterschied").to_owned() } else { page.summary() }
    )
}

fn human_change(page: &Page<'_>, change: &Change, out: &mut dyn Write) -> Result<()> {
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

fn or_none(text: &str) -> &str {
    if text.is_empty() { "–" } else { text }
}

fn human_packets(page: &Page<'_>, enforcer: &Enforcer, out: &mut dyn Write) -> Result<()> {
    let packets = [(&enforcer.opened, "+"), (&enforcer.closed, "-")];
    for (packet, sign) in packets.into_iter().filter_map(|(packet, sign)| Some((packet.as_ref()?, sign))) {
        writeln!(out, "      {sign} {}: {packet}", page.word("for example", "zum Beispiel"))?;
    }
    if !enforcer.connections.is_empty() {
        let stay = page.word("after loading, end what stays open:", "nach dem Laden beenden, was offen bleibt:");
        writeln!(out, "      {stay}")?;
        enforcer.connections.iter().try_for_each(|line| writeln!(out, "        {line}"))?;
    }
    Ok(())
}

fn human_findings(page: &Page<'_>, out: &mut dyn Write) -> Result<()> {
    let sides = [(&page.gravest(), page.new_site(), '+'), (&page.diff.fixed_findings, page.sides.old.0, '-')];
    for (list, checked, sign) in sides {
        for item in list {
            let (rule, message) = (item.finding.rule, page.message(checked, item));
            writeln!(out, "{sign} {}[{rule}] {message}  {}", severity(item.severity), Page::place(checked, item))?;
            if !item.finding.witness.is_empty() {
                writeln!(out, "    {}", item.finding.witness.join(" → "))?;
            }
        }
    }
    if !page.diff.new_findings.is_empty() || !page.diff.fixed_findings.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

const fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
        Severity::Deviation => "deviation",
    }
}

const fn sign(kind: Kind) -> &'static str {
    match kind {
        Kind::Opened | Kind::Widened => "+",
        Kind::Moved => "±",
        Kind::Narrowed | Kind::Closed => "-",
        Kind::Rewritten => "=",
    }
}

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
    json!({ "enforcer": enforcer.name, "file": enforcer.artefact, "result": enforcer.outcome.word(), "permits": enforcer.permits,
        "flows": enforcer.flows, "opened": enforcer.opened, "closed": enforcer.closed,
        "connections": enforcer.connections })
}

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
    markdown_changes(page, out)?;
    for item in page.gravest().into_iter().take(ROWS) {
        markdown_finding(page, item, out)?;
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
    markdown_artefacts(page, out)?;
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

fn markdown_changes(page: &Page<'_>, out: &mut dyn Write) -> Result<()> {
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

fn markdown_finding(page: &Page<'_>, item: &Assessed, out: &mut dyn Write) -> Result<()> {
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

fn markdown_artefacts(page: &Page<'_>, out: &mut dyn Write) -> Result<()> {
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
