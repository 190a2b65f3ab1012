//! The lane grid: which cell is free, which line runs through it, where the filter bars are.

use super::geometry::{ORIGIN, PITCH, Pt, Rect};

/// Horizontal axis.
pub const H: usize = 0;
/// Vertical axis.
pub const V: usize = 1;
/// Clearance of a line from a box.
pub const CLEARANCE: i32 = 6;
/// No line runs along a border closer than this.
const BORDER: i32 = 5;

/// One crossing point of lanes.
#[derive(Debug, Clone, Copy, Default)]
pub struct Cell {
    /// No line at all.
    pub blocked: bool,
    /// No line along the axis.
    pub no: [bool; 2],
    /// Index of the bar that covers it.
    pub bar: Option<usize>,
    /// Line that runs along the axis.
    pub line: [Option<usize>; 2],
    /// A bend, an end or a dot: nothing may cross here.
    pub knot: bool,
}

/// The grid.
#[derive(Debug, Clone)]
pub struct Lanes {
    /// Number of columns.
    pub cols: i32,
    /// Number of rows.
    pub rows: i32,
    cells: Vec<Cell>,
}

impl Lanes {
    /// An empty grid over a sheet.
    pub fn new(width: i32, height: i32) -> Self {
        let cols = (width - ORIGIN) / PITCH + 1;
        let rows = (height - ORIGIN) / PITCH + 1;
        let count = usize::try_from(cols.max(0) * rows.max(0)).unwrap_or(0);
        Self { cols, rows, cells: vec![Cell::default(); count] }
    }

    /// Number of the cell in a column and row.
    pub fn id(&self, col: i32, row: i32) -> Option<usize> {
        let inside = (0..self.cols).contains(&col) && (0..self.rows).contains(&row);
        inside.then(|| usize::try_from(row * self.cols + col).ok()).flatten()
    }

    /// Column and row of a cell.
    pub fn position(&self, id: usize) -> (i32, i32) {
        let id = i32::try_from(id).unwrap_or(0);
        (id % self.cols, id / self.cols)
    }

    /// Pixel position of a cell.
    pub fn point(&self, id: usize) -> Pt {
        let (col, row) = self.position(id);
        Pt { x: ORIGIN + PITCH * col, y: ORIGIN + PITCH * row }
    }

    /// The cell at a pixel position that lies on two lanes.
    pub fn at(&self, p: Pt) -> Option<usize> {
        let on = (p.x - ORIGIN).rem_euclid(PITCH) == 0 && (p.y - ORIGIN).rem_euclid(PITCH) == 0;
        if on { self.id((p.x - ORIGIN).div_euclid(PITCH), (p.y - ORIGIN).div_euclid(PITCH)) } else { None }
    }

    /// A cell; outside of the grid everything is blocked.
    pub fn cell(&self, id: usize) -> Cell {
        self.cells.get(id).copied().unwrap_or(Cell { blocked: true, ..Cell::default() })
    }

    /// A cell to change.
    pub fn cell_mut(&mut self, id: usize) -> Option<&mut Cell> {
        self.cells.get_mut(id)
    }

    /// Cells strictly inside a rectangle.
    pub fn inside(&self, r: Rect) -> Vec<usize> {
        let span = |from: i32, to: i32, count: i32| {
            let first = (from - ORIGIN).div_euclid(PITCH) + 1;
            let last = (to - ORIGIN - 1).div_euclid(PITCH);
            first.max(0)..(last + 1).min(count)
        };
        let cols = span(r.x, r.right(), self.cols);
        span(r.y, r.bottom(), self.rows)
            .flat_map(|row| cols.clone().map(move |col| (col, row)))
            .filter_map(|(col, row)| self.id(col, row))
            .collect()
    }

    /// Blocks everything in a rectangle.
    pub fn block(&mut self, r: Rect) {
        for id in self.inside(r) {
            if let Some(cell) = self.cell_mut(id) {
                cell.blocked = true;
            }
        }
    }

    /// Forbids lines along the four edges of a rectangle; they may be crossed.
    pub fn border(&mut self, r: Rect) {
        for (axis, edge) in [
            (H, Rect::new(r.x - BORDER, r.y - BORDER, r.w + 2 * BORDER, 2 * BORDER)),
            (H, Rect::new(r.x - BORDER, r.bottom() - BORDER, r.w + 2 * BORDER, 2 * BORDER)),
            (V, Rect::new(r.x - BORDER, r.y - BORDER, 2 * BORDER, r.h + 2 * BORDER)),
            (V, Rect::new(r.right() - BORDER, r.y - BORDER, 2 * BORDER, r.h + 2 * BORDER)),
        ] {
            for id in self.inside(edge) {
                if let Some(cell) = self.cell_mut(id) {
                    cell.no[axis] = true;
                }
            }
        }
    }

    /// Marks a bar; it may only be crossed at a right angle by the lines of its filter.
    pub fn bar(&mut self, index: usize, r: Rect, vertical: bool, name: Rect) {
        for id in self.inside(r.grown(3)) {
            if let Some(cell) = self.cell_mut(id) {
                cell.bar = Some(index);
                cell.no[if vertical { V } else { H }] = true;
            }
        }
        self.block(name);
    }

    /// Enters a line along cells that follow each other; its bends and ends become knots.
    pub fn enter(&mut self, net: usize, path: &[usize], vertical_bars: &[bool]) {
        for (i, id) in path.iter().enumerate() {
            let before = i.checked_sub(1).and_then(|b| path.get(b)).map(|b| self.axis(*b, *id));
            let after = path.get(i + 1).map(|a| self.axis(*id, *a));
            let bar = self.cell(*id).bar;
            if let Some(cell) = self.cell_mut(*id) {
                for axis in [before, after].into_iter().flatten() {
                    cell.line[axis] = Some(net);
                }
                cell.knot |= before.is_none() || after.is_none() || before != after;
                if path.len() == 1 {
                    cell.line = [Some(net); 2];
                }
            }
            if let Some(vertical) = bar.and_then(|b| vertical_bars.get(b)) {
                self.keep_gap(*id, *vertical);
            }
        }
    }

    /// Two gaps of a bar stand at least two lanes apart.
    fn keep_gap(&mut self, id: usize, vertical: bool) {
        let (col, row) = self.position(id);
        let beside = if vertical { [(col, row - 1), (col, row + 1)] } else { [(col - 1, row), (col + 1, row)] };
        for (c, r) in beside {
            if let Some(cell) = self.id(c, r).and_then(|n| self.cell_mut(n)) {
                cell.blocked = true;
            }
        }
    }

    /// Axis of the step between two neighbours.
    pub fn axis(&self, a: usize, b: usize) -> usize {
        if self.position(a).1 == self.position(b).1 { H } else { V }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_inside_are_strictly_inside() {
        let lanes = Lanes::new(100, 100);
        let ids = lanes.inside(Rect::new(10, 10, 28, 28));
        assert_eq!(ids.len(), 1, "edges do not count");
        assert_eq!(lanes.point(ids[0]), Pt { x: 24, y: 24 });
        assert_eq!(lanes.inside(Rect::new(9, 9, 30, 30)).len(), 9);
    }

    #[test]
    fn bends_and_ends_are_knots() {
        let mut lanes = Lanes::new(100, 100);
        let path: Vec<usize> = [(0, 0), (1, 0), (2, 0), (2, 1)].iter().filter_map(|(c, r)| lanes.id(*c, *r)).collect();
        lanes.enter(7, &path, &[]);
        let knots: Vec<bool> = path.iter().map(|id| lanes.cell(*id).knot).collect();
        assert_eq!(knots, [true, false, true, true]);
    }
}
