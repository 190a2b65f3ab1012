//! Pages about the things of a site and of the catalogue, from the last state of the site that could be read.

use super::index::Target;
use super::page::Page;
use super::words::Words;
use crate::check::{Checked, Model};
use crate::i18n::Bilingual;
use crate::model::site::{EndRef, Leg};
use crate::model::{End, FlowId, GatewayId, Object, Place, Site};
use crate::rules::Catalogue;
use crate::syntax::Spanned;
use crate::syntax::mention::NameKind;
use crate::syntax::scalars::Text;
use std::collections::BTreeSet;

/// What is known of things.
#[derive(Debug)]
pub struct Things<'a> {
    /// What the server says.
    pub words: &'a Words,
    /// The rules.
    pub catalogue: &'a Catalogue,
    /// The site.
    pub model: Option<&'a Model>,
    /// Its findings.
    pub good: Option<&'a Checked>,
}

/// A member of a list: a name, and what to know of it.
type Member = (String, String);

fn bare(name: &str) -> Member {
    (name.to_owned(), String::new())
}

fn text(value: Option<&Spanned<Text>>) -> &str {
    value.map_or("", |text| text.value.0.as_str())
}

impl<'a> Things<'a> {
    fn say<'t>(&self, text: &'t Bilingual) -> &'t str {
        text.get(self.words.lang)
    }

    /// The page of a thing; `None` when nothing is known of it (yet).
    #[must_use]
    pub fn page(&self, target: &Target) -> Option<String> {
        let name = target.name.as_str();
        match target.kind {
            NameKind::Rule => return self.rule(name),
            NameKind::Host | NameKind::Replica => {
                return Some(self.about(target.kind, name, "").finish());
            }
            _ => {}
        }
        let model = self.model?;
        let site = &model.site;
        match (target.kind, site.lookup(name)) {
            (NameKind::ComponentKind, _) => self.component_kind(site, name),
            (NameKind::ZoneClass, _) => self.zone_class(site, name),
            (NameKind::Service | NameKind::CatalogueService, _) => self.service(site, target),
            (NameKind::Flow, _) => self.flow(model, name),
            (NameKind::Uplink, _) => self.uplink(site, name),
            (NameKind::Platform, _) => self.platform(site, name),
            (NameKind::Deviation, _) => self.deviation(site, name),
            (NameKind::Site, _) => Some(self.site(site)),
            (_, Some(object)) => Some(self.object(model, object)),
            (_, None) => None,
        }
    }

    fn about(&self, kind: NameKind, name: &str, more: &str) -> Page<'a> {
        Page::about(self.words, &self.words.kind(kind, self.catalogue), name, more)
    }

    fn object(&self, model: &Model, object: Object) -> String {
        let site = &model.site;
        match object {
            Object::Network(id) => {
                let network = &site.networks[id];
                let mut page = self.about(NameKind::Network, &network.name, network.decl.kind.value.word());
                page.say(text(network.decl.title.as_ref()));
                page.row("trust", network.trust().word());
                let all = network.addresses.to_string();
                page.row("addresses", if network.is_internet() { self.words.get("the-rest") } else { &all });
                page.list("gateways", &gateways_at(site, &[Place::Network(id)]));
                page.finish()
            }
            Object::Zone(id) => {
                let zone = &site.zones[id];
                let title = site.class(id).map_or("", |class| self.say(&class.title));
                let mut page = self.about(NameKind::Zone, &zone.name, &format!("{} ({title})", zone.class));
                page.say(text(zone.decl.title.as_ref()));
                let segments = zone.segments.iter().map(|id| &site.segments[*id]);
                let segments: Vec<Member> =
                    segments.map(|segment| (segment.name.clone(), segment.addresses.to_string())).collect();
                page.list("segments", &segments);
                let places: Vec<Place> = zone.segments.iter().map(|id| Place::Segment(*id)).collect();
                page.list("gateways", &gateways_at(site, &places));
                let clusters = site.clusters.values().filter(|cluster| cluster.zone == id);
                page.list("clusters", &clusters.map(|cluster| bare(&cluster.name)).collect::<Vec<_>>());
                let members = site.components.ids().filter(|component| site.component_zones(*component).contains(&id));
                let member = |id| (site.components[id].name.clone(), format!("({})", site.components[id].decl.kind.0));
                page.list("members", &members.map(member).collect::<Vec<_>>());
                page.finish()
            }
            Object::Segment(id) => {
                let segment = &site.segments[id];
                let zone = &site.zones[segment.zone];
                let mut page = self.about(NameKind::Segment, &segment.name, &segment.addresses.to_string());
                page.say(text(segment.decl.title.as_ref()));
                page.list("zone", &[(zone.name.clone(), format!("({})", zone.class))]);
                page.list("gateways", &gateways_at(site, &[Place::Segment(id)]));
                let here = |legs: &[Leg]| legs.iter().find(|leg| leg.place == Place::Segment(id)).cloned();
                let members = site.components.values();
                let members =
                    members.filter_map(|item| Some((item.name.clone(), here(&item.legs)?.addresses.to_string())));
                page.list("members", &members.collect::<Vec<_>>());
                page.finish()
            }
            Object::Gateway(id) => self.gateway(model, id),
            Object::Cluster(id) => {
                let cluster = &site.clusters[id];
                let mut page = self.about(NameKind::Cluster, &cluster.name, cluster.decl.policy.value.word());
                page.say(text(cluster.decl.title.as_ref()));
                page.list("zone", &[bare(&site.zones[cluster.zone].name)]);
                page.row("pods", &cluster.pods.to_string());
                page.row("nodes", &cluster.nodes().to_string());
                page.row("egress", cluster.egress().word());
                let namespaces = cluster.namespaces.iter().map(|id| bare(&site.namespaces[*id].name));
                page.list("namespaces", &namespaces.collect::<Vec<_>>());
                page.finish()
            }
            Object::Namespace(id) => {
                let namespace = &site.namespaces[id];
                let mut page = self.about(NameKind::Namespace, &namespace.path, "");
                page.say(text(namespace.decl.title.as_ref()));
                page.row("owner", text(namespace.decl.owner.as_ref()));
                let members = site.components.values().filter(|item| item.namespace == Some(id));
                page.list("members", &members.map(|item| bare(&item.name)).collect::<Vec<_>>());
                page.finish()
            }
            Object::Component(id) => {
                let item = &site.components[id];
                let title = site.kind(id).map_or("", |kind| self.say(&kind.title));
                let mut page = self.about(NameKind::Component, &item.name, &format!("{} ({title})", item.decl.kind.0));
                page.say(text(item.decl.title.as_ref()));
                let legs =
                    item.legs.iter().map(|leg| (site.place_name(leg.place).to_owned(), leg.addresses.to_string()));
                page.list("stands-in", &legs.collect::<Vec<_>>());
                page.list(
                    "zone",
                    &site.component_zones(id).iter().map(|id| bare(&site.zones[*id].name)).collect::<Vec<_>>(),
                );
                page.list(
                    "in",
                    &item.namespace.map(|id| bare(&site.namespaces[id].path)).into_iter().collect::<Vec<_>>(),
                );
                page.row(
                    "listens",
                    &item.listens.iter().map(|(outside, _)| outside.to_string()).collect::<Vec<_>>().join(", "),
                );
                let flows = |ends: fn(&crate::model::site::Flow) -> &Vec<EndRef>| {
                    let with =
                        |flow: &&crate::model::site::Flow| ends(flow).iter().any(|end| end.end == End::Component(id));
                    site.flows.values().filter(with).map(|flow| bare(&flow.name)).collect::<Vec<_>>()
                };
                page.list("opens", &flows(|flow| &flow.from));
                page.list("accepts", &flows(|flow| &flow.to));
                page.finish()
            }
            Object::Group(id) => {
                let group = &site.groups[id];
                let mut page = self.about(NameKind::Group, &group.name, "");
                page.list("members", &group.members.iter().map(|end| bare(site.end_name(*end))).collect::<Vec<_>>());
                page.finish()
            }
        }
    }

    fn gateway(&self, model: &Model, id: GatewayId) -> String {
        let site = &model.site;
        let gateway = &site.gateways[id];
        let stage = gateway.stage().map_or("", |stage| stage.word());
        let mut page = self.about(NameKind::Gateway, &gateway.name, stage);
        page.say(text(gateway.decl.title.as_ref()));
        page.row("product", text(gateway.decl.product.as_ref()));
        let interfaces = gateway.interfaces.iter().map(|interface| {
            let place = site.place_name(interface.leg.place);
            (interface.name.clone(), format!("{place} {}", interface.leg.addresses))
        });
        page.list("interfaces", &interfaces.collect::<Vec<_>>());
        let enforced = site.flows.iter().filter(|(flow, _)| enforcers(model, *flow).0.contains(&id)).count();
        page.row("enforces", &self.words.fill("flow-count", &[("count", enforced.to_string())]));
        page.finish()
    }

    fn flow(&self, model: &Model, name: &str) -> Option<String> {
        let site = &model.site;
        let (id, flow) = site.flows.iter().find(|(_, flow)| flow.name == name)?;
        let mut page = self.about(NameKind::Flow, name, "");
        page.say(text(flow.decl.purpose.as_ref()));
        let pairs = model.graphs.ways.of(id);
        let ways = pairs.iter().filter_map(|pair| Some((pair, pair.ways.as_ref().ok()?.first()?)));
        let seen: Vec<_> = ways.collect();
        let side = |ends: &[EndRef], is_source: bool| {
            let ends = ends.iter().map(|end| {
                let way = seen
                    .iter()
                    .find(|(pair, _)| if is_source { pair.from.end == end.end } else { pair.to.end == end.end });
                let addresses = way.map(|(_, way)| if is_source { &way.source } else { &way.destination });
                let internet = matches!(end.end, End::Network(id) if site.networks[id].is_internet());
                let addresses = addresses.filter(|_| !internet).map(|stop| stop.addresses.to_string());
                (site.end_name(end.end).to_owned(), addresses.unwrap_or_default())
            });
            ends.collect::<Vec<_>>()
        };
        page.list("from", &side(&flow.from, true));
        page.list("to", &side(&flow.to, false));
        let services = flow.services.iter().map(|service| {
            let written = service.expr.to_string();
            let means: Vec<String> = service.matches.iter().map(ToString::to_string).collect();
            let means = means.join(", ");
            if means == written { bare(&written) } else { (written, format!("({means})")) }
        });
        page.list("service", &services.collect::<Vec<_>>());
        let (gateways, clusters) = enforcers(model, id);
        page.list("enforced-by", &gateways.iter().map(|id| bare(&site.gateways[*id].name)).collect::<Vec<_>>());
        page.list("policies-in", &clusters.iter().map(|id| bare(&site.clusters[*id].name)).collect::<Vec<_>>());
        if gateways.is_empty() && clusters.is_empty() {
            page.row("enforced-by", self.words.get("nothing"));
        }
        page.row("owner", text(flow.decl.owner.as_ref()));
        if let Some(approval) = &flow.decl.approved {
            page.row("approved", &format!("{}, {}, {}", approval.reference.0, approval.by.0, approval.on.value));
        }
        page.row("valid-until", &flow.decl.valid_until.as_ref().map(|day| day.value.to_string()).unwrap_or_default());
        Some(page.finish())
    }

    fn service(&self, site: &Site, target: &Target) -> Option<String> {
        let name = target.name.as_str();
        let own = site.services.get(name).filter(|_| target.kind == NameKind::Service);
        if let Some(own) = own {
            let means: Vec<String> = own.matches.iter().map(ToString::to_string).collect();
            let mut page = self.about(NameKind::Service, name, &means.join(", "));
            page.say(own.record.as_ref().map_or("", |record| text(record.title.as_ref())));
            return Some(page.finish());
        }
        let builtin = site.blueprint.services.get(name)?;
        let mut page = self.about(NameKind::CatalogueService, name, &builtin.ports.join(", "));
        page.say(self.say(&builtin.title));
        if !builtin.secure {
            let reason = builtin.insecure_reason.as_ref().map_or("", |reason| self.say(reason));
            page.row("insecure", if reason.is_empty() { self.words.get("yes") } else { reason });
        }
        page.list("instead", &builtin.alternative.iter().map(|other| bare(other)).collect::<Vec<_>>());
        Some(page.finish())
    }

    fn uplink(&self, site: &Site, name: &str) -> Option<String> {
        let uplink = site.uplinks.values().find(|uplink| uplink.name == name)?;
        let mut page = self.about(NameKind::Uplink, name, text(uplink.decl.provider.as_ref()));
        page.list("network", &[bare(&site.networks[uplink.network].name)]);
        page.list("gateways", &[bare(&site.gateways[uplink.gateway].name)]);
        let steps = uplink.decl.path.iter().flat_map(|path| path.iter());
        page.row("path", &steps.map(|step| format!("{}:{}", step.kind, step.name)).collect::<Vec<_>>().join(" -> "));
        Some(page.finish())
    }

    fn platform(&self, site: &Site, name: &str) -> Option<String> {
        let platform = site.platforms.values().find(|platform| platform.name == name)?;
        let mut page = self.about(NameKind::Platform, name, platform.decl.kind.value.word());
        page.say(text(platform.decl.title.as_ref()));
        let operates = platform.decl.operates.iter().flat_map(|list| list.iter());
        page.list("operates", &operates.map(|name| bare(&name.0)).collect::<Vec<_>>());
        Some(page.finish())
    }

    fn deviation(&self, site: &Site, name: &str) -> Option<String> {
        let (id, deviation) = site.deviations.iter().find(|(_, deviation)| deviation.name == name)?;
        let decl = &deviation.decl;
        let mut page = self.about(NameKind::Deviation, name, decl.kind.value.word());
        page.say(text(decl.reason.as_ref()));
        page.list("rules", &decl.rules.iter().map(|rule| bare(&rule.0)).collect::<Vec<_>>());
        page.list("objects", &decl.objects.iter().map(|object| bare(&object.0)).collect::<Vec<_>>());
        page.row("valid-until", &decl.valid_until.as_ref().map(|day| day.value.to_string()).unwrap_or_default());
        let covered =
            self.good.map_or(0, |good| good.findings.iter().filter(|item| item.deviation == Some(id)).count());
        page.row("covers", &self.words.fill("finding-count", &[("count", covered.to_string())]));
        Some(page.finish())
    }

    fn site(&self, site: &Site) -> String {
        let mut page = self.about(NameKind::Site, site.name(), &site.blueprint.name);
        page.say(text(site.head.title.as_ref()));
        page.row("operator", text(site.head.operator.as_ref()));
        page.finish()
    }

    fn rule(&self, id: &str) -> Option<String> {
        let rule = self.catalogue.rule(id)?;
        let mut page = self.about(NameKind::Rule, id, self.say(&rule.title));
        let raised = rule.raised.as_ref().and_then(|raised| Some(format!(" ({} {})", raised.on?, raised.grade)));
        page.row("grade", &format!("{}{}", rule.grade, raised.unwrap_or_default()));
        page.row("deviability", &rule.deviability.to_string());
        page.row("sources", &rule.sources.join(", "));
        page.say(self.say(&rule.decided));
        page.say(self.say(&rule.explain));
        page.say(self.say(&rule.help));
        page.snippet(&rule.fails);
        if let Some(address) = self.catalogue.page(id) {
            page.link(self.words.get("more"), &address);
        }
        Some(page.finish())
    }

    fn component_kind(&self, site: &Site, name: &str) -> Option<String> {
        let kind = site.blueprint.kinds.get(name)?;
        let mut page = self.about(NameKind::ComponentKind, name, &kind.category);
        page.say(self.say(&kind.title));
        page.list("protocols", &kind.protocols.iter().map(|word| bare(word)).collect::<Vec<_>>());
        let members = site.components.values().filter(|item| item.decl.kind.0 == name);
        page.list("members", &members.map(|item| bare(&item.name)).collect::<Vec<_>>());
        Some(page.finish())
    }

    fn zone_class(&self, site: &Site, name: &str) -> Option<String> {
        let class = site.blueprint.classes.get(name)?;
        let mut page = self.about(NameKind::ZoneClass, name, self.say(&class.title));
        let zones = site.zones.values().filter(|zone| zone.class == name);
        page.list("members", &zones.map(|zone| bare(&zone.name)).collect::<Vec<_>>());
        Some(page.finish())
    }
}

/// The gateways with an interface in one of some places, each with the interface.
fn gateways_at(site: &Site, places: &[Place]) -> Vec<Member> {
    let at = site.gateways.values().flat_map(|gateway| {
        let here = gateway.interfaces.iter().filter(|interface| places.contains(&interface.leg.place));
        here.map(|interface| (gateway.name.clone(), format!("({})", interface.name)))
    });
    at.collect()
}

/// Who enforces a flow: the gateways on its ways, and the clusters in which an end of it runs.
fn enforcers(model: &Model, flow: FlowId) -> (BTreeSet<GatewayId>, BTreeSet<crate::model::ClusterId>) {
    let site = &model.site;
    let mut gateways = BTreeSet::new();
    let mut clusters = BTreeSet::new();
    for pair in model.graphs.ways.of(flow) {
        clusters.extend([pair.from.end, pair.to.end].into_iter().filter_map(|end| site.cluster_of(end)));
        if !pair.among_pods {
            let ways = pair.ways.iter().flatten();
            gateways.extend(ways.flat_map(|way| way.hops.iter().map(|hop| hop.gateway)));
        }
    }
    (gateways, clusters)
}
