//! A communication matrix (workbook or CSV) → flows of the zone language.
//!
//! Every row that holds something ends in exactly one of two places: a flow, or the list of rows that have no place yet, with
//! the cell and the reason. Nothing is guessed: no protocol, no name, no end, never "any". What the cells said beyond the
//! flow stays beside it as a comment.

mod addresses;
mod atoms;
mod columns;
mod csv;
mod ends;
mod rows;
mod services;
pub mod sheet;
#[cfg(feature = "xlsx")]
mod styles;
mod words;
mod write;
#[cfg(feature = "xlsx")]
mod xlsx;

pub use columns::Columns;
pub use words::Words;

use crate::model::{Blueprint, Site};
use crate::syntax::decode::Scalar;
use crate::syntax::scalars::Ref;
use serde::Deserialize;
use sheet::{Limits, Sheet};
use std::collections::{BTreeMap, BTreeSet};

/// A message: its key in `zones/import.yaml` and what is filled in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Said {
    /// The key.
    pub key: &'static str,
    /// Values of the placeholders.
    pub args: Vec<(&'static str, String)>,
}

impl Said {
    fn new(key: &'static str) -> Self {
        Self { key, args: Vec::new() }
    }

    fn arg(mut self, name: &'static str, value: impl ToString) -> Self {
        self.args.push((name, value.to_string()));
        self
    }
}

/// Why a file is no matrix.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refusal(pub Said);

impl Refusal {
    fn too_large(file: &str, limit: impl ToString, what: &str) -> Self {
        Self(Said::new("too-large").arg("file", file).arg("limit", limit).arg("what", what))
    }
}

/// The file for `--map`: where a matrix differs from what the import knows.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mapping {
    /// The sheet.
    pub sheet: Option<String>,
    /// Row of the headings.
    pub header: Option<u32>,
    /// Column → its heading, or its letter.
    pub columns: BTreeMap<String, String>,
    /// Text or address in a cell → name; for flows, text of the id → name.
    pub names: BTreeMap<String, String>,
    /// Text in a cell → service.
    pub services: BTreeMap<String, String>,
}

/// What is imported, and what is known beside it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Name of the file, for messages.
    pub file: &'a str,
    /// Its bytes.
    pub bytes: &'a [u8],
    /// The sheet to read.
    pub sheet: Option<&'a str>,
    /// What the file for `--map` says.
    pub mapping: &'a Mapping,
    /// The site that the names belong to.
    pub site: Option<&'a Site>,
    /// Its services; the built-in ones.
    pub blueprint: &'a Blueprint,
    /// What reading may cost.
    pub limits: Limits,
}

/// A reason, perhaps with a better text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Why {
    /// The reason.
    pub said: Said,
    /// A better text: a near name, a valid one.
    pub proposal: Option<String>,
    /// The text that the proposal names, when a file for `--map` can say so.
    pub named: Option<String>,
}

impl Why {
    fn new(said: Said) -> Self {
        Self { said, proposal: None, named: None }
    }

    fn near(mut self, proposal: Option<String>) -> Self {
        self.proposal = proposal;
        self
    }

    fn offer(mut self, text: Option<impl ToString>, proposal: Option<String>) -> Self {
        self.named = text.map(|text| text.to_string());
        self.proposal = proposal;
        self
    }
}

/// A reason with its cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Reason {
    /// Letter of the column; empty for the row as a whole.
    pub column: String,
    /// What the cell says.
    pub content: String,
    /// Why.
    pub why: Box<Why>,
}

/// A row that became a flow.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Placed {
    /// Its row.
    pub row: u32,
    /// Name of the flow.
    pub name: String,
    /// What stays beside it as a comment.
    pub remarks: Vec<Said>,
    /// Keys and values, as YAML.
    pub pairs: Vec<(String, String)>,
}

/// A row without a place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Left {
    /// The row.
    pub row: u32,
    /// Why, cell by cell; never empty.
    pub reasons: Vec<Reason>,
}

/// A name that a site must have, for a matrix that was read without one.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Needed {
    /// Rows that name it.
    pub rows: BTreeSet<u32>,
    /// Addresses that stand beside it.
    pub addresses: BTreeSet<String>,
}

/// An imported matrix.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Import {
    /// The file.
    pub file: String,
    /// The sheet; empty for CSV.
    pub sheet: String,
    /// The columns.
    pub columns: Columns,
    /// What was noticed: encoding, hidden rows, what is not read.
    pub notes: Vec<Said>,
    /// Rows that became flows, in their order.
    pub flows: Vec<Placed>,
    /// Rows without a place, in their order.
    pub left: Vec<Left>,
    /// Names that the site must have; empty when one was given.
    pub needed: BTreeMap<String, Needed>,
}

/// Reads a matrix.
///
/// # Errors
/// A file that is no matrix: of another kind, too large, damaged, without the headings that are needed.
pub fn import(request: &Request<'_>, words: &Words) -> Result<Import, Refusal> {
    let mapping = request.mapping;
    if let Some((text, name)) = mapping.names.iter().find(|(_, name)| Ref::parse(name).is_err()) {
        return Err(Refusal(Said::new("map-name").arg("text", text).arg("name", name)));
    }
    if request.bytes.len() as u64 > request.limits.bytes {
        return Err(Refusal::too_large(request.file, request.limits.bytes, "bytes"));
    }
    let (sheet, columns, mut notes) = table(request, words)?;
    notes.extend(noticed(&sheet, &columns));
    let mut import =
        Import { file: request.file.to_owned(), sheet: sheet.name.clone(), columns, notes, ..Import::default() };
    rows::read(&sheet, request, words, &mut import);
    Ok(import)
}

/// The sheet with the matrix, its columns, and what was noticed on the way.
fn table(request: &Request<'_>, words: &Words) -> Result<(Sheet, Columns, Vec<Said>), Refusal> {
    let (file, bytes) = (request.file, request.bytes);
    if bytes.starts_with(&[0xd0, 0xcf, 0x11, 0xe0]) {
        return Err(Refusal(Said::new("old-workbook").arg("file", file)));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return workbook(request, words);
    }
    let decoded = csv::decode(bytes).ok_or_else(|| Refusal(Said::new("not-a-table").arg("file", file)))?;
    let (hint, text) = csv::hint(&decoded.text);
    let candidates = hint.map_or_else(|| csv::SEPARATORS.to_vec(), |separator| vec![separator]);
    let mut best: Option<(Sheet, Columns, char)> = None;
    let mut refused = None;
    for separator in candidates {
        let found = csv::sheet(file, text, separator, &request.limits);
        let found =
            found.and_then(|sheet| columns::find(file, &sheet, words, request.mapping).map(|columns| (sheet, columns)));
        match found {
            Ok((sheet, columns)) => {
                if best.as_ref().is_none_or(|(_, other, _)| other.known.len() < columns.known.len()) {
                    best = Some((sheet, columns, separator));
                }
            }
            // The separator that found something of the headings tells best what is missing.
            Err(refusal) => {
                let better =
                    |old: &Refusal| old.0.key == "no-header" && old.0.args.iter().any(|(_, value)| value == "–");
                if refused.as_ref().is_none_or(better) {
                    refused = Some(refusal);
                }
            }
        }
    }
    let Some((sheet, columns, separator)) = best else {
        return Err(refused.unwrap_or_else(|| Refusal(Said::new("not-a-table").arg("file", file))));
    };
    let shown = if separator == '\t' { "TAB".to_owned() } else { format!("`{separator}`") };
    let said = if decoded.assumed { Said::new("assumed") } else { Said::new("encoding") };
    Ok((sheet, columns, vec![said.arg("encoding", decoded.encoding).arg("separator", shown)]))
}

#[cfg(not(feature = "xlsx"))]
fn workbook(request: &Request<'_>, _: &Words) -> Result<(Sheet, Columns, Vec<Said>), Refusal> {
    Err(Refusal(Said::new("no-workbooks").arg("file", request.file)))
}

#[cfg(feature = "xlsx")]
fn workbook(request: &Request<'_>, words: &Words) -> Result<(Sheet, Columns, Vec<Said>), Refusal> {
    let file = request.file;
    let list = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let sheets = xlsx::sheets(file, request.bytes, &request.limits)?;
    let names: Vec<&str> = sheets.iter().map(|sheet| sheet.name.as_str()).collect();
    let read = |sheet: &Sheet| columns::find(file, sheet, words, request.mapping);
    let mut notes = Vec::new();
    let chosen = match request.sheet.or(request.mapping.sheet.as_deref()) {
        Some(wanted) => {
            let found = sheets.iter().position(|sheet| sheet.name == wanted);
            let said = Said::new("no-sheet").arg("file", file).arg("sheet", wanted);
            let index = found.ok_or_else(|| Refusal(said.arg("known", list(&names))))?;
            let sheet = sheets.get(index).ok_or_else(|| Refusal(Said::new("not-a-table").arg("file", file)))?;
            (sheet.clone(), read(sheet)?)
        }
        None => {
            let visible: Vec<&Sheet> = sheets.iter().filter(|sheet| !sheet.hidden).collect();
            let fit: Vec<(&Sheet, Columns)> =
                visible.iter().filter_map(|sheet| Some((*sheet, read(sheet).ok()?))).collect();
            match fit.as_slice() {
                [(sheet, columns)] => ((*sheet).clone(), columns.clone()),
                [] => {
                    let first = visible.iter().find(|sheet| !sheet.rows.is_empty()).or(visible.first());
                    let refusal = first.and_then(|sheet| read(sheet).err());
                    return Err(refusal.unwrap_or_else(|| Refusal(Said::new("not-a-table").arg("file", file))));
                }
                several => {
                    let known: Vec<&str> = several.iter().map(|(sheet, _)| sheet.name.as_str()).collect();
                    return Err(Refusal(Said::new("several-sheets").arg("known", list(&known))));
                }
            }
        }
    };
    let others = |hidden: bool| -> Vec<&str> {
        let others = sheets.iter().filter(|sheet| sheet.name != chosen.0.name && sheet.hidden == hidden);
        others.filter(|sheet| !sheet.rows.is_empty()).map(|sheet| sheet.name.as_str()).collect()
    };
    if !others(false).is_empty() {
        notes.push(Said::new("other-sheets").arg("sheets", list(&others(false))));
    }
    if !others(true).is_empty() {
        notes.push(Said::new("hidden-sheets").arg("sheets", list(&others(true))));
    }
    Ok((chosen.0, chosen.1, notes))
}

/// What of a sheet is not read, or read although nobody sees it.
fn noticed(sheet: &Sheet, columns: &Columns) -> Vec<Said> {
    let mut notes = Vec::new();
    let hidden: Vec<String> =
        sheet.hidden_rows.iter().filter(|row| **row > columns.row).map(ToString::to_string).collect();
    if !hidden.is_empty() {
        notes.push(Said::new("hidden-rows").arg("rows", hidden.join(", ")));
    }
    let above = sheet.rows.range(..columns.row.saturating_sub(1)).count();
    if above > 0 {
        notes.push(Said::new("above").arg("count", above));
    }
    if !columns.unread.is_empty() {
        let unread = columns.unread.iter().map(|(place, heading)| format!("{} `{heading}`", sheet::letters(*place)));
        notes.push(Said::new("unread-columns").arg("columns", unread.collect::<Vec<_>>().join(", ")));
    }
    if !sheet.comments.is_empty() {
        notes.push(Said::new("comments").arg("cells", sheet.comments.join(", ")));
    }
    notes
}
