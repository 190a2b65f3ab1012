//! Where a finding stands, as tools name files: from the folder in which zonec runs, so that a pipeline finds the line in
//! its repository.

use crate::check::Checked;
use crate::finding::{Finding, Label};
use crate::source::{Position, SourceFile};
use std::path::{Component, Path};

/// Names the files of a site.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Places {
    prefix: String,
    main: String,
}

/// A file with first and last place of a label.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// The file.
    pub path: String,
    /// First and last place; `None` for a finding about the site as a whole.
    pub range: Option<(Position, Position)>,
}

impl Places {
    /// The places of a site as given on the command line. A path below `here`, the folder zonec runs in, is named from there.
    #[must_use]
    pub fn new(site: &str, here: &Path) -> Self {
        if site == "-" {
            return Self { prefix: String::new(), main: "stdin.yaml".to_owned() };
        }
        let path = Path::new(site);
        let (folder, main) = if path.is_dir() {
            (Some(path), "site.yaml".to_owned())
        } else {
            let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            (path.parent(), name)
        };
        let folder = folder.unwrap_or(Path::new(""));
        let folder = folder.strip_prefix(here).unwrap_or(folder);
        let parts: Vec<String> = folder
            .components()
            .filter(|part| *part != Component::CurDir && *part != Component::RootDir)
            .map(|part| part.as_os_str().to_string_lossy().into_owned())
            .collect();
        let root = if folder.has_root() { "/" } else { "" };
        let prefix = if parts.is_empty() { root.to_owned() } else { format!("{root}{}/", parts.join("/")) };
        Self { prefix, main }
    }

    /// The name of a file of the site.
    #[must_use]
    pub fn file(&self, file: &SourceFile) -> String {
        format!("{}{}", self.prefix, file.name)
    }

    /// The place of a label.
    #[must_use]
    pub fn label(&self, checked: &Checked, label: &Label) -> Place {
        let file = checked.sources.file(label.span.file);
        let range = Some((file.position(label.span.start), file.position(label.span.end)));
        Place { path: self.file(file), range }
    }

    /// The primary place of a finding; the main file when it has none.
    #[must_use]
    pub fn primary(&self, checked: &Checked, finding: &Finding) -> Place {
        match finding.labels.first() {
            Some(label) => self.label(checked, label),
            None => Place { path: format!("{}{}", self.prefix, self.main), range: None },
        }
    }
}

impl Place {
    /// First line; 1 for the site as a whole.
    #[must_use]
    pub fn line(&self) -> usize {
        self.range.map_or(1, |(first, _)| first.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::SourceFile;

    #[test]
    fn files_are_named_from_the_folder_zonec_runs_in() {
        let file = SourceFile::new("flows/a.yaml".to_owned(), String::new());
        let named = |site: &str| Places::new(site, Path::new("/builds/rz")).file(&file);
        assert_eq!(named("zonen/site.yaml"), "zonen/flows/a.yaml");
        assert_eq!(named("./zonen/./site.yaml"), "zonen/flows/a.yaml");
        assert_eq!(named("/builds/rz/zonen/site.yaml"), "zonen/flows/a.yaml");
        assert_eq!(named("/elsewhere/site.yaml"), "/elsewhere/flows/a.yaml");
        assert_eq!(named("site.yaml"), "flows/a.yaml");
        assert_eq!(named("-"), "flows/a.yaml");
    }
}
