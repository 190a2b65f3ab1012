//! Clusters, node pools, namespaces.

use super::merge::Sorted;
use super::{Resolver, address_set, prefix_set};
use crate::model::site::{Cluster, Leg, LegRole, Namespace, NodePool, Object, Place};
use crate::model::{ClusterId, SegmentId};
use crate::syntax::decode::Spanned;
use crate::syntax::objects as obj;
use crate::syntax::scalars::Name;

impl Resolver {
    pub(super) fn clusters(&mut self, clusters: Sorted<Name, obj::Cluster>) {
        for (key, decl) in clusters {
            let name = key.value.0;
            let Some(zone) = self.zone_of_cluster(&decl.zone) else {
                self.faulty.insert(name);
                continue;
            };
            let pools = self.node_pools(&decl);
            let management = decl.management.as_ref().and_then(|management| {
                let place = self.place(&management.segment, "segment")?;
                let addresses = management.addresses.as_ref().map(address_set).unwrap_or_default();
                Some(Leg { place, addresses, span: management.segment.span, role: LegRole::Mgmt })
            });
            let cluster = Cluster {
                name: name.clone(),
                span: key.span,
                zone,
                pools,
                management,
                pods: decl.pods.as_ref().map(prefix_set).unwrap_or_default(),
                services: decl.services.as_ref().map(prefix_set).unwrap_or_default(),
                namespaces: Vec::new(),
                decl,
            };
            let id = self.site.clusters.push(cluster);
            self.declare(&name, key.span, Object::Cluster(id));
            self.namespaces(id);
        }
    }

    fn zone_of_cluster(&mut self, name: &Spanned<Name>) -> Option<crate::model::ZoneId> {
        match self.site.lookup(&name.0) {
            Some(Object::Zone(id)) => Some(id),
            Some(_) => {
                self.misfit(&name.0, name.span, "zone");
                None
            }
            None => {
                self.unknown(&name.0, name.span, "zone", |o| matches!(o, Object::Zone(_)));
                None
            }
        }
    }

    fn segment_of(&mut self, name: &Spanned<Name>) -> Option<SegmentId> {
        match self.place(name, "segment")? {
            Place::Segment(id) => Some(id),
            Place::Network(_) => {
                self.misfit(&name.0, name.span, "segment");
                None
            }
        }
    }

    fn node_pools(&mut self, decl: &obj::Cluster) -> Vec<NodePool> {
        let mut declared = decl.node_pools.clone().unwrap_or_default().0;
        declared.sort_by(|(a, _), (b, _)| a.value.cmp(&b.value));
        let mut pools = Vec::new();
        for (key, decl) in declared {
            let Some(segment) = self.segment_of(&decl.segment) else { continue };
            let addresses = decl.addresses.as_ref().map(address_set).unwrap_or_default();
            pools.push(NodePool { name: key.value.0, span: key.span, decl, segment, addresses });
        }
        pools
    }

    fn namespaces(&mut self, cluster: ClusterId) {
        let mut declared = self.site.clusters[cluster].decl.namespaces.clone().unwrap_or_default().0;
        declared.sort_by(|(a, _), (b, _)| a.value.cmp(&b.value));
        for (key, decl) in declared {
            let name = key.value.0;
            let path = format!("{}/{name}", self.site.clusters[cluster].name);
            let id = self.site.namespaces.push(Namespace { path: path.clone(), name, span: key.span, cluster, decl });
            self.site.clusters[cluster].namespaces.push(id);
            self.declare(&path, key.span, Object::Namespace(id));
        }
    }
}
