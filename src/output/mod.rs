//! The output folder: written as one step, or not at all.
//!
//! A complete temporary sibling is written and synced, then exchanged with the old folder. Files that the previous
//! manifest does not name are somebody else's and are never removed.

mod manifest;

pub use manifest::{digest, manifest};

use crate::targets::Files;
use rustix::fs::{FlockOperation, RenameFlags};
use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why an output folder was not written. The old folder is as it was.
#[derive(Debug)]
pub enum OutputError {
    /// The folder holds files that no manifest names.
    Foreign(Vec<String>),
    /// A part of the path is a symbolic link.
    Link(PathBuf),
    /// Another run is writing it.
    Busy,
    /// The operating system refused.
    Io(PathBuf, io::Error),
}

impl std::fmt::Display for OutputError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Foreign(names) => {
                write!(f, "the output folder holds files that zonec did not write: {}", names.join(", "))
            }
            Self::Link(path) => write!(f, "`{}` is a symbolic link", path.display()),
            Self::Busy => f.write_str("another zonec is writing this folder"),
            Self::Io(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for OutputError {}

type Result<T> = std::result::Result<T, OutputError>;

fn io_at(path: &Path) -> impl FnOnce(io::Error) -> OutputError + '_ {
    |error| OutputError::Io(path.to_path_buf(), error)
}

/// Replaces `folder` by `files` as a whole.
///
/// # Errors
/// Any [`OutputError`]; then nothing has changed.
pub fn write(folder: &Path, files: &Files) -> Result<()> {
    let name =
        folder.file_name().ok_or_else(|| OutputError::Io(folder.to_path_buf(), io::ErrorKind::InvalidInput.into()))?;
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    refuse_links(folder)?;
    fs::create_dir_all(parent).map_err(io_at(parent))?;
    let sibling = |suffix: &str| parent.join(format!(".{}.zonec-{suffix}", name.to_string_lossy()));
    let lock_path = sibling("lock");
    let lock = File::create(&lock_path).map_err(io_at(&lock_path))?;
    rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).map_err(|_| OutputError::Busy)?;
    let result = replace(folder, parent, &sibling("new"), files);
    // The lock file goes while it is held; whoever waits on the old one finds a new one next time.
    let _ = fs::remove_file(&lock_path);
    result
}

fn replace(folder: &Path, parent: &Path, fresh: &Path, files: &Files) -> Result<()> {
    let exists = folder.exists();
    if exists {
        refuse_foreign(folder)?;
    }
    // Left over from a run that was killed.
    if fresh.exists() {
        fs::remove_dir_all(fresh).map_err(io_at(fresh))?;
    }
    let written = write_tree(fresh, files);
    if let Err(error) = written {
        let _ = fs::remove_dir_all(fresh);
        return Err(error);
    }
    if exists {
        let flags = RenameFlags::EXCHANGE;
        let here = rustix::fs::CWD;
        rustix::fs::renameat_with(here, fresh, here, folder, flags)
            .map_err(|error| OutputError::Io(folder.to_path_buf(), error.into()))?;
        fs::remove_dir_all(fresh).map_err(io_at(fresh))?;
    } else {
        fs::rename(fresh, folder).map_err(io_at(folder))?;
    }
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(io_at(parent))
}

fn write_tree(root: &Path, files: &Files) -> Result<()> {
    let mut folders = BTreeSet::from([root.to_path_buf()]);
    fs::create_dir(root).map_err(io_at(root))?;
    for (name, content) in files.iter() {
        let path = root.join(name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).map_err(io_at(folder))?;
            folders.extend(folder.ancestors().take_while(|folder| *folder != root).map(Path::to_path_buf));
        }
        let mut file = File::create_new(&path).map_err(io_at(&path))?;
        file.write_all(content).and_then(|()| file.sync_all()).map_err(io_at(&path))?;
    }
    for folder in folders {
        File::open(&folder).and_then(|folder| folder.sync_all()).map_err(io_at(&folder))?;
    }
    Ok(())
}

/// A link in the path could send the output somewhere else between two looks at it.
fn refuse_links(folder: &Path) -> Result<()> {
    for part in folder.ancestors().filter(|part| !part.as_os_str().is_empty()) {
        if part.symlink_metadata().is_ok_and(|meta| meta.file_type().is_symlink()) {
            return Err(OutputError::Link(part.to_path_buf()));
        }
    }
    Ok(())
}

/// Files in the folder must be named by its manifest; an empty folder is fine.
fn refuse_foreign(folder: &Path) -> Result<()> {
    let known = manifest::named(&folder.join("manifest.json"));
    let mut foreign = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(path) = open.pop() {
        for entry in fs::read_dir(&path).map_err(io_at(&path))? {
            let entry = entry.map_err(io_at(&path))?;
            let path = entry.path();
            if entry.file_type().map_err(io_at(&path))?.is_dir() {
                open.push(path);
                continue;
            }
            let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().into_owned();
            if !known.contains(&name) {
                foreign.push(name);
            }
        }
    }
    foreign.sort();
    if foreign.is_empty() { Ok(()) } else { Err(OutputError::Foreign(foreign)) }
}
