//! The pipeline is the architecture: a stage knows only the stages before it. This test reads the `crate::…` paths of each
//! module of `src/` and compares them with the table below; an edge that is not in it does not land.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Module, and the modules it may name. Top to bottom is the way of the data.
const ALLOWED: &[(&str, &[&str])] = &[
    ("source", &[]),
    ("space", &[]),
    // Threads for independent work; knows nothing.
    ("workers", &[]),
    ("i18n", &[]),
    ("finding", &["source"]),
    ("syntax", &["source", "finding"]),
    ("data", &["source", "syntax"]),
    // Declarations of `syntax::objects` are kept as they were decoded, so `model` names their types; it reads no YAML.
    ("model", &["source", "finding", "syntax", "data", "i18n"]),
    ("graph", &["syntax", "model"]),
    ("rules", &["source", "finding", "syntax", "data", "i18n", "model", "graph"]),
    ("deviations", &["source", "finding", "syntax", "model", "rules"]),
    ("check", &["source", "finding", "syntax", "data", "model", "graph", "rules", "deviations"]),
    ("plan", &["source", "syntax", "model", "graph"]),
    // The diagram marks findings; it takes them from `check`.
    ("targets", &["source", "syntax", "i18n", "model", "graph", "check", "plan", "space"]),
    // The span tree of `syntax` is how YAML is read, of zone files and of policies; the language itself stays unknown here.
    ("readers", &["syntax", "space", "workers"]),
    ("verify", &["source", "syntax", "model", "graph", "plan", "space", "workers", "readers"]),
    ("claims", &["model", "graph", "space"]),
    ("diff", &["source", "syntax", "model", "graph", "deviations", "check", "claims", "plan", "space", "targets"]),
    // A matrix is read against a model; what comes out is zone language again.
    ("import", &["source", "syntax", "data", "i18n", "model"]),
    ("query", &["source", "model", "graph", "check", "claims", "diff", "plan", "space"]),
    ("trace", &["source", "model", "graph", "plan"]),
    ("output", &["finding", "syntax", "i18n", "model", "check", "plan", "targets"]),
    (
        "report",
        &[
            "source",
            "finding",
            "syntax",
            "data",
            "i18n",
            "model",
            "rules",
            "deviations",
            "check",
            "plan",
            "targets",
            "output",
        ],
    ),
    (
        "lsp",
        &["source", "finding", "syntax", "data", "i18n", "model", "rules", "deviations", "check", "query", "report"],
    ),
    ("compile", &["source", "finding", "i18n", "model", "check", "plan", "targets", "verify", "output", "report"]),
];

/// The program: knows everything.
const EDGES_FREE: [&str; 3] = ["cli", "lib", "main"];

fn sources(path: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs") {
            found.push(path);
        }
    }
}

/// Module → modules it names, with one file that does.
fn edges() -> BTreeMap<String, BTreeMap<String, PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut edges: BTreeMap<String, BTreeMap<String, PathBuf>> = BTreeMap::new();
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let first = inside.iter().next().unwrap().to_str().unwrap();
        let module = first.trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let named = edges.entry(module.clone()).or_default();
        for part in text.split("crate::").skip(1) {
            let name: String =
                part.chars().take_while(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || *c == '_').collect();
            if name != module && !name.is_empty() {
                named.entry(name).or_insert_with(|| inside.to_owned());
            }
        }
    }
    edges
}

#[test]
fn a_stage_knows_only_those_before_it() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> =
        ALLOWED.iter().map(|(module, edges)| (*module, edges.iter().copied().collect())).collect();
    let mut wrong = Vec::new();
    for (module, named) in edges().into_iter().filter(|(module, _)| !EDGES_FREE.contains(&module.as_str())) {
        let Some(may) = allowed.get(module.as_str()) else {
            wrong.push(format!("`{module}` has no place in the table"));
            continue;
        };
        for (other, file) in named.iter().filter(|(other, _)| !may.contains(other.as_str())) {
            wrong.push(format!("{} names `{other}`, which `{module}` must not know", file.display()));
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn the_table_is_a_line() {
    for (number, (module, edges)) in ALLOWED.iter().enumerate() {
        for other in *edges {
            assert!(
                ALLOWED[..number].iter().any(|(before, _)| before == other),
                "`{module}` may name `{other}`, which comes after it"
            );
        }
    }
}
