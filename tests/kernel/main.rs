//! Kernel agreement: what the Linux kernel does with a loaded ruleset is what the model says, packet by packet.
//!
//! Needs root, `ip`, `nft` and `conntrack`. Without them nothing is judged: each test names itself as not run, and
//! fails when `CI=true`.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test stops at the first thing it did not expect"
)]

mod judge;
mod lab;
mod packet;
mod policy;
mod probes;
mod reference;
mod wire;

use std::io::Write;
use std::net::IpAddr;
use std::time::Instant;

use judge::Tally;
use lab::Lab;
use policy::Policy;
use probes::Generator;

/// True when the kernel can be asked; otherwise says which part did not run, and fails in CI.
fn runs(part: &str) -> bool {
    let Some(reason) = lab::missing() else {
        return true;
    };
    assert!(std::env::var("CI").as_deref() != Ok("true"), "{part} must run in CI: {reason}");
    eprintln!("NOT RUN: {part}: {reason}");
    false
}

/// Loads a ruleset text for this policy and sends all pairs of `addresses` and random probes through it.
fn try_ruleset(policy: &Policy, ruleset: &str, addresses: &[IpAddr], count: usize) -> Result<Tally, String> {
    let lab = Lab::build(policy);
    let mut file = tempfile::NamedTempFile::new().expect("temporary file");
    file.write_all(ruleset.as_bytes()).expect("write the ruleset");
    lab.load(file.path())?;
    let once = lab.nft(&["-s", "list", "ruleset"]);
    lab.load(file.path())?;
    assert_eq!(once, lab.nft(&["-s", "list", "ruleset"]), "a second load changes nothing");
    let mut tally = judge::run(policy, &lab, &probes::pairs(policy, addresses, &reference::PORTS));
    tally.add(judge::run(policy, &lab, &Generator::new(policy, 1).cases(count)));
    Ok(tally)
}

#[test]
fn the_hand_written_ruleset_agrees() {
    if !runs("hand-written ruleset on the kernel") {
        return;
    }
    let start = Instant::now();
    let policy = reference::policy();
    let tally = try_ruleset(&policy, reference::RULESET, &reference::hosts(), 12_000).expect("loads");
    println!("reference: {tally}\n{:.0} probes/s", tally.probes as f64 / start.elapsed().as_secs_f64());
    assert!(tally.agrees(), "{tally}");
    assert!(tally.passed > tally.probes / 10, "too few probes pass to mean anything: {tally}");
}

#[test]
fn every_spoilt_ruleset_is_noticed() {
    if !runs("spoilt rulesets on the kernel") {
        return;
    }
    for (old, new) in reference::MUTANTS {
        assert_eq!(reference::RULESET.matches(old).count(), 1, "`{old}` names one place");
        let ruleset = reference::RULESET.replace(old, new);
        let tally = try_ruleset(&reference::policy(), &ruleset, &reference::hosts(), 6_000);
        let tally = tally.unwrap_or_else(|error| panic!("`{new}`: {error}"));
        let (accepts, drops) = (tally.false_accepts.len(), tally.false_drops.len());
        println!("{old} => {new}: {accepts} false accepts, {drops} false drops");
        assert!(!tally.agrees(), "nobody noticed `{old}` => `{new}`");
    }
}
