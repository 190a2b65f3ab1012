//! Our plan, our emitters and our reader against Cilium's own policy engine.
//!
//! Needs the program of tests/conformance/cilium-engine; `tests/conformance/run engine` builds it and runs these tests.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use support::engine::{Engine, Question, questions};
use support::judge::Judge;
use support::mutants::{mutants, sample};
use support::random::random_site;
use support::{Compiled, allow_all, both_dialects, day, examples, folder, with_cluster_network_policies};
use zonec::source::MemoryWorld;
use zonec::verify::cluster::{bounded, equal, facts, read};

fn borrowed(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
}

#[test]
#[ignore = "needs Cilium's policy engine: tests/conformance/run engine"]
fn the_engine_judges_as_plan_and_reader_do() {
    let mut engine = Engine::start();
    let mut asked = 0;
    for compiled in examples().iter().flat_map(|example| both_dialects(example)) {
        for plan in &compiled.plan.clusters {
            let mut facts = facts(&compiled.site, plan.cluster);
            // The engine is Cilium, whatever the cluster runs: blocks never mean nodes there.
            facts.cilium = true;
            let files = compiled.policies(&plan.name);
            let policies = read(borrowed(&files), &facts);
            assert!(equal(&compiled.site, plan, &policies, &facts).holds());
            let (questions, addresses) = questions(&compiled, &plan.name, &facts);
            let judge = Judge::new(&policies, &facts, &addresses);
            for local in [true, false] {
                engine.load(&facts, &files, &addresses, local).unwrap();
                for question in &questions {
                    let passes = engine.allows(&question.from, &question.to, question.protocol, question.port);
                    assert_eq!(passes, judge.allows(question), "{}: {question:?}", plan.name);
                    asked += 1;
                }
            }
        }
    }
    println!("{asked} verdicts agree");
    assert!(asked > 10_000);
}

#[test]
#[ignore = "needs Cilium's policy engine: tests/conformance/run engine"]
fn tenants_stay_inside_the_envelope_for_the_engine_too() {
    let mut engine = Engine::start();
    for compiled in examples().iter().flat_map(|example| both_dialects(example)) {
        for plan in &compiled.plan.clusters {
            let facts = facts(&compiled.site, plan.cluster);
            let mut files = compiled.policies(&plan.name);
            if !files.iter().any(|(_, text)| text.contains("kind: CiliumClusterwide") && text.contains("zc-guard")) {
                continue;
            }
            let (questions, addresses) = questions(&compiled, &plan.name, &facts);
            for namespace in &facts.namespaces {
                files.push(("tenant".to_owned(), allow_all(&namespace.name)));
            }
            let policies = read(borrowed(&files), &facts);
            let proof = zonec::verify::cluster::inside(&compiled.site, plan, &policies, &facts);
            assert!(proof.holds(), "{proof:#?}");
            let judge = Judge::new(&policies, &facts, &addresses);
            engine.load(&facts, &files, &addresses, true).unwrap();
            for question in &questions {
                let passes = engine.allows(&question.from, &question.to, question.protocol, question.port);
                assert_eq!(passes, judge.allows(question), "{}: {question:?}", plan.name);
            }
        }
    }
}

#[test]
#[ignore = "needs Cilium's policy engine: tests/conformance/run engine"]
fn the_engine_sees_mutants_as_the_reader_does() {
    let mut engine = Engine::start();
    let mut seen = 0;
    for compiled in examples().iter().map(|example| Compiled::of(&folder(example))) {
        for plan in &compiled.plan.clusters {
            let mut facts = facts(&compiled.site, plan.cluster);
            facts.cilium = true;
            let files = compiled.policies(&plan.name);
            let (questions, addresses) = questions(&compiled, &plan.name, &facts);
            for mutant in sample(mutants(&files), 3) {
                let (what, files) = (&mutant.what, mutant.files(&files));
                let policies = read(borrowed(&files), &facts);
                if !policies.unclear.is_empty() || engine.load(&facts, &files, &addresses, true).is_err() {
                    continue;
                }
                seen += 1;
                let judge = Judge::new(&policies, &facts, &addresses);
                for question in questions.iter().step_by(3) {
                    let passes = engine.allows(&question.from, &question.to, question.protocol, question.port);
                    assert_eq!(passes, judge.allows(question), "{}: {what}: {question:?}", plan.name);
                }
            }
        }
    }
    println!("{seen} mutants judged alike");
    assert!(seen >= 200);
}

#[test]
#[ignore = "needs Cilium's policy engine: tests/conformance/run engine"]
fn the_worked_example_has_its_verdicts() {
    let mut engine = Engine::start();
    let queries = std::fs::read_to_string("tests/conformance/worked-example/queries.txt").unwrap();
    let queries: Vec<Vec<&str>> =
        queries.lines().filter(|line| !line.starts_with('#')).map(|line| line.split_whitespace().collect()).collect();
    let end = |name: &str| match name {
        "host" | "remote-node" => format!("entity:{name}"),
        _ if name.contains('/') => name.to_owned(),
        _ => format!("ip:{name}"),
    };
    let compiled = Compiled::of(&folder("tests/conformance/worked-example"));
    let facts = facts(&compiled.site, compiled.plan.clusters[0].cluster);
    let files = compiled.policies("c1");
    let addresses: Vec<String> =
        ["203.0.113.10", "203.0.113.70", "198.51.100.1"].iter().map(|a| (*a).to_owned()).collect();
    engine.load(&facts, &files, &addresses, true).unwrap();
    let judge = Judge::new(&read(borrowed(&files), &facts), &facts, &addresses);
    for query in &queries {
        let [from, to, port, verdict] = query[..] else { panic!("{query:?}") };
        let (port, protocol) = port.split_once('/').unwrap();
        let protocol = if protocol == "tcp" { "TCP" } else { "UDP" };
        let question = Question { from: end(from), to: end(to), protocol, port: port.parse().unwrap() };
        let expected = verdict == "allow";
        assert_eq!(judge.allows(&question), expected, "reader: {query:?}");
        assert_eq!(engine.allows(&question.from, &question.to, protocol, question.port), expected, "engine: {query:?}");
    }
    assert_eq!(queries.len(), 21);
}

#[test]
#[ignore = "needs Cilium's policy engine: tests/conformance/run engine"]
fn the_engine_reads_cluster_network_policies_as_the_reader_does() {
    let mut engine = Engine::start();
    let compiled = Compiled::of(&with_cluster_network_policies());
    let plan = &compiled.plan.clusters[0];
    let mut facts = facts(&compiled.site, plan.cluster);
    facts.cilium = true;
    let (questions, addresses) = questions(&compiled, &plan.name, &facts);
    let mut files = compiled.policies(&plan.name);
    for tenants in [false, true] {
        if tenants {
            files.extend(facts.namespaces.iter().map(|n| ("tenant".to_owned(), allow_all(&n.name))));
        }
        let judge = Judge::new(&read(borrowed(&files), &facts), &facts, &addresses);
        engine.load(&facts, &files, &addresses, true).unwrap();
        for question in &questions {
            let passes = engine.allows(&question.from, &question.to, question.protocol, question.port);
            assert_eq!(passes, judge.allows(question), "tenants {tenants}: {question:?}");
        }
    }
}

#[test]
#[ignore = "needs Cilium's policy engine: tests/conformance/run engine"]
fn fifty_random_sites_hold_with_and_without_tenants() {
    let mut engine = Engine::start();
    let mut asked = 0;
    for seed in 1..=50 {
        let compiled = Compiled::of(&MemoryWorld::single(&random_site(seed), day()));
        let plan = &compiled.plan.clusters[0];
        let facts = facts(&compiled.site, plan.cluster);
        let mut files = compiled.policies(&plan.name);
        let proof = equal(&compiled.site, plan, &read(borrowed(&files), &facts), &facts);
        assert!(proof.holds(), "seed {seed}: {proof}");
        let (questions, addresses) = questions(&compiled, &plan.name, &facts);
        for tenants in [false, true] {
            if tenants {
                files.extend(facts.namespaces.iter().map(|n| ("tenant".to_owned(), allow_all(&n.name))));
                let proof = bounded(&compiled.site, plan, &read(borrowed(&files), &facts), &facts);
                assert!(proof.holds(), "seed {seed}: {proof}");
            }
            let judge = Judge::new(&read(borrowed(&files), &facts), &facts, &addresses);
            engine.load(&facts, &files, &addresses, true).unwrap();
            for question in questions.iter().step_by(7) {
                let passes = engine.allows(&question.from, &question.to, question.protocol, question.port);
                assert_eq!(passes, judge.allows(question), "seed {seed}, tenants {tenants}: {question:?}");
                asked += 1;
            }
        }
    }
    println!("{asked} verdicts agree");
}
