//! Independent readers of what the targets emit: bytes → packets that pass.
//!
//! They share nothing with the emitters but [`crate::space`], so that a mistake in one of them
//! shows as a difference.

pub mod admission;
pub mod cilium_policy;
pub mod cluster;
pub mod cluster_network_policy;
pub mod egress_gateway;
pub mod kustomization;
pub mod network_policy;
pub mod nftables;
