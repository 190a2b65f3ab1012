//! Addresses of a row → names of the site. A name is found only when the row gives exactly what it stands for: a flow from a
//! part of something would open the rest of it too.

use super::{Said, Why};
use crate::model::{Addresses, Family, Site};
use std::collections::BTreeSet;

/// Something that flows can name, with addresses that may stand in a row.
struct Atom<'a> {
    name: &'a str,
    addresses: Addresses,
    sort: Sort,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    /// Has addresses of its own.
    Thing,
    /// A segment or a cluster, in which things have theirs.
    Place,
    /// An outside network.
    Network,
}

#[derive(Default)]
pub(super) struct Atoms<'a>(Vec<Atom<'a>>);

impl<'a> Atoms<'a> {
    pub(super) fn new(site: &'a Site) -> Self {
        let mut atoms = Vec::new();
        let mut add = |name: &'a str, addresses: &Addresses, sort| {
            if !addresses.is_empty() {
                atoms.push(Atom { name, addresses: addresses.clone(), sort });
            }
        };
        for component in site.components.values() {
            component.legs.iter().for_each(|leg| add(&component.name, &leg.addresses, Sort::Thing));
            add(&component.name, &component.egress_addresses, Sort::Thing);
        }
        for gateway in site.gateways.values() {
            gateway.interfaces.iter().for_each(|interface| add(&gateway.name, &interface.leg.addresses, Sort::Thing));
        }
        for cluster in site.clusters.values() {
            add(&cluster.name, &cluster.pods, Sort::Place);
        }
        for segment in site.segments.values() {
            add(&segment.name, &segment.addresses, Sort::Place);
        }
        for network in site.networks.values() {
            add(&network.name, &network.addresses, Sort::Network);
        }
        Self(atoms)
    }

    /// All addresses of some names.
    pub(super) fn of_names(&self, names: &[String]) -> Addresses {
        let own = self.0.iter().filter(|atom| names.iter().any(|name| name == atom.name));
        own.fold(Addresses::default(), |all, atom| all.union(&atom.addresses))
    }

    /// The names that stand for exactly these addresses, and the family when only one is meant.
    pub(super) fn find(&self, set: &Addresses, text: &str) -> Result<(Vec<String>, Option<Family>), Why> {
        let families: Vec<Family> = Family::BOTH.into_iter().filter(|family| set.has(*family)).collect();
        let meant = |addresses: &Addresses| {
            families.iter().fold(Addresses::default(), |all, family| all.union(&addresses.only(*family)))
        };
        let whole: Vec<(&Atom<'_>, Addresses)> = self
            .0
            .iter()
            .map(|atom| (atom, meant(&atom.addresses)))
            .filter(|(_, own)| !own.is_empty() && own.is_subset(set))
            .collect();
        let within = |own: &Addresses| whole.iter().any(|(_, other)| own != other && own.is_subset(other));
        let largest: Vec<&(&Atom<'_>, Addresses)> = whole.iter().filter(|(_, own)| !within(own)).collect();
        for (_, own) in &largest {
            let alike = largest.iter().filter(|(_, other)| other.overlaps(own));
            let names: BTreeSet<&str> = alike.map(|(atom, _)| atom.name).collect();
            if names.len() > 1 {
                let known = format!("`{}`", names.into_iter().collect::<Vec<_>>().join("`, `"));
                return Err(Why::new(Said::new("ambiguous-address").arg("text", own).arg("known", known)));
            }
        }
        let covered = largest.iter().fold(Addresses::default(), |all, (_, own)| all.union(own));
        let rest = set.difference(&covered);
        if !rest.is_empty() {
            return Err(self.rest(&rest, text));
        }
        let narrowed =
            largest.iter().any(|(atom, _)| families.len() == 1 && Family::BOTH.iter().all(|f| atom.addresses.has(*f)));
        let only = families.first().copied().filter(|_| narrowed);
        let mut names: Vec<String> = Vec::new();
        for (atom, _) in largest {
            if !names.iter().any(|name| name == atom.name) {
                names.push(atom.name.to_owned());
            }
        }
        Ok((names, only))
    }

    /// Why some addresses belong to nothing whole.
    fn rest(&self, rest: &Addresses, text: &str) -> Why {
        let shown = if rest.prefixes().len() > 4 { text.to_owned() } else { rest.to_string() };
        let meets = |sort: Sort| self.0.iter().find(|atom| atom.sort == sort && atom.addresses.overlaps(rest));
        let said = match (meets(Sort::Thing), meets(Sort::Place), meets(Sort::Network)) {
            (Some(atom), ..) => Said::new("part-of").arg("owner", atom.name),
            (_, Some(atom), _) => Said::new("in-segment").arg("owner", atom.name),
            (.., Some(atom)) => Said::new("in-network").arg("owner", atom.name),
            _ => Said::new("nowhere"),
        };
        Why::new(said.arg("text", shown))
    }
}
