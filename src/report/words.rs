//! The fixed words of the documents in both languages: `targets/report/words.yaml`.

use crate::data::{self, DataError};
use crate::i18n::{Bilingual, Lang, fill};
use crate::source::Date;
use indexmap::IndexMap;
use serde::Serialize;

const FILE: &str = include_str!("../../targets/report/words.yaml");

/// Words by key, in one language.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
#[serde(transparent)]
pub struct Words {
    words: IndexMap<String, String>,
    #[serde(skip)]
    lang: Lang,
}

impl Words {
    /// Reads the words.
    ///
    /// # Errors
    /// [`DataError`] when the built-in data are faulty.
    pub fn load(lang: Lang) -> Result<Self, DataError> {
        let all: IndexMap<String, Bilingual> = data::parse("targets/report/words.yaml", FILE)?;
        Ok(Self { words: all.into_iter().map(|(key, text)| (key, text.get(lang).to_owned())).collect(), lang })
    }

    /// Their language.
    #[must_use]
    pub const fn lang(&self) -> Lang {
        self.lang
    }

    /// A word. A key that is not in the file stands for itself, which a test excludes.
    #[must_use]
    pub fn get(&self, key: &str) -> String {
        self.words.get(key).cloned().unwrap_or_else(|| key.to_owned())
    }

    /// A sentence with its placeholders filled.
    #[must_use]
    pub fn fill(&self, key: &str, args: &[(&'static str, String)]) -> String {
        fill(&self.get(key), args)
    }

    /// A date as the language writes it.
    #[must_use]
    pub fn date(&self, date: Date) -> String {
        match self.lang {
            Lang::En => date.to_string(),
            Lang::De => {
                let (year, month, day) = date.parts();
                format!("{day:02}.{month:02}.{year}")
            }
        }
    }

    /// A number with its thousands apart: a narrow space in German, a comma in English.
    #[must_use]
    pub fn number(&self, number: usize) -> String {
        let digits = number.to_string();
        let separator = if self.lang == Lang::De { '\u{202f}' } else { ',' };
        let mut out = String::new();
        for (index, digit) in digits.chars().enumerate() {
            if index > 0 && (digits.len() - index).is_multiple_of(3) {
                out.push(separator);
            }
            out.push(digit);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn dates_and_numbers_follow_the_language() {
        let (en, de) = (Words::load(Lang::En).unwrap(), Words::load(Lang::De).unwrap());
        let day = Date::new(2026, 11, 24).unwrap();
        assert_eq!([en.date(day), de.date(day)], ["2026-11-24", "24.11.2026"]);
        assert_eq!([en.number(4096), de.number(1_234_567)], ["4,096", "1\u{202f}234\u{202f}567"]);
        assert_eq!([en.number(7), de.number(999)], ["7", "999"]);
    }
}
