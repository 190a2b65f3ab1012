//! ZM-K8S, second half: nodes, namespaces as units of isolation, dedicated nodes, the mesh.

use super::k8s::need;
use super::log::{is_management_system, is_outside, touches};
use super::{Cx, Rule};
use crate::finding::{Finding, Severity};
use crate::model::site::Component;
use crate::model::site::{Cluster, Namespace, NodePool};
use crate::model::{
    Addresses, ClusterId, ComponentId, End, NamespaceId, Property, Ranges, SegmentId, ServiceMatch, Site,
};
use crate::source::Span;
use crate::syntax::document::Protection;
use crate::syntax::objects::{NodeEncryption, PodSecurity, PoolRole};
use crate::syntax::service::Transport;
use std::collections::BTreeMap;

pub(super) const RULES: &[Rule] = &[
    ("ZM-K8S-01", provided),
    ("ZM-K8S-04", one_application),
    ("ZM-K8S-06", encrypted_nodes),
    ("ZM-K8S-07", node_traffic),
    ("ZM-K8S-08", no_host_namespaces),
    ("ZM-K8S-10", no_workloads_on_masters),
    ("ZM-K8S-11", control_plane_apart),
    ("ZM-K8S-14", default_deny),
    ("ZM-K8S-15", api_from_administration),
    ("ZM-K8S-16", micro_segmentation),
    ("ZM-K8S-17", dedicated_nodes),
    ("ZM-K8S-18", no_mesh_across_zones),
];

/// Container environment and registry are provided (DVS-008-R01, DVS-009-R01).
fn provided(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let about = |case| Finding::new("ZM-K8S-01", case).object(site.name()).label(site.head.name.span, "site");
    if site.clusters.is_empty() {
        out.push(about("no-cluster"));
    }
    if !site.components.ids().any(|id| site.is(id, Property::RegistrySink) && !is_outside(site, id)) {
        out.push(about("no-registry"));
    }
}

fn members(site: &Site, namespace: NamespaceId) -> impl Iterator<Item = &Component> {
    site.components.values().filter(move |component| component.namespace == Some(namespace))
}

fn is_system(namespace: &Namespace) -> bool {
    namespace.decl.system.as_ref().is_some_and(|system| system.value)
}

/// A component that is an application although it names none: any in `default`, and in a namespace of the platform those of a kind
/// that no platform is made of.
fn unnamed_application<'a>(site: &'a Site, id: NamespaceId, namespace: &Namespace) -> Option<(&'a str, Span)> {
    let part = |component: &ComponentId| namespace.name != "default" && site.is(*component, Property::InCluster);
    let here = site.components.iter().filter(|(_, component)| component.namespace == Some(id));
    let mut applications = here.filter(|(component, _)| site.is(*component, Property::Application) && !part(component));
    applications.next().map(|(_, component)| (component.name.as_str(), component.span))
}

/// Applications are separated by namespaces (DVS 5.3.4).
fn one_application(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, namespace) in site.namespaces.iter() {
        let own = namespace.decl.application.as_ref().map(|word| (word.0.as_str(), word.span));
        let of_members = members(site, id).filter_map(|c| c.decl.application.as_ref()).map(|w| (w.0.as_str(), w.span));
        let all: Vec<(&str, Span)> = own.into_iter().chain(of_members).collect();
        let of_platform = namespace.name == "default" || namespace.name.starts_with("kube-") || is_system(namespace);
        let unnamed = || unnamed_application(site, id, namespace).filter(|_| of_platform);
        let Some((first, first_span)) = all.first().copied().or_else(unnamed) else { continue };
        if let Some((second, second_span)) = all.iter().copied().find(|(name, _)| *name != first) {
            let label = |name: &str| vec![("application", name.to_owned())];
            let finding = Finding::new("ZM-K8S-04", "shared").arg("namespace", &namespace.path);
            let finding = finding.arg("first", first).arg("second", second).object(&namespace.path);
            let finding = finding.label_with(second_span, "second", label(second));
            out.push(finding.label_with(first_span, "first", label(first)));
        } else if of_platform {
            let finding = Finding::new("ZM-K8S-04", "system").arg("namespace", &namespace.path);
            out.push(finding.arg("application", first).object(&namespace.path).label(first_span, "application"));
        }
    }
}

/// Secure tunnels between nodes (DVS 5.3.4).
fn encrypted_nodes(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    for cluster in cx.site.clusters.values() {
        let stated = cluster.decl.node_encryption.as_ref();
        let secure = |value| matches!(value, NodeEncryption::Wireguard | NodeEncryption::Ipsec);
        if stated.is_some_and(|stated| secure(stated.value)) {
            continue;
        }
        let finding = Finding::new("ZM-K8S-06", "none").arg("cluster", &cluster.name).object(&cluster.name);
        out.push(match stated {
            Some(stated) => finding.label(stated.span, "encryption"),
            None => finding.label(cluster.span, "cluster"),
        });
    }
}

/// Whether nodes of a cluster may need a service among each other (the list of ZM-K8S-07).
fn nodes_need(cluster: &Cluster, service: &ServiceMatch) -> bool {
    let encryption = cluster.decl.node_encryption.as_ref().map(|stated| stated.value);
    let udp: &[(u16, u16)] = match encryption {
        Some(NodeEncryption::Wireguard) => &[(51820, 51820), (51871, 51871)],
        Some(NodeEncryption::Ipsec) => &[(500, 500), (4500, 4500)],
        _ => &[],
    };
    match service {
        ServiceMatch::Ports(Transport::Tcp, ports) => {
            ports.is_subset(&Ranges::new([(2379, 2380), (4240, 4240), (6443, 6443), (10250, 10250)]))
        }
        ServiceMatch::Ports(Transport::Udp, ports) => ports.is_subset(&Ranges::new(udp.iter().copied())),
        ServiceMatch::Icmp(kind) => *kind == 8,
        ServiceMatch::Icmpv6(kind) => *kind == 128,
        ServiceMatch::Protocol(number) => *number == 50 && encryption == Some(NodeEncryption::Ipsec),
        ServiceMatch::Ports(Transport::Sctp, _) | ServiceMatch::Any => false,
    }
}

fn has_nodes(cluster: &Cluster, end: End) -> bool {
    matches!(end, End::Segment(id) if cluster.pools.iter().any(|pool| pool.segment == id))
}

/// Traffic between nodes is limited to what a cluster requires (DVS 5.3.4).
fn node_traffic(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for flow in site.flows.values() {
        for cluster in site.clusters.values() {
            let to = flow.to.iter().find(|end| has_nodes(cluster, end.end));
            let (Some(to), true) = (to, flow.from.iter().any(|end| has_nodes(cluster, end.end))) else { continue };
            for service in &flow.services {
                let Some(beyond) = service.matches.iter().find(|item| !nodes_need(cluster, item)) else { continue };
                let finding = Finding::new("ZM-K8S-07", "beyond").arg("flow", &flow.name).arg("cluster", &cluster.name);
                let finding = finding.arg("service", beyond).object(&flow.name).object(&cluster.name);
                out.push(finding.label(service.span, "service").label(to.span, "nodes"));
            }
        }
    }
}

/// User workloads share no host namespaces (DVS 5.3.4).
fn no_host_namespaces(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, namespace) in site.namespaces.iter().filter(|(_, namespace)| !is_system(namespace)) {
        let level = namespace.decl.pod_security.as_ref();
        if level.is_none_or(|level| level.value == PodSecurity::Privileged) {
            let finding = Finding::new("ZM-K8S-08", "privileged").arg("namespace", &namespace.path);
            let finding = finding.object(&namespace.path);
            out.push(match level {
                Some(level) => finding.label(level.span, "pod-security"),
                None => finding.label(namespace.span, "namespace"),
            });
        }
        for component in members(site, id) {
            if let Some(stated) = component.decl.host_network.as_ref().filter(|stated| stated.value) {
                let finding = Finding::new("ZM-K8S-08", "host-network").arg("component", &component.name);
                let finding = finding.arg("namespace", &namespace.path).object(&component.name);
                out.push(finding.label(stated.span, "component"));
            }
        }
    }
}

fn control_planes(cluster: &Cluster) -> impl Iterator<Item = &NodePool> {
    cluster.pools.iter().filter(|pool| pool.decl.role.value == PoolRole::ControlPlane)
}

/// No user workloads on master nodes (DVS 5.3.4).
fn no_workloads_on_masters(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    for cluster in cx.site.clusters.values() {
        for pool in control_planes(cluster) {
            let about = |case| {
                let finding = Finding::new("ZM-K8S-10", case).arg("pool", &pool.name).arg("cluster", &cluster.name);
                finding.object(&cluster.name)
            };
            let stated = pool.decl.schedulable.as_ref();
            if stated.is_none_or(|stated| stated.value) {
                out.push(about("schedulable").label(stated.map_or(pool.span, |stated| stated.span), "pool"));
            }
            if let Some(application) = pool.decl.dedicated_to.as_ref().and_then(|list| list.0.first()) {
                out.push(about("placed").arg("application", &application.0).label(application.span, "application"));
            }
        }
    }
}

/// Where nodes of a pool may stand: at its addresses, or anywhere in its segment when it states none.
fn seats(site: &Site, pool: &NodePool) -> Addresses {
    if pool.addresses.is_empty() { site.segments[pool.segment].addresses.clone() } else { pool.addresses.clone() }
}

/// The control plane is separated from the workers (DVS 5.3.4; own segments by APP.4.4.A7, SOLLTE).
fn control_plane_apart(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for cluster in site.clusters.values() {
        if control_planes(cluster).next().is_none() {
            let finding = Finding::new("ZM-K8S-11", "none").arg("cluster", &cluster.name);
            out.push(finding.object(&cluster.name).label(cluster.span, "cluster"));
        }
        for pool in control_planes(cluster) {
            for other in cluster.pools.iter().filter(|other| other.decl.role.value != PoolRole::ControlPlane) {
                let about = |case| {
                    let finding = Finding::new("ZM-K8S-11", case).arg("cluster", &cluster.name).arg("pool", &pool.name);
                    finding
                        .arg("other", &other.name)
                        .object(&cluster.name)
                        .label(pool.span, "pool")
                        .label(other.span, "other")
                };
                let shared = seats(site, pool).intersection(&seats(site, other));
                if !shared.is_empty() {
                    let list: Vec<String> = shared.prefixes().iter().map(crate::model::address::short).collect();
                    out.push(about("overlap").arg("addresses", list.join(", ")));
                } else if pool.segment == other.segment {
                    let finding = about("same-segment").arg("segment", &site.segments[pool.segment].name);
                    out.push(finding.weigh(Severity::Warning));
                }
            }
        }
    }
}

/// Namespaces deny by default (APP.4.4.A7).
fn default_deny(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    for namespace in cx.site.namespaces.values() {
        if let Some(stated) = namespace.decl.default_deny.as_ref().filter(|stated| !stated.value) {
            let finding = Finding::new("ZM-K8S-14", "open").arg("namespace", &namespace.path).object(&namespace.path);
            out.push(finding.label(stated.span, "default-deny"));
        }
    }
}

/// The Kubernetes API answers the administration network and nodes only (APP.4.4.A7).
fn api_from_administration(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let managed = |id: SegmentId| site.zones[site.segments[id].zone].class == "management";
    for flow in site.flows.values() {
        let service =
            flow.services.iter().find(|use_| touches(&use_.matches, Transport::Tcp, &[2379, 2380, 6443, 10250]));
        let outside = |end: End| match end {
            End::Network(_) => true,
            End::Component(id) => is_outside(site, id),
            _ => false,
        };
        let Some(service) = service.filter(|_| flow.to.iter().any(|end| !outside(end.end))) else { continue };
        for end in &flow.from {
            let fits = match end.end {
                End::Component(id) => is_management_system(site, id),
                End::Segment(id) => managed(id) || site.clusters.values().any(|cluster| has_nodes(cluster, end.end)),
                End::Zone(id) => site.zones[id].class == "management",
                _ => false,
            };
            if !fits {
                let name = site.end_name(end.end);
                let finding = Finding::new("ZM-K8S-15", "source").arg("flow", &flow.name).arg("from", name);
                let finding = finding.arg("service", &service.expr).object(&flow.name);
                out.push(finding.label(end.span, "from").label(service.span, "service"));
            }
        }
    }
}

/// The highest of the three goals a namespace's or component's need states, else its cluster's, with the place.
fn highest(site: &Site, namespace: NamespaceId, component: Option<&Component>) -> (Protection, Option<Span>) {
    let own = &site.namespaces[namespace];
    let cluster = &site.clusters[own.cluster];
    let stated = need(component.and_then(|component| component.decl.protection.as_ref()))
        .or_else(|| need(own.decl.protection.as_ref()))
        .or_else(|| need(cluster.decl.protection.as_ref()));
    stated.map_or((Protection::Normal, None), |(goals, span)| {
        (goals.into_iter().max().unwrap_or(Protection::Normal), Some(span))
    })
}

/// Micro-segmentation inside namespaces of high need (APP.4.4.A18).
fn micro_segmentation(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, namespace) in site.namespaces.iter() {
        // A component may need more than its namespace states.
        let inner = members(site, id).map(|component| highest(site, id, Some(component)).0);
        let level = inner.fold(highest(site, id, None).0, Protection::max);
        if level == Protection::Normal {
            continue;
        }
        let about = |case| {
            let finding = Finding::new("ZM-K8S-16", case).arg("namespace", &namespace.path).arg("need", level);
            finding.object(&namespace.path)
        };
        for component in
            members(site, id).filter(|component| component.decl.pods.as_ref().is_none_or(|p| p.0.is_empty()))
        {
            out.push(
                about("no-selector")
                    .arg("component", &component.name)
                    .object(&component.name)
                    .label(component.span, "component"),
            );
        }
        for flow in site.flows.values().filter(|flow| flow.from.iter().any(|end| end.end == End::Namespace(id))) {
            if let Some(to) = flow.to.iter().find(|end| end.end == End::Namespace(id)) {
                out.push(about("whole").arg("flow", &flow.name).object(&flow.name).label(to.span, "to"));
            }
        }
    }
}

/// Applications of a cluster with their highest need. What names none goes by its namespace, if that states an application or a need
/// or holds a component of an application kind (as in ZM-K8S-02).
fn applications(site: &Site, cluster: ClusterId) -> BTreeMap<&str, (Protection, Option<Span>)> {
    let mut found: BTreeMap<&str, (Protection, Option<Span>)> = BTreeMap::new();
    let mut add = |name, level: (Protection, Option<Span>)| {
        let slot = found.entry(name).or_insert(level);
        if level.0 > slot.0 {
            *slot = level;
        }
    };
    for (id, namespace) in site.namespaces.iter().filter(|(_, namespace)| namespace.cluster == cluster) {
        let own = namespace.decl.application.as_ref().map(|word| word.0.as_str());
        if own.is_some() || namespace.decl.protection.is_some() {
            add(own.unwrap_or(&namespace.path), highest(site, id, None));
        }
        for (component, item) in site.components.iter().filter(|(_, item)| item.namespace == Some(id)) {
            let named = item.decl.application.as_ref().map(|word| word.0.as_str());
            let user = site.is(component, Property::Application) && !is_system(namespace);
            if named.is_some() || user {
                add(named.or(own).unwrap_or(&namespace.path), highest(site, id, Some(item)));
            }
        }
    }
    found
}

/// Dedicated nodes at high need (APP.4.4.A14, A15).
fn dedicated_nodes(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    for (id, cluster) in site.clusters.iter() {
        let applications = applications(site, id);
        let Some((level, span)) = applications.values().max_by_key(|(level, _)| *level).copied() else { continue };
        let about = |case, level: Protection, span: Option<Span>| {
            let finding = Finding::new("ZM-K8S-17", case).arg("cluster", &cluster.name).arg("need", level);
            let finding = finding.object(&cluster.name).label(cluster.span, "cluster");
            match span {
                Some(span) => finding.label_with(span, "need", vec![("need", level.to_string())]),
                None => finding,
            }
        };
        if level > Protection::Normal && !cluster.pools.iter().any(|pool| pool.decl.role.value == PoolRole::Egress) {
            out.push(about("no-egress", level, span));
        }
        let very_high = applications.iter().filter(|(_, (level, _))| *level == Protection::VeryHigh);
        for (name, (level, span)) in very_high.filter(|_| applications.len() > 1) {
            let own = |pool: &NodePool| {
                let list = pool.decl.dedicated_to.as_ref().map_or(&[][..], |list| list.0.as_slice());
                pool.decl.role.value == PoolRole::Worker && matches!(list, [only] if only.0 == *name)
            };
            if !cluster.pools.iter().any(own) {
                out.push(about("shared-nodes", *level, *span).arg("application", name));
            }
        }
    }
}

/// No cluster mesh across zones (DVS 5.3.2): its overlay carries both directions past the gateway.
fn no_mesh_across_zones(cx: &Cx<'_>, out: &mut Vec<Finding>) {
    let site = cx.site;
    let mut meshes: BTreeMap<&str, (&Cluster, Span)> = BTreeMap::new();
    for cluster in site.clusters.values() {
        let stated = cluster.decl.mesh.as_ref().map(|word| (word.0.as_str(), word.span));
        // A mesh name without a mesh: all such clusters count as one.
        let Some((mesh, span)) = stated.or_else(|| cluster.decl.mesh_name.as_ref().map(|word| ("", word.span))) else {
            continue;
        };
        let (first, first_span) = *meshes.entry(mesh).or_insert((cluster, span));
        if first.zone == cluster.zone {
            continue;
        }
        let zone = |cluster: &Cluster| site.zones[cluster.zone].name.clone();
        let finding = Finding::new("ZM-K8S-18", "spans").arg("cluster", &cluster.name).arg("zone", zone(cluster));
        let finding = finding.arg("other", &first.name).arg("other-zone", zone(first));
        let finding = finding.object(&cluster.name).object(&first.name);
        let finding = finding.label_with(span, "mesh", vec![("zone", zone(cluster))]);
        out.push(finding.label_with(first_span, "other", vec![("zone", zone(first))]));
    }
}
