//! Rows and columns: which zone stands where.

use std::collections::BTreeMap;

use super::cards::Index;
use super::nets::Net;
use super::sheet::Class;

/// The arrangement of all places in rows. Numbers are places.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Rows {
    /// Networks left of the top row.
    pub a_networks: Vec<usize>,
    /// Zones of the top row, column by column.
    pub a: Vec<Vec<usize>>,
    /// Networks left of the second row.
    pub b_networks: Vec<usize>,
    /// Zones of the second row, left to right.
    pub b: Vec<usize>,
    /// Management zones.
    pub c: Vec<usize>,
    /// Title of the container around the top row.
    pub container: Option<String>,
}

/// Assigns every place to a row and column.
pub fn rows(index: &Index, nets: &[Net]) -> Rows {
    let depth = depths(index);
    let class = |p: usize| index.place(p).map(|z| z.class);
    let zones: Vec<usize> = (0..index.places()).filter(|p| !index.is_network(*p)).collect();
    let (c, production): (Vec<usize>, Vec<usize>) =
        zones.into_iter().partition(|p| class(*p) == Some(Class::Management));
    let depth_of = |p: usize| depth.get(p).copied().unwrap_or(usize::MAX);
    let container =
        production.iter().min_by_key(|p| depth_of(**p)).and_then(|p| index.place(*p)).and_then(|z| z.container.clone());
    let in_top = |p: &usize| match &container {
        Some(_) => index.place(*p).is_some_and(|z| z.container == container),
        None => true,
    };
    let (top, b): (Vec<usize>, Vec<usize>) = production.into_iter().partition(in_top);
    let mut columns: BTreeMap<(usize, u8), Vec<usize>> = BTreeMap::new();
    for p in top {
        let level = index.place(p).map_or(0, |z| z.level);
        columns.entry((depth_of(p), level)).or_default().push(p);
    }
    let a: Vec<Vec<usize>> = columns.into_values().collect();
    let column = |p: usize| a.iter().position(|c| c.contains(&p));
    let linked = |n: usize, top: bool| {
        nets.iter().any(|net| {
            let other = if net.from == n { net.to } else { net.from };
            (net.from == n || net.to == n) && if top { column(other).is_some() } else { b.contains(&other) }
        })
    };
    let (a_networks, b_networks) = (0..index.places())
        .filter(|p| index.is_network(*p))
        .partition(|n| b.is_empty() || linked(*n, true) || !linked(*n, false));
    let b = order_second(&b, nets, &column);
    Rows { a_networks, a: a.clone(), b_networks, b, c, container }
}

/// The second row: under the column it shares most lines with; zones behind other zones follow them.
fn order_second(b: &[usize], nets: &[Net], column: &dyn Fn(usize) -> Option<usize>) -> Vec<usize> {
    let preferred = |zone: usize| preferred_column(zone, nets, column);
    let mut keyed: Vec<(usize, usize)> = b
        .iter()
        .map(|z| {
            let through = nets.iter().find_map(|n| {
                let other = if n.from == *z { n.to } else { n.from };
                ((n.from == *z || n.to == *z) && b.contains(&other) && other != *z).then_some(other)
            });
            let key = match (preferred(*z), through) {
                (Some(c), _) => 2 * c,
                (None, Some(other)) => 2 * preferred(other).unwrap_or(usize::MAX / 4) + 1,
                (None, None) => usize::MAX,
            };
            (key, *z)
        })
        .collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, z)| z).collect()
}

/// The column of the top row a zone shares most lines with.
pub fn preferred_column(zone: usize, nets: &[Net], column: &dyn Fn(usize) -> Option<usize>) -> Option<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for net in nets {
        let other = if net.from == zone { net.to } else { net.from };
        if let (true, Some(c)) = (net.from == zone || net.to == zone, column(other)) {
            *counts.entry(c).or_default() += net.flows.len();
        }
    }
    counts.into_iter().max_by_key(|(c, n)| (*n, std::cmp::Reverse(*c))).map(|(c, _)| c)
}

/// Distance of every place from the untrusted networks, counted in filters.
fn depths(index: &Index) -> Vec<usize> {
    let mut depth = vec![usize::MAX; index.places()];
    let networks: Vec<usize> = (0..index.places()).filter(|p| index.is_network(*p)).collect();
    let untrusted = |p: &usize| index.place(*p).is_some_and(|z| z.class == Class::Untrusted);
    let mut front: Vec<usize> = networks.iter().copied().filter(untrusted).collect();
    if front.is_empty() {
        front.clone_from(&networks);
    }
    let mut distance = 0;
    while !front.is_empty() {
        for p in &front {
            if let Some(d) = depth.get_mut(*p) {
                *d = (*d).min(distance);
            }
        }
        distance += 1;
        let mut next = Vec::new();
        for filter in &index.sheet.filters {
            let legs: Vec<usize> = filter.legs.iter().filter_map(|l| index.place_of(l)).collect();
            if legs.iter().any(|l| front.contains(l)) {
                next.extend(legs.into_iter().filter(|l| depth.get(*l) == Some(&usize::MAX)));
            }
        }
        front = next;
    }
    depth
}
