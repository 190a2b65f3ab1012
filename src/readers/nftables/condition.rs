//! What a match means: boxes of packets that match for sure, and that may match.

use super::ast::{Element, Header, Operand, Operator, Value};
use super::names;
use super::value::{Kind, intervals};
use crate::space::{Family, Field, Interfaces, Interval, PacketBox, Region, protocol};

/// The packets that pass a match.
#[derive(Clone, Debug, Default)]
pub(super) struct Condition {
    /// Packets that may pass.
    pub may: Region,
    /// Packets that pass for sure; `None` when these are the same.
    pub must: Option<Region>,
    /// What the match looks at that is not there at every hook.
    pub reads: Reads,
}

/// Properties of a packet that some hooks do not have yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Reads {
    /// The output interface; unknown before routing.
    pub output: bool,
    /// The input interface; not kept until after routing by every kernel.
    pub input: bool,
    /// The state of the connection; unknown before connection tracking.
    pub state: bool,
    /// Whether the match is negated: `oifname != "eth0"` holds where there is no interface.
    pub negated: bool,
}

impl Condition {
    /// A match that nobody understands: any packet of `may` may pass.
    pub fn unknown(may: Region) -> Self {
        Self { may, must: Some(Region::new()), reads: Reads::default() }
    }
}

/// What the rule around a match says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings<'a> {
    /// Whether the table sees both families, so that nft adds guards of its own.
    pub both_families: bool,
    /// Whether the rule named a protocol before. nft then leaves its own guard of the family away
    /// from `icmp` and `icmpv6` (seen with nft 1.0.6: `nft --debug=netlink`).
    pub protocol_named: bool,
    /// Whether such a guard may be missing although nothing shows it: see [`super::Ruleset::listed`].
    pub guard_hidden: bool,
    /// The numbers of interface names.
    pub interfaces: &'a Interfaces,
}

/// How a header is found in the packet space.
struct Look {
    field: Field,
    kind: Kind,
    /// The packets that have the header.
    guards: Vec<PacketBox>,
    /// Packets that have something else in its place, so that nobody knows whether they match.
    loose: Vec<PacketBox>,
}

impl Look {
    fn new(field: Field, kind: Kind, guard: PacketBox) -> Self {
        Self { field, kind, guards: vec![guard], loose: Vec::new() }
    }
}

/// The packets that pass `key operator operand`, elements of named sets put in.
pub(super) fn condition(key: &[Header], operator: Operator, operand: &Operand, around: Surroundings<'_>) -> Condition {
    let mut reads = reads(key);
    reads.negated = operator == Operator::NotEqual;
    let mut condition = match (key, operand) {
        ([header], Operand::One(value)) => single(header, operator, &[value], around),
        ([header], Operand::Set(elements)) => {
            let values: Vec<&Value> = elements.iter().flat_map(|element| &element.key).collect();
            single(header, operator, &values, around)
        }
        (_, Operand::Set(elements)) if operator == Operator::Equal => several(key, elements, around),
        _ => None,
    };
    if let Some(condition) = &mut condition {
        condition.reads = reads;
    }
    condition.unwrap_or_else(|| Condition::unknown(Region::all()))
}

/// The boxes of an element of a map; `None` if some part is not understood.
pub(super) fn entry(key: &[Header], element: &Element, around: Surroundings<'_>) -> Option<Vec<PacketBox>> {
    if key.len() != element.key.len() {
        return None;
    }
    let mut boxes = vec![PacketBox::any()];
    for (header, value) in key.iter().zip(&element.key) {
        let look = look(header, around).filter(|look| look.loose.is_empty())?;
        let values = intervals(value, look.kind, look.field, around.interfaces)?;
        let narrowed = |packets: &PacketBox| {
            let guarded = look.guards.iter().filter_map(|guard| packets.intersection(guard));
            let parts = guarded.flat_map(|part| {
                let values = values.iter();
                values.filter_map(move |&value| part.narrowed(look.field, value))
            });
            parts.collect::<Vec<_>>()
        };
        boxes = boxes.iter().flat_map(narrowed).collect();
    }
    Some(boxes)
}

/// What a key looks at that not every hook has.
pub(super) fn reads(key: &[Header]) -> Reads {
    let mut reads = Reads::default();
    for header in key {
        match header {
            Header::Meta(name) if name == "oif" || name == "oifname" => reads.output = true,
            Header::Meta(name) if name == "iif" || name == "iifname" => reads.input = true,
            Header::Ct(_) => reads.state = true,
            _ => {}
        }
    }
    reads
}

/// Whether a header names the protocol above IP.
pub(super) fn names_protocol(header: &Header) -> bool {
    match header {
        Header::Meta(name) => name == "l4proto",
        Header::Payload(layer, field) => layer == "ip" && field == "protocol" || layer == "ip6" && field == "nexthdr",
        _ => false,
    }
}

/// Whether a header fixes the family of the packet.
pub(super) fn names_family(header: &Header) -> bool {
    match header {
        Header::Meta(name) => name == "nfproto" || name == "protocol",
        Header::Payload(layer, _) => layer == "ip" || layer == "ip6",
        _ => false,
    }
}

fn single(header: &Header, operator: Operator, values: &[&Value], around: Surroundings<'_>) -> Option<Condition> {
    if let Some((value_mask, bits)) = tcp_flags(header) {
        return Some(super::flags::condition(operator, value_mask, values, bits));
    }
    let look = look(header, around)?;
    let known = values.iter().map(|value| intervals(value, look.kind, look.field, around.interfaces));
    let known: Vec<Option<Vec<Interval>>> = known.collect();
    let all_known = known.iter().all(Option::is_some);
    let listed: Vec<Interval> = known.into_iter().flatten().flatten().collect();
    let several_bits = matches!(values, [Value::Bits(words)] if words.len() > 1);
    let top = look.field.all().hi();
    let one = |range: fn(Interval, u128) -> Option<Interval>| match listed.as_slice() {
        [value] if all_known => Some(range(*value, top).into_iter().collect::<Vec<_>>()),
        _ => None,
    };
    let chosen = match operator {
        Operator::Equal if several_bits => return None,
        Operator::Equal => listed,
        Operator::AnyBit if look.field == Field::State => listed,
        Operator::AnyBit => return None,
        Operator::NotEqual if several_bits => return None,
        Operator::NotEqual => complement(listed, top),
        Operator::Less => one(|v, _| Interval::new(0, v.lo().checked_sub(1)?))?,
        Operator::LessOrEqual => one(|v, _| Interval::new(0, v.hi()))?,
        Operator::Greater => one(|v, top| Interval::new(v.hi().checked_add(1)?, top))?,
        Operator::GreaterOrEqual => one(|v, top| Interval::new(v.lo(), top))?,
    };
    let guards: Region = look.guards.iter().copied().collect();
    let sure = guards.narrowed(look.field, &chosen);
    if all_known && look.loose.is_empty() {
        return Some(Condition { may: sure, ..Condition::default() });
    }
    let negated = operator == Operator::NotEqual;
    let mut may = if all_known || negated { sure.clone() } else { guards };
    may.extend(look.loose);
    let must = if all_known || !negated { sure } else { Region::new() };
    Some(Condition { may, must: Some(must), ..Condition::default() })
}

fn several(key: &[Header], elements: &[Element], around: Surroundings<'_>) -> Option<Condition> {
    let mut sure = Region::new();
    let mut all_known = true;
    for element in elements {
        match entry(key, element, around) {
            Some(boxes) => sure.extend(boxes),
            None => all_known = false,
        }
    }
    if all_known {
        return Some(Condition { may: sure, ..Condition::default() });
    }
    Some(Condition { may: Region::all(), must: Some(sure), ..Condition::default() })
}

/// The flags of a TCP header and the mask on them.
fn tcp_flags(header: &Header) -> Option<(Option<&Value>, PacketBox)> {
    let is_flags =
        |header: &Header| matches!(header, Header::Payload(layer, field) if layer == "tcp" && field == "flags");
    let tcp = PacketBox::any().protocol(protocol::TCP);
    match header {
        Header::Masked(inner, mask) if is_flags(inner) => Some((Some(mask), tcp)),
        header if is_flags(header) => Some((None, tcp)),
        _ => None,
    }
}

fn look(header: &Header, around: Surroundings<'_>) -> Option<Look> {
    let any = PacketBox::any();
    match header {
        Header::Payload(layer, field) => payload(layer, field, around),
        Header::Meta(name) => Some(match name.as_str() {
            "l4proto" => Look::new(Field::Protocol, Kind::Number(names::PROTOCOLS), any),
            "nfproto" => Look::new(Field::Family, Kind::Number(names::FAMILIES), any),
            "protocol" => Look::new(Field::Family, Kind::Number(names::ETHERTYPES), any),
            "iif" | "iifname" => Look::new(Field::Input, Kind::Interface, any),
            "oif" | "oifname" => Look::new(Field::Output, Kind::Interface, any),
            _ => return None,
        }),
        Header::Ct(name) if name == "state" => Some(Look::new(Field::State, Kind::Number(names::STATES), any)),
        Header::Ct(_) | Header::Masked(..) | Header::Unknown(_) => None,
    }
}

fn payload(layer: &str, field: &str, around: Surroundings<'_>) -> Option<Look> {
    let any = PacketBox::any();
    let (v4, v6) = (any.family(Family::V4), any.family(Family::V6));
    // Guards that nft adds by itself; a table of one family needs none.
    let added = |guard: PacketBox, number: u8| {
        let needed = around.both_families && !around.protocol_named;
        let guard = if needed { guard } else { any };
        guard.protocol(number)
    };
    let icmp = |names: names::Names, own: PacketBox, other: PacketBox, number: u8| {
        let loose = around.guard_hidden.then(|| other.protocol(number));
        let look = Look::new(place(field), Kind::Number(names), added(own, number));
        Look { loose: loose.into_iter().collect(), ..look }
    };
    let port = |field: Field, number: u8| Look::new(field, Kind::Number(&[]), any.protocol(number));
    Some(match (layer, field) {
        ("ip", "saddr") => Look::new(Field::Source, Kind::Address(Family::V4), v4),
        ("ip", "daddr") => Look::new(Field::Destination, Kind::Address(Family::V4), v4),
        ("ip6", "saddr") => Look::new(Field::Source, Kind::Address(Family::V6), v6),
        ("ip6", "daddr") => Look::new(Field::Destination, Kind::Address(Family::V6), v6),
        ("ip", "protocol") => Look::new(Field::Protocol, Kind::Number(names::PROTOCOLS), v4),
        // The first header only: behind extension headers anything may follow.
        ("ip6", "nexthdr") => Look {
            guards: Vec::new(),
            loose: vec![v6],
            ..Look::new(Field::Protocol, Kind::Number(names::PROTOCOLS), v6)
        },
        ("ip6", "hoplimit") => hop_limit(v6),
        ("tcp", "sport" | "dport") => port(place(field), protocol::TCP),
        ("udp", "sport" | "dport") => port(place(field), protocol::UDP),
        ("sctp", "sport" | "dport") => port(place(field), protocol::SCTP),
        ("dccp", "sport" | "dport") => port(place(field), protocol::DCCP),
        ("udplite", "sport" | "dport") => port(place(field), protocol::UDPLITE),
        ("th", "sport" | "dport") => Look {
            guards: protocol::WITH_PORTS.map(|number| any.protocol(number)).into(),
            loose: other_protocols(any, &protocol::WITH_PORTS),
            ..port(place(field), protocol::TCP)
        },
        ("icmp", "type") => icmp(names::ICMP_TYPES, v4, v6, protocol::ICMP),
        ("icmp", "code") => icmp(names::ICMP_CODES, v4, v6, protocol::ICMP),
        ("icmpv6", "type") => icmp(names::ICMPV6_TYPES, v6, v4, protocol::ICMPV6),
        ("icmpv6", "code") => icmp(names::ICMPV6_CODES, v6, v4, protocol::ICMPV6),
        _ => return None,
    })
}

/// Where ports, types and codes stand in the space.
fn place(field: &str) -> Field {
    match field {
        "sport" | "type" => Field::SourcePort,
        _ => Field::DestinationPort,
    }
}

/// The space knows one hop limit, 255, and only for ICMPv6; see [`Field::Detail`]. Any other
/// value is not understood.
fn hop_limit(v6: PacketBox) -> Look {
    const ONLY: names::Names = &[("255", 1)];
    Look {
        loose: other_protocols(v6, &[protocol::ICMPV6]),
        ..Look::new(Field::Detail, Kind::Number(ONLY), v6.protocol(protocol::ICMPV6))
    }
}

/// The boxes of all protocols but those listed in ascending order.
fn other_protocols(packets: PacketBox, but: &[u8]) -> Vec<PacketBox> {
    let listed = but.iter().map(|&number| Interval::point(number)).collect();
    let others = complement(listed, u8::MAX.into());
    let boxes = others.into_iter().map(|numbers| packets.with(Field::Protocol, numbers));
    boxes.collect()
}

/// The values up to `top` that are in none of the intervals.
fn complement(mut intervals: Vec<Interval>, top: u128) -> Vec<Interval> {
    intervals.sort_unstable();
    let mut rest = Vec::new();
    let mut next = Some(0);
    for interval in intervals {
        if let (Some(start), Some(end)) = (next, interval.lo().checked_sub(1)) {
            rest.extend(Interval::new(start, end));
        }
        let after = interval.hi().checked_add(1);
        next = next.and_then(|start| after.map(|after| after.max(start)));
    }
    rest.extend(next.and_then(|start| Interval::new(start, top)));
    rest
}
