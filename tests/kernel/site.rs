//! A zone file as the judge sees it: the compiled rulesets of a site, and the plan of each gateway as plain data.
//!
//! This is the one place where the judge touches zonec. It takes the plan (what the model allows) and the emitted
//! text; whether the two agree is the kernel's word.

use crate::policy::{self, Family, Interface, Permit, Policy, Range, Service};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::Path;
use zonec::check::{Checked, check};
use zonec::compile::enforced;
use zonec::graph::Hook;
use zonec::model::{Addresses, FlowId, ServiceMatch};
use zonec::plan::{GatewayPlan, Permit as Planned};
use zonec::source::{Date, MemoryWorld};
use zonec::syntax::service::Transport;
use zonec::targets::{Files, Origin, nftables};

/// A compiled gateway.
pub struct Compiled {
    pub name: String,
    pub policy: Policy,
    pub ruleset: String,
    /// The lossless form: what builds the ruleset, what switches to it, what removes the one before.
    pub staged: [String; 3],
    plan: GatewayPlan,
    flows: BTreeMap<String, FlowId>,
}

impl Compiled {
    /// The lines that delete the open connections of a flow that is removed.
    pub fn closing(&self, flow: &str) -> Vec<String> {
        nftables::connections_of(&self.plan, self.flows[flow]).expect("lines for every flow")
    }
}

/// A compiled site.
pub struct CompiledSite {
    pub gateways: Vec<Compiled>,
    /// First address of every leg of every component, both families.
    pub hosts: Vec<IpAddr>,
}

/// Reads every file of a folder into a world without a disk.
pub fn world(folder: &Path) -> MemoryWorld {
    let mut files = BTreeMap::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(&path).expect("example folder") {
            let path = entry.expect("entry").path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml") {
                let name = path.strip_prefix(folder).expect("inside").to_string_lossy().into_owned();
                files.insert(name, std::fs::read(&path).expect("readable"));
            }
        }
    }
    MemoryWorld { files, as_of: Date::new(2026, 11, 24).expect("a date"), main: "site.yaml".to_owned() }
}

/// Compiles a site that must be releasable.
pub fn compiled(world: &MemoryWorld) -> CompiledSite {
    let checked = check(world, false).expect("built-in data");
    assert!(checked.is_releasable(), "the site is clean");
    rulesets(&checked).expect("compiles")
}

/// Compiles a site that need only resolve.
pub fn resolved(world: &MemoryWorld) -> Result<CompiledSite, String> {
    rulesets(&check(world, false).expect("built-in data"))
}

fn rulesets(checked: &Checked) -> Result<CompiledSite, String> {
    let texts = || checked.findings.iter().map(|finding| format!("{finding:?}")).collect::<Vec<_>>().join("\n");
    let model = checked.model.as_ref().ok_or_else(texts)?;
    let (plan, files) = enforced(checked, model).map_err(|error| error.to_string())?;
    let origin = Origin { site: &model.site, digest: &checked.digest, as_of: checked.as_of };
    let mut staged = Files::default();
    nftables::emit_staged(&plan, origin, &mut staged).map_err(|error| error.reason)?;
    let gateways = plan.gateways.iter().map(|gateway| Compiled {
        name: gateway.name.clone(),
        policy: policy_of(gateway, |id| model.site.flows[id].name.clone()),
        ruleset: files.get(&format!("nftables/{}.nft", gateway.name)).expect("a file per gateway").to_owned(),
        staged: ["1-build.nft", "2-switch.nft", "3-retire.sh"].map(|step| {
            staged.get(&format!("nftables/{}.staged/{step}", gateway.name)).expect("a file per step").to_owned()
        }),
        plan: gateway.clone(),
        flows: model.site.flows.iter().map(|(id, flow)| (flow.name.clone(), id)).collect(),
    });
    let legs = model.site.components.values().flat_map(|component| &component.legs);
    let first = legs.flat_map(|leg| zonec::model::Family::BOTH.map(|family| leg.addresses.first(family)));
    let hosts: BTreeSet<IpAddr> = first.flatten().collect();
    Ok(CompiledSite { gateways: gateways.collect(), hosts: hosts.into_iter().collect() })
}

fn policy_of(gateway: &GatewayPlan, name: impl Fn(FlowId) -> String) -> Policy {
    let interfaces = gateway.interfaces.iter().map(|interface| Interface {
        name: interface.name.clone(),
        sources: [ranges(&interface.sources, Family::V4), ranges(&interface.sources, Family::V6)],
        own: singles(&interface.own),
    });
    let permits = gateway.permits.iter().flat_map(|permit| permits(permit, name(permit.flow)));
    Policy { interfaces: interfaces.collect(), permits: permits.collect() }
}

fn ranges(addresses: &Addresses, family: Family) -> Vec<Range> {
    match family {
        Family::V4 => addresses.v4.intervals().iter().map(|(a, b)| u128::from(*a)..=u128::from(*b)).collect(),
        Family::V6 => addresses.v6.intervals().iter().map(|(a, b)| *a..=*b).collect(),
    }
}

fn singles(addresses: &Addresses) -> Vec<IpAddr> {
    let each = |family| {
        ranges(addresses, family).into_iter().flat_map(move |range| range.map(move |n| policy::address(family, n)))
    };
    each(Family::V4).chain(each(Family::V6)).collect()
}

fn permits(planned: &Planned, flow: String) -> Vec<Permit> {
    let family = match planned.family {
        zonec::model::Family::V4 => Family::V4,
        zonec::model::Family::V6 => Family::V6,
    };
    let hook = match planned.hook {
        Hook::Forward => policy::Hook::Forward,
        Hook::Input => policy::Hook::Input,
        Hook::Output => policy::Hook::Output,
    };
    let one = |service| Permit {
        flow: flow.clone(),
        hook,
        input: planned.input,
        output: planned.output,
        family,
        source: ranges(&planned.source, family),
        destination: ranges(&planned.destination, family),
        service,
    };
    match &planned.service {
        ServiceMatch::Ports(transport, ports) => {
            let service = |first, last| match transport {
                Transport::Tcp => Service::Tcp(first..=last),
                Transport::Udp => Service::Udp(first..=last),
                Transport::Sctp => Service::Sctp(first..=last),
            };
            ports.intervals().iter().map(|(first, last)| one(service(*first, *last))).collect()
        }
        ServiceMatch::Icmp(kind) | ServiceMatch::Icmpv6(kind) => vec![one(Service::Icmp(*kind))],
        ServiceMatch::Protocol(number) => vec![one(Service::Protocol(*number))],
        ServiceMatch::Any => panic!("a plan never means everything"),
    }
}

/// The ports a policy names and their neighbours.
pub fn ports(policy: &Policy) -> Vec<u16> {
    let mut ports = BTreeSet::new();
    for permit in &policy.permits {
        if let Service::Tcp(range) | Service::Udp(range) | Service::Sctp(range) = &permit.service {
            for port in [*range.start(), *range.end()] {
                ports.extend([port.saturating_sub(1), port, port.saturating_add(1)]);
            }
        }
    }
    ports.into_iter().collect()
}
