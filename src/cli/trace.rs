//! `zonec trace`.

use super::{OK, Options, Stop};
use std::io::Write;

/// Arguments of `zonec trace`.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// File or folder with site.yaml.
    site: String,
}

pub(super) fn run(arguments: &Arguments, _: &Options, _: &mut dyn Write) -> Result<u8, Stop> {
    let _ = &arguments.site;
    Ok(OK)
}
