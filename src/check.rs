//! The first half of the pipeline: a site's files to weighed findings.

use crate::data::DataError;
use crate::deviations::{Assessed, assess};
use crate::finding::{Finding, Severity};
use crate::graph::Graphs;
use crate::model::{Site, resolve};
use crate::rules::{Catalogue, evaluate, registry};
use crate::source::{Date, Limits, SourceMap, World};
use crate::syntax::read_site;

/// A checked site.
#[derive(Debug)]
pub struct Checked {
    /// Its files.
    pub sources: SourceMap,
    /// SHA-256 of what the files say, whatever the order of keys and files: `sha256:…`.
    pub digest: String,
    /// Date of evaluation.
    pub as_of: Date,
    /// Rules and texts.
    pub catalogue: Catalogue,
    /// The site with its graphs; `None` when it cannot be read or resolved.
    pub model: Option<Model>,
    /// Weighed findings in order of place, then rule.
    pub findings: Vec<Assessed>,
}

/// A resolved site with its graphs.
#[derive(Debug)]
pub struct Model {
    /// The site.
    pub site: Site,
    /// Its graphs.
    pub graphs: Graphs,
}

impl Checked {
    /// Number of findings of a severity.
    #[must_use]
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|finding| finding.severity == severity).count()
    }

    /// Number of findings of a rule.
    #[must_use]
    pub fn count_rule(&self, rule: &str) -> usize {
        self.findings.iter().filter(|item| item.finding.rule == rule).count()
    }

    /// Whether the site may be released: readable and without errors.
    #[must_use]
    pub fn is_releasable(&self) -> bool {
        self.model.is_some() && self.count(Severity::Error) == 0
    }
}

/// Reads a site, resolves it, evaluates all rules and weighs the findings.
///
/// # Errors
/// [`DataError`] when the built-in data are faulty, which the tests of the project exclude.
pub fn check(world: &dyn World, strict: bool) -> Result<Checked, DataError> {
    let read = read_site(world, &Limits::default());
    let as_of = world.as_of();
    let mut faults = read.findings;
    let mut site = None;
    if faults.is_empty() {
        let (resolved, mut findings) = resolve(read.documents, as_of);
        site = resolved;
        faults.append(&mut findings);
    }
    let blueprint = site.as_ref().map_or("dvs-2.0", |site| site.blueprint.name.as_str());
    let catalogue = Catalogue::load(blueprint)?.on(as_of);
    let model = site.map(|site| Model { graphs: Graphs::new(&site), site });
    let findings = match &model {
        Some(model) => {
            let found = evaluate(&model.site, &model.graphs, &registry());
            assess(&model.site, &catalogue, found, strict)
        }
        None => faults.into_iter().map(unreadable).collect(),
    };
    let mut findings = findings;
    findings.sort_by(|a, b| a.finding.span().cmp(&b.finding.span()).then(a.finding.rule.cmp(b.finding.rule)));
    Ok(Checked { sources: read.sources, digest: read.digest, as_of, catalogue, model, findings })
}

fn unreadable(finding: Finding) -> Assessed {
    Assessed { finding, severity: Severity::Error, deviation: None }
}
