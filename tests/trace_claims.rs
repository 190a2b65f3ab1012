//! `trace` follows a packet through what is enforced, `claims` (which `diff`, `query` and policy tests use) says what flows let
//! through. They have to agree about every packet.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "support/dice.rs"]
mod dice;
mod support;

use dice::Dice;
use std::collections::BTreeSet;
use support::random::random_site;
use support::{day, folder};
use zonec::check::check;
use zonec::claims::{Claim, FlowClaims, PODS, Pods, claims};
use zonec::graph::Graphs;
use zonec::model::{Addresses, End, Ranges, ServiceMatch, Site, resolve};
use zonec::plan::{Plan, plan};
use zonec::source::{Limits, MemoryWorld};
use zonec::space::Interval;
use zonec::syntax::read_site;
use zonec::syntax::service::Transport;
use zonec::trace::{Question, Remark, Trace, Verdict, trace};

const MESH: &str = include_str!("clusters/mesh.yaml");
const SMALL: &str = include_str!("clusters/small.yaml");

/// A site with everything that both sides need.
struct Court {
    site: Site,
    graphs: Graphs,
    plan: Plan,
    pods: Pods,
    allowed: Vec<Claim>,
}

impl Court {
    fn new(world: &MemoryWorld) -> Self {
        let (site, findings) = resolve(read_site(world, &Limits::default()).documents, world.as_of);
        let site = site.unwrap_or_else(|| panic!("{findings:#?}"));
        let graphs = Graphs::new(&site);
        let plan = plan(&site, &graphs).unwrap();
        let pods = Pods::selectable([&site]);
        let allowed = claims(&site, &graphs, &pods).into_values().flat_map(|flow: FlowClaims| flow.boxes).collect();
        Self { site, graphs, plan, pods, allowed }
    }

    fn trace(&self, from: End, to: End, service: &ServiceMatch) -> Trace {
        let question = Question { from, to: Some(to), source: None, destination: None, service: service.clone() };
        trace(&self.site, &self.graphs, &self.plan, &question)
    }

    /// Every end that flows can name.
    fn ends(&self) -> Vec<End> {
        let site = &self.site;
        let components = site.components.ids().map(End::Component);
        let places = site.segments.ids().map(End::Segment).chain(site.networks.ids().map(End::Network));
        let others = site.gateways.ids().map(End::Gateway).chain(site.namespaces.ids().map(End::Namespace));
        components.chain(places).chain(others).collect()
    }

    /// Every service of a flow at its edges and beside them, and the name service.
    fn services(&self) -> Vec<ServiceMatch> {
        let mut found = BTreeSet::new();
        for service in self.site.flows.values().flat_map(|flow| &flow.matches) {
            match service {
                ServiceMatch::Ports(transport, ports) => {
                    for (first, last) in ports.intervals() {
                        for port in [first.saturating_sub(1).max(1), *first, *last, last.saturating_add(1)] {
                            found.insert(one(*transport, port));
                        }
                    }
                }
                other => drop(found.insert(other.clone())),
            }
        }
        found.extend([one(Transport::Udp, 53), one(Transport::Tcp, 53), ServiceMatch::Icmp(8)]);
        found.into_iter().collect()
    }

    /// Whether flows let a traced packet through, whichever pods the ends stand for.
    fn claimed(&self, from: End, to: End, service: &ServiceMatch, trace: &Trace) -> bool {
        let side = |end, address: Option<std::net::IpAddr>| -> Vec<(u128, u128)> {
            let pods = self.pods.of(&self.site, end);
            if pods.is_empty() {
                return match address.unwrap() {
                    std::net::IpAddr::V4(address) => vec![(0, address.to_bits().into())],
                    std::net::IpAddr::V6(address) => vec![(1, address.to_bits())],
                };
            }
            pods.iter().flat_map(|numbers| numbers.lo()..=numbers.hi()).map(|number| (PODS, number)).collect()
        };
        let (protocol, detail) = match service {
            ServiceMatch::Ports(transport, ports) => (transport.number(), ports.first().unwrap()),
            ServiceMatch::Icmp(kind) => (1, u16::from(*kind)),
            ServiceMatch::Icmpv6(kind) => (58, u16::from(*kind)),
            ServiceMatch::Protocol(number) => (*number, 0),
            ServiceMatch::Any => panic!("any"),
        };
        let (sources, destinations) = (side(from, trace.source), side(to, trace.destination));
        sources.iter().all(|source| {
            destinations.iter().all(|destination| {
                let packet = [source.0, source.1, destination.0, destination.1, protocol.into(), detail.into()];
                let holds = |claim: &Claim| claim.iter().zip(packet).all(|(field, value)| within(*field, value));
                self.allowed.iter().any(holds)
            })
        })
    }

    /// Whether packets of pods carry this address outside their cluster.
    fn is_shared(&self, address: Option<std::net::IpAddr>) -> bool {
        let clusters = self.site.clusters.values();
        let all = clusters.fold(Addresses::default(), |all, one| all.union(&one.nodes()).union(&one.pods));
        let all = self.site.components.values().fold(all, |all, one| all.union(&one.egress_addresses));
        address.is_some_and(|address| all.contains(address))
    }
}

fn one(transport: Transport, port: u16) -> ServiceMatch {
    ServiceMatch::Ports(transport, Ranges::new([(port, port)]))
}

fn within(field: Interval, value: u128) -> bool {
    (field.lo()..=field.hi()).contains(&value)
}

/// Compares both for as many drawn packets, and for those of every flow. Returns how many were let through and how many not.
fn compare(name: &str, court: &Court, draws: usize) -> (usize, usize) {
    let (ends, services) = (court.ends(), court.services());
    let mut dice = Dice(draws as u64);
    let drawn: Vec<(End, End, ServiceMatch)> =
        (0..draws).map(|_| (*dice.pick(&ends), *dice.pick(&ends), dice.pick(&services).clone())).collect();
    let of_flows = court.site.flows.values().flat_map(|flow| {
        let pairs = flow.from.iter().flat_map(|from| flow.to.iter().map(move |to| (from.end, to.end)));
        pairs.flat_map(|(from, to)| flow.matches.iter().map(move |service| (from, to, narrowed(service))))
    });
    let (mut passed, mut stopped) = (0, 0);
    for (from, to, service) in drawn.into_iter().chain(of_flows).filter(|(from, to, _)| from != to) {
        let trace = court.trace(from, to, &service);
        let site = &court.site;
        let asked = || format!("{name}: {} -> {} {service}: {trace:#?}", site.end_name(from), site.end_name(to));
        let knows = |end, address: Option<std::net::IpAddr>| site.cluster_of(end).is_some() || address.is_some();
        if !knows(from, trace.source) || !knows(to, trace.destination) {
            assert!(!trace.is_allowed(), "{}", asked());
            stopped += 1;
            continue;
        }
        // What stands before flows: the source check, broadcasts, hosts that something else keeps apart.
        if !matches!(trace.remark, Some(Remark::Spoofed | Remark::NotForwarded | Remark::Isolated(_))) {
            assert_eq!(court.claimed(from, to, &service, &trace), trace.release.is_some(), "{}", asked());
        }
        if trace.remark == Some(Remark::Unreleased) {
            // Only where nothing enforces, or where somebody else carries the same address.
            let open = trace.hops.iter().any(|hop| hop.verdict == Verdict::Open);
            assert!(open || court.is_shared(trace.source), "{}", asked());
        }
        if trace.release.is_some() { passed += 1 } else { stopped += 1 }
    }
    (passed, stopped)
}

/// One packet of a service.
fn narrowed(service: &ServiceMatch) -> ServiceMatch {
    match service {
        ServiceMatch::Ports(transport, ports) => one(*transport, ports.first().unwrap()),
        other => other.clone(),
    }
}

#[test]
fn trace_and_claims_agree_about_drawn_packets_of_every_example() {
    let mut sites: Vec<(String, MemoryWorld)> = std::fs::read_dir("examples")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir())
        .map(|path| (path.display().to_string(), folder(path.to_str().unwrap())))
        .collect();
    sites.sort_by(|a, b| a.0.cmp(&b.0));
    sites.push(("worked example".to_owned(), folder("tests/conformance/worked-example")));
    sites.push(("mesh".to_owned(), MemoryWorld::single(MESH, day())));
    for (name, text) in [
        ("small", SMALL.to_owned()),
        ("small by nodes", SMALL.replace("ingress-source: preserved", "ingress-source: nodes")),
        ("small by pods", SMALL.replace("egress: nodes", "egress: pods")),
        ("small with another port", SMALL.replace("    dns: {}\n", "    dns: { ports: [5353/udp] }\n")),
    ] {
        sites.push((name.to_owned(), MemoryWorld::single(&text, day())));
    }
    sites.extend((1..=20).map(|seed| (format!("random {seed}"), MemoryWorld::single(&random_site(seed), day()))));
    let (mut passed, mut stopped) = (0, 0);
    for (name, world) in &sites {
        // Sites with defects are not planned; there is nothing to follow a packet through.
        if name.contains("fehlerstedt") && !check(world, false).unwrap().is_releasable() {
            continue;
        }
        let court = Court::new(world);
        let (more, less) = compare(name, &court, 2_000);
        println!("{name}: {more} allowed, {less} not");
        (passed, stopped) = (passed + more, stopped + less);
    }
    assert!(passed > 1_000 && stopped > 20_000, "{passed} allowed, {stopped} not");
}
