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

/// Selectors without a cluster term mean the own cluster only (Cilium 1.19, cilium/cilium#40609).
const LOCAL_BY_DEFAULT: Version = Version(1, 19, 0);

impl Capabilities {
    /// The facts of a cluster.
    ///
    /// # Errors
    /// When `version` or `cni` cannot be read, or `cni` does not enforce the cluster's dialect: no gate would be certain.
    pub fn of(cluster: &Cluster) -> Result<Self, String> {
        let decl = &cluster.decl;
        let dialect = decl.policy.value;
        let cilium = match decl.cni.as_ref().map(|cni| cni.value.0.as_str()) {
            None => (dialect == PolicyDialect::Cilium).then_some(NEWEST),
            Some(cni) => match cni.strip_prefix("cilium") {
                Some("") => Some(NEWEST),
                Some(version) => Some(Version::read(version.trim_start_matches(['-', 'v'])).ok_or_else(|| {
                    format!("its `cni` is {cni}, whose version cannot be read; write it as cilium-1.20")
                })?),
                None if dialect == PolicyDialect::Cilium => {
                    return Err(format!("its `policy` is cilium, but its `cni` is {cni}"));
                }
                None if cni.starts_with("flannel") => {
                    return Err(format!("its `cni` is {cni}, which enforces no NetworkPolicies"));
                }
                None => None,
            },
        };
        let kubernetes = match decl.version.as_ref().map(|version| version.value.0.as_str()) {
            None => NEWEST,
            Some(text) => Version::read(text.trim_start_matches('v'))
                .ok_or_else(|| format!("its `version` is {text}, which cannot be read; write it as 1.34"))?,
        };
        let guardrails = match &decl.guardrail {
            Some(list) => list.iter().map(|guardrail| guardrail.value).collect(),
            None if dialect == PolicyDialect::Cilium => vec![Guardrail::Cilium],
            None => vec![Guardrail::Admission],
        };
        let mesh_name = decl.mesh_name.as_ref().map(|name| name.value.0.clone());
        if cluster.mesh().is_some() && cilium.is_some() {
            if mesh_name.is_none() {
                return Err(
                    "it is in a mesh but states no `mesh-name`; selectors could then mean other clusters' pods"
                        .to_owned(),
                );
            }
            if dialect == PolicyDialect::Kubernetes && cilium < Some(LOCAL_BY_DEFAULT) {
                return Err("it is in a mesh, and before Cilium 1.19 a NetworkPolicy that names a namespace means the namespaces of that name in every cluster; use `policy: cilium`".to_owned());
            }
        }
        Ok(Self { cilium, kubernetes, guardrails, mesh_name })
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

    /// Whether HTTP rules are kept: some releases skipped them (CVE-2024-28248, mended in Cilium 1.15.2).
    #[must_use]
    pub fn http(&self) -> bool {
        self.cilium.is_some_and(|version| version >= Version(1, 15, 2))
    }

    /// Whether a CiliumCIDRGroup of `cilium.io/v2` exists (Cilium 1.18).
    #[must_use]
    pub fn cidr_groups(&self) -> bool {
        self.cilium.is_some_and(|version| version >= Version(1, 18, 0))
    }
}
