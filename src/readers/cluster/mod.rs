//! Policies of a cluster, read from their YAML or JSON and evaluated.
//!
//! Written from the API documents (Kubernetes `networking.k8s.io/v1`, Cilium's policy documentation,
//! `policy.networking.k8s.io/v1alpha2`), not from what the emitters of this crate write, because tenants' policies and
//! dumps of live clusters go through it too. Whatever it does not understand makes the answer *unknown*, never *allowed*
//! or *denied*.

pub mod evaluate;
pub mod facts;
pub mod layer7;
mod live;
pub mod object;
pub mod ports;
pub mod rule;
pub mod selector;
pub mod universe;
pub mod witness;

use self::facts::{ClusterFacts, PodFacts};
use self::object::{Field, Fields, Read, Unclear};
use self::rule::{Peer, Peers, Rule};
use super::admission::AdmissionPolicy;
use super::egress_gateway::EgressGateway;
use super::{admission, cilium_policy, cluster_network_policy, egress_gateway, network_policy};
use crate::syntax::tree::Node;
use ipnet::IpNet;
use std::collections::{BTreeMap, BTreeSet};

/// The policies of a cluster in one form, and what else its objects say.
#[derive(Clone, Debug, Default)]
pub struct Policies {
    /// Every policy: kind, namespace and name, as in `CiliumNetworkPolicy shop/zc-f1-in`.
    pub names: Vec<String>,
    /// Their rules.
    pub rules: Vec<Rule>,
    /// What could not be read; with anything here no verdict is certain.
    pub unclear: Vec<Unclear>,
    /// Source addresses of connections that leave the cluster.
    pub egress: Vec<EgressGateway>,
    /// Admission policies for NetworkPolicies.
    pub admission: Vec<AdmissionPolicy>,
    /// Names of the admission policies that are enforced.
    pub bound: BTreeSet<String>,
    /// Namespaces with their labels.
    pub namespaces: BTreeMap<String, BTreeMap<String, String>>,
    /// Pods with their namespaces.
    pub pods: Vec<(String, PodFacts)>,
    /// Every object that was read; pods are left out.
    pub objects: BTreeMap<String, Object>,
    /// Kinds of objects that decide nothing, and how many of each were passed over.
    pub passed_over: BTreeMap<String, usize>,
    /// Named groups of prefixes.
    groups: BTreeMap<String, Vec<IpNet>>,
}

/// Where an object stands, and its labels.
#[derive(Clone, Debug)]
pub struct Object {
    /// The file.
    pub file: String,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
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
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
}

impl std::fmt::Display for Header {
    /// Kind, namespace and name.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = self.namespace.as_ref().map(|namespace| format!("{namespace}/")).unwrap_or_default();
        write!(f, "{} {place}{}", self.kind, self.name)
    }
}

impl Policies {
    /// Reads one YAML or JSON document; a `List` holds further objects.
    pub fn add(&mut self, document: &Node<'_>, file: &str, facts: &ClusterFacts) {
        if let Err(mut unclear) = self.read(document, file, facts) {
            if unclear.object.is_empty() {
                unclear.object = file.to_owned();
            }
            self.unclear.push(*unclear);
        }
    }

    fn read(&mut self, document: &Node<'_>, file: &str, facts: &ClusterFacts) -> Read<()> {
        let mut fields = Field::root(document).map()?;
        let api = fields.need("apiVersion")?.text()?;
        let kind = fields.need("kind")?.text()?;
        if kind.ends_with("List") {
            for item in fields.need("items")?.list()? {
                self.add(item.node(), file, facts);
            }
            return Ok(());
        }
        let Some(meaning) = Meaning::of(&api, &kind) else {
            if is_policy_group(&api) && kind.contains("Policy") && kind != "CiliumLocalRedirectPolicy" {
                return Err(
                    Field::root(document).fault(format!("is a {kind} of {api}, which this version cannot read"))
                );
            }
            *self.passed_over.entry(kind).or_default() += 1;
            return Ok(());
        };
        let mut metadata = fields.need("metadata")?.map()?;
        let name = metadata.need("name")?.text()?;
        if matches!(meaning, Meaning::Manifest) && name != MANIFEST {
            *self.passed_over.entry(kind).or_default() += 1;
            return Ok(());
        }
        let namespace = metadata.take("namespace").map(|field| field.text()).transpose()?;
        let labels = metadata.take("labels").map(|field| field.labels()).transpose()?.unwrap_or_default();
        let header = Header { api, kind, namespace, name, labels };
        self.dispatch(&header, meaning, fields, file, facts).map_err(|mut unclear| {
            unclear.object = format!("{file}: {header}");
            unclear
        })
    }

    fn dispatch(
        &mut self,
        header: &Header,
        meaning: Meaning,
        mut fields: Fields<'_, '_>,
        file: &str,
        facts: &ClusterFacts,
    ) -> Read<()> {
        let name = header.to_string();
        if let Meaning::Pod = meaning {
            let namespace = header.namespace.clone().unwrap_or_else(|| "default".to_owned());
            let pod = live::pod(&header.name, header.labels.clone(), fields)?;
            self.pods.extend(pod.map(|pod| (namespace, pod)));
            return Ok(());
        }
        // What the API server and controllers add.
        fields.take("status");
        let object = Object { file: file.to_owned(), labels: header.labels.clone() };
        if self.objects.insert(name.clone(), object).is_some() {
            return Err(Box::new(twice(String::new())));
        }
        match meaning {
            Meaning::Policy(reader) => {
                let policy = self.names.len();
                self.names.push(name);
                let mut rules = Vec::new();
                reader(header, fields, policy, facts, &mut rules)?;
                self.rules.append(&mut rules);
            }
            Meaning::Group => {
                self.groups.insert(header.name.clone(), live::cidr_group(fields)?);
            }
            Meaning::Egress => self.egress.push(egress_gateway::read(&name, fields)?),
            Meaning::Admission => self.admission.extend(admission::policy(&header.name, fields)?),
            Meaning::Binding => self.bound.extend(admission::binding(fields)?),
            Meaning::Namespace => {
                self.namespaces.insert(header.name.clone(), header.labels.clone());
            }
            Meaning::Manifest => {
                fields.need("data")?.labels()?;
                fields.finish()?;
            }
            Meaning::Pod => {}
        }
        Ok(())
    }

    /// Adds what was read from further files.
    pub fn extend(&mut self, more: Self) {
        let before = self.names.len();
        self.names.extend(more.names);
        self.rules.extend(more.rules.into_iter().map(|rule| Rule { policy: before + rule.policy, ..rule }));
        self.unclear.extend(more.unclear);
        for (name, object) in more.objects {
            if self.objects.contains_key(&name) {
                self.unclear.push(twice(format!("{}: {name}", object.file)));
            }
            self.objects.insert(name, object);
        }
        self.egress.extend(more.egress);
        self.admission.extend(more.admission);
        self.bound.extend(more.bound);
        self.namespaces.extend(more.namespaces);
        self.pods.extend(more.pods);
        self.groups.extend(more.groups);
        for (kind, count) in more.passed_over {
            *self.passed_over.entry(kind).or_default() += count;
        }
    }

    /// Puts groups of prefixes in the place of their names. To be called when everything has been read.
    pub fn resolve_groups(&mut self) {
        for rule in &mut self.rules {
            let Peers::Listed(list) = &mut rule.peers else { continue };
            if !list.iter().any(|peer| matches!(peer, Peer::Group { .. })) {
                continue;
            }
            let mut resolved = Vec::new();
            for peer in std::mem::take(list) {
                let Peer::Group { name, except } = peer else {
                    resolved.push(peer);
                    continue;
                };
                match self.groups.get(&name) {
                    Some(group) => {
                        resolved.extend(group.iter().map(|cidr| Peer::Block { cidr: *cidr, except: except.clone() }))
                    }
                    None => self.unclear.push(Unclear {
                        object: self.names.get(rule.policy).cloned().unwrap_or_default(),
                        field: "cidrGroupRef".to_owned(),
                        reason: format!("names the CiliumCIDRGroup `{name}`, which is not there"),
                    }),
                }
            }
            *list = resolved;
        }
    }

    /// Every name outside that some policy tells apart from others.
    pub fn host_names(&self) -> impl Iterator<Item = &String> {
        let lists = self.rules.iter().filter_map(|rule| match &rule.peers {
            Peers::Listed(list) => Some(list),
            _ => None,
        });
        lists.flatten().filter_map(|peer| if let Peer::Name(name) = peer { Some(name) } else { None })
    }

    /// Every request that some proxy tells apart from others.
    pub fn requests(&self) -> impl Iterator<Item = &String> {
        self.rules.iter().flat_map(|rule| rule.proxy.requests())
    }

    /// Every prefix that some policy tells apart from others.
    pub fn prefixes(&self) -> impl Iterator<Item = IpNet> + '_ {
        let lists = self.rules.iter().filter_map(|rule| match &rule.peers {
            Peers::Listed(list) => Some(list),
            _ => None,
        });
        lists
            .flatten()
            .flat_map(|peer| match peer {
                Peer::Block { cidr, except } => std::iter::once(*cidr).chain(except.iter().copied()).collect(),
                _ => Vec::new(),
            })
            .chain(self.egress.iter().flat_map(|policy| policy.destinations.iter().chain(&policy.excluded).copied()))
    }
}

fn twice(object: String) -> Unclear {
    let reason = "is there twice; only one of the two can exist".to_owned();
    Unclear { object, field: "the object".to_owned(), reason }
}

/// The ConfigMap that says what is in force; it decides nothing.
const MANIFEST: &str = "zc-manifest";

type Reader = fn(&Header, Fields<'_, '_>, usize, &ClusterFacts, &mut Vec<Rule>) -> Read<()>;

/// What an object is for.
#[derive(Clone, Copy)]
enum Meaning {
    Policy(Reader),
    Group,
    Egress,
    Admission,
    Binding,
    Manifest,
    Namespace,
    Pod,
}

impl Meaning {
    fn of(api: &str, kind: &str) -> Option<Self> {
        Some(match (api, kind) {
            ("networking.k8s.io/v1", "NetworkPolicy") => Self::Policy(network_policy::read),
            ("cilium.io/v2", "CiliumNetworkPolicy" | "CiliumClusterwideNetworkPolicy") => {
                Self::Policy(cilium_policy::read)
            }
            ("policy.networking.k8s.io/v1alpha2", "ClusterNetworkPolicy") => Self::Policy(cluster_network_policy::read),
            ("cilium.io/v2" | "cilium.io/v2alpha1", "CiliumCIDRGroup") => Self::Group,
            ("cilium.io/v2", "CiliumEgressGatewayPolicy") => Self::Egress,
            ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicy") => Self::Admission,
            ("admissionregistration.k8s.io/v1", "ValidatingAdmissionPolicyBinding") => Self::Binding,
            ("v1", "ConfigMap") => Self::Manifest,
            ("v1", "Namespace") => Self::Namespace,
            ("v1", "Pod") => Self::Pod,
            _ => return None,
        })
    }
}

fn is_policy_group(api: &str) -> bool {
    ["networking.k8s.io/", "cilium.io/", "policy.networking.k8s.io/", "crd.projectcalico.org/", "projectcalico.org/"]
        .iter()
        .any(|group| api.starts_with(group))
}
