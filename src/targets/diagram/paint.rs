//! Boxes and texts: everything of the sheet but the lines.

use super::cards::{Card, Index, TEXT_X};
use super::geometry::Rect;
use super::icons;
use super::label;
use super::metrics::Metrics;
use super::scene::{MARGIN, MARK_ROW, Scene, is_management};
use super::sheet::{Class, Mark, MarkKind, Sheet, Zone};
use super::svg::{Font, Svg, tenths};
use super::theme::{self, CARD_LINE, INK, MUTE, PAPER, Paint};
use super::words::Word;
use crate::i18n::Lang;

/// Primary text.
pub fn ink(size: i32, bold: bool) -> Font {
    Font { size, bold, class: "ink", colour: INK }
}

/// Secondary text.
pub fn mute(size: i32) -> Font {
    Font { size, bold: false, class: "mute", colour: MUTE }
}

/// Text on a filled badge.
pub fn on_fill(size: i32) -> Font {
    Font { size, bold: true, class: "onfill", colour: PAPER }
}

/// A rounded box.
pub fn boxed(svg: &mut Svg, class: &str, paint: (&str, &str), r: Rect, radius: i32, line: i32) {
    svg.element("rect")
        .a("class", format!("zd-{class}"))
        .a("x", r.x)
        .a("y", r.y)
        .a("width", r.w)
        .a("height", r.h)
        .a("rx", radius)
        .a("fill", paint.0)
        .a("stroke", paint.1)
        .a("stroke-width", tenths(line))
        .end();
}

/// Everything a painter needs.
pub struct Painter<'a> {
    /// Lookup.
    pub index: &'a Index<'a>,
    /// Rectangles.
    pub scene: &'a Scene,
    /// Widths of texts.
    pub metrics: &'a Metrics,
    /// Language.
    pub lang: Lang,
}

impl Painter<'_> {
    fn sheet(&self) -> &Sheet {
        self.index.sheet
    }

    /// Headline and counts of findings.
    pub fn header(&self, svg: &mut Svg) {
        let title = format!("{} {}", Word::Heading.of(self.lang), self.sheet().title);
        let room = self.scene.width - 2 * MARGIN - 380;
        svg.text(240, 440, ink(230, true), false, &self.metrics.fit(&title, 230, true, room));
        let room = self.scene.width - 2 * MARGIN;
        svg.text(240, 650, mute(120), false, &self.metrics.fit(&self.sheet().subtitle, 120, false, room));
        let mut right = self.scene.width - MARGIN;
        let words = [
            (MarkKind::Note, Word::Note, Word::Notes),
            (MarkKind::Deviation, Word::Deviation, Word::Deviations),
            (MarkKind::Violation, Word::Violation, Word::Violations),
        ];
        for (kind, one, many) in words {
            let count = self.sheet().notes.iter().filter(|n| n.mark.kind == kind).count();
            if count == 0 {
                continue;
            }
            let word = if count == 1 { one } else { many };
            let text = format!("{count} {}", word.of(self.lang));
            let w = self.metrics.px(&text, 120, true) + 32;
            badge(svg, kind, Rect::new(right - w, 26, w, 24), &text, 120);
            right -= w + 8;
        }
    }

    /// The container of the top row.
    pub fn container(&self, svg: &mut Svg, title: Option<&str>) {
        let (Some(r), Some(title)) = (self.scene.container, title) else { return };
        boxed(svg, theme::CONTAINER.class, (theme::CONTAINER.fill, theme::CONTAINER.line), r, 10, 14);
        svg.text((r.x + 24) * 10, (r.y + 18) * 10, ink(130, true), false, title);
    }

    /// Zones and networks with their titles.
    pub fn places(&self, svg: &mut Svg, bars: &[super::bars::Bar]) {
        for (place, r) in self.scene.places.iter().enumerate() {
            let Some(zone) = self.index.place(place).filter(|_| r.w > 0) else { continue };
            svg.element("g").a("class", "zd-zone").a("data-zone", &zone.id).open();
            let paint = theme::zone(zone.class);
            if self.index.is_network(place) {
                self.network(svg, zone, *r, paint);
            } else {
                self.zone(svg, place, zone, *r, paint, bars);
            }
            svg.close();
        }
    }

    fn network(&self, svg: &mut Svg, zone: &Zone, r: Rect, paint: Paint) {
        boxed(svg, paint.class, (paint.fill, paint.line), r, 14, 16);
        let cloud = icons::paths(super::sheet::Icon::Cloud);
        let paths = if zone.class == Class::Untrusted { cloud } else { icons::NETWORK };
        icon(svg, paths, r.x + 12, r.y + 10, 24);
        svg.text((r.x + 44) * 10, (r.y + 27) * 10, ink(135, true), false, &zone.title);
        for (i, line) in (0..).zip(&zone.lines) {
            svg.text((r.x + 14) * 10, (r.y + 47) * 10 + 140 * i, mute(105), false, line);
        }
        self.level(svg, zone, paint, r.right() - 10, r.bottom() - 26);
    }

    fn zone(&self, svg: &mut Svg, place: usize, zone: &Zone, r: Rect, paint: Paint, bars: &[super::bars::Bar]) {
        let mut rect = svg.element("rect").a("class", format!("zd-{}", paint.class));
        rect = rect.a("x", r.x).a("y", r.y).a("width", r.w).a("height", r.h).a("rx", 8);
        rect = rect.a("fill", paint.fill).a("stroke", paint.line).a("stroke-width", "1.6");
        if zone.class == Class::Management {
            rect = rect.a("stroke-dasharray", "7 4");
        }
        rect.end();
        let head = head_origin(r, bars);
        svg.text((head.0 + 14) * 10, (head.1 + 21) * 10, ink(135, true), false, &zone.title);
        for (i, line) in (0..).zip(&zone.lines) {
            svg.text((head.0 + 14) * 10, (head.1 + 37) * 10 + 140 * i, mute(110), false, line);
        }
        let lines = i32::try_from(zone.lines.len()).unwrap_or(0);
        if is_management(self.index, place) {
            self.level_at(svg, zone, paint, r.x + 14, head.1 + 32 + 14 * lines);
        } else {
            self.level(svg, zone, paint, r.right() - 9, head.1 + 9);
            let mut y = head.1 + 30;
            for mark in &zone.marks {
                let w = label::mark_width(self.metrics, &mark.text);
                badge(svg, mark.kind, Rect::new(r.right() - 9 - w, y, w, label::HEIGHT), &mark.text, 95);
                y += MARK_ROW;
            }
        }
    }

    fn level(&self, svg: &mut Svg, zone: &Zone, paint: Paint, right: i32, y: i32) {
        let text = format!("{} {}", Word::Level.of(self.lang), zone.level);
        self.level_at(svg, zone, paint, right - self.metrics.px(&text, 100, true) - 14, y);
    }

    fn level_at(&self, svg: &mut Svg, zone: &Zone, paint: Paint, x: i32, y: i32) {
        let text = format!("{} {}", Word::Level.of(self.lang), zone.level);
        level_chip(svg, self.metrics, paint, x, y, &text);
    }

    /// Clusters and cards.
    pub fn contents(&self, svg: &mut Svg, heads_below: &[bool]) {
        for ((i, r), cluster) in self.scene.clusters.iter().enumerate().zip(&self.sheet().clusters) {
            if r.w == 0 {
                continue;
            }
            svg.element("rect")
                .a("class", "zd-clus")
                .a("x", r.x)
                .a("y", r.y)
                .a("width", r.w)
                .a("height", r.h)
                .a("rx", 13)
                .a("fill", PAPER)
                .a("fill-opacity", "0.55")
                .a("stroke", CARD_LINE)
                .a("stroke-width", "1.3")
                .end();
            let y = if heads_below.get(i) == Some(&true) { r.bottom() - 25 } else { r.y + 7 };
            icon(svg, icons::CLUSTER, r.x + 10, y, 18);
            svg.text((r.x + 34) * 10, (y + 13) * 10, ink(115, true), false, &cluster.title);
            let x = r.x + 42 + self.metrics.px(&cluster.title, 115, true);
            let kind = self.metrics.fit(&cluster.kind, 105, false, r.right() - 10 - x);
            svg.text(x * 10, (y + 13) * 10, mute(105), false, &kind);
        }
        for (card, r) in self.index.cards.iter().zip(&self.scene.cards) {
            self.card(svg, card, *r);
        }
    }

    fn card(&self, svg: &mut Svg, card: &Card, r: Rect) {
        let radius = if card.cluster.is_some() { 10 } else { 6 };
        boxed(svg, "card", (PAPER, CARD_LINE), r, radius, 12);
        let marks = if card.marks.is_empty() { 0 } else { 20 };
        let rows = i32::try_from(card.lines.len()).unwrap_or(0);
        icon(svg, icons::paths(card.icon), r.x + 9, r.y + (r.h - marks - 22) / 2, 22);
        let top = r.y + (r.h - marks - 14 * rows) / 2 + 4;
        svg.text((r.x + TEXT_X) * 10, top * 10, ink(115, true), false, &card.title);
        for (i, line) in (1..).zip(&card.lines) {
            svg.text((r.x + TEXT_X) * 10, (top + 14 * i) * 10, mute(105), false, line);
        }
        if card.alg {
            let paint = theme::zone(self.index.place(card.place).map_or(Class::Web, |z| z.class));
            alg(svg, paint, r.right() - 42, r.bottom() - marks - 14);
        }
        let mut x = r.x + TEXT_X;
        for mark in &card.marks {
            let w = label::mark_width(self.metrics, &mark.text);
            badge(svg, mark.kind, Rect::new(x, r.bottom() - 22, w, label::HEIGHT), &mark.text, 95);
            x += w + 4;
        }
    }

    /// The bracket of the P-A-P structure over the first column, from the outer to the inner filter.
    pub fn pap(&self, svg: &mut Svg, outer: i32, alg: i32, inner: i32) {
        let y = self.scene.top.0 - 48;
        svg.element("path")
            .a("class", "zd-i-mute")
            .a("d", format!("M{outer} {}V{y}H{inner}V{}M{alg} {y}v14", y + 14, y + 14))
            .a("fill", "none")
            .a("stroke", MUTE)
            .a("stroke-width", "1.2")
            .end();
        for (x, letter) in [(outer, "P"), (alg, "A"), (inner, "P")] {
            svg.element("circle").a("class", "zd-t-mute").a("cx", x).a("cy", y).a("r", "9.5").a("fill", MUTE).end();
            svg.text(x * 10, (y + 4) * 10, on_fill(110), true, letter);
        }
        svg.text((inner + 20) * 10, (y + 4) * 10, mute(105), false, Word::Pap.of(self.lang));
    }

    /// The title block with its cells.
    pub fn title_block(&self, svg: &mut Svg) {
        let r = self.scene.title_block;
        let frame = |svg: &mut Svg, line: &str| {
            svg.element("path")
                .a("class", "zd-frame")
                .a("d", line)
                .a("fill", "none")
                .a("stroke", theme::BAR)
                .a("stroke-width", "1")
                .end();
        };
        boxed(svg, "frame", ("none", theme::BAR), r, 4, 14);
        let widths: Vec<i32> = self.sheet().cells.iter().map(|c| self.cell_width(c)).collect();
        let free = (r.w - widths.iter().sum::<i32>()).max(0) / i32::try_from(widths.len().max(1)).unwrap_or(1);
        let mut x = r.x;
        for (i, (cell, w)) in self.sheet().cells.iter().zip(widths).enumerate() {
            if i > 0 {
                frame(svg, &format!("M{x} {}v{}", r.y, r.h));
            }
            let at = (x + 10) * 10;
            svg.text(at, (r.y + 19) * 10, mute(100), false, &cell.head);
            for (line, y) in [(&cell.text, r.y + 39), (&cell.more, r.y + 56)] {
                if cell.mono {
                    mono(svg, x + 10, y, line);
                } else {
                    let font = if y == r.y + 39 { ink(120, true) } else { mute(110) };
                    svg.text(at, y * 10, font, false, line);
                }
            }
            x += w + free;
        }
    }

    fn cell_width(&self, cell: &super::sheet::Cell) -> i32 {
        let m = self.metrics;
        if cell.mono {
            return i32::try_from(cell.text.chars().count()).unwrap_or(0) * 7 + 24;
        }
        m.px(&cell.head, 100, false).max(m.px(&cell.text, 120, true)).max(m.px(&cell.more, 110, false)) + 24
    }
}

/// Where the title of a zone starts: bars on its upper and left edge push it in.
pub fn head_origin(r: Rect, bars: &[super::bars::Bar]) -> (i32, i32) {
    let above = bars.iter().any(|b| !b.vertical && b.rect.y < r.y && b.rect.hits(&r));
    let left = bars.iter().any(|b| b.vertical && b.rect.x < r.x && b.rect.hits(&r));
    (r.x + if left { 8 } else { 0 }, r.y + if above { 12 } else { 0 })
}

fn mono(svg: &mut Svg, x: i32, y: i32, text: &str) {
    svg.element("text")
        .a("class", "zd-t-ink")
        .a("x", x)
        .a("y", y)
        .a("font-size", "11.5")
        .a("fill", INK)
        .a("font-family", "'Liberation Mono', 'DejaVu Sans Mono', Consolas, monospace")
        .a("textLength", text.chars().count() * 69 / 10)
        .a("lengthAdjust", "spacingAndGlyphs")
        .body(text);
}

/// A pictogram of a size.
pub fn icon(svg: &mut Svg, paths: &[&str], x: i32, y: i32, size: i32) {
    // Line width stays about 1.4 px whatever the size.
    svg.element("g")
        .a("class", "zd-i-ink")
        .a("transform", format!("translate({x} {y}) scale({}.{:03})", size / 24, size % 24 * 1000 / 24))
        .a("fill", "none")
        .a("stroke", INK)
        .a("stroke-width", tenths(14 * 24 / size))
        .a("stroke-linecap", "round")
        .a("stroke-linejoin", "round")
        .open();
    for d in paths {
        svg.element("path").a("d", d).end();
    }
    svg.close();
}

/// The hexagon of an application-level gateway, by its left tip's x and its middle's y.
pub fn alg(svg: &mut Svg, paint: Paint, x: i32, y: i32) {
    svg.element("path")
        .a("class", format!("zd-{}", paint.class))
        .a("d", format!("M{x} {y}l7-9h22l7 9-7 9h-22z"))
        .a("fill", paint.fill)
        .a("stroke", paint.line)
        .a("stroke-width", "1.3")
        .end();
    svg.text((x + 18) * 10, y * 10 + 34, ink(95, true), true, "ALG");
}

/// The chip with the trust level.
pub fn level_chip(svg: &mut Svg, metrics: &Metrics, paint: Paint, x: i32, y: i32, text: &str) {
    let w = metrics.px(text, 100, true) + 14;
    boxed(svg, paint.class, (paint.fill, paint.line), Rect::new(x, y, w, 17), 8, 10);
    svg.text(x * 10 + w * 5, y * 10 + 122, ink(100, true), true, text);
}

/// A badge: filled, with the shape of its kind and a text.
pub fn badge(svg: &mut Svg, kind: MarkKind, r: Rect, text: &str, size: i32) {
    let (class, colour) = theme::mark(kind);
    svg.element("rect")
        .a("class", format!("zd-f-{class}"))
        .a("x", r.x)
        .a("y", r.y)
        .a("width", r.w)
        .a("height", r.h)
        .a("rx", r.h / 2)
        .a("fill", colour)
        .end();
    let large = r.h > 20;
    let (x, y) = (r.x + if large { 15 } else { 11 }, r.cy());
    let half = if large { 6 } else { 5 };
    let d = match kind {
        MarkKind::Violation => format!("M{x} {}l{half} {}h-{}z", y - half, 2 * half - 1, 2 * half),
        MarkKind::Deviation => format!("M{x} {}l{half} {half}-{half} {half}-{half}-{half}z", y - half),
        MarkKind::Note => format!("M{} {y}a4.5 4.5 0 1 0 9 0a4.5 4.5 0 1 0-9 0", tenths(x * 10 - 45)),
    };
    svg.element("path").a("class", "zd-t-onfill").a("d", d).a("fill", PAPER).end();
    let baseline = y * 10 + size * 35 / 100;
    svg.text((x + if large { 10 } else { 8 }) * 10, baseline, on_fill(size), false, text);
}

/// Badge of a mark at a position; returns its width.
pub fn mark(svg: &mut Svg, metrics: &Metrics, mark: &Mark, x: i32, y: i32) -> i32 {
    let w = label::mark_width(metrics, &mark.text);
    badge(svg, mark.kind, Rect::new(x, y, w, label::HEIGHT), &mark.text, 95);
    w
}
