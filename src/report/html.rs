//! `index.html`: one file, nothing from outside, readable without script. Style and script are allowed by their hashes only.

use super::escape::{Escaped, Format, turns};
use super::facts::Report;
use super::words::Words;
use serde_json::json;
use sha2::{Digest, Sha256};

const TEMPLATE: &str = include_str!("../../targets/report/report.html.j2");
const STYLE: &str = include_str!("../../targets/report/report.css");
const SCRIPT: &str = include_str!("../../targets/report/report.js");

/// Rows of one table. Longer lists are cut into several tables, so that the browser lays out only what is seen.
const CHUNK: usize = 100;

/// HTML: text and attribute values.
#[derive(Clone, Copy, Debug)]
pub struct Html;

impl Format for Html {
    fn escape(&self, text: &str) -> String {
        let mut out = String::with_capacity(text.len() + 16);
        for c in text.chars() {
            match c {
                '&' => out.push_str("&amp;"),
                '<' => out.push_str("&lt;"),
                '>' => out.push_str("&gt;"),
                '"' => out.push_str("&quot;"),
                '\'' => out.push_str("&#39;"),
                '\u{FFFE}' | '\u{FFFF}' => out.push('\u{FFFD}'),
                c if c.is_control() || turns(c) => out.push('\u{FFFD}'),
                c => out.push(c),
            }
        }
        out
    }

    /// Pairs of backticks become `<code>`; a single one stays. The text is escaped already, so the tags are the only ones.
    fn code(escaped: &str) -> String {
        let parts: Vec<&str> = escaped.split('`').collect();
        let pairs = (parts.len() - 1) / 2;
        let mut out = String::with_capacity(escaped.len() + 13 * pairs);
        for (place, part) in parts.iter().enumerate() {
            match place {
                0 => {}
                _ if place > 2 * pairs => out.push('`'),
                _ => out.push_str(if place % 2 == 1 { "<code>" } else { "</code>" }),
            }
            out.push_str(part);
        }
        out
    }
}

/// Writes the page around the picture.
///
/// # Errors
/// The template engine's words.
pub(super) fn write(report: &Report, words: &Words, picture: &str) -> Result<String, String> {
    let footer = format!("{} · {} · zonec {}", report.head.title, report.head.as_of, report.head.version);
    let style = format!("{STYLE}{}{}", crate::targets::diagram::dark_style(), page(&footer, words));
    let counts = json!({
        "violations": report.figures.first().map(|figure| figure.figure.clone()),
        "findings": report.findings.len() + report.more_findings.len(),
        "chunk": CHUNK,
    });
    Escaped::of(Html, report)?
        .with_words(words)?
        .with_data("counts", counts)
        .with_trusted("style_hash", hash(&style))
        .with_trusted("script_hash", hash(SCRIPT))
        .with_trusted("style", style)
        .with_trusted("script", SCRIPT.to_owned())
        .with_trusted("picture", picture.to_owned())
        .render(TEMPLATE)
}

/// The running footer of printed pages.
fn page(footer: &str, words: &Words) -> String {
    let font = "font:8pt Arial,sans-serif;color:#42566a";
    let text = |text: &str| format!("\"{}\"", css(text));
    let place = words.fill("page-of", &[("page", "\u{1}".to_owned()), ("pages", "\u{2}".to_owned())]);
    let counter =
        |place: &str| text(place).replace("\\1 ", "\" counter(page) \"").replace("\\2 ", "\" counter(pages) \"");
    format!(
        "@page{{size:A4;margin:17mm 15mm 18mm;@bottom-left{{content:{};{font}}}@bottom-right{{content:{};{font}}}}}\n",
        text(footer),
        counter(&place)
    )
}

/// A text in a CSS string: everything but letters, digits and a few signs by its number.
fn css(text: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | '-' | '·');
    let mut out = String::new();
    for c in text.chars() {
        if plain(c) {
            out.push(c);
        } else {
            out.push_str(&format!("\\{:x} ", u32::from(c)));
        }
    }
    out
}

/// The hash by which a policy allows a piece of style or script.
fn hash(text: &str) -> String {
    format!("sha256-{}", base64(&Sha256::digest(text.as_bytes())))
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let digit = (bits >> (18 - 6 * place)) & 63;
            let c = DIGITS.get(digit as usize).copied().map_or('=', char::from);
            out.push(if place <= group.len() { c } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_follows_rfc_4648() {
        for (bytes, text) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn backticks_become_code_in_pairs() {
        for (text, wanted) in [("a", "a"), ("`a`", "<code>a</code>"), ("`a` `b", "<code>a</code> `b"), ("`", "`")] {
            assert_eq!(Html::code(text), wanted);
        }
    }

    #[test]
    fn a_footer_stays_in_its_string() {
        assert_eq!(css("a\"}</style>"), "a\\22 \\7d \\3c \\2f style\\3e ");
    }
}
