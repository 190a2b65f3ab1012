//! Lines, filter bars and labels.

use super::bars::Bar;
use super::cards::Index;
use super::geometry::{Pt, Rect};
use super::label;
use super::metrics::Metrics;
use super::nets::Net;
use super::paint::{ink, mark, on_fill};
use super::sheet::Status;
use super::svg::{Font, Svg, tenths};
use super::theme::{self, BAR, BRICK, PAPER, Stroke};
use super::wire::Wire;

/// Radius of bends.
const RADIUS: i32 = 7;
/// Half of the gap where a line gives way to another.
const CUT: i32 = 5;
/// Half of the gap in a bar.
const GAP: i32 = 7;

/// Paints lines, bars and labels.
pub struct FlowPainter<'a> {
    /// Lookup.
    pub index: &'a Index<'a>,
    /// Bundles.
    pub nets: &'a [Net],
    /// Their ways, in drawing order.
    pub wires: &'a [Wire],
    /// Bars.
    pub bars: &'a [Bar],
    /// Widths of texts.
    pub metrics: &'a Metrics,
}

impl FlowPainter<'_> {
    fn net(&self, wire: &Wire) -> Option<&Net> {
        self.nets.get(wire.net)
    }

    fn ids(&self, net: &Net) -> String {
        let ids = net.flows.iter().filter_map(|f| self.index.sheet.flows.get(*f)).map(|f| f.id.as_str());
        ids.collect::<Vec<_>>().join(" ")
    }

    /// All lines.
    pub fn lines(&self, svg: &mut Svg) {
        svg.element("g").a("id", "zd-flows").open();
        for (z, wire) in self.wires.iter().enumerate() {
            let Some(net) = self.net(wire) else { continue };
            let stroke = theme::stroke(net.plane, net.status);
            svg.element("g").a("class", "zd-flow").a("data-flow", self.ids(net)).open();
            svg.element("title").body(&format!("{}: {}", net.id, self.sentence(net)));
            self.line(svg, &wire.trunk, z, stroke, net.heads);
            for branch in &wire.branches {
                let heads = if branch.joins { [net.heads[0], false] } else { [false, net.heads[1]] };
                self.line(svg, &branch.points, z, stroke, heads);
                let dot = if branch.joins { branch.points.last() } else { branch.points.first() };
                if let Some(p) = dot {
                    svg.element("circle")
                        .a("class", format!("zd-f-{}", stroke.class))
                        .a("cx", p.x)
                        .a("cy", p.y)
                        .a("r", "3.2")
                        .a("fill", stroke.colour)
                        .end();
                }
            }
            svg.close();
        }
        svg.close();
    }

    /// What the tooltip of a line says.
    fn sentence(&self, net: &Net) -> String {
        let name = |place: usize| self.index.place(place).map_or("", |z| z.title.as_str());
        let arrow = if net.heads == [true, true] {
            "↔"
        } else if net.heads[1] {
            "→"
        } else {
            "←"
        };
        let marks: String = net.marks.iter().map(|m| format!(" ({})", m.text)).collect();
        format!("{} {arrow} {}, {}{marks}", name(net.from), name(net.to), net.body)
    }

    fn line(&self, svg: &mut Svg, points: &[Pt], z: usize, stroke: Stroke, heads: [bool; 2]) {
        let back = if stroke.width > 30 { 9 } else { 7 };
        let mut shown = points.to_vec();
        if heads[0] {
            shorten(&mut shown, back);
        }
        shown.reverse();
        if heads[1] {
            shorten(&mut shown, back);
        }
        shown.reverse();
        let mut path = svg
            .element("path")
            .a("class", format!("zd-l-{}", stroke.class))
            .a("d", self.path(&shown, z))
            .a("fill", "none")
            .a("stroke", stroke.colour)
            .a("stroke-width", tenths(stroke.width));
        if let Some(dash) = stroke.dash {
            path = path.a("stroke-dasharray", dash);
        }
        path.end();
        if heads[1]
            && let [.., before, tip] = points
        {
            arrow(svg, stroke, *before, *tip);
        }
        if heads[0]
            && let [tip, before, ..] = points
        {
            arrow(svg, stroke, *before, *tip);
        }
    }

    /// Path data with round bends, and gaps where a later line crosses.
    fn path(&self, points: &[Pt], z: usize) -> String {
        let mut d = String::new();
        let Some(first) = points.first() else { return d };
        d.push_str(&format!("M{} {}", first.x, first.y));
        for (i, w) in points.windows(2).enumerate() {
            let [a, b] = w else { continue };
            for cut in self.cuts(*a, *b, z) {
                let (p, q) = (towards(cut, *a, CUT), towards(cut, *b, CUT));
                d.push_str(&format!("L{} {}M{} {}", p.x, p.y, q.x, q.y));
            }
            match points.get(i + 2) {
                Some(c) => {
                    let r = RADIUS.min(distance(*a, *b) / 2).min(distance(*b, *c) / 2);
                    let (p, q) = (towards(*b, *a, r), towards(*b, *c, r));
                    d.push_str(&format!("L{} {}Q{} {} {} {}", p.x, p.y, b.x, b.y, q.x, q.y));
                }
                None => d.push_str(&format!("L{} {}", b.x, b.y)),
            }
        }
        d
    }

    /// Points of a straight part where a later line crosses, in its direction.
    fn cuts(&self, a: Pt, b: Pt, z: usize) -> Vec<Pt> {
        let later = self.wires.iter().skip(z + 1).flat_map(Wire::polylines).flat_map(|p| p.windows(2));
        let mut cuts: Vec<Pt> = later.filter_map(|w| crossing(a, b, *w.first()?, *w.last()?)).collect();
        cuts.sort_by_key(|p| distance(a, *p));
        cuts.dedup();
        cuts
    }

    /// Where wires cross a bar: position along it, and whether the bar opens.
    fn openings(&self, bar: &Bar) -> Vec<(i32, Status)> {
        let along = |p: Pt| if bar.vertical { p.y } else { p.x };
        let middle = if bar.vertical {
            (Pt { x: bar.rect.cx(), y: bar.rect.y }, Pt { x: bar.rect.cx(), y: bar.rect.bottom() })
        } else {
            (Pt { x: bar.rect.x, y: bar.rect.cy() }, Pt { x: bar.rect.right(), y: bar.rect.cy() })
        };
        let mut out: Vec<(i32, Status)> = self
            .wires
            .iter()
            .filter_map(|w| Some((self.net(w)?.status, w)))
            .flat_map(|(s, w)| w.polylines().flat_map(|p| p.windows(2)).map(move |w| (s, w)))
            .filter_map(|(s, w)| Some((along(touching(middle, *w.first()?, *w.last()?)?), s)))
            .collect();
        out.sort();
        out.dedup();
        out
    }

    /// All bars with their gaps, names and stop signs.
    pub fn bars(&self, svg: &mut Svg) {
        svg.element("g").a("id", "zd-filters").open();
        for bar in self.bars {
            let Some(filter) = self.index.sheet.filters.get(bar.filter) else { continue };
            svg.element("g").a("class", "zd-filter").a("data-filter", &filter.id).open();
            svg.element("title").body(&filter.id);
            let (start, end) =
                if bar.vertical { (bar.rect.y, bar.rect.bottom()) } else { (bar.rect.x, bar.rect.right()) };
            let mut pieces: Vec<(i32, i32)> = Vec::new();
            let mut from = start;
            for (at, _) in self.openings(bar).iter().filter(|(_, s)| *s != Status::Violation) {
                pieces.push((from, at - GAP));
                from = at + GAP;
            }
            pieces.push((from, end));
            for (a, b) in pieces.iter().filter(|(a, b)| a < b) {
                let r = if bar.vertical {
                    Rect::new(bar.rect.x, *a, bar.rect.w, b - a)
                } else {
                    Rect::new(*a, bar.rect.y, b - a, bar.rect.h)
                };
                brick(svg, r);
            }
            let stops: Vec<i32> =
                self.openings(bar).iter().filter(|(_, s)| *s == Status::Violation).map(|(at, _)| *at).collect();
            self.bar_name(svg, bar, &filter.id, &pieces, &stops);
            svg.close();
        }
        svg.close();
    }

    /// The name in the longest stretch without gaps and stop signs.
    fn bar_name(&self, svg: &mut Svg, bar: &Bar, name: &str, pieces: &[(i32, i32)], stops: &[i32]) {
        let mut free: Vec<(i32, i32)> = pieces.to_vec();
        for stop in stops {
            free =
                free.iter()
                    .flat_map(|(a, b)| {
                        if a <= stop && stop <= b { vec![(*a, stop - 12), (stop + 12, *b)] } else { vec![(*a, *b)] }
                    })
                    .collect();
        }
        let Some((a, b)) = free.iter().rev().max_by_key(|(a, b)| b - a) else { return };
        let text = self.metrics.fit(name, 110, true, b - a - 4);
        let w = self.metrics.px(&text, 110, true) + 14;
        let middle = (a + b) / 2;
        let plain = if bar.vertical {
            Rect::new(bar.rect.x, middle - w / 2, bar.rect.w, w)
        } else {
            Rect::new(middle - w / 2, bar.rect.y, w, bar.rect.h)
        };
        filled(svg, "bar", BAR, plain, 0);
        let font = Font { size: 110, bold: true, class: "onbar", colour: PAPER };
        if bar.vertical {
            svg.text_turned(bar.rect.cx() * 10 + 40, middle * 10, font, true, Some(()), &text);
        } else {
            svg.text(middle * 10, bar.rect.cy() * 10 + 40, font, true, &text);
        }
    }

    /// Stop signs: a violation is not opened.
    pub fn stops(&self, svg: &mut Svg) {
        for bar in self.bars {
            for (at, _) in self.openings(bar).iter().filter(|(_, s)| *s == Status::Violation) {
                let (x, y) = if bar.vertical { (bar.rect.cx(), *at) } else { (*at, bar.rect.cy()) };
                svg.element("circle")
                    .a("class", "zd-f-viol zd-i-onfill")
                    .a("cx", x)
                    .a("cy", y)
                    .a("r", 11)
                    .a("fill", "#B8122B")
                    .a("stroke", PAPER)
                    .a("stroke-width", "1.5")
                    .end();
                svg.element("path")
                    .a("class", "zd-i-onfill")
                    .a("d", format!("M{} {y}h12", x - 6))
                    .a("stroke", PAPER)
                    .a("stroke-width", "3.6")
                    .end();
            }
        }
    }

    /// All labels with badges and plates.
    pub fn labels(&self, svg: &mut Svg) {
        svg.element("g").a("id", "zd-labels").open();
        for wire in self.wires {
            let (Some(net), Some(at)) = (self.net(wire), wire.label) else { continue };
            svg.element("g").a("class", "zd-label").a("data-flow", self.ids(net)).open();
            let stroke = theme::stroke(net.plane, net.status);
            let body = if at.short { "" } else { net.body.as_str() };
            let mut x = at.rect.x + label(svg, self.metrics, stroke, (at.rect.x, at.rect.y), &net.id, body);
            for m in &net.marks {
                x += label::PART_GAP;
                x += mark(svg, self.metrics, m, x, at.rect.y);
            }
            for filter in wire.plates.iter().filter_map(|f| self.index.sheet.filters.get(*f)) {
                x += label::PART_GAP;
                let w = label::plate_width(self.metrics, &filter.id);
                filled(svg, "bar", BAR, Rect::new(x, at.rect.y, w, label::HEIGHT), 2);
                let font = Font { size: 95, bold: true, class: "onbar", colour: PAPER };
                svg.text(x * 10 + w * 5, at.rect.y * 10 + 125, font, true, &filter.id);
                x += w;
            }
            svg.close();
        }
        svg.close();
    }
}

/// A label; returns its width.
pub fn label(svg: &mut Svg, metrics: &Metrics, stroke: Stroke, (x, y): (i32, i32), id: &str, body: &str) -> i32 {
    let left = label::id_width(metrics, id);
    let w = left + label::body_width(metrics, body);
    svg.element("rect")
        .a("class", format!("zd-p-{}", stroke.class))
        .a("x", x)
        .a("y", y)
        .a("width", w)
        .a("height", label::HEIGHT)
        .a("rx", 4)
        .a("fill", PAPER)
        .a("stroke", stroke.colour)
        .a("stroke-width", "1.2")
        .end();
    let d = if body.is_empty() {
        format!("M{} {y}h{}a4 4 0 0 1 4 4v10a4 4 0 0 1-4 4h-{}a4 4 0 0 1-4-4v-10a4 4 0 0 1 4-4z", x + 4, w - 8, w - 8)
    } else {
        format!("M{} {y}H{}a4 4 0 0 0-4 4v10a4 4 0 0 0 4 4H{}z", x + left, x + 4, x + left)
    };
    svg.element("path").a("class", format!("zd-f-{}", stroke.class)).a("d", d).a("fill", stroke.colour).end();
    svg.text(x * 10 + left * 5, y * 10 + 125, on_fill(95), true, id);
    svg.text((x + left + 6) * 10, y * 10 + 127, ink(105, true), false, body);
    w
}

/// A piece of a bar.
pub fn brick(svg: &mut Svg, r: Rect) {
    filled(svg, "bar", BAR, r, 2);
    svg.element("rect")
        .a("x", r.x)
        .a("y", r.y)
        .a("width", r.w)
        .a("height", r.h)
        .a("rx", 2)
        .a("fill", "url(#zd-brick)")
        .end();
}

/// The brick pattern.
pub fn pattern(svg: &mut Svg) {
    svg.element("defs").open();
    svg.element("pattern")
        .a("id", "zd-brick")
        .a("width", 16)
        .a("height", 16)
        .a("patternUnits", "userSpaceOnUse")
        .open();
    svg.element("path")
        .a("class", "zd-brick")
        .a("d", "M0 .5h16M0 8.5h16M4.5 .5v8M12.5 8.5v8")
        .a("fill", "none")
        .a("stroke", BRICK)
        .a("stroke-width", "0.8")
        .end();
    svg.close();
    svg.close();
}

/// A filled rectangle without a line.
pub fn filled(svg: &mut Svg, class: &str, colour: &str, r: Rect, radius: i32) {
    svg.element("rect")
        .a("class", format!("zd-{class}"))
        .a("x", r.x)
        .a("y", r.y)
        .a("width", r.w)
        .a("height", r.h)
        .a("rx", radius)
        .a("fill", colour)
        .end();
}

/// An arrow head with its tip at `tip`, coming from `before`.
pub fn arrow(svg: &mut Svg, stroke: Stroke, before: Pt, tip: Pt) {
    let (long, half) = if stroke.width > 30 { (10, 55) } else { (8, 44) };
    let foot = towards(tip, before, long);
    let (dx, dy) = if foot.y == tip.y { (0, half) } else { (half, 0) };
    let point = |x: i32, y: i32| format!("{},{}", tenths(x), tenths(y));
    let points = [
        point(tip.x * 10, tip.y * 10),
        point(foot.x * 10 - dx, foot.y * 10 - dy),
        point(foot.x * 10 + dx, foot.y * 10 + dy),
    ];
    svg.element("polygon")
        .a("class", format!("zd-f-{}", stroke.class))
        .a("points", points.join(" "))
        .a("fill", stroke.colour)
        .end();
}

fn distance(a: Pt, b: Pt) -> i32 {
    (a.x - b.x).abs() + (a.y - b.y).abs()
}

/// The point `d` from `a` in the direction of `b`.
fn towards(a: Pt, b: Pt, d: i32) -> Pt {
    Pt { x: a.x + (b.x - a.x).signum() * d, y: a.y + (b.y - a.y).signum() * d }
}

fn shorten(points: &mut [Pt], d: i32) {
    if let [first, second, ..] = points {
        *first = towards(*first, *second, d);
    }
}

/// Where two straight parts cross at a right angle, ends excluded.
fn crossing(a: Pt, b: Pt, c: Pt, d: Pt) -> Option<Pt> {
    let between = |v: i32, p: i32, q: i32| p.min(q) < v && v < p.max(q);
    if a.y == b.y && c.x == d.x {
        return (between(c.x, a.x, b.x) && between(a.y, c.y, d.y)).then_some(Pt { x: c.x, y: a.y });
    }
    if a.x == b.x && c.y == d.y {
        return (between(c.y, a.y, b.y) && between(a.x, c.x, d.x)).then_some(Pt { x: a.x, y: c.y });
    }
    None
}

/// Where a straight part meets the middle line of a bar, its ends included.
fn touching(middle: (Pt, Pt), c: Pt, d: Pt) -> Option<Pt> {
    let within = |v: i32, p: i32, q: i32| p.min(q) <= v && v <= p.max(q);
    let (a, b) = middle;
    if a.x == b.x && c.y == d.y {
        return (within(c.y, a.y, b.y) && within(a.x, c.x, d.x)).then_some(Pt { x: a.x, y: c.y });
    }
    if a.y == b.y && c.x == d.x {
        return (within(c.x, a.x, b.x) && within(a.y, c.y, d.y)).then_some(Pt { x: c.x, y: a.y });
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn crossings_exclude_ends_and_parallels() {
        let p = |x, y| Pt { x, y };
        assert_eq!(crossing(p(0, 5), p(10, 5), p(5, 0), p(5, 10)), Some(p(5, 5)));
        assert_eq!(crossing(p(0, 5), p(10, 5), p(5, 5), p(5, 10)), None);
        assert_eq!(crossing(p(0, 5), p(10, 5), p(0, 5), p(10, 5)), None);
    }
}
