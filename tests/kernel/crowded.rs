//! A zone pair so crowded that its map is split by destination: no field tells the flows apart.

use std::fmt::Write;

use zonec::source::{Date, MemoryWorld};

use crate::dice::Dice;

/// Thirty hosts of two addresses each on both sides, thirty ports, and 1 500 flows between them.
pub fn site() -> MemoryWorld {
    let mut text = String::from("zonec: 1\nsite: { name: crowded, blueprint: dvs-2.0 }\nzones:\n");
    text += "  a: { class: internal, addresses: [10.1.0.0/24] }\n  b: { class: internal, addresses: [10.2.0.0/24] }\n";
    text += "gateways: { pf: { interfaces: { a0: a, b0: b } } }\ncomponents:\n";
    for (net, zone) in ["a", "b"].iter().enumerate() {
        for host in 0..30 {
            let (first, second) = (4 * host + 4, 4 * host + 5);
            let addresses = format!("[10.{}.0.{first}, 10.{}.0.{second}]", net + 1, net + 1);
            writeln!(text, "  {zone}-{host}: {{ kind: app-server, at: {{ {zone}: {addresses} }} }}").expect("text");
        }
    }
    text += "flows:\n";
    let mut dice = Dice(3);
    for flow in 0..1_500 {
        let (from, to, port) = (dice.below(30), dice.below(30), 8_000 + 2 * dice.below(30));
        writeln!(text, "  f{flow}: {{ from: a-{from}, to: b-{to}, service: {port}/tcp }}").expect("text");
    }
    let files = std::collections::BTreeMap::from([("site.yaml".to_owned(), text.into_bytes())]);
    MemoryWorld { files, as_of: Date::new(2026, 11, 24).expect("a date"), main: "site.yaml".to_owned() }
}
