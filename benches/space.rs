//! The six workloads of docs/decisions/0003-packet-space.md: how long a proof takes.
//!
//! One iteration is a whole proof as `compile` makes it: the set of the model, the set of the
//! artefact (the same boxes in another order, half of them split in two), their equality, and the
//! difference with a witness after one box is gone.
//!
//! `cargo bench --bench space`; divan's `--sample-count` and name filters apply.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

use divan::{Bencher, black_box};
use zonec::space::{AddressRange, Field, Hook, Interval, PacketBox, PacketSpace, Region, protocol};

fn main() {
    divan::main();
}

/// Small, fast, repeatable: xorshift64*.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: u64) -> u64 {
        (self.next() >> 11) % n
    }

    fn host(&mut self, bits: u32) -> u128 {
        let wide = u128::from(self.next()) << 64 | u128::from(self.next());
        if bits == 128 { wide } else { wide >> (128 - bits) }
    }
}

#[derive(Clone, Copy, Debug)]
enum Workload {
    Hosts,
    Cidr,
    Ranges,
    Wide,
    Zones,
    Stagger,
}

use Workload::{Cidr, Hosts, Ranges, Stagger, Wide, Zones};

fn prefix(random: &mut Random, bits: u32, shortest: u32, longest: u32) -> Interval {
    let length = shortest + random.below(u64::from(longest - shortest + 1)) as u32;
    let free = bits - length;
    let mask = if free == 0 { 0 } else { u128::MAX >> (128 - free) };
    let low = random.host(bits) & !mask;
    Interval::new(low, low | mask).unwrap()
}

fn range(random: &mut Random, top: u128, width: u64) -> Interval {
    let low = random.host(128) % (top + 1);
    let high = low.saturating_add(random.below(width).into()).min(top);
    Interval::new(low, high).unwrap()
}

/// Addresses and port of box `i` of `n`.
fn cell(workload: Workload, random: &mut Random, bits: u32, i: u64, n: u64) -> [Interval; 3] {
    let port = |random: &mut Random| Interval::point(8000 + random.below(20));
    match workload {
        Hosts => [Interval::point(random.host(bits)), Interval::point(random.host(bits)), port(random)],
        Cidr => [
            prefix(random, bits, if bits == 32 { 16 } else { 48 }, bits),
            prefix(random, bits, if bits == 32 { 16 } else { 48 }, bits),
            if random.below(4) == 0 { range(random, 65535, 2000) } else { port(random) },
        ],
        Ranges => {
            let top = u128::MAX >> (128 - bits);
            [range(random, top, 5000), range(random, top, 5000), range(random, 65535, 2000)]
        }
        Wide => [prefix(random, bits, 8, bits), prefix(random, bits, 8, bits), port(random)],
        Zones => {
            let host = |random: &mut Random| {
                let zone = u128::from(random.below(200));
                Interval::point((10 << (bits - 8)) + (zone << 16) + u128::from(random.below(50)))
            };
            [host(random), host(random), port(random)]
        }
        Stagger => {
            let part = |at: u64| Interval::new((at * 10).into(), ((at + n / 2) * 10).into()).unwrap();
            [part(i), part((i * 7919) % n), range(random, 65535, 2000)]
        }
    }
}

fn boxes(workload: Workload, bits: u32, n: u64) -> Vec<PacketBox> {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let all = if bits == 32 { AddressRange::ALL_V4 } else { AddressRange::ALL_V6 };
    let flow = PacketBox::any().hook(Hook::Forward).protocol(protocol::TCP);
    let flow = flow.source(all).and_then(|p| p.destination(all)).unwrap();
    let make = |i| {
        let [source, destination, port] = cell(workload, &mut random, bits, i, n);
        flow.with(Field::Source, source).with(Field::Destination, destination).destination_port(port)
    };
    (0..n).map(make).collect()
}

/// The same packets in another order, every second box in two parts.
fn rewritten(boxes: &[PacketBox]) -> Vec<PacketBox> {
    let mut random = Random(42);
    let mut parts = Vec::new();
    for (i, packets) in boxes.iter().enumerate() {
        let source = packets.interval(Field::Source);
        if i % 2 == 0 && source.lo() < source.hi() {
            let middle = source.lo() + (source.hi() - source.lo()) / 2;
            let low = Interval::new(source.lo(), middle).unwrap();
            let high = Interval::new(middle + 1, source.hi()).unwrap();
            parts.extend([packets.with(Field::Source, low), packets.with(Field::Source, high)]);
        } else {
            parts.push(*packets);
        }
    }
    for i in (1..parts.len()).rev() {
        parts.swap(i, random.below(i as u64 + 1) as usize);
    }
    parts
}

fn prove(model: &Region, artefact: &Region, smaller: &Region) {
    let mut space = PacketSpace::covering([model, artefact, smaller]).unwrap();
    let a = space.set(model).unwrap();
    let b = space.set(artefact).unwrap();
    assert_eq!(a, b);
    let c = space.set(smaller).unwrap();
    let missing = space.arena().difference(a, c);
    if let Some(packet) = space.witness(missing) {
        assert!(space.contains(a, &packet) && !space.contains(c, &packet));
    }
}

fn bench(bencher: Bencher, workload: Workload, bits: u32, n: u64) {
    let boxes = boxes(workload, bits, n);
    let artefact = rewritten(&boxes).into_iter().collect();
    let smaller = boxes.iter().skip(1).copied().collect();
    let model = boxes.into_iter().collect();
    bencher.bench_local(|| prove(black_box(&model), &artefact, &smaller));
}

#[divan::bench(args = [Hosts, Cidr, Ranges, Wide, Zones, Stagger])]
fn v4_1_000(bencher: Bencher, workload: Workload) {
    bench(bencher, workload, 32, 1_000);
}

#[divan::bench(args = [Hosts, Cidr, Ranges, Wide, Zones], sample_count = 3)]
fn v4_50_000(bencher: Bencher, workload: Workload) {
    bench(bencher, workload, 32, 50_000);
}

#[divan::bench(args = [Stagger], sample_count = 3)]
fn v4_3_000(bencher: Bencher, workload: Workload) {
    bench(bencher, workload, 32, 3_000);
}

#[divan::bench(args = [Hosts, Cidr, Zones], sample_count = 3)]
fn v6_50_000(bencher: Bencher, workload: Workload) {
    bench(bencher, workload, 128, 50_000);
}
