//! The fields of a packet, in the order of the levels of the diagram.

use super::interval::Interval;

/// The number of fields.
pub const FIELDS: usize = 11;

/// One field of a packet, one level of the diagram.
///
/// Fields with few values come first, addresses before ports: with ports first the diagrams of
/// unaligned ranges grew 7 to 16 times slower (docs/decisions/0003-packet-space.md).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// [`super::Hook`]: where the packet filter sees the packet.
    Hook,
    /// The interface by which the packet came; 0 on output.
    Input,
    /// The interface by which it will leave; 0 on input.
    Output,
    /// [`super::Family`].
    Family,
    /// [`super::CtState`].
    State,
    /// The protocol above IP, behind any extension headers.
    Protocol,
    /// One bit that only two protocols have, 0 for all others. TCP: 1 = opening segment (SYN without
    /// ACK, FIN and RST). ICMPv6: 1 = hop limit 255, that is, sent on the link (RFC 4861, 3.1).
    Detail,
    /// Source address as a number of 32 or 128 bits.
    Source,
    /// Destination address.
    Destination,
    /// Source port, or ICMP type; 0 for protocols that have neither.
    SourcePort,
    /// Destination port, or ICMP code; 0 for protocols that have neither.
    DestinationPort,
}

impl Field {
    /// All fields in the order of the levels.
    pub const ALL: [Self; FIELDS] = [
        Self::Hook,
        Self::Input,
        Self::Output,
        Self::Family,
        Self::State,
        Self::Protocol,
        Self::Detail,
        Self::Source,
        Self::Destination,
        Self::SourcePort,
        Self::DestinationPort,
    ];

    /// The largest value of each field.
    pub const TOPS: [u128; FIELDS] = [
        2,
        u16::MAX as u128,
        u16::MAX as u128,
        1,
        4,
        u8::MAX as u128,
        1,
        u128::MAX,
        u128::MAX,
        u16::MAX as u128,
        u16::MAX as u128,
    ];

    /// The level of the field in the diagram.
    #[must_use]
    pub const fn level(self) -> usize {
        self as usize
    }

    /// All values of the field.
    #[must_use]
    pub const fn all(self) -> Interval {
        Interval::up_to(Self::TOPS[self as usize])
    }
}
