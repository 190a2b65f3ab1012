//! The built-in data of `zones/`, embedded at build, and the one way it is read.

use crate::source::{FileId, Limits};
use crate::syntax::{de, tree};
use include_dir::{Dir, include_dir};
use serde::de::DeserializeOwned;

static ZONES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/zones");

/// Why built-in data cannot be used: the file and the reason. A test reads every file, so users never see it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DataError {
    /// Path below `zones/`.
    pub file: String,
    /// What is wrong.
    pub reason: String,
}

impl std::fmt::Display for DataError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "built-in data {}: {}", self.file, self.reason)
    }
}

impl std::error::Error for DataError {}

/// Reads one file of `zones/`.
///
/// # Errors
/// [`DataError`] when there is no such file or it is not a `T`.
pub fn load<T: DeserializeOwned>(path: &str) -> Result<T, DataError> {
    let text = ZONES
        .get_file(path)
        .and_then(|file| file.contents_utf8())
        .ok_or_else(|| DataError { file: path.to_owned(), reason: "no such file".to_owned() })?;
    parse(path, text)
}

/// Reads a built-in text as a `T`; `path` is what an error names.
///
/// # Errors
/// [`DataError`] when it is not a `T`.
pub fn parse<T: DeserializeOwned>(path: &str, text: &str) -> Result<T, DataError> {
    let fail = |reason: String| DataError { file: path.to_owned(), reason };
    let node =
        tree::parse(text, FileId(0), &Limits::default()).map_err(|finding| fail(format!("{:?}", finding.args)))?;
    let owned: Result<T, de::DeError> = de::from_node_owned(&node);
    owned.map_err(|error| {
        let line =
            error.at.map_or(0, |at| text.get(..at as usize).map_or(0, |before| before.matches('\n').count() + 1));
        fail(format!("line {line}: {error}"))
    })
}

/// The files of a folder of `zones/`, sorted.
#[must_use]
pub fn list(folder: &str) -> Vec<String> {
    let files = ZONES.get_dir(folder).map(Dir::files).into_iter().flatten();
    let mut names: Vec<String> = files.filter_map(|file| file.path().to_str()).map(str::to_owned).collect();
    names.sort();
    names
}

/// The texts of a folder of `zones/` and of the folders in it, by path relative to it, sorted.
#[must_use]
pub fn texts(folder: &str) -> Vec<(String, &'static str)> {
    fn collect(dir: &'static Dir<'static>, root: &std::path::Path, out: &mut Vec<(String, &'static str)>) {
        for file in dir.files() {
            let name = file.path().strip_prefix(root).ok().and_then(std::path::Path::to_str);
            out.extend(name.map(str::to_owned).zip(file.contents_utf8()));
        }
        for inner in dir.dirs() {
            collect(inner, root, out);
        }
    }
    let mut out = Vec::new();
    if let Some(dir) = ZONES.get_dir(folder) {
        collect(dir, dir.path(), &mut out);
    }
    out.sort();
    out
}

/// The blueprints: the folders of `zones/`.
#[must_use]
pub fn blueprints() -> Vec<String> {
    let mut names: Vec<String> = ZONES.dirs().filter_map(|dir| dir.path().to_str()).map(str::to_owned).collect();
    names.sort();
    names
}
