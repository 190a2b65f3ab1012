//! Base chains: anti-spoofing, forward, input, output; what they deny, log and take as related.

use super::BASES;
use super::boxes::ranges;
use super::chains::{Pair, Pairs, Table};
use super::names::{Name, Quoted};
use super::ruleset::{Chain, Collection, Item, Storage};
use super::sides::side;
use crate::graph::Hook;
use crate::model::Family;

/// Neighbour discovery (RFC 4861). Router advertisements are not taken: a gateway's routes are configured.
const ND: &str = "{ nd-neighbor-solicit, nd-neighbor-advert, nd-router-solicit }";
/// Multicast listener discovery (RFC 2710, RFC 3810), without which switches keep neighbour discovery from hosts.
const MLD: &str = "{ mld-listener-query, mld-listener-report, mld-listener-done, mld2-listener-report }";
/// Errors about a known connection. Connection tracking takes redirects and source quench as related too; they would let
/// a stranger steer a host's routes. `meta protocol` says the family once more: nft lists its own guard of `icmp` and
/// `icmpv6` like none, so that a listing without it proves nothing about the other family.
const ERRORS: [&str; 2] = [
    "meta protocol ip icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
    "meta protocol ip6 icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept",
];

/// What a log rule tells of. It goes to a group of its own, so that a log daemon can file the two apart.
#[derive(Clone, Copy)]
pub(super) enum Log {
    /// A refused packet.
    Refused,
    /// A new connection of a flow with `log: new`.
    Opened,
    /// A source that does not belong to its interface.
    Spoofed,
}

/// Logs some: the limit guards the log only, the verdict comes in the next rule. To a netlink group, not to the kernel's
/// ring buffer, which cannot be read in a namespace and which a flood of packets would fill; headers only, because what
/// people send each other does not belong into a log.
pub(super) fn log(prefix: &str, log: Log) -> String {
    let prefix = Quoted::log_prefix(prefix);
    let (rate, group) = match log {
        Log::Refused => (10, 1),
        Log::Opened => (20, 2),
        Log::Spoofed => (5, 1),
    };
    format!("limit rate {rate}/second burst 50 packets log prefix {prefix} group {group} snaplen 96")
}

/// Counts all, logs some.
fn counted(counter: &Name, prefix: &str, kind: Log) -> String {
    format!("counter name \"{counter}\" {}", log(prefix, kind))
}

impl Table<'_> {
    /// Sources that may enter at each interface. In the raw priority, so that a spoofed packet makes no connection.
    pub(super) fn antispoof(&self, items: &mut Vec<Item>) -> Result<(), String> {
        items.push(Item::Heading("anti-spoofing: the sources that may enter at each interface".to_owned()));
        let (local, spoofed) = (self.fixed("a_local"), self.fixed("d_spoof"));
        let mut entries = vec!["\"lo\" : accept".to_owned()];
        for (index, interface) in self.gateway.interfaces.iter().enumerate() {
            let side = side(self.gateway, index);
            let chain = self.name(&Name::of("a_", &[&side]));
            let mut rules = Vec::new();
            for family in Family::BOTH.into_iter().filter(|family| interface.sources.has(*family)) {
                let (suffix, kind, word) = match family {
                    Family::V4 => ("_v4", "ipv4_addr", "ip"),
                    Family::V6 => ("_v6", "ipv6_addr", "ip6"),
                };
                let name = self.name(&Name::of("s_", &[&side]).with(suffix));
                rules.push(format!("{word} saddr @{name} accept"));
                items.push(Item::Collection(Collection {
                    word: "set",
                    name,
                    kind: kind.to_owned(),
                    storage: Storage::Intervals,
                    about: Some(format!("{}: {}", interface.name, interface.place)),
                    elements: ranges(&interface.sources, family),
                }));
            }
            rules.push(format!("goto {local}"));
            items.push(Item::Chain(Chain::new(chain.clone(), rules)));
            entries.push(format!("{} : goto {chain}", self.interface(index)?));
        }
        let rules = vec![
            format!("ip6 saddr {{ ::, fe80::/10 }} icmpv6 type {ND} accept"),
            format!("ip6 saddr {{ ::, fe80::/10 }} icmpv6 type {MLD} accept"),
            counted(&spoofed, "zonec- spoof", Log::Spoofed),
            "drop".to_owned(),
        ];
        let about = "neighbour discovery and MLD come from link-local and unspecified sources";
        items.push(Item::Chain(Chain::new(local, rules).about(about)));
        let dispatch = dispatch("iifname", &entries);
        items.push(Item::Chain(Chain::base("antispoof", base("antispoof"), dispatch.into_iter().collect())));
        Ok(())
    }

    pub(super) fn denials(&self, ways: &[(Hook, Pair)], items: &mut Vec<Item>) {
        let mut deny = |name: Name, prefix: &str| {
            let log = counted(&name, prefix, Log::Refused);
            items.push(Item::Chain(Chain::new(name, vec![log, "drop".to_owned()])));
        };
        for (_, pair) in ways {
            let [from, to] = self.pair_parts(*pair);
            deny(self.pair_name("d_", *pair), &format!("zonec- {from}>{to}"));
        }
        for (name, prefix) in [
            ("d_fwd", "zonec- forward"),
            ("d_in", "zonec- input"),
            ("d_out", "zonec- output"),
            ("d_inv", "zonec- invalid"),
        ] {
            deny(self.fixed(name), prefix);
        }
        let rules = ERRORS.map(str::to_owned).into_iter().chain([format!("goto {}", self.fixed("d_inv"))]);
        let about = "errors about open connections only: what helpers expect is not in the model";
        items.push(Item::Chain(Chain::new(self.fixed("c_rel"), rules.collect()).about(about)));
    }

    pub(super) fn bases(&self, ways: &[(Hook, Pair)], pairs: &Pairs, items: &mut Vec<Item>) -> Result<(), String> {
        let (mut forward, mut input, mut output) = (Vec::new(), Vec::new(), Vec::new());
        // What a flow takes first: the rest is only refused under its own name.
        let (open, closed): (Vec<_>, Vec<_>) = ways.iter().copied().partition(|way| pairs.contains_key(way));
        let named = |prefix, ways: Vec<(Hook, Pair)>| {
            ways.into_iter().map(move |(_, pair)| (self.pair_name(prefix, pair), pair))
        };
        for (chain, pair) in named("p_", open).chain(named("d_", closed)) {
            match pair {
                (Some(from), Some(to)) => {
                    forward.push(format!("{} . {} : goto {chain}", self.interface(from)?, self.interface(to)?));
                }
                (Some(from), None) => input.push(format!("{} : goto {chain}", self.interface(from)?)),
                (None, Some(to)) => output.push(format!("{} : goto {chain}", self.interface(to)?)),
                (None, None) => return Err("a permit without interfaces".to_owned()),
            }
        }
        let (related, invalid) = (self.fixed("c_rel"), self.fixed("d_inv"));
        let known = format!("established : accept, related : goto {related}, invalid : goto {invalid}");
        // A new TCP connection starts with SYN alone; the kernel would take a bare ACK as new too
        // (`nf_conntrack_tcp_loose`).
        let syn = format!("tcp flags & (fin | syn | rst | ack) != syn goto {invalid}");

        let mut rules = vec![format!("ct state vmap {{ {known}, untracked : goto {invalid} }}"), syn.clone()];
        rules.extend(dispatch("iifname . oifname", &forward));
        rules.push(format!("goto {}", self.fixed("d_fwd")));
        items.push(Item::Chain(Chain::base("forward", base("forward"), rules)));

        // Not untracked: neighbour discovery and MLD are.
        let own = |direction: &str| {
            vec![
                format!("{direction} \"lo\" accept"),
                format!("ct state vmap {{ {known} }}"),
                format!("icmpv6 type {ND} ip6 hoplimit 255 accept"),
                format!("icmpv6 type {MLD} ip6 saddr {{ ::, fe80::/10 }} accept"),
                syn.clone(),
            ]
        };
        let mut rules = own("iif");
        rules.extend(dispatch("iifname", &input));
        rules.push(format!("goto {}", self.fixed("d_in")));
        items.push(Item::Chain(Chain::base("input", base("input"), rules)));

        let mut rules = own("oif");
        rules.extend(dispatch("oifname", &output));
        rules.push(format!("goto {}", self.fixed("d_out")));
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
