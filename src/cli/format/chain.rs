//! The chain of a finding in one line: names, and on each arrow the flow that leads on and its service.

use crate::model::Site;
use crate::model::site::Flow;
use std::collections::BTreeMap;

/// The flows of a site by the names of their ends; of several the first one by name.
pub struct Chains<'a> {
    flows: BTreeMap<(&'a str, &'a str), &'a Flow>,
}

impl<'a> Chains<'a> {
    /// The flows in force.
    #[must_use]
    pub fn of(site: &'a Site) -> Self {
        let mut flows = BTreeMap::new();
        for flow in site.flows.values().filter(|flow| flow.is_valid_on(site.as_of)) {
            for from in &flow.from {
                for to in &flow.to {
                    flows.entry((site.end_name(from.end), site.end_name(to.end))).or_insert(flow);
                }
            }
        }
        Self { flows }
    }

    /// `internet -portal:https-> waf -> app`: a step that no flow makes is one between neighbours or in the topology.
    #[must_use]
    pub fn line(&self, names: &[String]) -> String {
        let mut line = names.first().cloned().unwrap_or_default();
        for (from, to) in names.iter().zip(names.iter().skip(1)) {
            match self.flows.get(&(from.as_str(), to.as_str())) {
                Some(flow) => {
                    let services: Vec<String> = flow.services.iter().map(|service| service.expr.to_string()).collect();
                    line.push_str(&format!(" -{}:{}-> {to}", flow.name, services.join(",")));
                }
                None => line.push_str(&format!(" -> {to}")),
            }
        }
        line
    }
}
