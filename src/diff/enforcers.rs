//! What changes at each gateway and cluster: its part of the plan, compared by what it lets through.

use crate::check::Model;
use crate::graph::Hook;
use crate::model::{Addresses, Family, ServiceMatch, Site};
use crate::plan::{ClusterPlan, GatewayPlan, Permit, PodPeer, PodPermit, plan};
use crate::space::{Interfaces, MissingCut, Packet, PacketSpace};
use crate::targets::nftables::closed_connections;
use crate::verify::gateway::{Allowed, NoSpace};
use std::collections::{BTreeMap, BTreeSet};

/// What became of what an enforcer lets through.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// The same permits: its files change in their header at most.
    Same,
    /// Other permits that treat every packet as before.
    Equal,
    /// Some packet is treated otherwise.
    Differs,
    /// It is new.
    New,
    /// It is gone.
    Gone,
}

impl Outcome {
    /// The word in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Equal => "equal",
            Self::Differs => "differs",
            Self::New => "new",
            Self::Gone => "gone",
        }
    }
}

/// A gateway or cluster of either site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Enforcer {
    /// Its name.
    pub name: String,
    /// Its file or folder in the output.
    pub artefact: String,
    /// What became of it.
    pub outcome: Outcome,
    /// Number of permits in the new site.
    pub permits: usize,
    /// Flows whose permits here differ.
    pub flows: Vec<String>,
    /// A packet that is let through now and was not, at a gateway.
    pub opened: Option<String>,
    /// A packet that was let through and is not any more, at a gateway.
    pub closed: Option<String>,
    /// Shell lines that delete open connections which are not allowed any more, at a gateway; rules judge new ones only.
    pub connections: Vec<String>,
}

/// Compares the enforcers of two sites.
pub(super) fn enforcers(old: &Model, new: &Model) -> Result<Vec<Enforcer>, String> {
    let failed = |error: crate::plan::PlanError| format!("{}: {}", error.object, error.reason);
    let before = plan(&old.site, &old.graphs).map_err(failed)?;
    let after = plan(&new.site, &new.graphs).map_err(failed)?;
    let mut found = Vec::new();
    let olds: BTreeMap<&str, &GatewayPlan> = before.gateways.iter().map(|plan| (plan.name.as_str(), plan)).collect();
    let news: BTreeMap<&str, &GatewayPlan> = after.gateways.iter().map(|plan| (plan.name.as_str(), plan)).collect();
    for name in olds.keys().chain(news.keys()).copied().collect::<BTreeSet<_>>() {
        let sides = [olds.get(name).map(|plan| (*plan, &old.site)), news.get(name).map(|plan| (*plan, &new.site))];
        found.push(gateway(name, sides).map_err(|error| format!("{name}: {error}"))?);
    }
    let olds: BTreeMap<&str, &ClusterPlan> = before.clusters.iter().map(|plan| (plan.name.as_str(), plan)).collect();
    let news: BTreeMap<&str, &ClusterPlan> = after.clusters.iter().map(|plan| (plan.name.as_str(), plan)).collect();
    for name in olds.keys().chain(news.keys()).copied().collect::<BTreeSet<_>>() {
        let sides = [olds.get(name).map(|plan| (*plan, &old.site)), news.get(name).map(|plan| (*plan, &new.site))];
        found.push(cluster(name, sides));
    }
    Ok(found)
}

/// A permit without numbers that differ between sites.
type Key<'a> =
    (&'a str, Hook, Option<&'a str>, Option<&'a str>, Family, &'a Addresses, &'a Addresses, &'a ServiceMatch);

fn key<'a>(plan: &'a GatewayPlan, site: &'a Site, permit: &'a Permit) -> Key<'a> {
    let name = |index: Option<usize>| index.and_then(|index| plan.interfaces.get(index)).map(|i| i.name.as_str());
    let flow = site.flows[permit.flow].name.as_str();
    let (input, output) = (name(permit.input), name(permit.output));
    (flow, permit.hook, input, output, permit.family, &permit.source, &permit.destination, &permit.service)
}

fn gateway(name: &str, sides: [Option<(&GatewayPlan, &Site)>; 2]) -> Result<Enforcer, String> {
    let keys = sides.map(|side| -> BTreeSet<Key<'_>> {
        side.map(|(plan, site)| plan.permits.iter().map(|permit| key(plan, site, permit)).collect()).unwrap_or_default()
    });
    let changed: BTreeSet<Key<'_>> = keys[0].symmetric_difference(&keys[1]).copied().collect();
    let flows: BTreeSet<String> = changed.iter().map(|key| key.0.to_owned()).collect();
    let mut enforcer = Enforcer {
        name: name.to_owned(),
        artefact: format!("nftables/{name}.nft"),
        outcome: Outcome::Same,
        permits: keys[1].len(),
        flows: flows.into_iter().collect(),
        opened: None,
        closed: None,
        connections: Vec::new(),
    };
    let [Some((old, old_site)), Some((new, new_site))] = sides else {
        enforcer.outcome = if sides[0].is_none() { Outcome::New } else { Outcome::Gone };
        return Ok(enforcer);
    };
    if changed.is_empty() && old.interfaces == new.interfaces {
        return Ok(enforcer);
    }
    // Permits that meet none of the changed ones treat their packets alike on both sides.
    let meets = |key: &Key<'_>| {
        changed.iter().any(|other| {
            (key.1, key.2, key.3, key.4) == (other.1, other.2, other.3, other.4)
                && key.5.overlaps(other.5)
                && key.6.overlaps(other.6)
        })
    };
    let all = old.interfaces != new.interfaces || changed.len() > 200;
    let reduced = |plan: &GatewayPlan, site: &Site| GatewayPlan {
        permits: plan.permits.iter().filter(|permit| all || meets(&key(plan, site, permit))).cloned().collect(),
        ..plan.clone()
    };
    let (old, new) = (reduced(old, old_site), reduced(new, new_site));
    let [opened, closed] = examples(&old, &new)?;
    let (before, after): (Vec<&Permit>, Vec<&Permit>) = (old.permits.iter().collect(), new.permits.iter().collect());
    enforcer.connections = closed_connections(&before, &after)?;
    enforcer.outcome = if opened.is_none() && closed.is_none() { Outcome::Equal } else { Outcome::Differs };
    (enforcer.opened, enforcer.closed) = (opened, closed);
    Ok(enforcer)
}

/// A packet that only the new plan lets through, and one that only the old one does.
fn examples(old: &GatewayPlan, new: &GatewayPlan) -> Result<[Option<String>; 2], String> {
    let failed = |error: NoSpace| error.to_string();
    let mut interfaces = Interfaces::new();
    let [old, new] = [Allowed::new(old, &mut interfaces), Allowed::new(new, &mut interfaces)];
    let (old, new) = (old.map_err(failed)?, new.map_err(failed)?);
    let cut = |error: MissingCut| error.to_string();
    let mut space = PacketSpace::covering(old.regions().chain(new.regions())).map_err(cut)?;
    let (old, new) = (old.map(&mut space).map_err(cut)?, new.map(&mut space).map_err(cut)?);
    let arena = space.arena();
    let (old, new) = (arena.domain(old), arena.domain(new));
    let (opened, closed) = (arena.difference(new, old), arena.difference(old, new));
    let shown = |packet: Option<Packet>| packet.map(|packet| packet.located(&interfaces));
    Ok([shown(space.witness(opened)), shown(space.witness(closed))])
}

fn cluster(name: &str, sides: [Option<(&ClusterPlan, &Site)>; 2]) -> Enforcer {
    let keys = sides.map(|side| -> BTreeSet<(String, String)> {
        side.map(|(plan, site)| plan.permits.iter().map(|permit| pod_key(site, permit)).collect()).unwrap_or_default()
    });
    let flows: BTreeSet<String> = keys[0].symmetric_difference(&keys[1]).map(|(flow, _)| flow.clone()).collect();
    let outcome = match sides {
        [None, _] => Outcome::New,
        [_, None] => Outcome::Gone,
        _ if flows.is_empty() => Outcome::Same,
        _ => Outcome::Differs,
    };
    let folder = sides[1].or(sides[0]).map_or("kubernetes", |(plan, site)| folder(site, plan));
    Enforcer {
        name: name.to_owned(),
        artefact: format!("{folder}/{name}/"),
        outcome,
        permits: keys[1].len(),
        flows: flows.into_iter().collect(),
        opened: None,
        closed: None,
        connections: Vec::new(),
    }
}

fn folder(site: &Site, plan: &ClusterPlan) -> &'static str {
    use crate::syntax::objects::PolicyDialect;
    match site.clusters[plan.cluster].decl.policy.value {
        PolicyDialect::Cilium => "cilium",
        PolicyDialect::Kubernetes => "kubernetes",
    }
}

/// A permit of a cluster in names: the flow, and everything else.
fn pod_key(site: &Site, permit: &PodPermit) -> (String, String) {
    let peer = match &permit.peer {
        PodPeer::Pods(end) => format!("pods {}", site.end_name(*end)),
        PodPeer::Outside(addresses) => format!("outside {addresses}"),
        PodPeer::Names(names, addresses) => format!("names {} {addresses}", names.join(" ")),
        PodPeer::Nodes(id) => format!("nodes {}", site.clusters[*id].name),
    };
    let services: Vec<String> = permit.services.iter().map(ToString::to_string).collect();
    let rest = format!(
        "{:?} {} {} {peer} {} {:?}",
        permit.side,
        site.end_name(permit.subject),
        site.end_name(permit.peer_end),
        services.join(" "),
        permit.requests
    );
    (site.flows[permit.flow].name.clone(), rest)
}
