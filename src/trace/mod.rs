//! The way of one packet: hop by hop, with the verdict of each enforcer.

mod ends;
mod way;

pub use way::lets_pass;

use crate::graph::{Graphs, Hook};
use crate::model::site::Flow;
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
    /// The flow that allows the packet everywhere.
    pub flow: Option<FlowId>,
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
            Some(Remark::Neighbours(_)) => true,
            Some(_) => false,
            None => self.hops.iter().all(|hop| hop.flow.is_some()) && self.flow.is_some(),
        }
    }
}

/// One enforcer on the way.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TraceHop {
    /// The enforcer.
    pub at: Enforcer,
    /// The flow that lets the packet pass here; `None` when it is dropped.
    pub flow: Option<FlowId>,
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
    },
}

/// Follows a packet through the plan.
#[must_use]
pub fn trace(site: &Site, graphs: &Graphs, plan: &Plan, question: &Question) -> Trace {
    let mut trace = way::Follower { site, graphs, plan, question }.run();
    if !trace.is_allowed() {
        trace.flow = None;
        trace.nearest = ends::nearest(site, question, trace.remark == Some(Remark::Spoofed));
    }
    trace
}

/// The flow in force that says that two ends may talk.
fn said(site: &Site, question: &Question) -> Option<FlowId> {
    let holds = |flow: &Flow| {
        let to = question.to.is_some_and(|to| flow.to.iter().any(|end| ends::stands_for(site, end.end, to)));
        to && flow.from.iter().any(|end| ends::stands_for(site, end.end, question.from))
            && flow.matches.iter().any(|allowed| ends::covers(allowed, &question.service))
    };
    site.flows.iter().find(|(_, flow)| flow.is_valid_on(site.as_of) && holds(flow)).map(|(id, _)| id)
}

/// The plan of a gateway.
#[must_use]
pub fn gateway_plan(plan: &Plan, gateway: GatewayId) -> Option<&GatewayPlan> {
    plan.gateways.iter().find(|held| held.gateway == gateway)
}
