//! Which way packets go between places: over gateways, through transit segments only.

use crate::model::{GatewayId, LegRole, Place, Site};
use crate::syntax::objects::Stage;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Which gateways a packet may cross (rule catalogue 0.3, "Paths").
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Mode {
    /// Neither end is in a management zone: management gateways and legs are not used.
    Production,
    /// An end is in a management zone.
    Management,
}

/// The routable topology: places, and the gateways that join them.
#[derive(Debug)]
pub struct Routes {
    /// Place → (gateway, interface index), gateways in order of name.
    doors: BTreeMap<Place, Vec<(GatewayId, usize)>>,
    interfaces: BTreeMap<GatewayId, Vec<(usize, Place)>>,
    /// Gateway → its interfaces into transit.
    onward: BTreeMap<GatewayId, Vec<(usize, Place)>>,
    management: Vec<GatewayId>,
    transit: Vec<Place>,
}

impl Routes {
    /// The routes of a site.
    #[must_use]
    pub fn new(site: &Site) -> Self {
        let mut routes = Self {
            doors: BTreeMap::new(),
            interfaces: BTreeMap::new(),
            onward: BTreeMap::new(),
            management: Vec::new(),
            transit: Vec::new(),
        };
        for (id, gateway) in site.gateways.iter() {
            if gateway.stage() == Some(Stage::Management) {
                routes.management.push(id);
            }
            // The management leg of another gateway ends at the gateway; nothing is routed through it.
            for (index, interface) in gateway.interfaces.iter().enumerate() {
                if interface.leg.role == LegRole::Data {
                    routes.doors.entry(interface.leg.place).or_default().push((id, index));
                    routes.interfaces.entry(id).or_default().push((index, interface.leg.place));
                }
            }
        }
        // An uplink segment leads to its network: a router outside our hands, not a gateway.
        for uplink in site.uplinks.values() {
            if let Some(segment) = uplink.segment {
                let doors = routes.doors.get(&Place::Segment(segment)).cloned().unwrap_or_default();
                let network = Place::Network(uplink.network);
                let entry = routes.doors.entry(network).or_default();
                for door in doors {
                    if !entry.contains(&door) {
                        entry.push(door);
                        routes.interfaces.entry(door.0).or_default().push((door.1, network));
                    }
                }
                entry.sort_unstable();
            }
        }
        for (id, segment) in site.segments.iter() {
            if segment.transit && site.zones[segment.zone].class != "management" {
                routes.transit.push(Place::Segment(id));
            }
        }
        for (gateway, interfaces) in &routes.interfaces {
            let onward = interfaces.iter().copied().filter(|(_, place)| routes.is_transit(*place)).collect();
            routes.onward.insert(*gateway, onward);
        }
        routes
    }

    fn crosses(&self, gateway: GatewayId, mode: Mode) -> bool {
        mode == Mode::Management || !self.management.contains(&gateway)
    }

    /// Gateways at a place with their interface there.
    #[must_use]
    pub fn doors(&self, place: Place, mode: Mode) -> Vec<(GatewayId, usize)> {
        let doors = self.doors.get(&place).into_iter().flatten();
        doors.copied().filter(|(gateway, _)| self.crosses(*gateway, mode)).collect()
    }

    /// The interfaces of a gateway that route, with the places behind them.
    pub fn interfaces(&self, gateway: GatewayId) -> impl Iterator<Item = (usize, Place)> {
        self.interfaces.get(&gateway).into_iter().flatten().copied()
    }

    /// The interfaces of a gateway by which packets go on to a place: those into transit, and those at the place itself.
    pub fn onward(&self, gateway: GatewayId, destination: Place) -> impl Iterator<Item = (usize, Place)> {
        let doors = self.doors.get(&destination).into_iter().flatten();
        let last = doors.filter(move |(own, _)| *own == gateway).map(move |(_, interface)| (*interface, destination));
        self.onward.get(&gateway).into_iter().flatten().copied().chain(last)
    }

    /// Whether packets are routed through a place.
    #[must_use]
    pub fn is_transit(&self, place: Place) -> bool {
        self.transit.binary_search(&place).is_ok()
    }

    /// Number of gateways between a place and every place it reaches.
    #[must_use]
    pub fn distances(&self, start: Place, mode: Mode) -> BTreeMap<Place, u32> {
        self.flood(start, mode, None)
    }

    /// The places whose packets enter a gateway, by interface: for which a shortest route back leaves there.
    #[must_use]
    pub fn behind(&self, gateway: GatewayId) -> BTreeMap<usize, Vec<Place>> {
        let modes: &[Mode] = if self.management.contains(&gateway) {
            &[Mode::Management]
        } else {
            &[Mode::Production, Mode::Management]
        };
        let mut places: BTreeMap<usize, BTreeSet<Place>> = BTreeMap::new();
        for mode in modes {
            let mut best: BTreeMap<Place, (u32, Vec<usize>)> = BTreeMap::new();
            for (index, place) in self.interfaces(gateway) {
                for (reached, distance) in self.flood(place, *mode, Some(gateway)) {
                    let slot = best.entry(reached).or_insert((distance, Vec::new()));
                    if distance < slot.0 {
                        *slot = (distance, vec![index]);
                    } else if distance == slot.0 {
                        slot.1.push(index);
                    }
                }
            }
            for (place, (_, by)) in best {
                by.into_iter().for_each(|interface| {
                    places.entry(interface).or_default().insert(place);
                });
            }
        }
        places.into_iter().map(|(interface, places)| (interface, places.into_iter().collect())).collect()
    }

    /// Breadth-first search over gateways. With a gateway left out, the start is asked for transit too: packets from
    /// beyond it pass through it on their way to that gateway.
    fn flood(&self, start: Place, mode: Mode, without: Option<GatewayId>) -> BTreeMap<Place, u32> {
        let mut distance = BTreeMap::from([(start, 0)]);
        let mut queue = VecDeque::from([start]);
        while let Some(place) = queue.pop_front() {
            let leaves_start = place == start && without.is_none();
            if !leaves_start && !self.is_transit(place) {
                continue;
            }
            let here = distance.get(&place).copied().unwrap_or(0);
            for (gateway, door) in self.doors(place, mode).into_iter().filter(|(gateway, _)| Some(*gateway) != without)
            {
                for (interface, next) in self.interfaces(gateway) {
                    if interface != door && !distance.contains_key(&next) {
                        distance.insert(next, here + 1);
                        queue.push_back(next);
                    }
                }
            }
        }
        distance
    }
}
