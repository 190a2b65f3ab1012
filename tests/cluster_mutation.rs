//! Single changes of everything that is emitted for a cluster: each is noticed by the proof, or proven to change nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeMap;
use support::mutants::{Mutant, mutants, same_verdicts, sample};
use support::{Compiled, both_dialects, examples};
use zonec::plan::ClusterPlan;
use zonec::verify::cluster::of_files;

fn borrowed(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
}

/// What became of mutants: noticed ones by kind, those that change no verdict, those that nobody noticed.
#[derive(Default)]
struct Tally {
    noticed: BTreeMap<&'static str, usize>,
    same: Vec<String>,
    missed: Vec<String>,
}

fn judge(compiled: &Compiled, plan: &ClusterPlan, files: &[(String, String)], mutants: &[Mutant]) -> Tally {
    let mut tally = Tally::default();
    for mutant in mutants {
        let changed = mutant.files(files);
        let what = format!("{} {}: {}", plan.name, mutant.kind, mutant.what);
        if !of_files(&compiled.site, plan, borrowed(&changed)).holds() {
            *tally.noticed.entry(mutant.kind).or_insert(0) += 1;
        } else if same_verdicts(compiled, plan, files, &changed) {
            tally.same.push(what);
        } else {
            tally.missed.push(what);
        }
    }
    tally
}

#[test]
fn every_single_change_of_an_emitted_object_is_noticed() {
    let mut all = Tally::default();
    for compiled in examples().iter().flat_map(|example| both_dialects(example)) {
        for plan in &compiled.plan.clusters {
            let files = compiled.emitted(&plan.name);
            let proof = of_files(&compiled.site, plan, borrowed(&files));
            assert!(proof.holds(), "{}: differs without a change:\n{proof}", plan.name);
            let mutants = sample(mutants(&files), 8);
            let (left, right) = mutants.split_at(mutants.len() / 2);
            let tallies = std::thread::scope(|scope| {
                let threads = [left, right].map(|half| scope.spawn(|| judge(&compiled, plan, &files, half)));
                threads.map(|thread| thread.join().unwrap())
            });
            for tally in tallies {
                for (kind, count) in tally.noticed {
                    *all.noticed.entry(kind).or_insert(0) += count;
                }
                all.same.extend(tally.same);
                all.missed.extend(tally.missed);
            }
        }
    }
    let noticed: usize = all.noticed.values().sum();
    println!("{noticed} noticed: {:?}", all.noticed);
    println!("{} change no verdict:\n  {}", all.same.len(), all.same.join("\n  "));
    assert!(all.missed.is_empty(), "{} went unnoticed:\n{}", all.missed.len(), all.missed.join("\n"));
    assert!(noticed >= 1000, "only {noticed}");
}
