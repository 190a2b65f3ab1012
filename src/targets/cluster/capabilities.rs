//! What a cluster's network plug-in and version can do.

use crate::model::site::Cluster;
use crate::syntax::objects::{Guardrail, PolicyDialect};

/// A version; missing parts are 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32, pub u32, pub u32);

impl Version {
    /// Reads `1`, `1.20` or `1.20.3`.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let parts: Vec<u32> = text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        match parts.as_slice() {
            [major] => Some(Self(*major, 0, 0)),
            [major, minor] => Some(Self(*major, *minor, 0)),
            [major, minor, patch] => Some(Self(*major, *minor, *patch)),
            _ => None,
        }
    }
}

/// Facts about a cluster that decide what may be emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// Cilium and its version, when Cilium enforces the policies.
    pub cilium: Option<Version>,
    /// Kubernetes' version; the newest when not stated.
    pub kubernetes: Version,
    /// Guardrails to emit.
    pub guardrails: Vec<Guardrail>,
    /// The cluster's name in Cilium's mesh, when stated.
    pub mesh_name: Option<String>,
}

/// Stands for a version that is not stated: no gate applies.
const NEWEST: Version = Version(u32::MAX, 0, 0);

impl Capabilities {
    /// The facts of a cluster.
    #[must_use]
    pub fn of(cluster: &Cluster) -> Self {
        let decl = &cluster.decl;
        let named = decl.cni.as_ref().map(|cni| cni.value.0.as_str());
        let stated = named.and_then(|cni| cni.strip_prefix("cilium"));
        let dialect = decl.policy.value;
        let cilium = match (stated, dialect) {
            (Some(version), _) => Some(Version::read(version.trim_start_matches(['-', ' ', 'v'])).unwrap_or(NEWEST)),
            (None, PolicyDialect::Cilium) => Some(NEWEST),
            (None, PolicyDialect::Kubernetes) => None,
        };
        let kubernetes = decl.version.as_ref().and_then(|version| Version::read(&version.value.0)).unwrap_or(NEWEST);
        let guardrails = match &decl.guardrail {
            Some(list) => list.iter().map(|guardrail| guardrail.value).collect(),
            None if dialect == PolicyDialect::Cilium => vec![Guardrail::Cilium],
            None => vec![Guardrail::Admission],
        };
        let mesh_name = decl.mesh_name.as_ref().map(|name| name.value.0.clone());
        Self { cilium, kubernetes, guardrails, mesh_name }
    }

    /// Whether port ranges mean a range (Kubernetes 1.25, KEP-2079; Cilium 1.16, cilium/cilium#33389).
    #[must_use]
    pub fn port_ranges(&self) -> bool {
        self.kubernetes >= Version(1, 25, 0) && self.cilium.is_none_or(|version| version >= Version(1, 16, 0))
    }

    /// Whether `log.value` exists (Cilium 1.18, cilium/cilium#39902).
    #[must_use]
    pub fn policy_log(&self) -> bool {
        self.cilium.is_some_and(|version| version >= Version(1, 18, 0))
    }

    /// Whether a NetworkPolicy that admits only an ipBlock admits the own namespace too
    /// (CVE-2026-56743: Cilium 1.19.0 to 1.19.5).
    #[must_use]
    pub fn ip_block_leaks(&self) -> bool {
        self.cilium.is_some_and(|version| version >= Version(1, 19, 0) && version < Version(1, 19, 6))
    }
}
