//! JSON Schema (Draft 2020-12) of the language, collected from the records while they describe themselves.

use super::decode::{Decode, Scalar};
use super::document::Document;
use serde_json::{Map, Value as Json, json};

/// The `$defs` of the schema: each record once.
#[derive(Debug, Default)]
pub struct Defs(Map<String, Json>);

/// A field of a record, for the schema and the language reference.
#[derive(Debug)]
pub struct Field {
    /// Key in the language.
    pub key: &'static str,
    /// Whether it must be there.
    pub required: bool,
    /// What it means.
    pub about: &'static str,
    /// Schema of its value.
    pub schema: Json,
}

impl Defs {
    /// Describes a record once and gives a reference to it.
    pub fn record(
        &mut self,
        name: &'static str,
        about: &'static str,
        fields: impl FnOnce(&mut Self) -> Vec<Field>,
    ) -> Json {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), Json::Null);
            let fields = fields(self);
            let required: Vec<&str> = fields.iter().filter(|field| field.required).map(|field| field.key).collect();
            let properties: Map<String, Json> = fields.into_iter().map(property).collect();
            let mut object = json!({ "type": "object", "description": about.trim(), "additionalProperties": false, "properties": properties });
            if let (false, Some(object)) = (required.is_empty(), object.as_object_mut()) {
                object.insert("required".to_owned(), json!(required));
            }
            self.0.insert(name.to_owned(), object);
        }
        json!({ "$ref": format!("#/$defs/{name}") })
    }
}

/// The schema of a scalar, titled by its shape (`shapes:` in `zones/syntax.yaml`), for editors and the language reference.
pub fn titled<T: Scalar>() -> Json {
    let mut schema = T::schema();
    if let Some(object) = schema.as_object_mut() {
        object.insert("title".to_owned(), json!(T::SHAPE));
    }
    schema
}

fn property(field: Field) -> (String, Json) {
    // A description beside `$ref` is legal since Draft 2019-09.
    let mut schema = match field.schema {
        Json::Object(object) => object,
        other => Map::from_iter([("const".to_owned(), other)]),
    };
    schema.insert("description".to_owned(), json!(field.about.trim()));
    (field.key.to_owned(), Json::Object(schema))
}

/// The JSON Schema of a zone file.
#[must_use]
pub fn language_schema() -> Json {
    let mut defs = Defs::default();
    let root = Document::schema(&mut defs);
    let reference = root.get("$ref").cloned().unwrap_or(Json::Null);
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "zonec zone file",
        "$ref": reference,
        "$defs": defs.0,
    })
}
