//! `zonec trace` for any pair of addresses, of the site or not, against what the flows say and against the rulesets that were
//! written: every verdict at a gateway is the one that the ruleset, read back, gives for that packet.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use serde_json::Value;
use std::collections::BTreeMap;
use std::net::IpAddr;
use zonec::check::{Checked, check};
use zonec::claims::{Pods, claims};
use zonec::compile::enforced;
use zonec::graph::Hook;
use zonec::model::{End, Ranges, ServiceMatch};
use zonec::plan::GatewayPlan;
use zonec::query::owners;
use zonec::readers::nftables::{Program, text};
use zonec::source::{Date, MemoryWorld};
use zonec::space::{CtState, Interfaces, Packet, PacketSpace, Upper};
use zonec::syntax::service::Transport;
use zonec::trace::{Enforcer, Question, Remark, Verdict, gateway_plan, trace};

const SITE: &str = "\
zonec: 1
site: { name: s, blueprint: dvs-2.0 }
networks: { internet: { kind: internet }, partner: { kind: partner, addresses: [203.0.113.0/24] } }
zones:
  app: { class: external.app, addresses: [10.1.0.0/24, fd00:1::/64] }
  db: { class: external.db, addresses: [10.2.0.0/24] }
gateways:
  pf: { interfaces: { a0: { segment: app, addresses: [10.1.0.1, 'fd00:1::1'] }, d0: { segment: db, addresses: [10.2.0.1] }, w0: internet, p0: partner } }
components:
  waf: { kind: waf, at: { app: [10.1.0.4, 'fd00:1::4'] } }
  pg: { kind: database, at: { db: [10.2.0.4] } }
flows:
  web: { from: internet, to: waf, service: 443/tcp }
  data: { from: waf, to: pg, service: 5432/tcp }
  all: { from: app, to: db, service: 22/tcp }
  own: { from: waf, to: pf, service: 443/tcp }
";

/// Hosts, a host that no component is, the gateway, a broadcast address, both kinds of outside, and what no router passes on.
const ADDRESSES: [&str; 17] = [
    "10.1.0.4",
    "10.1.0.9",
    "10.1.0.1",
    "10.2.0.4",
    "10.2.0.1",
    "10.2.0.255",
    "198.51.100.9",
    "203.0.113.7",
    "10.99.0.1",
    "127.0.0.1",
    "169.254.1.1",
    "224.0.0.5",
    "255.255.255.255",
    "0.0.0.0",
    "240.0.0.1",
    "fd00:1::4",
    "fe80::1",
];
const PORTS: [u16; 3] = [443, 5432, 22];

fn site() -> Checked {
    check(&MemoryWorld::single(SITE, Date::new(2026, 11, 24).unwrap()), false).unwrap()
}

/// What the ruleset of a gateway, read back, does with a new connection.
struct Judge {
    program: Program,
    interfaces: Interfaces,
}

impl Judge {
    fn new(ruleset: &str) -> Self {
        let ruleset = text::parse(ruleset).unwrap();
        let mut interfaces = Interfaces::new();
        Program::name_interfaces(&ruleset, &mut interfaces);
        Self { program: Program::new(&ruleset, &interfaces), interfaces }
    }

    fn accepts(&mut self, packets: &[Packet]) -> Vec<bool> {
        let mut space = PacketSpace::covering(self.program.regions()).unwrap();
        let fates = self.program.evaluate(&mut space).unwrap();
        packets.iter().map(|packet| space.lookup(fates.accepted, packet).is_some()).collect()
    }

    fn packet(&self, plan: &GatewayPlan, hook: Hook, at: [Option<usize>; 2], ends: [IpAddr; 2], port: u16) -> Packet {
        let number = |index: Option<usize>| {
            let name = &plan.interfaces.get(index?)?.name;
            self.interfaces.find(name)
        };
        let hook = match hook {
            Hook::Forward => zonec::space::Hook::Forward,
            Hook::Input => zonec::space::Hook::Input,
            Hook::Output => zonec::space::Hook::Output,
        };
        Packet {
            hook,
            input: number(at[0]),
            output: number(at[1]),
            state: CtState::New,
            source: ends[0],
            destination: ends[1],
            upper: Upper::Tcp { source: 49_152, destination: port, opening: true },
        }
    }
}

#[test]
fn every_pair_of_addresses_gets_the_verdict_of_flows_and_rulesets() {
    let checked = site();
    let model = checked.model.as_ref().unwrap_or_else(|| panic!("{:?}", checked.findings));
    let site = &model.site;
    let (plan, files) = enforced(&checked, model).unwrap();
    let mut judge = Judge::new(files.get("nftables/pf.nft").unwrap());
    let pods = Pods::selectable([site]);
    let allowed = claims(site, &model.graphs, &pods);
    let number = |address: IpAddr| match address {
        IpAddr::V4(address) => (0, u128::from(u32::from(address))),
        IpAddr::V6(address) => (1, u128::from(address)),
    };
    let said = |from: IpAddr, to: IpAddr, port: u16| {
        let ((family, from), (other, to)) = (number(from), number(to));
        let point = [family, from, other, to, 6, u128::from(port)];
        allowed.values().flat_map(|flow| &flow.boxes).any(|claim| claim.iter().zip(point).all(|(i, v)| i.contains(v)))
    };
    let internet =
        site.networks.iter().find(|(_, network)| network.is_internet()).map(|(id, _)| End::Network(id)).unwrap();
    let owner = |address| owners(site, address).into_iter().find_map(|owner| owner.end);
    let (mut asked, mut packets, mut verdicts) = (0, Vec::new(), BTreeMap::new());
    for from in ADDRESSES.map(|text| text.parse::<IpAddr>().unwrap()) {
        for to in ADDRESSES
            .map(|text| text.parse::<IpAddr>().unwrap())
            .into_iter()
            .filter(|to| *to != from && to.is_ipv4() == from.is_ipv4())
        {
            for port in PORTS {
                let question = Question {
                    from: owner(from).unwrap_or(internet),
                    to: owner(to),
                    source: Some(from),
                    destination: Some(to),
                    service: ServiceMatch::Ports(Transport::Tcp, Ranges::new([(port, port)])),
                };
                let answer = trace(site, &model.graphs, &plan, &question);
                asked += 1;
                *verdicts.entry(answer.remark.map(Remark::word)).or_insert(0) += 1;
                let what = format!("{from} -> {to} {port}: {answer:?}");
                // Nobody passes on a broadcast; and what a zone's prefix holds of the gateway does not stand behind it.
                let itself = ["10.1.0.1", "10.2.0.1"].contains(&from.to_string().as_str());
                let passes_on = !itself && !["10.2.0.255", "10.2.0.1"].contains(&to.to_string().as_str());
                if !matches!(answer.remark, Some(Remark::Neighbours(_))) {
                    assert_eq!(answer.is_allowed(), said(from, to, port) && passes_on, "{what}");
                }
                for hop in &answer.hops {
                    let (gateway, hook, at) = match hop.at {
                        Enforcer::Gateway { gateway, hook, input, output } => (gateway, hook, [input, output]),
                        // Wherever else it would go, the check comes before.
                        Enforcer::SourceCheck { gateway } => (
                            gateway,
                            Hook::Input,
                            [site.gateways[gateway].interfaces.iter().position(|i| i.name == "w0"), None],
                        ),
                        Enforcer::Cluster { .. } => panic!("there is no cluster"),
                    };
                    let held = gateway_plan(&plan, gateway).unwrap();
                    packets.push((
                        judge.packet(held, hook, at, [from, to], port),
                        matches!(hop.verdict, Verdict::Passes(_)),
                        what.clone(),
                    ));
                }
            }
        }
    }
    let list: Vec<Packet> = packets.iter().map(|(packet, ..)| *packet).collect();
    for ((_, passes, what), accepted) in packets.iter().zip(judge.accepts(&list)) {
        assert_eq!(*passes, accepted, "{what}");
    }
    assert!(asked > 600 && list.len() > 400, "{asked} {}", list.len());
    for remark in ["spoofed", "no-route", "not-forwarded", "neighbours"] {
        assert!(verdicts.get(&Some(remark)).is_some_and(|count| *count > 0), "no {remark}: {verdicts:?}");
    }
}

fn zonec(arguments: &[&str]) -> (i32, String) {
    let mut command = assert_cmd::Command::cargo_bin("zonec").unwrap();
    let output =
        command.args(["trace", "-", "--as-of", "2026-11-24"]).args(arguments).write_stdin(SITE).output().unwrap();
    (output.status.code().unwrap(), String::from_utf8(output.stdout).unwrap())
}

#[test]
fn an_address_of_nobody_is_explained() {
    let (status, text) = zonec(&["--src", "10.99.0.1", "--dst", "10.1.0.4", "--port", "https"]);
    assert_eq!(status, 1);
    for part in [
        "private, of nothing in the site",
        "component waf",
        "a_local, nftables/pf.nft:",
        "source check",
        "Nearest  web:",
        "differs in source",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (status, text) = zonec(&["--from", "waf", "--dst", "10.99.0.1", "--port", "443/tcp", "--lang", "de"]);
    assert!(status == 1 && text.contains("keine Route") && text.contains("gehört zu nichts"), "{text}");
    let (status, text) = zonec(&["--src", "10.1.0.4", "--dst", "10.1.0.9", "--port", "22/tcp", "--format", "json"]);
    let value: Value = serde_json::from_str(&text).unwrap();
    assert_eq!((status, &value["verdict"], &value["remark"]), (0, &"allow".into(), &"neighbours".into()));
    assert_eq!(value["destination"]["owners"][0]["name"], "app");
}
