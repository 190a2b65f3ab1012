//! A site as it is in a revision of a git repository: `PATH@REVISION`.
//!
//! Asks the `git` program, as CI has it; nothing is checked out. Only regular files are read, and only YAML.

use super::Stop;
use crate::source::{Date, Limits, MemoryWorld};
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// Splits `PATH@REVISION`. A path that exists as it is written is a path.
pub(super) fn revision(site: &str) -> Option<(&str, &str)> {
    if Path::new(site).exists() {
        return None;
    }
    let (path, revision) = site.rsplit_once('@').or_else(|| site.rsplit_once(':'))?;
    (!path.is_empty() && !revision.is_empty()).then_some((path, revision))
}

/// Reads a site out of a revision.
pub(super) fn open(path: &str, revision: &str, as_of: Date) -> Result<MemoryWorld, Stop> {
    let path = Path::new(path);
    // The path need not exist any more; some folder above it does.
    let folder = path.ancestors().skip_while(|folder| !folder.is_dir()).find(|folder| !folder.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    let rest = path.strip_prefix(folder).unwrap_or(path);
    let top = text(git(folder, &["rev-parse", "--show-toplevel"])?)?;
    let prefix = text(git(folder, &["rev-parse", "--show-prefix"])?)?;
    let commit = git(folder, &["rev-parse", "--verify", "--end-of-options", &format!("{revision}^{{commit}}")]);
    let unknown = |_| Stop::Invalid(format!("git knows no revision `{revision}` there; write PATH@REVISION"));
    let commit = text(commit.map_err(unknown)?)?;
    let inside = format!("{prefix}{}", rest.to_string_lossy());
    let inside = inside.trim_end_matches('/').trim_start_matches("./");
    let top = Path::new(&top);
    let files = regular_files(top, &commit, inside)?;
    let is_file = files.len() == 1 && files.iter().all(|(name, _)| name == inside);
    let (root, main) = match inside.rsplit_once('/') {
        Some((root, name)) if is_file => (root, name),
        None if is_file => ("", inside),
        _ => (inside, "site.yaml"),
    };
    // A single file may include others beside it.
    let files = if is_file { regular_files(top, &commit, root)? } else { files };
    let mut read = BTreeMap::new();
    for (name, object) in files {
        let relative = name.strip_prefix(root).unwrap_or(&name).trim_start_matches('/').to_owned();
        if relative.ends_with(".yaml") || relative.ends_with(".yml") {
            read.insert(relative, git(top, &["cat-file", "blob", &object])?);
        }
    }
    if !read.contains_key(main) {
        let shown = path.display();
        return Err(Stop::Invalid(format!("revision `{revision}` has no site at `{shown}`")));
    }
    Ok(MemoryWorld { files: read, as_of, main: main.to_owned() })
}

/// Regular files below a path in a commit, with the names of their objects.
fn regular_files(top: &Path, commit: &str, inside: &str) -> Result<Vec<(String, String)>, Stop> {
    let mut arguments = vec!["ls-tree", "-r", "-z", "--full-tree", commit];
    if !inside.is_empty() {
        arguments.extend(["--", inside]);
    }
    let listing = text(git(top, &arguments)?)?;
    let mut files = Vec::new();
    for line in listing.split('\0') {
        let Some((head, name)) = line.split_once('\t') else { continue };
        let mut words = head.split_whitespace();
        let (mode, object) = (words.next().unwrap_or_default(), words.nth(1).unwrap_or_default());
        // No symbolic links and no submodules: a site on disk may not use them to leave its folder either.
        if mode.starts_with("100") {
            files.push((name.to_owned(), object.to_owned()));
        }
    }
    Ok(files)
}

fn text(bytes: Vec<u8>) -> Result<String, Stop> {
    let text = String::from_utf8(bytes).map_err(|_| Stop::Invalid("git names a file that is not UTF-8".to_owned()))?;
    Ok(text.trim_end_matches('\n').to_owned())
}

/// Runs git in a folder. Its output is limited like a file of the site.
fn git(folder: &Path, arguments: &[&str]) -> Result<Vec<u8>, Stop> {
    let output = Command::new("git").arg("-C").arg(folder).args(arguments).output();
    let output = output.map_err(|error| Stop::Failure(format!("git cannot be run: {error}")))?;
    if !output.status.success() {
        let reason = String::from_utf8_lossy(&output.stderr);
        let reason = reason.trim().trim_start_matches("fatal: ");
        return Err(Stop::Invalid(format!("git: {reason}")));
    }
    let limit = Limits::default().file_bytes;
    if output.stdout.len() as u64 > limit {
        return Err(Stop::Invalid(format!("git gives more than {limit} bytes")));
    }
    Ok(output.stdout)
}
