//! The register of deviations: which ones are formally valid, and when they have an effect (ZM-ABW-01 to -04, -06, -07).

use crate::finding::{Finding, Severity};
use crate::model::ids::DeviationId;
use crate::model::site::Deviation;
use crate::model::{End, Object, Place, Site, ZoneId};
use crate::rules::{Catalogue, Deviability, Grade, RuleData};
use crate::syntax::nearest;
use crate::syntax::objects::{Body, DeviationKind};
use std::collections::{BTreeMap, BTreeSet};

/// Main zones, gateways and cluster rules that a deviation of kind `site` may concern (the blueprint of DVS-012-R02).
const SITE_FAMILIES: [&str; 6] = ["ZM-ZON-", "ZM-SEP-", "ZM-PAP-", "ZM-ACC-", "ZM-K8S-12", "ZM-K8S-13"];

/// What a deviation is good for on the evaluation date.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum State {
    /// A rule of this family refuses it: no effect.
    Rejected,
    /// Valid, but its first day has not come.
    NotYet,
    /// Valid, within its window.
    Effective,
    /// Its last day has passed.
    Expired,
}

/// The deviations of a site with their states.
#[derive(Debug)]
pub struct Register {
    states: BTreeMap<DeviationId, State>,
    superseded: BTreeSet<String>,
}

impl Register {
    /// Judges every deviation by itself; the findings say what is wrong with it.
    pub fn of(site: &Site, catalogue: &Catalogue) -> (Self, Vec<Finding>) {
        let objects = object_names(site);
        let mut findings = Vec::new();
        let mut states = BTreeMap::new();
        for (id, deviation) in site.deviations.iter() {
            let judge = Judge { site, catalogue, deviation, objects: &objects };
            let faults = judge.faults();
            let refused = faults.iter().any(|fault| fault.severity != Some(Severity::Warning));
            states.insert(id, if refused { State::Rejected } else { judge.window() });
            findings.extend(faults);
        }
        let superseded =
            site.deviations.values().filter_map(|d| d.decl.supersedes.as_ref()).map(|name| name.0.clone()).collect();
        (Self { states, superseded }, findings)
    }

    /// The deviations in a state, in order of id.
    pub fn ids(&self, state: State) -> impl Iterator<Item = DeviationId> {
        self.states.iter().filter(move |(_, own)| **own == state).map(|(id, _)| *id)
    }

    /// Whether another deviation renews this one.
    pub fn is_superseded(&self, deviation: &Deviation) -> bool {
        self.superseded.contains(&deviation.name)
    }
}

/// Every id a deviation may name as its object.
fn object_names(site: &Site) -> BTreeSet<&str> {
    let mut names: BTreeSet<&str> = site.names().collect();
    names.extend(site.segments.values().map(|item| item.name.as_str()));
    names.extend(site.namespaces.values().map(|item| item.path.as_str()));
    names.extend(site.flows.values().map(|item| item.name.as_str()));
    names.extend(site.uplinks.values().map(|item| item.name.as_str()));
    names.extend(site.platforms.values().map(|item| item.name.as_str()));
    names.extend(site.deviations.values().map(|item| item.name.as_str()));
    names.extend(site.services.keys().map(String::as_str));
    names.insert(site.name());
    names
}

struct Judge<'a> {
    site: &'a Site,
    catalogue: &'a Catalogue,
    deviation: &'a Deviation,
    objects: &'a BTreeSet<&'a str>,
}

impl Judge<'_> {
    fn faults(&self) -> Vec<Finding> {
        let mut faults = self.documented();
        faults.extend(self.limited());
        faults.extend(self.specific());
        let formal = self.kind() != DeviationKind::Justification;
        if formal {
            faults.extend(self.approved());
        }
        for rule in &self.deviation.decl.rules.0 {
            let Some(data) = self.catalogue.rule(&rule.0) else { continue };
            if is_prohibition(data) {
                faults.push(
                    self.fault("ZM-ABW-06", "prohibited")
                        .arg("named", &rule.0)
                        .arg("grade", data.grade)
                        .label(rule.span, "rule"),
                );
            } else if !fits(self.kind(), &rule.0, data) {
                faults.push(self.wrong_kind(rule.span, &rule.0, data));
            } else if self.kind() == DeviationKind::Site || (formal && data.deviability == Deviability::FB) {
                faults.extend(self.conforms(rule.span, &rule.0, data));
            }
        }
        faults
    }

    fn fault(&self, rule: &'static str, case: &'static str) -> Finding {
        Finding::new(rule, case).arg("deviation", &self.deviation.name).object(&self.deviation.name)
    }

    fn kind(&self) -> DeviationKind {
        self.deviation.decl.kind.value
    }

    /// ZM-ABW-01: the fields of chapter 3.2 are there, and the reason is one (DVS 2.2).
    fn documented(&self) -> Vec<Finding> {
        let decl = &self.deviation.decl;
        let cites_standard =
            decl.rules.iter().filter_map(|rule| self.catalogue.rule(&rule.0)).any(|rule| !standards(rule).is_empty());
        let needed = [
            ("reason", decl.reason.is_some(), true),
            ("owner", decl.owner.is_some(), true),
            ("risk", decl.risk.is_some(), self.kind() != DeviationKind::Justification),
            ("measures", decl.measures.is_some(), self.kind() != DeviationKind::Justification),
            ("requested-on", decl.requested_on.is_some(), self.kind() != DeviationKind::Justification),
            ("valid-from", decl.valid_from.is_some(), self.kind() != DeviationKind::Justification),
            ("exit-plan", decl.exit_plan.is_some(), self.kind() != DeviationKind::Justification),
            ("dvs", decl.dvs.is_some(), self.kind() != DeviationKind::Justification && cites_standard),
        ];
        let missing: Vec<String> =
            needed.iter().filter(|(_, there, asked)| *asked && !there).map(|(name, ..)| format!("`{name}`")).collect();
        let mut faults = Vec::new();
        if !missing.is_empty() {
            faults.push(
                self.fault("ZM-ABW-01", "missing-field")
                    .arg("fields", missing.join(", "))
                    .label(self.deviation.span, "deviation"),
            );
        }
        let limit = self.site.blueprint.parameters.deviation_reason_min_chars;
        if let Some(reason) = &decl.reason {
            let length =
                reason.0.split_whitespace().map(|word| word.chars().count() + 1).sum::<usize>().saturating_sub(1);
            if length < limit {
                faults.push(
                    self.fault("ZM-ABW-01", "short-reason")
                        .arg("length", length)
                        .arg("limit", limit)
                        .label(reason.span, "reason"),
                );
            }
        }
        faults
    }

    /// ZM-ABW-02: there is an end, after the beginning, within a year (DVS 2.2, 2.4).
    fn limited(&self) -> Vec<Finding> {
        let decl = &self.deviation.decl;
        let Some(until) = &decl.valid_until else {
            let formal = self.kind() != DeviationKind::Justification;
            return formal
                .then(|| self.fault("ZM-ABW-02", "no-end").label(self.deviation.span, "deviation"))
                .into_iter()
                .collect();
        };
        let Some(from) = &decl.valid_from else { return Vec::new() };
        let told = |case| {
            let fault = self.fault("ZM-ABW-02", case).arg("from", from.value).arg("until", until.value);
            fault.label(until.span, "until").label(from.span, "from")
        };
        let months = self.site.blueprint.parameters.deviation_max_months;
        if until.value < from.value {
            vec![told("reversed")]
        } else if from.value.plus_months(months).is_some_and(|limit| until.value >= limit) {
            vec![told("too-long").arg("months", months).weigh(Severity::Warning)]
        } else {
            Vec::new()
        }
    }

    /// ZM-ABW-03: both bodies approved by the evaluation date, and the Geheimschutz for the restricted zone (DVS 2.2).
    fn approved(&self) -> Vec<Finding> {
        let decl = &self.deviation.decl;
        let approvals: Vec<_> =
            decl.approvals.iter().flat_map(|list| &list.0).map(|approval| &approval.value).collect();
        let mut faults = Vec::new();
        let lacks = |body| !approvals.iter().any(|approval| approval.body.value == body);
        let missing: Vec<String> = [Body::Architekturboard, Body::Koordinierungsstelle]
            .into_iter()
            .filter(|body| lacks(*body))
            .map(|body| format!("`{}`", body.word()))
            .collect();
        if !missing.is_empty() {
            faults.push(
                self.fault("ZM-ABW-03", "not-approved")
                    .arg("bodies", missing.join(", "))
                    .label(self.deviation.span, "deviation"),
            );
        }
        for approval in approvals.iter().filter(|approval| approval.on.value > self.site.as_of) {
            faults.push(
                self.fault("ZM-ABW-03", "future")
                    .arg("body", approval.body.word())
                    .arg("on", approval.on.value)
                    .arg("as-of", self.site.as_of)
                    .label(approval.on.span, "approval"),
            );
        }
        let restricted = decl.objects.iter().find(|object| is_restricted(self.site, &object.0));
        if let Some(object) = restricted.filter(|_| lacks(Body::Geheimschutz)) {
            faults.push(self.fault("ZM-ABW-03", "geheimschutz").arg("object", &object.0).label(object.span, "object"));
        }
        faults
    }

    /// ZM-ABW-04: each BSI requirement behind a rule has its own measure (DVS 2.3.2 footnote 28, DVS-012-R02).
    fn conforms(&self, span: crate::source::Span, name: &str, rule: &RuleData) -> Option<Finding> {
        let shown: BTreeSet<&str> = self
            .deviation
            .decl
            .bsi_conformity
            .iter()
            .flat_map(|list| &list.0)
            .filter(|entry| !entry.measure.0.trim().is_empty())
            .map(|entry| entry.requirement.0.as_str())
            .collect();
        let missing: Vec<&str> = rule.twins.iter().map(String::as_str).filter(|twin| !shown.contains(twin)).collect();
        if !missing.is_empty() {
            let fault = self
                .fault("ZM-ABW-04", "missing-requirement")
                .arg("requirements", missing.join(", "))
                .arg("named", name);
            Some(fault.label(span, "rule"))
        } else if shown.is_empty() {
            Some(self.fault("ZM-ABW-04", "none").arg("named", name).label(span, "rule"))
        } else {
            None
        }
    }

    /// ZM-ABW-07: exact rules and objects that exist (DVS 2.2, "Ausnahmefälle").
    fn specific(&self) -> Vec<Finding> {
        let decl = &self.deviation.decl;
        let mut faults = Vec::new();
        let mut tell = |case, text: &str, span, near: Option<&str>| {
            let fault = self.fault("ZM-ABW-07", case).arg("text", text);
            faults.push(match (case, near) {
                ("wildcard", _) => fault.label(span, "wildcard"),
                (_, Some(near)) => fault.label_with(span, "near", vec![("near", near.to_owned())]).fix(span, near),
                (_, None) => fault.label(span, "unknown"),
            });
        };
        for rule in &decl.rules.0 {
            if rule.0.contains('*') {
                tell("wildcard", &rule.0, rule.span, None);
            } else if self.catalogue.rule(&rule.0).is_none() {
                tell("unknown-rule", &rule.0, rule.span, nearest(&rule.0, self.catalogue.ids()));
            }
        }
        for object in &decl.objects.0 {
            if object.0.contains('*') {
                tell("wildcard", &object.0, object.span, None);
            } else if !self.objects.contains(object.0.as_str()) {
                tell("unknown-object", &object.0, object.span, nearest(&object.0, self.objects.iter().copied()));
            }
        }
        if let Some(old) = decl.supersedes.as_ref().filter(|old| !self.objects.contains(old.0.as_str())) {
            tell("unknown-object", &old.0, old.span, nearest(&old.0, self.objects.iter().copied()));
        }
        faults
    }

    fn wrong_kind(&self, span: crate::source::Span, name: &str, rule: &RuleData) -> Finding {
        let fault = self
            .fault("ZM-ABW-01", "wrong-kind")
            .arg("kind", self.kind().word())
            .arg("named", name)
            .arg("grade", rule.grade)
            .arg("code", rule.deviability);
        match rule.deviability {
            Deviability::J => fault.label_with(span, "rule", vec![("wanted", "justification".to_owned())]),
            Deviability::F | Deviability::FB => {
                fault.label_with(span, "rule", vec![("wanted", "exception".to_owned())])
            }
            _ => fault.label(span, "nothing"),
        }
    }

    /// Where the evaluation date lies; both days of the window are included (rules 3.4).
    fn window(&self) -> State {
        let decl = &self.deviation.decl;
        if decl.valid_from.as_ref().is_some_and(|from| self.site.as_of < from.value) {
            State::NotYet
        } else if decl.valid_until.as_ref().is_some_and(|until| self.site.as_of > until.value) {
            State::Expired
        } else {
            State::Effective
        }
    }
}

/// The DVS standards a rule cites by id with revision (`DVS-012-R02`).
pub fn standards(rule: &RuleData) -> Vec<&str> {
    rule.sources.iter().map(String::as_str).filter(|source| source.starts_with("DVS-")).collect()
}

/// Whether nothing may depart from a rule (ZM-ABW-06).
fn is_prohibition(rule: &RuleData) -> bool {
    rule.grade == Grade::DarfNicht || rule.deviability == Deviability::N
}

/// Whether a kind of deviation can carry a departure from a rule (rules 3.2).
fn fits(kind: DeviationKind, name: &str, rule: &RuleData) -> bool {
    match kind {
        DeviationKind::Exception => {
            rule.grade == Grade::Muss && matches!(rule.deviability, Deviability::F | Deviability::FB)
        }
        DeviationKind::Site => {
            SITE_FAMILIES.iter().any(|family| name.starts_with(family))
                && matches!(rule.deviability, Deviability::F | Deviability::FB | Deviability::J)
        }
        DeviationKind::Justification => rule.deviability == Deviability::J,
    }
}

/// Whether an object belongs to a zone of class `restricted`, or to the management of one.
fn is_restricted(site: &Site, name: &str) -> bool {
    let flow = site.flows.values().find(|flow| flow.name == name);
    let platform = site.platforms.values().find(|platform| platform.name == name);
    let objects = site.lookup(name).into_iter().flat_map(|object| zones_of_object(site, object));
    let flows =
        flow.into_iter().flat_map(|flow| flow.from.iter().chain(&flow.to)).flat_map(|end| zones_of_end(site, end.end));
    let platforms =
        platform.into_iter().flat_map(|item| &item.operates).flat_map(|(object, _)| zones_of_object(site, *object));
    objects.chain(flows).chain(platforms).any(|zone| super::is_restricted_zone(site, zone))
}

fn zones_of_object(site: &Site, object: Object) -> Vec<ZoneId> {
    site.object_ends(object).into_iter().flat_map(|end| zones_of_end(site, end)).collect()
}

fn zones_of_end(site: &Site, end: End) -> Vec<ZoneId> {
    let of_places = |places: &mut dyn Iterator<Item = Place>| places.filter_map(|place| site.zone_of(place)).collect();
    match end {
        End::Network(_) => Vec::new(),
        End::Zone(id) => vec![id],
        End::Segment(id) => vec![site.segments[id].zone],
        End::Gateway(id) => of_places(&mut site.gateways[id].interfaces.iter().map(|interface| interface.leg.place)),
        End::Cluster(id) => vec![site.clusters[id].zone],
        End::Namespace(id) => vec![site.clusters[site.namespaces[id].cluster].zone],
        End::Component(id) => {
            let mut zones: Vec<ZoneId> = of_places(&mut site.components[id].legs.iter().map(|leg| leg.place));
            zones.extend(site.component_zones(id));
            zones
        }
    }
}
