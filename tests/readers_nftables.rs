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

/// A frame with something in place of the forward chain's rules.
fn with(rule: &str) -> String {
    let changed = FRAME.replace("policy drop;\n", &format!("policy drop;\n\t\t{rule}\n"));
    assert_ne!(changed, FRAME);
    changed
}

#[test]
fn what_may_rewrite_packets_makes_everything_uncertain() {
    for rule in
        ["ip daddr set 10.0.0.1", "notrack", "flow add @f", "ct helper set \"ftp\"", "tcp option mss size set rt mtu"]
    {
        assert!(!read(&with(rule)).1, "{rule}");
    }
    let beside = "table ip n { chain c { type nat hook prerouting priority dstnat; policy accept; tcp dport 80 dnat to 10.2.0.10; }\n}\n";
    assert!(!read(&format!("{FRAME}{beside}")).1);
    let source = "table ip n { chain c { type nat hook postrouting priority srcnat; policy accept; masquerade; }\n}\n";
    assert!(read(&format!("{FRAME}{source}")).1, "the forward chain sees the addresses of the space");
    let early = "table ip e { chain c { type filter hook prerouting priority raw; policy accept; }\n}\n";
    assert!(!read(&format!("{FRAME}{source}{early}")).1);
}

#[test]
fn a_nat_chain_sees_first_packets_only() {
    let nat = "table ip n { chain c { type nat hook postrouting priority srcnat; policy drop; }\n}\n";
    assert!(!read(&format!("{FRAME}{nat}")).1);
}

#[test]
fn untracked_families_are_not_certain() {
    let v4 =
        "table ip t { chain f { type filter hook forward priority 0; policy drop; ct state established accept; }\n}\n";
    assert!(!read(v4).1, "IPv6 fragments are not reassembled");
    assert!(read(&v4.replace("table ip t", "table inet t")).1);
}

#[test]
fn an_index_is_no_name_and_a_star_is_no_value() {
    assert!(read(&with("iifname \"eth7\" accept")).1);
    assert!(!read(&with("iif 7 accept")).1);
    assert!(!read(&with("ip saddr vmap { 10.0.0.0/8 : accept, * : drop }")).1);
    assert!(!read(&with("fib saddr . iif oif missing drop")).1);
}

#[test]
fn a_policy_stays_when_it_is_not_named_again() {
    let twice = "table inet t { chain f { type filter hook forward priority 0; policy drop; }\n}\n\
                 table inet t { chain f { type filter hook forward priority 0; ct state established accept; }\n}\n";
    let (passing, certain) = read(twice);
    assert!(
        certain && !passing.iter().any(|line| line.contains("policy") && line.starts_with("forward")),
        "{passing:#?}"
    );
}

#[test]
fn a_listing_hides_guards_of_the_family() {
    let frame = |rule: &str| {
        format!(
            r#"{{"nftables": [
                {{"chain": {{"family": "inet", "table": "t", "name": "f", "type": "filter", "hook": "forward", "prio": 0, "policy": "drop"}}}},
                {{"rule": {{"family": "inet", "table": "t", "chain": "f", "handle": 4, "expr": [
                    {{"match": {{"op": "in", "left": {{"ct": {{"key": "state"}}}}, "right": "established"}}}}, {{"accept": null}}]}}}},
                {{"rule": {{"family": "inet", "table": "t", "chain": "f", "handle": 5, "expr": [{rule}, {{"accept": null}}]}}}}]}}"#
        )
    };
    let echo = r#"{"match": {"op": "==", "left": {"payload": {"protocol": "icmp", "field": "type"}}, "right": "echo-request"}}"#;
    let v4 = r#"{"match": {"op": "==", "left": {"meta": {"key": "protocol"}}, "right": "ip"}}"#;
    assert!(!read(&frame(echo)).1, "IPv6 packets with protocol 1 may pass");
    let (passing, certain) = read(&frame(&format!("{v4}, {echo}")));
    assert!(certain && passing.iter().any(|line| line.contains("handle 5")), "{passing:#?}");
}

#[test]
fn text_without_end_and_other_json_are_errors() {
    assert!(text::parse("table inet t {\n chain c {\n").is_err());
    assert!(text::parse("ip saddr $nobody accept\n").is_err());
    assert!(json::parse("{}").is_err());
    assert!(json::parse("table").is_err());
}

#[test]
fn a_file_that_removes_tables_of_others_is_not_certain() {
    let own = "table inet t\ndelete table inet t\n";
    assert!(read(&format!("{own}{FRAME}")).1, "a file may replace what it makes");
    for before in
        ["flush ruleset\n", "delete table ip nat\n", "destroy table ip nat\n", "table ip x\ndelete table ip x\n"]
    {
        assert!(!read(&format!("{before}{FRAME}")).1, "{before}");
        assert!(!read(&format!("{FRAME}{before}")).1, "{before}");
    }
}
