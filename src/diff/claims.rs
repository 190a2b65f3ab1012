//! What the flows of a site let through end to end, as boxes that two sites share.
//!
//! ```text
//! box = (family, from) × (family, to) × protocol × (destination port or ICMP type)
//! ```
//!
//! A family is IPv4, IPv6 or [`PODS`]: pods that talk to pods have no addresses worth comparing, so each has a number by the
//! path of its name, the same in both sites.

use crate::graph::Graphs;
use crate::model::site::Flow;
use crate::model::{Addresses, End, NamespaceId, ServiceMatch, Site};
use crate::space::Interval;
use std::collections::{BTreeMap, BTreeSet};

/// Number of fields of a box.
pub const FIELDS: usize = 6;
/// A box.
pub type Claim = [Interval; FIELDS];
/// The largest value of each field.
pub const TOPS: [u128; FIELDS] = [2, u128::MAX, 2, u128::MAX, 255, 65_535];
/// Family of pods that are reached as pods.
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

    /// The pods an end stands for.
    fn of(&self, site: &Site, end: End) -> Vec<Interval> {
        let namespace = |id: NamespaceId| format!("{}/", site.namespaces[id].path);
        let wanted: Box<dyn Fn(&String) -> bool> = match end {
            End::Component(id) => {
                let component = &site.components[id];
                let path = component.namespace.map(|id| format!("{}{}", namespace(id), component.name));
                Box::new(move |other| Some(other) == path.as_ref())
            }
            End::Namespace(id) => Box::new(move |other| other.starts_with(&namespace(id))),
            End::Cluster(id) => {
                let prefix = format!("{}/", site.clusters[id].name);
                Box::new(move |other| other.starts_with(&prefix))
            }
            _ => return Vec::new(),
        };
        let numbers = self.paths.iter().enumerate().filter(|(_, path)| wanted(path));
        numbers.map(|(number, _)| Interval::point(number as u128)).collect()
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
    in_force
        .map(|(id, flow)| {
            let mut boxes = BTreeSet::new();
            for pair in graphs.ways.of(id) {
                if pair.among_pods {
                    let sides = [pair.from.end, pair.to.end].map(|end| pod_sides(pods.of(site, end)));
                    add(&mut boxes, &sides[0], &sides[1], flow);
                }
                // A flow without a way lets nothing through; the rules report it.
                for way in pair.ways.iter().flatten() {
                    let sides = [&way.source.addresses, &way.destination.addresses].map(sides);
                    add(&mut boxes, &sides[0], &sides[1], flow);
                }
            }
            (flow.name.clone(), FlowClaims { boxes, named: named(site, flow), conditions: conditions(flow) })
        })
        .collect()
}

fn pod_sides(numbers: Vec<Interval>) -> Vec<Side> {
    numbers.into_iter().map(|number| (PODS, number)).collect()
}

fn sides(addresses: &Addresses) -> Vec<Side> {
    let v4 = addresses.v4.intervals().iter().map(|&(first, last)| (0, Interval::new(first.into(), last.into())));
    let v6 = addresses.v6.intervals().iter().map(|&(first, last)| (1, Interval::new(first, last)));
    v4.chain(v6).filter_map(|(family, interval)| Some((family, interval?))).collect()
}

fn add(boxes: &mut BTreeSet<Claim>, from: &[Side], to: &[Side], flow: &Flow) {
    for (from_family, from) in from {
        for (to_family, to) in to.iter().filter(|(family, _)| family == from_family) {
            for service in flow.matches.iter().filter(|service| fits(service, *from_family, flow)) {
                let family = |value: u128| Interval::point(value);
                for (protocol, detail) in packets(service) {
                    boxes.insert([family(*from_family), *from, family(*to_family), *to, protocol, detail]);
                }
            }
        }
    }
}

/// Whether a flow lets a service through in a family. Pods carry both.
fn fits(service: &ServiceMatch, family: u128, flow: &Flow) -> bool {
    use crate::model::Family;
    let fits = |family: Family| service.fits(family) && flow.wants(family);
    match family {
        0 => fits(Family::V4),
        1 => fits(Family::V6),
        _ => true,
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
