//! Plan → files: one module per kind of artefact. Targets know no rules.

pub mod cilium;
pub mod cluster;
pub mod diagram;
pub mod kubernetes;
pub mod nftables;

use crate::model::ids::Id;
use crate::model::{FlowId, Site};
use crate::source::Date;
use std::collections::BTreeMap;

/// Files to be written: path relative to the output folder → content. Sorted, so that the order of emission is no matter.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// Adds a file. Paths are made of names of the model and fixed words, so they stay inside the folder.
    pub fn add(&mut self, path: impl Into<String>, content: impl Into<Vec<u8>>) {
        self.0.insert(path.into(), content.into());
    }

    /// The files in order of path.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, content)| (path.as_str(), content.as_slice()))
    }

    /// The files that are text, in order of path: everything but pictures and workbooks.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        self.iter().filter_map(|(path, content)| Some((path, std::str::from_utf8(content).ok()?)))
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds the files of another set.
    pub fn extend(&mut self, files: Self) {
        self.0.extend(files.0);
    }

    /// The content of a text file.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<&str> {
        std::str::from_utf8(self.0.get(path)?).ok()
    }
}

/// What every artefact says about where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Origin<'a> {
    /// The site.
    pub site: &'a Site,
    /// Digest of the model, `sha256:…`.
    pub digest: &'a str,
    /// Date of evaluation.
    pub as_of: Date,
}

/// Short number of a flow, `F01`, the same in diagram, matrix, tables and documents.
#[must_use]
pub fn flow_number(flow: FlowId) -> String {
    format!("F{:02}", flow.index() + 1)
}

/// Version of the compiler, for headers and the manifest.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Something a target cannot express. Nothing is emitted then, because leaving it out would change what is enforced.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Refused {
    /// The gateway or cluster.
    pub enforcer: String,
    /// The flow, when it is about one.
    pub flow: Option<FlowId>,
    /// Why, in English, for people.
    pub reason: String,
}
