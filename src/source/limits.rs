//! Bounds on what a site may cost to read. Beyond them a site is refused with a place, never read on.

/// Limits of the reader. The defaults leave room for 100 000 flows and refuse bombs in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Nesting of lists and maps.
    pub depth: usize,
    /// YAML nodes of one file.
    pub nodes: usize,
    /// Nodes that aliases may copy in one file.
    pub copied_nodes: usize,
    /// Files of one site.
    pub files: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { file_bytes: 64 << 20, depth: 32, nodes: 20_000_000, copied_nodes: 10_000, files: 10_000 }
    }
}
