//! Proof of a gateway's ruleset: for every packet, at every hook.
//!
//! ```text
//! plan ──→ Allowed ─┐
//!                   ├─ one PacketSpace: equal, or a packet that the two judge differently
//! file ──→ Fates ───┘
//! ```
//!
//! What the reader does not understand may do anything; then the answer is *unknown*, with what is certain nevertheless.

mod allowed;
mod staged;

pub use allowed::{Allowed, Basis, NoSpace};
pub use staged::{of_build, of_switch};

use std::fmt;

use crate::model::Site;
use crate::plan::GatewayPlan;
use crate::readers::nftables::{Fates, Program, Remark, Ruleset, json, text};
use crate::space::{Hook, Interfaces, Map, MissingCut, Packet, PacketBox, PacketSpace, Region, Set};

/// What the proof of a ruleset found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GatewayProof {
    /// What was not understood; each may concern every packet that reaches it.
    pub unclear: Vec<String>,
    /// Packets that model and ruleset certainly judge differently, at most one per hook and direction.
    pub differences: Vec<Difference>,
    /// Packets that they may judge differently, depending on what was not understood.
    pub doubts: Vec<Difference>,
    /// Whether nothing at all is certain, because what was not understood concerns every packet.
    pub uncertain: bool,
    /// Whether there was nothing to read.
    pub is_missing: bool,
}

/// The answer of a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Every packet gets the same verdict from model and ruleset.
    Equal,
    /// Some packet certainly does not.
    Differs,
    /// Not everything was understood, and what was understood does not differ for certain.
    Unknown,
}

impl Answer {
    /// The word in outputs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::Differs => "differs",
            Self::Unknown => "unknown",
        }
    }
}

/// A packet that model and ruleset judge differently.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// The packet.
    pub packet: Packet,
    /// The packet with the names of its interfaces.
    pub shown: String,
    /// Interface names: the one it enters by, the one it leaves by.
    pub interfaces: [Option<String>; 2],
    /// What allows it in the model, in words; `None` when nothing does.
    pub basis: Option<String>,
    /// What decides in the ruleset, in words, with its line or handle.
    pub rule: String,
}

impl Difference {
    /// Whether the model allows the packet; the ruleset does the opposite.
    #[must_use]
    pub const fn model(&self) -> bool {
        self.basis.is_some()
    }
}

impl GatewayProof {
    /// The answer.
    #[must_use]
    pub fn answer(&self) -> Answer {
        match (self.uncertain, self.differences.is_empty(), self.doubts.is_empty()) {
            _ if self.is_missing => Answer::Differs,
            (true, ..) | (false, true, false) => Answer::Unknown,
            (false, false, _) => Answer::Differs,
            (false, true, true) => Answer::Equal,
        }
    }

    /// Whether the ruleset is proven equal to the model.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.answer() == Answer::Equal
    }

    /// The proof of a file that is not there.
    #[must_use]
    pub fn missing() -> Self {
        Self { is_missing: true, unclear: vec!["the file is missing".to_owned()], ..Self::default() }
    }

    /// The proof of something that could not be read.
    #[must_use]
    pub fn unreadable(reason: String) -> Self {
        Self { unclear: vec![reason], uncertain: true, ..Self::default() }
    }
}

impl fmt::Display for GatewayProof {
    /// What is in the way of the proof, one line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lists =
            [(if self.uncertain { "may differ" } else { "differs" }, &self.differences), ("may differ", &self.doubts)];
        for (word, list) in lists {
            for item in list {
                writeln!(f, "{word}: {}", item.shown)?;
                match &item.basis {
                    Some(basis) => writeln!(f, "  model: allow ({basis})")?,
                    None => writeln!(f, "  model: deny (no flow allows it)")?,
                }
                writeln!(f, "  ruleset: {}", item.rule)?;
            }
        }
        if self.answer() != Answer::Equal {
            for text in &self.unclear {
                writeln!(f, "{}{text}", if self.is_missing { "" } else { "not understood: " })?;
            }
        }
        Ok(())
    }
}

/// The proof of a file as `nft -f` would load it.
#[must_use]
pub fn of_text(site: &Site, gateway: &GatewayPlan, file: &str) -> GatewayProof {
    of_read(site, gateway, text::parse(file))
}

/// The proof of what `nft list ruleset` printed.
#[must_use]
pub fn of_listing(site: &Site, gateway: &GatewayPlan, listing: &str) -> GatewayProof {
    of_read(site, gateway, text::parse(listing).map(|ruleset| Ruleset { listed: true, ..ruleset }))
}

/// The proof of what `nft -j list ruleset` printed.
#[must_use]
pub fn of_json(site: &Site, gateway: &GatewayPlan, listing: &str) -> GatewayProof {
    of_read(site, gateway, json::parse(listing))
}

fn of_read(site: &Site, gateway: &GatewayPlan, ruleset: Result<Ruleset, Remark>) -> GatewayProof {
    let proof = ruleset.map_err(|remark| remark.to_string());
    let proof = proof.and_then(|ruleset| prove(site, gateway, &ruleset).map_err(|error| error.to_string()));
    proof.unwrap_or_else(GatewayProof::unreadable)
}

/// Holds a ruleset against the plan of a gateway.
///
/// # Errors
/// [`NoSpace`] when one of them does not fit into the packet space.
pub fn prove(site: &Site, gateway: &GatewayPlan, ruleset: &Ruleset) -> Result<GatewayProof, NoSpace> {
    let mut interfaces = Interfaces::new();
    let allowed = Allowed::new(gateway, &mut interfaces)?;
    Program::name_interfaces(ruleset, &mut interfaces);
    let mut program = Program::new(ruleset, &interfaces);
    let mut space = PacketSpace::covering(program.regions().chain(allowed.regions()))?;
    let model = allowed.map(&mut space)?;
    let fates = program.evaluate(&mut space)?;
    let mut proof = GatewayProof { uncertain: fates.uncertain, ..GatewayProof::default() };
    let mut judge = Judge { site, interfaces: &interfaces, program: &program, space: &mut space, model, fates };
    judge.compare(&mut proof)?;
    proof.unclear = program.remarks().iter().map(ToString::to_string).collect();
    Ok(proof)
}

struct Judge<'a> {
    site: &'a Site,
    interfaces: &'a Interfaces,
    program: &'a Program,
    space: &'a mut PacketSpace,
    model: Map,
    fates: Fates,
}

impl Judge<'_> {
    fn compare(&mut self, proof: &mut GatewayProof) -> Result<(), MissingCut> {
        let arena = self.space.arena();
        let wanted = arena.domain(self.model);
        let (passes, drops) = (arena.domain(self.fates.accepted), arena.domain(self.fates.dropped));
        let open = arena.intersection(passes, drops);
        let passes_surely = arena.difference(passes, open);
        let surplus = arena.difference(passes_surely, wanted);
        let stays = arena.union(passes_surely, open);
        let missing = arena.difference(wanted, stays);
        let open_surplus = arena.difference(open, wanted);
        let open_missing = arena.intersection(open, wanted);
        proof.differences = self.examples(surplus, missing)?;
        proof.doubts = self.examples(open_surplus, open_missing)?;
        Ok(())
    }

    /// The first packet of each set at each hook.
    fn examples(&mut self, surplus: Set, missing: Set) -> Result<Vec<Difference>, MissingCut> {
        let mut found = Vec::new();
        for (set, fates) in [(surplus, self.fates.accepted), (missing, self.fates.dropped)] {
            if set.is_empty() {
                continue;
            }
            for hook in Hook::ALL {
                let here = self.space.set(&Region::from_iter([PacketBox::any().hook(hook)]))?;
                let here = self.space.arena().intersection(set, here);
                found.extend(self.space.witness(here).map(|packet| self.difference(packet, fates)));
            }
        }
        Ok(found)
    }

    fn difference(&self, packet: Packet, fates: Map) -> Difference {
        let basis = self.space.lookup(self.model, &packet).and_then(Basis::of_label);
        let decision = self.space.lookup(fates, &packet).and_then(|label| self.program.decision(label));
        let name = |interface: Option<_>| {
            interface.map(|interface| self.interfaces.name(interface).unwrap_or("(any other)").to_owned())
        };
        Difference {
            packet,
            shown: packet.located(self.interfaces),
            interfaces: [name(packet.input), name(packet.output)],
            basis: basis.map(|basis| self.words(basis)),
            rule: decision.map(ToString::to_string).unwrap_or_default(),
        }
    }

    fn words(&self, basis: Basis) -> String {
        match basis {
            Basis::Loopback => "the device's own traffic".to_owned(),
            Basis::Established => "part of a connection".to_owned(),
            Basis::Related => "error about a connection".to_owned(),
            Basis::NeighbourDiscovery => "neighbour discovery".to_owned(),
            Basis::ListenerDiscovery => "multicast listener discovery".to_owned(),
            Basis::Flow(id) => {
                let flow = self.site.flows.iter().find(|(other, _)| *other == id);
                flow.map_or_else(String::new, |(_, flow)| format!("flow {}", flow.name))
            }
        }
    }
}
