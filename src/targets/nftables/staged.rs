//! The lossless form: the new ruleset is built beside the old one, the base chains are switched over, the old one is
//! removed. Three steps, because the kernel shows the elements of a new map only when its transaction ends: a new
//! connection that met the new chains in the same transaction would find them empty (docs/operate-nftables.md).

use super::ruleset::Item;
use super::{BASES, NftError, header, items};
use crate::plan::GatewayPlan;
use crate::targets::{Files, Origin};
use sha2::{Digest, Sha256};
use std::fmt::{self, Write};

/// The third step: removes whatever the base chains no longer lead to. It asks the kernel, so it is the same for every
/// ruleset.
pub const RETIRE: &str = include_str!("../../../targets/nftables/retire.sh");

/// Writes `nftables/<gateway>.staged/`: `1-build.nft`, `2-switch.nft`, `3-retire.sh`.
///
/// # Errors
/// As the ruleset in one piece.
pub(super) fn emit(gateway: &GatewayPlan, origin: Origin<'_>, files: &mut Files) -> Result<(), NftError> {
    let fail = |error: fmt::Error| NftError { gateway: gateway.name.clone(), reason: error.to_string() };
    let generation = generation(&items(gateway, origin, "")?).map_err(fail)?;
    let items = items(gateway, origin, &generation)?;
    let folder = format!("nftables/{}.staged", gateway.name);
    files.add(format!("{folder}/1-build.nft"), build(gateway, origin, &items, &generation).map_err(fail)?);
    files.add(format!("{folder}/2-switch.nft"), switch(gateway, origin, &items, &generation).map_err(fail)?);
    files.add(format!("{folder}/3-retire.sh"), RETIRE);
    Ok(())
}

/// What the names of this ruleset end in: the same content has the same generation. No other name has a `G`
/// (`names::Name`).
fn generation(items: &[Item]) -> Result<String, fmt::Error> {
    let mut text = String::new();
    for item in items {
        item.write(&mut text)?;
    }
    Ok(Sha256::digest(text).iter().take(4).fold("_G".to_owned(), |name, byte| format!("{name}{byte:02x}")))
}

fn build(gateway: &GatewayPlan, origin: Origin<'_>, items: &[Item], generation: &str) -> Result<String, fmt::Error> {
    let steps = [
        format!("Step 1 of 3: builds generation {generation} beside the ruleset that is loaded; no packet meets it yet."),
        "\"File exists\" means that this generation is in the kernel already: run 3-retire.sh, or nothing is left to do.".to_owned(),
        "load: nft -f 1-build.nft && nft -f 2-switch.nft; sh 3-retire.sh".to_owned(),
    ];
    let mut text = header(gateway, origin, &steps);
    text.push_str("table inet zonec { }\n");
    // The first counter is created, not added: a second run must not append to the chains of the first.
    let (mut first, mut body) = (String::new(), String::new());
    for item in items {
        match item {
            Item::Counter(name) if first.is_empty() => writeln!(first, "create counter inet zonec {name}")?,
            Item::Chain(chain) if chain.base.is_some() => {}
            item => item.write(&mut body)?,
        }
    }
    write!(text, "{first}\ntable inet zonec {{\n{body}}}\n")?;
    Ok(text)
}

fn switch(gateway: &GatewayPlan, origin: Origin<'_>, items: &[Item], generation: &str) -> Result<String, fmt::Error> {
    let steps = [
        format!("Step 2 of 3: the base chains lead to generation {generation} from now on. Needs step 1."),
        "load: nft -f 2-switch.nft; sh 3-retire.sh".to_owned(),
    ];
    let mut text = header(gateway, origin, &steps);
    text.push_str("table inet zonec {\n");
    for (name, base) in BASES {
        writeln!(text, "\tchain {name} {{ {base} }}")?;
    }
    text.push_str("}\n");
    for (name, _) in BASES {
        writeln!(text, "flush chain inet zonec {name}")?;
    }
    text.push_str("\ntable inet zonec {\n");
    for item in items {
        if matches!(item, Item::Chain(chain) if chain.base.is_some()) {
            item.write(&mut text)?;
        }
    }
    text.push_str("}\n");
    Ok(text)
}
