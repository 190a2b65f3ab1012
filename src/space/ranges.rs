//! Sets of small numbers: endpoints of a cluster, ports of a protocol.

use std::collections::BTreeMap;

/// A set of numbers as closed intervals: sorted, disjoint, and never two that touch, so that equal sets are equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ranges(Vec<(u32, u32)>);

impl Ranges {
    /// The empty set.
    pub const EMPTY: Self = Self(Vec::new());

    /// All numbers from `first` to `last`; none when `last` lies before `first`.
    #[must_use]
    pub fn between(first: u32, last: u32) -> Self {
        if first <= last { Self(vec![(first, last)]) } else { Self::EMPTY }
    }

    /// One number.
    #[must_use]
    pub fn one(number: u32) -> Self {
        Self(vec![(number, number)])
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The intervals in ascending order.
    #[must_use]
    pub fn intervals(&self) -> &[(u32, u32)] {
        &self.0
    }

    /// Every number in ascending order.
    pub fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        self.0.iter().flat_map(|&(first, last)| first..=last)
    }

    /// The smallest number.
    #[must_use]
    pub fn first(&self) -> Option<u32> {
        self.0.first().map(|interval| interval.0)
    }

    /// The largest number.
    #[must_use]
    pub fn last(&self) -> Option<u32> {
        self.0.last().map(|interval| interval.1)
    }

    /// How many numbers are in it.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.0.iter().map(|&(first, last)| u64::from(last - first) + 1).sum()
    }

    /// Whether `number` is in it.
    #[must_use]
    pub fn contains(&self, number: u32) -> bool {
        let after = self.0.partition_point(|interval| interval.0 <= number);
        after.checked_sub(1).and_then(|i| self.0.get(i)).is_some_and(|interval| number <= interval.1)
    }

    /// Whether every number of `other` is in it.
    #[must_use]
    pub fn contains_all(&self, other: &Self) -> bool {
        other.difference(self).is_empty()
    }

    /// What is in one or the other.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        match (self.is_empty(), other.is_empty()) {
            (true, _) => other.clone(),
            (_, true) => self.clone(),
            _ => self.0.iter().chain(&other.0).copied().collect(),
        }
    }

    /// What is in both.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut left, mut right) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut both = Vec::new();
        while let (Some(&&(a, b)), Some(&&(c, d))) = (left.peek(), right.peek()) {
            if a.max(c) <= b.min(d) {
                both.push((a.max(c), b.min(d)));
            }
            if b < d {
                left.next()
            } else {
                right.next()
            };
        }
        Self(both)
    }

    /// What is in this set and not in `other`.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut left = Vec::new();
        let mut holes = other.0.iter().peekable();
        for &(first, last) in &self.0 {
            let mut next = Some(first);
            while let (Some(from), Some(&&(low, high))) = (next, holes.peek()) {
                if low > last {
                    break;
                }
                if high >= from {
                    if low > from {
                        left.push((from, low - 1));
                    }
                    next = high.checked_add(1).filter(|&n| n <= last);
                }
                if high <= last {
                    holes.next();
                } else {
                    break;
                }
            }
            if let Some(from) = next {
                left.push((from, last));
            }
        }
        Self(left)
    }
}

impl FromIterator<(u32, u32)> for Ranges {
    fn from_iter<I: IntoIterator<Item = (u32, u32)>>(intervals: I) -> Self {
        let mut sorted: Vec<_> = intervals.into_iter().filter(|(first, last)| first <= last).collect();
        sorted.sort_unstable();
        let mut joined: Vec<(u32, u32)> = Vec::with_capacity(sorted.len());
        for (first, last) in sorted {
            match joined.last_mut() {
                Some(open) if first <= open.1.saturating_add(1) => open.1 = open.1.max(last),
                _ => joined.push((first, last)),
            }
        }
        Self(joined)
    }
}

impl<'a> FromIterator<&'a Ranges> for Ranges {
    fn from_iter<I: IntoIterator<Item = &'a Self>>(sets: I) -> Self {
        sets.into_iter().flat_map(|set| set.0.iter().copied()).collect()
    }
}

/// The empty set, for references.
static NOTHING: Ranges = Ranges::EMPTY;

/// Which ports each peer is allowed: a function from numbers to sets, as a list of maximal intervals with one set each.
///
/// Peers without a port are left out, so equal functions are equal values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach(Vec<(u32, u32, Ranges)>);

impl Reach {
    /// The union of products `peers × ports`.
    #[must_use]
    pub fn of<'a>(products: impl IntoIterator<Item = (&'a Ranges, &'a Ranges)>) -> Self {
        let products: Vec<_> = products.into_iter().collect();
        let peers: Vec<_> = products.iter().map(|product| product.0).collect();
        Self::sweep(&peers, |active| active.iter().filter_map(|&i| products.get(i).map(|product| product.1)).collect())
    }

    /// Decides each peer by the sets it lies in: `decide` gets the indices of those sets, ascending.
    #[must_use]
    pub fn sweep(sets: &[&Ranges], mut decide: impl FnMut(&[usize]) -> Ranges) -> Self {
        // Where a set begins (true) and where it has ended (false).
        let mut events: BTreeMap<u32, Vec<(usize, bool)>> = BTreeMap::new();
        for (index, set) in sets.iter().enumerate() {
            for &(first, last) in set.intervals() {
                events.entry(first).or_default().push((index, true));
                if let Some(end) = last.checked_add(1) {
                    events.entry(end).or_default().push((index, false));
                }
            }
        }
        let mut active: Vec<usize> = Vec::new();
        let mut reach = Self::default();
        let mut rest = events.iter().peekable();
        while let Some((&start, changes)) = rest.next() {
            for &(index, begins) in changes {
                match (active.binary_search(&index), begins) {
                    (Err(place), true) => active.insert(place, index),
                    (Ok(place), false) => {
                        active.remove(place);
                    }
                    _ => {}
                }
            }
            if !active.is_empty() {
                let last = rest.peek().map_or(u32::MAX, |(next, _)| **next - 1);
                reach.append(start, last, decide(&active));
            }
        }
        reach
    }

    fn append(&mut self, first: u32, last: u32, ports: Ranges) {
        if ports.is_empty() {
            return;
        }
        match self.0.last_mut() {
            Some(open) if open.1.checked_add(1) == Some(first) && open.2 == ports => open.1 = last,
            _ => self.0.push((first, last, ports)),
        }
    }

    /// The intervals of peers with their ports, ascending.
    #[must_use]
    pub fn parts(&self) -> &[(u32, u32, Ranges)] {
        &self.0
    }

    /// The ports of one peer.
    #[must_use]
    pub fn ports(&self, peer: u32) -> &Ranges {
        let after = self.0.partition_point(|part| part.0 <= peer);
        match after.checked_sub(1).and_then(|i| self.0.get(i)) {
            Some((_, last, ports)) if peer <= *last => ports,
            _ => &NOTHING,
        }
    }

    /// What this function allows and `other` does not.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mine: Vec<Ranges> = self.0.iter().map(|part| Ranges::between(part.0, part.1)).collect();
        let theirs: Vec<Ranges> = other.0.iter().map(|part| Ranges::between(part.0, part.1)).collect();
        let sets: Vec<&Ranges> = mine.iter().chain(&theirs).collect();
        Self::sweep(&sets, |active| {
            let (mut left, mut right) = (&NOTHING, &NOTHING);
            for &index in active {
                match index.checked_sub(self.0.len()) {
                    None => left = self.0.get(index).map_or(left, |part| &part.2),
                    Some(index) => right = other.0.get(index).map_or(right, |part| &part.2),
                }
            }
            left.difference(right)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits(set: &Ranges) -> u64 {
        set.numbers().filter(|&n| n < 64).fold(0, |bits, n| bits | 1 << n)
    }

    fn small() -> impl Strategy<Value = Ranges> {
        proptest::collection::vec((0u32..64, 0u32..12), 0..8)
            .prop_map(|parts| parts.into_iter().map(|(first, more)| (first, (first + more).min(63))).collect())
    }

    proptest! {
        #[test]
        fn sets_agree_with_bits(a in small(), b in small()) {
            prop_assert_eq!(bits(&a.union(&b)), bits(&a) | bits(&b));
            prop_assert_eq!(bits(&a.intersection(&b)), bits(&a) & bits(&b));
            prop_assert_eq!(bits(&a.difference(&b)), bits(&a) & !bits(&b));
            prop_assert_eq!(a == b, bits(&a) == bits(&b));
            for n in 0..64 {
                prop_assert_eq!(a.contains(n), bits(&a) >> n & 1 == 1);
            }
        }

        #[test]
        fn reach_is_the_union_of_its_products(products in proptest::collection::vec((small(), small()), 0..6), other in proptest::collection::vec((small(), small()), 0..6)) {
            let reach = Reach::of(products.iter().map(|(peers, ports)| (peers, ports)));
            let second = Reach::of(other.iter().map(|(peers, ports)| (peers, ports)));
            let surplus = reach.difference(&second);
            let at = |list: &[(Ranges, Ranges)], peer| list.iter().filter(|p| p.0.contains(peer)).map(|p| bits(&p.1)).fold(0, |a, b| a | b);
            for peer in 0..64 {
                prop_assert_eq!(bits(reach.ports(peer)), at(&products, peer));
                prop_assert_eq!(bits(surplus.ports(peer)), at(&products, peer) & !at(&other, peer));
            }
            prop_assert_eq!(surplus.parts().is_empty() && second.difference(&reach).parts().is_empty(), reach == second);
        }
    }
}
