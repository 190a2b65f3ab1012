//! From a diagram back to boxes: for emitters, which write elements, and for reports.

use std::collections::BTreeMap;

use super::arena::{Arena, Cuts, Map, MissingCut};
use super::interval::Interval;

/// A box with a label.
pub type Labelled<const N: usize> = ([Interval; N], u32);

/// A product of interval lists, one list per field, with a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product<const N: usize> {
    /// Per field the disjoint, ascending intervals.
    pub fields: [Vec<Interval>; N],
    /// The label of all its points.
    pub label: u32,
}

impl<const N: usize> Arena<N> {
    /// The entries of a map as disjoint products: values with the same continuation share one.
    #[must_use]
    pub fn products(&self, map: Map) -> Vec<Product<N>> {
        let mut found = Vec::new();
        let all = std::array::from_fn(|level| vec![self.values(level, 0, self.last_cell(level))]);
        self.collect_products(map.0, &all, &mut found);
        found
    }

    fn collect_products(&self, id: u32, path: &[Vec<Interval>; N], found: &mut Vec<Product<N>>) {
        let level = self.level(id);
        if level == N {
            if id != 0 {
                found.push(Product { fields: path.clone(), label: id });
            }
            return;
        }
        // Children in the order of their lowest value, so that the result depends on the set alone.
        let mut children: Vec<(u32, Vec<Interval>)> = Vec::new();
        let mut position: BTreeMap<u32, usize> = BTreeMap::new();
        let mut first = 0;
        for edge in self.edges_of(id) {
            let values = self.values(level, first, edge.last);
            first = edge.last + 1;
            if edge.child == 0 {
                continue;
            }
            let at = *position.entry(edge.child).or_insert(children.len());
            match children.get_mut(at) {
                Some((_, list)) => list.push(values),
                None => children.push((edge.child, vec![values])),
            }
        }
        for (child, values) in children {
            let mut path = path.clone();
            path[level] = values;
            self.collect_products(child, &path, found);
        }
    }

    /// The entries of a map as disjoint boxes, joined as long as two of them make one; ascending.
    #[must_use]
    pub fn boxes(&self, map: Map) -> Vec<Labelled<N>> {
        let mut boxes = Vec::new();
        let all = std::array::from_fn(|level| self.values(level, 0, self.last_cell(level)));
        self.collect_boxes(map.0, all, &mut boxes);
        join(boxes)
    }

    fn collect_boxes(&self, id: u32, path: [Interval; N], found: &mut Vec<Labelled<N>>) {
        let level = self.level(id);
        if level == N {
            if id != 0 {
                found.push((path, id));
            }
            return;
        }
        let mut first = 0;
        for edge in self.edges_of(id) {
            let mut path = path;
            path[level] = self.values(level, first, edge.last);
            first = edge.last + 1;
            self.collect_boxes(edge.child, path, found);
        }
    }
}

/// Joins boxes that differ in one field only and touch there, until none do.
fn join<const N: usize>(mut boxes: Vec<Labelled<N>>) -> Vec<Labelled<N>> {
    loop {
        let before = boxes.len();
        for level in (0..N).rev() {
            join_along(&mut boxes, level);
        }
        if boxes.len() == before {
            boxes.sort_unstable();
            return boxes;
        }
    }
}

fn join_along<const N: usize>(boxes: &mut Vec<Labelled<N>>, level: usize) {
    let key = |&(bounds, label): &Labelled<N>| {
        let mut rest = bounds;
        rest[level] = Interval::up_to(0);
        (rest, label, bounds[level])
    };
    boxes.sort_unstable_by_key(key);
    boxes.dedup_by(|next, kept| {
        let ((rest, label, values), (rest_kept, label_kept, kept_values)) = (key(next), key(kept));
        let joined = kept_values.joined(values);
        match joined.filter(|_| rest == rest_kept && label == label_kept) {
            Some(whole) => {
                kept.0[level] = whole;
                true
            }
            None => false,
        }
    });
}

/// Cuts a list of labelled boxes, which may overlap, into disjoint ones; where they overlap, the first of the list wins.
/// Few elements: neighbours are joined. Ascending order. What comes of neighbouring boxes with one label depends on what
/// they mean together, not on how they are written (as long as they have few bounds), and a box that is added to the
/// list changes only what it overlaps or touches. `tops` are the largest values of the fields, labels are 1 to
/// [`Map::LAST_LABEL`].
///
/// A diagram of the whole list would have a node for every cell of overlapping boxes; cutting each box by those before
/// it takes time for the overlaps alone.
///
/// # Errors
/// A bound exceeds its field.
pub fn disjoint<const N: usize>(tops: [u128; N], boxes: &[Labelled<N>]) -> Result<Vec<Labelled<N>>, MissingCut> {
    for (bounds, _) in boxes {
        for (level, (interval, top)) in bounds.iter().zip(tops).enumerate() {
            if interval.hi() > top {
                return Err(MissingCut { level, interval: *interval });
            }
        }
    }
    let mut list = Vec::with_capacity(boxes.len());
    for run in boxes.chunk_by(|(_, a), (_, b)| a == b) {
        if run.len() > 1 && cells(run) <= CANONICAL_CELLS {
            list.extend(canonical(tops, run)?);
        } else {
            list.extend_from_slice(run);
        }
    }
    let before = overlaps(&list);
    let mut parts = Vec::with_capacity(list.len());
    let (mut rest, mut next) = (Vec::new(), Vec::new());
    for ((bounds, label), earlier) in list.iter().zip(&before) {
        rest.clear();
        rest.push(*bounds);
        for (other, _) in earlier.iter().filter_map(|&index| list.get(index as usize)) {
            next.clear();
            for part in &rest {
                without(*part, other, &mut next);
            }
            std::mem::swap(&mut rest, &mut next);
        }
        parts.extend(rest.iter().map(|part| (*part, *label)));
    }
    Ok(join(parts))
}

/// Boxes of one label with more cells than this between their bounds are cut like any others.
const CANONICAL_CELLS: usize = 1 << 16;

/// How many cells the bounds of the boxes make.
fn cells<const N: usize>(boxes: &[Labelled<N>]) -> usize {
    let along = |level: usize| {
        let bounds = boxes.iter().filter_map(|(bounds, _)| bounds.get(level));
        let mut starts: Vec<u128> = bounds.flat_map(|i| [i.lo(), i.hi().saturating_add(1)]).collect();
        starts.sort_unstable();
        starts.dedup();
        starts.len()
    };
    (0..N).map(along).fold(1, usize::saturating_mul)
}

/// The form that depends on the meaning alone.
fn canonical<const N: usize>(tops: [u128; N], boxes: &[Labelled<N>]) -> Result<Vec<Labelled<N>>, MissingCut> {
    let mut cuts = Cuts::new(tops);
    for (bounds, _) in boxes {
        cuts.cover(bounds);
    }
    let mut arena = Arena::new(cuts);
    let map = arena.map(boxes.iter().map(|(bounds, label)| (bounds, *label)))?;
    Ok(arena.boxes(map))
}

/// For each box the ones before it in the list that it overlaps, by a sweep along the field in which the fewest meet.
fn overlaps<const N: usize>(boxes: &[Labelled<N>]) -> Vec<Vec<u32>> {
    let mut found = vec![Vec::new(); boxes.len()];
    let Some(level) = (0..N).min_by_key(|level| depth(boxes, *level)) else { return found };
    let mut order: Vec<u32> = (0..boxes.len() as u32).collect();
    let bounds = |index: u32| boxes.get(index as usize).map(|(bounds, _)| bounds);
    order.sort_by_key(|&index| bounds(index).and_then(|b| b.get(level)).map(|interval| interval.lo()));
    let mut open: Vec<u32> = Vec::new();
    for here in order {
        let Some(mine) = bounds(here) else { continue };
        open.retain(|&other| bounds(other).is_some_and(|b| b[level].hi() >= mine[level].lo()));
        for &other in &open {
            let meets = bounds(other).is_some_and(|b| b.iter().zip(mine).all(|(a, b)| a.intersection(*b).is_some()));
            if let Some(list) = found.get_mut(here.max(other) as usize).filter(|_| meets) {
                list.push(here.min(other));
            }
        }
        open.push(here);
    }
    for list in &mut found {
        list.sort_unstable();
    }
    found
}

/// The most boxes that hold one value of a field.
fn depth<const N: usize>(boxes: &[Labelled<N>], level: usize) -> usize {
    let along = boxes.iter().filter_map(|(bounds, _)| bounds.get(level));
    let mut edges: Vec<(u128, bool)> = along.flat_map(|i| [(i.lo(), false), (i.hi(), true)]).collect();
    edges.sort_unstable(); // starts before ends: both ends are inside
    let (mut here, mut most) = (0_usize, 0);
    for (_, ends) in edges {
        here = if ends { here.saturating_sub(1) } else { here + 1 };
        most = most.max(here);
    }
    most
}

/// A box without another: what lies before and after it along the first field, then along the next, and so on. The same
/// order as the canonical form has, which is why both come to the same number of elements.
fn without<const N: usize>(mut bounds: [Interval; N], other: &[Interval; N], parts: &mut Vec<[Interval; N]>) {
    if bounds.iter().zip(other).any(|(a, b)| a.intersection(*b).is_none()) {
        parts.push(bounds);
        return;
    }
    for level in 0..N {
        let (mine, hole) = (bounds[level], other[level]);
        let before = hole.lo().checked_sub(1).and_then(|end| Interval::new(mine.lo(), end));
        let after = hole.hi().checked_add(1).and_then(|start| Interval::new(start, mine.hi()));
        for part in [before, after].into_iter().flatten() {
            let mut piece = bounds;
            piece[level] = part;
            parts.push(piece);
        }
        bounds[level] = mine.intersection(hole).unwrap_or(mine);
    }
}
