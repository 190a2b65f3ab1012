//! How long the policies of a large cluster take: `cargo bench --bench cluster`.
//!
//! Ten workloads per namespace, one flow each, `policy: cilium` with guardrails. *emit* is reading, resolving, planning and
//! writing the files; *prove* is reading the files back and comparing them with the plan. docs/performance.md has figures.
#![allow(clippy::unwrap_used, reason = "a benchmark fails by panicking")]

#[path = "../tests/support/crowd.rs"]
mod crowd;

use divan::{Bencher, black_box};
use zonec::graph::Graphs;
use zonec::model::{Site, resolve};
use zonec::plan::{Plan, plan};
use zonec::source::{Date, Limits, MemoryWorld};
use zonec::syntax::read_site;
use zonec::targets::{Files, cluster};
use zonec::verify::cluster::of_files;

const SIZES: [usize; 2] = [1_000, 10_000];

fn main() {
    divan::main();
}

fn compiled(text: &str) -> (Site, Plan, Files) {
    let world = MemoryWorld::single(text, Date::new(2026, 11, 24).unwrap());
    let (site, _) = resolve(read_site(&world, &Limits::default()).documents, world.as_of);
    let site = site.unwrap();
    let plan = plan(&site, &Graphs::new(&site)).unwrap();
    let mut files = Files::default();
    cluster::emit(&site, &plan, &mut files).unwrap();
    (site, plan, files)
}

fn emit(bencher: Bencher, pods: usize, mixed: bool) {
    let text = crowd::site(pods / crowd::PER_NAMESPACE, mixed);
    bencher.bench_local(|| black_box(compiled(black_box(&text)).2).is_empty());
}

fn prove(bencher: Bencher, pods: usize, mixed: bool) {
    let (site, plan, files) = compiled(&crowd::site(pods / crowd::PER_NAMESPACE, mixed));
    bencher.bench_local(|| {
        let proof = of_files(&site, &plan.clusters[0], black_box(&files).texts());
        assert!(proof.holds(), "{proof}");
    });
}

#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn emit_chain(bencher: Bencher, pods: usize) {
    emit(bencher, pods, false);
}

#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn emit_mixed(bencher: Bencher, pods: usize) {
    emit(bencher, pods, true);
}

#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn prove_chain(bencher: Bencher, pods: usize) {
    prove(bencher, pods, false);
}

#[divan::bench(args = SIZES, sample_count = 3, sample_size = 1)]
fn prove_mixed(bencher: Bencher, pods: usize) {
    prove(bencher, pods, true);
}
