//! What an author meant where a file is no YAML. The parser says what it could not read; behind most of that stand a few
//! slips, which are told in the author's terms and at the author's place.

use crate::finding::Finding;
use crate::source::{FileId, Span};

/// The finding for a place where the parser gave up, with its reason.
pub fn told(text: &str, file: FileId, at: usize, reason: &str) -> Finding {
    let cx = Place::new(text, file, at);
    let found = if reason.contains("tab") {
        cx.tab()
    } else if reason.contains("simple key expected ':'") {
        cx.missing_colon()
    } else if reason.contains("mapping values are not allowed") {
        cx.colon_in_text().or_else(|| cx.indentation())
    } else if reason.contains("unclosed quote") {
        cx.open_quote()
    } else if reason.contains("unknown anchor") || reason.contains("anchor or alias") {
        cx.star()
    } else if reason.contains("unexpected character") {
        cx.reserved()
    } else if reason.contains("did not find expected key") || reason.contains("invalid indentation") {
        cx.open_bracket().or_else(|| cx.indentation())
    } else {
        cx.open_bracket()
    };
    found.unwrap_or_else(|| Finding::new("syntax", "yaml").arg("reason", reason).label(cx.span(cx.at, cx.at), "yaml"))
}

/// The line in which the parser gave up.
struct Place<'t> {
    text: &'t str,
    file: FileId,
    at: usize,
    start: usize,
    line: &'t str,
}

impl<'t> Place<'t> {
    fn new(text: &'t str, file: FileId, at: usize) -> Self {
        let mut at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        let start = text.get(..at).and_then(|before| before.rfind('\n')).map_or(0, |newline| newline + 1);
        let rest = text.get(start..).unwrap_or("");
        let line = rest.split('\n').next().unwrap_or("");
        Self { text, file, at, start, line }
    }

    const fn span(&self, start: usize, end: usize) -> Span {
        Span { file: self.file, start: start as u32, end: end as u32 }
    }

    /// What the line holds without indentation and comment, and its first byte.
    fn content(&self) -> (usize, &'t str) {
        let bare = self.line.trim_start();
        (self.start + self.line.len() - bare.len(), uncommented(bare))
    }

    fn tab(&self) -> Option<Finding> {
        let from = self.line.find('\t')?;
        let run = self.line.get(from..)?.bytes().take_while(|byte| *byte == b'\t').count();
        let start = self.start + from;
        Some(Finding::new("syntax", "tab").label(self.span(start, start + run), "tab"))
    }

    fn missing_colon(&self) -> Option<Finding> {
        let (start, content) = self.content();
        let (key, rest) = content.split_once(' ').unwrap_or((content, ""));
        let mended = if rest.is_empty() { format!("{key}:") } else { format!("{key}: {}", rest.trim_start()) };
        let span = self.span(start, start + content.len());
        (!key.is_empty()).then(|| {
            Finding::new("syntax", "missing-colon").arg("key", key).label(span, "missing-colon").fix(span, mended)
        })
    }

    /// `purpose: Portal: for citizens`: the second colon ends the text.
    fn colon_in_text(&self) -> Option<Finding> {
        let (start, content) = self.content();
        let (key, value) = content.split_once(": ")?;
        if start + key.len() >= self.at || value.starts_with(['"', '\'', '[', '{']) {
            return None;
        }
        let value = value.trim();
        let from = start + content.find(value)?;
        let span = self.span(from, from + value.len());
        let key = key.trim_start_matches("- ");
        Some(
            Finding::new("syntax", "colon-in-text")
                .arg("key", key)
                .label(span, "colon-in-text")
                .fix(span, quoted(value)),
        )
    }

    /// The line is indented otherwise than the one above it.
    fn indentation(&self) -> Option<Finding> {
        let (start, content) = self.content();
        let before = self.text.get(..self.start)?;
        let (mut offset, mut last) = (0, None);
        for line in before.split_inclusive('\n') {
            let bare = line.trim();
            if !bare.is_empty() && !bare.starts_with('#') {
                last = Some((offset, line));
            }
            offset += line.len();
        }
        let (above, line) = last?;
        let bare = line.trim();
        let (own, other) = (start - self.start, line.len() - line.trim_start().len());
        if own == other {
            return None;
        }
        let place = self.span(above + other, above + other + key(bare).len());
        Some(
            Finding::new("syntax", "indentation")
                .arg("own", own)
                .arg("other", other)
                .label(self.span(start, start + key(content).len()), "indented")
                .label(place, "indented-above"),
        )
    }

    fn open_bracket(&self) -> Option<Finding> {
        let (open, bracket) = unclosed(self.text.get(..self.at)?)?;
        let close = if bracket == '[' { ']' } else { '}' };
        let finding = Finding::new("syntax", "open-bracket").arg("open", bracket).arg("close", close);
        let finding = finding.label(self.span(open, open + 1), "open-bracket");
        let (start, content) = self.content();
        // The place where the parser noticed helps when it is another line.
        let elsewhere = open < self.start && !content.is_empty();
        Some(if elsewhere {
            finding.label(self.span(start, start + key(content).len()), "still-open")
        } else {
            finding
        })
    }

    fn open_quote(&self) -> Option<Finding> {
        let rest = self.text.get(self.at..)?;
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let end = rest.find('\n').map_or(self.text.len(), |newline| self.at + newline);
        Some(Finding::new("syntax", "open-quote").arg("quote", quote).label(self.span(self.at, end), "open-quote"))
    }

    /// `include: *.yaml`: a star in front makes an alias.
    fn star(&self) -> Option<Finding> {
        let before = self.text.get(self.start..self.at)?;
        let star = self.start + before.rfind(['*', '&']).or_else(|| self.line.find(['*', '&']))?;
        let rest = self.text.get(star..)?;
        let token = rest.split(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}')).next()?;
        let span = self.span(star, star + token.len());
        Some(Finding::new("syntax", "star").arg("text", token).label(span, "star").fix(span, quoted(token)))
    }

    fn reserved(&self) -> Option<Finding> {
        let rest = self.text.get(self.at..)?;
        let c = rest.chars().next().filter(|c| !c.is_control())?;
        let token = uncommented(rest.split('\n').next()?).trim_end_matches([']', '}', ',']);
        let span = self.span(self.at, self.at + token.len());
        Some(Finding::new("syntax", "reserved").arg("char", c).label(span, "reserved").fix(span, quoted(token)))
    }
}

/// A line without its comment and the blanks before it.
fn uncommented(line: &str) -> &str {
    line.find(" #").and_then(|at| line.get(..at)).unwrap_or(line).trim_end()
}

/// The key of a line; the whole line when it has none.
fn key(line: &str) -> &str {
    let line = uncommented(line);
    line.split_once(':').map_or(line, |(key, _)| key)
}

fn quoted(text: &str) -> String {
    if text.contains(['"', '\\']) { format!("'{}'", text.replace('\'', "''")) } else { format!("\"{text}\"") }
}

/// The innermost bracket that opens and does not close: its byte and itself. Quotes and comments are skipped; a bracket
/// counts where a value may begin.
fn unclosed(text: &str) -> Option<(usize, char)> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut quote: Option<char> = None;
    let mut before = '\n';
    let mut comment = false;
    for (at, c) in text.char_indices() {
        match (quote, c) {
            (_, '\n') => comment = false,
            _ if comment => {}
            (Some(q), _) if q == c => quote = None,
            (Some(_), _) => {}
            (None, '#') if before.is_whitespace() => comment = true,
            (None, '"' | '\'') if before.is_whitespace() || matches!(before, '[' | '{' | ',') => quote = Some(c),
            (None, '[' | '{') if before.is_whitespace() || matches!(before, '[' | '{' | ',') => open.push((at, c)),
            (None, ']' | '}') => {
                open.pop();
            }
            _ => {}
        }
        before = c;
    }
    open.pop()
}

#[cfg(test)]
mod tests {
    use super::unclosed;

    #[test]
    fn the_innermost_open_bracket_is_found() {
        assert_eq!(unclosed("a: [b, {c: d}]\ne: [f, {g: \"]\" # ]\n"), Some((22, '{')));
        assert_eq!(unclosed("a: [b]\n# [\nc: d[\n"), None);
    }
}
