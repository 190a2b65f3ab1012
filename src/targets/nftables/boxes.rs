//! Permits as boxes: one list of elements per protocol and family.

use super::maps::{Element, Upper, Width};
use super::words::interval;
use crate::model::ids::Id;
use crate::model::{Addresses, Family, ServiceMatch};
use crate::plan::Permit;
use crate::space::Interval;
use crate::syntax::service::Transport;

/// The authentication header (RFC 4302). In IPv6 it is an extension header: nft stops at it, connection tracking looks
/// through it to the protocol inside (`ipv6_skip_exthdr`).
const AUTHENTICATION_HEADER: u8 = 51;

/// The boxes of a permit, with the map they belong to.
pub(super) fn elements(permit: &Permit) -> Result<((Upper, Width), Vec<Element>), String> {
    let width = match permit.family {
        Family::V4 => Width::V4,
        Family::V6 => Width::V6,
    };
    let point = |value: u8| vec![Interval::point(u128::from(value))];
    let (upper, services) = match &permit.service {
        ServiceMatch::Ports(transport, ports) => {
            let upper = match transport {
                Transport::Tcp => Upper::Tcp,
                Transport::Udp => Upper::Udp,
                Transport::Sctp => Upper::Sctp,
            };
            let list = ports
                .intervals()
                .iter()
                .filter_map(|(first, last)| Interval::new(u128::from(*first), u128::from(*last)));
            (upper, list.collect())
        }
        ServiceMatch::Icmp(kind) | ServiceMatch::Icmpv6(kind) => (Upper::Icmp, point(*kind)),
        // A packet with the header would open the connection inside it, and the same connection would then pass without
        // the header: the permit would mean every protocol and port.
        ServiceMatch::Protocol(AUTHENTICATION_HEADER) if width == Width::V6 => {
            return Err(
                "connection tracking looks through the authentication header of IPv6, so this would allow every \
                        connection inside it; use `esp`, or give the flow `family: ipv4`"
                    .to_owned(),
            );
        }
        ServiceMatch::Protocol(number) => (Upper::Number(*number), point(0)),
        ServiceMatch::Any => return Err("a flow that means everything is never compiled".to_owned()),
    };
    // Labels of boxes count from 1: 0 is what no box covers.
    let flow = u32::try_from(permit.flow.index() + 1).map_err(|error| error.to_string())?;
    let mut boxes = Vec::new();
    for destination in intervals(&permit.destination, width) {
        for source in intervals(&permit.source, width) {
            boxes.extend(services.iter().map(|service| ([destination, source, *service], flow)));
        }
    }
    if boxes.is_empty() {
        return Err("a permit without packets".to_owned());
    }
    Ok(((upper, width), boxes))
}

fn intervals(addresses: &Addresses, width: Width) -> Vec<Interval> {
    match width {
        Width::V4 => {
            addresses.v4.intervals().iter().filter_map(|(a, b)| Interval::new(u128::from(*a), u128::from(*b))).collect()
        }
        Width::V6 => addresses.v6.intervals().iter().filter_map(|(a, b)| Interval::new(*a, *b)).collect(),
    }
}

/// Addresses of a family as nft writes them.
pub(super) fn ranges(addresses: &Addresses, family: Family) -> Vec<String> {
    let width = if family == Family::V4 { Width::V4 } else { Width::V6 };
    intervals(addresses, width).into_iter().map(|range| interval(range, width)).collect()
}
