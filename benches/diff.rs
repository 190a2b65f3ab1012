//! How long the difference of two large sites takes: 20 000 flows against a copy with ten changes. `cargo bench --bench diff`.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

#[path = "../tests/support/large.rs"]
mod large;

use divan::{Bencher, black_box};
use large::Size;
use zonec::check::{Checked, check};
use zonec::diff::{Sides, diff};
use zonec::source::{Date, MemoryWorld};

fn main() {
    divan::main();
}

fn checked(text: &str) -> Checked {
    check(&MemoryWorld::single(text, Date::new(2026, 11, 24).unwrap()), false).unwrap()
}

#[divan::bench(args = [5_000, 20_000], sample_count = 5)]
fn ten_changes(bencher: Bencher, flows: usize) {
    let text = large::site(Size { zones: 500, components: 5_000, flows });
    let changed = (0..10).fold(text.clone(), |text, number| {
        let flow = number * 97;
        text.replace(
            &format!("service: {}/tcp, purpose: Fachverfahren {},", 1024 + flow, flow % 97),
            "service: 443/tcp, purpose: neu,",
        )
    });
    assert_ne!(text, changed);
    let (old, new) = (checked(&text), checked(&changed));
    bencher.bench(|| {
        let sides = Sides { old: (&old, old.model.as_ref().unwrap()), new: (&new, new.model.as_ref().unwrap()) };
        black_box(diff(sides).unwrap().changes.len())
    });
}
