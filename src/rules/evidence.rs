//! Rules that the model cannot decide: the register `evidence` says where each is shown (ZM-ATT, ZM-MGT-05, ZM-K8S-09, ZM-DEV-09, ZM-VSN-07).

use super::{Catalogue, Cx, Rule};
use crate::finding::Finding;
use crate::model::Site;
use crate::model::site::EvidenceFor;
use crate::source::{Date, Span};
use crate::syntax::objects::{Evidence, PodSecurity};
use crate::syntax::scalars::Either;

pub(super) const RULES: &[Rule] = &[
    ("ZM-MGT-05", |cx, out| attest(cx, "ZM-MGT-05", out)),
    ("ZM-K8S-09", isolated_containers),
    ("ZM-DEV-09", |cx, out| of_class(cx, "ZM-DEV-09", "development", out)),
    ("ZM-VSN-07", released),
    ("ZM-ATT-01", |cx, out| attest(cx, "ZM-ATT-01", out)),
    ("ZM-ATT-02", in_germany),
    ("ZM-ATT-03", |cx, out| attest(cx, "ZM-ATT-03", out)),
    ("ZM-ATT-04", |cx, out| attest(cx, "ZM-ATT-04", out)),
    ("ZM-ATT-05", |cx, out| attest(cx, "ZM-ATT-05", out)),
    ("ZM-ATT-06", |cx, out| attest(cx, "ZM-ATT-06", out)),
    ("ZM-ATT-07", |cx, out| attest(cx, "ZM-ATT-07", out)),
    ("ZM-ATT-08", |cx, out| attest(cx, "ZM-ATT-08", out)),
    ("ZM-ATT-09", |cx, out| attest(cx, "ZM-ATT-09", out)),
    ("ZM-ATT-10", |cx, out| attest(cx, "ZM-ATT-10", out)),
    ("ZM-ATT-11", |cx, out| attest(cx, "ZM-ATT-11", out)),
    ("ZM-ATT-12", |cx, out| attest(cx, "ZM-ATT-12", out)),
];

/// Whether evidence counts on a day: it is not dated after it, and has no end or has not reached it.
pub(crate) fn is_valid(evidence: &Evidence, day: Date) -> bool {
    evidence.on.as_ref().is_none_or(|on| on.value <= day)
        && evidence.valid_until.as_ref().is_none_or(|until| until.value >= day)
}

/// Says why evidence does not count on a day. `finding` is the rule's own about evidence that has ended; evidence of the future
/// has a case whose texts all rules share.
pub(super) fn ended(finding: Finding, evidence: &Evidence, day: Date) -> Finding {
    if let Some(on) = evidence.on.as_ref().filter(|on| on.value > day) {
        let finding = Finding { case: "future-evidence", ..finding }.arg("on", on.value).arg("as-of", day);
        return finding.label(on.span, "future-evidence");
    }
    let Some(until) = &evidence.valid_until else { return finding };
    let date = until.value.to_string();
    finding.arg("until", &date).label_with(until.span, "expired", vec![("until", date)])
}

/// What is wrong with the register's entry for a rule; `missing` is where to point, and with which label, when there is none.
fn judge(site: &Site, rule: &'static str, missing: (Span, &'static str), out: &mut Vec<Finding>) {
    match site.evidence.get(rule) {
        None => out.push(Finding::new(rule, "missing").label(missing.0, missing.1).object(site.name())),
        Some(entry) if !is_valid(&entry.decl, site.as_of) => {
            out.push(ended(Finding::new(rule, "expired"), &entry.decl, site.as_of).object(site.name()));
        }
        Some(entry) if Catalogue::is_attestation(rule) => out.extend(incomplete(site, rule, entry)),
        Some(_) => {}
    }
}

/// An attestation names its owner and its date beside the reference (catalogue 1.15).
fn incomplete(site: &Site, rule: &'static str, entry: &EvidenceFor) -> Option<Finding> {
    let stated = [("`owner`", entry.decl.owner.is_some()), ("`on`", entry.decl.on.is_some())];
    let missing: Vec<&str> = stated.into_iter().filter(|(_, there)| !there).map(|(name, _)| name).collect();
    let finding = Finding::new(rule, "incomplete-evidence").arg("entry", rule).arg("fields", missing.join(", "));
    (!missing.is_empty()).then(|| finding.label(entry.span, "incomplete-evidence").object(site.name()))
}

/// An attestation of the site (DVS 5.2).
fn attest(cx: &Cx<'_>, rule: &'static str, out: &mut Vec<Finding>) {
    judge(cx.site, rule, (cx.site.head.name.span, "site"), out);
}

/// Production and service in Germany (DVS-002-R01): attested, and not contradicted by the site's own location.
fn in_germany(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    attest(cx, "ZM-ATT-02", out);
    if let Some(Either::Long(location)) = &cx.site.head.location
        && location.country.0 != "DE"
    {
        let finding = Finding::new("ZM-ATT-02", "country").arg("country", &location.country.0);
        out.push(finding.label(location.country.span, "country").object(cx.site.name()));
    }
}

fn of_class(cx: &Cx<'_>, rule: &'static str, class: &str, out: &mut Vec<Finding>) {
    if let Some(zone) = cx.site.zones.values().find(|zone| zone.class == class) {
        judge(cx.site, rule, (zone.span, "zone"), out);
    }
}

/// Containers are isolated (DVS 5.3.4, APP.4.4.A4): shown by evidence, or by the strictest pod security everywhere.
fn isolated_containers(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let user = |system: Option<bool>| system != Some(true);
    let namespaces = site.namespaces.values().filter(|namespace| user(namespace.decl.system.as_ref().map(|s| s.value)));
    let mut open = namespaces.filter(|namespace| {
        namespace.decl.pod_security.as_ref().is_none_or(|level| level.value != PodSecurity::Restricted)
    });
    let Some(namespace) = open.next() else { return };
    let before = out.len();
    judge(site, "ZM-K8S-09", (namespace.span, "namespace"), out);
    for finding in out.iter_mut().skip(before) {
        finding.args.push(("namespace", namespace.path.clone()));
        finding.objects = vec![namespace.path.clone()];
    }
}

/// Release and documentation of the restricted zone (CON.11.1.A1, A2): reviewed within three years.
fn released(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    if !site.zones.values().any(|zone| zone.class == "restricted") {
        return;
    }
    let before = out.len();
    of_class(cx, "ZM-VSN-07", "restricted", out);
    let Some(entry) = site.evidence.get("ZM-VSN-07").filter(|_| out.len() == before) else { return };
    let current = |on: Date| on.plus_months(36).is_some_and(|end| end >= site.as_of);
    let on = entry.decl.on.as_ref();
    if !on.is_some_and(|on| current(on.value)) {
        let date = on.map_or_else(|| "–".to_owned(), |on| on.value.to_string());
        let span = on.map_or(entry.span, |on| on.span);
        let finding = Finding::new("ZM-VSN-07", "old").arg("on", &date).object(site.name());
        out.push(finding.label_with(span, "old", vec![("on", date)]));
    }
}
