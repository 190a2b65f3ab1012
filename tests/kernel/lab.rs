//! One gateway under test in its own network namespace, and one namespace of hosts behind each of its interfaces.
//!
//! The gateway's links have neither ARP nor neighbour discovery and every route goes through one made-up next hop, so
//! every address "exists" behind its interface and the hosts can be raw packet sockets (see `wire`).

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sched::{CloneFlags, setns};

use crate::packet::{GATEWAY_MAC, HOST_MAC};
use crate::policy::{FAMILIES, Family, Policy, Range, address};

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// Namespaces of one gateway; removed when dropped.
pub struct Lab {
    pub gateway: String,
    pub hosts: Vec<String>,
}

/// What is missing here for the kernel tests, or `None` when all of them can run.
pub fn missing() -> Option<String> {
    if !nix::unistd::geteuid().is_root() {
        return Some("not root: network namespaces cannot be made".into());
    }
    for (tool, option) in [("ip", "-V"), ("nft", "-v"), ("conntrack", "-V")] {
        if Command::new(tool).arg(option).output().is_err() {
            return Some(format!("`{tool}` is not installed"));
        }
    }
    None
}

impl Lab {
    /// Builds the namespaces, links, addresses and routes for this gateway. No ruleset is loaded yet.
    pub fn build(policy: &Policy) -> Lab {
        let stem = format!("zk{}-{}", std::process::id(), COUNTER.fetch_add(1, Ordering::Relaxed));
        let gateway = format!("{stem}-gw");
        let hosts: Vec<String> = (0..policy.interfaces.len()).map(|n| format!("{stem}-h{n}")).collect();
        let lab = Lab { gateway, hosts };
        let names = std::iter::once(&lab.gateway).chain(&lab.hosts);
        ip(&[], &names.map(|name| format!("netns add {name}\n")).collect::<String>());
        lab.inside(&lab.gateway, prepare_gateway);
        for host in &lab.hosts {
            lab.inside(host, || set("ipv6/conf/default/disable_ipv6", "1"));
        }
        ip(&[], &lab.links(policy));
        ip(&["-n", &lab.gateway], &gateway_script(policy));
        for host in &lab.hosts {
            ip(&["-n", host], "link set dev host up arp off\n");
        }
        lab
    }

    fn links(&self, policy: &Policy) -> String {
        let (here, there) = (mac(GATEWAY_MAC), mac(HOST_MAC));
        let each = policy.interfaces.iter().zip(&self.hosts).map(|(interface, host)| {
            let (gateway, name) = (&self.gateway, &interface.name);
            format!(
                "link add {name} netns {gateway} address {here} type veth peer name host netns {host} address {there}\n"
            )
        });
        each.collect()
    }

    /// Runs `work` with this thread inside the namespace.
    pub fn inside<T>(&self, namespace: &str, work: impl FnOnce() -> T) -> T {
        let home = fs::File::open("/proc/thread-self/ns/net").expect("own network namespace");
        let there = fs::File::open(Path::new("/run/netns").join(namespace)).expect("namespace");
        setns(&there, CloneFlags::CLONE_NEWNET).expect("enter namespace");
        let result = work();
        setns(&home, CloneFlags::CLONE_NEWNET).expect("leave namespace");
        result
    }

    /// Loads a ruleset file as an operator would: `nft -f FILE`.
    pub fn load(&self, ruleset: &Path) -> Result<(), String> {
        let output =
            self.inside(&self.gateway, || Command::new("nft").arg("-f").arg(ruleset).output()).expect("run nft");
        if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into_owned()) }
    }

    /// Output of an `nft` command in the gateway.
    pub fn nft(&self, arguments: &[&str]) -> String {
        let output = self.inside(&self.gateway, || Command::new("nft").args(arguments).output()).expect("run nft");
        assert!(output.status.success(), "nft {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Forgets all connections, so that earlier probes cannot carry later ones.
    pub fn forget_connections(&self) {
        let output =
            self.inside(&self.gateway, || Command::new("conntrack").arg("-F").output()).expect("run conntrack");
        assert!(output.status.success(), "conntrack -F: {}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        let names = std::iter::once(&self.gateway).chain(&self.hosts);
        ip(&["-force"], &names.map(|name| format!("netns del {name}\n")).collect::<String>());
    }
}

/// Connections live long enough for a slow machine: an unanswered SCTP opener would go after three seconds, UDP after thirty.
pub fn remember_connections() {
    for name in ["generic", "gre", "icmp", "icmpv6", "sctp_timeout_cookie_wait", "tcp_timeout_syn_sent", "udp"] {
        let name = if name.contains("timeout") { name.to_owned() } else { format!("{name}_timeout") };
        set(&format!("netfilter/nf_conntrack_{name}"), "600");
    }
}

/// The gateway forwards, and nothing in it but the ruleset drops or limits.
fn prepare_gateway() {
    set("ipv4/ip_forward", "1");
    set("ipv6/conf/all/forwarding", "1");
    set("ipv6/conf/default/forwarding", "1");
    for scope in ["all", "default"] {
        set(&format!("ipv4/conf/{scope}/rp_filter"), "0");
        set(&format!("ipv4/conf/{scope}/send_redirects"), "0");
        set(&format!("ipv6/conf/{scope}/accept_dad"), "0");
    }
    set("ipv4/icmp_echo_ignore_all", "1");
    set("ipv6/icmp/echo_ignore_all", "1");
}

fn set(name: &str, value: &str) {
    fs::write(Path::new("/proc/sys/net").join(name), value).unwrap_or_else(|error| panic!("sysctl {name}: {error}"));
}

fn gateway_script(policy: &Policy) -> String {
    let mut script = String::from("link set dev lo up\n");
    for interface in &policy.interfaces {
        script += &format!("link set dev {} up arp off\n", interface.name);
        for own in &interface.own {
            let (length, extra) = if own.is_ipv4() { (32, "") } else { (128, " nodad") };
            script += &format!("addr add {own}/{length} dev {}{extra}\n", interface.name);
        }
    }
    // Two lines to one network: the first interface gets the route, as `Policy::route` says.
    let mut routed: [Vec<Range>; 2] = [Vec::new(), Vec::new()];
    for interface in &policy.interfaces {
        for family in FAMILIES {
            for range in &interface.sources[family as usize] {
                for rest in without(range.clone(), &routed[family as usize]) {
                    for (first, length) in prefixes(family, &rest) {
                        script += &route(family, &format!("{}/{length}", address(family, first)), &interface.name);
                    }
                }
                routed[family as usize].push(range.clone());
            }
        }
    }
    if let Some(first) = policy.interfaces.first() {
        for family in FAMILIES {
            let everything = if family == Family::V4 { "0.0.0.0/0" } else { "::/0" };
            script += &route(family, everything, &first.name);
        }
    }
    script
}

fn route(family: Family, to: &str, interface: &str) -> String {
    match family {
        Family::V4 => format!("route add {to} via 169.254.255.254 dev {interface} onlink\n"),
        Family::V6 => format!("route add {to} via fe80::7a:2 dev {interface} onlink\n"),
    }
}

/// What is left of a range without others.
fn without(range: Range, others: &[Range]) -> Vec<Range> {
    others.iter().fold(vec![range], |rest, other| {
        let cut = |range: Range| {
            let (first, last) = (*range.start(), *range.end());
            let (from, to) = (*other.start(), *other.end());
            if to < first || from > last {
                return vec![range];
            }
            let before = (first < from).then(|| first..=from - 1);
            let after = (to < last).then(|| to + 1..=last);
            before.into_iter().chain(after).collect()
        };
        rest.into_iter().flat_map(cut).collect()
    })
}

/// The fewest prefixes that make up a range.
pub fn prefixes(family: Family, range: &Range) -> Vec<(u128, u32)> {
    let bits: u32 = if family == Family::V4 { 32 } else { 128 };
    let (mut first, last) = (*range.start(), *range.end());
    let mut out = Vec::new();
    loop {
        let mut size = first.trailing_zeros().min(bits);
        while size > 0 && first.checked_add(span(size)).is_none_or(|end| end > last) {
            size -= 1;
        }
        out.push((first, bits - size));
        match first.checked_add(span(size)) {
            Some(end) if end < last => first = end + 1,
            _ => return out,
        }
    }
}

/// Addresses in a block of 2^size, less one.
fn span(size: u32) -> u128 {
    if size >= 128 { u128::MAX } else { (1 << size) - 1 }
}

fn mac(bytes: [u8; 6]) -> String {
    bytes.map(|byte| format!("{byte:02x}")).join(":")
}

/// Runs a batch of `ip` commands.
fn ip(options: &[&str], script: &str) {
    let mut child = Command::new("ip")
        .args(options)
        .args(["-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("run ip");
    child.stdin.take().expect("pipe").write_all(script.as_bytes()).expect("ip reads its script");
    let output = child.wait_with_output().expect("ip ends");
    let tolerant = options.contains(&"-force");
    assert!(
        tolerant || output.status.success(),
        "ip {options:?}: {}\n{script}",
        String::from_utf8_lossy(&output.stderr)
    );
}
