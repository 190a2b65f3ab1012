//! `report.pdf`: the report set by typst as PDF/A-2a, with the facts of the page and the sheets of the diagram.
//!
//! The template reads facts and words as data, so that no text of a model is ever taken for markup. Same facts, same bytes:
//! the only date is the day of evaluation.

mod press;

use super::escape::{Escaped, Format, turns};
use super::facts::Report;
use super::words::Words;
use crate::targets::Files;
use crate::targets::diagram::FONTS;
use press::Press;
use serde_json::json;
use typst_pdf::PdfStandard;

const TEMPLATE: &str = include_str!("../../../targets/report/report.typ");

/// PDF: characters that the typeface has. The typesetter takes texts as texts, so nothing else can do harm.
struct Pdf<'a> {
    press: &'a Press,
}

impl Format for Pdf<'_> {
    fn escape(&self, text: &str) -> String {
        text.chars().map(|c| self.shown(c)).collect()
    }
}

impl Pdf<'_> {
    /// The character, or a white square where it cannot be shown or would hide something.
    fn shown(&self, c: char) -> char {
        let hides = c.is_control() || turns(c) || matches!(c, '\u{2028}' | '\u{2029}');
        if hides || !self.press.shows(c) { '□' } else { c }
    }

    /// The sheets of the diagram. Markup of a picture is ASCII, so only texts change.
    fn sheets(&self, files: &Files) -> Vec<String> {
        let pictures = files.texts().filter(|(path, _)| path.starts_with("diagram/") && path.ends_with(".svg"));
        let kept = |c: char| if c == '\n' { c } else { self.shown(c) };
        pictures.map(|(_, picture)| picture.chars().map(kept).collect()).collect()
    }
}

/// Writes the report with the diagrams among the files.
///
/// # Errors
/// The typesetter's words about the template; tests set every example.
pub(super) fn write(report: &Report, words: &Words, files: &Files) -> Result<Vec<u8>, String> {
    print(report, words, files, PdfStandard::A_2a)
}

fn print(report: &Report, words: &Words, files: &Files, standard: PdfStandard) -> Result<Vec<u8>, String> {
    let mut press = Press::new(TEMPLATE, &FONTS);
    let escaper = Pdf { press: &press };
    let sheets = escaper.sheets(files);
    let facts = Escaped::of(escaper, report)?.with_words(words)?.with_data("sheets", json!(sheets.len())).json();
    press.add("facts.json", facts.into_bytes());
    for (number, sheet) in sheets.into_iter().enumerate() {
        press.add(&format!("sheet-{number}.svg"), sheet.into_bytes());
    }
    press.print(&format!("zonec {}", report.head.name), standard)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::i18n::Lang;
    use crate::report::{Input, facts};
    use crate::source::{Date, MemoryWorld};
    use crate::targets::{Origin, diagram};

    /// PDF/UA asks for more than PDF/A: texts for pictures, heads of tables, an order of headings. One file can promise one of
    /// them; the template keeps to both.
    #[test]
    fn the_template_keeps_to_pdf_ua_too() {
        for example in ["kommune-musterau", "amt-fehlerstedt"] {
            let path = format!("{}/examples/{example}/site.yaml", env!("CARGO_MANIFEST_DIR"));
            let files = [("site.yaml".to_owned(), std::fs::read(path).unwrap())].into();
            let world = MemoryWorld { files, as_of: Date::new(2026, 11, 24).unwrap(), main: "site.yaml".to_owned() };
            let checked = crate::check::check(&world, false).unwrap();
            let model = checked.model.as_ref().unwrap();
            let origin = Origin { site: &model.site, digest: &checked.digest, as_of: checked.as_of };
            let mut files = Files::default();
            diagram::emit(&[], origin, &model.graphs, Lang::En, &mut files).unwrap();
            let nothing = Files::default();
            let input = Input { checked: &checked, model, plan: None, files: &nothing, obstacle: None, picture: "" };
            let report = facts(&input, Lang::En).unwrap();
            let words = Words::load(Lang::En).unwrap();
            let set = print(&report, &words, &files, PdfStandard::Ua_1);
            assert!(set.is_ok_and(|content| content.starts_with(b"%PDF-1.7")), "{example}");
        }
    }
}
