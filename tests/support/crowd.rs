//! A site with one large cluster, for figures.

use std::fmt::Write;

/// Pods of each namespace.
pub const PER_NAMESPACE: usize = 10;

/// A cluster with ten workloads per namespace and one flow each.
///
/// In a chain each workload calls the next one, every tenth of them in the next namespace. Otherwise flows are mixed: half of
/// them stay inside, the others lead to workloads and namespaces all over the cluster and to hosts outside, and every pod asks
/// the name service.
pub fn site(namespaces: usize, mixed: bool) -> String {
    let dns = if mixed { "    dns: {}\n" } else { "" };
    let mut text = format!(
        "zonec: 1\nsite: {{ name: large, blueprint: dvs-2.0 }}\nzones:\n  app: {{ class: external.app, addresses: [10.10.0.0/16] }}\n  \
         db: {{ class: external.db, addresses: [10.20.0.0/16] }}\ngateways:\n  pf: {{ interfaces: {{ a0: app, d0: db }} }}\n\
         clusters:\n  c1:\n    zone: app\n    policy: cilium\n    node-pools: {{ w: {{ segment: app, role: worker, addresses: [10.10.0.21] }} }}\n    \
         pods: [10.244.0.0/14]\n    egress: nodes\n{dns}    namespaces:\n      kube-system: {{ system: true }}\n"
    );
    for n in 0..namespaces {
        let _ = writeln!(text, "      n{n}: {{}}");
    }
    text.push_str("components:\n");
    let pods = namespaces * PER_NAMESPACE;
    for pod in 0..pods {
        let _ = writeln!(text, "  p{pod}: {{ kind: workload, in: c1/n{} }}", pod / PER_NAMESPACE);
    }
    for host in 0..100 {
        let _ = writeln!(text, "  h{host}: {{ kind: database, at: {{ db: [10.20.0.{}] }} }}", host + 10);
    }
    text.push_str("flows:\n");
    for pod in 0..pods {
        let far = (pod * 7919 + 13) % pods;
        let to = match pod % 10 {
            1 | 4 if mixed => format!("p{far}"),
            6 if mixed => format!("c1/n{}", far / PER_NAMESPACE),
            8 | 9 if mixed => format!("h{}", far % 100),
            _ => format!("p{}", (pod + 1) % pods),
        };
        let _ = writeln!(text, "  f{pod}: {{ from: p{pod}, to: {to}, service: {}/tcp }}", 1024 + pod % 50_000);
    }
    text
}
