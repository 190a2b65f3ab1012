//! Where bytes come from: files, limits, spans, and the `World` through which the library sees them.

mod date;
mod limits;
mod load;
mod map;
mod world;

pub use date::Date;
pub use limits::Limits;
pub use load::{LoadError, load_text};
pub use map::{FileId, Position, SourceFile, SourceMap, Span};
pub use world::{MemoryWorld, ReadError, World};
