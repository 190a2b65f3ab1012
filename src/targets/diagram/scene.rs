//! From rows and columns to rectangles: where every box of the sheet stands.

mod foot;

use super::cards::Index;
use super::columns::{self, Rows};
use super::geometry::{Rect, even, lane_from};
use super::interior::{Context, Interior};
use super::label;
use super::nets::Net;
use super::sheet::Class;

/// Smallest sheet: A3 landscape at 0.3 mm.
const WIDTH: i32 = 1400;
const HEIGHT: i32 = 990;
/// Margin of the sheet.
pub const MARGIN: i32 = 24;
/// Upper edge of the zones in the top row.
const TOP: i32 = 140;
/// Padding of the container.
const CONTAINER_PAD: i32 = 14;
/// Space between boxes of a column.
const STACK: i32 = 14;
const MIN_GUTTER: i32 = 108;
/// Lanes of a gutter.
const LANES: i32 = 4;
/// Width of a filter bar.
pub const BAR: i32 = 16;
/// Width of the title column of a management zone.
const MANAGEMENT_TITLE: i32 = 178;
/// Height of the title block.
const TITLE_BLOCK: i32 = 72;

/// All rectangles of a sheet.
#[derive(Debug, Default, Clone)]
pub struct Scene {
    /// Size of the sheet.
    pub width: i32,
    /// Size of the sheet.
    pub height: i32,
    /// Box around the top row.
    pub container: Option<Rect>,
    /// Zones and networks, by place.
    pub places: Vec<Rect>,
    /// Cards, by index.
    pub cards: Vec<Rect>,
    /// Clusters, by index.
    pub clusters: Vec<Rect>,
    /// Right edges and left edges of the columns of the top row; column 0 holds the networks.
    pub columns: Vec<(i32, i32)>,
    /// Vertical extent of the top row.
    pub top: (i32, i32),
    /// Legend, findings, list of flows.
    pub panels: Vec<(Panel, Rect)>,
    /// Title block.
    pub title_block: Rect,
}

/// A box with explanations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Panel {
    /// Legend.
    Legend,
    /// Findings.
    Notes,
    /// List of flows.
    List,
}

/// Space that grows when a line found no way.
#[derive(Debug, Clone, Copy, Default)]
pub struct Slack {
    /// Added to gutters.
    pub gutter: i32,
    /// Added to the space between rows.
    pub gap: i32,
}

/// Sizes of the panels, known before the layout.
#[derive(Debug, Clone, Copy, Default)]
pub struct PanelSizes {
    /// Legend.
    pub legend: (i32, i32),
    /// Findings; no height = none.
    pub notes: (i32, i32),
    /// Rows of the list of flows; 0 = none.
    pub list_rows: i32,
    /// Width of one entry of the list.
    pub list_width: i32,
}

/// Height of one entry of the list of flows.
pub const LIST_ROW: i32 = 16;
/// Head of a panel.
pub const PANEL_HEAD: i32 = 28;

struct Builder<'a> {
    cx: &'a Context<'a>,
    rows: &'a Rows,
    inside: Vec<Interior>,
    scene: Scene,
    slack: Slack,
}

/// Places everything.
pub fn build(cx: &Context, rows: &Rows, slack: Slack, panels: PanelSizes) -> Scene {
    let inside = (0..cx.index.places()).map(|p| cx.arrange(p)).collect();
    let mut scene = Scene { width: WIDTH, ..Scene::default() };
    scene.places = vec![Rect::default(); cx.index.places()];
    scene.cards = vec![Rect::default(); cx.index.cards.len()];
    scene.clusters = vec![Rect::default(); cx.index.sheet.clusters.len()];
    let mut b = Builder { cx, rows, inside, scene, slack };
    b.top_row();
    let bottom = b.second_row();
    let bottom = b.management_row(bottom);
    b.furniture(bottom, panels);
    b.scene
}

/// Height of the title of a zone: its lines on the left, its marks below each other on the right.
pub fn head_height(index: &Index, place: usize) -> i32 {
    let count = |of: usize| i32::try_from(of).unwrap_or(0);
    let (lines, marks) = index.place(place).map_or((0, 0), |z| (count(z.lines.len()), count(z.marks.len())));
    let unmarked = index.is_network(place) || is_management(index, place) || marks == 0;
    let marks = if unmarked { 0 } else { 32 + MARK_ROW * marks };
    (44 + 14 * (lines - 1).max(0)).max(marks)
}

/// Distance of the marks of a zone.
pub const MARK_ROW: i32 = 20;

impl Builder<'_> {
    fn interior(&self, place: usize) -> Interior {
        self.inside.get(place).cloned().unwrap_or_default()
    }

    /// Smallest width of a place: title and trust level beside each other, lines below.
    fn natural_width(&self, place: usize) -> i32 {
        let m = self.cx.metrics;
        let Some(zone) = self.cx.index.place(place) else { return 0 };
        let icon = if self.cx.index.is_network(place) { 30 } else { 0 };
        let chip = if icon > 0 { 0 } else { 72 };
        let title = m.px(&zone.title, 135, true) + 28 + icon + chip;
        let shown = if icon > 0 { &[][..] } else { &zone.marks };
        let marks = shown.iter().map(|mark| label::mark_width(m, &mark.text) + 4).max().unwrap_or(0);
        let lines = zone.lines.iter().map(|l| m.px(l, 110, false) + 28 + marks).max().unwrap_or(0);
        let entries = if self.rows.b.contains(&place) { 28 * self.entries(place) } else { 0 };
        even((title + entries).max(lines).max(self.interior(place).w).max(144))
    }

    /// Lines that enter a zone of the second row from above.
    fn entries(&self, place: usize) -> i32 {
        let above = |p: usize| self.rows.a.iter().any(|c| c.contains(&p)) || self.rows.a_networks.contains(&p);
        let nets = self.cx.nets.iter().filter(|n| (n.from == place && above(n.to)) || (n.to == place && above(n.from)));
        i32::try_from(nets.count()).unwrap_or(0)
    }

    fn column_of(&self, place: usize) -> Option<usize> {
        if self.rows.a_networks.contains(&place) {
            return Some(0);
        }
        self.rows.a.iter().position(|c| c.contains(&place)).map(|c| c + 1)
    }

    /// Space between column `k - 1` and column `k`.
    fn gutter(&self, k: usize) -> i32 {
        let crossing: Vec<&Net> = self
            .cx
            .nets
            .iter()
            .filter(|n| match (self.column_of(n.from), self.column_of(n.to)) {
                (Some(a), Some(b)) => a.min(b) < k && k <= a.max(b),
                _ => false,
            })
            .collect();
        let label = crossing.iter().map(|n| self.cx.label_width(n)).max().unwrap_or(0);
        // In steps and with room for all lanes from the first on, so that a new flow moves no zone.
        let label = (label + 55) / 56 * 56;
        even((label + 28 + 14 * LANES).max(MIN_GUTTER) + self.slack.gutter)
    }

    fn top_row(&mut self) {
        let mut columns: Vec<Vec<usize>> = vec![self.rows.a_networks.clone()];
        columns.extend(self.rows.a.iter().cloned());
        let mut widths: Vec<i32> =
            columns.iter().map(|c| c.iter().map(|p| self.natural_width(*p)).max().unwrap_or(0)).collect();
        let mut gutters: Vec<i32> = (0..columns.len()).map(|k| if k == 0 { 0 } else { self.gutter(k) }).collect();
        if self.rows.a_networks.is_empty() {
            gutters.iter_mut().skip(1).take(1).for_each(|g| *g = 28);
        }
        let right_pad = if self.rows.container.is_some() { 20 } else { 0 };
        let used: i32 = widths.iter().sum::<i32>() + gutters.iter().sum::<i32>() + right_pad;
        self.stretch(&mut widths, &mut gutters, WIDTH - 2 * MARGIN - used);
        let mut x = MARGIN;
        let mut spans = Vec::new();
        for (w, g) in widths.iter().zip(&gutters) {
            x += g;
            spans.push((x, x + w));
            x += w;
        }
        self.scene.width = self.scene.width.max(even(x + right_pad + MARGIN));
        let top = if self.rows.container.is_some() { TOP } else { TOP - 28 };
        let centre = self.centre_line(&columns, top);
        let bottom = columns.iter().map(|c| self.stack_bottom(c, top, centre)).max().unwrap_or(top + 120);
        for (column, (x, right)) in columns.iter().zip(&spans) {
            self.fill_column(column, (*x, *right), top, centre, bottom);
        }
        self.scene.columns = spans.clone();
        self.scene.top = (top, bottom);
        if let (Some(_), Some((x, _))) = (&self.rows.container, spans.get(1)) {
            let left = x - 24;
            let right = self.scene.width - MARGIN;
            let rect = Rect::new(left, top - 28, right - left, bottom - top + 28 + CONTAINER_PAD);
            self.scene.container = Some(rect);
        }
    }

    /// Spreads free width: first to the gutters, then to the zones.
    fn stretch(&self, widths: &mut [i32], gutters: &mut [i32], free: i32) {
        let count = i32::try_from(gutters.len()).unwrap_or(1) - 1;
        if free <= 0 || count < 1 {
            return;
        }
        let each = even((free / count).min(56)) / 2 * 2;
        gutters.iter_mut().skip(1).for_each(|g| *g += each);
        let rest = free - each * count;
        widths.iter_mut().skip(1).for_each(|w| *w += rest / count / 2 * 2);
    }

    /// The common y of the first cards of all columns.
    fn centre_line(&self, columns: &[Vec<usize>], top: i32) -> i32 {
        let firsts = columns.iter().skip(1).filter_map(|c| c.first());
        let least = firsts
            .filter(|p| self.interior(**p).w > 0)
            .map(|p| top + head_height(self.cx.index, *p) + 8 + self.interior(*p).up)
            .max();
        lane_from(least.unwrap_or(top + 108))
    }

    /// Lower edge of a column when it is not stretched.
    fn stack_bottom(&self, column: &[usize], top: i32, centre: i32) -> i32 {
        let mut y = top;
        for (i, place) in column.iter().enumerate() {
            y += if i > 0 { STACK } else { 0 };
            y = self.own_bottom(*place, y, (i == 0).then_some(centre));
        }
        y
    }

    fn own_bottom(&self, place: usize, y: i32, centre: Option<i32>) -> i32 {
        let inside = self.interior(place);
        let head = head_height(self.cx.index, place);
        if self.cx.index.is_network(place) {
            return lane_from(y + head + 48 + inside.up + inside.down);
        }
        if inside.w == 0 {
            return y + head + 20;
        }
        centre.unwrap_or_else(|| lane_from(y + head + 8 + inside.up)) + inside.down
    }

    fn fill_column(&mut self, column: &[usize], (x, right): (i32, i32), top: i32, centre: i32, bottom: i32) {
        let natural = self.stack_bottom(column, top, centre);
        let count = i32::try_from(column.len()).unwrap_or(1).max(1);
        let share = (bottom - natural) / count / 2 * 2;
        let mut y = top;
        for (i, place) in column.iter().enumerate() {
            let last = i + 1 == column.len();
            let centre = (i == 0 && !self.cx.index.is_network(*place)).then_some(centre);
            let end = if last { bottom } else { self.own_bottom(*place, y, centre) + share };
            self.put(*place, Rect::new(x, y, right - x, end - y), centre);
            y = end + STACK;
        }
    }

    /// Sets a place and everything in it.
    fn put(&mut self, place: usize, rect: Rect, centre: Option<i32>) {
        let inside = self.interior(place);
        let head = head_height(self.cx.index, place);
        let network = self.cx.index.is_network(place);
        let centre = centre.unwrap_or_else(|| lane_from(rect.y + head + inside.up + if network { 18 } else { 8 }));
        let shift = (rect.w - inside.w).max(0) / 4 * 2;
        let moved = |r: &Rect| Rect::new(rect.x + shift + r.x, centre + r.y, r.w, r.h);
        for (card, r) in &inside.cards {
            if let Some(slot) = self.scene.cards.get_mut(*card) {
                *slot = moved(r);
            }
        }
        for (cluster, r) in &inside.clusters {
            if let Some(slot) = self.scene.clusters.get_mut(*cluster) {
                *slot = moved(r);
            }
        }
        if let Some(slot) = self.scene.places.get_mut(place) {
            *slot = rect;
        }
    }

    /// Space below a row for the lines that leave it and their labels.
    fn gap(&self, crossing: usize, least: i32) -> i32 {
        let rows = i32::try_from(crossing.div_ceil(3)).unwrap_or(0);
        (least + 28 * rows + self.slack.gap) / 2 * 2
    }

    fn second_row(&mut self) -> i32 {
        let pad = if self.scene.container.is_some() { CONTAINER_PAD } else { 0 };
        let above = self.scene.top.1 + pad;
        if self.rows.b.is_empty() {
            return above;
        }
        let in_b = |p: usize| self.rows.b.contains(&p) || self.rows.b_networks.contains(&p);
        let crossing = self.cx.nets.iter().filter(|n| in_b(n.from) != in_b(n.to)).count();
        let y = above + self.gap(crossing, 56);
        let heads = self.rows.b.iter().map(|p| head_height(self.cx.index, *p) + 20 + self.interior(*p).up);
        let centre = lane_from(y + heads.max().unwrap_or(0));
        let natural = |b: &Self, p: usize| match b.interior(p) {
            i if i.w == 0 => y + 12 + head_height(b.cx.index, p) + 20,
            i => centre + i.down,
        };
        let networks = self.stack_bottom(&self.rows.b_networks, y, centre);
        let bottom = self.rows.b.iter().map(|p| natural(self, *p)).chain([networks]).max().unwrap_or(y);
        let mut left = MARGIN;
        if !self.rows.b_networks.is_empty() {
            let w = self.rows.b_networks.iter().map(|p| self.natural_width(*p)).max().unwrap_or(144);
            self.fill_column(&self.rows.b_networks.clone(), (left, left + w), y, centre, bottom);
            left += w + self.second_gutter(self.rows.b_networks.first().copied(), self.rows.b.first().copied());
        }
        for (place, x) in self.second_positions(left) {
            let rect = Rect::new(x, y, self.natural_width(place), bottom - y);
            self.put(place, rect, Some(centre));
        }
        bottom
    }

    fn second_gutter(&self, left: Option<usize>, right: Option<usize>) -> i32 {
        let (Some(l), Some(r)) = (left, right) else { return 0 };
        let between = self.cx.nets.iter().filter(|n| (n.from == l && n.to == r) || (n.from == r && n.to == l));
        let label = between.map(|n| self.cx.label_width(n) + 64).max().unwrap_or(0);
        even(label.max(84) + self.slack.gutter)
    }

    /// x of the zones of the second row: under their column of the top row, as far as there is room.
    fn second_positions(&mut self, left: i32) -> Vec<(usize, i32)> {
        let zones = &self.rows.b;
        let column = |p: usize| self.rows.a.iter().position(|c| c.contains(&p));
        let mut placed: Vec<(usize, i32)> = Vec::new();
        let mut free = left;
        for (i, zone) in zones.iter().enumerate() {
            if let Some(before) = i.checked_sub(1).and_then(|b| zones.get(b)) {
                free += self.second_gutter(Some(*before), Some(*zone));
            }
            let wish = columns::preferred_column(*zone, self.cx.nets, &column)
                .and_then(|c| self.scene.columns.get(c + 1))
                .map_or(free, |(x, _)| *x);
            let x = even(wish.max(free));
            placed.push((*zone, x));
            free = x + self.natural_width(*zone);
        }
        let mut limit = self.scene.width - MARGIN - 28;
        for i in (0..placed.len()).rev() {
            let Some((zone, x)) = placed.get(i).copied() else { continue };
            let x = x.min(limit - self.natural_width(zone));
            if let Some(slot) = placed.get_mut(i) {
                slot.1 = x / 2 * 2;
            }
            let before = i.checked_sub(1).and_then(|b| zones.get(b)).copied();
            limit = x - self.second_gutter(before, Some(zone));
        }
        let short = left - placed.first().map_or(left, |(_, x)| *x);
        if short > 0 {
            placed.iter_mut().for_each(|(_, x)| *x += short);
            self.scene.width += even(short);
            if let Some(c) = &mut self.scene.container {
                c.w += even(short);
            }
        }
        placed
    }
}

/// Whether a place is a management zone.
pub fn is_management(index: &Index, place: usize) -> bool {
    index.place(place).is_some_and(|z| z.class == Class::Management)
}
