//! Random zone files: up to eight zones and two hundred flows around one packet filter or two parallel ones.
//!
//! They break many rules of the catalogue, which is not the point here; they resolve, so they compile, and what is
//! compiled must be what the plan says. Addresses and ports lie close together, so that flows overlap and touch.

#![allow(
    dead_code,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test stops at what it did not expect; every test program uses a part"
)]

use std::fmt::Write;

use zonec::source::{Date, MemoryWorld};

use crate::dice::Dice;

/// `gw` and `local` are words of the ruleset too.
const ZONES: [&str; 8] =
    ["gw", "local", "app", "app-db", "db", "fach", "x", "very-long-name-of-a-zone-that-has-to-be-cut"];

const SERVICES: [&str; 14] = [
    "443/tcp",
    "80-81/tcp",
    "1-1023/tcp",
    "8000-8099/tcp",
    "8050-8150/tcp",
    "1-65535/tcp",
    "53/udp",
    "53/tcp",
    "123-200/udp",
    "[icmp:echo-request, icmpv6:echo-request]",
    "esp",
    "[22/tcp, 514/udp, gre]",
    "[2905/sctp, 2905/tcp]",
    "ah",
];

/// A site of this seed: up to eight zones and two hundred flows.
pub fn site(seed: u64) -> MemoryWorld {
    let mut dice = Dice(seed);
    let zones = 3 + dice.below(6);
    written(dice, zones, 200)
}

/// A small one: up to four zones and twelve flows.
pub fn small(seed: u64) -> MemoryWorld {
    let mut dice = Dice(seed);
    let zones = 2 + dice.below(3);
    written(dice, zones, 12)
}

fn written(mut dice: Dice, zones: usize, most: usize) -> MemoryWorld {
    let zones = &ZONES[..zones];
    let mut text = String::from(
        "zonec: 1\nsite: { name: random, blueprint: dvs-2.0 }\nnetworks: { internet: { kind: internet } }\nzones:\n",
    );
    let mut dual = Vec::new();
    for (number, zone) in zones.iter().enumerate() {
        let length = dice.pick(&[24, 26, 28]);
        dual.push(dice.chance(80));
        let v6 = if dual[number] { format!(", fd00:0:0:{number}::/64") } else { String::new() };
        writeln!(text, "  {zone}: {{ class: internal, addresses: [10.9.{number}.0/{length}{v6}] }}").expect("text");
    }
    text += "gateways:\n";
    for gateway in 0..1 + dice.below(2) {
        writeln!(text, "  pf-{gateway}:\n    interfaces:\n      wan0: internet").expect("text");
        for (number, zone) in zones.iter().enumerate() {
            let own = gateway + 1;
            let v6 = if dual[number] { format!(", fd00:0:0:{number}::{own}") } else { String::new() };
            writeln!(text, "      eth{number}: {{ segment: {zone}, addresses: [10.9.{number}.{own}{v6}] }}")
                .expect("text");
        }
    }
    text += "components:\n";
    let mut ends: Vec<(usize, String)> = vec![(usize::MAX, "internet".into()), (usize::MAX - 1, "pf-0".into())];
    for (number, zone) in zones.iter().enumerate() {
        ends.push((number, (*zone).to_owned()));
        let mut free = 3;
        for host in 0..1 + dice.below(4) {
            let count = 1 + dice.below(3);
            let mut addresses: Vec<String> = (0..count).map(|n| format!("10.9.{number}.{}", free + n)).collect();
            if dual[number] && dice.chance(70) {
                addresses.extend((0..count).map(|n| format!("fd00:0:0:{number}::{:x}", free + n)));
            }
            free += count + dice.below(2);
            let name = format!("host-{number}-{host}");
            let list = addresses.join(", ");
            writeln!(text, "  {name}: {{ kind: app-server, at: {{ {zone}: [{list}] }} }}").expect("text");
            ends.push((number, name));
        }
    }
    text += "flows:\n";
    for flow in 0..1 + dice.below(most) {
        let (from, to) = (dice.pick(&ends).clone(), dice.pick(&ends).clone());
        let outside = |place: usize| place >= usize::MAX - 1;
        if from.0 == to.0 || (outside(from.0) && outside(to.0)) {
            continue;
        }
        let service = *dice.pick(&SERVICES);
        let family = match () {
            () if service == "ah" || dice.chance(10) => ", family: ipv4",
            () => "",
        };
        let log = if dice.chance(20) { ", log: new" } else { "" };
        writeln!(text, "  f-{flow}: {{ from: {}, to: {}, service: {service}{family}{log} }}", from.1, to.1)
            .expect("text");
    }
    let files = std::collections::BTreeMap::from([("site.yaml".to_owned(), text.into_bytes())]);
    MemoryWorld { files, as_of: Date::new(2026, 11, 24).expect("a date"), main: "site.yaml".to_owned() }
}
