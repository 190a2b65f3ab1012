//! Bytes to text: size, encoding and binary checks before any parser sees a file.

use super::{Limits, ReadError, World};

/// Why a file is no text that zonec reads.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum LoadError {
    /// It could not be read.
    Read(ReadError),
    /// Not UTF-8 from this byte on.
    Utf8(usize),
    /// Holds a NUL byte at this place: a binary file.
    Binary(usize),
    /// Nothing but white space.
    Empty,
}

/// Reads a file as UTF-8 text. A byte order mark is dropped.
///
/// # Errors
/// Any [`LoadError`].
pub fn load_text(world: &dyn World, path: &str, limits: &Limits) -> Result<String, LoadError> {
    let bytes = world.read(path, limits.file_bytes).map_err(LoadError::Read)?;
    if let Some(at) = bytes.iter().position(|b| *b == 0) {
        return Err(LoadError::Binary(at));
    }
    let mut text = String::from_utf8(bytes).map_err(|error| LoadError::Utf8(error.utf8_error().valid_up_to()))?;
    if text.starts_with('\u{feff}') {
        text.drain(..'\u{feff}'.len_utf8());
    }
    if text.trim().is_empty() {
        return Err(LoadError::Empty);
    }
    Ok(text)
}
