//! `zonec report`.

use super::compile::deliver;
use super::{Format, Options, Stop, check, open, progress};
use crate::compile::report;
use std::io::Write;
use std::path::Path;

pub(super) fn run(site: &str, output: &Path, options: &Options, out: &mut dyn Write) -> Result<u8, Stop> {
    let (_, checked) = open(site, options)?;
    let Some(model) = &checked.model else {
        check::print(&checked, site, options, out)?;
        return Ok(check::status(&checked));
    };
    let files = report(&checked, model, options.lang()).map_err(|error| Stop::Failure(error.to_string()))?;
    let verdict = if checked.is_releasable() { "releasable" } else { "not released" };
    progress(options, "Reporting", &format!("{}: {verdict}", model.site.name()));
    deliver(output, &files, options)?;
    match options.format {
        Format::Human => {}
        Format::Json => writeln!(out, "{}", files.get("manifest.json").unwrap_or_default())?,
        _ => check::print(&checked, site, options, out)?,
    }
    Ok(check::status(&checked))
}
