//! From statements to steps: one chain at a time.

use std::collections::BTreeMap;

use super::ast::{Chain, Header, Operand, Operator, Place, Remark, Rule, Statement, Table, Verdict};
use super::condition::{Condition, Surroundings, condition, entry, names_family, names_protocol, reads};
use super::program::{Action, BaseChain, Decision, DecisionKind, Entries, Program, Step, Steps};
use crate::space::{Interfaces, Region};

/// Understands one chain.
pub(super) struct Lowering<'a> {
    pub(super) program: &'a mut Program,
    pub(super) table: &'a Table,
    pub(super) chain: &'a str,
    pub(super) at: usize,
    pub(super) numbers: &'a BTreeMap<(usize, &'a str), usize>,
    pub(super) interfaces: &'a Interfaces,
    pub(super) listed: bool,
}

impl Lowering<'_> {
    fn decision(&mut self, kind: DecisionKind, place: Place, comment: Option<&str>, accepts: bool) -> u32 {
        let decision = Decision {
            table: format!("{} {}", self.table.family, self.table.name),
            chain: self.chain.to_owned(),
            place,
            comment: comment.map(str::to_owned),
            kind,
            accepts,
        };
        self.program.label(decision)
    }

    fn remark(&mut self, place: Place, text: String) {
        self.program.remarks.push(Remark { place, text });
    }

    /// Hangs the chain on its hook.
    pub(super) fn base(&mut self, chain: &Chain) {
        let Some(base) = chain.base.as_ref().filter(|_| !self.table.dormant) else {
            return;
        };
        // ARP frames are no packets of the space.
        if self.table.family == "arp" {
            return;
        }
        let known_hook = super::evaluate::STAGES.contains(&base.hook.as_str());
        let known_kind = ["filter", "nat", "route"].contains(&base.kind.as_str());
        let routed = ["ip", "ip6", "inet"].contains(&self.table.family.as_str());
        if !routed || !known_hook || !known_kind || base.priority.is_none() {
            let text = format!(
                "base chain {} on hook {} of family {} is not understood",
                self.chain, base.hook, self.table.family
            );
            self.remark(base.place, text);
            self.program.uncertain = true;
            return;
        }
        let policy = self.decision(DecisionKind::Policy, base.place, None, !base.drops);
        if let Some(&number) = self.numbers.get(&(self.at, self.chain)) {
            self.program.bases.push(BaseChain {
                base: base.clone(),
                family: self.table.family.clone(),
                chain: number,
                policy,
            });
        }
    }

    /// The rules of the chain.
    pub(super) fn steps(&mut self, chain: &Chain) -> Steps {
        let unknown = DecisionKind::Unknown;
        Steps {
            rules: chain.rules.iter().map(|rule| self.rule(rule)).collect(),
            constant: None,
            unknown: [true, false].map(|accepts| self.decision(unknown, Place::Nowhere, None, accepts)),
        }
    }

    fn rule(&mut self, rule: &Rule) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut around = Surroundings {
            both_families: self.table.family == "inet",
            protocol_named: false,
            guard_hidden: self.guard_hidden(rule),
            interfaces: self.interfaces,
        };
        for statement in &rule.statements {
            let step = match statement {
                Statement::Passive => continue,
                Statement::Limit { .. } => Step::Limit,
                Statement::SourceTranslation => {
                    self.program.translates = true;
                    Step::Act(Action::Decide(self.rule_decision(rule, true)))
                }
                Statement::Unknown(text) => {
                    // It may rewrite the packet, so that rules elsewhere see another one.
                    self.program.uncertain = true;
                    self.unknown(rule, text)
                }
                Statement::Verdict(verdict) => match self.action(rule, verdict) {
                    Some(action) => Step::Act(action),
                    None => self.unknown(rule, "a jump to a chain that is not there"),
                },
                Statement::Match { key, operator, operand } => {
                    let step = self.condition(rule, key, *operator, operand, around);
                    around.protocol_named |= key.iter().any(names_protocol);
                    step
                }
                Statement::Map { key, entries } => match self.entries(rule, key, entries, around) {
                    Some(entries) => Step::Map(entries),
                    None => self.unknown(rule, "a verdict map that is not understood"),
                },
            };
            steps.push(step);
        }
        steps
    }

    /// Whether a listing may have left a guard of the family away from this rule.
    fn guard_hidden(&self, rule: &Rule) -> bool {
        let keys = rule.statements.iter().filter_map(|statement| match statement {
            Statement::Match { key, .. } | Statement::Map { key, .. } => Some(key),
            _ => None,
        });
        self.listed && self.table.family == "inet" && !keys.flatten().any(names_family)
    }

    fn unknown(&mut self, rule: &Rule, text: &str) -> Step {
        self.remark(rule.place, format!("chain {}: not understood: {text}", self.chain));
        Step::Unknown
    }

    fn rule_decision(&mut self, rule: &Rule, accepts: bool) -> u32 {
        self.decision(DecisionKind::Rule, rule.place, rule.comment.as_deref(), accepts)
    }

    fn action(&mut self, rule: &Rule, verdict: &Verdict) -> Option<Action> {
        let chain = |name: &String| self.numbers.get(&(self.at, name.as_str())).copied();
        Some(match verdict {
            Verdict::Accept => Action::Decide(self.rule_decision(rule, true)),
            Verdict::Drop => Action::Decide(self.rule_decision(rule, false)),
            Verdict::Continue => Action::Continue,
            Verdict::Return => Action::Return,
            Verdict::Jump(name) => Action::Jump(chain(name)?),
            Verdict::Goto(name) => Action::Goto(chain(name)?),
        })
    }

    fn tracks(&mut self, reads_state: bool) {
        let [v4, v6] = &mut self.program.tracks;
        *v4 |= reads_state && self.table.family != "ip6";
        *v6 |= reads_state && self.table.family != "ip";
    }

    fn condition(
        &mut self,
        rule: &Rule,
        key: &[Header],
        operator: Operator,
        operand: &Operand,
        around: Surroundings<'_>,
    ) -> Step {
        let (operand, changes) = self.resolved(operand);
        let mut found = condition(key, operator, &operand, around);
        self.tracks(found.reads.state);
        if changes {
            found = Condition::unknown(Region::all());
        }
        if found.must.is_some() {
            let text = format!("chain {}: not wholly understood: {}", self.chain, shown(key));
            self.remark(rule.place, text);
        }
        Step::Condition(found)
    }

    /// The operand with a named set put in, and whether that set changes at run time.
    fn resolved(&self, operand: &Operand) -> (Operand, bool) {
        let Operand::Named(name) = operand else {
            return (operand.clone(), false);
        };
        match self.table.sets.get(name) {
            Some(set) => (Operand::Set(set.elements.clone()), set.changes),
            None => (Operand::Set(Vec::new()), true),
        }
    }

    fn entries(&mut self, rule: &Rule, key: &[Header], operand: &Operand, around: Surroundings<'_>) -> Option<Entries> {
        let (Operand::Set(elements), false) = self.resolved(operand) else {
            return None;
        };
        let mut entries = Entries { reads: reads(key), ..Entries::default() };
        self.tracks(entries.reads.state);
        let mut labels: BTreeMap<&Verdict, u32> = BTreeMap::new();
        for element in &elements {
            let boxes = entry(key, element, around)?;
            let verdict = element.verdict.as_ref()?;
            let label = match labels.get(verdict) {
                Some(&label) => label,
                None => {
                    entries.actions.push(self.action(rule, verdict)?);
                    let label = u32::try_from(entries.actions.len()).ok()?;
                    labels.insert(verdict, label);
                    label
                }
            };
            entries.labels.extend(boxes.iter().map(|_| label));
            entries.region.extend(boxes);
        }
        Some(entries)
    }
}

/// A key as nft writes it.
fn shown(key: &[Header]) -> String {
    let one = |header: &Header| match header {
        Header::Payload(layer, field) => format!("{layer} {field}"),
        Header::Meta(name) => format!("meta {name}"),
        Header::Ct(name) => format!("ct {name}"),
        Header::Masked(inner, _) => format!("{} with a mask", shown(std::slice::from_ref(inner))),
        Header::Unknown(text) => text.clone(),
    };
    let parts: Vec<String> = key.iter().map(one).collect();
    parts.join(" . ")
}
