//! What a flow states beyond the columns of the communication matrix, so that the matrix loses nothing and can be read back.

use crate::syntax::document::Flow;
use crate::syntax::objects::Evidence;
use crate::syntax::write::{map, one_or_many, scalar};

/// The attributes without a column of their own, as a YAML map on one line; empty when there is none.
pub(super) fn further(flow: &Flow) -> String {
    let mut pairs: Vec<(&str, String)> = Vec::new();
    let mut add = |key, value: Option<String>| pairs.extend(value.map(|value| (key, value)));
    add("requested", flow.requested.as_ref().map(|day| day.value.to_string()));
    add("family", flow.family.as_ref().map(|family| family.value.to_string()));
    add("log", flow.log.as_ref().map(|log| log.value.to_string()));
    add("via", flow.via.as_ref().map(|list| one_or_many(list.iter().map(|name| name.0.as_str()))));
    add("fqdn", flow.fqdn.as_ref().map(|list| one_or_many(list.iter().map(|name| name.0.as_str()))));
    add(
        "http",
        flow.http.as_ref().map(|list| {
            let rules =
                list.iter().map(|rule| map([("method", scalar(&rule.method.0)), ("path", scalar(&rule.path.0))]));
            format!("[{}]", rules.collect::<Vec<_>>().join(", "))
        }),
    );
    add("legal-basis", flow.legal_basis.as_ref().map(|text| scalar(&text.0)));
    add("interconnection-assessment", flow.interconnection_assessment.as_ref().map(evidence));
    add("change-process", flow.change_process.as_ref().map(|text| scalar(&text.0)));
    add("initiated-by", flow.initiated_by.as_ref().map(|word| word.value.to_string()));
    add("class", flow.class.as_ref().map(|word| word.value.to_string()));
    add("replication", flow.replication.as_ref().map(|word| word.value.to_string()));
    add("protected-by", flow.protected_by.as_ref().map(|word| scalar(&word.0)));
    add("reason", flow.reason.as_ref().map(|text| scalar(&text.0)));
    add("risk", flow.risk.as_ref().map(|text| scalar(&text.0)));
    if pairs.is_empty() { String::new() } else { map(pairs) }
}

fn evidence(evidence: &Evidence) -> String {
    let mut pairs = vec![("ref", scalar(&evidence.reference.0))];
    pairs.extend(evidence.owner.as_ref().map(|text| ("owner", scalar(&text.0))));
    pairs.extend(evidence.on.as_ref().map(|day| ("on", day.value.to_string())));
    pairs.extend(evidence.valid_until.as_ref().map(|day| ("valid-until", day.value.to_string())));
    map(pairs)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::source::{FileId, Limits};
    use crate::syntax::Document;
    use crate::syntax::decode::{Cx, Decode};
    use crate::syntax::tree;

    /// Keys with a column of their own.
    const COLUMNS: [&str; 8] = ["from", "to", "service", "purpose", "owner", "approved", "valid-from", "valid-until"];
    const ALL: &str = r#"{ requested: 2026-01-01, family: ipv4, log: new, via: [pf-a, pf-b], fqdn: update.example.org, http: [{ method: GET, path: "^/a{2},b$" }], legal-basis: "§ 3, Abs. 1", interconnection-assessment: { ref: ZU-1, owner: ISB, on: 2026-01-02, valid-until: 2027-01-02 }, change-process: CAB, initiated-by: site, class: platform, replication: true, protected-by: ipsec, reason: "Weil: es so ist", risk: keins }"#;

    #[test]
    fn every_attribute_without_a_column_is_written_and_reads_back() {
        let inner = ALL.trim_start_matches("{ ").trim_end_matches(" }");
        let text = format!("flows: {{ f: {{ from: a, to: b, service: c, {inner} }} }}\n");
        let node = tree::parse(&text, FileId(0), &Limits::default()).unwrap();
        let document = Document::decode(&node, &mut Cx::default()).unwrap();
        let flow = &document.flows.unwrap().0[0].1;
        assert_eq!(further(flow), ALL);
        for key in Flow::KEYS {
            assert!(COLUMNS.contains(key) || ALL.contains(&format!("{key}: ")), "{key} is in no column");
        }
    }
}
