//! `zonec new`: a small, commented site to start from.
//!
//! The texts stand in `zones/<blueprint>/starter/`: lines that start with `en| ` or `de| ` belong to one language, `{name}`,
//! `{blueprint}`, `{today}` and `{year}` are filled in.

use super::{Format, OK, Options, Stop, disk};
use crate::data::{self, DataError};
use crate::i18n::{Lang, fill};
use crate::source::Date;
use crate::syntax::proposal;
use serde_json::json;
use std::io::Write;
use std::path::{Path, PathBuf};

/// The schema that the files' first line names, for editors.
const SCHEMA: &str = "zonec.schema.json";

/// Arguments of `zonec new`.
#[derive(clap::Args, Debug)]
pub(super) struct Arguments {
    /// Folder to write; its name becomes the site's.
    folder: PathBuf,
    /// Rule set to start from.
    #[arg(long, default_value = "dvs-2.0")]
    blueprint: String,
}

pub(super) fn run(arguments: &Arguments, options: &Options, out: &mut dyn Write) -> Result<u8, Stop> {
    options.only(&[Format::Human, Format::Json])?;
    let folder = &arguments.folder;
    let files = starter(&arguments.blueprint, &site_name(folder), options.as_of(), options.lang())?;
    if files.is_empty() {
        let known = data::blueprints().join("`, `");
        return Err(Stop::Invalid(format!("there is no blueprint `{}`; known are `{known}`", arguments.blueprint)));
    }
    let taken: Vec<String> = files
        .iter()
        .map(|(name, _)| folder.join(name))
        .filter(|path| path.symlink_metadata().is_ok())
        .map(|path| format!("`{}`", path.display()))
        .collect();
    if !taken.is_empty() {
        return Err(Stop::Invalid(format!("nothing is written, these exist: {}", taken.join(", "))));
    }
    for (name, text) in &files {
        disk::write_new(&folder.join(name), text)?;
    }
    if options.format == Format::Json {
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        writeln!(out, "{:#}", json!({ "folder": folder.display().to_string(), "files": names }))?;
        return Ok(OK);
    }
    let plain = folder.display().to_string();
    let shown = if plain.contains(char::is_whitespace) { format!("\"{plain}\"") } else { plain };
    for (name, _) in &files {
        writeln!(out, "{:>12} {}", options.word("Created", "Angelegt"), folder.join(name).display())?;
    }
    writeln!(
        out,
        "\n{}:\n  zonec check {shown}\n  zonec compile {shown} -o build",
        options.word("Next", "Weiter mit")
    )?;
    Ok(OK)
}

/// The files of a starter site, the main file first; none when there is no such blueprint.
fn starter(blueprint: &str, name: &str, today: Date, lang: Lang) -> Result<Vec<(String, String)>, DataError> {
    let year = today.plus_months(12).unwrap_or(today);
    let args = [
        ("name", name.to_owned()),
        ("blueprint", blueprint.to_owned()),
        ("today", today.to_string()),
        ("year", year.to_string()),
    ];
    let known = data::blueprints().iter().any(|known| known == blueprint);
    let texts = if known { data::texts(&format!("{blueprint}/starter")) } else { Vec::new() };
    let mut files: Vec<(String, String)> = texts
        .into_iter()
        .filter_map(|(path, text)| Some((path.strip_suffix(".txt")?.to_owned(), fill(&in_language(text, lang), &args))))
        .collect();
    if !files.is_empty() {
        files.push((SCHEMA.to_owned(), format!("{:#}\n", super::schema()?)));
    }
    files.sort_by_key(|(path, _)| (path != "site.yaml", path.clone()));
    Ok(files)
}

/// The lines of one language and those of both.
fn in_language(text: &str, lang: Lang) -> String {
    let (own, other) = match lang {
        Lang::En => ("en| ", "de| "),
        Lang::De => ("de| ", "en| "),
    };
    let lines = text.lines().filter(|line| !line.starts_with(other));
    lines.fold(String::new(), |out, line| out + line.strip_prefix(own).unwrap_or(line) + "\n")
}

/// A name for the site, from the folder's.
fn site_name(folder: &Path) -> String {
    let real = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    let given = real.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    proposal(&given).unwrap_or_else(|| "site".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::check;
    use crate::compile::compile;
    use crate::source::MemoryWorld;

    #[test]
    fn folders_give_names() {
        let named = |folder: &str| site_name(Path::new(folder));
        assert_eq!(named("Kreis Köln/RZ Süd_2"), "rz-sued-2");
        assert_eq!(named("2026-neu"), "neu");
        assert_eq!(named("/"), "site");
    }

    #[test]
    fn a_starter_site_is_clean_and_compiles_in_both_languages() {
        let today = Date::new(2026, 11, 24).unwrap_or(Date::EPOCH);
        for blueprint in data::blueprints() {
            for lang in [Lang::En, Lang::De] {
                let files = starter(&blueprint, "musterstadt", today, lang).unwrap_or_else(|error| panic!("{error}"));
                let files = files.into_iter().map(|(path, text)| (path, text.into_bytes())).collect();
                let world = MemoryWorld { files, as_of: today, main: "site.yaml".to_owned() };
                let checked = check(&world, true).unwrap_or_else(|error| panic!("{error}"));
                let said: Vec<String> =
                    checked.findings.iter().map(|item| checked.catalogue.message(&item.finding, lang)).collect();
                // Zones that it does not offer are told, and nothing else.
                assert_eq!(said.len(), 1, "{said:#?}");
                assert!(checked.findings.iter().all(|item| item.finding.rule == "ZM-ZON-02"));
                let model = checked.model.as_ref().unwrap_or_else(|| panic!("{said:?}"));
                compile(&checked, model, lang).unwrap_or_else(|error| panic!("{error}"));
                let texts: String = checked.sources.files().map(|(_, file)| file.text.as_str()).collect();
                assert!(!texts.contains("en| ") && !texts.contains("de| ") && !texts.contains("{year}"));
            }
        }
    }
}
