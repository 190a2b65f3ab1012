//! What interfaces, pairs, flows and deny chains are called in a ruleset.

use super::chains::Pair;
use super::names::Name;
use crate::graph::Hook;
use crate::model::site::Flow;
use crate::plan::{GatewayPlan, InterfacePlan};

/// The chain that drops what no flow of a pair allows; that of the hook for interfaces that nobody named.
pub(super) fn deny_name(gateway: &GatewayPlan, hook: Hook, pair: Pair) -> Name {
    match (hook, pair) {
        (Hook::Forward, (Some(_), Some(_))) | (Hook::Input, (Some(_), None)) | (Hook::Output, (None, Some(_))) => {
            pair_name(gateway, "d_", pair)
        }
        (Hook::Forward, _) => Name::of("d_fwd", &[]),
        (Hook::Input, _) => Name::of("d_in", &[]),
        (Hook::Output, _) => Name::of("d_out", &[]),
    }
}

/// Words that stand for something else where the name of a place could: the gateway itself, the chain `a_local`.
const RESERVED: [&str; 2] = [GATEWAY, "local"];
const GATEWAY: &str = "gw";

/// What an interface is called in names: its place; with the interface where a place has two. A name that would mean
/// two things gets a `.`, which no place has.
pub(super) fn side(gateway: &GatewayPlan, index: usize) -> String {
    let Some(interface) = gateway.interfaces.get(index) else { return String::new() };
    let name = plain_side(gateway, interface);
    let others = gateway.interfaces.iter().filter(|other| other.name != interface.name);
    if RESERVED.contains(&name.as_str()) || others.into_iter().any(|other| plain_side(gateway, other) == name) {
        return format!("{}.{}", interface.place, interface.name);
    }
    name
}

fn plain_side(gateway: &GatewayPlan, interface: &InterfacePlan) -> String {
    let twins = gateway.interfaces.iter().filter(|other| other.place == interface.place).count();
    if twins > 1 { format!("{}-{}", interface.place, interface.name) } else { interface.place.clone() }
}

/// Places of both sides of a pair, `gw` for the gateway itself.
pub(super) fn pair_parts(gateway: &GatewayPlan, (input, output): Pair) -> [String; 2] {
    [input, output].map(|index| index.map_or_else(|| GATEWAY.to_owned(), |index| side(gateway, index)))
}

/// The name of a pair's chain with this prefix.
pub(super) fn pair_name(gateway: &GatewayPlan, prefix: &str, pair: Pair) -> Name {
    let [from, to] = pair_parts(gateway, pair);
    Name::of(prefix, &[&from, &to])
}

/// The chain of a flow.
pub(super) fn flow_name(flow: &Flow) -> Name {
    Name::of("f_", &[&flow.name])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ids::Id;
    use crate::model::{Addresses, GatewayId};
    use std::collections::BTreeSet;

    /// A gateway with interfaces (name, place).
    fn gateway(interfaces: &[(&str, &str)]) -> GatewayPlan {
        let interface = |&(name, place): &(&str, &str)| InterfacePlan {
            name: name.to_owned(),
            place: place.to_owned(),
            zone: String::new(),
            sources: Addresses::default(),
            own: Addresses::default(),
            outside: false,
        };
        let interfaces = interfaces.iter().map(interface).collect();
        GatewayPlan {
            gateway: GatewayId::new(0),
            name: String::new(),
            replicas: Vec::new(),
            interfaces,
            permits: Vec::new(),
        }
    }

    #[test]
    fn no_two_interfaces_share_a_name_in_the_ruleset() {
        let plan = gateway(&[("a", "gw"), ("b", "local"), ("c", "web"), ("d", "web"), ("e", "web-c"), ("f", "app")]);
        let sides: Vec<String> = (0..6).map(|index| side(&plan, index)).collect();
        assert_eq!(sides, ["gw.a", "local.b", "web.c", "web-d", "web-c.e", "app"]);
        let names: BTreeSet<Name> = sides.iter().map(|side| Name::of("a_", &[side])).collect();
        assert_eq!(names.len(), 6);
        assert!(!names.contains(&Name::of("a_local", &[])));
    }
}
