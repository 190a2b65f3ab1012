//! A site's files → documents: the main file first, then its includes, sorted by path.

use super::decode::{Cx, Decode, Spanned};
use super::document::Document;
use super::scalars::Text;
use super::tree::{self, Node};
use crate::finding::Finding;
use crate::source::{FileId, Limits, LoadError, ReadError, SourceFile, SourceMap, Span, World, load_text};
use sha2::Digest;
use std::collections::{BTreeMap, VecDeque};

/// What was read of a site. Documents are there even when some of them have faults.
#[derive(Debug, Default)]
pub struct Read {
    /// All files.
    pub sources: SourceMap,
    /// The documents in reading order.
    pub documents: Vec<Document>,
    /// Faults; the model is made only when there are none.
    pub findings: Vec<Finding>,
    /// SHA-256 of what the documents say, whatever the order of keys and files: `sha256:…`.
    pub digest: String,
    entries: Vec<String>,
}

/// A file still to be read, and the `include` entry that named it.
struct Pending {
    path: String,
    named_at: Option<Span>,
}

/// Sees the tree of each file of a site before it becomes a document.
pub type Visitor<'v> = dyn FnMut(&SourceFile, &Node<'_>) + 'v;

/// Reads a site: the main file and everything it includes.
#[must_use]
pub fn read_site(world: &dyn World, limits: &Limits) -> Read {
    read_site_with(world, limits, true, &mut |_, _| ())
}

/// As [`read_site`], and shows the tree of every file that has one; the digest is left out where nobody wants it.
#[must_use]
pub fn read_site_with(world: &dyn World, limits: &Limits, digest: bool, visit: &mut Visitor<'_>) -> Read {
    let mut read = Read::default();
    let mut visit = |source: &SourceFile, node: &Node<'_>, entries: &mut Vec<String>| {
        visit(source, node);
        if digest {
            entries.extend(tree::entries(node));
        }
    };
    let main = world.main_file().to_owned();
    let mut seen = BTreeMap::from([(main.clone(), ())]);
    let mut queue = VecDeque::from([Pending { path: main, named_at: None }]);
    while let Some(pending) = queue.pop_front() {
        let Some(includes) = read_file(world, limits, &pending, &mut read, &mut visit) else { continue };
        for (pattern, path) in includes {
            let matches = match world.glob(&path) {
                Ok(matches) => matches,
                Err(error) => {
                    read.findings.push(unreadable(&error, &world.shown(&path), Some(pattern.span), limits));
                    continue;
                }
            };
            if matches.is_empty() {
                let finding = Finding::new("syntax", "include-matches-nothing").arg("pattern", &pattern.0);
                read.findings.push(finding.label(pattern.span, "here"));
            }
            for path in matches {
                if seen.len() >= limits.files {
                    let finding = Finding::new("syntax", "too-many-files").arg("limit", limits.files);
                    read.findings.push(finding.label(pattern.span, "here"));
                    return read;
                }
                if seen.insert(path.clone(), ()).is_none() {
                    queue.push_back(Pending { path, named_at: Some(pattern.span) });
                }
            }
        }
    }
    if digest {
        read.entries.sort();
        read.digest = digest_of(&read.entries);
    }
    read
}

fn digest_of(entries: &[String]) -> String {
    let mut hash = sha2::Sha256::new();
    for entry in entries {
        hash.update(entry.as_bytes());
        hash.update([0]);
    }
    let hex: String = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("sha256:{hex}")
}

/// Reads one file into `read`; gives its includes as (entry, pattern relative to the site's folder).
fn read_file(
    world: &dyn World,
    limits: &Limits,
    pending: &Pending,
    read: &mut Read,
    visit: &mut dyn FnMut(&SourceFile, &Node<'_>, &mut Vec<String>),
) -> Option<Vec<(Spanned<Text>, String)>> {
    let text = match load_text(world, &pending.path, limits) {
        Ok(text) => text,
        Err(error) => {
            read.findings.push(refused(&error, &world.shown(&pending.path), pending.named_at, limits));
            return None;
        }
    };
    let file = read.sources.add(SourceFile::new(pending.path.clone(), text));
    let mut cx = Cx::default();
    let document = {
        let source = read.sources.file(file);
        match tree::parse(&source.text, file, limits) {
            Ok(node) => {
                visit(source, &node, &mut read.entries);
                Document::decode(&node, &mut cx)
            }
            Err(finding) => {
                cx.findings.push(*finding);
                None
            }
        }
    };
    if document.is_none() && cx.findings.is_empty() {
        // A decoder that fails must say why; this is the last guard against a fault that nobody tells.
        cx.findings.push(
            Finding::new("syntax", "untold").arg("path", &pending.path).label(Span { file, start: 0, end: 0 }, "here"),
        );
    }
    read.findings.append(&mut cx.findings);
    let document = document?;
    check_version(&document, file, pending.named_at.is_none(), &mut read.findings);
    let folder = pending.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let includes = document.include.iter().flat_map(|list| list.0.iter());
    let includes = includes.filter_map(|entry| relative(folder, entry, &mut read.findings)).collect();
    read.documents.push(document);
    Some(includes)
}

/// The pattern of an include entry, relative to the site's folder; `None` and a finding when it leaves it.
fn relative(folder: &str, entry: &Spanned<Text>, findings: &mut Vec<Finding>) -> Option<(Spanned<Text>, String)> {
    let pattern = entry.0.as_str();
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    let mut inside = !pattern.starts_with('/') && !pattern.contains('\\');
    for part in pattern.split('/').filter(|part| !part.is_empty() && *part != ".") {
        if part == ".." {
            inside &= parts.pop().is_some();
        } else {
            parts.push(part);
        }
    }
    if inside {
        return Some((entry.clone(), parts.join("/")));
    }
    findings.push(Finding::new("syntax", "include-outside").arg("pattern", pattern).label(entry.span, "here"));
    None
}

fn check_version(document: &Document, file: FileId, main: bool, findings: &mut Vec<Finding>) {
    match &document.zonec {
        Some(version) if version.value != 1 => {
            findings.push(
                Finding::new("syntax", "unknown-version").arg("version", version.value).label(version.span, "here"),
            );
        }
        None if main => {
            let start = Span { file, start: 0, end: 0 };
            findings.push(Finding::new("syntax", "missing-version").label(start, "here"));
        }
        _ => {}
    }
}

fn refused(error: &LoadError, path: &str, named_at: Option<Span>, limits: &Limits) -> Finding {
    let finding = match error {
        LoadError::Read(error) => return unreadable(error, path, named_at, limits),
        LoadError::Utf8(at) => Finding::new("syntax", "not-utf8").arg("byte", at),
        LoadError::Binary(at) => Finding::new("syntax", "binary").arg("byte", at),
        LoadError::Empty => Finding::new("syntax", "empty-file"),
    };
    named(finding.arg("path", path), named_at)
}

fn unreadable(error: &ReadError, path: &str, named_at: Option<Span>, limits: &Limits) -> Finding {
    let finding = match error {
        ReadError::Missing => Finding::new("syntax", "missing-file"),
        ReadError::TooLarge(bytes) => {
            Finding::new("syntax", "too-large").arg("bytes", bytes).arg("limit", limits.file_bytes)
        }
        ReadError::Outside => Finding::new("syntax", "outside"),
        ReadError::Io(reason) => Finding::new("syntax", "unreadable").arg("reason", reason),
    };
    named(finding.arg("path", path), named_at)
}

fn named(finding: Finding, named_at: Option<Span>) -> Finding {
    match named_at {
        Some(span) => finding.label(span, "here"),
        None => finding,
    }
}
