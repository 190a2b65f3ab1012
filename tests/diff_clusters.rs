//! `zonec diff` of clusters against brute force: the policies of both sites are written, read back by the readers, and asked for
//! every pod, peer and port. What `diff` says of the plans has to be what the written policies do.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use zonec::check::{Checked, check};
use zonec::compile::enforced;
use zonec::diff::{Enforcer, Kind, Outcome, Row, Sides, diff};
use zonec::readers::cluster::Policies;
use zonec::readers::cluster::evaluate::Verdicts;
use zonec::readers::cluster::facts::{ClusterFacts, PodFacts};
use zonec::readers::cluster::ports::{Transport, ports};
use zonec::readers::cluster::rule::Direction;
use zonec::readers::cluster::universe::Universe;
use zonec::source::{Date, MemoryWorld};
use zonec::targets::Files;
use zonec::verify::cluster::{facts, read};

/// A cluster with two namespaces, workloads of which one may carry all labels of another, and hosts outside.
fn site(policy: &str, labels: &str, flows: &str) -> String {
    format!(
        "zonec: 1\nsite: {{ name: s, blueprint: dvs-2.0 }}\nnetworks: {{ internet: {{ kind: internet }} }}\nzones:\n  \
         app: {{ class: external.app, addresses: [10.1.0.0/24] }}\n  db: {{ class: external.db, addresses: [10.2.0.0/24] }}\n\
         gateways:\n  pf: {{ interfaces: {{ a0: app, d0: db, w0: internet }} }}\nclusters:\n  k:\n    zone: app\n    policy: {policy}\n    \
         egress: nodes\n    ingress-source: preserved\n    pods: [10.64.0.0/16]\n    dns: {{}}\n    \
         node-pools: {{ w: {{ segment: app, role: worker, addresses: [10.1.0.11, 10.1.0.12] }} }}\n    \
         namespaces: {{ kube-system: {{ system: true }}, shop: {{}}, pay: {{}} }}\ngroups:\n  both: {{ members: [cart, till] }}\ncomponents:\n  \
         cart: {{ kind: workload, in: k/shop, pods: {{ app: shop }}, at: {{ app: [10.1.0.40] }} }}\n  \
         till: {{ kind: workload, in: k/shop, pods: {labels} }}\n  \
         pay: {{ kind: workload, in: k/pay, pods: {{ app: pay }} }}\n  pg: {{ kind: database, at: {{ db: [10.2.0.4] }} }}\n  \
         mq: {{ kind: message-broker, at: {{ db: [10.2.0.5] }} }}\nflows:\n{flows}"
    )
}

const ENDS: [&str; 8] = ["cart", "till", "pay", "pg", "mq", "k/shop", "k/pay", "db"];
const LABELS: [&str; 3] = ["{ app: shop, tier: till }", "{ app: till }", "{ app: shop }"];
/// Ports that flows use, and one more. There is no port 0.
const PORTS: std::ops::Range<u16> = 1..8;

/// Hosts outside: two that flows name, one of the same segment, one of the Internet.
const OUTSIDE: [&str; 4] = ["10.2.0.4", "10.2.0.5", "10.2.0.6", "198.51.100.7"];

type Flows = BTreeMap<String, (usize, usize, u16, u16)>;

fn flows() -> impl Strategy<Value = Flows> {
    prop::collection::btree_map("[a-f]", (0..ENDS.len(), 0..ENDS.len(), 1u16..7, 1u16..7), 1..5)
}

fn written(flows: &Flows) -> String {
    let line = |(name, (from, to, a, b)): (&String, &(usize, usize, u16, u16))| {
        let (from, to) = (ENDS[*from], ENDS[*to]);
        (from != to)
            .then(|| format!("  {name}: {{ from: {from}, to: {to}, service: {}-{}/tcp }}\n", a.min(b), a.max(b)))
    };
    let lines: String = flows.iter().filter_map(line).collect();
    if lines.is_empty() { "  {}\n".to_owned() } else { lines }
}

fn checked(text: &str) -> Checked {
    check(&MemoryWorld::single(text, Date::new(2026, 11, 24).unwrap()), false).unwrap()
}

/// The written policies of a site, or nothing when it has a flow that cannot be enforced.
fn files(checked: &Checked) -> Option<Files> {
    enforced(checked, checked.model.as_ref()?).ok().map(|(_, files)| files)
}

fn cluster(checked: &Checked) -> ClusterFacts {
    let site = &checked.model.as_ref().unwrap().site;
    facts(site, site.clusters.ids().next().unwrap())
}

/// The cluster with the pods of both sites, named after their labels, so that both number them alike.
fn pods_of_both(old: &ClusterFacts, new: &ClusterFacts) -> ClusterFacts {
    let mut all = new.clone();
    for namespace in &mut all.namespaces {
        let old = old.namespaces.iter().find(|other| other.name == namespace.name);
        let pods = old.into_iter().flat_map(|old| &old.pods).chain(&namespace.pods);
        let labels: BTreeSet<_> = pods.map(|pod| pod.labels.clone()).collect();
        let pod = |labels| PodFacts { name: format!("{labels:?}"), labels, ..PodFacts::default() };
        namespace.pods = labels.into_iter().map(pod).collect();
    }
    all
}

/// What `diff` calls a pod: as the last site calls it, with its labels where two are called so.
fn path(universe: &Universe, sides: [&Checked; 2], number: u32) -> String {
    let (namespace, pod) = universe.pod(number).unwrap();
    let mut names: BTreeMap<BTreeMap<String, String>, String> = BTreeMap::from([(BTreeMap::new(), "*".to_owned())]);
    for checked in sides {
        let site = &checked.model.as_ref().unwrap().site;
        let here = site
            .components
            .values()
            .filter(|component| component.namespace.is_some_and(|id| site.namespaces[id].name == namespace.name));
        names.extend(here.map(|component| (component.pod_labels(), component.name.clone())));
    }
    let Some(name) = names.get(&pod.labels) else { return format!("k/{}/?", namespace.name) };
    if names.values().filter(|other| *other == name).count() == 1 {
        return format!("k/{}/{name}", namespace.name);
    }
    let labels: Vec<String> = pod.labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    format!("k/{}/{name}{{{}}}", namespace.name, labels.join(","))
}

/// Everything that one side lets through: (side, from, to, port) in the words of `diff`.
fn tried(
    files: &Files,
    facts: &ClusterFacts,
    universe: &Universe,
    sides: [&Checked; 2],
) -> BTreeSet<(String, String, String, u16)> {
    let policies = policies(files, facts);
    let verdicts = Verdicts::of(&policies, universe);
    let mut peers: Vec<(u32, String)> =
        universe.all_pods().numbers().map(|number| (number, path(universe, sides, number))).collect();
    for address in OUTSIDE {
        peers.push((universe.address(address.parse::<IpAddr>().unwrap()).unwrap(), address.to_owned()));
    }
    let mut found = BTreeSet::new();
    for pod in universe.own_pods().numbers() {
        let own = path(universe, sides, pod);
        // zonec leaves this namespace alone.
        if own.starts_with("k/kube-system/") {
            continue;
        }
        for (direction, side) in [(Direction::Egress, "egress"), (Direction::Ingress, "ingress")] {
            for (number, peer) in &peers {
                let open = verdicts.reach(pod, direction).ports(*number);
                for port in PORTS.filter(|port| open.contains(ports(Transport::Tcp, *port, *port).first().unwrap())) {
                    let (from, to) = if side == "egress" { (&own, peer) } else { (peer, &own) };
                    found.insert((side.to_owned(), from.clone(), to.clone(), port));
                }
            }
        }
    }
    found
}

fn policies(files: &Files, facts: &ClusterFacts) -> Policies {
    let policies = read(files.texts().filter(|(path, _)| !path.starts_with("nftables")), facts);
    assert!(policies.unclear.is_empty(), "{:?}", policies.unclear);
    policies
}

fn holds(row: &Row, side: &str, from: &str, to: &str, port: u16) -> bool {
    let address = |name: &String, wanted: &str| match (name.parse::<ipnet::IpNet>(), wanted.parse::<IpAddr>()) {
        (Ok(net), Ok(address)) => net.contains(&address),
        _ => name.parse::<IpAddr>().ok().zip(wanted.parse().ok()).is_some_and(|(a, b): (IpAddr, IpAddr)| a == b),
    };
    let has = |list: &[String], wanted: &str| list.iter().any(|name| name == wanted || address(name, wanted));
    let service = |text: &String| {
        let (protocol, ports) = text.split_once('/').unwrap();
        let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
        protocol == "tcp" && (first.parse::<u16>().unwrap()..=last.parse().unwrap()).contains(&port)
    };
    row.at == side && has(&row.source, from) && has(&row.destination, to) && row.service.iter().any(service)
}

/// Compares two sites both ways; gives what `diff` says of the cluster. `None` when one cannot be enforced.
fn judged(old: &str, new: &str) -> Option<Enforcer> {
    let (old, new) = (checked(old), checked(new));
    let (old_files, new_files) = (files(&old)?, files(&new)?);
    let both = pods_of_both(&cluster(&old), &cluster(&new));
    let prefixes = [&old_files, &new_files].map(|files| policies(files, &both).prefixes().collect::<Vec<_>>());
    let probed = OUTSIDE.map(|address| address.parse::<IpAddr>().unwrap().into());
    let universe = Universe::new(&both, prefixes.into_iter().flatten().chain(probed));
    let sides = [&old, &new];
    let [before, after] = [&old_files, &new_files].map(|files| tried(files, &both, &universe, sides));
    let models = Sides { old: (&old, old.model.as_ref()?), new: (&new, new.model.as_ref()?) };
    let found = diff(models).unwrap();
    let enforcer = found.enforcers.as_ref().unwrap().iter().find(|enforcer| enforcer.name == "k").unwrap().clone();
    for (side, from, to, port) in before.union(&after) {
        let point = (side.clone(), from.clone(), to.clone(), *port);
        let (was, is) = (before.contains(&point), after.contains(&point));
        let count = |rows: &[Row]| rows.iter().filter(|row| holds(row, side, from, to, *port)).count();
        assert_eq!(count(&enforcer.opened), usize::from(is && !was), "opened {point:?}: {enforcer:#?}");
        assert_eq!(count(&enforcer.closed), usize::from(was && !is), "closed {point:?}: {enforcer:#?}");
    }
    let moved = !enforcer.opened.is_empty() || !enforcer.closed.is_empty();
    assert_eq!(enforcer.outcome == Outcome::Differs, moved, "{enforcer:#?}");
    // A row that no probe meets would be about packets that nothing treats otherwise.
    for (rows, more, less) in [(&enforcer.opened, &after, &before), (&enforcer.closed, &before, &after)] {
        for row in rows {
            let met = more.difference(less).any(|(side, from, to, port)| holds(row, side, from, to, *port));
            assert!(met, "{row:?}");
        }
    }
    Some(enforcer)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_cluster_differs_where_its_written_policies_do(
        (a, b) in (flows(), flows()),
        (policy, before, after) in (prop::bool::ANY, 0..LABELS.len(), 0..LABELS.len()),
    ) {
        let policy = if policy { "cilium" } else { "kubernetes" };
        let texts = [(&a, before), (&b, after)].map(|(flows, labels)| site(policy, LABELS[labels], &written(flows)));
        judged(&texts[0], &texts[1]);
    }
}

#[test]
fn what_is_only_written_otherwise_moves_no_packet_in_a_cluster() {
    let plain =
        "  f: { from: [cart, till], to: pg, service: 1-6/tcp }\n  g: { from: cart, to: pay, service: 1-6/tcp }\n";
    let others = [
        ("a group", plain.replace("[cart, till]", "both")),
        (
            "two flows",
            plain.replace("f: { from: [cart, till]", "h: { from: till, to: pg, service: 1-6/tcp }\n  f: { from: cart"),
        ),
        ("two halves of a range", plain.replace("1-6/tcp", "[1-3/tcp, 4-6/tcp]")),
        (
            "a range in two flows",
            plain.replace(
                "to: pay, service: 1-6/tcp }",
                "to: pay, service: 1-3/tcp }\n  h: { from: cart, to: pay, service: 4-6/tcp }",
            ),
        ),
        ("another name", plain.replace("  g:", "  gruppe:")),
        ("what another flow covers", format!("{plain}  h: {{ from: till, to: pg, service: 2/tcp }}\n")),
    ];
    for policy in ["cilium", "kubernetes"] {
        let old = site(policy, LABELS[1], plain);
        for (what, flows) in &others {
            let enforcer = judged(&old, &site(policy, LABELS[1], flows)).unwrap();
            assert!(matches!(enforcer.outcome, Outcome::Equal | Outcome::Same), "{what}: {enforcer:#?}");
            assert_eq!(enforcer.outcome == Outcome::Same, enforcer.flows.is_empty(), "{what}");
        }
        let renamed = old.replace("till", "kasse").replace("app: kasse", "app: till");
        assert_eq!(judged(&old, &renamed).unwrap().outcome, Outcome::Equal, "a component of another name");
        let database = old.replace("10.2.0.4]", "10.2.0.4/31]").replace("10.2.0.5]", "10.2.0.9]");
        let halves = database.replace("10.2.0.4/31", "10.2.0.4, 10.2.0.5");
        assert_eq!(judged(&database, &halves).unwrap().outcome, Outcome::Same, "{policy}: a prefix in two halves");
        assert_eq!(judged(&old, &old).unwrap().outcome, Outcome::Same);
    }
}

fn compared<T>(old: &str, new: &str, look: impl FnOnce(&zonec::diff::Diff<'_>) -> T) -> T {
    let (old, new) = (checked(old), checked(new));
    let models = Sides { old: (&old, old.model.as_ref().unwrap()), new: (&new, new.model.as_ref().unwrap()) };
    look(&diff(models).unwrap())
}

#[test]
fn a_workload_that_comes_to_carry_the_labels_of_another_gets_its_rights() {
    let flows = "  f: { from: cart, to: pg, service: 5/tcp }\n";
    let (old, new) = (site("cilium", LABELS[1], flows), site("cilium", LABELS[0], flows));
    assert_eq!(judged(&old, &new).unwrap().outcome, Outcome::Same, "the policies are as they were");
    compared(&old, &new, |diff| {
        let [change] = diff.changes.as_slice() else { panic!("{:#?}", diff.changes) };
        assert_eq!((change.kind, change.opened[0].source.as_slice()), (Kind::Widened, &["k/shop/till".to_owned()][..]));
    });
    let flows = "  f: { from: till, to: pg, service: 5/tcp }\n";
    let (old, new) = (site("cilium", LABELS[1], flows), site("cilium", LABELS[0], flows));
    let enforcer = judged(&old, &new).unwrap();
    assert_eq!(enforcer.outcome, Outcome::Differs, "the policy selects other pods");
    compared(&old, &new, |diff| assert!(diff.changes.is_empty(), "{:#?}", diff.changes));
}

#[test]
fn a_namespace_that_is_left_alone_is_open() {
    let flows = "  f: { from: cart, to: pg, service: 5/tcp }\n";
    let old = site("cilium", LABELS[1], flows);
    let new = old.replace("pay: {}", "pay: { system: true }");
    assert_ne!(old, new);
    compared(&old, &new, |diff| {
        let enforcers = diff.enforcers.as_ref().unwrap();
        let enforcer = enforcers.iter().find(|enforcer| enforcer.name == "k").unwrap();
        assert_eq!(enforcer.outcome, Outcome::Differs);
        let opened = |row: &Row| row.flow == "000-unmanaged" && row.service == ["any"];
        assert!(enforcer.opened.iter().any(opened), "{enforcer:#?}");
    });
}
