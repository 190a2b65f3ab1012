//! The zone diagram as SVG: own layouter, whole numbers only, the same bytes for the same sheet.
//!
//! Stages: [`sheet`] (what is shown) → `cards` (boxes) → `nets` (bundles) → `columns` (rows and columns) → `interior`
//! and `scene` (rectangles) → `bars` (filters) → `wire` (ways over the lane grid, labels) → `paint` (SVG).

mod bars;
mod cards;
mod columns;
mod from_site;
mod geometry;
mod graph;
mod icons;
mod interior;
mod label;
mod lanes;
mod metrics;
mod nets;
mod overview;
mod paint;
mod paint_flow;
mod panels;
#[cfg(feature = "png")]
mod png;
mod ports;
mod route;
mod scene;
pub mod sheet;
mod svg;
mod theme;
mod wire;
mod words;

#[cfg(test)]
mod checks;
#[cfg(test)]
mod checks_large;

use crate::i18n::Lang;
use cards::Index;
use geometry::Rect;
use interior::Context;
use metrics::Metrics;
use nets::Nets;
use paint::Painter;
use scene::{Scene, Slack};
use sheet::Sheet;
use svg::Svg;
use wire::{Board, Wiring};

/// Liberation Sans 2.1.5, regular and bold, SIL Open Font License (targets/diagram/fonts/LICENSE).
#[cfg(any(feature = "png", feature = "pdf"))]
pub const FONTS: [&[u8]; 2] = [
    include_bytes!("../../../targets/diagram/fonts/LiberationSans-Regular.ttf"),
    include_bytes!("../../../targets/diagram/fonts/LiberationSans-Bold.ttf"),
];

/// Adds `diagram/<site>.svg`, `.png` (feature `png`), `.mmd` and `.dot`, for a large site also its further sheets
/// `-02.svg` and so on, and gives the first picture for a page that holds [`dark_style`] itself.
///
/// # Errors
/// A picture that cannot be rasterised, which the tests of the examples exclude.
pub fn emit(
    findings: &[Judged],
    origin: super::Origin<'_>,
    graphs: &crate::graph::Graphs,
    lang: Lang,
    files: &mut super::Files,
) -> Result<String, String> {
    let whole = from_site::sheet(origin, graphs, findings, lang);
    let path = |ending: &str| format!("diagram/{}{ending}", origin.site.name());
    files.add(path(".mmd"), graph::mermaid(&whole));
    files.add(path(".dot"), graph::dot(&whole));
    let sheets = overview::sheets(whole, lang);
    let mut inline = String::new();
    for (index, picture) in drawn(&sheets, lang).into_iter().enumerate() {
        if index == 0 {
            let style = format!("<style>{}</style>\n", dark_style());
            inline = picture.replacen(&style, "", 1).replacen("<svg ", "<svg class=\"plan\" ", 1);
            #[cfg(feature = "png")]
            files.add(path(".png"), png::png(&picture)?);
            files.add(path(".svg"), picture);
        } else {
            files.add(path(&format!("-{:02}.svg", index + 1)), picture);
        }
    }
    Ok(inline)
}

/// The pictures of sheets, in their order; sheets are drawn side by side, which changes nothing in them.
fn drawn(sheets: &[Sheet], lang: Lang) -> Vec<String> {
    let mut pictures = vec![String::new(); sheets.len()];
    let part = sheets.len().div_ceil(WORKERS).max(1);
    std::thread::scope(|scope| {
        for (sheets, pictures) in sheets.chunks(part).zip(pictures.chunks_mut(part)) {
            scope.spawn(move || {
                for (sheet, picture) in sheets.iter().zip(pictures) {
                    *picture = render(sheet, lang);
                }
            });
        }
    });
    pictures
}

/// The dark theme of every picture, for a page around one.
#[must_use]
pub fn dark_style() -> String {
    theme::dark_style()
}

pub use from_site::Judged;

/// Sheets drawn at the same time.
const WORKERS: usize = 8;
/// Attempts with growing space.
const ROUNDS: i32 = 6;

/// A finished layout.
struct Plan {
    scene: Scene,
    bars: Vec<bars::Bar>,
    wiring: Wiring,
    rows: columns::Rows,
    below: Vec<bool>,
}

/// Draws a sheet.
pub fn render(sheet: &Sheet, lang: Lang) -> String {
    let metrics = Metrics::default();
    let index = Index::new(sheet, &metrics);
    let mut nets = nets::bundle(&index, lang);
    let plan = layout(&index, &metrics, &nets, lang);
    // What found no way stands in the list as such.
    let lost = plan.wiring.failed.iter().filter_map(|net| nets.nets.get(*net)).flat_map(|net| net.flows.clone());
    nets.undrawn.extend(lost.collect::<Vec<_>>());
    paint(&index, &metrics, &nets, &plan, lang)
}

/// Lays a sheet out, with more space in every round until all lines and labels fit.
fn layout(index: &Index, metrics: &Metrics, nets: &Nets, lang: Lang) -> Plan {
    let rows = columns::rows(index, &nets.nets);
    let below: Vec<bool> = (0..index.places()).map(|p| rows.b.contains(&p)).collect();
    let sizes = panels::Panels { sheet: index.sheet, nets, metrics, lang }.sizes();
    let mut best: Option<Plan> = None;
    let mut idle = 0;
    for round in 0..ROUNDS {
        let slack = Slack { gutter: 28 * round, gap: 28 * round };
        let cx = Context { index, nets: &nets.nets, metrics, below: &below, extra: 14 * round };
        let scene = scene::build(&cx, &rows, slack, sizes);
        let bars = bars::build(index, metrics, &nets.nets, &rows, &scene);
        let texts = texts(index, metrics, &scene, &bars, &below, lang);
        let board = Board { index, metrics, scene: &scene, bars: &bars, nets: &nets.nets, texts: &texts };
        let wiring = wire::route_all(&board);
        let failed = wiring.failed.len();
        let improved = best.as_ref().is_none_or(|b| failed < b.wiring.failed.len());
        if improved {
            best = Some(Plan { scene, bars, wiring, rows: rows.clone(), below: below.clone() });
        }
        // More space helps at once or not at all.
        idle = if improved { 0 } else { idle + 1 };
        if failed == 0 || idle == 2 {
            break;
        }
    }
    best.unwrap_or_else(|| Plan { scene: Scene::default(), bars: Vec::new(), wiring: Wiring::default(), rows, below })
}

/// Rectangles of titles, chips and badges that lines and labels keep clear of.
fn texts(index: &Index, m: &Metrics, scene: &Scene, bars: &[bars::Bar], below: &[bool], lang: Lang) -> Vec<Rect> {
    let mut out = Vec::new();
    let level = m.px(&format!("{} 5", words::Word::Level.of(lang)), 100, true) + 14;
    for (place, r) in scene.places.iter().enumerate().filter(|(p, r)| r.w > 0 && !index.is_network(*p)) {
        let Some(zone) = index.place(place) else { continue };
        let (x, y) = paint::head_origin(*r, bars);
        let w = zone.lines.iter().map(|l| m.px(l, 110, false)).chain([m.px(&zone.title, 135, true)]).max();
        out.push(Rect::new(x + 14, y + 10, w.unwrap_or(0), scene::head_height(index, place) - 18));
        if scene::is_management(index, place) {
            let lines = i32::try_from(zone.lines.len()).unwrap_or(0);
            out.push(Rect::new(r.x + 14, y + 32 + 14 * lines, level, 17));
            continue;
        }
        out.push(Rect::new(r.right() - 9 - level, y + 9, level, 17));
        let mut y = y + 30;
        for mark in &zone.marks {
            let w = label::mark_width(m, &mark.text);
            out.push(Rect::new(r.right() - 9 - w, y, w, label::HEIGHT));
            y += scene::MARK_ROW;
        }
    }
    for (r, cluster) in scene.clusters.iter().zip(&index.sheet.clusters).filter(|(r, _)| r.w > 0) {
        let y = if index.place_of(&cluster.zone).and_then(|p| below.get(p)) == Some(&true) {
            r.bottom() - 25
        } else {
            r.y + 7
        };
        let w = 34 + m.px(&cluster.title, 115, true) + m.px(&cluster.kind, 105, false);
        out.push(Rect::new(r.x + 10, y, w.min(r.w - 20), 18));
    }
    if let Some(c) = scene.container {
        out.push(Rect::new(c.x + 24, c.y + 6, 160, 14));
    }
    out
}

fn paint(index: &Index, metrics: &Metrics, nets: &Nets, plan: &Plan, lang: Lang) -> String {
    let mut svg = Svg::new(metrics);
    let (scene, sheet) = (&plan.scene, index.sheet);
    open(&mut svg, scene, lang);
    let title = format!("{} {}", words::Word::Heading.of(lang), sheet.title);
    svg.element("title").a("id", "zd-title").body(&title);
    svg.element("desc").a("id", "zd-desc").body(&description(index, lang));
    svg.element("style").body_raw_css(&theme::dark_style());
    paint_flow::pattern(&mut svg);
    let size = Rect::new(0, 0, scene.width, scene.height);
    paint_flow::filled(&mut svg, "paper", theme::PAPER, size, 0);
    let painter = Painter { index, scene, metrics, lang };
    painter.header(&mut svg);
    painter.container(&mut svg, plan.rows.container.as_deref());
    if let Some((outer, alg, inner)) = pap(index, plan) {
        painter.pap(&mut svg, outer, alg, inner);
    }
    painter.places(&mut svg, &plan.bars);
    let below: Vec<bool> =
        sheet.clusters.iter().map(|c| index.place_of(&c.zone).and_then(|p| plan.below.get(p)) == Some(&true)).collect();
    painter.contents(&mut svg, &below);
    panels::Panels { sheet, nets, metrics, lang }.paint(&mut svg, scene);
    painter.title_block(&mut svg);
    let flows =
        paint_flow::FlowPainter { index, nets: &nets.nets, wires: &plan.wiring.wires, bars: &plan.bars, metrics };
    flows.bars(&mut svg);
    flows.lines(&mut svg);
    flows.stops(&mut svg);
    flows.labels(&mut svg);
    svg.finish()
}

fn open(svg: &mut Svg, scene: &Scene, lang: Lang) {
    svg.element("svg")
        .a("xmlns", "http://www.w3.org/2000/svg")
        .a("viewBox", format!("0 0 {} {}", scene.width, scene.height))
        .a("width", scene.width)
        .a("height", scene.height)
        .a("role", "img")
        .a("aria-labelledby", "zd-title zd-desc")
        .a("lang", if lang == Lang::De { "de" } else { "en" })
        .a("font-family", "'Liberation Sans', Arial, Helvetica, 'DejaVu Sans', sans-serif")
        .open();
}

/// The picture in words: every flow with its ends.
fn description(index: &Index, lang: Lang) -> String {
    let name = |id: &str| {
        let place = index.place_of(id).and_then(|p| index.place(p)).map(|z| z.title.clone());
        let component = || index.sheet.components.iter().find(|c| c.id == id).map(|c| c.title.clone());
        place.or_else(component).unwrap_or_else(|| id.to_owned())
    };
    let zones: Vec<&str> = index.sheet.zones.iter().map(|z| z.title.as_str()).collect();
    let flows: Vec<String> = index
        .sheet
        .flows
        .iter()
        .map(|f| {
            let links: Vec<String> = f.links.iter().map(|l| format!("{} → {}", name(&l.from), name(&l.to))).collect();
            let mark = f.mark.as_ref().map(|m| format!(" ({})", m.text)).unwrap_or_default();
            format!("{} {}, {}{mark}", f.label, links.join(", "), f.protocol)
        })
        .collect();
    let (z, f) = (words::Word::Zones.of(lang), words::Word::FlowList.of(lang));
    format!("{z}: {}. {f}: {}.", zones.join(", "), flows.join("; "))
}

/// x of outer filter, gateway and inner filter, when the first column is a screened ALG zone.
fn pap(index: &Index, plan: &Plan) -> Option<(i32, i32, i32)> {
    let zone = *plan.rows.a.first()?.first()?;
    let r = plan.scene.places.get(zone)?;
    index.cards.iter().find(|c| c.place == zone && c.alg)?;
    let upright = plan.bars.iter().filter(|b| b.vertical && b.rect.y < r.bottom() && b.rect.bottom() > r.y);
    let outer = upright.clone().map(|b| b.rect.cx()).filter(|x| *x < r.cx()).max()?;
    let inner = upright.map(|b| b.rect.cx()).filter(|x| *x > r.cx()).min()?;
    Some((outer, r.cx(), inner))
}
