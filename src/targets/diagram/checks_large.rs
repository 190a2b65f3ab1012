//! Generated sites of 5, 50 and 500 zones: every sheet keeps the rules of the picture, quickly, and a new flow moves no box.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::checks::{faults_of, sheet_of};
use super::metrics::Metrics;
use super::overview::sheets;
use super::sheet::{Component, Sheet};
use super::{from_site, render};
use crate::check::check;
use crate::i18n::Lang;
use crate::source::{Date, MemoryWorld};
use crate::targets::Origin;
use std::collections::BTreeMap;
use std::fmt::Write;

const CLASSES: [(&str, &str); 10] = [
    ("external.web", "waf"),
    ("external.app", "app-server"),
    ("external.app", "app-server"),
    ("external.app", "app-server"),
    ("external.db", "database"),
    ("internal", "fachverfahren"),
    ("internal", "fachverfahren"),
    ("internal", "fachverfahren"),
    ("internal", "fachverfahren"),
    ("management", "siem"),
];

/// A site of some zones with one component each, four filters, and flows between random pairs that filters join.
fn generated(zones: usize, flows: usize) -> String {
    let class = |zone: usize| CLASSES[zone % 10].0;
    let of = |classes: &[&str]| (0..zones).filter(|zone| classes.contains(&class(*zone))).collect::<Vec<usize>>();
    let net = |zone: usize| format!("10.{}.{}", 10 + zone / 250, zone % 250);
    let mut text =
        "zonec: 1\nsite: { name: gross, blueprint: dvs-2.0 }\nnetworks:\n  internet: { kind: internet }\nzones:\n"
            .to_owned();
    for zone in 0..zones {
        let _ = writeln!(text, "  z{zone:03}: {{ class: {}, addresses: [{}.0/24] }}", class(zone), net(zone));
    }
    let legs =
        |classes: &[&str]| of(classes).iter().map(|zone| format!("e{zone}: z{zone:03}")).collect::<Vec<_>>().join(", ");
    let _ = writeln!(text, "gateways:\n  pf-out: {{ interfaces: {{ net: internet, {} }} }}", legs(&["external.web"]));
    let _ =
        writeln!(text, "  pf-in: {{ interfaces: {{ {} }} }}", legs(&["external.web", "external.app", "external.db"]));
    if zones > 5 {
        let _ = writeln!(text, "  pf-int: {{ interfaces: {{ {} }} }}", legs(&["external.app", "internal"]));
        let _ = writeln!(text, "  pf-mgmt: {{ interfaces: {{ {} }} }}", legs(&["internal", "management"]));
    }
    text.push_str("components:\n");
    for zone in 0..zones {
        let _ =
            writeln!(text, "  c{zone}: {{ kind: {}, at: {{ z{zone:03}: {}.10 }} }}", CLASSES[zone % 10].1, net(zone));
    }
    let pairs: &[[&str; 2]] = &[
        ["external.web", "external.app"],
        ["external.app", "external.db"],
        ["internal", "external.app"],
        ["internal", "internal"],
        ["internal", "management"],
    ];
    let pairs = if zones > 5 { pairs } else { &pairs[..2] };
    let mut dice = 12_345u64;
    let mut roll = move |bound: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) as usize % bound
    };
    text.push_str("flows:\n");
    for flow in 0..flows {
        let [from, to] = pairs[flow % pairs.len()];
        let (from, to) = (of(&[from]), of(&[to]));
        let (from, to) = (from[roll(from.len())], to[roll(to.len())]);
        if from != to {
            let _ =
                writeln!(text, "  flow-{flow:04}: {{ from: c{from}, to: c{to}, service: {}/tcp }}", 8000 + flow % 60);
        }
    }
    text
}

fn sheet(text: &str) -> Sheet {
    let files = BTreeMap::from([("site.yaml".to_owned(), text.as_bytes().to_vec())]);
    let world = MemoryWorld { files, as_of: Date::new(2026, 11, 24).unwrap(), main: "site.yaml".to_owned() };
    let checked = check(&world, false).unwrap();
    let model = checked.model.as_ref().unwrap_or_else(|| panic!("{:?}", checked.findings.first()));
    let origin = Origin { site: &model.site, digest: &checked.digest, as_of: checked.as_of };
    from_site::sheet(origin, &model.graphs, &[], Lang::De)
}

#[test]
fn every_sheet_of_generated_sites_keeps_its_rules() {
    for (zones, flows, count) in [(5, 8, 1), (50, 200, 11), (500, 5000, 87)] {
        let sheets = sheets(sheet(&generated(zones, flows)), Lang::De);
        assert_eq!(sheets.len(), count, "{zones} zones");
        // Of the largest site the first sheets of every kind; they are all made alike.
        let looked = sheets.iter().enumerate().filter(|(index, _)| *index < 3 || index % 9 == 0);
        for (index, sheet) in looked {
            let (lost, faults): (Vec<String>, Vec<String>) = faults_of(sheet)
                .into_iter()
                .partition(|fault| fault.ends_with("does not fit") || fault == "a bundle has no line");
            assert_eq!(faults, Vec::<String>::new(), "{zones} zones, sheet {}", index + 1);
            // On the crowded sheets of the largest site some lines find no way; the list of the sheet says so.
            assert!(lost.is_empty() || zones == 500, "{zones} zones, sheet {}: {lost:?}", index + 1);
        }
    }
}

#[test]
fn every_flow_and_zone_is_on_a_sheet() {
    let whole = sheet(&generated(50, 200));
    let pictures: Vec<String> = sheets(whole.clone(), Lang::De).iter().map(|sheet| render(sheet, Lang::De)).collect();
    let drawn: std::collections::BTreeSet<&str> = pictures
        .iter()
        .flat_map(|svg| svg.split("data-flow=\"").skip(1).filter_map(|rest| rest.split('"').next()))
        .flat_map(|ids| ids.split(' '))
        .collect();
    for flow in &whole.flows {
        assert!(drawn.contains(flow.id.as_str()), "{} is on no sheet", flow.id);
    }
    for zone in &whole.zones {
        assert!(
            pictures.iter().any(|svg| svg.contains(&format!(">{}</text>", zone.title))),
            "{} is on no sheet",
            zone.id
        );
    }
}

/// Boxes of zones, by name.
fn boxes(sheet: &Sheet) -> BTreeMap<String, super::geometry::Rect> {
    let metrics = Metrics::default();
    let index = super::Index::new(sheet, &metrics);
    let nets = super::nets::bundle(&index, Lang::De);
    let plan = super::layout(&index, &metrics, &nets, Lang::De);
    let named = |place: usize| index.place(place).map(|zone| zone.id.clone());
    plan.scene.places.iter().enumerate().filter_map(|(place, rect)| Some((named(place)?, *rect))).collect()
}

#[test]
fn a_new_flow_moves_no_zone_box() {
    let text = generated(50, 200);
    let more = format!("{text}  zz-new: {{ from: c0, to: c1, service: 8443/tcp }}\n");
    let (before, after) = (sheets(sheet(&text), Lang::De), sheets(sheet(&more), Lang::De));
    assert_eq!(before.len(), after.len());
    for (index, (before, after)) in before.iter().zip(&after).enumerate().take(4) {
        assert_eq!(boxes(before), boxes(after), "sheet {}", index + 1);
    }
    let example = sheet_of("kommune-musterau", Lang::De, "");
    let flow = "\n  zz-neu: { from: waf-1, to: ingress-termine, service: 8444/tcp, purpose: p, owner: o }\n";
    let grown = sheet_of("kommune-musterau", Lang::De, flow);
    assert_eq!(example.flows.len() + 1, grown.flows.len());
    assert_eq!(boxes(&example), boxes(&grown), "kommune-musterau");
}

/// Few zones, but a cluster with many namespaces in one: no sheet has more boxes than someone can follow.
#[test]
fn a_large_cluster_gets_an_overview() {
    let namespaces = |count: usize| {
        let mut whole = sheet(&generated(5, 8));
        let (place, first) = (whole.zones[1].id.clone(), whole.components.len());
        whole.components.extend((first..count).map(|n| Component {
            id: format!("w{n}"),
            place: place.clone(),
            cluster: Some("c1".to_owned()),
            namespace: Some(format!("n{n}")),
            ..Component::default()
        }));
        sheets(whole, Lang::De)
    };
    assert_eq!(namespaces(120).len(), 1);
    let split = namespaces(121);
    assert!(split.len() > 1);
    assert!(split.iter().all(|sheet| sheet.components.len() <= 36));
}
