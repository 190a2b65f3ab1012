//! What the table holds: counters, source sets, flow chains, zone pairs with their maps, base chains.

use super::BASES;
use super::maps::{self, Element, Field, Lookup, Upper, VerdictMap, Width};
use super::names::{Name, Quoted};
use super::ruleset::{Chain, Collection, Item};
use super::words::{field_text, field_type, field_word, guard, interval, key, protocol};
use crate::graph::Hook;
use crate::model::ids::Id;
use crate::model::site::Flow;
use crate::model::{Addresses, Family, FlowId, ServiceMatch, Site};
use crate::plan::{GatewayPlan, InterfacePlan, Permit};
use crate::space::Interval;
use crate::syntax::service::Transport;
use std::collections::{BTreeMap, BTreeSet};

const ND: &str = "{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit }";
const MLD: &str = "{ mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report }";
/// A new TCP connection starts with SYN alone; the kernel would take a bare ACK as new too (`nf_conntrack_tcp_loose`).
const SYN_ONLY: &str = "tcp flags & (fin | syn | rst | ack) != syn goto d_inv";

/// Interfaces by which packets of a pair enter and leave.
type Pair = (Option<usize>, Option<usize>);

/// All items of a gateway's table, in order.
pub(super) fn items(gateway: &GatewayPlan, site: &Site) -> Result<Vec<Item>, String> {
    let table = Table { gateway, site };
    let mut pairs: BTreeMap<(Hook, Pair), Vec<&Permit>> = BTreeMap::new();
    for permit in &gateway.permits {
        pairs.entry((permit.hook, (permit.input, permit.output))).or_default().push(permit);
    }
    let mut items = table.counters(&pairs);
    table.antispoof(&mut items)?;
    table.flows(&mut items);
    items.push(Item::Heading(
        "zone pairs: disjoint boxes per protocol and family; an overlap belongs to the first flow".to_owned(),
    ));
    for ((hook, pair), permits) in &pairs {
        table.pair(*hook, *pair, permits, &mut items)?;
    }
    items.push(Item::Heading("what no flow allows: counted, logged within limits, dropped".to_owned()));
    table.denials(&pairs, &mut items);
    items.push(Item::Heading("base chains".to_owned()));
    table.bases(&pairs, &mut items)?;
    Ok(items)
}

struct Table<'a> {
    gateway: &'a GatewayPlan,
    site: &'a Site,
}

impl Table<'_> {
    fn side(&self, index: usize) -> String {
        side(self.gateway, index)
    }

    fn interface(&self, index: usize) -> Result<Quoted, String> {
        let name = self.gateway.interfaces.get(index).map(|interface| interface.name.as_str()).unwrap_or_default();
        Quoted::interface(name).ok_or_else(|| format!("`{name}` is no interface name that nft reads"))
    }

    fn pair_parts(&self, pair: Pair) -> [String; 2] {
        pair_parts(self.gateway, pair)
    }

    fn pair_name(&self, prefix: &str, pair: Pair) -> Name {
        pair_name(self.gateway, prefix, pair)
    }

    fn flow_ids(&self) -> BTreeSet<FlowId> {
        self.gateway.permits.iter().map(|permit| permit.flow).collect()
    }

    fn counters(&self, pairs: &BTreeMap<(Hook, Pair), Vec<&Permit>>) -> Vec<Item> {
        let flows = self.flow_ids().into_iter().map(|flow| flow_name(&self.site.flows[flow]));
        let denied = pairs.keys().map(|(_, pair)| self.pair_name("d_", *pair));
        let fixed = ["d_fwd", "d_in", "d_out", "d_inv", "d_spoof"].map(|name| Name::of(name, &[]));
        flows.chain(denied).chain(fixed).map(Item::Counter).collect()
    }

    /// Sources that may enter at each interface. In the raw priority, so that a spoofed packet makes no connection.
    fn antispoof(&self, items: &mut Vec<Item>) -> Result<(), String> {
        items.push(Item::Heading("anti-spoofing: the sources that may enter at each interface".to_owned()));
        let mut entries = vec!["\"lo\" : accept".to_owned()];
        for (index, interface) in self.gateway.interfaces.iter().enumerate() {
            let chain = Name::of("a_", &[&self.side(index)]);
            let mut rules = Vec::new();
            for family in Family::BOTH.into_iter().filter(|family| interface.sources.has(*family)) {
                let (suffix, kind, word) = match family {
                    Family::V4 => ("_v4", "ipv4_addr", "ip"),
                    Family::V6 => ("_v6", "ipv6_addr", "ip6"),
                };
                let name = Name::of("s_", &[&self.side(index)]).with(suffix);
                rules.push(format!("{word} saddr @{name} accept"));
                items.push(Item::Collection(Collection {
                    word: "set",
                    name,
                    kind: kind.to_owned(),
                    interval: true,
                    about: Some(format!("{}: {}", interface.name, interface.place)),
                    elements: ranges(&interface.sources, family),
                }));
            }
            rules.push("goto a_local".to_owned());
            items.push(Item::Chain(Chain::new(chain.clone(), rules)));
            entries.push(format!("{} : goto {chain}", self.interface(index)?));
        }
        let local = vec![
            format!("ip6 saddr {{ ::, fe80::/10 }} icmpv6 type {ND} accept"),
            format!("ip6 saddr {{ ::, fe80::/10 }} icmpv6 type {MLD} accept"),
            log_rule("d_spoof", "zonec- spoof", 5),
            "drop".to_owned(),
        ];
        let about = "neighbour discovery and MLD come from link-local and unspecified sources";
        items.push(Item::Chain(Chain::new(Name::of("a_local", &[]), local).about(about)));
        let dispatch = format!("iifname vmap {{ {} }}", entries.join(", "));
        items.push(Item::Chain(Chain::base("antispoof", base("antispoof"), vec![dispatch])));
        Ok(())
    }

    /// One chain per flow: counted, logged when the flow asks for it, accepted.
    fn flows(&self, items: &mut Vec<Item>) {
        items.push(Item::Heading("flows: one chain each, reached once per connection".to_owned()));
        for id in self.flow_ids() {
            let flow = &self.site.flows[id];
            let name = flow_name(flow);
            let logged = self.gateway.permits.iter().any(|permit| permit.flow == id && permit.log);
            let comment = Quoted::comment(&describe(self.site, flow));
            let rules = if logged {
                let prefix = Quoted::log_prefix(&format!("zonec+ {}", flow.name));
                let log = format!(
                    "counter name \"{name}\" limit rate 20/second burst 40 packets log prefix {prefix} level info"
                );
                vec![log, format!("accept comment {comment}")]
            } else {
                vec![format!("counter name \"{name}\" accept comment {comment}")]
            };
            items.push(Item::Chain(Chain::new(name, rules)));
        }
    }

    fn pair(&self, hook: Hook, pair: Pair, permits: &[&Permit], items: &mut Vec<Item>) -> Result<(), String> {
        let parts = self.pair_parts(pair);
        let base = Name::of("", &[&parts[0], &parts[1]]);
        let mut boxes: BTreeMap<(Upper, Width), Vec<Element>> = BTreeMap::new();
        for permit in permits {
            let (key, elements) = elements(permit)?;
            boxes.entry(key).or_default().extend(elements);
        }
        let denied = self.pair_name("d_", pair);
        let mut rules = Vec::new();
        for ((upper, width), list) in boxes {
            let name = maps::name(&Name::of("m_", &[&parts[0], &parts[1]]), width, upper);
            let lookup = maps::lookup(width, upper, &list).map_err(|error| format!("{base}: {error:?}"))?;
            match lookup {
                Lookup::Whole(map) => {
                    rules.push(format!("{}{} vmap @{name}", guard(upper), key(&map, upper, width)));
                    items.push(self.map(name, &map, upper, width));
                }
                Lookup::Split(split) => rules.push(self.split(&name, split, upper, width, &denied, items)),
            }
        }
        rules.push(format!("goto {denied}"));
        let about = match hook {
            Hook::Forward => format!("{} -> {}", parts[0], parts[1]),
            Hook::Input => format!("{} -> this gateway", parts[0]),
            Hook::Output => format!("this gateway -> {}", parts[1]),
        };
        items.push(Item::Chain(Chain::new(self.pair_name("p_", pair), rules).about(&about)));
        Ok(())
    }

    fn map(&self, name: Name, map: &VerdictMap, upper: Upper, width: Width) -> Item {
        let elements = map.elements.iter().map(|(bounds, flow)| {
            let fields: Vec<String> = map.key.iter().map(|field| field_text(*field, bounds, upper, width)).collect();
            let target = flow_name(&self.site.flows[FlowId::new(*flow as usize - 1)]);
            format!("{} : goto {target}", fields.join(" . "))
        });
        let types: Vec<&str> = map.key.iter().map(|field| field_type(*field, upper, width)).collect();
        Item::Collection(Collection {
            word: "map",
            name,
            kind: format!("{} : verdict", types.join(" . ")),
            interval: !map.is_exact(),
            about: None,
            elements: elements.collect(),
        })
    }

    /// A large map, by destination to parts of it. Gives the rule of the pair's chain.
    fn split(
        &self,
        name: &Name,
        parts: Vec<(Vec<Interval>, VerdictMap)>,
        upper: Upper,
        width: Width,
        denied: &Name,
        items: &mut Vec<Item>,
    ) -> String {
        let mut regions = Vec::new();
        for (index, (destinations, map)) in parts.iter().enumerate() {
            let part = name.with(format_args!("_{index}"));
            let chain = Name::of("", &[]).with(format_args!("c_{part}"));
            items.push(self.map(part.clone(), map, upper, width));
            let rules = vec![format!("{} vmap @{part}", key(map, upper, width)), format!("goto {denied}")];
            items.push(Item::Chain(Chain::new(chain.clone(), rules)));
            regions.extend(destinations.iter().map(|region| format!("{} : goto {chain}", interval(*region, width))));
        }
        let parts = name.with("_d");
        items.push(Item::Collection(Collection {
            word: "map",
            name: parts.clone(),
            kind: format!("{} : verdict", field_type(Field::Destination, upper, width)),
            interval: true,
            about: None,
            elements: regions,
        }));
        format!(
            "meta l4proto {} {} vmap @{parts}",
            protocol(upper, width),
            field_word(Field::Destination, upper, width)
        )
    }

    fn denials(&self, pairs: &BTreeMap<(Hook, Pair), Vec<&Permit>>, items: &mut Vec<Item>) {
        for (_, pair) in pairs.keys() {
            let [from, to] = self.pair_parts(*pair);
            let name = self.pair_name("d_", *pair);
            let log = log_rule(&name.to_string(), &format!("zonec- {from}>{to}"), 10);
            items.push(Item::Chain(Chain::new(name, vec![log, "drop".to_owned()])));
        }
        for (name, prefix) in [
            ("d_fwd", "zonec- forward"),
            ("d_in", "zonec- input"),
            ("d_out", "zonec- output"),
            ("d_inv", "zonec- invalid"),
        ] {
            items.push(Item::Chain(Chain::new(
                Name::of(name, &[]),
                vec![log_rule(name, prefix, 10), "drop".to_owned()],
            )));
        }
        let related = vec!["meta l4proto { 1, 58 } accept".to_owned(), "goto d_inv".to_owned()];
        let about = "ICMP errors only: what helpers expect is not in the model";
        items.push(Item::Chain(Chain::new(Name::of("c_rel", &[]), related).about(about)));
    }

    fn bases(&self, pairs: &BTreeMap<(Hook, Pair), Vec<&Permit>>, items: &mut Vec<Item>) -> Result<(), String> {
        let (mut forward, mut input, mut output) = (Vec::new(), Vec::new(), Vec::new());
        for (_, pair) in pairs.keys() {
            let chain = self.pair_name("p_", *pair);
            match *pair {
                (Some(from), Some(to)) => {
                    forward.push(format!("{} . {} : goto {chain}", self.interface(from)?, self.interface(to)?))
                }
                (Some(from), None) => input.push(format!("{} : goto {chain}", self.interface(from)?)),
                (None, Some(to)) => output.push(format!("{} : goto {chain}", self.interface(to)?)),
                (None, None) => return Err("a permit without interfaces".to_owned()),
            }
        }
        let mut rules = vec![
            "ct state vmap { established : accept, related : goto c_rel, invalid : goto d_inv, untracked : goto d_inv }".to_owned(),
            SYN_ONLY.to_owned(),
        ];
        rules.extend(dispatch("iifname . oifname", &forward));
        rules.push("goto d_fwd".to_owned());
        items.push(Item::Chain(Chain::base("forward", base("forward"), rules)));

        // Not untracked: neighbour discovery and MLD are.
        let state = "ct state vmap { established : accept, related : goto c_rel, invalid : goto d_inv }";
        let nd = format!("icmpv6 type {ND} ip6 hoplimit 255 accept");
        let mld = format!("icmpv6 type {MLD} ip6 saddr {{ ::, fe80::/10 }} accept");
        let mut rules =
            vec!["iif \"lo\" accept".to_owned(), state.to_owned(), nd.clone(), mld.clone(), SYN_ONLY.to_owned()];
        rules.extend(dispatch("iifname", &input));
        rules.push("goto d_in".to_owned());
        items.push(Item::Chain(Chain::base("input", base("input"), rules)));

        let mut rules = vec!["oif \"lo\" accept".to_owned(), state.to_owned(), nd, mld, SYN_ONLY.to_owned()];
        rules.extend(dispatch("oifname", &output));
        rules.push("goto d_out".to_owned());
        items.push(Item::Chain(Chain::base("output", base("output"), rules)));
        Ok(())
    }
}

/// A dispatch by interfaces, one entry a line.
fn dispatch(key: &str, entries: &[String]) -> Option<String> {
    (!entries.is_empty()).then(|| format!("{key} vmap {{\n\t\t\t{} }}", entries.join(",\n\t\t\t")))
}

fn base(name: &str) -> &'static str {
    BASES.iter().find(|(known, _)| *known == name).map_or("", |(_, base)| base)
}

/// Counts all, logs some: the limit guards the log only, the verdict comes in the next rule.
fn log_rule(counter: &str, prefix: &str, rate: u32) -> String {
    let prefix = Quoted::log_prefix(prefix);
    format!("counter name \"{counter}\" limit rate {rate}/second burst 50 packets log prefix {prefix} level info")
}

/// The chain that drops what no flow of a pair allows; that of the hook when no flow joins the pair.
pub(super) fn deny_name(gateway: &GatewayPlan, hook: Hook, (input, output): Pair) -> Name {
    let joined =
        gateway.permits.iter().any(|permit| (permit.hook, permit.input, permit.output) == (hook, input, output));
    if joined {
        return pair_name(gateway, "d_", (input, output));
    }
    let name = match hook {
        Hook::Forward => "d_fwd",
        Hook::Input => "d_in",
        Hook::Output => "d_out",
    };
    Name::of(name, &[])
}

/// Words that stand for something else where the name of a place could: the gateway itself, the chain `a_local`.
const RESERVED: [&str; 2] = [GATEWAY, "local"];
const GATEWAY: &str = "gw";

/// What an interface is called in names: its place; with the interface where a place has two. A name that would mean
/// two things gets a `.`, which no place has.
fn side(gateway: &GatewayPlan, index: usize) -> String {
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
fn pair_parts(gateway: &GatewayPlan, (input, output): Pair) -> [String; 2] {
    [input, output].map(|index| index.map_or_else(|| GATEWAY.to_owned(), |index| side(gateway, index)))
}

fn pair_name(gateway: &GatewayPlan, prefix: &str, pair: Pair) -> Name {
    let [from, to] = pair_parts(gateway, pair);
    Name::of(prefix, &[&from, &to])
}

/// The chain of a flow.
pub(super) fn flow_name(flow: &Flow) -> Name {
    Name::of("f_", &[&flow.name])
}

fn describe(site: &Site, flow: &Flow) -> String {
    let names =
        |ends: &[crate::model::EndRef]| ends.iter().map(|end| site.end_name(end.end)).collect::<Vec<_>>().join(",");
    let services: Vec<String> = flow.services.iter().map(|service| service.expr.to_string()).collect();
    format!("flow {}: {} -> {} {}", flow.name, names(&flow.from), names(&flow.to), services.join(","))
}

/// The boxes of a permit, with the map they belong to.
fn elements(permit: &Permit) -> Result<((Upper, Width), Vec<Element>), String> {
    let width = match permit.family {
        Family::V4 => Width::V4,
        Family::V6 => Width::V6,
    };
    let point = |value: u8| vec![Interval::point(u128::from(value))];
    let (upper, services) = match &permit.service {
        ServiceMatch::Ports(transport, ports) => {
            let upper = match transport {
                Transport::Tcp => Upper::Tcp,
                Transport::Udp => Upper::Udp,
                Transport::Sctp => Upper::Sctp,
            };
            let list = ports
                .intervals()
                .iter()
                .filter_map(|(first, last)| Interval::new(u128::from(*first), u128::from(*last)));
            (upper, list.collect())
        }
        ServiceMatch::Icmp(kind) | ServiceMatch::Icmpv6(kind) => (Upper::Icmp, point(*kind)),
        ServiceMatch::Protocol(number) => (Upper::Number(*number), point(0)),
        ServiceMatch::Any => return Err("a flow that means everything is never compiled".to_owned()),
    };
    // Labels of boxes count from 1: 0 is what no box covers.
    let flow = u32::try_from(permit.flow.index() + 1).map_err(|error| error.to_string())?;
    let mut boxes = Vec::new();
    for destination in intervals(&permit.destination, width) {
        for source in intervals(&permit.source, width) {
            boxes.extend(services.iter().map(|service| ([destination, source, *service], flow)));
        }
    }
    if boxes.is_empty() {
        return Err("a permit without packets".to_owned());
    }
    Ok(((upper, width), boxes))
}

fn intervals(addresses: &Addresses, width: Width) -> Vec<Interval> {
    match width {
        Width::V4 => {
            addresses.v4.intervals().iter().filter_map(|(a, b)| Interval::new(u128::from(*a), u128::from(*b))).collect()
        }
        Width::V6 => addresses.v6.intervals().iter().filter_map(|(a, b)| Interval::new(*a, *b)).collect(),
    }
}

fn ranges(addresses: &Addresses, family: Family) -> Vec<String> {
    let width = if family == Family::V4 { Width::V4 } else { Width::V6 };
    intervals(addresses, width).into_iter().map(|range| interval(range, width)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::GatewayId;

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
