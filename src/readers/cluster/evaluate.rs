//! Which connections a set of policies allows.
//!
//! Order of decision (Cilium 1.20, Kubernetes, ClusterNetworkPolicy v1alpha2): the Admin tier, first match; then
//! the policies without order, where a deny beats every allow and a subject that is isolated loses what nothing
//! allows; then the Baseline tier, first match; what nobody decided is allowed.

use super::Policies;
use super::ports::{everything, ports};
use super::rule::{Action, Direction, Entity, Peer, Peers, PortTerms, Rule, Tier};
use super::universe::Universe;
use crate::space::{Ranges, Reach};
use crate::workers;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rules with their subjects, peers and ports looked up, from which verdicts of all or some of the policies follow.
pub struct Rules {
    resolved: Arc<Vec<Resolved>>,
    /// Places in `resolved` of the rules that apply to a pod, ascending.
    applied: BTreeMap<(u32, Direction), Vec<usize>>,
    world: World,
}

/// What is the same for every pod.
struct World {
    everybody: Ranges,
    /// The own node, which always reaches its pods (Kubernetes: probes), unless a Cilium policy denies it explicitly.
    own_node: Ranges,
    named: Ranges,
    everything: Ranges,
}

/// What the policies of a cluster allow its own pods.
pub struct Verdicts {
    reach: BTreeMap<(u32, Direction), Arc<Reach>>,
    resolved: Arc<Vec<Resolved>>,
    /// Places in `resolved` of the rules that apply to a pod.
    applied: BTreeMap<(u32, Direction), Arc<Vec<usize>>>,
    unrestricted: Reach,
}

/// A rule with its peers and ports looked up.
struct Resolved {
    policy: usize,
    tier: Tier,
    action: Action,
    isolates: bool,
    peers: Ranges,
    ports: Ranges,
    /// Those of the peers that it knows by name.
    by_name: Ranges,
    /// The names whose answers become known by it.
    learns: Ranges,
}

impl Rules {
    /// Looks up all rules of `policies` for the pods of the own cluster; with a request, for that one out of those that
    /// proxies tell apart.
    #[must_use]
    pub fn of(policies: &Policies, universe: &Universe, request: Option<&str>) -> Self {
        let own = universe.own_pods();
        let mut resolved: Vec<Resolved> = Vec::new();
        let mut applied: BTreeMap<(u32, Direction), Vec<usize>> = BTreeMap::new();
        for rule in &policies.rules {
            let subjects = universe.select(&rule.subject).intersection(own);
            if subjects.is_empty() {
                continue;
            }
            for (subjects, part) in resolve(rule, &subjects, universe, request) {
                for subject in subjects.numbers() {
                    applied.entry((subject, rule.direction)).or_default().push(resolved.len());
                }
                resolved.push(part);
            }
        }
        let world = World {
            everybody: universe.everybody(),
            own_node: universe.special(Entity::Host).map(Ranges::one).unwrap_or_default(),
            named: universe.named(),
            everything: everything(),
        };
        Self { resolved: Arc::new(resolved), applied, world }
    }

    /// What the policies whose places in [`Policies::names`] satisfy `counts` allow, as if there were no others.
    #[must_use]
    pub fn verdicts(&self, counts: impl Fn(usize) -> bool) -> Verdicts {
        let counts = |place: &usize| self.resolved.get(*place).is_some_and(|rule| counts(rule.policy));
        // Pods to which the same rules apply share their verdicts.
        let mut groups: BTreeMap<(Direction, Vec<usize>), Vec<u32>> = BTreeMap::new();
        for ((subject, direction), places) in &self.applied {
            let places: Vec<usize> = places.iter().copied().filter(counts).collect();
            if !places.is_empty() {
                groups.entry((*direction, places)).or_default().push(*subject);
            }
        }
        let groups: Vec<_> = groups.into_iter().collect();
        let reaches = workers::each(&groups, |((direction, places), _)| {
            let rules: Vec<&Resolved> = places.iter().filter_map(|&place| self.resolved.get(place)).collect();
            Arc::new(decide(rules, *direction, &self.world))
        });
        let (mut reach, mut applied) = (BTreeMap::new(), BTreeMap::new());
        for (((direction, places), subjects), found) in groups.into_iter().zip(reaches) {
            let places = Arc::new(places);
            for subject in subjects {
                reach.insert((subject, direction), Arc::clone(&found));
                applied.insert((subject, direction), Arc::clone(&places));
            }
        }
        let unrestricted = Reach::of([(&self.world.everybody, &self.world.everything)]);
        Verdicts { reach, resolved: Arc::clone(&self.resolved), applied, unrestricted }
    }
}

impl Verdicts {
    /// Evaluates `policies` for every pod of the own cluster, whatever proxies look at.
    #[must_use]
    pub fn of(policies: &Policies, universe: &Universe) -> Self {
        Self::for_request(policies, universe, None)
    }

    /// As [`Verdicts::of`], for one request out of those that proxies tell apart.
    #[must_use]
    pub fn for_request(policies: &Policies, universe: &Universe, request: Option<&str>) -> Self {
        Rules::of(policies, universe, request).verdicts(|_| true)
    }

    /// What a pod of the own cluster may open or accept: its peers with their ports.
    #[must_use]
    pub fn reach(&self, pod: u32, direction: Direction) -> &Reach {
        self.reach.get(&(pod, direction)).map_or(&self.unrestricted, Arc::as_ref)
    }

    /// The policies that decide one connection of a pod, by their places in [`Policies::names`]; none when nothing isolates
    /// the pod.
    #[must_use]
    pub fn deciding(&self, pod: u32, direction: Direction, peer: u32, port: u32) -> Vec<usize> {
        let places = self.applied.get(&(pod, direction)).map_or(&[][..], |places| places.as_slice());
        let mut rules: Vec<&Resolved> = places.iter().filter_map(|&place| self.resolved.get(place)).collect();
        rules.sort_by_key(|rule| rule.tier);
        let matching: Vec<&Resolved> =
            rules.iter().filter(|rule| rule.peers.contains(peer) && rule.ports.contains(port)).copied().collect();
        let admin = matching.iter().find(|rule| matches!(rule.tier, Tier::Admin(..)));
        let normal = |action| matching.iter().filter(move |rule| rule.tier == Tier::Normal && rule.action == action);
        let mut found: Vec<usize> = match admin {
            Some(rule) if rule.action != Action::Pass => vec![rule.policy],
            _ => normal(Action::Deny).map(|rule| rule.policy).collect(),
        };
        if found.is_empty() {
            found = normal(Action::Allow).map(|rule| rule.policy).collect();
        }
        if found.is_empty() {
            found = rules.iter().filter(|rule| rule.isolates).map(|rule| rule.policy).collect();
        }
        if found.is_empty() {
            let baseline = matching.iter().find(|rule| matches!(rule.tier, Tier::Baseline(..)));
            found.extend(baseline.map(|rule| rule.policy));
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// A rule as seen by its subjects: one part each for subjects, or peers, that give named ports different numbers.
fn resolve(rule: &Rule, subjects: &Ranges, universe: &Universe, request: Option<&str>) -> Vec<(Ranges, Resolved)> {
    // A rule that lets other requests pass isolates all the same.
    let passes = request.is_none_or(|request| rule.proxy.passes(request));
    let peers = if passes { universe.peers(&rule.peers) } else { Ranges::EMPTY };
    let learns = universe.names().filter(|(_, name)| rule.proxy.learns(name)).map(|(number, _)| (number, number));
    let learns: Ranges = learns.collect();
    let by_name = if let Peers::Listed(list) = &rule.peers {
        list.iter()
            .filter_map(|peer| if let Peer::Name(name) = peer { universe.host_name(name) } else { None })
            .map(|n| (n, n))
            .collect()
    } else {
        Ranges::EMPTY
    };
    let part = |subjects: &Ranges, peers: Ranges, ports: Ranges| {
        (
            subjects.clone(),
            Resolved {
                policy: rule.policy,
                tier: rule.tier,
                action: rule.action,
                isolates: rule.isolates,
                peers,
                ports,
                by_name: by_name.clone(),
                learns: learns.clone(),
            },
        )
    };
    if rule.ports.names.is_empty() {
        return vec![part(subjects, peers, rule.ports.numbers.clone())];
    }
    let destinations = if rule.direction == Direction::Ingress { subjects } else { &peers };
    let by_ports = named(&rule.ports, destinations, universe);
    let mut parts: Vec<_> = by_ports
        .into_iter()
        .map(|(ports, whose)| match rule.direction {
            Direction::Ingress => part(&whose, peers.clone(), ports),
            Direction::Egress => part(subjects, whose, ports),
        })
        .collect();
    if parts.is_empty() {
        parts.push(part(subjects, Ranges::EMPTY, Ranges::EMPTY));
    }
    parts
}

/// Destinations grouped by the ports that the terms mean there. What is no pod has no named ports.
fn named(terms: &PortTerms, destinations: &Ranges, universe: &Universe) -> BTreeMap<Ranges, Ranges> {
    let mut groups: BTreeMap<Ranges, Vec<(u32, u32)>> = BTreeMap::new();
    let pods = destinations.intersection(&universe.all_pods());
    for number in pods.numbers() {
        let Some((_, pod)) = universe.pod(number) else { continue };
        let known = terms.names.iter().filter_map(|term| pod.ports.get(term).map(|port| ports(term.1, *port, *port)));
        let meant = known.fold(terms.numbers.clone(), |meant, more| meant.union(&more));
        groups.entry(meant).or_default().push((number, number));
    }
    for interval in destinations.difference(&pods).intervals() {
        groups.entry(terms.numbers.clone()).or_default().push(*interval);
    }
    groups.into_iter().map(|(ports, whose)| (ports, whose.into_iter().collect())).collect()
}

fn decide(mut ordered: Vec<&Resolved>, direction: Direction, world: &World) -> Reach {
    ordered.sort_by_key(|rule| rule.tier);
    let isolated = ordered.iter().any(|rule| rule.isolates);
    let nobody = Ranges::EMPTY;
    let own_node = if direction == Direction::Ingress { &world.own_node } else { &nobody };
    // A name means no address before Cilium has read an answer for it.
    let unknown = world.named.difference(&ordered.iter().map(|rule| &rule.learns).collect());
    let known: Vec<Option<Ranges>> = ordered
        .iter()
        .map(|rule| (!rule.by_name.is_empty()).then(|| rule.peers.difference(&rule.by_name.intersection(&unknown))))
        .collect();
    let mut sets: Vec<&Ranges> =
        ordered.iter().zip(&known).map(|(rule, known)| known.as_ref().unwrap_or(&rule.peers)).collect();
    let (node_at, all_at) = (sets.len(), sets.len() + 1);
    sets.extend([own_node, &world.everybody]);
    Reach::sweep(&sets, |active| {
        let from_node = active.contains(&node_at);
        if !active.contains(&all_at) {
            return Ranges::EMPTY;
        }
        let matching: Vec<&Resolved> = active.iter().filter_map(|&place| ordered.get(place)).copied().collect();
        verdict(&matching, isolated, from_node, &world.everything)
    })
}

/// The ports that rules, sorted by tier and all matching the peer, let pass.
fn verdict(rules: &[&Resolved], isolated: bool, from_own_node: bool, all: &Ranges) -> Ranges {
    let mut allowed = Ranges::EMPTY;
    let admin = rules.iter().filter(|rule| matches!(rule.tier, Tier::Admin(..)));
    let open = first_match(admin, all, &mut allowed);
    let normal = |action| -> Ranges {
        rules.iter().filter(|r| r.tier == Tier::Normal && r.action == action).map(|r| &r.ports).collect()
    };
    let denied = normal(Action::Deny);
    let let_in = if from_own_node { all.clone() } else { normal(Action::Allow) };
    let open = open.difference(&denied);
    allowed = allowed.union(&open.intersection(&let_in));
    if isolated {
        return allowed;
    }
    let baseline = rules.iter().filter(|rule| matches!(rule.tier, Tier::Baseline(..)));
    let undecided = first_match(baseline, &open.difference(&let_in), &mut allowed);
    allowed.union(&undecided)
}

/// Runs one ordered tier over `ports`; returns what it leaves to the next one.
fn first_match<'a>(rules: impl Iterator<Item = &'a &'a Resolved>, ports: &Ranges, allowed: &mut Ranges) -> Ranges {
    let (mut undecided, mut passed) = (ports.clone(), Ranges::EMPTY);
    for rule in rules {
        let hit = undecided.intersection(&rule.ports);
        undecided = undecided.difference(&hit);
        match rule.action {
            Action::Allow => *allowed = allowed.union(&hit),
            Action::Pass => passed = passed.union(&hit),
            Action::Deny => {}
        }
    }
    undecided.union(&passed)
}
