//! `report.md`: the report for reading in a repository.

use super::escape::{Escaped, Format, turns};
use super::facts::Report;
use super::words::Words;

/// Markdown: nothing in a text can start markup, end a table cell or a line.
#[derive(Clone, Copy, Debug)]
pub struct Markdown;

impl Format for Markdown {
    fn escape(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        let mut rest = text.chars().peekable();
        while let Some(c) = rest.next() {
            match c {
                // What starts a list at the beginning of an item.
                '-' | '+' | '=' if out.is_empty() => {
                    out.push('\\');
                    out.push(c);
                }
                '.' | ')' if out.chars().all(|c| c.is_ascii_digit()) => {
                    out.push('\\');
                    out.push(c);
                }
                '\\' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' | '`' | '{' | '}' | '$' => {
                    out.push('\\');
                    out.push(c);
                }
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '&' => out.push_str("&amp;"),
                // A bare address would become a link.
                ':' if rest.peek() == Some(&'/') => out.push_str("&#58;"),
                '.' if out.ends_with("www") => out.push_str("&#46;"),
                '@' => out.push_str("&#64;"),
                c if c.is_control() || turns(c) || matches!(c, '\u{2028}' | '\u{2029}') => out.push('\u{fffd}'),
                c => out.push(c),
            }
        }
        out
    }
}

/// Writes the report.
///
/// # Errors
/// The template engine's words.
pub(super) fn write(report: &Report, words: &Words) -> Result<String, String> {
    Escaped::of(Markdown, report)?.with_words(words)?.render(include_str!("../../targets/report/report.md.j2"))
}
