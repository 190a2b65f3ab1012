//! What a service means on the wire.

use super::address::{Family, Ranges};
use crate::syntax::service::{ServiceExpr, Transport};
use std::fmt;

/// Packets of a service, by protocol. A port always keeps its protocol.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ServiceMatch {
    /// Destination ports of one transport.
    Ports(Transport, Ranges<u16>),
    /// An ICMP request (IPv4), by type; any code.
    Icmp(u8),
    /// An ICMPv6 request, by type; any code.
    Icmpv6(u8),
    /// An IP protocol without ports, by number.
    Protocol(u8),
    /// Everything. ZM-FLO-01 reports it; no plan holds it.
    Any,
}

impl ServiceMatch {
    /// The meaning of an expression that is not a name.
    #[must_use]
    pub fn of(expr: &ServiceExpr) -> Option<Self> {
        Some(match expr {
            ServiceExpr::Named(_) => return None,
            ServiceExpr::Ports(transport, first, last) => Self::Ports(*transport, Ranges::new([(*first, *last)])),
            ServiceExpr::Icmp(kind) => Self::Icmp(*kind),
            ServiceExpr::Icmpv6(kind) => Self::Icmpv6(*kind),
            ServiceExpr::Protocol(number) => Self::Protocol(*number),
            ServiceExpr::Any => Self::Any,
        })
    }

    /// IANA protocol number; `None` for everything.
    #[must_use]
    pub const fn protocol(&self) -> Option<u8> {
        match self {
            Self::Ports(transport, _) => Some(transport.number()),
            Self::Icmp(_) => Some(1),
            Self::Icmpv6(_) => Some(58),
            Self::Protocol(number) => Some(*number),
            Self::Any => None,
        }
    }

    /// Whether packets of a family can carry it: ICMP is IPv4, ICMPv6 is IPv6, the rest is both.
    #[must_use]
    pub const fn fits(&self, family: Family) -> bool {
        !matches!((self, family), (Self::Icmp(_), Family::V6) | (Self::Icmpv6(_), Family::V4))
    }

    /// Unites what can be united (ports of one transport) and sorts: equal services are equal values.
    #[must_use]
    pub fn normalise(matches: Vec<Self>) -> Vec<Self> {
        let mut ports: std::collections::BTreeMap<Transport, Ranges<u16>> = std::collections::BTreeMap::new();
        let mut rest = Vec::new();
        for item in matches {
            match item {
                Self::Ports(transport, ranges) => {
                    let united = ports.entry(transport).or_default();
                    *united = united.union(&ranges);
                }
                other => rest.push(other),
            }
        }
        let mut all: Vec<Self> = ports.into_iter().map(|(transport, ranges)| Self::Ports(transport, ranges)).collect();
        all.append(&mut rest);
        all.sort();
        all.dedup();
        all
    }
}

impl fmt::Display for ServiceMatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ports(transport, ranges) => {
                let texts: Vec<String> = ranges
                    .intervals()
                    .iter()
                    .map(|(first, last)| ServiceExpr::Ports(*transport, *first, *last).to_string())
                    .collect();
                f.write_str(&texts.join(", "))
            }
            Self::Icmp(kind) => ServiceExpr::Icmp(*kind).fmt(f),
            Self::Icmpv6(kind) => ServiceExpr::Icmpv6(*kind).fmt(f),
            Self::Protocol(number) => ServiceExpr::Protocol(*number).fmt(f),
            Self::Any => f.write_str("any"),
        }
    }
}
