//! The inside of a zone: cards in sub-columns, clusters as boxes around their namespaces.
//!
//! Coordinates are relative: x to the left edge of the zone, y to the centre line of the first cards, which all zones
//! of the top row share. So the main line through the site is straight.

use std::collections::BTreeMap;

use super::cards::{End, Index};
use super::geometry::{PITCH, Rect, even};
use super::metrics::Metrics;
use super::nets::Net;

/// Space between cards in a column and between columns without a label.
const GAP: i32 = 28;
/// Most cards in a sub-column.
const MAX_ROWS: usize = 3;
/// Head of a cluster box.
const CLUSTER_HEAD: i32 = 28;
/// Padding of a cluster box.
const CLUSTER_PAD: i32 = 12;

/// A zone's inside.
#[derive(Debug, Clone, Default)]
pub struct Interior {
    /// Width with padding.
    pub w: i32,
    /// Extent above the centre line of the first cards.
    pub up: i32,
    /// Extent below it, padding included.
    pub down: i32,
    /// Cards.
    pub cards: Vec<(usize, Rect)>,
    /// Clusters.
    pub clusters: Vec<(usize, Rect)>,
}

struct Block {
    cluster: Option<usize>,
    columns: Vec<Vec<usize>>,
}

/// What the arrangement depends on besides the zone.
pub struct Context<'a> {
    /// Lookup.
    pub index: &'a Index<'a>,
    /// Lines.
    pub nets: &'a [Net],
    /// Text widths.
    pub metrics: &'a Metrics,
    /// Places whose clusters carry their title below, because lines enter from above.
    pub below: &'a [bool],
    /// Additional space, raised when a line found no way.
    pub extra: i32,
}

impl Context<'_> {
    /// Width of a net's label with its badges.
    pub fn label_width(&self, net: &Net) -> i32 {
        super::label::width(self.metrics, net)
    }

    /// Arranges the inside of a place.
    pub fn arrange(&self, place: usize) -> Interior {
        let blocks = self.blocks(place);
        let cards: usize = blocks.iter().flat_map(|b| &b.columns).map(Vec::len).sum();
        if cards == 0 {
            return Interior::default();
        }
        let columns: usize = blocks.iter().map(|b| b.columns.len()).sum();
        let pad = if columns == 1 && cards <= 2 { PITCH } else { 2 * PITCH } + self.extra / 2;
        let mut inside = Interior::default();
        let mut x = pad;
        for (i, block) in blocks.iter().enumerate() {
            if i > 0 {
                x += self.block_gap(&blocks, i);
            }
            x = self.place_block(block, x, &mut inside);
        }
        inside.w = even(x + pad);
        inside.down += pad;
        inside
    }

    /// Places a block at `x` and returns its right edge.
    fn place_block(&self, block: &Block, mut x: i32, inside: &mut Interior) -> i32 {
        let pad = if block.cluster.is_some() { CLUSTER_PAD } else { 0 };
        let (left, mut top, mut bottom) = (x, 0, 0);
        x += pad;
        for (i, column) in block.columns.iter().enumerate() {
            if let Some(before) = i.checked_sub(1).and_then(|b| block.columns.get(b)) {
                x += self.column_gap(before, column);
            }
            let width = column.iter().filter_map(|c| self.index.cards.get(*c)).map(|c| c.w).max().unwrap_or(0);
            let mut centre = 0;
            let mut last: Option<Rect> = None;
            for card in column {
                let h = self.index.cards.get(*card).map_or(0, |c| c.h);
                if let Some(last) = last {
                    let least = last.bottom() + GAP + self.extra / 2 + h / 2;
                    centre = least + (-least).rem_euclid(PITCH);
                }
                let rect = Rect::new(x, centre - h / 2, width, h);
                top = top.min(rect.y);
                bottom = bottom.max(rect.bottom());
                inside.cards.push((*card, rect));
                last = Some(rect);
            }
            x += width;
        }
        if let Some(cluster) = block.cluster {
            let place = block.columns.iter().flatten().next().and_then(|c| self.index.cards.get(*c)).map(|c| c.place);
            let below = place.and_then(|p| self.below.get(p)) == Some(&true);
            top -= if below { CLUSTER_PAD } else { CLUSTER_HEAD + 4 };
            bottom += if below { CLUSTER_HEAD + 4 } else { CLUSTER_PAD };
            inside.clusters.push((cluster, Rect::new(left, top, x + pad - left, bottom - top)));
        }
        inside.up = inside.up.max(-top);
        inside.down = inside.down.max(bottom);
        x + pad
    }

    fn column_gap(&self, left: &[usize], right: &[usize]) -> i32 {
        let between = self.nets.iter().filter(|n| {
            let touches =
                |side: &[usize], ends: &[End]| ends.iter().any(|e| matches!(e, End::Card(c) if side.contains(c)));
            n.from == n.to
                && (touches(left, &n.sources) && touches(right, &n.targets)
                    || touches(right, &n.sources) && touches(left, &n.targets))
        });
        between.map(|n| self.label_width(n) + 36).max().unwrap_or(GAP + 2).max(GAP + 2) + self.extra
    }

    fn block_gap(&self, blocks: &[Block], i: usize) -> i32 {
        let all = |b: Option<&Block>| -> Vec<usize> { b.map_or(Vec::new(), |b| b.columns.concat()) };
        let before: Vec<usize> = blocks.iter().take(i).flat_map(|b| b.columns.concat()).collect();
        self.column_gap(&before, &all(blocks.get(i)))
    }

    /// Groups the cards of a place into blocks and sub-columns; sources stand left.
    fn blocks(&self, place: usize) -> Vec<Block> {
        let mut groups: BTreeMap<Option<usize>, Vec<usize>> = BTreeMap::new();
        for (i, card) in self.index.cards.iter().enumerate().filter(|(_, c)| c.place == place) {
            groups.entry(card.cluster).or_default().push(i);
        }
        let mut blocks: Vec<(i64, Block)> = groups
            .into_iter()
            .map(|(cluster, cards)| {
                let pull = cards.iter().map(|c| self.pull(*c)).sum::<i64>();
                (pull, Block { cluster, columns: self.columns(&cards) })
            })
            .collect();
        blocks.sort_by_key(|(pull, _)| *pull);
        blocks.into_iter().map(|(_, b)| b).collect()
    }

    /// Negative when the card mostly starts flows inside its zone or receives from zones before it.
    fn pull(&self, card: usize) -> i64 {
        let end = End::Card(card);
        self.nets
            .iter()
            .map(|n| {
                let (starts, ends) = (n.sources.contains(&end), n.targets.contains(&end));
                match (n.from == n.to, starts, ends) {
                    (true, true, false) => -2,
                    (true, false, true) => 2,
                    (false, true, false) if n.to > n.from => 1,
                    (false, false, true) if n.from < n.to => -1,
                    _ => 0,
                }
            })
            .sum()
    }

    fn columns(&self, cards: &[usize]) -> Vec<Vec<usize>> {
        let mut depth: BTreeMap<usize, usize> = cards.iter().map(|c| (*c, 0)).collect();
        // Longest path; one round per card suffices, and a cycle cannot run on.
        for _ in 0..cards.len() {
            for net in self.nets.iter().filter(|n| n.from == n.to) {
                for (s, t) in net.sources.iter().flat_map(|s| net.targets.iter().map(move |t| (s, t))) {
                    let (End::Card(s), End::Card(t)) = (s, t) else { continue };
                    let Some(from) = depth.get(s).copied() else { continue };
                    if let Some(to) = depth.get_mut(t) {
                        *to = (*to).max(from + 1).min(cards.len().min(3) - 1);
                    }
                }
            }
        }
        let layers = depth.values().copied().max().unwrap_or(0) + 1;
        let mut columns = Vec::new();
        for layer in 0..layers {
            let mut members: Vec<usize> = cards.iter().copied().filter(|c| depth.get(c) == Some(&layer)).collect();
            members.sort_by_key(|c| self.main_rank(*c));
            let count = members.len().div_ceil(MAX_ROWS).max(1);
            let rows = members.len().div_ceil(count).max(1);
            columns.extend(members.chunks(rows).map(<[usize]>::to_vec));
        }
        columns
    }

    /// Cards on the path from the untrusted network stand first, those without lines to other zones last.
    fn main_rank(&self, card: usize) -> (i32, usize) {
        let end = End::Card(card);
        let place = self.index.cards.get(card).map_or(0, |c| c.place);
        let inbound = self.nets.iter().any(|n| n.targets.contains(&end) && n.from < place);
        let outbound = self.nets.iter().any(|n| n.sources.contains(&end) && n.to > place);
        let any = self.nets.iter().any(|n| n.targets.contains(&end) || n.sources.contains(&end));
        (
            if inbound && outbound {
                0
            } else if inbound || outbound {
                1
            } else if any {
                2
            } else {
                3
            },
            card,
        )
    }
}
