//! Packet sets against brute force.
//!
//! `small` compares every operation with a bit set over 4-bit fields. `grid` compares sets of real
//! packets with a judge that knows only `Packet`: one representative per cell of all constants,
//! which is exhaustive for combinations of intervals.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "space/grid.rs"]
mod grid;
#[path = "space/small.rs"]
mod small;
