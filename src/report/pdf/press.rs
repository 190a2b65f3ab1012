//! The typesetter behind `report.pdf`: a template of ours and files in memory to PDF/A-2a. Knows no disk, no network, no
//! clock and no font but those given.

use std::collections::BTreeMap;
use typst::diag::{FileError, FileResult, SourceDiagnostic};
use typst::foundations::{Bytes, Datetime, Smart};
use typst::layout::PagedDocument;
use typst::syntax::{FileId, Source, VirtualPath};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};
use typst_pdf::{PdfOptions, PdfStandard, PdfStandards};

/// Generations of results that the typesetter may keep for a next document: none.
const KEPT: usize = 0;

/// All that the typesetter can see.
pub(super) struct Press {
    library: LazyHash<Library>,
    book: LazyHash<FontBook>,
    fonts: Vec<Font>,
    template: Source,
    files: BTreeMap<String, Bytes>,
}

impl Press {
    /// A press with its template and fonts.
    pub(super) fn new(template: &str, fonts: &[&'static [u8]]) -> Self {
        let fonts: Vec<Font> = fonts.iter().filter_map(|font| Font::new(Bytes::new(*font), 0)).collect();
        let id = FileId::new(None, VirtualPath::new("report.typ"));
        Self {
            library: LazyHash::new(Library::default()),
            book: LazyHash::new(FontBook::from_fonts(&fonts)),
            fonts,
            template: Source::new(id, template.to_owned()),
            files: BTreeMap::new(),
        }
    }

    /// Whether every font can show a character.
    pub(super) fn shows(&self, c: char) -> bool {
        self.fonts.iter().all(|font| font.ttf().glyph_index(c).is_some())
    }

    /// Adds a file that the template may read.
    pub(super) fn add(&mut self, name: &str, content: Vec<u8>) {
        self.files.insert(format!("/{name}"), Bytes::new(content));
    }

    /// Sets the document. `ident` names it across versions of its content.
    ///
    /// # Errors
    /// What the typesetter finds wrong with template or files.
    pub(super) fn print(&self, ident: &str, standard: PdfStandard) -> Result<Vec<u8>, String> {
        let document: PagedDocument = typst::compile(self).output.map_err(|faults| self.told(&faults))?;
        let standards = PdfStandards::new(&[standard]).map_err(|fault| fault.to_string())?;
        let options = PdfOptions { ident: Smart::Custom(ident), standards, ..PdfOptions::default() };
        let pdf = typst_pdf::pdf(&document, &options).map_err(|faults| self.told(&faults));
        comemo::evict(KEPT);
        pdf
    }

    /// Faults with the lines of the template.
    fn told(&self, faults: &[SourceDiagnostic]) -> String {
        let line = |fault: &SourceDiagnostic| {
            let range = self.template.range(fault.span);
            let line = range.and_then(|range| self.template.lines().byte_to_line(range.start));
            let place = line.map(|line| format!("report.typ:{}: ", line + 1)).unwrap_or_default();
            format!("{place}{}", fault.message)
        };
        faults.iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

impl World for Press {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &self.book
    }

    fn main(&self) -> FileId {
        self.template.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.template.id() { Ok(self.template.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        let path = id.vpath().as_rooted_path();
        let content = path.to_str().and_then(|path| self.files.get(path));
        content.cloned().ok_or_else(|| FileError::NotFound(path.to_owned()))
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.fonts.get(index).cloned()
    }

    fn today(&self, _: Option<i64>) -> Option<Datetime> {
        None
    }
}
