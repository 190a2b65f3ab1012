//! Which packets to try: all pairs of given addresses, and random ones at the edges of every constant of the policy.

use std::net::IpAddr;

use crate::dice::Dice;
use crate::judge::Case;
use crate::packet::{Packet, Transport, flags};
use crate::policy::{self, FAMILIES, Family, Hook, Permit, Place, Policy, Range, Service, address, family, number};

/// TCP segments that are no opening SYN.
const STRAY: [u8; 6] =
    [flags::ACK, flags::SYN | flags::ACK, flags::FIN | flags::ACK, flags::RST, 0, flags::FIN | flags::PSH | flags::URG];

/// Every ordered pair of these addresses, from the interface where the first belongs, on these services and as
/// TCP and UDP on every port.
pub fn pairs(policy: &Policy, addresses: &[IpAddr], ports: &[u16]) -> Vec<Case> {
    let mut cases = Vec::new();
    for &source in addresses {
        let from = policy.route(source);
        for &destination in addresses {
            if family(source) != family(destination) || policy.route(destination) == from {
                continue;
            }
            let mut add = |transport| {
                cases.push(Case { from, packet: Packet::new(source, destination, transport) });
            };
            for &dport in ports {
                let sport = 40_000 + dport % 20_000;
                add(Transport::Tcp { sport, dport, flags: flags::SYN });
                add(Transport::Udp { sport, dport });
            }
            let kind = if source.is_ipv4() { 8 } else { 128 };
            add(Transport::Icmp { kind, code: 0, id: 7 });
        }
    }
    cases
}

/// Random probes, most of them next to what the policy allows.
pub struct Generator<'a> {
    policy: &'a Policy,
    pool: [Vec<u128>; 2],
    ports: Vec<u16>,
    dice: Dice,
}

impl<'a> Generator<'a> {
    pub fn new(policy: &'a Policy, seed: u64) -> Self {
        Generator { policy, pool: FAMILIES.map(|family| pool(policy, family)), ports: ports(policy), dice: Dice(seed) }
    }

    pub fn cases(&mut self, count: usize) -> Vec<Case> {
        (0..count).map(|n| self.case(n)).collect()
    }

    fn case(&mut self, n: usize) -> Case {
        let permit = (!self.policy.permits.is_empty() && self.dice.chance(80))
            .then(|| self.dice.pick(&self.policy.permits).clone());
        let family = permit.as_ref().map_or_else(|| *self.dice.pick(&FAMILIES), |permit| permit.family);
        let at_host = |hook| permit.as_ref().is_some_and(|permit| permit.hook == hook);
        let (from_host, to_host) = (at_host(Hook::Output), at_host(Hook::Input));
        let source = self.end(family, permit.as_ref().map(|permit| &permit.source), from_host);
        let destination = self.end(family, permit.as_ref().map(|permit| &permit.destination), to_host);
        let (source, destination) = if self.dice.chance(4) { (destination, source) } else { (source, destination) };
        let (family, source, destination) =
            if self.dice.chance(6) { self.other_family(source, destination) } else { (family, source, destination) };
        let transport = self.transport(family, permit.as_ref(), n);
        let from = self.place(source);
        let mut packet = Packet::new(source, destination, transport);
        packet.fragmented = from != Place::Host && self.dice.chance(6);
        packet.options = family == Family::V6 && !packet.fragmented && self.dice.chance(6);
        packet.authenticated = family == Family::V6 && !packet.fragmented && self.dice.chance(4);
        Case { from, packet }
    }

    /// One end of the packet; where the gateway itself is meant, often another address of its own.
    fn end(&mut self, family: Family, ranges: Option<&Vec<Range>>, host: bool) -> IpAddr {
        let own = self.policy.interfaces.iter().flat_map(|interface| &interface.own);
        let own: Vec<IpAddr> = own.copied().filter(|own| policy::family(*own) == family).collect();
        if host && !own.is_empty() && self.dice.chance(40) {
            return *self.dice.pick(&own);
        }
        self.endpoint(family, ranges)
    }

    /// The same places in the other family; or IPv4 ends as IPv4-mapped IPv6 addresses.
    fn other_family(&mut self, source: IpAddr, destination: IpAddr) -> (Family, IpAddr, IpAddr) {
        if let (IpAddr::V4(from), IpAddr::V4(to)) = (source, destination)
            && self.dice.chance(30)
        {
            return (Family::V6, from.to_ipv6_mapped().into(), to.to_ipv6_mapped().into());
        }
        let other = if source.is_ipv4() { Family::V6 } else { Family::V4 };
        let [source, destination] = [source, destination].map(|end| {
            let interface = match self.policy.route(end) {
                Place::Interface(at) => at,
                Place::Host => self.dice.below(self.policy.interfaces.len()),
            };
            let ranges = self.policy.interfaces[interface].sources[other as usize].clone();
            self.endpoint(other, Some(&ranges))
        });
        (other, source, destination)
    }

    /// An end of the permit, one beside it, a constant of the policy inside it, or sometimes any constant.
    fn endpoint(&mut self, family: Family, ranges: Option<&Vec<Range>>) -> IpAddr {
        let chosen = match ranges {
            Some(ranges) if !ranges.is_empty() && self.dice.chance(85) => {
                let range = self.dice.pick(ranges).clone();
                let (first, last) = (*range.start(), *range.end());
                let pool = &self.pool[family as usize];
                let from = pool.partition_point(|number| *number < first);
                let inside = &pool[from..pool.partition_point(|number| *number <= last)];
                match self.dice.below(10) {
                    0 => first.wrapping_sub(1),
                    1 => last.wrapping_add(1),
                    2..4 => first,
                    4..6 => last,
                    6..9 if !inside.is_empty() => *self.dice.pick(inside),
                    _ => first + u128::from(self.dice.roll()) % (last - first).saturating_add(1),
                }
            }
            _ => *self.dice.pick(&self.pool[family as usize]),
        };
        address(family, chosen)
    }

    fn transport(&mut self, family: Family, permit: Option<&Permit>, n: usize) -> Transport {
        let sport = 1_024 + (n * 7 % 60_000) as u16;
        let service = permit.filter(|_| self.dice.chance(90)).map(|permit| permit.service.clone());
        let (protocol, dport) = match service {
            Some(Service::Tcp(ports)) => (if self.dice.chance(92) { 6 } else { 17 }, self.port(&ports)),
            Some(Service::Udp(ports)) => (if self.dice.chance(92) { 17 } else { 6 }, self.port(&ports)),
            Some(Service::Sctp(ports)) => (if self.dice.chance(92) { 132 } else { 6 }, self.port(&ports)),
            Some(Service::Icmp(kind)) => {
                let kind = if self.dice.chance(70) {
                    kind
                } else {
                    *self.dice.pick(&[0, 3, 5, 8, 13, 128, 129, 134, 135, 200])
                };
                return Transport::Icmp { kind, code: 0, id: sport };
            }
            Some(Service::Protocol(protocol)) if self.dice.chance(80) => {
                return Transport::Other(protocol);
            }
            _ => (*self.dice.pick(&[6, 6, 17, 17, 132, 1, 47, 50, 51]), *self.dice.pick(&self.ports)),
        };
        match protocol {
            6 => {
                let bits = if self.dice.chance(85) { flags::SYN } else { *self.dice.pick(&STRAY) };
                Transport::Tcp { sport, dport, flags: bits }
            }
            17 => Transport::Udp { sport, dport },
            132 => Transport::Sctp { sport, dport, answer: self.dice.chance(10) },
            51 if family == Family::V6 => Transport::Other(50), // see `authenticated`
            1 => Transport::Icmp { kind: if family == Family::V4 { 8 } else { 128 }, code: 0, id: sport },
            other => Transport::Other(other),
        }
    }

    fn port(&mut self, range: &std::ops::RangeInclusive<u16>) -> u16 {
        let (first, last) = (*range.start(), *range.end());
        match self.dice.below(8) {
            0 => first.wrapping_sub(1),
            1 => last.wrapping_add(1),
            2 => *self.dice.pick(&self.ports),
            3 => first + (self.dice.roll() % (u64::from(last - first) + 1)) as u16,
            4 | 5 => first,
            _ => last,
        }
    }

    /// Where the source belongs; now and then somewhere else, with a spoofed source.
    fn place(&mut self, source: IpAddr) -> Place {
        let home = self.policy.route(source);
        let honest = if home == Place::Host { 50 } else { 85 };
        if self.dice.chance(honest) {
            return home;
        }
        Place::Interface(self.dice.below(self.policy.interfaces.len()))
    }
}

/// Every bound of the policy with its neighbours, and addresses that no data centre should see.
fn pool(policy: &Policy, of: Family) -> Vec<u128> {
    let permits = policy.permits.iter().filter(|permit| permit.family == of);
    let ranges = permits.flat_map(|permit| permit.source.iter().chain(&permit.destination));
    let ranges = ranges.chain(policy.interfaces.iter().flat_map(|interface| &interface.sources[of as usize]));
    let mut pool: Vec<u128> = ranges
        .flat_map(|range| {
            let (first, last) = (*range.start(), *range.end());
            [first.wrapping_sub(1), first, last, last.wrapping_add(1)]
        })
        .collect();
    let own = policy.interfaces.iter().flat_map(|interface| &interface.own).filter(|own| family(**own) == of);
    pool.extend(own.flat_map(|own| [number(*own).wrapping_sub(1), number(*own), number(*own) + 1]));
    let odd: &[&str] = match of {
        Family::V4 => &[
            "0.0.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "224.0.0.9",
            "240.0.0.1",
            "255.255.255.255",
            "9.9.9.9",
            "100.64.0.1",
        ],
        Family::V6 => {
            &["::1", "::ffff:10.1.0.5", "fe80::5", "ff02::5", "fec0::1", "2620:fe::9", "fd00::1", "2002:a01:5::1"]
        }
    };
    pool.extend(odd.iter().map(|text| number(text.parse().expect("an address"))));
    let mask = if of == Family::V4 { u128::from(u32::MAX) } else { u128::MAX };
    pool.iter_mut().for_each(|number| *number &= mask);
    pool.sort_unstable();
    pool.dedup();
    pool
}

fn ports(policy: &Policy) -> Vec<u16> {
    let ranges = policy.permits.iter().filter_map(|permit| match &permit.service {
        Service::Tcp(ports) | Service::Udp(ports) | Service::Sctp(ports) => Some(ports),
        _ => None,
    });
    let mut ports: Vec<u16> = ranges
        .flat_map(|range| [range.start().wrapping_sub(1), *range.start(), *range.end(), range.end().wrapping_add(1)])
        .chain([0, 22, 53, 443, 65_535])
        .collect();
    ports.sort_unstable();
    ports.dedup();
    ports
}
