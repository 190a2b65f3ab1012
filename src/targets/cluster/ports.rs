//! Ports of a service as the policy APIs write them.

use crate::model::ServiceMatch;
use crate::model::address::Ranges;
use crate::syntax::service::Transport;
use std::collections::BTreeMap;

/// A range of ports of one transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PortRange {
    /// Transport.
    pub transport: Transport,
    /// First port.
    pub first: u16,
    /// Last port.
    pub last: u16,
}

/// The API's spelling of a transport.
#[must_use]
pub const fn protocol(transport: Transport) -> &'static str {
    match transport {
        Transport::Tcp => "TCP",
        Transport::Udp => "UDP",
        Transport::Sctp => "SCTP",
    }
}

/// Ports of services by transport; what has no ports is left out.
#[must_use]
pub fn of_services<'a>(services: impl IntoIterator<Item = &'a ServiceMatch>) -> BTreeMap<Transport, Ranges<u16>> {
    let mut all: BTreeMap<Transport, Ranges<u16>> = BTreeMap::new();
    for service in services {
        if let ServiceMatch::Ports(transport, ports) = service {
            let united = all.entry(*transport).or_default();
            *united = united.union(ports);
        }
    }
    all
}

/// The ranges of some ports in order; without support for ranges every port by itself, up to `most` of them.
#[must_use]
pub fn ranges(ports: &BTreeMap<Transport, Ranges<u16>>, with_ranges: bool, most: usize) -> Option<Vec<PortRange>> {
    let mut list = Vec::new();
    for (transport, set) in ports {
        for (first, last) in set.intervals() {
            let step = |first, last| PortRange { transport: *transport, first, last };
            if with_ranges || first == last {
                list.push(step(*first, *last));
            } else {
                if usize::from(last - first) >= most {
                    return None;
                }
                list.extend((*first..=*last).map(|port| step(port, port)));
            }
        }
    }
    Some(list)
}

/// All ports of TCP, UDP and SCTP that are not among these.
#[must_use]
pub fn complement(ports: &BTreeMap<Transport, Ranges<u16>>) -> BTreeMap<Transport, Ranges<u16>> {
    let all = Ranges::new([(1, u16::MAX)]);
    [Transport::Tcp, Transport::Udp, Transport::Sctp]
        .into_iter()
        .map(|transport| (transport, ports.get(&transport).map_or_else(|| all.clone(), |used| all.difference(used))))
        .filter(|(_, rest)| !rest.is_empty())
        .collect()
}

/// Cilium takes at most 40 ports in one list.
#[must_use]
pub fn chunks<T: Clone>(list: &[T]) -> Vec<Vec<T>> {
    list.chunks(40).map(<[T]>::to_vec).collect()
}
