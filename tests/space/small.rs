//! Three 4-bit fields: 4096 points, so that every claim is checked at every point.

use proptest::collection::vec;
use proptest::prelude::*;
use zonec::space::{Arena, Cuts, Interval, Map, Set, disjoint};

const TOPS: [u128; 3] = [15; 3];
type Bounds = [Interval; 3];

/// The dumb counterpart: a label for each point, 0 for none.
#[derive(Clone, PartialEq, Debug)]
struct Table(Vec<u32>);

impl Table {
    fn first_match(boxes: &[(Bounds, u32)]) -> Self {
        Self(points().map(|point| label_of(boxes, &point)).collect())
    }
}

fn label_of(boxes: &[(Bounds, u32)], point: &[u128; 3]) -> u32 {
    let inside = |bounds: &Bounds| bounds.iter().zip(point).all(|(i, &v)| i.lo() <= v && v <= i.hi());
    let hit = boxes.iter().find(|(bounds, _)| inside(bounds));
    hit.map_or(0, |(_, label)| *label)
}

fn points() -> impl Iterator<Item = [u128; 3]> {
    (0..4096_u128).map(|n| [n & 15, n >> 4 & 15, n >> 8])
}

fn table_of(arena: &Arena<3>, map: Map) -> Table {
    let label = |point| arena.lookup(map, &point).unwrap_or(0);
    Table(points().map(label).collect())
}

fn interval() -> impl Strategy<Value = Interval> {
    prop_oneof![
        2 => (0..16_u128, 0..16_u128).prop_map(|(a, b)| Interval::new(a.min(b), a.max(b)).unwrap()),
        1 => Just(Interval::up_to(15)),
        1 => (0..16_u128).prop_map(Interval::point),
    ]
}

fn labelled() -> impl Strategy<Value = Vec<(Bounds, u32)>> {
    vec(([interval(), interval(), interval()], 1..4_u32), 0..14)
}

fn arena_over<'a>(lists: impl IntoIterator<Item = &'a Vec<(Bounds, u32)>>) -> Arena<3> {
    let mut cuts = Cuts::new(TOPS);
    for (bounds, _) in lists.into_iter().flatten() {
        cuts.cover(bounds);
    }
    Arena::new(cuts)
}

fn set(arena: &mut Arena<3>, boxes: &[(Bounds, u32)]) -> Set {
    arena.set(boxes.iter().map(|(bounds, _)| bounds)).unwrap()
}

fn map(arena: &mut Arena<3>, boxes: &[(Bounds, u32)]) -> Map {
    arena.map(boxes.iter().map(|(b, label)| (b, *label))).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]

    #[test]
    fn maps_take_the_first_match(boxes in labelled()) {
        let mut arena = arena_over([&boxes]);
        let map = map(&mut arena, &boxes);
        prop_assert_eq!(table_of(&arena, map), Table::first_match(&boxes));
    }

    #[test]
    fn operations_agree_with_the_table(a in labelled(), b in labelled()) {
        let mut arena = arena_over([&a, &b]);
        let (map_a, map_b) = (map(&mut arena, &a), map(&mut arena, &b));
        let (set_a, set_b) = (set(&mut arena, &a), set(&mut arena, &b));
        let union = arena.union(set_a, set_b);
        let both = arena.intersection(set_a, set_b);
        let only_a = arena.difference(set_a, set_b);
        let or_else = arena.or_else(map_a, map_b);
        let restricted = arena.restricted(map_a, set_b);
        let twos = arena.labelled(map_a, |label| label == 2);
        let swapped = arena.relabelled(map_a, |label| 3 - label);
        let domain = arena.domain(map_a);
        for point in points() {
            let (la, lb) = (label_of(&a, &point), label_of(&b, &point));
            prop_assert_eq!(arena.contains(union, &point), la != 0 || lb != 0);
            prop_assert_eq!(arena.contains(both, &point), la != 0 && lb != 0);
            prop_assert_eq!(arena.contains(only_a, &point), la != 0 && lb == 0);
            prop_assert_eq!(arena.lookup(or_else, &point).unwrap_or(0), if la != 0 { la } else { lb });
            prop_assert_eq!(arena.lookup(restricted, &point).unwrap_or(0), if lb != 0 { la } else { 0 });
            prop_assert_eq!(arena.contains(twos, &point), la == 2);
            prop_assert_eq!(arena.lookup(swapped, &point).unwrap_or(0), if la != 0 { 3 - la } else { 0 });
        }
        prop_assert_eq!(domain, set_a);
    }

    #[test]
    fn equal_sets_have_equal_ids(a in labelled(), b in labelled()) {
        let mut pieces: Vec<(Bounds, u32)> = a.iter().flat_map(halves).collect();
        let mut arena = arena_over([&a, &b, &pieces]);
        let (set_a, set_b) = (set(&mut arena, &a), set(&mut arena, &b));
        let same = points().all(|p| (label_of(&a, &p) != 0) == (label_of(&b, &p) != 0));
        prop_assert_eq!(set_a == set_b, same);
        // Split every box in two and turn the list around: the same set, so the same id.
        pieces.reverse();
        prop_assert_eq!(set(&mut arena, &pieces), set_a);
    }

    #[test]
    fn boxes_are_disjoint_and_mean_the_same(boxes in labelled()) {
        let parts = disjoint(TOPS, &boxes).unwrap();
        for point in points() {
            let inside = |(b, _): &&(Bounds, u32)| b.iter().zip(&point).all(|(i, &v)| i.contains(v));
            let hits: Vec<u32> = parts.iter().filter(inside).map(|(_, label)| *label).collect();
            let expected = label_of(&boxes, &point);
            prop_assert_eq!(hits, if expected == 0 { vec![] } else { vec![expected] });
        }
        // The form does not depend on how a box is written, and nothing is left that two boxes could share.
        let written = boxes.iter().flat_map(halves).collect::<Vec<_>>();
        prop_assert_eq!(&disjoint(TOPS, &written).unwrap(), &parts);
        for (i, (a, label_a)) in parts.iter().enumerate() {
            for (b, label_b) in &parts[i + 1..] {
                let differing: Vec<usize> = (0..3).filter(|&l| a[l] != b[l]).collect();
                let touching = |l: usize| a[l].hi() + 1 == b[l].lo() || b[l].hi() + 1 == a[l].lo();
                let joinable = label_a == label_b && differing.len() == 1 && touching(differing[0]);
                prop_assert!(!joinable, "{a:?} and {b:?} could be one");
            }
        }
    }

    #[test]
    fn products_are_disjoint_and_mean_the_same(boxes in labelled()) {
        let mut arena = arena_over([&boxes]);
        let map = map(&mut arena, &boxes);
        let products = arena.products(map);
        for point in points() {
            let hits: Vec<u32> = products
                .iter()
                .filter(|p| p.fields.iter().zip(&point).all(|(list, &v)| list.iter().any(|i| i.contains(v))))
                .map(|p| p.label)
                .collect();
            let expected = label_of(&boxes, &point);
            prop_assert_eq!(hits, if expected == 0 { vec![] } else { vec![expected] });
        }
    }
}

fn halves(entry: &(Bounds, u32)) -> Vec<(Bounds, u32)> {
    let (bounds, label) = *entry;
    let (lo, hi) = (bounds[0].lo(), bounds[0].hi());
    if lo == hi {
        return vec![entry.to_owned()];
    }
    let half = |lo, hi| {
        let mut part = bounds;
        part[0] = Interval::new(lo, hi).unwrap();
        (part, label)
    };
    let middle = (lo + hi) / 2;
    vec![half(lo, middle), half(middle + 1, hi)]
}

#[test]
fn a_bound_that_was_not_covered_is_an_error() {
    let mut arena: Arena<3> = Arena::new(Cuts::new(TOPS));
    let all = [Interval::up_to(15); 3];
    assert_eq!(arena.set([&all]), Ok(Set::FULL));
    let mut half = all;
    half[1] = Interval::new(3, 15).unwrap();
    let error = arena.set([&half]).unwrap_err();
    assert_eq!((error.level, error.interval), (1, half[1]));
    let mut outside = all;
    outside[2] = Interval::up_to(16);
    assert_eq!(arena.set([&outside]).unwrap_err().level, 2);
}

#[test]
fn an_overlap_is_cut_away_from_the_later_box() {
    let point = |v: u128| Interval::point(v);
    let range = |a, b| Interval::new(a, b).unwrap();
    let parts = disjoint([255, 65535], &[([point(10), point(80)], 1), ([range(0, 255), range(1, 1023)], 2)]);
    let expected = vec![
        ([range(0, 9), range(1, 1023)], 2),
        ([point(10), range(1, 79)], 2),
        ([point(10), point(80)], 1),
        ([point(10), range(81, 1023)], 2),
        ([range(11, 255), range(1, 1023)], 2),
    ];
    assert_eq!(parts, Ok(expected));
}
