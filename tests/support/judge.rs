//! Our reader's answers in the engine's terms.

use super::engine::Question;
use zonec::readers::cluster::Policies;
use zonec::readers::cluster::evaluate::Verdicts;
use zonec::readers::cluster::facts::ClusterFacts;
use zonec::readers::cluster::ports::{Port, Transport};
use zonec::readers::cluster::rule::{Direction, Entity};
use zonec::readers::cluster::universe::Universe;

/// The reader with everything it knows of a cluster.
pub struct Judge {
    universe: Universe,
    verdicts: Verdicts,
}

impl Judge {
    /// `addresses` are those that will be asked about.
    pub fn new(policies: &Policies, facts: &ClusterFacts, addresses: &[String]) -> Self {
        let asked = addresses.iter().map(|a| ipnet::IpNet::from(a.parse::<std::net::IpAddr>().unwrap()));
        let universe = Universe::new(facts, policies.prefixes().chain(asked));
        let verdicts = Verdicts::of(policies, &universe);
        Self { universe, verdicts }
    }

    fn number(&self, end: &str) -> u32 {
        if let Some(address) = end.strip_prefix("ip:") {
            return self.universe.address(address.parse().unwrap()).unwrap();
        }
        if let Some(entity) = end.strip_prefix("entity:") {
            let entity = match entity {
                "host" => Entity::Host,
                "remote-node" => Entity::RemoteNode,
                "kube-apiserver" => Entity::KubeApiServer,
                _ => Entity::Health,
            };
            return self.universe.special(entity).unwrap();
        }
        let (place, pod) = end.split_once('/').unwrap();
        let Some((cluster, namespace)) = place.split_once(':') else {
            return self.universe.pod_number(place, pod).unwrap();
        };
        let wanted = |number: &u32| self.universe.pod(*number).is_some_and(|(_, found)| found.name == pod);
        self.universe.namespace_pods(cluster, namespace).numbers().find(wanted).unwrap()
    }

    /// Whether both sides that the cluster enforces let a connection pass.
    pub fn allows(&self, question: &Question) -> bool {
        let (from, to) = (self.number(&question.from), self.number(&question.to));
        let port = Port::Port(Transport::read(question.protocol).unwrap(), question.port).number();
        let own = self.universe.own_pods();
        let side =
            |pod, peer, direction| !own.contains(pod) || self.verdicts.reach(pod, direction).ports(peer).contains(port);
        side(from, to, Direction::Egress) && side(to, from, Direction::Ingress)
    }
}
