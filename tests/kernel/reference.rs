//! The hand-written ruleset `reference.nft`, its policy, and ways to spoil it.

use std::net::IpAddr;

use crate::policy::{Family, Hook, Interface, Permit, Policy, Range, Service, number};

pub const RULESET: &str = include_str!("reference.nft");

/// Spoilt rulesets: what is replaced by what. Each opens or closes something that no packet of the policy allows.
pub const MUTANTS: [(&str, &str); 15] = [
    ("10.2.0.10 . 10.1.0.0/16 . 443 : accept,", "10.2.0.10 . 10.1.0.0/16 . 443 : drop,"),
    ("10.1.9.0/28 . 444-1023", "10.1.9.0/28 . 444-1024"),
    ("10.2.0.11-10.2.0.255 . 10.1.9.0/28", "10.2.0.11-10.2.0.255 . 10.1.9.0/27"),
    ("10.2.0.10 . 10.1.9.0/28 . 1-79", "10.2.0.10 . 10.1.9.0/28 . 2-79"),
    ("tcp flags & (fin | syn | rst | ack) != syn drop", "continue"),
    ("meta l4proto { tcp, udp } th dport 53 accept", "th dport 53 accept; accept"),
    ("ip6 daddr 2001:db8:2::10 tcp dport { 80, 443 } accept", "meta nfproto ipv6 tcp dport { 80, 443 } accept"),
    ("icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept", "continue"),
    ("icmp type { destination-unreachable, time-exceeded, parameter-problem } accept", "meta l4proto 1 accept"),
    ("established : accept, related : goto related, invalid : drop, untracked : drop", "established : drop"),
    ("iifname \"eth1\" ip saddr 10.1.0.0/16 accept", "ip saddr 10.1.0.0/16 accept"),
    ("ip6 saddr { 2001:db8:1::1, 2001:db8:2::1 } drop", "continue"),
    ("ip daddr 10.1.0.1 tcp dport 22 accept", "tcp dport 22 accept"),
    ("oif \"lo\" accept", "accept"),
    ("icmp type echo-request accept", "meta l4proto icmp accept"),
];

fn range(text: &str) -> Range {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let parse = |part: &str| number(part.parse().expect("an address"));
    parse(first)..=parse(last)
}

fn permit(flow: &str, hook: Hook, way: [Option<usize>; 2], ends: [&str; 2], service: Service) -> Permit {
    let family = if ends[0].contains(':') { Family::V6 } else { Family::V4 };
    let [source, destination] = ends.map(|end| vec![range(end)]);
    Permit { flow: flow.into(), hook, input: way[0], output: way[1], family, source, destination, service }
}

/// What `reference.nft` must do.
pub fn policy() -> Policy {
    let interface = |name: &str, v4: &[&str], v6: &[&str], own: &[&str]| Interface {
        name: name.into(),
        sources: [v4, v6].map(|texts| texts.iter().map(|text| range(text)).collect()),
        own: own.iter().map(|text| text.parse().expect("an address")).collect(),
    };
    let interfaces = vec![
        interface(
            "eth0",
            &["1.0.0.0-9.255.255.255", "11.0.0.0-126.255.255.255"],
            &["2000::-2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::-3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
            &[],
        ),
        interface("eth1", &["10.1.0.0-10.1.255.255"], &[LAN6], &["10.1.0.1", "2001:db8:1::1"]),
        interface("eth2", &["10.2.0.0-10.2.0.255"], &[DMZ6], &["10.2.0.1", "2001:db8:2::1"]),
    ];
    let (lan_dmz, wan_dmz, dmz_wan) = ([Some(1), Some(2)], [Some(0), Some(2)], [Some(2), Some(0)]);
    let forward = |flow, way, ends, service| permit(flow, Hook::Forward, way, ends, service);
    let mut permits = vec![
        forward("admin", lan_dmz, ["10.1.9.0-10.1.9.15", "10.2.0.0-10.2.0.255"], Service::Tcp(1..=1023)),
        forward("ping", lan_dmz, ["10.1.0.0-10.1.255.255", "10.2.0.0-10.2.0.255"], Service::Icmp(8)),
        forward("ping", lan_dmz, [LAN6, DMZ6], Service::Icmp(128)),
        forward("dns", dmz_wan, ["10.2.0.0-10.2.0.255", "9.9.9.9"], Service::Tcp(53..=53)),
        forward("dns", dmz_wan, ["10.2.0.0-10.2.0.255", "9.9.9.9"], Service::Udp(53..=53)),
        forward("ipsec", dmz_wan, ["10.2.0.30", "9.9.9.9"], Service::Protocol(50)),
        permit("ssh", Hook::Input, [Some(1), None], ["10.1.9.0-10.1.9.15", "10.1.0.1"], Service::Tcp(22..=22)),
        permit("ntp", Hook::Output, [None, Some(2)], ["10.2.0.1", "10.2.0.20"], Service::Udp(123..=123)),
    ];
    for port in [80, 443] {
        let http = Service::Tcp(port..=port);
        permits.push(forward("web", lan_dmz, ["10.1.0.0-10.1.255.255", "10.2.0.10"], http.clone()));
        permits.push(forward("web", lan_dmz, [LAN6, "2001:db8:2::10"], http.clone()));
        permits.push(forward("web", wan_dmz, ["0.0.0.0-255.255.255.255", "10.2.0.10"], http.clone()));
        permits.push(forward("web", wan_dmz, ["::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db8:2::10"], http));
    }
    Policy { interfaces, permits }
}

/// Ports to pair them on.
pub const PORTS: [u16; 12] = [0, 1, 22, 53, 79, 80, 81, 442, 443, 444, 1023, 1024];

/// Hosts and gateway addresses to pair with each other.
pub fn hosts() -> Vec<IpAddr> {
    let texts = "10.1.0.1 10.1.9.0 10.1.9.15 10.1.9.16 10.2.0.1 10.2.0.10 10.2.0.20 10.2.0.30 9.9.9.9 8.8.8.8 \
                 2001:db8:1::1 2001:db8:1::5 2001:db8:2::10 2001:db8:2::11 2620:fe::9";
    texts.split_whitespace().map(|text| text.parse().expect("an address")).collect()
}

const LAN6: &str = "2001:db8:1::-2001:db8:1:ffff:ffff:ffff:ffff:ffff";
const DMZ6: &str = "2001:db8:2::-2001:db8:2:ffff:ffff:ffff:ffff:ffff";
