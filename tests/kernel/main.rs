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

mod closing;
mod crowded;
#[path = "../support/dice.rs"]
mod dice;
mod figures;
mod judge;
mod lab;
mod logs;
mod packet;
mod policy;
mod probes;
#[path = "../support/gateways.rs"]
mod random;
mod readback;
mod reference;
mod replace;
mod site;
mod truth;
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

/// About as many of all pairs at most, drawn evenly: a large example has millions, and most of them are refused alike.
const PAIRS: usize = 150_000;

/// Every ruleset of a clean example on the kernel: pairs of components on the ports of the gateway's flows and on
/// neighbouring ports, TCP and UDP, both families; then random probes with spoofed sources, replies without state,
/// other protocols, fragments and related errors.
fn try_example(name: &str) {
    if !runs(&format!("rulesets of examples/{name} on the kernel")) {
        return;
    }
    let start = Instant::now();
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let compiled = site::compiled(&site::world(&folder));
    let mut whole = Tally::default();
    for gateway in &compiled.gateways {
        let lab = Lab::build(&gateway.policy);
        let mut file = tempfile::NamedTempFile::new().expect("temporary file");
        file.write_all(gateway.ruleset.as_bytes()).expect("write the ruleset");
        lab.load(file.path()).unwrap_or_else(|error| panic!("{}: {error}", gateway.name));
        let own = gateway.policy.interfaces.iter().flat_map(|interface| interface.own.iter().copied());
        let addresses: Vec<IpAddr> = compiled.hosts.iter().copied().chain(own).collect();
        let mut cases = probes::pairs(&gateway.policy, &addresses, &site::ports(&gateway.policy));
        let (mut dice, all) = (dice::Dice(5), cases.len());
        cases.retain(|_| dice.below(all) < PAIRS);
        let mut tally = judge::run(&gateway.policy, &lab, &cases);
        tally.add(judge::run(&gateway.policy, &lab, &Generator::new(&gateway.policy, 7).cases(4_000)));
        println!("{name} {}: {tally}", gateway.name);
        assert!(tally.passed > 0, "{}: no probe passes, which means nothing", gateway.name);
        assert!(tally.agrees(), "{}: {tally}", gateway.name);
        whole.add(tally);
    }
    println!("{name}: {whole}; {:.0} probes/s", whole.probes as f64 / start.elapsed().as_secs_f64());
}

#[test]
fn the_rulesets_of_kommune_musterau_agree() {
    try_example("kommune-musterau");
}

#[test]
fn the_rulesets_of_landesrz_seenland_agree() {
    try_example("landesrz-seenland");
}

/// Random sites until 100 000 probes have been sent: every ruleset agrees with its plan.
#[test]
fn the_rulesets_of_random_sites_agree() {
    if !runs("rulesets of random sites on the kernel") {
        return;
    }
    let start = Instant::now();
    let (mut whole, mut sites) = (Tally::default(), 0);
    for seed in 1.. {
        if whole.probes >= 100_000 {
            break;
        }
        let compiled = site::resolved(&random::site(seed)).unwrap_or_else(|error| panic!("site {seed}: {error}"));
        sites += 1;
        for gateway in &compiled.gateways {
            let tally = try_ruleset(&gateway.policy, &gateway.ruleset, &[], 2_000);
            let tally = tally.unwrap_or_else(|error| panic!("site {seed}, {}: {error}", gateway.name));
            assert!(tally.agrees(), "site {seed}, {}: {tally}", gateway.name);
            whole.add(tally);
        }
    }
    println!("{sites} random sites: {whole}; {:.0} s", start.elapsed().as_secs_f64());
    assert!(whole.passed > whole.probes / 20, "too few probes pass to mean anything: {whole}");
}

/// What `nft` lists after a load is read as what was loaded: every example, 200 random sites, as JSON and as text.
#[test]
fn listings_are_proven_equal_to_the_plan() {
    if runs("listings of loaded rulesets") {
        readback::all();
    }
}

/// A map that is split by destination says what the flows say.
#[test]
fn the_ruleset_of_a_crowded_pair_agrees() {
    if !runs("split map on the kernel") {
        return;
    }
    let compiled = site::resolved(&crowded::site()).expect("compiles").gateways.remove(0);
    assert!(compiled.ruleset.contains(" vmap @m_a__b_tcp4_d\n"), "the map is split");
    let tally = try_ruleset(&compiled.policy, &compiled.ruleset, &[], 20_000).expect("loads");
    println!("crowded: {tally}");
    assert!(tally.agrees() && tally.passed > tally.probes / 20, "{tally}");
}

/// The three steps end in what the one file makes, from whatever was there before, and leave nothing over.
#[test]
fn the_lossless_form_makes_the_same_ruleset() {
    if !runs("lossless form on the kernel") {
        return;
    }
    let compiled = |seed| site::resolved(&random::site(seed)).expect("compiles").gateways.remove(0);
    let (old, new) = (compiled(3), compiled(4));
    let lab = Lab::build(&new.policy);
    replace::load(&lab, &new.ruleset).expect("loads");
    let expected = replace::listing(&lab);
    replace::load(&lab, &old.ruleset).expect("loads");
    let former = replace::listing(&lab);
    assert_ne!(former, expected);
    // From the one-piece form to the lossless one, and from one generation to the next.
    for (compiled, expected) in [(&new, &expected), (&old, &former), (&new, &expected)] {
        replace::staged(&lab, compiled).expect("three steps");
        assert_eq!(&replace::listing(&lab), expected);
    }
    // A second time nothing changes: the first step is refused, the others find nothing to do.
    let error = replace::load(&lab, &new.staged[0]).expect_err("already there");
    assert!(error.contains("File exists"), "{error}");
    replace::load(&lab, &new.staged[1]).expect("switches to itself");
    replace::retire(&lab, &new.staged[2]).expect("nothing left over");
    assert_eq!(replace::listing(&lab), expected);
    // Built and never switched to: removed again. And back to the one-piece form.
    replace::load(&lab, &old.staged[0]).expect("builds");
    assert_ne!(replace::listing(&lab), expected);
    replace::retire(&lab, &old.staged[2]).expect("removes what was built");
    assert_eq!(replace::listing(&lab), expected);
    replace::load(&lab, &old.ruleset).expect("loads");
    assert_eq!(replace::listing(&lab), former);
    replace::load(&lab, &new.staged[0]).expect("builds beside the one-piece form");
    replace::retire(&lab, &new.staged[2]).expect("removes what was built");
    assert_eq!(replace::listing(&lab), former);
    // Into an empty table.
    lab.nft(&["flush", "ruleset"]);
    replace::staged(&lab, &new).expect("three steps");
    assert_eq!(replace::listing(&lab), expected);
}

/// While one ruleset replaces another in three steps, no packet that both allow is lost, and none that neither allows
/// passes.
#[test]
fn the_lossless_form_loses_nothing_under_traffic() {
    if !runs("lossless form under traffic") {
        return;
    }
    let compiled = |flows| site::resolved(&figures::large(flows)).expect("compiles").gateways.remove(0);
    let (a, b) = (compiled(400), compiled(401));
    let lab = Lab::build(&a.policy);
    replace::load(&lab, &b.ruleset).expect("loads");
    let losses = replace::under_traffic(&lab, &a.policy, || {
        for _ in 0..4 {
            replace::staged(&lab, &a).expect("three steps");
            replace::staged(&lab, &b).expect("three steps");
        }
    });
    println!("lossless form, 8 replacements: {losses:?}");
    assert_eq!((losses.established, losses.new, losses.denied), (0, 0, 0), "{losses:?}");
    assert!(losses.sent.iter().all(|count| *count > 100), "too few packets to mean anything: {losses:?}");
    let losses = replace::under_traffic(&lab, &a.policy, || {
        for _ in 0..4 {
            replace::load(&lab, &a.ruleset).expect("loads");
            replace::load(&lab, &b.ruleset).expect("loads");
        }
    });
    println!("one file, 8 replacements: {losses:?}");
    assert_eq!(losses.denied, 0, "nothing passes that neither ruleset allows: {losses:?}");
}

/// The `conntrack -D` lines of a removed flow end its connections and no others.
#[test]
fn the_connections_of_a_removed_flow_end() {
    if !runs("conntrack lines of a removed flow") {
        return;
    }
    let compiled = site::resolved(&random::site(4)).expect("compiles").gateways.remove(0);
    let judged = closing::judge(&compiled);
    println!("{judged:?}");
    assert!(judged.opened > 100 && judged.ended > 10, "too few connections to mean anything: {judged:?}");
    assert_eq!((&judged.survived, &judged.killed), (&Vec::new(), &Vec::new()));
}

/// A daemon that reads the groups gets what was refused and what was opened, under the name of the pair or flow; a flood of one
/// pair hides nothing of another.
#[test]
fn refused_packets_and_new_connections_reach_their_log_groups() {
    if !runs("log groups on the kernel") {
        return;
    }
    let compiled = site::resolved(&logs::site()).expect("compiles").gateways.remove(0);
    let lab = Lab::build(&compiled.policy);
    replace::load(&lab, &compiled.ruleset).expect("loads");
    let [refused, opened] = logs::received(&lab);
    println!("{refused:?}\n{opened:?}");
    assert_eq!(opened.iter().map(|message| message.prefix.as_str()).collect::<Vec<_>>(), ["zonec+ web "]);
    let count = |prefix: &str| refused.iter().filter(|message| message.prefix == prefix).count();
    // No flow joins a and c; their pair has a limit of its own all the same.
    assert!((50..100).contains(&count("zonec- a>c ")), "a flood is logged within its limit");
    assert_eq!((count("zonec- a>b "), count("zonec- spoof "), count("zonec- invalid ")), (2, 1, 1));
    assert!(refused.iter().chain(&opened).all(|message| (20..=96).contains(&message.copied)), "headers, not content");
}

/// Why `ah` over IPv6 is refused (`targets::nftables`): the kernel itself shows the hole.
#[test]
fn the_ipv6_authentication_header_opens_what_is_inside() {
    if runs("authentication header on the kernel") {
        assert!(truth::authentication_header_opens_what_is_inside());
    }
    let flow = "zonec: 1\nsite: { name: ah, blueprint: dvs-2.0 }\nzones:\n  a: { class: internal, addresses: ['fd00:1::/64', 10.1.0.0/24] }\n  b: { class: internal, addresses: ['fd00:2::/64', 10.2.0.0/24] }\ngateways: { pf: { interfaces: { a0: a, b0: b } } }\nflows:\n";
    let world = |flow_line: &str| zonec::source::MemoryWorld {
        files: std::collections::BTreeMap::from([("site.yaml".to_owned(), format!("{flow}{flow_line}").into_bytes())]),
        as_of: zonec::source::Date::new(2026, 11, 24).expect("a date"),
        main: "site.yaml".to_owned(),
    };
    let refused = site::resolved(&world("  tunnel: { from: a, to: b, service: ah }\n")).err().expect("refused");
    assert!(refused.contains("flow tunnel") && refused.contains("authentication header"), "{refused}");
    assert!(site::resolved(&world("  tunnel: { from: a, to: b, service: ah, family: ipv4 }\n")).is_ok());
}

#[test]
#[ignore = "measures, judges nothing"]
fn figures() {
    if runs("figures of rulesets on the kernel") {
        figures::print();
    }
}
