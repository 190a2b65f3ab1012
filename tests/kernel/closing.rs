//! Does removing a flow end its connections, and only its own?

use std::collections::BTreeSet;
use std::process::Command;

use crate::lab::{self, Lab};
use crate::packet::Transport;
use crate::policy::{Place, Policy};
use crate::probes::Generator;
use crate::replace;
use crate::site::Compiled;
use crate::wire::Wire;

/// What the lines of the flows did, one flow after the other.
#[derive(Debug, Default)]
pub struct Judged {
    /// Connections that were open.
    pub opened: usize,
    /// Connections that only the removed flow allowed and that ended.
    pub ended: usize,
    /// The same, but still known to the kernel: the lines miss something.
    pub survived: Vec<String>,
    /// Connections that another flow still allows and that ended: the lines take too much.
    pub killed: Vec<String>,
}

/// Opens connections through the gateway and removes flows one by one, by their lines alone.
pub fn judge(compiled: &Compiled) -> Judged {
    let policy = &compiled.policy;
    let lab = Lab::build(policy);
    replace::load(&lab, &compiled.ruleset).expect("loads");
    lab.inside(&lab.gateway, lab::remember_connections);
    let flows: BTreeSet<&str> = policy.permits.iter().map(|permit| permit.flow.as_str()).collect();
    let cases = Generator::new(policy, 11).cases(6_000);
    let cases: Vec<_> = cases
        .into_iter()
        .filter(|case| case.from != Place::Host && !case.packet.fragmented && !case.packet.options)
        .filter(|case| policy.opens(case.from, &case.packet).is_some())
        .collect();
    let mut judged = Judged::default();
    for flow in flows.into_iter().take(8) {
        lab.forget_connections();
        let mut wire = Wire::open(&lab);
        for (number, case) in cases.iter().enumerate() {
            wire.send(case.from, &case.packet, number as u32);
        }
        while wire.collect(50, |_| ()) {}
        let without = Policy {
            permits: policy.permits.iter().filter(|permit| permit.flow != flow).cloned().collect(),
            ..policy.clone()
        };
        let before = known(&lab);
        for line in compiled.closing(flow) {
            // Exit status 1 means that nothing matched.
            lab.inside(&lab.gateway, || Command::new("sh").args(["-c", &line]).output()).expect("run sh");
        }
        let after = known(&lab);
        for case in &cases {
            let key = key(&case.packet);
            if !before.contains(&key) {
                continue;
            }
            judged.opened += 1;
            let allowed = cases
                .iter()
                .any(|other| self::key(&other.packet) == key && without.opens(other.from, &other.packet).is_some());
            match (allowed, after.contains(&key)) {
                (false, false) => judged.ended += 1,
                (false, true) => judged.survived.push(format!("{flow}: {key}")),
                (true, false) => judged.killed.push(format!("{flow}: {key}")),
                (true, true) => {}
            }
        }
    }
    judged
}

/// A connection in words: protocol, ends, and ports or type in the direction of its first packet.
fn key(packet: &crate::packet::Packet) -> String {
    let ends = format!("{} {} {}", packet.protocol(), packet.source, packet.destination);
    match &packet.transport {
        Transport::Tcp { sport, dport, .. }
        | Transport::Udp { sport, dport }
        | Transport::Sctp { sport, dport, .. } => {
            format!("{ends} {sport} {dport}")
        }
        Transport::Icmp { kind, id, .. } => format!("{ends} {kind} {id}"),
        _ => ends,
    }
}

/// The connections that the kernel knows.
fn known(lab: &Lab) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for family in ["ipv4", "ipv6"] {
        let list = || Command::new("conntrack").args(["-L", "-f", family]).output().expect("run conntrack");
        let output = lab.inside(&lab.gateway, list);
        for line in String::from_utf8_lossy(&output.stdout).lines() {
            let mut words = line.split_whitespace();
            let protocol = words.nth(1).unwrap_or_default();
            let value = |name: &str| {
                let found = line.split_whitespace().find_map(|word| word.strip_prefix(name)?.strip_prefix('='));
                found.unwrap_or_default().to_owned()
            };
            let ends = format!("{protocol} {} {}", value("src"), value("dst"));
            let rest = match protocol {
                "6" | "17" | "132" => format!(" {} {}", value("sport"), value("dport")),
                "1" | "58" => format!(" {} {}", value("type"), value("id")),
                _ => String::new(),
            };
            found.insert(ends + &rest);
        }
    }
    found
}
