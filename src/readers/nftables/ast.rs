//! A ruleset as nft writes it, in text or JSON, before anything is understood.

use std::collections::BTreeMap;
use std::fmt;

use indexmap::IndexMap;

/// Where something stands: what a trace and a counterexample point at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    /// Line of a text file, from 1.
    Line(usize),
    /// The kernel's handle of a rule, as `nft -a list ruleset` shows it.
    Handle(u64),
    /// Nothing to point at.
    Nowhere,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => write!(f, "line {line}"),
            Self::Handle(handle) => write!(f, "handle {handle}"),
            Self::Nowhere => Ok(()),
        }
    }
}

/// Something the reader does not understand; it then knows bounds only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    /// Where it stands.
    pub place: Place,
    /// What it is.
    pub text: String,
}

impl fmt::Display for Remark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            Place::Nowhere => write!(f, "{}", self.text),
            place => write!(f, "{place}: {}", self.text),
        }
    }
}

/// Everything loaded in one network namespace.
#[derive(Clone, Debug, Default)]
pub struct Ruleset {
    /// The tables in the order of their creation.
    pub tables: Vec<Table>,
    /// What could not be placed in a rule.
    pub remarks: Vec<Remark>,
    /// Whether this is what nft lists of a kernel, not what it would load. A listing leaves guards of the family away:
    /// `meta l4proto 58 icmpv6 type echo-request` is listed as `icmpv6 type echo-request`, which loads as another rule.
    pub listed: bool,
}

impl Ruleset {
    /// The table with this family and name, made if it is not there.
    pub(super) fn table(&mut self, family: &str, name: &str) -> &mut Table {
        let same = |table: &Table| table.family == family && table.name == name;
        let index = match self.tables.iter().position(same) {
            Some(index) => index,
            None => {
                self.tables.push(Table::new(family, name));
                self.tables.len() - 1
            }
        };
        &mut self.tables[index]
    }

    pub(super) fn remark(&mut self, place: Place, text: impl Into<String>) {
        let text = text.into();
        self.remarks.push(Remark { place, text });
    }
}

/// A table.
#[derive(Clone, Debug)]
pub struct Table {
    /// `ip`, `ip6`, `inet`, `netdev`, …
    pub family: String,
    /// Its name.
    pub name: String,
    /// Whether its base chains are switched off.
    pub dormant: bool,
    /// Named sets and maps.
    pub sets: BTreeMap<String, NamedSet>,
    /// Chains in the order of their creation.
    pub chains: IndexMap<String, Chain>,
}

impl Table {
    fn new(family: &str, name: &str) -> Self {
        Self {
            family: family.to_owned(),
            name: name.to_owned(),
            dormant: false,
            sets: BTreeMap::new(),
            chains: IndexMap::new(),
        }
    }
}

/// A named set or map.
#[derive(Clone, Debug, Default)]
pub struct NamedSet {
    /// Its elements, in the order of their insertion.
    pub elements: Vec<Element>,
    /// Whether packets or time change the elements.
    pub changes: bool,
}

/// An element of a set or an entry of a map.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Element {
    /// The parts of the key.
    pub key: Vec<Value>,
    /// What a verdict map does with it.
    pub verdict: Option<Verdict>,
}

/// A chain.
#[derive(Clone, Debug, Default)]
pub struct Chain {
    /// Where packets enter it from, if anywhere.
    pub base: Option<Base>,
    /// Its rules.
    pub rules: Vec<Rule>,
}

/// How a chain hangs on a hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Base {
    /// `filter`, `nat` or `route`.
    pub kind: String,
    /// nft's name of the hook.
    pub hook: String,
    /// Lower numbers run first; `None` if it is not a number the reader knows.
    pub priority: Option<i64>,
    /// Whether a packet that no rule decides is dropped.
    pub drops: bool,
    /// Where the declaration stands.
    pub place: Place,
}

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Where it stands.
    pub place: Place,
    /// Its comment.
    pub comment: Option<String>,
    /// Its parts, from left to right.
    pub statements: Vec<Statement>,
}

/// One part of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Statement {
    /// Goes on if the packet matches.
    Match {
        /// What is looked at; several headers are a concatenation.
        key: Vec<Header>,
        /// How it is compared.
        operator: Operator,
        /// With what.
        operand: Operand,
    },
    /// A verdict map.
    Map {
        /// What is looked up.
        key: Vec<Header>,
        /// In which entries.
        entries: Operand,
    },
    /// A verdict.
    Verdict(Verdict),
    /// Goes on for some packets only, by rate; `over` for those above the rate.
    Limit {
        /// Matches above the rate instead of below.
        over: bool,
    },
    /// Changes nothing in what happens to the packet: counters, logs, marks.
    Passive,
    /// Rewrites the source of a connection that is let through.
    SourceTranslation,
    /// Not understood; may do anything.
    Unknown(String),
}

/// A verdict.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Lets the packet pass this base chain.
    Accept,
    /// Drops it; `reject` is the same with an answer.
    Drop,
    /// Goes on with the next rule.
    Continue,
    /// Goes back to the calling chain.
    Return,
    /// Goes through another chain and comes back.
    Jump(String),
    /// Goes through another chain and comes back to the caller of this one.
    Goto(String),
}

/// How a header is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// `==`, also when nothing is written.
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
    /// Any of the listed bits is set.
    AnyBit,
}

/// A header or other property of a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Header {
    /// `ip saddr`, `tcp dport`, `th dport`, …
    Payload(String, String),
    /// `meta …`, also written without the word.
    Meta(String),
    /// `ct …`
    Ct(String),
    /// Only some bits of a header.
    Masked(Box<Header>, Value),
    /// Not understood.
    Unknown(String),
}

/// What a header is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operand {
    /// One value.
    One(Value),
    /// An anonymous set or map.
    Set(Vec<Element>),
    /// A named set or map.
    Named(String),
}

/// A value as written; what it means depends on the header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// A number, address, name, or in text also a range or prefix.
    Word(String),
    /// From one value to another.
    Range(String, String),
    /// An address and the number of leading bits.
    Prefix(String, u32),
    /// Several bits at once.
    Bits(Vec<String>),
    /// Not understood.
    Unknown(String),
}
