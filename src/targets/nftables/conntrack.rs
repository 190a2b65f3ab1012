//! Which open connections a change of flows leaves behind, as `conntrack -D` lines.
//!
//! Rules judge new connections; an open one goes on until it is deleted. The lines name exactly the connections that
//! are no longer allowed, by the direction in which they were opened. `conntrack` takes one address or prefix for each end
//! and one port; of a range of ports it silently reads the first (conntrack-tools 1.4.7). So for a range the open
//! connections are asked for their ports first.

use super::boxes::elements;
use super::maps::{Bounds, Upper, Width, tops};
use super::words::protocol;
use crate::model::address::short;
use crate::plan::{GatewayPlan, Permit};
use crate::space::{Interval, disjoint};
use ipnet::{Ipv4Subnets, Ipv6Subnets};
use std::collections::{BTreeMap, BTreeSet};
use std::net::Ipv4Addr;

/// The lines for one gateway: connections that `before` allows to be opened and `after` does not. Without `after` all of
/// `before`. The lines are for a POSIX shell, run as root on the device after the new ruleset is loaded; connections do not
/// tell their interfaces, so one that another pair of interfaces still allows is kept.
///
/// # Errors
/// What has no form in nftables has none here.
pub fn closed_connections(before: &[&Permit], after: &[&Permit]) -> Result<Vec<String>, String> {
    // What is still allowed comes first, with a label of its own, and so covers the rest.
    let mut boxes: BTreeMap<(Upper, Width), Vec<(Bounds, u32)>> = BTreeMap::new();
    for (permits, label) in [(after, KEPT), (before, CLOSED)] {
        for permit in permits {
            let (key, elements) = elements(permit)?;
            boxes.entry(key).or_default().extend(elements.into_iter().map(|(bounds, _)| (bounds, label)));
        }
    }
    let mut lines = BTreeSet::new();
    for ((upper, width), list) in boxes {
        let parts = disjoint(tops(width, upper), &list).map_err(|error| error.to_string())?;
        for (bounds, _) in parts.iter().filter(|(_, label)| *label == CLOSED) {
            deletions(bounds, upper, width, &mut lines);
        }
    }
    Ok(lines.into_iter().map(|(_, line)| line).collect())
}

/// The lines for one flow of a gateway that is to be removed: [`closed_connections`] against the flows that stay.
///
/// # Errors
/// As [`closed_connections`].
pub fn connections_of(gateway: &GatewayPlan, flow: crate::model::FlowId) -> Result<Vec<String>, String> {
    let (removed, kept): (Vec<&Permit>, Vec<&Permit>) = gateway.permits.iter().partition(|permit| permit.flow == flow);
    closed_connections(&removed, &kept)
}

const KEPT: u32 = 1;
const CLOSED: u32 = 2;

/// Lines with what they are sorted by.
type Lines = BTreeSet<((Upper, Width, Bounds, usize), String)>;

fn deletions(bounds: &Bounds, upper: Upper, width: Width, lines: &mut Lines) {
    let [destination, source, service] = *bounds;
    let family = if width == Width::V4 { "ipv4" } else { "ipv6" };
    for (at, from) in prefixes(source, width).iter().enumerate() {
        for to in prefixes(destination, width) {
            let ends = format!("conntrack -D -f {family} -p {} -s {from} -d {to}", word(upper, width));
            let line = match (upper, service.lo(), service.hi()) {
                (Upper::Number(_), ..) => ends,
                (Upper::Icmp, kind, _) if width == Width::V4 => format!("{ends} --icmp-type {kind}"),
                (Upper::Icmp, kind, _) => format!("{ends} --icmpv6-type {kind}"),
                (_, port, last) if port == last => format!("{ends} --dport {port}"),
                (_, 0 | 1, 65_535) => ends,
                (_, first, last) => {
                    let list = ends.replacen("-D", "-L", 1);
                    // The first `dport` of a line is that of the direction in which the connection was opened.
                    let pick = format!(
                        "awk 'match($0,/ dport=[0-9]+/){{p=substr($0,RSTART+7,RLENGTH-7)+0;if(p>={first}&&p<={last})print p}}'"
                    );
                    format!("for p in $({list} 2>/dev/null | {pick} | sort -u); do {ends} --dport $p; done")
                }
            };
            lines.insert(((upper, width, *bounds, at), line));
        }
    }
}

/// The protocol as conntrack spells it.
fn word(upper: Upper, width: Width) -> String {
    match (upper, width) {
        (Upper::Tcp, _) => "tcp".to_owned(),
        (Upper::Udp, _) => "udp".to_owned(),
        (Upper::Sctp, _) => "sctp".to_owned(),
        (Upper::Icmp, Width::V4) => "icmp".to_owned(),
        (Upper::Icmp, Width::V6) => "icmpv6".to_owned(),
        (Upper::Number(_), _) => protocol(upper, width).to_string(),
    }
}

/// The fewest prefixes that make up a range; single addresses without their length.
fn prefixes(range: Interval, width: Width) -> Vec<String> {
    let v4 = |value: u128| Ipv4Addr::from(u32::try_from(value).unwrap_or(u32::MAX));
    match width {
        Width::V4 => Ipv4Subnets::new(v4(range.lo()), v4(range.hi()), 0).map(|net| short(&net.into())).collect(),
        Width::V6 => Ipv6Subnets::new(range.lo().into(), range.hi().into(), 0).map(|net| short(&net.into())).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::graph::Hook;
    use crate::model::ids::Id;
    use crate::model::{Addresses, Family, FlowId, Ranges, ServiceMatch};
    use crate::syntax::service::Transport;

    fn permit(flow: usize, source: &str, destination: &str, ports: (u16, u16)) -> Permit {
        let addresses = |text: &str| Addresses::from_nets([&text.parse().unwrap()]);
        Permit {
            flow: FlowId::new(flow),
            hook: Hook::Forward,
            input: Some(0),
            output: Some(1),
            family: if source.contains(':') { Family::V6 } else { Family::V4 },
            source: addresses(source),
            destination: addresses(destination),
            service: ServiceMatch::Ports(Transport::Tcp, Ranges::new([ports])),
            log: false,
        }
    }

    #[test]
    fn each_connection_of_the_removed_flow_is_named() {
        let v4 = permit(0, "10.0.0.0/24", "10.1.0.1/32", (5432, 5432));
        let v6 = permit(0, "fd00::/64", "fd01::1/128", (80, 81));
        assert_eq!(
            closed_connections(&[&v4, &v6], &[]).unwrap(),
            [
                "conntrack -D -f ipv4 -p tcp -s 10.0.0.0/24 -d 10.1.0.1 --dport 5432",
                "for p in $(conntrack -L -f ipv6 -p tcp -s fd00::/64 -d fd01::1 2>/dev/null \
                 | awk 'match($0,/ dport=[0-9]+/){p=substr($0,RSTART+7,RLENGTH-7)+0;if(p>=80&&p<=81)print p}' | sort -u); \
                 do conntrack -D -f ipv6 -p tcp -s fd00::/64 -d fd01::1 --dport $p; done",
            ]
        );
    }

    #[test]
    fn what_another_flow_allows_goes_on() {
        let wide = permit(0, "10.0.0.0/30", "10.1.0.1/32", (80, 80));
        let narrow = permit(1, "10.0.0.1/32", "10.1.0.1/32", (80, 85));
        assert_eq!(
            closed_connections(&[&wide], &[&narrow]).unwrap(),
            [
                "conntrack -D -f ipv4 -p tcp -s 10.0.0.0 -d 10.1.0.1 --dport 80",
                "conntrack -D -f ipv4 -p tcp -s 10.0.0.2/31 -d 10.1.0.1 --dport 80",
            ]
        );
        let wider = permit(1, "10.0.0.0/24", "10.1.0.1/32", (1, 100));
        assert_eq!(closed_connections(&[&wide], &[&wider]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn all_ports_need_no_loop() {
        let all = permit(0, "10.0.0.1/32", "10.1.0.1/32", (1, 65_535));
        assert_eq!(closed_connections(&[&all], &[]).unwrap(), ["conntrack -D -f ipv4 -p tcp -s 10.0.0.1 -d 10.1.0.1"]);
    }
}
