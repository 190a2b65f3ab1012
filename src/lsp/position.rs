//! Bytes of a text ↔ positions of the protocol: lines from 0, columns in UTF-16 code units (LSP 3.17, "Position").

use lsp_types::{Position, Range};

/// The line starts of a text. Lines end at `\n`, `\r\n` or `\r`, as the protocol has it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lines {
    starts: Vec<u32>,
}

impl Lines {
    /// Finds the lines of a text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        Self { starts: std::iter::once(0).chain(ends.map(|(at, _)| at as u32 + 1)).collect() }
    }

    /// The position of a byte; of a byte inside a character, that of the character.
    #[must_use]
    pub fn position(&self, text: &str, byte: usize) -> Position {
        let line = self.starts.partition_point(|start| *start as usize <= byte).saturating_sub(1);
        let start = self.starts.get(line).map_or(0, |start| *start as usize);
        let mut end = byte.min(text.len());
        while !text.is_char_boundary(end) {
            end -= 1;
        }
        let column: usize = text.get(start..end).unwrap_or("").chars().map(char::len_utf16).sum();
        Position { line: line as u32, character: column as u32 }
    }

    /// The range of some bytes.
    #[must_use]
    pub fn range(&self, text: &str, bytes: std::ops::Range<usize>) -> Range {
        Range { start: self.position(text, bytes.start), end: self.position(text, bytes.end) }
    }

    /// The byte at a position. Beyond the end of a line it is the end of the line, beyond the last line the end of the text;
    /// a column inside a surrogate pair is the start of the character.
    #[must_use]
    pub fn byte(&self, text: &str, position: Position) -> usize {
        let line = position.line as usize;
        let Some(start) = self.starts.get(line).map(|start| *start as usize) else { return text.len() };
        let end = self.starts.get(line + 1).map_or(text.len(), |next| *next as usize);
        let content = text.get(start..end).unwrap_or("");
        let content = content.strip_suffix('\n').unwrap_or(content);
        let content = content.strip_suffix('\r').unwrap_or(content);
        let (mut column, mut at) = (0, start);
        for c in content.chars() {
            column += c.len_utf16();
            if column > position.character as usize {
                break;
            }
            at += c.len_utf8();
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(line: u32, character: u32) -> Position {
        Position { line, character }
    }

    #[test]
    fn umlauts_count_one_and_emoji_two() {
        let text = "größe: 🏛x\nb: ü\n";
        let lines = Lines::new(text);
        let byte = |needle: &str| text.find(needle).unwrap_or_default();
        assert_eq!(lines.position(text, byte("🏛")), position(0, 7));
        assert_eq!(lines.position(text, byte("x")), position(0, 9));
        assert_eq!(lines.position(text, byte("ü\n")), position(1, 3));
        assert_eq!(lines.byte(text, position(0, 9)), byte("x"));
        // Inside the surrogate pair: the character.
        assert_eq!(lines.byte(text, position(0, 8)), byte("🏛"));
    }

    #[test]
    fn every_line_ending_ends_a_line_and_columns_stop_before_it() {
        let text = "a\r\nbb\rc\nd";
        let lines = Lines::new(text);
        assert_eq!(lines.position(text, 3), position(1, 0));
        assert_eq!(lines.position(text, 6), position(2, 0));
        assert_eq!(lines.byte(text, position(0, 99)), 1);
        assert_eq!(lines.byte(text, position(1, 99)), 5);
        assert_eq!(lines.byte(text, position(3, 1)), 9);
        assert_eq!(lines.byte(text, position(7, 0)), text.len());
    }

    #[test]
    fn every_character_is_found_again() {
        let text = "zonec: 1\r\n# Grüße 🏛️ 👩‍💻\nä: [ö, ß]\n";
        let lines = Lines::new(text);
        for (at, _) in text.char_indices().filter(|(_, c)| !matches!(c, '\r' | '\n')) {
            assert_eq!(lines.byte(text, lines.position(text, at)), at);
        }
    }
}
