//! The files of an import: flows in the layout of the examples, the rows without a place, a file for `--map` to go on with.

use super::{Import, Placed, Words};
use crate::i18n::Lang;
use crate::syntax::write::{comment, scalar};
use std::collections::BTreeMap;

/// Characters of a cell that a comment keeps.
const SHOWN: usize = 200;

/// A flow as it stands below `flows:`; with its remarks in a language, or without.
pub(super) fn block(placed: &Placed, remarks: Option<(&Words, Lang)>) -> String {
    let mut out = String::new();
    if let Some((words, lang)) = remarks {
        let said: Vec<String> = placed.remarks.iter().map(|said| short(&words.text(said, lang))).collect();
        out += &format!("  {}\n", comment(&said.join("; ")));
    }
    out += &format!("  {}:\n", placed.name);
    for (key, value) in &placed.pairs {
        out += &format!("    {key}: {value}\n");
    }
    out
}

fn short(text: &str) -> String {
    let plain = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if plain.chars().count() <= SHOWN {
        return plain;
    }
    plain.chars().take(SHOWN).chain(['…']).collect()
}

impl Import {
    /// The file of flows; `None` when there is none.
    #[must_use]
    pub fn flow_file(&self, words: &Words, lang: Lang) -> Option<String> {
        if self.flows.is_empty() {
            return None;
        }
        let of = match lang {
            Lang::En => format!("Read by zonec import from {}", self.source()),
            Lang::De => format!("Gelesen von zonec import aus {}", self.source()),
        };
        let mut out = format!("{}\n", comment(&short(&of)));
        if !self.left.is_empty() {
            let missing = match lang {
                Lang::En => format!("{} rows have no place yet", self.left.len()),
                Lang::De => format!("{} Zeilen haben noch keinen Platz", self.left.len()),
            };
            out += &format!("{}\n", comment(&missing));
        }
        if !self.needed.is_empty() {
            let needs = match lang {
                Lang::En => "Names that the site must have, with the addresses beside them:",
                Lang::De => "Namen, die der Standort haben muss, mit den Adressen daneben:",
            };
            out += &format!("#\n{}\n", comment(needs));
            for (name, needed) in &self.needed {
                let addresses: Vec<&str> = needed.addresses.iter().map(String::as_str).collect();
                out += &format!("{}\n", comment(&format!("  {}", short(&format!("{name} {}", addresses.join(", "))))));
            }
        }
        out += "\nflows:\n";
        for placed in &self.flows {
            out += &block(placed, Some((words, lang)));
        }
        Some(out)
    }

    /// Where the flows come from.
    fn source(&self) -> String {
        let name = self.file.rsplit(['/', '\\']).next().unwrap_or_default();
        if self.sheet.is_empty() { name.to_owned() } else { format!("{name}, {}", self.sheet) }
    }

    /// A file for `--map` with a name for every text that lacks one; `None` when there is nothing to propose.
    #[must_use]
    pub fn map_file(&self, lang: Lang) -> Option<String> {
        let mut names: BTreeMap<&str, &str> = BTreeMap::new();
        for why in self.left.iter().flat_map(|left| &left.reasons).map(|reason| &reason.why) {
            if let (Some(text), Some(name)) = (&why.named, &why.proposal) {
                names.insert(text, name);
            }
        }
        if names.is_empty() {
            return None;
        }
        let about = match lang {
            Lang::En => {
                "For zonec import --map: names for what the matrix calls otherwise. Proposals; read before you use them."
            }
            Lang::De => {
                "Für zonec import --map: Namen für das, was in der Matrix anders heißt. Vorschläge; bitte vor Gebrauch lesen."
            }
        };
        let lines = names.iter().map(|(text, name)| format!("  {}: {}\n", scalar(text), scalar(name)));
        Some(format!("{}\nnames:\n{}", comment(about), lines.collect::<String>()))
    }
}
