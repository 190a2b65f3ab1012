//! What can stand here: keys by the schema, names by what the place can hold, words of the language and of the catalogue.

use super::hover::qualified;
use super::index::{Index, has_definitions};
use super::language::Language;
use super::place::{Place, Slot};
use super::words::Words;
use crate::check::Checked;
use crate::model::Blueprint;
use crate::rules::{Catalogue, Deviability};
use crate::syntax::mention::{NameKind, Role};
use lsp_types::{
    CompletionItem, CompletionItemKind, CompletionItemLabelDetails, CompletionList, CompletionTextEdit, Range, TextEdit,
};

/// So many proposals are sent; typing on narrows them.
const MOST: usize = 200;

/// What completion knows.
#[derive(Debug)]
pub struct Completer<'a> {
    /// The language.
    pub language: &'a Language,
    /// What the server says.
    pub words: &'a Words,
    /// The names of the site.
    pub index: Option<&'a Index>,
    /// The newest state of the site.
    pub checked: Option<&'a Checked>,
    /// The rule set.
    pub blueprint: &'a Blueprint,
    /// The rules.
    pub catalogue: &'a Catalogue,
}

/// A proposal.
struct Proposal {
    text: String,
    kind: CompletionItemKind,
    detail: String,
    about: String,
    insert: String,
}

impl Completer<'_> {
    /// Proposals for a place whose word has this range. `typed` is what stands before the cursor.
    #[must_use]
    pub fn complete(&self, place: &Place, typed: &str, range: Range) -> CompletionList {
        let mut all = Vec::new();
        match place.slot {
            Slot::Key => {
                self.keys(place, &mut all);
                // The value may stand on a line of its own, as a member of a list.
                self.values(&place.path, &mut all);
            }
            Slot::Value => self.values(&place.path, &mut all),
        }
        let wanted = typed.to_lowercase();
        let (mut first, mut inside): (Vec<_>, Vec<_>) = all
            .into_iter()
            .filter(|item| item.text.to_lowercase().contains(&wanted))
            .partition(|item| item.text.to_lowercase().starts_with(&wanted));
        first.append(&mut inside);
        let is_incomplete = first.len() > MOST;
        let items = first.into_iter().take(MOST).enumerate().map(|(number, item)| item.finish(number, range)).collect();
        CompletionList { is_incomplete, items }
    }

    fn keys(&self, place: &Place, out: &mut Vec<Proposal>) {
        for key in self.language.keys(&place.path) {
            if place.siblings.iter().any(|sibling| sibling == key.name) {
                continue;
            }
            let colon = if key.is_map && !place.in_flow { ":" } else { ": " };
            out.push(Proposal {
                text: key.name.to_owned(),
                kind: CompletionItemKind::PROPERTY,
                detail: if key.is_required { self.words.get("required").to_owned() } else { String::new() },
                about: self.words.meaning(key.about).to_owned(),
                insert: format!("{}{colon}", key.name),
            });
        }
        // Keys that are names of others: the segment an address belongs to, the rule that evidence is for.
        if let Some(Role::Refers(kinds)) = self.language.names.any_key(&place.path) {
            let mut names = Vec::new();
            self.names(&place.path, kinds, &mut names);
            names.retain(|item| !place.siblings.contains(&item.text));
            out.extend(names.into_iter().map(|item| Proposal { insert: format!("{}: ", item.insert), ..item }));
        }
    }

    fn values(&self, path: &[String], out: &mut Vec<Proposal>) {
        for (word, about) in self.language.words(path) {
            out.push(proposal(word, CompletionItemKind::ENUM_MEMBER, "", self.words.meaning(about)));
        }
        match path {
            [zonec] if zonec == "zonec" => out.push(proposal("1", CompletionItemKind::VALUE, "", "")),
            [site, blueprint] if site == "site" && blueprint == "blueprint" => {
                let title = self.blueprint.title.get(self.words.lang);
                out.push(proposal(&self.blueprint.name, CompletionItemKind::ENUM_MEMBER, title, ""));
            }
            _ => {}
        }
        if let Some(Role::Refers(kinds)) = self.language.names.value(path) {
            self.names(path, kinds, out);
        }
    }

    fn names(&self, path: &[String], kinds: &[NameKind], out: &mut Vec<Proposal>) {
        let lang = self.words.lang;
        for kind in kinds {
            match kind {
                NameKind::ComponentKind => out.extend(
                    self.blueprint
                        .kinds
                        .iter()
                        .map(|(name, kind)| proposal(name, CompletionItemKind::CLASS, kind.title.get(lang), "")),
                ),
                NameKind::ZoneClass => out.extend(
                    self.blueprint
                        .classes
                        .iter()
                        .map(|(name, class)| proposal(name, CompletionItemKind::CLASS, class.title.get(lang), "")),
                ),
                NameKind::Rule => self.rules(path, out),
                NameKind::CatalogueService => self.services(out),
                _ => {}
            }
        }
        let defined: Vec<NameKind> = kinds.iter().copied().filter(|kind| has_definitions(*kind)).collect();
        let inside = qualified(path, "").trim_end_matches('/').to_owned();
        for thing in self.index.map(|index| index.things(&defined)).unwrap_or_default() {
            let name = match thing.name.split_once('/') {
                Some((cluster, short)) if !inside.is_empty() && cluster == inside => short,
                Some(_) if !inside.is_empty() => continue,
                _ => &thing.name,
            };
            let detail = self.detail(thing.kind, &thing.name);
            out.push(proposal(name, CompletionItemKind::REFERENCE, &detail, ""));
        }
        if kinds == [NameKind::Service] {
            self.services(out);
        }
    }

    /// A word on a thing: what it is, and where.
    fn detail(&self, kind: NameKind, name: &str) -> String {
        let word = self.words.kind(kind, self.catalogue);
        let Some(site) = self.checked.and_then(|checked| checked.model.as_ref()).map(|model| &model.site) else {
            return word;
        };
        let more = match site.lookup(name) {
            Some(crate::model::Object::Component(id)) if kind == NameKind::Component => {
                let item = &site.components[id];
                let places: Vec<&str> = item.legs.iter().map(|leg| site.place_name(leg.place)).collect();
                format!("{} {}", item.decl.kind.0, places.join(", "))
            }
            Some(crate::model::Object::Zone(id)) if kind == NameKind::Zone => site.zones[id].class.clone(),
            Some(crate::model::Object::Segment(id)) if kind == NameKind::Segment => {
                site.segments[id].addresses.to_string()
            }
            _ => String::new(),
        };
        if more.is_empty() { word } else { format!("{word}: {}", more.trim()) }
    }

    fn services(&self, out: &mut Vec<Proposal>) {
        for (name, service) in &self.blueprint.services {
            // A service of the site with the same name stands before it.
            if out.iter().all(|item| item.text != *name) {
                let title = service.title.get(self.words.lang);
                out.push(proposal(name, CompletionItemKind::CONSTANT, &service.ports.join(", "), title));
            }
        }
    }

    /// Rules that the place can name: attested ones in `evidence`, those that may be departed from in deviations.
    fn rules(&self, path: &[String], out: &mut Vec<Proposal>) {
        let attested = path.first().is_some_and(|first| first == "evidence");
        for (id, rule) in self.catalogue.rules() {
            let is_attested = rule.deviability == Deviability::E || Catalogue::is_attestation(id);
            let is_open = matches!(rule.deviability, Deviability::F | Deviability::FB | Deviability::J);
            if if attested { is_attested } else { is_open } {
                let detail = format!("{} {}", rule.grade, rule.deviability);
                out.push(proposal(id, CompletionItemKind::CONSTANT, &detail, rule.title.get(self.words.lang)));
            }
        }
    }
}

fn proposal(text: &str, kind: CompletionItemKind, detail: &str, about: &str) -> Proposal {
    Proposal {
        text: text.to_owned(),
        kind,
        detail: detail.to_owned(),
        about: about.to_owned(),
        insert: text.to_owned(),
    }
}

impl Proposal {
    fn finish(self, number: usize, range: Range) -> CompletionItem {
        CompletionItem {
            label: self.text,
            label_details: Some(CompletionItemLabelDetails {
                detail: None,
                description: (!self.detail.is_empty()).then(|| self.detail.clone()),
            }),
            kind: Some(self.kind),
            detail: (!self.detail.is_empty()).then_some(self.detail),
            documentation: (!self.about.is_empty()).then_some(lsp_types::Documentation::String(self.about)),
            // The order of the reference for keys, of the alphabet for names.
            sort_text: Some(format!("{number:04}")),
            text_edit: Some(CompletionTextEdit::Edit(TextEdit { range, new_text: self.insert })),
            ..CompletionItem::default()
        }
    }
}
