//! `zonec import`.

use super::{Format, INVALID, OK, Options, Stop, VIOLATION, check, disk, format};
use crate::import::{Import, Mapping, Request, Words, import};
use crate::model::Blueprint;
use crate::syntax::proposal;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// The blueprint whose services count without a site.
const BLUEPRINT: &str = "dvs-2.0";

/// Arguments of `zonec import`.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// The matrix: a workbook (.xlsx) or CSV.
    file: PathBuf,
    /// The site whose names, addresses and services the rows are held against.
    #[arg(long)]
    site: Option<String>,
    /// A YAML file that says which column is which and what names and services mean (docs/import.md).
    #[arg(long, value_name = "FILE")]
    map: Option<PathBuf>,
    /// The sheet to read.
    #[arg(long)]
    sheet: Option<String>,
    /// Folder for the files; without it the flows go to standard output.
    #[arg(short, long)]
    output: Option<PathBuf>,
}

/// A file that is written: its name and text.
type Written = (PathBuf, String);

pub(super) fn run(arguments: &Arguments, options: &Options, out: &mut dyn Write) -> Result<u8, Stop> {
    options.only(&[Format::Human, Format::Json])?;
    let words = Words::load()?;
    let mapping = match &arguments.map {
        Some(path) => mapping(path)?,
        None => Mapping::default(),
    };
    let checked = match &arguments.site {
        Some(site) => Some((site, super::open(site, options)?.1)),
        None => None,
    };
    if let Some((site, checked)) = checked.as_ref().filter(|(_, checked)| checked.model.is_none()) {
        check::print(checked, site, options, out)?;
        return Ok(INVALID);
    }
    let site = checked.as_ref().and_then(|(_, checked)| checked.model.as_ref()).map(|model| &model.site);
    let blueprint = match site {
        Some(site) => site.blueprint.clone(),
        None => Blueprint::load(BLUEPRINT)?,
    };
    let file = arguments.file.display().to_string();
    let bytes = read(&arguments.file)?;
    let request = Request {
        file: &file,
        bytes: &bytes,
        sheet: arguments.sheet.as_deref(),
        mapping: &mapping,
        site,
        blueprint: &blueprint,
        limits: crate::import::sheet::Limits::default(),
    };
    let found = match import(&request, &words) {
        Ok(found) => found,
        Err(refusal) => return Err(Stop::Invalid(words.text(&refusal.0, options.lang()))),
    };
    let page = format::import::Page { import: &found, words: &words, lang: options.lang() };
    let files = match &arguments.output {
        Some(folder) => write(folder, &arguments.file, &found, &page)?,
        None => Vec::new(),
    };
    let status = if found.left.is_empty() { OK } else { VIOLATION };
    if options.format == Format::Json {
        format::import::json(&page, &files, out)?;
        return Ok(status);
    }
    if arguments.output.is_some() {
        format::import::human(&page, &files, out)?;
        return Ok(status);
    }
    if let Some(text) = found.flow_file(&words, options.lang()) {
        out.write_all(text.as_bytes())?;
        out.flush()?;
    }
    if !options.quiet || !found.left.is_empty() {
        format::import::human(&page, &[], &mut std::io::stderr().lock())?;
    }
    Ok(status)
}

fn mapping(path: &Path) -> Result<Mapping, Stop> {
    let shown = path.display().to_string();
    let text = String::from_utf8(read(path)?).map_err(|_| Stop::Invalid(format!("{shown}: not UTF-8")))?;
    crate::data::parse(&shown, &text).map_err(|error| Stop::Invalid(format!("{shown}: {}", error.reason)))
}

/// A file's bytes, no more than the import reads.
fn read(path: &Path) -> Result<Vec<u8>, Stop> {
    let fail = |error: std::io::Error| Stop::Invalid(format!("{}: {error}", path.display()));
    let file = std::fs::File::open(path).map_err(fail)?;
    let limit = crate::import::sheet::Limits::default().bytes + 1;
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

/// Writes the files, which must not exist yet.
fn write(folder: &Path, file: &Path, found: &Import, page: &format::import::Page<'_>) -> Result<Vec<PathBuf>, Stop> {
    let stem = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    let stem = proposal(&stem).unwrap_or_else(|| "matrix".to_owned());
    let left = (!found.left.is_empty()).then(|| format::import::left_csv(page));
    let texts =
        [("yaml", found.flow_file(page.words, page.lang)), ("left.csv", left), ("map", found.map_file(page.lang))];
    let files = texts.into_iter().filter_map(|(end, text)| Some((folder.join(format!("{stem}.{end}")), text?)));
    let files: Vec<Written> = files.collect();
    let taken: Vec<String> = files
        .iter()
        .filter(|(path, _)| path.symlink_metadata().is_ok())
        .map(|(path, _)| format!("`{}`", path.display()))
        .collect();
    if !taken.is_empty() {
        return Err(Stop::Invalid(format!("nothing is written, these exist: {}", taken.join(", "))));
    }
    for (path, text) in &files {
        disk::write_new(path, text)?;
    }
    Ok(files.into_iter().map(|(path, _)| path).collect())
}
