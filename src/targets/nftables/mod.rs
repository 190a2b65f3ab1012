//! nftables: one ruleset per gateway.
//!
//! One `table inet zonec`, policy drop in every base chain. Sources are checked per interface before connection
//! tracking; a new connection is dispatched by its interfaces to the chain of the zone pair, looked up in a verdict map
//! per protocol and family, and accepted in the chain of its flow, which counts and names it. The file replaces the
//! table in one transaction and can be loaded twice (docs/operate-nftables.md).

mod bases;
mod boxes;
mod chains;
mod conntrack;
mod maps;
mod names;
mod ruleset;
mod sides;
mod staged;
mod words;

pub use conntrack::{closed_connections, connections_of};
pub use staged::RETIRE;

use super::{Files, Origin, VERSION};
use crate::plan::{GatewayPlan, Plan};
use ruleset::Item;
use std::fmt::Write;

/// Why a gateway has no ruleset.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NftError {
    /// The gateway.
    pub gateway: String,
    /// What nft cannot express.
    pub reason: String,
}

/// Writes `nftables/<gateway>.nft` for every generated gateway.
///
/// # Errors
/// [`NftError`] when something of the plan has no form in nft; nothing is left out silently.
pub fn emit(plan: &Plan, origin: Origin<'_>, files: &mut Files) -> Result<(), NftError> {
    for gateway in &plan.gateways {
        files.add(format!("nftables/{}.nft", gateway.name), ruleset(gateway, origin)?);
    }
    Ok(())
}

/// Writes the lossless form of every generated gateway's ruleset: the folder `nftables/<gateway>.staged/` with
/// `1-build.nft`, `2-switch.nft` and `3-retire.sh`.
///
/// # Errors
/// As [`emit`].
pub fn emit_staged(plan: &Plan, origin: Origin<'_>, files: &mut Files) -> Result<(), NftError> {
    plan.gateways.iter().try_for_each(|gateway| staged::emit(gateway, origin, files))
}

/// The ruleset of one gateway.
///
/// # Errors
/// As [`emit`].
pub fn ruleset(gateway: &GatewayPlan, origin: Origin<'_>) -> Result<String, NftError> {
    let items = items(gateway, origin, "")?;
    let name = &gateway.name;
    let mut text = header(
        gateway,
        origin,
        &[
            format!("check: nft -c -f {name}.nft      load: nft -f {name}.nft      (generated; do not edit)"),
            "Replaces table inet zonec in one transaction; other tables stay. Open connections of removed flows go on"
                .to_owned(),
            "until they are deleted with conntrack -D.".to_owned(),
        ],
    );
    write_table(&items, &mut text)
        .map_err(|error| NftError { gateway: gateway.name.clone(), reason: error.to_string() })?;
    Ok(text)
}

fn items(gateway: &GatewayPlan, origin: Origin<'_>, generation: &str) -> Result<Vec<Item>, NftError> {
    chains::items(gateway, origin.site, generation).map_err(|reason| NftError { gateway: gateway.name.clone(), reason })
}

fn header(gateway: &GatewayPlan, origin: Origin<'_>, about: &[String]) -> String {
    let mut text = format!(
        "#!/usr/sbin/nft -f\n\
         # zonec {VERSION}   site {}   gateway {}   as of {}\n\
         # model {}\n\
         # runs on: {}\n",
        origin.site.name(),
        gateway.name,
        origin.as_of,
        origin.digest,
        gateway.replicas.join(", "),
    );
    for line in about {
        text.push_str(&format!("# {line}\n"));
    }
    text.push('\n');
    text
}

/// The base chains; they exist before they are deleted, so that the file loads on an empty kernel and on itself.
const BASES: [(&str, &str); 4] = [
    ("antispoof", "type filter hook prerouting priority raw; policy drop;"),
    ("forward", "type filter hook forward priority filter; policy drop;"),
    ("input", "type filter hook input priority filter; policy drop;"),
    ("output", "type filter hook output priority filter; policy drop;"),
];

fn write_table(items: &[Item], text: &mut String) -> std::fmt::Result {
    text.push_str("table inet zonec {\n");
    for (name, base) in BASES {
        writeln!(text, "\tchain {name} {{ {base} }}")?;
    }
    text.push_str("}\n");
    // Base chains go first: a chain that is still hooked while its rules are gone would drop established traffic.
    for (name, _) in BASES {
        writeln!(text, "delete chain inet zonec {name}")?;
    }
    text.push_str("delete table inet zonec\n\ntable inet zonec {\n");
    for item in items {
        item.write(text)?;
    }
    text.push_str("}\n");
    Ok(())
}

/// Where a gateway decides on a packet: a chain, and how its deciding line begins.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Decision {
    /// The chain.
    pub chain: String,
    verdict: &'static str,
}

/// The chain that decides: the flow's own when one allows the packet, else the deny chain of the pair.
#[must_use]
pub fn decision(
    gateway: &GatewayPlan,
    hook: crate::graph::Hook,
    input: Option<usize>,
    output: Option<usize>,
    flow: Option<&crate::model::site::Flow>,
) -> Decision {
    match flow {
        Some(flow) => Decision { chain: sides::flow_name(flow).to_string(), verdict: "accept" },
        None => Decision { chain: sides::deny_name(gateway, hook, (input, output)).to_string(), verdict: "drop" },
    }
}

/// The chain that drops a packet whose source may not enter by its interface.
#[must_use]
pub fn source_check() -> Decision {
    Decision { chain: "a_local".to_owned(), verdict: "drop" }
}

/// Line of the ruleset at which a decision falls, from 1.
#[must_use]
pub fn line_of(ruleset: &str, decision: &Decision) -> Option<usize> {
    let head = format!("\tchain {} {{", decision.chain);
    let mut lines = ruleset.lines().enumerate().skip_while(|(_, line)| !line.starts_with(&head));
    lines.find(|(_, line)| line.split(' ').any(|word| word.trim() == decision.verdict)).map(|(index, _)| index + 1)
}
