//! What all policy kinds come down to.

use super::selector::Selector;
use crate::space::Ranges;
use ipnet::IpNet;
use std::collections::BTreeSet;

use super::ports::Transport;

/// Which connections of the subject a rule is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Direction {
    /// Those it accepts.
    Ingress,
    /// Those it opens.
    Egress,
}

/// When a rule is asked: tiers in this order, inside a cluster-wide tier by priority and place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tier {
    /// ClusterNetworkPolicy of tier Admin: priority, then place of the rule in the object.
    Admin(u32, u32),
    /// NetworkPolicy, CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy: no order, a deny beats every allow.
    Normal,
    /// ClusterNetworkPolicy of tier Baseline.
    Baseline(u32, u32),
}

/// What a rule does with a connection that it matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Lets it pass.
    Allow,
    /// Drops it.
    Deny,
    /// Leaves it to the next tier.
    Pass,
}

/// The other ends a rule is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peers {
    /// None: the rule matches nothing and only isolates.
    Nobody,
    /// All: pods, nodes, outside.
    Everybody,
    /// The union of these.
    Listed(Vec<Peer>),
}

/// One kind of peer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Endpoints with labels.
    Endpoints(Selector),
    /// Addresses outside: a prefix without some parts.
    Block {
        /// The prefix.
        cidr: IpNet,
        /// What is taken out of it.
        except: Vec<IpNet>,
    },
    /// A CiliumCIDRGroup without some parts, until all objects are read.
    Group {
        /// Its name.
        name: String,
        /// What is taken out of it.
        except: Vec<IpNet>,
    },
    /// Whatever addresses outside the name service gives for a name or pattern, once Cilium has read the answer.
    Name(String),
    /// One of the special groups.
    Entity(Entity),
}

/// Cilium's entities, as far as they are something in a running cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entity {
    /// Everything.
    All,
    /// All pods, nodes and special endpoints of the own cluster.
    Cluster,
    /// The pod's own node with its hostNetwork pods.
    Host,
    /// Other nodes.
    RemoteNode,
    /// The API server.
    KubeApiServer,
    /// Cilium's health endpoints.
    Health,
    /// Cilium's ingress proxy.
    Ingress,
    /// Everything outside.
    World,
    /// Endpoints that never are one in the evaluated world: `init`, `unmanaged`, `none`.
    Never,
}

/// The ports of a rule.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PortTerms {
    /// Ports by number.
    pub numbers: Ranges,
    /// Ports by the name that the destination pod gives them.
    pub names: Vec<(String, Transport)>,
}

/// One rule of one policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Which policy, by its place in [`Policies::names`](super::Policies).
    pub policy: usize,
    /// Which direction.
    pub direction: Direction,
    /// When it is asked.
    pub tier: Tier,
    /// What it does.
    pub action: Action,
    /// Whose connections it is about.
    pub subject: Selector,
    /// Whether its subjects lose what no rule allows, in this direction.
    pub isolates: bool,
    /// The other ends.
    pub peers: Peers,
    /// The ports at the destination.
    pub ports: PortTerms,
    /// What a proxy lets pass on these ports; everything when there is none.
    pub proxy: Proxy,
}

/// What a proxy lets pass (layer 7).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Proxy {
    /// Everything.
    #[default]
    None,
    /// HTTP requests, one text for each.
    Http(BTreeSet<String>),
    /// Questions to the name service for names or patterns; their answers become known.
    Dns(BTreeSet<String>),
}

impl Proxy {
    /// Whether a request of its kind passes. A request that no rule names is any other one.
    #[must_use]
    pub fn passes(&self, request: &str) -> bool {
        match self {
            Self::None => true,
            Self::Http(list) => list.contains(request),
            Self::Dns(list) => list.contains("*") || list.contains(request),
        }
    }

    /// The requests it tells apart from others.
    pub fn requests(&self) -> impl Iterator<Item = &String> {
        match self {
            Self::Http(list) | Self::Dns(list) => Some(list),
            Self::None => None,
        }
        .into_iter()
        .flatten()
    }

    /// Whether the answers for a name become known.
    #[must_use]
    pub fn learns(&self, name: &str) -> bool {
        matches!(self, Self::Dns(list) if list.contains("*") || list.contains(name))
    }
}
