//! zonec compiles network zone models.

pub mod space;
