//! Results by rule and by standard, with the kind of evidence behind each.

use super::build::{Builder, State, state_of};
use super::facts::{Link, Requirement, Rule, Standard};
use crate::rules::{Catalogue, Proof, registry};
use crate::syntax::objects::Evidence;
use std::collections::{BTreeMap, BTreeSet};

/// Rules about what the artefacts enforce: with artefacts that were read back and compared, the proof covers them.
const ENFORCED: [&str; 5] = ["ZM-SEP-09", "ZM-ADR-11", "ZM-FLO-05", "ZM-K8S-07", "ZM-K8S-14"];

/// Rules with a decision procedure in this version: those of the registry, the resolver's and the family ABW.
#[must_use]
pub fn decided(catalogue: &Catalogue) -> BTreeSet<&str> {
    let mut decided: BTreeSet<&str> = registry().iter().map(|(id, _)| *id).collect();
    decided.insert("ZM-MOD-01");
    decided.extend(catalogue.ids().filter(|id| id.starts_with("ZM-ABW-")));
    decided
}

/// Where a requirement stands: standard, then its id in natural order.
type Place<'a> = (u8, Vec<(String, u32)>, &'a str);

impl Builder<'_> {
    pub(super) fn rules(&self) -> Vec<Rule> {
        let catalogue = &self.input.checked.catalogue;
        let decided = decided(catalogue);
        let mut found: BTreeMap<&str, Vec<(State, &Link)>> = BTreeMap::new();
        for (item, anchor) in self.input.checked.findings.iter().zip(&self.anchors) {
            found.entry(item.finding.rule).or_default().push((State::of(item.severity), anchor));
        }
        let lang = self.words.lang();
        let absent: BTreeMap<&str, &str> = self.absent().collect();
        let rule = |(id, data): (&str, &crate::rules::RuleData)| {
            let found = found.get(id).map_or(&[][..], Vec::as_slice);
            let declared = self.site.evidence.get(id).map(|evidence| self.evidence(&evidence.decl));
            let kind = match data.proof {
                Proof::Evidence => "E",
                Proof::Model if !decided.contains(id) => "–",
                Proof::Model if ENFORCED.contains(&id) && !self.input.files.is_empty() => "A",
                Proof::Model => "M",
            };
            let state = match found.iter().map(|(state, _)| *state).max() {
                Some(worst) => worst,
                None if absent.contains_key(id) => State::Absent,
                None if kind == "E" && declared.is_some() => State::Declared,
                None if decided.contains(id) => State::Good,
                None => State::Open,
            };
            let refs: BTreeSet<Link> = found.iter().map(|(_, anchor)| (*anchor).clone()).collect();
            let evidence = declared.unwrap_or_else(|| match (state, kind, absent.get(id)) {
                (State::Absent, _, Some(class)) => {
                    self.words.fill("no-zone-of-class", &[("class", (*class).to_owned())])
                }
                (_, "–", _) => self.word("not-decided"),
                _ if found.is_empty() => self.word(&format!("evidence-{kind}")),
                _ => self.words.fill("findings-of-rule", &[("count", self.words.number(found.len()))]),
            });
            Rule {
                id: id.to_owned(),
                title: data.title.get(lang).to_owned(),
                grade: data.grade.to_string(),
                kind,
                kind_word: self.word(&format!("kind-of-evidence-{kind}")),
                evidence,
                decided: data.decided.get(lang).to_owned(),
                sources: data.sources.join(", "),
                mark: self.mark(state),
                refs: refs.into_iter().collect(),
            }
        };
        catalogue.rules().map(rule).collect()
    }

    /// Rules about a class of zones that the site does not have, each with the class.
    fn absent(&self) -> impl Iterator<Item = (&str, &str)> {
        let families = self.input.checked.catalogue.families().iter();
        let classes = families.filter_map(|family| Some((family, family.class.as_deref()?)));
        let missing = classes.filter(|(_, class)| !self.site.zones.values().any(|zone| zone.class == *class));
        missing.flat_map(|(family, class)| family.rules.keys().map(move |id| (id.as_str(), class)))
    }

    fn evidence(&self, evidence: &Evidence) -> String {
        let mut parts = vec![evidence.reference.0.clone()];
        parts.extend(evidence.owner.as_ref().map(|owner| owner.0.clone()));
        parts.extend(evidence.on.as_ref().map(|on| self.words.date(on.value)));
        let until = evidence.valid_until.as_ref();
        parts.extend(until.map(|day| self.words.fill("until-day", &[("day", self.words.date(day.value))])));
        parts.join(", ")
    }

    pub(super) fn standards(&self, rules: &[Rule]) -> Vec<Standard> {
        let mut by: BTreeMap<Place<'_>, Vec<&Rule>> = BTreeMap::new();
        for rule in rules {
            let twins = self.input.checked.catalogue.rule(&rule.id).map_or(&[][..], |data| &data.twins);
            let references: BTreeSet<&str> =
                rule.sources.split(", ").chain(twins.iter().map(String::as_str)).filter(|id| !id.is_empty()).collect();
            for reference in references {
                by.entry((standard(reference), natural(reference), reference)).or_default().push(rule);
            }
        }
        let titles = ["standard-dvs", "standard-chapters", "standard-bsi"];
        let mut standards: Vec<Standard> =
            titles.iter().map(|key| Standard { title: self.word(key), rows: Vec::new() }).collect();
        for ((standard, _, reference), rules) in by {
            if let Some(standard) = standards.get_mut(usize::from(standard)) {
                standard.rows.push(self.requirement(reference, &rules));
            }
        }
        standards.retain(|standard| !standard.rows.is_empty());
        standards
    }

    fn requirement(&self, reference: &str, rules: &[&Rule]) -> Requirement {
        let decided = rules.iter().filter(|rule| rule.mark.class != "none").count();
        let worst = rules.iter().map(|rule| state_of(rule.mark.class)).max().unwrap_or(State::Open);
        let kinds: BTreeSet<&str> = rules.iter().map(|rule| rule.kind).collect();
        // Nothing but declarations is no compliance that the model shows.
        let state = if worst == State::Good && kinds.iter().all(|kind| *kind == "E") { State::Declared } else { worst };
        Requirement {
            reference: reference.to_owned(),
            rules: rules.iter().map(|rule| rule.id.clone()).collect(),
            decided: format!("{decided} / {}", rules.len()),
            kinds: kinds.into_iter().collect::<Vec<_>>().join(" "),
            mark: self.mark(state),
        }
    }
}

/// DVS standards, chapters of the DVS framework, BSI modules.
fn standard(reference: &str) -> u8 {
    match () {
        () if reference.starts_with("DVS-") => 0,
        () if reference.starts_with("DVS ") => 1,
        () => 2,
    }
}

/// Sorts `A9` before `A10`.
fn natural(reference: &str) -> Vec<(String, u32)> {
    let mut parts = vec![(String::new(), 0u32)];
    for c in reference.chars() {
        match (c.to_digit(10), parts.last_mut()) {
            (Some(digit), Some((_, number))) => *number = number.saturating_mul(10).saturating_add(digit),
            (None, Some((text, 0))) => text.push(c),
            (None, _) => parts.push((c.to_string(), 0)),
            (Some(_), None) => {}
        }
    }
    parts
}
