//! The nftables reader: what passes, what does not, and what it must not claim to know.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use zonec::readers::nftables::{Program, json, text};
use zonec::space::{Interfaces, PacketSpace};

const FRAME: &str = r#"
table inet t {
	chain f_web { counter accept comment "flow web"; }
	map m { type ipv4_addr . ipv4_addr . inet_service : verdict; flags interval
		elements = { 10.2.0.10 . 10.1.0.0/16 . 80-81 : goto f_web }
	}
	chain p { ip daddr . ip saddr . tcp dport vmap @m; drop; }
	chain forward {
		type filter hook forward priority filter; policy drop;
		ct state vmap { established : accept, invalid : drop }
		iifname . oifname vmap { "eth1" . "eth2" : goto p }
	}
}
"#;

/// Packets that may pass, that may be dropped, and whether the two exclude each other.
fn read(ruleset: &str) -> (Vec<String>, bool) {
    let ruleset =
        if ruleset.trim_start().starts_with('{') { json::parse(ruleset) } else { text::parse(ruleset) }.unwrap();
    let mut interfaces = Interfaces::new();
    Program::name_interfaces(&ruleset, &mut interfaces);
    let mut program = Program::new(&ruleset, &interfaces);
    let mut space = PacketSpace::covering(program.regions()).unwrap();
    let fates = program.evaluate(&mut space).unwrap();
    let arena = space.arena();
    let (accepted, dropped) = (arena.domain(fates.accepted), arena.domain(fates.dropped));
    let all = arena.union(accepted, dropped);
    let both = arena.intersection(accepted, dropped);
    assert_eq!(all, space.universe(), "every packet has a fate");
    let mut shown = Vec::new();
    for label in space.arena().labels(fates.accepted) {
        let packets = space.arena().labelled(fates.accepted, |other| other == label);
        let packet = space.witness(packets).unwrap();
        shown.push(format!("{} <- {}", packet.located(&interfaces), program.decision(label).unwrap()));
    }
    (shown, both.is_empty() && !fates.uncertain)
}

#[test]
fn the_rule_that_decides_is_named() {
    let (passing, certain) = read(FRAME);
    assert!(certain);
    let web = "forward eth1 > eth2: tcp 10.1.0.1:49152 -> 10.2.0.10:80 \
               <- chain f_web of table inet t, line 3: accept (flow web)";
    assert!(passing.iter().any(|line| line == web), "{passing:#?}");
}

#[test]
fn a_later_table_that_drops_is_noticed() {
    let (before, _) = read(FRAME);
    let later = "table ip x { chain c { type filter hook forward priority 10; policy drop; }\n}\n";
    let (after, certain) = read(&format!("{FRAME}{later}"));
    assert!(certain);
    assert!(before.iter().any(|line| line.contains("flow web")));
    assert!(!after.iter().any(|line| line.contains("flow web")), "{after:#?}");
}

#[test]
fn what_is_not_understood_is_never_certain() {
    let foreign = [
        "meta mark 5 accept",
        "fib saddr . iif oif missing drop",
        "limit rate 10/second accept",
        "tcp dport 80 queue num 1",
        "ip6 nexthdr tcp accept",
        "tcp flags & (fin|syn) == (fin|syn) drop",
    ];
    for rule in foreign {
        let changed = FRAME.replace("policy drop;\n", &format!("policy drop;\n\t\t{rule}\n"));
        assert_ne!(changed, FRAME);
        assert!(!read(&changed).1, "{rule}");
    }
}

#[test]
fn text_without_end_and_other_json_are_errors() {
    assert!(text::parse("table inet t {\n chain c {\n").is_err());
    assert!(text::parse("ip saddr $nobody accept\n").is_err());
    assert!(json::parse("{}").is_err());
    assert!(json::parse("table").is_err());
}
