//! Who reaches an end, and what an end reaches: by one flow, and by chains of hosts that may open connections in turn (F* of
//! the rule catalogue).

use crate::check::Model;
use crate::graph::{Actor, Initiator};
use crate::model::{End, FlowId, Place, Site};
use std::collections::BTreeSet;

/// Which way is asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    /// Who reaches the end.
    To,
    /// What the end reaches.
    From,
}

/// A flow between the end and another one.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Direct {
    /// The other end.
    pub other: String,
    /// The flow.
    pub flow: FlowId,
    /// The end of the flow that holds the asked one, when it is a wider one (its segment, zone or namespace).
    pub by: Option<String>,
}

/// A chain of hosts.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chain {
    /// The other end of the chain.
    pub other: String,
    /// Every host on the chain, from the initiator on.
    pub names: Vec<String>,
}

/// The flows of an end, in order of the other end, then the flow.
#[must_use]
pub fn direct(model: &Model, end: End, way: Way) -> Vec<Direct> {
    let site = &model.site;
    let holders = holders(site, end);
    let mut found = BTreeSet::new();
    for (id, flow) in site.flows.iter().filter(|(_, flow)| flow.is_valid_on(site.as_of)) {
        let (own, others) = match way {
            Way::To => (&flow.to, &flow.from),
            Way::From => (&flow.from, &flow.to),
        };
        for held in own.iter().filter(|held| holders.contains(&held.end)) {
            let by = (held.end != end).then(|| site.end_name(held.end).to_owned());
            let each = others.iter().filter(|other| other.end != held.end);
            found.extend(each.map(|other| Direct {
                other: site.end_name(other.end).to_owned(),
                flow: id,
                by: by.clone(),
            }));
        }
    }
    found.into_iter().collect()
}

/// An end and the wider ends that it is part of.
fn holders(site: &Site, end: End) -> BTreeSet<End> {
    let mut all = BTreeSet::from([end]);
    match end {
        End::Component(id) => {
            let component = &site.components[id];
            if let Some(namespace) = component.namespace {
                all.extend(holders(site, End::Namespace(namespace)));
            }
            for leg in &component.legs {
                match leg.place {
                    Place::Network(id) => all.extend([End::Network(id)]),
                    Place::Segment(id) => all.extend(holders(site, End::Segment(id))),
                }
            }
        }
        End::Segment(id) => all.extend([End::Zone(site.segments[id].zone)]),
        End::Namespace(id) => all.extend([End::Cluster(site.namespaces[id].cluster)]),
        _ => {}
    }
    all
}

/// Chains of two and more steps to or from an end, a shortest one for each other end, in order of names.
#[must_use]
pub fn chains(model: &Model, end: End, way: Way) -> Vec<Chain> {
    let site = &model.site;
    let own = actors(site, end);
    let mut found = Vec::new();
    match way {
        Way::From => {
            let reach = model.graphs.initiator.reach(site, &own, |_, _, _| false);
            for actor in reach.actors().filter(|actor| !own.contains(actor)) {
                found.push(Chain { other: actor.name(site).to_owned(), names: reach.chain(site, actor) });
            }
        }
        Way::To => {
            for start in every_actor(site).into_iter().filter(|start| !own.contains(start)) {
                let reach = model.graphs.initiator.reach(site, &[start], |_, _, _| false);
                let ends = own.iter().filter(|actor| reach.contains(**actor));
                let shortest = ends.map(|actor| reach.chain(site, *actor)).min_by_key(Vec::len);
                found.extend(shortest.map(|names| Chain { other: start.name(site).to_owned(), names }));
            }
        }
    }
    // One step is a flow or a neighbour, which `direct` and the segment say.
    found.retain(|chain| chain.names.len() > 2);
    found.sort_by(|a, b| a.other.cmp(&b.other));
    found
}

fn every_actor(site: &Site) -> Vec<Actor> {
    let networks = site.networks.ids().map(Actor::Network);
    let gateways = site.gateways.ids().map(Actor::Gateway);
    networks.chain(gateways).chain(site.components.ids().map(Actor::Component)).collect()
}

/// The vertices of the initiator graph that an end stands for.
fn actors(site: &Site, end: End) -> Vec<Actor> {
    let standing = |place: Place| -> Vec<Actor> {
        let here = site.components.iter().filter(move |(_, c)| c.legs.iter().any(|leg| leg.place == place));
        here.map(|(id, _)| Actor::Component(id)).collect()
    };
    let in_namespace = |namespace| -> Vec<Actor> {
        let pods = site.components.iter().filter(move |(_, c)| c.namespace == Some(namespace));
        pods.map(|(id, _)| Actor::Component(id)).chain([Actor::Namespace(namespace)]).collect()
    };
    match end {
        End::Component(id) => vec![Actor::Component(id)],
        End::Gateway(id) => vec![Actor::Gateway(id)],
        End::Network(id) => Initiator::outside(site, id),
        End::Segment(id) => standing(Place::Segment(id)).into_iter().chain([Actor::Segment(id)]).collect(),
        End::Zone(id) => site.zones[id].segments.iter().flat_map(|id| actors(site, End::Segment(*id))).collect(),
        End::Namespace(id) => in_namespace(id),
        End::Cluster(id) => {
            let own = site.namespaces.iter().filter(|(_, namespace)| namespace.cluster == id);
            own.flat_map(|(id, _)| in_namespace(id)).collect()
        }
    }
}
