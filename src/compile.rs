//! The second half of the pipeline: a checked site to files.

use crate::check::{Checked, Model};
use crate::finding::Severity;
use crate::i18n::Lang;
use crate::output::manifest;
use crate::plan::{GatewayPlan, Plan, plan};
use crate::report;
use crate::targets::{Files, Origin, cluster, diagram, nftables};
use crate::verify;

/// Why a releasable site could not be compiled. Each names what is concerned and the reason; nothing is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct CompileError {
    /// The flow, gateway or cluster.
    pub object: String,
    /// What is in the way.
    pub reason: String,
}

impl std::fmt::Display for CompileError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.object, self.reason)
    }
}

impl std::error::Error for CompileError {}

/// What of the output can be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Language of diagram and documents.
    pub lang: Lang,
    /// Whether rulesets are written in the lossless three-step form as well.
    pub staged: bool,
}

/// Emits every artefact of a releasable site.
///
/// # Errors
/// [`CompileError`] for what a target cannot express.
pub fn compile(checked: &Checked, model: &Model, lang: Lang) -> Result<(Plan, Files), CompileError> {
    compile_with(checked, model, Settings { lang, staged: false })
}

/// [`compile`] with settings.
///
/// # Errors
/// As [`compile`].
pub fn compile_with(checked: &Checked, model: &Model, settings: Settings) -> Result<(Plan, Files), CompileError> {
    let (plan, mut files) = enforced(checked, model)?;
    if settings.staged {
        let origin = Origin { site: &model.site, digest: &checked.digest, as_of: checked.as_of };
        nftables::emit_staged(&plan, origin, &mut files)
            .map_err(|error| CompileError { object: error.gateway, reason: error.reason })?;
        for gateway in &plan.gateways {
            let file = |end: &str| files.get(&format!("nftables/{}{end}", gateway.name)).unwrap_or_default();
            let (whole, build) = (file(".nft"), file(".staged/1-build.nft"));
            proven(gateway, &verify::gateway::of_build(&model.site, gateway, whole, build))?;
            let switch = file(".staged/2-switch.nft");
            proven(gateway, &verify::gateway::of_switch(&model.site, gateway, build, switch))?;
        }
    }
    let documents = documents(checked, model, Some(&plan), &files, None, settings.lang)?;
    files.extend(documents);
    let manifest = manifest(checked, &model.site, Some(&plan), &files);
    files.add("manifest.json", manifest);
    Ok((plan, files))
}

/// Diagram and documents alone, also of a site that is not released. What a releasable site would be compiled to is listed
/// in them with its digests.
///
/// # Errors
/// [`CompileError`] when the documents cannot be made.
pub fn report(checked: &Checked, model: &Model, lang: Lang) -> Result<Files, CompileError> {
    let compiled = if checked.is_releasable() { enforced(checked, model).map(Some) } else { Ok(None) };
    let (compiled, obstacle) = match compiled {
        Ok(compiled) => (compiled, None),
        Err(error) => (None, Some(error.to_string())),
    };
    let nothing = Files::default();
    let mut files = match &compiled {
        Some((plan, files)) => documents(checked, model, Some(plan), files, None, lang)?,
        None => {
            // A plan may exist where nothing may be generated: the report then says who would enforce a flow.
            let plan = plan(&model.site, &model.graphs).ok();
            documents(checked, model, plan.as_ref(), &nothing, obstacle.as_deref(), lang)?
        }
    };
    let manifest = manifest(checked, &model.site, compiled.as_ref().map(|(plan, _)| plan), &files);
    files.add("manifest.json", manifest);
    Ok(files)
}

/// Diagram and documents around what is generated.
fn documents(
    checked: &Checked,
    model: &Model,
    plan: Option<&Plan>,
    generated: &Files,
    obstacle: Option<&str>,
    lang: Lang,
) -> Result<Files, CompileError> {
    let origin = Origin { site: &model.site, digest: &checked.digest, as_of: checked.as_of };
    let mut files = Files::default();
    let picture = diagram::emit(&judged(checked, model, lang), origin, &model.graphs, lang, &mut files)
        .map_err(|reason| CompileError { object: "diagram".to_owned(), reason })?;
    let input = report::Input { checked, model, plan, files: generated, obstacle, picture: &picture };
    report::emit(&input, lang, &mut files).map_err(|reason| CompileError { object: "report".to_owned(), reason })?;
    Ok(files)
}

/// Emits what gateways and clusters enforce, and proves it.
///
/// # Errors
/// [`CompileError`] for what a target cannot express.
pub fn enforced(checked: &Checked, model: &Model) -> Result<(Plan, Files), CompileError> {
    let site = &model.site;
    let plan = plan(site, &model.graphs).map_err(|error| CompileError {
        object: format!("{} ({})", error.object, place(checked, error.span)),
        reason: error.reason,
    })?;
    let origin = Origin { site, digest: &checked.digest, as_of: checked.as_of };
    let mut files = Files::default();
    nftables::emit(&plan, origin, &mut files)
        .map_err(|error| CompileError { object: error.gateway, reason: error.reason })?;
    for gateway in &plan.gateways {
        let ruleset = files.get(&format!("nftables/{}.nft", gateway.name)).unwrap_or_default();
        proven(gateway, &verify::gateway::of_text(site, gateway, ruleset))?;
    }
    cluster::emit(site, &plan, &mut files).map_err(|refused| refusals(checked, site, &refused))?;
    for cluster in &plan.clusters {
        let proof = verify::cluster::of_files(site, cluster, files.texts());
        if !proof.holds() {
            let object = format!("cluster {}", cluster.name);
            return Err(CompileError {
                object,
                reason: format!("its policies do not say what its flows say\n{proof}"),
            });
        }
    }
    Ok((plan, files))
}

/// Goes on only with a ruleset that was read back and says what the gateway's flows say.
fn proven(gateway: &GatewayPlan, proof: &verify::gateway::GatewayProof) -> Result<(), CompileError> {
    if proof.holds() {
        return Ok(());
    }
    let object = format!("gateway {}", gateway.name);
    Err(CompileError { object, reason: format!("its ruleset does not say what its flows say\n{proof}") })
}

/// Everything that clusters refuse, one line each, with the places of flow or cluster.
fn refusals(checked: &Checked, site: &crate::model::Site, refused: &[crate::targets::Refused]) -> CompileError {
    let line = |refused: &crate::targets::Refused| {
        let cluster = site.clusters.values().find(|cluster| cluster.name == refused.enforcer);
        let (what, span) = match refused.flow {
            Some(id) => (format!("flow {}", site.flows[id].name), Some(site.flows[id].span)),
            None => (format!("cluster {}", refused.enforcer), cluster.map(|cluster| cluster.span)),
        };
        let place = span.map(|span| format!(" ({})", place(checked, span))).unwrap_or_default();
        format!("{what}{place}: {}", refused.reason)
    };
    let mut clusters: Vec<&str> = refused.iter().map(|refused| refused.enforcer.as_str()).collect();
    clusters.dedup();
    CompileError {
        object: format!("cluster {}", clusters.join(", ")),
        reason: refused.iter().map(line).collect::<Vec<_>>().join("\n  "),
    }
}

/// `site.yaml:12:3`.
fn place(checked: &Checked, span: crate::source::Span) -> String {
    let position = checked.sources.position(span);
    format!("{}:{}:{}", checked.sources.file(span.file).name, position.line, position.column)
}

/// The findings as the diagram marks them.
fn judged(checked: &Checked, model: &Model, lang: Lang) -> Vec<diagram::Judged> {
    let judged = checked.findings.iter().map(|item| diagram::Judged {
        rule: item.finding.rule.to_owned(),
        deviation: item.deviation.map(|id| model.site.deviations[id].name.clone()),
        violation: item.severity == Severity::Error,
        objects: item.finding.objects.clone(),
        message: checked.catalogue.message(&item.finding, lang),
    });
    let mut judged: Vec<diagram::Judged> = judged.collect();
    // In an order of their own: reordered keys give the same picture.
    judged.sort_by(|a, b| (&a.rule, &a.objects, &a.message).cmp(&(&b.rule, &b.objects, &b.message)));
    judged
}
