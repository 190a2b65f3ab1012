//! Questions about one site: who reaches what, directly and by chains; what an address is; whether its policy tests hold.

mod address;
mod expect;
mod reach;

pub use address::{Owner, owners};
pub use expect::{Verdict, expectations};
pub use reach::{Chain, Direct, Way, chains, direct};
