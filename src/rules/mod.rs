//! Rules: each an id, data in `zones/<blueprint>/rules/`, and a pure function over the site and its graphs.
//!
//! A family is one file (or folder) that exports `RULES`. The registry joins them; a test checks that every rule with
//! `proof: model` has a function and that no function lacks its data.

mod acc;
mod acc_inner;
mod adr;
mod adr_names;
mod catalogue;
mod dev;
mod dev_chain;
pub(crate) mod evidence;
mod flo;
mod flo_service;
mod k8s;
mod k8s_nodes;
mod log;
mod log_services;
mod mgt;
mod mgt_access;
mod mgt_interfaces;
mod model;
mod need;
mod pap;
mod proxy;
mod sep;
mod shared;
mod support;
mod upl;
mod upl_networks;
mod vsn;
mod vsn_transport;
mod zon;

pub use catalogue::{Basis, Catalogue, Deviability, Family, Grade, Message, Proof, Raise, RuleData};

use crate::finding::Finding;
use crate::graph::Graphs;
use crate::model::Site;
use std::cell::OnceCell;

/// What a rule may look at.
#[derive(Debug)]
pub struct Cx<'a> {
    /// The site.
    pub site: &'a Site,
    /// Its graphs.
    pub graphs: &'a Graphs,
    /// Every pair of ends of every flow, for all rules that ask.
    pairs: OnceCell<Vec<support::Pair<'a>>>,
}

impl<'a> Cx<'a> {
    const fn new(site: &'a Site, graphs: &'a Graphs) -> Self {
        Self { site, graphs, pairs: OnceCell::new() }
    }
}

/// A rule: its id and how it is decided.
pub type Rule = (&'static str, fn(&Cx<'_>, &mut Vec<Finding>));

/// All rules that are decided on the model, by family.
#[must_use]
pub fn registry() -> Vec<Rule> {
    let families: &[&[Rule]] = &[
        model::RULES,
        zon::RULES,
        sep::RULES,
        pap::RULES,
        proxy::RULES,
        shared::RULES,
        need::RULES,
        acc::RULES,
        acc_inner::RULES,
        flo::RULES,
        flo_service::RULES,
        adr::RULES,
        adr_names::RULES,
        evidence::RULES,
        log::RULES,
        log_services::RULES,
        mgt::RULES,
        mgt_interfaces::RULES,
        mgt_access::RULES,
        dev::RULES,
        dev_chain::RULES,
        k8s::RULES,
        k8s_nodes::RULES,
        vsn::RULES,
        vsn_transport::RULES,
        upl::RULES,
        upl_networks::RULES,
    ];
    families.iter().flat_map(|family| family.iter().copied()).collect()
}

/// Whether this version decides a rule: by a function of the registry, while names are resolved (ZM-MOD-01, ZM-MOD-04), or while
/// deviations are weighed (ABW).
#[must_use]
pub fn is_decided(id: &str) -> bool {
    matches!(id, "ZM-MOD-01" | "ZM-MOD-04")
        || id.starts_with("ZM-ABW-")
        || registry().iter().any(|(rule, _)| *rule == id)
}

/// Evaluates rules. The findings carry no severity but where a rule weighs a case itself; `deviations` sets it.
#[must_use]
pub fn evaluate(site: &Site, graphs: &Graphs, rules: &[Rule]) -> Vec<Finding> {
    let cx = Cx::new(site, graphs);
    let mut findings = Vec::new();
    for (_, decide) in rules {
        decide(&cx, &mut findings);
    }
    findings
}

/// As [`evaluate`], but gives up between two rules, with `None`, when `wanted` says no.
#[must_use]
pub fn evaluate_while(site: &Site, graphs: &Graphs, rules: &[Rule], wanted: impl Fn() -> bool) -> Option<Vec<Finding>> {
    let cx = Cx::new(site, graphs);
    let mut findings = Vec::new();
    for (_, decide) in rules {
        if !wanted() {
            return None;
        }
        decide(&cx, &mut findings);
    }
    Some(findings)
}
