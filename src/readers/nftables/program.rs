//! A ruleset with every match as boxes and every chain by number: ready to be evaluated.

use std::collections::BTreeMap;
use std::fmt;

use super::ast::{Base, Element, Header, Operand, Place, Remark, Ruleset, Statement, Table, Value};
use super::condition::{Condition, Reads, reads};
use super::lower::Lowering;
use crate::space::{Interfaces, Region};

/// What decided about a packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Family and name of the table, `inet zonec`; empty when there is none.
    pub table: String,
    /// The chain.
    pub chain: String,
    /// The rule.
    pub place: Place,
    /// The comment of the rule.
    pub comment: Option<String>,
    /// Whether a rule decided, or its chain's policy, or nothing did.
    pub kind: DecisionKind,
    /// Whether the packet passes.
    pub accepts: bool,
}

/// See [`Decision::kind`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionKind {
    /// A rule.
    Rule,
    /// The policy of a base chain.
    Policy,
    /// No base chain hangs on the hook.
    NoChain,
    /// Something that is not understood.
    Unknown,
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let verdict = if self.accepts { "accept" } else { "drop" };
        match self.kind {
            DecisionKind::NoChain => return write!(f, "no chain on this hook: {verdict}"),
            DecisionKind::Policy => write!(f, "policy of chain {}", self.chain)?,
            DecisionKind::Rule => write!(f, "chain {}", self.chain)?,
            DecisionKind::Unknown => write!(f, "not understood in chain {}", self.chain)?,
        }
        write!(f, " of table {}", self.table)?;
        if self.place != Place::Nowhere {
            write!(f, ", {}", self.place)?;
        }
        write!(f, ": {verdict}")?;
        match &self.comment {
            Some(comment) => write!(f, " ({comment})"),
            None => Ok(()),
        }
    }
}

/// A ruleset ready to be evaluated.
#[derive(Clone, Debug, Default)]
pub struct Program {
    pub(super) chains: Vec<Steps>,
    pub(super) bases: Vec<BaseChain>,
    /// Label `n` of a map stands for `decisions[n - 1]`.
    pub(super) decisions: Vec<Decision>,
    /// What is not understood, with its place.
    pub(super) remarks: Vec<Remark>,
    /// Whether some remark concerns everything and not one rule.
    pub(super) uncertain: bool,
    /// Whether some rule makes the kernel track connections and so reassemble fragments, by family.
    pub(super) tracks: [bool; 2],
    /// Whether some rule rewrites sources.
    pub(super) translates: bool,
}

#[derive(Clone, Debug)]
pub(super) struct BaseChain {
    pub base: Base,
    pub family: String,
    pub chain: usize,
    /// Label of the policy.
    pub policy: u32,
}

/// The rules of a chain.
#[derive(Clone, Debug, Default)]
pub(super) struct Steps {
    pub rules: Vec<Vec<Step>>,
    /// Label of the verdict that every packet gets, if it is the same for all.
    pub constant: Option<u32>,
    /// Labels for packets of which nothing is known: may pass, may be dropped.
    pub unknown: [u32; 2],
}

#[derive(Clone, Debug)]
pub(super) enum Step {
    Condition(Condition),
    Limit,
    Act(Action),
    Map(Entries),
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Action {
    /// Passes or drops the packet, as the decision of this label says.
    Decide(u32),
    Continue,
    Return,
    Jump(usize),
    Goto(usize),
}

/// A verdict map: box `i` of the region leads to `actions[labels[i] - 1]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries {
    pub region: Region,
    pub labels: Vec<u32>,
    pub actions: Vec<Action>,
    pub reads: Reads,
}

impl Program {
    /// Gives every interface name of the ruleset a number, so that sets can speak of them.
    pub fn name_interfaces(ruleset: &Ruleset, interfaces: &mut Interfaces) {
        for table in &ruleset.tables {
            let rules = table.chains.values().flat_map(|chain| &chain.rules);
            for statement in rules.flat_map(|rule| &rule.statements) {
                let (key, operand) = match statement {
                    Statement::Match { key, operand, .. } => (key, operand),
                    Statement::Map { key, entries } => (key, entries),
                    _ => continue,
                };
                let reads = reads(key);
                if !reads.input && !reads.output {
                    continue;
                }
                for value in values(table, key, operand) {
                    interfaces.number(value);
                }
            }
        }
    }

    /// Understands a ruleset as far as it goes. All interface names must have their number.
    #[must_use]
    pub fn new(ruleset: &Ruleset, interfaces: &Interfaces) -> Self {
        let mut program =
            Self { remarks: ruleset.remarks.clone(), uncertain: !ruleset.remarks.is_empty(), ..Self::default() };
        // Numbers first: rules jump to chains further down.
        let mut numbers = BTreeMap::new();
        for (at, table) in ruleset.tables.iter().enumerate() {
            for name in table.chains.keys() {
                numbers.insert((at, name.as_str()), numbers.len());
            }
        }
        for (at, table) in ruleset.tables.iter().enumerate() {
            for (name, chain) in &table.chains {
                let listed = ruleset.listed;
                let mut lowering =
                    Lowering { program: &mut program, table, chain: name, at, numbers: &numbers, interfaces, listed };
                let steps = lowering.steps(chain);
                lowering.base(chain);
                program.chains.push(steps);
            }
        }
        program.find_constants();
        program
    }

    /// All regions of the program, for the space to cover.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        let rules = self.chains.iter().flat_map(|chain| &chain.rules);
        rules
            .flatten()
            .flat_map(|step| match step {
                Step::Condition(condition) => [Some(&condition.may), condition.must.as_ref()],
                Step::Map(entries) => [Some(&entries.region), None],
                _ => [None, None],
            })
            .flatten()
    }

    /// The decision a label stands for.
    #[must_use]
    pub fn decision(&self, label: u32) -> Option<&Decision> {
        let index = usize::try_from(label).ok()?.checked_sub(1)?;
        self.decisions.get(index)
    }

    /// What is not understood.
    #[must_use]
    pub fn remarks(&self) -> &[Remark] {
        &self.remarks
    }

    pub(super) fn label(&mut self, decision: Decision) -> u32 {
        self.decisions.push(decision);
        u32::try_from(self.decisions.len()).unwrap_or(u32::MAX)
    }

    fn find_constants(&mut self) {
        for chain in 0..self.chains.len() {
            let constant = self.constant(chain, 0);
            if let Some(steps) = self.chains.get_mut(chain) {
                steps.constant = constant;
            }
        }
    }

    /// The one label of a chain whose first rule that decides anything decides everything.
    fn constant(&self, chain: usize, depth: usize) -> Option<u32> {
        if depth > super::evaluate::DEEPEST {
            return None;
        }
        for rule in &self.chains.get(chain)?.rules {
            match rule.as_slice() {
                [Step::Act(Action::Decide(label)), ..] => return Some(*label),
                [Step::Act(Action::Jump(next) | Action::Goto(next)), ..] => {
                    return self.constant(*next, depth + 1);
                }
                steps if steps.iter().all(|s| matches!(s, Step::Condition(_) | Step::Limit)) => {}
                _ => return None,
            }
        }
        None
    }
}

/// The words of an operand at the places of interface names.
fn values<'a>(table: &'a Table, key: &'a [Header], operand: &'a Operand) -> impl Iterator<Item = &'a str> {
    let elements: &[Element] = match operand {
        Operand::Set(elements) => elements,
        Operand::Named(name) => table.sets.get(name).map_or(&[], |set| &set.elements),
        Operand::One(_) => &[],
    };
    let one = match operand {
        Operand::One(value) => Some(value),
        _ => None,
    };
    let listed = elements.iter().flat_map(move |element| {
        let pairs = key.iter().zip(&element.key);
        pairs
            .filter(|(header, _)| {
                let reads = reads(std::slice::from_ref(header));
                reads.input || reads.output
            })
            .map(|(_, value)| value)
    });
    one.into_iter().chain(listed).filter_map(|value| match value {
        Value::Word(word) => Some(word.as_str()),
        _ => None,
    })
}
