//! What changes at a gateway: the boxes of its permits, and the source addresses that may enter its interfaces.
//!
//! ```text
//! box = hook × interface in × interface out × family × source × destination × protocol × (destination port or ICMP type)
//! ```
//!
//! Both together decide about every packet: what passes without a permit (open connections, errors about them, neighbour
//! discovery) does so wherever its source may enter, and every permit's sources may.

use super::difference::{Difference, Labelled};
use super::enforcers::{Enforcer, Outcome, Row, SourceCheck, sorted};
use super::rectangles::{prefixes, services};
use crate::claims::packets;
use crate::graph::Hook;
use crate::model::{Addresses, Family, ServiceMatch, Site};
use crate::plan::{GatewayPlan, InterfacePlan, Permit};
use crate::space::{Interval, Product};
use crate::targets::nftables::closed_connections;
use std::collections::{BTreeMap, BTreeSet};

const FIELDS: usize = 8;
const TOPS: [u128; FIELDS] = [2, u16::MAX as u128, u16::MAX as u128, 1, u128::MAX, u128::MAX, 255, 65_535];

type Side<'a> = Option<(&'a GatewayPlan, &'a Site)>;

/// A permit in names.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key<'a> {
    hook: Hook,
    input: Option<&'a str>,
    output: Option<&'a str>,
    family: Family,
    source: &'a Addresses,
    destination: &'a Addresses,
    service: &'a ServiceMatch,
    log: bool,
}

pub(super) fn compare(name: &str, sides: [Side<'_>; 2]) -> Result<Enforcer, String> {
    let sorted = {
        let [old, new] = sides.map(by_flow);
        sorted(old, new)
    };
    let interfaces = Interfaces::of(sides);
    let boxes = |list: &[(Key<'_>, u32)]| -> Vec<Labelled<FIELDS>> {
        list.iter().flat_map(|(key, label)| interfaces.boxes(key).into_iter().map(|bounds| (bounds, *label))).collect()
    };
    let (gone, come) = (boxes(&sorted.gone), boxes(&sorted.come));
    let kept = if gone.is_empty() && come.is_empty() {
        Vec::new()
    } else {
        sorted.kept.iter().flat_map(|key| interfaces.boxes(key)).collect()
    };
    let found = Difference::new(TOPS, &gone, &come, kept).map_err(|error| error.to_string())?;
    let rows = |products: &[Product<FIELDS>]| -> Vec<Row> {
        let flow = |label: u32| sorted.flows.get(label as usize - 1).copied().unwrap_or_default();
        products.iter().flat_map(|product| interfaces.rows(flow(product.label), product)).collect()
    };
    let (opened, closed) = (rows(&found.opened), rows(&found.closed));
    let sources = source_checks(sides);
    let [old, new] = sides.map(|side| side.map(|(plan, _)| plan));
    let is_rewritten = !sorted.flows.is_empty() || old.map(|plan| &plan.interfaces) != new.map(|plan| &plan.interfaces);
    let differs = !opened.is_empty() || !closed.is_empty() || !sources.is_empty();
    Ok(Enforcer {
        name: name.to_owned(),
        artefact: format!("nftables/{name}.nft"),
        outcome: Outcome::of(old.is_some(), new.is_some(), is_rewritten, differs),
        permits: new.map_or(0, |plan| plan.permits.len()),
        flows: sorted.flows.iter().map(|flow| (*flow).to_owned()).collect(),
        connections: if closed.is_empty() { Vec::new() } else { connections(old, new)? },
        opened,
        closed,
        sources,
        frame: Vec::new(),
    })
}

/// The permits of each flow. A plan lists them in order of flow.
fn by_flow<'a>(side: Side<'a>) -> BTreeMap<&'a str, Vec<Key<'a>>> {
    let Some((plan, site)) = side else { return BTreeMap::new() };
    let runs = plan.permits.chunk_by(|a, b| a.flow == b.flow);
    let named = runs.filter_map(|run| Some((site.flows[run.first()?.flow].name.as_str(), run)));
    named.map(|(name, run)| (name, run.iter().map(|permit| key(plan, permit)).collect())).collect()
}

fn key<'a>(plan: &'a GatewayPlan, permit: &'a Permit) -> Key<'a> {
    let name = |index: Option<usize>| index.and_then(|index| plan.interfaces.get(index)).map(|i| i.name.as_str());
    Key {
        hook: permit.hook,
        input: name(permit.input),
        output: name(permit.output),
        family: permit.family,
        source: &permit.source,
        destination: &permit.destination,
        service: &permit.service,
        log: permit.log,
    }
}

/// The interfaces of both sides by number, from 1; 0 is none.
struct Interfaces<'a>(Vec<&'a str>);

impl<'a> Interfaces<'a> {
    fn of(sides: [Side<'a>; 2]) -> Self {
        let plans = sides.into_iter().flatten().map(|(plan, _)| plan);
        let names: BTreeSet<&str> = plans.flat_map(|plan| &plan.interfaces).map(|i| i.name.as_str()).collect();
        Self(names.into_iter().collect())
    }

    fn number(&self, name: Option<&str>) -> Interval {
        let place = name.and_then(|name| self.0.binary_search(&name).ok());
        Interval::point(place.map_or(0, |place| place as u128 + 1))
    }

    fn name(&self, number: u128) -> &'a str {
        usize::try_from(number)
            .unwrap_or(0)
            .checked_sub(1)
            .and_then(|place| self.0.get(place))
            .copied()
            .unwrap_or_default()
    }

    fn boxes(&self, key: &Key<'_>) -> Vec<[Interval; FIELDS]> {
        let (input, output) = (self.number(key.input), self.number(key.output));
        let (hook, family) = (Interval::point(key.hook as u8), Interval::point(key.family as u8));
        let mut boxes = Vec::new();
        for (protocol, detail) in packets(key.service) {
            for source in ranges(key.source) {
                for destination in ranges(key.destination) {
                    boxes.push([hook, input, output, family, source, destination, protocol, detail]);
                }
            }
        }
        boxes
    }

    /// A product of intervals in words: one row for each hook, pair of interfaces and family.
    fn rows(&self, flow: &str, product: &Product<FIELDS>) -> Vec<Row> {
        let [hooks, inputs, outputs, families, source, destination, protocol, detail] = &product.fields;
        let mut rows = Vec::new();
        for hook in points(hooks) {
            for input in points(inputs) {
                for output in points(outputs) {
                    let at = match hook {
                        0 => format!("forward {} → {}", self.name(input), self.name(output)),
                        1 => format!("input {}", self.name(input)),
                        _ => format!("output {}", self.name(output)),
                    };
                    rows.extend(points(families).map(|family| Row {
                        flow: flow.to_owned(),
                        at: at.clone(),
                        source: prefixes(family, source),
                        destination: prefixes(family, destination),
                        service: services(protocol, detail),
                        condition: Vec::new(),
                    }));
                }
            }
        }
        rows
    }
}

/// The values of a field that has few.
pub(super) fn points(intervals: &[Interval]) -> impl Iterator<Item = u128> {
    intervals.iter().flat_map(|interval| interval.lo()..=interval.hi())
}

/// The intervals of addresses of one family.
pub(super) fn ranges(addresses: &Addresses) -> impl Iterator<Item = Interval> {
    let v4 = addresses.v4.intervals().iter().filter_map(|&(first, last)| Interval::new(first.into(), last.into()));
    v4.chain(addresses.v6.intervals().iter().filter_map(|&(first, last)| Interval::new(first, last)))
}

fn source_checks(sides: [Side<'_>; 2]) -> Vec<SourceCheck> {
    let [old, new] = sides.map(|side| side.map_or(&[][..], |(plan, _)| &plan.interfaces));
    let checks = super::enforcers::paired(old, new, |interface: &InterfacePlan| &interface.name);
    let checks = checks.into_iter().filter_map(|(interface, sides)| {
        let none = Addresses::default();
        let [old, new] = sides.map(|side| side.map_or(&none, |interface| &interface.sources));
        let words = |set: Addresses| set.prefixes().iter().map(crate::model::address::short).collect();
        (old != new).then(|| SourceCheck {
            interface: interface.to_owned(),
            opened: words(new.difference(old)),
            closed: words(old.difference(new)),
        })
    });
    checks.collect()
}

/// The open connections that end. They do not tell their interfaces, so one that any pair of interfaces still allows goes on.
fn connections(old: Option<&GatewayPlan>, new: Option<&GatewayPlan>) -> Result<Vec<String>, String> {
    let (Some(old), Some(new)) = (old, new) else { return Ok(Vec::new()) };
    let known: BTreeSet<Key<'_>> = new.permits.iter().map(|permit| key(new, permit)).collect();
    let before: Vec<&Permit> = old.permits.iter().filter(|permit| !known.contains(&key(old, permit))).collect();
    let meets = |permit: &&Permit| {
        before.iter().any(|other| {
            permit.family == other.family
                && permit.source.overlaps(&other.source)
                && permit.destination.overlaps(&other.destination)
        })
    };
    let after: Vec<&Permit> = new.permits.iter().filter(meets).collect();
    closed_connections(&before, &after)
}
