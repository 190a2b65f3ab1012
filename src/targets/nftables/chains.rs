//! What the table holds: counters, flow chains, zone pairs with their maps. Base chains are in `bases`.

use super::bases::{Log, log};
use super::boxes::elements;
use super::maps::{self, Element, Field, Lookup, Upper, VerdictMap, Width};
use super::names::{Name, Quoted};
use super::ruleset::{Chain, Collection, Item, Storage};
use super::sides::{flow_name, pair_name, pair_parts};
use super::words::{field_text, field_type, field_word, guard, interval, key, protocol};
use crate::graph::Hook;
use crate::model::ids::Id;
use crate::model::site::Flow;
use crate::model::{FlowId, Site};
use crate::plan::{GatewayPlan, Permit};
use crate::space::Interval;
use std::collections::BTreeMap;

/// Interfaces by which packets of a pair enter and leave.
pub(super) type Pair = (Option<usize>, Option<usize>);

/// Permits by hook and pair.
pub(super) type Pairs<'a> = BTreeMap<(Hook, Pair), Vec<&'a Permit>>;

/// All items of a gateway's table, in order. The names of all but the base chains end in `generation`, which is empty
/// unless two rulesets have to stand side by side in the table.
pub(super) fn items(gateway: &GatewayPlan, site: &Site, generation: &str) -> Result<Vec<Item>, String> {
    let table = Table { gateway, site, generation };
    let mut pairs = Pairs::new();
    for permit in &gateway.permits {
        pairs.entry((permit.hook, (permit.input, permit.output))).or_default().push(permit);
    }
    let flows = table.logged_flows();
    let ways = table.ways();
    let mut items = table.counters(&ways);
    table.antispoof(&mut items)?;
    table.flows(&flows, &mut items);
    items.push(Item::Heading(
        "zone pairs: disjoint boxes per protocol and family; an overlap belongs to the first flow".to_owned(),
    ));
    for ((hook, pair), permits) in &pairs {
        table.pair(*hook, *pair, permits, &mut items)?;
    }
    items.push(Item::Heading("what no flow allows: counted, logged within limits, dropped".to_owned()));
    table.denials(&ways, &mut items);
    items.push(Item::Heading("base chains".to_owned()));
    table.bases(&ways, &pairs, &mut items)?;
    Ok(items)
}

pub(super) struct Table<'a> {
    pub gateway: &'a GatewayPlan,
    pub site: &'a Site,
    pub generation: &'a str,
}

impl Table<'_> {
    /// A name with the generation at its end.
    pub(super) fn name(&self, name: &Name) -> Name {
        name.with(self.generation)
    }

    /// A chain or counter that every ruleset has.
    pub(super) fn fixed(&self, name: &str) -> Name {
        self.name(&Name::of(name, &[]))
    }

    pub(super) fn interface(&self, index: usize) -> Result<Quoted, String> {
        let name = self.gateway.interfaces.get(index).map(|interface| interface.name.as_str()).unwrap_or_default();
        Quoted::interface(name).ok_or_else(|| format!("`{name}` is no interface name that nft reads"))
    }

    pub(super) fn pair_parts(&self, pair: Pair) -> [String; 2] {
        pair_parts(self.gateway, pair)
    }

    pub(super) fn pair_name(&self, prefix: &str, pair: Pair) -> Name {
        self.name(&pair_name(self.gateway, prefix, pair))
    }

    fn flow_name(&self, id: FlowId) -> Name {
        self.name(&flow_name(&self.site.flows[id]))
    }

    /// Every pair of interfaces, whether a flow takes it or not, forwarded first. Each has a deny chain of its own: who
    /// floods one pair must not use up what may be logged of another.
    fn ways(&self) -> Vec<(Hook, Pair)> {
        let all = || (0..self.gateway.interfaces.len()).map(Some);
        let through = all().flat_map(|input| all().map(move |output| (Hook::Forward, (input, output))));
        let to = all().map(|input| (Hook::Input, (input, None)));
        through.chain(to).chain(all().map(|output| (Hook::Output, (None, output)))).collect()
    }

    /// The flows of this gateway, and whether their new connections are logged.
    fn logged_flows(&self) -> BTreeMap<FlowId, bool> {
        let mut flows = BTreeMap::new();
        for permit in &self.gateway.permits {
            *flows.entry(permit.flow).or_default() |= permit.log;
        }
        flows
    }

    /// What is refused counts under a name, so that one command lists it. A flow counts in its own chain: a named counter
    /// is one more object to fetch from memory for every new connection (docs/performance.md).
    fn counters(&self, ways: &[(Hook, Pair)]) -> Vec<Item> {
        let denied = ways.iter().map(|(_, pair)| self.pair_name("d_", *pair));
        let fixed = ["d_fwd", "d_in", "d_out", "d_inv", "d_spoof"].map(|name| self.fixed(name));
        denied.chain(fixed).map(Item::Counter).collect()
    }

    /// One chain per flow: logged when the flow asks for it, counted, accepted.
    fn flows(&self, flows: &BTreeMap<FlowId, bool>, items: &mut Vec<Item>) {
        items.push(Item::Heading("flows: one chain each, reached once per connection".to_owned()));
        for (&id, &logged) in flows {
            let flow = &self.site.flows[id];
            let log = logged.then(|| log(&format!("zonec+ {}", flow.name), Log::Opened));
            let accept = format!("counter accept comment {}", Quoted::comment(&describe(self.site, flow)));
            items.push(Item::Chain(Chain::new(self.flow_name(id), log.into_iter().chain([accept]).collect())));
        }
    }

    fn pair(&self, hook: Hook, pair: Pair, permits: &[&Permit], items: &mut Vec<Item>) -> Result<(), String> {
        let parts = self.pair_parts(pair);
        let mut boxes: BTreeMap<(Upper, Width), Vec<Element>> = BTreeMap::new();
        for permit in permits {
            let (key, elements) =
                elements(permit).map_err(|reason| format!("flow {}: {reason}", self.site.flows[permit.flow].name))?;
            boxes.entry(key).or_default().extend(elements);
        }
        let denied = self.pair_name("d_", pair);
        let mut rules = Vec::new();
        for ((upper, width), list) in boxes {
            let name = maps::name(&Name::of("m_", &[&parts[0], &parts[1]]), width, upper);
            let lookup =
                maps::lookup(width, upper, &list).map_err(|error| format!("{} to {}: {error}", parts[0], parts[1]))?;
            match lookup {
                Lookup::Whole(map) => {
                    let name = self.name(&name);
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
            let target = self.flow_name(FlowId::new(*flow as usize - 1));
            format!("{} : goto {target}", fields.join(" . "))
        });
        let types: Vec<&str> = map.key.iter().map(|field| field_type(*field, upper, width)).collect();
        Item::Collection(Collection {
            word: "map",
            name,
            kind: format!("{} : verdict", types.join(" . ")),
            storage: if map.is_exact() { Storage::Hash } else { Storage::Intervals },
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
            let part = self.name(&name.with(format_args!("_{index}")));
            let chain = Name::of("", &[]).with(format_args!("c_{part}"));
            items.push(self.map(part.clone(), map, upper, width));
            let rules = vec![format!("{} vmap @{part}", key(map, upper, width)), format!("goto {denied}")];
            items.push(Item::Chain(Chain::new(chain.clone(), rules)));
            regions.extend(destinations.iter().map(|region| format!("{} : goto {chain}", interval(*region, width))));
        }
        let parts = self.name(&name.with("_d"));
        items.push(Item::Collection(Collection {
            word: "map",
            name: parts.clone(),
            kind: format!("{} : verdict", field_type(Field::Destination, upper, width)),
            storage: Storage::Intervals,
            about: None,
            elements: regions,
        }));
        format!(
            "meta l4proto {} {} vmap @{parts}",
            protocol(upper, width),
            field_word(Field::Destination, upper, width)
        )
    }
}

fn describe(site: &Site, flow: &Flow) -> String {
    let names =
        |ends: &[crate::model::EndRef]| ends.iter().map(|end| site.end_name(end.end)).collect::<Vec<_>>().join(",");
    let services: Vec<String> = flow.services.iter().map(|service| service.expr.to_string()).collect();
    format!("flow {}: {} -> {} {}", flow.name, names(&flow.from), names(&flow.to), services.join(","))
}
