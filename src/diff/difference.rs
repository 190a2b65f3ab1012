//! The exact difference of two lists of boxes.

use crate::space::{Arena, Cuts, Interval, Map, MissingCut, Product};

/// Above this number of comparisons everything is taken along: finding out what matters would cost more.
const PAIRS: usize = 50_000_000;

/// A box with the number of the flow it belongs to, from 1.
pub(super) type Labelled<const N: usize> = ([Interval; N], u32);

/// What is in one list and not in the other, as disjoint products with the label of the first box that holds them.
#[derive(Debug)]
pub(super) struct Difference<const N: usize> {
    /// What came and was not there.
    pub opened: Vec<Product<N>>,
    /// What went and is not there any more.
    pub closed: Vec<Product<N>>,
}

impl<const N: usize> Difference<N> {
    /// The difference of `gone ∪ kept` and `come ∪ kept`, in a space whose fields end at `tops`.
    ///
    /// # Errors
    /// A defect of the program: a box outside of the space.
    pub(super) fn new(
        tops: [u128; N],
        gone: &[Labelled<N>],
        come: &[Labelled<N>],
        kept: Vec<[Interval; N]>,
    ) -> Result<Self, MissingCut> {
        let kept = touching(kept, gone, come);
        let mut cuts = Cuts::new(tops);
        gone.iter().chain(come).map(|(bounds, _)| bounds).chain(&kept).for_each(|bounds| cuts.cover(bounds));
        let mut arena = Arena::new(cuts);
        let kept = arena.set(&kept)?;
        let mut maps = [Map::EMPTY; 2];
        for (map, list) in maps.iter_mut().zip([gone, come]) {
            *map = arena.map(list.iter().map(|(bounds, label)| (bounds, *label)))?;
        }
        let [old, new] = maps.map(|map| {
            let own = arena.domain(map);
            (map, own, arena.union(own, kept))
        });
        let mut beyond = |(map, own, _), (_, _, other)| {
            let rest = arena.difference(own, other);
            let map = arena.restricted(map, rest);
            arena.products(map)
        };
        Ok(Self { opened: beyond(new, old), closed: beyond(old, new) })
    }
}

/// The boxes of what stays, as far as they may cover what changed. What meets none of that is in both lists or in neither.
fn touching<const N: usize>(
    kept: Vec<[Interval; N]>,
    gone: &[Labelled<N>],
    come: &[Labelled<N>],
) -> Vec<[Interval; N]> {
    if kept.len().saturating_mul(gone.len() + come.len()) > PAIRS {
        return kept;
    }
    let meets = |a: &[Interval; N], b: &[Interval; N]| a.iter().zip(b).all(|(a, b)| a.intersection(*b).is_some());
    let touches = |bounds: &[Interval; N]| gone.iter().chain(come).any(|(other, _)| meets(bounds, other));
    kept.into_iter().filter(touches).collect()
}
