//! One bit per cell.

/// One bit per cell of a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Bits {
    words: Vec<u64>,
    pub count: usize,
}

impl Bits {
    pub fn none(count: usize) -> Self {
        Self { words: vec![0; count.div_ceil(64)], count }
    }

    pub fn all(count: usize) -> Self {
        let mut bits = Self::none(count);
        bits.set(0, count);
        bits
    }

    /// Sets the bits from `from` up to and without `to`.
    pub fn set(&mut self, from: usize, to: usize) {
        let mut at = from;
        while at < to {
            let end = (at / 64 * 64 + 64).min(to);
            let width = end - at;
            let ones = if width == 64 { u64::MAX } else { (1 << width) - 1 };
            self.words[at / 64] |= ones << (at % 64);
            at = end;
        }
    }

    pub fn any(&self) -> bool {
        self.words.iter().any(|word| *word != 0)
    }

    pub fn or(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }

    pub fn and(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= b);
    }

    pub fn without(&mut self, other: &Self) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= !b);
    }

    /// The first bit at which two differ.
    pub fn differs(&self, other: &Self) -> Option<usize> {
        let (at, (a, b)) = self.words.iter().zip(&other.words).enumerate().find(|(_, (a, b))| a != b)?;
        Some(at * 64 + (a ^ b).trailing_zeros() as usize)
    }

    /// Whether the first bit is set.
    pub fn first(&self) -> bool {
        self.words[0] & 1 == 1
    }
}
