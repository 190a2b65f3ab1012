//! What the server itself says, in both languages: `zones/editor.yaml`.

use crate::data::{self, DataError};
use crate::i18n::{Bilingual, Lang, fill};
use crate::rules::Catalogue;
use crate::syntax::mention::NameKind;
use std::collections::BTreeMap;

/// The words of one language.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Words {
    words: BTreeMap<String, Bilingual>,
    /// Meanings of keys and words of the language, by their English; empty for English.
    meanings: BTreeMap<String, String>,
    /// The language.
    pub lang: Lang,
}

impl Words {
    /// Reads the words.
    ///
    /// # Errors
    /// [`DataError`] when the built-in data are faulty.
    pub fn load(lang: Lang) -> Result<Self, DataError> {
        let meanings = match lang {
            Lang::En => BTreeMap::new(),
            Lang::De => data::load("language.yaml")?,
        };
        Ok(Self { words: data::load("editor.yaml")?, meanings, lang })
    }

    /// A word. A key that is not in the file stands for itself, which a test excludes.
    #[must_use]
    pub fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.words.get(key).map_or(key, |word| word.get(self.lang))
    }

    /// A sentence with its placeholders filled.
    #[must_use]
    pub fn fill(&self, key: &str, args: &[(&'static str, String)]) -> String {
        fill(self.get(key), args)
    }

    /// What a key or word of the language means, by the English of its declaration.
    #[must_use]
    pub fn meaning<'a>(&'a self, english: &'a str) -> &'a str {
        self.meanings.get(english).map_or(english, String::as_str)
    }

    /// The word for a kind of thing, with its article where it has one: “a zone”.
    #[must_use]
    pub fn kind(&self, kind: NameKind, catalogue: &Catalogue) -> String {
        match kind {
            NameKind::Replica | NameKind::Host | NameKind::ComponentKind | NameKind::ZoneClass => {
                self.get(kind.shape()).to_owned()
            }
            _ => catalogue.shape(kind.shape(), self.lang).to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use std::collections::BTreeSet;

    fn abouts(schema: &serde_json::Value, out: &mut BTreeSet<String>) {
        let described = schema["properties"].as_object().into_iter().flatten();
        out.extend(described.filter_map(|(_, value)| value["description"].as_str()).map(str::to_owned));
        let words = schema["enumDescriptions"].as_array().into_iter().flatten();
        out.extend(words.filter_map(|about| about.as_str()).filter(|about| !about.is_empty()).map(str::to_owned));
        match schema {
            serde_json::Value::Object(members) => members.values().for_each(|value| abouts(value, out)),
            serde_json::Value::Array(items) => items.iter().for_each(|value| abouts(value, out)),
            _ => {}
        }
    }

    #[test]
    fn every_key_and_word_has_its_meaning_in_german() {
        let mut used = BTreeSet::new();
        abouts(&crate::syntax::language_schema(), &mut used);
        let there: BTreeSet<String> = Words::load(Lang::De).unwrap().meanings.into_keys().collect();
        assert_eq!(used, there, "zones/language.yaml holds the German of every key and word, and no more");
    }

    /// Every word that the server asks for is there, and none that it does not.
    #[test]
    fn the_words_are_those_that_are_used() {
        let words = Words::load(Lang::En).unwrap();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lsp");
        let mut used: BTreeSet<String> = BTreeSet::new();
        // These are put together where they are used.
        used.extend(["replica", "host", "component-kind", "zone-class"].map(str::to_owned));
        used.extend(["skeleton-risk", "skeleton-measures", "skeleton-exit-plan"].map(str::to_owned));
        let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        for path in paths.filter(|path| path.is_file() && !path.ends_with("words.rs")) {
            // Without blanks: a call may be broken over lines.
            let text: String = std::fs::read_to_string(path).unwrap().split_whitespace().collect();
            for call in ["words.get(\"", "words.fill(\"", "page.row(\"", "page.list(\"", "self.refuse(\"", "word(\""] {
                used.extend(text.split(call).skip(1).filter_map(|part| Some(part.split_once('"')?.0.to_owned())));
            }
        }
        let there: BTreeSet<String> = words.words.keys().cloned().collect();
        assert_eq!(used, there);
    }
}
