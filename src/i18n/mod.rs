//! The two languages of every text, and the one way placeholders are filled.

use serde::Deserialize;

/// Language of texts. Ids, keys and file names are never translated.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// German.
    De,
}

/// A text in both languages, as it stands in the data files of `zones/`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bilingual {
    /// English text.
    pub en: String,
    /// German text.
    pub de: String,
}

impl Bilingual {
    /// The text in one language.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::De => &self.de,
        }
    }
}

/// Fills `{name}` placeholders from `args`. A placeholder without a value stays as it is, which the tests of the data forbid.
#[must_use]
pub fn fill(template: &str, args: &[(&'static str, String)]) -> String {
    let mut out = String::with_capacity(template.len() + 32);
    let mut rest = template;
    while let Some(open) = rest.find('{') {
        let (before, after) = rest.split_at(open);
        out.push_str(before);
        let value = after.find('}').and_then(|close| {
            let name = after.get(1..close)?;
            let (_, value) = args.iter().find(|(key, _)| *key == name)?;
            Some((close, value))
        });
        if let Some((close, value)) = value {
            out.push_str(value);
            rest = after.get(close + 1..).unwrap_or("");
        } else {
            out.push('{');
            rest = after.get(1..).unwrap_or("");
        }
    }
    out.push_str(rest);
    out
}
