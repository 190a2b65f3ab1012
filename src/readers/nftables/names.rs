//! nft's names for numbers: protocols, ICMP types and codes, states, TCP flags, priorities.
//!
//! nft prints names even where numbers were loaded. Protocol names come from the system's
//! protocols file (IANA names), the rest is built into nft.

/// A table of names; several names may mean the same number.
pub(super) type Names = &'static [(&'static str, u8)];

pub(super) const PROTOCOLS: Names = &[
    ("hopopt", 0),
    ("ip", 0),
    ("icmp", 1),
    ("igmp", 2),
    ("ggp", 3),
    ("ipencap", 4),
    ("ipv4", 4),
    ("tcp", 6),
    ("egp", 8),
    ("igp", 9),
    ("udp", 17),
    ("dccp", 33),
    ("ipv6", 41),
    ("ipv6-route", 43),
    ("ipv6-frag", 44),
    ("rsvp", 46),
    ("gre", 47),
    ("esp", 50),
    ("ah", 51),
    ("icmpv6", 58),
    ("ipv6-icmp", 58),
    ("ipv6-nonxt", 59),
    ("ipv6-opts", 60),
    ("eigrp", 88),
    ("ospf", 89),
    ("ospfigp", 89),
    ("ipip", 94),
    ("etherip", 97),
    ("pim", 103),
    ("comp", 108),
    ("ipcomp", 108),
    ("vrrp", 112),
    ("l2tp", 115),
    ("sctp", 132),
    ("udplite", 136),
    ("mpls-in-ip", 137),
];

pub(super) const ICMP_TYPES: Names = &[
    ("echo-reply", 0),
    ("destination-unreachable", 3),
    ("source-quench", 4),
    ("redirect", 5),
    ("echo-request", 8),
    ("router-advertisement", 9),
    ("router-solicitation", 10),
    ("time-exceeded", 11),
    ("parameter-problem", 12),
    ("timestamp-request", 13),
    ("timestamp-reply", 14),
    ("info-request", 15),
    ("info-reply", 16),
    ("address-mask-request", 17),
    ("address-mask-reply", 18),
];

pub(super) const ICMPV6_TYPES: Names = &[
    ("destination-unreachable", 1),
    ("packet-too-big", 2),
    ("time-exceeded", 3),
    ("parameter-problem", 4),
    ("echo-request", 128),
    ("echo-reply", 129),
    ("mld-listener-query", 130),
    ("mld-listener-report", 131),
    ("mld-listener-done", 132),
    ("mld-listener-reduction", 132),
    ("nd-router-solicit", 133),
    ("nd-router-advert", 134),
    ("nd-neighbor-solicit", 135),
    ("nd-neighbor-advert", 136),
    ("nd-redirect", 137),
    ("router-renumbering", 138),
    ("ind-neighbor-solicit", 141),
    ("ind-neighbor-advert", 142),
    ("mld2-listener-report", 143),
];

pub(super) const ICMP_CODES: Names = &[
    ("net-unreachable", 0),
    ("host-unreachable", 1),
    ("prot-unreachable", 2),
    ("port-unreachable", 3),
    ("frag-needed", 4),
    ("net-prohibited", 9),
    ("host-prohibited", 10),
    ("admin-prohibited", 13),
];

pub(super) const ICMPV6_CODES: Names = &[
    ("no-route", 0),
    ("admin-prohibited", 1),
    ("addr-unreachable", 3),
    ("port-unreachable", 4),
    ("policy-fail", 5),
    ("reject-route", 6),
];

/// Numbers of [`crate::space::CtState`].
pub(super) const STATES: Names = &[("new", 0), ("established", 1), ("related", 2), ("invalid", 3), ("untracked", 4)];

/// Numbers of [`crate::space::Family`], as `meta nfproto` calls them.
pub(super) const FAMILIES: Names = &[("ipv4", 0), ("ipv6", 1)];

/// Numbers of [`crate::space::Family`], as `meta protocol` calls them.
pub(super) const ETHERTYPES: Names = &[("ip", 0), ("0x0800", 0), ("ip6", 1), ("0x86dd", 1)];

pub(super) const TCP_FLAGS: Names = &[
    ("fin", 0x01),
    ("syn", 0x02),
    ("rst", 0x04),
    ("psh", 0x08),
    ("ack", 0x10),
    ("urg", 0x20),
    ("ecn", 0x40),
    ("cwr", 0x80),
];

/// Priorities of `inet`, `ip` and `ip6` (kernel: `enum nf_ip_hook_priorities`).
const PRIORITIES: [(&str, i64); 6] =
    [("raw", -300), ("mangle", -150), ("dstnat", -100), ("filter", 0), ("security", 50), ("srcnat", 100)];

/// The number of a name, or of digits in decimal or `0x` form.
pub(super) fn number(names: Names, word: &str) -> Option<u128> {
    let named = names.iter().find(|(name, _)| *name == word);
    named.map(|(_, number)| u128::from(*number)).or_else(|| digits(word))
}

/// A number in decimal or `0x` form.
pub(super) fn digits(word: &str) -> Option<u128> {
    match word.strip_prefix("0x") {
        Some(hex) => u128::from_str_radix(hex, 16).ok(),
        None if word.bytes().all(|byte| byte.is_ascii_digit()) => word.parse().ok(),
        None => None,
    }
}

/// A priority such as `-300`, `raw` or `filter + 10`, its words joined without spaces.
pub(super) fn priority(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let (_, base) = PRIORITIES.into_iter().find(|(name, _)| text.starts_with(name))?;
    let name_length = text.find(['+', '-']).unwrap_or(text.len());
    let (name, offset) = text.split_at(name_length);
    PRIORITIES.iter().find(|(known, _)| *known == name)?;
    match offset {
        "" => Some(base),
        offset => base.checked_add(offset.parse().ok()?),
    }
}
