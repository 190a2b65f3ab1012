//! A conversation with Cilium's policy engine (tests/conformance/cilium-engine).

use super::Compiled;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use zonec::readers::cluster::facts::ClusterFacts;
use zonec::readers::cluster::rule::Direction;
use zonec::verify::cluster::Difference;

/// The running engine.
pub struct Engine {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
}

impl Engine {
    /// Starts the program that `ZONEC_CILIUM_ENGINE` names.
    pub fn start() -> Self {
        let program =
            std::env::var("ZONEC_CILIUM_ENGINE").expect("tests/conformance/run engine sets ZONEC_CILIUM_ENGINE");
        let mut child = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.take().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, input, output }
    }

    fn say(&mut self, line: &Value) -> Value {
        writeln!(self.input, "{line}").unwrap();
        self.input.flush().unwrap();
        let mut answer = String::new();
        self.output.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap()
    }

    /// Loads a cluster; `Err` holds why Cilium rejects a policy.
    pub fn load(
        &mut self,
        facts: &ClusterFacts,
        policies: &[(String, String)],
        addresses: &[String],
        local: bool,
    ) -> Result<(), String> {
        let texts: Vec<String> = policies.iter().map(|(_, text)| format!("{text}\n")).collect();
        let clusters: BTreeSet<&String> = facts.namespaces.iter().map(|n| &n.cluster).chain([&facts.name]).collect();
        let worlds: BTreeMap<&String, String> =
            clusters.into_iter().map(|name| (name, world_of(facts, name))).collect();
        let load = json!({"load": {
            "cluster": facts.name, "worlds": worlds, "policies": texts,
            "addresses": addresses, "default_local_cluster": local,
        }});
        let answer = self.say(&load);
        answer.get("error").map_or(Ok(()), |error| Err(error.to_string()))
    }

    /// Whether a connection passes. Ends: `namespace/pod`, `ip:…`, `entity:…`.
    pub fn allows(&mut self, from: &str, to: &str, protocol: &str, port: u16) -> bool {
        let answer = self.say(&json!({"src": from, "dst": to, "proto": protocol, "port": port}));
        assert!(answer.get("error").is_none(), "{answer}");
        answer["verdict"] == "allow"
    }

    /// How many entries a pod takes in Cilium's policy map.
    pub fn entries(&mut self, pod: &str) -> usize {
        let answer = self.say(&json!({"entries": pod}));
        usize::try_from(answer["entries"].as_u64().unwrap_or_else(|| panic!("{answer}"))).unwrap()
    }

    /// Whether one side alone lets a connection pass; nothing when no policy decides there or an end is unknown.
    pub fn side(&mut self, question: &Question, side: Direction) -> Option<bool> {
        let Question { from, to, protocol, port } = question;
        let answer = self.say(&json!({"src": from, "dst": to, "proto": protocol, "port": port}));
        let side = if side == Direction::Ingress { "ingress" } else { "egress" };
        match answer[side].as_str() {
            Some("allow") => Some(true),
            Some("deny") => Some(false),
            _ => None,
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Namespaces and pods of the own cluster as manifests.
pub fn world(facts: &ClusterFacts) -> String {
    world_of(facts, &facts.name)
}

fn world_of(facts: &ClusterFacts, cluster: &str) -> String {
    let mut text = String::new();
    for namespace in facts.namespaces.iter().filter(|namespace| namespace.cluster == cluster) {
        let labels = json!(namespace.labels);
        let _ = writeln!(
            text,
            "---\nkind: Namespace\napiVersion: v1\nmetadata: {{name: {}, labels: {labels}}}",
            json!(namespace.name)
        );
        for pod in &namespace.pods {
            let labels = json!(pod.labels);
            let _ = writeln!(
                text,
                "---\nkind: Pod\napiVersion: v1\nmetadata: {{name: {}, namespace: {}, labels: {labels}}}\nspec: {{containers: [{{name: c, image: x}}]}}",
                json!(pod.name),
                json!(namespace.name)
            );
        }
    }
    text
}

/// A question to engine and reader alike.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question {
    pub from: String,
    pub to: String,
    pub protocol: &'static str,
    pub port: u16,
}

/// Every pair of pods, outside addresses at the edges of what the plan names, nodes; on every port of a flow and its neighbours.
pub fn questions(compiled: &Compiled, cluster: &str, facts: &ClusterFacts) -> (Vec<Question>, Vec<String>) {
    use zonec::model::ServiceMatch;
    use zonec::plan::PodPeer;
    let plan = compiled.plan.clusters.iter().find(|plan| plan.name == cluster).unwrap();
    let (mut ports, mut addresses) = (BTreeSet::new(), BTreeSet::new());
    let name_service = plan.name_service.iter().map(|service| &service.services);
    for services in plan.permits.iter().map(|permit| &permit.services).chain(name_service) {
        for service in services {
            if let ServiceMatch::Ports(transport, list) = service {
                for (first, last) in list.intervals() {
                    for port in [first.saturating_sub(1).max(1), *first, *last, last.saturating_add(1)] {
                        ports.insert((transport.word(), port));
                    }
                }
            }
        }
    }
    for permit in &plan.permits {
        if let PodPeer::Outside(outside) | PodPeer::Names(_, outside) = &permit.peer {
            for prefix in outside.prefixes().iter().take(8) {
                addresses.insert(prefix.network());
                addresses.insert(prefix.broadcast());
            }
        }
    }
    addresses.insert("198.51.100.77".parse().unwrap());
    let inside = |address: &std::net::IpAddr| facts.inside.iter().any(|prefix| prefix.contains(address));
    let addresses: Vec<String> = addresses.iter().filter(|a| !inside(a)).map(ToString::to_string).collect();
    let (mut pods, mut neighbours) = (Vec::new(), Vec::new());
    for namespace in &facts.namespaces {
        let names = namespace.pods.iter().map(|pod| format!("{}/{}", namespace.name, pod.name));
        if namespace.cluster == facts.name {
            pods.extend(names);
        } else {
            // Pods of the mesh: their own side is their cluster's business.
            neighbours.extend(names.map(|name| format!("{}:{name}", namespace.cluster)));
        }
    }
    let special = ["host", "remote-node", "kube-apiserver", "health"].map(|name| format!("entity:{name}"));
    let others: Vec<String> = addresses.iter().map(|a| format!("ip:{a}")).chain(special).chain(neighbours).collect();
    let mut all = Vec::new();
    let mut ask = |from: &String, to: &String| {
        for (word, port) in &ports {
            let protocol = match *word {
                "udp" => "UDP",
                "sctp" => "SCTP",
                _ => "TCP",
            };
            all.push(Question { from: from.clone(), to: to.clone(), protocol, port: *port });
        }
    };
    for pod in &pods {
        for peer in pods.iter().filter(|peer| *peer != pod) {
            ask(pod, peer);
        }
        for other in &others {
            ask(pod, other);
            ask(other, pod);
        }
    }
    (all, addresses)
}

/// A difference that our proof found, as a question; nothing for ends and ports that the engine does not know.
pub fn question_of(found: &Difference) -> Option<Question> {
    let end = |name: &str| match name {
        "host" | "remote-node" | "kube-apiserver" | "health" | "ingress" => Some(format!("entity:{name}")),
        _ if name.contains('/') => Some(name.to_owned()),
        _ => name.parse::<std::net::IpAddr>().is_ok().then(|| format!("ip:{name}")),
    };
    let (port, protocol) = match (found.port.split_once('/'), found.port.split_once(':')) {
        (Some((port, "tcp")), _) => (port, "TCP"),
        (Some((port, "udp")), _) => (port, "UDP"),
        (Some((port, "sctp")), _) => (port, "SCTP"),
        (None, Some(("icmp", kind))) => (kind, "ICMP"),
        (None, Some(("icmpv6", kind))) => (kind, "ICMPv6"),
        _ => return None,
    };
    Some(Question { from: end(&found.from)?, to: end(&found.to)?, protocol, port: port.parse().ok()? })
}
