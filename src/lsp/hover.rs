//! What is this? A page for the name, word or key under the cursor.

use super::index::{Index, Target};
use super::language::Language;
use super::page::Page;
use super::place::{Place, Slot};
use super::things::Things;
use super::words::Words;
use crate::check::Checked;
use crate::query::owners;
use crate::rules::Catalogue;
use crate::syntax::mention::{NameKind, Role};

/// What a hover is about.
#[derive(Debug)]
pub struct Hovered<'a> {
    /// The language.
    pub language: &'a Language,
    /// What the server says.
    pub words: &'a Words,
    /// The names of the site.
    pub index: &'a Index,
    /// The site in its last state that could be read; there is none when it never could.
    pub good: Option<&'a Checked>,
    /// Its newest state, for the catalogue.
    pub checked: Option<&'a Checked>,
}

impl Hovered<'_> {
    /// The page for a place; `word` is the text there, and `offset` the cursor in it.
    #[must_use]
    pub fn page(&self, place: &Place, word: &str, offset: usize) -> Option<String> {
        if word.is_empty() {
            return None;
        }
        // In front of the slash of `cluster/namespace` stands a cluster.
        let is_namespace = self
            .language
            .names
            .value(&place.path)
            .is_some_and(|role| matches!(role, Role::Refers(kinds) if kinds.contains(&NameKind::Namespace)));
        if let Some((cluster, _)) = word.split_once('/').filter(|(cluster, _)| is_namespace && offset < cluster.len()) {
            return self.thing(&Target { kind: NameKind::Cluster, name: cluster.to_owned() });
        }
        if place.slot == Slot::Key {
            let mut path = place.path.clone();
            path.push(word.to_owned());
            let named = self.language.names.key(&path).and_then(|role| self.name(&path, word, role));
            // A name on a line of its own, as a member of a list.
            let member = self.language.names.value(&place.path).and_then(|role| self.name(&place.path, word, role));
            return named.or(member).or_else(|| self.key(&path)).or_else(|| self.value(&place.path, word));
        }
        let named = self.language.names.value(&place.path).and_then(|role| self.name(&place.path, word, role));
        named.or_else(|| self.value(&place.path, word))
    }

    /// The page of a name, when there is such a thing.
    fn name(&self, path: &[String], word: &str, role: Role) -> Option<String> {
        let whole = qualified(path, word);
        let targets = self.index.targets(&whole, role);
        let pages: Vec<String> = targets.iter().filter_map(|target| self.thing(target)).collect();
        (!pages.is_empty()).then(|| pages.join("\n---\n\n"))
    }

    fn catalogue(&self) -> Option<&Catalogue> {
        self.good.or(self.checked).map(|checked| &checked.catalogue)
    }

    fn thing(&self, target: &Target) -> Option<String> {
        let catalogue = self.catalogue()?;
        let things = Things {
            words: self.words,
            catalogue,
            model: self.good.and_then(|good| good.model.as_ref()),
            good: self.good,
        };
        things.page(target)
    }

    /// The page of a key of the language.
    fn key(&self, path: &[String]) -> Option<String> {
        let key = self.language.key_at(path)?;
        let required = if key.is_required { self.words.get("required") } else { "" };
        let mut page = Page::about(self.words, self.words.get("key"), key.name, required);
        page.say(self.words.meaning(key.about));
        if let Some(catalogue) = self.catalogue() {
            let shapes = self.language.shape_names(path);
            let shapes: Vec<&str> = shapes.into_iter().map(|shape| catalogue.shape(shape, self.words.lang)).collect();
            page.row("holds", &shapes.join(", "));
        }
        let words: Vec<(String, String)> =
            self.language.words(path).iter().map(|(word, _)| ((*word).to_owned(), String::new())).collect();
        page.list("one-of", &words);
        Some(page.finish())
    }

    /// The page of a value: a word of the language, or an address of the site.
    fn value(&self, path: &[String], word: &str) -> Option<String> {
        let words = self.language.words(path);
        if let Some((word, about)) = words.iter().find(|(known, about)| *known == word && !about.is_empty()) {
            let key = path.last().map_or("", String::as_str);
            let mut page = Page::about(self.words, key, word, "");
            page.say(self.words.meaning(about));
            return Some(page.finish());
        }
        let model = self.good?.model.as_ref()?;
        let address = word.split('/').next()?.parse().ok()?;
        let owners = owners(&model.site, address);
        let mut page = Page::about(self.words, self.words.get("address"), word, "");
        let sort =
            |sort: &'static str| self.catalogue().map_or(sort, |catalogue| catalogue.shape(sort, self.words.lang));
        let rows: Vec<(String, String)> =
            owners.iter().map(|owner| (owner.name.clone(), format!("({})", sort(owner.sort)))).collect();
        page.list("belongs-to", &rows);
        (!rows.is_empty()).then(|| page.finish())
    }
}

/// The whole name of a word at a path: inside of a cluster, namespaces are named without it.
#[must_use]
pub fn qualified(path: &[String], word: &str) -> String {
    match path {
        [first, cluster, third, ..]
            if first == "clusters"
                && !word.contains('/')
                && (third == "namespaces" || path.ends_with(&["dns".to_owned(), "namespace".to_owned()])) =>
        {
            format!("{cluster}/{word}")
        }
        _ => word.to_owned(),
    }
}
