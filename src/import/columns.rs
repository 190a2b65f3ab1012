//! Which column holds what: by its heading, or by the file for `--map`.

use super::sheet::{Flaw, Sheet, letters, place};
use super::words::{Words, fold_heading};
use super::{Mapping, Refusal, Said};
use std::collections::BTreeMap;

/// Rows among which the headings are looked for.
const SEARCHED: usize = 60;

/// Where the headings are and what they mean.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Columns {
    /// Row of the headings.
    pub row: u32,
    /// Column (`from`, `port`, …) → its place, from 0, and heading.
    pub known: BTreeMap<String, (u32, String)>,
    /// Headings that are not read, with their places.
    pub unread: Vec<(u32, String)>,
}

impl Columns {
    /// The place of a column.
    #[must_use]
    pub fn place(&self, column: &str) -> Option<u32> {
        self.known.get(column).map(|(place, _)| *place)
    }

    /// Whether there is enough for flows: both ends, and a service.
    #[must_use]
    pub fn is_enough(&self) -> bool {
        let has = |names: &[&str]| names.iter().any(|name| self.known.contains_key(*name));
        has(&["from", "from-address", "from-zone"])
            && has(&["to", "to-address", "to-zone"])
            && has(&["service", "port", "protocol"])
    }
}

/// Finds the headings of a sheet: the first row that has enough of them, or the row that the mapping names.
///
/// # Errors
/// The fullest row that is not enough; a column that two headings mean; a mapping that names what is not there.
pub(super) fn find(file: &str, sheet: &Sheet, words: &Words, mapping: &Mapping) -> Result<Columns, Refusal> {
    if let Some(column) = mapping.columns.keys().find(|column| !words.columns().any(|known| known == column.as_str())) {
        let known = words.columns().collect::<Vec<_>>().join(", ");
        return Err(Refusal(Said::new("map-column").arg("column", column).arg("known", known)));
    }
    let mut best: Option<Columns> = None;
    let mut misnamed = None;
    let searched: Vec<u32> = match mapping.header {
        Some(row) => vec![row],
        None => sheet.rows.keys().copied().take(SEARCHED).collect(),
    };
    for row in searched {
        let found = of_row(sheet, row, words, mapping);
        match found {
            Ok(columns) if columns.is_enough() => {
                // Headings in two rows: the lower one says more.
                let lower = of_row(sheet, row + 1, words, mapping).ok().filter(|_| mapping.header.is_none());
                let lower = lower.filter(|lower| lower.is_enough() && lower.known.len() >= columns.known.len());
                return Ok(lower.unwrap_or(columns));
            }
            // Two headings for one column are told only when the row is the one.
            Err(refusal) if mapping.header.is_some() || is_header(sheet, row, words) => return Err(refusal),
            Err(refusal) if refusal.0.key == "map-heading" => misnamed = misnamed.or(Some(refusal)),
            Ok(columns) if best.as_ref().is_none_or(|best| best.known.len() < columns.known.len()) => {
                best = Some(columns);
            }
            _ => {}
        }
    }
    if let (None, Some(refusal)) = (&best, misnamed) {
        return Err(refusal);
    }
    let best = best.unwrap_or_default();
    let headings: Vec<&str> = best.known.values().map(|(_, heading)| heading.as_str()).collect();
    let found = if headings.is_empty() { "–".to_owned() } else { headings.join(", ") };
    Err(Refusal(Said::new("no-header").arg("file", file).arg("row", best.row).arg("found", found)))
}

/// Whether a row means both ends, whatever else.
fn is_header(sheet: &Sheet, row: u32, words: &Words) -> bool {
    let meant: Vec<&str> = headings(sheet, row)
        .iter()
        .filter_map(|(_, ways)| ways.iter().find_map(|heading| words.column(heading)))
        .collect();
    ["from", "to"].iter().all(|side| meant.iter().any(|column| column.starts_with(side)))
}

/// The headings of a row: place, and the ways to read each, the most particular first.
fn headings(sheet: &Sheet, row: u32) -> Vec<(u32, Vec<String>)> {
    let Some(cells) = sheet.rows.get(&row) else { return Vec::new() };
    let above = |column: u32| sheet.text(row.saturating_sub(1), column);
    let mut places: Vec<u32> = cells.keys().copied().collect();
    if let Some(upper) = sheet.rows.get(&row.saturating_sub(1)) {
        places.extend(upper.keys().copied());
    }
    places.sort_unstable();
    places.dedup();
    let read = |column: u32| {
        let (group, own) = (above(column), if is_spread(sheet, row, column) { "" } else { sheet.text(row, column) });
        // What stands behind a bracket explains: "Quelle (Hostname laut CMDB)".
        let short = own.split('(').next().unwrap_or_default();
        let group = if group == own { "" } else { group };
        let ways = match (group.is_empty(), own.is_empty()) {
            (_, true) => vec![group.to_owned()],
            (true, false) => vec![own.to_owned(), short.to_owned()],
            (false, false) => {
                vec![format!("{group} {own}"), own.to_owned(), format!("{group} {short}"), short.to_owned()]
            }
        };
        (column, ways)
    };
    places.into_iter().map(read).collect()
}

/// Whether a cell only carries on a heading that is merged over several columns.
fn is_spread(sheet: &Sheet, row: u32, column: u32) -> bool {
    let anchor = match sheet.cell(row, column).and_then(|cell| cell.flaw.as_ref()) {
        Some(Flaw::Merged(anchor)) => place(anchor),
        _ => None,
    };
    anchor.is_some_and(|(first, _)| first != column)
}

fn of_row(sheet: &Sheet, row: u32, words: &Words, mapping: &Mapping) -> Result<Columns, Refusal> {
    let mut columns = Columns { row, ..Columns::default() };
    let headings = headings(sheet, row);
    for (column, wanted) in &mapping.columns {
        let folded = fold_heading(wanted);
        let named = headings.iter().find(|(_, ways)| ways.iter().any(|heading| fold_heading(heading) == folded));
        let lettered = headings.iter().find(|(place, _)| letters(*place) == *wanted);
        let (place, ways) = named
            .or(lettered)
            .ok_or_else(|| Refusal(Said::new("map-heading").arg("column", column).arg("heading", wanted)))?;
        columns.known.insert(column.clone(), (*place, shown(ways)));
    }
    let taken: Vec<u32> = columns.known.values().map(|(place, _)| *place).collect();
    for (place, ways) in headings.iter().filter(|(place, _)| !taken.contains(place)) {
        let own = sheet.cell(row, *place);
        if own.is_none() && ways.iter().all(|heading| words.column(heading).is_none()) {
            continue;
        }
        match ways.iter().find_map(|heading| words.column(heading)) {
            Some(column) if mapping.columns.contains_key(column) => columns.unread.push((*place, shown(ways))),
            Some(column) => {
                if let Some((other, _)) = columns.known.insert(column.to_owned(), (*place, shown(ways))) {
                    let said = Said::new("column-twice").arg("one", letters(other)).arg("two", letters(*place));
                    return Err(Refusal(said.arg("column", column)));
                }
            }
            None if !ways.iter().any(|heading| words.is_unread(heading)) => columns.unread.push((*place, shown(ways))),
            None => {}
        }
    }
    Ok(columns)
}

fn shown(ways: &[String]) -> String {
    let text = ways.first().map_or("", String::as_str);
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
