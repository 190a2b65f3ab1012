//! Labels: their size, and a free position for them on a line.

use super::geometry::{Pt, Rect};
use super::metrics::Metrics;
use super::nets::Net;

/// Height of labels and badges.
pub const HEIGHT: i32 = 18;
/// Space between the parts of a label group.
pub const PART_GAP: i32 = 4;
/// Free space around a label.
const CLEAR: i32 = 3;
/// Free line between a label and an end of the line's part it stands on.
const END_SPACE: i32 = 14;
const SLIDE: i32 = 4;

/// Width of the filled part.
pub fn id_width(metrics: &Metrics, id: &str) -> i32 {
    metrics.px(id, 95, true) + 10
}

/// Width of the white part.
pub fn body_width(metrics: &Metrics, body: &str) -> i32 {
    if body.is_empty() { 0 } else { metrics.px(body, 105, true) + 12 }
}

/// Width of a badge.
pub fn mark_width(metrics: &Metrics, text: &str) -> i32 {
    metrics.px(text, 95, true) + 24
}

/// Width of the plate with the name of a filter that has no bar on the way.
pub fn plate_width(metrics: &Metrics, name: &str) -> i32 {
    metrics.px(name, 95, true) + 14
}

/// Width of the whole label of a line with its badges.
pub fn width(metrics: &Metrics, net: &Net) -> i32 {
    let marks: i32 = net.marks.iter().map(|m| mark_width(metrics, &m.text) + PART_GAP).sum();
    id_width(metrics, &net.id) + body_width(metrics, &net.body) + marks
}

/// What a label must not touch.
#[derive(Debug, Default, Clone)]
pub struct Obstacles {
    /// Boxes, bars, texts, labels.
    pub boxes: Vec<Rect>,
    /// Borders that a label may stand on either side of.
    pub borders: Vec<Rect>,
    /// Parts of lines with the line's number.
    pub lines: Vec<(usize, Rect)>,
}

impl Obstacles {
    fn free(&self, net: usize, r: Rect) -> bool {
        let wide = r.grown(CLEAR);
        !self.boxes.iter().any(|b| b.hits(&wide))
            && !self.borders.iter().any(|b| b.hits(&r.grown(1)))
            && !self.lines.iter().any(|(n, l)| *n != net && l.hits(&wide))
    }
}

/// A free position for a label of width `w` on the parts of a line, nearest the start of the longest part.
///
/// `parts` are the straight parts in the direction of the flow; parts outside of all zones come first.
pub fn place(net: usize, w: i32, parts: &[(Pt, Pt)], zones: &[Rect], obstacles: &Obstacles) -> Option<Rect> {
    let outside = |a: Pt, b: Pt| {
        let middle = Pt { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
        !zones.iter().any(|z| z.holds(middle))
    };
    let mut pieces: Vec<(Pt, Pt)> = parts.iter().flat_map(|(a, b)| cut_at(*a, *b, zones)).collect();
    let length = |a: &Pt, b: &Pt| (a.x - b.x).abs() + (a.y - b.y).abs();
    pieces.sort_by_key(|(a, b)| (!outside(*a, *b), -length(a, b)));
    pieces.iter().find_map(|(a, b)| slide(net, w, *a, *b, obstacles))
}

/// The parts of a straight line between the borders it crosses.
fn cut_at(a: Pt, b: Pt, zones: &[Rect]) -> Vec<(Pt, Pt)> {
    let horizontal = a.y == b.y;
    let along = |p: Pt| if horizontal { p.x } else { p.y };
    let (low, high) = (along(a).min(along(b)), along(a).max(along(b)));
    let mut cuts: Vec<i32> = zones
        .iter()
        .filter(|z| if horizontal { (z.y..=z.bottom()).contains(&a.y) } else { (z.x..=z.right()).contains(&a.x) })
        .flat_map(|z| if horizontal { [z.x, z.right()] } else { [z.y, z.bottom()] })
        .filter(|c| low < *c && *c < high)
        .chain([low, high])
        .collect();
    cuts.sort_unstable();
    cuts.dedup();
    let point = |v: i32| if horizontal { Pt { x: v, y: a.y } } else { Pt { x: a.x, y: v } };
    let mut pieces: Vec<(Pt, Pt)> =
        cuts.windows(2).filter_map(|w| Some((point(*w.first()?), point(*w.last()?)))).collect();
    if along(a) > along(b) {
        pieces.reverse();
        pieces.iter_mut().for_each(|(p, q)| std::mem::swap(p, q));
    }
    pieces
}

fn slide(net: usize, w: i32, a: Pt, b: Pt, obstacles: &Obstacles) -> Option<Rect> {
    let horizontal = a.y == b.y;
    let half = if horizontal { w / 2 + 1 } else { HEIGHT / 2 };
    let (from, to) = if horizontal { (a.x, b.x) } else { (a.y, b.y) };
    let length = (to - from).abs();
    let space = END_SPACE.min((length - 2 * half) / 2).max(4);
    let steps = (length - 2 * (half + space)) / SLIDE;
    (0..=steps).find_map(|i| {
        let offset = half + space + i * SLIDE;
        let along = if to > from { from + offset } else { from - offset };
        let (cx, cy) = if horizontal { (along, a.y) } else { (a.x, along) };
        let rect = Rect::new(cx - w / 2, cy - HEIGHT / 2, w, HEIGHT);
        obstacles.free(net, rect).then_some(rect)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_slides_past_an_obstacle() {
        let mut obstacles = Obstacles::default();
        let parts = [(Pt { x: 0, y: 0 }, Pt { x: 300, y: 0 })];
        let first = place(0, 60, &parts, &[], &obstacles);
        assert_eq!(first, Some(Rect::new(15, -9, 60, 18)));
        obstacles.boxes.push(Rect::new(40, -20, 30, 40));
        let moved = place(0, 60, &parts, &[], &obstacles);
        assert!(moved.is_some_and(|r| r.x >= 73));
    }

    #[test]
    fn a_foreign_line_keeps_labels_away_and_the_own_does_not() {
        let obstacles = Obstacles { lines: vec![(1, Rect::new(0, -1, 300, 2))], ..Obstacles::default() };
        let parts = [(Pt { x: 0, y: 0 }, Pt { x: 300, y: 0 })];
        assert_eq!(place(0, 60, &parts, &[], &obstacles), None);
        assert!(place(1, 60, &parts, &[], &obstacles).is_some());
    }

    #[test]
    fn no_room_is_said() {
        assert_eq!(place(0, 60, &[(Pt { x: 0, y: 0 }, Pt { x: 50, y: 0 })], &[], &Obstacles::default()), None);
    }
}
