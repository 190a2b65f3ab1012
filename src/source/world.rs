//! What the library may see of the world outside: the files of one site and the date of evaluation.

use super::Date;
use std::collections::BTreeMap;

/// Why a file could not be read. Kept as data; texts are made at the edge.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ReadError {
    /// No such file.
    Missing,
    /// Larger than the limit, in bytes.
    TooLarge(u64),
    /// Outside the site's folder, after resolving links.
    Outside,
    /// The operating system's words.
    Io(String),
}

/// Access to one site. Paths are relative to the site's folder and use `/`.
///
/// The library touches no disk, clock or environment: everything comes through here, so that every run can be repeated.
pub trait World {
    /// The bytes of a file of at most `limit` bytes.
    ///
    /// # Errors
    /// Any [`ReadError`]; a file above the limit is refused before it is read.
    fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, ReadError>;

    /// The files that match a glob pattern, sorted.
    ///
    /// # Errors
    /// [`ReadError::Io`] for a malformed pattern, [`ReadError::Outside`] for a match that leaves the site's folder.
    fn glob(&self, pattern: &str) -> Result<Vec<String>, ReadError>;

    /// The date at which the site is evaluated (`--as-of`).
    fn as_of(&self) -> Date;

    /// Path of the site's main file.
    fn main_file(&self) -> &str;

    /// A path as the user knows it, for messages about files that are not there.
    fn shown(&self, path: &str) -> String {
        path.to_owned()
    }
}

/// A site held in memory: tests, standard input, another revision of a repository.
#[derive(Clone, Debug)]
pub struct MemoryWorld {
    /// File name → bytes.
    pub files: BTreeMap<String, Vec<u8>>,
    /// Date of evaluation.
    pub as_of: Date,
    /// Name of the main file.
    pub main: String,
}

impl MemoryWorld {
    /// A site of one file named `site.yaml`.
    #[must_use]
    pub fn single(text: &str, as_of: Date) -> Self {
        let files = BTreeMap::from([("site.yaml".to_owned(), text.as_bytes().to_vec())]);
        Self { files, as_of, main: "site.yaml".to_owned() }
    }
}

impl World for MemoryWorld {
    fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, ReadError> {
        let bytes = self.files.get(path).ok_or(ReadError::Missing)?;
        let size = bytes.len() as u64;
        if size > limit { Err(ReadError::TooLarge(size)) } else { Ok(bytes.clone()) }
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, ReadError> {
        let pattern = glob::Pattern::new(pattern).map_err(|error| ReadError::Io(error.msg.to_owned()))?;
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
        Ok(self.files.keys().filter(|name| pattern.matches_with(name, options)).cloned().collect())
    }

    fn as_of(&self) -> Date {
        self.as_of
    }

    fn main_file(&self) -> &str {
        &self.main
    }
}
