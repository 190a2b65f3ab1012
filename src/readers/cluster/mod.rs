//! Policies of a cluster, read from their YAML or JSON and evaluated.
//!
//! Written from the API documents (Kubernetes `networking.k8s.io/v1`, Cilium's policy documentation,
//! `policy.networking.k8s.io/v1alpha2`), not from what the emitters of this crate write, because tenants' policies and
//! dumps of live clusters go through it too. Whatever it does not understand makes the answer *unknown*, never *allowed*
//! or *denied*.

pub mod evaluate;
pub mod facts;
pub mod object;
pub mod ports;
pub mod rule;
pub mod selector;
pub mod universe;
pub mod witness;

use self::object::{Field, Read, Unclear};
use self::rule::{Peer, Peers, Rule};
use super::{cilium_policy, cluster_network_policy, network_policy};
use crate::syntax::tree::Node;
use facts::ClusterFacts;
use ipnet::IpNet;

/// The policies of a cluster in one form.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// Every policy: kind, namespace and name, as in `CiliumNetworkPolicy shop/zc-f1-in`.
    pub names: Vec<String>,
    /// Their rules.
    pub rules: Vec<Rule>,
    /// What could not be read; with anything here no verdict is certain.
    pub unclear: Vec<Unclear>,
    /// Kinds of objects that are no policy, and how many of each were passed over.
    pub passed_over: std::collections::BTreeMap<String, usize>,
}

/// What the header of an object says.
pub struct Header {
    /// `apiVersion`.
    pub api: String,
    /// `kind`.
    pub kind: String,
    /// `metadata.namespace`.
    pub namespace: Option<String>,
    /// `metadata.name`.
    pub name: String,
}

impl Policies {
    /// Reads one YAML or JSON document; a `List` holds further objects.
    pub fn add(&mut self, document: &Node<'_>, file: &str, facts: &ClusterFacts) {
        if let Err(mut unclear) = self.read(document, file, facts)
            && unclear.object.is_empty()
        {
            unclear.object = file.to_owned();
            self.unclear.push(*unclear);
        }
    }

    fn read(&mut self, document: &Node<'_>, file: &str, facts: &ClusterFacts) -> Read<()> {
        let mut fields = Field::root(document).map()?;
        let api = fields.need("apiVersion")?.text()?;
        let kind = fields.need("kind")?.text()?;
        if kind.ends_with("List") || (api == "v1" && kind == "List") {
            for item in fields.need("items")?.list()? {
                self.add(item.node(), file, facts);
            }
            return Ok(());
        }
        let Some(reader) = reader(&api, &kind) else {
            if is_policy_group(&api) && kind.contains("Policy") && !HARMLESS.contains(&kind.as_str()) {
                return Err(
                    Field::root(document).fault(format!("is a {kind} of {api}, which this version cannot read"))
                );
            }
            *self.passed_over.entry(kind).or_default() += 1;
            return Ok(());
        };
        let mut metadata = fields.need("metadata")?.map()?;
        let name = metadata.need("name")?.text()?;
        let namespace = metadata.take("namespace").map(|field| field.text()).transpose()?;
        // What the API server and controllers add.
        fields.take("status");
        let place = namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        let header = Header { api, kind, namespace, name };
        let policy = self.names.len();
        self.names.push(format!("{} {place}{}", header.kind, header.name));
        let mut rules = Vec::new();
        match reader(&header, fields, policy, facts, &mut rules) {
            Ok(()) => self.rules.append(&mut rules),
            Err(mut unclear) => {
                unclear.object = format!("{file}: {} {place}{}", header.kind, header.name);
                self.unclear.push(*unclear);
            }
        }
        Ok(())
    }

    /// Every prefix that some policy tells apart from others.
    pub fn prefixes(&self) -> impl Iterator<Item = IpNet> + '_ {
        let lists = self.rules.iter().filter_map(|rule| match &rule.peers {
            Peers::Listed(list) => Some(list),
            _ => None,
        });
        lists.flatten().flat_map(|peer| match peer {
            Peer::Block { cidr, except } => std::iter::once(*cidr).chain(except.iter().copied()).collect(),
            _ => Vec::new(),
        })
    }
}

/// Policies that select traffic for something else than allowing it.
const HARMLESS: [&str; 4] = [
    "CiliumEgressGatewayPolicy",
    "CiliumLocalRedirectPolicy",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionPolicyBinding",
];

type Reader = fn(&Header, object::Fields<'_, '_>, usize, &ClusterFacts, &mut Vec<Rule>) -> Read<()>;

fn reader(api: &str, kind: &str) -> Option<Reader> {
    match (api, kind) {
        ("networking.k8s.io/v1", "NetworkPolicy") => Some(network_policy::read),
        ("cilium.io/v2", "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy") => Some(cilium_policy::read),
        ("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy") => Some(cluster_network_policy::read),
        _ => None,
    }
}

fn is_policy_group(api: &str) -> bool {
    ["networking.k8s.io/", "cilium.io/", "policy.networking.k8s.io/", "crd.projectcalico.org/", "projectcalico.org/"]
        .iter()
        .any(|group| api.starts_with(group))
}
