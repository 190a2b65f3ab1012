//! ZM-LOG-06 to -08: time, names, detection.

use super::log::{Reporter, is_in_site, is_outside, reporters, touches};
use super::support::pairs;
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::model::{ClusterId, ComponentId, End, Place, Property, Ranges, ServiceMatch, Site};
use crate::syntax::document::Trust;
use crate::syntax::service::Transport;
use std::collections::BTreeSet;

pub(super) const RULES: &[Rule] = &[("ZM-LOG-06", clocks), ("ZM-LOG-07", resolvers), ("ZM-LOG-08", sensors)];

/// Clocks are synchronised (OPS.1.1.5.A4, NET.1.2.A8).
fn clocks(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut writers: BTreeSet<Reporter> = site.gateways.ids().map(Reporter::Gateway).collect();
    writers.extend(
        site.components
            .ids()
            .filter(|id| is_in_site(site, End::Component(*id), Property::LogSink))
            .map(Reporter::Component),
    );
    let mut timed = BTreeSet::new();
    for flow in site.flows.values() {
        let from = || flow.from.iter().flat_map(|end| reporters(site, end.end));
        if flow.to.iter().any(|end| matches!(end.end, End::Component(id) if site.is(id, Property::LogSink))) {
            writers.extend(from());
        }
        let ntp = touches(&flow.matches, Transport::Udp, &[123]) || touches(&flow.matches, Transport::Tcp, &[4460]);
        if ntp && flow.to.iter().any(|end| is_in_site(site, end.end, Property::TimeSink)) {
            timed.extend(from());
        }
    }
    let keeps_time = |id: ComponentId| matches!(site.components[id].decl.kind.0.as_str(), "ntp" | "ntp-relay");
    for writer in writers.difference(&timed) {
        if matches!(writer, Reporter::Component(id) if keeps_time(*id) || is_outside(site, *id)) {
            continue;
        }
        let finding = Finding::new("ZM-LOG-06", "no-time").arg("object", writer.name(site)).object(writer.name(site));
        out.push(finding.label(writer.span(site), "object"));
    }
    external_time(site, keeps_time, out);
}

fn leaves(site: &Site, end: End) -> bool {
    match end {
        End::Network(_) => true,
        End::Component(id) => is_outside(site, id),
        _ => false,
    }
}

fn external_time(site: &Site, keeps_time: impl Fn(ComponentId) -> bool, out: &mut Vec<Finding>) {
    for flow in site.flows.values() {
        // Only services that are about time: a wide range that happens to hold port 123 is ZM-FLO-01's.
        let about_time = |item: &ServiceMatch| match item {
            ServiceMatch::Ports(Transport::Udp, ports) => ports.is_subset(&Ranges::new([(123, 123)])),
            ServiceMatch::Ports(Transport::Tcp, ports) => ports.is_subset(&Ranges::new([(4460, 4460)])),
            _ => false,
        };
        let ntp = flow.services.iter().any(|service| service.matches.iter().all(about_time));
        if !ntp || !flow.to.iter().any(|end| leaves(site, end.end)) {
            continue;
        }
        let strangers = flow.from.iter().filter(|end| match end.end {
            End::Component(id) => !keeps_time(id) && !is_outside(site, id),
            End::Network(_) => false,
            _ => true,
        });
        for end in strangers {
            let name = site.end_name(end.end);
            let finding = Finding::new("ZM-LOG-06", "external").arg("from", name).arg("flow", &flow.name);
            out.push(finding.object(&flow.name).object(name).label(end.span, "from"));
        }
    }
}

/// Names are resolved through internal resolvers (NET.3.2.A20, APP.3.6.A16).
fn resolvers(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut told = BTreeSet::new();
    let is = |end: End, kind: &str| matches!(end, End::Component(id) if site.components[id].decl.kind.0 == kind);
    for pair in pairs(cx) {
        let dns = pair.flow.services.iter().any(|service| {
            touches(&service.matches, Transport::Udp, &[53, 853])
                || touches(&service.matches, Transport::Tcp, &[53, 853])
        });
        let (from, to) = (pair.ends.from.end, pair.ends.to.end);
        let inside_cluster = cluster_of(site, from).is_some() && cluster_of(site, from) == cluster_of(site, to);
        let trusted = |end: End| match end {
            End::Network(id) => site.networks[id].trust() != Trust::Untrusted,
            End::Component(id) => site.components[id].legs.iter().all(|leg| match leg.place {
                Place::Network(id) => site.networks[id].trust() != Trust::Untrusted,
                Place::Segment(_) => false,
            }),
            _ => false,
        };
        let chain = (!leaves(site, from) && is_in_site(site, to, Property::NameSink))
            || (is(from, "dns-resolver") && (is(to, "dns-proxy") || (leaves(site, to) && trusted(to))))
            || (is(from, "dns-proxy") && (leaves(site, to) || is(to, "dns-authoritative")))
            || (leaves(site, from) && is(to, "dns-authoritative"))
            || inside_cluster;
        if dns && !chain && told.insert((pair.flow.name.clone(), from, to)) {
            let finding = Finding::new("ZM-LOG-07", "bypass").arg("flow", &pair.flow.name);
            let finding = finding.arg("from", site.end_name(from)).arg("to", site.end_name(to));
            out.push(finding.object(&pair.flow.name).label(pair.ends.to.span, "to"));
        }
    }
}

fn cluster_of(site: &Site, end: End) -> Option<ClusterId> {
    match end {
        End::Cluster(id) => Some(id),
        End::Namespace(id) => Some(site.namespaces[id].cluster),
        End::Component(id) => site.components[id].namespace.map(|namespace| site.namespaces[namespace].cluster),
        _ => None,
    }
}

/// A sensor watches each crossing to an outside network (DER.1.A9).
fn sensors(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, network) in site.networks.iter() {
        let joined = site.uplinks.values().any(|uplink| uplink.network == id)
            || site
                .gateways
                .values()
                .any(|gateway| gateway.interfaces.iter().any(|interface| interface.leg.place == Place::Network(id)));
        if joined && network.decl.sensor.is_none() {
            let finding = Finding::new("ZM-LOG-08", "missing").arg("network", &network.name).object(&network.name);
            out.push(finding.label(network.span, "network"));
        }
    }
}
