//! The language as written: text → tree → records. Knows nothing of meaning.

mod clusters;
pub mod de;
pub mod decode;
pub mod document;
mod flows;
pub mod mention;
mod names;
pub mod objects;
mod read;
mod record;
pub mod scalars;
mod schema;
pub mod service;
mod slip;
pub mod tree;
pub mod write;

pub use decode::Spanned;
pub use document::Document;
pub use names::{nearest, proposal};
pub use read::{Read, Visitor, read_site, read_site_with};
pub use schema::language_schema;
