//! Sends probes through a gateway, batch by batch, and compares what the kernel did with what the policy asks for.
//!
//! A case opens a connection and then plays it on: the answer, the opener's next packet, an ICMP error about it. Where
//! the opener is refused, the same later packets are probes without state. False accepts and false drops are counted
//! apart; a drop is only believed when it happens again in an unhurried second run.

use std::collections::HashSet;
use std::fmt;

use crate::lab::Lab;
use crate::packet::{Packet, Transport};
use crate::policy::{Place, Policy};
use crate::wire::{Sighting, Wire};

const BATCH: usize = 2_048;
/// Milliseconds of silence that end a phase, hurried and unhurried.
const PATIENCE: [u16; 2] = [3, 60];

/// A connection to try: where the first packet enters and what it is.
#[derive(Clone, Debug)]
pub struct Case {
    pub from: Place,
    pub packet: Packet,
}

/// A packet sent, what should have become of it, and what did.
#[derive(Clone, Debug)]
pub struct Probe {
    case: usize,
    mode: &'static str,
    pub from: Place,
    pub to: Place,
    pub packet: Packet,
    pub expected: bool,
    pub passed: bool,
}

impl fmt::Display for Probe {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let verdict = |passed| if passed { "pass" } else { "drop" };
        let Probe { mode, from, to, packet, .. } = self;
        write!(f, "{mode}: model {}, kernel {}: {from:?} to {to:?}, ", verdict(self.expected), verdict(self.passed))?;
        write!(f, "{} -> {} {:?}", packet.source, packet.destination, packet.transport)?;
        write!(
            f,
            "{}{}{}",
            if packet.fragmented { " in fragments" } else { "" },
            if packet.options { " behind options" } else { "" },
            if packet.authenticated { " behind an authentication header" } else { "" }
        )
    }
}

/// What came of all probes.
#[derive(Debug, Default)]
pub struct Tally {
    pub probes: usize,
    pub passed: usize,
    /// Drops of the first run that passed in the second: the laboratory was too slow, not the ruleset wrong.
    pub slow: usize,
    pub false_accepts: Vec<Probe>,
    pub false_drops: Vec<Probe>,
}

impl Tally {
    pub fn add(&mut self, other: Tally) {
        self.probes += other.probes;
        self.passed += other.passed;
        self.slow += other.slow;
        self.false_accepts.extend(other.false_accepts);
        self.false_drops.extend(other.false_drops);
    }

    pub fn agrees(&self) -> bool {
        self.false_accepts.is_empty() && self.false_drops.is_empty()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let Tally { probes, passed, slow, false_accepts, false_drops } = self;
        write!(f, "{probes} probes, {passed} passed, {} dropped; ", probes - passed)?;
        write!(f, "{} false accepts, {} false drops ({slow} resent)", false_accepts.len(), false_drops.len())?;
        for (title, list) in [("false accepts", false_accepts), ("false drops", false_drops)] {
            for probe in list.iter().take(8) {
                write!(f, "\n  {title}: {probe}")?;
            }
        }
        Ok(())
    }
}

/// Runs all cases against the ruleset loaded in the laboratory.
pub fn run(policy: &Policy, lab: &Lab, cases: &[Case]) -> Tally {
    let mut runner = Runner { policy, lab, wire: Wire::open(lab), sent: Vec::new(), base: 0 };
    let mut tally = Tally::default();
    let mut waiting: Vec<usize> = (0..cases.len()).collect();
    while !waiting.is_empty() {
        let (batch, later) = distinct(cases, &waiting);
        waiting = later;
        let mut probes = runner.play(cases, &batch, PATIENCE[0]);
        let doubtful: HashSet<usize> = probes.iter().filter(|p| p.expected && !p.passed).map(|p| p.case).collect();
        if !doubtful.is_empty() {
            let again: Vec<usize> = batch.iter().copied().filter(|case| doubtful.contains(case)).collect();
            probes.retain(|probe| !doubtful.contains(&probe.case));
            let second = runner.play(cases, &again, PATIENCE[1]);
            tally.slow += doubtful.len();
            probes.extend(second);
        }
        tally.count(probes);
    }
    tally
}

impl Tally {
    fn count(&mut self, probes: Vec<Probe>) {
        self.probes += probes.len();
        for probe in probes {
            self.passed += usize::from(probe.passed);
            match (probe.expected, probe.passed) {
                (false, true) => self.false_accepts.push(probe),
                (true, false) => self.false_drops.push(probe),
                _ => {}
            }
        }
    }
}

/// The next batch: cases whose connections the kernel cannot take for one another.
fn distinct(cases: &[Case], waiting: &[usize]) -> (Vec<usize>, Vec<usize>) {
    let mut used = HashSet::new();
    let (mut batch, mut later) = (Vec::new(), Vec::new());
    for &case in waiting {
        if batch.len() < BATCH && used.insert(cases[case].packet.connection()) {
            batch.push(case);
        } else {
            later.push(case);
        }
    }
    (batch, later)
}

struct Runner<'a> {
    policy: &'a Policy,
    lab: &'a Lab,
    wire: Wire,
    sent: Vec<Probe>,
    /// Probe number of `sent[0]`; numbers are never used twice, so a late frame cannot be taken for another.
    base: u32,
}

impl Runner<'_> {
    fn play(&mut self, cases: &[Case], batch: &[usize], patience: u16) -> Vec<Probe> {
        self.lab.forget_connections();
        self.base += self.sent.len() as u32;
        self.sent.clear();
        let mut open = vec![false; batch.len()];
        for (slot, &case) in batch.iter().enumerate() {
            let Case { from, packet } = &cases[case];
            open[slot] = self.policy.opens(*from, packet).is_some();
            self.send(case, "new", *from, packet.clone(), open[slot], patience);
        }
        self.settle(patience);
        for step in [Step::Reply, Step::Next, Step::Error] {
            for (slot, &case) in batch.iter().enumerate() {
                self.follow(case, &cases[case], step, &mut open[slot], patience);
            }
            self.settle(patience);
        }
        std::mem::take(&mut self.sent)
    }

    /// Plays the connection on. Whether it is open decides; a reply may open it from the other side.
    fn follow(&mut self, case: usize, opener: &Case, step: Step, open: &mut bool, patience: u16) {
        let (policy, packet) = (self.policy, &opener.packet);
        let far = policy.route(packet.destination);
        // The gateway's own TCP answers unasked-for segments with resets, and nothing may claim to be multicast.
        let host = far == Place::Host || opener.from == Place::Host;
        let tcp = matches!(packet.transport, Transport::Tcp { .. });
        if (host && tcp) || far == opener.from || packet.fragmented || policy.route(packet.source) != opener.from {
            return;
        }
        // An association goes on with other chunks than the laboratory knows.
        if matches!(packet.transport, Transport::Sctp { .. }) && step == Step::Next {
            return;
        }
        let (from, next) = match step {
            Step::Reply => (far, packet.reply()),
            Step::Next => (opener.from, packet.next()),
            Step::Error => (far, packet.error(packet.destination, error_kind(packet, case), 0)),
        };
        let expected = match (*open, step) {
            (true, _) => policy.source_belongs(from, next.source) && next.may_be_related(),
            (false, Step::Error) => false,
            (false, _) => policy.opens(from, &next).is_some(),
        };
        let mode = match (step, *open) {
            (Step::Reply, true) => "reply",
            (Step::Reply, false) => "reply without state",
            (Step::Next, true) => "established",
            (Step::Next, false) => "no SYN, no state",
            (Step::Error, true) => "related error",
            (Step::Error, false) => "error without state",
        };
        *open |= expected && step != Step::Error;
        self.send(case, mode, from, next, expected, patience);
    }

    fn send(&mut self, case: usize, mode: &'static str, from: Place, packet: Packet, expected: bool, patience: u16) {
        let to = self.policy.route(packet.destination);
        if from == Place::Host && to == Place::Host {
            return; // stays on the loopback interface
        }
        let tag = self.base + self.sent.len() as u32;
        self.wire.send(from, &packet, tag);
        self.sent.push(Probe { case, mode, from, to, packet, expected, passed: false });
        if self.sent.len().is_multiple_of(64) {
            self.take_in(0);
        }
        if patience > PATIENCE[0] {
            self.take_in(1);
        }
    }

    fn settle(&mut self, patience: u16) {
        while self.take_in(patience) {}
    }

    fn take_in(&mut self, patience: u16) -> bool {
        let (sent, base) = (&mut self.sent, self.base);
        self.wire.collect(patience, |sighting| {
            let probe = sighting.tag.checked_sub(base).and_then(|at| sent.get_mut(at as usize));
            if let Some(probe) = probe
                && probe.is(&sighting)
            {
                if (probe.from, sighting.at) == (Place::Host, Place::Host) {
                    return; // to 0.0.0.0 or ::, which is the host itself
                }
                let routed = !probe.packet.leaves_anywhere();
                assert!(!routed || probe.to == sighting.at, "left at {:?}, not as routed: {probe}", sighting.at);
                probe.passed = true;
            }
        })
    }
}

/// Errors that may pass, redirects and other messages that connection tracking takes as errors too.
fn error_kind(packet: &Packet, case: usize) -> u8 {
    const V4: [u8; 5] = [3, 11, 12, 5, 4];
    const V6: [u8; 7] = [1, 2, 3, 4, 0, 5, 100];
    if packet.source.is_ipv4() { V4[case % V4.len()] } else { V6[case % V6.len()] }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Reply,
    Next,
    Error,
}

impl Probe {
    /// Is this the probe itself, and not an ICMP error of the gateway that quotes it?
    fn is(&self, sighting: &Sighting) -> bool {
        sighting.source == self.packet.source
            && sighting.destination.is_none_or(|destination| destination == self.packet.destination)
            && sighting.protocol == self.packet.protocol()
    }
}
