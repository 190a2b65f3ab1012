//! Lists of boxes: how packet sets are written down before they enter an arena.

use super::field::{FIELDS, Field};
use super::interfaces::Interface;
use super::interval::{AddressRange, Interval};
use super::packet::{CtState, Family, Hook};

/// A box of packets: one interval per field, all of them have to match.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketBox {
    bounds: [Interval; FIELDS],
}

impl PacketBox {
    /// Every packet.
    #[must_use]
    pub fn any() -> Self {
        Self { bounds: Field::ALL.map(Field::all) }
    }

    /// The box narrowed to `interval` in `field`; `None` when nothing is left.
    #[must_use]
    pub fn narrowed(mut self, field: Field, interval: Interval) -> Option<Self> {
        let bound = &mut self.bounds[field.level()];
        *bound = bound.intersection(interval)?;
        Some(self)
    }

    /// What two boxes have in common.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Option<Self> {
        let mut result = *self;
        for field in Field::ALL {
            result = result.narrowed(field, other.interval(field))?;
        }
        Some(result)
    }

    /// The interval of one field.
    #[must_use]
    pub const fn interval(&self, field: Field) -> Interval {
        self.bounds[field.level()]
    }

    /// All intervals in the order of the fields.
    #[must_use]
    pub const fn bounds(&self) -> &[Interval; FIELDS] {
        &self.bounds
    }

    /// The box with these intervals.
    #[must_use]
    pub const fn from_bounds(bounds: [Interval; FIELDS]) -> Self {
        Self { bounds }
    }

    /// The box with `field` set to exactly `interval`.
    #[must_use]
    pub const fn with(mut self, field: Field, interval: Interval) -> Self {
        self.bounds[field.level()] = interval;
        self
    }

    /// At one hook only.
    #[must_use]
    pub fn hook(self, hook: Hook) -> Self {
        self.with(Field::Hook, Interval::point(hook as u8))
    }

    /// Coming by one interface.
    #[must_use]
    pub fn input(self, interface: Interface) -> Self {
        self.with(Field::Input, Interval::point(interface.number()))
    }

    /// Leaving by one interface.
    #[must_use]
    pub fn output(self, interface: Interface) -> Self {
        self.with(Field::Output, Interval::point(interface.number()))
    }

    /// Of one family.
    #[must_use]
    pub fn family(self, family: Family) -> Self {
        self.with(Field::Family, Interval::point(family as u8))
    }

    /// In one state of connection tracking.
    #[must_use]
    pub fn state(self, state: CtState) -> Self {
        self.with(Field::State, Interval::point(state as u8))
    }

    /// Of one protocol.
    #[must_use]
    pub fn protocol(self, protocol: u8) -> Self {
        self.with(Field::Protocol, Interval::point(protocol))
    }

    /// With [`Field::Detail`] set: an opening TCP segment, an ICMPv6 message from the link.
    #[must_use]
    pub fn detail(self) -> Self {
        self.with(Field::Detail, Interval::point(1_u8))
    }

    /// With a source in `range`, which also fixes the family; `None` when the box is of the other
    /// family or the range is reversed.
    #[must_use]
    pub fn source(self, range: AddressRange) -> Option<Self> {
        self.address(Field::Source, range)
    }

    /// With a destination in `range`; see [`Self::source`].
    #[must_use]
    pub fn destination(self, range: AddressRange) -> Option<Self> {
        self.address(Field::Destination, range)
    }

    /// With a source port (or ICMP type) in `ports`.
    #[must_use]
    pub fn source_port(self, ports: Interval) -> Self {
        self.with(Field::SourcePort, ports)
    }

    /// With a destination port (or ICMP code) in `ports`.
    #[must_use]
    pub fn destination_port(self, ports: Interval) -> Self {
        self.with(Field::DestinationPort, ports)
    }

    fn address(self, field: Field, range: AddressRange) -> Option<Self> {
        let family = match range {
            AddressRange::V4(..) => Family::V4,
            AddressRange::V6(..) => Family::V6,
        };
        self.narrowed(Field::Family, Interval::point(family as u8))?.narrowed(field, range.interval()?)
    }
}

/// A list of boxes; their union is meant. Boxes may overlap and repeat.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Region {
    boxes: Vec<PacketBox>,
}

impl Region {
    /// No packet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Every packet.
    #[must_use]
    pub fn all() -> Self {
        Self::from_iter([PacketBox::any()])
    }

    /// Adds the packets of one box.
    pub fn push(&mut self, packets: PacketBox) {
        self.boxes.push(packets);
    }

    /// The boxes, in the order in which they were added.
    #[must_use]
    pub fn boxes(&self) -> &[PacketBox] {
        &self.boxes
    }

    /// Whether there is no box.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.boxes.is_empty()
    }

    /// The packets that are also in one of `intervals` of `field`.
    #[must_use]
    pub fn narrowed(&self, field: Field, intervals: &[Interval]) -> Self {
        let pairs = self
            .boxes
            .iter()
            .flat_map(|packets| intervals.iter().filter_map(|&interval| packets.narrowed(field, interval)));
        pairs.collect()
    }

    /// What two regions have in common.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let pairs = self.boxes.iter().flat_map(|a| other.boxes.iter().filter_map(|b| a.intersection(b)));
        pairs.collect()
    }
}

impl FromIterator<PacketBox> for Region {
    fn from_iter<I: IntoIterator<Item = PacketBox>>(boxes: I) -> Self {
        Self { boxes: boxes.into_iter().collect() }
    }
}

impl Extend<PacketBox> for Region {
    fn extend<I: IntoIterator<Item = PacketBox>>(&mut self, boxes: I) {
        self.boxes.extend(boxes);
    }
}
