//! A checked site → what its report says.

use super::facts::{Area, Artefact, Figure, Head, Link, Mark, Report, Task, Term, Verdict};
use super::words::Words;
use super::{Input, areas, findings};
use crate::finding::Severity;
use crate::model::Site;
use crate::output::digest;
use crate::plan::Plan;
use crate::targets::cluster::open;
use crate::targets::{VERSION, flow_number};
use std::collections::BTreeMap;

/// What all parts of a report are made from.
pub(super) struct Builder<'a> {
    pub input: &'a Input<'a>,
    pub site: &'a Site,
    pub words: &'a Words,
    /// Number of each flow by name.
    pub numbers: BTreeMap<&'a str, String>,
    /// Anchor of each finding: by its place in `checked.findings`. Those that a deviation covers have the deviation's.
    pub anchors: Vec<Link>,
}

/// The facts of a report.
pub(super) fn report(input: &Input<'_>, words: &Words) -> Report {
    let site = &input.model.site;
    let numbers = site.flows.iter().map(|(id, flow)| (flow.name.as_str(), flow_number(id))).collect();
    let anchors = findings::anchors(input);
    let builder = Builder { input, site, words, numbers, anchors };
    let (told, more) = builder.findings();
    let deviations = builder.deviations();
    let rules = builder.rules();
    let areas = areas::all(site);
    let flows = builder.flows();
    Report {
        head: builder.head(),
        verdict: builder.verdict(),
        figures: builder.figures(&rules, &deviations),
        tasks: builder.tasks(&told, &deviations),
        standards: builder.standards(&rules),
        matrix: builder.matrix(&areas, &flows),
        zones: builder.zones(),
        addresses: builder.addresses(),
        artefacts: builder.artefacts(),
        checked: builder.scope(),
        unchecked: builder.limits(&rules),
        glossary: builder.glossary(),
        areas: areas.iter().map(|area| area.shown.clone()).collect::<Vec<Area>>(),
        findings: told,
        more_findings: more,
        deviations,
        rules,
        flows,
    }
}

impl Builder<'_> {
    pub(super) fn word(&self, key: &str) -> String {
        self.words.get(key)
    }

    pub(super) fn mark(&self, state: State) -> Mark {
        let (class, sign, key) = match state {
            State::Violation => ("viol", "▲", "violation"),
            State::Deviation => ("dev", "◆", "deviation"),
            State::Warning => ("warn", "■", "warning"),
            State::Note => ("note", "●", "note"),
            State::Good => ("ok", "✓", "compliant"),
            State::Declared => ("ok", "✓", "declared"),
            State::Open => ("none", "–", "unchecked"),
            State::Absent => ("absent", "–", "not-applicable"),
        };
        Mark { class, sign, word: self.word(key) }
    }

    fn head(&self) -> Head {
        let (site, checked) = (self.site, self.input.checked);
        let hex = checked.digest.trim_start_matches("sha256:");
        Head {
            lang: if self.words.lang() == crate::i18n::Lang::De { "de" } else { "en" }.to_owned(),
            version: VERSION.to_owned(),
            name: site.name().to_owned(),
            title: site.head.title.as_ref().map_or_else(|| site.name().to_owned(), |title| title.0.clone()),
            operator: site.head.operator.as_ref().map(|text| text.0.clone()).unwrap_or_default(),
            blueprint: site.blueprint.title.get(self.words.lang()).to_owned(),
            revision: site.blueprint.revision.clone(),
            as_of: self.words.date(checked.as_of),
            as_of_iso: checked.as_of.to_string(),
            digest: halves(hex),
            inputs: checked.sources.files().map(|(_, file)| file.name.clone()).collect(),
        }
    }

    fn verdict(&self) -> Verdict {
        let errors = self.input.checked.count(Severity::Error);
        let released = errors == 0 && self.input.obstacle.is_none();
        let text = match self.input.obstacle {
            _ if errors == 1 => self.word("verdict-one-error"),
            _ if errors > 0 => self.words.fill("verdict-errors", &[("errors", self.words.number(errors))]),
            Some(reason) => self.words.fill("verdict-obstacle", &[("reason", reason.to_owned())]),
            None => self.words.fill("verdict-released", &[("version", VERSION.to_owned())]),
        };
        Verdict { released, title: self.word(if released { "released" } else { "not-released" }), text }
    }

    fn figures(&self, rules: &[super::facts::Rule], deviations: &[super::facts::Deviation]) -> Vec<Figure> {
        let checked = self.input.checked;
        let count = |severity| self.words.number(checked.count(severity));
        let figure = |class, figure, word: &str, note| Figure { class, figure, word: self.word(word), note };
        let soon = deviations.iter().filter(|deviation| deviation.soon).count();
        let note = if soon == 0 {
            self.words.fill("covers-findings", &[("count", count(Severity::Deviation))])
        } else {
            self.words.fill("end-soon", &[("count", self.words.number(soon))])
        };
        let absent = rules.iter().filter(|rule| rule.mark.class == "absent").count();
        let decided = rules.iter().filter(|rule| !matches!(rule.mark.class, "none" | "absent")).count();
        let clean = rules.iter().filter(|rule| rule.mark.class == "ok").count();
        let args = [("clean", self.words.number(clean)), ("decided", self.words.number(decided))];
        vec![
            figure("viol", count(Severity::Error), "violations", self.word("violations-note")),
            figure("dev", self.words.number(deviations.len()), "deviations-figure", note),
            figure(
                "note",
                self.words.number(checked.count(Severity::Warning) + checked.count(Severity::Info)),
                "warnings-and-notes",
                self.words.fill(
                    "warnings-and-notes-note",
                    &[("warnings", count(Severity::Warning)), ("notes", count(Severity::Info))],
                ),
            ),
            figure(
                "ok",
                self.words.fill("of", &args),
                "rules-without-finding",
                self.words.fill(
                    "catalogue-note",
                    &[("catalogue", self.words.number(rules.len())), ("absent", self.words.number(absent))],
                ),
            ),
        ]
    }

    fn tasks(&self, told: &[super::facts::Finding], deviations: &[super::facts::Deviation]) -> Vec<Task> {
        let errors = told.iter().filter(|finding| finding.mark.class == "viol").take(20).map(|finding| Task {
            title: finding.message.clone(),
            text: finding.help.clone(),
            anchor: finding.id.clone(),
        });
        let ending = deviations.iter().filter(|deviation| deviation.soon).map(|deviation| Task {
            title: self.words.fill("renew", &[("deviation", deviation.id.clone()), ("until", deviation.until.clone())]),
            text: self.words.fill("renew-text", &[("owner", deviation.owner.clone())]),
            anchor: findings::deviation_anchor(&deviation.id),
        });
        errors.chain(ending).collect()
    }

    fn artefacts(&self) -> Vec<Artefact> {
        let permits = self.input.plan.map(permits).unwrap_or_default();
        let artefact = |(path, content): (&str, &[u8])| {
            let folder = path.split('/').next().unwrap_or_default();
            let file = path.split('/').nth(1).unwrap_or_default();
            let target = match folder {
                "nftables" => file.trim_end_matches(".nft").to_owned(),
                "kubernetes" | "cilium" => file.to_owned(),
                _ => String::new(),
            };
            let flows =
                if folder == "diagram" { self.site.flows.len() } else { permits.get(&target).map_or(0, Vec::len) };
            let proven = matches!(folder, "nftables" | "kubernetes" | "cilium");
            Artefact {
                path: path.to_owned(),
                kind: self.word(&format!("kind-{folder}")),
                target,
                flows,
                digest: halves(digest(content).trim_start_matches("sha256:")),
                proof: if proven { self.word(&format!("proof-{folder}")) } else { "–".to_owned() },
            }
        };
        self.input.files.iter().map(artefact).collect()
    }

    fn scope(&self) -> Vec<String> {
        let site = self.site;
        let number = |count: usize| self.words.number(count);
        let mut told = vec![
            self.words.fill(
                "scope-model",
                &[
                    ("files", number(self.input.checked.sources.files().count())),
                    ("zones", number(site.zones.len())),
                    ("flows", number(site.flows.len())),
                    ("components", number(site.components.len())),
                ],
            ),
            self.word("scope-rules"),
        ];
        if let Some(plan) = self.input.plan.filter(|_| !self.input.files.is_empty()) {
            told.push(self.words.fill(
                "scope-artefacts",
                &[("gateways", number(plan.gateways.len())), ("clusters", number(plan.clusters.len()))],
            ));
        }
        told
    }

    fn limits(&self, rules: &[super::facts::Rule]) -> Vec<String> {
        let site = self.site;
        let open: Vec<&str> =
            rules.iter().filter(|rule| rule.mark.class == "none").map(|rule| rule.id.as_str()).collect();
        let declared = rules.iter().filter(|rule| rule.kind == "E").count();
        let foreign: Vec<&str> = site
            .gateways
            .values()
            .filter(|gateway| !gateway.is_generated())
            .map(|gateway| gateway.name.as_str())
            .collect();
        let mut told = Vec::new();
        if !open.is_empty() {
            let args = [("count", self.words.number(open.len())), ("rules", open.join(", "))];
            told.push(self.words.fill("limit-rules", &args));
        }
        told.push(self.words.fill("limit-declared", &[("count", self.words.number(declared))]));
        if !foreign.is_empty() {
            told.push(self.words.fill("limit-gateways", &[("gateways", foreign.join(", "))]));
        }
        told.extend(self.residuals());
        told.extend(["limit-devices", "limit-cables", "limit-content", "limit-organisation"].map(|key| self.word(key)));
        told
    }

    /// What policies of clusters leave open, each once with the clusters that it is about.
    fn residuals(&self) -> Vec<String> {
        let mut stated: Vec<(String, Vec<&str>)> = Vec::new();
        for cluster in self.input.plan.iter().flat_map(|plan| &plan.clusters) {
            for residual in open(self.site, cluster) {
                let text = residual.text(self.words.lang());
                match stated.iter_mut().find(|(known, _)| *known == text) {
                    Some((_, clusters)) => clusters.push(&cluster.name),
                    None => stated.push((text, vec![&cluster.name])),
                }
            }
        }
        let told = |(text, clusters): (String, Vec<&str>)| {
            self.words.fill("limit-cluster", &[("clusters", clusters.join(", ")), ("text", text)])
        };
        stated.into_iter().map(told).collect()
    }

    fn glossary(&self) -> Vec<Term> {
        let terms = [
            "zone",
            "segment",
            "flow",
            "packet-filter",
            "alg",
            "pap",
            "violation",
            "deviation",
            "evidence-kinds",
            "blueprint",
            "digest",
            "witness",
        ];
        let term =
            |key: &&str| Term { term: self.word(&format!("term-{key}")), text: self.word(&format!("term-{key}-text")) };
        terms.iter().map(term).collect()
    }
}

/// State of a rule, a flow or a requirement, best first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum State {
    /// The site has nothing that the rule is about.
    Absent,
    /// Decided, nothing found.
    Good,
    /// Proven by a document that lies elsewhere.
    Declared,
    /// Not decided by this version.
    Open,
    /// A fact worth knowing.
    Note,
    /// SOLLTE.
    Warning,
    /// Covered by a deviation.
    Deviation,
    /// Forbids release.
    Violation,
}

impl State {
    /// State of a finding.
    pub(super) const fn of(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Violation,
            Severity::Warning => Self::Warning,
            Severity::Info => Self::Note,
            Severity::Deviation => Self::Deviation,
        }
    }
}

fn halves(hex: &str) -> (String, String) {
    let (first, second) = hex.split_at_checked(hex.len() / 2).unwrap_or((hex, ""));
    (first.to_owned(), second.to_owned())
}

/// Enforcer → flows it holds.
pub(super) fn permits(plan: &Plan) -> BTreeMap<String, Vec<crate::model::FlowId>> {
    let mut held: BTreeMap<String, Vec<crate::model::FlowId>> = BTreeMap::new();
    for gateway in &plan.gateways {
        held.entry(gateway.name.clone()).or_default().extend(gateway.permits.iter().map(|permit| permit.flow));
    }
    for cluster in &plan.clusters {
        held.entry(cluster.name.clone()).or_default().extend(cluster.permits.iter().map(|permit| permit.flow));
    }
    for flows in held.values_mut() {
        flows.sort_unstable();
        flows.dedup();
    }
    held
}

/// The state behind a class of marks.
pub(super) fn state_of(class: &str) -> State {
    match class {
        "viol" => State::Violation,
        "dev" => State::Deviation,
        "warn" => State::Warning,
        "note" => State::Note,
        "none" => State::Open,
        "absent" => State::Absent,
        _ => State::Good,
    }
}
