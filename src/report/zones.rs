//! Zones, networks and addresses.

use super::areas::{self, Which};
use super::build::Builder;
use super::facts::{Address, SegmentRow, ZoneRow};
use crate::model::{Addresses, End, Place, Site, ZoneId, address};
use crate::syntax::document::ProtectionNeed;
use crate::syntax::scalars::Either;
use std::collections::BTreeMap;

impl Builder<'_> {
    pub(super) fn zones(&self) -> Vec<ZoneRow> {
        let site = self.site;
        let counts = components(site);
        let row = |known: areas::Known| {
            let components = counts.get(&known.which).copied().unwrap_or(0);
            let (name, title) = (known.shown.name, known.shown.title);
            match known.which {
                Which::Network(id) => {
                    let network = &site.networks[id];
                    let prefixes = network.decl.addresses.iter().flat_map(|list| list.iter());
                    let prefixes: Vec<String> = if network.is_internet() {
                        vec![self.word("everything-else")]
                    } else {
                        prefixes.map(|prefix| prefix.value.0.to_string()).collect()
                    };
                    ZoneRow {
                        class: self.word(&format!("network-{}", network.decl.kind.value)),
                        segments: vec![SegmentRow { name: String::new(), prefixes }],
                        protection: String::new(),
                        filters: filters(site, |place| place == Place::Network(id)),
                        components,
                        outside: true,
                        name,
                        title,
                    }
                }
                Which::Zone(id) => self.zone(id, name, title, components),
            }
        };
        areas::all(site).into_iter().map(row).collect()
    }

    fn zone(&self, id: ZoneId, name: String, title: String, components: usize) -> ZoneRow {
        let site = self.site;
        let zone = &site.zones[id];
        let segments = zone.segments.iter().map(|segment| {
            let segment = &site.segments[*segment];
            SegmentRow {
                name: if segment.name == zone.name { String::new() } else { segment.name.clone() },
                prefixes: segment.decl.addresses.iter().map(|prefix| prefix.value.0.to_string()).collect(),
            }
        });
        ZoneRow {
            class: site
                .class(id)
                .map_or_else(|| zone.class.clone(), |class| class.title.get(self.words.lang()).to_owned()),
            segments: segments.collect(),
            protection: zone.decl.protection.as_ref().map(|need| self.protection(need)).unwrap_or_default(),
            filters: filters(site, |place| site.zone_of(place) == Some(id)),
            components,
            outside: false,
            name,
            title,
        }
    }

    fn protection(&self, need: &ProtectionNeed) -> String {
        let word = |need: crate::syntax::document::Protection| self.word(&format!("protection-{need}"));
        match need {
            Either::Short(one) => word(one.value),
            Either::Long(goals) => format!(
                "{} / {} / {}",
                word(goals.confidentiality.value),
                word(goals.integrity.value),
                word(goals.availability.value)
            ),
        }
    }

    /// Every address that the site names: segments, interfaces, components, clusters.
    pub(super) fn addresses(&self) -> Vec<Address> {
        let site = self.site;
        let mut out = Vec::new();
        let mut add = |addresses: &Addresses, object: &str, kind: String, place: Option<Place>| {
            let zone = place.and_then(|place| site.zone_of(place)).map(|id| site.zones[id].name.clone());
            out.extend(addresses.prefixes().iter().map(|prefix| Address {
                address: address::short(prefix),
                object: object.to_owned(),
                kind: kind.clone(),
                place: place.map(|place| site.place_name(place).to_owned()).unwrap_or_default(),
                zone: zone.clone().unwrap_or_default(),
            }));
        };
        for (id, network) in site.networks.iter().filter(|(_, network)| !network.is_internet()) {
            add(&network.addresses, &network.name, self.word("network"), Some(Place::Network(id)));
        }
        for (id, segment) in site.segments.iter() {
            add(&segment.addresses, &segment.name, self.word("segment"), Some(Place::Segment(id)));
        }
        for gateway in site.gateways.values() {
            for interface in &gateway.interfaces {
                let object = format!("{} {}", gateway.name, interface.name);
                add(&interface.leg.addresses, &object, self.word("packet-filter"), Some(interface.leg.place));
            }
        }
        for cluster in site.clusters.values() {
            for pool in &cluster.pools {
                let object = format!("{} {}", cluster.name, pool.name);
                add(&pool.addresses, &object, self.word("nodes"), Some(Place::Segment(pool.segment)));
            }
            add(&cluster.pods, &cluster.name, self.word("pods"), None);
            add(&cluster.services, &cluster.name, self.word("services"), None);
        }
        for component in site.components.values() {
            for leg in &component.legs {
                add(&leg.addresses, &component.name, component.decl.kind.0.clone(), Some(leg.place));
            }
            add(&component.egress_addresses, &component.name, self.word("egress-addresses"), None);
        }
        out
    }
}

fn filters(site: &Site, stands: impl Fn(Place) -> bool) -> String {
    let names = site
        .gateways
        .values()
        .filter(|gateway| gateway.interfaces.iter().any(|interface| stands(interface.leg.place)))
        .map(|gateway| gateway.name.as_str());
    names.collect::<Vec<_>>().join(", ")
}

/// Components of each network and zone.
fn components(site: &Site) -> BTreeMap<Which, usize> {
    let mut counts = BTreeMap::new();
    for (id, _) in site.components.iter() {
        for which in areas::of_end(site, End::Component(id)) {
            *counts.entry(which).or_insert(0) += 1;
        }
    }
    counts
}
