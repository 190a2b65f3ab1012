//! Where the cursor stands in a zone file, also one that is no YAML at the moment: the keys around it, and the word under it.
//!
//! Not a YAML parser: it follows indentation, brackets and quotes, as an author does, and forgets a bracket that a less indented
//! line shows to be open. Where a file parses, `tests` hold it against the span tree, node by node.

use std::ops::Range;

/// What may stand at a place.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Slot {
    /// A key of the map at the path; or, where the path holds none, its value on a line of its own.
    Key,
    /// The value of the path's last key, or a member of its list.
    Value,
}

/// A place in a zone file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// Keys of the maps around it; lists are not steps. A value's own key is the last.
    pub path: Vec<String>,
    /// What may stand there.
    pub slot: Slot,
    /// The bytes of the word there, without quotes; empty where there is none yet.
    pub word: Range<usize>,
    /// The other keys of the map, for a key.
    pub siblings: Vec<String>,
    /// Inside of `{…}` or `[…]`.
    pub in_flow: bool,
}

/// The place of a byte; `None` in comments and in block texts.
#[must_use]
pub fn place(text: &str, cursor: usize) -> Option<Place> {
    let mut scanner = Scanner { text, cursor, frames: Vec::new(), found: None, depth: 0, is_done: false };
    scanner.lines();
    while !scanner.is_done && !scanner.frames.is_empty() {
        scanner.pop();
    }
    scanner.found
}

/// A map or list that is open.
#[derive(Default)]
struct Frame {
    /// Column of its keys; of a flow collection that of the line it began in.
    indent: usize,
    /// The key whose value is being read.
    key: Option<String>,
    /// Keys so far.
    keys: Vec<String>,
    /// The bracket of a flow collection.
    bracket: Option<u8>,
}

struct Scanner<'t> {
    text: &'t str,
    cursor: usize,
    frames: Vec<Frame>,
    found: Option<Place>,
    /// Frames that are open where a key was found: its map is the last of them.
    depth: usize,
    is_done: bool,
}

impl<'t> Scanner<'t> {
    fn byte(&self, at: usize) -> u8 {
        self.text.as_bytes().get(at).copied().unwrap_or(b'\n')
    }

    /// End of the line that holds a byte, before its line break.
    fn line_end(&self, at: usize) -> usize {
        let rest = self.text.as_bytes().get(at..).unwrap_or(&[]);
        at + rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).unwrap_or(rest.len())
    }

    fn spaces(&self, from: usize, end: usize) -> usize {
        (from..end).find(|at| !matches!(self.byte(*at), b' ' | b'\t')).unwrap_or(end)
    }

    fn lines(&mut self) {
        let mut start = 0;
        let mut block_text: Option<usize> = None;
        while start <= self.text.len() && !self.is_done {
            let end = self.line_end(start);
            let content = self.spaces(start, end);
            let is_here = (start..=end).contains(&self.cursor);
            if let Some(indent) = block_text {
                if content == end || content - start > indent {
                    if is_here && content != end {
                        self.is_done = true;
                    }
                    start = self.next_line(end);
                    continue;
                }
                block_text = None;
            }
            if content == end || self.byte(content) == b'#' {
                if is_here {
                    self.blank(self.cursor - start, content < self.cursor && content != end);
                }
                start = self.next_line(end);
                continue;
            }
            let (next, opens_text) = self.line(start, content, end);
            block_text = opens_text;
            start = next;
        }
    }

    fn next_line(&self, end: usize) -> usize {
        match (self.byte(end), self.byte(end + 1)) {
            _ if end >= self.text.len() => end + 1,
            (b'\r', b'\n') => end + 2,
            _ => end + 1,
        }
    }

    /// The cursor in an empty line, or in a comment.
    fn blank(&mut self, column: usize, is_comment: bool) {
        if is_comment {
            self.is_done = true;
        } else if self.found.is_none() {
            self.settle(column);
            self.key_here(self.cursor..self.cursor);
        }
    }

    /// Closes the maps that lie deeper than a column, and opens one there unless there is one.
    fn settle(&mut self, column: usize) {
        while self.frames.last().is_some_and(|frame| frame.indent > column) {
            self.pop();
        }
        if self.frames.last().is_none_or(|frame| frame.indent < column) {
            self.frames.push(Frame { indent: column, ..Frame::default() });
        }
    }

    fn pop(&mut self) {
        if self.depth == self.frames.len()
            && let (Some(found), Some(frame)) = (&mut self.found, self.frames.last())
        {
            let own = self.text.get(found.word.clone()).unwrap_or("");
            found.siblings = frame.keys.iter().filter(|key| *key != own).cloned().collect();
            self.is_done = true;
        }
        self.frames.pop();
    }

    fn path(&self, frames: usize) -> Vec<String> {
        self.frames.iter().take(frames).filter_map(|frame| frame.key.clone()).collect()
    }

    fn is_in_flow(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.bracket.is_some())
    }

    /// The cursor stands at a key of the innermost map.
    fn key_here(&mut self, word: Range<usize>) {
        let path = self.path(self.frames.len().saturating_sub(1));
        self.depth = self.frames.len();
        self.found = Some(Place { path, slot: Slot::Key, word, siblings: Vec::new(), in_flow: self.is_in_flow() });
    }

    fn value_here(&mut self, word: Range<usize>) {
        let path = self.path(self.frames.len());
        let in_flow = self.is_in_flow();
        self.found = Some(Place { path, slot: Slot::Value, word, siblings: Vec::new(), in_flow });
        self.is_done = true;
    }

    /// A line with content. Gives where to go on, and the column of the key when a block text begins.
    fn line(&mut self, start: usize, content: usize, end: usize) -> (usize, Option<usize>) {
        let mut at = content;
        let mut is_item = false;
        while self.byte(at) == b'-' && (at + 1 >= end || self.byte(at + 1) == b' ') {
            while self.frames.last().is_some_and(|frame| frame.indent > at - start) {
                self.pop();
            }
            at = self.spaces(at + 1, end);
            is_item = true;
        }
        if self.is_done {
            return (end, None);
        }
        let column = at - start;
        if is_item {
            // Every item is a map of its own.
            while self.frames.last().is_some_and(|frame| frame.indent >= column) {
                self.pop();
            }
        }
        let has_cursor = self.found.is_none() && (content..=end).contains(&self.cursor);
        if at == end || self.byte(at) == b'#' {
            if has_cursor && self.cursor <= at {
                self.frames.push(Frame { indent: column.max(self.cursor - start), ..Frame::default() });
                self.key_here(self.cursor..self.cursor);
            }
            return (self.next_line(end), None);
        }
        if matches!(self.byte(at), b'{' | b'[') {
            return (self.flow(at, start), None);
        }
        let Some((key, colon)) = self.block_key(at, end) else {
            let word = self.scalar(at, end);
            let is_word = has_cursor && (word.start..=word.end).contains(&self.cursor);
            if is_word && is_item {
                self.frames.push(Frame { indent: column, ..Frame::default() });
                self.key_here(word);
            } else if is_word {
                self.settle(column);
                self.key_here(word);
            }
            return (self.next_line(end), None);
        };
        self.settle(column);
        if has_cursor && (key.start..=key.end).contains(&self.cursor) {
            self.key_here(key.clone());
        }
        self.keyed(&key);
        self.block_value(colon + 1, start, column, end)
    }

    fn keyed(&mut self, key: &Range<usize>) {
        let name = self.text.get(key.clone()).unwrap_or("").to_owned();
        if let Some(frame) = self.frames.last_mut() {
            frame.keys.push(name.clone());
            frame.key = Some(name);
        }
    }

    fn block_value(&mut self, from: usize, start: usize, column: usize, end: usize) -> (usize, Option<usize>) {
        let mut at = self.spaces(from, end);
        if self.byte(at) == b'&' {
            let anchor = (at..end).find(|at| self.byte(*at) == b' ').unwrap_or(end);
            at = self.spaces(anchor, end);
        }
        let has_cursor = self.found.is_none() && (from..=end).contains(&self.cursor);
        match self.byte(at) {
            b'|' | b'>' if at < end => (self.next_line(end), Some(column)),
            b'{' | b'[' if at < end => {
                if has_cursor && self.cursor < at {
                    self.value_here(self.cursor..self.cursor);
                }
                (self.flow(at, start), None)
            }
            b'#' if at < end => {
                if has_cursor && self.cursor <= at {
                    self.value_here(self.cursor..self.cursor);
                }
                (self.next_line(end), None)
            }
            _ => {
                let word = self.scalar(at, end);
                if has_cursor {
                    if (word.start..=word.end).contains(&self.cursor) {
                        self.value_here(word);
                    } else if self.cursor < word.start {
                        self.value_here(self.cursor..self.cursor);
                    } else {
                        self.is_done = true;
                    }
                }
                (self.next_line(end), None)
            }
        }
    }

    /// The key that begins a line, and its colon.
    fn block_key(&self, at: usize, end: usize) -> Option<(Range<usize>, usize)> {
        let quote = self.byte(at);
        if matches!(quote, b'"' | b'\'') {
            let close = (at + 1..end).find(|at| self.byte(*at) == quote)?;
            let colon = self.spaces(close + 1, end);
            return (colon < end && self.byte(colon) == b':').then_some((at + 1..close, colon));
        }
        let ends = |at: &usize| {
            (self.byte(*at) == b':' && (*at + 1 >= end || self.byte(*at + 1) == b' '))
                || (self.byte(*at) == b'#' && self.byte(at.saturating_sub(1)) == b' ')
        };
        let colon = (at..end).find(ends).filter(|at| self.byte(*at) == b':')?;
        let key_end = (at..colon).rev().find(|at| self.byte(*at) != b' ').map_or(at, |last| last + 1);
        Some((at..key_end, colon))
    }

    /// The bytes of a scalar that begins here, without quotes, comment and trailing blanks.
    fn scalar(&self, at: usize, end: usize) -> Range<usize> {
        let quote = self.byte(at);
        if matches!(quote, b'"' | b'\'') {
            let close = (at + 1..end).find(|at| self.byte(*at) == quote).unwrap_or(end);
            return at + 1..close;
        }
        let comment = (at..end).find(|at| self.byte(*at) == b'#' && self.byte(at.saturating_sub(1)) == b' ');
        let stop = comment.unwrap_or(end);
        let last = (at..stop).rev().find(|at| !matches!(self.byte(*at), b' ' | b'\t'));
        at..last.map_or(at, |last| last + 1)
    }

    /// A flow collection, over several lines if need be. Gives the start of the line after it.
    fn flow(&mut self, from: usize, line: usize) -> usize {
        let base = self.frames.len();
        let indent = self.frames.last().map_or(0, |frame| frame.indent);
        let mut at = from;
        while at < self.text.len() && !self.is_done {
            let byte = self.byte(at);
            if self.found.is_none() && self.cursor == at && self.frames.len() > base && is_gap(byte) {
                self.gap();
                continue;
            }
            match byte {
                b'{' | b'[' => self.frames.push(Frame { indent, bracket: Some(byte), ..Frame::default() }),
                b'}' | b']' => {
                    self.pop();
                    if self.frames.len() <= base {
                        let end = self.line_end(at);
                        return self.next_line(end);
                    }
                }
                b',' => {
                    if let Some(frame) = self.frames.last_mut() {
                        frame.key = None;
                    }
                }
                b'\n' | b'\r' => {
                    let next = self.next_line(at);
                    if self.is_over(next, indent, line) {
                        while self.frames.len() > base {
                            self.pop();
                        }
                        return next;
                    }
                    at = next;
                    continue;
                }
                b'#' if self.byte(at.saturating_sub(1)) == b' ' => {
                    let end = self.line_end(at);
                    if self.found.is_none() && (at..=end).contains(&self.cursor) {
                        self.is_done = true;
                    }
                    at = end;
                    continue;
                }
                b' ' | b'\t' => {}
                _ => {
                    at = self.token(at);
                    continue;
                }
            }
            at += 1;
        }
        if self.found.is_none() && self.cursor >= self.text.len() && self.frames.len() > base {
            self.gap();
        }
        self.text.len() + 1
    }

    /// Whether a line that is indented no deeper than the one in which a bracket opened shows that it was left open.
    fn is_over(&self, next: usize, indent: usize, line: usize) -> bool {
        let end = self.line_end(next);
        let content = self.spaces(next, end);
        let began = self.spaces(line, self.line_end(line)) - line;
        content < end && content - next <= indent.min(began) && !matches!(self.byte(content), b'}' | b']' | b'#')
    }

    /// The cursor between two tokens of a flow collection.
    fn gap(&mut self) {
        let is_key = self.frames.last().is_some_and(|frame| frame.bracket == Some(b'{') && frame.key.is_none());
        let word = self.cursor..self.cursor;
        if is_key { self.key_here(word) } else { self.value_here(word) }
    }

    /// A key or scalar of a flow collection; gives its end.
    fn token(&mut self, at: usize) -> usize {
        let end = self.line_end(at);
        let quote = self.byte(at);
        let (word, after) = if matches!(quote, b'"' | b'\'') {
            let close = (at + 1..end).find(|at| self.byte(*at) == quote).unwrap_or(end);
            (at + 1..close, (close + 1).min(end))
        } else {
            let stops = |at: &usize| match self.byte(*at) {
                b',' | b'{' | b'}' | b'[' | b']' => true,
                b':' => is_gap(self.byte(*at + 1)),
                b'#' => self.byte(at.saturating_sub(1)) == b' ',
                _ => false,
            };
            let stop = (at..end).find(stops).unwrap_or(end);
            let last = (at..stop).rev().find(|at| !matches!(self.byte(*at), b' ' | b'\t')).unwrap_or(at);
            // A colon that stands alone is no token but must be passed.
            (at..last + 1, if stop == at { at + 1 } else { last + 1 })
        };
        let colon = self.spaces(after, end);
        let is_key = colon < end
            && self.byte(colon) == b':'
            && self.frames.last().is_some_and(|frame| frame.bracket == Some(b'{') && frame.key.is_none());
        let is_here = self.found.is_none() && (word.start..=word.end).contains(&self.cursor);
        if is_here {
            let opens = self.frames.last().is_some_and(|frame| frame.bracket == Some(b'{') && frame.key.is_none());
            if opens { self.key_here(word.clone()) } else { self.value_here(word.clone()) }
        }
        if !is_key {
            return after;
        }
        self.keyed(&word);
        colon + 1
    }
}

/// What ends a token in a flow collection, or stands between two.
const fn is_gap(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b',' | b'{' | b'}' | b'[' | b']' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests;
