//! Raw sockets around and inside the gateway: frames in, sightings out.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::ifaddrs::getifaddrs;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{
    AddressFamily, LinkAddr, MsgFlags, SockFlag, SockProtocol, SockType, SockaddrIn, SockaddrIn6, SockaddrLike, bind,
    recvfrom, sendto, setsockopt, socket, sockopt::RcvBufForce,
};

use crate::lab::Lab;
use crate::packet::{ICMP, ICMPV6, Packet, SCTP, TCP, UDP, outer, tag};
use crate::policy::Place;

const GRE: u8 = 47;
const ESP: u8 = 50;
const AH: u8 = 51;
const PACKET_OUTGOING: u8 = 4;
const RECEIVE_BUFFER: usize = 64 << 20;

/// A probe seen after it passed the gateway (or entered the host itself).
#[derive(Clone, Copy, Debug)]
pub struct Sighting {
    pub at: Place,
    pub tag: u32,
    pub source: IpAddr,
    /// Not known for IPv6 packets delivered to the host.
    pub destination: Option<IpAddr>,
    pub protocol: u8,
}

/// All sockets of one laboratory.
pub struct Wire {
    links: Vec<Link>,
    listeners: Vec<Listener>,
    senders: [OwnedFd; 2],
    buffer: Vec<u8>,
}

struct Link {
    socket: OwnedFd,
    address: LinkAddr,
}

/// A raw socket in the gateway: it sees what the input chain let through.
struct Listener {
    socket: OwnedFd,
    protocol: u8,
}

impl Wire {
    pub fn open(lab: &Lab) -> Wire {
        let links = lab.hosts.iter().map(|host| lab.inside(host, open_link)).collect();
        let listeners = lab.inside(&lab.gateway, open_listeners);
        let senders = lab.inside(&lab.gateway, || {
            [AddressFamily::Inet, AddressFamily::Inet6]
                .map(|family| socket(family, SockType::Raw, flags(), SockProtocol::Raw).expect("raw socket"))
        });
        Wire { links, listeners, senders, buffer: vec![0; 4096] }
    }

    /// Puts the packet on the wire at an interface, or sends it from the gateway host.
    pub fn send(&self, from: Place, packet: &Packet, tag: u32) {
        match from {
            Place::Interface(at) => {
                let link = &self.links[at];
                for frame in packet.frames(tag) {
                    retry(|| sendto(link.socket.as_raw_fd(), &frame, &link.address, MsgFlags::empty()));
                }
            }
            Place::Host => {
                let to: Box<dyn SockaddrLike> = match packet.destination {
                    IpAddr::V4(v4) => Box::new(SockaddrIn::from(std::net::SocketAddrV4::new(v4, 0))),
                    IpAddr::V6(v6) => Box::new(SockaddrIn6::from(std::net::SocketAddrV6::new(v6, 0, 0, 0))),
                };
                let socket = &self.senders[usize::from(packet.destination.is_ipv6())];
                for datagram in packet.datagrams(tag) {
                    retry(|| sendto(socket.as_raw_fd(), &datagram, to.as_ref(), MsgFlags::empty()));
                }
            }
        }
    }

    /// Puts a finished frame on the wire at an interface.
    pub fn put(&self, at: usize, frame: &[u8]) {
        let link = &self.links[at];
        retry(|| sendto(link.socket.as_raw_fd(), frame, &link.address, MsgFlags::empty()));
    }

    /// Takes in everything that has arrived; waits up to `patience` ms for the first frame. True if anything came.
    pub fn collect(&mut self, patience: u16, mut seen: impl FnMut(Sighting)) -> bool {
        let ready: Vec<bool> = {
            let sockets = self.links.iter().map(|link| &link.socket).chain(self.listeners.iter().map(|l| &l.socket));
            let mut fds: Vec<PollFd> = sockets.map(|socket| PollFd::new(socket.as_fd(), PollFlags::POLLIN)).collect();
            poll(&mut fds, PollTimeout::from(patience)).expect("poll");
            fds.iter().map(|fd| fd.any().unwrap_or(false)).collect()
        };
        let any = ready.contains(&true);
        let (links, listeners) = ready.split_at(self.links.len());
        for (at, _) in links.iter().enumerate().filter(|(_, ready)| **ready) {
            self.drain_link(at, &mut seen);
        }
        for (at, _) in listeners.iter().enumerate().filter(|(_, ready)| **ready) {
            self.drain_listener(at, &mut seen);
        }
        any
    }

    fn drain_link(&mut self, at: usize, seen: &mut impl FnMut(Sighting)) {
        let socket = self.links[at].socket.as_raw_fd();
        while let Some((length, from)) = receive::<LinkAddr>(socket, &mut self.buffer) {
            if from.is_some_and(|from| from.pkttype() == PACKET_OUTGOING) {
                continue;
            }
            let Some(datagram) = self.buffer[..length].get(14..) else {
                continue;
            };
            if let (Some(tag), Some((source, destination, protocol))) = (tag(datagram), outer(datagram)) {
                seen(Sighting { at: Place::Interface(at), tag, source, destination: Some(destination), protocol });
            }
        }
    }

    fn drain_listener(&mut self, at: usize, seen: &mut impl FnMut(Sighting)) {
        let Listener { socket, protocol } = &self.listeners[at];
        let (socket, protocol) = (socket.as_raw_fd(), *protocol);
        while let Some((length, from)) = receive::<nix::sys::socket::SockaddrStorage>(socket, &mut self.buffer) {
            let bytes = &self.buffer[..length];
            let Some(tag) = tag(bytes) else { continue };
            let from = from.expect("raw sockets name the sender");
            let sighting = match (from.as_sockaddr_in(), from.as_sockaddr_in6()) {
                (Some(_), _) => outer(bytes).map(|(source, to, protocol)| (source, Some(to), protocol)),
                (_, Some(v6)) => Some((IpAddr::V6(v6.ip()), None, protocol)),
                _ => None,
            };
            if let Some((source, destination, protocol)) = sighting {
                seen(Sighting { at: Place::Host, tag, source, destination, protocol });
            }
        }
    }
}

fn flags() -> SockFlag {
    SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC
}

/// A packet socket on the only link of a host namespace. `getifaddrs` gives its address without unsafe code.
fn open_link() -> Link {
    let link = getifaddrs()
        .expect("interfaces")
        .find(|interface| interface.interface_name == "host")
        .and_then(|interface| interface.address)
        .expect("the host's link");
    let address = *link.as_link_addr().expect("a link address");
    let socket = socket(AddressFamily::Packet, SockType::Raw, flags(), SockProtocol::EthAll).expect("packet socket");
    bind(socket.as_raw_fd(), &address).expect("bind to the link");
    setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER).expect("receive buffer");
    Link { socket, address }
}

fn open_listeners() -> Vec<Listener> {
    let v4 = [ICMP, TCP, UDP, SCTP, GRE, ESP, AH].map(|protocol| (rustix::net::AddressFamily::INET, protocol));
    let v6 = [ICMPV6, TCP, UDP, SCTP, GRE, ESP].map(|protocol| (rustix::net::AddressFamily::INET6, protocol));
    let open = |(family, protocol): (rustix::net::AddressFamily, u8)| {
        let number = NonZeroU32::new(u32::from(protocol)).map(rustix::net::Protocol::from_raw);
        let kind = rustix::net::SocketType::RAW;
        let flags = rustix::net::SocketFlags::NONBLOCK | rustix::net::SocketFlags::CLOEXEC;
        let socket = rustix::net::socket_with(family, kind, flags, number).expect("raw socket");
        setsockopt(&socket, RcvBufForce, &RECEIVE_BUFFER).expect("receive buffer");
        Listener { socket, protocol }
    };
    v4.into_iter().chain(v6).map(open).collect()
}

fn receive<T: SockaddrLike>(socket: i32, buffer: &mut [u8]) -> Option<(usize, Option<T>)> {
    match recvfrom::<T>(socket, buffer) {
        Ok(received) => Some(received),
        Err(Errno::EAGAIN) => None,
        Err(error) => panic!("receive: {error}"),
    }
}

/// Sends, waiting out a full queue. A refusal by the output chain (EPERM) is a verdict, not an error.
fn retry(mut send: impl FnMut() -> nix::Result<usize>) {
    loop {
        match send() {
            Err(Errno::EAGAIN | Errno::ENOBUFS) => std::thread::yield_now(),
            Ok(_) | Err(Errno::EPERM | Errno::EINVAL | Errno::ENETUNREACH | Errno::EACCES) => {
                return;
            }
            Err(error) => panic!("send: {error}"),
        }
    }
}
