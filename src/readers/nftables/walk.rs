//! The way of packets through one chain and those it calls.

use super::condition::{Condition, Reads};
use super::evaluate::{DEEPEST, Passage, Run};
use super::program::{Action, Entries, Step};
use crate::space::{Map, MissingCut, PacketSpace, Set};

impl Run<'_> {
    pub(super) fn chain(&mut self, number: usize, entering: Set, depth: usize) -> Result<Passage, MissingCut> {
        let mut walk = Walk { accepted: Map::EMPTY, dropped: Map::EMPTY, live: entering, returned: Set::EMPTY, depth };
        let program = self.program;
        let Some(chain) = program.chains.get(number) else {
            return Ok(walk.passage(self.space));
        };
        if depth > DEEPEST {
            self.unknown(&mut walk, chain.unknown, entering);
            return Ok(walk.passage(self.space));
        }
        for rule in &chain.rules {
            if walk.live.is_empty() {
                break;
            }
            self.rule(&mut walk, rule, chain.unknown)?;
        }
        Ok(walk.passage(self.space))
    }

    fn rule(&mut self, walk: &mut Walk, rule: &[Step], unknown: [u32; 2]) -> Result<(), MissingCut> {
        let mut reach = Reach { may: walk.live, must: walk.live };
        let mut limited = false;
        for step in rule {
            if reach.may.is_empty() {
                return Ok(());
            }
            match step {
                Step::Condition(condition) => self.narrow(&mut reach, condition)?,
                Step::Limit => limited = true,
                Step::Act(action) => {
                    let reach = if limited { reach.perhaps() } else { reach };
                    self.act(walk, *action, reach)?;
                }
                Step::Map(entries) => {
                    let reach = if limited { reach.perhaps() } else { reach };
                    self.look_up(walk, entries, reach, unknown)?;
                }
                Step::Unknown => self.unknown(walk, unknown, reach.may),
            }
        }
        Ok(())
    }

    fn narrow(&mut self, reach: &mut Reach, condition: &Condition) -> Result<(), MissingCut> {
        match self.readable(condition.reads) {
            Readable::Yes => {}
            Readable::Absent if condition.reads.negated => return Ok(()),
            Readable::Absent => {
                *reach = Reach { may: Set::EMPTY, must: Set::EMPTY };
                return Ok(());
            }
            Readable::Unknown => {
                reach.must = Set::EMPTY;
                return Ok(());
            }
        }
        let may = self.space.set(&condition.may)?;
        let must = match &condition.must {
            Some(region) => self.space.set(region)?,
            None => may,
        };
        let arena = self.space.arena();
        reach.may = arena.intersection(reach.may, may);
        reach.must = arena.intersection(reach.must, must);
        Ok(())
    }

    fn readable(&self, reads: Reads) -> Readable {
        if reads.output && self.stage.before_routing {
            return Readable::Absent;
        }
        let unknown = reads.state && self.stage.before_tracking || reads.input && self.stage.after_routing;
        if unknown { Readable::Unknown } else { Readable::Yes }
    }

    fn act(&mut self, walk: &mut Walk, action: Action, reach: Reach) -> Result<(), MissingCut> {
        match action {
            Action::Continue => return Ok(()),
            Action::Decide(label) => self.decide(walk, Map::constant(label), reach.may),
            Action::Return => {
                walk.returned = self.space.arena().union(walk.returned, reach.may);
            }
            Action::Jump(chain) | Action::Goto(chain) => {
                let passage = self.chain(chain, reach.may, walk.depth + 1)?;
                let arena = self.space.arena();
                walk.accepted = arena.or_else(walk.accepted, passage.accepted);
                walk.dropped = arena.or_else(walk.dropped, passage.dropped);
                walk.live = arena.difference(walk.live, reach.must);
                if matches!(action, Action::Jump(_)) {
                    walk.live = arena.union(walk.live, passage.rest);
                } else {
                    walk.returned = arena.union(walk.returned, passage.rest);
                }
                return Ok(());
            }
        }
        walk.live = self.space.arena().difference(walk.live, reach.must);
        Ok(())
    }

    /// Gives the packets of `set` the fate of the label that `decisions` has for them.
    fn decide(&mut self, walk: &mut Walk, decisions: Map, set: Set) {
        let program = self.program;
        let accepts = |label: u32| program.decision(label).is_some_and(|d| d.accepts);
        let arena = self.space.arena();
        let decisions = arena.restricted(decisions, set);
        let accepted = arena.labelled(decisions, accepts);
        let dropped = arena.difference(set, accepted);
        let accepted = arena.restricted(decisions, accepted);
        let dropped = arena.restricted(decisions, dropped);
        walk.accepted = arena.or_else(walk.accepted, accepted);
        walk.dropped = arena.or_else(walk.dropped, dropped);
    }

    fn look_up(
        &mut self,
        walk: &mut Walk,
        entries: &Entries,
        reach: Reach,
        unknown: [u32; 2],
    ) -> Result<(), MissingCut> {
        match self.readable(entries.reads) {
            Readable::Yes => {}
            Readable::Absent => return Ok(()),
            Readable::Unknown => {
                self.unknown(walk, unknown, reach.may);
                return Ok(());
            }
        }
        let labels = entries.labels.iter().copied();
        let map = self.space.map(entries.region.boxes().iter().zip(labels))?;
        let map = self.space.arena().restricted(map, reach.may);
        // All entries that give every packet the same verdict at once, then the others one by one.
        let program = self.program;
        let constant = |label: u32| match action_of(entries, label) {
            Some(Action::Decide(label)) => label,
            Some(Action::Jump(chain) | Action::Goto(chain)) => {
                program.chains.get(chain).and_then(|steps| steps.constant).unwrap_or(0)
            }
            _ => 0,
        };
        let decisions = self.space.arena().relabelled(map, constant);
        let decided = self.space.arena().domain(decisions);
        self.decide(walk, decisions, decided);
        let arena = self.space.arena();
        let for_sure = arena.intersection(decided, reach.must);
        walk.live = arena.difference(walk.live, for_sure);
        for label in self.space.arena().labels(map) {
            let Some(action) = action_of(entries, label).filter(|_| constant(label) == 0) else {
                continue;
            };
            let arena = self.space.arena();
            let packets = arena.labelled(map, |other| other == label);
            let must = arena.intersection(packets, reach.must);
            self.act(walk, action, Reach { may: packets, must })?;
        }
        Ok(())
    }

    /// Anything may happen to these packets.
    fn unknown(&mut self, walk: &mut Walk, labels: [u32; 2], packets: Set) {
        for label in labels {
            self.decide(walk, Map::constant(label), packets);
        }
    }
}

fn action_of(entries: &Entries, label: u32) -> Option<Action> {
    let index = usize::try_from(label).ok()?.checked_sub(1)?;
    entries.actions.get(index).copied()
}

enum Readable {
    Yes,
    /// The property is not there; a comparison with it fails, its negation holds.
    Absent,
    Unknown,
}

/// The packets that a part of a rule sees.
#[derive(Clone, Copy)]
struct Reach {
    may: Set,
    must: Set,
}

impl Reach {
    /// The same packets, none of them for sure.
    const fn perhaps(self) -> Self {
        Self { may: self.may, must: Set::EMPTY }
    }
}

/// The state on the way through a chain.
struct Walk {
    accepted: Map,
    dropped: Map,
    live: Set,
    returned: Set,
    depth: usize,
}

impl Walk {
    fn passage(self, space: &mut PacketSpace) -> Passage {
        Passage { accepted: self.accepted, dropped: self.dropped, rest: space.arena().union(self.live, self.returned) }
    }
}
