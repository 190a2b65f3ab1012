//! The way of one line over the lanes: A* with costs for length, bends and crossings.
//!
//! A line crosses exactly the filters of its chain, in their order. Where the picture has no bar for a filter, the
//! way without it is taken at a high price, and the filter's name is set beside the label instead.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::geometry::{PITCH, Pt, Rect};
use super::lanes::{H, Lanes, V};

const BEND: i32 = 60;
const CROSSING: i32 = 90;
const MISSING_FILTER: i32 = 4000;
/// Most bends of a line.
pub const MAX_BENDS: u8 = 4;

/// Directions clockwise from east.
pub const STEPS: [(i32, i32); 4] = [(1, 0), (0, 1), (-1, 0), (0, -1)];

/// A possible start or end of a line.
#[derive(Debug, Clone)]
pub struct Port {
    /// Point on the edge of the box, or on the trunk that is joined.
    pub base: Pt,
    /// First cell outside.
    pub cell: usize,
    /// Direction away from the box.
    pub out: usize,
    /// Filters of bars between base and cell, seen from the base.
    pub filters: Vec<usize>,
    /// Cost of this choice.
    pub cost: i32,
    /// Cells between base and cell, seen from the base.
    pub stubs: Vec<usize>,
    /// Lies on a trunk.
    pub joint: bool,
}

/// What a line has to connect.
#[derive(Debug)]
pub struct Task<'a> {
    /// Possible starts.
    pub starts: &'a [Port],
    /// Possible ends.
    pub goals: &'a [Port],
    /// Filters to pass, in order.
    pub chain: &'a [usize],
    /// Filter of each bar.
    pub bar_filter: &'a [usize],
    /// Whether a cell is closed to this line.
    pub closed: &'a [bool],
    /// Surcharge of a cell, raised where a label found no room.
    pub toll: &'a [i32],
}

/// A way found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Way {
    /// Cells from the start to the goal, those between the boxes and the first lanes included.
    pub cells: Vec<usize>,
    /// Base points of start and goal.
    pub ends: [Pt; 2],
    /// Filters of the chain that no bar on the way stands for.
    pub missing: Vec<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct State {
    cell: usize,
    dir: usize,
    /// Filters of the chain passed or given up.
    progress: usize,
}

#[derive(Debug, Clone, Copy)]
struct Visit {
    cost: i32,
    bends: u8,
    done: bool,
    /// The state before; [`START`] for the first.
    from: u32,
    port: u32,
    missing: u32,
}

/// No state before this one.
const START: u32 = u32::MAX;

/// A state to look at: estimated cost, whether it ends a way, and its number. The cheapest comes first.
type Queued = Reverse<(i32, bool, u32)>;

/// Finds the cheapest way, or none.
pub fn find(lanes: &Lanes, task: &Task) -> Option<Way> {
    Search::new(lanes, task).run()
}

struct Search<'a> {
    lanes: &'a Lanes,
    task: &'a Task<'a>,
    levels: usize,
    /// Place in `visits` of each state, counted from 1; 0 for one that was not reached. Most never are.
    slots: Vec<u32>,
    visits: Vec<Visit>,
    heap: BinaryHeap<Queued>,
    target: Rect,
    /// Whether a goal lies at a cell.
    is_goal: Vec<bool>,
}

impl<'a> Search<'a> {
    fn new(lanes: &'a Lanes, task: &'a Task<'a>) -> Self {
        let levels = task.chain.len() + 1;
        let cells = usize::try_from(lanes.cols * lanes.rows).unwrap_or(0);
        let mut points = task.goals.iter().map(|g| lanes.point(g.cell));
        let first = points.next().unwrap_or(Pt { x: 0, y: 0 });
        let (low, high) = points.fold((first, first), |(l, h), p| {
            (Pt { x: l.x.min(p.x), y: l.y.min(p.y) }, Pt { x: h.x.max(p.x), y: h.y.max(p.y) })
        });
        let mut is_goal = vec![false; cells];
        for goal in task.goals {
            if let Some(flag) = is_goal.get_mut(goal.cell) {
                *flag = true;
            }
        }
        Self {
            lanes,
            task,
            levels,
            slots: vec![0; cells * 4 * levels],
            visits: Vec::new(),
            heap: BinaryHeap::new(),
            target: Rect::spanning(low, high),
            is_goal,
        }
    }

    fn is_goal(&self, cell: usize) -> bool {
        self.is_goal.get(cell).copied().unwrap_or(false)
    }

    fn visit(&mut self, key: u32) -> Option<&mut Visit> {
        let slot = self.slots.get(usize::try_from(key).ok()?)?;
        self.visits.get_mut(usize::try_from(slot.checked_sub(1)?).ok()?)
    }

    fn key(&self, s: State) -> u32 {
        u32::try_from((s.cell * 4 + s.dir) * self.levels + s.progress).unwrap_or(START)
    }

    fn state(&self, key: u32) -> State {
        let key = usize::try_from(key).unwrap_or(usize::MAX);
        let rest = key / self.levels;
        State { cell: rest / 4, dir: rest % 4, progress: key % self.levels }
    }

    fn estimate(&self, cell: usize) -> i32 {
        let p = self.lanes.point(cell);
        let beside = |v: i32, from: i32, to: i32| (from - v).max(v - to).max(0);
        beside(p.x, self.target.x, self.target.right()) + beside(p.y, self.target.y, self.target.bottom())
    }

    fn run(mut self) -> Option<Way> {
        for (port, start) in self.task.starts.iter().enumerate() {
            let cell = self.lanes.cell(start.cell);
            let axis = start.out % 2;
            let taken = cell.line[axis].is_some() || (cell.knot && !start.joint);
            if self.closed(start.cell) || cell.no[axis] || (taken && !start.joint) {
                continue;
            }
            if let Some((progress, missing)) = self.pass(0, 0, &start.filters) {
                let state = State { cell: start.cell, dir: start.out, progress };
                let port = u32::try_from(port).unwrap_or(START);
                let visit = Visit { cost: start.cost, bends: 0, from: START, port, missing, done: false };
                self.offer(state, visit);
            }
        }
        let goals = self.goals_by_cell();
        let mut best: Vec<(u32, usize, u32)> = Vec::new();
        while let Some(Reverse((_, ends, key))) = self.heap.pop() {
            if ends {
                let (last, goal, missing) = best.get(usize::try_from(key).ok()?).copied()?;
                return self.way(last, goal, missing);
            }
            let Some(visit) = self.visit(key) else { continue };
            if std::mem::replace(&mut visit.done, true) {
                continue;
            }
            let (visit, state) = (*visit, self.state(key));
            let here = self.is_goal(state.cell).then(|| goals.range((state.cell, 0)..=(state.cell, usize::MAX)));
            for goal in here.into_iter().flatten().map(|(_, g)| *g) {
                if let Some((cost, missing)) = self.arrive(state, visit, goal) {
                    self.heap.push(Reverse((cost, true, u32::try_from(best.len()).unwrap_or(START))));
                    best.push((key, goal, missing));
                }
            }
            for turn in [0, 1, 3] {
                self.step(state, visit, turn, key, &goals);
            }
        }
        None
    }

    fn goals_by_cell(&self) -> std::collections::BTreeSet<(usize, usize)> {
        self.task.goals.iter().enumerate().map(|(i, g)| (g.cell, i)).collect()
    }

    /// Cost of ending in a goal from a state, with the filters of the stub.
    fn arrive(&self, state: State, visit: Visit, goal: usize) -> Option<(i32, u32)> {
        let port = self.task.goals.get(goal)?;
        if (port.out + 2) % 4 != state.dir {
            return None;
        }
        let inward: Vec<usize> = port.filters.iter().rev().copied().collect();
        let (progress, missing) = self.pass(state.progress, visit.missing, &inward)?;
        let open = self.task.chain.len() - progress;
        let rest: u32 = (progress..self.task.chain.len()).map(|i| 1u32 << i.min(31)).sum();
        let cost = visit.cost + port.cost + MISSING_FILTER * i32::try_from(open).unwrap_or(0);
        Some((cost + self.skipped(visit.missing, missing), missing | rest))
    }

    fn skipped(&self, before: u32, after: u32) -> i32 {
        MISSING_FILTER * i32::try_from((after & !before).count_ones()).unwrap_or(0)
    }

    /// Progress along the chain after crossing filters, or none when one of them does not belong to it.
    fn pass(&self, mut progress: usize, mut missing: u32, filters: &[usize]) -> Option<(usize, u32)> {
        for filter in filters {
            let at = (progress..self.task.chain.len()).find(|i| self.task.chain.get(*i) == Some(filter))?;
            for skipped in progress..at {
                missing |= 1 << skipped.min(31);
            }
            progress = at + 1;
        }
        Some((progress, missing))
    }

    fn closed(&self, cell: usize) -> bool {
        self.lanes.cell(cell).blocked || self.task.closed.get(cell).copied().unwrap_or(true)
    }

    fn step(
        &mut self,
        state: State,
        visit: Visit,
        turn: usize,
        key: u32,
        goals: &std::collections::BTreeSet<(usize, usize)>,
    ) {
        let dir = (state.dir + turn) % 4;
        let here = self.lanes.cell(state.cell);
        let bends = visit.bends + u8::from(turn != 0);
        let crossed = here.line.iter().any(Option::is_some) || here.no[H] || here.no[V] || here.bar.is_some();
        if bends > MAX_BENDS || (turn != 0 && (crossed || here.knot)) {
            return;
        }
        let (col, row) = self.lanes.position(state.cell);
        let (dx, dy) = STEPS.get(dir).copied().unwrap_or((1, 0));
        let Some(next) = self.lanes.id(col + dx, row + dy) else { return };
        let (there, axis) = (self.lanes.cell(next), dir % 2);
        let is_joint = || {
            if !self.is_goal(next) {
                return false;
            }
            let mut at = goals.range((next, 0)..=(next, usize::MAX));
            at.any(|(_, g)| self.task.goals.get(*g).is_some_and(|p| p.joint))
        };
        if self.closed(next) || there.no[axis] || there.line[axis].is_some() || (there.knot && !is_joint()) {
            return;
        }
        let entered = there.bar.filter(|b| here.bar != Some(*b)).and_then(|b| self.task.bar_filter.get(b)).copied();
        let Some((progress, missing)) = self.pass(state.progress, visit.missing, entered.as_slice()) else { return };
        let mut cost =
            visit.cost + PITCH + self.task.toll.get(next).copied().unwrap_or(0) + self.skipped(visit.missing, missing);
        cost += if turn == 0 { 0 } else { BEND };
        cost += if there.line[1 - axis].is_some() { CROSSING } else { 0 };
        let next = State { cell: next, dir, progress };
        self.offer(next, Visit { cost, bends, from: key, port: visit.port, missing, done: false });
    }

    fn offer(&mut self, state: State, visit: Visit) {
        let key = self.key(state);
        if let Some(old) = self.visit(key) {
            if old.done || visit.cost >= old.cost {
                return;
            }
            *old = visit;
        } else {
            let place = u32::try_from(self.visits.len() + 1).unwrap_or(0);
            let Some(slot) = usize::try_from(key).ok().and_then(|key| self.slots.get_mut(key)) else { return };
            *slot = place;
            self.visits.push(visit);
        }
        self.heap.push(Reverse((visit.cost + self.estimate(state.cell), false, key)));
    }

    fn way(&mut self, last: u32, goal: usize, missing: u32) -> Option<Way> {
        let mut cells = Vec::new();
        let (mut key, mut port) = (last, 0);
        while key != START {
            let visit = *self.visit(key)?;
            cells.push(self.state(key).cell);
            (port, key) = (usize::try_from(visit.port).ok()?, visit.from);
        }
        let (start, goal) = (self.task.starts.get(port)?, self.task.goals.get(goal)?);
        cells.extend(start.stubs.iter().rev());
        cells.reverse();
        cells.extend(goal.stubs.iter().rev());
        let ends = [start.base, goal.base];
        let missing = self.task.chain.iter().enumerate().filter(|(i, _)| missing >> i.min(&31) & 1 == 1);
        Some(Way { cells, ends, missing: missing.map(|(_, f)| *f).collect() })
    }
}
