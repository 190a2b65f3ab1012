//! Sets of packets in words: names where they fit, prefixes where not.

use crate::claims::{FIELDS, PODS, Pods};
use crate::model::address::Ranges;
use crate::model::{Addresses, Site};
use crate::space::{Interval, Product};
use std::collections::BTreeMap;

/// Packets from some sources to some destinations.
#[derive(Clone, PartialEq, Debug)]
pub struct Rectangle {
    /// Name of the sources, when one fits; else their prefixes or pods.
    pub from: String,
    /// Name of the destinations, when one fits; else their prefixes or pods.
    pub to: String,
    /// Prefixes of the sources, or paths of the pods.
    pub source: Vec<String>,
    /// Prefixes of the destinations, or paths of the pods.
    pub destination: Vec<String>,
    /// `tcp/443`, `udp/53`, `icmp/8`, `protocol/50`.
    pub service: Vec<String>,
    /// Number of combinations of source, destination, protocol and destination port.
    pub combinations: f64,
}

/// How many names or prefixes are written out in words for people.
const SHOWN: usize = 4;

/// Whether [`short_list`] shows all of a list.
#[must_use]
pub const fn is_short(list: &[String]) -> bool {
    list.len() <= SHOWN
}

/// A list for people: the first few, and how many more there are.
#[must_use]
pub fn short_list(list: &[String]) -> String {
    let shown = list.iter().take(SHOWN).cloned().collect::<Vec<_>>().join(", ");
    if list.len() > SHOWN { format!("{shown} (+ {})", list.len() - SHOWN) } else { shown }
}

/// The names of a site's addresses.
#[derive(Debug)]
pub struct Namer<'a> {
    pods: &'a Pods,
    names: BTreeMap<Vec<(u128, u128)>, String>,
}

impl<'a> Namer<'a> {
    /// Names of components first, then of gateways, segments and networks: the most telling one wins.
    #[must_use]
    pub fn new(site: &Site, pods: &'a Pods) -> Self {
        let mut namer = Self { pods, names: BTreeMap::new() };
        for component in site.components.values() {
            for leg in &component.legs {
                namer.name(&leg.addresses, &component.name);
            }
        }
        for gateway in site.gateways.values() {
            for interface in &gateway.interfaces {
                namer.name(&interface.leg.addresses, &gateway.name);
            }
        }
        for segment in site.segments.values() {
            namer.name(&segment.addresses, &segment.name);
        }
        for network in site.networks.values() {
            namer.name(&network.addresses, &network.name);
        }
        namer
    }

    fn name(&mut self, addresses: &Addresses, name: &str) {
        let v4: Vec<(u128, u128)> =
            addresses.v4.intervals().iter().map(|&(first, last)| (first.into(), last.into())).collect();
        for intervals in [v4, addresses.v6.intervals().to_vec()] {
            if !intervals.is_empty() {
                self.names.entry(intervals).or_insert_with(|| name.to_owned());
            }
        }
    }

    /// The rectangles of a product: one per family on each side.
    #[must_use]
    pub fn rectangles(&self, product: &Product<FIELDS>) -> Vec<Rectangle> {
        let [from_family, from, to_family, to, protocol, detail] = &product.fields;
        let families = |list: &[Interval]| -> Vec<u128> {
            (0..=PODS).filter(|family| list.iter().any(|i| i.lo() <= *family && *family <= i.hi())).collect()
        };
        let mut found = Vec::new();
        for from_family in families(from_family) {
            for to_family in families(to_family) {
                let (source, destination) = (self.members(from_family, from), self.members(to_family, to));
                found.push(Rectangle {
                    from: self.word(from_family, from, &source),
                    to: self.word(to_family, to, &destination),
                    combinations: size(from) * size(to) * size(protocol) * size(detail),
                    source,
                    destination,
                    service: services(protocol, detail),
                });
            }
        }
        found
    }

    fn word(&self, family: u128, intervals: &[Interval], members: &[String]) -> String {
        let key: Vec<(u128, u128)> = intervals.iter().map(|interval| (interval.lo(), interval.hi())).collect();
        let named = self.names.get(&key).filter(|_| family != PODS);
        named.cloned().unwrap_or_else(|| short_list(members))
    }

    fn members(&self, family: u128, intervals: &[Interval]) -> Vec<String> {
        if family == PODS {
            return intervals.iter().flat_map(|interval| self.pods.names(interval)).collect();
        }
        prefixes(family, intervals)
    }
}

/// The fewest prefixes that make up addresses of a family: 0 is IPv4, 1 is IPv6.
pub(super) fn prefixes(family: u128, intervals: &[Interval]) -> Vec<String> {
    let bounds = intervals.iter().map(|interval| (interval.lo(), interval.hi()));
    let narrow = |value: u128| u32::try_from(value).unwrap_or(u32::MAX);
    let addresses = if family == 0 {
        Addresses { v4: Ranges::new(bounds.map(|(lo, hi)| (narrow(lo), narrow(hi)))), v6: Ranges::default() }
    } else {
        Addresses { v4: Ranges::default(), v6: Ranges::new(bounds) }
    };
    addresses.prefixes().iter().map(crate::model::address::short).collect()
}

fn size(intervals: &[Interval]) -> f64 {
    intervals.iter().map(|interval| (interval.hi() - interval.lo()) as f64 + 1.0).sum()
}

/// Protocols and ports in words: `tcp/443`.
pub(super) fn services(protocols: &[Interval], details: &[Interval]) -> Vec<String> {
    let mut words = Vec::new();
    for number in protocols.iter().flat_map(|interval| interval.lo()..=interval.hi()) {
        let name = match number {
            1 => "icmp".to_owned(),
            6 => "tcp".to_owned(),
            17 => "udp".to_owned(),
            58 => "icmpv6".to_owned(),
            132 => "sctp".to_owned(),
            other => format!("protocol/{other}"),
        };
        let whole = details.iter().any(|interval| interval.lo() == 0 && interval.hi() == 65_535);
        if whole {
            words.push(name);
            continue;
        }
        words.extend(details.iter().map(|interval| {
            let (first, last) = (interval.lo(), interval.hi());
            if first == last { format!("{name}/{first}") } else { format!("{name}/{first}-{last}") }
        }));
    }
    words
}
