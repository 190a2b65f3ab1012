//! Sheets of a large site: an overview of groups first, then one sheet per group of zones with its neighbours as stubs.
//!
//! A group is a class of zones, so the overview never has more boxes than the blueprint has classes and stays as it is
//! however many zones a site has. A site with few zones is large, too, when a cluster with hundreds of namespaces stands in one.

use super::sheet::{Class, Component, Filter, Flow, Link, MarkKind, Plane, Sheet, Status, Zone};
use super::words::Word;
use crate::i18n::Lang;
use std::collections::{BTreeMap, BTreeSet};

/// Zones up to which a site is one sheet with every component.
pub const DETAIL_ZONES: usize = 12;
/// Boxes up to which a site is one sheet: beyond, nobody follows a line, and finding ways for lines takes minutes.
const DETAIL_BOXES: usize = 120;
/// Zones of one detail sheet.
const SHEET_ZONES: usize = 6;
/// Outside networks that the overview shows one by one.
const NETWORKS: usize = 4;
/// Flows of a detail sheet up to which each has a line of its own.
const SHEET_FLOWS: usize = 24;
/// Components of a detail sheet up to which each has a box.
const SHEET_COMPONENTS: usize = 36;

/// The sheets of a site: itself when it is small, else overview and details.
pub fn sheets(sheet: Sheet, lang: Lang) -> Vec<Sheet> {
    if sheet.zones.len() <= DETAIL_ZONES && boxes(&sheet) <= DETAIL_BOXES {
        return vec![sheet];
    }
    let plan = Grouping::of(&sheet, lang);
    let count = 1 + plan.details.len();
    let mut sheets = vec![plan.overview(&sheet, lang)];
    sheets.extend(plan.details.iter().enumerate().map(|(index, _)| plan.detail(&sheet, index, lang)));
    for (index, sheet) in sheets.iter_mut().enumerate() {
        if let Some(cell) = sheet.cells.get_mut(1) {
            cell.text = format!("{} / {count}", index + 1);
        }
    }
    sheets
}

/// Boxes of a sheet: workloads of one namespace share one.
fn boxes(sheet: &Sheet) -> usize {
    let own = |component: &&Component| component.namespace.is_none();
    let namespaces: BTreeSet<_> =
        sheet.components.iter().filter_map(|c| Some((&c.cluster, c.namespace.as_ref()?))).collect();
    sheet.components.iter().filter(own).count() + namespaces.len()
}

/// A group of the overview.
struct Group {
    class: Class,
    /// Indices of its zones.
    zones: Vec<usize>,
    /// First of its sheets, counted from 1.
    sheet: usize,
}

struct Grouping<'a> {
    groups: Vec<Group>,
    /// Zones of each detail sheet, with their group.
    details: Vec<(usize, Vec<usize>)>,
    /// Id of a zone, network, cluster or component → the zone or network it stands in.
    stands: BTreeMap<&'a str, &'a str>,
    /// Zone → group.
    group_of: BTreeMap<&'a str, usize>,
    /// Outside network → the place that stands for it.
    network_of: BTreeMap<&'a str, String>,
}

impl<'a> Grouping<'a> {
    fn of(sheet: &'a Sheet, _lang: Lang) -> Self {
        let mut by_class: BTreeMap<Class, Vec<usize>> = BTreeMap::new();
        for (index, zone) in sheet.zones.iter().enumerate() {
            by_class.entry(zone.class).or_default().push(index);
        }
        let mut groups = Vec::new();
        let mut details = Vec::new();
        for (group, (class, zones)) in by_class.into_iter().enumerate() {
            let first = details.len() + 2;
            details.extend(zones.chunks(SHEET_ZONES).map(|zones| (group, zones.to_vec())));
            groups.push(Group { class, zones, sheet: first });
        }
        let places = sheet.networks.iter().chain(&sheet.zones).map(|zone| (zone.id.as_str(), zone.id.as_str()));
        let clusters = sheet.clusters.iter().map(|cluster| (cluster.id.as_str(), cluster.zone.as_str()));
        let components = sheet.components.iter().map(|component| (component.id.as_str(), component.place.as_str()));
        let stands = components.chain(clusters).chain(places).collect();
        let mut group_of = BTreeMap::new();
        for (number, group) in groups.iter().enumerate() {
            let zones = group.zones.iter().filter_map(|zone| sheet.zones.get(*zone));
            group_of.extend(zones.map(|zone| (zone.id.as_str(), number)));
        }
        let alone = sheet.networks.len() <= NETWORKS;
        let name = |zone: &'a Zone| if alone { zone.id.clone() } else { network_group(zone.class) };
        let network_of = sheet.networks.iter().map(|zone| (zone.id.as_str(), name(zone))).collect();
        Self { groups, details, stands, group_of, network_of }
    }

    /// Where an end stands in the overview.
    fn place(&self, id: &str) -> Option<String> {
        let place = *self.stands.get(id)?;
        let network = self.network_of.get(place).cloned();
        network.or_else(|| self.group_of.get(place).map(|group| group_id(*group)))
    }

    fn networks(&self, sheet: &Sheet, lang: Lang) -> Vec<Zone> {
        let mut by_name: BTreeMap<&str, Vec<&Zone>> = BTreeMap::new();
        for network in &sheet.networks {
            if let Some(name) = self.network_of.get(network.id.as_str()) {
                by_name.entry(name).or_default().push(network);
            }
        }
        let shown = by_name.into_iter().map(|(name, networks)| match networks.as_slice() {
            [one] => Zone { id: name.to_owned(), ..(*one).clone() },
            many => Zone {
                id: name.to_owned(),
                title: format!("{} × {}", Word::Networks.of(lang), many.len()),
                class: many.first().map_or(Class::Untrusted, |network| network.class),
                marks: worst(many),
                ..Zone::default()
            },
        });
        shown.collect()
    }

    fn group(&self, sheet: &Sheet, number: usize, lang: Lang) -> Zone {
        let Some(group) = self.groups.get(number) else { return Zone::default() };
        let zones: Vec<&Zone> = group.zones.iter().filter_map(|zone| sheet.zones.get(*zone)).collect();
        let first = zones.first().copied().cloned().unwrap_or_default();
        let last = group.sheet + group.zones.len().div_ceil(SHEET_ZONES) - 1;
        let range = if last > group.sheet { format!("{}–{last}", group.sheet) } else { group.sheet.to_string() };
        let ids: BTreeSet<&str> = zones.iter().map(|zone| zone.id.as_str()).collect();
        let components = sheet.components.iter().filter(|component| ids.contains(component.place.as_str())).count();
        let title = match zones.as_slice() {
            [one] => one.title.clone(),
            many => format!("{} × {}", Word::class(group.class).of(lang), many.len()),
        };
        let lines =
            vec![format!("{components} {}", Word::Components.of(lang)), format!("{} {range}", Word::Sheet.of(lang))];
        Zone { id: group_id(number), title, lines, marks: worst(&zones), ..first }
    }

    fn overview(&self, sheet: &Sheet, lang: Lang) -> Sheet {
        let filters = filters(sheet, &|id| self.place(id));
        Sheet {
            networks: self.networks(sheet, lang),
            zones: (0..self.groups.len()).map(|group| self.group(sheet, group, lang)).collect(),
            clusters: Vec::new(),
            components: Vec::new(),
            flows: trunks(sheet, &filters, &|id| self.place(id), lang),
            filters: filters.shown,
            ..sheet.clone()
        }
    }

    fn detail(&self, sheet: &Sheet, index: usize, lang: Lang) -> Sheet {
        let Some((own, zones)) = self.details.get(index) else { return Sheet::default() };
        let zones: Vec<&Zone> = zones.iter().filter_map(|zone| sheet.zones.get(*zone)).collect();
        let inside: BTreeSet<&str> = zones.iter().map(|zone| zone.id.as_str()).collect();
        let is_inside = |id: &str| self.stands.get(id).is_some_and(|place| inside.contains(place));
        let mut components: Vec<Component> =
            sheet.components.iter().filter(|component| inside.contains(component.place.as_str())).cloned().collect();
        let crowded = components.len() > SHEET_COMPONENTS;
        let touching = |flow: &&Flow| flow.links.iter().any(|link| is_inside(&link.from) || is_inside(&link.to));
        let many = sheet.flows.iter().filter(touching).count() > SHEET_FLOWS;
        if crowded || many {
            components.clear();
        }
        let drawn: BTreeSet<&str> = components.iter().map(|component| component.id.as_str()).collect();
        let clusters: Vec<_> = sheet
            .clusters
            .iter()
            .filter(|item| !drawn.is_empty() && inside.contains(item.zone.as_str()))
            .cloned()
            .collect();
        // Inside as drawn, outside the group that stands for it.
        let place = |id: &str| {
            if drawn.contains(id) || clusters.iter().any(|cluster| cluster.id == id) {
                return Some(id.to_owned());
            }
            match self.stands.get(id) {
                Some(place) if inside.contains(place) => Some((*place).to_owned()),
                Some(place) => {
                    let stub = self.place(place)?;
                    // Other zones of the same group stand on a sheet of their own.
                    Some(if stub == group_id(*own) { format!("{stub}-rest") } else { stub })
                }
                None => None,
            }
        };
        let mut near = sheet.clone();
        near.flows.iter_mut().for_each(|flow| flow.links.retain(|link| is_inside(&link.from) || is_inside(&link.to)));
        near.flows.retain(|flow| !flow.links.is_empty());
        let filters = filters(&near, &place);
        let flows =
            if many || crowded { trunks(&near, &filters, &place, lang) } else { moved(&near, &filters, &place) };
        let ends: BTreeSet<&str> =
            flows.iter().flat_map(|flow| &flow.links).flat_map(|link| [link.from.as_str(), link.to.as_str()]).collect();
        let mut networks = self.networks(sheet, lang);
        networks.retain(|network| ends.contains(network.id.as_str()));
        let mut shown: Vec<Zone> = zones.into_iter().cloned().collect();
        for (number, _) in self.groups.iter().enumerate() {
            let id = if number == *own { format!("{}-rest", group_id(number)) } else { group_id(number) };
            if ends.contains(id.as_str()) {
                let group = self.group(sheet, number, lang);
                shown.push(Zone { id, title: format!("→ {}", group.title), marks: Vec::new(), ..group });
            }
        }
        let subtitle = format!("{} · {}", sheet.subtitle, self.group(sheet, *own, lang).title);
        let notes = Vec::new();
        Sheet { subtitle, networks, zones: shown, clusters, components, filters: filters.shown, flows, notes, ..near }
    }
}

fn group_id(group: usize) -> String {
    format!("#{group}")
}

fn network_group(class: Class) -> String {
    if class == Class::Untrusted { "#untrusted" } else { "#trusted" }.to_owned()
}

fn worst(zones: &[&Zone]) -> Vec<super::sheet::Mark> {
    let marks = zones.iter().flat_map(|zone| &zone.marks);
    marks
        .filter(|mark| mark.kind != MarkKind::Note)
        .min_by(|a, b| (a.kind, &a.text).cmp(&(b.kind, &b.text)))
        .cloned()
        .into_iter()
        .collect()
}

/// Filters put together by what they stand between.
struct Filters {
    shown: Vec<Filter>,
    /// Filter → the one that stands for it.
    of: BTreeMap<String, String>,
}

fn filters(sheet: &Sheet, place: &dyn Fn(&str) -> Option<String>) -> Filters {
    let mut by_legs: BTreeMap<Vec<String>, Vec<&Filter>> = BTreeMap::new();
    for filter in &sheet.filters {
        let legs: BTreeSet<String> = filter.legs.iter().filter_map(|leg| place(leg)).collect();
        if legs.len() > 1 {
            by_legs.entry(legs.into_iter().collect()).or_default().push(filter);
        }
    }
    let mut filters = Filters { shown: Vec::new(), of: BTreeMap::new() };
    for (legs, members) in by_legs {
        let Some(first) = members.first() else { continue };
        let id = if members.len() > 1 { format!("{} + {}", first.id, members.len() - 1) } else { first.id.clone() };
        filters.of.extend(members.iter().map(|filter| (filter.id.clone(), id.clone())));
        filters.shown.push(Filter { id, legs });
    }
    filters.shown.sort_by(|a, b| a.id.cmp(&b.id));
    filters
}

/// A link between places; `None` inside one.
fn link(link: &Link, filters: &Filters, place: &dyn Fn(&str) -> Option<String>) -> Option<Link> {
    let (from, to) = (place(&link.from)?, place(&link.to)?);
    let mut chain: Vec<String> = link.chain.iter().filter_map(|filter| filters.of.get(filter).cloned()).collect();
    chain.dedup();
    (from != to).then_some(Link { from, to, chain })
}

/// Flows with their ends where the sheet draws them.
fn moved(sheet: &Sheet, filters: &Filters, place: &dyn Fn(&str) -> Option<String>) -> Vec<Flow> {
    let flow = |flow: &Flow| {
        let links: BTreeMap<(String, String), Link> = flow
            .links
            .iter()
            .filter_map(|one| link(one, filters, place))
            .map(|link| ((link.from.clone(), link.to.clone()), link))
            .collect();
        Flow { links: links.into_values().collect(), ..flow.clone() }
    };
    sheet.flows.iter().map(flow).filter(|flow| !flow.links.is_empty()).collect()
}

/// What a trunk holds together: places, plane, state.
type Pair = (String, String, Plane, Status);
/// Its link and its flows.
type Trunk<'a> = (Link, Vec<&'a Flow>);

/// One line per pair of places, plane and state, with the number of its flows.
fn trunks(sheet: &Sheet, filters: &Filters, place: &dyn Fn(&str) -> Option<String>, lang: Lang) -> Vec<Flow> {
    let mut trunks: BTreeMap<Pair, Trunk<'_>> = BTreeMap::new();
    for flow in &sheet.flows {
        for one in flow.links.iter().filter_map(|one| link(one, filters, place)) {
            let key = (one.from.clone(), one.to.clone(), flow.plane, flow.status);
            let (_, flows) = trunks.entry(key).or_insert((one, Vec::new()));
            if flows.last().map(|last| &last.id) != Some(&flow.id) {
                flows.push(flow);
            }
        }
    }
    let trunk = |((_, _, plane, status), (link, flows)): (Pair, Trunk<'_>)| {
        let first = flows.first().copied().cloned().unwrap_or_default();
        match flows.len() {
            1 => Flow { links: vec![link], ..first },
            count => Flow {
                id: flows.iter().map(|flow| flow.id.as_str()).collect::<Vec<_>>().join(" "),
                label: format!("{}…", first.label),
                service: format!("{count} {}", Word::Flows.of(lang)),
                protocol: format!("{count} {}", Word::Flows.of(lang)),
                links: vec![link],
                plane,
                status,
                mark: flows.iter().find_map(|flow| flow.mark.clone()),
            },
        }
    };
    trunks.into_iter().map(trunk).collect()
}
