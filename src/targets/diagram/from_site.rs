//! Site and graphs → sheet.

use super::sheet::{
    Cell, Class, Cluster, Component, Filter, Flow, Icon, Link, Mark, MarkKind, Note, Plane, Sheet, Status, Zone,
};
use crate::graph::Graphs;
use crate::i18n::Lang;
use crate::model::site::Flow as SiteFlow;
use crate::model::{Addresses, ComponentId, End, FlowId, LegRole, Place, Property, Site, ZoneId};
use crate::syntax::document::Trust;
use crate::syntax::objects::Stage;
use crate::targets::{Origin, VERSION, flow_number};
use std::collections::{BTreeMap, BTreeSet};

/// A finding as the sheet shows it: the objects it marks and how.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Judged {
    /// Rule id.
    pub rule: String,
    /// Id of the deviation that covers it.
    pub deviation: Option<String>,
    /// Whether it forbids release.
    pub violation: bool,
    /// Objects concerned.
    pub objects: Vec<String>,
    /// Message in the language of the sheet.
    pub message: String,
}

/// The sheet of a site.
pub(super) fn sheet(origin: Origin<'_>, graphs: &Graphs, findings: &[Judged], lang: Lang) -> Sheet {
    let drawer = Drawer { site: origin.site, graphs, findings, lang };
    let title = origin.site.head.title.as_ref().map_or_else(|| origin.site.name().to_owned(), |title| short(&title.0));
    Sheet {
        title,
        subtitle: drawer.subtitle(),
        cells: drawer.cells(origin),
        networks: drawer.networks(),
        zones: drawer.zones(),
        clusters: drawer.clusters(),
        components: drawer.components(),
        filters: drawer.filters(),
        flows: drawer.flows(),
        notes: drawer.notes(),
    }
}

struct Drawer<'a> {
    site: &'a Site,
    graphs: &'a Graphs,
    findings: &'a [Judged],
    lang: Lang,
}

impl Drawer<'_> {
    fn text(&self, en: &str, de: &str) -> String {
        (if self.lang == Lang::De { de } else { en }).to_owned()
    }

    fn subtitle(&self) -> String {
        let site = self.site;
        let (zones, filters, flows) = (shown_zones(site).count(), site.gateways.len(), site.flows.len());
        let blueprint = &site.blueprint.revision;
        self.text(
            &format!("Consolidated plan (logical) · {blueprint} · {zones} zones · {filters} packet filters · {flows} flows"),
            &format!("Bereinigter Netzplan (logisch) · {blueprint} · {zones} Zonen · {filters} Paketfilter · {flows} Datenströme"),
        )
    }

    fn cells(&self, origin: Origin<'_>) -> Vec<Cell> {
        let (site, lang) = (self.site, self.lang);
        let digest = origin.digest.trim_start_matches("sha256:");
        let (first, second) = digest.split_at(digest.len() / 2);
        let operator = site.head.operator.as_ref().map(|text| short(&text.0)).unwrap_or_default();
        let restricted = site.zones.values().any(|zone| zone.class == "restricted");
        let cell = |head: String, text: String, more: String| Cell { head, text, more, mono: false };
        let date = match lang {
            Lang::En => origin.as_of.to_string(),
            Lang::De => {
                let (year, month, day) = origin.as_of.parts();
                format!("{day:02}.{month:02}.{year}")
            }
        };
        vec![
            cell(self.text("Site", "Standort"), site.name().to_owned(), operator),
            cell(self.text("Sheet", "Blatt"), "1 / 1".to_owned(), self.text("Zone diagram", "Zonenplan")),
            cell(self.text("Blueprint", "Blaupause"), site.blueprint.name.clone(), String::new()),
            Cell {
                head: self.text("Digest of the model", "Prüfsumme des Modells"),
                text: first.to_owned(),
                more: second.to_owned(),
                mono: true,
            },
            cell(self.text("As of", "Stichtag"), date, String::new()),
            cell(
                self.text("Classification", "Einstufung"),
                if restricted {
                    self.text("contains VS-NfD zone", "enthält VS-NfD-Zone")
                } else {
                    self.text("open", "offen")
                },
                String::new(),
            ),
            cell(self.text("Made by", "Erzeugt mit"), format!("zonec {VERSION}"), String::new()),
        ]
    }

    fn networks(&self) -> Vec<Zone> {
        let networks = self.site.networks.values().map(|network| Zone {
            id: network.name.clone(),
            title: network.decl.title.as_ref().map_or_else(|| network.name.clone(), |title| short(&title.0)),
            class: if network.trust() == Trust::Untrusted { Class::Untrusted } else { Class::Trusted },
            lines: network
                .decl
                .addresses
                .iter()
                .flat_map(|list| list.iter())
                .take(3)
                .map(|prefix| prefix.value.0.to_string())
                .collect(),
            marks: self.marks(&network.name),
            ..Zone::default()
        });
        networks.collect()
    }

    fn zones(&self) -> Vec<Zone> {
        let site = self.site;
        let mut zones: Vec<ZoneId> = shown_zones(site).collect();
        zones.sort_by_key(|id| (site.class(*id).map_or(u8::MAX, |class| class.trust), *id));
        zones.into_iter().map(|id| self.zone(id)).collect()
    }

    fn zone(&self, id: ZoneId) -> Zone {
        let site = self.site;
        let zone = &site.zones[id];
        let class = class(&zone.class);
        let external = zone.class.starts_with("external.");
        let prefixes = zone.segments.iter().flat_map(|segment| site.segments[*segment].decl.addresses.iter());
        // Management has many small segments: its title says enough, the report lists them.
        let limit = if class == Class::Management { 0 } else { 4 };
        Zone {
            id: zone.name.clone(),
            // The title column of a management zone is narrow; its name fits, its title may not.
            title: match &zone.decl.title {
                Some(title) if class != Class::Management => short(&title.0),
                _ => zone.name.clone(),
            },
            class,
            container: external.then(|| self.text("External zone", "Externe Zone")),
            lines: prefixes.take(limit).map(|prefix| prefix.value.0.to_string()).collect(),
            level: level(class),
            marks: self.marks(&zone.name),
        }
    }

    fn clusters(&self) -> Vec<Cluster> {
        let site = self.site;
        let clusters = site.clusters.values().map(|cluster| Cluster {
            id: cluster.name.clone(),
            zone: site.zones[cluster.zone].name.clone(),
            title: cluster.name.clone(),
            kind: format!("Kubernetes, {}", cluster.decl.policy.value),
        });
        clusters.collect()
    }

    fn components(&self) -> Vec<Component> {
        let site = self.site;
        let mut drawn: Vec<Component> = site.components.iter().filter_map(|(id, _)| self.component(id)).collect();
        // Segments that flows name as a whole are something a line can end at.
        let ends = site.flows.values().flat_map(|flow| flow.from.iter().chain(&flow.to));
        let segments: BTreeSet<_> =
            ends.filter_map(|end| if let End::Segment(id) = end.end { Some(id) } else { None }).collect();
        for id in segments {
            let segment = &site.segments[id];
            let zone = &site.zones[segment.zone];
            if zone.name == segment.name || zone.class == "uplink" {
                continue;
            }
            drawn.push(Component {
                id: segment.name.clone(),
                title: segment.name.clone(),
                place: zone.name.clone(),
                lines: lines(&segment.addresses),
                icon: Icon::Server,
                ..Component::default()
            });
        }
        drawn
    }

    fn component(&self, id: ComponentId) -> Option<Component> {
        let site = self.site;
        let component = &site.components[id];
        let namespace = component.namespace.map(|namespace| &site.namespaces[namespace]);
        let data: Vec<_> = component.data_legs().collect();
        let legs: Vec<_> = if data.is_empty() { component.legs.iter().collect() } else { data };
        let place = match namespace {
            Some(namespace) => site.zones[site.clusters[namespace.cluster].zone].name.clone(),
            None => self.place_id(legs.first()?.place)?,
        };
        let addresses = legs.iter().fold(Addresses::default(), |all, leg| all.union(&leg.addresses));
        Some(Component {
            id: component.name.clone(),
            title: component.name.clone(),
            place,
            cluster: namespace.map(|namespace| site.clusters[namespace.cluster].name.clone()),
            namespace: namespace.map(|namespace| namespace.name.clone()),
            icon: icon(site, id),
            alg: site.is(id, Property::Alg),
            lines: lines(&addresses),
            marks: self.marks(&component.name),
        })
    }

    /// Id of the zone or network of a place; uplink segments are drawn as part of the line.
    fn place_id(&self, place: Place) -> Option<String> {
        let site = self.site;
        match place {
            Place::Network(id) => Some(site.networks[id].name.clone()),
            Place::Segment(id) => {
                let zone = &site.zones[site.segments[id].zone];
                (zone.class != "uplink").then(|| zone.name.clone())
            }
        }
    }

    fn filters(&self) -> Vec<Filter> {
        let site = self.site;
        let mut filters = Vec::new();
        for (id, gateway) in site.gateways.iter() {
            let management = gateway.stage() == Some(Stage::Management);
            let shown = gateway.interfaces.iter().filter(|interface| management || interface.leg.role == LegRole::Data);
            let mut legs: Vec<String> = shown.filter_map(|interface| self.place_id(interface.leg.place)).collect();
            let uplinks = site.uplinks.values().filter(|uplink| uplink.gateway == id);
            legs.extend(uplinks.map(|uplink| site.networks[uplink.network].name.clone()));
            // A management filter also stands before the zones whose hosts have management legs behind it.
            if management {
                legs.extend(self.served(id));
            }
            let mut seen = BTreeSet::new();
            legs.retain(|leg| seen.insert(leg.clone()));
            filters.push(Filter { id: gateway.name.clone(), legs });
        }
        filters
    }

    /// Zones whose hosts have management legs in the segments of a management filter.
    fn served(&self, id: crate::model::GatewayId) -> Vec<String> {
        let site = self.site;
        let places: BTreeSet<Place> =
            site.gateways[id].interfaces.iter().map(|interface| interface.leg.place).collect();
        let hosts = site.components.iter().filter(|(_, component)| {
            component.legs.iter().any(|leg| leg.role == LegRole::Mgmt && places.contains(&leg.place))
        });
        let mut zones: BTreeSet<String> =
            hosts.flat_map(|(id, _)| site.component_zones(id)).map(|zone| site.zones[zone].name.clone()).collect();
        let clusters = site
            .clusters
            .values()
            .filter(|cluster| cluster.management.as_ref().is_some_and(|leg| places.contains(&leg.place)));
        zones.extend(clusters.map(|cluster| site.zones[cluster.zone].name.clone()));
        zones.into_iter().collect()
    }

    fn flows(&self) -> Vec<Flow> {
        let site = self.site;
        site.flows.iter().map(|(id, flow)| self.flow(id, flow)).collect()
    }

    fn flow(&self, id: FlowId, flow: &SiteFlow) -> Flow {
        let site = self.site;
        let mut links: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        let mut management = false;
        for pair in self.graphs.ways.of(id) {
            let (Some(from), Some(to)) = (self.end_id(pair.from.end), self.end_id(pair.to.end)) else { continue };
            let way = pair.ways.as_ref().ok().and_then(|ways| ways.first());
            let hops =
                way.into_iter().flat_map(|way| &way.hops).filter(|hop| hop.input.is_some() && hop.output.is_some());
            let mut chain: Vec<String> = hops.map(|hop| site.gateways[hop.gateway].name.clone()).collect();
            chain.dedup();
            management |= way.is_some_and(|way| {
                [way.source.place, way.destination.place].into_iter().any(|place| self.is_managed(place))
            });
            if from != to {
                links.entry((from, to)).or_insert(chain);
            }
        }
        let judged = self.judged(&flow.name);
        let (status, mark) = match judged {
            Some(judged) if judged.violation => {
                (Status::Violation, Some(Mark { kind: MarkKind::Violation, text: judged.rule.clone() }))
            }
            Some(Judged { deviation: Some(deviation), .. }) => {
                (Status::Deviation, Some(Mark { kind: MarkKind::Deviation, text: deviation.clone() }))
            }
            _ => (Status::Ok, None),
        };
        let services: Vec<String> = flow.services.iter().map(|service| service.expr.to_string()).collect();
        let matches: Vec<String> = flow.matches.iter().map(ToString::to_string).collect();
        Flow {
            id: flow.name.clone(),
            label: flow_number(id),
            links: links.into_iter().map(|((from, to), chain)| Link { from, to, chain }).collect(),
            service: services.join(", "),
            protocol: matches.join(", "),
            plane: if management { Plane::Management } else { Plane::Production },
            status,
            mark,
        }
    }

    fn is_managed(&self, place: Place) -> bool {
        self.site.zone_of(place).is_some_and(|zone| self.site.zones[zone].class == "management")
    }

    /// What a line ends at. A gateway's own traffic belongs to management and is drawn at its zone.
    fn end_id(&self, end: End) -> Option<String> {
        let site = self.site;
        match end {
            End::Gateway(_) => None,
            End::Segment(id) => {
                let segment = &site.segments[id];
                let zone = &site.zones[segment.zone];
                (zone.class != "uplink").then(|| segment.name.clone())
            }
            End::Namespace(id) => Some(site.clusters[site.namespaces[id].cluster].name.clone()),
            other => Some(site.end_name(other).to_owned()),
        }
    }

    fn judged(&self, object: &str) -> Option<&Judged> {
        let concerned =
            self.findings.iter().filter(|finding| finding.objects.first().is_some_and(|first| first == object));
        concerned
            .filter(|finding| finding.violation || finding.deviation.is_some())
            .min_by_key(|finding| !finding.violation)
    }

    fn marks(&self, object: &str) -> Vec<Mark> {
        let mark = |judged: &Judged| match &judged.deviation {
            Some(deviation) => Mark { kind: MarkKind::Deviation, text: deviation.clone() },
            None => Mark { kind: MarkKind::Violation, text: judged.rule.clone() },
        };
        self.judged(object).map(mark).into_iter().collect()
    }

    fn notes(&self) -> Vec<Note> {
        let mut notes: Vec<(MarkKind, Note)> = Vec::new();
        for finding in self.findings {
            let (kind, text) = match &finding.deviation {
                Some(deviation) => (MarkKind::Deviation, deviation.clone()),
                None if finding.violation => (MarkKind::Violation, finding.rule.clone()),
                None => (MarkKind::Note, finding.rule.clone()),
            };
            notes.push((
                kind,
                Note { mark: Mark { kind, text }, id: finding.rule.clone(), text: finding.message.replace('`', "") },
            ));
        }
        notes.sort_by_key(|(kind, _)| *kind);
        notes.into_iter().map(|(_, note)| note).collect()
    }
}

/// Zones that are drawn: uplink networks are part of the lines.
fn shown_zones(site: &Site) -> impl Iterator<Item = ZoneId> {
    site.zones.iter().filter(|(_, zone)| zone.class != "uplink").map(|(id, _)| id)
}

fn class(name: &str) -> Class {
    match name {
        "external.web" => Class::Web,
        "external.app" => Class::App,
        "external.db" => Class::Db,
        "restricted" => Class::Restricted,
        "management" => Class::Management,
        "development" => Class::Development,
        _ => Class::Internal,
    }
}

const fn level(class: Class) -> u8 {
    match class {
        Class::Untrusted => 0,
        Class::Trusted | Class::Web => 1,
        Class::App | Class::Development => 2,
        Class::Db | Class::Internal => 3,
        Class::Management => 4,
        Class::Restricted => 5,
    }
}

/// A title as far as a picture has room for it; the report has it whole.
fn short(text: &str) -> String {
    const MOST: usize = 60;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST - 1).chain(['…']).collect()
}

fn lines(addresses: &Addresses) -> Vec<String> {
    let first = addresses.prefixes().first().map(crate::model::address::short);
    first.into_iter().collect()
}

fn icon(site: &Site, id: ComponentId) -> Icon {
    match site.components[id].decl.kind.0.as_str() {
        "waf" | "reverse-proxy" => Icon::Shield,
        "web-proxy" | "load-balancer" => Icon::Arrows,
        "smtp-relay" | "mail-server" => Icon::Mail,
        "dns-proxy" | "dns-resolver" | "dns-authoritative" => Icon::Globe,
        "ntp" | "ntp-relay" => Icon::Clock,
        "database" => Icon::Database,
        "ingress-controller" => Icon::Ingress,
        "poststelle" | "message-broker" => Icon::Inbox,
        "file-server" | "registry" | "e-akte" | "storage" | "backup" => Icon::Folder,
        "fachverfahren" | "workload" | "build" | "git" => Icon::Gear,
        "bastion" | "admin-client" => Icon::Terminal,
        "monitoring" => Icon::Chart,
        "siem" | "log-server" | "sensor" | "audit-system" => Icon::Eye,
        "client" => Icon::Screen,
        "vpn-gateway" | "crypto-gateway" => Icon::Lock,
        "app-server" | "portal-api" | "directory" => Icon::Document,
        _ if site.is(id, Property::Outside) => Icon::Cloud,
        _ => Icon::Server,
    }
}
