//! Sets of addresses as sorted, disjoint, non-adjacent intervals of integers; one set per family.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Address family.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both families, IPv4 first.
    pub const BOTH: [Self; 2] = [Self::V4, Self::V6];
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "IPv4",
            Self::V6 => "IPv6",
        })
    }
}

/// An address as an integer of its family's width.
pub trait Int: Copy + Ord + fmt::Debug {
    /// The next integer, if there is one.
    fn next(self) -> Option<Self>;
    /// The previous integer, if there is one.
    fn previous(self) -> Option<Self>;
}

macro_rules! int {
    ($($int:ty),+) => { $(
        impl Int for $int {
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }

            fn previous(self) -> Option<Self> {
                self.checked_sub(1)
            }
        }
    )+ };
}

int!(u16, u32, u128);

/// A set of integers: closed intervals, sorted, disjoint, not adjacent. Equal sets are equal values.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ranges<T>(Vec<(T, T)>);

impl<T> Default for Ranges<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Int> Ranges<T> {
    /// The set of some closed intervals in any order; an interval with `first > last` is empty.
    #[must_use]
    pub fn new(intervals: impl IntoIterator<Item = (T, T)>) -> Self {
        let mut sorted: Vec<(T, T)> = intervals.into_iter().filter(|(first, last)| first <= last).collect();
        sorted.sort_unstable();
        let mut merged: Vec<(T, T)> = Vec::with_capacity(sorted.len());
        for (first, last) in sorted {
            match merged.last_mut() {
                Some((_, end)) if end.next().is_none_or(|after| first <= after) => *end = (*end).max(last),
                _ => merged.push((first, last)),
            }
        }
        Self(merged)
    }

    /// The intervals in order.
    #[must_use]
    pub fn intervals(&self) -> &[(T, T)] {
        &self.0
    }

    /// Whether nothing is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The smallest element.
    #[must_use]
    pub fn first(&self) -> Option<T> {
        self.0.first().map(|(first, _)| *first)
    }

    /// Whether an integer is in it.
    #[must_use]
    pub fn contains(&self, value: T) -> bool {
        let index = self.0.partition_point(|(_, last)| *last < value);
        self.0.get(index).is_some_and(|(first, _)| *first <= value)
    }

    /// What is in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self::new(self.0.iter().chain(&other.0).copied())
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let (mut i, mut j) = (0, 0);
        let mut common = Vec::new();
        while let (Some((a, b)), Some((c, d))) = (self.0.get(i), other.0.get(j)) {
            let (first, last) = ((*a).max(*c), (*b).min(*d));
            if first <= last {
                common.push((first, last));
            }
            if b < d { i += 1 } else { j += 1 }
        }
        Self(common)
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut rest = Vec::new();
        let mut j = 0;
        for (first, last) in &self.0 {
            let mut from = Some(*first);
            while let Some((c, _)) = other.0.get(j).filter(|(_, d)| d < first) {
                let _ = c;
                j += 1;
            }
            let mut k = j;
            while let (Some(start), Some((c, d))) = (from, other.0.get(k).filter(|(c, _)| c <= last)) {
                if let Some(before) = c.previous().filter(|before| start <= *before) {
                    rest.push((start, before));
                }
                from = d.next();
                k += 1;
            }
            if let Some(start) = from.filter(|start| start <= last) {
                rest.push((start, *last));
            }
        }
        Self(rest)
    }

    /// Whether every element is in the other set.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.difference(other).is_empty()
    }

    /// Whether some element is in both sets.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        !self.intersection(other).is_empty()
    }
}

/// A set of addresses of both families.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct Addresses {
    /// IPv4.
    pub v4: Ranges<u32>,
    /// IPv6.
    pub v6: Ranges<u128>,
}

impl Addresses {
    /// The union of prefixes.
    pub fn from_nets<'a>(nets: impl IntoIterator<Item = &'a IpNet>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for net in nets {
            match net {
                IpNet::V4(net) => v4.push((u32::from(net.network()), u32::from(net.broadcast()))),
                IpNet::V6(net) => v6.push((u128::from(net.network()), u128::from(net.broadcast()))),
            }
        }
        Self { v4: Ranges::new(v4), v6: Ranges::new(v6) }
    }

    /// Whether the set is empty in both families.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.v4.is_empty() && self.v6.is_empty()
    }

    /// Whether the set has addresses of a family.
    #[must_use]
    pub fn has(&self, family: Family) -> bool {
        match family {
            Family::V4 => !self.v4.is_empty(),
            Family::V6 => !self.v6.is_empty(),
        }
    }

    /// The addresses of one family.
    #[must_use]
    pub fn only(&self, family: Family) -> Self {
        match family {
            Family::V4 => Self { v4: self.v4.clone(), v6: Ranges::default() },
            Family::V6 => Self { v4: Ranges::default(), v6: self.v6.clone() },
        }
    }

    /// What is in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        Self { v4: self.v4.union(&other.v4), v6: self.v6.union(&other.v6) }
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        Self { v4: self.v4.intersection(&other.v4), v6: self.v6.intersection(&other.v6) }
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        Self { v4: self.v4.difference(&other.v4), v6: self.v6.difference(&other.v6) }
    }

    /// Whether every address is in the other set.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.v4.is_subset(&other.v4) && self.v6.is_subset(&other.v6)
    }

    /// Whether some address is in both sets.
    #[must_use]
    pub fn overlaps(&self, other: &Self) -> bool {
        self.v4.overlaps(&other.v4) || self.v6.overlaps(&other.v6)
    }

    /// Whether an address is in the set.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match address {
            IpAddr::V4(address) => self.v4.contains(u32::from(address)),
            IpAddr::V6(address) => self.v6.contains(u128::from(address)),
        }
    }

    /// The smallest address of a family.
    #[must_use]
    pub fn first(&self, family: Family) -> Option<IpAddr> {
        match family {
            Family::V4 => self.v4.first().map(|address| IpAddr::V4(Ipv4Addr::from(address))),
            Family::V6 => self.v6.first().map(|address| IpAddr::V6(Ipv6Addr::from(address))),
        }
    }

    /// The fewest prefixes that make up the set, IPv4 first, in order.
    #[must_use]
    pub fn prefixes(&self) -> Vec<IpNet> {
        let v4 = self.v4.intervals().iter().flat_map(|(first, last)| {
            ipnet::Ipv4Subnets::new(Ipv4Addr::from(*first), Ipv4Addr::from(*last), 0).map(|net: Ipv4Net| IpNet::V4(net))
        });
        let v6 = self.v6.intervals().iter().flat_map(|(first, last)| {
            ipnet::Ipv6Subnets::new(Ipv6Addr::from(*first), Ipv6Addr::from(*last), 0).map(|net: Ipv6Net| IpNet::V6(net))
        });
        v4.chain(v6).collect()
    }
}

impl<'a> FromIterator<&'a Self> for Addresses {
    /// The union of sets.
    fn from_iter<I: IntoIterator<Item = &'a Self>>(sets: I) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for set in sets {
            v4.extend_from_slice(set.v4.intervals());
            v6.extend_from_slice(set.v6.intervals());
        }
        Self { v4: Ranges::new(v4), v6: Ranges::new(v6) }
    }
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let texts: Vec<String> = self.prefixes().iter().map(short).collect();
        f.write_str(&texts.join(", "))
    }
}

/// A prefix for people: a single address without its length.
#[must_use]
pub fn short(net: &IpNet) -> String {
    if net.prefix_len() == net.max_prefix_len() { net.addr().to_string() } else { net.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn bits(set: &Ranges<u16>) -> Vec<bool> {
        (0..300).map(|i| set.contains(i)).collect()
    }

    fn sets() -> impl Strategy<Value = Ranges<u16>> {
        proptest::collection::vec((0u16..300, 0u16..30), 0..8)
            .prop_map(|pairs| Ranges::new(pairs.into_iter().map(|(first, width)| (first, (first + width).min(299)))))
    }

    proptest! {
        #[test]
        fn agrees_with_a_bit_set(a in sets(), b in sets()) {
            let zip = |f: fn(bool, bool) -> bool| bits(&a).into_iter().zip(bits(&b)).map(|(x, y)| f(x, y)).collect::<Vec<_>>();
            prop_assert_eq!(bits(&a.union(&b)), zip(|x, y| x || y));
            prop_assert_eq!(bits(&a.intersection(&b)), zip(|x, y| x && y));
            prop_assert_eq!(bits(&a.difference(&b)), zip(|x, y| x && !y));
            prop_assert_eq!(a.is_subset(&b), zip(|x, y| x && !y).iter().all(|d| !d));
        }

        #[test]
        fn equal_sets_are_equal_values(a in sets(), b in sets()) {
            prop_assert_eq!(bits(&a) == bits(&b), a == b);
        }
    }
}
