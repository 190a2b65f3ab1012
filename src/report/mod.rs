//! The documents: what a site allows, why, and how far it was checked. One set of facts, one writer per format; every
//! text passes the escaper of its format on the way.

mod areas;
mod build;
mod csv;
mod escape;
pub mod facts;
mod findings;
mod flows;
mod further;
mod html;
mod markdown;
mod matrix;
#[cfg(feature = "pdf")]
mod pdf;
mod results;
mod words;
#[cfg(feature = "xlsx")]
mod xlsx;
mod zones;

pub use csv::line as csv_line;
pub use escape::turns;
pub use results::decided;
pub use words::Words;

use crate::check::{Checked, Model};
use crate::i18n::Lang;
use crate::plan::Plan;
use crate::targets::Files;
use facts::Report;

/// Findings told with chain and lines of the model; the others are listed in a table.
pub const FULL_FINDINGS: usize = 100;

/// What a report is made from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The checked site.
    pub checked: &'a Checked,
    /// Its model.
    pub model: &'a Model,
    /// Who enforces what; `None` when the site cannot be planned.
    pub plan: Option<&'a Plan>,
    /// What is generated beside the documents; nothing when the site is not released.
    pub files: &'a Files,
    /// Why a site without errors could not be compiled.
    pub obstacle: Option<&'a str>,
    /// The diagram for a page: no style of its own.
    pub picture: &'a str,
}

/// The facts of a report.
///
/// # Errors
/// Faulty built-in words, which the tests exclude.
pub fn facts(input: &Input<'_>, lang: Lang) -> Result<Report, String> {
    let words = Words::load(lang).map_err(|error| error.to_string())?;
    Ok(build::report(input, &words))
}

/// Makes a text inert in Markdown: the one escaper of that format.
#[must_use]
pub fn markdown(text: &str) -> String {
    escape::Format::escape(&markdown::Markdown, text)
}

/// A sentence of ours as Markdown: what it puts between backticks becomes code, everything else is inert.
#[must_use]
pub fn markdown_sentence(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let is_code = |part: &str| !part.is_empty() && !part.contains(|c: char| c.is_control() || c == '|');
    let paired = parts.len() % 2 == 1;
    if !paired || !parts.iter().skip(1).step_by(2).all(|part| is_code(part)) {
        return markdown(text);
    }
    let parts = parts.iter().enumerate();
    parts.map(|(at, part)| if at % 2 == 0 { markdown(part) } else { format!("`{part}`") }).collect()
}

/// Adds `report/index.html`, `report.md`, `flows.csv`, `flows.xlsx` (feature `xlsx`) and, with the diagrams among the files,
/// `report.pdf` (feature `pdf`).
///
/// # Errors
/// Faulty built-in words or templates; a test renders every example.
pub fn emit(input: &Input<'_>, lang: Lang, files: &mut Files) -> Result<(), String> {
    let words = Words::load(lang).map_err(|error| error.to_string())?;
    let report = build::report(input, &words);
    files.add("report/index.html", html::write(&report, &words, input.picture)?);
    files.add("report/report.md", markdown::write(&report, &words)?);
    files.add("report/flows.csv", csv::write(&report, &words));
    #[cfg(feature = "xlsx")]
    files.add("report/flows.xlsx", xlsx::write(&report, &words)?);
    #[cfg(feature = "pdf")]
    files.add("report/report.pdf", pdf::write(&report, &words, files)?);
    Ok(())
}
