//! A table as the import sees it, whatever file it comes from.

use std::collections::BTreeMap;

/// What a cell is beside its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Flaw {
    /// A formula whose value is not stored.
    Formula,
    /// An error such as `#REF!`.
    Error,
    /// Struck through, in whole or in part.
    Struck,
    /// Merged with the cell that holds the text: `B4`.
    Merged(String),
}

/// A cell that holds something.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cell {
    /// Its text as shown.
    pub text: String,
    /// What keeps it from being taken as it is.
    pub flaw: Option<Flaw>,
}

/// A sheet: filled cells by row (from 1, as spreadsheets count) and column (from 0).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sheet {
    /// Its name; empty for CSV.
    pub name: String,
    /// Whether it is hidden.
    pub hidden: bool,
    /// The cells.
    pub rows: BTreeMap<u32, BTreeMap<u32, Cell>>,
    /// Rows that are hidden and hold something.
    pub hidden_rows: Vec<u32>,
    /// Cells that have a comment.
    pub comments: Vec<String>,
}

impl Sheet {
    /// The cell at a place.
    #[must_use]
    pub fn cell(&self, row: u32, column: u32) -> Option<&Cell> {
        self.rows.get(&row)?.get(&column)
    }

    /// The text at a place; empty where there is none.
    #[must_use]
    pub fn text(&self, row: u32, column: u32) -> &str {
        self.cell(row, column).map_or("", |cell| cell.text.trim())
    }
}

/// What a file may cost to read. A matrix of 100 000 rows stays far below; a bomb is refused early.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of the file, and of each part of a workbook when unpacked.
    pub bytes: u64,
    /// Bytes of all parts of a workbook together.
    pub unpacked: u64,
    /// XML nodes of a part.
    pub nodes: u32,
    /// Sheets.
    pub sheets: usize,
    /// Columns.
    pub columns: u32,
    /// Filled cells of a sheet.
    pub cells: usize,
}

impl Default for Limits {
    fn default() -> Self {
        let bytes = 64 << 20;
        Self { bytes, unpacked: 2 * bytes, nodes: 4_000_000, sheets: 200, columns: 1_024, cells: 2_000_000 }
    }
}

/// `A`, `B`, … `AA` for a column counted from 0.
#[must_use]
pub fn letters(column: u32) -> String {
    let mut rest = column + 1;
    let mut out = Vec::new();
    while rest > 0 {
        let digit = (rest - 1) % 26;
        out.push(char::from(b'A' + u8::try_from(digit).unwrap_or(0)));
        rest = (rest - 1) / 26;
    }
    out.iter().rev().collect()
}

/// Column (from 0) and row (from 1) of a reference such as `B12`.
#[must_use]
pub fn place(reference: &str) -> Option<(u32, u32)> {
    let text = reference.replace('$', "");
    let split = text.find(|c: char| c.is_ascii_digit())?;
    let (letters, digits) = text.split_at_checked(split)?;
    if letters.is_empty() || letters.len() > 3 || !letters.bytes().all(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let column = letters.bytes().fold(0u32, |sum, b| sum * 26 + u32::from(b - b'A') + 1);
    Some((column - 1, digits.parse().ok().filter(|row| *row > 0)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_have_letters() {
        for (column, name) in [(0, "A"), (25, "Z"), (26, "AA"), (701, "ZZ"), (702, "AAA"), (16_383, "XFD")] {
            assert_eq!(letters(column), name);
            assert_eq!(place(&format!("{name}7")), Some((column, 7)));
        }
        assert_eq!([place("7"), place("A0"), place("A"), place("aB3")], [None; 4]);
    }
}
