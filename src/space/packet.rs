//! One concrete packet, the witness of every proof.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use super::interfaces::{Interface, Interfaces};

/// Numbers of the protocols above IP (IANA "Assigned Internet Protocol Numbers").
pub mod protocol {
    /// ICMP for IPv4.
    pub const ICMP: u8 = 1;
    /// TCP.
    pub const TCP: u8 = 6;
    /// UDP.
    pub const UDP: u8 = 17;
    /// DCCP.
    pub const DCCP: u8 = 33;
    /// ICMP for IPv6.
    pub const ICMPV6: u8 = 58;
    /// SCTP.
    pub const SCTP: u8 = 132;
    /// UDP-Lite.
    pub const UDPLITE: u8 = 136;

    /// Protocols with source and destination port in the first four bytes.
    pub const WITH_PORTS: [u8; 5] = [TCP, UDP, DCCP, SCTP, UDPLITE];

    /// The usual short name, for display.
    #[must_use]
    pub const fn name(number: u8) -> Option<&'static str> {
        Some(match number {
            ICMP => "icmp",
            2 => "igmp",
            TCP => "tcp",
            UDP => "udp",
            DCCP => "dccp",
            47 => "gre",
            50 => "esp",
            51 => "ah",
            ICMPV6 => "icmpv6",
            89 => "ospf",
            112 => "vrrp",
            SCTP => "sctp",
            UDPLITE => "udplite",
            _ => return None,
        })
    }
}

/// Where the packet filter sees a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hook {
    /// Passing through.
    Forward,
    /// To the packet filter itself.
    Input,
    /// From the packet filter itself.
    Output,
}

impl Hook {
    /// All hooks in the order of their numbers.
    pub const ALL: [Self; 3] = [Self::Forward, Self::Input, Self::Output];

    /// nft's name of the hook.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Forward => "forward",
            Self::Input => "input",
            Self::Output => "output",
        }
    }
}

/// Address family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both families in the order of their numbers.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];
}

/// The state that connection tracking gives a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CtState {
    /// First packet of a connection that is not known yet.
    New,
    /// Belongs to a known connection.
    Established,
    /// Starts something a known connection announced, or is an ICMP error about one.
    Related,
    /// Fits no connection and may not start one.
    Invalid,
    /// Not tracked: neighbour discovery, multicast listener messages, `notrack`.
    Untracked,
}

impl CtState {
    /// All states in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::New, Self::Established, Self::Related, Self::Invalid, Self::Untracked];

    /// nft's name of the state.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Established => "established",
            Self::Related => "related",
            Self::Invalid => "invalid",
            Self::Untracked => "untracked",
        }
    }
}

/// What lies above IP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Upper {
    /// TCP; `opening` is a SYN without ACK, FIN and RST.
    Tcp {
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
        /// Whether the segment opens a connection.
        opening: bool,
    },
    /// UDP, SCTP, DCCP, UDP-Lite.
    Ports {
        /// Protocol number.
        protocol: u8,
        /// Source port.
        source: u16,
        /// Destination port.
        destination: u16,
    },
    /// ICMP.
    Icmp {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
    },
    /// ICMPv6; `on_link` is hop limit 255.
    Icmpv6 {
        /// Type.
        kind: u8,
        /// Code.
        code: u8,
        /// Whether the hop limit is 255, so that no router has passed the packet on.
        on_link: bool,
    },
    /// Anything else.
    Other {
        /// Protocol number.
        protocol: u8,
    },
}

impl Upper {
    /// The protocol number.
    #[must_use]
    pub const fn protocol(self) -> u8 {
        match self {
            Self::Tcp { .. } => protocol::TCP,
            Self::Icmp { .. } => protocol::ICMP,
            Self::Icmpv6 { .. } => protocol::ICMPV6,
            Self::Ports { protocol, .. } | Self::Other { protocol } => protocol,
        }
    }
}

/// A packet as a packet filter sees it, reassembled.
///
/// Fragments have no field: connection tracking reassembles them before every hook of this space
/// (nf_defrag at priority -400). A reader must therefore say so when a ruleset tracks nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Packet {
    /// The hook.
    pub hook: Hook,
    /// The interface it came by; none on output.
    pub input: Option<Interface>,
    /// The interface it leaves by; none on input.
    pub output: Option<Interface>,
    /// Its state in connection tracking.
    pub state: CtState,
    /// Source address.
    pub source: IpAddr,
    /// Destination address; of the same family as the source.
    pub destination: IpAddr,
    /// Protocol with ports, or type and code.
    pub upper: Upper,
}

impl Packet {
    /// The family of the addresses.
    #[must_use]
    pub const fn family(&self) -> Family {
        match self.source {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }

    /// The packet with hook and interface names: `forward eth1 > eth2: tcp … -> …`.
    #[must_use]
    pub fn located(&self, interfaces: &Interfaces) -> String {
        let name = |interface: Interface| interfaces.name(interface).unwrap_or("(other)");
        let way = match (self.input, self.output) {
            (Some(input), Some(output)) => format!(" {} > {}", name(input), name(output)),
            (Some(input), None) => format!(" from {}", name(input)),
            (None, Some(output)) => format!(" to {}", name(output)),
            (None, None) => String::new(),
        };
        format!("{}{way}: {self}", self.hook.name())
    }
}

impl fmt::Display for Packet {
    /// `tcp 10.20.1.66:49152 -> 10.40.2.10:8443`; a state other than *new* and what is unusual
    /// follow in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = self.upper.protocol();
        match protocol::name(protocol) {
            Some(name) => write!(f, "{name} ")?,
            None => write!(f, "protocol {protocol} ")?,
        }
        match self.upper {
            Upper::Tcp { source, destination, .. } | Upper::Ports { source, destination, .. } => write!(
                f,
                "{} -> {}",
                SocketAddr::new(self.source, source),
                SocketAddr::new(self.destination, destination)
            )?,
            Upper::Icmp { kind, code } | Upper::Icmpv6 { kind, code, .. } => {
                write!(f, "{} -> {} type {kind}", self.source, self.destination)?;
                if code != 0 {
                    write!(f, " code {code}")?;
                }
            }
            Upper::Other { .. } => write!(f, "{} -> {}", self.source, self.destination)?,
        }
        match self.upper {
            Upper::Tcp { opening: false, .. } if self.state == CtState::New => {
                f.write_str(", not opening")?;
            }
            Upper::Icmpv6 { on_link: false, .. } if self.hook == Hook::Input => {
                f.write_str(", hop limit below 255")?;
            }
            _ => {}
        }
        match self.state {
            CtState::New => Ok(()),
            state => write!(f, ", {}", state.name()),
        }
    }
}
