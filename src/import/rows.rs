//! Rows → flows, or reasons why not.

use super::ends::{Ends, Side};
use super::services::{Services, Wanted};
use super::sheet::{Cell, Flaw, Sheet, letters};
use super::words::{Meaning, Words};
use super::{Import, Left, Placed, Reason, Request, Said, Why};
use crate::model::Family;
use crate::source::{Date, FileId, Limits};
use crate::syntax::decode::{Cx, Decode, Scalar};
use crate::syntax::scalars::{Name, Text};
use crate::syntax::write::{line, map, one_or_many, scalar, services};
use crate::syntax::{Document, document, proposal, tree};
use std::collections::{BTreeMap, BTreeSet};

/// Columns whose text a merged cell may give to several rows: it only explains.
const SHARED: [&str; 8] = ["purpose", "owner", "approval", "approved-by", "approved-on", "requested", "reason", "risk"];

/// Reads all rows below the headings.
pub(super) fn read(sheet: &Sheet, request: &Request<'_>, words: &Words, import: &mut Import) {
    let mapping = request.mapping;
    let reader = Reader {
        words,
        ends: Ends::new(words, request.site, &mapping.names),
        services: Services { words, blueprint: request.blueprint, site: request.site, given: &mapping.services },
        request,
    };
    let mut taken = Taken::default();
    let rows = || sheet.rows.range(import.columns.row + 1..);
    let columns = import.columns.clone();
    // Names that rows state are theirs, wherever the row stands; made names keep out of their way.
    taken.stated = rows().filter_map(|(number, _)| reader.stated(&Row::new(sheet, *number, &columns))).collect();
    let numbers: Vec<u32> = rows().map(|(number, _)| *number).collect();
    for number in numbers {
        let row = Row::new(sheet, number, &columns);
        match reader.row(&row, &mut taken) {
            Ok((placed, sides)) => {
                if request.site.is_none() {
                    sides.iter().for_each(|side| need(import, number, side));
                }
                import.flows.push(placed);
            }
            Err(reasons) => import.left.push(Left { row: number, reasons }),
        }
    }
}

fn need(import: &mut Import, row: u32, side: &Side) {
    for name in &side.names {
        let needed = import.needed.entry(name.clone()).or_default();
        needed.rows.insert(row);
        if side.names.len() == 1 {
            needed.addresses.extend(side.addresses.iter().cloned());
        }
    }
}

/// Names and contents that rows have taken.
#[derive(Default)]
struct Taken {
    stated: BTreeSet<String>,
    names: BTreeMap<String, u32>,
    contents: BTreeMap<Vec<Vec<String>>, u32>,
}

/// A row with its columns.
struct Row<'a> {
    sheet: &'a Sheet,
    number: u32,
    columns: &'a super::Columns,
}

impl<'a> Row<'a> {
    fn new(sheet: &'a Sheet, number: u32, columns: &'a super::Columns) -> Self {
        Self { sheet, number, columns }
    }

    fn cell(&self, column: &str) -> Option<&'a Cell> {
        self.sheet.cell(self.number, self.columns.place(column)?)
    }

    fn text(&self, column: &str) -> &'a str {
        self.cell(column).map_or("", |cell| cell.text.trim())
    }

    /// A reason at the first of some columns that the sheet has, preferring one that is filled.
    fn reason(&self, columns: &[&str], why: Why) -> Reason {
        let there = || columns.iter().filter(|column| self.columns.place(column).is_some());
        let column = there().find(|column| !self.text(column).is_empty()).or_else(|| there().next());
        let place = column.and_then(|column| self.columns.place(column)).map(letters).unwrap_or_default();
        Reason {
            column: place,
            content: column.map(|column| self.text(column).to_owned()).unwrap_or_default(),
            why: Box::new(why),
        }
    }
}

struct Reader<'a> {
    words: &'a Words,
    ends: Ends<'a>,
    services: Services<'a>,
    request: &'a Request<'a>,
}

type Outcome = Result<(Placed, [Side; 2]), Vec<Reason>>;

impl Reader<'_> {
    fn row(&self, row: &Row<'_>, taken: &mut Taken) -> Outcome {
        let mut reasons = self.flaws(row);
        if !reasons.is_empty() {
            return Err(reasons);
        }
        reasons.extend(self.force(row));
        let mut keep = |result: Result<(), Reason>| reasons.extend(result.err());
        let (mut from, mut to, mut wanted) = (Side::default(), Side::default(), Wanted::default());
        keep(self.side(row, ["from", "from-address", "from-zone"]).map(|side| from = side));
        keep(self.side(row, ["to", "to-address", "to-zone"]).map(|side| to = side));
        let cells = ["service", "protocol", "port"];
        let found = self.services.wanted(row.text("service"), row.text("protocol"), row.text("port"));
        keep(found.map(|found| wanted = found).map_err(|why| row.reason(&["service", "port", "protocol"], why)));
        let mut extras = Extras::default();
        keep(self.extras(row, &mut extras));
        let mut family = None;
        keep(self.family(row, &from, &to).map(|found| family = found));
        let mut id = None;
        keep(self.id(row, taken).map(|found| id = found));
        if !reasons.is_empty() {
            return Err(reasons);
        }
        let content = content(&from, &to, &wanted);
        if let Some(other) = taken.contents.get(&content).filter(|_| id.is_none()) {
            return Err(vec![row.reason(&[], Why::new(Said::new("duplicate").arg("row", other)))]);
        }
        let name = id.unwrap_or_else(|| self.made(&from, &to, &wanted, taken));
        let mut pairs = vec![
            ("from".to_owned(), one_or_many(from.names.iter().map(String::as_str))),
            ("to".to_owned(), one_or_many(to.names.iter().map(String::as_str))),
            ("service".to_owned(), services(wanted.services.iter().map(String::as_str))),
        ];
        pairs.append(&mut extras.pairs);
        if let Some(family) = family.filter(|_| pairs.iter().all(|(key, _)| key != "family")) {
            pairs.push(("family".to_owned(), family));
        }
        let remarks = self.remarks(row, &from, &to, &wanted, extras.remarks);
        let placed = Placed { row: row.number, name: name.clone(), remarks, pairs };
        if let Some(case) = refused(&placed) {
            return Err(vec![
                row.reason(&["further", cells[0]], Why::new(Said::new("not-language").arg("case", case))),
            ]);
        }
        taken.names.insert(name, row.number);
        taken.contents.entry(content).or_insert(row.number);
        Ok((placed, [from, to]))
    }

    /// What makes cells doubtful before anybody reads them.
    fn flaws(&self, row: &Row<'_>) -> Vec<Reason> {
        let filled = row.sheet.rows.get(&row.number).into_iter().flatten();
        let own = filled.filter(|(_, cell)| !matches!(cell.flaw, Some(Flaw::Merged(_)))).count();
        if own <= 1 && self.columns_filled(row) <= 1 {
            let cell = row.sheet.rows.get(&row.number).and_then(|cells| cells.iter().next());
            let (column, content) = cell.map_or((String::new(), String::new()), |(column, cell)| {
                (letters(*column), cell.text.trim().to_owned())
            });
            return vec![Reason { column, content, why: Box::new(Why::new(Said::new("heading-row"))) }];
        }
        let mut reasons = Vec::new();
        for (column, (place, _)) in &row.columns.known {
            let Some(cell) = row.sheet.cell(row.number, *place) else { continue };
            let said = match &cell.flaw {
                None => continue,
                Some(Flaw::Merged(_)) if SHARED.contains(&column.as_str()) => continue,
                Some(Flaw::Merged(anchor)) => Said::new("merged").arg("anchor", anchor),
                Some(Flaw::Formula) => Said::new("formula"),
                Some(Flaw::Error) => Said::new("error-value"),
                Some(Flaw::Struck) => Said::new("struck"),
            };
            reasons.push((*place, row.reason(&[column], Why::new(said))));
        }
        reasons.sort_by_key(|(place, _)| *place);
        // A row that is struck through as a whole is told once.
        reasons.dedup_by(|(_, later), (_, first)| later.why.said.key == "struck" && first.why.said.key == "struck");
        reasons.into_iter().map(|(_, reason)| reason).collect()
    }

    /// Known columns in which the row has a text of its own.
    fn columns_filled(&self, row: &Row<'_>) -> usize {
        let cells = row.columns.known.values().filter_map(|(place, _)| row.sheet.cell(row.number, *place));
        cells.filter(|cell| !matches!(cell.flaw, Some(Flaw::Merged(_)))).count()
    }

    /// Whether the row is in force and one side opens the connection.
    fn force(&self, row: &Row<'_>) -> Vec<Reason> {
        let mut reasons = Vec::new();
        let state = row.text("state");
        if self.words.means(state, Meaning::Refuse) {
            reasons.push(row.reason(&["state"], Why::new(Said::new("deny-row"))));
        } else if !self.words.means(state, Meaning::Empty) && !self.words.means(state, Meaning::Allow) {
            reasons.push(row.reason(&["state"], Why::new(Said::new("unknown-state"))));
        }
        let direction = row.text("direction");
        if !self.words.means(direction, Meaning::Empty) && !self.words.means(direction, Meaning::OneWay) {
            reasons.push(row.reason(&["direction"], Why::new(Said::new("both-ways"))));
        }
        let port = row.text("from-port");
        let usual = ["1024-65535", ">1023", "> 1023", ">1024", "> 1024", "dynamic", "dynamisch", "high", "hoch"];
        let free = self.words.means(port, Meaning::Any) || usual.contains(&port.to_lowercase().as_str());
        if !free && !self.words.means(port, Meaning::Empty) {
            reasons.push(row.reason(&["from-port"], Why::new(Said::new("source-port"))));
        }
        reasons
    }

    /// One side. A zone counts only where the sheet has no column for anything smaller.
    fn side(&self, row: &Row<'_>, columns: [&str; 3]) -> Result<Side, Reason> {
        let [names, addresses, zone] = columns;
        let smaller = row.columns.place(names).or(row.columns.place(addresses)).is_some();
        let cell = if smaller { row.text(names) } else { row.text(zone) };
        let at: &[&str] = if smaller { &[names, addresses] } else { &[zone] };
        self.ends.side(cell, row.text(addresses)).map_err(|why| row.reason(at, why))
    }

    /// The family of the flow, as the row states it or as its addresses ask for.
    fn family(&self, row: &Row<'_>, from: &Side, to: &Side) -> Result<Option<String>, Reason> {
        let stated = row.text("family");
        if !self.words.means(stated, Meaning::Empty) {
            let known = self.words.family(stated);
            let why = || Why::new(Said::new("unknown-family").arg("text", stated));
            return known.map(|family| Some(family.to_owned())).ok_or_else(|| row.reason(&["family"], why()));
        }
        match (from.only, to.only) {
            (Some(a), Some(b)) if a != b => {
                Err(row.reason(&["from-address", "from"], Why::new(Said::new("families-differ"))))
            }
            (Some(family), _) | (_, Some(family)) => {
                Ok(Some(if family == Family::V4 { "ipv4" } else { "ipv6" }.to_owned()))
            }
            _ => Ok(None),
        }
    }

    /// The name that a row states; a bare number is none.
    fn stated(&self, row: &Row<'_>) -> Option<String> {
        let text = row.text("id");
        let text = self.request.mapping.names.get(text).map_or(text, String::as_str);
        Name::parse(text).ok().map(|name| name.0)
    }

    fn id(&self, row: &Row<'_>, taken: &Taken) -> Result<Option<String>, Reason> {
        let text = row.text("id");
        if self.words.means(text, Meaning::Empty) || text.bytes().all(|b| b.is_ascii_digit()) {
            return Ok(None);
        }
        let refuse = |why| Err(row.reason(&["id"], why));
        let Some(name) = self.stated(row) else {
            return refuse(Why::new(Said::new("invalid-id").arg("text", text)).offer(Some(text), proposal(text)));
        };
        if let Some(other) = taken.names.get(&name) {
            return refuse(Why::new(Said::new("id-twice").arg("row", other)));
        }
        if self.is_taken_in_site(&name) {
            return refuse(Why::new(Said::new("id-taken").arg("name", name)));
        }
        Ok(Some(name))
    }

    fn is_taken_in_site(&self, name: &str) -> bool {
        self.request.site.is_some_and(|site| site.flows.values().any(|flow| flow.name == name))
    }

    /// A name for a flow that has none: its ends, then its service, then a number.
    fn made(&self, from: &Side, to: &Side, wanted: &Wanted, taken: &Taken) -> String {
        let first = |list: &[String]| list.first().cloned().unwrap_or_default();
        let short = |text: String| proposal(&text).unwrap_or_default().chars().take(56).collect::<String>();
        let ends = short(format!("{}-{}", first(&from.names), first(&to.names)));
        let service = short(format!("{ends}-{}", first(&wanted.services)));
        let free = |name: &String| {
            !taken.names.contains_key(name) && !taken.stated.contains(name) && !self.is_taken_in_site(name)
        };
        let numbered = (2u32..).map(|number| format!("{}-{number}", service.trim_end_matches('-')));
        let plain = [ends, service.clone()].map(|name| name.trim_end_matches('-').to_owned());
        plain.into_iter().chain(numbered).find(free).unwrap_or_default()
    }

    /// What explains and bounds the flow.
    fn extras(&self, row: &Row<'_>, extras: &mut Extras) -> Result<(), Reason> {
        for column in ["purpose", "owner"] {
            if let Some(text) = self.free_text(row, column)? {
                extras.pairs.push((column.to_owned(), line(&text)));
            }
        }
        self.approval(row, extras)?;
        for column in ["requested", "valid-from", "valid-until"] {
            if let Some(day) = self.day(row, column)? {
                extras.pairs.push((column.to_owned(), day.to_string()));
            }
        }
        for column in ["reason", "risk"] {
            if let Some(text) = self.free_text(row, column)? {
                extras.pairs.push((column.to_owned(), line(&text)));
            }
        }
        self.further(row, extras)
    }

    fn approval(&self, row: &Row<'_>, extras: &mut Extras) -> Result<(), Reason> {
        let (reference, by) = (self.free_text(row, "approval")?, self.free_text(row, "approved-by")?);
        let on = self.day(row, "approved-on")?;
        match (&reference, &by, on) {
            (Some(reference), Some(by), Some(on)) => {
                let approval = [("ref", scalar(reference)), ("by", scalar(by)), ("on", on.to_string())];
                extras.pairs.push(("approved".to_owned(), map(approval)));
            }
            (None, None, None) => {}
            _ => {
                let parts = [reference, by, on.map(|on| on.to_string())].into_iter().flatten().collect::<Vec<_>>();
                extras.remarks.push(Said::new("approval-incomplete").arg("text", parts.join(", ")));
            }
        }
        Ok(())
    }

    /// A text on one line; what the language refuses is told.
    fn free_text(&self, row: &Row<'_>, column: &str) -> Result<Option<String>, Reason> {
        let text = row.text(column);
        if self.words.means(text, Meaning::Empty) {
            return Ok(None);
        }
        let joined =
            text.split(['\n', '\r', '\t']).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        match Text::parse(&joined) {
            Ok(text) => Ok(Some(text.0)),
            Err(fault) => {
                let code = fault.args.iter().find(|(key, _)| *key == "code").map_or("", |(_, code)| code.as_str());
                Err(row.reason(&[column], Why::new(Said::new("control-character").arg("code", code))))
            }
        }
    }

    fn day(&self, row: &Row<'_>, column: &str) -> Result<Option<Date>, Reason> {
        let text = row.text(column);
        if self.words.means(text, Meaning::Empty) {
            return Ok(None);
        }
        let found = match <Date as Scalar>::parse(text) {
            Ok(day) => Some(day),
            Err(fault) => fault.fix.and_then(|day| day.parse().ok()),
        };
        found.map(Some).ok_or_else(|| row.reason(&[column], Why::new(Said::new("invalid-date").arg("text", text))))
    }

    /// Attributes in a column of their own, as our export writes them.
    fn further(&self, row: &Row<'_>, extras: &mut Extras) -> Result<(), Reason> {
        let text = row.text("further");
        if self.words.means(text, Meaning::Empty) {
            return Ok(());
        }
        let refuse = |said| Err(row.reason(&["further"], Why::new(said)));
        let limits = Limits { nodes: 1_000, ..Limits::default() };
        let node = match tree::parse(text, FileId(0), &limits) {
            Ok(node) => node,
            Err(_) => return refuse(Said::new("further-shape")),
        };
        let tree::Value::Map(pairs) = &node.value else { return refuse(Said::new("further-shape")) };
        for (key, value) in pairs {
            let key = key.text().unwrap_or_default();
            let own = ["from", "to", "service", "purpose", "owner", "approved", "valid-from", "valid-until"];
            let known = document::Flow::KEYS.contains(&key) && !own.contains(&key);
            if !known || extras.pairs.iter().any(|(other, _)| other == key) {
                return refuse(Said::new("further-key").arg("key", key));
            }
            extras.pairs.push((key.to_owned(), yaml(value)));
        }
        Ok(())
    }

    fn remarks(&self, row: &Row<'_>, from: &Side, to: &Side, wanted: &Wanted, more: Vec<Said>) -> Vec<Said> {
        let number = row.text("number");
        let number = if number.is_empty() { row.text("id") } else { number };
        let is_number = !number.is_empty() && Name::parse(number).is_err();
        let first = if is_number {
            Said::new("row-number").arg("row", row.number).arg("number", number)
        } else {
            Said::new("row").arg("row", row.number)
        };
        let cell = |said: Said, cells: &Option<String>| cells.as_ref().map(|text| said.arg("text", text));
        let cells = [
            cell(Said::new("from-cell"), &from.cells),
            cell(Said::new("to-cell"), &to.cells),
            cell(Said::new("service-cell"), &wanted.cells),
        ];
        std::iter::once(first).chain(cells.into_iter().flatten()).chain(more).collect()
    }
}

/// Keys with values beyond ends and service.
#[derive(Default)]
struct Extras {
    pairs: Vec<(String, String)>,
    remarks: Vec<Said>,
}

/// What a flow lets through, for finding the same again.
fn content(from: &Side, to: &Side, wanted: &Wanted) -> Vec<Vec<String>> {
    let mut all = vec![from.names.clone(), to.names.clone(), wanted.services.clone()];
    all.iter_mut().for_each(|list| list.sort());
    all
}

/// A node as YAML on one line, written anew: nothing of a cell is copied.
fn yaml(node: &tree::Node<'_>) -> String {
    match &node.value {
        tree::Value::Scalar { text, plain: true }
            if text.parse::<Date>().is_ok() || matches!(&**text, "true" | "false") =>
        {
            text.to_string()
        }
        tree::Value::Scalar { text, .. } => scalar(text),
        tree::Value::Seq(items) => format!("[{}]", items.iter().map(yaml).collect::<Vec<_>>().join(", ")),
        tree::Value::Map(pairs) => map(pairs.iter().map(|(key, value)| (key.text().unwrap_or_default(), yaml(value)))),
    }
}

/// Why the language refuses a flow, in the words of its own faults.
fn refused(placed: &Placed) -> Option<&'static str> {
    let text = super::write::block(placed, None);
    let text = format!("flows:\n{text}");
    let mut cx = Cx::default();
    match tree::parse(&text, FileId(0), &Limits::default()) {
        Err(finding) => Some(finding.case),
        Ok(node) => match Document::decode(&node, &mut cx) {
            Some(_) if cx.findings.is_empty() => None,
            _ => Some(cx.findings.first().map_or("untold", |finding| finding.case)),
        },
    }
}
