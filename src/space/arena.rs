//! The arena: cuts, nodes stored once, and how boxes become sets.

use std::fmt;
use std::hash::{Hash, Hasher};

use hashbrown::HashTable;
use rustc_hash::{FxHashMap, FxHasher};

use super::interval::Interval;
use super::operations::Operation;

/// Every value at which some set of a proof changes, per field. All boxes that will enter the
/// arena have to be covered first; an edge of the diagram is then a cell number, whatever the
/// width of the field.
#[derive(Clone, Debug)]
pub struct Cuts<const N: usize> {
    tops: [u128; N],
    starts: [Vec<u128>; N],
}

impl<const N: usize> Cuts<N> {
    /// No cut yet in fields with values from 0 to `tops`.
    #[must_use]
    pub fn new(tops: [u128; N]) -> Self {
        Self { tops, starts: std::array::from_fn(|_| vec![0]) }
    }

    /// Adds the bounds of a box. Values above the top of a field are outside of the universe.
    pub fn cover(&mut self, bounds: &[Interval; N]) {
        for (level, interval) in bounds.iter().enumerate() {
            let starts = &mut self.starts[level];
            if interval.lo() > 0 {
                starts.push(interval.lo());
            }
            if interval.hi() < self.tops[level] {
                starts.push(interval.hi() + 1);
            }
        }
    }
}

/// A bound of a box is not among the cuts of the arena: the box was not covered, or it exceeds
/// the universe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MissingCut {
    /// The level of the field.
    pub level: usize,
    /// The bounds that do not fall on cuts.
    pub interval: Interval,
}

impl fmt::Display for MissingCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (lo, hi) = (self.interval.lo(), self.interval.hi());
        write!(f, "bounds {lo} to {hi} of field {} were not covered", self.level)
    }
}

impl std::error::Error for MissingCut {}

/// A set of packets in an arena. Two sets of one arena are equal exactly when their ids are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Set(pub(super) u32);

/// A partial map from packets to labels in an arena, with the same identity as [`Set`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Map(pub(super) u32);

impl Set {
    /// No packet.
    pub const EMPTY: Self = Self(0);
    /// Every point of every field, whether it is a packet or not.
    pub const FULL: Self = Self(1);

    /// Whether no packet is in the set.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl Map {
    /// The map without entries.
    pub const EMPTY: Self = Self(0);
    /// The largest label.
    pub const LAST_LABEL: u32 = FIRST_NODE - 1;

    /// The map that gives every point the same label; label 0 means "no entry".
    #[must_use]
    pub const fn constant(label: u32) -> Self {
        Self(if label > Self::LAST_LABEL { Self::LAST_LABEL } else { label })
    }

    /// The label, if it is the same for every point and not 0.
    #[must_use]
    pub const fn as_constant(self) -> Option<u32> {
        if self.0 > 0 && self.0 < FIRST_NODE { Some(self.0) } else { None }
    }
}

impl From<Set> for Map {
    /// The map with label 1 on all of the set.
    fn from(set: Set) -> Self {
        Self(set.0)
    }
}

/// Ids below are terminals: 0 = not in the set, others = label. Ids from here on are nodes.
pub(super) const FIRST_NODE: u32 = 1 << 31;

/// From after the last cell of the edge before up to and including `last`, go to `child`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Edge {
    pub last: u32,
    pub child: u32,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    pub level: u32,
    first: u32,
    count: u32,
}

/// Holds all sets of one proof. Nothing is freed before the arena is.
#[derive(Debug)]
pub struct Arena<const N: usize> {
    tops: [u128; N],
    starts: [Vec<u128>; N],
    nodes: Vec<Node>,
    edges: Vec<Edge>,
    unique: HashTable<u32>,
    pub(super) memo: FxHashMap<(Operation, u32, u32), u32>,
    /// Edges of nodes under construction; each recursion owns the part above its start.
    pub(super) scratch: Vec<Edge>,
}

impl<const N: usize> Arena<N> {
    /// An empty arena over `cuts`.
    #[must_use]
    pub fn new(mut cuts: Cuts<N>) -> Self {
        for starts in &mut cuts.starts {
            starts.sort_unstable();
            starts.dedup();
        }
        Self {
            tops: cuts.tops,
            starts: cuts.starts,
            nodes: Vec::new(),
            edges: Vec::new(),
            unique: HashTable::new(),
            memo: FxHashMap::default(),
            scratch: Vec::new(),
        }
    }

    /// The union of boxes.
    ///
    /// # Errors
    /// A bound of a box was not covered.
    pub fn set<'a>(&mut self, boxes: impl IntoIterator<Item = &'a [Interval; N]>) -> Result<Set, MissingCut> {
        let mut boxes: Vec<&[Interval; N]> = boxes.into_iter().collect();
        // Neighbours in this order share the most nodes, so the unions stay small.
        boxes.sort_unstable();
        boxes.dedup();
        let leaves = boxes.iter().map(|bounds| self.leaf(bounds, 1));
        let leaves = leaves.collect::<Result<Vec<u32>, _>>()?;
        Ok(Set(self.balanced(&leaves)))
    }

    /// The map from labelled boxes; where boxes overlap, the first one in the list decides.
    /// Labels are 1 to [`Map::LAST_LABEL`].
    ///
    /// # Errors
    /// A bound of a box was not covered.
    pub fn map<'a>(&mut self, boxes: impl IntoIterator<Item = (&'a [Interval; N], u32)>) -> Result<Map, MissingCut> {
        let leaves = boxes.into_iter().map(|(bounds, label)| self.leaf(bounds, Map::constant(label).0));
        let leaves = leaves.collect::<Result<Vec<u32>, _>>()?;
        Ok(Map(self.balanced(&leaves)))
    }

    /// First wins, by halves: an intermediate result then holds only its own part of the list.
    fn balanced(&mut self, parts: &[u32]) -> u32 {
        match parts {
            [] => 0,
            [part] => *part,
            _ => {
                let (left, right) = parts.split_at(parts.len() / 2);
                let left = self.balanced(left);
                let right = self.balanced(right);
                self.apply(Operation::OrElse, left, right)
            }
        }
    }

    /// One box as a chain of nodes.
    fn leaf(&mut self, bounds: &[Interval; N], label: u32) -> Result<u32, MissingCut> {
        let mut child = label;
        for level in (0..N).rev() {
            let (first, last) = self.cells(level, bounds[level])?;
            let end = self.last_cell(level);
            let from = self.scratch.len();
            if first > 0 {
                self.push_edge(from, first - 1, 0);
            }
            self.push_edge(from, last, child);
            if last < end {
                self.push_edge(from, end, 0);
            }
            child = self.intern(level as u32, from);
        }
        Ok(child)
    }

    /// First and last cell of an interval.
    fn cells(&self, level: usize, interval: Interval) -> Result<(u32, u32), MissingCut> {
        let missing = MissingCut { level, interval };
        let starts = &self.starts[level];
        let cell = |value| starts.binary_search(&value).map_err(|_| missing);
        let first = cell(interval.lo())?;
        let last = match interval.hi() {
            hi if hi == self.tops[level] => starts.len() - 1,
            hi if hi > self.tops[level] => return Err(missing),
            hi => cell(hi + 1)? - 1,
        };
        Ok((first as u32, last as u32))
    }

    /// The number of the last cell of a level.
    pub(super) fn last_cell(&self, level: usize) -> u32 {
        (self.starts[level].len() - 1) as u32
    }

    /// The cell of a value.
    pub(super) fn cell_of(&self, level: usize, value: u128) -> u32 {
        (self.starts[level].partition_point(|&start| start <= value) - 1) as u32
    }

    /// The values of the cells from `first` to `last`.
    pub(super) fn values(&self, level: usize, first: u32, last: u32) -> Interval {
        let starts = &self.starts[level];
        let lo = starts[first as usize];
        let next = starts.get(last as usize + 1);
        let hi = next.map_or(self.tops[level], |&start| start - 1);
        Interval::new(lo, hi).unwrap_or(Interval::point(lo))
    }

    /// The level at which an id decides; terminals lie below all levels.
    pub(super) fn level(&self, id: u32) -> usize {
        match id.checked_sub(FIRST_NODE) {
            None => N,
            Some(index) => self.nodes[index as usize].level as usize,
        }
    }

    /// The edges of a node as positions in the pool; empty for terminals.
    pub(super) fn edge_range(&self, id: u32) -> (usize, usize) {
        match id.checked_sub(FIRST_NODE) {
            None => (0, 0),
            Some(index) => {
                let node = self.nodes[index as usize];
                let first = node.first as usize;
                (first, first + node.count as usize)
            }
        }
    }

    /// One edge of the pool.
    pub(super) fn edge(&self, position: usize) -> Edge {
        self.edges[position]
    }

    /// The edges of a node.
    pub(super) fn edges_of(&self, id: u32) -> &[Edge] {
        let (first, end) = self.edge_range(id);
        &self.edges[first..end]
    }

    /// Adds an edge to the node under construction that begins at `from`; equal neighbours join.
    pub(super) fn push_edge(&mut self, from: usize, last: u32, child: u32) {
        match self.scratch[from..].last_mut() {
            Some(edge) if edge.child == child => edge.last = last,
            _ => self.scratch.push(Edge { last, child }),
        }
    }

    /// The id of the node with the edges from `from` on, which leave the scratch list.
    pub(super) fn intern(&mut self, level: u32, from: usize) -> u32 {
        let edges = &self.scratch[from..];
        if let [only] = edges {
            let child = only.child;
            self.scratch.truncate(from);
            return child;
        }
        let hash = hash_node(level, edges);
        let (nodes, pool) = (&self.nodes, &self.edges);
        let same = |&index: &u32| {
            let node = nodes[index as usize];
            let first = node.first as usize;
            node.level == level && pool[first..first + node.count as usize] == *edges
        };
        if let Some(&index) = self.unique.find(hash, same) {
            self.scratch.truncate(from);
            return FIRST_NODE + index;
        }
        let index = self.nodes.len() as u32;
        let node = Node { level, first: self.edges.len() as u32, count: edges.len() as u32 };
        self.edges.extend_from_slice(edges);
        self.nodes.push(node);
        let (nodes, pool) = (&self.nodes, &self.edges);
        self.unique.insert_unique(hash, index, |&index| {
            let node = nodes[index as usize];
            let first = node.first as usize;
            hash_node(node.level, &pool[first..first + node.count as usize])
        });
        self.scratch.truncate(from);
        FIRST_NODE + index
    }

    /// How many nodes the arena holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.nodes.len()
    }

    /// Whether the arena holds no node.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }
}

fn hash_node(level: u32, edges: &[Edge]) -> u64 {
    let mut hasher = FxHasher::default();
    level.hash(&mut hasher);
    edges.hash(&mut hasher);
    hasher.finish()
}
