//! What a proof says.

use crate::readers::cluster::object::Unclear;
use crate::readers::cluster::rule::Direction;
use std::collections::BTreeSet;

/// What the proof of a cluster found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterProof {
    /// What could not be read; with anything here nothing is proven.
    pub unclear: Vec<Unclear>,
    /// Connections that model and policies judge differently, at most one per pod, direction and kind.
    pub differences: Vec<Difference>,
    /// What else is not as the site asks for: source addresses, guards at the API server, files that are not deployed.
    pub faults: Vec<Fault>,
}

/// An object or file that does not do what the site asks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fault {
    /// The object or file.
    pub object: String,
    /// What is wrong with it.
    pub reason: String,
}

impl Fault {
    pub(super) fn new(object: impl Into<String>, reason: impl Into<String>) -> Self {
        Self { object: object.into(), reason: reason.into() }
    }
}

impl ClusterProof {
    /// Whether everything was read and nothing differs.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.unclear.is_empty() && self.differences.is_empty() && self.faults.is_empty()
    }

    /// Adds what another proof found.
    pub(super) fn add(&mut self, other: Self) {
        self.unclear.extend(other.unclear);
        self.differences.extend(other.differences);
        self.faults.extend(other.faults);
    }

    /// Leaves out what is there twice.
    pub(super) fn tidy(&mut self) {
        let mut seen = BTreeSet::new();
        self.differences.retain(|item| seen.insert(item.clone()));
        let mut seen = BTreeSet::new();
        self.faults.retain(|item| seen.insert(item.clone()));
        let mut seen = BTreeSet::new();
        self.unclear.retain(|item| seen.insert((item.object.clone(), item.field.clone(), item.reason.clone())));
    }
}

impl std::fmt::Display for ClusterProof {
    /// What is in the way of the proof, one line each.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for unclear in &self.unclear {
            writeln!(f, "{}: {} {}", unclear.object, unclear.field, unclear.reason)?;
        }
        for item in &self.differences {
            let (model, policies) = match (item.tenant, item.model) {
                (false, true) => ("flows need it", "policies deny it"),
                (false, false) => ("flows do not need it", "policies allow it"),
                (true, true) => ("a tenant may allow it", "guardrails deny it"),
                (true, false) => ("no tenant may allow it", "guardrails let a tenant's policy do it"),
            };
            let by =
                if item.policies.is_empty() { "no policy isolates it".to_owned() } else { item.policies.join(", ") };
            let at = if item.side == Direction::Ingress { &item.to } else { &item.from };
            writeln!(f, "{} -> {} {}: {model}, {policies} at {at} ({by})", item.from, item.to, item.port)?;
        }
        for fault in &self.faults {
            writeln!(f, "{}: {}", fault.object, fault.reason)?;
        }
        Ok(())
    }
}

/// A connection that model and policies judge differently.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Difference {
    /// Who opens it: `namespace/component`, an address, `host`.
    pub from: String,
    /// Who answers.
    pub to: String,
    /// Port or ICMP type.
    pub port: String,
    /// The side that was looked at.
    pub side: Direction,
    /// Whether the flows allow it, on this side.
    pub model: bool,
    /// Whether a tenant's policy that allows everything is added: then it is the envelope that allows, not the flows.
    pub tenant: bool,
    /// The policies that decide it there; none when nothing isolates the pod.
    pub policies: Vec<String>,
}
