//! The words of matrices and of the import itself: `zones/import.yaml`.

use super::Said;
use crate::data::{self, DataError};
use crate::i18n::{Bilingual, Lang, fill};
use indexmap::IndexMap;
use serde::Deserialize;
use std::collections::BTreeSet;

/// The data of `zones/import.yaml`, words folded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    columns: IndexMap<String, Vec<String>>,
    unread: Vec<String>,
    empty: BTreeSet<String>,
    any: BTreeSet<String>,
    allow: BTreeSet<String>,
    refuse: BTreeSet<String>,
    #[serde(rename = "one-way")]
    one_way: BTreeSet<String>,
    protocols: IndexMap<String, String>,
    families: IndexMap<String, String>,
    services: IndexMap<String, String>,
    messages: IndexMap<String, Bilingual>,
}

/// What a word of a cell means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Meaning {
    /// Nothing is said.
    Empty,
    /// Everything.
    Any,
    /// In force.
    Allow,
    /// Not in force.
    Refuse,
    /// The source opens the connection.
    OneWay,
}

/// A heading without case, umlauts, blanks, line breaks and punctuation.
pub(super) fn fold_heading(text: &str) -> String {
    plain(text).chars().filter(|c| c.is_alphanumeric() || *c == '#').collect()
}

/// A word of a cell: lower case, umlauts written out, one blank where there were several.
pub(super) fn fold_word(text: &str) -> String {
    plain(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn plain(text: &str) -> String {
    text.to_lowercase().replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss")
}

impl Words {
    /// Reads the words.
    ///
    /// # Errors
    /// [`DataError`] when the built-in data are faulty.
    pub fn load() -> Result<Self, DataError> {
        let mut words: Self = data::load("import.yaml")?;
        words.columns.values_mut().flatten().for_each(|heading| *heading = fold_heading(heading));
        words.unread.iter_mut().for_each(|heading| *heading = fold_heading(heading));
        for set in [&mut words.empty, &mut words.any, &mut words.allow, &mut words.refuse, &mut words.one_way] {
            *set = set.iter().map(|word| fold_word(word)).collect();
        }
        for map in [&mut words.protocols, &mut words.families, &mut words.services] {
            *map = map.iter().map(|(word, meaning)| (fold_word(word), meaning.clone())).collect();
        }
        Ok(words)
    }

    /// The column that a heading means.
    pub(super) fn column(&self, heading: &str) -> Option<&str> {
        let folded = fold_heading(heading);
        let found = self.columns.iter().find(|(_, headings)| headings.contains(&folded));
        found.map(|(column, _)| column.as_str()).filter(|_| !folded.is_empty())
    }

    /// Whether a heading is known to say nothing that a flow holds.
    pub(super) fn is_unread(&self, heading: &str) -> bool {
        self.unread.contains(&fold_heading(heading))
    }

    /// The names of all columns.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }

    /// Whether a cell's word has a meaning.
    pub(super) fn means(&self, text: &str, meaning: Meaning) -> bool {
        let word = fold_word(text);
        let set = match meaning {
            Meaning::Empty => &self.empty,
            Meaning::Any => &self.any,
            Meaning::Allow => &self.allow,
            Meaning::Refuse => &self.refuse,
            Meaning::OneWay => &self.one_way,
        };
        set.contains(&word) || (meaning == Meaning::Empty && word.is_empty())
    }

    /// The protocol that a word means: `tcp`, `udp`, `sctp`, `icmp`, `icmpv6`.
    pub(super) fn protocol(&self, text: &str) -> Option<&str> {
        self.protocols.get(&fold_word(text)).map(String::as_str)
    }

    /// The family that a word means, as the language writes it.
    pub(super) fn family(&self, text: &str) -> Option<&str> {
        self.families.get(&fold_word(text)).map(String::as_str)
    }

    /// The service of the language that another name of it means.
    pub(super) fn service(&self, text: &str) -> Option<&str> {
        self.services.get(&fold_word(text)).map(String::as_str)
    }

    /// A message in a language. A key that is not there stands for itself, which a test excludes.
    #[must_use]
    pub fn text(&self, said: &Said, lang: Lang) -> String {
        self.messages.get(said.key).map_or_else(|| said.key.to_owned(), |text| fill(text.get(lang), &said.args))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn headings_are_found_whatever_their_writing() {
        let words = Words::load().unwrap();
        for (heading, column) in [
            ("QUELLE", "from"),
            ("Quelle\nIP-Adresse", "from-address"),
            ("Ziel-\nPort", "port"),
            ("Gueltig bis", "valid-until"),
            ("Gültig  bis:", "valid-until"),
            ("Source Port", "from-port"),
            ("lfd.\nNr.", "number"),
            ("Port(s)", "port"),
        ] {
            assert_eq!(words.column(heading), Some(column), "{heading}");
        }
        assert_eq!(words.column(" "), None);
    }

    #[test]
    fn a_heading_means_one_column_only() {
        let words = Words::load().unwrap();
        let mut seen = std::collections::BTreeMap::new();
        for (column, headings) in &words.columns {
            for heading in headings {
                assert!(!heading.is_empty());
                let other = seen.insert(heading.clone(), column.clone());
                assert!(other.as_ref().is_none_or(|other| other == column), "{heading}: {column} and {other:?}");
            }
        }
    }

    #[test]
    fn every_message_of_the_code_has_its_text() {
        let words = Words::load().unwrap();
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/import");
        let mut used = BTreeSet::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            used.extend(text.split("Said::new(\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned()));
        }
        used.remove("");
        let known: BTreeSet<String> = words.messages.keys().cloned().collect();
        assert_eq!(used, known);
    }
}
