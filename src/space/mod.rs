//! Exact sets of packets.
//!
//! A set of packets is kept as an *interval decision diagram* (IDD): one level per header field, a
//! node is a sorted list of (last cell, child), equal nodes are stored once and nodes that decide
//! nothing are left out. Equal sets therefore have equal ids, whatever they were built from, and an
//! IPv6 address costs no more than a protocol number. docs/decisions/0003-packet-space.md has the
//! reasons and the figures.
//!
//! ```text
//! Region (list of boxes, overlapping as they like)
//!    └─ Cuts (every bound of every region that takes part)
//!          └─ Arena: Set and Map ids → union, intersection, difference, equality, witness, boxes
//! ```
//!
//! [`Ranges`] and [`Reach`] are the smaller cousins for clusters, where ends are numbered pods and address cells.
//!
//! The module knows nothing else of the crate. The emitters use [`disjoint`] only; what they write
//! is read back by `readers` and compared in `verify`, and both meet here.

mod arena;
mod boxes;
mod field;
mod interfaces;
mod interval;
mod operations;
mod packet;
mod packets;
mod ranges;
mod region;

pub use arena::{Arena, Cuts, Map, MissingCut, Set};
pub use boxes::{Labelled, Product, disjoint};
pub use field::{FIELDS, Field};
pub use interfaces::{Interface, Interfaces};
pub use interval::{AddressRange, Interval};
pub use packet::{CtState, Family, Hook, Packet, Upper, protocol};
pub use packets::PacketSpace;
pub use ranges::{Ranges, Reach};
pub use region::{PacketBox, Region};
