//! Networks, zones, segments, gateways and their interfaces; the complement that is the Internet.

use super::merge::Sorted;
use super::{Resolver, address_set, prefix_set};
use crate::finding::Finding;
use crate::model::address::{Addresses, Ranges};
use crate::model::site::{Gateway, Interface, Leg, LegRole, Network, Object, Place, Platform, Segment, Uplink, Zone};
use crate::source::Span;
use crate::syntax::decode::Spanned;
use crate::syntax::document as decl;
use crate::syntax::objects as obj;
use crate::syntax::scalars::{Either, Name};

impl Resolver {
    pub(super) fn networks(&mut self, networks: Sorted<Name, decl::Network>) {
        let mut internet: Option<Span> = None;
        for (key, network) in networks {
            let is_internet = network.kind.value == decl::NetworkKind::Internet;
            match (&network.addresses, is_internet) {
                (None, false) => self.fault("network-without-addresses", key.span, &key.value.0),
                (Some(list), true) => {
                    let span = list.0.first().map_or(key.span, |first| first.span);
                    self.fault("internet-with-addresses", span, &key.value.0);
                }
                _ => {}
            }
            if let (true, Some(first)) = (is_internet, internet) {
                let finding = Finding::new("ZM-MOD-01", "second-internet").object(&key.value.0);
                self.findings.push(finding.label(key.span, "second-name").label(first, "first-name"));
            }
            if is_internet {
                internet = internet.or(Some(key.span));
            }
            let addresses = network.addresses.as_ref().map(prefix_set).unwrap_or_default();
            let name = key.value.0;
            let id = self.site.networks.push(Network { name: name.clone(), span: key.span, decl: network, addresses });
            self.declare(&name, key.span, Object::Network(id));
        }
    }

    fn fault(&mut self, case: &'static str, span: Span, name: &str) {
        self.findings.push(Finding::new("ZM-MOD-01", case).arg("name", name).object(name).label(span, "here"));
        self.faulty.insert(name.to_owned());
    }

    pub(super) fn zones(&mut self, zones: Sorted<Name, decl::Zone>) {
        for (key, zone) in zones {
            let name = key.value.0.clone();
            let class = zone.class.as_ref().map(|class| class.0.clone()).unwrap_or_default();
            let id = self.site.zones.push(Zone {
                name: name.clone(),
                span: key.span,
                decl: zone.clone(),
                class,
                segments: Vec::new(),
            });
            self.declare(&name, key.span, Object::Zone(id));
            match (&zone.addresses, &zone.segments) {
                (Some(_), Some(segments)) => {
                    let span = segments.0.first().map_or(key.span, |(name, _)| name.span);
                    self.fault("addresses-and-segments", span, &name);
                }
                (None, segments) if segments.as_ref().is_none_or(|segments| segments.0.is_empty()) => {
                    let finding = Finding::new("ZM-MOD-02", "no-segment").arg("zone", &name).object(&name);
                    self.findings.push(finding.label(key.span, "zone"));
                }
                (Some(addresses), None) => {
                    let segment = unnamed_segment(&zone, addresses.clone());
                    self.segment(&key, id, segment, false);
                }
                (None, segments) => {
                    let mut sorted: Vec<_> = segments.iter().flat_map(|segments| segments.0.iter().cloned()).collect();
                    sorted.sort_by(|(a, _), (b, _)| a.value.cmp(&b.value));
                    for (key, segment) in sorted {
                        self.segment(&key, id, segment, true);
                    }
                }
            }
        }
    }

    fn segment(&mut self, key: &Spanned<Name>, zone: crate::model::ZoneId, decl: decl::Segment, named: bool) {
        let name = key.value.0.clone();
        let uplink = self.site.zones[zone].class == "uplink";
        let transit = decl.transit.as_ref().map_or(uplink, |transit| transit.value);
        let addresses = prefix_set(&decl.addresses);
        let segment = Segment { name: name.clone(), span: key.span, zone, decl, addresses, transit };
        let id = self.site.segments.push(segment);
        self.site.zones[zone].segments.push(id);
        // A segment named like its zone is the same thing when the zone has no other; written out, it is a second use of the name.
        if named {
            self.declare(&name, key.span, Object::Segment(id));
        }
    }

    pub(super) fn declare_gateways(&mut self, gateways: Sorted<Name, obj::Gateway>) {
        for (key, decl) in gateways {
            let name = key.value.0;
            let host = decl.host.as_ref().map_or_else(|| name.clone(), |host| host.0.clone());
            let mut replicas: Vec<String> =
                decl.replicas.iter().flat_map(|list| &list.0).map(|name| name.0.clone()).collect();
            replicas.sort();
            replicas.dedup();
            if replicas.is_empty() {
                replicas.push(name.clone());
            }
            let gateway = Gateway { name: name.clone(), span: key.span, decl, interfaces: Vec::new(), host, replicas };
            let id = self.site.gateways.push(gateway);
            self.declare(&name, key.span, Object::Gateway(id));
        }
    }

    /// Attaches the gateways' interfaces, once all places are known.
    pub(super) fn interfaces(&mut self) {
        for id in self.site.gateways.ids() {
            let declared = self.site.gateways[id].decl.interfaces.clone();
            let mut interfaces = Vec::new();
            for (key, interface) in declared.0 {
                let (name, addresses) = match &interface {
                    Either::Short(place) => (Some(place.clone()), None),
                    Either::Long(record) => (self.interface_place(record, key.span), record.addresses.clone()),
                };
                let Some(place) = name.and_then(|name| self.place(&name, "place")) else { continue };
                let addresses = addresses.as_ref().map(address_set).unwrap_or_default();
                let leg = Leg { place, addresses, span: key.span, role: LegRole::Data };
                interfaces.push(Interface { name: key.value.0, leg });
            }
            interfaces.sort_by(|a, b| a.name.cmp(&b.name));
            self.site.gateways[id].interfaces = interfaces;
        }
    }

    fn interface_place(&mut self, record: &obj::InterfaceRecord, key: Span) -> Option<Spanned<Name>> {
        match (&record.segment, &record.network) {
            (Some(place), None) | (None, Some(place)) => Some(place.clone()),
            (first, _) => {
                let span = first.as_ref().map_or(key, |place| place.span);
                self.findings.push(Finding::new("syntax", "interface-place").label(span, "here"));
                None
            }
        }
    }

    /// Gives the Internet what nothing else owns.
    pub(super) fn complement_internet(&mut self) {
        let site = &self.site;
        let mut owned: Vec<&Addresses> = site.segments.values().map(|segment| &segment.addresses).collect();
        owned.extend(site.networks.values().map(|network| &network.addresses));
        owned.extend(site.clusters.values().flat_map(|cluster| [&cluster.pods, &cluster.services]));
        let v4 = Ranges::new(owned.iter().flat_map(|set| set.v4.intervals()).copied());
        let v6 = Ranges::new(owned.iter().flat_map(|set| set.v6.intervals()).copied());
        let rest = routable().difference(&Addresses { v4, v6 });
        for id in self.site.networks.ids() {
            if self.site.networks[id].is_internet() {
                self.site.networks[id].addresses = rest.clone();
            }
        }
    }

    pub(super) fn uplinks(&mut self, uplinks: Sorted<Name, obj::Uplink>) {
        for (key, decl) in uplinks {
            let network = self.network_of(&decl.network);
            let gateway = self.gateway_of(&decl.gateway);
            let segment = decl.segment.as_ref().map(|name| match self.place(name, "segment") {
                Some(Place::Segment(id)) => Some(id),
                Some(Place::Network(_)) => {
                    self.misfit(&name.0, name.span, "segment");
                    None
                }
                None => None,
            });
            let (Some(network), Some(gateway)) = (network, gateway) else { continue };
            if segment == Some(None) {
                continue;
            }
            let uplink =
                Uplink { name: key.value.0, span: key.span, decl, network, gateway, segment: segment.flatten() };
            self.check_uplink(&uplink);
            self.site.uplinks.push(uplink);
        }
    }

    /// An uplink must arrive at an interface: of the network itself, or of the uplink segment.
    fn check_uplink(&mut self, uplink: &Uplink) {
        let place = uplink.segment.map_or(Place::Network(uplink.network), Place::Segment);
        let gateway = &self.site.gateways[uplink.gateway];
        if !gateway.interfaces.is_empty() && !gateway.interfaces.iter().any(|interface| interface.leg.place == place) {
            let finding = Finding::new("ZM-MOD-01", "uplink-without-interface").arg("name", &uplink.name);
            let finding =
                finding.arg("gateway", &gateway.name).arg("place", self.site.place_name(place)).object(&uplink.name);
            self.findings.push(finding.label(uplink.decl.gateway.span, "here").label(gateway.span, "declared-here"));
        }
    }

    fn network_of(&mut self, name: &Spanned<Name>) -> Option<crate::model::NetworkId> {
        match self.site.lookup(&name.0) {
            Some(Object::Network(id)) => Some(id),
            Some(_) => {
                self.misfit(&name.0, name.span, "network");
                None
            }
            None => {
                self.unknown(&name.0, name.span, "network", |o| matches!(o, Object::Network(_)));
                None
            }
        }
    }

    pub(super) fn gateway_of(&mut self, name: &Spanned<Name>) -> Option<crate::model::GatewayId> {
        match self.site.lookup(&name.0) {
            Some(Object::Gateway(id)) => Some(id),
            Some(_) => {
                self.misfit(&name.0, name.span, "gateway");
                None
            }
            None => {
                self.unknown(&name.0, name.span, "gateway", |o| matches!(o, Object::Gateway(_)));
                None
            }
        }
    }

    pub(super) fn platforms(&mut self, platforms: Sorted<Name, obj::Platform>) {
        for (key, decl) in platforms {
            let mut operates = Vec::new();
            for name in decl.operates.iter().flat_map(|list| &list.0) {
                match self.site.lookup(&name.0) {
                    Some(object @ (Object::Zone(_) | Object::Cluster(_))) => operates.push((object, name.span)),
                    Some(_) => self.misfit(&name.0, name.span, "zone-or-cluster"),
                    None => self.unknown(&name.0, name.span, "zone-or-cluster", |o| {
                        matches!(o, Object::Zone(_) | Object::Cluster(_))
                    }),
                }
            }
            operates.sort_unstable();
            self.site.platforms.push(Platform { name: key.value.0, span: key.span, decl, operates });
        }
    }
}

fn unnamed_segment(
    zone: &decl::Zone,
    addresses: crate::syntax::decode::OneOrMany<crate::syntax::scalars::Prefix>,
) -> decl::Segment {
    decl::Segment {
        span: zone.span,
        addresses,
        vlan: zone.vlan.clone(),
        isolated: zone.isolated.clone(),
        purpose: zone.purpose.clone(),
        transit: zone.transit.clone(),
        switch_domain: zone.switch_domain.clone(),
        platform: zone.platform.clone(),
        protection: None,
        title: zone.title.clone(),
    }
}

/// Every globally routable unicast address (language reference, "Addresses"): IPv4 without 0/8, 10/8, 100.64/10, 127/8,
/// 169.254/16, 172.16/12, 192.168/16, 224/4 and 240/4; IPv6 2000::/3.
fn routable() -> Addresses {
    let net = |a: u8, b: u8, bits: u32| {
        let first = u32::from_be_bytes([a, b, 0, 0]);
        (first, first + ((1u64 << (32 - bits)) - 1) as u32)
    };
    let all = Ranges::new([(0, u32::MAX)]);
    let not = Ranges::new([
        net(0, 0, 8),
        net(10, 0, 8),
        net(100, 64, 10),
        net(127, 0, 8),
        net(169, 254, 16),
        net(172, 16, 12),
        net(192, 168, 16),
        net(224, 0, 4),
        net(240, 0, 4),
    ]);
    Addresses { v4: all.difference(&not), v6: Ranges::new([(0x2000u128 << 112, (0x4000u128 << 112) - 1)]) }
}
