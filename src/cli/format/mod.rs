//! Output formats of findings, one file each.

pub mod chain;
pub mod codequality;
pub mod diff;
pub mod human;
pub mod import;
pub mod json;
pub mod junit;
pub mod markdown;
mod place;
pub mod sarif;

pub use place::Places;
