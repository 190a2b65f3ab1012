//! What changes at a cluster: the boxes of what its policies let pods open and accept.
//!
//! ```text
//! box = side × pod × (pods, IPv4, IPv6) × peer × name × protocol × port × HTTP request
//! ```
//!
//! Pods are told apart as policies tell them apart: by namespace and labels ([`Pods`]). A name of a destination is one of those
//! that either site states; a pattern holds the names that fit it. A request is one of those that either site states.
//! A pod of a namespace that zonec leaves alone (`system: true`) may do everything.

use super::difference::{Difference, Labelled};
use super::enforcers::{Enforcer, FramePart, Outcome, Row, Sorted, sorted};
use super::gateways::{points, ranges};
use super::rectangles::{prefixes, services};
use crate::claims::{PODS, Pods, packets};
use crate::model::{Addresses, End, ServiceMatch, Site};
use crate::plan::{ClusterPlan, PodPeer, PodPermit, Request, Side};
use crate::space::{Interval, Product};
use crate::syntax::objects::{PolicyDialect, PoolRole};
use crate::targets::cluster::Capabilities;
use std::collections::{BTreeMap, BTreeSet};

const FIELDS: usize = 8;
/// The last name and the last request: more than any site states.
const LAST: u128 = u32::MAX as u128;
const TOPS: [u128; FIELDS] = [1, LAST, PODS, u128::MAX, LAST, 255, 65_535, LAST];

type Half<'a> = Option<(&'a ClusterPlan, &'a Site)>;

/// A permit in what both sides share. The names of its ends matter to the names of objects, their pods to the packets.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    side: Side,
    ends: [&'a str; 2],
    subject: Vec<Interval>,
    peer: Peer<'a>,
    services: &'a [ServiceMatch],
    requests: &'a [Request],
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Peer<'a> {
    Everybody,
    Pods(Vec<Interval>),
    Addresses(Addresses),
    Names(&'a [String], &'a Addresses),
}

pub(super) fn compare(name: &str, halves: [Half<'_>; 2], pods: &Pods) -> Result<Enforcer, String> {
    let any = [ServiceMatch::Any];
    let dns = halves.map(|half| half.and_then(|(plan, _)| plan.name_service.as_ref()));
    let lists = [0, 1].map(|at| {
        let services = dns[at].map_or(&[][..], |service| &service.services);
        halves[at].map(|(plan, site)| permits(plan, site, pods, services, &any)).unwrap_or_default()
    });
    let words = Words::of(&lists, pods);
    let [old, new] = lists;
    let sorted = sorted(old, new);
    let found = words.difference(&sorted).map_err(|error| error.to_string())?;
    let rows = |products: &[Product<FIELDS>]| -> Vec<Row> {
        let flow = |label: u32| sorted.flows.get(label as usize - 1).copied().unwrap_or_default();
        products.iter().flat_map(|product| words.rows(flow(product.label), product)).collect()
    };
    let (opened, closed) = (rows(&found.opened), rows(&found.closed));
    let frame = match halves.map(|half| half.map(|(plan, site)| Frame::of(plan, site))) {
        [Some(old), Some(new)] => old.unlike(&new),
        _ => Vec::new(),
    };
    let [is_old, is_new] = halves.map(|half| half.is_some());
    let is_rewritten = !sorted.flows.is_empty() || !frame.is_empty();
    let outcome = Outcome::of(is_old, is_new, is_rewritten, !opened.is_empty() || !closed.is_empty());
    let folder = halves[1].or(halves[0]).map_or("kubernetes", |(plan, site)| folder(site, plan));
    Ok(Enforcer {
        name: name.to_owned(),
        artefact: format!("{folder}/{name}/"),
        outcome,
        permits: halves[1].map_or(0, |(plan, _)| plan.permits.len()),
        flows: sorted.flows.iter().map(|flow| (*flow).to_owned()).collect(),
        opened,
        closed,
        sources: Vec::new(),
        frame,
        connections: Vec::new(),
    })
}

fn folder(site: &Site, plan: &ClusterPlan) -> &'static str {
    site.clusters[plan.cluster].decl.policy.value.word()
}

/// What the cluster's policies let through, by flow; its `dns` and the namespaces it leaves alone under names that no flow has.
fn permits<'a>(
    plan: &'a ClusterPlan,
    site: &'a Site,
    pods: &Pods,
    dns: &'a [ServiceMatch],
    any: &'a [ServiceMatch],
) -> BTreeMap<&'a str, Vec<Key<'a>>> {
    let mut of: BTreeMap<End, Vec<Interval>> = BTreeMap::new();
    let mut numbers = |end: End| of.entry(end).or_insert_with(|| pods.of(site, end)).clone();
    let mut found: BTreeMap<&str, Vec<Key<'_>>> = BTreeMap::new();
    let managed = |end: End| site.namespace_of(end).is_none_or(|id| site.namespaces[id].is_managed());
    for permit in plan.permits.iter().filter(|permit| managed(permit.subject)) {
        let key = Key {
            side: permit.side,
            ends: [permit.subject, permit.peer_end].map(|end| site.end_name(end)),
            subject: numbers(permit.subject),
            peer: peer(site, permit, &mut numbers),
            services: &permit.services,
            requests: &permit.requests,
        };
        found.entry(&site.flows[permit.flow].name).or_default().push(key);
    }
    let whole = End::Cluster(plan.cluster);
    let own = site.clusters[plan.cluster].namespaces.iter().map(|id| &site.namespaces[*id]);
    for (namespace, id) in own.zip(&site.clusters[plan.cluster].namespaces) {
        let key = |side, ends, subject: &[Interval], peer, services| Key {
            side,
            ends,
            subject: subject.to_vec(),
            peer,
            services,
            requests: &[],
        };
        let here = numbers(End::Namespace(*id));
        let asked = plan.name_service.as_ref().map(|service| {
            let home = &site.namespaces[service.namespace];
            (home.path.as_str(), pods.labelled(&home.path, &service.pods), service.namespace == *id)
        });
        if !namespace.is_managed() {
            let ends = [namespace.path.as_str(), "*"];
            let both = [Side::Egress, Side::Ingress].map(|side| key(side, ends, &here, Peer::Everybody, any));
            found.entry("000-unmanaged").or_default().extend(both);
        } else if let Some((home, asked, is_home)) = asked {
            let list = found.entry("000-dns").or_default();
            list.push(key(Side::Egress, [&namespace.path, home], &here, Peer::Pods(asked.clone()), dns));
            if is_home {
                list.push(key(Side::Ingress, [home, "*"], &asked, Peer::Pods(numbers(whole)), dns));
            }
        }
    }
    found
}

fn peer<'a>(site: &Site, permit: &'a PodPermit, numbers: &mut impl FnMut(End) -> Vec<Interval>) -> Peer<'a> {
    match &permit.peer {
        PodPeer::Pods(end) => Peer::Pods(numbers(*end)),
        PodPeer::Outside(addresses) => Peer::Addresses(addresses.clone()),
        PodPeer::Names(names, addresses) => Peer::Names(names, addresses),
        PodPeer::Nodes(id) => {
            let pools = site.clusters[*id].pools.iter();
            let workers = pools.filter(|pool| pool.decl.role.value != PoolRole::ControlPlane);
            Peer::Addresses(workers.map(|pool| &pool.addresses).collect())
        }
    }
}

/// The names and requests of both sides by number, from 1; 0 is any other one.
struct Words<'p> {
    pods: &'p Pods,
    names: Vec<String>,
    requests: Vec<Request>,
}

impl<'p> Words<'p> {
    fn of(lists: &[BTreeMap<&str, Vec<Key<'_>>>; 2], pods: &'p Pods) -> Self {
        let (mut names, mut requests) = (BTreeSet::new(), BTreeSet::new());
        for key in lists.iter().flat_map(|list| list.values().flatten()) {
            requests.extend(key.requests.iter().cloned());
            if let Peer::Names(list, _) = &key.peer {
                names.extend(list.iter().cloned());
            }
        }
        Self { pods, names: names.into_iter().collect(), requests: requests.into_iter().collect() }
    }

    fn difference(&self, sorted: &Sorted<'_, Key<'_>>) -> Result<Difference<FIELDS>, crate::space::MissingCut> {
        let boxes = |list: &[(Key<'_>, u32)]| -> Vec<Labelled<FIELDS>> {
            list.iter().flat_map(|(key, label)| self.boxes(key).into_iter().map(|bounds| (bounds, *label))).collect()
        };
        let (gone, come) = (boxes(&sorted.gone), boxes(&sorted.come));
        let unchanged = gone.is_empty() && come.is_empty();
        let kept = sorted.kept.iter().filter(|_| !unchanged).flat_map(|key| self.boxes(key)).collect();
        Difference::new(TOPS, &gone, &come, kept)
    }

    fn boxes(&self, key: &Key<'_>) -> Vec<[Interval; FIELDS]> {
        let side = Interval::point(key.side as u8);
        let requests = self.requests(key.requests);
        let peers = self.peers(&key.peer);
        let mut boxes = Vec::new();
        for (protocol, port) in key.services.iter().flat_map(packets) {
            for subject in &key.subject {
                for (kind, peer, name) in &peers {
                    boxes.extend(
                        requests.iter().map(|request| [side, *subject, *kind, *peer, *name, protocol, port, *request]),
                    );
                }
            }
        }
        boxes
    }

    fn requests(&self, requests: &[Request]) -> Vec<Interval> {
        if requests.is_empty() {
            return vec![Interval::up_to(LAST)];
        }
        let places = requests.iter().filter_map(|request| self.requests.binary_search(request).ok());
        places.map(|place| Interval::point(place as u128 + 1)).collect()
    }

    /// Kind, value and name of a peer.
    fn peers(&self, peer: &Peer<'_>) -> Vec<(Interval, Interval, Interval)> {
        let every = Interval::up_to(LAST);
        let by_address = |addresses: &Addresses, names: &[Interval]| {
            let mut found = Vec::new();
            for (kind, family) in [(0u8, crate::model::Family::V4), (1, crate::model::Family::V6)] {
                for range in ranges(&addresses.only(family)) {
                    found.extend(names.iter().map(|name| (Interval::point(kind), range, *name)));
                }
            }
            found
        };
        match peer {
            Peer::Everybody => vec![(Interval::up_to(PODS), Interval::up_to(u128::MAX), every)],
            Peer::Pods(numbers) => numbers.iter().map(|number| (Interval::point(PODS), *number, every)).collect(),
            Peer::Addresses(addresses) => by_address(addresses, &[every]),
            Peer::Names(names, addresses) => {
                let fits = |name: &&String| names.iter().any(|pattern| holds(pattern, name));
                let numbered = self.names.iter().zip(1u32..).filter(|(name, _)| fits(name));
                by_address(addresses, &numbered.map(|(_, number)| Interval::point(number)).collect::<Vec<_>>())
            }
        }
    }

    /// A product of intervals in words: one row for each side and kind of peer.
    fn rows(&self, flow: &str, product: &Product<FIELDS>) -> Vec<Row> {
        let [sides, subject, kinds, peer, names, protocol, port, requests] = &product.fields;
        let pods = |numbers: &[Interval]| -> Vec<String> { numbers.iter().flat_map(|n| self.pods.names(n)).collect() };
        let own = pods(subject);
        let mut condition = stated(names, &self.names, Clone::clone);
        condition.extend(stated(requests, &self.requests, |request| format!("{} {}", request.method, request.path)));
        let mut rows = Vec::new();
        for side in points(sides) {
            for kind in points(kinds) {
                let whole = peer.iter().any(|interval| *interval == Interval::up_to(u128::MAX));
                let other = match (whole, kind) {
                    (true, PODS) => vec!["every pod".to_owned()],
                    (_, PODS) => pods(peer),
                    _ => prefixes(kind, peer),
                };
                let at = if side == Side::Egress as u128 { "egress" } else { "ingress" };
                let (source, destination) = if at == "egress" { (own.clone(), other) } else { (other, own.clone()) };
                let condition = condition.clone();
                let service = if is_any(protocol) { vec!["any".to_owned()] } else { services(protocol, port) };
                rows.push(Row { flow: flow.to_owned(), at: at.to_owned(), source, destination, service, condition });
            }
        }
        rows
    }
}

fn is_any(protocols: &[Interval]) -> bool {
    protocols.iter().any(|interval| *interval == Interval::up_to(255))
}

/// Numbers of stated words; nothing when every word is meant.
fn stated<T>(numbers: &[Interval], words: &[T], say: impl Fn(&T) -> String) -> Vec<String> {
    if numbers.iter().any(|interval| *interval == Interval::up_to(LAST)) {
        return Vec::new();
    }
    let meant = |number: u128| numbers.iter().any(|interval| interval.contains(number));
    let mut found: Vec<String> =
        words.iter().zip(1u128..).filter(|(_, number)| meant(*number)).map(|(word, _)| say(word)).collect();
    if meant(0) {
        found.push("any other".to_owned());
    }
    found
}

/// Whether a pattern of names holds a name or another pattern. `*` stands for one label.
fn holds(pattern: &str, name: &str) -> bool {
    let beneath = |rest: &str| name.split_once('.').is_some_and(|(_, parent)| parent == rest);
    pattern == name || pattern.strip_prefix("*.").is_some_and(beneath)
}

/// What shapes a cluster's objects beside its permits.
#[derive(PartialEq, Eq)]
struct Frame<'a> {
    dialect: PolicyDialect,
    capabilities: Result<Capabilities, String>,
    managed: BTreeSet<&'a str>,
    egress: BTreeMap<&'a str, &'a Addresses>,
    pools: BTreeSet<&'a str>,
}

impl<'a> Frame<'a> {
    fn of(plan: &ClusterPlan, site: &'a Site) -> Self {
        let cluster = &site.clusters[plan.cluster];
        let namespaces = cluster.namespaces.iter().map(|id| &site.namespaces[*id]);
        let here = site
            .components
            .values()
            .filter(|component| component.namespace.is_some_and(|id| site.namespaces[id].cluster == plan.cluster));
        let pools = cluster.pools.iter().filter(|pool| pool.decl.role.value == PoolRole::Egress);
        Self {
            dialect: cluster.decl.policy.value,
            capabilities: Capabilities::of(cluster),
            managed: namespaces.filter(|namespace| namespace.is_managed()).map(|n| n.name.as_str()).collect(),
            egress: here.map(|component| (component.name.as_str(), &component.egress_addresses)).collect(),
            pools: pools.map(|pool| pool.name.as_str()).collect(),
        }
    }

    /// What differs.
    fn unlike(&self, other: &Self) -> Vec<FramePart> {
        let parts = [
            (FramePart::Dialect, self.dialect != other.dialect),
            (FramePart::Capabilities, self.capabilities != other.capabilities),
            (FramePart::Namespaces, self.managed != other.managed),
            (FramePart::Egress, self.egress != other.egress || self.pools != other.pools),
        ];
        parts.into_iter().filter(|(_, differs)| *differs).map(|(part, _)| part).collect()
    }
}
