//! zonec compiles network zone models: one zone description in, firewall rules, policies, diagram and audit
//! documents out, with the proof that they agree.
//!
//! The pipeline, stage by stage; each stage knows only those before it:
//! `source` → `syntax` → `model` → `graph` → `rules` → `deviations` → `plan` → `targets` → `verify` → `report` → `output`.

pub mod check;
pub mod claims;
pub mod cli;
pub mod compile;
pub mod data;
pub mod deviations;
pub mod diff;
pub mod finding;
pub mod graph;
pub mod i18n;
pub mod import;
#[cfg(feature = "lsp")]
pub mod lsp;
pub mod model;
pub mod output;
pub mod plan;
pub mod query;
pub mod readers;
pub mod report;
pub mod rules;
pub mod source;
pub mod space;
pub mod syntax;
pub mod targets;
pub mod trace;
pub mod verify;
pub mod workers;
