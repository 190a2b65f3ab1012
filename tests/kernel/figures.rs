//! Figures for docs/performance.md: new connections per second, against one linear rule per flow.
//! `cargo test --release --test kernel figures -- --ignored --nocapture`; load time and memory of the rulesets it leaves:
//! `benches/load.py`.

use std::fmt::Write;
use std::time::Instant;

use zonec::source::{Date, MemoryWorld};

use crate::dice::Dice;
use crate::lab::Lab;
use crate::packet::{Packet, Transport, flags};
use crate::policy::{Policy, Service, address};
use crate::site::{self, Compiled};
use crate::wire::Wire;

/// Eight zones of 200 hosts; every flow joins two hosts of different zones on one port.
pub fn large(flows: usize) -> MemoryWorld {
    let mut text = String::from("zonec: 1\nsite: { name: large, blueprint: dvs-2.0 }\nzones:\n");
    let mut interfaces = String::new();
    let mut components = String::from("components:\n");
    for zone in 0..8 {
        writeln!(text, "  z{zone}: {{ class: internal, addresses: [10.{zone}.0.0/16] }}").expect("text");
        write!(interfaces, "eth{zone}: z{zone}, ").expect("text");
        for host in 0..200 {
            writeln!(components, "  h{zone}-{host}: {{ kind: app-server, at: {{ z{zone}: [10.{zone}.1.{host}] }} }}")
                .expect("text");
        }
    }
    let mut dice = Dice(1);
    writeln!(
        text,
        "gateways:\n  pf: {{ interfaces: {{ {} }} }}\n{components}flows:",
        interfaces.trim_end_matches(", ")
    )
    .expect("text");
    for flow in 0..flows {
        let (from, step) = (dice.below(8), 1 + dice.below(7));
        let to = (from + step) % 8;
        let (source, destination, port) = (dice.below(200), dice.below(200), 1 + dice.below(65_000));
        writeln!(text, "  f{flow}: {{ from: h{from}-{source}, to: h{to}-{destination}, service: {port}/tcp }}")
            .expect("text");
    }
    let files = std::collections::BTreeMap::from([("site.yaml".to_owned(), text.into_bytes())]);
    MemoryWorld { files, as_of: Date::new(2026, 11, 24).expect("a date"), main: "site.yaml".to_owned() }
}

/// The same permits as one rule each.
fn linear(policy: &Policy) -> String {
    let mut text =
        String::from("table inet zonec { }\ndelete table inet zonec\ntable inet zonec {\n\tchain forward {\n");
    text += "\t\ttype filter hook forward priority filter; policy drop;\n\t\tct state established accept\n";
    for permit in &policy.permits {
        let Service::Tcp(ports) = &permit.service else { continue };
        let end = |ranges: &[crate::policy::Range]| address(permit.family, *ranges[0].start());
        let (source, destination) = (end(&permit.source), end(&permit.destination));
        let (input, output) = (permit.input.expect("forward"), permit.output.expect("forward"));
        let (input, output) = (&policy.interfaces[input].name, &policy.interfaces[output].name);
        let port = ports.start();
        let ends = format!("iifname \"{input}\" oifname \"{output}\" ip saddr {source} ip daddr {destination}");
        writeln!(text, "\t\t{ends} tcp dport {port} counter accept comment \"{}\"", permit.flow).expect("text");
    }
    text + "\t}\n}\n"
}

/// The flows as rows, for compilers that read something else (`benches/flows_aerleon.py`).
fn rows(policy: &Policy) -> String {
    let mut text = String::from("flow,source,destination,port\n");
    for permit in &policy.permits {
        let Service::Tcp(ports) = &permit.service else { continue };
        let end = |ranges: &[crate::policy::Range]| address(permit.family, *ranges[0].start());
        let (source, destination) = (end(&permit.source), end(&permit.destination));
        writeln!(text, "{},{source},{destination},{}", permit.flow, ports.start()).expect("text");
    }
    text
}

/// Connections of one round.
const COUNT: usize = 10_000;
/// Rounds; each asks every size once, so that what else the machine does meets all of them.
const ROUNDS: usize = 15;

/// A gateway under load: its namespaces and finished frames, each the first of a connection that a flow allows.
struct Bench {
    lab: Lab,
    wire: Wire,
    frames: Vec<(usize, Vec<u8>)>,
}

impl Bench {
    /// Frames of the flows named `f0` to `f9`, which every size has, or of all flows.
    fn new(policy: &Policy, ruleset: &str, all: bool) -> Bench {
        let lab = Lab::build(policy);
        crate::replace::load(&lab, ruleset).expect("loads");
        let mut dice = Dice(2);
        let permits: Vec<_> = policy.permits.iter().filter(|permit| all || permit.flow.len() == 2).collect();
        let frame = |n: usize| {
            let permit = dice.pick(&permits);
            let Service::Tcp(ports) = &permit.service else { panic!("TCP only") };
            let [source, destination] =
                [&permit.source, &permit.destination].map(|ranges| address(permit.family, *ranges[0].start()));
            let transport = Transport::Tcp { sport: 1_024 + n as u16, dport: *ports.start(), flags: flags::SYN };
            let packet = Packet::new(source, destination, transport);
            (permit.input.expect("forwarded"), packet.frames(n as u32).remove(0))
        };
        let frames = (0..COUNT).map(frame).collect();
        let wire = Wire::open(&lab);
        Bench { lab, wire, frames }
    }

    /// New connections per second of this thread's CPU time: the kernel forwards a frame before `sendto` comes back.
    fn round(&mut self) -> f64 {
        self.lab.forget_connections();
        let start = cpu_seconds();
        for (at, frame) in &self.frames {
            self.wire.put(*at, frame);
        }
        let seconds = cpu_seconds() - start;
        let mut passed = 0;
        while self.wire.collect(20, |_| passed += 1) {}
        assert_eq!(passed, self.frames.len(), "every connection is allowed");
        self.frames.len() as f64 / seconds
    }
}

/// CPU time of this thread, which other work on the machine lengthens less than it lengthens the clock's.
fn cpu_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("scheduler statistics");
    text.split(' ').next().and_then(|first| first.parse::<f64>().ok()).expect("nanoseconds") / 1e9
}

/// The one in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Connection tracking and nothing else.
const TRACKING: &str = "table inet zonec { chain forward { type filter hook forward priority filter; policy drop; \
                        ct state { established, new } accept; }; }";

/// Prints new connections per second, and leaves the rulesets in a folder for `benches/load.py`. `ZONEC_FLOWS=10,10000`
/// measures other sizes than the four of docs/performance.md; the first is the base of all ratios.
///
/// Two kinds of traffic: the same ten flows whatever the size of the ruleset, which shows what the lookup costs; and all
/// flows, each its own chain, counter and hosts, which shows what a cold cache adds, with and without a ruleset.
pub fn print() {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("figures");
    std::fs::create_dir_all(&folder).expect("folder");
    let sizes = std::env::var("ZONEC_FLOWS").unwrap_or_else(|_| "10,1000,10000,50000".to_owned());
    let mut benches = Vec::new();
    for flows in sizes.split(',').map(|size| size.parse::<usize>().expect("a number of flows")) {
        let start = Instant::now();
        let Compiled { policy, ruleset, staged, .. } =
            site::resolved(&large(flows)).expect("compiles").gateways.remove(0);
        println!("{flows} flows: read, planned, emitted, proven in {:.2} s", start.elapsed().as_secs_f64());
        let linear = linear(&policy);
        for (name, text) in [("zonec", &ruleset), ("linear", &linear), ("staged", &(staged[0].clone() + &staged[1]))] {
            std::fs::write(folder.join(format!("{flows}.{name}.nft")), text).expect("write");
        }
        std::fs::write(folder.join(format!("{flows}.csv")), rows(&policy)).expect("write");
        let mut add = |what: &str, ruleset: &str, all| {
            benches.push((format!("{flows} flows, {what}"), Bench::new(&policy, ruleset, all)));
        };
        add("the same ten", &ruleset, false);
        add("all", &ruleset, true);
        add("all, connection tracking alone", TRACKING, true);
        if flows <= 10_000 {
            add("all, linear", &linear, true);
        }
    }
    let mut rates = vec![Vec::new(); benches.len()];
    for _ in 0..ROUNDS {
        for ((_, bench), rates) in benches.iter_mut().zip(&mut rates) {
            rates.push(bench.round());
        }
    }
    for ((name, _), of) in benches.iter().zip(&rates) {
        let ratios = of.iter().zip(&rates[0]).map(|(rate, first)| rate / first).collect();
        let best = of.iter().copied().fold(0.0, f64::max);
        println!(
            "{name}: new connections {:.0}/s (best {best:.0}), {:.2} of the first (median of {ROUNDS} rounds)",
            median(of.clone()),
            median(ratios)
        );
    }
    println!("rulesets in {}", folder.display());
}
