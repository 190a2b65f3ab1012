//! Routing all lines of a sheet, one after the other, each with its branches and its label.

use super::bars::Bar;
use super::cards::{End, Index};
use super::geometry::{Pt, Rect};
use super::label::{self, Obstacles};
use super::lanes::{CLEARANCE, Lanes};
use super::metrics::Metrics;
use super::nets::Net;
use super::ports;
use super::route::{self, Task, Way};
use super::scene::Scene;
use super::sheet::Plane;

/// Attempts to find a way that has room for the label.
const ATTEMPTS: usize = 6;
/// Nothing is drawn closer to the left and right edge of the sheet.
const SHEET_EDGE: i32 = 12;
/// Surcharge for cells of a way that had no room.
const TOLL: i32 = 40;

/// A line as drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wire {
    /// Index of the net.
    pub net: usize,
    /// Corner points of the trunk from start to end.
    pub trunk: Vec<Pt>,
    /// Corner points of branches; the point on the trunk is the last of a source, the first of a target.
    pub branches: Vec<Branch>,
    /// Label, when there was room for one.
    pub label: Option<Label>,
    /// Filters of the chain that no bar on the way stands for.
    pub plates: Vec<usize>,
}

/// A branch of a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// Corner points.
    pub points: Vec<Pt>,
    /// Joins the trunk (a source) or leaves it (a target).
    pub joins: bool,
}

/// A label's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Label {
    /// The whole group with badges and plates.
    pub rect: Rect,
    /// Only the id fitted.
    pub short: bool,
}

/// The result of routing.
#[derive(Debug, Clone, Default)]
pub struct Wiring {
    /// Lines that found a way.
    pub wires: Vec<Wire>,
    /// Nets without a way, or with a branch or label that did not fit.
    pub failed: Vec<usize>,
}

/// Everything a line has to respect.
pub struct Board<'a> {
    /// Lookup.
    pub index: &'a Index<'a>,
    /// Widths of texts.
    pub metrics: &'a Metrics,
    /// Boxes.
    pub scene: &'a Scene,
    /// Bars.
    pub bars: &'a [Bar],
    /// Lines to draw.
    pub nets: &'a [Net],
    /// Titles and other texts that lines go around.
    pub texts: &'a [Rect],
}

struct Router<'a> {
    board: &'a Board<'a>,
    lanes: Lanes,
    obstacles: Obstacles,
    bar_filter: Vec<usize>,
    upright: Vec<bool>,
    out: Wiring,
}

/// Routes all nets.
pub fn route_all(board: &Board) -> Wiring {
    let mut router = Router::new(board);
    let mut order: Vec<usize> = (0..board.nets.len()).collect();
    order.sort_by_key(|n| router.priority(*n));
    for net in order {
        router.net(net);
    }
    let mut out = router.out;
    out.wires.sort_by_key(|w| w.net);
    out
}

impl<'a> Router<'a> {
    fn new(board: &'a Board<'a>) -> Self {
        let scene = board.scene;
        let mut lanes = Lanes::new(scene.width - 10, scene.height);
        for rect in scene.places.iter().chain(&scene.clusters).chain(&scene.container) {
            lanes.border(*rect);
        }
        for (i, bar) in board.bars.iter().enumerate() {
            lanes.bar(i, bar.rect, bar.vertical, bar.name.grown(2));
        }
        let mut obstacles = Obstacles::default();
        for rect in board.texts.iter().copied().chain(scene.panels.iter().map(|(_, r)| *r)).chain([scene.title_block]) {
            lanes.block(rect.grown(4));
            obstacles.boxes.push(rect);
        }
        lanes.block(Rect::new(-20, -20, scene.width + 40, 20 + scene.top.0 - 30));
        for margin in [
            Rect::new(-20, -20, 20 + SHEET_EDGE, scene.height + 40),
            Rect::new(scene.width - SHEET_EDGE, -20, 20 + SHEET_EDGE, scene.height + 40),
        ] {
            lanes.block(margin);
            obstacles.boxes.push(margin);
        }
        obstacles.boxes.extend(&scene.cards);
        obstacles.boxes.extend(board.bars.iter().map(|b| b.rect));
        for rect in scene.places.iter().chain(&scene.clusters).chain(&scene.container) {
            obstacles.borders.extend(rect.edges());
        }
        Self {
            board,
            lanes,
            obstacles,
            bar_filter: board.bars.iter().map(|b| b.filter).collect(),
            upright: board.bars.iter().map(|b| b.vertical).collect(),
            out: Wiring::default(),
        }
    }

    fn end_rect(&self, end: End) -> Rect {
        let scene = self.board.scene;
        let rect = match end {
            End::Card(c) => scene.cards.get(c),
            End::Cluster(c) => scene.clusters.get(c),
            End::Place(p) => scene.places.get(p),
        };
        rect.copied().unwrap_or_default()
    }

    /// Short production lines first, management last.
    fn priority(&self, net: usize) -> (u8, i32, usize) {
        let Some(n) = self.board.nets.get(net) else { return (2, 0, net) };
        let ends = n.sources.first().zip(n.targets.first());
        let distance = ends.map_or(0, |(s, t)| {
            let (a, b) = (self.end_rect(*s), self.end_rect(*t));
            (a.cx() - b.cx()).abs() + 3 * (a.cy() - b.cy()).abs()
        });
        let branches = i32::try_from(n.sources.len() + n.targets.len()).unwrap_or(2) - 2;
        (u8::from(n.plane == Plane::Management), distance + 100 * branches, net)
    }

    /// Routes a net; when the label finds no room, other ways are tried.
    fn net(&mut self, id: usize) {
        let Some(net) = self.board.nets.get(id) else { return };
        let closed = self.closed(net);
        let mut toll = vec![0; closed.len()];
        let mut best: Option<Trial> = None;
        for _ in 0..ATTEMPTS {
            let Some(trial) = self.attempt(id, net, &closed, &toll) else { break };
            for cell in &trial.cells {
                if let Some(t) = toll.get_mut(*cell) {
                    *t += TOLL;
                }
            }
            if best.as_ref().is_none_or(|b| trial.defects < b.defects) {
                best = Some(trial);
            }
            if best.as_ref().is_some_and(|b| b.defects == 0) {
                break;
            }
        }
        if best.as_ref().is_none_or(|b| b.defects > 0) {
            self.out.failed.push(id);
        }
        if let Some(trial) = best {
            (self.lanes, self.obstacles) = (trial.lanes, trial.obstacles);
            self.out.wires.push(trial.wire);
        }
    }

    /// Cells a net may not use: all boxes but those around its ends.
    fn closed(&self, net: &Net) -> Vec<bool> {
        let scene = self.board.scene;
        let ends: Vec<End> = net.sources.iter().chain(&net.targets).copied().collect();
        let around = |place: usize| (net.from == place || net.to == place) && !ends.contains(&End::Place(place));
        let cluster_of = |end: &End| match end {
            End::Card(c) => self.board.index.cards.get(*c).and_then(|c| c.cluster),
            _ => None,
        };
        let mut closed = vec![false; usize::try_from(self.lanes.cols * self.lanes.rows).unwrap_or(0)];
        let mut close = |cells: Vec<usize>, shut: bool| {
            for cell in cells {
                if let Some(c) = closed.get_mut(cell) {
                    *c = shut;
                }
            }
        };
        if let (true, Some(zone)) = (net.from == net.to, scene.places.get(net.from)) {
            close((0..usize::try_from(self.lanes.cols * self.lanes.rows).unwrap_or(0)).collect(), true);
            close(self.lanes.inside(*zone), false);
        }
        let grown = |r: &Rect| self.lanes.inside(r.grown(CLEARANCE));
        for (_, r) in scene.places.iter().enumerate().filter(|(p, r)| r.w > 0 && !around(*p)) {
            close(grown(r), true);
        }
        let open_cluster = |c: usize| ends.iter().any(|e| cluster_of(e) == Some(c));
        for (_, r) in scene.clusters.iter().enumerate().filter(|(c, _)| !open_cluster(*c)) {
            close(grown(r), true);
        }
        scene.cards.iter().for_each(|r| close(grown(r), true));
        closed
    }

    fn attempt(&self, id: usize, net: &Net, closed: &[bool], toll: &[i32]) -> Option<Trial> {
        let mut lanes = self.lanes.clone();
        let trunk = self.way(&lanes, net, closed, toll, None)?;
        lanes.enter(id, &trunk.cells, &self.upright);
        let mut span = Span::of(&lanes, &trunk.cells);
        let mut branches = Vec::new();
        let mut defects = 0;
        let extra =
            net.sources.iter().skip(1).map(|e| (*e, true)).chain(net.targets.iter().skip(1).map(|e| (*e, false)));
        for (end, joins) in extra {
            let way = self.way(&lanes, net, closed, toll, Some((end, joins, &trunk.cells, &span)));
            let joint = way.as_ref().and_then(|w| if joins { w.cells.last() } else { w.cells.first() }).copied();
            span.note(trunk.cells.iter().position(|c| Some(*c) == joint), joins);
            // Without a bar on the trunk a branch may join anywhere; the label then names the trunk.
            let anywhere = span.anywhere(trunk.cells.len());
            let late = || self.way(&lanes, net, closed, toll, Some((end, joins, &trunk.cells, anywhere.as_ref()?)));
            let Some(way) = way.or_else(late) else {
                defects += 2;
                continue;
            };
            lanes.enter(id, &way.cells, &self.upright);
            branches.push(Branch { points: corners(&lanes, &way), joins });
        }
        let mut wire =
            Wire { net: id, trunk: corners(&lanes, &trunk), branches, label: None, plates: trunk.missing.clone() };
        let mut obstacles = self.obstacles.clone();
        for points in wire.polylines() {
            obstacles.lines.extend(points.windows(2).filter_map(|w| Some((id, line_rect(*w.first()?, *w.last()?)))));
        }
        wire.label = self.label(id, net, &wire, &span.parts(&lanes, &trunk), &obstacles);
        match wire.label {
            Some(label) => {
                obstacles.boxes.push(label.rect);
                lanes.block(label.rect.grown(4));
                defects += usize::from(label.short);
            }
            None => defects += 2,
        }
        Some(Trial { wire, lanes, obstacles, cells: trunk.cells, defects })
    }

    /// The way of the trunk, or of a branch from or to the trunk.
    fn way(
        &self,
        lanes: &Lanes,
        net: &Net,
        closed: &[bool],
        toll: &[i32],
        branch: Option<(End, bool, &[usize], &Span)>,
    ) -> Option<Way> {
        let ports = |end: End| ports::of_box(lanes, self.board.bars, end, self.end_rect(end));
        let (starts, goals, chain) = match branch {
            None => (ports(*net.sources.first()?), ports(*net.targets.first()?), net.chain.as_slice()),
            Some((end, true, trunk, span)) => (ports(end), ports::of_trunk(lanes, trunk, 1..span.first), [].as_slice()),
            Some((end, false, trunk, span)) => {
                (ports::of_trunk(lanes, trunk, span.last..trunk.len()), ports(end), [].as_slice())
            }
        };
        route::find(lanes, &Task { starts: &starts, goals: &goals, chain, bar_filter: &self.bar_filter, closed, toll })
    }

    fn label(&self, id: usize, net: &Net, wire: &Wire, parts: &[(Pt, Pt)], obstacles: &Obstacles) -> Option<Label> {
        let metrics = self.board.metrics;
        let names = wire.plates.iter().filter_map(|f| self.board.index.sheet.filters.get(*f));
        let plates: i32 = names.map(|f| label::plate_width(metrics, &f.id) + label::PART_GAP).sum();
        let zones: Vec<Rect> = self.board.scene.places.clone();
        let full = label::width(metrics, net) + plates;
        let short = full - label::body_width(metrics, &net.body);
        let place = |w: i32| label::place(id, w, parts, &zones, obstacles);
        let long = place(full).map(|rect| Label { rect, short: false });
        long.or_else(|| place(short).map(|rect| Label { rect, short: true }))
    }
}

/// A way with its branches and label, before it is kept.
struct Trial {
    wire: Wire,
    lanes: Lanes,
    obstacles: Obstacles,
    cells: Vec<usize>,
    defects: usize,
}

/// The part of a trunk that all its flows share, as positions in its cells.
struct Span {
    /// Whether the trunk crosses a bar.
    barred: bool,
    /// Sources join before this position: that of the first filter, or the middle.
    first: usize,
    /// Targets branch off from this position on.
    last: usize,
    /// Last joint of a source.
    low: usize,
    /// First joint of a target.
    high: usize,
}

impl Span {
    fn of(lanes: &Lanes, cells: &[usize]) -> Self {
        let bars: Vec<usize> =
            cells.iter().enumerate().filter(|(_, c)| lanes.cell(**c).bar.is_some()).map(|(i, _)| i).collect();
        let middle = cells.len() / 2;
        Self {
            barred: !bars.is_empty(),
            first: bars.first().copied().unwrap_or(middle),
            last: bars.last().map_or(middle, |b| b + 1),
            low: 0,
            high: cells.len().saturating_sub(1),
        }
    }

    /// The whole trunk as the range of joints, when no filter lies on it.
    fn anywhere(&self, cells: usize) -> Option<Self> {
        (!self.barred).then_some(Self { barred: false, first: cells, last: 1, low: 0, high: cells })
    }

    fn note(&mut self, at: Option<usize>, joins: bool) {
        match at {
            Some(i) if joins => self.low = self.low.max(i),
            Some(i) => self.high = self.high.min(i),
            None => {}
        }
    }

    /// The straight parts of the shared piece, in flow direction.
    fn parts(&self, lanes: &Lanes, way: &Way) -> Vec<(Pt, Pt)> {
        let mut points: Vec<Pt> =
            way.cells.get(self.low..=self.high).unwrap_or_default().iter().map(|c| lanes.point(*c)).collect();
        let [start, goal] = way.ends;
        if self.low == 0 {
            points.insert(0, start);
        }
        if self.high + 1 == way.cells.len() {
            points.push(goal);
        }
        let points = simplify(&points);
        points.windows(2).filter_map(|w| Some((*w.first()?, *w.last()?))).collect()
    }
}

impl Wire {
    /// All its polylines: trunk and branches.
    pub fn polylines(&self) -> impl Iterator<Item = &Vec<Pt>> {
        std::iter::once(&self.trunk).chain(self.branches.iter().map(|b| &b.points))
    }
}

fn corners(lanes: &Lanes, way: &Way) -> Vec<Pt> {
    let [start, goal] = way.ends;
    let inner = way.cells.iter().map(|c| lanes.point(*c));
    simplify(&std::iter::once(start).chain(inner).chain([goal]).collect::<Vec<_>>())
}

/// Drops points that repeat or lie on a straight line.
fn simplify(points: &[Pt]) -> Vec<Pt> {
    let mut out: Vec<Pt> = Vec::new();
    for p in points {
        if out.last() == Some(p) {
            continue;
        }
        if let [.., a, b] = out.as_slice()
            && ((a.x == b.x && b.x == p.x) || (a.y == b.y && b.y == p.y))
        {
            out.pop();
        }
        out.push(*p);
    }
    out
}

/// A straight part of a line as a thin rectangle.
pub fn line_rect(a: Pt, b: Pt) -> Rect {
    Rect::spanning(a, b).grown(1)
}
