//! Short Markdown pages for hovers. Names stand in code spans, free texts pass the escaper of the report.

use super::words::Words;
use crate::report::markdown;

/// So many members are listed; the rest is counted.
const FEW: usize = 12;

/// A page in the making.
#[derive(Debug)]
pub struct Page<'a> {
    words: &'a Words,
    text: String,
}

impl<'a> Page<'a> {
    /// A page about a thing: its kind, its name, and what to know first.
    #[must_use]
    pub fn about(words: &'a Words, kind: &str, name: &str, more: &str) -> Self {
        let more = if more.is_empty() { String::new() } else { format!(" ·{}", markdown(&format!(" {more}"))) };
        Self { words, text: format!("**{}** {}{more}\n", markdown(kind), code(name)) }
    }

    /// A paragraph of free text; nothing for an empty one.
    pub fn say(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.text.push_str(&format!("\n{}\n", markdown(text.trim())));
        }
    }

    /// A snippet of a zone file.
    pub fn snippet(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.text.push_str(&format!("\n```yaml\n{}\n```\n", text.trim_end()));
        }
    }

    /// A link.
    pub fn link(&mut self, text: &str, address: &str) {
        self.text.push_str(&format!("\n[{}]({address})\n", markdown(text)));
    }

    /// A fact of free text, by the key of its word; nothing for an empty one.
    pub fn row(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.item(key, markdown(&format!(" {text}")).trim_start());
        }
    }

    /// A fact that is a list: names, each with what to know of it.
    pub fn list(&mut self, key: &str, members: &[(String, String)]) {
        let shown = members.iter().take(FEW).map(|(name, more)| match more.as_str() {
            "" => code(name),
            // With its blank, so that an address is not taken for the number of a list.
            more => format!("{}{}", code(name), markdown(&format!(" {more}"))),
        });
        let mut shown: Vec<String> = shown.collect();
        if members.len() > FEW {
            shown.push(self.words.fill("and-more", &[("count", (members.len() - FEW).to_string())]));
        }
        if !shown.is_empty() {
            self.item(key, &shown.join(", "));
        }
    }

    fn item(&mut self, key: &str, written: &str) {
        // A list begins after an empty line.
        if !self.text.contains("\n- ") || !self.text.trim_end().rsplit('\n').next().unwrap_or("").starts_with("- ") {
            self.text.push('\n');
        }
        self.text.push_str(&format!("- {}: {written}\n", self.words.get(key)));
    }

    /// The page.
    #[must_use]
    pub fn finish(self) -> String {
        self.text
    }
}

/// A code span. Names have no backtick; what has one is shown as text.
fn code(name: &str) -> String {
    if name.contains('`') || name.is_empty() { markdown(name) } else { format!("`{name}`") }
}
