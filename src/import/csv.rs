//! CSV → sheet: RFC 4180 and what spreadsheets make of it.

use super::sheet::{Cell, Limits, Sheet};
use super::{Refusal, Said};

/// Separators that are tried, most usual first.
pub(super) const SEPARATORS: [char; 4] = [';', ',', '\t', '|'];

/// A text and the encoding it was read as.
pub(super) struct Decoded {
    pub text: String,
    pub encoding: &'static str,
    /// Whether nothing but the absence of another explanation speaks for the encoding.
    pub assumed: bool,
}

/// Bytes → text: by its mark, as UTF-8 when it is, else as Windows-1252.
pub(super) fn decode(bytes: &[u8]) -> Option<Decoded> {
    let sure = |text, encoding| Some(Decoded { text, encoding, assumed: false });
    if let Some(rest) = bytes.strip_prefix(b"\xff\xfe") {
        return sure(utf16(rest, u16::from_le_bytes)?, "UTF-16");
    }
    if let Some(rest) = bytes.strip_prefix(b"\xfe\xff") {
        return sure(utf16(rest, u16::from_be_bytes)?, "UTF-16");
    }
    if bytes.contains(&0) {
        return None;
    }
    let rest = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    match std::str::from_utf8(rest) {
        Ok(text) => sure(text.to_owned(), "UTF-8"),
        Err(_) => {
            let text = bytes.iter().map(|byte| windows_1252(*byte)).collect();
            Some(Decoded { text, encoding: "Windows-1252", assumed: true })
        }
    }
}

fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    if !bytes.len().is_multiple_of(2) {
        return None;
    }
    let units = bytes.chunks_exact(2).filter_map(|pair| Some(unit([*pair.first()?, *pair.get(1)?])));
    char::decode_utf16(units).collect::<Result<String, _>>().ok()
}

/// The character of a byte in Windows-1252; the five bytes it leaves undefined become U+FFFD.
fn windows_1252(byte: u8) -> char {
    const HIGH: &str = "€\u{fffd}‚ƒ„…†‡ˆ‰Š‹Œ\u{fffd}Ž\u{fffd}\u{fffd}‘’“”•–—˜™š›œ\u{fffd}žŸ";
    match byte {
        0x80..=0x9f => HIGH.chars().nth(usize::from(byte - 0x80)).unwrap_or('\u{fffd}'),
        _ => char::from(byte),
    }
}

/// The separator that a first line `sep=;` names, and the text behind that line.
pub(super) fn hint(text: &str) -> (Option<char>, &str) {
    let (first, rest) = text.split_once('\n').unwrap_or((text, ""));
    let named = first.trim_end_matches('\r').strip_prefix("sep=").or_else(|| first.strip_prefix("SEP="));
    match named.and_then(|named| named.chars().next()) {
        Some(separator) => (Some(separator), rest),
        None => (None, text),
    }
}

/// The cells of a text.
///
/// # Errors
/// A quote that never closes, which would swallow rows; more than the limits allow.
pub(super) fn sheet(file: &str, text: &str, separator: char, limits: &Limits) -> Result<Sheet, Refusal> {
    let mut reader =
        Reader { file, limits, sheet: Sheet::default(), cells: 0, row: 1, column: 0, field: String::new() };
    let mut chars = text.chars().peekable();
    let mut quote: Option<u32> = None;
    while let Some(c) = chars.next() {
        match c {
            '"' if quote.is_some() && chars.peek() == Some(&'"') => {
                chars.next();
                reader.field.push('"');
            }
            '"' if quote.is_some() => quote = None,
            _ if quote.is_some() => reader.field.push(c),
            '"' if reader.field.is_empty() => quote = Some(reader.row),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' | '\r' => reader.end_row()?,
            c if c == separator => reader.end_field()?,
            c => reader.field.push(c),
        }
    }
    if let Some(row) = quote {
        return Err(Refusal(Said::new("open-quote").arg("file", file).arg("row", row)));
    }
    reader.end_row()?;
    Ok(reader.sheet)
}

struct Reader<'a> {
    file: &'a str,
    limits: &'a Limits,
    sheet: Sheet,
    cells: usize,
    row: u32,
    column: u32,
    field: String,
}

impl Reader<'_> {
    fn end_field(&mut self) -> Result<(), Refusal> {
        let field = std::mem::take(&mut self.field);
        if !field.trim().is_empty() {
            self.cells += 1;
            if self.cells > self.limits.cells {
                return Err(Refusal::too_large(self.file, self.limits.cells, "cells"));
            }
            let text = unguarded(&field).to_owned();
            self.sheet.rows.entry(self.row).or_default().insert(self.column, Cell { text, flaw: None });
        }
        self.column += 1;
        if self.column > self.limits.columns {
            return Err(Refusal::too_large(self.file, self.limits.columns as usize, "columns"));
        }
        Ok(())
    }

    fn end_row(&mut self) -> Result<(), Refusal> {
        self.end_field()?;
        self.row += 1;
        self.column = 0;
        Ok(())
    }
}

/// A field without the apostrophe that keeps a spreadsheet from running it (our own export writes one).
fn unguarded(field: &str) -> &str {
    match field.strip_prefix('\'') {
        Some(rest) if rest.trim_start().starts_with(['=', '+', '-', '@', '＝', '＋', '－', '＠']) => rest,
        _ => field,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn rows(text: &str, separator: char) -> Vec<Vec<String>> {
        let sheet = sheet("t.csv", text, separator, &Limits::default()).unwrap();
        sheet.rows.values().map(|row| row.values().map(|cell| cell.text.clone()).collect()).collect()
    }

    #[test]
    fn quotes_breaks_and_separators_are_read() {
        assert_eq!(rows("a;\"b;\"\"c\"\"\nd\";e\r\n\r\nf;;g", ';'), [vec!["a", "b;\"c\"\nd", "e"], vec!["f", "g"]]);
        assert_eq!(rows("a\tb", '\t'), [["a", "b"]]);
        assert_eq!(rows("'=1+1,'x", ','), [["=1+1", "'x"]]);
        assert_eq!(hint("sep=;\r\na;b"), (Some(';'), "a;b"));
    }

    #[test]
    fn rows_are_counted_as_a_spreadsheet_does() {
        let sheet = sheet("t.csv", "a\n\n\"b\nb\"\nc\n", ';', &Limits::default()).unwrap();
        assert_eq!(sheet.rows.keys().copied().collect::<Vec<_>>(), [1, 3, 4]);
    }

    #[test]
    fn an_open_quote_is_refused() {
        let error = sheet("t.csv", "a;b\n\"c;d\ne;f\n", ';', &Limits::default()).unwrap_err();
        assert_eq!((error.0.key, error.0.args[1].1.as_str()), ("open-quote", "2"));
    }

    #[test]
    fn encodings_are_told_apart() {
        let read = |bytes: &[u8]| decode(bytes).map(|decoded| (decoded.text, decoded.encoding, decoded.assumed));
        let own = |text: &str, encoding, assumed| Some((text.to_owned(), encoding, assumed));
        assert_eq!(read("Größe".as_bytes()), own("Größe", "UTF-8", false));
        assert_eq!(read(b"\xef\xbb\xbfa"), own("a", "UTF-8", false));
        assert_eq!(read(b"Gr\xf6\xdfe \x80 \x84x\x93"), own("Größe € „x“", "Windows-1252", true));
        assert_eq!(read(b"\xff\xfea\x00\xe4\x00"), own("aä", "UTF-16", false));
        assert_eq!(read(b"a\x00b"), None);
    }
}
