//! What the styles of a workbook say about a cell's value: struck through, a date.

use super::xlsx::{child, children};
use crate::source::Date;
use roxmltree::{Document, Node};
use std::collections::BTreeSet;

/// The cell formats of a workbook that matter, by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Styles {
    struck: BTreeSet<usize>,
    dates: BTreeSet<usize>,
    /// Days count from 1904 (workbooks of old Macintosh programs).
    pub from_1904: bool,
}

impl Styles {
    pub(super) fn read(xml: &Document<'_>, from_1904: bool) -> Self {
        let root = xml.root_element();
        let list = |list: &'static str, item: &'static str| -> Vec<Node<'_, '_>> {
            child(root, list).into_iter().flat_map(|node| children(node, item)).collect()
        };
        let fonts: Vec<bool> = list("fonts", "font")
            .into_iter()
            .map(|font| {
                child(font, "strike").is_some_and(|strike| strike.attribute("val").is_none_or(|val| is_set(Some(val))))
            })
            .collect();
        let own: BTreeSet<usize> = list("numFmts", "numFmt")
            .into_iter()
            .filter(|format| is_date_code(format.attribute("formatCode").unwrap_or_default()))
            .filter_map(|format| format.attribute("numFmtId")?.parse().ok())
            .collect();
        let mut styles = Self { from_1904, ..Self::default() };
        for (number, format) in list("cellXfs", "xf").into_iter().enumerate() {
            let value = |name: &str| format.attribute(name).and_then(|text| text.parse::<usize>().ok()).unwrap_or(0);
            if fonts.get(value("fontId")) == Some(&true) {
                styles.struck.insert(number);
            }
            // ECMA-376 part 1, 18.8.30: the built-in formats of dates, also those of East Asian languages.
            let code = value("numFmtId");
            if matches!(code, 14..=17 | 22 | 27..=31 | 36 | 50..=54 | 57 | 58) || own.contains(&code) {
                styles.dates.insert(number);
            }
        }
        styles
    }

    pub(super) fn is_struck(&self, style: usize) -> bool {
        self.struck.contains(&style)
    }

    pub(super) fn is_date(&self, style: usize) -> bool {
        self.dates.contains(&style)
    }
}

/// A boolean attribute.
pub(super) fn is_set(value: Option<&str>) -> bool {
    matches!(value, Some("1" | "true" | "on"))
}

/// Whether a number format shows a day: it has a year or a day outside of quotes, brackets and escapes.
fn is_date_code(code: &str) -> bool {
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => while chars.next().is_some_and(|c| c != '"') {},
            '[' => while chars.next().is_some_and(|c| c != ']') {},
            '\\' | '_' | '*' => {
                chars.next();
            }
            'y' | 'Y' | 'd' | 'D' => return true,
            _ => {}
        }
    }
    false
}

/// The day of a number: day 60 of the 1900 system, 29 February 1900, never was, and so days before it are not read.
pub(super) fn date(number: f64, from_1904: bool) -> Option<Date> {
    let first = if from_1904 { 0.0 } else { 61.0 };
    if !(first..=2_958_465.0).contains(&number) {
        return None;
    }
    // Days from 1899-12-30 and from 1904-01-01 to 1970-01-01.
    let offset = if from_1904 { 24_107 } else { 25_569 };
    format!("{:.0}", number.floor()).parse::<i64>().ok().and_then(|days| Date::from_days(days - offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_become_days() {
        assert_eq!(date(46_350.0, false).map(|day| day.to_string()), Some("2026-11-24".to_owned()));
        assert_eq!(date(44_888.75, true).map(|day| day.to_string()), Some("2026-11-24".to_owned()));
        assert_eq!(date(59.0, false), None);
        for (code, is) in
            [("dd.mm.yyyy", true), ("[$-407]d. mmm yy", true), ("0.00", false), ("@", false), ("0\" days\"", false)]
        {
            assert_eq!(is_date_code(code), is, "{code}");
        }
    }
}
