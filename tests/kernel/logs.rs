//! What a log daemon gets: messages of `nfnetlink_log` from the groups of the ruleset.

use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, bind, recv, send, socket,
};
use zonec::source::{Date, MemoryWorld};

use crate::lab::Lab;
use crate::packet::{Packet, Transport, flags};
use crate::policy::Place;
use crate::wire::Wire;

/// Two zones that a logged flow joins, and a third that no flow leads to.
pub fn site() -> MemoryWorld {
    let text = "zonec: 1\nsite: { name: logs, blueprint: dvs-2.0 }\nzones:\n  \
        a: { class: internal, addresses: [10.1.0.0/24] }\n  b: { class: internal, addresses: [10.2.0.0/24] }\n  \
        c: { class: internal, addresses: [10.3.0.0/24] }\n\
        gateways: { pf: { interfaces: { a0: a, b0: b, c0: c } } }\n\
        components: { y: { kind: app-server, at: { b: [10.2.0.9] } } }\n\
        flows:\n  web: { from: a, to: y, service: 443/tcp, log: new }\n";
    let files = std::collections::BTreeMap::from([("site.yaml".to_owned(), text.as_bytes().to_vec())]);
    MemoryWorld { files, as_of: Date::new(2026, 11, 24).expect("a date"), main: "site.yaml".to_owned() }
}

/// A message: the prefix of the rule, and how much of the packet was copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub prefix: String,
    pub copied: usize,
}

/// A reader of one group.
struct Group {
    socket: OwnedFd,
}

// linux/netfilter/nfnetlink.h and nfnetlink_log.h
const NFNL_SUBSYS_ULOG: u16 = 4;
const MSG_CONFIG: u16 = NFNL_SUBSYS_ULOG << 8 | 1;
const MSG_PACKET: u16 = NFNL_SUBSYS_ULOG << 8;
const CFG_CMD: u16 = 1;
const CFG_QTHRESH: u16 = 5;
const CFG_CMD_BIND: u8 = 1;
const ATTR_PAYLOAD: u16 = 9;
const ATTR_PREFIX: u16 = 10;
const NLM_F_REQUEST: u16 = 1;
/// Length of `nlmsghdr` and `nfgenmsg`.
const HEADER: usize = 20;

impl Group {
    fn open(lab: &Lab, number: u16) -> Group {
        let protocol = SockProtocol::NetlinkNetFilter;
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let open = || socket(AddressFamily::Netlink, SockType::Raw, flags, protocol).expect("netlink socket");
        let group = Group { socket: lab.inside(&lab.gateway, open) };
        bind(group.socket.as_raw_fd(), &NetlinkAddr::new(0, 0)).expect("bind");
        group.configure(number, CFG_CMD, &[CFG_CMD_BIND]);
        // Each message at once, not a batch of them.
        group.configure(number, CFG_QTHRESH, &1_u32.to_be_bytes());
        group
    }

    fn configure(&self, number: u16, attribute: u16, value: &[u8]) {
        let mut body = vec![0, 0];
        body.extend(number.to_be_bytes());
        body.extend((value.len() as u16 + 4).to_ne_bytes());
        body.extend(attribute.to_ne_bytes());
        body.extend(value);
        body.resize(body.len().next_multiple_of(4), 0);
        let mut message = (body.len() as u32 + 16).to_ne_bytes().to_vec();
        message.extend(MSG_CONFIG.to_ne_bytes());
        message.extend(NLM_F_REQUEST.to_ne_bytes());
        message.extend([0; 8]);
        message.extend(body);
        send(self.socket.as_raw_fd(), &message, MsgFlags::empty()).expect("configure the group");
    }

    /// All messages until nothing comes for a tenth of a second.
    fn messages(&self) -> Vec<Message> {
        let mut found = Vec::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let mut fds = [PollFd::new(self.socket.as_fd(), PollFlags::POLLIN)];
            if poll(&mut fds, PollTimeout::from(100_u16)).expect("poll") == 0 {
                return found;
            }
            let length = recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty()).expect("receive");
            let mut rest = &buffer[..length];
            while rest.len() >= HEADER {
                let size = u32::from_ne_bytes(rest[..4].try_into().expect("four bytes")) as usize;
                let kind = u16::from_ne_bytes([rest[4], rest[5]]);
                if kind == MSG_PACKET {
                    found.push(message(&rest[HEADER..size]));
                }
                rest = rest.get(size.next_multiple_of(4)..).unwrap_or_default();
            }
        }
    }
}

fn message(mut attributes: &[u8]) -> Message {
    let mut found = Message { prefix: String::new(), copied: 0 };
    while attributes.len() >= 4 {
        let size = usize::from(u16::from_ne_bytes([attributes[0], attributes[1]]));
        let value = &attributes[4..size];
        match u16::from_ne_bytes([attributes[2], attributes[3]]) & 0x3fff {
            ATTR_PREFIX => found.prefix = String::from_utf8_lossy(value).trim_end_matches('\0').to_owned(),
            ATTR_PAYLOAD => found.copied = value.len(),
            _ => {}
        }
        attributes = attributes.get(size.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}

/// What arrives at the groups for refused packets and for new connections, after packets of each kind and then a flood
/// from a to c with one refused packet from a to b behind it.
pub fn received(lab: &Lab) -> [Vec<Message>; 2] {
    let [refused, opened] = [1, 2].map(|number| Group::open(lab, number));
    let wire = Wire::open(lab);
    let tcp = |source: &str, destination: &str, sport: u16, dport: u16, flags: u8| {
        let [source, destination] = [source, destination].map(|text| text.parse().expect("an address"));
        Packet::new(source, destination, Transport::Tcp { sport, dport, flags })
    };
    let packets = [
        tcp("10.1.0.5", "10.2.0.9", 1_000, 443, flags::SYN),
        tcp("10.1.0.5", "10.2.0.9", 1_001, 444, flags::SYN),
        tcp("10.1.0.5", "10.3.0.9", 1_002, 443, flags::SYN),
        tcp("10.2.0.9", "10.2.0.5", 1_003, 443, flags::SYN),
        tcp("10.1.0.5", "10.2.0.9", 1_004, 443, flags::ACK),
    ];
    for packet in packets {
        wire.send(Place::Interface(0), &packet, 0);
    }
    let flood = (0..500).map(|n| tcp("10.1.0.5", "10.3.0.9", 2_000 + n, 443, flags::SYN));
    for packet in flood.chain([tcp("10.1.0.5", "10.2.0.9", 3_000, 444, flags::SYN)]) {
        wire.send(Place::Interface(0), &packet, 0);
    }
    [refused.messages(), opened.messages()]
}
