//! Which pods belong to which component: those that carry all labels of the component, in its namespace.

use super::facts::{cluster_name, labels};
use crate::model::{ClusterId, ComponentId, Site};
use crate::readers::cluster::universe::Universe;
use crate::space::Ranges;
use std::collections::BTreeMap;

/// The pods of every component, and the components of every pod.
#[derive(Default)]
pub(super) struct Members {
    pods: BTreeMap<ComponentId, Ranges>,
    components: BTreeMap<u32, Vec<ComponentId>>,
}

/// A component with the labels of its pods.
type Wanted = (ComponentId, BTreeMap<String, String>);

impl Members {
    /// Looks at every pod of the clusters in which components of the site run.
    pub(super) fn of(site: &Site, universe: &Universe) -> Self {
        // By one of their labels, so that a pod is compared with few components only.
        let mut by_label: BTreeMap<(&str, &str, String, String), Vec<Wanted>> = BTreeMap::new();
        let names: BTreeMap<ClusterId, String> =
            site.clusters.iter().map(|(id, cluster)| (id, cluster_name(cluster))).collect();
        for (id, component) in site.components.iter() {
            let Some(namespace) = component.namespace.map(|id| &site.namespaces[id]) else { continue };
            let Some(cluster) = names.get(&namespace.cluster) else { continue };
            let labels = labels(component);
            let Some((key, value)) = labels.iter().next().map(|(key, value)| (key.clone(), value.clone())) else {
                continue;
            };
            by_label.entry((cluster, &namespace.name, key, value)).or_default().push((id, labels));
        }
        let mut pods: BTreeMap<ComponentId, Vec<(u32, u32)>> = BTreeMap::new();
        let mut components: BTreeMap<u32, Vec<ComponentId>> = BTreeMap::new();
        for (namespace, numbers) in universe.namespaces() {
            for number in numbers.numbers() {
                let Some((_, pod)) = universe.pod(number) else { continue };
                for (key, value) in &pod.labels {
                    let place = (namespace.cluster.as_str(), namespace.name.as_str(), key.clone(), value.clone());
                    for (id, wanted) in by_label.get(&place).into_iter().flatten() {
                        if wanted.iter().all(|(key, value)| pod.labels.get(key) == Some(value)) {
                            pods.entry(*id).or_default().push((number, number));
                            components.entry(number).or_default().push(*id);
                        }
                    }
                }
            }
        }
        Self { pods: pods.into_iter().map(|(id, numbers)| (id, numbers.into_iter().collect())).collect(), components }
    }

    /// The pods of a component.
    pub(super) fn pods(&self, component: ComponentId) -> Ranges {
        self.pods.get(&component).cloned().unwrap_or_default()
    }

    /// The components of a pod.
    pub(super) fn components(&self, pod: u32) -> &[ComponentId] {
        self.components.get(&pod).map_or(&[], Vec::as_slice)
    }
}
