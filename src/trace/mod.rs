//! The way of one packet: hop by hop, with the verdict of each enforcer.
//!
//! Two answers that have to agree: what the model says of the packet (some flow is about it, or the name service of its cluster),
//! and what the enforcers on its way do. Where nothing enforces they may differ, and that is shown.

mod ends;
mod way;

pub use way::lets_pass;

use crate::graph::{Graphs, Hook};
use crate::model::{ClusterId, End, FlowId, GatewayId, SegmentId, ServiceMatch, Site};
use crate::plan::{GatewayPlan, Plan, Side};
use std::net::IpAddr;

/// What is asked: two ends and a service of one packet.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Question {
    /// The initiator, or where a packet enters that nobody of the site sends.
    pub from: End,
    /// The responder; `None` for an address that nothing of the site has.
    pub to: Option<End>,
    /// Source address, when one is asked for.
    pub source: Option<IpAddr>,
    /// Destination address, when one is asked for.
    pub destination: Option<IpAddr>,
    /// The service: one port, one ICMP type or one protocol.
    pub service: ServiceMatch,
}

/// The answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Trace {
    /// Source address of the packet.
    pub source: Option<IpAddr>,
    /// Destination address of the packet.
    pub destination: Option<IpAddr>,
    /// The enforcers met, in order; ends with the first that drops.
    pub hops: Vec<TraceHop>,
    /// What lets the packet pass, at every enforcer.
    pub release: Option<Release>,
    /// What decides beside the rules of enforcers.
    pub remark: Option<Remark>,
    /// For a denied packet: the flow that is nearest, and what differs (`source`, `destination`, `service`).
    pub nearest: Option<(FlowId, Vec<&'static str>)>,
}

/// What decides beside the rules of enforcers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Remark {
    /// The source may not enter where it does: every gateway knows the addresses behind its interfaces.
    Spoofed,
    /// No route of the site leads to the destination.
    NoRoute,
    /// A packet to many is for the gateway itself, which passes none on.
    NotForwarded,
    /// No flow is about the packet, and yet nothing on its way stops it: a namespace of the platform, in which nothing is
    /// enforced, or an address that packets of a flow carry as well.
    Unreleased,
    /// Both ends stand in one segment; no gateway is between them.
    Neighbours(SegmentId),
    /// Both ends stand in one segment whose hosts are kept apart by something else than zonec (`isolated`).
    Isolated(SegmentId),
}

impl Remark {
    /// The word in JSON.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Spoofed => "spoofed",
            Self::NoRoute => "no-route",
            Self::NotForwarded => "not-forwarded",
            Self::Unreleased => "unreleased",
            Self::Neighbours(_) => "neighbours",
            Self::Isolated(_) => "isolated",
        }
    }
}

impl Trace {
    /// Whether the packet arrives.
    #[must_use]
    pub fn is_allowed(&self) -> bool {
        match self.remark {
            Some(Remark::Neighbours(_) | Remark::Unreleased) => true,
            Some(_) => false,
            None => !self.is_stopped() && self.release.is_some(),
        }
    }

    /// Whether an enforcer drops the packet.
    fn is_stopped(&self) -> bool {
        self.hops.iter().any(|hop| hop.verdict == Verdict::Drops)
    }
}

/// What a packet is let through for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Release {
    /// A flow.
    Flow(FlowId),
    /// The `dns` of a cluster: its pods ask its name service.
    NameService(ClusterId),
}

/// What an enforcer does with the packet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// Lets it pass, for this release.
    Passes(Release),
    /// Drops it.
    Drops,
    /// A namespace of the platform, in which nothing is enforced.
    Open,
}

/// A packet as enforcers see it.
#[derive(Clone, Copy)]
enum Packet {
    /// From pod to pod, inside a cluster or a mesh.
    AmongPods,
    /// From one address to another.
    Between(IpAddr, IpAddr),
}

/// One enforcer on the way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceHop {
    /// The enforcer.
    pub at: Enforcer,
    /// What it does.
    pub verdict: Verdict,
}

/// What decides.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Enforcer {
    /// A gateway, with the interfaces by which the packet enters and leaves.
    Gateway {
        /// The gateway.
        gateway: GatewayId,
        /// Chain.
        hook: Hook,
        /// Interface in.
        input: Option<usize>,
        /// Interface out; `None` in the forward chain when there is no route.
        output: Option<usize>,
    },
    /// The source check of a gateway, before any chain.
    SourceCheck {
        /// The gateway.
        gateway: GatewayId,
    },
    /// The policies of a cluster, on one side.
    Cluster {
        /// The cluster.
        cluster: ClusterId,
        /// The side.
        side: Side,
        /// The pods whose connection it is.
        end: End,
    },
}

/// Follows a packet through the plan.
#[must_use]
pub fn trace(site: &Site, graphs: &Graphs, plan: &Plan, question: &Question) -> Trace {
    let mut trace = way::Follower { site, graphs, plan, question }.run();
    if !trace.is_allowed() {
        trace.release = None;
        trace.nearest = ends::nearest(site, question, trace.remark == Some(Remark::Spoofed));
    }
    trace
}

/// The plan of a gateway.
#[must_use]
pub fn gateway_plan(plan: &Plan, gateway: GatewayId) -> Option<&GatewayPlan> {
    plan.gateways.iter().find(|held| held.gateway == gateway)
}
