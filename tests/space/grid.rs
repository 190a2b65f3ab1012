//! Real packets against the grid judge.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::collection::vec;
use proptest::prelude::*;
use zonec::space::{
    AddressRange, CtState, Family, Field, Hook, Interface, Interfaces, Interval, Packet, PacketBox, PacketSpace,
    Region, Set, Upper, protocol,
};

/// A box in plain words, matched packet by packet without the arena.
#[derive(Clone, Debug)]
struct Plain {
    hook: Option<Hook>,
    input: Option<u16>,
    state: Option<CtState>,
    protocol: Option<u8>,
    opening: bool,
    source: Option<(IpAddr, IpAddr)>,
    destination: Option<(IpAddr, IpAddr)>,
    port: Option<(u16, u16)>,
}

impl Plain {
    fn matches(&self, packet: &Packet) -> bool {
        let within = |range: Option<(IpAddr, IpAddr)>, address: IpAddr| {
            range.is_none_or(|(lo, hi)| lo.is_ipv4() == address.is_ipv4() && lo <= address && address <= hi)
        };
        let (detail, low) = match packet.upper {
            Upper::Tcp { destination, opening, .. } => (opening, destination),
            Upper::Ports { destination, .. } => (false, destination),
            Upper::Icmp { code, .. } => (false, code.into()),
            Upper::Icmpv6 { code, on_link, .. } => (on_link, code.into()),
            Upper::Other { .. } => (false, 0),
        };
        self.hook.is_none_or(|hook| hook == packet.hook)
            && self.input.is_none_or(|n| packet.input == Interface::from_number(n))
            && self.state.is_none_or(|state| state == packet.state)
            && self.protocol.is_none_or(|number| number == packet.upper.protocol())
            && (!self.opening || detail)
            && within(self.source, packet.source)
            && within(self.destination, packet.destination)
            && self.port.is_none_or(|(lo, hi)| lo <= low && low <= hi)
    }

    fn packets(&self) -> Option<PacketBox> {
        let range = |(lo, hi)| match (lo, hi) {
            (IpAddr::V4(lo), IpAddr::V4(hi)) => AddressRange::V4(lo, hi),
            (IpAddr::V6(lo), IpAddr::V6(hi)) => AddressRange::V6(lo, hi),
            _ => unreachable!(),
        };
        let mut packets = PacketBox::any();
        if let Some(hook) = self.hook {
            packets = packets.hook(hook);
        }
        if let Some(input) = self.input.and_then(Interface::from_number) {
            packets = packets.input(input);
        }
        if let Some(state) = self.state {
            packets = packets.state(state);
        }
        if let Some(number) = self.protocol {
            packets = packets.protocol(number);
        }
        if self.opening {
            packets = packets.detail();
        }
        if let Some(source) = self.source {
            packets = packets.source(range(source))?;
        }
        if let Some(destination) = self.destination {
            packets = packets.destination(range(destination))?;
        }
        if let Some((lo, hi)) = self.port {
            packets = packets.destination_port(Interval::new(lo.into(), hi.into())?);
        }
        Some(packets)
    }
}

fn address() -> impl Strategy<Value = (IpAddr, IpAddr)> {
    let v4 = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 + n));
    let v6 = |n: u32| IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8 << 96) + u128::from(n)));
    let ends = |n: (u32, u32)| (n.0.min(n.1), n.0.max(n.1));
    prop_oneof![
        (0..3_u32, 0..3_u32).prop_map(move |n| (v4(ends(n).0), v4(ends(n).1))),
        (0..3_u32, 0..3_u32).prop_map(move |n| (v6(ends(n).0), v6(ends(n).1))),
        Just((IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V4(Ipv4Addr::BROADCAST))),
    ]
}

fn plain() -> impl Strategy<Value = Plain> {
    let known = [protocol::TCP, protocol::UDP, protocol::ICMP, protocol::ICMPV6, 50];
    (
        proptest::option::of(proptest::sample::select(&Hook::ALL[..])),
        proptest::option::of(1..3_u16),
        proptest::option::of(proptest::sample::select(&CtState::ALL[..2])),
        proptest::option::weighted(0.8, proptest::sample::select(known.to_vec())),
        proptest::bool::weighted(0.2),
        proptest::option::of(address()),
        proptest::option::of(address()),
        proptest::option::of((0..3_u16, 0..3_u16).prop_map(|(a, b)| (a.min(b), a.max(b)))),
    )
        .prop_map(|(hook, input, state, protocol, opening, source, destination, port)| Plain {
            hook,
            input,
            state,
            protocol,
            opening,
            source,
            destination,
            port,
        })
}

/// One packet per cell of the constants in `plain`: all constants lie in small ranges, so each
/// value below is either a constant, its neighbour, or stands for all the rest.
fn grid() -> Vec<Packet> {
    let mut packets = Vec::new();
    let interfaces = |used: bool| {
        if used { (1..4).map(Interface::from_number).collect() } else { vec![None] }
    };
    let v4 = |n: i64| IpAddr::V4(Ipv4Addr::from_bits((0x0a00_0000 + n) as u32));
    let v6 = |n: i64| IpAddr::V6(Ipv6Addr::from_bits((0x2001_0db8_u128 << 96).wrapping_add_signed(n.into())));
    for hook in Hook::ALL {
        for input in interfaces(hook != Hook::Output) {
            let output = if hook == Hook::Input { None } else { Interface::from_number(2) };
            for state in [CtState::New, CtState::Established, CtState::Invalid] {
                for (source, destination) in pairs(-1..4, v4).chain(pairs(-1..4, v6)) {
                    for upper in uppers() {
                        packets.push(Packet { hook, input, output, state, source, destination, upper });
                    }
                }
            }
        }
    }
    packets
}

fn pairs(
    range: std::ops::Range<i64>,
    address: impl Fn(i64) -> IpAddr + Copy,
) -> impl Iterator<Item = (IpAddr, IpAddr)> {
    let other = range.clone();
    range.flat_map(move |a| other.clone().map(move |b| (address(a), address(b))))
}

fn uppers() -> Vec<Upper> {
    let mut uppers = vec![Upper::Other { protocol: 50 }, Upper::Other { protocol: 0 }];
    for destination in 0..4_u16 {
        for opening in [false, true] {
            uppers.push(Upper::Tcp { source: 1, destination, opening });
            uppers.push(Upper::Icmpv6 { kind: 1, code: destination as u8, on_link: opening });
        }
        uppers.push(Upper::Ports { protocol: protocol::UDP, source: 1, destination });
        uppers.push(Upper::Ports { protocol: protocol::SCTP, source: 1, destination });
        uppers.push(Upper::Icmp { kind: 1, code: destination as u8 });
    }
    uppers
}

fn region(boxes: &[Plain]) -> Region {
    boxes.iter().filter_map(Plain::packets).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn sets_agree_with_the_grid(a in vec(plain(), 1..5), b in vec(plain(), 1..5)) {
        let (region_a, region_b) = (region(&a), region(&b));
        let mut space = PacketSpace::covering([&region_a, &region_b]).unwrap();
        let (set_a, set_b) = (space.set(&region_a).unwrap(), space.set(&region_b).unwrap());
        let only_a = space.arena().difference(set_a, set_b);
        let not_a = space.complement(set_a);
        let mut differ = false;
        for packet in grid() {
            let in_a = a.iter().any(|p| p.matches(&packet));
            let in_b = b.iter().any(|p| p.matches(&packet));
            prop_assert_eq!(space.contains(set_a, &packet), in_a, "{}", packet);
            prop_assert_eq!(space.contains(not_a, &packet), !in_a, "{}", packet);
            prop_assert_eq!(space.contains(only_a, &packet), in_a && !in_b, "{}", packet);
            differ |= in_a && !in_b;
        }
        // The grid has a packet in every cell, so it decides emptiness.
        prop_assert_eq!(!only_a.is_empty(), differ);
        if let Some(witness) = space.witness(only_a) {
            prop_assert!(a.iter().any(|p| p.matches(&witness)), "{}", witness);
            prop_assert!(!b.iter().any(|p| p.matches(&witness)), "{}", witness);
        } else {
            prop_assert_eq!(only_a, Set::EMPTY);
        }
    }
}

#[test]
fn a_witness_reads_well() {
    let net = |text: &str| AddressRange::from(text.parse::<ipnet::IpNet>().unwrap());
    let flow = PacketBox::any()
        .hook(Hook::Forward)
        .source(net("10.20.1.0/24"))
        .and_then(|p| p.destination(net("10.40.2.10/32")))
        .unwrap();
    let mut interfaces = Interfaces::new();
    let eth1 = interfaces.number("eth1").unwrap();
    let web = flow.input(eth1).protocol(protocol::TCP).destination_port(Interval::point(8443_u16));
    let ping = flow.protocol(protocol::ICMP).source_port(Interval::point(8_u8));
    let shown = |packets: PacketBox| {
        let region = Region::from_iter([packets]);
        let mut space = PacketSpace::covering([&region]).unwrap();
        let set = space.set(&region).unwrap();
        space.witness(set).unwrap()
    };
    let packet = shown(web);
    assert_eq!(packet.to_string(), "tcp 10.20.1.1:49152 -> 10.40.2.10:8443");
    assert_eq!(packet.located(&interfaces), "forward eth1 > eth1: tcp 10.20.1.1:49152 -> 10.40.2.10:8443");
    assert_eq!(shown(ping).to_string(), "icmp 10.20.1.1 -> 10.40.2.10 type 8");
    assert_eq!(
        shown(web.state(CtState::Established)).to_string(),
        "tcp 10.20.1.1:49152 -> 10.40.2.10:8443, established"
    );
    let ack = web.with(Field::Detail, Interval::point(0_u8));
    assert_eq!(shown(ack).to_string(), "tcp 10.20.1.1:49152 -> 10.40.2.10:8443, not opening");
    let v6 = PacketBox::any().protocol(50).family(Family::V6).source(net("2001:db8::/64")).unwrap();
    assert_eq!(shown(v6).to_string(), "esp 2001:db8::1 -> ::1");
}

#[test]
fn points_outside_of_the_universe_are_no_packets() {
    let mut space = PacketSpace::covering([&Region::all()]).unwrap();
    let all = space.set(&Region::all()).unwrap();
    assert_eq!(all, space.universe());
    assert_eq!(space.complement(all), Set::EMPTY);
    // ESP has no ports, so a box of ESP with a port is empty.
    let esp = PacketBox::any().protocol(50).destination_port(Interval::point(443_u16));
    let region = Region::from_iter([esp]);
    let mut space = PacketSpace::covering([&region]).unwrap();
    assert_eq!(space.set(&region), Ok(Set::EMPTY));
}
