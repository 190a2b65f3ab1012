//! The proof: what the readers find in artefacts against what the plan allows.

pub mod cluster;
pub mod gateway;
