//! An open document, as the client edits it.

use super::position::Lines;
use lsp_types::{TextDocumentContentChangeEvent, TextEdit, Uri};
use std::sync::Arc;

/// An open document.
#[derive(Clone, Debug)]
pub struct Document {
    /// The URI by which the client knows it.
    pub uri: Uri,
    /// The client's number of its state.
    pub version: i32,
    /// Its text.
    pub text: Arc<str>,
    /// Its lines.
    pub lines: Lines,
}

impl Document {
    /// A document as it was opened.
    #[must_use]
    pub fn new(uri: Uri, version: i32, text: String) -> Self {
        Self { uri, version, lines: Lines::new(&text), text: text.into() }
    }

    /// Applies changes in order. Positions outside of the text count as its nearest end.
    pub fn change(&mut self, version: i32, changes: Vec<TextDocumentContentChangeEvent>) {
        for change in changes {
            let text = match change.range {
                None => change.text,
                Some(range) => replaced(&self.text, &self.lines, range, &change.text),
            };
            self.lines = Lines::new(&text);
            self.text = text.into();
        }
        self.version = version;
    }
}

fn replaced(text: &str, lines: &Lines, range: lsp_types::Range, new: &str) -> String {
    let start = lines.byte(text, range.start);
    let end = lines.byte(text, range.end).max(start);
    [text.get(..start).unwrap_or(""), new, text.get(end..).unwrap_or("")].concat()
}

/// A text with edits that do not overlap.
#[must_use]
pub fn edited(text: &str, edits: &[TextEdit]) -> String {
    let lines = Lines::new(text);
    let mut sorted: Vec<&TextEdit> = edits.iter().collect();
    sorted.sort_by_key(|edit| std::cmp::Reverse(edit.range.start));
    let mut out = text.to_owned();
    for edit in sorted {
        // From the end backwards, so that the places before stay.
        out = replaced(&out, &lines, edit.range, &edit.new_text);
    }
    out
}
