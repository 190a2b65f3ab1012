//! What the flows of a site let through end to end, as boxes that two sites share.
//!
//! ```text
//! box = (family, from) × (family, to) × protocol × (destination port or ICMP type)
//! ```
//!
//! A family is IPv4, IPv6 or [`PODS`]: a pod is known by its policies and not by an address it shares with its neighbours, so
//! each has a number by the path of its name, the same in both sites.

use crate::graph::{Graphs, PairWays};
use crate::model::address::Ranges;
use crate::model::site::Flow;
use crate::model::{Addresses, ClusterId, End, Family, ServiceMatch, Site};
use crate::space::Interval;
use std::collections::{BTreeMap, BTreeSet};

/// Number of fields of a box.
pub const FIELDS: usize = 6;
/// A box.
pub type Claim = [Interval; FIELDS];
/// The largest value of each field.
pub const TOPS: [u128; FIELDS] = [2, u128::MAX, 2, u128::MAX, 255, 65_535];
/// Family of pods.
pub const PODS: u128 = 2;

/// What one flow lets through.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FlowClaims {
    /// Its boxes.
    pub boxes: BTreeSet<Claim>,
    /// Initiators, responders and service as the flow names them.
    pub named: [String; 3],
    /// Conditions that are no part of a packet's head: HTTP requests, names of destinations.
    pub conditions: String,
}

/// The pods of two sites by number.
#[derive(Clone, Debug, Default)]
pub struct Pods {
    /// `cluster/namespace/component`, and `cluster/namespace/*` for every other pod of a namespace.
    paths: BTreeSet<String>,
}

impl Pods {
    /// Numbers the pods of some sites.
    #[must_use]
    pub fn new<'a>(sites: impl IntoIterator<Item = &'a Site>) -> Self {
        let mut paths = BTreeSet::new();
        for site in sites {
            paths.extend(site.namespaces.values().map(|namespace| format!("{}/*", namespace.path)));
            for component in site.components.values() {
                if let Some(id) = component.namespace {
                    paths.insert(format!("{}/{}", site.namespaces[id].path, component.name));
                }
            }
        }
        Self { paths }
    }

    /// The pods an end stands for; none for an end outside of clusters.
    fn of(&self, site: &Site, end: End) -> Vec<Interval> {
        let (prefix, exact) = match end {
            End::Component(id) => match site.components[id].namespace {
                Some(namespace) => (format!("{}/{}", site.namespaces[namespace].path, site.components[id].name), true),
                None => return Vec::new(),
            },
            End::Namespace(id) => (format!("{}/", site.namespaces[id].path), false),
            End::Cluster(id) => (format!("{}/", site.clusters[id].name), false),
            _ => return Vec::new(),
        };
        let meant = |path: &str| if exact { path == prefix } else { path.starts_with(&prefix) };
        let numbers = self.paths.iter().zip(0u32..).filter(|(path, _)| meant(path)).map(|(_, number)| (number, number));
        // Paths with the same beginning are neighbours in the order.
        let ranges = Ranges::new(numbers);
        ranges.intervals().iter().filter_map(|&(first, last)| Interval::new(first.into(), last.into())).collect()
    }

    /// The paths of some numbers.
    pub fn names(&self, numbers: &Interval) -> impl Iterator<Item = &str> {
        let (first, last) = (numbers.lo(), numbers.hi());
        let within = self.paths.iter().enumerate();
        within.filter(move |(at, _)| (first..=last).contains(&(*at as u128))).map(|(_, path)| path.as_str())
    }
}

/// One side of a box: a family and an interval in it.
type Side = (u128, Interval);

/// What the flows of a site let through on its date, by name of flow.
#[must_use]
pub fn claims(site: &Site, graphs: &Graphs, pods: &Pods) -> BTreeMap<String, FlowClaims> {
    let in_force = site.flows.iter().filter(|(_, flow)| flow.is_valid_on(site.as_of));
    let flows = in_force.map(|(id, flow)| {
        let wants = |family| flow.wants(family);
        let pairs = graphs.ways.of(id).iter();
        let boxes = pairs.flat_map(|pair| of_pair(site, pods, pair, &flow.matches, wants)).collect();
        (flow.name.clone(), FlowClaims { boxes, named: named(site, flow), conditions: conditions(flow) })
    });
    flows.chain(site.clusters.ids().filter_map(|id| name_service(site, id, pods))).collect()
}

/// What the `dns` of a cluster lets through: every pod asks the name service. No flow is called so, for those start with a letter.
fn name_service(site: &Site, id: ClusterId, pods: &Pods) -> Option<(String, FlowClaims)> {
    let cluster = &site.clusters[id];
    let service = site.name_service(cluster).ok().flatten()?;
    let asked = site.components.iter().filter(|(_, component)| {
        let labels = component.pod_labels();
        component.namespace == Some(service.namespace)
            && service.pods.iter().all(|(key, value)| labels.get(key) == Some(value))
    });
    let mut asked: Vec<End> = asked.map(|(id, _)| End::Component(id)).collect();
    if asked.is_empty() {
        asked.push(End::Namespace(service.namespace));
    }
    let from = pod_sides(pods.of(site, End::Cluster(id)));
    let mut boxes = BTreeSet::new();
    for end in &asked {
        add(&mut boxes, &from, &pod_sides(pods.of(site, *end)), service.services.iter());
    }
    let names: Vec<&str> = asked.iter().map(|end| site.end_name(*end)).collect();
    let services: Vec<String> = service.services.iter().map(ToString::to_string).collect();
    let named = [cluster.name.clone(), names.join(", "), services.join(", ")];
    Some((format!("000-dns {}", cluster.name), FlowClaims { boxes, named, conditions: String::new() }))
}

/// The boxes of two ends on their ways. Without a way nothing gets through, and there are none.
///
/// An end in a cluster is its pods on both sides: whatever addresses its packets carry outside, the policies of the cluster
/// let these pods talk and no others that share the addresses.
pub fn of_pair(
    site: &Site,
    pods: &Pods,
    pair: &PairWays,
    services: &[ServiceMatch],
    wants: impl Fn(Family) -> bool,
) -> BTreeSet<Claim> {
    let [from_pods, to_pods] = [pair.from.end, pair.to.end].map(|end| pod_sides(pods.of(site, end)));
    let mut boxes = BTreeSet::new();
    if pair.among_pods {
        add(&mut boxes, &from_pods, &to_pods, services.iter());
    }
    for way in pair.ways.iter().flatten() {
        for family in way.families().filter(|family| wants(*family)) {
            let seen = |pods: &[Side], addresses: &Addresses| {
                if pods.is_empty() { address_sides(&addresses.only(family)) } else { pods.to_vec() }
            };
            let from = seen(&from_pods, &way.source.addresses);
            let to = seen(&to_pods, &way.destination.addresses);
            add(&mut boxes, &from, &to, services.iter().filter(|service| service.fits(family)));
        }
    }
    boxes
}

/// The boxes from any of some addresses to any of others, whether or not there is a way.
pub fn of_addresses(from: &Addresses, to: &Addresses, services: &[ServiceMatch]) -> BTreeSet<Claim> {
    let mut boxes = BTreeSet::new();
    for family in Family::BOTH {
        let [from, to] = [from, to].map(|addresses| address_sides(&addresses.only(family)));
        add(&mut boxes, &from, &to, services.iter().filter(|service| service.fits(family)));
    }
    boxes
}

fn pod_sides(numbers: Vec<Interval>) -> Vec<Side> {
    numbers.into_iter().map(|numbers| (PODS, numbers)).collect()
}

fn address_sides(addresses: &Addresses) -> Vec<Side> {
    let v4 = addresses.v4.intervals().iter().map(|&(first, last)| (0, Interval::new(first.into(), last.into())));
    let v6 = addresses.v6.intervals().iter().map(|&(first, last)| (1, Interval::new(first, last)));
    v4.chain(v6).filter_map(|(family, interval)| Some((family, interval?))).collect()
}

fn add<'a>(boxes: &mut BTreeSet<Claim>, from: &[Side], to: &[Side], services: impl Iterator<Item = &'a ServiceMatch>) {
    for (protocol, detail) in services.flat_map(packets) {
        for (from_family, from) in from {
            for (to_family, to) in to {
                let family = |value: u128| Interval::point(value);
                boxes.insert([family(*from_family), *from, family(*to_family), *to, protocol, detail]);
            }
        }
    }
}

/// Protocol and destination port (or ICMP type) of a service.
fn packets(service: &ServiceMatch) -> Vec<(Interval, Interval)> {
    let every = Interval::new(0, 65_535);
    let full = |number: u8| every.map(|every| (Interval::point(number), every));
    match service {
        ServiceMatch::Ports(transport, ports) => {
            let intervals = ports.intervals().iter();
            let each = intervals.filter_map(|&(first, last)| Interval::new(first.into(), last.into()));
            each.map(|ports| (Interval::point(transport.number()), ports)).collect()
        }
        ServiceMatch::Icmp(kind) => vec![(Interval::point(1u8), Interval::point(*kind))],
        ServiceMatch::Icmpv6(kind) => vec![(Interval::point(58u8), Interval::point(*kind))],
        ServiceMatch::Protocol(number) => full(*number).into_iter().collect(),
        ServiceMatch::Any => Interval::new(0, 255).and_then(|all| Some((all, every?))).into_iter().collect(),
    }
}

fn named(site: &Site, flow: &Flow) -> [String; 3] {
    let ends = |ends: &[crate::model::EndRef]| {
        let names: BTreeSet<&str> = ends.iter().map(|end| site.end_name(end.end)).collect();
        names.into_iter().collect::<Vec<_>>().join(", ")
    };
    let services: Vec<String> = flow.services.iter().map(|service| service.expr.to_string()).collect();
    [ends(&flow.from), ends(&flow.to), services.join(", ")]
}

fn conditions(flow: &Flow) -> String {
    let mut parts = Vec::new();
    for request in flow.decl.http.iter().flat_map(|list| list.iter()) {
        parts.push(format!("{} {}", request.method.value.0, request.path.value.0));
    }
    parts.extend(flow.decl.fqdn.iter().flat_map(|list| list.iter()).map(|name| name.value.0.clone()));
    parts.join(", ")
}
