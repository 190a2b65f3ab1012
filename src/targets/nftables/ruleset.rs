//! The pieces of a ruleset and how they are laid out as text.

use std::fmt::{self, Write};

use super::names::{Name, remark};

/// A chain. Rules are finished lines; whatever of the model is in them came through `names`.
#[derive(Clone, Debug)]
pub struct Chain {
    /// Its name.
    pub name: Name,
    /// `type filter hook …; policy drop;` of a base chain.
    pub base: Option<&'static str>,
    /// A remark for people behind the opening brace.
    pub about: Option<String>,
    /// Its rules in order.
    pub rules: Vec<String>,
}

/// A named set or map.
#[derive(Clone, Debug)]
pub struct Collection {
    /// `set` or `map`.
    pub word: &'static str,
    /// Its name.
    pub name: Name,
    /// Type of the elements.
    pub kind: String,
    /// How the kernel keeps the elements.
    pub storage: Storage,
    /// A remark for people.
    pub about: Option<String>,
    /// Its elements.
    pub elements: Vec<String>,
}

/// How the kernel keeps a set or map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Storage {
    /// Elements may be ranges.
    Intervals,
    /// Single values, as many as there are now: for a hash table of a stated size the kernel takes `nft_hash`, whose lookup
    /// is cheaper than that of a table that can grow.
    Hash,
}

/// What a table holds, in the order of the file.
#[derive(Clone, Debug)]
pub enum Item {
    /// A heading for people.
    Heading(String),
    /// A named counter.
    Counter(Name),
    /// A set or map.
    Collection(Collection),
    /// A chain.
    Chain(Chain),
}

impl Chain {
    /// A chain that others go to.
    #[must_use]
    pub fn new(name: Name, rules: Vec<String>) -> Self {
        Self { name, base: None, about: None, rules }
    }

    /// A chain that the kernel calls.
    #[must_use]
    pub fn base(name: &str, base: &'static str, rules: Vec<String>) -> Self {
        Self { name: Name::of(name, &[]), base: Some(base), about: None, rules }
    }

    /// The same with a remark.
    #[must_use]
    pub fn about(mut self, text: &str) -> Self {
        self.about = Some(remark(text));
        self
    }
}

/// More elements than this are written one a line.
const INLINE: usize = 3;
/// Longest line for elements written together.
const WIDTH: usize = 120;

impl Item {
    /// Writes the item, indented for the inside of a table.
    ///
    /// # Errors
    /// None of its own; those of `out`.
    pub fn write(&self, out: &mut String) -> fmt::Result {
        match self {
            Self::Heading(text) => writeln!(out, "\n\t# ---- {}", remark(text)),
            Self::Counter(name) => writeln!(out, "\tcounter {name} {{ }}"),
            Self::Collection(collection) => collection.write(out),
            Self::Chain(chain) => chain.write(out),
        }
    }
}

impl Chain {
    fn write(&self, out: &mut String) -> fmt::Result {
        write!(out, "\tchain {} {{", self.name)?;
        match &self.about {
            Some(text) => writeln!(out, "\t# {text}")?,
            None => writeln!(out)?,
        }
        if let Some(base) = self.base {
            writeln!(out, "\t\t{base}")?;
        }
        for rule in &self.rules {
            writeln!(out, "\t\t{rule}")?;
        }
        writeln!(out, "\t}}")
    }
}

impl Collection {
    fn write(&self, out: &mut String) -> fmt::Result {
        write!(out, "\t{} {} {{ type {};", self.word, self.name, self.kind)?;
        match self.storage {
            Storage::Intervals => out.write_str(" flags interval;")?,
            Storage::Hash => write!(out, " size {};", self.elements.len())?,
        }
        match &self.about {
            Some(text) => writeln!(out, "\t# {text}")?,
            None => writeln!(out)?,
        }
        let together = self.elements.join(", ");
        if self.elements.len() <= INLINE && together.len() <= WIDTH {
            writeln!(out, "\t\telements = {{ {together} }}")?;
        } else {
            writeln!(out, "\t\telements = {{")?;
            for (index, element) in self.elements.iter().enumerate() {
                let end = if index + 1 == self.elements.len() { " }" } else { "," };
                writeln!(out, "\t\t\t{element}{end}")?;
            }
        }
        writeln!(out, "\t}}")
    }
}
