//! `zonec schema`: the JSON Schema of the language with the words of the built-in data, so that editors offer them.

use crate::data::{self, DataError};
use crate::model::Blueprint;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The schema of a zone file.
///
/// # Errors
/// [`DataError`] when the built-in data are faulty, which the tests of the project exclude.
pub fn schema() -> Result<Value, DataError> {
    let mut schema = crate::syntax::language_schema();
    let blueprints = data::blueprints();
    let (mut kinds, mut classes, mut services) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    for name in &blueprints {
        let blueprint = Blueprint::load(name)?;
        kinds.extend(blueprint.kinds.into_keys());
        classes.extend(blueprint.classes.into_keys());
        services.extend(blueprint.services.into_keys());
    }
    // An unknown kind or blueprint is an error whatever else stands there; classes and services may be others.
    only(&mut schema, "Document", "zonec", &json!([1]));
    only(&mut schema, "SiteHead", "blueprint", &json!(blueprints));
    only(&mut schema, "Component", "kind", &json!(kinds));
    offer(&mut schema, "Zone", "class", &json!(classes));
    for record in ["Flow", "Connection"] {
        offer(&mut schema, record, "service", &json!(services));
    }
    Ok(schema)
}

fn property<'s>(schema: &'s mut Value, record: &str, key: &str) -> Option<&'s mut Value> {
    schema.pointer_mut(&format!("/$defs/{record}/properties/{key}"))
}

/// Leaves a property these words only.
fn only(schema: &mut Value, record: &str, key: &str, words: &Value) {
    if let Some(property) = property(schema, record, key).and_then(Value::as_object_mut) {
        property.insert("enum".to_owned(), words.clone());
    }
}

/// Adds words that editors offer for a property, and allows what was allowed.
fn offer(schema: &mut Value, record: &str, key: &str, words: &Value) {
    let Some(property) = property(schema, record, key) else { return };
    let about = property.get("description").cloned().unwrap_or_default();
    if let Some(own) = property.as_object_mut() {
        own.remove("description");
    }
    *property = json!({ "description": about, "anyOf": [{ "enum": words }, property.take()] });
}
