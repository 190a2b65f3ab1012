//! `zonec compile`.

use super::{OK, Options, Stop, check, open};
use std::io::Write;
use std::path::Path;

pub(super) fn run(site: &str, output: &Path, options: &Options, out: &mut dyn Write) -> Result<u8, Stop> {
    let (_, checked) = open(site, options)?;
    if !checked.is_releasable() {
        check::print(&checked, site, options, out)?;
        return Ok(check::status(&checked));
    }
    let _ = output;
    Ok(OK)
}
