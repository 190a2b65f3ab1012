//! ZM-ADR: addressing.

use super::evidence::is_valid;
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::model::address::short;
use crate::model::{Addresses, Family, Place, Site};
use crate::source::Span;
use ipnet::IpNet;
use std::collections::BTreeMap;

pub(super) const RULES: &[Rule] =
    &[("ZM-ADR-01", ipv4), ("ZM-ADR-04", internal_addresses), ("ZM-ADR-06", no_overlap), ("ZM-ADR-07", in_segment)];

/// Every zone has IPv4 (DVS 5.3.3).
fn ipv4(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for zone in site.zones.values() {
        let has = |family| zone.segments.iter().any(|segment| site.segments[*segment].addresses.has(family));
        if !has(Family::V4) {
            out.push(
                Finding::new("ZM-ADR-01", "no-ipv4")
                    .arg("zone", &zone.name)
                    .object(&zone.name)
                    .label(zone.span, "zone"),
            );
        }
    }
}

/// RFC 1918, RFC 6598 and RFC 4193.
fn internal() -> Addresses {
    let nets = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"];
    let nets: Vec<IpNet> = nets.iter().filter_map(|net| net.parse().ok()).collect();
    Addresses::from_nets(&nets)
}

/// Addresses that are internal: by their range, or by valid evidence that they are not announced.
pub(super) fn internal_only(site: &Site) -> Addresses {
    let entries = site.head.internal_prefixes.iter().flat_map(|list| list.iter());
    let valid = entries.filter(|entry| is_valid(&entry.evidence, site.as_of));
    let proven: Vec<IpNet> = valid.map(|entry| entry.prefix.value.0).collect();
    internal().union(&Addresses::from_nets(&proven))
}

/// Public addresses end in the web zone (DVS 5.3.3).
fn internal_addresses(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let allowed = internal_only(site);
    let is_public = |net: &IpNet| !Addresses::from_nets([net]).is_subset(&allowed);
    let public_class = |zone: crate::model::ZoneId| site.class(zone).is_none_or(|class| class.public_addresses);
    for segment in site.segments.values().filter(|segment| !public_class(segment.zone)) {
        for prefix in segment.decl.addresses.iter().filter(|prefix| is_public(&prefix.value.0)) {
            let finding =
                Finding::new("ZM-ADR-04", "segment").arg("segment", &segment.name).arg("prefix", prefix.value.0);
            let class = site.zones[segment.zone].class.clone();
            let finding = finding.object(&segment.name).object(&site.zones[segment.zone].name);
            out.push(finding.label_with(prefix.span, "prefix", vec![("class", class)]));
        }
    }
    for cluster in site.clusters.values().filter(|cluster| !public_class(cluster.zone)) {
        let lists = [&cluster.decl.pods, &cluster.decl.services].into_iter().flatten();
        for prefix in lists.flat_map(|list| list.iter()).filter(|prefix| is_public(&prefix.value.0)) {
            let finding =
                Finding::new("ZM-ADR-04", "cluster").arg("cluster", &cluster.name).arg("prefix", prefix.value.0);
            let class = site.zones[cluster.zone].class.clone();
            out.push(finding.object(&cluster.name).label_with(prefix.span, "prefix", vec![("class", class)]));
        }
    }
}

/// A prefix with its owner.
struct Owned {
    owner: String,
    net: IpNet,
    span: Span,
}

/// No address range belongs to two (NET.1.1.A17): sorted and swept, so that the cost is that of sorting.
fn no_overlap(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let mut owned = owned(cx.site);
    owned.sort_by(|a, b| {
        (a.net.network(), a.net.prefix_len(), a.span).cmp(&(b.net.network(), b.net.prefix_len(), b.span))
    });
    let mut open: Vec<&Owned> = Vec::new();
    for item in &owned {
        open.retain(|outer| outer.net.contains(&item.net));
        if let Some(outer) = open.last() {
            let same = outer.net == item.net;
            let (inner, outer) = if same && item.span < outer.span { (*outer, item) } else { (item, *outer) };
            let finding = Finding::new("ZM-ADR-06", if same { "twice" } else { "overlap" });
            let finding = finding
                .arg("inner", inner.net)
                .arg("inner-owner", &inner.owner)
                .arg("outer", outer.net)
                .arg("outer-owner", &outer.owner);
            let label = |finding: Finding, item: &Owned, key| {
                let args = vec![
                    ("owner", item.owner.clone()),
                    ("first", item.net.network().to_string()),
                    ("last", item.net.broadcast().to_string()),
                ];
                finding.label_with(item.span, key, args)
            };
            out.push(label(label(finding.object(&inner.owner).object(&outer.owner), inner, "inner"), outer, "outer"));
        }
        open.push(item);
    }
}

fn owned(site: &Site) -> Vec<Owned> {
    let mut owned = Vec::new();
    let mut add = |owner: &str, list: &crate::syntax::decode::OneOrMany<crate::syntax::scalars::Prefix>| {
        owned.extend(list.iter().map(|prefix| Owned {
            owner: owner.to_owned(),
            net: prefix.value.0,
            span: prefix.span,
        }));
    };
    for segment in site.segments.values() {
        add(&segment.name, &segment.decl.addresses);
    }
    for network in site.networks.values() {
        if let Some(list) = &network.decl.addresses {
            add(&network.name, list);
        }
    }
    for cluster in site.clusters.values() {
        for list in [&cluster.decl.pods, &cluster.decl.services].into_iter().flatten() {
            add(&cluster.name, list);
        }
    }
    owned
}

/// An address as written, with its owner and place.
struct Held {
    owner: String,
    place: Place,
    net: IpNet,
    span: Span,
}

/// Addresses lie in their segment and are unique (NET.1.1.A13).
fn in_segment(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut held = held(site);
    held.sort_by_key(|item| item.span);
    let mut owners: BTreeMap<IpNet, (String, Span)> = BTreeMap::new();
    for item in &held {
        let about = |case| {
            Finding::new("ZM-ADR-07", case)
                .arg("address", short(&item.net))
                .arg("owner", &item.owner)
                .object(&item.owner)
        };
        let single = item.net.prefix_len() == item.net.max_prefix_len();
        if let Place::Segment(segment) = item.place {
            let prefixes: Vec<IpNet> =
                site.segments[segment].decl.addresses.iter().map(|prefix| prefix.value.0).collect();
            let within = prefixes.iter().find(|prefix| prefix.contains(&item.net));
            let list = prefixes.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
            match within {
                None => {
                    let finding = about("outside").arg("segment", &site.segments[segment].name);
                    out.push(finding.label_with(item.span, "address", vec![("prefixes", list)]));
                }
                Some(prefix) if single && prefix.max_prefix_len() - prefix.prefix_len() > 1 => {
                    let case = match (item.net.addr() == prefix.network(), item.net.addr() == prefix.broadcast()) {
                        (true, _) => Some("network"),
                        (_, true) if prefix.addr().is_ipv4() => Some("broadcast"),
                        _ => None,
                    };
                    out.extend(case.map(|case| about(case).arg("prefix", prefix).label(item.span, "reserved")));
                }
                Some(_) => {}
            }
        }
        match owners.get(&item.net) {
            Some((owner, first)) if *owner != item.owner && single => {
                let finding = about("duplicate").arg("first", owner).label(item.span, "again");
                out.push(finding.label_with(*first, "first", vec![("owner", owner.clone())]).object(owner));
            }
            Some(_) => {}
            None => {
                owners.insert(item.net, (item.owner.clone(), item.span));
            }
        }
    }
}

fn held(site: &Site) -> Vec<Held> {
    use crate::syntax::decode::OneOrMany;
    use crate::syntax::scalars::{Address, Either};
    let mut held = Vec::new();
    let mut add = |owner: &str, place: Place, list: &OneOrMany<Address>| {
        held.extend(list.iter().map(|address| Held {
            owner: owner.to_owned(),
            place,
            net: address.value.0,
            span: address.span,
        }));
    };
    for component in site.components.values() {
        for (name, list) in component.decl.at.iter().flat_map(|entries| &entries.0) {
            if let Some(place) = site.place(&name.0) {
                add(&component.name, place, list);
            }
        }
    }
    for gateway in site.gateways.values() {
        for (key, interface) in &gateway.decl.interfaces.0 {
            let leg = gateway
                .interfaces
                .iter()
                .find(|interface| interface.name == key.value.0)
                .map(|interface| interface.leg.place);
            if let (Either::Long(record), Some(place)) = (interface, leg)
                && let Some(list) = &record.addresses
            {
                add(&gateway.name, place, list);
            }
        }
    }
    for cluster in site.clusters.values() {
        for pool in &cluster.pools {
            if let Some(list) = &pool.decl.addresses {
                add(&cluster.name, Place::Segment(pool.segment), list);
            }
        }
        if let (Some(leg), Some(list)) =
            (&cluster.management, cluster.decl.management.as_ref().and_then(|m| m.addresses.as_ref()))
        {
            add(&cluster.name, leg.place, list);
        }
    }
    held
}
