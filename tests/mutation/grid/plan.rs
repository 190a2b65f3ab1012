//! What the plan allows of a row.

use zonec::graph::Hook;
use zonec::model::{Family, ServiceMatch};
use zonec::plan::GatewayPlan;

use super::bits::Bits;
use super::row::Row;
use super::{ANY, LOCAL, MLD, ND, STATES};

/// The packets of a row that the plan allows: a linear scan, to be checked by eye.
pub fn allowed(plan: &GatewayPlan, row: &Row) -> Bits {
    let none = || Bits::none(row.len());
    let all = || Bits::all(row.len());
    if (row.hook == 1 && row.input == "lo") || (row.hook == 2 && row.output == "lo") {
        return all();
    }
    let types = |types: &[u128], sources: &[(u128, u128)]| {
        let mut bits = none();
        if row.family == 1 && row.protocol == 58 {
            for kind in types {
                sources.iter().for_each(|source| row.fill(&mut bits, [*source, ANY, (*kind, *kind), ANY]));
            }
        }
        bits
    };
    let local = [(0, 0), LOCAL];
    let mut checked = if row.hook == 2 || row.input == "lo" { all() } else { none() };
    if let Some(interface) = plan.interfaces.iter().find(|interface| interface.name == row.input) {
        for range in addresses(&interface.sources, row.family) {
            row.fill(&mut checked, [range, ANY, ANY, ANY]);
        }
        checked.or(&types(&ND, &local));
        checked.or(&types(&MLD, &local));
    }
    let mut opening = none();
    let (state, tcp) = (STATES[row.state], row.protocol == 6);
    if state == "established" {
        opening = all();
    }
    if state == "related" {
        let errors: &[u128] = match (row.family, row.protocol) {
            (0, 1) => &[3, 11, 12],
            (1, 58) => &[1, 2, 3, 4],
            _ => &[],
        };
        errors.iter().for_each(|kind| row.fill(&mut opening, [ANY, ANY, (*kind, *kind), ANY]));
    }
    if state == "new" || (state == "untracked" && row.hook != 0) {
        if row.hook != 0 && row.detail {
            opening.or(&types(&ND, &[ANY]));
        }
        if row.hook != 0 {
            opening.or(&types(&MLD, &local));
        }
        let hook = [Hook::Forward, Hook::Input, Hook::Output][row.hook];
        let name = |index: Option<usize>| index.map_or("", |index| plan.interfaces[index].name.as_str());
        for permit in plan.permits.iter().filter(|permit| {
            permit.hook == hook
                && name(permit.input) == row.input
                && name(permit.output) == row.output
                && (permit.family == Family::V4) == (row.family == 0)
                && permit.service.protocol() == Some(row.protocol)
                && (!tcp || row.detail)
        }) {
            let services: Vec<[(u128, u128); 2]> = match &permit.service {
                ServiceMatch::Ports(_, ports) => {
                    ports.intervals().iter().map(|(a, b)| [ANY, (u128::from(*a), u128::from(*b))]).collect()
                }
                ServiceMatch::Icmp(kind) | ServiceMatch::Icmpv6(kind) => {
                    vec![[(u128::from(*kind), u128::from(*kind)), ANY]]
                }
                _ => vec![[ANY, ANY]],
            };
            for source in addresses(&permit.source, row.family) {
                for destination in addresses(&permit.destination, row.family) {
                    for [kind, port] in &services {
                        row.fill(&mut opening, [source, destination, *kind, *port]);
                    }
                }
            }
        }
    }
    opening.and(&checked);
    opening
}

pub fn addresses(set: &zonec::model::Addresses, family: u8) -> Vec<(u128, u128)> {
    match family {
        0 => set.v4.intervals().iter().map(|(a, b)| (u128::from(*a), u128::from(*b))).collect(),
        _ => set.v6.intervals().to_vec(),
    }
}
