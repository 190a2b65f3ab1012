//! nftables: the emitted files as text and `nft -j list ruleset` of a machine.
//!
//! ```text
//! text ─┐
//!       ├→ Ruleset (as written) → Program (matches as boxes) → Fates (may pass, may be dropped)
//! JSON ─┘
//! ```
//!
//! Everything on the hooks counts: all tables, several base chains in the order of their
//! priorities; what one accepts another may still drop. What is not understood is never skipped:
//! it may do anything to the packets that reach it, so the two maps of [`Fates`] overlap there.

mod ast;
mod condition;
mod cursor;
mod evaluate;
mod flags;
pub mod json;
mod lexer;
mod lower;
mod names;
mod program;
mod statement;
pub mod text;
mod value;
mod walk;

pub use ast::{Place, Remark, Ruleset};
pub use evaluate::Fates;
pub use program::{Decision, DecisionKind, Program};
