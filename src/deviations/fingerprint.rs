//! Names of findings that survive moved lines.

use super::Assessed;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Names of findings, each once, whatever their places: equal before and after lines moved.
#[must_use]
pub fn fingerprints(findings: &[Assessed]) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let name = |item: &Assessed| {
        let print = fingerprint(item);
        let count = seen.entry(print.clone()).or_default();
        *count += 1;
        // Findings that nothing but their places tell apart are counted.
        if *count == 1 { print } else { format!("{print}-{count}") }
    };
    findings.iter().map(name).collect()
}

/// Names a finding whatever its place: rule, case, objects and witness, not lines. What cannot be read has no objects; there
/// the values of the message count.
#[must_use]
fn fingerprint(item: &Assessed) -> String {
    let found = &item.finding;
    let values = found.args.iter().map(|(_, value)| value.as_str()).filter(|_| found.objects.is_empty());
    let mut hash = Sha256::new();
    for part in [found.rule, found.case].into_iter().chain(found.objects.iter().map(String::as_str)).chain(values) {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.update([1]);
    for part in &found.witness {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hash.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}
