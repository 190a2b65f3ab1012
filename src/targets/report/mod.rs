//! The report: what the site allows, why, and how far it was checked. Markdown, laid out by a template; every value
//! passes the escaper of the format first.

use super::{Files, Origin, VERSION};
use crate::i18n::Lang;
use crate::model::site::Flow;
use crate::model::{EndRef, Site};
use crate::plan::Plan;
use minijinja::Environment;
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;

/// A finding as the report shows it; made at the edge, where languages are known.
#[derive(Clone, Debug, Serialize)]
pub struct Note {
    /// Rule id.
    pub rule: String,
    /// Severity word.
    pub severity: String,
    /// Message.
    pub message: String,
    /// Where, `site.yaml`.
    pub place: String,
    /// The deviation that covers it.
    pub deviation: String,
}

#[derive(Serialize)]
struct Row {
    id: String,
    from: String,
    to: String,
    service: String,
    purpose: String,
    owner: String,
    approved: String,
    enforced: String,
}

/// How much of the catalogue stands behind a report.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Coverage {
    /// Rules that this version decides.
    pub decided: usize,
    /// Rules and attestations of the catalogue.
    pub catalogue: usize,
}

/// Writes `report/report.md`.
///
/// # Errors
/// The template engine's words; a test renders every example.
pub fn emit(
    plan: &Plan,
    notes: &[Note],
    coverage: Coverage,
    origin: Origin<'_>,
    lang: Lang,
    files: &mut Files,
) -> Result<(), String> {
    let site = origin.site;
    let mut environment = Environment::new();
    environment.set_undefined_behavior(minijinja::UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    let template = match lang {
        Lang::En => include_str!("../../../targets/report/report.en.md.j2"),
        Lang::De => include_str!("../../../targets/report/report.de.md.j2"),
    };
    let notes: Vec<Note> = notes.iter().map(Note::escaped).collect();
    let (columns, matrix) = matrix(site);
    let head = &site.head;
    let text = |value: Option<&crate::syntax::Spanned<crate::syntax::scalars::Text>>| {
        value.map_or_else(String::new, |text| escape(&text.0))
    };
    let rendered = environment.render_str(
        template,
        minijinja::value::Serde(json!({
            "version": VERSION,
            "decided": coverage.decided,
            "catalogue": coverage.catalogue,
            "name": escape(site.name()),
            "title": text(head.title.as_ref()),
            "operator": text(head.operator.as_ref()),
            "blueprint": escape(&site.blueprint.revision),
            "as_of": origin.as_of.to_string(),
            "digest": origin.digest,
            "zones": zones(site, lang),
            "columns": columns,
            "matrix": matrix,
            "flows": site.flows.values().map(|flow| row(site, plan, flow)).collect::<Vec<_>>(),
            "notes": notes,
            "gateways": plan.gateways.iter().map(|gateway| escape(&gateway.name)).collect::<Vec<_>>(),
            "clusters": plan.clusters.iter().map(|cluster| escape(&cluster.name)).collect::<Vec<_>>(),
        })),
    );
    files.add("report/report.md", rendered.map_err(|error| error.to_string())?);
    Ok(())
}

impl Note {
    fn escaped(&self) -> Self {
        Self {
            rule: escape(&self.rule),
            severity: escape(&self.severity),
            message: escape(&self.message),
            place: escape(&self.place),
            deviation: escape(&self.deviation),
        }
    }
}

/// The one place where texts of the model become Markdown: nothing in them can start markup, end a table cell or a line.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '*' | '_' | '[' | ']' | '|' | '#' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[derive(Serialize)]
struct ZoneRow {
    name: String,
    class: String,
    segments: String,
    addresses: String,
}

fn zones(site: &Site, lang: Lang) -> Vec<ZoneRow> {
    let row = |(id, zone): (crate::model::ZoneId, &crate::model::site::Zone)| {
        let segments = zone.segments.iter().map(|id| &site.segments[*id]);
        ZoneRow {
            name: escape(&zone.name),
            class: site.class(id).map_or_else(|| escape(&zone.class), |class| escape(class.title.get(lang))),
            segments: escape(&segments.clone().map(|segment| segment.name.as_str()).collect::<Vec<_>>().join(", ")),
            addresses: escape(&segments.map(|segment| segment.addresses.to_string()).collect::<Vec<_>>().join("; ")),
        }
    };
    site.zones.iter().map(row).collect()
}

fn row(site: &Site, plan: &Plan, flow: &Flow) -> Row {
    let names = |ends: &[EndRef]| escape(&ends.iter().map(|end| site.end_name(end.end)).collect::<Vec<_>>().join(", "));
    let holds = |id: crate::model::FlowId| site.flows[id].name == flow.name;
    let gateways = plan.gateways.iter().filter(|gateway| gateway.permits.iter().any(|permit| holds(permit.flow)));
    let clusters = plan.clusters.iter().filter(|cluster| cluster.permits.iter().any(|permit| holds(permit.flow)));
    let enforced: Vec<&str> =
        gateways.map(|gateway| gateway.name.as_str()).chain(clusters.map(|cluster| cluster.name.as_str())).collect();
    let decl = &flow.decl;
    let text = |value: Option<&crate::syntax::Spanned<crate::syntax::scalars::Text>>| {
        value.map_or_else(String::new, |text| escape(&text.0))
    };
    Row {
        id: escape(&flow.name),
        from: names(&flow.from),
        to: names(&flow.to),
        service: escape(&flow.services.iter().map(|service| service.expr.to_string()).collect::<Vec<_>>().join(", ")),
        purpose: text(decl.purpose.as_ref()),
        owner: text(decl.owner.as_ref()),
        approved: decl.approved.as_ref().map_or_else(String::new, |approval| {
            escape(&format!("{}, {}, {}", approval.reference.0, approval.by.0, approval.on.value))
        }),
        enforced: escape(&enforced.join(", ")),
    }
}

/// The communication matrix: zones and networks that open connections, by zones and networks that answer; a cell lists services.
fn matrix(site: &Site) -> (Vec<String>, Vec<Vec<String>>) {
    let mut cells: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for flow in site.flows.values() {
        for from in flow.from.iter().flat_map(|end| areas(site, end.end)) {
            for to in flow.to.iter().flat_map(|end| areas(site, end.end)) {
                let cell = cells.entry((from.clone(), to)).or_default();
                cell.extend(flow.matches.iter().map(ToString::to_string));
            }
        }
    }
    let mut names: Vec<String> = site.networks.values().map(|network| network.name.clone()).collect();
    let mut zones: Vec<_> = site
        .zones
        .iter()
        .map(|(id, zone)| (site.class(id).map_or(0, |class| class.trust), zone.name.clone()))
        .collect();
    zones.sort();
    names.extend(zones.into_iter().map(|(_, name)| name));
    let rows = names.iter().map(|from| {
        let row = names.iter().map(|to| {
            let mut services = cells.get(&(from.clone(), to.clone())).cloned().unwrap_or_default();
            services.sort();
            services.dedup();
            if services.is_empty() { "–".to_owned() } else { escape(&services.join(", ")) }
        });
        std::iter::once(escape(from)).chain(row).collect()
    });
    (names.iter().map(|name| escape(name)).collect(), rows.collect())
}

/// The zones or the network an end stands in.
fn areas(site: &Site, end: crate::model::End) -> Vec<String> {
    use crate::model::{End, Place};
    let zone = |id: crate::model::ZoneId| site.zones[id].name.clone();
    match end {
        End::Network(id) => vec![site.networks[id].name.clone()],
        End::Zone(id) => vec![zone(id)],
        End::Segment(id) => vec![zone(site.segments[id].zone)],
        End::Cluster(id) => vec![zone(site.clusters[id].zone)],
        End::Namespace(id) => vec![zone(site.clusters[site.namespaces[id].cluster].zone)],
        End::Gateway(id) => {
            let zones = site.gateways[id].interfaces.iter().filter_map(|interface| site.zone_of(interface.leg.place));
            let mut names: Vec<String> = zones.map(zone).collect();
            names.sort();
            names.dedup();
            names
        }
        End::Component(id) => {
            let zones: Vec<String> = site.component_zones(id).into_iter().map(zone).collect();
            if !zones.is_empty() {
                return zones;
            }
            site.components[id]
                .legs
                .iter()
                .filter(|leg| matches!(leg.place, Place::Network(_)))
                .map(|leg| site.place_name(leg.place).to_owned())
                .collect()
        }
    }
}
