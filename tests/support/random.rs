//! Random sites with one Cilium cluster, the same for the same seed.

use std::fmt::Write;

/// Numbers from a seed (xorshift).
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// Namespaces, workloads and flows between workloads, namespaces, hosts and a partner's network.
pub fn random_site(seed: u64) -> String {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    for _ in 0..8 {
        dice.below(2);
    }
    let mut text = "zonec: 1\nsite: { name: random, blueprint: dvs-2.0 }\n\
        networks:\n  partner: { kind: partner, addresses: [203.0.113.0/25, 2001:db8:9::/48] }\n\
        zones:\n  app: { class: external.app, addresses: [10.10.0.0/24, fd00:10::/64] }\n  db: { class: external.db, addresses: [10.20.0.0/24, fd00:20::/64] }\n\
        gateways:\n  g: { interfaces: { a0: app, d0: db, p0: partner } }\n\
        clusters:\n  c1:\n    zone: app\n    policy: cilium\n    \
        node-pools: { w: { segment: app, role: worker, addresses: [10.10.0.21, fd00:10::21] } }\n    \
        pods: [10.244.0.0/16, fd00:244::/56]\n    egress: nodes\n    ingress-source: preserved\n    namespaces:\n"
        .to_owned();
    let namespaces = 2 + dice.below(3);
    for n in 0..namespaces {
        let _ = writeln!(text, "      n{n}: {{{}}}", if n > 1 && dice.below(4) == 0 { " system: true " } else { "" });
    }
    text.push_str("components:\n  host-a: { kind: app-server, at: { db: [10.20.0.5, fd00:20::5] } }\n  host-b: { kind: database, at: { db: [10.20.0.6] } }\n");
    let mut names = Vec::new();
    for n in 0..namespaces {
        for w in 0..=dice.below(3) {
            let name = format!("w{n}{w}");
            let port = 8000 + dice.below(4);
            let listens =
                if dice.below(2) == 0 { format!(", listens: {{ https: {port}/tcp }}") } else { String::new() };
            let at = format!("at: {{ app: [10.10.0.{}, \"fd00:10::{}\"] }}", 100 + n * 10 + w, 100 + n * 10 + w);
            let _ = writeln!(text, "  {name}: {{ kind: workload, in: c1/n{n}, {at}{listens} }}");
            names.push(name);
        }
    }
    text.push_str("flows:\n");
    let services = ["https", "5432/tcp", "53/udp", "8000-8010/tcp", "[443/tcp, 443/udp]", "dns"];
    for f in 0..4 + dice.below(8) {
        let workload = names[dice.below(names.len())].clone();
        let other = match dice.below(6) {
            0 => "partner".to_owned(),
            1 => "host-a".to_owned(),
            2 => "host-b".to_owned(),
            3 => format!("c1/n{}", dice.below(namespaces)),
            _ => names[dice.below(names.len())].clone(),
        };
        if other == workload {
            continue;
        }
        let service = services[dice.below(services.len())];
        let to_namespace = other.contains('/');
        let (from, to) = if dice.below(2) == 0 && !to_namespace { (other, workload) } else { (workload, other) };
        let _ = writeln!(text, "  f{f}: {{ from: {from}, to: {to}, service: {service} }}");
    }
    text
}
