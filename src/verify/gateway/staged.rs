//! The lossless form of a ruleset (docs/operate-nftables.md), each step by what it does.
//!
//! Between the steps packets must meet the old ruleset or the new one, never a mixture, whatever the old one is. So the first
//! step may add nothing that packets meet, and the second has to lead to the new ruleset from an empty table as well as
//! from one in use.

use super::{GatewayProof, of_text};
use crate::model::Site;
use crate::plan::GatewayPlan;
use crate::readers::nftables::{Ruleset, text};

/// The first step builds beside what is loaded: it changes no verdict. `whole` is the ruleset in one piece, which stands for
/// the one in use.
#[must_use]
pub fn of_build(site: &Site, gateway: &GatewayPlan, whole: &str, build: &str) -> GatewayProof {
    let apart = text::parse(build).map_err(|remark| remark.to_string()).and_then(|ruleset| stands_apart(&ruleset));
    let proof = of_text(site, gateway, &joined(&[whole, build]));
    match apart {
        // Equal beside this ruleset says nothing of others.
        Err(reason) if proof.holds() => GatewayProof::unreadable(reason),
        _ => proof,
    }
}

/// The second step leads to the new ruleset: after it packets get the model's verdicts, whatever was in the table. Three
/// tables stand for all: an empty one, one whose base chains let everything pass and one whose base chains drop everything.
/// A rule of the old ruleset that is left over decides differently in one of the last two.
#[must_use]
pub fn of_switch(site: &Site, gateway: &GatewayPlan, build: &str, switch: &str) -> GatewayProof {
    let olds = [String::new(), in_use("accept"), in_use("drop")];
    let mut proofs = olds.iter().map(|old| of_text(site, gateway, &joined(&[old, build, switch])));
    proofs.find(|proof| !proof.holds()).unwrap_or_default()
}

/// The base chains of a ruleset in use, all with this verdict.
fn in_use(verdict: &str) -> String {
    let chain = |(name, hook, priority): (&str, &str, &str)| {
        format!("chain {name} {{\ntype filter hook {hook} priority {priority}; policy drop;\n{verdict}\n}}\n")
    };
    let chains = [
        ("antispoof", "prerouting", "raw"),
        ("forward", "forward", "filter"),
        ("input", "input", "filter"),
        ("output", "output", "filter"),
    ];
    format!("table inet zonec {{\n{}}}\n", chains.map(chain).concat())
}

fn joined(files: &[&str]) -> String {
    files.join("\n")
}

/// Whether a file adds only what no packet meets and no other ruleset holds. A command that changes something which the file
/// did not make itself is one of the reader's remarks, because the reader starts with an empty machine.
fn stands_apart(ruleset: &Ruleset) -> Result<(), String> {
    if let Some(remark) = ruleset.remarks.first() {
        return Err(remark.to_string());
    }
    let mut generations = Vec::new();
    for table in &ruleset.tables {
        if (table.family.as_str(), table.name.as_str()) != ("inet", "zonec") {
            return Err(format!("table {} {} is not the ruleset's own", table.family, table.name));
        }
        if let Some((name, _)) = table.chains.iter().find(|(_, chain)| chain.base.is_some()) {
            return Err(format!("chain {name} is on a hook already"));
        }
        for name in table.chains.keys().chain(table.sets.keys()) {
            generations.push(generation(name).ok_or_else(|| format!("`{name}` may be part of the ruleset in use"))?);
        }
    }
    generations.dedup();
    if generations.len() > 1 { Err("two generations in one file".to_owned()) } else { Ok(()) }
}

/// What the names of one staged ruleset end in: `_G` and eight hexadecimal digits.
fn generation(name: &str) -> Option<&str> {
    let (_, digits) = name.rsplit_once("_G")?;
    let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    (digits.len() == 8 && hexadecimal).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn apart(text: &str) -> Result<(), String> {
        stands_apart(&text::parse(text).unwrap())
    }

    #[test]
    fn only_what_nothing_leads_to_stands_apart() {
        let chain = |name: &str, rule: &str| format!("table inet zonec {{\nchain {name} {{\n{rule}\n}}\n}}\n");
        assert_eq!(apart(&chain("f_a_G0123abcd", "accept")), Ok(()));
        for text in [
            chain("f_a", "accept"),
            chain("forward", "type filter hook forward priority filter; policy drop;"),
            chain("f_a_G0123abcd", "accept").replace("inet zonec", "ip other"),
            chain("f_a_G0123abcd", "accept") + &chain("f_b_G0123abce", "accept"),
            chain("f_a_G0123abcd", "accept") + "flush chain inet zonec forward\n",
            chain("f_a_G0123abcd", "accept") + "add rule inet zonec d_in accept\n",
        ] {
            assert!(apart(&text).is_err(), "{text}");
        }
    }
}
