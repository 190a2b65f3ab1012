//! `zonec verify`.
//!
//! Policies of clusters and rulesets of packet filters are read back and proven against the model: the files of a folder,
//! and dumps of what is deployed.

use super::phrases::Phrases;
use super::verify_gateway::{deployed, emitted};
use super::{Format, OK, Options, Stop, VIOLATION, check, open};
use crate::compile::enforced;
use crate::verify::cluster::{ClusterProof, of_dump, of_files};
use crate::verify::gateway;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Arguments of `zonec verify`.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// File or folder with site.yaml.
    site: String,
    /// Folder that `zonec compile` wrote.
    folder: Option<PathBuf>,
    /// What a cluster holds, from `kubectl get … -o yaml` or `-o json`: CLUSTER=FILE.
    #[arg(long = "cluster", value_name = "CLUSTER=FILE")]
    clusters: Vec<String>,
    /// What a packet filter runs, from `nft -j list ruleset`: GATEWAY=FILE. A replica's name does as well.
    #[arg(long = "nft", value_name = "GATEWAY=FILE")]
    rulesets: Vec<String>,
    /// The same from `nft list ruleset`: GATEWAY=FILE.
    #[arg(long = "nft-text", value_name = "GATEWAY=FILE")]
    listings: Vec<String>,
}

/// One judged artefact.
pub(super) struct Judged {
    pub file: String,
    pub enforcer: String,
    pub result: &'static str,
    pub detail: String,
    pub counterexample: Value,
    /// What else differs, and what could not be read.
    pub remarks: Vec<Value>,
    pub residual: &'static [&'static str],
}

pub(super) fn run(arguments: &Arguments, options: &Options, out: &mut dyn Write) -> Result<u8, Stop> {
    options.only(&[Format::Human, Format::Json])?;
    let dumps = [&arguments.clusters, &arguments.rulesets, &arguments.listings];
    if arguments.folder.is_none() && dumps.iter().all(|list| list.is_empty()) {
        let text = "give a folder to verify, or --nft GATEWAY=FILE, --nft-text GATEWAY=FILE, --cluster CLUSTER=FILE";
        return Err(Stop::Invalid(text.to_owned()));
    }
    let (_, checked) = open(&arguments.site, options)?;
    let Some(model) = checked.model.as_ref().filter(|_| checked.is_releasable()) else {
        check::print(&checked, &arguments.site, options, out)?;
        return Ok(check::status(&checked));
    };
    let (plan, files) = enforced(&checked, model).map_err(|error| Stop::Invalid(error.to_string()))?;
    let site = &model.site;
    let mut judged = Vec::new();
    if let Some(folder) = &arguments.folder {
        let found = texts(folder)?;
        judged.extend(emitted(site, &plan, &files, &found));
        for cluster in &plan.clusters {
            let proof = of_files(site, cluster, found.iter().map(|(path, text)| (path.as_str(), text.as_str())));
            let kind = if files.iter().any(|(path, _)| path.starts_with(&format!("cilium/{}/", cluster.name))) {
                "cilium"
            } else {
                "kubernetes"
            };
            judged.push(of_proof(format!("{kind}/{}", cluster.name), &cluster.name, &proof));
        }
    }
    for argument in &arguments.clusters {
        let (name, file, text) = dump("cluster", argument)?;
        let cluster = plan.clusters.iter().find(|cluster| cluster.name == name);
        let cluster = cluster.ok_or_else(|| Stop::Invalid(format!("the site has no cluster `{name}`")))?;
        let proof = of_dump(site, cluster, [(file, text.as_str())]);
        judged.push(of_proof(file.to_owned(), name, &proof));
    }
    judged.extend(deployed(site, &plan, "nft", &arguments.rulesets, gateway::of_json)?);
    judged.extend(deployed(site, &plan, "nft-text", &arguments.listings, gateway::of_listing)?);
    print(&judged, options, out)?;
    Ok(if judged.iter().all(|item| item.result == "equal") { OK } else { VIOLATION })
}

/// Name, file and text of `NAME=FILE`.
pub(super) fn dump<'a>(option: &str, argument: &'a str) -> Result<(&'a str, &'a str, String), Stop> {
    let form = || Stop::Invalid(format!("`--{option} {argument}` is not of the form NAME=FILE"));
    let (name, file) = argument.split_once('=').ok_or_else(form)?;
    let text = std::fs::read_to_string(file).map_err(|error| Stop::Invalid(format!("{file}: {error}")))?;
    Ok((name, file, text))
}

const RESIDUAL: [&str; 2] = [
    "a pod's own node reaches it, whatever policies say",
    "pods that use the node's network and namespaces of the platform are not subject to the policies",
];

fn of_proof(file: String, enforcer: &str, proof: &ClusterProof) -> Judged {
    let result = match (proof.unclear.is_empty(), proof.differences.is_empty() && proof.faults.is_empty()) {
        (_, false) => "differs",
        (false, true) => "unknown",
        (true, true) => "equal",
    };
    let verdict = |allowed: bool| if allowed { "allow" } else { "deny" };
    let counterexample = proof.differences.first().map(|found| {
        json!({
            "packet": {"from": found.from, "to": found.to, "service": found.port},
            "model": verdict(found.model),
            "artefact": verdict(!found.model),
            "policies": found.policies,
        })
    });
    let faults = proof.faults.iter().map(|fault| json!({"object": fault.object, "differs": fault.reason}));
    let unclear = proof
        .unclear
        .iter()
        .map(|item| json!({"object": item.object, "unknown": format!("{} {}", item.field, item.reason)}));
    Judged {
        file,
        enforcer: enforcer.to_owned(),
        result,
        detail: proof.to_string(),
        counterexample: counterexample.unwrap_or(Value::Null),
        remarks: faults.chain(unclear).collect(),
        residual: &RESIDUAL,
    }
}

fn print(judged: &[Judged], options: &Options, out: &mut dyn Write) -> Result<(), Stop> {
    if options.format == Format::Json {
        let artefacts: Vec<Value> = judged
            .iter()
            .map(|item| {
                json!({
                    "file": item.file, "enforcer": item.enforcer, "result": item.result,
                    "counterexample": item.counterexample, "remarks": item.remarks, "residual": item.residual,
                })
            })
            .collect();
        let equal = judged.iter().all(|item| item.result == "equal");
        writeln!(out, "{:#}", json!({"equal": equal, "artefacts": artefacts}))?;
        return Ok(());
    }
    let phrases = Phrases::of(options.lang());
    let width = judged.iter().map(|item| item.file.chars().count()).max().unwrap_or(0);
    for item in judged {
        writeln!(out, "{:<width$}  {}", item.file, phrases.say(item.result))?;
        for line in item.detail.lines() {
            writeln!(out, "    {}", phrases.say(line))?;
        }
    }
    Ok(())
}

/// The texts of a folder by their paths in it; links are not followed.
fn texts(folder: &Path) -> Result<BTreeMap<String, String>, Stop> {
    let fault = |path: &Path, error: &dyn std::fmt::Display| Stop::Invalid(format!("{}: {error}", path.display()));
    let mut found = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(here) = open.pop() {
        for entry in std::fs::read_dir(&here).map_err(|error| fault(&here, &error))? {
            let entry = entry?;
            let (path, kind) = (entry.path(), entry.file_type()?);
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
            let read = [".yaml", ".yml", ".json", ".nft", ".sh"].iter().any(|end| name.ends_with(end));
            if kind.is_dir() {
                open.push(path);
            } else if kind.is_file() && read {
                let text = std::fs::read_to_string(&path).map_err(|error| fault(&path, &error))?;
                found.insert(name, text);
            }
        }
    }
    Ok(found)
}
