//! The flow table.

use super::areas::{self, Which};
use super::build::{Builder, State, permits};
use super::facts::{Approval, Flow, FlowEnd, Link};
use super::further::further;
use crate::model::ids::Id;
use crate::model::site::Flow as SiteFlow;
use crate::model::{EndRef, FlowId};
use crate::syntax::Spanned;
use crate::syntax::objects::PolicyDialect;
use crate::syntax::scalars::Text;
use crate::targets::flow_number;
use std::collections::{BTreeMap, BTreeSet};

/// The text of an optional attribute.
pub(super) fn text(value: Option<&Spanned<Text>>) -> String {
    value.map_or_else(String::new, |text| text.0.clone())
}

impl Builder<'_> {
    pub(super) fn flows(&self) -> Vec<Flow> {
        let enforced = self.enforcers();
        let judged = self.judged();
        self.site.flows.iter().map(|(id, flow)| self.flow(id, flow, &enforced, &judged)).collect()
    }

    fn flow(
        &self,
        id: FlowId,
        flow: &SiteFlow,
        enforced: &BTreeMap<FlowId, Vec<String>>,
        judged: &BTreeMap<&str, (State, BTreeSet<Link>)>,
    ) -> Flow {
        let decl = &flow.decl;
        let (state, refs) = judged.get(flow.name.as_str()).cloned().unwrap_or((State::Good, BTreeSet::new()));
        let services: Vec<String> = flow.services.iter().map(|service| service.expr.to_string()).collect();
        let matches: Vec<String> = flow.matches.iter().map(ToString::to_string).collect();
        let port = matches.first().map_or("", |first| first.trim_start_matches(|c: char| !c.is_ascii_digit()));
        let port: String = port.chars().take_while(char::is_ascii_digit).collect();
        let approval = decl.approved.as_ref().map_or_else(Approval::default, |approval| Approval {
            reference: approval.reference.0.clone(),
            by: approval.by.0.clone(),
            on: self.words.date(approval.on.value),
        });
        let approved = decl
            .approved
            .as_ref()
            .map_or_else(String::new, |_| format!("{}, {}, {}", approval.reference, approval.by, approval.on));
        let [from_day, until_day] =
            [&decl.valid_from, &decl.valid_until].map(|day| day.as_ref().map(|day| self.words.date(day.value)));
        let period = |key: &str, day: &Option<String>| Some(self.words.fill(key, &[("day", day.clone()?)]));
        let valid = [period("from-day", &from_day), period("until-day", &until_day)];
        Flow {
            number: flow_number(id),
            name: flow.name.clone(),
            from: self.end(&flow.from),
            to: self.end(&flow.to),
            service: services.join(", "),
            protocol: matches.join(", "),
            order: format!("{port:0>5}"),
            purpose: text(decl.purpose.as_ref()),
            owner: text(decl.owner.as_ref()),
            approved,
            approval,
            valid: valid.into_iter().flatten().collect::<Vec<_>>().join(" "),
            from_day: from_day.unwrap_or_default(),
            until_day: until_day.unwrap_or_default(),
            further: further(decl),
            enforced: enforced.get(&id).cloned().unwrap_or_default(),
            mark: self.mark(state),
            refs: refs.into_iter().collect(),
            management: self.is_management(flow),
        }
    }

    fn end(&self, ends: &[EndRef]) -> FlowEnd {
        let site = self.site;
        let which: BTreeSet<Which> = ends.iter().flat_map(|end| areas::of_end(site, end.end)).collect();
        let title = |which: &Which| match *which {
            Which::Network(id) => site.networks[id]
                .decl
                .title
                .as_ref()
                .map_or_else(|| site.networks[id].name.clone(), |text| text.0.clone()),
            Which::Zone(id) => {
                site.zones[id].decl.title.as_ref().map_or_else(|| site.zones[id].name.clone(), |text| text.0.clone())
            }
        };
        let names: Vec<&str> = ends.iter().map(|end| site.end_name(end.end)).collect();
        let ids: BTreeSet<String> =
            which.iter().flat_map(|which| [areas::token(*which), self.class_token(*which)]).collect();
        FlowEnd {
            areas: which.iter().map(title).collect::<Vec<_>>().join(", "),
            names: names.join(", "),
            ids: ids.into_iter().collect::<Vec<_>>().join(" "),
        }
    }

    /// Word of an area's class in filters.
    pub(super) fn class_token(&self, which: Which) -> String {
        match which {
            Which::Network(_) => areas::token(which),
            Which::Zone(id) => {
                let class = &self.site.zones[id].class;
                let place = self.site.blueprint.classes.get_index_of(class).map_or(0, |index| index + 1);
                format!("g{place}")
            }
        }
    }

    fn is_management(&self, flow: &SiteFlow) -> bool {
        let ends = flow.from.iter().chain(&flow.to);
        ends.flat_map(|end| areas::of_end(self.site, end.end)).any(|which| match which {
            Which::Zone(id) => self.site.zones[id].class == "management",
            Which::Network(_) => false,
        })
    }

    /// Who holds each flow: packet filters, then clusters with the kind of their policies.
    fn enforcers(&self) -> BTreeMap<FlowId, Vec<String>> {
        let mut held: BTreeMap<FlowId, Vec<String>> = BTreeMap::new();
        for (name, flows) in self.input.plan.map(permits).unwrap_or_default() {
            let cluster = self.site.clusters.values().find(|cluster| cluster.name == name);
            let shown = match cluster.map(|cluster| cluster.decl.policy.value) {
                Some(PolicyDialect::Kubernetes) => format!("{name}: NetworkPolicy"),
                Some(PolicyDialect::Cilium) => format!("{name}: Cilium"),
                None => name,
            };
            for flow in flows {
                held.entry(flow).or_default().push(shown.clone());
            }
        }
        held
    }

    /// Flow → worst state and anchors, from the findings that name it first, as the diagram judges it too.
    fn judged(&self) -> BTreeMap<&str, (State, BTreeSet<Link>)> {
        let mut judged: BTreeMap<&str, (State, BTreeSet<Link>)> = BTreeMap::new();
        for (item, anchor) in self.input.checked.findings.iter().zip(&self.anchors) {
            let Some(first) = item.finding.objects.first() else { continue };
            if !self.numbers.contains_key(first.as_str()) {
                continue;
            }
            let entry = judged.entry(first).or_insert((State::Good, BTreeSet::new()));
            entry.0 = entry.0.max(State::of(item.severity));
            entry.1.insert(anchor.clone());
        }
        judged
    }

    /// Numbers of the flows among some objects.
    pub(super) fn flow_numbers(&self, objects: &[String]) -> Vec<String> {
        objects.iter().filter_map(|object| self.numbers.get(object.as_str()).cloned()).collect()
    }

    /// The first flow that leads from one name to another.
    pub(super) fn flow_between(&self, from: &str, to: &str) -> Option<String> {
        let site = self.site;
        let holds = |ends: &[EndRef], name: &str| ends.iter().any(|end| site.end_name(end.end) == name);
        let found = site.flows.iter().find(|(_, flow)| holds(&flow.from, from) && holds(&flow.to, to));
        found.map(|(id, flow)| {
            let service = flow.services.first().map(|service| service.expr.to_string()).unwrap_or_default();
            format!("{} {service}", flow_number(FlowId::new(id.index())))
        })
    }
}
