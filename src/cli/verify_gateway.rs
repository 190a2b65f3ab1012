//! `zonec verify` for packet filters: files of a folder and what devices run.

use super::Stop;
use super::verify::{Judged, dump};
use crate::model::Site;
use crate::plan::{GatewayPlan, Plan};
use crate::space::{Packet, Upper};
use crate::targets::{Files, nftables};
use crate::verify::gateway::{Difference, GatewayProof, of_build, of_switch, of_text};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// The rulesets of a folder, in one piece and, where `compile --staged` wrote them, in three steps. `files` is what the site
/// compiles to, `found` the texts of the folder by their paths.
pub(super) fn emitted(site: &Site, plan: &Plan, files: &Files, found: &BTreeMap<String, String>) -> Vec<Judged> {
    let staged = found.keys().any(|path| path.starts_with("nftables/") && path.contains(".staged/"));
    let mut judged = Vec::new();
    for gateway in &plan.gateways {
        let path = |end: &str| format!("nftables/{}{end}", gateway.name);
        let text = |end: &str| found.get(&path(end)).map(String::as_str);
        let mut judge = |end: &str, proof: Option<GatewayProof>| {
            judged.push(of_ruleset(path(end), gateway, &proof.unwrap_or_else(GatewayProof::missing)));
        };
        judge(".nft", text(".nft").map(|text| of_text(site, gateway, text)));
        if !staged {
            continue;
        }
        let whole = files.get(&path(".nft")).unwrap_or_default();
        let [build, switch, retire] = STEPS.map(text);
        judge(STEPS[0], build.map(|build| of_build(site, gateway, whole, build)));
        let both = build.zip(switch).map(|(build, switch)| of_switch(site, gateway, build, switch));
        judge(STEPS[1], both);
        judge(STEPS[2], retire.map(of_retire));
    }
    judged.extend(strangers(plan, found));
    judged
}

/// The lossless form of a ruleset.
const STEPS: [&str; 3] = [".staged/1-build.nft", ".staged/2-switch.nft", ".staged/3-retire.sh"];

/// The third step is a script, which no reader understands: it has to be the one that this program writes.
fn of_retire(script: &str) -> GatewayProof {
    if script == nftables::RETIRE {
        return GatewayProof::default();
    }
    GatewayProof::unreadable("it is not the script that this version of zonec writes".to_owned())
}

/// Files of gateways that the site does not have: whoever loads one loads what no model allows.
fn strangers(plan: &Plan, found: &BTreeMap<String, String>) -> Vec<Judged> {
    let known = |path: &str| {
        plan.gateways.iter().any(|gateway| {
            let end = path.strip_prefix("nftables/").and_then(|name| name.strip_prefix(gateway.name.as_str()));
            end.is_some_and(|end| end == ".nft" || STEPS.contains(&end))
        })
    };
    let stray = found.keys().filter(|path| path.starts_with("nftables/") && !known(path));
    let judged = stray.map(|path| Judged {
        file: path.clone(),
        enforcer: String::new(),
        result: "differs",
        detail: "the site has no gateway with this file".to_owned(),
        counterexample: Value::Null,
        remarks: Vec::new(),
        residual: &[],
    });
    judged.collect()
}

/// The rulesets of `--OPTION GATEWAY=FILE`, read and proven.
pub(super) fn deployed(
    site: &Site,
    plan: &Plan,
    option: &str,
    arguments: &[String],
    prove: fn(&Site, &GatewayPlan, &str) -> GatewayProof,
) -> Result<Vec<Judged>, Stop> {
    let one = |argument: &String| {
        let (name, file, text) = dump(option, argument)?;
        let runs = |gateway: &&GatewayPlan| gateway.name == name || gateway.replicas.iter().any(|own| own == name);
        let found = plan.gateways.iter().find(runs);
        let gateway = found.ok_or_else(|| Stop::Invalid(format!("no ruleset is generated for a gateway `{name}`")))?;
        Ok(Judged { enforcer: name.to_owned(), ..of_ruleset(file.to_owned(), gateway, &prove(site, gateway, &text)) })
    };
    arguments.iter().map(one).collect()
}

/// What the proof of a ruleset does not speak of (docs/verification.md).
const FILTER_RESIDUAL: [&str; 3] = [
    "connections that are open stay open, whatever the ruleset says now",
    "rules outside of nftables (iptables-legacy, eBPF, hardware offload) are not in the file",
    "how often something is logged or counted",
];

pub(super) fn of_ruleset(file: String, gateway: &GatewayPlan, proof: &GatewayProof) -> Judged {
    let mut examples = proof.differences.iter().chain(&proof.doubts).map(difference);
    let counterexample = examples.next().unwrap_or(Value::Null);
    let unclear = proof.unclear.iter().filter(|_| !proof.holds()).map(|text| json!({"unknown": text}));
    Judged {
        file,
        enforcer: gateway.name.clone(),
        result: proof.answer().word(),
        detail: proof.to_string(),
        counterexample,
        remarks: examples.chain(unclear).collect(),
        residual: &FILTER_RESIDUAL,
    }
}

fn difference(found: &Difference) -> Value {
    let verdict = |allowed: bool| if allowed { "allow" } else { "deny" };
    json!({
        "packet": packet(&found.packet, &found.interfaces),
        "text": found.shown,
        "model": verdict(found.model()),
        "basis": found.basis,
        "artefact": verdict(!found.model()),
        "rule": found.rule,
    })
}

fn packet(packet: &Packet, [input, output]: &[Option<String>; 2]) -> Value {
    let mut value = json!({
        "hook": packet.hook.name(), "input": input, "output": output, "state": packet.state.name(),
        "source": packet.source, "destination": packet.destination, "protocol": packet.upper.protocol(),
    });
    match packet.upper {
        Upper::Tcp { source, destination, opening } => {
            (value["source_port"], value["destination_port"]) = (source.into(), destination.into());
            value["opening"] = opening.into();
        }
        Upper::Ports { source, destination, .. } => {
            (value["source_port"], value["destination_port"]) = (source.into(), destination.into());
        }
        Upper::Icmp { kind, code } | Upper::Icmpv6 { kind, code, .. } => {
            (value["icmp_type"], value["icmp_code"]) = (kind.into(), code.into());
        }
        Upper::Other { .. } => {}
    }
    value
}
