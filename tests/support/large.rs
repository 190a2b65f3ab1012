//! Generated sites of any size, for benchmarks and for the shape of growth: the P-A-P structure of a real site in front,
//! and behind it as many internal zones as wanted, in groups of fifty around an internal packet filter each.

use std::fmt::Write;

/// How large a generated site is.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Internal zones, each with one segment and one filter interface.
    pub zones: usize,
    /// Components, spread evenly over the internal zones.
    pub components: usize,
    /// Flows, between components of different internal zones.
    pub flows: usize,
}

/// Zones around one internal packet filter.
const PER_FILTER: usize = 50;

/// The zone file.
pub fn site(size: Size) -> String {
    let mut text = String::from(HEAD);
    for zone in 0..size.zones {
        let _ = writeln!(
            text,
            "  z{zone}: {{ class: internal, protection: normal, environment: production, separation: physical, addresses: [{}.0/24, fd3a:{zone:x}::/64] }}",
            net(zone)
        );
    }
    text.push_str(GATEWAYS);
    for filter in 0..size.zones.div_ceil(PER_FILTER) {
        let _ = writeln!(
            text,
            "  pf-{filter}:\n    stage: zone\n    product: Debian 13 (nftables)\n    dynamic-routing: false\n    interfaces:\n      \
             core0: {{ segment: kern, addresses: [10.9.0.{}] }}",
            filter + 10
        );
        for zone in filter * PER_FILTER..((filter + 1) * PER_FILTER).min(size.zones) {
            let _ =
                writeln!(text, "      z{zone}: {{ segment: z{zone}, addresses: [{}.1, fd3a:{zone:x}::1] }}", net(zone));
        }
    }
    text.push_str(COMPONENTS);
    let zones = size.zones.max(1);
    for component in 0..size.components {
        let (zone, host) = (component % zones, component / zones + 10);
        let _ = writeln!(
            text,
            "  c{component}: {{ kind: app-server, protection: normal, at: {{ z{zone}: [{}.{host}, fd3a:{zone:x}::{host:x}] }} }}",
            net(zone)
        );
    }
    text.push_str(FLOWS);
    for flow in 0..size.flows {
        let from = flow % size.components;
        let step = 1 + flow / size.components * 7 + flow % (zones - 1);
        let mut to = (from + step) % size.components;
        if to % zones == from % zones {
            to = (to + 1) % size.components;
        }
        let _ = writeln!(
            text,
            "  f{flow}: {{ from: c{from}, to: c{to}, service: {}/tcp, purpose: Fachverfahren {}, owner: Team {}, \
             approved: {{ ref: CHG-{flow}, by: ISB, on: 2026-02-10 }} }}",
            1024 + flow % 40_000,
            flow % 97,
            flow % 31,
        );
    }
    text
}

/// The first three bytes of a zone's IPv4 network.
fn net(zone: usize) -> String {
    format!("10.{}.{}", 16 + zone / 256, zone % 256)
}

const HEAD: &str = "\
zonec: 1
site: { name: gross, blueprint: dvs-2.0, operator: Rechenzentrum }
networks:
  internet:
    kind: internet
    informationsverbund: { ref: IV-1, owner: ISB, on: 2026-01-15, valid-until: 2029-01-14 }
    connection-conditions: { ref: V-1, owner: Netzbetrieb, on: 2026-01-20, valid-until: 2030-12-31 }
zones:
  uebergabe: { class: uplink, separation: physical, segments: { uplink: { addresses: [198.51.100.0/30], transit: true } } }
  web:
    class: external.web
    protection: normal
    environment: production
    separation: physical
    segments:
      web-out: { addresses: [203.0.113.0/28] }
      web-in: { addresses: [10.10.2.0/28] }
  kernnetz: { class: internal, protection: normal, environment: production, separation: physical, segments: { kern: { addresses: [10.9.0.0/24], transit: true } } }
";

const GATEWAYS: &str = "\
gateways:
  pf-out:
    stage: outer
    product: Debian 13 (nftables)
    dynamic-routing: false
    interfaces:
      wan0: { segment: uplink, addresses: [198.51.100.2] }
      dmz0: { segment: web-out, addresses: [203.0.113.1] }
  pf-in:
    stage: inner
    product: SLES 15 (nftables)
    dynamic-routing: false
    interfaces:
      dmz0: { segment: web-in, addresses: [10.10.2.1] }
      core0: { segment: kern, addresses: [10.9.0.1] }
";

const COMPONENTS: &str = "\
uplinks:
  leitung: { network: internet, gateway: pf-out, segment: uplink, line: A-1, provider: A, path: [entry:nord] }
components:
  waf-1: { kind: waf, at: { web-out: [203.0.113.4], web-in: [10.10.2.4] }, protocols: [https], tls: terminate }
";

const FLOWS: &str = "\
flows:
  portal: { from: internet, to: waf-1, service: https, purpose: Portal, owner: Team, approved: { ref: CHG, by: ISB, on: 2026-02-10 } }
";
