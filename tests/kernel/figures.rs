//! Figures for docs/performance.md: load time, memory and new connections per second, against one linear rule per flow.
//! `cargo test --release --test kernel figures -- --ignored --nocapture`

use std::fmt::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use zonec::source::{Date, MemoryWorld};

use crate::dice::Dice;
use crate::lab::Lab;
use crate::packet::{Packet, Transport, flags};
use crate::policy::{Place, Policy, Service, address};
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

/// Seconds and MiB that `nft -f` takes.
fn load(lab: &Lab, ruleset: &str) -> (f64, f64) {
    let file = tempfile::NamedTempFile::new().expect("temporary file");
    std::fs::write(file.path(), ruleset).expect("write");
    let start = Instant::now();
    let output = lab.inside(&lab.gateway, || {
        Command::new("/usr/bin/time").args(["-f", "%M", "nft", "-f"]).arg(file.path()).output().expect("run nft")
    });
    let seconds = start.elapsed().as_secs_f64();
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{text}");
    (seconds, text.trim().parse::<f64>().expect("kilobytes") / 1024.0)
}

/// New connections per second through the gateway, each on a flow that allows it: the best of five rounds.
fn connections(lab: &Lab, policy: &Policy) -> f64 {
    const COUNT: usize = 4_000;
    let mut wire = Wire::open(lab);
    let mut dice = Dice(2);
    let packets: Vec<(usize, Packet)> = (0..COUNT)
        .filter_map(|n| {
            let permit = dice.pick(&policy.permits);
            let Service::Tcp(ports) = &permit.service else { return None };
            let [source, destination] =
                [&permit.source, &permit.destination].map(|ranges| address(permit.family, *ranges[0].start()));
            let transport = Transport::Tcp { sport: 1_024 + n as u16, dport: *ports.start(), flags: flags::SYN };
            Some((permit.input?, Packet::new(source, destination, transport)))
        })
        .collect();
    let mut best = Duration::MAX;
    for round in 0..5 {
        lab.forget_connections();
        let (start, mut passed) = (Instant::now(), 0);
        for (n, (at, packet)) in packets.iter().enumerate() {
            wire.send(Place::Interface(*at), packet, (round * COUNT + n) as u32);
        }
        best = best.min(start.elapsed());
        while wire.collect(20, |_| passed += 1) {}
        assert_eq!(passed, packets.len(), "every connection is allowed");
    }
    packets.len() as f64 / best.as_secs_f64()
}

/// Prints the table.
pub fn print() {
    let mut base = None;
    for flows in [10, 1_000, 10_000, 50_000] {
        let Compiled { policy, ruleset, .. } = site::resolved(&large(flows)).expect("compiles").gateways.remove(0);
        let lab = Lab::build(&policy);
        let (linear_seconds, linear_memory) = load(&lab, &linear(&policy));
        let linear_rate = if flows <= 10_000 { connections(&lab, &policy) } else { f64::NAN };
        let (seconds, memory) = load(&lab, &ruleset);
        let rate = connections(&lab, &policy);
        let first = *base.get_or_insert(rate);
        println!(
            "{flows} flows: load {seconds:.2} s {memory:.0} MiB, linear {linear_seconds:.2} s {linear_memory:.0} MiB; \
             new connections {rate:.0}/s ({:.2} of 10 flows), linear {linear_rate:.0}/s",
            rate / first
        );
    }
}
