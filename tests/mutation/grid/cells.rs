//! The cells: where a constant of ruleset or plan cuts a field.

use std::collections::BTreeSet;

use zonec::model::ServiceMatch;
use zonec::plan::GatewayPlan;

use super::plan::addresses;
use super::row::Row;
use super::ruleset::{elements_of, number};
use super::{LOCAL, MLD, ND, PORTS, STATES};
use crate::rules::{Key, Part, Rules, Value};

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
                let list = elements_of(table, elements).unwrap_or_default();
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
