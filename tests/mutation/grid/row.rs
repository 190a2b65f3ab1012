//! A row of the grid.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use super::bits::Bits;
use super::{HOOKS, STATES};

/// What all packets of a row have in common.
#[derive(Clone, Debug)]
pub struct Row {
    pub hook: usize,
    /// Interface names; `-` for one that nobody names, empty for none.
    pub input: String,
    pub output: String,
    pub family: u8,
    pub state: usize,
    pub protocol: u8,
    /// TCP: a SYN alone. ICMPv6: hop limit 255.
    pub detail: bool,
    /// First value of each cell: sources, destinations, types, ports.
    pub axes: [Vec<u128>; 4],
}

impl Row {
    pub fn len(&self) -> usize {
        self.axes.iter().map(Vec::len).product()
    }

    /// Sets the bits of a box: ranges of values per axis.
    pub fn fill(&self, bits: &mut Bits, ranges: [(u128, u128); 4]) {
        let cells: Vec<std::ops::Range<usize>> = self
            .axes
            .iter()
            .zip(ranges)
            .map(|(axis, (lo, hi))| {
                axis.partition_point(|start| *start < lo)..axis.partition_point(|start| *start <= hi)
            })
            .collect();
        let [_, d, t, p] = [0, 1, 2, 3].map(|axis: usize| self.axes[axis].len());
        for a in cells[0].clone() {
            for b in cells[1].clone() {
                for c in cells[2].clone() {
                    let from = ((a * d + b) * t + c) * p;
                    bits.set(from + cells[3].start, from + cells[3].end);
                }
            }
        }
    }

    pub fn packet(&self, cell: usize) -> String {
        let [_, d, t, p] = [0, 1, 2, 3].map(|axis: usize| self.axes[axis].len());
        let at = [cell / (d * t * p), cell / (t * p) % d, cell / p % t, cell % p];
        let value = |axis: usize| self.axes[axis][at[axis]];
        let address = |number: u128| match self.family {
            0 => IpAddr::from((number as u32).to_be_bytes()),
            _ => IpAddr::V6(Ipv6Addr::from(number)),
        };
        format!("{self}{} -> {} type {} port {}", address(value(0)), address(value(1)), value(2), value(3))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (hook, state) = (HOOKS[self.hook], STATES[self.state]);
        write!(f, "{hook} {:?} > {:?} {state} protocol {} {} ", self.input, self.output, self.protocol, self.detail)
    }
}
