//! What policies leave open, and what they take for granted: stated, so that nobody believes more than is enforced.

use super::{Capabilities, Version, policy_map};
use crate::i18n::{Lang, fill};
use crate::model::site::{Cluster, Component};
use crate::model::{FlowId, ServiceMatch, Site};
use crate::plan::{ClusterPlan, PodPeer, Side};
use crate::syntax::objects::{Guardrail, PolicyDialect};
use std::collections::BTreeSet;

/// One thing that the policies of a cluster do not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residual {
    /// What it is about, `own-node`.
    pub id: &'static str,
    args: Vec<(&'static str, String)>,
}

impl Residual {
    /// The sentence in one language.
    #[must_use]
    pub fn text(&self, lang: Lang) -> String {
        let known = TEXTS.iter().find(|(id, ..)| *id == self.id);
        let template = known.map_or("", |(_, en, de)| if lang == Lang::De { de } else { en });
        fill(template, &self.args)
    }
}

/// Id, English, German.
const TEXTS: &[(&str, &str, &str)] = &[
    (
        "own-node",
        "A pod's own node always reaches it, whatever policies say.",
        "Der eigene Node erreicht einen Pod immer, was auch die Richtlinien sagen.",
    ),
    (
        "host-network",
        "Nodes, and pods that use their node's network, are not subject to the policies{names}.",
        "Nodes und Pods im Netz ihres Nodes unterliegen den Richtlinien nicht{names}.",
    ),
    (
        "system-namespaces",
        "Nothing is enforced in the namespaces of the platform ({names}): their pods open connections wherever the other end admits them.",
        "In den Namespaces der Plattform ({names}) wird nichts durchgesetzt: Ihre Pods bauen jede Verbindung auf, die die Gegenseite annimmt.",
    ),
    (
        "changes",
        "A pod may run for a moment before the policies that select it are in force, and a connection that is open when its flow is withdrawn may go on until it ends.",
        "Ein Pod läuft unter Umständen kurz, bevor seine Richtlinien greifen; eine bestehende Verbindung kann nach dem Entzug ihrer Freigabe weiterlaufen, bis sie endet.",
    ),
    (
        "labels",
        "Pods are known by their labels, which the owners of a namespace set: another pod of the namespace with the labels of a component has its connections.",
        "Pods werden an Labels erkannt, die die Eigner des Namespace setzen: Ein anderer Pod des Namespace mit den Labels einer Komponente hat deren Verbindungen.",
    ),
    (
        "names-carry-data",
        "Whoever may ask the name service can carry data out in the names asked for; only the name service can stop that.",
        "Wer den Namensdienst fragen darf, kann in den erfragten Namen Daten hinaustragen; das kann nur der Namensdienst verhindern.",
    ),
    (
        "names-are-trusted",
        "Flows by name ({names}) open the addresses that the name service answers, bounded by gateways and guardrail, which know the addresses of the flow only.",
        "Freigaben nach Namen ({names}) öffnen die Adressen, die der Namensdienst nennt; Paketfilter und Leitplanke begrenzen sie auf die Adressen der Freigabe.",
    ),
    (
        "client-unseen",
        "The ingress sees nodes instead of clients, so flows from outside ({names}) are open for every node{mesh}; the gateways hold the clients.",
        "Der Eingang sieht Nodes statt Clients, deshalb stehen Freigaben von außen ({names}) jedem Node{mesh} offen; die Clients prüfen die Paketfilter.",
    ),
    (
        "egress-assumed",
        "The source addresses of {names} outside the cluster are set up by something else than these files; the gateways stop what comes with another one.",
        "Die Absenderadressen von {names} außerhalb des Clusters richtet etwas anderes als diese Dateien ein; anderes halten die Paketfilter auf.",
    ),
    (
        "envelope",
        "Guardrails bound namespaces, not pods: a tenant may let another pod of his namespace use what is released for the namespace.",
        "Leitplanken begrenzen Namespaces, nicht Pods: Ein Mandant kann eine Freigabe seines Namespace einem anderen seiner Pods öffnen.",
    ),
    (
        "guardrail-nodes",
        "The guardrail denies neither nodes nor API server nor health checks, because probes and webhooks come from there.",
        "Die Leitplanke sperrt weder Nodes noch API-Server noch Health-Checks, weil von dort Probes und Webhooks kommen.",
    ),
    (
        "guardrail-icmp",
        "Towards released peers the guardrail denies ICMP requests only; other ICMP messages open nothing.",
        "Gegenüber freigegebenen Gegenstellen sperrt die Leitplanke nur ICMP-Anfragen; andere ICMP-Nachrichten öffnen nichts.",
    ),
    (
        "guardrail-outside",
        "The guardrail cannot bound connections from outside the cluster, because ClusterNetworkPolicy has no addresses on ingress; the gateways do.",
        "Die Leitplanke kann Verbindungen von außerhalb des Clusters nicht begrenzen, weil ClusterNetworkPolicy eingehend keine Adressen kennt; das tun die Paketfilter.",
    ),
    (
        "guardrail-admission",
        "Admission sees new and changed policies only: remove tenants' older ones first. Who may create NetworkPolicies in kube-system counts as the platform.",
        "Die Zulassung sieht nur neue und geänderte Richtlinien: ältere der Mandanten vorher entfernen. Wer in kube-system NetworkPolicies anlegen darf, gilt als Plattform.",
    ),
    (
        "tenants-rights",
        "It is taken for granted that tenants have no rights on {names}, nor on labels of namespaces.",
        "Vorausgesetzt wird, dass Mandanten keine Rechte auf {names} haben und Labels von Namespaces nicht ändern dürfen.",
    ),
    (
        "policy-map",
        "Pods of namespace {namespace} take about {entries} entries in Cilium's policy map, which holds 16384 by default, and what does not fit is not enforced: set bpf.policyMapMax to {setting}.",
        "Pods im Namespace {namespace} belegen etwa {entries} Einträge in Ciliums Policy-Map, die ohne Einstellung 16384 fasst; was nicht hineinpasst, wird nicht durchgesetzt: bpf.policyMapMax auf {setting} setzen.",
    ),
    (
        "cilium-endpoint-routes",
        "Cilium before 1.18.8 may let pods on the same node past ingress policies of layer 7 services where endpoint routes are used (CVE-2026-33726): update it.",
        "Cilium vor 1.18.8 lässt Pods desselben Nodes unter Umständen an Eingangsrichtlinien von Layer-7-Diensten vorbei, wenn Endpoint Routes benutzt werden (CVE-2026-33726): aktualisieren.",
    ),
];

/// What the policies of a cluster leave open, in a fixed order.
#[must_use]
pub fn residuals(site: &Site, plan: &ClusterPlan, capabilities: &Capabilities) -> Vec<Residual> {
    let mut found = Vec::new();
    let mut state = |id, args| found.push(Residual { id, args });
    let cluster = &site.clusters[plan.cluster];
    let runs_here = |component: &&Component| {
        component.namespace.is_some_and(|namespace| site.namespaces[namespace].cluster == plan.cluster)
    };
    state("own-node", Vec::new());
    let on_host = site
        .components
        .values()
        .filter(runs_here)
        .filter(|component| component.decl.host_network.as_ref().is_some_and(|host| host.value));
    let on_host = listed(on_host.map(|component| component.name.as_str()));
    state("host-network", vec![("names", on_host.map(|names| format!(" ({names})")).unwrap_or_default())]);
    let system = cluster.namespaces.iter().map(|id| &site.namespaces[*id]).filter(|namespace| !namespace.is_managed());
    if let Some(names) = listed(system.map(|namespace| namespace.name.as_str())) {
        state("system-namespaces", vec![("names", names)]);
    }
    state("changes", Vec::new());
    state("labels", Vec::new());
    if asks_names(plan) {
        state("names-carry-data", Vec::new());
    }
    let flows = |wanted: fn(&PodPeer) -> bool| {
        let flows: BTreeSet<FlowId> = plan.permits.iter().filter(|p| wanted(&p.peer)).map(|p| p.flow).collect();
        listed(flows.into_iter().map(|id| site.flows[id].name.as_str()))
    };
    if let Some(names) = flows(|peer| matches!(peer, PodPeer::Names(..))) {
        state("names-are-trusted", vec![("names", names)]);
    }
    if let Some(names) = flows(|peer| matches!(peer, PodPeer::Nodes(_))) {
        let mesh = if cluster.mesh().is_some() { " (mesh)" } else { "" };
        state("client-unseen", vec![("names", names), ("mesh", mesh.to_owned())]);
    }
    if capabilities.cilium.is_none() {
        let own = site.components.values().filter(runs_here).filter(|c| !c.egress_addresses.is_empty());
        if let Some(names) = listed(own.map(|component| component.name.as_str())) {
            state("egress-assumed", vec![("names", names)]);
        }
    }
    for id in guardrails(cluster, capabilities) {
        state(id, Vec::new());
    }
    state("tenants-rights", vec![("names", KINDS.to_owned())]);
    if let Some(largest) =
        policy_map::largest(site, plan, capabilities).filter(|largest| largest.entries > policy_map::BY_DEFAULT)
    {
        let setting = largest.entries.next_power_of_two().min(policy_map::AT_MOST);
        let namespace = site.namespaces[largest.namespace].name.clone();
        let numbers = [("entries", largest.entries.to_string()), ("setting", setting.to_string())];
        state("policy-map", std::iter::once(("namespace", namespace)).chain(numbers).collect());
    }
    if capabilities.cilium.is_some_and(|version| version < Version(1, 18, 8)) {
        state("cilium-endpoint-routes", Vec::new());
    }
    found
}

/// Kinds by which a tenant could widen what is released.
const KINDS: &str = "CiliumNetworkPolicy, CiliumClusterwideNetworkPolicy, CiliumCIDRGroup, CiliumEgressGatewayPolicy, CiliumLocalRedirectPolicy, CiliumEnvoyConfig, ClusterNetworkPolicy, EndpointSlice";

fn guardrails(cluster: &Cluster, capabilities: &Capabilities) -> BTreeSet<&'static str> {
    let mut ids = BTreeSet::from(["envelope"]);
    for guardrail in &capabilities.guardrails {
        match guardrail {
            Guardrail::Cilium => ids.extend(["guardrail-nodes", "guardrail-icmp"]),
            Guardrail::ClusterNetworkPolicy => ids.extend(["guardrail-outside"]),
            Guardrail::Admission => ids.extend(["guardrail-admission"]),
        }
    }
    if cluster.decl.policy.value == PolicyDialect::Kubernetes && capabilities.guardrails == [Guardrail::Admission] {
        // Tenants' own policies stay inside their namespace altogether.
        ids.remove("envelope");
    }
    ids
}

/// Whether some pod may ask a name service.
fn asks_names(plan: &ClusterPlan) -> bool {
    let to_names = |service: &ServiceMatch| match service {
        ServiceMatch::Ports(_, ports) => ports.contains(53),
        _ => false,
    };
    let mut asking = plan.permits.iter().filter(|permit| permit.side == Side::Egress);
    plan.name_service.is_some() || asking.any(|permit| permit.services.iter().any(to_names))
}

/// Names in order, or nothing.
fn listed<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let names: BTreeSet<&str> = names.collect();
    (!names.is_empty()).then(|| names.into_iter().collect::<Vec<_>>().join(", "))
}
