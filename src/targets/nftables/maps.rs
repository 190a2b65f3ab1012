//! From permits to verdict maps: disjoint boxes, few of them, in the order of fields that the kernel searches fastest.
//!
//! One map holds one zone pair, protocol and family. Linux stores a concatenation with ranges as a *pipapo*: it
//! narrows the elements field by field, and each element that still matches after a field costs time (measured:
//! 10 to 20 ns). So the most selective field goes first, and a map in which no field is selective is split by
//! destination. A map of single values only is a hash table, which is flat whatever its size.

use crate::space::{Interval, disjoint};

use super::names::Name;

/// Address family of a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Width {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

/// The protocol of a map, and what its last field means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Upper {
    /// Destination port of TCP.
    Tcp,
    /// Destination port of UDP.
    Udp,
    /// Destination port of SCTP.
    Sctp,
    /// Type of ICMP or ICMPv6, whichever the family has.
    Icmp,
    /// A protocol without ports, by number: no last field.
    Number(u8),
}

/// Fields of a key in the order of boxes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Field {
    /// Destination address.
    Destination,
    /// Source address.
    Source,
    /// Destination port or ICMP type.
    Service,
}

/// A box: destination, source, port or type (0 where the protocol has neither).
pub type Bounds = [Interval; 3];

/// One element: its box and the number of the flow that gets the packet.
pub type Element = (Bounds, u32);

/// More boxes than this in one map: split.
const MAP_LIMIT: usize = 4_096;
/// More boxes than this at one point of every field: split.
const DEPTH_LIMIT: usize = 32;
/// Boxes a part of a split map may hold. Each interval map takes 50 to 125 kB of kernel memory, so parts are not smaller.
const PART: usize = 512;
/// A split that multiplies the elements more than this (boxes with wide destinations) does more harm than good.
const GROWTH: usize = 4;

/// A map as it will be written.
#[derive(Clone, Debug)]
pub struct VerdictMap {
    /// Fields of the key, in this order.
    pub key: Vec<Field>,
    /// Disjoint elements.
    pub elements: Vec<Element>,
}

/// How one protocol of a zone pair is looked up.
#[derive(Clone, Debug)]
pub enum Lookup {
    /// In one map.
    Whole(VerdictMap),
    /// By destination to a part, then in the part's map. Destination ranges are disjoint.
    Split(Vec<(Vec<Interval>, VerdictMap)>),
}

/// The largest values of the fields of a box.
#[must_use]
pub fn tops(width: Width, upper: Upper) -> [u128; 3] {
    let address = match width {
        Width::V4 => u128::from(u32::MAX),
        Width::V6 => u128::MAX,
    };
    let service = match upper {
        Upper::Icmp => u128::from(u8::MAX),
        Upper::Number(_) => 0,
        _ => u128::from(u16::MAX),
    };
    [address, address, service]
}

/// Cuts overlapping boxes to disjoint ones (the first in the list wins) and arranges them.
///
/// # Errors
/// A bound is larger than its field: the caller mixed families or protocols.
pub fn lookup(width: Width, upper: Upper, boxes: &[Element]) -> Result<Lookup, crate::space::MissingCut> {
    let elements = disjoint(tops(width, upper), boxes)?;
    let whole = arrange(upper, elements);
    let depth = whole.key.first().map_or(0, |first| depth(*first, &whole.elements));
    let exact = whole.is_exact();
    let fits = whole.elements.len() <= MAP_LIMIT && depth <= DEPTH_LIMIT;
    let starts = starts(&whole.elements);
    if exact || fits || pieces(&whole.elements, &starts) > GROWTH * whole.elements.len() {
        return Ok(Lookup::Whole(whole));
    }
    Ok(Lookup::Split(split(upper, &whole.elements, &starts)))
}

impl VerdictMap {
    /// Whether every element is a single value in every field: then the kernel needs no intervals.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.elements.iter().all(|(bounds, _)| bounds.iter().all(|field| field.lo() == field.hi()))
    }
}

/// Orders the key: fewest elements at one value first, then destination, source, service.
fn arrange(upper: Upper, elements: Vec<Element>) -> VerdictMap {
    let mut key = vec![Field::Destination, Field::Source];
    if !matches!(upper, Upper::Number(_)) {
        key.push(Field::Service);
    }
    key.sort_by_key(|field| depth(*field, &elements));
    VerdictMap { key, elements }
}

/// The most elements that hold one value of the field.
fn depth(field: Field, elements: &[Element]) -> usize {
    let mut edges: Vec<(u128, bool)> = Vec::with_capacity(elements.len() * 2);
    for (bounds, _) in elements {
        let interval = field.of(bounds);
        edges.push((interval.lo(), true));
        if let Some(after) = interval.hi().checked_add(1) {
            edges.push((after, false));
        }
    }
    edges.sort_unstable(); // ends before starts
    let (mut here, mut most) = (0_usize, 0);
    for (_, starts) in edges {
        here = if starts { here + 1 } else { here.saturating_sub(1) };
        most = most.max(here);
    }
    most
}

impl Field {
    fn of(self, bounds: &Bounds) -> Interval {
        let [destination, source, service] = *bounds;
        match self {
            Self::Destination => destination,
            Self::Source => source,
            Self::Service => service,
        }
    }
}

/// Cuts the destination axis into regions with one list of boxes each and gathers neighbours into parts.
fn split(upper: Upper, elements: &[Element], starts: &[u128]) -> Vec<(Vec<Interval>, VerdictMap)> {
    let mut parts: Vec<(Vec<Interval>, Vec<Element>)> = Vec::new();
    for (region, held) in regions(elements, starts) {
        match parts.last_mut() {
            Some((destinations, boxes)) if boxes.len() + held.len() <= PART => {
                destinations.push(region);
                boxes.extend(held);
            }
            _ => parts.push((vec![region], held)),
        }
    }
    let arranged =
        parts.into_iter().map(|(destinations, boxes)| (joined(&destinations), arrange(upper, merged(boxes))));
    arranged.collect()
}

/// Where the list of boxes changes along the destination axis.
fn starts(elements: &[Element]) -> Vec<u128> {
    let mut starts: Vec<u128> = elements
        .iter()
        .flat_map(|(bounds, _)| {
            let destination = Field::Destination.of(bounds);
            [Some(destination.lo()), destination.hi().checked_add(1)].into_iter().flatten()
        })
        .collect();
    starts.sort_unstable();
    starts.dedup();
    starts
}

/// The regions a box covers: first and one past the last.
fn span(bounds: &Bounds, starts: &[u128]) -> (usize, usize) {
    let destination = Field::Destination.of(bounds);
    let first = starts.partition_point(|start| *start < destination.lo());
    (first, starts.partition_point(|start| *start <= destination.hi()))
}

/// How many boxes a split makes.
fn pieces(elements: &[Element], starts: &[u128]) -> usize {
    let each = elements.iter().map(|(bounds, _)| span(bounds, starts));
    each.map(|(first, after)| after - first).sum()
}

/// The regions of the destination axis, each with its boxes cut to it.
fn regions(elements: &[Element], starts: &[u128]) -> Vec<(Interval, Vec<Element>)> {
    let mut held: Vec<Vec<Element>> = vec![Vec::new(); starts.len()];
    for (bounds, flow) in elements {
        let &[_, source, service] = bounds;
        let (first, after) = span(bounds, starts);
        for (slot, start) in held.iter_mut().zip(starts).take(after).skip(first) {
            slot.push(([Interval::point(*start), source, service], *flow));
        }
    }
    let ends = starts.iter().skip(1).map(|start| start - 1).chain([u128::MAX]);
    let regions = starts.iter().zip(ends).zip(held).filter(|(_, held)| !held.is_empty());
    regions
        .filter_map(|((start, end), mut held)| {
            let region = Interval::new(*start, end)?;
            for ([destination, ..], _) in &mut held {
                *destination = region;
            }
            Some((region, held))
        })
        .collect()
}

/// Undoes needless cuts inside a part: boxes that differ only in touching destinations become one.
fn merged(mut boxes: Vec<Element>) -> Vec<Element> {
    boxes.sort_unstable_by_key(|&([destination, source, service], flow)| (flow, source, service, destination));
    let mut kept: Vec<Element> = Vec::with_capacity(boxes.len());
    for (bounds, flow) in boxes {
        let [destination, source, service] = bounds;
        match kept.last_mut() {
            Some(([before, s, v], f))
                if (*s, *v, *f) == (source, service, flow) && before.hi().checked_add(1) == Some(destination.lo()) =>
            {
                *before = Interval::new(before.lo(), destination.hi()).unwrap_or(*before);
            }
            _ => kept.push((bounds, flow)),
        }
    }
    kept.sort_unstable();
    kept
}

fn joined(regions: &[Interval]) -> Vec<Interval> {
    let mut kept: Vec<Interval> = Vec::new();
    for region in regions {
        match kept.last_mut() {
            Some(last) if last.hi().checked_add(1) == Some(region.lo()) => {
                *last = Interval::new(last.lo(), region.hi()).unwrap_or(*last);
            }
            _ => kept.push(*region),
        }
    }
    kept
}

/// The name of a lookup's map: `m_web_in__app_tcp4`.
#[must_use]
pub fn name(pair: &Name, width: Width, upper: Upper) -> Name {
    let protocol = match upper {
        Upper::Tcp => "tcp".to_owned(),
        Upper::Udp => "udp".to_owned(),
        Upper::Sctp => "sctp".to_owned(),
        Upper::Icmp => "icmp".to_owned(),
        Upper::Number(number) => format!("ip{number}_"),
    };
    pair.with(format_args!("_{protocol}{}", if width == Width::V4 { 4 } else { 6 }))
}
