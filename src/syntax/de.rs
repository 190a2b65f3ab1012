//! A `serde::Deserializer` over the span tree, for data that is not zone language: the built-in data of `zones/`
//! and dumps of Kubernetes objects. Plain scalars follow the YAML 1.2 core schema, as `kubectl` output does.

use super::tree::{Node, Value};
use serde::de::{self, DeserializeSeed, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Why a tree is not the wanted type: the message and the byte at which the value starts.
#[derive(Debug)]
pub struct DeError {
    /// serde's words.
    pub message: String,
    /// Start of the offending node, when known.
    pub at: Option<u32>,
}

impl fmt::Display for DeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for DeError {}

impl de::Error for DeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self { message: message.to_string(), at: None }
    }
}

/// Reads a typed value out of a node.
///
/// # Errors
/// [`DeError`] with the place of the innermost node that did not fit.
pub fn from_node<'a, T: de::Deserialize<'a>>(node: &'a Node<'a>) -> Result<T, DeError> {
    T::deserialize(Tree(node))
}

/// Reads a value that borrows nothing from the node.
///
/// # Errors
/// As [`from_node`].
pub fn from_node_owned<T: de::DeserializeOwned>(node: &Node<'_>) -> Result<T, DeError> {
    T::deserialize(Tree(node))
}

#[derive(Clone, Copy)]
struct Tree<'de>(&'de Node<'de>);

impl Tree<'_> {
    fn locate<T>(self, result: Result<T, DeError>) -> Result<T, DeError> {
        result.map_err(|error| DeError { at: error.at.or(Some(self.0.span.start)), ..error })
    }
}

impl<'de> de::Deserializer<'de> for Tree<'de> {
    type Error = DeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        let result = match &self.0.value {
            Value::Scalar { text, plain: true } => match &**text {
                "" | "~" | "null" | "Null" | "NULL" => visitor.visit_unit(),
                "true" | "True" | "TRUE" => visitor.visit_bool(true),
                "false" | "False" | "FALSE" => visitor.visit_bool(false),
                text => {
                    if let Some(number) = integer(text) {
                        visitor.visit_i64(number)
                    } else if let Some(number) = float(text) {
                        visitor.visit_f64(number)
                    } else {
                        visitor.visit_borrowed_str(text)
                    }
                }
            },
            Value::Scalar { text, .. } => visitor.visit_borrowed_str(text),
            Value::Seq(items) => visitor.visit_seq(Items(items.iter())),
            Value::Map(pairs) => visitor.visit_map(Pairs(pairs.iter(), None)),
        };
        self.locate(result)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        match &self.0.value {
            Value::Scalar { text, .. } if !self.0.is_null() => self.locate(visitor.visit_borrowed_str(text)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DeError> {
        self.deserialize_str(visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DeError> {
        let result = match &self.0.value {
            Value::Scalar { text, .. } => visitor.visit_enum((&**text).into_deserializer()),
            Value::Map(pairs) => visitor.visit_enum(de::value::MapAccessDeserializer::new(Pairs(pairs.iter(), None))),
            Value::Seq(_) => Err(de::Error::custom("expected a name, found a list")),
        };
        self.locate(result)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, DeError> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        ignored_any
    }
}

fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn float(text: &str) -> Option<f64> {
    let shaped = text.bytes().any(|b| b.is_ascii_digit())
        && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'+' | b'e' | b'E'));
    if shaped { text.parse().ok() } else { None }
}

struct Items<'a>(std::slice::Iter<'a, Node<'a>>);

impl<'a> SeqAccess<'a> for Items<'a> {
    type Error = DeError;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, DeError> {
        self.0.next().map(|node| seed.deserialize(Tree(node))).transpose()
    }
}

struct Pairs<'a>(std::slice::Iter<'a, (Node<'a>, Node<'a>)>, Option<&'a Node<'a>>);

impl<'a> MapAccess<'a> for Pairs<'a> {
    type Error = DeError;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, DeError> {
        let Some((key, value)) = self.0.next() else { return Ok(None) };
        self.1 = Some(value);
        seed.deserialize(Tree(key)).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'a>>(&mut self, seed: V) -> Result<V::Value, DeError> {
        let value = self.1.take().ok_or_else(|| <DeError as de::Error>::custom("value without a key"))?;
        seed.deserialize(Tree(value))
    }
}
