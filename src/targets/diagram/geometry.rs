//! Points, rectangles and the lane grid. All figures are pixels of the sheet (0.3 mm on A3).

/// Distance of two lanes.
pub const PITCH: i32 = 14;
/// First lane; the margin of 24 px is then a lane, too.
pub const ORIGIN: i32 = 10;

/// A point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pt {
    pub x: i32,
    pub y: i32,
}

/// A rectangle.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rect {
    pub x: i32,
    pub y: i32,
    pub w: i32,
    pub h: i32,
}

impl Rect {
    /// From the left upper corner and the size.
    pub fn new(x: i32, y: i32, w: i32, h: i32) -> Self {
        Self { x, y, w, h }
    }

    /// The smallest rectangle that holds both points.
    pub fn spanning(a: Pt, b: Pt) -> Self {
        Self::new(a.x.min(b.x), a.y.min(b.y), (a.x - b.x).abs(), (a.y - b.y).abs())
    }

    /// Right edge.
    pub fn right(&self) -> i32 {
        self.x + self.w
    }

    /// Lower edge.
    pub fn bottom(&self) -> i32 {
        self.y + self.h
    }

    /// Middle, horizontally.
    pub fn cx(&self) -> i32 {
        self.x + self.w / 2
    }

    /// Middle, vertically.
    pub fn cy(&self) -> i32 {
        self.y + self.h / 2
    }

    /// Wider by `d` on every side.
    pub fn grown(&self, d: i32) -> Self {
        Self::new(self.x - d, self.y - d, self.w + 2 * d, self.h + 2 * d)
    }

    /// Whether the two share more than an edge.
    pub fn hits(&self, other: &Rect) -> bool {
        self.x < other.right() && other.x < self.right() && self.y < other.bottom() && other.y < self.bottom()
    }

    /// Whether the point lies inside or on the edge.
    pub fn holds(&self, p: Pt) -> bool {
        p.x >= self.x && p.x <= self.right() && p.y >= self.y && p.y <= self.bottom()
    }

    /// The four edges as thin rectangles.
    pub fn edges(&self) -> [Rect; 4] {
        [
            Rect::new(self.x - 1, self.y - 1, self.w + 2, 2),
            Rect::new(self.x - 1, self.bottom() - 1, self.w + 2, 2),
            Rect::new(self.x - 1, self.y - 1, 2, self.h + 2),
            Rect::new(self.right() - 1, self.y - 1, 2, self.h + 2),
        ]
    }
}

/// The next lane at or after `v`.
pub fn lane_from(v: i32) -> i32 {
    v + (ORIGIN - v).rem_euclid(PITCH)
}

/// The next even number.
pub fn even(v: i32) -> i32 {
    v + v.rem_euclid(2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_start_at_the_origin() {
        assert_eq!(lane_from(10), 10);
        assert_eq!(lane_from(11), 24);
        assert_eq!(lane_from(-3), 10 - PITCH + PITCH);
    }

    #[test]
    fn touching_is_not_hitting() {
        let a = Rect::new(0, 0, 10, 10);
        assert!(!a.hits(&Rect::new(10, 0, 5, 5)));
        assert!(a.hits(&Rect::new(9, 9, 5, 5)));
    }
}
