//! The packets a gateway has to let through, computed from its plan alone.

use std::fmt;
use std::net::Ipv6Addr;

use crate::graph::Hook as PlanHook;
use crate::model::ids::Id;
use crate::model::{Addresses, FlowId, ServiceMatch};
use crate::plan::{GatewayPlan, Permit};
use crate::space::{
    AddressRange, CtState, Family, Field, Hook, Interface, Interfaces, Interval, Map, MissingCut, PacketBox,
    PacketSpace, Region, protocol,
};

/// Neighbour and router solicitation, neighbour advertisement (RFC 4861, 4).
const NEIGHBOUR_TYPES: [u8; 3] = [133, 135, 136];
/// Multicast listener query, report, done (RFC 2710, 3) and report of version 2 (RFC 3810, 5.2).
const LISTENER_TYPES: [u8; 4] = [130, 131, 132, 143];
/// Destination unreachable, time exceeded, parameter problem (RFC 792). Redirects and source quench, which connection
/// tracking takes as related too, are not let through.
const ERRORS_V4: [u8; 3] = [3, 11, 12];
/// Destination unreachable, packet too big, time exceeded, parameter problem (RFC 4443, 3).
const ERRORS_V6: [u8; 4] = [1, 2, 3, 4];
/// The loopback interface, whose packets are the device's own.
const LOOPBACK: &str = "lo";

/// Why a packet is allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Basis {
    /// The device talks to itself.
    Loopback,
    /// It belongs to a connection that was allowed to open.
    Established,
    /// It is an ICMP or ICMPv6 error about such a connection.
    Related,
    /// Neighbour discovery on the link (RFC 4861: hop limit 255), without which there is no IPv6.
    NeighbourDiscovery,
    /// Multicast listener discovery from the link (RFC 2710).
    ListenerDiscovery,
    /// It opens a connection that a flow allows.
    Flow(FlowId),
}

impl Basis {
    const FRAME: [Self; 5] =
        [Self::Loopback, Self::Established, Self::Related, Self::NeighbourDiscovery, Self::ListenerDiscovery];

    /// The label of the basis in the maps of [`Allowed`]: 1 to 5 for the frame, then the flows in their order.
    #[must_use]
    pub fn label(self) -> u32 {
        let place = match self {
            Self::Flow(id) => id.index() + Self::FRAME.len(),
            frame => Self::FRAME.iter().position(|other| *other == frame).unwrap_or(0),
        };
        u32::try_from(place + 1).unwrap_or(Map::LAST_LABEL)
    }

    /// The basis that a label stands for; `None` for 0.
    #[must_use]
    pub fn of_label(label: u32) -> Option<Self> {
        let place = usize::try_from(label).ok()?.checked_sub(1)?;
        let flow = |place: usize| Some(Self::Flow(FlowId::new(place.checked_sub(Self::FRAME.len())?)));
        Self::FRAME.get(place).copied().or_else(|| flow(place))
    }
}

/// Why there is no set of allowed packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoSpace {
    /// More interfaces than the packet space has numbers for.
    Interfaces,
    /// A permit that names no interface of the gateway, or means everything.
    Permit(FlowId),
    /// A box that the space does not cover: a defect of the program.
    Cut(MissingCut),
}

impl fmt::Display for NoSpace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Interfaces => f.write_str("more than 65,534 interfaces"),
            Self::Permit(id) => write!(f, "permit of flow {} cannot be enforced as it is planned", id.index()),
            Self::Cut(cut) => cut.fmt(f),
        }
    }
}

impl std::error::Error for NoSpace {}

impl From<MissingCut> for NoSpace {
    fn from(cut: MissingCut) -> Self {
        Self::Cut(cut)
    }
}

/// What one gateway allows, as boxes: the flows of its plan in a frame of connection states.
///
/// ```text
/// allowed = own traffic on lo
///         ∪ source check ∩ ( established ∪ related ICMP errors ∪ neighbour and listener discovery at the device
///                            ∪ permits, for packets that may open a connection )
/// ```
///
/// The source check holds where packets enter (not for the device's own). A TCP connection opens with SYN alone. At the
/// device itself a packet that connection tracking does not look at is judged as a new one, because neighbour discovery is
/// never looked at; forwarded, it is refused.
#[derive(Clone, Debug)]
pub struct Allowed {
    checked: Region,
    frame: Labelled,
    flows: Labelled,
    own: Region,
}

/// Boxes and the label of each.
#[derive(Clone, Debug, Default)]
struct Labelled {
    region: Region,
    labels: Vec<u32>,
}

impl Labelled {
    fn of(boxes: impl IntoIterator<Item = (PacketBox, Basis)>) -> Self {
        let mut labelled = Self::default();
        for (packets, basis) in boxes {
            labelled.region.push(packets);
            labelled.labels.push(basis.label());
        }
        labelled
    }

    fn map(&self, space: &mut PacketSpace) -> Result<Map, MissingCut> {
        space.map(self.region.boxes().iter().zip(self.labels.iter().copied()))
    }
}

impl Allowed {
    /// The boxes of a plan. Gives the interfaces of the gateway, and `lo`, their numbers.
    ///
    /// # Errors
    /// [`NoSpace`] when the plan does not fit into the packet space.
    pub fn new(gateway: &GatewayPlan, interfaces: &mut Interfaces) -> Result<Self, NoSpace> {
        let numbers = gateway.interfaces.iter().map(|interface| interfaces.number(&interface.name));
        let numbers = numbers.collect::<Option<Vec<Interface>>>().ok_or(NoSpace::Interfaces)?;
        let lo = interfaces.number(LOOPBACK).ok_or(NoSpace::Interfaces)?;
        let mut flows = Vec::new();
        for permit in &gateway.permits {
            let boxes = opening(permit, &numbers).ok_or(NoSpace::Permit(permit.flow))?;
            flows.extend(boxes.into_iter().map(|packets| (packets, Basis::Flow(permit.flow))));
        }
        // Boxes of different pairs and protocols have nothing in common, so the first flow stays the first.
        flows.sort_by_key(|(packets, _)| GROUP.map(|field| packets.interval(field)));
        Ok(Self {
            checked: checked(gateway, &numbers, lo),
            frame: Labelled::of(frame()),
            flows: Labelled::of(flows),
            own: own(lo),
        })
    }

    /// All regions, for a space to cover.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        [&self.checked, &self.frame.region, &self.flows.region, &self.own].into_iter()
    }

    /// The allowed packets with the label of their [`Basis`]; where flows overlap, the first one.
    ///
    /// # Errors
    /// The space does not cover [`Self::regions`].
    pub fn map(&self, space: &mut PacketSpace) -> Result<Map, MissingCut> {
        let (frame, flows) = (self.frame.map(space)?, self.flows.map(space)?);
        let checked = space.set(&self.checked)?;
        let own = space.set(&self.own)?;
        let arena = space.arena();
        let labelled = arena.or_else(frame, flows);
        let inside = arena.restricted(labelled, checked);
        let own = arena.restricted(Map::constant(Basis::Loopback.label()), own);
        Ok(arena.or_else(own, inside))
    }
}

/// Fields in which two permits are the same or have nothing in common.
const GROUP: [Field; 5] = [Field::Hook, Field::Input, Field::Output, Field::Family, Field::Protocol];

/// Packets of the device to itself.
fn own(lo: Interface) -> Region {
    let any = PacketBox::any();
    Region::from_iter([any.hook(Hook::Input).input(lo), any.hook(Hook::Output).output(lo)])
}

/// Packets whose source may be where they come from.
fn checked(gateway: &GatewayPlan, numbers: &[Interface], lo: Interface) -> Region {
    let any = PacketBox::any();
    let entering = [any.hook(Hook::Forward), any.hook(Hook::Input)];
    let mut region = Region::from_iter([any.hook(Hook::Output)]);
    region.extend(entering.map(|packets| packets.input(lo)));
    for (interface, &number) in gateway.interfaces.iter().zip(numbers) {
        for packets in entering.map(|packets| packets.input(number)) {
            region.extend(ranges(&interface.sources).filter_map(|range| packets.source(range)));
            let types = NEIGHBOUR_TYPES.into_iter().chain(LISTENER_TYPES);
            region.extend(types.flat_map(|kind| on_link(packets, kind)));
        }
    }
    region
}

/// ICMPv6 messages of a type from an unspecified or link-local source.
fn on_link(packets: PacketBox, kind: u8) -> impl Iterator<Item = PacketBox> {
    let message = packets.protocol(protocol::ICMPV6).source_port(Interval::point(kind));
    let unspecified = AddressRange::V6(Ipv6Addr::UNSPECIFIED, Ipv6Addr::UNSPECIFIED);
    let link_local = AddressRange::V6(
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0),
        Ipv6Addr::new(0xfebf, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff, 0xffff),
    );
    [unspecified, link_local].into_iter().filter_map(move |range| message.source(range))
}

/// What passes without a flow, once its source has been checked.
fn frame() -> Vec<(PacketBox, Basis)> {
    let any = PacketBox::any();
    let mut frame = vec![(any.state(CtState::Established), Basis::Established)];
    let error = |family: Family, number: u8, kind: u8| {
        let packets = any.state(CtState::Related).family(family).protocol(number);
        (packets.source_port(Interval::point(kind)), Basis::Related)
    };
    frame.extend(ERRORS_V4.map(|kind| error(Family::V4, protocol::ICMP, kind)));
    frame.extend(ERRORS_V6.map(|kind| error(Family::V6, protocol::ICMPV6, kind)));
    for hook in [Hook::Input, Hook::Output] {
        for state in [CtState::New, CtState::Untracked] {
            let packets = any.hook(hook).state(state).family(Family::V6);
            let message = |kind: u8| packets.protocol(protocol::ICMPV6).source_port(Interval::point(kind)).detail();
            frame.extend(NEIGHBOUR_TYPES.map(|kind| (message(kind), Basis::NeighbourDiscovery)));
            let listeners = LISTENER_TYPES.into_iter().flat_map(|kind| on_link(packets, kind));
            frame.extend(listeners.map(|packets| (packets, Basis::ListenerDiscovery)));
        }
    }
    frame
}

/// The first packets of connections that a permit allows; `None` if the permit has no form in the space.
fn opening(permit: &Permit, numbers: &[Interface]) -> Option<Vec<PacketBox>> {
    let mut packets = PacketBox::any();
    if let Some(index) = permit.input {
        packets = packets.input(*numbers.get(index)?);
    }
    if let Some(index) = permit.output {
        packets = packets.output(*numbers.get(index)?);
    }
    let (hook, states): (Hook, &[CtState]) = match permit.hook {
        PlanHook::Forward => (Hook::Forward, &[CtState::New]),
        PlanHook::Input => (Hook::Input, &[CtState::New, CtState::Untracked]),
        PlanHook::Output => (Hook::Output, &[CtState::New, CtState::Untracked]),
    };
    let family = match permit.family {
        crate::model::Family::V4 => Family::V4,
        crate::model::Family::V6 => Family::V6,
    };
    let services = services(&permit.service, packets.hook(hook).family(family))?;
    let mut boxes = Vec::new();
    for source in ranges(&permit.source) {
        for destination in ranges(&permit.destination) {
            for service in &services {
                let ends = service.source(source).and_then(|packets| packets.destination(destination));
                boxes
                    .extend(ends.into_iter().flat_map(|packets| states.iter().map(move |state| packets.state(*state))));
            }
        }
    }
    Some(boxes)
}

/// The packets of a service that may open a connection.
fn services(service: &ServiceMatch, packets: PacketBox) -> Option<Vec<PacketBox>> {
    let of = |number: u8| {
        let packets = packets.protocol(number);
        if number == protocol::TCP { packets.detail() } else { packets }
    };
    Some(match service {
        ServiceMatch::Ports(transport, ports) => {
            let packets = of(transport.number());
            let intervals = ports.intervals().iter();
            let each = intervals.filter_map(|&(first, last)| Interval::new(first.into(), last.into()));
            each.map(|ports| packets.destination_port(ports)).collect()
        }
        ServiceMatch::Icmp(kind) => vec![of(protocol::ICMP).source_port(Interval::point(*kind))],
        ServiceMatch::Icmpv6(kind) => vec![of(protocol::ICMPV6).source_port(Interval::point(*kind))],
        ServiceMatch::Protocol(number) => vec![of(*number)],
        ServiceMatch::Any => return None,
    })
}

fn ranges(addresses: &Addresses) -> impl Iterator<Item = AddressRange> {
    let v4 = addresses.v4.intervals().iter().map(|&(first, last)| AddressRange::V4(first.into(), last.into()));
    let v6 = addresses.v6.intervals().iter().map(|&(first, last)| AddressRange::V6(first.into(), last.into()));
    v4.chain(v6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_bases_are_one_to_one() {
        for label in 1..20 {
            assert_eq!(Basis::of_label(label).map(Basis::label), Some(label));
        }
        assert_eq!(Basis::of_label(0), None);
        assert_eq!(Basis::of_label(6), Some(Basis::Flow(FlowId::new(0))));
    }
}
