//! TCP flags: the space knows only opening segments and others, so all 256 values are tried.

use super::ast::{Operator, Value};
use super::condition::Condition;
use super::names::{self, TCP_FLAGS};
use crate::space::{Field, Interval, PacketBox, Region};

const FIN: u8 = 0x01;
const SYN: u8 = 0x02;
const RST: u8 = 0x04;
const ACK: u8 = 0x10;

/// The TCP segments that pass `flags [& mask] operator values`.
pub(super) fn condition(operator: Operator, mask: Option<&Value>, values: &[&Value], tcp: PacketBox) -> Condition {
    let mask = mask.map_or(Some(u8::MAX), byte);
    let values: Option<Vec<u8>> = values.iter().map(|value| byte(value)).collect();
    let (Some(mask), Some(values)) = (mask, values) else {
        return Condition::unknown(Region::from_iter([tcp]));
    };
    let passes = |flags: u8| {
        let seen = flags & mask;
        match operator {
            Operator::Equal => values.contains(&seen),
            Operator::NotEqual => !values.contains(&seen),
            Operator::AnyBit => values.iter().any(|value| seen & value != 0),
            Operator::Less => values.iter().all(|value| seen < *value),
            Operator::LessOrEqual => values.iter().all(|value| seen <= *value),
            Operator::Greater => values.iter().all(|value| seen > *value),
            Operator::GreaterOrEqual => values.iter().all(|value| seen >= *value),
        }
    };
    let (mut may, mut must) = (Region::new(), Region::new());
    for detail in [0_u8, 1] {
        let packets = tcp.with(Field::Detail, Interval::point(detail));
        let mut class = (0..=u8::MAX).filter(|&flags| opens(flags) == (detail == 1));
        if class.clone().any(passes) {
            may.push(packets);
        }
        if class.all(passes) {
            must.push(packets);
        }
    }
    let exact = may == must;
    Condition { may, must: (!exact).then_some(must), ..Condition::default() }
}

/// See [`Field::Detail`].
const fn opens(flags: u8) -> bool {
    flags & (FIN | SYN | RST | ACK) == SYN
}

fn byte(value: &Value) -> Option<u8> {
    let one = |word: &str| u8::try_from(names::number(TCP_FLAGS, word)?).ok();
    match value {
        Value::Word(word) => one(word),
        Value::Bits(words) => words.iter().try_fold(0, |bits, word| Some(bits | one(word)?)),
        _ => None,
    }
}
