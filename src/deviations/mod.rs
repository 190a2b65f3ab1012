//! Deviations and evidence against findings (DVS 2.2, 7.1; rule family ABW). A deviation never changes what is compiled:
//! it classifies a finding. This is the one place where findings get their severity.

mod current;
mod fingerprint;
mod register;
mod severity;

use crate::finding::{Finding, Severity};
use crate::model::blueprint::ClassMainZone;
use crate::model::ids::DeviationId;
use crate::model::{Object, Site, ZoneId};
use crate::rules::{Catalogue, Deviability, evidence};
use crate::syntax::document::MainZone;
pub use fingerprint::fingerprints;
use register::{Register, State};

/// A finding with its weight, and the deviation that covers it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assessed {
    /// What was found.
    pub finding: Finding,
    /// Its weight; [`Severity::Deviation`] exactly when `deviation` is set.
    pub severity: Severity,
    /// The valid deviation that covers it.
    pub deviation: Option<DeviationId>,
}

/// Weighs the findings of the rules against the site's deviations and evidence, and adds those of the family ABW.
///
/// A finding of an attestation rule goes when the site's `evidence` holds a valid proof for that rule. A finding is covered by
/// the first effective deviation (by id) that names its rule and its subject. With `strict`, open SOLLTE findings are
/// errors (ZM-ABW-09). The result is in order of place, rule and case.
#[must_use]
pub fn assess(site: &Site, catalogue: &Catalogue, findings: Vec<Finding>, strict: bool) -> Vec<Assessed> {
    let (register, mut faults) = Register::of(site, catalogue);
    let mut open: Vec<Finding> =
        findings.into_iter().filter(|finding| !is_attested(site, catalogue, finding)).collect();
    faults.extend(current::expired(site, &register, &open));
    faults.extend(current::current(site, catalogue, &register, &open));
    let own = current::own_justifications(site, &register, &faults);
    open.append(&mut faults);
    open.extend(own);

    let mut assessed: Vec<Assessed> =
        open.into_iter().map(|finding| cover(site, catalogue, &register, finding)).collect();
    if strict {
        severity::hold_strictly(site, catalogue, &mut assessed);
    }
    assessed.sort_by(|a, b| order(&a.finding).cmp(&order(&b.finding)));
    assessed.dedup();
    assessed
}

/// Whether the `evidence` of the site settles a finding: the rule is decided by attestation, and the proof is valid. What
/// contradicts a valid proof stays: a review too long ago (ZM-VSN-07), another country (ZM-ATT-02), an entry without owner or date.
fn is_attested(site: &Site, catalogue: &Catalogue, finding: &Finding) -> bool {
    !matches!(finding.case, "old" | "country" | "incomplete-evidence")
        && catalogue
            .rule(finding.rule)
            .is_some_and(|rule| rule.deviability == Deviability::E || Catalogue::is_attestation(finding.rule))
        && site.evidence.get(finding.rule).is_some_and(|evidence| evidence::is_valid(&evidence.decl, site.as_of))
}

fn cover(site: &Site, catalogue: &Catalogue, register: &Register, finding: Finding) -> Assessed {
    let deviation = register.ids(State::Effective).find(|id| covers(site, *id, &finding));
    let severity = if deviation.is_some() { Severity::Deviation } else { severity::of(catalogue, &finding) };
    Assessed { finding, severity, deviation }
}

/// Whether a deviation names the rule of a finding and its subject: the object named first, or another of the same sort (either of
/// two uplinks on one route). The rest of the objects is where the subject stands; a deviation for the Internet, or for a zone,
/// would cover faults of others that nobody approved (ZM-ABW-07).
fn covers(site: &Site, id: DeviationId, finding: &Finding) -> bool {
    let deviation = &site.deviations[id].decl;
    let subject = finding.objects.first().map(|first| sort(site, first));
    let subjects = || finding.objects.iter().filter(|object| Some(sort(site, object)) == subject);
    deviation.rules.iter().any(|rule| rule.0 == finding.rule)
        && subjects().any(|subject| deviation.objects.iter().any(|object| object.0 == *subject))
}

/// What sort of thing a name of a finding stands for.
#[derive(PartialEq, Eq)]
enum Sort {
    Network,
    Zone,
    Segment,
    /// Gateways and components: what stands in a segment.
    Device,
    Cluster,
    Namespace,
    /// Flows, uplinks, platforms, services, deviations, the site: never named together with others.
    Other,
}

fn sort(site: &Site, name: &str) -> Sort {
    match site.lookup(name) {
        Some(Object::Network(_)) => Sort::Network,
        // A zone with one unnamed segment is that segment.
        Some(Object::Zone(_)) if site.place(name).is_none() => Sort::Zone,
        Some(Object::Zone(_) | Object::Segment(_)) => Sort::Segment,
        Some(Object::Gateway(_) | Object::Component(_)) => Sort::Device,
        Some(Object::Cluster(_)) => Sort::Cluster,
        Some(Object::Namespace(_)) => Sort::Namespace,
        Some(Object::Group(_)) | None => Sort::Other,
    }
}

/// Findings are told in the order of their places; those about the site as a whole come first.
fn order(finding: &Finding) -> (Option<crate::source::Span>, &str, &str, &[String], &[String]) {
    (finding.span(), finding.rule, finding.case, &finding.objects, &finding.witness)
}

/// Whether a zone is of class `restricted`, or manages one that is.
fn is_restricted_zone(site: &Site, zone: ZoneId) -> bool {
    let serves = site.zones[zone]
        .decl
        .serves
        .iter()
        .flat_map(|serves| &serves.0)
        .any(|served| served.value == MainZone::Restricted);
    serves || site.class(zone).is_some_and(|class| class.main_zone == ClassMainZone::Restricted)
}
