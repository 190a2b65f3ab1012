//! Legend, findings and list of flows.

use super::geometry::{Pt, Rect};
use super::label;
use super::metrics::Metrics;
use super::nets::Nets;
use super::paint::{alg, boxed, ink, level_chip, mark, mute};
use super::paint_flow::{arrow, brick, filled};
use super::scene::{LIST_ROW, PANEL_HEAD, Panel, PanelSizes, Scene};
use super::sheet::{Class, Flow, MarkKind, Plane, Sheet, Status};
use super::svg::{Svg, tenths};
use super::theme::{self, CARD_LINE, PAPER, Stroke};
use super::words::Word;
use crate::i18n::Lang;

const LEGEND: (i32, i32) = (288, 268);
const NOTES_WIDTH: i32 = 212;
/// Most findings on the sheet.
const MAX_NOTES: usize = 8;
/// Most entries of the list of flows.
const MAX_LIST: usize = 120;
/// Width of the columns of an entry.
const LIST_LABEL: i32 = 44;

/// Panels of a sheet.
pub struct Panels<'a> {
    /// The sheet.
    pub sheet: &'a Sheet,
    /// Bundles.
    pub nets: &'a Nets,
    /// Widths of texts.
    pub metrics: &'a Metrics,
    /// Language.
    pub lang: Lang,
}

impl Panels<'_> {
    /// Sizes, before anything is placed.
    pub fn sizes(&self) -> PanelSizes {
        let notes = self.note_lines();
        let height: i32 = notes.iter().map(|l| 27 + 13 * i32::try_from(l.len()).unwrap_or(0)).sum();
        let list = self.listed();
        let widest = list.iter().map(|f| self.entry_width(f)).max().unwrap_or(0);
        PanelSizes {
            legend: LEGEND,
            notes: if notes.is_empty() { (0, 0) } else { (NOTES_WIDTH, height + PANEL_HEAD + 6 + self.more_height()) },
            list_rows: i32::try_from(list.len()).unwrap_or(0),
            list_width: widest.clamp(200, 420),
        }
    }

    fn more_height(&self) -> i32 {
        if self.sheet.notes.len() > MAX_NOTES { 16 } else { 0 }
    }

    fn note_lines(&self) -> Vec<Vec<String>> {
        let notes = self.sheet.notes.iter().take(MAX_NOTES);
        notes.map(|n| self.metrics.wrap(&n.text, 105, false, NOTES_WIDTH - 24)).collect()
    }

    /// Flows whose label is not their id are listed, so that the sheet explains itself.
    fn listed(&self) -> Vec<(usize, &Flow)> {
        if self.sheet.flows.iter().all(|f| f.label == f.id) {
            return Vec::new();
        }
        self.sheet.flows.iter().enumerate().take(MAX_LIST).collect()
    }

    fn ends(&self, flow: &Flow) -> String {
        let names = |pick: fn(&super::sheet::Link) -> &String| {
            let mut ids: Vec<&str> = flow.links.iter().map(|l| self.name(pick(l))).collect();
            let first = ids.first().copied().unwrap_or_default();
            ids.sort_unstable();
            ids.dedup();
            if ids.len() < 2 { first.to_owned() } else { format!("{first} +{}", ids.len() - 1) }
        };
        format!("{} → {}", names(|l| &l.from), names(|l| &l.to))
    }

    /// A group of zones has no name of its own but a title.
    fn name<'s>(&'s self, id: &'s str) -> &'s str {
        let mut places = self.sheet.networks.iter().chain(&self.sheet.zones);
        let group = id.starts_with('#').then(|| places.find(|place| place.id == id)).flatten();
        group.map_or(id, |group| group.title.as_str())
    }

    fn entry_text(&self, flow: &Flow) -> String {
        // A flow from or to a filter itself has no line and no ends on the sheet.
        if flow.links.is_empty() {
            return format!("{} · {}", flow.id, flow.protocol);
        }
        format!("{} · {}", self.ends(flow), flow.protocol)
    }

    fn entry_width(&self, (_, flow): &(usize, &Flow)) -> i32 {
        LIST_LABEL + self.metrics.px(&self.entry_text(flow), 105, false) + 24
    }

    /// Paints the panels the scene has room for.
    pub fn paint(&self, svg: &mut Svg, scene: &Scene) {
        for (panel, r) in &scene.panels {
            boxed(svg, "rule", ("none", theme::RULE), *r, 6, 10);
            let head = match panel {
                Panel::Legend => Word::Legend,
                Panel::Notes => Word::Findings,
                Panel::List => Word::FlowList,
            };
            svg.text((r.x + 12) * 10, (r.y + 19) * 10, ink(120, true), false, head.of(self.lang));
            match panel {
                Panel::Legend => self.legend(svg, *r),
                Panel::Notes => self.notes(svg, *r),
                Panel::List => self.list(svg, *r),
            }
        }
    }

    fn notes(&self, svg: &mut Svg, r: Rect) {
        let mut y = r.y + 30;
        for (note, lines) in self.sheet.notes.iter().zip(self.note_lines()) {
            let w = mark(svg, self.metrics, &note.mark, r.x + 12, y);
            svg.text((r.x + 20 + w) * 10, (y + 13) * 10, ink(105, true), false, &note.id);
            for (i, line) in (0..).zip(&lines) {
                svg.text((r.x + 12) * 10, (y + 30 + 13 * i) * 10, ink(105, false), false, line);
            }
            y += 27 + 13 * i32::try_from(lines.len()).unwrap_or(0);
        }
        if self.sheet.notes.len() > MAX_NOTES {
            let text = format!("+ {} {}", self.sheet.notes.len() - MAX_NOTES, Word::More.of(self.lang));
            svg.text((r.x + 12) * 10, (y + 10) * 10, mute(105), false, &text);
        }
    }

    fn list(&self, svg: &mut Svg, r: Rect) {
        let list = self.listed();
        let sizes = self.sizes();
        let per_row = ((r.w - 24) / sizes.list_width).max(1);
        let rows = (sizes.list_rows + per_row - 1) / per_row;
        let width = (r.w - 24) / per_row;
        for (n, (i, flow)) in (0..).zip(&list) {
            let (col, row) = (n / rows.max(1), n % rows.max(1));
            let (x, y) = (r.x + 12 + col * width, r.y + PANEL_HEAD + row * LIST_ROW + 10);
            let stroke = theme::stroke(flow.plane, flow.status);
            svg.element("g").a("class", "zd-entry").a("data-flow", &flow.id).open();
            svg.element("title").body(&flow.id);
            let font = super::svg::Font { size: 105, bold: true, class: "ink", colour: theme::INK };
            filled(svg, &format!("f-{}", stroke.class), stroke.colour, Rect::new(x, y - 9, 4, 11), 1);
            svg.text((x + 9) * 10, y * 10, font, false, &flow.label);
            let mut text = self.entry_text(flow);
            if self.nets.undrawn.contains(i) {
                text.push_str(&format!(" ({})", Word::Undrawn.of(self.lang)));
            }
            let text = self.metrics.fit(&text, 105, false, width - LIST_LABEL - 10);
            svg.text((x + LIST_LABEL) * 10, y * 10, mute(105), false, &text);
            svg.close();
        }
    }

    fn legend(&self, svg: &mut Svg, r: Rect) {
        let (x, text_x) = (r.x + 12, r.x + 90);
        let mut y = r.y + 36;
        let say = |svg: &mut Svg, y: i32, word: Word| {
            svg.text(text_x * 10, (y + 4) * 10, ink(110, false), false, word.of(self.lang));
        };
        let kinds = [
            (Plane::Production, Status::Ok, Word::LegendFlow, None),
            (Plane::Management, Status::Ok, Word::LegendManagement, None),
            (Plane::Production, Status::Deviation, Word::LegendDeviation, Some(MarkKind::Deviation)),
            (Plane::Production, Status::Violation, Word::LegendViolation, Some(MarkKind::Violation)),
        ];
        for (plane, status, word, kind) in kinds {
            let stroke = theme::stroke(plane, status);
            sample_line(svg, stroke, (x, y), 44);
            if let Some(kind) = kind {
                sign(svg, kind, x + 61, y);
            }
            say(svg, y, word);
            y += 22;
        }
        let flow = theme::stroke(Plane::Production, Status::Ok);
        brick(svg, Rect::new(x + 18, y - 8, 12, 7));
        brick(svg, Rect::new(x + 18, y + 13, 12, 7));
        sample_line(svg, flow, (x, y + 6), 44);
        say(svg, y, Word::LegendFilter);
        say(svg, y + 14, Word::LegendFilterMore);
        y += 36;
        alg(svg, theme::zone(Class::Web), x + 6, y);
        say(svg, y, Word::LegendAlg);
        y += 23;
        boxed(svg, "clus", (PAPER, CARD_LINE), Rect::new(x + 4, y - 9, 40, 18), 7, 12);
        boxed(svg, "card", (PAPER, CARD_LINE), Rect::new(x + 10, y - 5, 28, 10), 4, 10);
        say(svg, y, Word::LegendCluster);
        y += 23;
        super::paint_flow::label(svg, self.metrics, flow, (x - 4, y - label::HEIGHT / 2), "F01", "443");
        say(svg, y, Word::LegendLabel);
        y += 23;
        level_chip(svg, self.metrics, theme::zone(Class::App), x, y - 9, &format!("{} 3", Word::Level.of(self.lang)));
        say(svg, y, Word::LegendLevel);
        y += 22;
        for d in [format!("M{x} {y}h18M{} {y}h18", x + 29), format!("M{} {}v18", x + 23, y - 9)] {
            let path = svg.element("path").a("class", "zd-l-prod").a("d", d).a("fill", "none");
            path.a("stroke", flow.colour).a("stroke-width", 2).end();
        }
        say(svg, y, Word::LegendCrossing);
    }
}

fn sample_line(svg: &mut Svg, stroke: Stroke, (x, y): (i32, i32), w: i32) {
    let mut line = svg.element("path").a("class", format!("zd-l-{}", stroke.class));
    line = line.a("d", format!("M{x} {y}h{}", w - 6)).a("fill", "none").a("stroke", stroke.colour);
    line = line.a("stroke-width", tenths(stroke.width));
    if let Some(dash) = stroke.dash {
        line = line.a("stroke-dasharray", dash);
    }
    line.end();
    arrow(svg, stroke, Pt { x, y }, Pt { x: x + w, y });
}

/// The round sign of a kind, without text.
fn sign(svg: &mut Svg, kind: MarkKind, x: i32, y: i32) {
    super::paint::badge(svg, kind, Rect::new(x - 11, y - 8, 22, 16), "", 95);
}
