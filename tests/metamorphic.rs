//! Changes of a site whose effect on the findings is known without knowing the rules: names are renamed, a flow is deleted, a
//! zone is added that nothing joins, a trust is left out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use zonec::check::{Checked, check};
use zonec::finding::Finding;
use zonec::source::{Date, MemoryWorld};

/// Examples of one file that can be read: one with planted defects, the others clean or nearly so.
const SITES: [&str; 4] = ["amt-fehlerstedt", "kommune-musterau", "kreis-it-auental", "stadt-beispielhafen"];

fn text(site: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(site).join("site.yaml"))
        .unwrap()
}

fn checked(text: &str) -> Checked {
    check(&MemoryWorld::single(text, Date::new(2026, 11, 24).unwrap()), false).unwrap()
}

/// What a finding says, apart from the places in the text: rule, case, the object it is about, and how long its witness is.
/// The other objects and the names on the witness are one choice among equals, made by name.
type Said = (String, String, String, usize);

fn said(finding: &Finding) -> Said {
    let object = finding.objects.first().cloned().unwrap_or_default();
    (finding.rule.to_owned(), finding.case.to_owned(), object, finding.witness.len())
}

/// What one count has more than another.
fn more(these: &BTreeMap<Said, usize>, those: &BTreeMap<Said, usize>) -> Vec<Said> {
    these.iter().filter(|(said, count)| those.get(said).unwrap_or(&0) < count).map(|(said, _)| said.clone()).collect()
}

fn all_said(checked: &Checked) -> BTreeMap<Said, usize> {
    let mut count = BTreeMap::new();
    for item in &checked.findings {
        *count.entry(said(&item.finding)).or_default() += 1;
    }
    count
}

/// Names a site declares, that are the architect's to choose: keys of its maps, two or four blanks deep.
fn names(checked: &Checked) -> BTreeSet<String> {
    let site = &checked.model.as_ref().unwrap().site;
    let mut names: BTreeSet<String> = site.flows.values().map(|flow| flow.name.clone()).collect();
    names.extend(site.components.values().map(|component| component.name.clone()));
    names.extend(site.gateways.values().map(|gateway| gateway.name.clone()));
    // A name that is a word of the language too (`monitoring`) cannot be told from it without reading the language.
    let schema = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/zonec.schema.json")).unwrap();
    names.retain(|name| !schema.contains(&format!("\"{name}\"")) && !site.blueprint.kinds.contains_key(name));
    names.retain(|name| !site.blueprint.services.contains_key(name));
    names
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '-' || c == '_'
}

/// The text with whole words put in place of whole words; what stands in quotes, comments and titles is prose and stays.
fn renamed(text: &str, new: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    for line in text.lines() {
        let code = line.split(" #").next().unwrap_or(line);
        let prose = ["title:", "purpose:", "owner:", "kind:"].iter().any(|key| code.trim_start().starts_with(key));
        let mut rest = if prose || line.trim_start().starts_with('#') { "" } else { code };
        let kept = &line[rest.len()..];
        while let Some(c) = rest.chars().next() {
            let word = rest.find(|c| !is_name(c)).unwrap_or(rest.len());
            if word == 0 {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            } else {
                out.push_str(new.get(&rest[..word]).map_or(&rest[..word], String::as_str));
                rest = &rest[word..];
            }
        }
        out.push_str(kept);
        out.push('\n');
    }
    out
}

/// A bijection of names: each gets the rank of another one, so that ties by name fall otherwise.
fn bijection(names: &BTreeSet<String>, seed: u64) -> BTreeMap<String, String> {
    let mut order: Vec<usize> = (0..names.len()).collect();
    let mut dice = seed | 1;
    for at in (1..order.len()).rev() {
        dice ^= dice << 13;
        dice ^= dice >> 7;
        dice ^= dice << 17;
        order.swap(at, (dice % (at as u64 + 1)) as usize);
    }
    names.iter().zip(order).map(|(name, rank)| (name.clone(), format!("n{rank:04}"))).collect()
}

/// The entries of `flows:`: from their key to the next one.
fn flow_entries(text: &str) -> Vec<(usize, usize)> {
    let mut entries = Vec::new();
    let (mut at, mut inside, mut open) = (0, false, None);
    for line in text.split_inclusive('\n') {
        let top = line.starts_with(|c: char| c.is_ascii_lowercase());
        let entry = line.starts_with("  ") && line.chars().nth(2).is_some_and(is_name);
        if top || entry {
            entries.extend(open.take().map(|from| (from, at)));
        }
        if top {
            inside = line.starts_with("flows:");
        } else if entry && inside {
            open = Some(at);
        }
        at += line.len();
    }
    entries.extend(open.map(|from| (from, at)));
    entries
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 0, failure_persistence: None, ..ProptestConfig::default() })]

    /// Another name for everything: the same findings under other names, at the same lines.
    #[test]
    fn renaming_renames_the_findings(index in 0..SITES.len(), seed in any::<u64>()) {
        let text = text(SITES[index]);
        let before = checked(&text);
        let names = bijection(&names(&before), seed);
        let after = checked(&renamed(&text, &names));
        prop_assert!(after.model.is_some(), "{:?}", after.findings.first());
        let new = |name: &String| names.get(name).unwrap_or(name).clone();
        let expected: BTreeMap<Said, usize> = all_said(&before)
            .into_iter()
            .map(|((rule, case, object, length), count)| ((rule, case, new(&object), length), count))
            .collect();
        let after = all_said(&after);
        prop_assert_eq!((more(&expected, &after), more(&after, &expected)), (vec![], vec![]));
    }

    /// One flow less: no rule about separation and access that finds more.
    #[test]
    fn deleting_a_flow_adds_no_finding(index in 0..SITES.len(), pick in any::<prop::sample::Index>()) {
        let text = text(SITES[index]);
        let before = checked(&text);
        let entries = flow_entries(&text);
        let (from, to) = entries[pick.index(entries.len())];
        let fewer = format!("{}{}", &text[..from], &text[to..]);
        let after = checked(&fewer);
        // A deviation or a test may name the flow; then the site cannot be read without it.
        prop_assume!(after.model.is_some());
        let families = ["SEP", "PAP", "ACC", "FLO", "MGT", "VSN"];
        let relevant = |checked: &Checked| -> BTreeMap<Said, usize> {
            let mut all = BTreeMap::new();
            for ((rule, _, object, _), count) in all_said(checked) {
                // A chain that is gone leaves a longer one, or one that starts in the web zone instead of outside.
                *all.entry((rule, String::new(), object, 0)).or_default() += count;
            }
            all.retain(|(rule, ..), _| families.contains(&rule.split('-').nth(1).unwrap_or("")));
            all
        };
        let new = more(&relevant(&after), &relevant(&before));
        prop_assert!(new.is_empty(), "new after deleting {}: {:?}", &text[from..to], new);
    }

    /// A zone that nothing joins: every finding stays, and what is new is about that zone.
    #[test]
    fn an_unrelated_zone_changes_nothing_else(index in 0..SITES.len(), net in 0u8..=255) {
        let text = text(SITES[index]);
        let before = all_said(&checked(&text));
        let zone = format!(
            "zones:\n  fremd-zone: {{ class: internal, protection: normal, environment: production, separation: physical, addresses: [10.250.{net}.0/24] }}\n"
        );
        let after = checked(&text.replacen("zones:\n", &zone, 1));
        prop_assert!(after.model.is_some(), "{:?}", after.findings.first());
        let mut after = all_said(&after);
        after.retain(|(_, _, object, _), _| object != "fremd-zone");
        prop_assert_eq!((more(&before, &after), more(&after, &before)), (vec![], vec![]));
    }
}

/// A network whose trust is not stated counts as untrusted (ZM-MOD-03 says that it is not stated).
#[test]
fn an_unset_trust_is_untrusted() {
    let site = |trust: &str| {
        format!(
            "zonec: 1\nsite: {{ name: s, blueprint: dvs-2.0 }}\nnetworks:\n  internet: {{ kind: internet }}\n  \
             partner: {{ kind: partner, addresses: [192.0.2.0/24]{trust} }}\nzones:\n  fach: {{ class: internal, addresses: [10.1.0.0/24] }}\n  \
             app: {{ class: external.app, addresses: [10.2.0.0/24] }}\ngateways:\n  pf: {{ interfaces: {{ p0: partner, f0: fach, a0: app }} }}\n\
             components:\n  host: {{ kind: app-server, at: {{ fach: [10.1.0.5] }} }}\nflows:\n  in: {{ from: partner, to: host, service: 443/tcp }}\n  \
             out: {{ from: host, to: partner, service: 443/tcp }}\n"
        )
    };
    let mut unset = all_said(&checked(&site("")));
    assert!(unset.keys().any(|(rule, ..)| rule == "ZM-MOD-03"));
    unset.retain(|(rule, ..), _| rule != "ZM-MOD-03");
    assert_eq!(unset, all_said(&checked(&site(", trust: untrusted"))));
    assert_ne!(unset, all_said(&checked(&site(", trust: trusted"))));
}
