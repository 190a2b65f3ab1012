//! The first half of the pipeline: a site's files to weighed findings.

use crate::data::DataError;
use crate::deviations::{Assessed, assess};
use crate::finding::{Finding, Severity};
use crate::graph::Graphs;
use crate::model::{Site, resolve};
use crate::rules::{Catalogue, evaluate, evaluate_while, registry};
use crate::source::{Date, Limits, SourceMap, World};
use crate::syntax::{Visitor, read_site_with};
use std::collections::BTreeMap;

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

impl Model {
    fn new(site: Site) -> Self {
        Self { graphs: Graphs::new(&site), site }
    }
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
    let means = Means { visit: &mut |_, _| (), digest: true, catalogues: &mut Catalogues::default() };
    Ok(understand(world, means)?.judge(strict))
}

/// A site whose files are read and whose names are resolved, before its graphs and any rule.
#[derive(Debug)]
pub struct Understood {
    sources: SourceMap,
    digest: String,
    catalogue: Catalogue,
    as_of: Date,
    site: Option<Site>,
    faults: Vec<Finding>,
}

/// Catalogues that were read already, by blueprint: whoever checks often reads each once.
#[derive(Debug, Default)]
pub struct Catalogues(BTreeMap<String, Catalogue>);

impl Catalogues {
    fn of(&mut self, blueprint: &str) -> Result<Catalogue, DataError> {
        if let Some(known) = self.0.get(blueprint) {
            return Ok(known.clone());
        }
        let read = Catalogue::load(blueprint)?;
        self.0.insert(blueprint.to_owned(), read.clone());
        Ok(read)
    }
}

/// How a site is read.
pub struct Means<'a, 'v> {
    /// Sees the tree of every file that has one.
    pub visit: &'a mut Visitor<'v>,
    /// Whether the digest is wanted; without it, it is empty.
    pub digest: bool,
    /// Catalogues that were read already.
    pub catalogues: &'a mut Catalogues,
}

impl std::fmt::Debug for Means<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Means(digest: {})", self.digest)
    }
}

/// Reads a site and resolves its names.
///
/// # Errors
/// As [`check`].
pub fn understand(world: &dyn World, means: Means<'_, '_>) -> Result<Understood, DataError> {
    let read = read_site_with(world, &Limits::default(), means.digest, means.visit);
    let as_of = world.as_of();
    let mut faults = read.findings;
    let mut site = None;
    if faults.is_empty() {
        let (resolved, mut findings) = resolve(read.documents, as_of);
        site = resolved;
        faults.append(&mut findings);
    }
    let blueprint = site.as_ref().map_or("dvs-2.0", |site| site.blueprint.name.as_str());
    let catalogue = means.catalogues.of(blueprint)?.on(as_of);
    Ok(Understood { sources: read.sources, digest: read.digest, catalogue, as_of, site, faults })
}

impl Understood {
    /// Whether the site can be read and its names resolve, so that rules can be evaluated.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.site.is_some()
    }

    /// The files read.
    #[must_use]
    pub const fn sources(&self) -> &SourceMap {
        &self.sources
    }

    /// Evaluates all rules and weighs the findings.
    #[must_use]
    pub fn judge(mut self, strict: bool) -> Checked {
        let model = self.site.take().map(Model::new);
        let found = model.as_ref().map_or_else(Vec::new, |model| evaluate(&model.site, &model.graphs, &registry()));
        self.weigh(model, found, strict)
    }

    /// As [`judge`](Self::judge), but gives up between two rules, with `None`, when `wanted` says no.
    #[must_use]
    pub fn judge_while(mut self, strict: bool, wanted: impl Fn() -> bool) -> Option<Checked> {
        let model = self.site.take().map(Model::new);
        let found = match &model {
            Some(model) => evaluate_while(&model.site, &model.graphs, &registry(), wanted)?,
            None => Vec::new(),
        };
        Some(self.weigh(model, found, strict))
    }

    fn weigh(self, model: Option<Model>, found: Vec<Finding>, strict: bool) -> Checked {
        let Self { sources, digest, catalogue, as_of, faults, .. } = self;
        let mut findings = match &model {
            Some(model) => assess(&model.site, &catalogue, found, strict),
            None => faults.into_iter().map(unreadable).collect(),
        };
        findings.sort_by(|a, b| a.finding.span().cmp(&b.finding.span()).then(a.finding.rule.cmp(b.finding.rule)));
        Checked { sources, digest, as_of, catalogue, model, findings }
    }
}

fn unreadable(finding: Finding) -> Assessed {
    Assessed { finding, severity: Severity::Error, deviation: None }
}
