//! A site on disk, and the date of today: the only place that asks the operating system for either.

use super::Stop;
use crate::source::{Date, MemoryWorld, ReadError, World};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Today in UTC.
pub(super) fn today() -> Date {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |elapsed| elapsed.as_secs());
    let days = i64::try_from(seconds / 86_400).unwrap_or(0);
    Date::from_days(days).unwrap_or(Date::EPOCH)
}

/// Writes a file that must not exist yet.
pub(super) fn write_new(path: &Path, text: &str) -> Result<(), Stop> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let mut file = std::fs::File::create_new(path)?;
    file.write_all(text.as_bytes())?;
    Ok(())
}

/// A folder with a site in it.
struct DiskWorld {
    root: PathBuf,
    /// The folder as given on the command line, with its last `/`; empty for the current one.
    given: String,
    main: String,
    as_of: Date,
}

/// Opens a file, a folder with `site.yaml`, or standard input (`-`).
pub(super) fn open(site: &str, as_of: Date) -> Result<Box<dyn World>, Stop> {
    if site == "-" {
        let mut bytes = Vec::new();
        // One byte more than the limit, so that the limit itself can refuse it.
        let limit = crate::source::Limits::default().file_bytes + 1;
        std::io::stdin().lock().take(limit).read_to_end(&mut bytes)?;
        let files = BTreeMap::from([("stdin.yaml".to_owned(), bytes)]);
        return Ok(Box::new(MemoryWorld { files, as_of, main: "stdin.yaml".to_owned() }));
    }
    let path = Path::new(site);
    let (folder, main) = if path.is_dir() {
        (path.to_path_buf(), "site.yaml".to_owned())
    } else {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or_else(|| Stop::Invalid(format!("`{site}` is no file name")))?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        (folder.to_path_buf(), name.to_owned())
    };
    // A folder that does not exist makes a file that does not exist; the reader says so.
    let given = folder.to_string_lossy();
    let given = if given == "." { String::new() } else { format!("{}/", given.trim_end_matches('/')) };
    let root = folder.canonicalize().unwrap_or(folder);
    Ok(Box::new(DiskWorld { root, given, main, as_of }))
}

impl DiskWorld {
    /// The real path of a file, which must lie in the site's folder.
    fn resolve(&self, path: &str) -> Result<PathBuf, ReadError> {
        let real = self.root.join(path).canonicalize().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory => ReadError::Missing,
            _ => ReadError::Io(error.to_string()),
        })?;
        if real.starts_with(&self.root) { Ok(real) } else { Err(ReadError::Outside) }
    }
}

impl World for DiskWorld {
    fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, ReadError> {
        let real = self.resolve(path)?;
        let io = |error: std::io::Error| ReadError::Io(error.to_string());
        let file = std::fs::File::open(&real).map_err(io)?;
        let meta = file.metadata().map_err(io)?;
        if !meta.is_file() {
            return Err(ReadError::Io("not a regular file".to_owned()));
        }
        if meta.len() > limit {
            return Err(ReadError::TooLarge(meta.len()));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(meta.len()).unwrap_or(0));
        file.take(limit + 1).read_to_end(&mut bytes).map_err(io)?;
        let size = bytes.len() as u64;
        if size > limit { Err(ReadError::TooLarge(size)) } else { Ok(bytes) }
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, ReadError> {
        let root = glob::Pattern::escape(&self.root.to_string_lossy());
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
        let paths = glob::glob_with(&format!("{root}/{pattern}"), options)
            .map_err(|error| ReadError::Io(error.msg.to_owned()))?;
        let mut names = Vec::new();
        for path in paths {
            let path = path.map_err(|error| ReadError::Io(error.to_string()))?;
            if path.is_dir() {
                continue;
            }
            let relative = path.strip_prefix(&self.root).map_err(|_| ReadError::Outside)?;
            let name = relative.to_str().ok_or_else(|| ReadError::Io("a file name is not UTF-8".to_owned()))?;
            self.resolve(name)?;
            names.push(name.to_owned());
        }
        names.sort();
        Ok(names)
    }

    fn as_of(&self) -> Date {
        self.as_of
    }

    fn main_file(&self) -> &str {
        &self.main
    }

    fn shown(&self, path: &str) -> String {
        format!("{}{path}", self.given)
    }
}
