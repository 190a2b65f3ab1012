//! Brute force: what a ruleset does with every cell of a grid, and what the plan asks for.
//!
//! The constants of ruleset and plan cut each field into cells; inside a cell nothing can tell two values apart, so one
//! packet per cell is all packets (/docs/verification.md). A row of the grid fixes hook, interfaces, family, state and
//! protocol; its cells are all sources, destinations, ports or types, one bit each.

use std::collections::BTreeSet;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use zonec::graph::Hook;
use zonec::model::{Family, ServiceMatch};
use zonec::plan::GatewayPlan;

use crate::rules::{Element, Elements, Key, Part, Rules, Table, Value, Verdict};

pub const STATES: [&str; 5] = ["new", "established", "related", "invalid", "untracked"];
pub const HOOKS: [&str; 3] = ["forward", "input", "output"];
/// Solicitations and advertisements of neighbours, solicitations of routers; reports and queries of listeners.
const ND: [u128; 3] = [133, 135, 136];
const MLD: [u128; 4] = [130, 131, 132, 143];
const LOCAL: (u128, u128) = (0xfe80 << 112, (0xfec0 << 112) - 1);
const PORTS: [u8; 5] = [6, 17, 33, 132, 136];

/// What all packets of a row have in common.
#[derive(Clone, Debug)]
pub struct Row {
    pub hook: usize,
    /// Interface names; `-` for one that nobody names, empty for none.
    pub input: String,
    pub output: String,
    pub family: u8,
    pub state: usize,
    pub protocol: u8,
    /// TCP: a SYN alone. ICMPv6: hop limit 255.
    pub detail: bool,
    /// First value of each cell: sources, destinations, types, ports.
    pub axes: [Vec<u128>; 4],
}

/// One bit per cell of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Bits {
    words: Vec<u64>,
    count: usize,
}

impl Bits {
    fn none(count: usize) -> Self {
        Self { words: vec![0; count.div_ceil(64)], count }
    }

    fn all(count: usize) -> Self {
        let mut bits = Self::none(count);
        bits.set(0, count);
        bits
    }

    /// Sets the bits from `from` up to and without `to`.
    fn set(&mut self, from: usize, to: usize) {
        let mut at = from;
        while at < to {
            let end = (at / 64 * 64 + 64).min(to);
            let width = end - at;
            let ones = if width == 64 { u64::MAX } else { (1 << width) - 1 };
            self.words[at / 64] |= ones << (at % 64);
            at = end;
        }
    }

    pub fn any(&self) -> bool {
        self.words.iter().any(|word| *word != 0)
    }

    fn or(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }

    fn and(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
    }

    fn without(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= !b);
    }

    /// The first bit at which two differ.
    fn differs(&self, other: &Self) -> Option<usize> {
        let (at, (a, b)) = self.words.iter().zip(&other.words).enumerate().find(|(_, (a, b))| a != b)?;
        Some(at * 64 + (a ^ b).trailing_zeros() as usize)
    }

    /// Whether the first bit is set.
    pub fn first(&self) -> bool {
        self.words[0] & 1 == 1
    }
}

impl Row {
    fn len(&self) -> usize {
        self.axes.iter().map(Vec::len).product()
    }

    /// Sets the bits of a box: ranges of values per axis.
    fn fill(&self, bits: &mut Bits, ranges: [(u128, u128); 4]) {
        let cells: Vec<std::ops::Range<usize>> = self
            .axes
            .iter()
            .zip(ranges)
            .map(|(axis, (lo, hi))| {
                axis.partition_point(|start| *start < lo)..axis.partition_point(|start| *start <= hi)
            })
            .collect();
        let [_, d, t, p] = [0, 1, 2, 3].map(|axis: usize| self.axes[axis].len());
        for a in cells[0].clone() {
            for b in cells[1].clone() {
                for c in cells[2].clone() {
                    let from = ((a * d + b) * t + c) * p;
                    bits.set(from + cells[3].start, from + cells[3].end);
                }
            }
        }
    }

    fn packet(&self, cell: usize) -> String {
        let [_, d, t, p] = [0, 1, 2, 3].map(|axis: usize| self.axes[axis].len());
        let at = [cell / (d * t * p), cell / (t * p) % d, cell / p % t, cell % p];
        let value = |axis: usize| self.axes[axis][at[axis]];
        let address = |number: u128| match self.family {
            0 => IpAddr::from((number as u32).to_be_bytes()),
            _ => IpAddr::V6(Ipv6Addr::from(number)),
        };
        format!("{self}{} -> {} type {} port {}", address(value(0)), address(value(1)), value(2), value(3))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hook, state) = (HOOKS[self.hook], STATES[self.state]);
        write!(f, "{hook} {:?} > {:?} {state} protocol {} {} ", self.input, self.output, self.protocol, self.detail)
    }
}

const ANY: (u128, u128) = (0, u128::MAX);

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
fn number(name: &str, key: Key) -> Option<u128> {
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

fn elements_of<'a>(table: &'a Table, elements: &'a Elements) -> Option<&'a [Element]> {
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

/// The packets of a row that the plan allows: a linear scan, to be checked by eye.
pub fn allowed(plan: &GatewayPlan, row: &Row) -> Bits {
    let none = || Bits::none(row.len());
    let all = || Bits::all(row.len());
    if (row.hook == 1 && row.input == "lo") || (row.hook == 2 && row.output == "lo") {
        return all();
    }
    let types = |types: &[u128], sources: &[(u128, u128)]| {
        let mut bits = none();
        if row.family == 1 && row.protocol == 58 {
            for kind in types {
                sources.iter().for_each(|source| row.fill(&mut bits, [*source, ANY, (*kind, *kind), ANY]));
            }
        }
        bits
    };
    let local = [(0, 0), LOCAL];
    let mut checked = if row.hook == 2 || row.input == "lo" { all() } else { none() };
    if let Some(interface) = plan.interfaces.iter().find(|interface| interface.name == row.input) {
        for range in addresses(&interface.sources, row.family) {
            row.fill(&mut checked, [range, ANY, ANY, ANY]);
        }
        checked.or(&types(&ND, &local));
        checked.or(&types(&MLD, &local));
    }
    let mut opening = none();
    let (state, tcp) = (STATES[row.state], row.protocol == 6);
    if state == "established" {
        opening = all();
    }
    if state == "related" {
        let errors: &[u128] = match (row.family, row.protocol) {
            (0, 1) => &[3, 11, 12],
            (1, 58) => &[1, 2, 3, 4],
            _ => &[],
        };
        errors.iter().for_each(|kind| row.fill(&mut opening, [ANY, ANY, (*kind, *kind), ANY]));
    }
    if state == "new" || (state == "untracked" && row.hook != 0) {
        if row.hook != 0 && row.detail {
            opening.or(&types(&ND, &[ANY]));
        }
        if row.hook != 0 {
            opening.or(&types(&MLD, &local));
        }
        let hook = [Hook::Forward, Hook::Input, Hook::Output][row.hook];
        let name = |index: Option<usize>| index.map_or("", |index| plan.interfaces[index].name.as_str());
        for permit in plan.permits.iter().filter(|permit| {
            permit.hook == hook
                && name(permit.input) == row.input
                && name(permit.output) == row.output
                && (permit.family == Family::V4) == (row.family == 0)
                && permit.service.protocol() == Some(row.protocol)
                && (!tcp || row.detail)
        }) {
            let services: Vec<[(u128, u128); 2]> = match &permit.service {
                ServiceMatch::Ports(_, ports) => {
                    ports.intervals().iter().map(|(a, b)| [ANY, (u128::from(*a), u128::from(*b))]).collect()
                }
                ServiceMatch::Icmp(kind) | ServiceMatch::Icmpv6(kind) => {
                    vec![[(u128::from(*kind), u128::from(*kind)), ANY]]
                }
                _ => vec![[ANY, ANY]],
            };
            for source in addresses(&permit.source, row.family) {
                for destination in addresses(&permit.destination, row.family) {
                    for [kind, port] in &services {
                        row.fill(&mut opening, [source, destination, *kind, *port]);
                    }
                }
            }
        }
    }
    opening.and(&checked);
    opening
}

fn addresses(set: &zonec::model::Addresses, family: u8) -> Vec<(u128, u128)> {
    match family {
        0 => set.v4.intervals().iter().map(|(a, b)| (u128::from(*a), u128::from(*b))).collect(),
        _ => set.v6.intervals().to_vec(),
    }
}

/// Where something changes, per field and family.
#[derive(Debug, Default)]
struct Constants {
    addresses: [[BTreeSet<u128>; 2]; 2],
    types: BTreeSet<u128>,
    ports: BTreeSet<u128>,
    protocols: BTreeSet<u128>,
    names: BTreeSet<String>,
}

fn cut(set: &mut BTreeSet<u128>, (lo, hi): (u128, u128)) {
    set.insert(lo);
    set.extend(hi.checked_add(1));
}

impl Constants {
    fn of(rules: &Rules, plan: &GatewayPlan) -> Self {
        let mut found = Self::default();
        found.protocols.extend([0, 1, 6, 17, 33, 58, 59, 132, 136]);
        found.names.extend(["lo".to_owned(), "-".to_owned()]);
        for kind in ND.into_iter().chain(MLD).chain([1, 2, 3, 4, 11, 12]) {
            cut(&mut found.types, (kind, kind));
        }
        cut(&mut found.addresses[0][1], (0, 0));
        cut(&mut found.addresses[0][1], LOCAL);
        for table in &rules.tables {
            for part in table.chains.values().flat_map(|chain| &chain.rules).flatten() {
                let (Part::Match(keys, _, elements) | Part::Map(keys, elements)) = part else { continue };
                let list = match elements {
                    Elements::Here(list) => list,
                    Elements::Named(name) => table.sets.get(name).map_or(&[][..], Vec::as_slice),
                };
                for (key, value) in list.iter().flat_map(|element| keys.iter().zip(&element.key)) {
                    found.add(*key, value);
                }
            }
        }
        for interface in &plan.interfaces {
            found.names.insert(interface.name.clone());
            for family in 0..2 {
                let ranges = addresses(&interface.sources, family as u8);
                ranges.into_iter().for_each(|range| cut(&mut found.addresses[0][family], range));
            }
        }
        for permit in &plan.permits {
            for (end, set) in [&permit.source, &permit.destination].into_iter().enumerate() {
                for family in 0..2 {
                    let ranges = addresses(set, family as u8);
                    ranges.into_iter().for_each(|range| cut(&mut found.addresses[end][family], range));
                }
            }
            match &permit.service {
                ServiceMatch::Ports(_, ports) => {
                    ports.intervals().iter().for_each(|(a, b)| cut(&mut found.ports, (u128::from(*a), u128::from(*b))));
                }
                ServiceMatch::Icmp(kind) | ServiceMatch::Icmpv6(kind) => {
                    cut(&mut found.types, (u128::from(*kind), u128::from(*kind)));
                }
                ServiceMatch::Protocol(number) => cut(&mut found.protocols, (u128::from(*number), u128::from(*number))),
                ServiceMatch::Any => {}
            }
        }
        found
    }

    fn add(&mut self, key: Key, value: &Value) {
        let range = match value {
            Value::Range(lo, hi) => (*lo, *hi),
            Value::Name(name) if matches!(key, Key::Input | Key::Output) => {
                self.names.insert(name.clone());
                return;
            }
            Value::Name(name) => match number(name, key) {
                Some(number) => (number, number),
                None => return,
            },
        };
        match key {
            Key::Source(family) => cut(&mut self.addresses[0][usize::from(family)], range),
            Key::Destination(family) => cut(&mut self.addresses[1][usize::from(family)], range),
            Key::Port(_) => cut(&mut self.ports, range),
            Key::Type(..) => cut(&mut self.types, range),
            Key::Protocol => cut(&mut self.protocols, range),
            _ => {}
        }
    }
}

/// All rows of the grid of a ruleset and a plan.
pub fn rows(rules: &Rules, plan: &GatewayPlan) -> Vec<Row> {
    let constants = Constants::of(rules, plan);
    let axis = |set: &BTreeSet<u128>, top: u128| {
        let mut starts: Vec<u128> = set.iter().copied().filter(|start| *start <= top).collect();
        starts.push(0);
        starts.sort_unstable();
        starts.dedup();
        starts
    };
    let names: Vec<String> = constants.names.iter().cloned().collect();
    let none = [String::new()];
    let mut rows = Vec::new();
    for hook in 0..3 {
        let inputs: &[String] = if hook == 2 { &none } else { &names };
        let outputs: &[String] = if hook == 1 { &none } else { &names };
        for (input, output) in inputs.iter().flat_map(|input| outputs.iter().map(move |output| (input, output))) {
            for family in 0..2_u8 {
                let top = if family == 0 { u128::from(u32::MAX) } else { u128::MAX };
                let ends = [0, 1].map(|end: usize| axis(&constants.addresses[end][usize::from(family)], top));
                for protocol in constants.protocols.iter().filter_map(|number| u8::try_from(*number).ok()) {
                    let types = if [1, 58].contains(&protocol) { axis(&constants.types, 255) } else { vec![0] };
                    let ports = if PORTS.contains(&protocol) { axis(&constants.ports, 65_535) } else { vec![0] };
                    let [sources, destinations] = ends.clone();
                    for detail in [false, true] {
                        if detail && ![6, 58].contains(&protocol) {
                            continue;
                        }
                        for state in 0..STATES.len() {
                            rows.push(Row {
                                hook,
                                input: input.clone(),
                                output: output.clone(),
                                family,
                                state,
                                protocol,
                                detail,
                                axes: [sources.clone(), destinations.clone(), types.clone(), ports.clone()],
                            });
                        }
                    }
                }
            }
        }
    }
    rows
}

/// A packet that ruleset and plan judge differently, if there is one; `Err` when the ruleset does not tell.
pub fn differing(rules: &Rules, plan: &GatewayPlan) -> Result<Option<String>, ()> {
    for row in rows(rules, plan) {
        let (passes, wanted) = (passing(rules, &row).ok_or(())?, allowed(plan, &row));
        if let Some(cell) = passes.differs(&wanted) {
            return Ok(Some(row.packet(cell)));
        }
    }
    Ok(None)
}
