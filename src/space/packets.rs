//! The arena of packets: which points are packets at all, and witnesses.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::arena::{Arena, Cuts, Map, MissingCut, Set};
use super::field::{FIELDS, Field};
use super::interfaces::Interface;
use super::interval::{AddressRange, Interval};
use super::packet::{CtState, Family, Hook, Packet, Upper, protocol};
use super::region::{PacketBox, Region};

/// An arena over the fields of packets, with the set of all points that are packets.
///
/// Not every point is one: there is no output interface at the input hook, no IPv4 address above
/// 2³², no port in ESP. Complements are taken within the universe, and sets only hold packets.
#[derive(Debug)]
pub struct PacketSpace {
    arena: Arena<FIELDS>,
    universe: Set,
}

impl PacketSpace {
    /// A space in which all `regions` can be expressed.
    ///
    /// # Errors
    /// A box exceeds a field.
    pub fn covering<'a>(regions: impl IntoIterator<Item = &'a Region>) -> Result<Self, MissingCut> {
        let mut cuts = Cuts::new(Field::TOPS);
        let universe = universe();
        let boxes = regions.into_iter().flat_map(Region::boxes);
        boxes.for_each(|packets| cuts.cover(packets.bounds()));
        let points = universe.boxes().iter().map(PacketBox::bounds);
        points.clone().for_each(|bounds| cuts.cover(bounds));
        let mut arena = Arena::new(cuts);
        let universe = arena.set(points)?;
        Ok(Self { arena, universe })
    }

    /// All packets.
    #[must_use]
    pub const fn universe(&self) -> Set {
        self.universe
    }

    /// The operations on sets and maps.
    pub const fn arena(&mut self) -> &mut Arena<FIELDS> {
        &mut self.arena
    }

    /// The packets of a region.
    ///
    /// # Errors
    /// The region is not among those the space was made for.
    pub fn set(&mut self, region: &Region) -> Result<Set, MissingCut> {
        let points = self.arena.set(region.boxes().iter().map(PacketBox::bounds))?;
        Ok(self.arena.intersection(points, self.universe))
    }

    /// The map from labelled boxes, the first one wins; see [`Arena::map`].
    ///
    /// # Errors
    /// A box is not among those the space was made for.
    pub fn map<'a>(&mut self, boxes: impl IntoIterator<Item = (&'a PacketBox, u32)>) -> Result<Map, MissingCut> {
        let boxes = boxes.into_iter();
        let map = self.arena.map(boxes.map(|(b, label)| (b.bounds(), label)))?;
        Ok(self.arena.restricted(map, self.universe))
    }

    /// All packets that are not in the set.
    pub fn complement(&mut self, set: Set) -> Set {
        self.arena.difference(self.universe, set)
    }

    /// Whether a packet is in the set.
    #[must_use]
    pub fn contains(&self, set: Set, packet: &Packet) -> bool {
        self.arena.contains(set, &point(packet))
    }

    /// The label of a packet.
    #[must_use]
    pub fn lookup(&self, map: Map, packet: &Packet) -> Option<u32> {
        self.arena.lookup(map, &point(packet))
    }

    /// A packet of the set that is easy to read: forwarded before local, new before established,
    /// TCP before other protocols, low addresses and ports, an ephemeral source port if possible.
    /// The same set gives the same packet. `None` for the empty set.
    #[must_use]
    pub fn witness(&self, set: Set) -> Option<Packet> {
        let mut id = set.0;
        if id == 0 {
            return None;
        }
        let mut point = [0; FIELDS];
        for field in Field::ALL {
            let level = field.level();
            if self.arena.level(id) > level {
                point[level] = preferred(field, field.all());
                continue;
            }
            let (value, child) = self.choose(id, field)?;
            point[level] = value;
            id = child;
        }
        packet(&point)
    }

    /// The best value of a field among the edges that lead on.
    fn choose(&self, id: u32, field: Field) -> Option<(u128, u32)> {
        let level = field.level();
        let mut first = 0;
        let mut best: Option<((u32, u128), u128, u32)> = None;
        for edge in self.arena.edges_of(id) {
            let values = self.arena.values(level, first, edge.last);
            first = edge.last + 1;
            if edge.child == 0 {
                continue;
            }
            let value = preferred(field, values);
            let cost = (rank(field, value), value);
            if best.is_none_or(|(known, ..)| cost < known) {
                best = Some((cost, value, edge.child));
            }
        }
        best.map(|(_, value, child)| (value, child))
    }
}

const EPHEMERAL: u128 = 49152;
const READABLE: [u8; 4] = [protocol::TCP, protocol::UDP, protocol::ICMP, protocol::ICMPV6];

/// The value of an interval that reads best.
fn preferred(field: Field, values: Interval) -> u128 {
    let known = |value: &u128| values.contains(*value);
    match field {
        Field::Protocol => {
            let mut readable = READABLE.iter().map(|&number| u128::from(number));
            readable.find(known).unwrap_or(values.lo())
        }
        Field::SourcePort => Some(EPHEMERAL).filter(known).unwrap_or(values.lo()),
        // Port 0 looks like a mistake; ICMP codes end at 255 and keep their 0.
        Field::DestinationPort if values.lo() == 0 && values.hi() > 255 => 1,
        Field::Detail => values.hi(),
        // The first host of a prefix rather than its network address.
        Field::Source | Field::Destination if values.lo() & 0xff == 0 => {
            Some(values.lo() + 1).filter(known).unwrap_or(values.lo())
        }
        _ => values.lo(),
    }
}

/// How far down a value comes in the order of preference.
fn rank(field: Field, value: u128) -> u32 {
    match field {
        Field::Protocol => {
            let place = READABLE.iter().position(|&n| u128::from(n) == value);
            place.map_or(u32::MAX, |place| place as u32)
        }
        Field::SourcePort => u32::from(value != EPHEMERAL),
        Field::Detail => u32::from(value == 0),
        _ => 0,
    }
}

/// All points that are packets.
fn universe() -> Region {
    let interface = Interval::new(1, u16::MAX.into());
    let none = Interval::point(0_u8);
    let numbers: Vec<u8> = (0..=u8::MAX).collect();
    let mut region = Region::new();
    for (hook, input, output) in [
        (Hook::Forward, interface, interface),
        (Hook::Input, interface, Some(none)),
        (Hook::Output, Some(none), interface),
    ] {
        let (Some(input), Some(output)) = (input, output) else {
            continue;
        };
        for range in [AddressRange::ALL_V4, AddressRange::ALL_V6] {
            let addresses = PacketBox::any()
                .hook(hook)
                .with(Field::Input, input)
                .with(Field::Output, output)
                .source(range)
                .and_then(|packets| packets.destination(range));
            let Some(addresses) = addresses else { continue };
            // Protocols side by side that have the same fields are one box: each cut costs time in every proof.
            for alike in numbers.chunk_by(|a, b| fields(*a) == fields(*b)) {
                let (Some(&first), Some(&last)) = (alike.first(), alike.last()) else { continue };
                let Some(protocols) = Interval::new(first.into(), last.into()) else { continue };
                let (detail, upper) = fields(first);
                let packets = addresses.with(Field::Protocol, protocols).with(Field::Detail, detail);
                region.push(packets.source_port(upper).destination_port(upper));
            }
        }
    }
    region
}

/// The values of the detail and of the ports (or type and code) in packets of a protocol.
fn fields(number: u8) -> (Interval, Interval) {
    let none = Interval::point(0_u8);
    let port = Interval::up_to(u16::MAX.into());
    let byte = Interval::up_to(u8::MAX.into());
    match number {
        protocol::TCP => (Interval::up_to(1), port),
        protocol::ICMPV6 => (Interval::up_to(1), byte),
        protocol::ICMP => (none, byte),
        _ if protocol::WITH_PORTS.contains(&number) => (none, port),
        _ => (none, none),
    }
}

/// A packet as a point.
fn point(packet: &Packet) -> [u128; FIELDS] {
    let address = |address: IpAddr| match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    };
    let interface = |interface: Option<Interface>| interface.map_or(0, Interface::number).into();
    let (detail, high, low) = match packet.upper {
        Upper::Tcp { source, destination, opening } => (opening, source, destination),
        Upper::Ports { source, destination, .. } => (false, source, destination),
        Upper::Icmp { kind, code } => (false, kind.into(), code.into()),
        Upper::Icmpv6 { kind, code, on_link } => (on_link, kind.into(), code.into()),
        Upper::Other { .. } => (false, 0, 0),
    };
    [
        packet.hook as u128,
        interface(packet.input),
        interface(packet.output),
        packet.family() as u128,
        packet.state as u128,
        packet.upper.protocol().into(),
        detail.into(),
        address(packet.source),
        address(packet.destination),
        high.into(),
        low.into(),
    ]
}

/// A point as a packet; `None` for points outside of the universe.
fn packet(point: &[u128; FIELDS]) -> Option<Packet> {
    let value = |field: Field| point[field.level()];
    let small = |field: Field| u16::try_from(value(field)).ok();
    let byte = |field: Field| u8::try_from(value(field)).ok();
    let index = |field: Field| usize::try_from(value(field)).ok();
    let family = *Family::ALL.get(index(Field::Family)?)?;
    let address = |field: Field| match family {
        Family::V4 => Some(IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(value(field)).ok()?))),
        Family::V6 => Some(IpAddr::V6(Ipv6Addr::from_bits(value(field)))),
    };
    let detail = value(Field::Detail) == 1;
    let upper = match byte(Field::Protocol)? {
        protocol::TCP => Upper::Tcp {
            source: small(Field::SourcePort)?,
            destination: small(Field::DestinationPort)?,
            opening: detail,
        },
        protocol::ICMP => Upper::Icmp { kind: byte(Field::SourcePort)?, code: byte(Field::DestinationPort)? },
        protocol::ICMPV6 => {
            Upper::Icmpv6 { kind: byte(Field::SourcePort)?, code: byte(Field::DestinationPort)?, on_link: detail }
        }
        protocol if protocol::WITH_PORTS.contains(&protocol) => {
            Upper::Ports { protocol, source: small(Field::SourcePort)?, destination: small(Field::DestinationPort)? }
        }
        protocol => Upper::Other { protocol },
    };
    Some(Packet {
        hook: *Hook::ALL.get(index(Field::Hook)?)?,
        input: Interface::from_number(small(Field::Input)?),
        output: Interface::from_number(small(Field::Output)?),
        state: *CtState::ALL.get(index(Field::State)?)?,
        source: address(Field::Source)?,
        destination: address(Field::Destination)?,
        upper,
    })
}
