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

/// Cuts a list of labelled boxes, which may overlap, into disjoint ones; where they overlap, the
/// first of the list wins. Few elements: neighbours are joined. Ascending order; the result
/// depends on what the list means, not on how it is written. `tops` are the largest values of the
/// fields, labels are 1 to [`Map::LAST_LABEL`].
///
/// # Errors
/// A bound exceeds its field.
pub fn disjoint<const N: usize>(tops: [u128; N], boxes: &[Labelled<N>]) -> Result<Vec<Labelled<N>>, MissingCut> {
    let mut cuts = Cuts::new(tops);
    for (bounds, _) in boxes {
        cuts.cover(bounds);
    }
    let mut arena = Arena::new(cuts);
    let map = arena.map(boxes.iter().map(|(bounds, label)| (bounds, *label)))?;
    Ok(arena.boxes(map))
}
