//! Components and groups.

use super::merge::Sorted;
use super::{Resolver, address_set};
use crate::finding::Finding;
use crate::model::NamespaceId;
use crate::model::address::Ranges;
use crate::model::ids::{GroupId, Id};
use crate::model::service::ServiceMatch;
use crate::model::site::{Component, End, Group, Leg, LegRole, Object};
use crate::source::Span;
use crate::syntax::decode::{List, Spanned};
use crate::syntax::document::Group as GroupDecl;
use crate::syntax::nearest;
use crate::syntax::objects as obj;
use crate::syntax::scalars::{Either, Name, Ref};
use crate::syntax::service::PodPort;
use std::collections::BTreeMap;

impl Resolver {
    pub(super) fn components(&mut self, components: Sorted<Name, obj::Component>) {
        for (key, decl) in components {
            let name = key.value.0;
            self.check_kind(&decl);
            let legs = self.legs(&decl);
            let namespace = decl.namespace.as_ref().and_then(|reference| self.namespace_of(reference));
            if decl.at.as_ref().is_none_or(|at| at.0.is_empty()) && decl.namespace.is_none() {
                let finding = Finding::new("ZM-MOD-02", "no-place").arg("component", &name).object(&name);
                self.findings.push(finding.label(key.span, "component"));
            }
            if let (None, Some(pods)) = (&decl.namespace, &decl.pods) {
                let span = pods.0.first().map_or(key.span, |(label, _)| label.span);
                let finding = Finding::new("ZM-MOD-01", "pods-without-namespace").arg("name", &name).object(&name);
                self.findings.push(finding.label(span, "here"));
            }
            let component = Component {
                name: name.clone(),
                span: key.span,
                legs,
                namespace,
                host: decl.host.as_ref().map_or_else(|| name.clone(), |host| host.0.clone()),
                egress_addresses: decl.egress_addresses.as_ref().map(address_set).unwrap_or_default(),
                listens: Vec::new(),
                decl,
            };
            let id = self.site.components.push(component);
            self.declare(&name, key.span, Object::Component(id));
        }
    }

    fn check_kind(&mut self, decl: &obj::Component) {
        let kinds = &self.site.blueprint.kinds;
        if kinds.contains_key(&decl.kind.0) {
            return;
        }
        let near = nearest(&decl.kind.0, kinds.keys().map(String::as_str)).map(str::to_owned);
        let finding =
            Finding::new("ZM-MOD-01", "unknown-kind").arg("name", &decl.kind.0).label(decl.kind.span, "unknown-kind");
        self.findings.push(match near {
            Some(near) => finding.arg("nearest", &near).fix(decl.kind.span, near),
            None => finding,
        });
    }

    fn legs(&mut self, decl: &obj::Component) -> Vec<Leg> {
        let mut legs = Vec::new();
        for (name, addresses) in decl.at.iter().flat_map(|entries| &entries.0) {
            let Some(place) = self.place(name, "place") else { continue };
            legs.push(Leg { place, addresses: address_set(addresses), span: name.span, role: LegRole::Data });
        }
        legs.sort_by(|a, b| self.site.place_name(a.place).cmp(self.site.place_name(b.place)));
        legs
    }

    fn namespace_of(&mut self, reference: &Spanned<Ref>) -> Option<NamespaceId> {
        match self.site.lookup(&reference.0) {
            Some(Object::Namespace(id)) => Some(id),
            Some(_) => {
                self.misfit(&reference.0, reference.span, "namespace");
                None
            }
            None => {
                self.unknown(&reference.0, reference.span, "namespace", |o| matches!(o, Object::Namespace(_)));
                None
            }
        }
    }

    /// Fills `listens` once services are known: outside packets → pod ports.
    pub(super) fn listens(&mut self) {
        for id in self.site.components.ids() {
            let declared = self.site.components[id].decl.listens.clone();
            let mut listens = Vec::new();
            match declared {
                None => {}
                Some(Either::Short(list)) => {
                    for expr in &list.0 {
                        let service = self.service_use(&expr.value, expr.span);
                        listens.extend(service.matches.into_iter().map(|m| (m.clone(), m)));
                    }
                }
                Some(Either::Long(entries)) => {
                    for (service, pods) in &entries.0 {
                        let outside = self.service_use(&service.value, service.span).matches;
                        let inside: Vec<ServiceMatch> = pods
                            .iter()
                            .flat_map(|pod| match (&pod.value, outside.first()) {
                                (PodPort::Bare(port), Some(ServiceMatch::Ports(transport, _))) => {
                                    vec![ServiceMatch::Ports(*transport, Ranges::new([(*port, *port)]))]
                                }
                                (PodPort::Bare(_), _) => Vec::new(),
                                (PodPort::Expr(expr), _) => self.service_use(expr, pod.span).matches,
                            })
                            .collect();
                        let inside = ServiceMatch::normalise(inside);
                        if outside.len() == inside.len() {
                            listens.extend(outside.into_iter().zip(inside));
                        } else {
                            self.findings.push(Finding::new("syntax", "listens-mismatch").label(service.span, "here"));
                        }
                    }
                }
            }
            listens.sort();
            listens.dedup();
            self.site.components[id].listens = listens;
        }
    }

    pub(super) fn groups(&mut self, groups: Sorted<Name, GroupDecl>) {
        let mut members: BTreeMap<GroupId, Vec<Spanned<Ref>>> = BTreeMap::new();
        for (key, group) in groups {
            let List(list) = match group {
                Either::Short(list) => list,
                Either::Long(record) => record.members,
            };
            let name = key.value.0;
            if list.is_empty() {
                let finding = Finding::new("ZM-MOD-01", "empty-group").arg("name", &name).object(&name);
                self.findings.push(finding.label(key.span, "here"));
            }
            let id = self.site.groups.push(Group { name: name.clone(), span: key.span, members: Vec::new() });
            self.declare(&name, key.span, Object::Group(id));
            members.insert(id, list);
        }
        let mut done = vec![Visit::New; self.site.groups.len()];
        for id in self.site.groups.ids() {
            self.expand(id, &members, &mut done, &mut Vec::new());
        }
    }

    /// Depth-first expansion; a group met again on the way is a cycle, shown once.
    fn expand(
        &mut self,
        id: GroupId,
        members: &BTreeMap<GroupId, Vec<Spanned<Ref>>>,
        done: &mut [Visit],
        way: &mut Vec<(GroupId, Span)>,
    ) {
        if done.get(id.index()) != Some(&Visit::New) {
            return;
        }
        set(done, id, Visit::Open);
        let mut ends: Vec<End> = Vec::new();
        for reference in members.get(&id).into_iter().flatten() {
            match self.site.lookup(&reference.0) {
                None => self.unknown(&reference.0, reference.span, "member", |_| true),
                Some(Object::Group(inner)) if done.get(inner.index()) == Some(&Visit::Open) => {
                    self.cycle(id, inner, reference.span, way);
                }
                Some(Object::Group(inner)) => {
                    way.push((id, reference.span));
                    self.expand(inner, members, done, way);
                    way.pop();
                    ends.extend(self.site.groups[inner].members.iter().copied());
                }
                Some(object) => ends.extend(self.site.object_ends(object)),
            }
        }
        ends.sort_unstable();
        ends.dedup();
        self.site.groups[id].members = ends;
        set(done, id, Visit::Done);
    }

    /// `inner` is met again in `last`, on a way that began in it.
    fn cycle(&mut self, last: GroupId, inner: GroupId, span: Span, way: &[(GroupId, Span)]) {
        let name = |id: GroupId| self.site.groups[id].name.clone();
        let from = way.iter().position(|(group, _)| *group == inner).unwrap_or(way.len());
        let mut steps: Vec<(GroupId, Span)> = way.iter().skip(from).copied().collect();
        steps.push((last, span));
        let mut chain: Vec<String> = steps.iter().map(|(group, _)| name(*group)).collect();
        chain.push(name(inner));
        let held = |index: usize| chain.get(index + 1).cloned().unwrap_or_default();
        let args = |index: usize, group: GroupId| vec![("group", name(group)), ("member", held(index))];
        let mut finding = Finding::new("ZM-MOD-01", "group-cycle").arg("name", name(inner)).object(name(inner));
        finding = finding.label_with(span, "cycle-closes", args(steps.len() - 1, last));
        for (index, (group, place)) in steps.iter().enumerate().take(steps.len() - 1) {
            finding = finding.label_with(*place, "cycle-step", args(index, *group));
        }
        self.findings.push(finding.witness(chain));
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Visit {
    New,
    Open,
    Done,
}

fn set(done: &mut [Visit], id: GroupId, visit: Visit) {
    if let Some(slot) = done.get_mut(id.index()) {
        *slot = visit;
    }
}
