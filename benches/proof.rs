//! How long the proof of a ruleset takes: reading the emitted text, the model's set from the plan, their equality.
//!
//! `cargo bench --bench proof`. Eight zones of 200 hosts around one packet filter, every flow joins two hosts on one TCP
//! port (the site of the kernel figures); `wide` flows join whole zones on port ranges instead, so that they overlap.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use std::fmt::Write;

use divan::{Bencher, black_box};
use zonec::graph::Graphs;
use zonec::model::{Site, resolve};
use zonec::plan::{GatewayPlan, plan};
use zonec::source::{Date, Limits, MemoryWorld};
use zonec::syntax::read_site;
use zonec::targets::{Files, Origin, nftables};
use zonec::verify::gateway::of_text;

fn main() {
    divan::main();
}

/// Small, fast, repeatable: xorshift64*.
struct Random(u64);

impl Random {
    fn below(&mut self, n: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) % n
    }
}

fn site(flows: u64, wide: bool) -> MemoryWorld {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut text = String::from("zonec: 1\nsite: { name: large, blueprint: dvs-2.0 }\nzones:\n");
    let (mut interfaces, mut components) = (String::new(), String::new());
    for zone in 0..8 {
        writeln!(text, "  z{zone}: {{ class: internal, addresses: [10.{zone}.0.0/16, fd00:{zone}::/64] }}").unwrap();
        write!(interfaces, "eth{zone}: z{zone}, ").unwrap();
        for host in 0..200 {
            let at = format!("{{ z{zone}: [10.{zone}.1.{host}, \"fd00:{zone}::{host}\"] }}");
            writeln!(components, "  h{zone}-{host}: {{ kind: app-server, at: {at} }}").unwrap();
        }
    }
    let interfaces = interfaces.trim_end_matches(", ");
    writeln!(text, "gateways:\n  pf: {{ interfaces: {{ {interfaces} }} }}\ncomponents:\n{components}flows:").unwrap();
    for flow in 0..flows {
        let from = random.below(8);
        let to = (from + 1 + random.below(7)) % 8;
        let (source, destination, port) = (random.below(200), random.below(200), 1 + random.below(60_000));
        let source = if wide && flow % 3 == 0 { format!("z{from}") } else { format!("h{from}-{source}") };
        let destination = if wide && flow % 3 == 1 { format!("z{to}") } else { format!("h{to}-{destination}") };
        let service = if wide { format!("{port}-{}/tcp", port + random.below(2_000)) } else { format!("{port}/tcp") };
        writeln!(text, "  f{flow}: {{ from: {source}, to: {destination}, service: {service} }}").unwrap();
    }
    let files = std::collections::BTreeMap::from([("site.yaml".to_owned(), text.into_bytes())]);
    MemoryWorld { files, as_of: Date::new(2026, 11, 24).unwrap(), main: "site.yaml".to_owned() }
}

fn compiled(flows: u64, wide: bool) -> (Site, GatewayPlan, String) {
    let world = site(flows, wide);
    let (site, _) = resolve(read_site(&world, &Limits::default()).documents, world.as_of);
    let site = site.unwrap();
    let plan = plan(&site, &Graphs::new(&site)).unwrap();
    let mut files = Files::default();
    nftables::emit(&plan, Origin { site: &site, digest: "", as_of: world.as_of }, &mut files).unwrap();
    let text = files.get("nftables/pf.nft").unwrap().to_owned();
    let gateway = plan.gateways.into_iter().next().unwrap();
    (site, gateway, text)
}

fn bench(bencher: Bencher, flows: u64, wide: bool) {
    let (site, gateway, text) = compiled(flows, wide);
    bencher.bench_local(|| {
        let proof = of_text(&site, &gateway, black_box(&text));
        assert!(proof.holds(), "{proof}");
    });
}

#[divan::bench(args = [100, 1_000, 10_000, 50_000], sample_count = 5)]
fn hosts(bencher: Bencher, flows: u64) {
    bench(bencher, flows, false);
}

#[divan::bench(args = [100, 1_000], sample_count = 5)]
fn wide(bencher: Bencher, flows: u64) {
    bench(bencher, flows, true);
}
