//! Renaming a thing: every place that names it, in every file, or a reason why not.

use super::index::{Index, Occurrence, Target, has_definitions};
use super::words::Words;
use crate::check::Checked;
use crate::model::Blueprint;
use crate::rules::Catalogue;
use crate::syntax::decode::Scalar;
use crate::syntax::mention::{NameKind, Role};
use crate::syntax::scalars::{DeviationName, Name};
use crate::syntax::service::ServiceExpr;
use lsp_types::{Range, TextEdit};
use std::collections::BTreeMap;

/// What renaming knows.
#[derive(Debug)]
pub struct Renamer<'a> {
    /// The names of the site.
    pub index: &'a Index,
    /// What the server says.
    pub words: &'a Words,
    /// The rule set.
    pub blueprint: &'a Blueprint,
    /// The rules, for words.
    pub catalogue: &'a Catalogue,
}

/// Edits by path.
pub type Edits = BTreeMap<String, Vec<TextEdit>>;

impl Renamer<'_> {
    fn refuse(&self, key: &str, args: &[(&'static str, String)]) -> String {
        self.words.fill(key, args)
    }

    /// The thing that a name stands for, when it can be renamed.
    ///
    /// # Errors
    /// Why it cannot.
    pub fn target(&self, found: &Occurrence) -> Result<Target, String> {
        let targets = self.index.targets(&found.name, found.role);
        let name = || vec![("name", found.name.clone())];
        match targets.as_slice() {
            [] => Err(self.refuse("rename-unknown", &name())),
            [only] if !has_definitions(only.kind) && only.kind != NameKind::Host => {
                Err(self.refuse("rename-builtin", &name()))
            }
            [only] => Ok(only.clone()),
            _ => Err(self.refuse("rename-ambiguous", &name())),
        }
    }

    /// The range that a rename replaces at a place, and the name there.
    ///
    /// # Errors
    /// As [`Renamer::target`].
    pub fn prepare(&self, found: &Occurrence) -> Result<(Range, String), String> {
        let target = self.target(found)?;
        Ok((found.range, short(&target).to_owned()))
    }

    /// The edits that give a thing another name.
    ///
    /// # Errors
    /// Why it cannot have that name, or cannot be renamed now.
    pub fn rename(&self, found: &Occurrence, new: &str) -> Result<Edits, String> {
        let target = self.target(found)?;
        if let Some((path, _)) = self.index.files.iter().find(|(_, file)| !file.is_fresh) {
            return Err(self.refuse("rename-unread", &[("file", path.clone())]));
        }
        self.check(&target, new)?;
        let mut edits = Edits::new();
        for (path, item) in self.index.occurrences(&target) {
            if self.index.targets(&item.name, item.role).len() > 1 {
                return Err(self.refuse("rename-ambiguous", &[("name", target.name.clone())]));
            }
            edits.entry(path.to_owned()).or_default().push(TextEdit { range: item.range, new_text: new.to_owned() });
        }
        Ok(edits)
    }

    /// Whether the name is one, and free.
    fn check(&self, target: &Target, new: &str) -> Result<(), String> {
        let valid = match target.kind {
            NameKind::Deviation => DeviationName::parse(new).is_ok(),
            NameKind::Service => matches!(ServiceExpr::parse(new), Ok(ServiceExpr::Named(_))),
            _ => Name::parse(new).is_ok(),
        };
        if !valid {
            return Err(self.refuse("rename-invalid", &[("name", new.to_owned())]));
        }
        let whole = match target.name.rsplit_once('/') {
            Some((cluster, _)) => format!("{cluster}/{new}"),
            None => new.to_owned(),
        };
        if whole == target.name {
            return Ok(());
        }
        let taken = |kind: NameKind| self.index.definitions(&Target { kind, name: whole.clone() }).next().is_some();
        let shared = target.kind.is_shared() || matches!(target.kind, NameKind::Host | NameKind::Replica);
        let kinds: Vec<NameKind> = if shared { SHARED.to_vec() } else { vec![target.kind] };
        let other = kinds.into_iter().find(|kind| taken(*kind));
        let host = (shared && self.index.hosts().any(|host| host == whole)).then_some(NameKind::Host);
        let builtin = (target.kind == NameKind::Service && self.blueprint.services.contains_key(new))
            .then_some(NameKind::CatalogueService);
        match other.or(host).or(builtin) {
            Some(kind) => {
                let what = self.words.kind(kind, self.catalogue);
                Err(self.refuse("rename-taken", &[("name", new.to_owned()), ("what", what)]))
            }
            None if self.is_object_elsewhere(&whole) => Err(self.refuse("rename-object", &[("name", new.to_owned())])),
            None => Ok(()),
        }
    }

    /// Whether a deviation names the new name already: it would cover what nobody approved.
    fn is_object_elsewhere(&self, name: &str) -> bool {
        let all = self.index.files.values().flat_map(|file| &file.occurrences);
        let objects = |role: Role| matches!(role, Role::Refers(kinds) if kinds.contains(&NameKind::Site));
        all.filter(|item| item.name == name).any(|item| objects(item.role))
    }
}

const SHARED: &[NameKind] = &[
    NameKind::Network,
    NameKind::Zone,
    NameKind::Segment,
    NameKind::Gateway,
    NameKind::Cluster,
    NameKind::Component,
    NameKind::Group,
];

/// The part of a name that a rename replaces.
fn short(target: &Target) -> &str {
    target.name.rsplit_once('/').map_or(target.name.as_str(), |(_, short)| short)
}

/// Whether a renamed site says what it said: readable as before, with as many findings of each rule and case.
#[must_use]
pub fn is_alike(before: &Checked, after: &Checked) -> bool {
    let count = |checked: &Checked| {
        let mut count: BTreeMap<(&'static str, &'static str, bool), usize> = BTreeMap::new();
        for item in &checked.findings {
            *count.entry((item.finding.rule, item.finding.case, item.deviation.is_some())).or_default() += 1;
        }
        count
    };
    before.model.is_some() == after.model.is_some() && count(before) == count(after)
}
