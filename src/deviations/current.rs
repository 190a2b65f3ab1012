//! Deviations held against the findings and the calendar (ZM-ABW-05, ZM-ABW-08).

use super::covers;
use super::register::{Register, State, standards};
use crate::finding::Finding;
use crate::model::Site;
use crate::model::ids::DeviationId;
use crate::model::site::Deviation;
use crate::rules::Catalogue;
use crate::source::Date;
use std::collections::BTreeSet;

const ABW_08: &str = "ZM-ABW-08";

/// ZM-ABW-05: findings that an expired deviation covered count again. One that another entry renews is history.
pub fn expired(site: &Site, register: &Register, open: &[Finding]) -> Vec<Finding> {
    let told = register.ids(State::Expired).filter_map(|id| {
        let deviation = &site.deviations[id];
        let until = deviation.decl.valid_until.as_ref().filter(|_| !register.is_superseded(deviation))?;
        let rules: BTreeSet<&str> =
            open.iter().filter(|finding| covers(site, id, finding)).map(|finding| finding.rule).collect();
        (!rules.is_empty()).then(|| {
            Finding::new("ZM-ABW-05", "expired")
                .arg("deviation", &deviation.name)
                .arg("until", until.value)
                .arg("rules", rules.into_iter().collect::<Vec<_>>().join(", "))
                .object(&deviation.name)
                .label_with(until.span, "until", vec![("as-of", site.as_of.to_string())])
        })
    });
    told.collect()
}

/// ZM-ABW-08: every effective deviation covers something, cites the current revision, and does not end soon.
pub fn current(site: &Site, catalogue: &Catalogue, register: &Register, open: &[Finding]) -> Vec<Finding> {
    let mut told = Vec::new();
    for id in register.ids(State::Effective) {
        let deviation = &site.deviations[id];
        if register.is_superseded(deviation) {
            continue;
        }
        told.extend(unused(site, id, open, |rule| rule != ABW_08));
        told.extend(stale(catalogue, deviation));
        told.extend(ending(site, deviation));
    }
    told
}

/// ZM-ABW-08 for deviations from ZM-ABW-08 itself: judged once the other findings of that rule are known.
pub fn own_justifications(site: &Site, register: &Register, faults: &[Finding]) -> Vec<Finding> {
    let effective = register.ids(State::Effective).filter(|id| !register.is_superseded(&site.deviations[*id]));
    effective.flat_map(|id| unused(site, id, faults, |rule| rule == ABW_08)).collect()
}

fn unused(site: &Site, id: DeviationId, open: &[Finding], judged: impl Fn(&str) -> bool) -> Vec<Finding> {
    let deviation = &site.deviations[id];
    let used: BTreeSet<&str> =
        open.iter().filter(|finding| covers(site, id, finding)).map(|finding| finding.rule).collect();
    let idle = deviation.decl.rules.iter().filter(|rule| judged(&rule.0) && !used.contains(rule.0.as_str()));
    idle.map(|rule| {
        let named = |finding: &&Finding| {
            finding.rule == rule.0
                && deviation.decl.objects.iter().any(|object| finding.objects.iter().any(|own| *own == object.0))
        };
        let subject = open.iter().find(named).and_then(|finding| finding.objects.first());
        let told =
            subject.map_or_else(|| about(deviation, "unused"), |own| about(deviation, "beside").arg("subject", own));
        told.arg("named", &rule.0).label(rule.span, "rule")
    })
    .collect()
}

/// A standard is cited with the revision of the catalogue, or it is not the text the rules come from.
fn stale(catalogue: &Catalogue, deviation: &Deviation) -> Option<Finding> {
    let cited = deviation.decl.dvs.as_ref()?;
    let known: BTreeSet<&str> = catalogue.rules().flat_map(|(_, rule)| standards(rule)).collect();
    if known.contains(cited.0.as_str()) {
        return None;
    }
    let number = |text: &str| text.rsplit_once("-R").map(|(number, _)| number.to_owned());
    let current = known.into_iter().find(|standard| number(standard).is_some() && number(standard) == number(&cited.0));
    let told = match current {
        Some(current) => about(deviation, "stale").arg("current", current),
        None => about(deviation, "unknown-standard"),
    };
    Some(told.arg("cited", &cited.0).label(cited.span, "dvs"))
}

fn ending(site: &Site, deviation: &Deviation) -> Option<Finding> {
    let until = deviation.decl.valid_until.as_ref()?;
    let days = site.as_of.days_until(until.value);
    (days <= site.blueprint.parameters.deviation_warn_days).then(|| {
        let next = Date::from_days(until.value.days() + 1).unwrap_or(until.value);
        about(deviation, "ending").arg("days", days).arg("until", until.value).label_with(
            until.span,
            "until",
            vec![("next", next.to_string())],
        )
    })
}

fn about(deviation: &Deviation, case: &'static str) -> Finding {
    Finding::new(ABW_08, case).arg("deviation", &deviation.name).object(&deviation.name)
}
