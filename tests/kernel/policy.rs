//! What one gateway must do, as plain data, and the verdict this asks for on one packet.
//!
//! This is the judge's own reading of the zone language (chapter 4): it shares no code with the emitter, the
//! readers or the packet space. Everything is a linear scan, so that it can be checked by eye.

use std::net::{IpAddr, Ipv6Addr};
use std::ops::RangeInclusive;

use crate::packet::{Packet, Transport, flags};

/// An inclusive range of addresses of one family, as integers (IPv4 in the low 32 bits).
pub type Range = RangeInclusive<u128>;

/// IP version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    V4,
    V6,
}

pub const FAMILIES: [Family; 2] = [Family::V4, Family::V6];

/// Where in the gateway a packet is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hook {
    Forward,
    Input,
    Output,
}

/// A network interface of the gateway.
#[derive(Clone, Debug)]
pub struct Interface {
    pub name: String,
    /// Sources that may enter here, IPv4 and IPv6; destinations in them are routed out here.
    pub sources: [Vec<Range>; 2],
    /// The gateway's own addresses on this interface.
    pub own: Vec<IpAddr>,
}

/// Protocol with destination ports or message type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    Tcp(RangeInclusive<u16>),
    Udp(RangeInclusive<u16>),
    Sctp(RangeInclusive<u16>),
    /// ICMP in IPv4, ICMPv6 in IPv6.
    Icmp(u8),
    Protocol(u8),
}

/// One thing the model allows at this gateway.
#[derive(Clone, Debug)]
pub struct Permit {
    pub flow: String,
    pub hook: Hook,
    pub input: Option<usize>,
    pub output: Option<usize>,
    pub family: Family,
    pub source: Vec<Range>,
    pub destination: Vec<Range>,
    pub service: Service,
}

/// The whole duty of one gateway.
#[derive(Clone, Debug)]
pub struct Policy {
    pub interfaces: Vec<Interface>,
    pub permits: Vec<Permit>,
}

/// Where a packet comes from, seen from the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Outside interface number n.
    Interface(usize),
    /// The gateway host itself.
    Host,
}

pub fn family(address: IpAddr) -> Family {
    match address {
        IpAddr::V4(_) => Family::V4,
        IpAddr::V6(_) => Family::V6,
    }
}

pub fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// The address with this number; numbers beyond IPv4 wrap, so that "one past the end" stays an address.
pub fn address(family: Family, number: u128) -> IpAddr {
    match family {
        Family::V4 => IpAddr::V4((number as u32).into()),
        Family::V6 => IpAddr::V6(Ipv6Addr::from(number)),
    }
}

fn holds(ranges: &[Range], number: u128) -> bool {
    ranges.iter().any(|range| range.contains(&number))
}

impl Policy {
    /// Where the laboratory's routes send this destination: the host itself, or an interface. What belongs nowhere
    /// goes out at the first one, so that nothing but the ruleset keeps it from leaving.
    pub fn route(&self, destination: IpAddr) -> Place {
        if self.owns(destination) || destination.is_loopback() {
            return Place::Host;
        }
        let (family, number) = (family(destination), number(destination));
        let home = self.interfaces.iter().position(|interface| holds(&interface.sources[family as usize], number));
        Place::Interface(home.unwrap_or(0))
    }

    pub fn owns(&self, address: IpAddr) -> bool {
        self.interfaces.iter().any(|interface| interface.own.contains(&address))
    }

    /// May a packet with this source enter (or, on the host, leave) here at all?
    pub fn source_belongs(&self, place: Place, source: IpAddr) -> bool {
        match place {
            Place::Host => self.owns(source),
            Place::Interface(at) => {
                !self.owns(source) && holds(&self.interfaces[at].sources[family(source) as usize], number(source))
            }
        }
    }

    /// The flow that lets this packet open a connection from `from` to where it is routed, if there is one.
    pub fn opens(&self, from: Place, packet: &Packet) -> Option<&str> {
        let to = self.route(packet.destination);
        if !self.source_belongs(from, packet.source) || !packet.may_open() {
            return None;
        }
        let (hook, input, output) = match (from, to) {
            (Place::Interface(i), Place::Interface(o)) => (Hook::Forward, Some(i), Some(o)),
            (Place::Interface(i), Place::Host) => (Hook::Input, Some(i), None),
            (Place::Host, Place::Interface(o)) => (Hook::Output, None, Some(o)),
            (Place::Host, Place::Host) => return None,
        };
        self.permits
            .iter()
            .find(|permit| {
                permit.hook == hook
                    && (permit.input.is_none() || permit.input == input)
                    && (permit.output.is_none() || permit.output == output)
                    && permit.family == family(packet.source)
                    && holds(&permit.source, number(packet.source))
                    && holds(&permit.destination, number(packet.destination))
                    && permit.service.covers(&packet.transport)
            })
            .map(|permit| permit.flow.as_str())
    }
}

impl Service {
    fn covers(&self, transport: &Transport) -> bool {
        match (self, transport) {
            (Service::Tcp(ports), Transport::Tcp { dport, .. }) => ports.contains(dport),
            (Service::Udp(ports), Transport::Udp { dport, .. }) => ports.contains(dport),
            (Service::Sctp(ports), Transport::Sctp { dport, .. }) => ports.contains(dport),
            (Service::Icmp(wanted), Transport::Icmp { kind, .. }) => wanted == kind,
            (Service::Protocol(wanted), Transport::Other(protocol)) => wanted == protocol,
            _ => false,
        }
    }
}

impl Packet {
    /// Of ICMP messages about an open connection only unreachable, too big, time exceeded and parameter problem pass
    /// (RFC 792 types 3, 11, 12; RFC 4443 types 1 to 4): no redirects, no source quench.
    pub fn may_be_related(&self) -> bool {
        match (&self.transport, family(self.source)) {
            (Transport::Error { kind, .. }, Family::V4) => [3, 11, 12].contains(kind),
            (Transport::Error { kind, .. }, Family::V6) => (1..=4).contains(kind),
            _ => true,
        }
    }

    /// Only the first packet of a connection opens one: a lone SYN, a datagram, an ICMP request. ICMP messages that
    /// are no requests never do (Linux tracks echo, timestamp and address mask requests and ICMPv6 echo as openers). In
    /// IPv6 nothing opens behind an authentication header: the model has no such service there.
    fn may_open(&self) -> bool {
        if self.authenticated {
            return false;
        }
        match &self.transport {
            Transport::Sctp { answer, .. } => !answer,
            Transport::Tcp { flags: bits, .. } => {
                *bits & (flags::SYN | flags::ACK | flags::RST | flags::FIN) == flags::SYN
            }
            Transport::Udp { .. } | Transport::Other(_) => true,
            Transport::Icmp { kind, .. } => match family(self.source) {
                Family::V4 => [8, 13, 15, 17].contains(kind),
                Family::V6 => *kind == 128,
            },
            Transport::Error { .. } => false,
        }
    }
}
