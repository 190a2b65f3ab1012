//! `flows.csv`: the communication matrix for tools. RFC 4180: comma, every field quoted, CRLF, UTF-8 without a mark.

use super::escape::turns;
use super::facts::{Flow, Report};
use super::words::Words;

/// A field: quotes doubled, on one line, and never a formula.
struct Escaped(String);

impl Escaped {
    /// A spreadsheet runs what starts with `=`, `+`, `-` or `@`, also behind blanks; an apostrophe in front makes it text.
    fn of(text: &str) -> Self {
        let mut out = String::with_capacity(text.len() + 2);
        out.push('"');
        if text.trim_start().starts_with(['=', '+', '-', '@', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']) {
            out.push('\'');
        }
        for c in text.chars() {
            match c {
                '"' => out.push_str("\"\""),
                c if c.is_control() || turns(c) || matches!(c, '\u{2028}' | '\u{2029}') => out.push('\u{fffd}'),
                c => out.push(c),
            }
        }
        out.push('"');
        Self(out)
    }
}

/// Columns of the communication matrix: key of the heading, and the value. Shared with the workbook.
type Column = (&'static str, fn(&Flow) -> String);

/// The columns of the communication matrix.
pub(super) const COLUMNS: [Column; 18] = [
    ("number", |flow| flow.number.clone()),
    ("flow-id", |flow| flow.name.clone()),
    ("from-zone", |flow| flow.from.areas.clone()),
    ("from", |flow| flow.from.names.clone()),
    ("to-zone", |flow| flow.to.areas.clone()),
    ("to", |flow| flow.to.names.clone()),
    ("service", |flow| flow.service.clone()),
    ("protocol", |flow| flow.protocol.clone()),
    ("purpose", |flow| flow.purpose.clone()),
    ("owner", |flow| flow.owner.clone()),
    ("approval", |flow| flow.approval.reference.clone()),
    ("approved-by", |flow| flow.approval.by.clone()),
    ("approved-on", |flow| flow.approval.on.clone()),
    ("valid-from", |flow| flow.from_day.clone()),
    ("valid-until", |flow| flow.until_day.clone()),
    ("further", |flow| flow.further.clone()),
    ("enforced-by", |flow| flow.enforced.join(", ")),
    ("result", |flow| {
        let refs: Vec<&str> = flow.refs.iter().map(|link| link.id.as_str()).collect();
        let refs = refs.join(", ");
        if refs.is_empty() { flow.mark.word.clone() } else { format!("{}: {refs}", flow.mark.word) }
    }),
];

/// A line of CSV, every field escaped.
#[must_use]
pub fn line(fields: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    let fields: Vec<String> = fields.into_iter().map(|field| Escaped::of(field.as_ref()).0).collect();
    fields.join(",") + "\r\n"
}

/// Writes all flows.
pub(super) fn write(report: &Report, words: &Words) -> String {
    let mut out = line(COLUMNS.iter().map(|(key, _)| words.get(key)));
    for flow in &report.flows {
        out += &line(COLUMNS.iter().map(|(_, value)| value(flow)));
    }
    out
}
