//! Where lines may leave and reach a box or a trunk.

use super::bars::Bar;
use super::cards::End;
use super::geometry::{PITCH, Pt, Rect, lane_from};
use super::lanes::{CLEARANCE, Lanes};
use super::route::{Port, STEPS};
use super::scene::BAR;

/// Least distance of a port from a corner.
const CORNER: i32 = 8;
/// How far from a zone's edge a filter bar is taken as standing on it.
const REACH: i32 = 14 + BAR;

/// All ports of a box.
pub fn of_box(lanes: &Lanes, bars: &[Bar], end: End, rect: Rect) -> Vec<Port> {
    let mut ports = Vec::new();
    for out in 0..STEPS.len() {
        let horizontal = out % 2 == 0;
        let (from, to) = if horizontal { (rect.y, rect.bottom()) } else { (rect.x, rect.right()) };
        let corner = if matches!(end, End::Place(_)) { PITCH } else { CORNER };
        let middle = (from + to) / 2;
        let mut v = lane_from(from + corner);
        while v <= to - corner {
            let cost = match end {
                End::Place(_) => 0,
                _ => (v - middle).abs() / 2,
            };
            ports.extend(port(lanes, bars, rect, out, v, cost, end));
            v += PITCH;
        }
    }
    ports
}

fn port(lanes: &Lanes, bars: &[Bar], rect: Rect, out: usize, v: i32, cost: i32, end: End) -> Option<Port> {
    let (edge, sign) = match out {
        0 => (rect.right(), 1),
        1 => (rect.bottom(), 1),
        2 => (rect.x, -1),
        _ => (rect.y, -1),
    };
    let horizontal = out.is_multiple_of(2);
    let point = |d: i32| if horizontal { Pt { x: edge + sign * d, y: v } } else { Pt { x: v, y: edge + sign * d } };
    let mut base = point(0);
    let mut distance = CLEARANCE;
    let mut filters = Vec::new();
    if matches!(end, End::Place(_)) {
        let stub = Rect::spanning(point(-BAR / 2), point(REACH)).grown(1);
        for bar in bars.iter().filter(|b| b.vertical == horizontal && b.rect.hits(&stub)) {
            if bar.name.grown(4).hits(&stub) {
                return None;
            }
            let r = bar.rect;
            let (near, far) = match out {
                0 => (r.x - edge, r.right() - edge),
                1 => (r.y - edge, r.bottom() - edge),
                2 => (edge - r.right(), edge - r.x),
                _ => (edge - r.bottom(), edge - r.y),
            };
            if near < 0 {
                base = point(near);
            }
            distance = distance.max(far + CLEARANCE);
            filters.push(bar.filter);
        }
    }
    let first = point(distance);
    let along = if horizontal { first.x } else { first.y };
    let lane = if sign > 0 { lane_from(along) } else { lane_from(along - PITCH + 1) };
    let at = if horizontal { Pt { x: lane, y: v } } else { Pt { x: v, y: lane } };
    let stub = Rect::spanning(base, at);
    let cells = lanes.inside(stub.grown(1)).into_iter().filter(|c| lanes.point(*c) != at);
    let mut stubs: Vec<usize> = cells.collect();
    stubs.sort_by_key(|c| {
        let p = lanes.point(*c);
        (p.x - base.x).abs() + (p.y - base.y).abs()
    });
    if stubs.iter().any(|c| lanes.cell(*c).blocked || lanes.cell(*c).line.iter().any(Option::is_some)) {
        return None;
    }
    let length = (at.x - base.x).abs() + (at.y - base.y).abs();
    Some(Port { base, cell: lanes.at(at)?, out, filters, cost: cost + length, stubs, joint: false })
}

/// Points of a trunk where a branch may join or leave, at a right angle.
///
/// `range` is the part of the trunk's cells before the first filter, or behind the last.
pub fn of_trunk(lanes: &Lanes, cells: &[usize], range: std::ops::Range<usize>) -> Vec<Port> {
    let mut ports = Vec::new();
    for i in range {
        let (Some(before), Some(id), Some(after)) =
            (i.checked_sub(1).and_then(|b| cells.get(b)), cells.get(i), cells.get(i + 1))
        else {
            continue;
        };
        let axis = lanes.axis(*before, *id);
        let cell = lanes.cell(*id);
        let crossed = cell.line[1 - axis].is_some();
        if axis != lanes.axis(*id, *after) || crossed || cell.knot || cell.bar.is_some() || cell.no[1 - axis] {
            continue;
        }
        for out in [1 - axis, 3 - axis] {
            ports.push(Port {
                base: lanes.point(*id),
                cell: *id,
                out,
                filters: Vec::new(),
                cost: 0,
                stubs: Vec::new(),
                joint: true,
            });
        }
    }
    ports
}
