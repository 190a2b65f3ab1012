//! Replacing a ruleset: what is in the kernel afterwards, and what happens to packets meanwhile.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::lab::Lab;
use crate::packet::{Packet, Transport, flags};
use crate::policy::{Place, Policy, Service, address};
use crate::site::Compiled;
use crate::wire::Wire;

/// Runs the three steps. The error names the step.
pub fn staged(lab: &Lab, compiled: &Compiled) -> Result<(), String> {
    let [build, switch, retire] = &compiled.staged;
    load(lab, build).map_err(|error| format!("1: {error}"))?;
    load(lab, switch).map_err(|error| format!("2: {error}"))?;
    self::retire(lab, retire).map_err(|error| format!("3: {error}"))
}

/// `nft -f` of a text.
pub fn load(lab: &Lab, ruleset: &str) -> Result<(), String> {
    let file = tempfile::NamedTempFile::new().expect("temporary file");
    std::fs::write(file.path(), ruleset).expect("write");
    lab.load(file.path())
}

/// Runs the third step.
pub fn retire(lab: &Lab, script: &str) -> Result<(), String> {
    let output = lab.inside(&lab.gateway, || Command::new("sh").args(["-c", script]).output()).expect("run sh");
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() && error.is_empty() { Ok(()) } else { Err(error) }
}

/// The objects of the table with their content, whatever their order, without generations in their names.
pub fn listing(lab: &Lab) -> BTreeSet<String> {
    let text = lab.nft(&["-s", "list", "table", "inet", "zonec"]);
    text.split("\n\t}").map(|object| without_generations(object.trim_start_matches('\n'))).collect()
}

/// Without `_G` and the hexadecimal digits after it.
fn without_generations(text: &str) -> String {
    let mut parts = text.split("_G");
    let mut kept = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        kept += part.trim_start_matches(|c: char| c.is_ascii_digit() || ('a'..='f').contains(&c));
    }
    kept
}

/// What became of packets while rulesets were replaced.
#[derive(Debug, Default)]
pub struct Losses {
    pub sent: [usize; 3],
    /// Packets of established connections that did not arrive.
    pub established: usize,
    /// Allowed first packets that did not arrive.
    pub new: usize,
    /// Packets that nothing allows and that arrived.
    pub denied: usize,
}

/// Sends three kinds of packets (of a known connection, allowed new ones, denied new ones) while `replace` runs in another
/// thread. `permit` is the flow they belong to; every ruleset that is loaded has to allow it.
pub fn under_traffic(lab: &Lab, policy: &Policy, replace: impl FnOnce() + Send) -> Losses {
    let permit = policy.permits.iter().find(|permit| matches!(permit.service, Service::Tcp(_))).expect("a TCP flow");
    let Service::Tcp(ports) = permit.service.clone() else { unreachable!("chosen so") };
    let [source, destination] =
        [&permit.source, &permit.destination].map(|ranges| address(permit.family, *ranges[0].start()));
    let at = permit.input.map(Place::Interface).expect("forwarded");
    let packet =
        |sport: u16, dport: u16, flags: u8| Packet::new(source, destination, Transport::Tcp { sport, dport, flags });
    let mut wire = Wire::open(lab);
    lab.forget_connections();
    // An open connection: all three packets of the handshake.
    let opener = packet(1, *ports.start(), flags::SYN);
    let far = Place::Interface(permit.output.expect("forwarded"));
    let mut handshake = 0;
    for (place, packet) in [(at, opener.clone()), (far, opener.reply()), (at, opener.next())] {
        wire.send(place, &packet, 0);
        while wire.collect(100, |_| handshake += 1) {}
    }
    assert_eq!(handshake, 3, "the connection opens");

    let done = AtomicBool::new(false);
    let (mut sent, mut arrived) = ([0_usize; 3], [0_usize; 3]);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            replace();
            done.store(true, Ordering::Release);
        });
        let mut number = 0_u32;
        while !done.load(Ordering::Acquire) {
            for _ in 0..16 {
                let sport = 2_000 + (number / 3 % 60_000) as u16;
                let (kind, packet) = match number % 3 {
                    0 => (0, opener.next()),
                    1 => (1, packet(sport, *ports.start(), flags::SYN)),
                    _ => (2, packet(sport, 65_530, flags::SYN)),
                };
                sent[kind] += 1;
                number += 1;
                wire.send(at, &packet, number * 4 + kind as u32);
            }
            wire.collect(0, |sighting| arrived[sighting.tag as usize % 4] += 1);
            std::thread::sleep(Duration::from_millis(2));
        }
        while wire.collect(200, |sighting| arrived[sighting.tag as usize % 4] += 1) {}
    });
    Losses { sent, established: sent[0] - arrived[0], new: sent[1] - arrived[1], denied: arrived[2] }
}
