//! Graph views of a site: the topology P (and P_all with management legs), the initiator graph F*, the ways of flows.
//!
//! Vocabulary of the rule catalogue, chapter 0.1. All searches go in order of names, so that witnesses are the same in
//! every run and ties are broken by name.

mod automaton;
mod initiator;
mod routes;
mod topology;
mod ways;

pub use automaton::{PapReach, PapState, pap_reach};
pub use initiator::{Actor, Initiator, Reach, Step};
pub use routes::{Mode, Routes};
pub use topology::{Topology, Vertex};
pub use ways::{Hook, Hop, NoWay, PairWays, Stop, Way, Ways};

use crate::model::Site;

/// Everything the rules, the plan and the trace ask about a site's shape.
#[derive(Debug)]
pub struct Graphs {
    /// P: data legs and uplinks.
    pub topology: Topology,
    /// P_all: management legs too.
    pub topology_all: Topology,
    /// F and F*.
    pub initiator: Initiator,
    /// Distances between places over gateways.
    pub routes: Routes,
    /// The ways of every flow.
    pub ways: Ways,
}

impl Graphs {
    /// Builds the graphs of a site.
    #[must_use]
    pub fn new(site: &Site) -> Self {
        let routes = Routes::new(site);
        let ways = Ways::new(site, &routes);
        Self {
            topology: Topology::new(site, false),
            topology_all: Topology::new(site, true),
            initiator: Initiator::new(site),
            routes,
            ways,
        }
    }
}
