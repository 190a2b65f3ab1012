//! Same model, same bytes: from another folder, with shuffled keys, in another order of files.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use std::collections::BTreeMap;
use std::path::Path;
use zonec::check::check;
use zonec::compile::compile;
use zonec::i18n::Lang;
use zonec::source::{Date, MemoryWorld};

fn world(name: &str) -> MemoryWorld {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name);
    let mut files = BTreeMap::new();
    let mut open = vec![root.clone()];
    while let Some(path) = open.pop() {
        for entry in std::fs::read_dir(&path).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml") {
                files.insert(
                    path.strip_prefix(&root).unwrap().to_string_lossy().into_owned(),
                    std::fs::read(&path).unwrap(),
                );
            }
        }
    }
    MemoryWorld { files, as_of: Date::new(2026, 11, 24).unwrap(), main: "site.yaml".to_owned() }
}

/// All artefacts, path → bytes.
fn artefacts(world: &MemoryWorld) -> BTreeMap<String, Vec<u8>> {
    let checked = check(world, false).unwrap();
    assert!(checked.is_releasable());
    let (_, files) = compile(&checked, checked.model.as_ref().unwrap(), Lang::De).unwrap();
    files.iter().map(|(path, content)| (path.to_owned(), content.to_vec())).collect()
}

/// A file with the entries of every top-level map in another order. Entries start at two blanks and a letter; what is
/// indented deeper, and comments, go with the entry above them.
fn shuffled(text: &str, seed: u64) -> String {
    let mut dice = seed;
    let mut next = move |bound: usize| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((dice >> 33) as usize) % bound.max(1)
    };
    let mut blocks: Vec<(String, Vec<String>)> = Vec::new();
    for line in text.lines() {
        let key = line.starts_with(|c: char| c.is_ascii_lowercase());
        let entry = line.starts_with("  ") && line.chars().nth(2).is_some_and(|c| c.is_ascii_alphabetic());
        match blocks.last_mut() {
            Some((_, entries)) if entry => entries.push(format!("{line}\n")),
            Some((_, entries)) if !key && !entries.is_empty() => {
                entries.last_mut().unwrap().push_str(&format!("{line}\n"))
            }
            Some((head, _)) if !key => head.push_str(&format!("{line}\n")),
            _ => blocks.push((format!("{line}\n"), Vec::new())),
        }
    }
    for (_, entries) in &mut blocks {
        for index in (1..entries.len()).rev() {
            entries.swap(index, next(index + 1));
        }
    }
    for index in (1..blocks.len()).rev() {
        blocks.swap(index, next(index + 1));
    }
    blocks.into_iter().map(|(head, entries)| head + &entries.concat()).collect()
}

#[test]
fn two_runs_give_the_same_bytes() {
    assert_eq!(artefacts(&world("landesrz-seenland")), artefacts(&world("landesrz-seenland")));
}

#[test]
fn another_folder_gives_the_same_bytes() {
    let run = |site: &Path, out: &Path| {
        let mut command = assert_cmd::Command::cargo_bin("zonec").unwrap();
        command.arg("compile").arg(site).args(["-q", "--as-of", "2026-11-24", "-o"]).arg(out).assert().code(0);
        std::fs::read(out.join("manifest.json")).unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("elsewhere");
    std::fs::create_dir(&copy).unwrap();
    let original = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/kommune-musterau");
    std::fs::copy(original.join("site.yaml"), copy.join("site.yaml")).unwrap();
    assert_eq!(run(&original, &folder.path().join("a")), run(&copy, &folder.path().join("b")));
}

/// Which rules, and for which day: the manifest says so of every artefact, each named with its digest (ZM-MOD-04).
#[test]
fn the_manifest_binds_every_artefact_to_rule_set_and_day() {
    let all = artefacts(&world("zv-it-talwinkel"));
    let manifest: serde_json::Value = serde_json::from_slice(&all["manifest.json"]).unwrap();
    assert_eq!((&manifest["blueprint"], &manifest["as_of"]), (&"dvs-2.0".into(), &"2026-11-24".into()));
    let bound: BTreeMap<&str, &str> = manifest["outputs"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(path, sum)| (path.as_str(), sum.as_str().unwrap()))
        .collect();
    for (path, content) in all.iter().filter(|(path, _)| *path != "manifest.json") {
        assert_eq!(bound.get(path.as_str()), Some(&zonec::output::digest(content).as_str()), "{path}");
    }
}

/// The artefacts without those that quote lines of the model, which move with the keys, and their digests.
fn without_places(mut artefacts: BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    let mut manifest: serde_json::Value = serde_json::from_slice(&artefacts["manifest.json"]).unwrap();
    let quoting = ["report/index.html", "report/report.md", "report/report.pdf"];
    for path in &quoting[..if cfg!(feature = "pdf") { 3 } else { 2 }] {
        assert!(
            artefacts.remove(*path).is_some() && manifest["outputs"].as_object_mut().unwrap().remove(*path).is_some()
        );
    }
    artefacts.insert("manifest.json".to_owned(), manifest.to_string().into_bytes());
    artefacts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4))]

    #[test]
    fn shuffled_keys_give_the_same_bytes(seed in any::<u64>()) {
        let plain = world("kommune-musterau");
        let mut other = plain.clone();
        for bytes in other.files.values_mut() {
            let text = String::from_utf8(bytes.clone()).unwrap();
            let mixed = shuffled(&text, seed);
            prop_assert!(mixed != text, "the shuffle moves something");
            *bytes = mixed.into_bytes();
        }
        let (plain, other) = (without_places(artefacts(&plain)), without_places(artefacts(&other)));
        let changed: Vec<&String> = plain.iter().filter(|(path, bytes)| other.get(*path) != Some(*bytes)).map(|(path, _)| path).collect();
        prop_assert!(changed.is_empty() && plain.len() == other.len(), "{:?}", changed);
    }
}
