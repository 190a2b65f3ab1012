//! `zonec diff`.

use super::{Format, OK, Options, Stop, VIOLATION, check, disk, format, git};
use crate::check::{Checked, check as check_site};
use crate::diff::{Sides, both, diff};
use std::io::Write;

/// Arguments of `zonec diff`.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The site before: file, folder, `-`, or PATH@REVISION of a git repository.
    old: String,
    /// The site after.
    new: String,
}

pub(super) fn run(arguments: &Arguments, options: &Options, out: &mut dyn Write) -> Result<u8, Stop> {
    options.only(&[Format::Human, Format::Json, Format::Markdown])?;
    if arguments.old == "-" && arguments.new == "-" {
        return Err(Stop::Invalid("only one of the two sites can come from standard input".to_owned()));
    }
    // Standard input is read by whichever side names it.
    let (old, new) = both(|| open(&arguments.old, options), || open(&arguments.new, options));
    let (old, new) = (old?, new?);
    let (old_model, new_model) = match (&old.model, &new.model) {
        (Some(old), Some(new)) => (old, new),
        (None, _) => return unreadable(&old, &arguments.old, options, out),
        (_, None) => return unreadable(&new, &arguments.new, options, out),
    };
    let sides = Sides { old: (&old, old_model), new: (&new, new_model) };
    let found = diff(sides).map_err(|error| Stop::Failure(error.to_string()))?;
    let here = std::env::current_dir().unwrap_or_default();
    let folder = git::revision(&arguments.new).map_or(arguments.new.as_str(), |(path, _)| path);
    let places = format::Places::new(folder, &here);
    let page = format::diff::Page {
        diff: &found,
        sides,
        lang: options.lang(),
        names: [&arguments.old, &arguments.new],
        places: &places,
    };
    match options.format {
        Format::Json => format::diff::json(&page, out)?,
        Format::Markdown => format::diff::markdown(&page, out)?,
        _ => format::diff::human(&page, out)?,
    }
    Ok(if found.is_empty() { OK } else { VIOLATION })
}

fn open(site: &str, options: &Options) -> Result<Checked, Stop> {
    if let Some((path, revision)) = git::revision(site) {
        let world = git::open(path, revision, options.as_of())?;
        return Ok(check_site(&world, options.strict)?);
    }
    let world = disk::open(site, options.as_of())?;
    Ok(check_site(world.as_ref(), options.strict)?)
}

/// A site that cannot be read has nothing to compare.
fn unreadable(checked: &Checked, site: &str, options: &Options, out: &mut dyn Write) -> Result<u8, Stop> {
    check::print(checked, site, options, out)?;
    Ok(check::status(checked))
}
