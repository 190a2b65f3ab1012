//! The `zonec` command.
fn main() {}
