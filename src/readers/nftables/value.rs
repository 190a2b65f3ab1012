//! Values of one header as intervals of one field.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::ast::Value;
use super::names::{self, Names};
use crate::space::{Family, Field, Interfaces, Interval};

/// What the values of a header are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Addresses of a family.
    Address(Family),
    /// Numbers with names.
    Number(Names),
    /// Interface names, perhaps ending in `*`.
    Interface,
}

/// The intervals that a value means; `None` if it is not understood.
pub(super) fn intervals(value: &Value, kind: Kind, field: Field, interfaces: &Interfaces) -> Option<Vec<Interval>> {
    let one = |word: &str| number(word, kind);
    let found = match value {
        // `*` alone is what no other element matches; digits are the index of an interface, not its name.
        Value::Word(word) if word == "*" => return None,
        Value::Word(word) if kind == Kind::Interface => {
            let index = word.bytes().all(|byte| byte.is_ascii_digit());
            return (!index).then(|| named(word, interfaces));
        }
        Value::Word(word) => match one(word) {
            Some(number) => Interval::point(number),
            None => written_interval(word, kind)?,
        },
        Value::Range(low, high) => Interval::new(one(low)?, one(high)?)?,
        Value::Prefix(address, length) => prefix(one(address)?, *length, kind)?,
        Value::Bits(words) => {
            let points = words.iter().map(|word| one(word).map(Interval::point));
            return points.collect();
        }
        Value::Unknown(_) => return None,
    };
    (found.hi() <= field.all().hi()).then(|| vec![found])
}

/// A range or prefix in one word, as text has them. Names may contain `-` too, so every dash is
/// tried.
fn written_interval(word: &str, kind: Kind) -> Option<Interval> {
    if let Some((address, length)) = word.split_once('/') {
        return prefix(number(address, kind)?, length.parse().ok()?, kind);
    }
    let dashes = word.match_indices('-').map(|(at, _)| word.split_at(at));
    let mut ranges = dashes.filter_map(|(low, high)| {
        let high = high.strip_prefix('-')?;
        Interval::new(number(low, kind)?, number(high, kind)?)
    });
    ranges.next()
}

fn number(word: &str, kind: Kind) -> Option<u128> {
    match kind {
        Kind::Address(Family::V4) => {
            let address: Ipv4Addr = word.parse().ok()?;
            Some(address.to_bits().into())
        }
        Kind::Address(Family::V6) => {
            let address: Ipv6Addr = word.parse().ok()?;
            Some(address.to_bits())
        }
        Kind::Number(names) => names::number(names, word),
        Kind::Interface => None,
    }
}

/// All addresses with the same first `length` bits; nft clears the rest as well.
fn prefix(address: u128, length: u32, kind: Kind) -> Option<Interval> {
    let width = match kind {
        Kind::Address(Family::V4) => 32,
        Kind::Address(Family::V6) => 128,
        _ => return None,
    };
    let free = width - Some(length).filter(|&length| length <= width)?;
    let mask = match free {
        0 => 0,
        _ => u128::MAX >> (128 - free),
    };
    Interval::new(address & !mask, address | mask)
}

/// The numbers of an interface name. `lan*` stands for all known names that begin with `lan`, and
/// under its own name for those that nobody named.
fn named(word: &str, interfaces: &Interfaces) -> Vec<Interval> {
    let number = |name: &str| interfaces.find(name).map(|found| Interval::point(found.number()));
    let Some(start) = word.strip_suffix('*') else {
        return number(word).into_iter().collect();
    };
    let matching = interfaces.iter().filter(|(_, name)| name.starts_with(start));
    matching.map(|(found, _)| Interval::point(found.number())).collect()
}
