//! Brute force: what a ruleset does with every cell of a grid, and what the plan asks for.
//!
//! The constants of ruleset and plan cut each field into cells; inside a cell nothing can tell two values apart, so one
//! packet per cell is all packets (/docs/verification.md). A row of the grid fixes hook, interfaces, family, state and
//! protocol; its cells are all sources, destinations, ports or types, one bit each.

mod bits;
mod cells;
mod plan;
mod row;
mod ruleset;

use zonec::plan::GatewayPlan;

use crate::rules::Rules;

pub use cells::rows;
pub use plan::allowed;
pub use row::Row;
pub use ruleset::{knows, passing};

pub const STATES: [&str; 5] = ["new", "established", "related", "invalid", "untracked"];
pub const HOOKS: [&str; 3] = ["forward", "input", "output"];
/// Solicitations and advertisements of neighbours, solicitations of routers; reports and queries of listeners.
const ND: [u128; 3] = [133, 135, 136];
const MLD: [u128; 4] = [130, 131, 132, 143];
const LOCAL: (u128, u128) = (0xfe80 << 112, (0xfec0 << 112) - 1);
const PORTS: [u8; 5] = [6, 17, 33, 132, 136];
const ANY: (u128, u128) = (0, u128::MAX);

/// A packet that ruleset and plan judge differently, if there is one; `Err` when the ruleset does not tell.
pub fn differing(rules: &Rules, plan: &GatewayPlan) -> Result<Option<String>, ()> {
    for row in rows(rules, plan) {
        let (passes, wanted) = (passing(rules, &row).ok_or(())?, allowed(plan, &row));
        if let Some(cell) = passes.differs(&wanted) {
            return Ok(Some(row.packet(cell)));
        }
    }
    Ok(None)
}
