//! `flows.xlsx`: the communication matrix as a workbook. Every cell is text, so that no spreadsheet takes one for a formula,
//! a date or a number; heads are frozen and have filters. The creation date is the date of evaluation: same bytes.

use super::csv::COLUMNS;
use super::escape::turns;
use super::facts::Report;
use super::words::Words;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, FormatAlign, Workbook, XlsxError};

/// A cell's text: one line, within the limits of the format.
struct Escaped(String);

/// Characters that a cell can hold.
const CELL: usize = 32_767;

impl Escaped {
    /// What cannot stand in XML becomes U+FFFD; a text beyond the limit of a cell ends in an ellipsis.
    fn of(text: &str) -> Self {
        let inert =
            |c: char| if c.is_control() || turns(c) || matches!(c, '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { c };
        let mut out: String = text.chars().map(inert).collect();
        // The format counts UTF-16 units.
        if out.encode_utf16().count() > CELL {
            let mut units = 0;
            out = out
                .chars()
                .take_while(|c| {
                    units += c.len_utf16();
                    units < CELL
                })
                .collect();
            out.push('…');
        }
        Self(out)
    }
}

/// A sheet: title, heads, rows.
struct Sheet {
    title: String,
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// Writes the workbook.
///
/// # Errors
/// What the writer says, for instance more rows than the format has.
pub(super) fn write(report: &Report, words: &Words) -> Result<Vec<u8>, String> {
    workbook(report, words).map_err(|error| error.to_string())
}

fn workbook(report: &Report, words: &Words) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let day = ExcelDateTime::parse_from_str(&report.head.as_of_iso)?;
    let title = format!("{} – {}", words.get("flows"), report.head.title);
    let properties = DocProperties::new()
        .set_creation_datetime(&day)
        .set_title(Escaped::of(&title).0.chars().take(200).collect::<String>());
    workbook.set_properties(&properties);
    let head = Format::new().set_bold().set_background_color("#EEF3F8").set_align(FormatAlign::Top).set_num_format("@");
    let text = Format::new().set_text_wrap().set_align(FormatAlign::Top).set_num_format("@");
    for sheet in sheets(report, words) {
        let worksheet = workbook.add_worksheet();
        worksheet.set_name(&sheet.title)?;
        let columns = sheet.heads.len();
        for (column, name) in sheet.heads.iter().enumerate() {
            worksheet.write_string_with_format(0, index(column), &Escaped::of(name).0, &head)?;
            worksheet.set_column_width(index(column), width(&sheet, column))?;
        }
        for (row, cells) in sheet.rows.iter().enumerate() {
            for (column, cell) in cells.iter().enumerate() {
                worksheet.write_string_with_format(row_index(row + 1), index(column), &Escaped::of(cell).0, &text)?;
            }
        }
        worksheet.set_freeze_panes(1, 1)?;
        worksheet.autofilter(0, 0, row_index(sheet.rows.len()), index(columns.saturating_sub(1)))?;
        worksheet.set_landscape().set_print_fit_to_pages(1, 0).set_repeat_rows(0, 0)?;
    }
    workbook.save_to_buffer()
}

fn index(column: usize) -> u16 {
    u16::try_from(column).unwrap_or(u16::MAX)
}

fn row_index(row: usize) -> u32 {
    u32::try_from(row).unwrap_or(u32::MAX)
}

/// Width of a column: its widest cell, within bounds.
fn width(sheet: &Sheet, column: usize) -> f64 {
    let cells = sheet.rows.iter().filter_map(|row| row.get(column)).chain(sheet.heads.get(column));
    let widest = cells.map(|cell| cell.chars().count()).max().unwrap_or(0).clamp(8, 46);
    f64::from(u32::try_from(widest).unwrap_or(46)) + 3.0
}

fn sheets(report: &Report, words: &Words) -> Vec<Sheet> {
    let sheet = |title: &str, heads: &[&str], rows: Vec<Vec<String>>| Sheet {
        title: words.get(title),
        heads: heads.iter().map(|key| words.get(key)).collect(),
        rows,
    };
    let flows = report.flows.iter().map(|flow| COLUMNS.iter().map(|(_, value)| value(flow)).collect()).collect();
    let zones = report.zones.iter().map(|zone| {
        let segments = zone.segments.iter().map(|segment| format!("{} {}", segment.name, segment.prefixes.join(", ")));
        let segments: Vec<String> = segments.map(|text| text.trim().to_owned()).collect();
        vec![
            zone.name.clone(),
            zone.title.clone(),
            zone.class.clone(),
            segments.join("; "),
            zone.protection.clone(),
            zone.components.to_string(),
            zone.filters.clone(),
        ]
    });
    let addresses = report.addresses.iter().map(|address| {
        [&address.address, &address.object, &address.kind, &address.place, &address.zone].map(Clone::clone).to_vec()
    });
    let rules = report.rules.iter().map(|rule| {
        let refs: Vec<&str> = rule.refs.iter().map(|link| link.id.as_str()).collect();
        vec![
            rule.id.clone(),
            rule.title.clone(),
            rule.grade.clone(),
            rule.sources.clone(),
            rule.kind.to_owned(),
            rule.evidence.clone(),
            rule.mark.word.clone(),
            refs.join(", "),
        ]
    });
    let deviations = report.deviations.iter().map(|item| {
        vec![
            item.id.clone(),
            item.kind.clone(),
            item.mark.word.clone(),
            item.rules.join(", "),
            item.objects.clone(),
            item.reason.clone(),
            item.measures.join("; "),
            item.risk.clone(),
            item.owner.clone(),
            item.approvals.join("; "),
            item.from.clone(),
            item.until.clone(),
            item.covers.join("; "),
        ]
    });
    let heads: Vec<&str> = COLUMNS.iter().map(|(key, _)| *key).collect();
    vec![
        sheet("flows", &heads, flows),
        sheet(
            "zones",
            &["zone", "title", "class", "addresses", "protection-need", "components", "filters-at-border"],
            zones.collect(),
        ),
        sheet("addresses", &["address", "object", "kind", "place", "zone"], addresses.collect()),
        sheet(
            "rules",
            &["rule", "statement", "grade", "basis", "evidence-kind", "evidence", "result", "findings"],
            rules.collect(),
        ),
        sheet(
            "deviations",
            &[
                "number",
                "kind",
                "result",
                "rules",
                "objects",
                "reason",
                "measures",
                "risk",
                "owner",
                "approval",
                "valid-from",
                "valid-until",
                "covered-findings",
            ],
            deviations.collect(),
        ),
    ]
}
