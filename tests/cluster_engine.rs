//! Our plan, our emitters and our reader against Cilium's own policy engine.
//!
//! Needs the program of tests/conformance/cilium-engine; `tests/conformance/run engine` builds it and runs these tests.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::collections::BTreeSet;
use support::bounds::may_be_open;
use support::crowd::site;
use support::engine::{Engine, Question, question_of, questions};
use support::judge::Judge;
use support::mutants::{mutants, same_verdicts, sample};
use support::random::random_site;
use support::{
    Compiled, allow_all, allow_all_by_cilium, both_dialects, day, examples, folder, mesh, small,
    with_cluster_network_policies,
};
use zonec::readers::cluster::witness::with_witnesses;
use zonec::source::MemoryWorld;
use zonec::targets::cluster::Capabilities;
use zonec::targets::cluster::policy_map::largest;
use zonec::verify::cluster::{bounded, equal, facts, read};

/// Every example in both dialects, a small cluster with its name service, two clusters of one mesh.
fn all_sites() -> impl Iterator<Item = Compiled> {
    let examples: Vec<Compiled> = examples().iter().flat_map(|example| both_dialects(example)).collect();
    examples.into_iter().chain([small(), mesh()])
}

fn borrowed(files: &[(String, String)]) -> impl Iterator<Item = (&str, &str)> {
    files.iter().map(|(path, text)| (path.as_str(), text.as_str()))
}

#[test]
#[ignore = "needs Cilium's policy engine: tests/conformance/run engine"]
fn the_engine_judges_as_plan_and_reader_do() {
    let mut engine = Engine::start();
    let mut asked = 0;
    for compiled in all_sites() {
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
    let (mut guarded, mut opened, mut closed) = (0, 0, 0);
    for compiled in all_sites() {
        for plan in &compiled.plan.clusters {
            let facts = facts(&compiled.site, plan.cluster);
            let mut files = compiled.policies(&plan.name);
            if !files.iter().any(|(_, text)| text.contains("kind: CiliumClusterwide") && text.contains("zc-guard")) {
                continue;
            }
            let (questions, addresses) = questions(&compiled, &plan.name, &facts);
            for namespace in facts.namespaces.iter().filter(|namespace| namespace.cluster == facts.name) {
                files.push(("tenant".to_owned(), allow_all(&namespace.name)));
                files.push(("tenant".to_owned(), allow_all_by_cilium(&namespace.name)));
            }
            let policies = read(borrowed(&files), &facts);
            let proof = bounded(&compiled.site, plan, &policies, &facts);
            assert!(proof.holds(), "{proof:#?}");
            guarded += 1;
            let judge = Judge::new(&policies, &facts, &addresses);
            engine.load(&facts, &files, &addresses, true).unwrap();
            for question in &questions {
                let passes = engine.allows(&question.from, &question.to, question.protocol, question.port);
                assert_eq!(passes, judge.allows(question), "{}: {question:?}", plan.name);
                let may = may_be_open(&compiled, plan, question);
                assert!(may || !passes, "{}: a tenant opens {question:?}", plan.name);
                opened += usize::from(passes);
                closed += usize::from(!may);
            }
        }
    }
    println!("{guarded} clusters hold with tenants' policies: {opened} connections opened, {closed} kept shut");
    assert!(guarded >= 10 && opened > 1_000 && closed > 1_000, "{guarded} {opened} {closed}");
}

/// The addresses among the ends of some questions.
fn addresses_of<'q>(questions: impl IntoIterator<Item = &'q Question>) -> Vec<String> {
    let ends = questions.into_iter().flat_map(|question| [&question.from, &question.to]);
    let found: BTreeSet<String> = ends.filter_map(|end| end.strip_prefix("ip:")).map(str::to_owned).collect();
    found.into_iter().collect()
}

#[test]
#[ignore = "needs Cilium's policy engine: tests/conformance/run engine"]
fn the_engine_confirms_what_the_proof_finds_in_mutants() {
    let mut engine = Engine::start();
    let (mut confirmed, mut kinds) = (0, BTreeSet::new());
    for compiled in all_sites() {
        for plan in &compiled.plan.clusters {
            let mut facts = facts(&compiled.site, plan.cluster);
            // The engine is Cilium, whatever the cluster runs: blocks never mean nodes there.
            facts.cilium = true;
            let files = compiled.policies(&plan.name);
            for mutant in sample(mutants(&files), 4) {
                let changed = mutant.files(&files);
                let policies = read(borrowed(&changed), &facts);
                let proof = equal(&compiled.site, plan, &policies, &facts);
                let asked = proof.differences.iter().filter(|found| !found.tenant);
                let asked: Vec<_> = asked.filter_map(|found| Some((found, question_of(found)?))).collect();
                if !proof.unclear.is_empty() || asked.is_empty() {
                    continue;
                }
                let addresses = addresses_of(asked.iter().map(|(_, question)| question));
                let facts = with_witnesses(&facts, &policies).unwrap();
                engine.load(&facts, &changed, &addresses, true).unwrap();
                for (found, question) in &asked {
                    let passes = engine.side(question, found.side);
                    assert_eq!(passes, Some(!found.model), "{}: {}: {found:?}", plan.name, mutant.what);
                }
                confirmed += 1;
                kinds.insert(mutant.kind);
            }
        }
    }
    println!("{confirmed} mutants confirmed: {kinds:?}");
    assert!(confirmed >= 200 && kinds.len() >= 8, "{confirmed}: {kinds:?}");
}

#[test]
#[ignore = "needs Cilium's policy engine: tests/conformance/run engine"]
fn the_engine_sees_no_difference_where_the_proof_sees_none() {
    let mut engine = Engine::start();
    let mut seen = 0;
    for compiled in examples().iter().map(|example| Compiled::of(&folder(example))) {
        for plan in &compiled.plan.clusters {
            let mut facts = facts(&compiled.site, plan.cluster);
            facts.cilium = true;
            let files = compiled.policies(&plan.name);
            let (questions, addresses) = questions(&compiled, &plan.name, &facts);
            let judge = Judge::new(&read(borrowed(&files), &facts), &facts, &addresses);
            for mutant in sample(mutants(&files), 6) {
                let changed = mutant.files(&files);
                if !same_verdicts(&compiled, plan, &files, &changed) {
                    continue;
                }
                engine.load(&facts, &changed, &addresses, true).unwrap();
                for question in questions.iter().step_by(5) {
                    let passes = engine.allows(&question.from, &question.to, question.protocol, question.port);
                    assert_eq!(passes, judge.allows(question), "{}: {}: {question:?}", plan.name, mutant.what);
                }
                seen += 1;
            }
        }
    }
    println!("{seen} mutants change nothing for the engine either");
    assert!(seen > 10);
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
    assert_eq!(queries.len(), 21);
    for world in [folder("tests/conformance/worked-example"), with_cluster_network_policies()] {
        let compiled = Compiled::of(&world);
        let mut facts = facts(&compiled.site, compiled.plan.clusters[0].cluster);
        let by_blocks = !facts.cilium;
        facts.cilium = true;
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
            assert_eq!(judge.allows(&question), expected, "reader, blocks {by_blocks}: {query:?}");
            let passes = engine.allows(&question.from, &question.to, protocol, question.port);
            assert_eq!(passes, expected, "engine, blocks {by_blocks}: {query:?}");
        }
    }
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
                files.extend(facts.namespaces.iter().map(|n| ("tenant".to_owned(), allow_all_by_cilium(&n.name))));
                let proof = bounded(&compiled.site, plan, &read(borrowed(&files), &facts), &facts);
                assert!(proof.holds(), "seed {seed}: {proof}");
            }
            let judge = Judge::new(&read(borrowed(&files), &facts), &facts, &addresses);
            engine.load(&facts, &files, &addresses, true).unwrap();
            for question in questions.iter().step_by(7) {
                let passes = engine.allows(&question.from, &question.to, question.protocol, question.port);
                assert_eq!(passes, judge.allows(question), "seed {seed}, tenants {tenants}: {question:?}");
                assert!(!passes || may_be_open(&compiled, plan, question), "seed {seed}: a tenant opens {question:?}");
                asked += 1;
            }
        }
    }
    println!("{asked} verdicts agree");
}

#[test]
#[ignore = "needs Cilium's policy engine: tests/conformance/run engine"]
fn clusters_of_one_mesh_mean_the_same_under_both_readings_of_selectors() {
    let mut engine = Engine::start();
    let compiled = mesh();
    let (mut asked, mut crossing) = (0, 0);
    for plan in &compiled.plan.clusters {
        let facts = facts(&compiled.site, plan.cluster);
        let (questions, addresses) = questions(&compiled, &plan.name, &facts);
        let mut files = compiled.policies(&plan.name);
        for tenants in [false, true] {
            if tenants {
                let own = facts.namespaces.iter().filter(|namespace| namespace.cluster == facts.name);
                files.extend(own.map(|namespace| ("tenant".to_owned(), allow_all_by_cilium(&namespace.name))));
            }
            let mut answers: Vec<Vec<bool>> = Vec::new();
            for local in [true, false] {
                let mut facts = facts.clone();
                facts.local_by_default = local;
                let judge = Judge::new(&read(borrowed(&files), &facts), &facts, &addresses);
                engine.load(&facts, &files, &addresses, local).unwrap();
                let mut found = Vec::new();
                for question in &questions {
                    let passes = engine.allows(&question.from, &question.to, question.protocol, question.port);
                    let what = || format!("{}, local {local}, tenants {tenants}: {question:?}", plan.name);
                    assert_eq!(passes, judge.allows(question), "{}", what());
                    assert!(!passes || may_be_open(&compiled, plan, question), "{}", what());
                    found.push(passes);
                    asked += 1;
                    crossing += usize::from(
                        passes
                            && (question.from.starts_with("east:")
                                || question.from.starts_with("west:")
                                || question.to.starts_with("east:")
                                || question.to.starts_with("west:")),
                    );
                }
                answers.push(found);
            }
            assert!(tenants || answers.windows(2).all(|pair| pair[0] == pair[1]), "{}", plan.name);
        }
    }
    println!("{asked} verdicts agree, {crossing} connections cross clusters");
    assert!(asked > 4_000 && crossing > 10);
}

#[test]
#[ignore = "needs Cilium's policy engine: tests/conformance/run engine"]
fn no_pod_takes_more_of_the_policy_map_than_was_estimated() {
    let mut engine = Engine::start();
    let large = Compiled::of(&MemoryWorld::single(&site(30, true), day()));
    let mut close = 0;
    for compiled in all_sites().chain([large]) {
        for plan in &compiled.plan.clusters {
            let facts = facts(&compiled.site, plan.cluster);
            let capabilities = Capabilities::of(&compiled.site.clusters[plan.cluster]).unwrap();
            let Some(estimated) = largest(&compiled.site, plan, &capabilities) else { continue };
            let files = compiled.policies(&plan.name);
            let policies = read(borrowed(&files), &facts);
            // An identity for every prefix, as an agent has.
            let outside: BTreeSet<String> = policies.prefixes().map(|prefix| prefix.network().to_string()).collect();
            let outside: Vec<String> = outside.into_iter().collect();
            engine.load(&facts, &files, &outside, true).unwrap();
            let own = facts.namespaces.iter().filter(|namespace| namespace.cluster == facts.name);
            let pods = own.flat_map(|n| n.pods.iter().map(move |pod| format!("{}/{}", n.name, pod.name)));
            let most = pods.map(|pod| engine.entries(&pod)).max().unwrap_or_default();
            println!("{}: {most} entries, estimated {}", plan.name, estimated.entries);
            assert!(most <= estimated.entries, "{}", plan.name);
            close += usize::from(estimated.entries <= most * 3 / 2);
        }
    }
    assert!(close >= 5, "{close} estimates are close");
}
