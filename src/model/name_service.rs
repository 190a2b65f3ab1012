//! The name service of a cluster, as `dns` states it.

use super::address::Ranges;
use super::ids::NamespaceId;
use super::service::ServiceMatch;
use super::site::{Cluster, Component, End, Site};
use crate::syntax::service::Transport;
use std::collections::BTreeMap;

/// The name service of a cluster: every pod of the cluster may ask it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NameService {
    /// Its namespace.
    pub namespace: NamespaceId,
    /// The labels of its pods.
    pub pods: BTreeMap<String, String>,
    /// Its pod ports.
    pub services: Vec<ServiceMatch>,
}

impl Component {
    /// The labels of its pods: those declared, else `app.kubernetes.io/name`.
    #[must_use]
    pub fn pod_labels(&self) -> BTreeMap<String, String> {
        match &self.decl.pods {
            Some(entries) if !entries.0.is_empty() => {
                entries.0.iter().map(|(key, value)| (key.value.0.clone(), value.value.0.clone())).collect()
            }
            _ => BTreeMap::from([("app.kubernetes.io/name".to_owned(), self.name.clone())]),
        }
    }
}

impl Site {
    /// The components whose pods are a name service: those that carry its labels.
    pub fn name_service_ends<'a>(&'a self, service: &'a NameService) -> impl Iterator<Item = End> + 'a {
        let asked = self.components.iter().filter(|(_, component)| {
            let labels = component.pod_labels();
            component.namespace == Some(service.namespace)
                && service.pods.iter().all(|(key, value)| labels.get(key) == Some(value))
        });
        asked.map(|(id, _)| End::Component(id))
    }

    /// The name service that a cluster states.
    ///
    /// # Errors
    /// Why what it states is none, in English, for people.
    pub fn name_service(&self, cluster: &Cluster) -> Result<Option<NameService>, String> {
        let Some(decl) = &cluster.decl.dns else { return Ok(None) };
        let name = decl.namespace.as_ref().map_or("kube-system", |name| name.value.0.as_str());
        let namespace = cluster.namespaces.iter().find(|id| self.namespaces[**id].name == name).ok_or_else(|| {
            format!("its `dns` runs in the namespace {name}, which it does not list; add `{name}: {{ system: true }}` to its namespaces")
        })?;
        let pods = match &decl.pods {
            Some(entries) if entries.0.is_empty() => {
                return Err("`pods` of its `dns` holds no label and would mean every pod".to_owned());
            }
            Some(entries) => {
                entries.0.iter().map(|(key, value)| (key.value.0.clone(), value.value.0.clone())).collect()
            }
            None => BTreeMap::from([("k8s-app".to_owned(), "kube-dns".to_owned())]),
        };
        let mut services = Vec::new();
        match &decl.ports {
            None => {
                let port = |transport| ServiceMatch::Ports(transport, Ranges::new([(53, 53)]));
                services.extend([Transport::Tcp, Transport::Udp].map(port));
            }
            Some(list) => {
                for expr in &list.0 {
                    let name = expr.value.to_string();
                    let direct = ServiceMatch::of(&expr.value).map(|found| vec![found]);
                    let own = || self.services.get(&name).map(|own| own.matches.clone());
                    let builtin = || self.blueprint.services.get(&name).map(|found| found.matches().to_vec());
                    let found = direct.or_else(own).or_else(builtin);
                    services.extend(
                        found.ok_or_else(|| {
                            format!("`ports` of its `dns` names the service {name}, which is not known")
                        })?,
                    );
                }
            }
        }
        let services = ServiceMatch::normalise(services);
        match services.iter().find(|service| !matches!(service, ServiceMatch::Ports(..))) {
            Some(other) => Err(format!("`ports` of its `dns` holds {other}, which is no port")),
            None if services.is_empty() => Err("`ports` of its `dns` holds no port".to_owned()),
            None => Ok(Some(NameService { namespace: *namespace, pods, services })),
        }
    }
}
