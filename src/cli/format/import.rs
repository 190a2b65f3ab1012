//! An import: what was read as what, what became a flow, what has no place and why.

use crate::i18n::Lang;
use crate::import::{Import, Reason, Words, sheet::letters};
use crate::report::csv_line;
use serde_json::{Map, Value, json};
use std::io::{Result, Write};
use std::path::PathBuf;

/// Characters of a cell that a table for people shows.
const SHOWN: usize = 32;

/// What is printed.
pub struct Page<'a> {
    /// The import.
    pub import: &'a Import,
    /// Its texts.
    pub words: &'a Words,
    /// Language.
    pub lang: Lang,
}

impl Page<'_> {
    fn word(&self, en: &'static str, de: &'static str) -> &'static str {
        if self.lang == Lang::De { de } else { en }
    }

    fn reason(&self, reason: &Reason) -> String {
        self.words.text(&reason.why.said, self.lang)
    }
}

/// Rows that have no place, for a spreadsheet.
#[must_use]
pub fn left_csv(page: &Page<'_>) -> String {
    let heads = match page.lang {
        Lang::En => ["Row", "Column", "Cell", "Reason", "Proposal"],
        Lang::De => ["Zeile", "Spalte", "Zelle", "Grund", "Vorschlag"],
    };
    let mut out = csv_line(heads);
    for left in &page.import.left {
        for reason in &left.reasons {
            let (row, text) = (left.row.to_string(), page.reason(reason));
            let proposal = reason.why.proposal.as_deref().unwrap_or_default();
            out += &csv_line([row.as_str(), &reason.column, &reason.content, &text, proposal]);
        }
    }
    out
}

/// For people.
pub fn human(page: &Page<'_>, files: &[PathBuf], out: &mut dyn Write) -> Result<()> {
    let import = page.import;
    let sheet = match import.sheet.as_str() {
        "" => String::new(),
        name => format!(", {} `{}`", page.word("sheet", "Blatt"), clean(name, 60)),
    };
    let row = page.word("headings in row", "Überschriften in Zeile");
    writeln!(out, "{}{sheet}, {row} {}\n", clean(&import.file, 200), import.columns.row)?;
    let mut columns: Vec<_> =
        import.columns.known.iter().map(|(column, (place, heading))| (place, heading, column)).collect();
    columns.sort();
    let width = columns.iter().map(|(_, heading, _)| clean(heading, SHOWN).chars().count()).max().unwrap_or(0);
    for (place, heading, column) in columns {
        writeln!(out, "  {:>3}  {:width$}  {column}", letters(*place), clean(heading, SHOWN))?;
    }
    if !import.notes.is_empty() {
        writeln!(out)?;
    }
    for note in &import.notes {
        writeln!(out, "  {} {}", page.word("note:", "Hinweis:"), clean(&page.words.text(note, page.lang), 400))?;
    }
    let (flows, left) = (import.flows.len(), import.left.len());
    match page.lang {
        Lang::En => writeln!(out, "\n{} rows: {flows} flows, {left} without a place", flows + left)?,
        Lang::De => writeln!(out, "\n{} Zeilen: {flows} Datenströme, {left} ohne Platz", flows + left)?,
    }
    human_left(page, out)?;
    human_needed(page, out)?;
    if !files.is_empty() {
        writeln!(out)?;
    }
    for file in files {
        writeln!(out, "{:>12} {}", page.word("Created", "Angelegt"), file.display())?;
    }
    Ok(())
}

fn human_left(page: &Page<'_>, out: &mut dyn Write) -> Result<()> {
    let reasons = || page.import.left.iter().flat_map(|left| left.reasons.iter().map(|reason| (left.row, reason)));
    let width = reasons().map(|(_, reason)| clean(&reason.content, SHOWN).chars().count()).max().unwrap_or(0);
    if !page.import.left.is_empty() {
        writeln!(out)?;
    }
    for (row, reason) in reasons() {
        let place = format!("{}{row}", reason.column);
        let near = match &reason.why.proposal {
            Some(near) => format!(" ({} `{near}`?)", page.word("perhaps", "vielleicht")),
            None => String::new(),
        };
        let (content, text) = (clean(&reason.content, SHOWN), clean(&page.reason(reason), 400));
        writeln!(out, "  {place:>6}  {content:width$}  {text}{near}")?;
    }
    Ok(())
}

fn human_needed(page: &Page<'_>, out: &mut dyn Write) -> Result<()> {
    if page.import.needed.is_empty() {
        return Ok(());
    }
    let title = page.word(
        "Names that the site must have (or read again with --site)",
        "Namen, die der Standort haben muss (oder noch einmal mit --site lesen)",
    );
    writeln!(out, "\n{title}\n")?;
    let width = page.import.needed.keys().map(|name| name.chars().count()).max().unwrap_or(0);
    for (name, needed) in &page.import.needed {
        let addresses: Vec<&str> = needed.addresses.iter().map(String::as_str).collect();
        let rows: Vec<String> = needed.rows.iter().map(ToString::to_string).collect();
        let rows = format!("{} {}", page.word("rows", "Zeilen"), rows.join(", "));
        writeln!(out, "  {name:width$}  {}  {}", clean(&rows, 60), clean(&addresses.join(", "), 80))?;
    }
    Ok(())
}

/// A text of the file on one line of a terminal: nothing in it moves the cursor or turns the text.
fn clean(text: &str, limit: usize) -> String {
    let inert = |c: char| if c.is_control() || crate::report::turns(c) { ' ' } else { c };
    let plain: String = text.chars().map(inert).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain.chars().count() <= limit { plain } else { plain.chars().take(limit - 1).chain(['…']).collect() }
}

/// For programs.
pub fn json(page: &Page<'_>, files: &[PathBuf], out: &mut dyn Write) -> Result<()> {
    let import = page.import;
    let columns: Map<String, Value> = import
        .columns
        .known
        .iter()
        .map(|(column, (place, heading))| (column.clone(), json!({ "column": letters(*place), "heading": heading })))
        .collect();
    let unread: Vec<Value> = import
        .columns
        .unread
        .iter()
        .map(|(place, heading)| json!({ "column": letters(*place), "heading": heading }))
        .collect();
    let flows: Vec<Value> = import.flows.iter().map(|flow| json!({ "row": flow.row, "flow": flow.name })).collect();
    let reason = |reason: &Reason| {
        json!({ "column": reason.column, "cell": reason.content, "reason": reason.why.said.key, "message": page.reason(reason),
            "proposal": reason.why.proposal })
    };
    let left: Vec<Value> = import
        .left
        .iter()
        .map(|left| json!({ "row": left.row, "reasons": left.reasons.iter().map(reason).collect::<Vec<_>>() }))
        .collect();
    let needed: Map<String, Value> = import
        .needed
        .iter()
        .map(|(name, needed)| (name.clone(), json!({ "rows": needed.rows, "addresses": needed.addresses })))
        .collect();
    let value = json!({
        "zonec": env!("CARGO_PKG_VERSION"),
        "file": import.file,
        "sheet": if import.sheet.is_empty() { Value::Null } else { json!(import.sheet) },
        "header": import.columns.row,
        "columns": columns,
        "unread": unread,
        "notes": import.notes.iter().map(|note| page.words.text(note, page.lang)).collect::<Vec<_>>(),
        "flows": flows,
        "left": left,
        "needed": needed,
        "files": files.iter().map(|file| file.display().to_string()).collect::<Vec<_>>(),
        "text": if files.is_empty() { json!(import.flow_file(page.words, page.lang)) } else { Value::Null },
    });
    writeln!(out, "{value:#}")
}
