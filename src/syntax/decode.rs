//! Tree → typed records. Decoding never stops at the first fault: a bad field yields `None` and a finding, the rest goes on.

use super::names::nearest;
use super::schema::Defs;
use super::tree::{Node, Value};
use crate::finding::{Finding, Fix};
use crate::source::Span;
use serde_json::{Value as Json, json};
use std::collections::HashMap;
use std::ops::Deref;

/// What decoding needs beside the node: where findings go.
#[derive(Debug, Default)]
pub struct Cx {
    /// Faults found so far.
    pub findings: Vec<Finding>,
}

impl Cx {
    /// Reports a fault with one label.
    pub fn fault(&mut self, case: &'static str, span: Span, args: &[(&'static str, String)]) {
        let mut finding = Finding::new("syntax", case).label(span, case);
        finding.args = args.to_vec();
        if let Some(label) = finding.labels.first_mut() {
            label.args = args.to_vec();
        }
        self.findings.push(finding);
    }

    /// Adds a repair to the fault reported last.
    pub fn mend(&mut self, span: Span, replacement: impl Into<String>) {
        if let Some(finding) = self.findings.last_mut() {
            finding.fix = Some(Fix { span, replacement: replacement.into() });
        }
    }

    /// Reports that a node is of another shape than expected, in the words of `shapes:` in `zones/syntax.yaml`.
    pub fn expected(&mut self, expected: &'static str, node: &Node<'_>) {
        let found = match &node.value {
            _ if node.is_null() => "nothing",
            Value::Scalar { .. } => "scalar",
            Value::Seq(_) => "list",
            Value::Map(_) => "map",
        };
        let text = node.text().unwrap_or_default().to_owned();
        self.fault(
            "expected",
            node.span,
            &[("expected", expected.to_owned()), ("found", found.to_owned()), ("text", text)],
        );
    }
}

/// A type that can be read from a node and describes itself as JSON Schema.
pub trait Decode: Sized {
    /// Reads the value; on a fault reports it and gives `None`.
    fn decode(node: &Node<'_>, cx: &mut Cx) -> Option<Self>;

    /// The JSON Schema of the value; records put themselves under `$defs`.
    fn schema(defs: &mut Defs) -> Json;
}

/// A scalar with a grammar of its own.
pub trait Scalar: Sized {
    /// Key of the shape's name in `zones/syntax.yaml` (`shapes:`).
    const SHAPE: &'static str;

    /// Reads the text.
    ///
    /// # Errors
    /// The case of the fault and its placeholders.
    fn parse(text: &str) -> Result<Self, Fault>;

    /// JSON Schema of the text.
    fn schema() -> Json;
}

/// Why a scalar's text is refused.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Fault {
    /// Message key in `zones/syntax.yaml`.
    pub case: &'static str,
    /// Placeholders.
    pub args: Vec<(&'static str, String)>,
    /// A better text, when there is one.
    pub fix: Option<String>,
}

impl Fault {
    /// A fault with the text as its only placeholder.
    #[must_use]
    pub fn of(case: &'static str, text: &str) -> Self {
        Self { case, args: vec![("text", text.to_owned())], fix: None }
    }

    /// Adds a placeholder.
    #[must_use]
    pub fn arg(mut self, name: &'static str, value: impl ToString) -> Self {
        self.args.push((name, value.to_string()));
        self
    }

    /// Adds a better text.
    #[must_use]
    pub fn fix(mut self, text: impl Into<String>) -> Self {
        self.fix = Some(text.into());
        self
    }
}

/// Reads a scalar type; used by the `Decode` implementations of scalars.
pub fn decode_scalar<T: Scalar>(node: &Node<'_>, cx: &mut Cx) -> Option<T> {
    let Value::Scalar { text, .. } = &node.value else {
        one_expected(T::SHAPE, node, cx);
        return None;
    };
    if node.is_null() {
        cx.expected(T::SHAPE, node);
        return None;
    }
    match T::parse(text) {
        Ok(value) => Some(value),
        Err(fault) => {
            cx.fault(fault.case, node.span, &fault.args);
            if let Some(fix) = fault.fix {
                cx.mend(node.span, fix);
            }
            None
        }
    }
}

/// Reports a list or map where one value belongs; a list of one value is mended.
fn one_expected(shape: &'static str, node: &Node<'_>, cx: &mut Cx) {
    cx.expected(shape, node);
    let Value::Seq(items) = &node.value else { return };
    if let Some(finding) = cx.findings.last_mut() {
        finding.case = "one-expected";
    }
    if let [one] = items.as_slice()
        && let Some(text) = one.text()
        && matches!(one.value, Value::Scalar { plain: true, .. })
    {
        cx.mend(node.span, text);
    }
}

/// A value with its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Spanned<T> {
    /// The value.
    pub value: T,
    /// Where it stands.
    pub span: Span,
}

impl<T> Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Decode> Decode for Spanned<T> {
    fn decode(node: &Node<'_>, cx: &mut Cx) -> Option<Self> {
        T::decode(node, cx).map(|value| Self { value, span: node.span })
    }

    fn schema(defs: &mut Defs) -> Json {
        T::schema(defs)
    }
}

/// One value or a list of them; never empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OneOrMany<T>(pub Vec<Spanned<T>>);

impl<T> OneOrMany<T> {
    /// The values in the order written.
    pub fn iter(&self) -> std::slice::Iter<'_, Spanned<T>> {
        self.0.iter()
    }
}

impl<T> List<T> {
    /// The values in the order written.
    pub fn iter(&self) -> std::slice::Iter<'_, Spanned<T>> {
        self.0.iter()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T: Decode> Decode for OneOrMany<T> {
    fn decode(node: &Node<'_>, cx: &mut Cx) -> Option<Self> {
        match &node.value {
            Value::Seq(items) if items.is_empty() => {
                cx.fault("empty-list", node.span, &[]);
                None
            }
            Value::Seq(items) => items
                .iter()
                .map(|item| Spanned::decode(item, cx))
                .collect::<Vec<_>>()
                .into_iter()
                .collect::<Option<Vec<_>>>()
                .map(Self),
            _ => Spanned::decode(node, cx).map(|value| Self(vec![value])),
        }
    }

    fn schema(defs: &mut Defs) -> Json {
        let item = T::schema(defs);
        json!({ "anyOf": [item, { "type": "array", "items": item, "minItems": 1 }] })
    }
}

/// A list; may be empty.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct List<T>(pub Vec<Spanned<T>>);

impl<T: Decode> Decode for List<T> {
    fn decode(node: &Node<'_>, cx: &mut Cx) -> Option<Self> {
        let Value::Seq(items) = &node.value else {
            cx.expected("list", node);
            if let Some(text) = node.text() {
                cx.mend(node.span, format!("[{text}]"));
            }
            return None;
        };
        items
            .iter()
            .map(|item| Spanned::decode(item, cx))
            .collect::<Vec<_>>()
            .into_iter()
            .collect::<Option<Vec<_>>>()
            .map(Self)
    }

    fn schema(defs: &mut Defs) -> Json {
        json!({ "type": "array", "items": T::schema(defs) })
    }
}

/// A map from names to values, in the order written. Each key has its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Entries<K, V>(pub Vec<(Spanned<K>, V)>);

impl<K, V> Default for Entries<K, V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Scalar, V: Decode> Decode for Entries<K, V> {
    fn decode(node: &Node<'_>, cx: &mut Cx) -> Option<Self> {
        if node.is_null() {
            return Some(Self::default());
        }
        let Value::Map(pairs) = &node.value else {
            cx.expected("map", node);
            return None;
        };
        let pairs = unique(pairs, cx);
        let mut whole = true;
        let mut entries = Vec::with_capacity(pairs.len());
        for (key, value) in pairs {
            let name = decode_scalar::<K>(key, cx);
            let content = V::decode(value, cx);
            match (name, content) {
                (Some(name), Some(content)) => entries.push((Spanned { value: name, span: key.span }, content)),
                _ => whole = false,
            }
        }
        whole.then_some(Self(entries))
    }

    fn schema(defs: &mut Defs) -> Json {
        let value = V::schema(defs);
        json!({ "type": "object", "propertyNames": super::schema::titled::<K>(), "additionalProperties": value })
    }
}

/// The pairs of a map without repeated keys; a repetition is reported with both places.
pub fn unique<'n, 's>(pairs: &'n [(Node<'s>, Node<'s>)], cx: &mut Cx) -> Vec<&'n (Node<'s>, Node<'s>)> {
    let mut seen: HashMap<&str, Span> = HashMap::with_capacity(pairs.len());
    let mut kept = Vec::with_capacity(pairs.len());
    for pair in pairs {
        let Some(name) = pair.0.text() else {
            cx.expected("key", &pair.0);
            continue;
        };
        if let Some(first) = seen.get(name) {
            let args = [("key", name.to_owned())];
            let finding = Finding::new("syntax", "duplicate-key").arg("key", name);
            let finding = finding.label(pair.0.span, "duplicate-key").label_with(*first, "first-key", args.to_vec());
            cx.findings.push(finding);
        } else {
            seen.insert(name, pair.0.span);
            kept.push(pair);
        }
    }
    kept
}

/// A map that is being read as a record: fields are taken by key, the rest is unknown.
#[derive(Debug)]
pub struct RecordReader<'n, 's> {
    record: &'static str,
    span: Span,
    pairs: Vec<&'n (Node<'s>, Node<'s>)>,
}

impl<'n, 's> RecordReader<'n, 's> {
    /// Opens a map as the record of a name; reports repeated and unknown keys at once.
    pub fn open(node: &'n Node<'s>, record: &'static str, known: &[&'static str], cx: &mut Cx) -> Option<Self> {
        let Value::Map(pairs) = &node.value else {
            let empty = node.is_null();
            if empty {
                return Some(Self { record, span: node.span, pairs: Vec::new() });
            }
            cx.expected(record, node);
            return None;
        };
        let mut kept = Vec::with_capacity(pairs.len());
        for pair in unique(pairs, cx) {
            let name = pair.0.text().unwrap_or_default();
            if known.contains(&name) {
                kept.push(pair);
            } else {
                unknown_field(record, name, pair.0.span, known, cx);
            }
        }
        Some(Self { record, span: node.span, pairs: kept })
    }

    /// An optional field. Outer `None`: present but faulty.
    pub fn optional<T: Decode>(&self, key: &'static str, cx: &mut Cx) -> Option<Option<T>> {
        match self.pairs.iter().find(|(name, _)| name.text() == Some(key)) {
            None => Some(None),
            Some((_, value)) => T::decode(value, cx).map(Some),
        }
    }

    /// A required field.
    pub fn required<T: Decode>(&self, key: &'static str, cx: &mut Cx) -> Option<T> {
        let value = self.optional(key, cx)?;
        if value.is_none() {
            // Point at the first key of the record: the whole record would underline a page.
            let span = self.pairs.first().map_or(self.span, |(name, _)| name.span);
            cx.fault("missing-field", span, &[("record", self.record.to_owned()), ("field", key.to_owned())]);
        }
        value
    }
}

fn unknown_field(record: &'static str, name: &str, span: Span, known: &[&'static str], cx: &mut Cx) {
    let args = [("record", record.to_owned()), ("field", name.to_owned())];
    cx.fault("unknown-field", span, &args);
    let near = nearest(name, known.iter().copied());
    if let Some(near) = near {
        cx.mend(span, near);
        if let Some(finding) = cx.findings.last_mut() {
            finding.args.push(("nearest", near.to_owned()));
        }
    } else if let Some(finding) = cx.findings.last_mut() {
        finding.args.push(("known", known.join("`, `")));
        finding.case = "unknown-field-list";
    }
}
