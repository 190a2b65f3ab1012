//! Closed intervals of field values, and address ranges of one family.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// All values from `lo` to `hi`, both included; never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Interval {
    lo: u128,
    hi: u128,
}

impl Interval {
    /// The values from `lo` to `hi`; `None` when that is no value at all.
    #[must_use]
    pub fn new(lo: u128, hi: u128) -> Option<Self> {
        (lo <= hi).then_some(Self { lo, hi })
    }

    /// One value.
    #[must_use]
    pub fn point(value: impl Into<u128>) -> Self {
        let value = value.into();
        Self { lo: value, hi: value }
    }

    /// The values from 0 to `top`.
    #[must_use]
    pub const fn up_to(top: u128) -> Self {
        Self { lo: 0, hi: top }
    }

    /// The smallest value.
    #[must_use]
    pub const fn lo(self) -> u128 {
        self.lo
    }

    /// The largest value.
    #[must_use]
    pub const fn hi(self) -> u128 {
        self.hi
    }

    /// Whether `value` lies inside.
    #[must_use]
    pub const fn contains(self, value: u128) -> bool {
        self.lo <= value && value <= self.hi
    }

    /// What two intervals have in common.
    #[must_use]
    pub fn intersection(self, other: Self) -> Option<Self> {
        Self::new(self.lo.max(other.lo), self.hi.min(other.hi))
    }

    /// The union with an interval that starts right after this one ends.
    #[must_use]
    pub(super) fn joined(self, next: Self) -> Option<Self> {
        (self.hi.checked_add(1) == Some(next.lo)).then_some(Self { lo: self.lo, hi: next.hi })
    }
}

/// A contiguous range of addresses of one family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressRange {
    /// IPv4, first and last address.
    V4(Ipv4Addr, Ipv4Addr),
    /// IPv6, first and last address.
    V6(Ipv6Addr, Ipv6Addr),
}

impl AddressRange {
    /// Every IPv4 address.
    pub const ALL_V4: Self = Self::V4(Ipv4Addr::UNSPECIFIED, Ipv4Addr::BROADCAST);
    /// Every IPv6 address.
    pub const ALL_V6: Self = Self::V6(Ipv6Addr::UNSPECIFIED, Ipv6Addr::from_bits(u128::MAX));

    /// The addresses as numbers; `None` when the range is reversed.
    #[must_use]
    pub fn interval(self) -> Option<Interval> {
        match self {
            Self::V4(lo, hi) => Interval::new(lo.to_bits().into(), hi.to_bits().into()),
            Self::V6(lo, hi) => Interval::new(lo.to_bits(), hi.to_bits()),
        }
    }
}

impl From<IpNet> for AddressRange {
    fn from(net: IpNet) -> Self {
        match net {
            IpNet::V4(net) => Self::V4(net.network(), net.broadcast()),
            IpNet::V6(net) => Self::V6(net.network(), net.broadcast()),
        }
    }
}

impl fmt::Display for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(lo, hi) if lo == hi => write!(f, "{lo}"),
            Self::V4(lo, hi) => write!(f, "{lo}-{hi}"),
            Self::V6(lo, hi) if lo == hi => write!(f, "{lo}"),
            Self::V6(lo, hi) => write!(f, "{lo}-{hi}"),
        }
    }
}
