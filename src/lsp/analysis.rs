//! The worker: reads and judges the sites of the open documents, always in their newest state.
//!
//! A job carries the state of all buffers. Jobs that wait are joined into one, so that keystrokes never queue; a job first reads all
//! sites (names, syntax: always to the end, so that something is shown even while someone types on), then evaluates the rules,
//! which it gives up between two rules once a newer job waits.

use super::index::{FileIndex, Index};
use super::overlay::{Buffers, Disk, Overlay};
use super::uri::folder;
use crate::check::{Catalogues, Checked, Means, Understood, understand};
use crate::source::{SourceFile, SourceMap};
use crate::syntax::mention::{Mention, NamePlaces};
use crate::syntax::tree::Node;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender};

/// The state of the buffers after a change.
#[derive(Debug)]
pub struct Job {
    /// Number of the state; the newest is the highest.
    pub version: u64,
    /// All open documents.
    pub buffers: Buffers,
    /// Documents that changed.
    pub changed: BTreeSet<String>,
    /// Whether anything on disk may have changed as well, or documents were opened or closed.
    pub is_all: bool,
}

/// What the worker found.
#[derive(Debug)]
pub enum Found {
    /// A site can be read; its rules are evaluated next.
    Whole(String),
    /// The names of a site.
    Read(Arc<Index>),
    /// All sites of a state are read.
    AllRead(u64),
    /// The findings of a site.
    Judged {
        /// The state of the buffers.
        state: u64,
        /// Path of its main file.
        main: String,
        /// What `zonec check` would say.
        checked: Arc<Checked>,
    },
    /// All sites of a state are judged.
    AllJudged(u64),
    /// No open document belongs to the site any more.
    Gone(String),
    /// A defect of the program.
    Failed(String),
}

/// A site that an open document may belong to.
struct Known {
    index: Arc<Index>,
    /// Whether an open document belongs to it.
    is_active: bool,
    /// Whether its rules wait to be evaluated for the newest state.
    is_open: bool,
}

/// The worker and what it knows.
pub struct Worker {
    /// Opens sites.
    pub disk: Arc<dyn Disk>,
    /// `--strict`.
    pub strict: bool,
    /// Number of the newest state.
    pub newest: Arc<AtomicU64>,
    /// Places of names.
    pub names: NamePlaces,
    catalogues: Catalogues,
    sites: BTreeMap<String, Known>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Worker({} sites)", self.sites.len())
    }
}

impl Worker {
    /// A worker that knows no site yet.
    #[must_use]
    pub fn new(disk: Arc<dyn Disk>, strict: bool, newest: Arc<AtomicU64>) -> Self {
        Self {
            disk,
            strict,
            newest,
            names: NamePlaces::default(),
            catalogues: Catalogues::default(),
            sites: BTreeMap::new(),
        }
    }

    /// Works until no job can come any more, or nobody listens.
    pub fn run<E: From<Found>>(mut self, jobs: &Receiver<Job>, out: &Sender<E>) {
        while let Ok(mut job) = jobs.recv() {
            while let Ok(next) = jobs.try_recv() {
                let mut changed = std::mem::take(&mut job.changed);
                changed.extend(next.changed);
                job = Job { changed, is_all: job.is_all || next.is_all, ..next };
            }
            if self.work(&job, &mut |found| out.send(found.into()).is_ok()).is_none() {
                return;
            }
        }
    }

    /// One job; `None` when nobody listens.
    fn work(&mut self, job: &Job, tell: &mut dyn FnMut(Found) -> bool) -> Option<()> {
        let mut say = |found: Found| tell(found).then_some(());
        let mains = self.mains(&job.buffers);
        let gone: Vec<String> = self.sites.keys().filter(|main| !mains.contains(*main)).cloned().collect();
        let mut read: Vec<(String, Understood)> = Vec::new();
        let mut named: Vec<String> = Vec::new();
        for main in &mains {
            let known = self.sites.get(main);
            let is_old = known.is_none_or(|known| {
                known.is_open || job.changed.iter().any(|path| known.index.files.contains_key(path))
            });
            if !(job.is_all || is_old) {
                continue;
            }
            let was_active = known.is_some_and(|known| known.is_active);
            let (mentions, understood) = match self.read(main, &job.buffers) {
                Ok(found) => found,
                Err(reason) => {
                    say(Found::Failed(reason))?;
                    continue;
                }
            };
            // Someone waits to see this: what cannot be read, or that it can be again. Names and rules take longer.
            let (index, is_open) = if was_active && !understood.is_whole() {
                let checked = Arc::new(understood.judge(self.strict));
                say(Found::Judged { main: main.clone(), state: job.version, checked: Arc::clone(&checked) })?;
                (self.index(main, mentions, &checked.sources, false), false)
            } else {
                let is_whole = understood.is_whole();
                if was_active {
                    say(Found::Whole(main.clone()))?;
                }
                let index = self.index(main, mentions, understood.sources(), is_whole);
                read.push((main.clone(), understood));
                (index, true)
            };
            let known = Known { index: Arc::new(index), is_active: was_active, is_open };
            self.sites.insert(main.clone(), known);
            named.push(main.clone());
        }
        for main in gone {
            if self.sites.remove(&main).is_some_and(|known| known.is_active) {
                say(Found::Gone(main))?;
            }
        }
        self.activate(&job.buffers, &mut say)?;
        for main in &named {
            if let Some(known) = self.sites.get(main).filter(|known| known.is_active) {
                say(Found::Read(Arc::clone(&known.index)))?;
            }
        }
        say(Found::AllRead(job.version))?;
        // What cannot be read is told at once; rules take longer.
        read.sort_by_key(|(_, understood)| understood.is_whole());
        for (main, understood) in read {
            let Some(known) = self.sites.get_mut(&main) else { continue };
            if !known.is_active {
                known.is_open = false;
                continue;
            }
            let newest = &self.newest;
            let Some(checked) = understood.judge_while(self.strict, || newest.load(Ordering::Relaxed) <= job.version)
            else {
                return Some(());
            };
            known.is_open = false;
            say(Found::Judged { main, state: job.version, checked: Arc::new(checked) })?;
        }
        say(Found::AllJudged(job.version))
    }

    /// Says which sites have an open document now, and tells of those that lost their last.
    fn activate(&mut self, buffers: &Buffers, say: &mut dyn FnMut(Found) -> Option<()>) -> Option<()> {
        let owners: BTreeSet<String> =
            buffers.keys().filter_map(|path| owner(path, self.sites.values().map(|known| &*known.index))).collect();
        for (main, known) in &mut self.sites {
            let is_active = owners.contains(main);
            if known.is_active && !is_active {
                say(Found::Gone(main.clone()))?;
            }
            known.is_active = is_active;
        }
        Some(())
    }

    /// The main files that open documents may belong to.
    fn mains(&self, buffers: &Buffers) -> BTreeSet<String> {
        let mut mains = BTreeSet::new();
        for (path, text) in buffers {
            if path.ends_with("/site.yaml") || is_main(text) {
                mains.insert(path.clone());
                continue;
            }
            let mut place = folder(path);
            loop {
                let main = format!("{place}/site.yaml");
                let overlay = Overlay::open(&*self.disk, &main, buffers);
                if mains.contains(&main) || overlay.is_ok_and(|overlay| overlay.exists()) {
                    mains.insert(main);
                }
                if place.is_empty() {
                    break;
                }
                place = folder(place);
            }
        }
        mains
    }

    /// Reads a site, and the names of each file that has a tree.
    fn read(&mut self, main: &str, buffers: &Buffers) -> Result<(Mentions, Understood), String> {
        let overlay = Overlay::open(&*self.disk, main, buffers)?;
        let names = &self.names;
        let mut mentions = Mentions::new();
        let mut visit = |source: &SourceFile, node: &Node<'_>| {
            mentions.insert(source.name.clone(), names.mentions(source, node));
        };
        let means = Means { visit: &mut visit, digest: false, catalogues: &mut self.catalogues };
        let understood = understand(&overlay, means).map_err(|error| error.to_string())?;
        Ok((mentions, understood))
    }

    /// The index of a site. Files that have no tree now, or are not reached because of a fault, keep the names they had.
    fn index(&self, main: &str, mut mentions: Mentions, sources: &SourceMap, is_whole: bool) -> Index {
        let root = folder(main);
        let old = self.sites.get(main).map(|known| &known.index.files);
        let stale = |path: &str| {
            let before = old.and_then(|old| old.get(path));
            let occurrences = before.map(|old| old.occurrences.clone()).unwrap_or_default();
            Arc::new(FileIndex { occurrences, is_fresh: false })
        };
        let mut files: BTreeMap<String, Arc<FileIndex>> = BTreeMap::new();
        for (_, source) in sources.files() {
            let path = format!("{root}/{}", source.name);
            let file = match mentions.remove(&source.name) {
                Some(found) => Arc::new(FileIndex::new(source, found)),
                None => stale(&path),
            };
            files.insert(path, file);
        }
        files.entry(main.to_owned()).or_insert_with(|| stale(main));
        if !is_whole {
            for path in old.into_iter().flat_map(BTreeMap::keys) {
                files.entry(path.clone()).or_insert_with(|| stale(path));
            }
        }
        Index::new(main.to_owned(), files)
    }
}

/// Names by file.
type Mentions = BTreeMap<String, Vec<Mention>>;

/// Whether a text is the main file of a site of its own.
fn is_main(text: &str) -> bool {
    let has = |key: &str| text.lines().any(|line| line.starts_with(key));
    has("zonec:") && has("site:")
}

/// The main file of the site that a document belongs to: the nearest above it that reads it.
pub fn owner<'a>(path: &str, sites: impl Iterator<Item = &'a Index>) -> Option<String> {
    let own = sites.filter(|index| index.files.contains_key(path));
    // A document that is a site of its own belongs to itself.
    own.max_by_key(|index| (index.main == path, index.main.len())).map(|index| index.main.clone())
}
