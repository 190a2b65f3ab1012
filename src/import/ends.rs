//! Cells that say who talks to whom → the names that flows write.

use super::addresses::{self, Part};
use super::atoms::Atoms;
use super::words::{Meaning, Words, fold_word};
use super::{Said, Why};
use crate::model::{Addresses, Family, Site};
use crate::syntax::decode::Scalar;
use crate::syntax::scalars::Ref;
use crate::syntax::{nearest, proposal};
use std::collections::{BTreeMap, BTreeSet};

/// What one side of a row names.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Side {
    /// Names as flows write them, in the order of the row.
    pub names: Vec<String>,
    /// The only family meant, when the row names addresses of one family only and what has them has both.
    pub only: Option<Family>,
    /// The cells, when they do not say the names themselves.
    pub cells: Option<String>,
    /// Addresses beside the names, for a site that is still to be written.
    pub addresses: Vec<String>,
}

/// What is known of the names.
pub(super) struct Ends<'a> {
    pub words: &'a Words,
    pub site: Option<&'a Site>,
    /// Text → name, from the file for `--map`.
    pub given: &'a BTreeMap<String, String>,
    /// Folded names, titles and hosts → names of the site.
    folded: BTreeMap<String, BTreeSet<&'a str>>,
    atoms: Atoms<'a>,
}

impl<'a> Ends<'a> {
    pub(super) fn new(words: &'a Words, site: Option<&'a Site>, given: &'a BTreeMap<String, String>) -> Self {
        let mut folded: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
        let mut add = |text: &str, name: &'a str| {
            for key in [proposal(text), Some(fold_word(text))].into_iter().flatten() {
                folded.entry(key).or_default().insert(name);
            }
        };
        if let Some(site) = site {
            site.names().for_each(|name| add(name, name));
            for component in site.components.values() {
                let titles = component.decl.title.iter().map(|text| text.0.clone());
                let hosts: Vec<String> =
                    component.decl.fqdn.iter().flat_map(|list| list.iter().map(|name| name.0.clone())).collect();
                let short = hosts.iter().filter_map(|host| host.split('.').next().map(str::to_owned));
                titles.chain(short).chain(hosts.clone()).for_each(|text| add(&text, &component.name));
            }
            for (title, name) in site.zones.values().map(|zone| (&zone.decl.title, &zone.name)) {
                title.iter().for_each(|text| add(&text.0, name));
            }
            for (title, name) in site.networks.values().map(|network| (&network.decl.title, &network.name)) {
                title.iter().for_each(|text| add(&text.0, name));
            }
            for (title, name) in site.segments.values().map(|segment| (&segment.decl.title, &segment.name)) {
                title.iter().for_each(|text| add(&text.0, name));
            }
        }
        Self { words, site, given, folded, atoms: site.map(Atoms::new).unwrap_or_default() }
    }

    /// The side that two cells name: one for names, one for addresses; either may hold both.
    pub(super) fn side(&self, names: &str, addresses: &str) -> Result<Side, Why> {
        let names = if self.words.means(names, Meaning::Empty) { "" } else { names };
        let addresses = if self.words.means(addresses, Meaning::Empty) { "" } else { addresses };
        if [names, addresses].iter().any(|cell| self.words.means(cell, Meaning::Any)) {
            return Err(Why::new(Said::new("any")));
        }
        let mut named = addresses::parts(names)?;
        let beside = addresses::parts(addresses)?;
        let has_address = |part: &Part| matches!(part, Part::Addresses(..));
        // An address column that holds a name is a name column as well.
        let labels = named.iter().filter(|part| !has_address(part)).count();
        named.extend(beside);
        if named.is_empty() {
            return Err(Why::new(Said::new("empty-cell")));
        }
        let mut side = Side::default();
        let mut set = Addresses::default();
        let mut texts = Vec::new();
        let mut unknown: Option<Why> = None;
        for part in &named {
            match part {
                Part::Name(text) if self.words.means(text, Meaning::Any) => return Err(Why::new(Said::new("any"))),
                Part::Name(text) => match self.name(text) {
                    Ok(name) => push(&mut side.names, name),
                    Err(why) => unknown = unknown.or(Some(why)),
                },
                Part::Addresses(text, addresses) => match self.given.get(text) {
                    Some(_) => push(&mut side.names, self.name(text)?),
                    None => {
                        set = set.union(addresses);
                        texts.push(text.clone());
                    }
                },
            }
        }
        let cells: Vec<&str> = [names, addresses].into_iter().filter(|cell| !cell.is_empty()).collect();
        let said = cells.join(" / ");
        if self.site.is_some() && !set.is_empty() {
            return self.by_addresses(side, unknown, (set, texts), labels, said);
        }
        if let Some(why) = unknown {
            return Err(why);
        }
        if side.names.is_empty() {
            let text = texts.join(", ");
            let offer = texts.first().and_then(|text| proposal(&format!("host-{text}")));
            return Err(Why::new(Said::new("address-needs-name").arg("text", &text)).offer(texts.first(), offer));
        }
        side.addresses = texts;
        side.cells = (said != side.names.join(", ")).then_some(said);
        Ok(side)
    }

    /// Addresses decide where names are only labels; where both are known they must agree.
    fn by_addresses(
        &self,
        mut side: Side,
        unknown: Option<Why>,
        (set, texts): (Addresses, Vec<String>),
        labels: usize,
        said: String,
    ) -> Result<Side, Why> {
        let text = texts.join(", ");
        if let (None, false) = (&unknown, side.names.is_empty()) {
            let own = self.atoms.of_names(&side.names);
            let each = side.names.iter().all(|name| self.atoms.of_names(std::slice::from_ref(name)).overlaps(&set));
            if !each || !set.is_subset(&own) {
                let said = Said::new("disagree").arg("name", side.names.join("`, `"));
                return Err(Why::new(said.arg("text", text)));
            }
            side.cells = Some(said);
            return Ok(side);
        }
        let (found, only) = self.atoms.find(&set, &text)?;
        // One label for all addresses, or one for each: else something would be dropped.
        if let Some(why) = unknown.filter(|_| !side.names.is_empty() || (labels > 1 && labels != found.len())) {
            return Err(why);
        }
        side.names = found;
        side.only = only;
        side.cells = Some(said);
        Ok(side)
    }

    /// The name that a text means.
    fn name(&self, text: &str) -> Result<String, Why> {
        let given = self.given.get(text);
        if let Some(name) = given.filter(|name| self.site.is_none_or(|site| site.lookup(name).is_some())) {
            return Ok(name.clone());
        }
        let text = given.map_or(text, String::as_str);
        let Some(site) = self.site else {
            return match Ref::parse(text) {
                Ok(name) => Ok(name.0),
                Err(_) => Err(Why::new(Said::new("invalid-name").arg("text", text)).offer(Some(text), proposal(text))),
            };
        };
        if site.lookup(text).is_some() {
            return Ok(text.to_owned());
        }
        let folded = [Some(fold_word(text)), proposal(text)];
        let found = folded.iter().flatten().find_map(|key| self.folded.get(key));
        match found.map(|names| names.iter().copied().collect::<Vec<_>>()).as_deref() {
            Some([only]) => Ok((*only).to_owned()),
            Some(several) => {
                let known = format!("`{}`", several.join("`, `"));
                Err(Why::new(Said::new("ambiguous-name").arg("text", text).arg("known", known)))
            }
            None => {
                let near = nearest(&proposal(text).unwrap_or_default(), site.names()).map(str::to_owned);
                Err(Why::new(Said::new("unknown-name").arg("text", text)).near(near))
            }
        }
    }
}

fn push(names: &mut Vec<String>, name: String) {
    if !names.contains(&name) {
        names.push(name);
    }
}
