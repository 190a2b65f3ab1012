//! What a ruleset does with the packets of a row.

use super::bits::Bits;
use super::row::Row;
use super::{ANY, STATES};
use crate::rules::{Element, Elements, Key, Part, Rules, Table, Value, Verdict};

/// What one element, or one key of it, says about a row: nothing matches, or these ranges.
fn ranges(keys: &[Key], element: &Element, row: &Row) -> Option<[(u128, u128); 4]> {
    let mut ranges = [ANY; 4];
    for (key, value) in keys.iter().zip(&element.key) {
        let point = |number: u128| match value {
            Value::Range(lo, hi) => *lo <= number && number <= *hi,
            Value::Name(_) => false,
        };
        let name = |name: &str| *value == Value::Name(name.to_owned());
        let range = match value {
            Value::Range(lo, hi) => (*lo, *hi),
            Value::Name(name) => {
                let number = number(name, *key)?;
                (number, number)
            }
        };
        let holds = match key {
            Key::Source(family) => {
                ranges[0] = range;
                row.family == *family
            }
            Key::Destination(family) => {
                ranges[1] = range;
                row.family == *family
            }
            Key::Port(protocol) => {
                ranges[3] = range;
                row.protocol == *protocol
            }
            Key::Type(protocol, family) => {
                ranges[2] = range;
                row.protocol == *protocol && family.is_none_or(|family| family == row.family)
            }
            Key::Input => name(&row.input) && !row.input.is_empty(),
            Key::Output => name(&row.output) && !row.output.is_empty(),
            Key::State => name(STATES[row.state]),
            Key::Protocol => point(row.protocol.into()),
            Key::Family => name(["ip", "ip6"][usize::from(row.family)]),
            Key::Hop => row.family == 1 && row.protocol == 58 && row.detail == point(255),
            Key::Opening => row.protocol == 6 && row.detail,
        };
        if !holds {
            return None;
        }
    }
    Some(ranges)
}

/// Names of types; interfaces and states are compared by name and have no number.
pub fn number(name: &str, key: Key) -> Option<u128> {
    if matches!(key, Key::Input | Key::Output | Key::State | Key::Family) {
        return Some(0);
    }
    Some(match (name, key) {
        ("redirect", Key::Type(1, _)) => 5,
        ("echo-reply", Key::Type(1, _)) => 0,
        ("echo-reply", _) => 129,
        ("echo-request", Key::Type(1, _)) => 8,
        ("echo-request", _) => 128,
        ("destination-unreachable", Key::Type(1, _)) => 3,
        ("destination-unreachable", _) => 1,
        ("packet-too-big", _) => 2,
        ("time-exceeded", Key::Type(1, _)) => 11,
        ("time-exceeded", _) => 3,
        ("parameter-problem", Key::Type(1, _)) => 12,
        ("parameter-problem", _) => 4,
        ("nd-router-solicit", _) => 133,
        ("nd-neighbor-solicit", _) => 135,
        ("nd-neighbor-advert", _) => 136,
        ("mld-listener-query", _) => 130,
        ("mld-listener-report", _) => 131,
        ("mld-listener-done", _) => 132,
        ("mld2-listener-report", _) => 143,
        _ => return None,
    })
}

/// Whether every key has its values and every name is one this judge knows: what it does not know it must not pass over.
pub fn knows(rules: &Rules) -> bool {
    let known = |table: &Table, keys: &[Key], elements: &Elements| {
        elements_of(table, elements).is_some_and(|list| {
            list.iter().all(|element| {
                let named = |(key, value): (&Key, &Value)| match value {
                    Value::Name(name) => number(name, *key).is_some(),
                    Value::Range(..) => true,
                };
                keys.len() == element.key.len() && keys.iter().zip(&element.key).all(named)
            })
        })
    };
    rules.tables.iter().all(|table| {
        table.chains.values().flat_map(|chain| &chain.rules).flatten().all(|part| match part {
            Part::Match(keys, _, elements) | Part::Map(keys, elements) => known(table, keys, elements),
            Part::Verdict(_) | Part::Limit => true,
        })
    })
}

/// The packets of a row that a ruleset lets pass; `None` where it depends on something else than the packet.
pub fn passing(rules: &Rules, row: &Row) -> Option<Bits> {
    let stages: &[&str] = [&["prerouting", "forward"][..], &["prerouting", "input"], &["output"]][row.hook];
    let mut live = Bits::all(row.len());
    for stage in stages {
        let mut chains: Vec<(i32, &Table, &str)> = Vec::new();
        for table in &rules.tables {
            for (name, chain) in &table.chains {
                chains
                    .extend(chain.base.iter().filter(|b| b.hook == *stage).map(|b| (b.priority, table, name.as_str())));
            }
        }
        chains.sort_by_key(|(priority, ..)| *priority);
        for (_, table, name) in chains {
            let mut run = Run { table, row, accepted: Bits::none(row.len()), dropped: Bits::none(row.len()) };
            let rest = run.chain(name, live)?;
            let drops = table.chains[name].base.as_ref()?.drops;
            live = run.accepted;
            if !drops {
                live.or(&rest);
            }
        }
    }
    Some(live)
}

struct Run<'a> {
    table: &'a Table,
    row: &'a Row,
    accepted: Bits,
    dropped: Bits,
}

impl Run<'_> {
    /// Sends packets into a chain; gives those that come out at its end.
    fn chain(&mut self, name: &str, mut live: Bits) -> Option<Bits> {
        let mut returned = Bits::none(live.count);
        for rule in &self.table.chains.get(name)?.rules {
            if !live.any() {
                break;
            }
            let mut here = live.clone();
            let mut limited = false;
            for part in rule {
                if !here.any() {
                    break;
                }
                match part {
                    Part::Limit => limited = true,
                    Part::Match(keys, negated, elements) => {
                        let mut hit = Bits::none(live.count);
                        for element in elements_of(self.table, elements)? {
                            if let Some(ranges) = ranges(keys, element, self.row) {
                                self.row.fill(&mut hit, ranges);
                            }
                        }
                        let guard = !*negated || ranges(keys, &any(keys, self.row), self.row).is_some();
                        match (guard, negated) {
                            (false, _) => here = Bits::none(live.count),
                            (true, false) => here.and(&hit),
                            (true, true) => here.without(&hit),
                        }
                    }
                    _ if limited => return None,
                    Part::Map(keys, elements) => {
                        let mut open = here.clone();
                        for element in elements_of(self.table, elements)? {
                            let Some(ranges) = ranges(keys, element, self.row) else { continue };
                            let mut hit = Bits::none(live.count);
                            self.row.fill(&mut hit, ranges);
                            hit.and(&open);
                            open.without(&hit);
                            if hit.any() {
                                self.act(element.verdict.as_ref()?, hit, &mut live, &mut returned)?;
                            }
                        }
                        here = open;
                    }
                    Part::Verdict(verdict) => {
                        self.act(verdict, here.clone(), &mut live, &mut returned)?;
                        break;
                    }
                }
            }
        }
        live.or(&returned);
        Some(live)
    }

    fn act(&mut self, verdict: &Verdict, hit: Bits, live: &mut Bits, returned: &mut Bits) -> Option<()> {
        if *verdict != Verdict::Continue {
            live.without(&hit);
        }
        match verdict {
            Verdict::Accept => self.accepted.or(&hit),
            Verdict::Drop => self.dropped.or(&hit),
            Verdict::Continue => {}
            Verdict::Return => returned.or(&hit),
            Verdict::Jump(chain) => live.or(&self.chain(chain, hit)?),
            Verdict::Goto(chain) => returned.or(&self.chain(chain, hit)?),
        }
        Some(())
    }
}

pub fn elements_of<'a>(table: &'a Table, elements: &'a Elements) -> Option<&'a [Element]> {
    Some(match elements {
        Elements::Here(list) => list,
        Elements::Named(name) => table.sets.get(name)?,
    })
}

/// An element that matches whenever the headers of the key are there.
fn any(keys: &[Key], row: &Row) -> Element {
    let value = |key: &Key| match key {
        Key::Input => Value::Name(row.input.clone()),
        Key::Output => Value::Name(row.output.clone()),
        Key::State => Value::Name(STATES[row.state].to_owned()),
        Key::Family => Value::Name(["ip", "ip6"][usize::from(row.family)].to_owned()),
        // `!= syn` looks at TCP only; whether it is a SYN is the question, not the guard.
        _ => Value::Range(0, u128::MAX),
    };
    let keys = keys.iter().filter(|key| **key != Key::Opening || row.protocol != 6);
    Element { key: keys.map(value).collect(), verdict: None }
}
