//! Policy tests (`expect:`): exact over all packets, not by example.

use crate::check::Model;
use crate::claims::{Claim, FIELDS, FlowClaims, Pods, TOPS, claims, of_addresses, of_pair};
use crate::diff::{Namer, Rectangle};
use crate::graph::Ways;
use crate::model::site::Expectation;
use crate::model::{Addresses, End, EndRef, Site};
use crate::space::{Arena, Cuts, Map, MissingCut};
use std::collections::{BTreeMap, BTreeSet};

/// How a policy test came out.
#[derive(Clone, PartialEq, Debug)]
pub struct Verdict<'a> {
    /// The test.
    pub expectation: &'a Expectation,
    /// Whether the site says what it expects.
    pub holds: bool,
    /// Packets that are let through although they must not be, or are not although they must be.
    pub against: Vec<Rectangle>,
    /// Flows that let through what was asked about.
    pub flows: Vec<String>,
    /// Whether nothing leads from one end to the other.
    pub has_no_way: bool,
}

/// Judges every policy test of a site.
///
/// `allow` holds when every packet between the ends, on their shortest ways, is let through; `deny` when none is, whichever
/// of their addresses it carries.
///
/// # Errors
/// A defect of the program: a box outside of the packet space.
pub fn expectations(model: &Model) -> Result<Vec<Verdict<'_>>, MissingCut> {
    let site = &model.site;
    let pods = Pods::selectable([site]);
    let allowed = claims(site, &model.graphs, &pods);
    let namer = Namer::new(site, &pods);
    site.expectations.iter().map(|expectation| judge(model, expectation, &pods, &allowed, &namer)).collect()
}

fn judge<'a>(
    model: &'a Model,
    expectation: &'a Expectation,
    pods: &Pods,
    allowed: &BTreeMap<String, FlowClaims>,
    namer: &Namer<'_>,
) -> Result<Verdict<'a>, MissingCut> {
    let site = &model.site;
    let end = |end| EndRef { end, span: expectation.span };
    let pair = Ways::between(site, &model.graphs.routes, end(expectation.from), end(expectation.to));
    let services = &expectation.service.matches;
    let mut asked = of_pair(site, pods, &pair, services, |_| true);
    let has_no_way = asked.is_empty();
    if !expectation.allow {
        let [from, to] = [expectation.from, expectation.to].map(|end| addresses(site, end));
        asked.extend(of_addresses(&from, &to, services));
    }
    let meets =
        |claim: &Claim| asked.iter().any(|other| claim.iter().zip(other).all(|(a, b)| a.intersection(*b).is_some()));
    let touching = allowed.iter().filter(|(_, flow)| flow.boxes.iter().any(meets));
    let flows: Vec<String> = touching.clone().map(|(name, _)| name.clone()).collect();
    let through: BTreeSet<Claim> = touching.flat_map(|(_, flow)| flow.boxes.iter().copied()).collect();
    let against = against(&asked, &through, expectation.allow)?;
    let against: Vec<Rectangle> = against.iter().flat_map(|product| namer.rectangles(product)).collect();
    let holds = against.is_empty() && !(expectation.allow && has_no_way);
    Ok(Verdict { expectation, holds, against, flows, has_no_way })
}

/// Packets asked about that are not let through (`allow`), or that are (`deny`).
fn against(
    asked: &BTreeSet<Claim>,
    through: &BTreeSet<Claim>,
    allow: bool,
) -> Result<Vec<crate::space::Product<FIELDS>>, MissingCut> {
    let mut cuts = Cuts::new(TOPS);
    asked.iter().chain(through).for_each(|claim| cuts.cover(claim));
    let mut arena = Arena::new(cuts);
    let (asked, through) = (arena.set(asked)?, arena.set(through)?);
    let set = if allow { arena.difference(asked, through) } else { arena.intersection(asked, through) };
    Ok(arena.products(Map::from(set)))
}

/// All addresses an end outside of clusters has. Pods are not known by address.
fn addresses(site: &Site, end: End) -> Addresses {
    let union = |list: &mut dyn Iterator<Item = &Addresses>| list.fold(Addresses::default(), |all, own| all.union(own));
    match end {
        End::Network(id) => site.networks[id].addresses.clone(),
        End::Zone(id) => union(&mut site.zones[id].segments.iter().map(|id| &site.segments[*id].addresses)),
        End::Segment(id) => site.segments[id].addresses.clone(),
        End::Gateway(id) => union(&mut site.gateways[id].interfaces.iter().map(|interface| &interface.leg.addresses)),
        End::Component(id) if site.components[id].namespace.is_none() => {
            union(&mut site.components[id].legs.iter().map(|leg| &leg.addresses))
        }
        End::Component(_) | End::Cluster(_) | End::Namespace(_) => Addresses::default(),
    }
}
