//! The site as it is meant: names resolved, addresses parsed, defaults applied, immutable, typed ids.

pub mod address;
pub mod blueprint;
mod ends;
pub mod ids;
mod name_service;
pub mod nature;
mod resolve;
pub mod service;
pub mod site;
mod things;

pub use address::{Addresses, Family, Ranges};
pub use blueprint::{Blueprint, Property};
pub use ids::{ClusterId, ComponentId, FlowId, GatewayId, NamespaceId, NetworkId, SegmentId, Table, ZoneId};
pub use name_service::NameService;
pub use resolve::resolve;
pub use service::ServiceMatch;
pub use site::{End, EndRef, Leg, LegRole, Object, Place, Site};
