//! ZM-LOG-01 to -05: logging, monitoring, audit. Time, names and detection: `log_services`.

use super::evidence::{ended, is_valid};
use super::{Cx, Rule};
use crate::finding::Finding;
use crate::model::{ClusterId, ComponentId, End, GatewayId, Place, Property, Ranges, ServiceMatch, Site};
use crate::source::Span;
use crate::syntax::objects::Logging;
use crate::syntax::service::Transport;
use std::collections::{BTreeMap, BTreeSet};

pub(super) const RULES: &[Rule] = &[
    ("ZM-LOG-01", siem),
    ("ZM-LOG-02", tamper_evident),
    ("ZM-LOG-03", connected),
    ("ZM-LOG-04", audited),
    ("ZM-LOG-05", own_segment),
];

/// What reports: one of the systems that the rules hold to logging, monitoring and time.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Reporter {
    Gateway(GatewayId),
    Cluster(ClusterId),
    Component(ComponentId),
}

impl Reporter {
    pub(super) fn name(self, site: &Site) -> &str {
        match self {
            Self::Gateway(id) => &site.gateways[id].name,
            Self::Cluster(id) => &site.clusters[id].name,
            Self::Component(id) => &site.components[id].name,
        }
    }

    pub(super) fn span(self, site: &Site) -> Span {
        match self {
            Self::Gateway(id) => site.gateways[id].span,
            Self::Cluster(id) => site.clusters[id].span,
            Self::Component(id) => site.components[id].span,
        }
    }
}

/// Whether a component stands outside the site.
pub(super) fn is_outside(site: &Site, id: ComponentId) -> bool {
    let component = &site.components[id];
    component.namespace.is_none() && component.legs.iter().all(|leg| matches!(leg.place, Place::Network(_)))
}

/// Whether a component stands in management segments only.
pub(super) fn is_management_system(site: &Site, id: ComponentId) -> bool {
    let component = &site.components[id];
    let managed = |place: Place| site.zone_of(place).is_some_and(|zone| site.zones[zone].class == "management");
    component.namespace.is_none() && !component.legs.is_empty() && component.legs.iter().all(|leg| managed(leg.place))
}

/// Who an end stands for: the hosts of a segment or zone one by one, a workload also for its cluster.
pub(super) fn reporters(site: &Site, end: End) -> Vec<Reporter> {
    let in_segment = |wanted: Place| {
        let hosts = site.components.iter().filter(move |(_, c)| c.legs.iter().any(|leg| leg.place == wanted));
        let pools = site.clusters.iter().filter(move |(_, c)| {
            c.pools.iter().any(|p| Place::Segment(p.segment) == wanted)
                || c.management.iter().any(|leg| leg.place == wanted)
        });
        let mut all: Vec<Reporter> = hosts.map(|(id, _)| Reporter::Component(id)).collect();
        all.extend(pools.map(|(id, _)| Reporter::Cluster(id)));
        all
    };
    match end {
        End::Network(_) => Vec::new(),
        End::Gateway(id) => vec![Reporter::Gateway(id)],
        End::Cluster(id) => vec![Reporter::Cluster(id)],
        End::Namespace(id) => vec![Reporter::Cluster(site.namespaces[id].cluster)],
        End::Segment(id) => in_segment(Place::Segment(id)),
        End::Zone(id) => site.zones[id].segments.iter().flat_map(|id| in_segment(Place::Segment(*id))).collect(),
        End::Component(id) => {
            let cluster = site.components[id].namespace.map(|namespace| site.namespaces[namespace].cluster);
            cluster.map_or_else(|| vec![Reporter::Component(id)], |id| vec![Reporter::Cluster(id)])
        }
    }
}

pub(super) fn is_in_site(site: &Site, end: End, property: Property) -> bool {
    matches!(end, End::Component(id) if site.is(id, property) && !is_outside(site, id))
}

/// Whether one of a service's ports is among some.
pub(super) fn touches(matches: &[ServiceMatch], transport: Transport, ports: &[u16]) -> bool {
    matches.iter().any(|item| match item {
        ServiceMatch::Ports(own, ranges) => *own == transport && ports.iter().any(|port| ranges.contains(*port)),
        ServiceMatch::Any => true,
        _ => false,
    })
}

/// A SIEM is in use (DVS 5.3.3): inside the site, or shown by evidence.
fn siem(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let all: Vec<_> = site.components.iter().filter(|(_, component)| component.decl.kind.0 == "siem").collect();
    let shown = site.evidence.get("ZM-LOG-01").is_some_and(|entry| is_valid(&entry.decl, site.as_of));
    let inside = all.iter().any(|(id, _)| !is_outside(site, *id));
    if inside || shown {
        return;
    }
    out.push(match all.first() {
        Some((_, component)) => Finding::new("ZM-LOG-01", "outside")
            .arg("component", &component.name)
            .object(&component.name)
            .label(component.span, "outside"),
        None => Finding::new("ZM-LOG-01", "missing").object(site.name()).label(site.head.name.span, "site"),
    });
}

/// What is wrong with the logging of a device; shared with ZM-DEV-08.
pub(super) fn logging_fault(cx: &Cx<'_>, device: End, logging: Option<&Logging>, span: Span) -> Option<Finding> {
    let site = cx.site;
    let name = site.end_name(device);
    let about = |case| Finding::new("ZM-LOG-02", case).arg("device", name).object(name);
    let Some(logging) = logging else { return Some(about("no-logging").label(span, "device")) };
    let Some(evidence) = &logging.tamper_evident else {
        return Some(about("no-evidence").label(logging.to.span, "evidence"));
    };
    if !is_valid(evidence, site.as_of) {
        return Some(ended(about("expired"), evidence, site.as_of));
    }
    let target = site.lookup(&logging.to.0).map(|object| site.object_ends(object)).unwrap_or_default();
    let flows = site.flows.values().any(|flow| {
        flow.to.iter().any(|end| target.contains(&end.end))
            && flow.from.iter().any(|end| end.end == device || covers(site, end.end, device))
    });
    (!flows).then(|| about("no-flow").arg("target", &logging.to.0).label(logging.to.span, "target"))
}

fn covers(site: &Site, end: End, device: End) -> bool {
    matches!(device, End::Component(id) if reporters(site, end).contains(&Reporter::Component(id)))
}

/// Tamper-evident logging at the firewall (DVS 5.3.3).
fn tamper_evident(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, gateway) in site.gateways.iter() {
        out.extend(logging_fault(cx, End::Gateway(id), gateway.decl.logging.as_ref(), gateway.span));
    }
    for (id, component) in site.components.iter().filter(|(id, _)| site.is(*id, Property::Alg)) {
        out.extend(logging_fault(cx, End::Component(id), component.decl.logging.as_ref(), component.span));
    }
}

/// Gateways, application-level gateways, clusters, databases and management systems: what ZM-LOG-03 asks for.
fn held(site: &Site) -> Vec<(Reporter, &'static str)> {
    let mut all: Vec<(Reporter, &str)> =
        site.gateways.ids().map(|id| (Reporter::Gateway(id), "packet-filter")).collect();
    all.extend(site.clusters.ids().map(|id| (Reporter::Cluster(id), "container-cluster")));
    for id in site.components.ids().filter(|id| !is_outside(site, *id) && site.components[*id].namespace.is_none()) {
        let what = if site.is(id, Property::Alg) {
            "application-level-gateway"
        } else if site.is(id, Property::Database) {
            "database-system"
        } else if is_management_system(site, id) {
            "management-system"
        } else {
            continue;
        };
        all.push((Reporter::Component(id), what));
    }
    all
}

/// Whether an end is a sink asked for nothing but what it is there for: time, names, room for logs. Monitoring needs these too, and
/// does not watch the sink by using it.
fn serves_itself(site: &Site, matches: &[ServiceMatch], end: End) -> bool {
    let only = |tcp: &[(u16, u16)], udp: &[(u16, u16)]| {
        matches.iter().all(|item| match item {
            ServiceMatch::Ports(Transport::Tcp, ports) => ports.is_subset(&Ranges::new(tcp.iter().copied())),
            ServiceMatch::Ports(Transport::Udp, ports) => ports.is_subset(&Ranges::new(udp.iter().copied())),
            _ => false,
        })
    };
    let is = |property| matches!(end, End::Component(id) if site.is(id, property));
    (is(Property::TimeSink) && only(&[(4460, 4460)], &[(123, 123)]))
        || (is(Property::NameSink) && only(&[(53, 53), (853, 853)], &[(53, 53), (853, 853)]))
        || (is(Property::LogSink) && only(&[(601, 601), (5044, 5044), (6514, 6514)], &[(514, 514)]))
}

/// Monitoring and logging are connected (DVS 5.3.2).
fn connected(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let (mut logs, mut monitored) = (BTreeSet::new(), BTreeSet::new());
    for flow in site.flows.values() {
        let of =
            |ends: &[crate::model::EndRef]| ends.iter().flat_map(|end| reporters(site, end.end)).collect::<Vec<_>>();
        let is = |ends: &[crate::model::EndRef], property| {
            ends.iter().any(|end| matches!(end.end, End::Component(id) if site.is(id, property)))
        };
        if is(&flow.to, Property::LogSink) {
            logs.extend(of(&flow.from));
        }
        if is(&flow.to, Property::Monitoring) {
            monitored.extend(of(&flow.from));
        }
        if is(&flow.from, Property::Monitoring) {
            let watched = flow.to.iter().filter(|end| !serves_itself(site, &flow.matches, end.end));
            monitored.extend(watched.flat_map(|end| reporters(site, end.end)));
        }
    }
    let monitoring = site.components.ids().any(|id| site.is(id, Property::Monitoring));
    if !monitoring {
        out.push(Finding::new("ZM-LOG-03", "none").object(site.name()).label(site.head.name.span, "site"));
    }
    for (reporter, what) in held(site) {
        let is = |property| matches!(reporter, Reporter::Component(id) if site.is(id, property));
        let about = |case| {
            let finding = Finding::new("ZM-LOG-03", case).arg("object", reporter.name(site)).arg("what", what);
            finding.object(reporter.name(site)).label(reporter.span(site), "object")
        };
        if !is(Property::LogSink) && !logs.contains(&reporter) {
            out.push(about("no-logs"));
        }
        // What supervises is not held to being supervised: monitoring itself, audit systems, sensors.
        let supervises = [Property::Monitoring, Property::Audit, Property::Sensor].into_iter().any(is);
        if monitoring && !supervises && !monitored.contains(&reporter) {
            out.push(about("no-monitoring"));
        }
    }
}

/// An audit system covers configuration, registry and operations (DVS 5.3.2).
fn audited(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let audits = site.components.iter().filter(|(id, _)| site.is(*id, Property::Audit));
    let systems: Vec<_> = audits.map(|(_, item)| item).collect();
    let covered: BTreeSet<&str> = systems
        .iter()
        .flat_map(|component| component.decl.coverage.iter().flat_map(|list| list.0.iter()))
        .map(|word| word.0.as_str())
        .collect();
    let wanted = ["config-files", "registry", "operations-process"];
    let missing: Vec<String> =
        wanted.into_iter().filter(|area| !covered.contains(area)).map(|area| format!("`{area}`")).collect();
    let Some(first) = systems.first() else {
        out.push(Finding::new("ZM-LOG-04", "missing").object(site.name()).label(site.head.name.span, "site"));
        return;
    };
    if !missing.is_empty() {
        let list = missing.join(", ");
        let finding = Finding::new("ZM-LOG-04", "gap").arg("missing", &list).object(&first.name);
        out.push(finding.label_with(first.span, "component", vec![("missing", list)]));
    }
}

/// Central logging has its own segment (OPS.1.1.5.A6).
fn own_segment(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut hosts: BTreeMap<Place, Vec<(ComponentId, Span)>> = BTreeMap::new();
    let mut nodes: BTreeMap<Place, Vec<(&str, Span)>> = BTreeMap::new();
    for cluster in site.clusters.values() {
        for pool in &cluster.pools {
            nodes.entry(Place::Segment(pool.segment)).or_default().push((cluster.name.as_str(), pool.span));
        }
        if let Some(leg) = &cluster.management {
            nodes.entry(leg.place).or_default().push((cluster.name.as_str(), leg.span));
        }
    }
    for (id, component) in site.components.iter() {
        for leg in component.legs.iter().filter(|leg| matches!(leg.place, Place::Segment(_))) {
            hosts.entry(leg.place).or_default().push((id, leg.span));
        }
    }
    for (place, hosts) in hosts {
        let Some((sink, sink_span)) = hosts.iter().find(|(id, _)| site.is(*id, Property::LogSink)) else { continue };
        let others = hosts.iter().filter(|(id, _)| !site.is(*id, Property::Logging)).map(|(id, span)| {
            let component = &site.components[*id];
            (component.name.as_str(), component.decl.kind.0.as_str(), *span)
        });
        let nodes = nodes.get(&place).into_iter().flatten().map(|(name, span)| (*name, "Cluster", *span));
        for (name, kind, span) in others.chain(nodes) {
            let finding = Finding::new("ZM-LOG-05", "shared").arg("component", name).arg("kind", kind);
            let finding = finding.arg("segment", site.place_name(place)).arg("sink", &site.components[*sink].name);
            let finding = finding.object(name).object(site.place_name(place));
            out.push(finding.label(span, "component").label(*sink_span, "sink"));
        }
    }
}
