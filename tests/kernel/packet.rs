//! Packets as data and as bytes on the wire: Ethernet, IPv4 and IPv6 with fragments and an extension header,
//! TCP, UDP, SCTP, ICMP, ICMP errors and protocols without ports. Every payload carries the number of its probe.

use std::net::IpAddr;

/// Marks a probe on the wire; the probe's number follows.
const MAGIC: [u8; 8] = *b"\x9dzonec\x01\xe7";
const PAYLOAD: usize = 44;

/// TCP flag bits.
pub mod flags {
    pub const FIN: u8 = 0x01;
    pub const SYN: u8 = 0x02;
    pub const RST: u8 = 0x04;
    pub const PSH: u8 = 0x08;
    pub const ACK: u8 = 0x10;
    pub const URG: u8 = 0x20;
}

pub const TCP: u8 = 6;
pub const UDP: u8 = 17;
pub const SCTP: u8 = 132;
pub const ICMP: u8 = 1;
pub const ICMPV6: u8 = 58;
const DESTINATION_OPTIONS: u8 = 60;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
/// Tag of an SCTP association, in both directions.
const SCTP_TAG: u32 = 0x7a6f_6e65;

/// Client's and server's first sequence numbers; a fixed pair keeps replies inside the tracked window.
const CLIENT_SEQUENCE: u32 = 1_000;
const SERVER_SEQUENCE: u32 = 9_000;

/// What rides on IP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    Tcp {
        sport: u16,
        dport: u16,
        flags: u8,
    },
    Udp {
        sport: u16,
        dport: u16,
    },
    /// The first packet of an association (INIT), or the answer to it (INIT ACK).
    Sctp {
        sport: u16,
        dport: u16,
        answer: bool,
    },
    Icmp {
        kind: u8,
        code: u8,
        id: u16,
    },
    /// An ICMP error that quotes the start of a packet.
    Error {
        kind: u8,
        code: u8,
        quoted: Box<Packet>,
    },
    Other(u8),
}

/// One packet. `fragmented` sends it in two pieces; in IPv6 `options` puts a destination options header before the
/// transport, `authenticated` an authentication header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    pub source: IpAddr,
    pub destination: IpAddr,
    pub transport: Transport,
    pub fragmented: bool,
    pub options: bool,
    pub authenticated: bool,
}

impl Packet {
    pub fn new(source: IpAddr, destination: IpAddr, transport: Transport) -> Self {
        Packet { source, destination, transport, fragmented: false, options: false, authenticated: false }
    }

    pub fn protocol(&self) -> u8 {
        match &self.transport {
            Transport::Tcp { .. } => TCP,
            Transport::Udp { .. } => UDP,
            Transport::Sctp { .. } => SCTP,
            Transport::Icmp { .. } | Transport::Error { .. } if self.source.is_ipv4() => ICMP,
            Transport::Icmp { .. } | Transport::Error { .. } => ICMPV6,
            Transport::Other(protocol) => *protocol,
        }
    }

    /// Multicast and link-local destinations are not routed: the kernel picks an interface.
    pub fn leaves_anywhere(&self) -> bool {
        match self.destination {
            IpAddr::V4(v4) => v4.is_multicast() || v4.is_broadcast() || v4.is_link_local(),
            IpAddr::V6(v6) => v6.is_multicast() || v6.is_unicast_link_local(),
        }
    }

    /// The answer to this packet by the other side.
    pub fn reply(&self) -> Packet {
        let transport = match &self.transport {
            Transport::Tcp { sport, dport, .. } => {
                Transport::Tcp { sport: *dport, dport: *sport, flags: flags::SYN | flags::ACK }
            }
            Transport::Udp { sport, dport } => Transport::Udp { sport: *dport, dport: *sport },
            Transport::Sctp { sport, dport, .. } => Transport::Sctp { sport: *dport, dport: *sport, answer: true },
            Transport::Icmp { kind, id, .. } => {
                let kind = if *kind == 128 {
                    129
                } else if *kind == 8 {
                    0
                } else {
                    kind + 1
                };
                Transport::Icmp { kind, code: 0, id: *id }
            }
            other => other.clone(),
        };
        Packet::new(self.destination, self.source, transport)
    }

    /// The next packet of the side that opened the connection.
    pub fn next(&self) -> Packet {
        let transport = match &self.transport {
            Transport::Tcp { sport, dport, .. } => {
                Transport::Tcp { sport: *sport, dport: *dport, flags: flags::ACK | flags::PSH }
            }
            other => other.clone(),
        };
        Packet::new(self.source, self.destination, transport)
    }

    /// An ICMP error about this packet, sent by `router` to its source.
    pub fn error(&self, router: IpAddr, kind: u8, code: u8) -> Packet {
        let quoted = Packet { fragmented: false, options: false, authenticated: false, ..self.clone() };
        Packet::new(router, self.source, Transport::Error { kind, code, quoted: Box::new(quoted) })
    }

    /// The key by which Linux tracks the connection, the same in both directions.
    pub fn connection(&self) -> (IpAddr, IpAddr, u8, u16, u16) {
        let (sport, dport) = match &self.transport {
            Transport::Tcp { sport, dport, .. }
            | Transport::Udp { sport, dport }
            | Transport::Sctp { sport, dport, .. } => (*sport, *dport),
            Transport::Icmp { id, .. } => (*id, *id),
            Transport::Error { quoted, .. } => return quoted.connection(),
            Transport::Other(_) => (0, 0),
        };
        if (self.source, sport) <= (self.destination, dport) {
            (self.source, self.destination, self.protocol(), sport, dport)
        } else {
            (self.destination, self.source, self.protocol(), dport, sport)
        }
    }

    /// Ethernet frames that carry this packet as probe number `tag`.
    pub fn frames(&self, tag: u32) -> Vec<Vec<u8>> {
        self.datagrams(tag)
            .into_iter()
            .map(|datagram| {
                let mut frame = Vec::with_capacity(14 + datagram.len());
                frame.extend(GATEWAY_MAC);
                frame.extend(HOST_MAC);
                frame.extend(if self.source.is_ipv4() { [0x08, 0x00] } else { [0x86, 0xdd] });
                frame.extend(datagram);
                frame
            })
            .collect()
    }

    /// IP datagrams: one, or two fragments.
    pub fn datagrams(&self, tag: u32) -> Vec<Vec<u8>> {
        let mut body = self.transport_bytes(&payload(tag));
        let mut protocol = self.protocol();
        if self.options && self.source.is_ipv6() {
            let mut header = vec![protocol, 0, 1, 4, 0, 0, 0, 0]; // PadN over six octets
            header.extend(body);
            body = header;
            protocol = DESTINATION_OPTIONS;
        }
        if self.authenticated && self.source.is_ipv6() {
            let mut header = vec![protocol, 4, 0, 0]; // 24 octets: RFC 4302 counts in fours and leaves out two
            header.resize(24, 7);
            header.extend(body);
            body = header;
            protocol = AUTHENTICATION;
        }
        let identification = tag as u16;
        if !self.fragmented {
            return vec![self.ip(protocol, &body, None)];
        }
        let cut = (body.len() - 8) / 8 * 8;
        let pieces = [(0, &body[..cut], true), (cut, &body[cut..], false)];
        pieces
            .iter()
            .map(|(offset, piece, more)| {
                let fragment = Fragment { identification, offset: *offset as u16, more: *more };
                self.ip(protocol, piece, Some(fragment))
            })
            .collect()
    }

    fn ip(&self, protocol: u8, body: &[u8], fragment: Option<Fragment>) -> Vec<u8> {
        match (self.source, self.destination) {
            (IpAddr::V4(source), IpAddr::V4(destination)) => {
                let mut header = vec![0x45, 0];
                header.extend((20 + body.len() as u16).to_be_bytes());
                let (identification, place) =
                    fragment.map_or((0, 0), |f| (f.identification, (f.offset / 8) | if f.more { 0x2000 } else { 0 }));
                header.extend(identification.to_be_bytes());
                header.extend(place.to_be_bytes());
                header.extend([60, protocol, 0, 0]);
                header.extend(source.octets());
                header.extend(destination.octets());
                let sum = checksum(&[&header]);
                header[10..12].copy_from_slice(&sum.to_be_bytes());
                header.extend(body);
                header
            }
            (IpAddr::V6(source), IpAddr::V6(destination)) => {
                let extra = if fragment.is_some() { 8 } else { 0 };
                let mut header = vec![0x60, 0, 0, 0];
                header.extend((extra + body.len() as u16).to_be_bytes());
                header.extend([if fragment.is_some() { FRAGMENT } else { protocol }, 60]);
                header.extend(source.octets());
                header.extend(destination.octets());
                if let Some(f) = fragment {
                    header.extend([protocol, 0]);
                    header.extend((f.offset | u16::from(f.more)).to_be_bytes());
                    header.extend(u32::from(f.identification).to_be_bytes());
                }
                header.extend(body);
                header
            }
            _ => panic!("a packet has one address family: {self:?}"),
        }
    }

    fn transport_bytes(&self, payload: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(80);
        let checksum_at = match &self.transport {
            Transport::Tcp { sport, dport, flags: bits } => {
                bytes.extend(sport.to_be_bytes());
                bytes.extend(dport.to_be_bytes());
                let (sequence, acknowledged) = match bits & (flags::SYN | flags::ACK) {
                    both if both == flags::SYN | flags::ACK => (SERVER_SEQUENCE, CLIENT_SEQUENCE + 1),
                    flags::ACK => (CLIENT_SEQUENCE + 1, SERVER_SEQUENCE + 1),
                    _ => (CLIENT_SEQUENCE, 0),
                };
                bytes.extend(sequence.to_be_bytes());
                bytes.extend(acknowledged.to_be_bytes());
                bytes.extend([0x50, *bits, 0x20, 0, 0, 0, 0, 0]);
                Some(16)
            }
            Transport::Udp { sport, dport } => {
                bytes.extend(sport.to_be_bytes());
                bytes.extend(dport.to_be_bytes());
                bytes.extend((8 + payload.len() as u16).to_be_bytes());
                bytes.extend([0, 0]);
                Some(6)
            }
            Transport::Sctp { sport, dport, answer } => return init(*sport, *dport, *answer, payload),
            Transport::Icmp { kind, code, id } => {
                bytes.extend([*kind, *code, 0, 0]);
                bytes.extend(id.to_be_bytes());
                bytes.extend([0, 1]);
                Some(2)
            }
            Transport::Error { kind, code, quoted } => {
                bytes.extend([*kind, *code, 0, 0]);
                bytes.extend(1_280_u32.to_be_bytes()); // next-hop MTU where the type has one
                let inner = quoted.transport_bytes(payload);
                bytes.extend(quoted.ip(quoted.protocol(), &inner, None));
                Some(2)
            }
            Transport::Other(_) => {
                bytes.extend([0; 8]);
                None
            }
        };
        if !matches!(self.transport, Transport::Error { .. }) {
            bytes.extend(payload);
        }
        if let Some(at) = checksum_at {
            let sum = match self.protocol() {
                ICMP => checksum(&[&bytes]),
                protocol => checksum(&[&self.pseudo_header(protocol, bytes.len()), &bytes]),
            };
            let sum = if sum == 0 && self.protocol() == UDP { 0xffff } else { sum }; // 0 means "none", refused in IPv6
            bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
        }
        bytes
    }

    fn pseudo_header(&self, protocol: u8, length: usize) -> Vec<u8> {
        let mut header = Vec::with_capacity(40);
        for address in [self.source, self.destination] {
            match address {
                IpAddr::V4(v4) => header.extend(v4.octets()),
                IpAddr::V6(v6) => header.extend(v6.octets()),
            }
        }
        header.extend((length as u32).to_be_bytes());
        header.extend([0, 0, 0, protocol]);
        header
    }
}

/// Every laboratory host and every gateway interface has these.
pub const GATEWAY_MAC: [u8; 6] = [0x02, 0x7a, 0, 0, 0, 1];
pub const HOST_MAC: [u8; 6] = [0x02, 0x7a, 0, 0, 0, 2];

#[derive(Clone, Copy)]
struct Fragment {
    identification: u16,
    offset: u16,
    more: bool,
}

fn payload(tag: u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(PAYLOAD);
    bytes.extend(MAGIC);
    bytes.extend(tag.to_be_bytes());
    bytes.resize(PAYLOAD, 0x5a);
    bytes
}

/// The probe number in these bytes, if they carry one.
pub fn tag(bytes: &[u8]) -> Option<u32> {
    let at = bytes.windows(MAGIC.len()).position(|window| window == MAGIC)? + MAGIC.len();
    Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

/// Source, destination and transport protocol of an IP datagram; extension headers are stepped over.
pub fn outer(datagram: &[u8]) -> Option<(IpAddr, IpAddr, u8)> {
    match datagram.first()? >> 4 {
        4 => {
            let source: [u8; 4] = datagram.get(12..16)?.try_into().ok()?;
            let destination: [u8; 4] = datagram.get(16..20)?.try_into().ok()?;
            Some((source.into(), destination.into(), *datagram.get(9)?))
        }
        6 => {
            let source: [u8; 16] = datagram.get(8..24)?.try_into().ok()?;
            let destination: [u8; 16] = datagram.get(24..40)?.try_into().ok()?;
            let (mut protocol, mut at) = (*datagram.get(6)?, 40);
            while matches!(protocol, DESTINATION_OPTIONS | FRAGMENT | AUTHENTICATION) {
                let length = match protocol {
                    FRAGMENT => 8,
                    AUTHENTICATION => 8 + 4 * usize::from(*datagram.get(at + 1)?),
                    _ => 8 + 8 * usize::from(*datagram.get(at + 1)?),
                };
                protocol = *datagram.get(at)?;
                at += length;
            }
            Some((source.into(), destination.into(), protocol))
        }
        _ => None,
    }
}

/// An SCTP packet with one chunk, INIT or INIT ACK (RFC 9260 3.3.2); the payload is an unknown parameter of it.
fn init(sport: u16, dport: u16, answer: bool, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(36 + payload.len());
    bytes.extend(sport.to_be_bytes());
    bytes.extend(dport.to_be_bytes());
    bytes.extend(if answer { SCTP_TAG } else { 0 }.to_be_bytes());
    bytes.extend([0; 4]);
    bytes.extend([if answer { 2 } else { 1 }, 0]);
    bytes.extend((24 + payload.len() as u16).to_be_bytes());
    bytes.extend(SCTP_TAG.to_be_bytes());
    bytes.extend([0, 0, 0xff, 0xff, 0, 1, 0, 1, 0, 0, 0, 1]);
    bytes.extend([0x80, 0x7a]);
    bytes.extend((4 + payload.len() as u16).to_be_bytes());
    bytes.extend(payload);
    let sum = crc32c(&bytes);
    bytes[8..12].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn crc32c(bytes: &[u8]) -> u32 {
    let bit = |sum: u32| if sum & 1 == 1 { (sum >> 1) ^ 0x82f6_3b78 } else { sum >> 1 };
    !bytes.iter().fold(u32::MAX, |sum, byte| (0..8).fold(sum ^ u32::from(*byte), |sum, _| bit(sum)))
}

fn checksum(parts: &[&[u8]]) -> u16 {
    let mut sum = 0_u32;
    for part in parts {
        for pair in part.chunks(2) {
            sum += u32::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}
