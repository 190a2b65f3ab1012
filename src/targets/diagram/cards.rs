//! The boxes that lines can end at: components, namespaces, clusters, zones and networks.

use std::collections::BTreeMap;

use super::metrics::Metrics;
use super::sheet::{Component, Icon, Mark, Sheet, Zone};

/// Space between the left edge of a card and its text.
pub const TEXT_X: i32 = 38;
/// Width of the ALG sign.
pub const ALG_W: i32 = 36;
/// Most lines under a card's title.
const MAX_LINES: usize = 4;

/// Where a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum End {
    /// A card.
    Card(usize),
    /// A cluster as a whole.
    Cluster(usize),
    /// A zone or network as a whole.
    Place(usize),
}

/// A component, or all workloads of a namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Card {
    /// Index of the zone or network, see [`Index::place`].
    pub place: usize,
    /// Cluster it stands in.
    pub cluster: Option<usize>,
    /// Title.
    pub title: String,
    /// Secondary lines.
    pub lines: Vec<String>,
    /// Pictogram.
    pub icon: Icon,
    /// Application-level gateway.
    pub alg: bool,
    /// Badges.
    pub marks: Vec<Mark>,
    /// Width.
    pub w: i32,
    /// Height, always even.
    pub h: i32,
}

/// Lookup of everything a sheet names. Places are numbered: networks first, then zones.
#[derive(Debug)]
pub struct Index<'a> {
    /// The sheet.
    pub sheet: &'a Sheet,
    /// All cards, in model order.
    pub cards: Vec<Card>,
    ends: BTreeMap<&'a str, End>,
    filters: BTreeMap<&'a str, usize>,
}

impl<'a> Index<'a> {
    /// Builds cards and lookup.
    pub fn new(sheet: &'a Sheet, metrics: &Metrics) -> Self {
        let mut ends = BTreeMap::new();
        for (i, zone) in sheet.networks.iter().chain(&sheet.zones).enumerate() {
            ends.insert(zone.id.as_str(), End::Place(i));
        }
        let filters = sheet.filters.iter().enumerate().map(|(i, f)| (f.id.as_str(), i)).collect();
        let mut index = Self { sheet, cards: Vec::new(), ends, filters };
        for (i, cluster) in sheet.clusters.iter().enumerate() {
            match index.ends.get(cluster.zone.as_str()).copied() {
                Some(_) => index.ends.insert(&cluster.id, End::Cluster(i)),
                None => None,
            };
        }
        let mut namespaces: BTreeMap<(usize, &str), usize> = BTreeMap::new();
        for component in &sheet.components {
            let Some(place) = index.place_of(&component.place) else { continue };
            let cluster = component.cluster.as_deref().and_then(|id| index.cluster_of(id));
            let group = cluster.zip(component.namespace.as_deref());
            let shared = group.and_then(|key| namespaces.get(&key).copied());
            let card = match shared {
                Some(card) => card,
                None => {
                    index.cards.push(Card::start(place, cluster, component));
                    index.cards.len() - 1
                }
            };
            if let Some(key) = group {
                namespaces.insert(key, card);
            }
            if let Some(c) = index.cards.get_mut(card) {
                c.add(component);
            }
            index.ends.insert(&component.id, End::Card(card));
        }
        for card in &mut index.cards {
            card.measure(metrics);
        }
        index
    }

    /// The end with an id; a filter itself is no end of a line.
    pub fn end(&self, id: &str) -> Option<End> {
        self.ends.get(id).copied()
    }

    /// Number of the place with an id.
    pub fn place_of(&self, id: &str) -> Option<usize> {
        match self.end(id) {
            Some(End::Place(p)) => Some(p),
            _ => None,
        }
    }

    fn cluster_of(&self, id: &str) -> Option<usize> {
        match self.end(id) {
            Some(End::Cluster(c)) => Some(c),
            _ => None,
        }
    }

    /// Number of the filter with an id.
    pub fn filter(&self, id: &str) -> Option<usize> {
        self.filters.get(id).copied()
    }

    /// Place an end belongs to.
    pub fn place_of_end(&self, end: End) -> usize {
        match end {
            End::Place(p) => p,
            End::Card(c) => self.cards.get(c).map_or(0, |c| c.place),
            End::Cluster(c) => self.sheet.clusters.get(c).and_then(|c| self.place_of(&c.zone)).unwrap_or(0),
        }
    }

    /// Number of places.
    pub fn places(&self) -> usize {
        self.sheet.networks.len() + self.sheet.zones.len()
    }

    /// Whether a place is an outside network.
    pub fn is_network(&self, place: usize) -> bool {
        place < self.sheet.networks.len()
    }

    /// Zone or network with a number.
    pub fn place(&self, place: usize) -> Option<&'a Zone> {
        let networks = self.sheet.networks.len();
        if place < networks { self.sheet.networks.get(place) } else { self.sheet.zones.get(place - networks) }
    }
}

impl Card {
    fn start(place: usize, cluster: Option<usize>, component: &Component) -> Self {
        let title = match (cluster, &component.namespace) {
            (Some(_), Some(namespace)) => namespace.clone(),
            _ => component.title.clone(),
        };
        Self {
            place,
            cluster,
            title,
            lines: Vec::new(),
            icon: component.icon,
            alg: false,
            marks: Vec::new(),
            w: 0,
            h: 0,
        }
    }

    fn add(&mut self, component: &Component) {
        self.alg |= component.alg;
        self.marks.extend(component.marks.iter().cloned());
        if self.cluster.is_some() && component.title != self.title {
            self.lines.push(component.title.clone());
        }
        self.lines.extend(component.lines.iter().cloned());
    }

    fn measure(&mut self, metrics: &Metrics) {
        if self.lines.len() > MAX_LINES {
            let hidden = self.lines.len() + 1 - MAX_LINES;
            self.lines.truncate(MAX_LINES - 1);
            self.lines.push(format!("+ {hidden}"));
        }
        let title = metrics.px(&self.title, 115, true);
        let lines = self.lines.iter().map(|l| metrics.px(l, 105, false)).max().unwrap_or(0);
        let mut text = title.max(lines);
        if self.alg {
            let last = self.lines.last().map_or(title, |l| metrics.px(l, 105, false));
            text = text.max(last + 6 + ALG_W);
        }
        let rows = i32::try_from(self.lines.len()).unwrap_or(0);
        self.w = super::geometry::even(TEXT_X + text + 10).max(102);
        self.h = 30 + 14 * rows.max(1);
        if !self.marks.is_empty() {
            self.h += 20;
        }
        self.h += self.h % 2;
    }
}
