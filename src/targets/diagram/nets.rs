//! Bundling: which flows share a line.
//!
//! A bundle has one source zone, one target zone, one chain of filters, one plane and one status. Flows of the same
//! service to the same target join before the filter; a flow and its counterpart share a line with two heads; from
//! four lines on between two zones there is one trunk. Management is always one bundle per zone.

use std::collections::BTreeMap;

use super::cards::{End, Index};
use super::sheet::{Class, Flow, Mark, Plane, Status};
use super::words::Word;
use crate::i18n::Lang;

/// Lines between two zones before they become a trunk.
const MAX_LANES: usize = 3;
/// Most branches at one side of a trunk; above it the trunk ends at the zone.
const MAX_BRANCHES: usize = 6;

/// One line of the picture, possibly with branches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Net {
    /// Indices of its flows.
    pub flows: Vec<usize>,
    /// Where it starts; the first is the trunk's.
    pub sources: Vec<End>,
    /// Where it ends; the first is the trunk's.
    pub targets: Vec<End>,
    /// Indices of the filters it passes, in order.
    pub chain: Vec<usize>,
    /// Kind of traffic.
    pub plane: Plane,
    /// State.
    pub status: Status,
    /// Whether there is an arrow head at the start and at the end.
    pub heads: [bool; 2],
    /// Filled part of the label.
    pub id: String,
    /// White part of the label.
    pub body: String,
    /// Badges beside the label.
    pub marks: Vec<Mark>,
    /// Zone or network at the start.
    pub from: usize,
    /// Zone or network at the end.
    pub to: usize,
}

/// All lines, and the flows that have none because both ends lie in one box.
#[derive(Debug, Default)]
pub struct Nets {
    /// The lines.
    pub nets: Vec<Net>,
    /// Indices of flows that are only listed.
    pub undrawn: Vec<usize>,
}

type Key = (Plane, Status, usize, usize, Vec<usize>);

/// Bundles the flows of a sheet.
pub fn bundle(index: &Index, lang: Lang) -> Nets {
    let mut groups: BTreeMap<Key, Vec<Net>> = BTreeMap::new();
    let mut drawn = vec![false; index.sheet.flows.len()];
    for (i, flow) in index.sheet.flows.iter().enumerate() {
        for (from, to, chain) in links(index, flow) {
            let (a, b) = (index.place_of_end(from), index.place_of_end(to));
            let management = is_management(index, a) || is_management(index, b);
            if from == to || (a == b && management) {
                continue;
            }
            if let Some(d) = drawn.get_mut(i) {
                *d = true;
            }
            if management {
                let towards_zone = is_management(index, a) && (!is_management(index, b) || a > b);
                spoke(&mut groups, i, flow.status, [a, b], towards_zone, chain);
            } else {
                let nets = groups.entry((flow.plane, flow.status, a, b, chain.clone())).or_default();
                join(index, nets, i, [from, to], chain, [a, b]);
            }
        }
    }
    pair_up(index, &mut groups);
    let mut nets: Vec<Net> = groups.into_iter().flat_map(|(key, nets)| trunk(key, nets)).collect();
    nets.sort_by(|a, b| (a.plane, a.status, &a.flows).cmp(&(b.plane, b.status, &b.flows)));
    for net in &mut nets {
        label(index, net, lang);
    }
    let undrawn = drawn.iter().enumerate().filter(|(_, d)| !**d).map(|(i, _)| i).collect();
    Nets { nets, undrawn }
}

fn links<'a>(index: &'a Index, flow: &'a Flow) -> impl Iterator<Item = (End, End, Vec<usize>)> + 'a {
    flow.links.iter().filter_map(|l| {
        let chain = l.chain.iter().filter_map(|f| index.filter(f)).collect();
        Some((index.end(&l.from)?, index.end(&l.to)?, chain))
    })
}

fn is_management(index: &Index, place: usize) -> bool {
    index.place(place).is_some_and(|z| z.class == Class::Management)
}

fn empty(flow: usize, ends: [End; 2], chain: Vec<usize>, places: [usize; 2]) -> Net {
    Net {
        flows: vec![flow],
        sources: vec![ends[0]],
        targets: vec![ends[1]],
        chain,
        plane: Plane::Production,
        status: Status::Ok,
        heads: [false, true],
        id: String::new(),
        body: String::new(),
        marks: Vec::new(),
        from: places[0],
        to: places[1],
    }
}

/// Management: one line per zone and management zone, whatever the direction; the heads tell it.
fn spoke(
    groups: &mut BTreeMap<Key, Vec<Net>>,
    flow: usize,
    status: Status,
    [a, b]: [usize; 2],
    towards_zone: bool,
    mut chain: Vec<usize>,
) {
    let (zone, hub) = if towards_zone { (b, a) } else { (a, b) };
    if towards_zone {
        chain.reverse();
    }
    // The chain of a spoke is that of its first flow: filters differ only in branches that the bundle does not show.
    let nets = groups.entry((Plane::Management, status, zone, hub, Vec::new())).or_default();
    if nets.is_empty() {
        let net = empty(flow, [End::Place(zone), End::Place(hub)], chain, [zone, hub]);
        nets.push(Net { plane: Plane::Management, status, heads: [false, false], ..net });
    }
    for net in nets {
        push_new(&mut net.flows, flow);
        net.heads[usize::from(!towards_zone)] = true;
    }
}

fn push_new<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// Adds a connection to the line of the same service and target, or starts a line.
fn join(index: &Index, nets: &mut Vec<Net>, flow: usize, ends: [End; 2], chain: Vec<usize>, places: [usize; 2]) {
    let service = |i: usize| index.sheet.flows.get(i).map(|f| f.service.as_str());
    let status = index.sheet.flows.get(flow).map_or(Status::Ok, |f| f.status);
    let plane = index.sheet.flows.get(flow).map_or(Plane::Production, |f| f.plane);
    let same = |n: &&mut Net| {
        n.flows.first().and_then(|f| service(*f)) == service(flow) && (n.targets == [ends[1]] || n.flows == [flow])
    };
    match nets.iter_mut().find(same) {
        Some(net) => {
            push_new(&mut net.flows, flow);
            push_new(&mut net.sources, ends[0]);
            push_new(&mut net.targets, ends[1]);
        }
        None => {
            let mut net = empty(flow, ends, chain, places);
            net.status = status;
            net.plane = plane;
            nets.push(net);
        }
    }
}

/// A line and its counterpart in the opposite direction become one line with two heads.
fn pair_up(index: &Index, groups: &mut BTreeMap<Key, Vec<Net>>) {
    let service = |n: &Net| n.flows.first().and_then(|f| index.sheet.flows.get(*f)).map(|f| f.service.clone());
    let is_twin = |n: &Net, other: &Net| {
        let single = n.sources.len() == 1 && n.targets.len() == 1;
        single && n.sources == other.targets && n.targets == other.sources && service(n) == service(other)
    };
    let keys: Vec<Key> = groups.keys().cloned().collect();
    for key in keys {
        let (plane, status, a, b, chain) = &key;
        let other = (*plane, *status, *b, *a, chain.iter().rev().copied().collect());
        if *plane == Plane::Management || key > other {
            continue;
        }
        let Some(mut ahead) = groups.remove(&key) else { continue };
        // Inside a zone a line and its counterpart may share their key.
        let mut back = groups.remove(&other).unwrap_or_default();
        let mut kept: Vec<Net> = Vec::new();
        while !ahead.is_empty() {
            let mut net = ahead.remove(0);
            let pool = if key == other { &mut ahead } else { &mut back };
            if let Some(twin) = pool.iter().position(|n| is_twin(n, &net)) {
                net.flows.extend(pool.remove(twin).flows);
                net.flows.sort_unstable();
                net.heads = [true, true];
            }
            kept.push(net);
        }
        groups.insert(key, kept);
        if !back.is_empty() {
            groups.insert(other, back);
        }
    }
}

/// From four lines on between two zones there is one trunk.
fn trunk((plane, _, from, to, _): Key, mut nets: Vec<Net>) -> Vec<Net> {
    if nets.len() <= MAX_LANES || from == to || plane == Plane::Management {
        return nets;
    }
    let rest = nets.split_off(1);
    for net in &mut nets {
        for other in &rest {
            other.flows.iter().for_each(|f| push_new(&mut net.flows, *f));
            other.sources.iter().for_each(|e| push_new(&mut net.sources, *e));
            other.targets.iter().for_each(|e| push_new(&mut net.targets, *e));
            net.heads = [net.heads[0] || other.heads[0], true];
        }
        net.flows.sort_unstable();
        if net.sources.len() > MAX_BRANCHES {
            net.sources = vec![End::Place(from)];
        }
        if net.targets.len() > MAX_BRANCHES {
            net.targets = vec![End::Place(to)];
        }
    }
    nets
}

fn label(index: &Index, net: &mut Net, lang: Lang) {
    let flows: Vec<&Flow> = net.flows.iter().filter_map(|f| index.sheet.flows.get(*f)).collect();
    let labels: Vec<&str> = flows.iter().map(|f| f.label.as_str()).collect();
    net.id = compact(&labels);
    let first = flows.first().map_or("", |f| f.service.as_str());
    net.body = if net.plane == Plane::Management && flows.len() > 1 {
        Word::Management.of(lang).to_owned()
    } else if flows.iter().all(|f| f.service == first) {
        first.to_owned()
    } else {
        format!("{} {}", flows.len(), Word::Flows.of(lang))
    };
    for mark in flows.iter().filter_map(|f| f.mark.clone()) {
        push_new(&mut net.marks, mark);
    }
    net.marks.truncate(2);
}

/// Short form of several labels: `F05`, `F08/09`, `F14–17`, `F02/05–07`, or the first and the count.
pub fn compact(labels: &[&str]) -> String {
    let split = |l: &str| -> Option<(String, u32, usize)> {
        let digits = l.chars().rev().take_while(char::is_ascii_digit).count();
        let (head, number) = l.split_at_checked(l.len().checked_sub(digits)?)?;
        Some((head.to_owned(), number.parse().ok()?, digits))
    };
    let parsed: Option<Vec<_>> = labels.iter().map(|l| split(l)).collect();
    let fallback = || match labels {
        [] => String::new(),
        [one] => (*one).to_owned(),
        [first, rest @ ..] => format!("{first} +{}", rest.len()),
    };
    let Some(mut numbers) = parsed else { return fallback() };
    numbers.sort();
    let Some((head, first, width)) = numbers.first().cloned() else { return String::new() };
    if numbers.iter().any(|(h, _, _)| *h != head) {
        return fallback();
    }
    let mut runs: Vec<(u32, u32)> = vec![(first, first)];
    for (_, n, _) in numbers.iter().skip(1) {
        match runs.last_mut() {
            Some((_, end)) if *n == *end + 1 => *end = *n,
            _ => runs.push((*n, *n)),
        }
    }
    let show = |n: u32| format!("{n:0width$}");
    let parts: Vec<String> = runs
        .iter()
        .map(|(a, b)| match b - a {
            0 => show(*a),
            1 => format!("{}/{}", show(*a), show(*b)),
            _ => format!("{}–{}", show(*a), show(*b)),
        })
        .collect();
    let text = format!("{head}{}", parts.join("/"));
    if text.chars().count() <= 12 { text } else { format!("{head}{} +{}", show(first), labels.len() - 1) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_shortened_without_loss_or_counted() {
        assert_eq!(compact(&["F05"]), "F05");
        assert_eq!(compact(&["F08", "F09"]), "F08/09");
        assert_eq!(compact(&["F14", "F15", "F16", "F17"]), "F14–17");
        assert_eq!(compact(&["F02", "F05", "F06", "F07"]), "F02/05–07");
        assert_eq!(compact(&["F01", "F03", "F05", "F07", "F09"]), "F01 +4");
        assert_eq!(compact(&["portal", "waf"]), "portal +1");
    }
}
