//! Services, flows, policy tests.

use super::Resolver;
use super::merge::Sorted;
use crate::finding::Finding;
use crate::model::service::ServiceMatch;
use crate::model::site::{End, EndRef, Expectation, Flow, Object, ServiceUse, SiteService};
use crate::source::Span;
use crate::syntax::decode::{OneOrMany, Spanned};
use crate::syntax::document as decl;
use crate::syntax::nearest;
use crate::syntax::scalars::{Either, Name, Ref};
use crate::syntax::service::ServiceExpr;

impl Resolver {
    pub(super) fn services(&mut self, services: Sorted<Name, decl::Service>) {
        for (key, service) in services {
            let (ports, record) = match service {
                Either::Short(ports) => (ports, None),
                Either::Long(record) => (record.ports.clone(), Some(record)),
            };
            let mut matches = Vec::new();
            for expr in &ports.0 {
                // A service of services would need an order; the language has groups of ports, not of services.
                match ServiceMatch::of(&expr.value) {
                    Some(found) => matches.push(found),
                    None => match self.site.blueprint.services.get(&expr.value.to_string()) {
                        Some(builtin) => matches.extend_from_slice(builtin.matches()),
                        None => self.unknown_service(&expr.value, expr.span),
                    },
                }
            }
            let entry = SiteService { span: key.span, matches: ServiceMatch::normalise(matches), record };
            self.site.services.insert(key.value.0, entry);
        }
    }

    /// A service expression with its meaning; an unknown name is reported and means nothing.
    pub(super) fn service_use(&mut self, expr: &ServiceExpr, span: Span) -> ServiceUse {
        let mut used =
            ServiceUse { expr: expr.clone(), span, matches: Vec::new(), secure: None, tunnel: false, admin: false };
        if let ServiceExpr::Named(name) = expr {
            if let Some(own) = self.site.services.get(name) {
                used.matches.clone_from(&own.matches);
                if let Some(record) = &own.record {
                    used.secure = record.secure.as_ref().map(|secure| secure.value);
                    used.tunnel = record.tunnel.as_ref().is_some_and(|tunnel| tunnel.value);
                    used.admin = record.admin.as_ref().is_some_and(|admin| admin.value);
                }
            } else if let Some(builtin) = self.site.blueprint.services.get(name) {
                used.matches = builtin.matches().to_vec();
                used.secure = Some(builtin.secure);
                used.tunnel = builtin.tunnel;
                used.admin = builtin.admin;
            } else {
                self.unknown_service(expr, span);
            }
        } else {
            used.matches.extend(ServiceMatch::of(expr));
        }
        used
    }

    fn unknown_service(&mut self, expr: &ServiceExpr, span: Span) {
        let name = expr.to_string();
        let known = self.site.services.keys().chain(self.site.blueprint.services.keys()).map(String::as_str);
        let near = nearest(&name, known).map(str::to_owned);
        let finding = Finding::new("ZM-MOD-01", "unknown-service")
            .arg("name", &name)
            .object(&name)
            .label(span, "unknown-service");
        self.findings.push(match near {
            Some(near) => finding.arg("nearest", &near).fix(span, near),
            None => finding,
        });
    }

    pub(super) fn flows(&mut self, flows: Sorted<Name, decl::Flow>) {
        for (key, decl) in flows {
            let from = self.ends_of(&decl.from);
            let to = self.ends_of(&decl.to);
            let services: Vec<ServiceUse> =
                decl.service.0.iter().map(|service| self.service_use(&service.value, service.span)).collect();
            let matches =
                ServiceMatch::normalise(services.iter().flat_map(|service| service.matches.clone()).collect());
            let via: Vec<Spanned<Name>> = decl.via.iter().flat_map(|list| list.0.clone()).collect();
            let via = via.iter().filter_map(|name| Some((self.gateway_of(name)?, name.span))).collect();
            self.site.flows.push(Flow { name: key.value.0, span: key.span, decl, from, to, services, matches, via });
        }
    }

    fn ends_of(&mut self, references: &OneOrMany<Ref>) -> Vec<EndRef> {
        let mut ends = Vec::new();
        for reference in &references.0 {
            let object = self.site.lookup(&reference.0);
            if object.is_none() {
                self.unknown(&reference.0, reference.span, "flow-end", |_| true);
            }
            let members = object.map(|object| self.site.object_ends(object)).unwrap_or_default();
            ends.extend(members.into_iter().map(|end| EndRef { end, span: reference.span }));
        }
        ends.sort_by(|a, b| a.end.cmp(&b.end).then(a.span.cmp(&b.span)));
        ends.dedup_by_key(|end| end.end);
        ends
    }

    pub(super) fn expectations(&mut self, list: Vec<Spanned<decl::Expectation>>) {
        for item in list {
            let (connection, allow) = match (&item.allow, &item.deny) {
                (Some(connection), None) => (connection.clone(), true),
                (None, Some(connection)) => (connection.clone(), false),
                _ => {
                    self.findings.push(Finding::new("syntax", "expectation-shape").label(item.span, "here"));
                    continue;
                }
            };
            let (Some(from), Some(to)) = (self.one_end(&connection.from), self.one_end(&connection.to)) else {
                continue;
            };
            let service = self.service_use(&connection.service.value, connection.service.span);
            let because = item.because.as_ref().map(|text| text.0.clone()).unwrap_or_default();
            self.site.expectations.push(Expectation { span: connection.span, allow, from, to, service, because });
        }
        self.site.expectations.sort_by_key(|expectation| expectation.span);
    }

    fn one_end(&mut self, reference: &Spanned<Ref>) -> Option<End> {
        let Some(object) = self.site.lookup(&reference.0) else {
            self.unknown(&reference.0, reference.span, "flow-end", |_| true);
            return None;
        };
        if matches!(object, Object::Group(_)) {
            self.misfit(&reference.0, reference.span, "single-end");
            return None;
        }
        self.site.object_ends(object).first().copied()
    }
}
