//! What the kernel does where documents say little: why the emitter refuses something.

use std::net::IpAddr;

use crate::lab::Lab;
use crate::packet::{Packet, Transport, flags};
use crate::policy::{Interface, Place, Policy, number};
use crate::wire::Wire;

/// IPv6 between two hosts: the authentication header only, and what belongs to a known connection.
const RULESET: &str = "table inet zonec {
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state established accept
		ip6 saddr fd00:1::5 ip6 daddr fd00:2::5 meta l4proto 51 accept
	}
}
";

/// True when SSH is refused, and goes on in plain once its first packet has passed behind an authentication header.
pub fn authentication_header_opens_what_is_inside() -> bool {
    let interface = |name: &str, net: &str| {
        let first = number(format!("{net}::").parse().expect("an address"));
        Interface { name: name.into(), sources: [Vec::new(), vec![first..=first + 0xffff]], own: Vec::new() }
    };
    let policy = Policy { interfaces: vec![interface("a0", "fd00:1"), interface("b0", "fd00:2")], permits: Vec::new() };
    let lab = Lab::build(&policy);
    let file = tempfile::NamedTempFile::new().expect("temporary file");
    std::fs::write(file.path(), RULESET).expect("write");
    lab.load(file.path()).expect("loads");
    let [from, to] = ["fd00:1::5", "fd00:2::5"].map(|text| text.parse::<IpAddr>().expect("an address"));
    let mut wire = Wire::open(&lab);
    let mut passes = |at: usize, packet: &Packet, number| {
        wire.send(Place::Interface(at), packet, number);
        let mut seen = false;
        while wire.collect(100, |sighting| seen |= sighting.tag == number) {}
        seen
    };
    let plain = Packet::new(from, to, Transport::Tcp { sport: 40_000, dport: 22, flags: flags::SYN });
    let wrapped = Packet { authenticated: true, ..plain.clone() };
    let closed = !passes(0, &plain, 1);
    let opened = passes(0, &wrapped, 2) && passes(1, &plain.reply(), 3) && passes(0, &plain.next(), 4);
    closed && opened
}
