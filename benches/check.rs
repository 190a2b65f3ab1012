//! How long a check of a large site takes, against all rules: `cargo bench --bench check`.
//!
//! The quadruple of flows must not cost much more than four times as much (docs/performance.md has figures).
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

#[path = "../tests/support/large.rs"]
mod large;

use divan::{Bencher, black_box};
use large::Size;
use zonec::check::check;
use zonec::source::{Date, MemoryWorld};

fn main() {
    divan::main();
}

#[divan::bench(args = [1_250, 5_000, 20_000], sample_count = 5)]
fn flows(bencher: Bencher, flows: usize) {
    let text = large::site(Size { zones: 500, components: 5_000, flows });
    let world = MemoryWorld::single(&text, Date::new(2026, 11, 24).unwrap());
    bencher.bench(|| black_box(check(&world, false).unwrap().findings.len()));
}
