//! YAML as an editor hands it to a JSON Schema: plain scalars get the types of the YAML 1.2 core schema.

use serde_json::{Map, Value as Json};
use zonec::source::{FileId, Limits};
use zonec::syntax::tree::{Node, Value, parse};

/// A file as JSON; `None` when it is no YAML.
pub fn json(text: &str) -> Option<Json> {
    parse(text, FileId(0), &Limits::default()).ok().map(|node| value(&node))
}

fn value(node: &Node<'_>) -> Json {
    match &node.value {
        Value::Seq(items) => items.iter().map(value).collect(),
        Value::Map(pairs) => {
            let pairs = pairs.iter().map(|(key, inner)| (key.text().unwrap_or_default().to_owned(), value(inner)));
            Json::Object(pairs.collect::<Map<_, _>>())
        }
        Value::Scalar { .. } if node.is_null() => Json::Null,
        Value::Scalar { text, plain: true } => match text.as_ref() {
            "true" => true.into(),
            "false" => false.into(),
            text => number(text).unwrap_or_else(|| text.into()),
        },
        Value::Scalar { text, .. } => text.as_ref().into(),
    }
}

fn number(text: &str) -> Option<Json> {
    let numeric = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    let starts = text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c));
    if !numeric || !starts || text.matches('-').count() > 1 {
        return None;
    }
    text.parse::<i64>().map(Json::from).ok().or_else(|| text.parse::<f64>().ok().map(Json::from))
}
