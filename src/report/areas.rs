//! Networks and zones as rows, columns and filters.

use super::facts::Area;
use crate::model::ids::{Id, NetworkId};
use crate::model::{End, Place, Site, ZoneId};
use crate::syntax::document::Trust;

/// A network or a zone, with what the matrix asks.
pub(super) struct Known {
    /// As shown.
    pub shown: Area,
    /// Row of the access matrix.
    pub row: String,
    /// Title of its class.
    pub which: Which,
}

/// A network or a zone.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Which {
    /// An outside network.
    Network(NetworkId),
    /// A zone.
    Zone(ZoneId),
}

/// All of them: networks, then zones from the least to the most trusted.
pub(super) fn all(site: &Site) -> Vec<Known> {
    let networks = site.networks.iter().map(|(id, network)| Known {
        shown: Area {
            id: token(Which::Network(id)),
            name: network.name.clone(),
            title: network.decl.title.as_ref().map_or_else(|| network.name.clone(), |title| title.0.clone()),
        },
        row: if network.trust() == Trust::Untrusted { "internet" } else { "admin-net" }.to_owned(),
        which: Which::Network(id),
    });
    let mut zones: Vec<Known> = site
        .zones
        .iter()
        .map(|(id, zone)| Known {
            shown: Area {
                id: token(Which::Zone(id)),
                name: zone.name.clone(),
                title: zone.decl.title.as_ref().map_or_else(|| zone.name.clone(), |title| title.0.clone()),
            },
            row: zone.class.clone(),
            which: Which::Zone(id),
        })
        .collect();
    let trust = |known: &Known| match known.which {
        Which::Zone(id) => site.class(id).map_or(0, |class| class.trust),
        Which::Network(_) => 0,
    };
    zones.sort_by(|a, b| (trust(a), &a.shown.name).cmp(&(trust(b), &b.shown.name)));
    networks.chain(zones).collect()
}

/// The word for an area in filters.
pub(super) fn token(which: Which) -> String {
    match which {
        Which::Network(id) => format!("n{}", id.index() + 1),
        Which::Zone(id) => format!("z{}", id.index() + 1),
    }
}

/// The networks or zones an end stands in.
pub(super) fn of_end(site: &Site, end: End) -> Vec<Which> {
    let mut found: Vec<Which> = match end {
        End::Network(id) => vec![Which::Network(id)],
        End::Zone(id) => vec![Which::Zone(id)],
        End::Segment(id) => vec![Which::Zone(site.segments[id].zone)],
        End::Cluster(id) => vec![Which::Zone(site.clusters[id].zone)],
        End::Namespace(id) => vec![Which::Zone(site.clusters[site.namespaces[id].cluster].zone)],
        End::Gateway(id) => {
            let places = site.gateways[id].interfaces.iter();
            places.filter_map(|interface| site.zone_of(interface.leg.place)).map(Which::Zone).collect()
        }
        End::Component(id) => {
            let zones: Vec<Which> = site.component_zones(id).into_iter().map(Which::Zone).collect();
            if zones.is_empty() {
                let networks = site.components[id].legs.iter().filter_map(|leg| match leg.place {
                    Place::Network(network) => Some(Which::Network(network)),
                    Place::Segment(_) => None,
                });
                networks.collect()
            } else {
                zones
            }
        }
    };
    found.sort_unstable();
    found.dedup();
    found
}
