//! Mutation: a single change of an emitted ruleset is noticed, or it changes nothing.
//!
//! Every mutant that `verify` calls equal is sent through a grid by brute force, one packet per cell, by a judge that
//! shares no code with the readers (`rules`, `grid`); a packet that differs there is a miss. Every counterexample is
//! checked by the same judge.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing it did not expect"
)]

mod change;
#[path = "../support/dice.rs"]
mod dice;
#[path = "../support/gateways.rs"]
mod gateways;
mod grid;
mod rules;

use std::collections::BTreeMap;
use std::path::Path;

use change::{File, Mutant};
use dice::Dice;
use grid::Row;
use zonec::check::check;
use zonec::compile::enforced;
use zonec::model::Site;
use zonec::plan::GatewayPlan;
use zonec::source::{Date, MemoryWorld};
use zonec::space::{Hook, Upper};
use zonec::verify::gateway::{Answer, Difference, of_text};

/// A gateway with its emitted file.
struct Case {
    name: String,
    site: std::rc::Rc<Site>,
    plan: GatewayPlan,
    text: String,
}

fn cases(name: &str, world: &MemoryWorld) -> Vec<Case> {
    let checked = check(world, false).unwrap();
    let model = checked.model.as_ref().unwrap_or_else(|| panic!("{name} is readable"));
    let (plan, files) = enforced(&checked, model).unwrap_or_else(|error| panic!("{name}: {error}"));
    let site = std::rc::Rc::new(model.site.clone());
    let case = |plan: GatewayPlan| Case {
        name: format!("{name}/{}", plan.name),
        site: site.clone(),
        text: files.get(&format!("nftables/{}.nft", plan.name)).unwrap().to_owned(),
        plan,
    };
    plan.gateways.into_iter().map(case).collect()
}

fn example(name: &str) -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let mut files = BTreeMap::new();
    let mut open = vec![root.clone()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml") {
                files.insert(
                    path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(),
                    std::fs::read(&path).unwrap(),
                );
            }
        }
    }
    cases(name, &MemoryWorld { files, as_of: Date::new(2026, 11, 24).unwrap(), main: "site.yaml".to_owned() })
}

/// Small gateways, so that a grid is a matter of milliseconds.
fn small(seeds: std::ops::Range<u64>) -> Vec<Case> {
    seeds.flat_map(|seed| cases(&format!("random {seed}"), &gateways::small(seed))).collect()
}

#[test]
fn emitted_rulesets_equal_the_plan_on_the_grid() {
    for case in small(1..9) {
        let rules = rules::read(&case.text).unwrap_or_else(|| panic!("{}: the judge reads it", case.name));
        assert_eq!(grid::differing(&rules, &case.plan), Ok(None), "{}", case.name);
        let (rows, allowed) = (grid::rows(&rules, &case.plan), |row: &Row| grid::allowed(&case.plan, row));
        assert!(rows.iter().filter(|row| row.state == 0).any(|row| allowed(row).contains(&true)), "{}", case.name);
        assert_eq!(of_text(&case.site, &case.plan, &case.text).answer(), Answer::Equal, "{}", case.name);
    }
}

#[derive(Debug, Default)]
struct Tally {
    differs: usize,
    unknown: usize,
    equal: usize,
    checked: usize,
    misses: Vec<String>,
}

impl Tally {
    fn judge(&mut self, case: &Case, mutant: &Mutant) {
        let proof = of_text(&case.site, &case.plan, &mutant.text);
        let rules = rules::read(&mutant.text);
        match proof.answer() {
            Answer::Unknown => self.unknown += 1,
            Answer::Differs => {
                self.differs += 1;
                for found in rules.iter().flat_map(|rules| proof.differences.iter().map(move |found| (rules, found))) {
                    let (rules, found) = found;
                    let row = row(found);
                    let Some(passes) = grid::passing(rules, &row) else { continue };
                    self.checked += 1;
                    if passes != [!found.model()] || grid::allowed(&case.plan, &row) != [found.model()] {
                        self.misses.push(format!("{}: {}: wrong counterexample {found:?}", case.name, mutant.what));
                    }
                }
            }
            Answer::Equal => {
                self.equal += 1;
                let found = rules.ok_or(()).and_then(|rules| grid::differing(&rules, &case.plan));
                if found != Ok(None) {
                    self.misses.push(format!("{}: {}: called equal, but {found:?}", case.name, mutant.what));
                }
            }
        }
    }
}

/// The packet of a counterexample as a grid of one cell.
fn row(found: &Difference) -> Row {
    let packet = &found.packet;
    let number = |address: std::net::IpAddr| match address {
        std::net::IpAddr::V4(address) => u128::from(address.to_bits()),
        std::net::IpAddr::V6(address) => address.to_bits(),
    };
    let (detail, kind, port) = match packet.upper {
        Upper::Tcp { destination, opening, .. } => (opening, 0, destination),
        Upper::Ports { destination, .. } => (false, 0, destination),
        Upper::Icmp { kind, .. } => (false, kind.into(), 0),
        Upper::Icmpv6 { kind, on_link, .. } => (on_link, kind.into(), 0),
        Upper::Other { .. } => (false, 0, 0),
    };
    let [input, output] = found.interfaces.clone().map(Option::unwrap_or_default);
    Row {
        hook: Hook::ALL.iter().position(|hook| *hook == packet.hook).unwrap(),
        input,
        output,
        family: u8::from(packet.source.is_ipv6()),
        state: grid::STATES.iter().position(|state| *state == packet.state.name()).unwrap(),
        protocol: packet.upper.protocol(),
        detail,
        axes: [vec![number(packet.source)], vec![number(packet.destination)], vec![kind], vec![u128::from(port)]],
    }
}

fn run(cases: &[Case], count: usize, seed: u64) {
    let mut dice = Dice(seed);
    let mut tally = Tally::default();
    for case in cases {
        let file = File::new(&case.text);
        let (mut made, mut tries) = (0, 0);
        while made < count / cases.len() + 1 && tries < count * 20 {
            tries += 1;
            if let Some(mutant) = file.change(&mut dice) {
                made += 1;
                tally.judge(case, &mutant);
            }
        }
    }
    let Tally { differs, unknown, equal, checked, misses } = &tally;
    println!("{differs} differ ({checked} counterexamples checked), {unknown} unknown, {equal} equal on the grid too");
    assert!(misses.is_empty(), "{} misses:\n{}", misses.len(), misses.join("\n"));
    assert!(differs + unknown + equal >= count && *differs > count / 2, "too few mutants mean something: {tally:?}");
}

#[test]
fn a_sample_of_changes_is_noticed() {
    let mut cases = small(1..13);
    cases.extend(example("kreis-it-auental"));
    run(&cases, 400, 1);
}

#[test]
#[ignore = "minutes; .ci/run asks for it"]
fn ten_thousand_changes_are_noticed() {
    let mut cases = small(20..60);
    for name in ["kommune-musterau", "landesrz-seenland", "kreis-it-auental", "zv-it-talwinkel"] {
        cases.extend(example(name));
    }
    run(&cases, 10_000, 2);
}
