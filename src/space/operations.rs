//! Operations on sets and maps: all of them are one memoised walk over two diagrams.

use rustc_hash::FxHashMap;

use super::arena::{Arena, Map, Set};

/// What to keep of two labels at one point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Operation {
    /// The first, or the second where the first has none.
    OrElse,
    /// The first where the second has one.
    Where,
    /// The first where the second has none.
    Without,
}

impl Operation {
    /// The result, as far as it does not depend on what lies below.
    fn shortcut(self, a: u32, b: u32) -> Option<u32> {
        let terminal = |id: u32| id < super::arena::FIRST_NODE;
        match self {
            Self::OrElse if a == 0 => Some(b),
            Self::OrElse if b == 0 || a == b || terminal(a) => Some(a),
            Self::Where | Self::Without if a == 0 => Some(0),
            Self::Where if b == 0 => Some(0),
            Self::Where if a == b || terminal(b) => Some(a),
            Self::Without if b == 0 => Some(a),
            Self::Without if a == b || terminal(b) => Some(0),
            _ => None,
        }
    }
}

impl<const N: usize> Arena<N> {
    /// Packets in one set or the other.
    pub fn union(&mut self, a: Set, b: Set) -> Set {
        // Ordered operands: the memo then serves both directions.
        let (a, b) = (a.min(b), a.max(b));
        Set(self.apply(Operation::OrElse, a.0, b.0))
    }

    /// The union of many sets, by halves.
    pub fn union_all(&mut self, sets: &[Set]) -> Set {
        match sets {
            [] => Set::EMPTY,
            [set] => *set,
            _ => {
                let (left, right) = sets.split_at(sets.len() / 2);
                let left = self.union_all(left);
                let right = self.union_all(right);
                self.union(left, right)
            }
        }
    }

    /// Packets in both sets.
    pub fn intersection(&mut self, a: Set, b: Set) -> Set {
        let (a, b) = (a.min(b), a.max(b));
        Set(self.apply(Operation::Where, a.0, b.0))
    }

    /// Packets in `a` and not in `b`.
    pub fn difference(&mut self, a: Set, b: Set) -> Set {
        Set(self.apply(Operation::Without, a.0, b.0))
    }

    /// The entries of `a`, and those of `b` where `a` has none.
    pub fn or_else(&mut self, a: Map, b: Map) -> Map {
        Map(self.apply(Operation::OrElse, a.0, b.0))
    }

    /// The entries of `map` for packets in `set`.
    pub fn restricted(&mut self, map: Map, set: Set) -> Map {
        Map(self.apply(Operation::Where, map.0, set.0))
    }

    /// The packets that have an entry.
    pub fn domain(&mut self, map: Map) -> Set {
        Set(self.relabelled(map, |_| 1).0)
    }

    /// The packets whose label satisfies `keep`.
    pub fn labelled(&mut self, map: Map, keep: impl Fn(u32) -> bool) -> Set {
        Set(self.relabelled(map, |label| u32::from(keep(label))).0)
    }

    /// The map with every label replaced; 0 removes the entry.
    pub fn relabelled(&mut self, map: Map, new: impl Fn(u32) -> u32) -> Map {
        let mut done = FxHashMap::default();
        Map(self.relabel(map.0, &new, &mut done))
    }

    fn relabel(&mut self, id: u32, new: &impl Fn(u32) -> u32, done: &mut FxHashMap<u32, u32>) -> u32 {
        let level = self.level(id);
        if level == N {
            return match id {
                0 => 0,
                label => Map::constant(new(label)).0,
            };
        }
        if let Some(&known) = done.get(&id) {
            return known;
        }
        let from = self.scratch.len();
        let (first, end) = self.edge_range(id);
        for position in first..end {
            let edge = self.edge(position);
            let child = self.relabel(edge.child, new, done);
            self.push_edge(from, edge.last, child);
        }
        let result = self.intern(level as u32, from);
        done.insert(id, result);
        result
    }

    /// The labels that occur, in ascending order.
    #[must_use]
    pub fn labels(&self, map: Map) -> Vec<u32> {
        let mut seen = FxHashMap::default();
        let mut open = vec![map.0];
        let mut labels = Vec::new();
        while let Some(id) = open.pop() {
            if seen.insert(id, ()).is_some() {
                continue;
            }
            if self.level(id) == N && id != 0 {
                labels.push(id);
            }
            open.extend(self.edges_of(id).iter().map(|edge| edge.child));
        }
        labels.sort_unstable();
        labels
    }

    /// The label of one point.
    #[must_use]
    pub fn lookup(&self, map: Map, point: &[u128; N]) -> Option<u32> {
        let mut id = map.0;
        while self.level(id) < N {
            let level = self.level(id);
            let cell = self.cell_of(level, point[level]);
            let edges = self.edges_of(id);
            let edge = edges.get(edges.partition_point(|edge| edge.last < cell))?;
            id = edge.child;
        }
        (id != 0).then_some(id)
    }

    /// Whether a point is in the set.
    #[must_use]
    pub fn contains(&self, set: Set, point: &[u128; N]) -> bool {
        self.lookup(set.into(), point).is_some()
    }

    /// The heart: both diagrams walked level by level, every pair of nodes once.
    pub(super) fn apply(&mut self, operation: Operation, a: u32, b: u32) -> u32 {
        if let Some(result) = operation.shortcut(a, b) {
            return result;
        }
        if let Some(&known) = self.memo.get(&(operation, a, b)) {
            return known;
        }
        let (level_a, level_b) = (self.level(a), self.level(b));
        let level = level_a.min(level_b);
        let end = self.last_cell(level);
        let from = self.scratch.len();
        let (mut at_a, end_a) = self.edge_range(a);
        let (mut at_b, end_b) = self.edge_range(b);
        loop {
            // A diagram that decides further down has the same child for all cells of this level.
            let whole = |id| super::arena::Edge { last: end, child: id };
            let edge_a = if level_a == level && at_a < end_a { self.edge(at_a) } else { whole(a) };
            let edge_b = if level_b == level && at_b < end_b { self.edge(at_b) } else { whole(b) };
            let child = self.apply(operation, edge_a.child, edge_b.child);
            let last = edge_a.last.min(edge_b.last);
            self.push_edge(from, last, child);
            if last == end {
                break;
            }
            at_a += usize::from(edge_a.last == last);
            at_b += usize::from(edge_b.last == last);
        }
        let result = self.intern(level as u32, from);
        self.memo.insert((operation, a, b), result);
        result
    }
}
