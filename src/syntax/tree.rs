//! YAML text → a tree in which every key, value and container knows its bytes.
//!
//! The only file that knows the YAML parser. Limits are enforced while the events arrive, so that a bomb costs
//! milliseconds; aliases are copied within a budget, merge keys stay ordinary keys (and thereby unknown fields).

use super::slip;
use crate::finding::Finding;
use crate::source::{FileId, Limits, Span};
use granit_parser::{Event, Parser, ScalarStyle};
use std::borrow::Cow;
use std::collections::HashMap;

/// A YAML node with its place.
#[derive(Clone, Debug)]
pub struct Node<'s> {
    /// The bytes of the value.
    pub span: Span,
    /// What it holds.
    pub value: Value<'s>,
}

/// What a node holds. Scalars keep their text: the decoder asks for the type it needs, nothing is guessed.
#[derive(Clone, Debug)]
pub enum Value<'s> {
    /// A scalar; `plain` when it was written without quotes.
    Scalar {
        /// The text after unquoting.
        text: Cow<'s, str>,
        /// Written without quotes, so that `null`, `true` or `5` may be meant.
        plain: bool,
    },
    /// A list.
    Seq(Vec<Node<'s>>),
    /// A map in the order written; duplicate keys are still there.
    Map(Vec<(Node<'s>, Node<'s>)>),
}

impl Node<'_> {
    /// The text of a scalar.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// An absent value: `key:` with nothing behind it, `~` or `null`.
    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(&**text, "" | "~" | "null"))
    }
}

/// Parses one document. `Err` holds the one finding that says why the text is no tree.
///
/// # Errors
/// Syntax errors, exceeded limits, tags, undefined aliases, more than one document.
pub fn parse<'s>(text: &'s str, file: FileId, limits: &Limits) -> Result<Node<'s>, Box<Finding>> {
    let documents = parse_documents(text, file, limits)?;
    let mut documents = documents.into_iter();
    let whole = Span { file, start: 0, end: 0 };
    let first = documents.next().ok_or_else(|| fault("empty-file", whole))?;
    match documents.next() {
        Some(second) => Err(fault("second-document", Span { end: second.span.start, ..second.span })),
        None => Ok(first),
    }
}

/// Parses a stream of documents (dumps of Kubernetes objects).
///
/// # Errors
/// As [`parse`], but any number of documents is fine.
pub fn parse_documents<'s>(text: &'s str, file: FileId, limits: &Limits) -> Result<Vec<Node<'s>>, Box<Finding>> {
    let mut builder =
        Builder { file, limits, open: Vec::new(), anchors: HashMap::new(), nodes: 0, copied: 0, done: Vec::new() };
    for event in Parser::new_from_str(text) {
        match event {
            Err(error) if is_depth(&error) => {
                let at = error.marker().byte_offset().unwrap_or(0).min(text.len()) as u32;
                let finding = Finding::new("syntax", "too-deep").arg("limit", limits.depth);
                return Err(Box::new(finding.label(Span { file, start: at, end: at }, "here")));
            }
            Ok((event, span)) => {
                let range = span.byte_range().unwrap_or(0..0);
                builder.event(event, Span { file, start: range.start as u32, end: range.end as u32 })?;
            }
            Err(error) => {
                let at = error.marker().byte_offset().unwrap_or(0);
                return Err(Box::new(slip::told(text, file, at, &error.info())));
            }
        }
    }
    Ok(builder.done)
}

/// The scanner looks ahead and may meet its own bound on open flow collections before the tree meets ours.
fn is_depth(error: &granit_parser::ScanError) -> bool {
    error.info().contains("recursion limit")
}

fn fault(case: &'static str, span: Span) -> Box<Finding> {
    Box::new(Finding::new("syntax", case).label(span, "here"))
}

/// A container whose end has not come yet.
enum Open<'s> {
    Seq(Span, usize, Vec<Node<'s>>),
    Map(Span, usize, Vec<(Node<'s>, Node<'s>)>, Option<Node<'s>>),
}

struct Builder<'s, 'l> {
    file: FileId,
    limits: &'l Limits,
    open: Vec<Open<'s>>,
    // Looked up by anchor number only, never iterated.
    anchors: HashMap<usize, (Node<'s>, usize)>,
    nodes: usize,
    copied: usize,
    done: Vec<Node<'s>>,
}

impl<'s> Builder<'s, '_> {
    fn event(&mut self, event: Event<'s>, span: Span) -> Result<(), Box<Finding>> {
        match event {
            Event::Scalar(_, _, _, Some(_))
            | Event::SequenceStart(_, _, Some(_))
            | Event::MappingStart(_, _, Some(_)) => return Err(fault("tag", span)),
            Event::Scalar(text, style, anchor, None) => {
                let plain = style == ScalarStyle::Plain;
                self.place(Node { span, value: Value::Scalar { text, plain } }, anchor, 1)?;
            }
            Event::SequenceStart(_, anchor, None) => self.enter(Open::Seq(span, anchor, Vec::new()), span)?,
            Event::MappingStart(_, anchor, None) => self.enter(Open::Map(span, anchor, Vec::new(), None), span)?,
            Event::SequenceEnd | Event::MappingEnd => self.leave(span)?,
            Event::Alias(anchor) => self.alias(anchor, span)?,
            _ => {}
        }
        Ok(())
    }

    fn enter(&mut self, open: Open<'s>, span: Span) -> Result<(), Box<Finding>> {
        if self.open.len() >= self.limits.depth {
            return Err(Box::new(
                Finding::new("syntax", "too-deep").arg("limit", self.limits.depth).label(span, "here"),
            ));
        }
        self.open.push(open);
        Ok(())
    }

    fn leave(&mut self, end: Span) -> Result<(), Box<Finding>> {
        let close = |span: Span| Span { end: end.end.max(span.start), ..span };
        let (node, anchor) = match self.open.pop() {
            Some(Open::Seq(span, anchor, items)) => (Node { span: close(span), value: Value::Seq(items) }, anchor),
            Some(Open::Map(span, anchor, pairs, _)) => (Node { span: close(span), value: Value::Map(pairs) }, anchor),
            None => return Err(fault("empty-file", Span { file: self.file, start: 0, end: 0 })),
        };
        self.place(node, anchor, 1)
    }

    fn alias(&mut self, anchor: usize, span: Span) -> Result<(), Box<Finding>> {
        // An anchor is known when its node is complete, so a self reference finds nothing.
        let Some((node, size)) = self.anchors.get(&anchor) else { return Err(fault("self-reference", span)) };
        let size = *size;
        self.copied += size;
        if self.copied > self.limits.copied_nodes {
            let limit = self.limits.copied_nodes;
            return Err(Box::new(Finding::new("syntax", "alias-bomb").arg("limit", limit).label(span, "here")));
        }
        let node = node.clone();
        self.place(node, 0, size)
    }

    fn place(&mut self, node: Node<'s>, anchor: usize, size: usize) -> Result<(), Box<Finding>> {
        self.nodes += size;
        if self.nodes > self.limits.nodes {
            let limit = self.limits.nodes;
            return Err(Box::new(
                Finding::new("syntax", "too-many-nodes").arg("limit", limit).label(node.span, "here"),
            ));
        }
        if anchor != 0 {
            let size = count(&node);
            self.anchors.insert(anchor, (node.clone(), size));
        }
        match self.open.last_mut() {
            Some(Open::Seq(_, _, items)) => items.push(node),
            Some(Open::Map(_, _, pairs, key)) => match key.take() {
                Some(name) => pairs.push((name, node)),
                None => *key = Some(node),
            },
            None => self.done.push(node),
        }
        Ok(())
    }
}

fn count(node: &Node<'_>) -> usize {
    match &node.value {
        Value::Scalar { .. } => 1,
        Value::Seq(items) => 1 + items.iter().map(count).sum::<usize>(),
        Value::Map(pairs) => 1 + pairs.iter().map(|(key, value)| count(key) + count(value)).sum::<usize>(),
    }
}

/// What a document says, entry by entry (`flows`/`a`/value), with the keys of maps sorted: equal for equal documents,
/// whatever the order of keys. `include` is layout and left out.
#[must_use]
pub fn entries(document: &Node<'_>) -> Vec<String> {
    let Value::Map(pairs) = &document.value else { return vec![canonical(document)] };
    let mut entries = Vec::new();
    for (key, value) in pairs.iter().filter(|(key, _)| key.text() != Some("include")) {
        match &value.value {
            Value::Map(inner) => {
                entries.extend(inner.iter().map(|(name, value)| {
                    format!("{}\u{1}{}\u{1}{}", canonical(key), canonical(name), canonical(value))
                }));
            }
            _ => entries.push(format!("{}\u{1}{}", canonical(key), canonical(value))),
        }
    }
    entries
}

fn canonical(node: &Node<'_>) -> String {
    match &node.value {
        Value::Scalar { text, .. } => format!("{text:?}"),
        Value::Seq(items) => format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(",")),
        Value::Map(pairs) => {
            let mut texts: Vec<String> =
                pairs.iter().map(|(key, value)| format!("{}:{}", canonical(key), canonical(value))).collect();
            texts.sort();
            format!("{{{}}}", texts.join(","))
        }
    }
}
