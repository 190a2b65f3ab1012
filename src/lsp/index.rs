//! The names of a site: each place that defines one or refers to one, ready for a lookup by place or by name.

use super::position::Lines;
use crate::source::SourceFile;
use crate::syntax::mention::{Mention, NameKind, Role};
use lsp_types::{Position, Range};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A name at its place.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Occurrence {
    /// Where, as the protocol counts.
    pub range: Range,
    /// The whole name; of a namespace `cluster/namespace`.
    pub name: String,
    /// What it does there.
    pub role: Role,
}

/// The names of one file.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileIndex {
    /// Names in the order written.
    pub occurrences: Vec<Occurrence>,
    /// Whether they stand where the file has them now; otherwise the file is no YAML at the moment, or was not reached, and they
    /// are those of its last good state.
    pub is_fresh: bool,
}

impl FileIndex {
    /// The names of a text.
    #[must_use]
    pub fn new(source: &SourceFile, mentions: Vec<Mention>) -> Self {
        let lines = Lines::new(&source.text);
        let occurrence = |mention: Mention| Occurrence {
            range: lines.range(&source.text, mention.span.range()),
            name: mention.name,
            role: mention.role,
        };
        Self { occurrences: mentions.into_iter().map(occurrence).collect(), is_fresh: true }
    }

    /// The name at a position; its last letter's end counts.
    #[must_use]
    pub fn at(&self, position: Position) -> Option<&Occurrence> {
        let after = self.occurrences.partition_point(|item| item.range.start <= position);
        let found = self.occurrences.get(..after)?.last()?;
        (position <= found.range.end).then_some(found)
    }
}

/// A thing with a name.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Target {
    /// What sort of thing.
    pub kind: NameKind,
    /// Its whole name.
    pub name: String,
}

/// The names of a site.
#[derive(Clone, Debug)]
pub struct Index {
    /// Path of the main file.
    pub main: String,
    /// Files by path.
    pub files: BTreeMap<String, Arc<FileIndex>>,
    /// The files once more, by number.
    list: Vec<(String, Arc<FileIndex>)>,
    /// All occurrences, as (file, occurrence), in order of name; those that define come first.
    by_name: Vec<(u32, u32)>,
}

impl Index {
    /// The index of some files.
    #[must_use]
    pub fn new(main: String, files: BTreeMap<String, Arc<FileIndex>>) -> Self {
        let list: Vec<(String, Arc<FileIndex>)> =
            files.iter().map(|(path, file)| (path.clone(), Arc::clone(file))).collect();
        let mut by_name: Vec<(&str, bool, u32, u32)> = Vec::new();
        for (number, (_, file)) in list.iter().enumerate() {
            let all = file.occurrences.iter().enumerate();
            by_name.extend(all.map(|(at, item)| {
                (item.name.as_str(), matches!(item.role, Role::Refers(_)), number as u32, at as u32)
            }));
        }
        by_name.sort_unstable();
        let by_name = by_name.into_iter().map(|(_, _, file, at)| (file, at)).collect();
        Self { main, files, list, by_name }
    }

    fn get(&self, (file, at): (u32, u32)) -> Option<(&str, &Occurrence)> {
        let (path, file) = self.list.get(file as usize)?;
        Some((path, file.occurrences.get(at as usize)?))
    }

    fn named<'a, 'n>(&'a self, name: &'n str) -> impl Iterator<Item = (&'a str, &'a Occurrence)> + use<'a, 'n> {
        let name_of = |item: &(u32, u32)| self.get(*item).map_or("", |(_, found)| found.name.as_str());
        let first = self.by_name.partition_point(|item| name_of(item) < name);
        let rest = self.by_name.get(first..).unwrap_or(&[]).iter();
        rest.filter_map(|item| self.get(*item)).take_while(move |(_, found)| found.name == name)
    }

    /// The places that define a thing: one, but for replicas that several gateways list and names given twice.
    pub fn definitions<'a, 't>(
        &'a self,
        target: &'t Target,
    ) -> impl Iterator<Item = (&'a str, &'a Occurrence)> + use<'a, 't> {
        self.named(&target.name).filter(|(_, found)| found.role == Role::Defines(target.kind))
    }

    fn is_defined(&self, kind: NameKind, name: &str) -> bool {
        self.named(name).any(|(_, found)| found.role == Role::Defines(kind))
    }

    /// What a name stands for at its place. Of several, those of one name space come first; only the objects of deviations may be several.
    #[must_use]
    pub fn targets(&self, name: &str, role: Role) -> Vec<Target> {
        let target = |kind: NameKind| Target { kind, name: name.to_owned() };
        let kinds = match role {
            Role::Defines(kind) => return vec![target(kind)],
            Role::Refers(kinds) => kinds,
        };
        let mut found: Vec<NameKind> = kinds.iter().copied().filter(|kind| self.is_defined(*kind, name)).collect();
        if !kinds.contains(&NameKind::Site) {
            // Everywhere but in deviations a name is looked up in one order.
            found.truncate(1);
        }
        match (found.is_empty(), kinds) {
            (false, _) => {}
            (true, [NameKind::Service]) => found.push(NameKind::CatalogueService),
            (true, [only]) if !has_definitions(*only) => found.push(*only),
            (true, kinds) => found.extend(kinds.contains(&NameKind::Host).then_some(NameKind::Host)),
        }
        found.into_iter().map(target).collect()
    }

    /// Every place that defines a thing or refers to it, by file and place.
    #[must_use]
    pub fn occurrences(&self, target: &Target) -> Vec<(&str, &Occurrence)> {
        let mut found: Vec<(&str, &Occurrence)> =
            self.named(&target.name).filter(|(_, item)| self.targets(&item.name, item.role).contains(target)).collect();
        found.sort_by(|a, b| (a.0, a.1.range.start).cmp(&(b.0, b.1.range.start)));
        found
    }

    /// All things of some kinds, by name, each once.
    #[must_use]
    pub fn things(&self, kinds: &[NameKind]) -> Vec<Target> {
        let defines = |(_, item): (&str, &Occurrence)| match item.role {
            Role::Defines(kind) if kinds.contains(&kind) => Some(Target { kind, name: item.name.clone() }),
            _ => None,
        };
        let mut found: Vec<Target> =
            self.by_name.iter().filter_map(|item| self.get(*item)).filter_map(defines).collect();
        found.dedup();
        found
    }

    /// Names of chassis and devices, which are given where they are used.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        let is_host = |role: Role| {
            matches!(role, Role::Refers(kinds) if kinds.contains(&NameKind::Host))
                || role == Role::Defines(NameKind::Replica)
        };
        let all = self.by_name.iter().filter_map(|item| self.get(*item));
        all.filter(move |(_, item)| is_host(item.role)).map(|(_, item)| item.name.as_str())
    }
}

/// Whether things of a kind are defined in zone files.
#[must_use]
pub const fn has_definitions(kind: NameKind) -> bool {
    !matches!(
        kind,
        NameKind::CatalogueService | NameKind::Rule | NameKind::ComponentKind | NameKind::ZoneClass | NameKind::Host
    )
}
