//! What the flows of a site let through end to end, as boxes that two sites share.
//!
//! ```text
//! box = (family, from) × (family, to) × protocol × (destination port or ICMP type)
//! ```
//!
//! A family is IPv4, IPv6 or [`PODS`]: a pod is known by its labels, which is what policies select, and not by an address it
//! shares with its neighbours, so each has a number, the same in both sites ([`Pods`]).

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

/// The pods of sites by number, with the labels they have in one of the sites.
///
/// Policies select by labels that have to be there, so what they allow only grows with the labels of a pod: sites that treat
/// alike one pod without labels in each namespace, and one with exactly the labels of each component, treat every pod alike.
#[derive(Clone, Debug, Default)]
pub struct Pods {
    /// By path of the namespace (`cluster/namespace`), then name: those of a namespace or cluster are neighbours.
    pods: Vec<Pod>,
}

/// Labels with their values.
type Labels = BTreeMap<String, String>;

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Pod {
    path: String,
    name: String,
    labels: Labels,
}

impl Pods {
    /// The pods that the policies of some sites tell apart, by their labels. A pod has the name that the last site gives it,
    /// with its labels where two have one name because a component changed them: `cluster/namespace/shop{app=shop}`.
    #[must_use]
    pub fn selectable<'a>(sites: impl IntoIterator<Item = &'a Site>) -> Self {
        let mut names = BTreeMap::new();
        for site in sites {
            names.extend(standing(site));
            names.extend(workloads(site).into_iter().map(|((path, name), labels)| ((path, labels), name)));
        }
        let mut times: BTreeMap<(String, String), usize> = BTreeMap::new();
        for ((path, _), name) in &names {
            *times.entry((path.clone(), name.clone())).or_default() += 1;
        }
        let mut pods: Vec<Pod> = Vec::new();
        for ((path, labels), name) in names {
            let is_twofold = times.get(&(path.clone(), name.clone())).is_some_and(|times| *times > 1);
            let name = if is_twofold { format!("{name}{{{}}}", listed(&labels)) } else { name };
            pods.push(Pod { path, name, labels });
        }
        pods.sort();
        Self { pods }
    }

    /// The workloads of two sites: a workload is known by its name, whatever labels it has on either side, and one whose name
    /// only one side has by its labels, for it may be called otherwise on the other side. Both lists have the same numbers.
    #[must_use]
    pub fn workloads(old: &Site, new: &Site) -> [Self; 2] {
        let [before, after] = [old, new].map(workloads);
        let mut pairs: BTreeSet<(String, String, [Labels; 2])> = BTreeSet::new();
        let mut unpaired: BTreeMap<(String, Labels), String> = standing(old);
        unpaired.extend(standing(new));
        for ((path, name), labels) in before.iter().chain(&after) {
            match (before.get(&(path.clone(), name.clone())), after.get(&(path.clone(), name.clone()))) {
                (Some(was), Some(is)) => {
                    pairs.insert((path.clone(), name.clone(), [was.clone(), is.clone()]));
                }
                _ => {
                    unpaired.insert((path.clone(), labels.clone()), name.clone());
                }
            }
        }
        pairs.extend(unpaired.into_iter().map(|((path, labels), name)| (path, name, [labels.clone(), labels])));
        [0, 1].map(|side| {
            let pods = pairs.iter().map(|(path, name, labels)| (path.clone(), name.clone(), labels[side].clone()));
            Self { pods: pods.map(|(path, name, labels)| Pod { path, name, labels }).collect() }
        })
    }

    /// The pods an end stands for; none for an end outside of clusters.
    #[must_use]
    pub fn of(&self, site: &Site, end: End) -> Vec<Interval> {
        match end {
            End::Component(id) => match site.components[id].namespace {
                Some(namespace) => self.labelled(&site.namespaces[namespace].path, &site.components[id].pod_labels()),
                None => Vec::new(),
            },
            End::Namespace(id) => self.labelled(&site.namespaces[id].path, &Labels::new()),
            End::Cluster(id) => {
                let prefix = format!("{}/", site.clusters[id].name);
                intervals(self.range(&prefix, |path| path.starts_with(&prefix)))
            }
            _ => Vec::new(),
        }
    }

    /// The pods of a namespace that carry some labels.
    #[must_use]
    pub fn labelled(&self, namespace: &str, wanted: &Labels) -> Vec<Interval> {
        let carries = |number: &usize| {
            let labels = self.pods.get(*number).map(|pod| &pod.labels);
            labels.is_some_and(|labels| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)))
        };
        intervals(self.range(namespace, |path| path == namespace).filter(carries))
    }

    /// The numbers of all pods in namespaces whose paths fit; those are neighbours, from `start` on.
    fn range(&self, start: &str, fits: impl Fn(&str) -> bool) -> std::ops::Range<usize> {
        let first = self.pods.partition_point(|pod| pod.path.as_str() < start);
        let count = self.pods.iter().skip(first).take_while(|pod| fits(&pod.path)).count();
        first..first + count
    }

    /// The paths of some numbers: `cluster/namespace/component`, and `cluster/namespace/*` for every other pod of a namespace.
    pub fn names(&self, numbers: &Interval) -> impl Iterator<Item = String> {
        let (first, last) = (numbers.lo(), numbers.hi());
        let within = self.pods.iter().enumerate().filter(move |(at, _)| (first..=last).contains(&(*at as u128)));
        within.map(|(_, Pod { path, name, .. })| format!("{path}/{name}"))
    }
}

/// A pod of each namespace that carries no label, and those that a cluster states as its name service.
fn standing(site: &Site) -> BTreeMap<(String, Labels), String> {
    let bare = site.namespaces.values().map(|namespace| ((namespace.path.clone(), Labels::new()), "*".to_owned()));
    let services = site.clusters.values().filter_map(|cluster| site.name_service(cluster).ok().flatten());
    let asked = services.map(|service| {
        let name = listed(&service.pods);
        ((site.namespaces[service.namespace].path.clone(), service.pods), name)
    });
    bare.chain(asked).collect()
}

/// Labels in words: `app=shop,tier=till`.
fn listed(labels: &Labels) -> String {
    let words: Vec<String> = labels.iter().map(|(key, value)| format!("{key}={value}")).collect();
    words.join(",")
}

/// The workloads of a site by namespace and name, with the labels of their pods.
fn workloads(site: &Site) -> BTreeMap<(String, String), Labels> {
    let placed = site.components.values().filter_map(|component| Some((component, component.namespace?)));
    let named = placed
        .map(|(component, id)| ((site.namespaces[id].path.clone(), component.name.clone()), component.pod_labels()));
    named.collect()
}

/// Numbers as intervals.
fn intervals(numbers: impl Iterator<Item = usize>) -> Vec<Interval> {
    let ranges: Ranges<u32> = Ranges::new(numbers.filter_map(|number| u32::try_from(number).ok()).map(|n| (n, n)));
    ranges.intervals().iter().filter_map(|&(first, last)| Interval::new(first.into(), last.into())).collect()
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
    let home = &site.namespaces[service.namespace].path;
    let asked = pods.labelled(home, &service.pods);
    let names: Vec<String> = asked.iter().flat_map(|numbers| pods.names(numbers)).collect();
    let mut boxes = BTreeSet::new();
    let from = pod_sides(pods.of(site, End::Cluster(id)));
    add(&mut boxes, &from, &pod_sides(asked), service.services.iter());
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
#[must_use]
pub fn packets(service: &ServiceMatch) -> Vec<(Interval, Interval)> {
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
