//! Which packets become possible or impossible, by flow.

use super::difference::{Difference, Labelled};
use super::rectangles::{Namer, Rectangle};
use crate::claims::{FIELDS, FlowClaims, Pods, TOPS};
use crate::model::Site;
use crate::space::{MissingCut, Product};
use std::collections::{BTreeMap, BTreeSet};

/// What became of a flow.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Kind {
    /// A new flow lets packets through that nothing let through before.
    Opened,
    /// It lets more through.
    Widened,
    /// It lets other packets through than before, or the same under other conditions (HTTP requests, names).
    Moved,
    /// It lets fewer through.
    Narrowed,
    /// It is gone, and so are packets that only it let through.
    Closed,
    /// Its text changed, or the share of packets it accounts for; every packet is treated as before.
    Rewritten,
}

impl Kind {
    /// All kinds in the order in which they are shown.
    pub const ALL: [Self; 6] =
        [Self::Opened, Self::Widened, Self::Moved, Self::Narrowed, Self::Closed, Self::Rewritten];

    /// The word in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Widened => "widened",
            Self::Moved => "moved",
            Self::Narrowed => "narrowed",
            Self::Closed => "closed",
            Self::Rewritten => "rewritten",
        }
    }
}

/// Which sites have a flow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Presence {
    /// Both.
    Both,
    /// The old one: it is gone.
    Old,
    /// The new one: it is new.
    New,
}

/// A change of one flow.
#[derive(Clone, PartialEq, Debug)]
pub struct Change {
    /// What became of it.
    pub kind: Kind,
    /// The flow.
    pub flow: String,
    /// Initiators, responders, service as the flow names them; of the new site where it has the flow.
    pub named: [String; 3],
    /// Packets that become possible.
    pub opened: Vec<Rectangle>,
    /// Packets that become impossible.
    pub closed: Vec<Rectangle>,
    /// HTTP requests and names before and after, when they differ: conditions beyond a packet's head.
    pub conditions: Option<[String; 2]>,
    /// Which of the sites have the flow. One that only one of them has and that moves nothing is covered by other flows, or has no way.
    pub presence: Presence,
    /// Whether the flow lets nothing through, because nothing leads to its end.
    pub has_no_way: bool,
}

/// The changes from one site to another.
pub(super) fn changes(
    before: &BTreeMap<String, FlowClaims>,
    after: &BTreeMap<String, FlowClaims>,
    pods: &[Pods; 2],
    [old, new]: [&Site; 2],
) -> Result<Vec<Change>, MissingCut> {
    let Differences { names, found } = differences(before, after)?;
    let (old_names, new_names) = (Namer::new(old, &pods[0]), Namer::new(new, &pods[1]));
    let by_label = |products: &[Product<FIELDS>], namer: &Namer| {
        let mut rows: BTreeMap<u32, Vec<Rectangle>> = BTreeMap::new();
        for product in products {
            rows.entry(product.label).or_default().extend(namer.rectangles(product));
        }
        rows
    };
    let mut opened = by_label(&found.opened, &new_names);
    let mut closed = by_label(&found.closed, &old_names);
    let mut changes: Vec<Change> = names
        .iter()
        .zip(1..)
        .filter_map(|(name, label)| {
            let [opened, closed] = [&mut opened, &mut closed].map(|rows| rows.remove(&label).unwrap_or_default());
            change(name, before.get(*name), after.get(*name), opened, closed)
        })
        .collect();
    changes.sort_by(|a, b| (a.kind, &a.flow).cmp(&(b.kind, &b.flow)));
    Ok(changes)
}

/// Flows that differ, and the packets that do; a product's label is the number of its flow, from 1.
struct Differences<'a> {
    names: Vec<&'a String>,
    found: Difference<FIELDS>,
}

fn differences<'a>(
    before: &'a BTreeMap<String, FlowClaims>,
    after: &'a BTreeMap<String, FlowClaims>,
) -> Result<Differences<'a>, MissingCut> {
    let names: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let names: Vec<&String> = names.into_iter().filter(|name| before.get(*name) != after.get(*name)).collect();
    let hot = |claims: &BTreeMap<String, FlowClaims>| -> Vec<Labelled<FIELDS>> {
        let boxes = |name: &String| claims.get(name).map(|flow| flow.boxes.clone()).unwrap_or_default();
        let numbered = names.iter().zip(1..);
        numbered.flat_map(|(name, label)| boxes(name).into_iter().map(move |claim| (claim, label))).collect()
    };
    let kept = after.iter().filter(|(name, flow)| before.get(*name) == Some(*flow));
    let kept = kept.flat_map(|(_, flow)| &flow.boxes).copied().collect();
    Ok(Differences { found: Difference::new(TOPS, &hot(before), &hot(after), kept)?, names })
}

fn change(
    name: &str,
    before: Option<&FlowClaims>,
    after: Option<&FlowClaims>,
    opened: Vec<Rectangle>,
    closed: Vec<Rectangle>,
) -> Option<Change> {
    let conditions = match (before, after) {
        (Some(before), Some(after)) if before.conditions != after.conditions => {
            Some([before.conditions.clone(), after.conditions.clone()])
        }
        _ => None,
    };
    let kind = match (opened.is_empty(), closed.is_empty()) {
        // The same heads of packets, with other requests or names behind them.
        (true, true) if conditions.is_some() => Kind::Moved,
        (true, true) => Kind::Rewritten,
        (false, true) if before.is_none() => Kind::Opened,
        (false, true) => Kind::Widened,
        (true, false) if after.is_none() => Kind::Closed,
        (true, false) => Kind::Narrowed,
        (false, false) => Kind::Moved,
    };
    let flow = after.or(before)?;
    Some(Change {
        kind,
        flow: name.to_owned(),
        named: flow.named.clone(),
        opened,
        closed,
        conditions,
        presence: match (before, after) {
            (None, _) => Presence::New,
            (_, None) => Presence::Old,
            _ => Presence::Both,
        },
        has_no_way: flow.boxes.is_empty(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::Claim;
    use crate::space::Interval;
    use proptest::prelude::*;

    /// Boxes in a universe of three values per address and port, so that they overlap, touch and nest.
    fn claim() -> impl Strategy<Value = Claim> {
        let side = || (0u128..2, 0u128..3, 0u128..3);
        (side(), side(), 0u128..2, 0u128..3, 0u128..3).prop_map(|(from, to, protocol, first, second)| {
            let interval = |a: u128, b: u128| Interval::new(a.min(b), a.max(b)).unwrap();
            [
                interval(from.0, from.0),
                interval(from.1, from.2),
                interval(to.0, to.0),
                interval(to.1, to.2),
                interval(protocol, protocol),
                interval(first, second),
            ]
        })
    }

    fn flows() -> impl Strategy<Value = BTreeMap<String, FlowClaims>> {
        let boxes = prop::collection::btree_set(claim(), 0..4);
        prop::collection::btree_map("[a-e]", boxes, 0..5).prop_map(|flows| {
            let claims = |boxes| FlowClaims { boxes, named: Default::default(), conditions: String::new() };
            flows.into_iter().map(|(name, boxes)| (name, claims(boxes))).collect()
        })
    }

    fn points() -> impl Iterator<Item = [u128; FIELDS]> {
        (0..2 * 3 * 2 * 3 * 2 * 3).map(|mut number: u128| {
            [2, 3, 2, 3, 2, 3].map(|size| {
                let value = number % size;
                number /= size;
                value
            })
        })
    }

    fn allows(flows: &BTreeMap<String, FlowClaims>, point: &[u128; FIELDS]) -> bool {
        let inside =
            |claim: &Claim| claim.iter().zip(point).all(|(field, value)| field.lo() <= *value && *value <= field.hi());
        flows.values().flat_map(|flow| &flow.boxes).any(inside)
    }

    fn holds(products: &[Product<FIELDS>], point: &[u128; FIELDS]) -> usize {
        let has =
            |list: &Vec<Interval>, value: u128| list.iter().any(|field| field.lo() <= value && value <= field.hi());
        let inside =
            |product: &&Product<FIELDS>| product.fields.iter().zip(point).all(|(list, value)| has(list, *value));
        products.iter().filter(inside).count()
    }

    proptest! {
        /// At every point of the universe the difference says what trying says, and says it once.
        #[test]
        fn the_difference_is_what_trying_every_packet_finds(before in flows(), after in flows()) {
            let found = differences(&before, &after).unwrap().found;
            for point in points() {
                let (was, is) = (allows(&before, &point), allows(&after, &point));
                prop_assert_eq!(holds(&found.opened, &point), usize::from(is && !was));
                prop_assert_eq!(holds(&found.closed, &point), usize::from(was && !is));
            }
            let back = differences(&after, &before).unwrap().found;
            prop_assert_eq!((found.opened, found.closed), (back.closed, back.opened));
        }
    }
}
