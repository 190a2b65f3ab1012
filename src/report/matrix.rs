//! The zone matrix: who opens connections to whom, on which services.

use super::areas::{Known, Which};
use super::build::{Builder, State};
use super::facts::{Area, Cell, Flow, Matrix, MatrixRow};
use crate::model::blueprint::Access;
use std::collections::BTreeMap;

/// Rows up to which each area has its own.
const ROWS: usize = 40;
/// Services that a cell lists.
const SERVICES: usize = 3;

/// A row or column: an area, or a class of zones.
struct Line {
    area: Area,
    /// Row of the access matrix.
    row: String,
    network: bool,
}

impl Builder<'_> {
    pub(super) fn matrix(&self, areas: &[Known], flows: &[Flow]) -> Matrix {
        let grouped = areas.len() > ROWS;
        let lines = if grouped { self.classes(areas) } else { areas.iter().map(own).collect() };
        let mut cells: BTreeMap<(&str, &str), Vec<&Flow>> = BTreeMap::new();
        for flow in flows {
            for from in flow.from.ids.split(' ') {
                for to in flow.to.ids.split(' ') {
                    cells.entry((from, to)).or_default().push(flow);
                }
            }
        }
        let rows = lines.iter().map(|from| MatrixRow {
            area: from.area.clone(),
            cells: lines
                .iter()
                .map(|to| {
                    let key = (from.area.id.as_str(), to.area.id.as_str());
                    self.cell(from, to, cells.get(&key).map_or(&[][..], Vec::as_slice), grouped)
                })
                .collect(),
        });
        Matrix { grouped, columns: lines.iter().map(|line| line.area.clone()).collect(), rows: rows.collect() }
    }

    /// The networks, and one line per class of zones.
    fn classes(&self, areas: &[Known]) -> Vec<Line> {
        let networks = areas.iter().filter(|area| matches!(area.which, Which::Network(_))).map(own);
        let zones = areas.iter().filter(|area| matches!(area.which, Which::Zone(_)));
        let mut classes: BTreeMap<String, (&Known, usize)> = BTreeMap::new();
        for zone in zones {
            classes.entry(self.class_token(zone.which)).or_insert((zone, 0)).1 += 1;
        }
        let classes = classes.into_iter().map(|(id, (first, count))| {
            let title = self.site.blueprint.classes.get(&first.row).map(|class| class.title.get(self.words.lang()));
            let title = format!("{} ({})", title.unwrap_or(&first.row), self.words.number(count));
            Line { area: Area { id, name: String::new(), title }, row: first.row.clone(), network: false }
        });
        networks.chain(classes).collect()
    }

    fn cell(&self, from: &Line, to: &Line, flows: &[&Flow], grouped: bool) -> Cell {
        let mut services: Vec<String> =
            flows.iter().flat_map(|flow| flow.protocol.split(", ")).map(str::to_owned).collect();
        services.sort();
        services.dedup();
        let same = from.area.id == to.area.id;
        let (kind, label) = match () {
            () if !flows.is_empty() => ("open", self.cell_label(from, to, flows)),
            () if same && !grouped => ("self", self.word("same-zone")),
            () if self.is_forbidden(from, to) => ("forb", self.word("forbidden")),
            () => ("none", self.word("not-opened")),
        };
        let state = flows.iter().map(|flow| super::build::state_of(flow.mark.class)).max().unwrap_or(State::Good);
        Cell {
            kind,
            from: from.area.id.clone(),
            to: to.area.id.clone(),
            more: services.len().saturating_sub(SERVICES),
            tint: services.len().clamp(1, 3),
            mark: (state >= State::Deviation).then(|| self.mark(state)),
            label,
            first: flows.first().map(|flow| flow.number.clone()).unwrap_or_default(),
            count: flows.len(),
            services: services.into_iter().take(SERVICES).collect(),
        }
    }

    fn cell_label(&self, from: &Line, to: &Line, flows: &[&Flow]) -> String {
        let told: Vec<String> = flows.iter().take(8).map(|flow| format!("{} {}", flow.number, flow.protocol)).collect();
        let more = flows.len().saturating_sub(8);
        let more = if more > 0 { format!(" + {more}") } else { String::new() };
        format!("{} → {}: {}{more}", from.area.title, to.area.title, told.join(", "))
    }

    /// Whether the blueprint forbids connections, whatever they serve.
    fn is_forbidden(&self, from: &Line, to: &Line) -> bool {
        if from.network && to.network {
            return true;
        }
        let access = &self.site.blueprint.access.rows;
        let Some(row) = access.get(&from.row) else { return false };
        let columns: &[&str] =
            if to.row == "management" { &["management-sink", "management-admin"] } else { &[to.row.as_str()] };
        columns.iter().all(|column| row.get(*column).is_some_and(|cell| cell.access == Access::Forbidden))
    }
}

fn own(known: &Known) -> Line {
    Line { area: known.shown.clone(), row: known.row.clone(), network: matches!(known.which, Which::Network(_)) }
}
