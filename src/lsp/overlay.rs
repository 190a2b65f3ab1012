//! A site as the editor has it: unsaved buffers over the files on disk.

use super::uri::folder;
use crate::source::{Date, ReadError, World};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Texts of open documents by path.
pub type Buffers = BTreeMap<String, Arc<str>>;

/// Opens sites on disk. The server itself touches no disk.
pub trait Disk: Send + Sync {
    /// The site whose main file has this path, whether or not it exists.
    ///
    /// # Errors
    /// Why the path cannot name a site.
    fn open(&self, main: &str) -> Result<Box<dyn World>, String>;
}

/// The buffers in front of a world.
pub struct Overlay<'a> {
    world: Box<dyn World>,
    buffers: &'a Buffers,
    folder: String,
    main: String,
}

impl std::fmt::Debug for Overlay<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Overlay({}/{})", self.folder, self.main)
    }
}

impl<'a> Overlay<'a> {
    /// The site of a main file, with the open documents of its folder.
    ///
    /// # Errors
    /// As [`Disk::open`].
    pub fn open(disk: &dyn Disk, main: &str, buffers: &'a Buffers) -> Result<Self, String> {
        let folder = folder(main).to_owned();
        let name = main.get(folder.len() + 1..).unwrap_or(main).to_owned();
        Ok(Self { world: disk.open(main)?, buffers, folder, main: name })
    }

    /// Whether the main file is there, in the editor or on disk.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.buffer(&self.main).is_some() || !matches!(self.world.read(&self.main, 0), Err(ReadError::Missing))
    }

    fn buffer(&self, path: &str) -> Option<&'a Arc<str>> {
        self.buffers.get(&format!("{}/{path}", self.folder))
    }
}

impl World for Overlay<'_> {
    fn read(&self, path: &str, limit: u64) -> Result<Vec<u8>, ReadError> {
        let Some(text) = self.buffer(path) else { return self.world.read(path, limit) };
        let size = text.len() as u64;
        if size > limit { Err(ReadError::TooLarge(size)) } else { Ok(text.as_bytes().to_vec()) }
    }

    fn glob(&self, pattern: &str) -> Result<Vec<String>, ReadError> {
        let mut found = self.world.glob(pattern)?;
        // A document that is not saved yet belongs to the site as it will once it is.
        let pattern = glob::Pattern::new(pattern).map_err(|error| ReadError::Io(error.msg.to_owned()))?;
        let options = glob::MatchOptions { require_literal_separator: true, ..glob::MatchOptions::new() };
        let inside = format!("{}/", self.folder);
        let open = self.buffers.keys().filter_map(|path| path.strip_prefix(&inside));
        found.extend(open.filter(|name| pattern.matches_with(name, options)).map(str::to_owned));
        found.sort();
        found.dedup();
        Ok(found)
    }

    fn as_of(&self) -> Date {
        self.world.as_of()
    }

    fn main_file(&self) -> &str {
        &self.main
    }

    fn shown(&self, path: &str) -> String {
        path.to_owned()
    }
}
