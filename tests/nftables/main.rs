//! The rulesets of small sites as golden files: a change of what is emitted is seen in review. `cargo insta review`, or
//! `INSTA_UPDATE=always cargo test --test nftables`. Whether the text is right is the kernel's word (`tests/kernel`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;

use zonec::check::check;
use zonec::compile::enforced;
use zonec::source::{Date, MemoryWorld};
use zonec::targets::{Files, Origin, nftables};

const SMALL: &str = include_str!("small.yaml");

/// The gateway files of a site, one-piece and staged.
fn files(text: &str) -> BTreeMap<String, String> {
    let world = MemoryWorld {
        files: BTreeMap::from([("site.yaml".to_owned(), text.as_bytes().to_vec())]),
        as_of: Date::new(2026, 11, 24).unwrap(),
        main: "site.yaml".to_owned(),
    };
    let checked = check(&world, false).unwrap();
    let model = checked.model.as_ref().unwrap_or_else(|| panic!("{:?}", checked.findings));
    let (plan, mut files) = enforced(&checked, model).unwrap();
    let origin = Origin { site: &model.site, digest: &checked.digest, as_of: checked.as_of };
    let mut staged = Files::default();
    nftables::emit_staged(&plan, origin, &mut staged).unwrap();
    files.extend(staged);
    files.texts().map(|(path, text)| (path.to_owned(), text.replace(&checked.digest, "sha256:…"))).collect()
}

#[test]
fn the_ruleset_of_a_small_site() {
    insta::assert_snapshot!(files(SMALL)["nftables/pf.nft"]);
}

#[test]
fn the_lossless_form_of_a_small_site() {
    let files = files(SMALL);
    insta::assert_snapshot!(files["nftables/pf.staged/2-switch.nft"]);
    // Both steps together hold what the one file holds, under names of the generation.
    let text = |name: &str| files[&format!("nftables/pf{name}")].clone();
    let generation = text(".staged/1-build.nft").split_once("generation _G").unwrap().1[..8].to_owned();
    let bare = |text: String| {
        let text = text.replace(&format!("_G{generation}"), "");
        let lines = text.lines().map(str::trim).filter(|line| line.starts_with("map") || line.contains(" goto "));
        let mut lines: Vec<String> = lines.map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(bare(text(".staged/1-build.nft") + &text(".staged/2-switch.nft")), bare(text(".nft")));
}

/// Two gateways side by side get the same file, apart from the name and the devices it runs on.
#[test]
fn parallel_gateways_have_the_same_ruleset() {
    let site = |gateways: &str| {
        format!(
            "zonec: 1\nsite: {{ name: twins, blueprint: dvs-2.0 }}\nzones:\n  \
             a: {{ class: internal, addresses: [10.1.0.0/24] }}\n  b: {{ class: internal, addresses: [10.2.0.0/24] }}\n\
             gateways:\n{gateways}flows:\n  f: {{ from: a, to: b, service: 443/tcp }}\n"
        )
    };
    let gateway = |name: &str| format!("  {name}: {{ interfaces: {{ a0: a, b0: b }} }}\n");
    let files = files(&site(&(gateway("left") + &gateway("right"))));
    let right = files["nftables/right.nft"].clone();
    assert_ne!(right, files["nftables/left.nft"]);
    assert_eq!(right.replace("right", "left"), files["nftables/left.nft"]);
}

/// The same packets in other words: one network or its halves, one port range or its parts, one flow end or a group.
#[test]
fn other_words_for_the_same_flows_give_the_same_ruleset() {
    let site = |more: &str, from: &str, service: &str| {
        format!(
            "zonec: 1\nsite: {{ name: words, blueprint: dvs-2.0 }}\nzones:\n  \
             a: {{ class: internal, addresses: [10.1.0.0/24] }}\n  b: {{ class: internal, addresses: [10.2.0.0/24] }}\n\
             gateways: {{ pf: {{ interfaces: {{ a0: a, b0: b }} }} }}\n\
             components:\n  x: {{ kind: app-server, at: {{ a: [10.1.0.4, 10.1.0.5] }} }}\n  \
             y: {{ kind: app-server, at: {{ a: [10.1.0.6] }} }}\n  z: {{ kind: app-server, at: {{ b: [10.2.0.9] }} }}\n{more}\
             flows:\n  f: {{ from: {from}, to: z, service: {service} }}\n"
        )
    };
    let rules = |text: &str| {
        let text = files(text)["nftables/pf.nft"].clone();
        text.lines().filter(|line| !line.contains("comment")).collect::<Vec<_>>().join("\n")
    };
    let plain = rules(&site("", "[x, y]", "8000-8010/tcp"));
    assert!(plain.contains("{ 10.2.0.9 . 10.1.0.4-10.1.0.6 . 8000-8010 : goto f_f }"), "{plain}");
    assert_eq!(plain, rules(&site("groups: { g: { members: [y, x] } }\n", "g", "[8005-8010/tcp, 8000-8004/tcp]")));
    assert_eq!(plain, rules(&site("", "[y, x, y]", "[8000-8010/tcp, 8003/tcp]")));
}

/// Every file says where it comes from and how it is loaded.
#[test]
fn headers_name_site_digest_version_and_how_to_load() {
    for (path, text) in files(SMALL) {
        if path.ends_with(".nft") {
            let head: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
            let head = head.join("\n");
            for wanted in
                ["site small", "gateway pf", env!("CARGO_PKG_VERSION"), "model sha256:", "pf-1, pf-2", "nft -f"]
            {
                assert!(head.contains(wanted), "{path} does not say `{wanted}`:\n{head}");
            }
        }
    }
}
