//! What a ruleset does with every packet.
//!
//! Two maps come out: packets that may pass and packets that may be dropped, each with the rule
//! that decides. A ruleset that is understood wholly gives every packet one fate; otherwise the
//! maps overlap, and the overlap is what is not known.

use super::ast::{Place, Remark};
use super::program::{BaseChain, Decision, DecisionKind, Program};
use crate::space::{Family, Hook, Map, MissingCut, PacketBox, PacketSpace, Region, Set};

/// The hooks in the order in which packets meet them.
pub(super) const STAGES: [&str; 5] = ["prerouting", "input", "forward", "output", "postrouting"];

/// How deep chains may call each other (kernel: `NFT_JUMP_STACK_SIZE`).
pub(super) const DEEPEST: usize = 16;

/// Connection tracking runs at this priority in prerouting and output.
const CONNTRACK: i64 = -200;

/// The fates of all packets.
#[derive(Clone, Debug)]
pub struct Fates {
    /// Packets that may pass, with the label of the decision.
    pub accepted: Map,
    /// Packets that may be dropped, with the label of the decision.
    pub dropped: Map,
    /// Whether something that is not understood concerns every packet: then the maps are a guess.
    pub uncertain: bool,
}

impl Program {
    /// Sends every packet of the space through the ruleset.
    ///
    /// # Errors
    /// The space does not cover the program's regions.
    pub fn evaluate(&mut self, space: &mut PacketSpace) -> Result<Fates, MissingCut> {
        let nothing = self.label(Decision {
            table: String::new(),
            chain: String::new(),
            place: Place::Nowhere,
            comment: None,
            kind: DecisionKind::NoChain,
            accepts: true,
        });
        self.find_blind_spots();
        let mut run = Run { program: self, space, stage: Stage::default() };
        let mut accepted = Map::EMPTY;
        let mut dropped = Map::EMPTY;
        for hook in Hook::ALL {
            let fates = run.hook(hook, nothing)?;
            accepted = run.space.arena().or_else(accepted, fates.0);
            dropped = run.space.arena().or_else(dropped, fates.1);
        }
        Ok(Fates { accepted, dropped, uncertain: self.uncertain })
    }

    /// Notes what the space cannot see of this ruleset.
    fn find_blind_spots(&mut self) {
        for (tracked, family) in self.tracks.into_iter().zip(["IPv4", "IPv6"]) {
            if !tracked {
                self.everything(format!("no rule tracks connections of {family}, so fragments are not reassembled"));
            }
        }
        let elsewhere = |base: &BaseChain| {
            base.base.kind != "nat" && ["prerouting", "postrouting"].contains(&base.base.hook.as_str())
        };
        if self.translates && self.bases.iter().any(elsewhere) {
            self.everything("sources are translated, and a chain outside of it may see either address".to_owned());
        }
    }

    fn everything(&mut self, text: String) {
        self.remarks.push(Remark { place: Place::Nowhere, text });
        self.uncertain = true;
    }
}

/// Where a base chain stands, as far as matches depend on it.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stage {
    pub(super) before_routing: bool,
    pub(super) after_routing: bool,
    pub(super) before_tracking: bool,
}

/// What a chain does with the packets that enter it.
pub(super) struct Passage {
    pub(super) accepted: Map,
    pub(super) dropped: Map,
    /// Packets that may come out at the end.
    pub(super) rest: Set,
}

pub(super) struct Run<'a> {
    pub(super) program: &'a Program,
    pub(super) space: &'a mut PacketSpace,
    pub(super) stage: Stage,
}

impl Run<'_> {
    /// Everything that hangs on the way of one hook of the space.
    fn hook(&mut self, hook: Hook, nothing: u32) -> Result<(Map, Map), MissingCut> {
        let packets = self.part(PacketBox::any().hook(hook))?;
        let mut accepted = self.space.arena().restricted(Map::constant(nothing), packets);
        let mut dropped = Map::EMPTY;
        for base in self.way(hook) {
            let family = match base.family.as_str() {
                "ip" => self.part(PacketBox::any().family(Family::V4))?,
                "ip6" => self.part(PacketBox::any().family(Family::V6))?,
                _ => self.space.universe(),
            };
            let alive = self.space.arena().domain(accepted);
            let entering = self.space.arena().intersection(alive, family);
            self.stage = stage(&base);
            let passage = self.base_chain(&base, entering)?;
            dropped = self.space.arena().or_else(dropped, passage.dropped);
            if base.base.kind == "nat" {
                // Asked for the first packet of a connection only; what it drops, later packets may do.
                continue;
            }
            let beside = self.space.arena().difference(alive, entering);
            let beside = self.space.arena().restricted(accepted, beside);
            let through = self.later(accepted, passage.accepted);
            accepted = self.space.arena().or_else(through, beside);
        }
        Ok((accepted, dropped))
    }

    fn part(&mut self, packets: PacketBox) -> Result<Set, MissingCut> {
        self.space.set(&Region::from_iter([packets]))
    }

    /// The base chains on the way of a packet, in order.
    fn way(&self, hook: Hook) -> Vec<BaseChain> {
        let stages: &[&str] = match hook {
            Hook::Forward => &["prerouting", "forward", "postrouting"],
            Hook::Input => &["prerouting", "input"],
            Hook::Output => &["output", "postrouting"],
        };
        let place = |base: &BaseChain| stages.iter().position(|stage| *stage == base.base.hook);
        let mut way: Vec<BaseChain> = self.program.bases.to_vec();
        way.retain(|base| place(base).is_some());
        way.sort_by_key(|base| (place(base), base.base.priority));
        way
    }

    /// Labels of packets that passed before and pass again: a rule says more than a policy.
    fn later(&mut self, before: Map, now: Map) -> Map {
        let rule = |label: u32| {
            let decision = self.program.decision(label);
            decision.is_some_and(|d| d.kind == DecisionKind::Rule || d.kind == DecisionKind::Unknown)
        };
        let arena = self.space.arena();
        let by_rule_before = arena.labelled(before, rule);
        let by_other_now = arena.labelled(now, |label| !rule(label));
        let keep = arena.intersection(by_rule_before, by_other_now);
        let kept = arena.restricted(before, keep);
        arena.or_else(kept, now)
    }

    fn base_chain(&mut self, base: &BaseChain, entering: Set) -> Result<Passage, MissingCut> {
        let mut passage = self.chain(base.chain, entering, 0)?;
        let policy = Map::constant(base.policy);
        let rest = self.space.arena().restricted(policy, passage.rest);
        let fate = if base.base.drops { &mut passage.dropped } else { &mut passage.accepted };
        *fate = self.space.arena().or_else(*fate, rest);
        Ok(passage)
    }
}

fn stage(base: &BaseChain) -> Stage {
    let hook = base.base.hook.as_str();
    let early = base.base.priority.is_some_and(|priority| priority <= CONNTRACK);
    Stage {
        before_routing: hook == "prerouting",
        after_routing: hook == "postrouting",
        before_tracking: early && ["prerouting", "output"].contains(&hook),
    }
}
