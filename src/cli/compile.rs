//! `zonec compile`.

use super::{Format, OK, Options, Stop, check, open, progress};
use crate::compile::{Settings, compile_with};
use crate::output::{OutputError, write};
use crate::targets::Files;
use std::io::Write;
use std::path::Path;

pub(super) fn run(site: &str, output: &Path, staged: bool, options: &Options, out: &mut dyn Write) -> Result<u8, Stop> {
    let (_, checked) = open(site, options)?;
    let Some(model) = checked.model.as_ref().filter(|_| checked.is_releasable()) else {
        check::print(&checked, site, options, out)?;
        return Ok(check::status(&checked));
    };
    check::announce(&checked, options);
    let settings = Settings { lang: options.lang(), staged };
    let (plan, files) = compile_with(&checked, model, settings).map_err(|error| Stop::Invalid(error.to_string()))?;
    for gateway in &plan.gateways {
        progress(options, "Compiling", &format!("nftables {}: {} permits", gateway.name, gateway.permits.len()));
    }
    for cluster in &plan.clusters {
        progress(options, "Compiling", &format!("policies {}: {} permits", cluster.name, cluster.permits.len()));
    }
    deliver(output, &files, options)?;
    match options.format {
        Format::Human => {}
        Format::Json => writeln!(out, "{}", files.get("manifest.json").unwrap_or_default())?,
        // The formats of findings: what a pipeline collects is there on success, too.
        _ => check::print(&checked, site, options, out)?,
    }
    Ok(OK)
}

/// Writes a folder.
pub(super) fn deliver(output: &Path, files: &Files, options: &Options) -> Result<(), Stop> {
    write(output, files).map_err(|error| match error {
        OutputError::Foreign(_) | OutputError::Link(_) => Stop::Invalid(error.to_string()),
        _ => Stop::Failure(error.to_string()),
    })?;
    progress(options, "Writing", &format!("{}/: {} files", output.display(), files.iter().count()));
    Ok(())
}
