//! Strict reading of API objects: every field is asked for, what nobody asked for is an error.

use crate::syntax::tree::{Node, Value};
use std::collections::BTreeMap;

/// Why an object could not be read, with the path of the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unclear {
    /// File and object: `cilium/c1/20-flows/shop/api.yaml: CiliumNetworkPolicy shop/zc-f1-in`.
    pub object: String,
    /// The field: `spec.ingress[0].fromEndpoints`.
    pub field: String,
    /// What is wrong with it.
    pub reason: String,
}

/// Result of reading a part of an object.
pub type Read<T> = Result<T, Box<Unclear>>;

/// A value with the path that leads to it.
pub struct Field<'n, 's> {
    node: &'n Node<'s>,
    path: String,
}

impl<'n, 's> Field<'n, 's> {
    /// The root of an object.
    #[must_use]
    pub const fn root(node: &'n Node<'s>) -> Self {
        Self { node, path: String::new() }
    }

    /// An error at this field; the object is filled in by whoever knows it.
    #[must_use]
    pub fn fault(&self, reason: impl Into<String>) -> Box<Unclear> {
        let field = if self.path.is_empty() { "the object".to_owned() } else { self.path.clone() };
        Box::new(Unclear { object: String::new(), field, reason: reason.into() })
    }

    /// The node itself.
    #[must_use]
    pub const fn node(&self) -> &'n Node<'s> {
        self.node
    }

    /// The path of the field.
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// A text. A plain scalar that YAML readers take for a boolean, a number or null is none.
    ///
    /// # Errors
    /// When the value is something else.
    pub fn text(&self) -> Read<String> {
        match &self.node.value {
            Value::Scalar { text, plain } if !*plain || is_text(text) => Ok(text.to_string()),
            Value::Scalar { .. } => Err(self.fault("is no text; an API server would not take it")),
            _ => Err(self.fault("is no text")),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// When the value is something else.
    pub fn number(&self) -> Read<i64> {
        match &self.node.value {
            Value::Scalar { text, plain: true } if text.chars().all(|c| c.is_ascii_digit() || c == '-') => {
                text.parse().map_err(|_| self.fault("is no whole number"))
            }
            _ => Err(self.fault("is no whole number")),
        }
    }

    /// A boolean.
    ///
    /// # Errors
    /// When the value is something else.
    pub fn flag(&self) -> Read<bool> {
        match &self.node.value {
            Value::Scalar { text, plain: true } if text == "true" => Ok(true),
            Value::Scalar { text, plain: true } if text == "false" => Ok(false),
            _ => Err(self.fault("is neither true nor false")),
        }
    }

    /// Whether the value is a number, for fields that take numbers and names.
    #[must_use]
    pub fn is_number(&self) -> bool {
        self.number().is_ok()
    }

    /// The items of a list.
    ///
    /// # Errors
    /// When the value is no list.
    pub fn list(&self) -> Read<Vec<Self>> {
        match &self.node.value {
            Value::Seq(items) => Ok(items
                .iter()
                .enumerate()
                .map(|(i, node)| Self { node, path: format!("{}[{i}]", self.path) })
                .collect()),
            _ => Err(self.fault("is no list")),
        }
    }

    /// The fields of a map.
    ///
    /// # Errors
    /// When the value is no map, or a key comes twice.
    pub fn map(&self) -> Read<Fields<'n, 's>> {
        let Value::Map(entries) = &self.node.value else { return Err(self.fault("is no map")) };
        let mut fields = BTreeMap::new();
        for (key, value) in entries {
            let name = key.text().ok_or_else(|| self.fault("has a key that is no text"))?;
            if fields.insert(name, value).is_some() {
                return Err(self.fault(format!("has the key `{name}` twice")));
            }
        }
        Ok(Fields { fields, path: self.path.clone() })
    }

    /// A map of texts.
    ///
    /// # Errors
    /// When the value is something else.
    pub fn labels(&self) -> Read<BTreeMap<String, String>> {
        let fields = self.map()?;
        fields.fields.iter().map(|(key, node)| Ok(((*key).to_owned(), fields.at(key, node).text()?))).collect()
    }
}

/// The fields of a map that nobody has asked for yet.
pub struct Fields<'n, 's> {
    fields: BTreeMap<&'n str, &'n Node<'s>>,
    path: String,
}

impl<'n, 's> Fields<'n, 's> {
    fn at(&self, key: &str, node: &'n Node<'s>) -> Field<'n, 's> {
        let dot = if self.path.is_empty() { "" } else { "." };
        Field { node, path: format!("{}{dot}{key}", self.path) }
    }

    /// A field, if it is there and not null.
    pub fn take(&mut self, key: &str) -> Option<Field<'n, 's>> {
        let node = self.fields.remove(key)?;
        (!node.is_null()).then(|| self.at(key, node))
    }

    /// A field that has to be there.
    ///
    /// # Errors
    /// When it is missing.
    pub fn need(&mut self, key: &str) -> Read<Field<'n, 's>> {
        self.take(key).ok_or_else(|| {
            let field = if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) };
            Box::new(Unclear { object: String::new(), field, reason: "is missing".to_owned() })
        })
    }

    /// Ends the reading of the map.
    ///
    /// # Errors
    /// When a field is left that nobody asked for: what it means is unknown, and so is what the policy means.
    pub fn finish(self) -> Read<()> {
        match self.fields.iter().next() {
            None => Ok(()),
            Some((key, node)) => {
                Err(self.at(key, node).fault("is not known here, so the meaning of the policy is unknown"))
            }
        }
    }
}

/// Whether a plain scalar is a text for YAML 1.1 and YAML 1.2 readers alike.
fn is_text(text: &str) -> bool {
    const WORDS: [&str; 11] = ["", "~", "null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let lower = text.to_ascii_lowercase();
    let number_like = text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | '.'))
        && (lower.replace('_', "").parse::<f64>().is_ok()
            || lower.starts_with("0x")
            || lower.starts_with("0o")
            || is_base_60(&lower));
    !WORDS.contains(&lower.as_str()) && !number_like
}

/// `1:30` is ninety in YAML 1.1.
fn is_base_60(text: &str) -> bool {
    text.contains(':') && text.split(':').all(|part| !part.is_empty() && part.chars().all(|c| c.is_ascii_digit()))
}
