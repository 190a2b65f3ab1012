//! Ports of all protocols as one set of numbers.

use crate::space::Ranges;
use std::fmt;

/// A transport protocol of the policy APIs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// TCP.
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Transport {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Tcp, Self::Udp, Self::Sctp];

    /// Reads the APIs' spelling.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|transport| transport.name() == text)
    }

    /// The APIs' spelling.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
        }
    }

    const fn base(self) -> u32 {
        match self {
            Self::Tcp => 0,
            Self::Udp => 0x1_0000,
            Self::Sctp => 0x2_0000,
        }
    }
}

const ICMP: u32 = 0x3_0000;
const ICMPV6: u32 = 0x3_0100;
const PROTOCOL: u32 = 0x3_0200;
const END: u32 = 0x3_02ff;

/// One thing that a policy can allow: a port, a message type, or a protocol without ports.
///
/// Port 0 is left out: no API can name it (it is spelt "all ports" there), and nothing listens on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Port {
    /// A destination port from 1.
    Port(Transport, u16),
    /// An ICMP type.
    Icmp(u8),
    /// An ICMPv6 type.
    Icmpv6(u8),
    /// Any other IP protocol.
    Protocol(u8),
}

impl Port {
    /// Its number in sets of ports.
    #[must_use]
    pub const fn number(self) -> u32 {
        match self {
            Self::Port(transport, port) => transport.base() + port as u32,
            Self::Icmp(kind) => ICMP + kind as u32,
            Self::Icmpv6(kind) => ICMPV6 + kind as u32,
            Self::Protocol(number) => PROTOCOL + number as u32,
        }
    }

    /// The port of a number from such a set.
    #[must_use]
    pub fn from_number(number: u32) -> Self {
        let low = |base: u32| u8::try_from(number - base).unwrap_or(u8::MAX);
        match number {
            PROTOCOL.. => Self::Protocol(low(PROTOCOL)),
            ICMPV6.. => Self::Icmpv6(low(ICMPV6)),
            ICMP.. => Self::Icmp(low(ICMP)),
            _ => {
                let transport = match number >> 16 {
                    0 => Transport::Tcp,
                    1 => Transport::Udp,
                    _ => Transport::Sctp,
                };
                Self::Port(transport, u16::try_from(number & 0xffff).unwrap_or(u16::MAX))
            }
        }
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(transport, port) => write!(f, "{port}/{}", transport.name().to_lowercase()),
            Self::Icmp(kind) => write!(f, "icmp:{kind}"),
            Self::Icmpv6(kind) => write!(f, "icmpv6:{kind}"),
            Self::Protocol(number) => write!(f, "protocol {number}"),
        }
    }
}

/// Ports `first` to `last` of a transport.
#[must_use]
pub fn ports(transport: Transport, first: u16, last: u16) -> Ranges {
    Ranges::between(Port::Port(transport, first.max(1)).number(), Port::Port(transport, last).number())
}

/// Every port of a transport.
#[must_use]
pub fn all_ports(transport: Transport) -> Ranges {
    ports(transport, 1, u16::MAX)
}

/// Everything: all ports, all message types, all other protocols.
#[must_use]
pub fn everything() -> Ranges {
    let transports: Ranges = Transport::ALL.map(all_ports).iter().collect();
    transports.union(&Ranges::between(ICMP, END))
}
