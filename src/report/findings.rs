//! Findings and deviations.

use super::build::{Builder, State};
use super::facts::{Deviation, Finding, Line, Link, Step};
use super::flows::text;
use super::{FULL_FINDINGS, Input};
use crate::deviations::Assessed;
use crate::finding::Severity;
use crate::model::ids::DeviationId;
use crate::syntax::objects::DeviationKind;

/// Lines of the model shown before and after the place of a finding.
const AROUND: usize = 2;
/// Characters of such a line.
const LINE_CHARS: usize = 240;

/// Anchor of every finding in `checked.findings`: its own, or that of the deviation that covers it. Numbered by severity,
/// in an order of their own: reordered keys give the same numbers.
pub(super) fn anchors(input: &Input<'_>) -> Vec<Link> {
    let findings = &input.checked.findings;
    let places: std::collections::BTreeMap<&str, usize> =
        input.checked.catalogue.ids().enumerate().map(|(place, id)| (id, place)).collect();
    let mut order: Vec<usize> = (0..findings.len()).collect();
    let key = |index: &usize| {
        findings.get(*index).map(|item| {
            let finding = &item.finding;
            (item.severity, places.get(finding.rule).copied(), &finding.objects, finding.case, &finding.witness, *index)
        })
    };
    order.sort_by(|a, b| key(a).cmp(&key(b)));
    let mut anchors = vec![Link { anchor: String::new(), id: String::new() }; findings.len()];
    let mut counts = [0usize; 3];
    for index in order {
        let (Some(item), Some(anchor)) = (findings.get(index), anchors.get_mut(index)) else { continue };
        let (letter, count) = match item.severity {
            Severity::Error => ("V", 0),
            Severity::Warning => ("W", 1),
            Severity::Info => ("N", 2),
            Severity::Deviation => {
                if let Some(id) = item.deviation {
                    let id = input.model.site.deviations[id].name.clone();
                    *anchor = Link { anchor: deviation_anchor(&id), id };
                }
                continue;
            }
        };
        if let Some(count) = counts.get_mut(count) {
            *count += 1;
            let id = format!("{letter}-{count:02}");
            *anchor = Link { anchor: id.clone(), id };
        }
    }
    anchors
}

/// Where a deviation is told. Its name alone could be that of a section.
pub(super) fn deviation_anchor(id: &str) -> String {
    format!("dev-{id}")
}

impl Builder<'_> {
    /// Findings that no deviation covers, worst first: those told in full, and the others.
    pub(super) fn findings(&self) -> (Vec<Finding>, Vec<Finding>) {
        let all = self.input.checked.findings.iter().zip(&self.anchors);
        let mut open: Vec<(&Assessed, &Link)> = all.filter(|(item, _)| item.severity != Severity::Deviation).collect();
        open.sort_by_key(|(item, anchor)| (item.severity, anchor.id.len(), anchor.id.as_str()));
        let told = open.iter().enumerate();
        let mut told: Vec<Finding> =
            told.map(|(index, (item, anchor))| self.finding(item, &anchor.id, index < FULL_FINDINGS)).collect();
        let more = told.split_off(told.len().min(FULL_FINDINGS));
        (told, more)
    }

    fn finding(&self, item: &Assessed, anchor: &str, full: bool) -> Finding {
        let (checked, lang) = (self.input.checked, self.words.lang());
        let (found, catalogue) = (&item.finding, &checked.catalogue);
        let rule = catalogue.rule(found.rule);
        let place = found.span().map(|span| {
            let line = checked.sources.position(span).line;
            format!("{}:{line}", checked.sources.file(span.file).name)
        });
        Finding {
            id: anchor.to_owned(),
            mark: self.mark(State::of(item.severity)),
            rule: found.rule.to_owned(),
            grade: rule.map(|rule| rule.grade.to_string()).unwrap_or_default(),
            title: catalogue.title(found, lang),
            message: catalogue.message(found, lang),
            sources: rule.map(|rule| rule.sources.join(", ")).unwrap_or_default(),
            place: place.unwrap_or_default(),
            help: catalogue.help(found, lang),
            objects: found.objects.join(", "),
            flows: self.flow_numbers(&found.objects),
            chain: if full { self.chain(item) } else { Vec::new() },
            excerpt: if full { self.excerpt(item) } else { Vec::new() },
        }
    }

    fn chain(&self, item: &Assessed) -> Vec<Step> {
        let witness = &item.finding.witness;
        let last = witness.len().saturating_sub(1);
        let mut before: Option<&str> = None;
        let mut steps = Vec::new();
        for (index, name) in witness.iter().enumerate() {
            let via = before.and_then(|from| self.flow_between(from, name)).unwrap_or_default();
            let bad = index == last && index > 0 && item.severity == Severity::Error;
            steps.push(Step { via, name: name.clone(), bad });
            before = Some(name);
        }
        steps
    }

    fn excerpt(&self, item: &Assessed) -> Vec<Line> {
        let Some(span) = item.finding.span() else { return Vec::new() };
        let file = self.input.checked.sources.file(span.file);
        let hit = file.line_of(span.start);
        let last = (hit + AROUND).min(file.lines().saturating_sub(1));
        let line = |number: usize| {
            let text = file.text.get(file.line_start(number)..file.line_start(number + 1)).unwrap_or("");
            Line { number: number + 1, text: text.trim_end().chars().take(LINE_CHARS).collect(), hit: number == hit }
        };
        (hit.saturating_sub(AROUND)..=last).map(line).collect()
    }

    pub(super) fn deviations(&self) -> Vec<Deviation> {
        self.site.deviations.iter().map(|(id, _)| self.deviation(id)).collect()
    }

    fn deviation(&self, id: DeviationId) -> Deviation {
        let (site, checked, words) = (self.site, self.input.checked, self.words);
        let deviation = &site.deviations[id];
        let decl = &deviation.decl;
        let covered = checked.findings.iter().filter(|item| item.deviation == Some(id));
        let mut covers: Vec<String> = covered
            .map(|item| format!("{}: {}", item.finding.rule, checked.catalogue.message(&item.finding, words.lang())))
            .collect();
        covers.sort();
        let days = decl.valid_until.as_ref().map(|until| checked.as_of.days_until(until.value));
        let expired = days.is_some_and(|days| days < 0);
        let (state, key) = match () {
            () if expired => (State::Violation, "expired"),
            () if covers.is_empty() => (State::Open, "without-effect"),
            () => (State::Deviation, "in-force"),
        };
        let left = match days {
            Some(days) if days >= 0 => words.fill("days-left", &[("days", days.to_string())]),
            Some(_) => words.get("expired"),
            None => words.get("without-end"),
        };
        let kind = match decl.kind.value {
            DeviationKind::Exception => "exception",
            DeviationKind::Site => "site-deviation",
            DeviationKind::Justification => "justification",
        };
        let approval = |approval: &crate::syntax::objects::BodyApproval| {
            let body = words.get(&format!("body-{}", approval.body.value));
            format!("{body}, {}, {}", words.date(approval.on.value), approval.reference.0)
        };
        Deviation {
            id: deviation.name.clone(),
            kind: words.get(kind),
            mark: super::facts::Mark { word: words.get(key), ..self.mark(state) },
            rules: decl.rules.iter().map(|rule| rule.0.clone()).collect(),
            objects: decl.objects.iter().map(|object| object.0.clone()).collect::<Vec<_>>().join(", "),
            reason: text(decl.reason.as_ref()),
            measures: decl.measures.iter().flat_map(|list| list.iter()).map(|text| text.0.clone()).collect(),
            risk: text(decl.risk.as_ref()),
            owner: text(decl.owner.as_ref()),
            approvals: decl.approvals.iter().flat_map(|list| &list.0).map(|item| approval(&item.value)).collect(),
            from: decl.valid_from.as_ref().map(|day| words.date(day.value)).unwrap_or_default(),
            until: decl.valid_until.as_ref().map(|day| words.date(day.value)).unwrap_or_default(),
            left,
            soon: days.is_some_and(|days| (0..=site.blueprint.parameters.deviation_warn_days).contains(&days)),
            covers,
        }
    }
}
