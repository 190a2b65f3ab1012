//! How fields, addresses and ports are spelt in nft. Numbers, not names, for protocols and ports: their names come from
//! files that a minimal system lacks.

use super::maps::{self, Field, Upper, VerdictMap, Width};
use crate::space::Interval;
use std::net::{Ipv4Addr, Ipv6Addr};

/// The rule's guard for protocols that no field of the key implies.
pub(super) fn guard(upper: Upper) -> String {
    match upper {
        Upper::Number(number) => format!("meta l4proto {number} "),
        _ => String::new(),
    }
}

/// The protocol's number.
pub(super) fn protocol(upper: Upper, width: Width) -> u8 {
    match (upper, width) {
        (Upper::Tcp, _) => 6,
        (Upper::Udp, _) => 17,
        (Upper::Sctp, _) => 132,
        (Upper::Icmp, Width::V4) => 1,
        (Upper::Icmp, Width::V6) => 58,
        (Upper::Number(number), _) => number,
    }
}

/// The key of a map as a rule spells it.
pub(super) fn key(map: &VerdictMap, upper: Upper, width: Width) -> String {
    map.key.iter().map(|field| field_word(*field, upper, width)).collect::<Vec<_>>().join(" . ")
}

/// A field as a rule spells it.
pub(super) const fn field_word(field: Field, upper: Upper, width: Width) -> &'static str {
    match (field, width, upper) {
        (Field::Destination, Width::V4, _) => "ip daddr",
        (Field::Destination, Width::V6, _) => "ip6 daddr",
        (Field::Source, Width::V4, _) => "ip saddr",
        (Field::Source, Width::V6, _) => "ip6 saddr",
        (Field::Service, _, Upper::Udp) => "udp dport",
        (Field::Service, _, Upper::Sctp) => "sctp dport",
        (Field::Service, Width::V4, Upper::Icmp) => "icmp type",
        (Field::Service, Width::V6, Upper::Icmp) => "icmpv6 type",
        (Field::Service, _, _) => "tcp dport",
    }
}

/// The type of a field in a set or map.
pub(super) const fn field_type(field: Field, upper: Upper, width: Width) -> &'static str {
    match (field, width, upper) {
        (Field::Destination | Field::Source, Width::V4, _) => "ipv4_addr",
        (Field::Destination | Field::Source, Width::V6, _) => "ipv6_addr",
        (Field::Service, Width::V4, Upper::Icmp) => "icmp_type",
        (Field::Service, Width::V6, Upper::Icmp) => "icmpv6_type",
        (Field::Service, _, _) => "inet_service",
    }
}

/// A field of an element.
pub(super) fn field_text(field: Field, bounds: &maps::Bounds, upper: Upper, width: Width) -> String {
    let [destination, source, service] = *bounds;
    match field {
        Field::Destination => interval(destination, width),
        Field::Source => interval(source, width),
        Field::Service if upper == Upper::Icmp && (service.lo(), service.hi()) == echo(width) => {
            "echo-request".to_owned()
        }
        Field::Service if service.lo() == service.hi() => service.lo().to_string(),
        Field::Service => format!("{}-{}", service.lo(), service.hi()),
    }
}

/// Echo request is type 8 (RFC 792) and 128 (RFC 4443).
const fn echo(width: Width) -> (u128, u128) {
    match width {
        Width::V4 => (8, 8),
        Width::V6 => (128, 128),
    }
}

/// An address range as nft writes it: one address, a prefix, or both ends.
pub(super) fn interval(range: Interval, width: Width) -> String {
    let (lo, hi) = (range.lo(), range.hi());
    let text = |value: u128| match width {
        Width::V4 => Ipv4Addr::from(u32::try_from(value).unwrap_or(u32::MAX)).to_string(),
        Width::V6 => Ipv6Addr::from(value).to_string(),
    };
    let bits = if width == Width::V4 { 32 } else { 128 };
    let size = hi.wrapping_sub(lo).wrapping_add(1);
    if lo == hi {
        text(lo)
    } else if size.is_power_of_two() && lo & size.wrapping_sub(1) == 0 {
        format!("{}/{}", text(lo), bits - size.trailing_zeros())
    } else {
        format!("{}-{}", text(lo), text(hi))
    }
}
