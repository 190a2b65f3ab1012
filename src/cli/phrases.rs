//! Short texts of the program itself, by their English wording: progress, refusals, help of the command line.
//!
//! Code says them in English where they arise, filled in; `zones/phrases.yaml` holds their German. A text that no phrase fits
//! stays English, which a test of the command line excludes for what `src/cli` says.

use crate::data;
use crate::i18n::Lang;
use serde::Deserialize;

/// A phrase with `{placeholders}`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Phrase {
    en: String,
    de: String,
}

/// All phrases of a language.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Phrases(Vec<Phrase>);

impl Phrases {
    /// The phrases of a language; none for English, and none when the data are faulty, which a test excludes.
    #[must_use]
    pub fn of(lang: Lang) -> Self {
        match lang {
            Lang::En => Self::default(),
            Lang::De => Self(data::load("phrases.yaml").unwrap_or_default()),
        }
    }

    /// A text in the language, or as it is.
    #[must_use]
    pub fn say(&self, text: &str) -> String {
        self.known(text).unwrap_or_else(|| text.to_owned())
    }

    /// A text in the language, when there is a phrase for it.
    #[must_use]
    pub fn known(&self, text: &str) -> Option<String> {
        self.0.iter().find_map(|phrase| {
            let values = captured(&phrase.en, text)?;
            // What stands in a placeholder may be a phrase of its own.
            let values: Vec<(String, String)> =
                values.into_iter().map(|(name, value)| (name, self.say(&value))).collect();
            Some(values.iter().fold(phrase.de.clone(), |out, (name, value)| out.replace(&format!("{{{name}}}"), value)))
        })
    }
}

/// The values of a template's placeholders in a text, when the text has the template's shape.
fn captured(template: &str, text: &str) -> Option<Vec<(String, String)>> {
    let (first, mut rest_of_template) = template.split_once('{').unwrap_or((template, ""));
    let mut rest = text.strip_prefix(first)?;
    let mut values = Vec::new();
    while !rest_of_template.is_empty() {
        let (name, after) = rest_of_template.split_once('}')?;
        let (literal, next) = after.split_once('{').map_or((after, ""), |(literal, next)| (literal, next));
        let end = match (next.is_empty(), literal.is_empty()) {
            (true, _) => rest.strip_suffix(literal)?.len(),
            (false, true) => return None,
            (false, false) => rest.find(literal)?,
        };
        let value = rest.get(..end)?;
        if value.is_empty() {
            return None;
        }
        values.push((name.to_owned(), value.to_owned()));
        rest = rest.get(end + literal.len()..)?;
        rest_of_template = next;
    }
    rest.is_empty().then_some(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_the_shape_gives_its_values() {
        let values = captured("`{a}` is {b}; write `{c}`", "`x` is no y; write `z`");
        let own = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(values, Some(vec![own("a", "x"), own("b", "no y"), own("c", "z")]));
        assert_eq!(captured("plain", "plain"), Some(Vec::new()));
        assert_eq!(captured("`{a}` is", "`x` was"), None);
    }

    /// The texts with which the files of `src/cli` refuse, with a letter for each placeholder.
    fn refusals() -> Vec<String> {
        let mut found = Vec::new();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/cli");
        let own = folder.join("phrases.rs");
        for path in std::fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.is_file() && *path != own)
        {
            // A suggestion at the end has a phrase of its own.
            let source = std::fs::read_to_string(path).unwrap();
            let source = source.replace("; did you mean `{near}`?", "").replace("{near}", "");
            for part in source.split("Stop::Invalid(").chain(source.split("Stop::Failure(")).skip(1) {
                let part = part.strip_prefix("format!(").unwrap_or(part);
                let Some(text) = part.strip_prefix('"').and_then(|text| text.split_once('"')) else { continue };
                let plain: String =
                    text.0.split('{').map(|piece| piece.split_once('}').map_or(piece, |(_, rest)| rest)).collect();
                if plain.chars().any(char::is_alphabetic) {
                    found.push(
                        text.0
                            .split('{')
                            .map(|piece| piece.split_once('}').map_or(piece.to_owned(), |(_, rest)| format!("X{rest}")))
                            .collect(),
                    );
                }
            }
        }
        found
    }

    #[test]
    fn every_refusal_is_there_in_german() {
        let phrases = Phrases::of(Lang::De);
        let all = refusals();
        assert!(all.len() > 10, "{all:?}");
        // What git itself says is passed on.
        let own = all.iter().filter(|text| *text != "git: X");
        let untold: Vec<&String> = own.filter(|text| phrases.known(text).is_none()).collect();
        assert!(untold.is_empty(), "no German in zones/phrases.yaml for {untold:#?}");
    }

    #[test]
    fn every_phrase_keeps_its_placeholders() {
        let phrases: Vec<Phrase> = data::load("phrases.yaml").unwrap_or_else(|error| panic!("{error}"));
        assert!(phrases.len() > 50);
        let names = |text: &str| {
            let mut names: Vec<String> =
                text.split('{').skip(1).filter_map(|part| Some(part.split_once('}')?.0.to_owned())).collect();
            names.sort();
            names
        };
        for phrase in &phrases {
            assert_eq!(names(&phrase.en), names(&phrase.de), "{}", phrase.en);
        }
    }
}
