//! `zonec diff`: nothing differs from itself, sides swap, what is only written otherwise moves no packet, a change says what it
//! opens and closes, and a revision of git reads like a folder.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use ipnet::IpNet;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;
use std::process::Command;
use zonec::check::{Checked, check};
use zonec::diff::{Change, Diff, Enforcer, Kind, Outcome, Rectangle, Row, Sides, diff};
use zonec::source::{Date, MemoryWorld};

const EXAMPLES: [&str; 4] = ["amt-fehlerstedt", "kommune-musterau", "kreis-it-auental", "zv-it-talwinkel"];

fn text(site: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(site).join("site.yaml"))
        .unwrap()
}

fn checked(text: &str) -> Checked {
    check(&MemoryWorld::single(text, Date::new(2026, 11, 24).unwrap()), false).unwrap()
}

fn compared<T>(old: &str, new: &str, judge: impl FnOnce(&Diff<'_>) -> T) -> T {
    let (old, new) = (checked(old), checked(new));
    let sides = Sides { old: (&old, old.model.as_ref().unwrap()), new: (&new, new.model.as_ref().unwrap()) };
    judge(&diff(sides).unwrap())
}

/// A small site; what is between the braces of `flows` is given.
fn site(flows: &str) -> String {
    format!(
        "zonec: 1\nsite: {{ name: s, blueprint: dvs-2.0 }}\nnetworks: {{ internet: {{ kind: internet }} }}\nzones:\n  \
         app: {{ class: external.app, addresses: [10.1.0.0/24, fd00:1::/64] }}\n  db: {{ class: external.db, addresses: [10.2.0.0/24, fd00:2::/64] }}\n\
         gateways:\n  pf: {{ interfaces: {{ a0: app, d0: db, w0: internet }} }}\ncomponents:\n  \
         web: {{ kind: app-server, at: {{ app: [10.1.0.4, 10.1.0.5] }} }}\n  pg: {{ kind: database, at: {{ db: [10.2.0.4] }} }}\n\
         groups:\n  servers: {{ members: [web] }}\nflows:\n{flows}"
    )
}

fn total(rows: &[Rectangle]) -> f64 {
    rows.iter().map(|row| row.combinations).sum()
}

#[test]
fn nothing_differs_from_itself() {
    for example in EXAMPLES {
        let text = text(example);
        compared(&text, &text, |diff| {
            assert!(
                diff.changes.is_empty() && diff.new_findings.is_empty() && diff.fixed_findings.is_empty(),
                "{example}"
            );
            if let Ok(enforcers) = &diff.enforcers {
                assert!(enforcers.iter().all(|enforcer| enforcer.outcome == Outcome::Same), "{example}");
            }
        });
    }
}

#[test]
fn what_is_only_written_otherwise_moves_no_packet() {
    let plain = site("  f: { from: web, to: pg, service: 8000-8009/tcp }\n");
    let others = [
        ("a group", "  f: { from: servers, to: pg, service: 8000-8009/tcp }\n"),
        ("two halves of a range", "  f: { from: web, to: pg, service: [8000-8004/tcp, 8005-8009/tcp] }\n"),
        (
            "two flows",
            "  f: { from: web, to: pg, service: 8000-8004/tcp }\n  g: { from: web, to: pg, service: 8005-8009/tcp }\n",
        ),
        ("another name", "  fluss: { from: web, to: pg, service: 8000-8009/tcp }\n"),
    ];
    for (what, flows) in others {
        compared(&plain, &site(flows), |diff| {
            assert!(diff.changes.iter().all(|change| change.kind == Kind::Rewritten), "{what}: {:#?}", diff.changes);
            let enforcers = diff.enforcers.as_ref().unwrap();
            assert!(enforcers.iter().all(|enforcer| enforcer.outcome != Outcome::Differs), "{what}: {enforcers:#?}");
        });
    }
    let halves = plain.replace("10.1.0.0/24,", "10.1.0.0/25, 10.1.0.128/25,");
    assert_ne!(plain, halves);
    compared(&plain, &halves, |diff| assert!(diff.changes.is_empty(), "{:#?}", diff.changes));
}

#[test]
fn a_change_says_what_it_opens_and_closes() {
    let old = site(
        "  a: { from: web, to: pg, service: 443/tcp }\n  b: { from: web, to: pg, service: 22/tcp }\n  c: { from: app, to: pg, service: 53/udp }\n",
    );
    let new = site(
        "  a: { from: web, to: pg, service: 443-444/tcp }\n  c: { from: web, to: pg, service: 53/udp }\n  d: { from: pg, to: web, service: icmp:echo-request }\n",
    );
    compared(&old, &new, |diff| {
        let kinds: Vec<(Kind, &str)> = diff.changes.iter().map(|change| (change.kind, change.flow.as_str())).collect();
        assert_eq!(kinds, [(Kind::Opened, "d"), (Kind::Widened, "a"), (Kind::Narrowed, "c"), (Kind::Closed, "b")]);
        let [d, a, c, b] = diff.changes.as_slice() else { panic!("four changes") };
        assert_eq!((total(&d.opened), total(&a.opened), total(&b.closed)), (2.0, 2.0, 2.0));
        // 256 sources in the zone, two of which stay.
        assert_eq!(total(&c.closed), 254.0);
        assert_eq!(a.opened[0].service, ["tcp/444"]);
        assert_eq!((a.opened[0].from.as_str(), a.opened[0].to.as_str()), ("web", "pg"));
        let pf = &diff.enforcers.as_ref().unwrap()[0];
        assert_eq!((pf.outcome, pf.flows.len()), (Outcome::Differs, 4));
        assert!(!pf.opened.is_empty() && !pf.closed.is_empty());
        assert!(
            pf.connections
                .iter()
                .any(|line| line == "conntrack -D -f ipv4 -p tcp -s 10.1.0.4/31 -d 10.2.0.4 --dport 22"),
            "{:?}",
            pf.connections
        );
    });
}

#[test]
fn an_unrelated_zone_takes_its_addresses_from_the_internet_and_nothing_else() {
    let plain = site("  out: { from: web, to: internet, service: https }\n");
    let more = plain.replace("zones:\n", "zones:\n  fremd: { class: internal, addresses: [198.51.100.0/24] }\n");
    compared(&plain, &more, |diff| {
        let [change] = diff.changes.as_slice() else { panic!("{:#?}", diff.changes) };
        assert_eq!((change.kind, change.flow.as_str(), total(&change.closed)), (Kind::Narrowed, "out", 512.0));
        assert_eq!(change.closed[0].destination, ["198.51.100.0/24"]);
    });
}

/// Two sites with flows of the same names and some differing services and ends.
fn flows() -> impl Strategy<Value = Flows> {
    prop::collection::btree_map("[a-f]", (0usize..4, 0usize..4, 1u16..6, 1u16..6), 0..5)
}

fn written(flows: &Flows) -> String {
    let ends = ["web", "pg", "app", "db"];
    let lines = flows.iter().map(|(name, (from, to, first, last))| {
        let (from, to) = (ends[*from], ends[*to]);
        format!("  {name}: {{ from: {from}, to: {to}, service: {}-{}/tcp }}\n", first.min(last), first.max(last))
    });
    let lines: String = lines.collect();
    site(if lines.is_empty() { "  {}\n" } else { &lines })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn swapping_the_sides_swaps_opened_and_closed(a in flows(), b in flows()) {
        let sums = |old: &str, new: &str| compared(old, new, |diff| {
            let opened: f64 = diff.changes.iter().map(|change| total(&change.opened)).sum();
            let closed: f64 = diff.changes.iter().map(|change| total(&change.closed)).sum();
            let gates: Vec<_> = diff.enforcers.iter().flatten().map(|e| (e.opened.clone(), e.closed.clone())).collect();
            (opened, closed, gates)
        });
        let (a, b) = (written(&a), written(&b));
        let (opened, closed, gates) = sums(&a, &b);
        let (back_opened, back_closed, back_gates) = sums(&b, &a);
        prop_assert_eq!((opened, closed), (back_closed, back_opened));
        let turned: Vec<_> = back_gates.into_iter().map(|(opened, closed)| (closed, opened)).collect();
        prop_assert_eq!(gates, turned);
    }
}

fn zonec(arguments: &[&str], folder: &Path) -> (i32, String) {
    let output = assert_cmd::Command::cargo_bin("zonec").unwrap().args(arguments).current_dir(folder).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
    (output.status.code().unwrap(), text)
}

#[test]
fn a_comment_fits_whatever_changed() {
    let folder = tempfile::tempdir().unwrap();
    let flow = |number: usize, service: &str| {
        format!("  f{number:03}-{}: {{ from: app, to: [pg, db, web], service: {service} }}\n", "x".repeat(50))
    };
    let services: String = (0..40).map(|port| format!("{}/tcp, ", 1000 + 7 * port)).collect();
    let lines = |service: &str| (0..150).map(|number| flow(number, service)).collect::<String>();
    std::fs::write(folder.path().join("old.yaml"), site(&lines("443/tcp"))).unwrap();
    std::fs::write(folder.path().join("new.yaml"), site(&lines(&format!("[{}]", services.trim_end_matches(", ")))))
        .unwrap();
    for lang in ["en", "de"] {
        let (status, text) = zonec(
            &["diff", "old.yaml", "new.yaml", "--as-of", "2026-11-24", "--format", "markdown", "--lang", lang],
            folder.path(),
        );
        assert_eq!(status, 1);
        assert!(text.starts_with("<!-- zonec:diff site=s v=1 -->\n") && text.contains('…'), "{text}");
        assert!(text.chars().count() < 65_536, "{}", text.chars().count());
        assert!(text.trim_end().ends_with("--as-of 2026-11-24`"), "the end is there");
    }
}

#[test]
fn a_revision_of_git_is_read_like_a_folder() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    let git = |arguments: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "init.defaultBranch=main"];
        let done = Command::new("git").args(identity).args(arguments).current_dir(root).output();
        let done = done.expect("this test needs git");
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    std::fs::create_dir_all(root.join("zonen/flows")).unwrap();
    let head = site("  a: { from: web, to: pg, service: 443/tcp }\n");
    std::fs::write(root.join("zonen/site.yaml"), format!("{head}include: [flows/*.yaml]\n")).unwrap();
    std::fs::write(root.join("zonen/flows/b.yaml"), "flows:\n  b: { from: web, to: pg, service: 22/tcp }\n").unwrap();
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "first"]);
    let day = ["--as-of", "2026-11-24"];
    let run = |old: &str, new: &str| zonec(&["diff", old, new, day[0], day[1]], root);
    assert_eq!(run("zonen@HEAD", "zonen").0, 0, "{}", run("zonen@HEAD", "zonen").1);
    std::fs::write(root.join("zonen/flows/b.yaml"), "flows:\n  b: { from: web, to: pg, service: 23/tcp }\n").unwrap();
    let (status, text) = run("zonen@HEAD", "zonen");
    assert_eq!(status, 1);
    assert!(text.contains("± moved") && text.contains("tcp/23") && text.contains("tcp/22"), "{text}");
    assert_eq!(run("zonen/site.yaml@HEAD", "zonen@HEAD").0, 0);
    for wrong in ["zonen@nirgends", "woanders@HEAD", "zonen@--all"] {
        let (status, text) = run(wrong, "zonen");
        assert_eq!(status, 2, "{wrong}: {text}");
    }
}

/// Flows of the generated sites: name → ends and ports.
type Flows = BTreeMap<String, (usize, usize, u16, u16)>;

/// One address of each sort: of each component, beside them in its zone, in both families, outside.
const ADDRESSES: [&str; 8] =
    ["10.1.0.4", "10.1.0.5", "10.1.0.6", "10.2.0.4", "10.2.0.9", "fd00:1::7", "fd00:2::7", "192.0.2.1"];

/// Whether flows allow a packet, read off the texts of [`site`]; `filtered`: only what goes through the packet filter.
fn allows(flows: &Flows, filtered: bool, [from, to]: [IpAddr; 2], port: u16) -> bool {
    let holds = |net: &str, address| net.parse::<IpNet>().unwrap().contains(&address);
    let zone = |end: usize, address| match end {
        0 => ["10.1.0.4/32", "10.1.0.5/32"].iter().any(|net| holds(net, address)),
        1 => holds("10.2.0.4/32", address),
        2 => holds("10.1.0.0/24", address) || holds("fd00:1::/64", address),
        _ => holds("10.2.0.0/24", address) || holds("fd00:2::/64", address),
    };
    from.is_ipv4() == to.is_ipv4()
        && !(filtered && zone(2, from) == zone(2, to))
        && flows.values().filter(|(source, destination, ..)| source != destination || *source > 1).any(
            |(source, destination, a, b)| {
                zone(*source, from) && zone(*destination, to) && (*a.min(b)..=*a.max(b)).contains(&port)
            },
        )
}

/// How many rows a packet is in: sources, destinations and services as they are shown.
fn rows_with<'a>(rows: impl Iterator<Item = [&'a [String]; 3]>, [from, to]: [IpAddr; 2], port: u16) -> usize {
    // A single address stands without its length.
    let holds = |net: &String, address: IpAddr| match net.parse::<IpNet>() {
        Ok(net) => net.contains(&address),
        Err(_) => net.parse::<IpAddr>().unwrap() == address,
    };
    let among = |nets: &[String], address: IpAddr| nets.iter().any(|net| holds(net, address));
    let served = |services: &[String]| {
        services.iter().any(|service| {
            let ports = service.strip_prefix("tcp/").unwrap();
            let (first, last) = ports.split_once('-').unwrap_or((ports, ports));
            (first.parse().unwrap()..=last.parse().unwrap()).contains(&port)
        })
    };
    rows.filter(|[source, destination, service]| among(source, from) && among(destination, to) && served(service))
        .count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_difference_is_that_of_all_packets_one_by_one(old in flows(), new in flows()) {
        let addresses = ADDRESSES.map(|address| address.parse::<IpAddr>().unwrap());
        compared(&written(&old), &written(&new), |diff| {
            let enforcers = diff.enforcers.as_ref().unwrap();
            let pairs = addresses.iter().flat_map(|from| addresses.iter().map(|to| [*from, *to]));
            for (ends, port) in pairs.flat_map(|ends| (0..8).map(move |port| (ends, port))) {
                let judged = |filtered| [&old, &new].map(|flows| allows(flows, filtered, ends, port));
                let gate = |rows: fn(&Enforcer) -> &Vec<Row>| {
                    let rows = enforcers.iter().flat_map(rows);
                    rows_with(rows.map(|row| [&row.source[..], &row.destination, &row.service]), ends, port)
                };
                let whole = |rows: fn(&Change) -> &Vec<Rectangle>| {
                    let rows = diff.changes.iter().flat_map(rows);
                    rows_with(rows.map(|row| [&row.source[..], &row.destination, &row.service]), ends, port)
                };
                let wanted = |filtered| match judged(filtered) {
                    [false, true] => [1, 0],
                    [true, false] => [0, 1],
                    _ => [0, 0],
                };
                let found = [gate(|enforcer| &enforcer.opened), gate(|enforcer| &enforcer.closed)];
                assert_eq!(found, wanted(true), "at the gateway: {ends:?} {port}");
                let found = [whole(|change| &change.opened), whole(|change| &change.closed)];
                assert_eq!(found, wanted(false), "end to end: {ends:?} {port}");
            }
        });
    }
}

#[test]
fn what_is_beyond_the_head_of_a_packet_is_told_with_its_flow() {
    let flow = |more: &str| site(&format!("  f: {{ from: web, to: pg, service: 8080/tcp{more} }}\n"));
    compared(&flow(""), &flow(", log: new"), |diff| {
        let kinds: Vec<Kind> = diff.changes.iter().map(|change| change.kind).collect();
        let enforcers: Vec<_> =
            diff.enforcers.iter().flatten().map(|e| (e.name.as_str(), e.outcome, e.flows.as_slice())).collect();
        assert_eq!((kinds, enforcers), (vec![], vec![("pf", Outcome::Equal, &["f".to_owned()][..])]));
    });
    let http = |method: &str| format!(", http: [{{ method: {method}, path: /a }}]");
    let fqdn = |name: &str| format!(", fqdn: {name}");
    for (old, new) in [(http("GET"), http("POST")), (fqdn("a.example"), fqdn("b.example"))] {
        compared(&flow(&old), &flow(&new), |diff| {
            let [change] = diff.changes.as_slice() else { panic!("{:#?}", diff.changes) };
            let [before, after] = change.conditions.as_ref().unwrap();
            assert_eq!((change.kind, total(&change.opened), total(&change.closed)), (Kind::Moved, 0.0, 0.0), "{new}");
            let words = |text: &str| ["GET", "POST", "a.example", "b.example"].map(|word| text.contains(word));
            assert_eq!((words(before), words(after)), (words(&old), words(&new)), "{before} / {after}");
        });
    }
}

#[test]
fn a_comment_tells_findings_and_deviations_that_end() {
    let folder = tempfile::tempdir().unwrap();
    let until = |day: &str| {
        format!(
            "  f: {{ from: web, to: pg, service: 8080/tcp }}\ndeviations:\n  ABW-1: {{ rules: [ZM-ZON-02], objects: [s], reason: r, owner: o, \
             risk: r, kind: exception, measures: [m], requested-on: 2026-01-01, approvals: [{{ body: architekturboard, ref: r, on: 2026-01-02 }}], \
             valid-from: 2026-01-03, valid-until: {day} }}\n"
        )
    };
    let write = |name: &str, text: String| std::fs::write(folder.path().join(name), text).unwrap();
    write("old.yaml", site(&until("2027-11-30")));
    write("soon.yaml", site(&until("2026-12-24")));
    write(
        "worse.yaml",
        site(&until("2027-11-30")).replace("flows:\n", "flows:\n  g: { from: internet, to: pg, service: 5432/tcp }\n"),
    );
    let run = |new: &str, lang| {
        let options = ["--as-of", "2026-11-24", "--format", "markdown", "--lang", lang];
        zonec(&[&["diff", "old.yaml", new][..], &options].concat(), folder.path())
    };
    for (lang, ends, finding) in
        [("en", "ends in 30 days", "New: ZM-ACC-03 (MUSS)"), ("de", "endet in 30 Tagen", "Neu: ZM-ACC-03 (MUSS)")]
    {
        let (status, text) = run("soon.yaml", lang);
        assert!(status == 1 && text.contains(&format!("**ABW-1 {ends}** (2026-12-24)")), "{text}");
        let (status, text) = run("worse.yaml", lang);
        assert!(status == 1 && text.contains(finding) && !text.contains(ends), "{text}");
        // Where addresses are many, the name says it.
        assert!(text.contains("`worse.yaml:15`") && text.contains("+ `internet` → `10.2.0.4` `tcp/5432`"), "{text}");
    }
}
