//! The one way of text into a document: a report whose every string has passed the escaper of a format.

use serde::Serialize;
use serde_json::Value;

/// A format with an escaper of its own.
pub trait Format {
    /// Makes a text inert in the format.
    fn escape(&self, text: &str) -> String;

    /// Sets what an escaped text has between backticks as code, where the format can without harm.
    fn code(escaped: &str) -> String {
        escaped.to_owned()
    }
}

/// Data whose texts are all escaped for a format. Only [`Escaped::of`] makes one, and templates take nothing else.
#[derive(Clone, Debug)]
pub struct Escaped<F> {
    value: Value,
    format: F,
}

impl<F: Format> Escaped<F> {
    /// Escapes every string of some data, however deep it sits. Keys are fixed words of ours and stay as they are.
    ///
    /// # Errors
    /// Data that cannot be written as JSON, which ours always can.
    pub fn of(format: F, data: &impl Serialize) -> Result<Self, String> {
        let mut value = serde_json::to_value(data).map_err(|error| error.to_string())?;
        walk(&format, &mut value);
        Ok(Self { value, format })
    }

    /// Adds more data, escaped like the rest.
    #[must_use]
    pub fn with_data(mut self, key: &str, mut data: Value) -> Self {
        walk(&self.format, &mut data);
        if let Value::Object(map) = &mut self.value {
            map.insert(key.to_owned(), data);
        }
        self
    }

    /// Adds the fixed words, as `w`.
    ///
    /// # Errors
    /// As for [`Escaped::of`].
    pub fn with_words(self, words: &super::Words) -> Result<Self, String> {
        Ok(self.with_data("w", serde_json::to_value(words).map_err(|error| error.to_string())?))
    }

    /// Adds a piece that is written in the format already: a picture, a style, a script of ours.
    #[must_use]
    pub fn with_trusted(mut self, key: &str, text: String) -> Self {
        if let Value::Object(map) = &mut self.value {
            map.insert(key.to_owned(), Value::String(text));
        }
        self
    }

    /// The data as JSON, for templates that read them as data.
    #[cfg(feature = "pdf")]
    #[must_use]
    pub fn json(&self) -> String {
        self.value.to_string()
    }

    /// Fills a template.
    ///
    /// # Errors
    /// The template engine's words; tests render every template.
    pub fn render(&self, template: &str) -> Result<String, String> {
        let mut environment = minijinja::Environment::new();
        environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        environment.add_filter("code", |escaped: String| F::code(&escaped));
        environment.render_str(template, minijinja::value::Serde(&self.value)).map_err(|error| format!("{error:#}"))
    }
}

fn walk<F: Format>(format: &F, value: &mut Value) {
    match value {
        Value::String(text) => *text = format.escape(text),
        Value::Array(items) => items.iter_mut().for_each(|item| walk(format, item)),
        Value::Object(map) => map.values_mut().for_each(|item| walk(format, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether a character changes the direction of the text around it, and so what a reader believes to read.
#[must_use]
pub const fn turns(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{061c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}
