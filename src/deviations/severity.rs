//! Grade → severity, and the strict mode (DVS 7.1; ZM-ABW-09).

use super::Assessed;
use crate::finding::{Finding, Severity};
use crate::model::Site;
use crate::rules::{Catalogue, Grade};
use std::collections::BTreeSet;

/// The weight of a finding without deviation: its own, where the rule's cases differ, else that of the rule's grade. A missing
/// attestation of the family ATT is a warning until the strict mode asks for it. What has no rule (syntax) is an error.
pub fn of(catalogue: &Catalogue, finding: &Finding) -> Severity {
    let Some(rule) = catalogue.rule(finding.rule) else { return Severity::Error };
    finding.severity.unwrap_or(match rule.grade {
        Grade::Muss | Grade::DarfNicht if Catalogue::is_attestation(finding.rule) => Severity::Warning,
        Grade::Muss | Grade::DarfNicht => Severity::Error,
        Grade::Sollte => Severity::Warning,
        Grade::Kann => Severity::Info,
    })
}

/// Makes open SOLLTE findings errors, with ZM-ABW-09 beside them, and missing attestations of grade MUSS. An attestation of grade
/// SOLLTE stays a warning: nothing but the evidence settles it, so no justification can be missing.
pub fn hold_strictly(site: &Site, catalogue: &Catalogue, assessed: &mut Vec<Assessed>) {
    let (mut count, mut rules) = (0_usize, BTreeSet::new());
    for item in assessed.iter_mut().filter(|item| item.severity == Severity::Warning) {
        let Some(rule) = catalogue.rule(item.finding.rule) else { continue };
        match (Catalogue::is_attestation(item.finding.rule), rule.grade) {
            (true, Grade::Muss | Grade::DarfNicht) => item.severity = Severity::Error,
            (false, Grade::Sollte) => {
                item.severity = Severity::Error;
                count += 1;
                rules.insert(item.finding.rule);
            }
            _ => {}
        }
    }
    if count > 0 {
        let finding = Finding::new("ZM-ABW-09", "open")
            .arg("count", count)
            .arg("rules", rules.into_iter().collect::<Vec<_>>().join(", "))
            .object(site.name())
            .label(site.head.name.span, "site");
        assessed.push(Assessed { finding, severity: Severity::Error, deviation: None });
    }
}
