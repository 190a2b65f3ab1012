//! A workbook (Office Open XML, ECMA-376) → sheets: values as stored, and what makes a cell doubtful: struck-through text,
//! formulas without a value, errors, merged cells. Nothing in it is run; macros, links and pictures are not looked at.

use super::sheet::{Cell, Flaw, Limits, Sheet, letters, place};
use super::styles::{Styles, date, is_set};
use super::{Refusal, Said};
use roxmltree::{Document, Node, ParsingOptions};
use std::collections::BTreeMap;
use std::io::{Cursor, Read};

type Parts<'a> = zip::ZipArchive<Cursor<&'a [u8]>>;

/// The archive with what may still be unpacked of it.
struct Package<'a> {
    file: &'a str,
    parts: Parts<'a>,
    limits: &'a Limits,
    left: u64,
}

/// Relationships of a part: id → (kind, path).
type Relations = BTreeMap<String, (String, String)>;

/// The sheets of a workbook in their order.
///
/// # Errors
/// A file that is no workbook or exceeds the limits.
pub(super) fn sheets(file: &str, bytes: &[u8], limits: &Limits) -> Result<Vec<Sheet>, Refusal> {
    let parts = Parts::new(Cursor::new(bytes)).map_err(|error| damaged(file, &error))?;
    let mut package = Package { file, parts, limits, left: limits.unpacked };
    let main = package.relations("")?;
    let main = kind(&main, "officeDocument").unwrap_or("xl/workbook.xml").to_owned();
    let relations = package.relations(&main)?;
    let text = package.part(&main)?.ok_or_else(|| Refusal(Said::new("not-a-table").arg("file", file)))?;
    let workbook = package.xml(&text)?;
    let root = workbook.root_element();
    let from_1904 = child(root, "workbookPr").is_some_and(|node| is_set(node.attribute("date1904")));
    let styles = match kind(&relations, "styles") {
        Some(path) => package.part(path)?.unwrap_or_default(),
        None => String::new(),
    };
    let styles = if styles.is_empty() { Styles::default() } else { Styles::read(&package.xml(&styles)?, from_1904) };
    let strings = match kind(&relations, "sharedStrings") {
        Some(path) => package.part(path)?.unwrap_or_default(),
        None => String::new(),
    };
    let strings = if strings.is_empty() { Vec::new() } else { shared(&package.xml(&strings)?) };
    let listed = child(root, "sheets").map(|node| children(node, "sheet").collect::<Vec<_>>()).unwrap_or_default();
    if listed.len() > limits.sheets {
        return Err(Refusal::too_large(file, limits.sheets, "sheets"));
    }
    let mut sheets = Vec::new();
    for node in listed {
        let id = node.attributes().find(|attribute| attribute.name() == "id").map(|attribute| attribute.value());
        let Some((kind, path)) = id.and_then(|id| relations.get(id)).filter(|(kind, _)| kind == "worksheet") else {
            continue;
        };
        let _ = kind;
        let mut sheet = Sheet {
            name: node.attribute("name").unwrap_or_default().to_owned(),
            hidden: node.attribute("state").is_some_and(|state| state != "visible"),
            ..Sheet::default()
        };
        let Some(text) = package.part(path)? else { continue };
        let xml = package.xml(&text)?;
        fill(&mut sheet, &xml, &Book { styles: &styles, strings: &strings }, file, limits)?;
        package.comments(path, &mut sheet)?;
        sheets.push(sheet);
    }
    Ok(sheets)
}

fn damaged(file: &str, reason: &dyn std::fmt::Display) -> Refusal {
    Refusal(Said::new("damaged").arg("file", file).arg("reason", reason))
}

impl Package<'_> {
    /// The text of a part; `None` when there is none. Unpacked no further than the limits go.
    fn part(&mut self, path: &str) -> Result<Option<String>, Refusal> {
        let Ok(part) = self.parts.by_name(path) else { return Ok(None) };
        let limit = self.limits.bytes.min(self.left);
        let mut bytes = Vec::new();
        part.take(limit + 1).read_to_end(&mut bytes).map_err(|error| damaged(self.file, &error))?;
        let size = bytes.len() as u64;
        if size > limit {
            return Err(Refusal::too_large(self.file, self.limits.bytes, "bytes"));
        }
        self.left -= size;
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes);
        String::from_utf8(bytes).map(Some).map_err(|error| damaged(self.file, &error))
    }

    fn xml<'t>(&self, text: &'t str) -> Result<Document<'t>, Refusal> {
        let options = ParsingOptions { allow_dtd: false, nodes_limit: self.limits.nodes, ..ParsingOptions::default() };
        Document::parse_with_options(text, options).map_err(|error| damaged(self.file, &error))
    }

    /// The relationships of a part, with paths from the root of the package.
    fn relations(&mut self, part: &str) -> Result<Relations, Refusal> {
        let (folder, name) = part.rsplit_once('/').unwrap_or(("", part));
        let slash = if folder.is_empty() { "" } else { "/" };
        let Some(text) = self.part(&format!("{folder}{slash}_rels/{name}.rels"))? else { return Ok(Relations::new()) };
        let xml = self.xml(&text)?;
        let entries = children(xml.root_element(), "Relationship").filter_map(|node| {
            let kind = node.attribute("Type")?.rsplit('/').next()?.to_owned();
            Some((node.attribute("Id")?.to_owned(), (kind, resolved(folder, node.attribute("Target")?))))
        });
        Ok(entries.collect())
    }

    fn comments(&mut self, path: &str, sheet: &mut Sheet) -> Result<(), Refusal> {
        let relations = self.relations(path)?;
        let Some(path) = kind(&relations, "comments").map(str::to_owned) else { return Ok(()) };
        let Some(text) = self.part(&path)? else { return Ok(()) };
        let xml = self.xml(&text)?;
        let list = child(xml.root_element(), "commentList");
        let cells = list.into_iter().flat_map(|list| children(list, "comment"));
        sheet.comments = cells.filter_map(|node| node.attribute("ref").map(str::to_owned)).collect();
        Ok(())
    }
}

/// The path of the first relationship of a kind.
fn kind<'r>(relations: &'r Relations, wanted: &str) -> Option<&'r str> {
    relations.values().find(|(kind, _)| kind == wanted).map(|(_, path)| path.as_str())
}

/// A target as written in a part of a folder.
fn resolved(folder: &str, target: &str) -> String {
    if let Some(path) = target.strip_prefix('/') {
        return path.to_owned();
    }
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in target.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            "." | "" => {}
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Elements are compared by their local names: the strict and the transitional form differ in namespaces only.
pub(super) fn children<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| child.is_element() && child.tag_name().name() == name)
}

pub(super) fn child<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> Option<Node<'a, 'i>> {
    children(node, name).next()
}

/// A text of a workbook, and whether any of it is struck through.
#[derive(Clone, Default)]
struct Rich {
    text: String,
    struck: bool,
}

fn shared(xml: &Document<'_>) -> Vec<Rich> {
    children(xml.root_element(), "si").map(rich).collect()
}

/// Plain or formatted text; phonetic readings are not part of it.
fn rich(node: Node<'_, '_>) -> Rich {
    let mut out = Rich::default();
    for part in node.children().filter(Node::is_element) {
        match part.tag_name().name() {
            "t" => out.text.push_str(&unescaped(part.text().unwrap_or_default())),
            "r" => {
                let text: String = children(part, "t").filter_map(|t| t.text()).map(unescaped).collect();
                let strike = child(part, "rPr").and_then(|format| child(format, "strike"));
                let struck = strike.is_some_and(|strike| strike.attribute("val").is_none_or(|val| is_set(Some(val))));
                out.struck |= struck && !text.trim().is_empty();
                out.text.push_str(&text);
            }
            _ => {}
        }
    }
    out
}

/// `_x000D_` stands for a character that XML cannot hold.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("_x") {
        let (before, after) = rest.split_at(at);
        out.push_str(before);
        let code = after.get(2..6).filter(|_| after.get(6..7) == Some("_"));
        match code.and_then(|code| u32::from_str_radix(code, 16).ok()).and_then(char::from_u32) {
            Some(c) => {
                out.push(c);
                rest = after.get(7..).unwrap_or("");
            }
            None => {
                out.push_str("_x");
                rest = after.get(2..).unwrap_or("");
            }
        }
    }
    out + rest
}

/// What the cells of all sheets refer to.
struct Book<'a> {
    styles: &'a Styles,
    strings: &'a [Rich],
}

fn fill(sheet: &mut Sheet, xml: &Document<'_>, book: &Book<'_>, file: &str, limits: &Limits) -> Result<(), Refusal> {
    let root = xml.root_element();
    let mut count = 0;
    let mut last_row = 0;
    for row in child(root, "sheetData").into_iter().flat_map(|data| children(data, "row")) {
        let number = row.attribute("r").and_then(|text| text.parse().ok()).unwrap_or(last_row + 1);
        last_row = number;
        let mut cells = BTreeMap::new();
        let mut next = 0;
        for node in children(row, "c") {
            let column = node.attribute("r").and_then(place).map_or(next, |(column, _)| column);
            next = column + 1;
            let Some(cell) = book.cell(node) else { continue };
            if column >= limits.columns {
                return Err(Refusal::too_large(file, limits.columns as usize, "columns"));
            }
            count += 1;
            cells.insert(column, cell);
        }
        if count > limits.cells {
            return Err(Refusal::too_large(file, limits.cells, "cells"));
        }
        if !cells.is_empty() {
            if is_set(row.attribute("hidden")) {
                sheet.hidden_rows.push(number);
            }
            sheet.rows.entry(number).or_default().extend(cells);
        }
    }
    let merged = child(root, "mergeCells").into_iter().flat_map(|list| children(list, "mergeCell"));
    for region in merged.filter_map(|node| node.attribute("ref")) {
        let Some((first, last)) = region.split_once(':').and_then(|(a, b)| Some((place(a)?, place(b)?))) else {
            continue;
        };
        count += spread(sheet, first, last, limits);
        if count > limits.cells {
            return Err(Refusal::too_large(file, limits.cells, "cells"));
        }
    }
    Ok(())
}

/// Writes the text of a merged region into its other cells, in rows that hold something; gives their number.
fn spread(sheet: &mut Sheet, first: (u32, u32), last: (u32, u32), limits: &Limits) -> usize {
    let Some(anchor) = sheet.cell(first.1, first.0).cloned() else { return 0 };
    let name = format!("{}{}", letters(first.0), first.1);
    let mut count = 0;
    if last.1 < first.1 {
        return 0;
    }
    for (number, row) in sheet.rows.range_mut(first.1..=last.1) {
        for column in first.0..=last.0.min(limits.columns) {
            if (column, *number) != first {
                row.insert(column, Cell { text: anchor.text.clone(), flaw: Some(Flaw::Merged(name.clone())) });
                count += 1;
            }
        }
    }
    count
}

impl Book<'_> {
    /// A cell; `None` when nothing is in it.
    fn cell(&self, node: Node<'_, '_>) -> Option<Cell> {
        let style = node.attribute("s").and_then(|text| text.parse().ok()).unwrap_or(0);
        let value = child(node, "v").and_then(|v| v.text()).unwrap_or_default();
        let kind = node.attribute("t").unwrap_or("n");
        let mut struck = self.styles.is_struck(style);
        let text = match kind {
            "s" => {
                let string = value.trim().parse::<usize>().ok().and_then(|index| self.strings.get(index));
                let string = string.cloned().unwrap_or_default();
                struck |= string.struck;
                string.text
            }
            "inlineStr" => {
                let string = child(node, "is").map(rich).unwrap_or_default();
                struck |= string.struck;
                string.text
            }
            "n" => self.number(value.trim(), style),
            "b" => if value.trim() == "1" { "true" } else { "false" }.to_owned(),
            _ => unescaped(value),
        };
        let formula = child(node, "f").is_some() && value.is_empty() && kind != "str";
        let flaw = match kind {
            _ if formula => Some(Flaw::Formula),
            "e" => Some(Flaw::Error),
            _ if struck && !text.trim().is_empty() => Some(Flaw::Struck),
            _ => None,
        };
        (flaw.is_some() || !text.trim().is_empty()).then_some(Cell { text, flaw })
    }

    /// A number as people write it: days as dates, whole numbers without decimals.
    fn number(&self, value: &str, style: usize) -> String {
        let Ok(number) = value.parse::<f64>() else { return value.to_owned() };
        if self.styles.is_date(style)
            && let Some(day) = date(number, self.styles.from_1904)
        {
            return day.to_string();
        }
        if number.fract() == 0.0 && number.abs() < 1e15 { format!("{number:.0}") } else { value.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_characters_and_paths_are_read() {
        assert_eq!(unescaped("a_x000D_\nb_xyz_x0041_"), "a\r\nb_xyzA");
        assert_eq!(unescaped("_x"), "_x");
        assert_eq!(resolved("xl/worksheets", "../comments1.xml"), "xl/comments1.xml");
        assert_eq!(resolved("xl", "/xl/a.xml"), "xl/a.xml");
    }
}
