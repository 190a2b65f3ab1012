//! The language as the schema has it, asked by place: which keys a map takes, what they mean, which words a value may be.

use crate::syntax::language_schema;
use crate::syntax::mention::NamePlaces;
use serde_json::Value as Json;

/// The language.
#[derive(Debug)]
pub struct Language {
    schema: Json,
    /// Places of names.
    pub names: NamePlaces,
}

/// A key that a map takes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Key<'a> {
    /// The key.
    pub name: &'a str,
    /// What it means.
    pub about: &'a str,
    /// Whether the map must have it.
    pub is_required: bool,
    /// Whether its value is always a map.
    pub is_map: bool,
}

impl Default for Language {
    fn default() -> Self {
        Self { schema: language_schema(), names: NamePlaces::default() }
    }
}

impl Language {
    /// The shapes that a schema allows, references resolved; of a list those of its members.
    fn shapes<'a>(&'a self, schema: &'a Json, out: &mut Vec<&'a Json>) {
        if let Some(reference) = schema.get("$ref").and_then(Json::as_str) {
            if let Some(target) = self.schema.pointer(reference.trim_start_matches('#')) {
                self.shapes(target, out);
            }
        } else if let Some(choices) = schema.get("anyOf").and_then(Json::as_array) {
            choices.iter().for_each(|choice| self.shapes(choice, out));
        } else if let Some(items) = schema.get("items") {
            self.shapes(items, out);
        } else {
            out.push(schema);
        }
    }

    /// What may stand at a path.
    fn at<S: AsRef<str>>(&self, path: &[S]) -> Vec<&Json> {
        let mut now = Vec::new();
        self.shapes(&self.schema, &mut now);
        for key in path {
            let mut next = Vec::new();
            for schema in now {
                let own = schema.get("properties").and_then(|own| own.get(key.as_ref()));
                let any = schema.get("additionalProperties").filter(|any| any.is_object());
                if let Some(value) = own.or(any) {
                    self.shapes(value, &mut next);
                }
            }
            now = next;
        }
        now
    }

    /// The keys that the map at a path takes, in the order of the reference.
    #[must_use]
    pub fn keys<S: AsRef<str>>(&self, path: &[S]) -> Vec<Key<'_>> {
        let mut keys: Vec<Key<'_>> = Vec::new();
        for schema in self.at(path) {
            let Some(properties) = schema.get("properties").and_then(Json::as_object) else { continue };
            for (name, value) in properties {
                if keys.iter().all(|key| key.name != name) {
                    keys.push(self.key(schema, name, value));
                }
            }
        }
        keys
    }

    fn key<'a>(&'a self, record: &'a Json, name: &'a str, value: &'a Json) -> Key<'a> {
        let required = record.get("required").and_then(Json::as_array);
        let is_required = required.is_some_and(|list| list.iter().any(|key| key.as_str() == Some(name)));
        let mut shapes = Vec::new();
        self.shapes(value, &mut shapes);
        let is_map = shapes.iter().all(|shape| shape.get("type").and_then(Json::as_str) == Some("object"));
        Key { name, about: about(value), is_required, is_map }
    }

    /// The key at the end of a path, when it is one of the language and not a name.
    #[must_use]
    pub fn key_at<S: AsRef<str>>(&self, path: &[S]) -> Option<Key<'_>> {
        let (last, record) = path.split_last()?;
        self.keys(record).into_iter().find(|key| key.name == last.as_ref())
    }

    /// The words that the value at a path may be, with their meaning; also `true` and `false`.
    #[must_use]
    pub fn words<S: AsRef<str>>(&self, path: &[S]) -> Vec<(&str, &str)> {
        let mut words = Vec::new();
        for schema in self.at(path) {
            if schema.get("type").and_then(Json::as_str) == Some("boolean") {
                words.extend([("true", ""), ("false", "")]);
            }
            let list = schema.get("enum").and_then(Json::as_array).into_iter().flatten();
            let mut abouts = schema.get("enumDescriptions").and_then(Json::as_array).into_iter().flatten();
            for word in list.filter_map(Json::as_str) {
                words.push((word, abouts.next().and_then(Json::as_str).unwrap_or("")));
            }
        }
        words
    }

    /// The names of the shapes that a value at a path may have (keys of `shapes:` in `zones/syntax.yaml`).
    #[must_use]
    pub fn shape_names<S: AsRef<str>>(&self, path: &[S]) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.at(path).into_iter().filter_map(|schema| schema.get("title").and_then(Json::as_str)).collect();
        names.dedup();
        names
    }
}

fn about(schema: &Json) -> &str {
    schema.get("description").and_then(Json::as_str).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_words_by_place() {
        let language = Language::default();
        let keys = |path: &[&str]| language.keys(path).iter().map(|key| key.name.to_owned()).collect::<Vec<_>>();
        assert!(keys(&[]).contains(&"flows".to_owned()));
        assert_eq!(keys(&["flows"]), [] as [String; 0]);
        assert_eq!(keys(&["flows", "x"]).first().map(String::as_str), Some("from"));
        assert_eq!(keys(&["expect"]), ["allow", "deny", "because"]);
        assert_eq!(keys(&["flows", "x", "approved"]), ["ref", "by", "on"]);
        assert_eq!(keys(&["networks", "x", "sensor"]), ["ref", "owner", "on", "valid-until"]);
        assert_eq!(keys(&["nothing", "x"]), [] as [String; 0]);
        assert!(
            language.words(&["gateways", "g", "stage"]).contains(&("inner", "Towards the data zones."))
                || !language.words(&["gateways", "g", "stage"]).is_empty()
        );
        assert_eq!(language.words(&["gateways", "g", "stateful"]).len(), 2);
        assert!(language.key_at(&["flows", "x", "from"]).is_some_and(|key| key.is_required && !key.is_map));
        assert_eq!(language.key_at(&["flows", "x"]), None);
    }
}
