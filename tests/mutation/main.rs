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
use std::sync::atomic::Ordering;

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
    site: std::sync::Arc<Site>,
    plan: GatewayPlan,
    text: String,
}

fn cases(name: &str, world: &MemoryWorld) -> Vec<Case> {
    let checked = check(world, false).unwrap();
    let model = checked.model.as_ref().unwrap_or_else(|| panic!("{name} is readable"));
    let (plan, files) = enforced(&checked, model).unwrap_or_else(|error| panic!("{name}: {error}"));
    let site = std::sync::Arc::new(model.site.clone());
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
        let rules =
            rules::read(&case.text).filter(grid::knows).unwrap_or_else(|| panic!("{}: the judge reads it", case.name));
        assert_eq!(grid::differing(&rules, &case.plan), Ok(None), "{}", case.name);
        let (rows, allowed) = (grid::rows(&rules, &case.plan), |row: &Row| grid::allowed(&case.plan, row));
        assert!(rows.iter().filter(|row| row.state == 0).any(|row| allowed(row).any()), "{}", case.name);
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
    fn add(&mut self, other: Self) {
        self.differs += other.differs;
        self.unknown += other.unknown;
        self.equal += other.equal;
        self.checked += other.checked;
        self.misses.extend(other.misses);
    }

    fn judge_changes(&mut self, case: &Case, count: usize, dice: &mut Dice) {
        let file = File::new(&case.text);
        let mut made = 0;
        // Some kinds of change find no place in a small file.
        for _ in 0..count * 20 {
            let Some(mutant) = file.change(dice) else { continue };
            self.judge(case, &mutant);
            made += 1;
            if made == count {
                return;
            }
        }
    }

    fn judge(&mut self, case: &Case, mutant: &Mutant) {
        let proof = of_text(&case.site, &case.plan, &mutant.text);
        let rules = rules::read(&mutant.text).filter(grid::knows);
        match proof.answer() {
            Answer::Unknown => self.unknown += 1,
            Answer::Differs => {
                self.differs += 1;
                for found in rules.iter().flat_map(|rules| proof.differences.iter().map(move |found| (rules, found))) {
                    let (rules, found) = found;
                    let row = row(found);
                    let Some(passes) = grid::passing(rules, &row) else { continue };
                    self.checked += 1;
                    if passes.first() == found.model() || grid::allowed(&case.plan, &row).first() != found.model() {
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

/// At least `count` changes: of each example `few`, whose grids are large, and of the small gateways the rest in equal parts.
fn run(small: Vec<Case>, examples: Vec<Case>, count: usize, few: usize, seed: u64) {
    let each = (count - few * examples.len()).div_ceil(small.len());
    let border = small.len();
    let cases: Vec<Case> = small.into_iter().chain(examples).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let mut tally = Tally::default();
        while let Some(at) = Some(next.fetch_add(1, Ordering::Relaxed)).filter(|at| *at < cases.len()) {
            let count = if at < border { each } else { few };
            tally.judge_changes(&cases[at], count, &mut Dice(seed + at as u64));
        }
        tally
    };
    let mut whole = Tally::default();
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        workers.into_iter().for_each(|worker| whole.add(worker.join().unwrap()));
    });
    let Tally { differs, unknown, equal, checked, misses } = &whole;
    println!("{differs} differ ({checked} counterexamples checked), {unknown} unknown, {equal} equal on the grid too");
    assert!(misses.is_empty(), "{} misses:\n{}", misses.len(), misses.join("\n"));
    assert!(differs + unknown + equal >= count && *differs > count / 2, "too few mutants mean something: {whole:?}");
}

#[test]
fn a_sample_of_changes_is_noticed() {
    run(small(1..13), example("kreis-it-auental"), 400, 20, 1);
}

#[test]
#[ignore = "minutes; .ci/run asks for it"]
fn ten_thousand_changes_are_noticed() {
    let names = ["kommune-musterau", "landesrz-seenland", "kreis-it-auental", "zv-it-talwinkel"];
    run(small(20..60), names.iter().flat_map(|name| example(name)).collect(), 10_000, 40, 2);
}
