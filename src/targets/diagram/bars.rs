//! Filter bars: on each boundary a filter has legs for, one bar with its name.

use super::cards::Index;
use super::columns::Rows;
use super::geometry::Rect;
use super::metrics::Metrics;
use super::nets::Net;
use super::scene::{BAR, Scene};

/// One bar.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bar {
    /// Index of the filter.
    pub filter: usize,
    /// The whole bar, gaps included.
    pub rect: Rect,
    /// Stands upright, between columns.
    pub vertical: bool,
    /// Part kept free for the name.
    pub name: Rect,
}

struct Bars<'a> {
    index: &'a Index<'a>,
    metrics: &'a Metrics,
    nets: &'a [Net],
    rows: &'a Rows,
    scene: &'a Scene,
    out: Vec<Bar>,
}

/// All bars of a sheet.
pub fn build(index: &Index, metrics: &Metrics, nets: &[Net], rows: &Rows, scene: &Scene) -> Vec<Bar> {
    let mut bars = Bars { index, metrics, nets, rows, scene, out: Vec::new() };
    bars.top_row();
    for zone in &rows.b {
        bars.second_row(*zone);
    }
    for zone in &rows.c {
        let filters = bars.filters_at(*zone, |_| true);
        bars.horizontal(*zone, &filters);
    }
    bars.out
}

impl Bars<'_> {
    fn legs(&self, filter: usize) -> Vec<usize> {
        let legs = self.index.sheet.filters.get(filter).map(|f| f.legs.as_slice()).unwrap_or_default();
        legs.iter().filter_map(|l| self.index.place_of(l)).collect()
    }

    /// Filters with a leg in a place and another leg that fits.
    fn filters_at(&self, place: usize, other: impl Fn(usize) -> bool) -> Vec<usize> {
        (0..self.index.sheet.filters.len())
            .filter(|f| {
                let legs = self.legs(*f);
                legs.contains(&place) && legs.iter().any(|l| *l != place && other(*l))
            })
            .collect()
    }

    fn column(&self, place: usize) -> Option<usize> {
        if self.rows.a_networks.contains(&place) {
            return Some(0);
        }
        self.rows.a.iter().position(|c| c.contains(&place)).map(|c| c + 1)
    }

    fn rect(&self, place: usize) -> Rect {
        self.scene.places.get(place).copied().unwrap_or_default()
    }

    fn top_row(&mut self) {
        let columns = self.rows.a.len() + 1;
        for k in 1..columns {
            let mut filters: Vec<usize> =
                (0..self.index.sheet.filters.len()).filter(|f| self.stands_before(*f, k)).collect();
            let used: Vec<usize> = filters.iter().copied().filter(|f| self.used_across(*f, k)).collect();
            if filters.len() > 1 && !used.is_empty() {
                filters = used;
            }
            // The filter of the first line stands highest, where the main line runs.
            filters.sort_by_key(|f| (self.extent(*f, k).0, self.nets.iter().position(|n| n.chain.contains(f))));
            self.upright(k, &filters);
        }
    }

    /// Whether a filter separates column `k` from the one before it.
    fn stands_before(&self, filter: usize, k: usize) -> bool {
        let legs = self.legs(filter);
        let mut columns: Vec<usize> = legs.iter().filter_map(|l| self.column(*l)).collect();
        columns.sort_unstable();
        columns.dedup();
        if columns.iter().position(|c| *c == k).is_none_or(|i| i == 0) {
            return false;
        }
        let elsewhere = legs.iter().any(|l| self.rows.b.contains(l));
        !elsewhere || self.used_across(filter, k)
    }

    /// Whether a line of the top row passes the filter between column `k` and one before it.
    fn used_across(&self, filter: usize, k: usize) -> bool {
        self.nets.iter().any(|n| match (self.column(n.from), self.column(n.to)) {
            (Some(a), Some(b)) => n.chain.contains(&filter) && a.min(b) < k && k <= a.max(b),
            _ => false,
        })
    }

    /// Vertical extent of a filter at a boundary: that of its legs on the side with several boxes.
    fn extent(&self, filter: usize, k: usize) -> (i32, i32) {
        let (top, bottom) = self.scene.top;
        let legs = self.legs(filter);
        for column in [k - 1, k] {
            let members: Vec<usize> = (0..self.index.places()).filter(|p| self.column(*p) == Some(column)).collect();
            let own: Vec<Rect> = members.iter().filter(|p| legs.contains(p)).map(|p| self.rect(*p)).collect();
            if members.len() > 1 && !own.is_empty() && own.len() < members.len() {
                let low = own.iter().map(|r| r.y).min().unwrap_or(top);
                let high = own.iter().map(Rect::bottom).max().unwrap_or(bottom);
                return (low, high);
            }
        }
        (top, bottom)
    }

    fn upright(&mut self, k: usize, filters: &[usize]) {
        let Some(x) = self.boundary(k) else { return };
        let (top, bottom) = self.scene.top;
        let extents: Vec<(i32, i32)> = filters.iter().map(|f| self.extent(*f, k)).collect();
        let disjoint = extents.windows(2).all(|w| w.first().zip(w.last()).is_none_or(|(a, b)| a.1 <= b.0));
        let count = i32::try_from(filters.len()).unwrap_or(1).max(1);
        for (i, filter) in filters.iter().enumerate() {
            let n = i32::try_from(i).unwrap_or(0);
            let share = (top + (bottom - top) * n / count, top + (bottom - top) * (n + 1) / count - 6);
            let (y, end) = match extents.get(i) {
                Some(e) if disjoint => *e,
                _ if count == 1 => (top, bottom),
                _ => share,
            };
            self.push(*filter, Rect::new(x, y / 2 * 2, BAR, (end - y) / 2 * 2), true);
        }
    }

    /// x of the bar between column `k - 1` and column `k`.
    fn boundary(&self, k: usize) -> Option<i32> {
        let (left, right) = (self.scene.columns.get(k - 1)?, self.scene.columns.get(k)?);
        match (k, self.scene.container) {
            (1, Some(c)) => Some(c.x - BAR / 2),
            (1, None) => Some(right.0 - 30),
            _ => Some(left.1 + 12),
        }
    }

    fn second_row(&mut self, zone: usize) {
        let second = |p: usize| self.rows.b.contains(&p) || self.rows.b_networks.contains(&p);
        let top = self.filters_at(zone, |l| self.column(l).is_some());
        let at = self.rect(zone);
        let left: Vec<usize> = self
            .filters_at(zone, second)
            .into_iter()
            .filter(|f| !top.contains(f))
            .filter(|f| self.legs(*f).iter().any(|l| second(*l) && self.rect(*l).x < at.x))
            .collect();
        self.horizontal(zone, &top);
        let count = i32::try_from(left.len()).unwrap_or(1).max(1);
        for (i, filter) in left.iter().enumerate() {
            let h = at.h / count;
            let y = at.y + h * i32::try_from(i).unwrap_or(0);
            self.push(
                *filter,
                Rect::new(at.x - BAR / 2, y / 2 * 2, BAR, (h - if count > 1 { 6 } else { 0 }) / 2 * 2),
                true,
            );
        }
    }

    /// Bars on the upper edge of a zone, side by side.
    fn horizontal(&mut self, zone: usize, filters: &[usize]) {
        let at = self.rect(zone);
        let count = i32::try_from(filters.len()).unwrap_or(1).max(1);
        let w = at.w / count;
        for (i, filter) in filters.iter().enumerate() {
            let x = at.x + w * i32::try_from(i).unwrap_or(0);
            let rect = Rect::new(x / 2 * 2, at.y - BAR / 2, (w - if count > 1 { 6 } else { 0 }) / 2 * 2, BAR);
            self.push(*filter, rect, false);
        }
    }

    fn push(&mut self, filter: usize, rect: Rect, vertical: bool) {
        let name = self.index.sheet.filters.get(filter).map_or("", |f| f.id.as_str());
        let room = if vertical { rect.h } else { rect.w };
        let length = (self.metrics.px(name, 110, true) + 20).min(room - 12).max(0);
        let name = if vertical {
            Rect::new(rect.x, rect.bottom() - 8 - length, rect.w, length)
        } else {
            Rect::new(rect.x + 8, rect.y, length, rect.h)
        };
        self.out.push(Bar { filter, rect, vertical, name });
    }
}
