//! Output formats of findings, one file each.

pub mod human;
pub mod json;
