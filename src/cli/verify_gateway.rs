//! `zonec verify` for packet filters: files of a folder and what devices run.

use super::Stop;
use super::verify::{Judged, dump};
use crate::model::Site;
use crate::plan::{GatewayPlan, Plan};
use crate::space::{Packet, Upper};
use crate::verify::gateway::{Difference, GatewayProof};
use serde_json::{Value, json};

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
