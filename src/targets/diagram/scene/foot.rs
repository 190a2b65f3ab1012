//! The lower part of a sheet: management zones, legend, findings, list of flows, title block.

use super::super::geometry::{Rect, even};
use super::{
    Builder, HEIGHT, LIST_ROW, MANAGEMENT_TITLE, MARGIN, PANEL_HEAD, Panel, PanelSizes, TITLE_BLOCK, head_height,
};

impl Builder<'_> {
    pub(super) fn management_row(&mut self, above: i32) -> i32 {
        let zones = self.rows.c.clone();
        if zones.is_empty() {
            return above;
        }
        let spokes = self.cx.nets.iter().filter(|n| zones.contains(&n.from) || zones.contains(&n.to)).count();
        let mut y = above + self.gap(spokes.saturating_sub(4), 60);
        let gutter = 56;
        let width = self.scene.width - 2 * MARGIN;
        let cards: Vec<i32> = zones.iter().map(|z| self.card_count(*z)).collect();
        let total: i32 = cards.iter().map(|c| c.max(&1)).sum();
        let usable = width - gutter * (i32::try_from(zones.len()).unwrap_or(1) - 1);
        // Few management zones stand side by side, in proportion to their cards; many share rows of three.
        let mut x = MARGIN;
        let mut bottom = y;
        for (zone, count) in zones.iter().zip(&cards) {
            let w = even(usable * count.max(&1) / total - 1).max(self.natural_width(*zone));
            if x > MARGIN && x + w > self.scene.width - MARGIN + 2 {
                x = MARGIN;
                y = bottom + 60 + self.slack.gap;
            }
            let w = if zones.len() == 1 { width } else { w };
            bottom = bottom.max(self.put_management(*zone, Rect::new(x, y, w, 82)));
            x += w + gutter;
        }
        for zone in &zones {
            if let Some(r) = self.scene.places.get_mut(*zone).filter(|r| r.y == y) {
                r.h = bottom - y;
            }
        }
        bottom
    }

    fn card_count(&self, place: usize) -> i32 {
        i32::try_from(self.cx.index.cards.iter().filter(|c| c.place == place).count()).unwrap_or(0)
    }

    /// Cards of a management zone stand side by side in equal widths; returns the lower edge.
    fn put_management(&mut self, place: usize, mut rect: Rect) -> i32 {
        let members: Vec<usize> = (0..self.cx.index.cards.len())
            .filter(|c| self.cx.index.cards.get(*c).is_some_and(|c| c.place == place))
            .collect();
        let sizes = members.iter().filter_map(|c| self.cx.index.cards.get(*c));
        let (w, h) = sizes.fold((0, 0), |(w, h), c| (w.max(c.w), h.max(c.h)));
        let title = self.cx.index.place(place).map_or(0, |z| self.cx.metrics.px(&z.title, 135, true));
        let title = MANAGEMENT_TITLE.max(even(title + 34));
        let beside = rect.w - title - 14;
        let (left, first, room) = if beside >= w || w == 0 {
            (rect.x + title, rect.y + 24, beside)
        } else {
            (rect.x + 14, rect.y + head_height(self.cx.index, place) + 38, rect.w - 28)
        };
        let per_row = if w == 0 { 1 } else { ((room + 28) / (w + 28)).max(1) };
        let count = i32::try_from(members.len()).unwrap_or(0);
        let rows = (count + per_row - 1) / per_row.max(1);
        let per_row = if rows > 0 { (count + rows - 1) / rows } else { 1 };
        let each = ((room + 28) / per_row.max(1) - 28).clamp(w, w.max(264)) / 2 * 2;
        for (i, card) in members.iter().enumerate() {
            let i = i32::try_from(i).unwrap_or(0);
            let (col, row) = (i % per_row.max(1), i / per_row.max(1));
            if let Some(slot) = self.scene.cards.get_mut(*card) {
                *slot = Rect::new(left + col * (room + 28) / per_row.max(1) / 2 * 2, first + row * (h + 14), each, h);
            }
        }
        let content = first + rows * (h + 14);
        rect.h = (content - rect.y).max(head_height(self.cx.index, place) + 38);
        if let Some(slot) = self.scene.places.get_mut(place) {
            *slot = rect;
        }
        rect.bottom()
    }

    /// Legend, findings, list and title block.
    pub(super) fn furniture(&mut self, bottom: i32, sizes: PanelSizes) {
        let second = self.rows.b.first().and_then(|p| self.scene.places.get(*p)).copied();
        let above = self.scene.container.map_or(self.scene.top.1, |c| c.bottom());
        let beside = second.filter(|_| self.rows.b_networks.is_empty()).map(|r| r.x - 64 - MARGIN).unwrap_or(0);
        let room = second.map_or(0, |r| r.bottom() - above - 28);
        let mut strip: Vec<(Panel, (i32, i32))> = Vec::new();
        let mut x = MARGIN;
        for (panel, (w, h)) in [(Panel::Legend, sizes.legend), (Panel::Notes, sizes.notes)] {
            if h == 0 {
                continue;
            }
            if x + w <= MARGIN + beside && h <= room {
                self.scene.panels.push((panel, Rect::new(x, above + 20, w, h)));
                x += w + 38;
            } else {
                strip.push((panel, (w, h)));
            }
        }
        let mut y = bottom + 18;
        let mut x = MARGIN;
        let mut end = bottom;
        let tallest = strip.iter().map(|(_, (_, h))| *h).max().unwrap_or(0);
        for (panel, (w, h)) in strip {
            self.scene.panels.push((panel, Rect::new(x, y, w, h)));
            end = end.max(y + h);
            x += w + 14;
        }
        if sizes.list_rows > 0 {
            let room = self.scene.width - MARGIN - x;
            let per_row = ((room - 24) / sizes.list_width).max(1);
            let rows = (sizes.list_rows + per_row - 1) / per_row;
            let h = (PANEL_HEAD + rows * LIST_ROW + 10).max(tallest);
            self.scene.panels.push((Panel::List, Rect::new(x, y, room, h)));
            end = end.max(y + h);
        }
        y = end + 18;
        let least = HEIGHT - MARGIN - TITLE_BLOCK;
        self.scene.title_block = Rect::new(MARGIN, y.max(least), self.scene.width - 2 * MARGIN, TITLE_BLOCK);
        self.scene.height = self.scene.title_block.bottom() + MARGIN;
    }
}
