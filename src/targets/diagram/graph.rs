//! The zone graph for other tools: Mermaid for pages that draw it, DOT for Graphviz. Zones and networks with what flows
//! between them; the picture itself is the SVG.

use super::sheet::{Class, Sheet, Status, Zone};
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// An edge: from place to place, with the numbers of its flows and their worst state.
struct Edge {
    from: usize,
    to: usize,
    flows: Vec<String>,
    status: Status,
}

/// Flows named on an edge; beyond, their number.
const NAMED: usize = 6;

impl Edge {
    fn label(&self) -> String {
        let more = self.flows.len().saturating_sub(NAMED);
        let named = self.flows.iter().take(NAMED).cloned().collect::<Vec<_>>().join(" ");
        if more > 0 { format!("{named} + {more}") } else { named }
    }
}

fn places(sheet: &Sheet) -> Vec<&Zone> {
    sheet.networks.iter().chain(&sheet.zones).collect()
}

fn edges(sheet: &Sheet) -> Vec<Edge> {
    let numbers: BTreeMap<&str, usize> =
        places(sheet).into_iter().enumerate().map(|(index, place)| (place.id.as_str(), index)).collect();
    let mut stands: BTreeMap<&str, usize> = BTreeMap::new();
    let clusters = sheet.clusters.iter().map(|cluster| (cluster.id.as_str(), cluster.zone.as_str()));
    let components = sheet.components.iter().map(|component| (component.id.as_str(), component.place.as_str()));
    for (id, place) in clusters.chain(components) {
        if let Some(number) = numbers.get(place) {
            stands.insert(id, *number);
        }
    }
    let place = |id: &str| stands.get(id).or_else(|| numbers.get(id)).copied();
    let mut edges: BTreeMap<(usize, usize), Edge> = BTreeMap::new();
    for flow in &sheet.flows {
        for link in &flow.links {
            let (Some(from), Some(to)) = (place(&link.from), place(&link.to)) else { continue };
            let fresh = || Edge { from, to, flows: Vec::new(), status: Status::Ok };
            let edge = edges.entry((from, to)).or_insert_with(fresh);
            if !edge.flows.contains(&flow.label) {
                edge.flows.push(flow.label.clone());
            }
            edge.status = edge.status.max(flow.status);
        }
    }
    edges.into_values().collect()
}

/// Mermaid text: everything but letters, digits, blanks and a few signs by its number.
fn mermaid_text(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            c if c.is_control() => out.push('\u{fffd}'),
            c if c.is_alphanumeric() || matches!(c, ' ' | '.' | ',' | '-' | '+' | '(' | ')') => out.push(c),
            c => {
                let _ = write!(out, "#{};", u32::from(c));
            }
        }
    }
    out
}

/// Mermaid flow chart.
pub fn mermaid(sheet: &Sheet) -> String {
    let mut out = String::from("flowchart LR\n");
    for (index, place) in places(sheet).into_iter().enumerate() {
        let text = mermaid_text(&place.title);
        let (open, close) = if index < sheet.networks.len() { ("([", "])") } else { ("[", "]") };
        let _ = writeln!(out, "    p{index}{open}\"{text}\"{close}");
    }
    let edges = edges(sheet);
    for edge in &edges {
        let _ = writeln!(out, "    p{} -->|\"{}\"| p{}", edge.from, mermaid_text(&edge.label()), edge.to);
    }
    for (status, style) in
        [(Status::Violation, "stroke:#B8122B,stroke-width:3px"), (Status::Deviation, "stroke:#9A5B00")]
    {
        let numbers = edges.iter().enumerate().filter(|(_, edge)| edge.status == status);
        let numbers: Vec<String> = numbers.map(|(index, _)| index.to_string()).collect();
        if !numbers.is_empty() {
            let _ = writeln!(out, "    linkStyle {} {style}", numbers.join(","));
        }
    }
    out
}

/// A DOT string: quotes and backslashes escaped, one line.
fn dot_text(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Graphviz graph.
pub fn dot(sheet: &Sheet) -> String {
    let mut out = format!(
        "digraph {} {{\n    rankdir=LR;\n    node [shape=box, style=filled, fontname=\"Liberation Sans\"];\n    edge [fontname=\"Liberation Sans\", fontsize=10];\n",
        dot_text(&sheet.title)
    );
    for (index, place) in places(sheet).into_iter().enumerate() {
        let paint = super::theme::zone(place.class);
        let shape = if index < sheet.networks.len() { ", shape=ellipse" } else { "" };
        let style = if place.class == Class::Management { ", style=\"filled,dashed\"" } else { "" };
        let (id, label) = (dot_text(&place.id), dot_text(&place.title));
        let _ = writeln!(
            out,
            "    {id} [label={label}, fillcolor=\"{}\", color=\"{}\"{shape}{style}];",
            paint.fill, paint.line
        );
    }
    let places = places(sheet);
    let id = |index: usize| places.get(index).map(|place| dot_text(&place.id)).unwrap_or_default();
    for edge in edges(sheet) {
        let colour = super::theme::stroke(super::sheet::Plane::Production, edge.status).colour;
        let label = dot_text(&edge.label());
        let _ = writeln!(out, "    {} -> {} [label={label}, color=\"{colour}\"];", id(edge.from), id(edge.to));
    }
    out.push_str("}\n");
    out
}
