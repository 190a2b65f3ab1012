//! The texts and grades of the rules, read from `zones/<blueprint>/rules/` and `zones/syntax.yaml`.

use crate::data::{self, DataError};
use crate::finding::Finding;
use crate::i18n::{Bilingual, Lang, fill};
use crate::model::blueprint::parameters;
use crate::source::Date;
use indexmap::IndexMap;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;

/// Grade of a requirement (DVS 7.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
pub enum Grade {
    /// Unconditional.
    #[serde(rename = "MUSS")]
    Muss,
    /// To be departed from only after weighing.
    #[serde(rename = "SOLLTE")]
    Sollte,
    /// An option.
    #[serde(rename = "KANN")]
    Kann,
    /// Prohibited.
    #[serde(rename = "DARF NICHT")]
    DarfNicht,
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Muss => "MUSS",
            Self::Sollte => "SOLLTE",
            Self::Kann => "KANN",
            Self::DarfNicht => "DARF NICHT",
        })
    }
}

/// Where a grade comes from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
pub enum Basis {
    /// Capitals in the DVS text.
    S,
    /// Prose of the DVS text.
    P,
    /// Only in BSI IT-Grundschutz.
    B,
    /// Derived good practice.
    D,
}

/// How a rule may be departed from.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
pub enum Deviability {
    /// Never.
    N,
    /// By a formal deviation.
    F,
    /// By a formal deviation that shows BSI conformity.
    FB,
    /// By a recorded justification.
    J,
    /// Attested: evidence is enough.
    E,
    /// Nothing to depart from.
    #[serde(rename = "none")]
    None,
}

impl fmt::Display for Deviability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::N => "N",
            Self::F => "F",
            Self::FB => "FB",
            Self::J => "J",
            Self::E => "E",
            Self::None => "–",
        })
    }
}

/// What a rule's verdict rests on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Proof {
    /// Decided on the model.
    Model,
    /// Evidence that lies elsewhere.
    Evidence,
}

/// A message with an optional help of its own.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// English text.
    pub en: String,
    /// German text.
    pub de: String,
    /// How to mend just this case.
    pub help: Option<Bilingual>,
}

/// A grade that a rule gets on a day.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Raise {
    /// The grade from then on.
    pub grade: Grade,
    /// Name of the day among the `dates` of the blueprint's parameters.
    pub from: String,
    /// The day; set when the catalogue is loaded.
    #[serde(skip)]
    pub on: Option<Date>,
}

/// The data of a rule.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleData {
    /// Grade.
    pub grade: Grade,
    /// A later grade, when the rules announce one.
    pub raised: Option<Raise>,
    /// Where the grade comes from.
    pub basis: Basis,
    /// Sources.
    pub sources: Vec<String>,
    /// BSI requirements behind it, which an alternative measure must meet.
    pub twins: Vec<String>,
    /// How it may be departed from.
    pub deviability: Deviability,
    /// What its verdict rests on.
    pub proof: Proof,
    /// Title.
    pub title: Bilingual,
    /// How it is decided.
    pub decided: Bilingual,
    /// Why it exists.
    pub explain: Bilingual,
    /// How to mend a finding.
    pub help: Bilingual,
    /// A snippet that breaks it.
    #[serde(default)]
    pub fails: String,
    /// The snippet, mended.
    #[serde(default)]
    pub mended: String,
    /// Messages by case.
    #[serde(default)]
    pub messages: BTreeMap<String, Message>,
    /// Label texts by key.
    #[serde(default)]
    pub labels: BTreeMap<String, Bilingual>,
}

/// A family of rules.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Family {
    /// Short name: `PAP`.
    pub family: String,
    /// Title.
    pub title: Bilingual,
    /// Class of the zones that its rules are about; without such a zone there is nothing to decide.
    #[serde(default)]
    pub class: Option<String>,
    /// Its rules in order of ids.
    pub rules: IndexMap<String, RuleData>,
}

/// The texts for what cannot be read.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct SyntaxTexts {
    title: Bilingual,
    help: Bilingual,
    shapes: BTreeMap<String, Bilingual>,
    messages: BTreeMap<String, Message>,
    labels: BTreeMap<String, Bilingual>,
}

/// All rules of a blueprint, and the texts of findings.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Catalogue {
    families: Vec<Family>,
    syntax: SyntaxTexts,
}

/// Order of the families in lists and documents.
const ORDER: [&str; 15] =
    ["MOD", "ZON", "SEP", "PAP", "ACC", "FLO", "ADR", "UPL", "MGT", "LOG", "K8S", "DEV", "VSN", "ABW", "ATT"];

impl Catalogue {
    /// Reads the rules of a blueprint.
    ///
    /// # Errors
    /// [`DataError`] when the built-in data are faulty.
    pub fn load(blueprint: &str) -> Result<Self, DataError> {
        let mut families = Vec::new();
        let dates = parameters(blueprint)?.dates;
        for file in data::list(&format!("{blueprint}/rules")) {
            let mut family = data::load::<Family>(&file)?;
            for raised in family.rules.values_mut().filter_map(|rule| rule.raised.as_mut()) {
                let unknown =
                    || DataError { file: file.clone(), reason: format!("there is no date `{}`", raised.from) };
                raised.on = Some(*dates.get(&raised.from).ok_or_else(unknown)?);
            }
            families.push(family);
        }
        families.sort_by_key(|family| ORDER.iter().position(|name| *name == family.family).unwrap_or(ORDER.len()));
        Ok(Self { families, syntax: data::load("syntax.yaml")? })
    }

    /// The catalogue as it holds on a day: rules whose grade is raised until then have the later one.
    #[must_use]
    pub fn on(mut self, day: Date) -> Self {
        for rule in self.families.iter_mut().flat_map(|family| family.rules.values_mut()) {
            if let Some(raised) = rule.raised.as_ref().filter(|raised| raised.on.is_some_and(|on| on <= day)) {
                rule.grade = raised.grade;
            }
        }
        self
    }

    /// The families in order.
    #[must_use]
    pub fn families(&self) -> &[Family] {
        &self.families
    }

    /// Ids and data of all rules, in order of the families.
    pub fn rules(&self) -> impl Iterator<Item = (&str, &RuleData)> {
        self.families.iter().flat_map(|family| family.rules.iter().map(|(id, data)| (id.as_str(), data)))
    }

    /// The data of a rule.
    #[must_use]
    pub fn rule(&self, id: &str) -> Option<&RuleData> {
        self.families.iter().find_map(|family| family.rules.get(id))
    }

    /// Ids of all rules, in order of the families.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.rules().map(|(id, _)| id)
    }

    /// The address of a rule's page in the project's documents; `None` for what is no rule.
    #[must_use]
    pub fn page(&self, id: &str) -> Option<String> {
        self.rule(id)?;
        let family = id.split('-').nth(1).unwrap_or_default().to_lowercase();
        Some(format!("{}/-/blob/main/docs/rules/{family}.md#{}", env!("CARGO_PKG_REPOSITORY"), id.to_lowercase()))
    }

    /// Whether a rule is an attestation: never decided on the model, only by evidence.
    #[must_use]
    pub fn is_attestation(id: &str) -> bool {
        id.starts_with("ZM-ATT-")
    }

    /// The words for a shape of the language (`prefix`: an address prefix); the key itself when there are none.
    #[must_use]
    pub fn shape<'a>(&'a self, key: &'a str, lang: Lang) -> &'a str {
        self.syntax.shapes.get(key).map_or(key, |text| text.get(lang))
    }

    /// Title of a finding's rule.
    #[must_use]
    pub fn title(&self, finding: &Finding, lang: Lang) -> String {
        self.rule(finding.rule).map_or(&self.syntax.title, |rule| &rule.title).get(lang).to_owned()
    }

    fn message_of(&self, finding: &Finding) -> Option<&Message> {
        let own = self.rule(finding.rule).and_then(|rule| rule.messages.get(finding.case));
        own.or_else(|| self.syntax.messages.get(finding.case))
    }

    /// The message of a finding.
    #[must_use]
    pub fn message(&self, finding: &Finding, lang: Lang) -> String {
        let args = self.translate(&finding.args, lang);
        match self.message_of(finding) {
            Some(message) => sentence(fill(message.get(lang), &args), lang),
            None => format!("{} ({})", self.title(finding, lang), finding.case),
        }
    }

    /// How to mend a finding; empty when there is nothing to say.
    #[must_use]
    pub fn help(&self, finding: &Finding, lang: Lang) -> String {
        let args = self.translate(&finding.args, lang);
        let own = self.message_of(finding).and_then(|message| message.help.as_ref());
        // The similar name is shown as a repair; a general help would only repeat it.
        let general = if finding.fix.is_some() {
            None
        } else {
            Some(self.rule(finding.rule).map_or(&self.syntax.help, |rule| &rule.help))
        };
        own.or(general).map_or_else(String::new, |help| sentence(fill(help.get(lang), &args), lang))
    }

    /// The text of a label.
    #[must_use]
    pub fn label(&self, finding: &Finding, key: &str, args: &[(&'static str, String)], lang: Lang) -> String {
        let own = self.rule(finding.rule).and_then(|rule| rule.labels.get(key));
        let text = own.or_else(|| self.syntax.labels.get(key));
        // A label may use the message's values as well as its own.
        let mut all = args.to_vec();
        all.extend(finding.args.iter().cloned());
        text.map_or_else(String::new, |text| fill(text.get(lang), &self.translate(&all, lang)))
    }

    /// Puts words for the shapes that faults name (`expected: list`) and for the groups of ZM-MGT-02.
    fn translate(&self, args: &[(&'static str, String)], lang: Lang) -> Vec<(&'static str, String)> {
        let shape = |name: &'static str| {
            matches!(
                name,
                "expected" | "found" | "record" | "shape" | "wanted" | "what" | "first-group" | "second-group"
            )
        };
        let word = |value: &String| {
            self.syntax.shapes.get(value).map_or_else(|| value.clone(), |text| text.get(lang).to_owned())
        };
        args.iter().map(|(name, value)| (*name, if shape(name) { word(value) } else { value.clone() })).collect()
    }
}

impl Message {
    /// The text in one language.
    #[must_use]
    pub fn get(&self, lang: Lang) -> &str {
        match lang {
            Lang::En => &self.en,
            Lang::De => &self.de,
        }
    }
}

/// A German sentence begins with a capital, also where a placeholder stands first.
fn sentence(text: String, lang: Lang) -> String {
    match (lang, text.chars().next()) {
        (Lang::De, Some(first)) if first.is_lowercase() => {
            first.to_uppercase().collect::<String>() + text.get(first.len_utf8()..).unwrap_or_default()
        }
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_blueprint_has_its_rules() {
        for name in data::blueprints() {
            let catalogue = Catalogue::load(&name).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(catalogue.rules().count(), 156, "144 rules and 12 attestations");
        }
    }
}
