//! What a proof says.

use crate::readers::cluster::object::Unclear;

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
}

impl std::fmt::Display for ClusterProof {
    /// What is in the way of the proof, one line each.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for unclear in &self.unclear {
            writeln!(f, "{}: {} {}", unclear.object, unclear.field, unclear.reason)?;
        }
        for item in &self.differences {
            let (model, policies) = if item.model { ("need", "deny") } else { ("do not need", "allow") };
            let by = item.policies.join(", ");
            writeln!(f, "{} -> {} {}: flows {model} it, policies {policies} it ({by})", item.from, item.to, item.port)?;
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
    /// Whether the flows allow it, on the side that was looked at.
    pub model: bool,
    /// Policies that apply to the pod in this direction.
    pub policies: Vec<String>,
}
