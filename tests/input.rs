//! Input that is no zone file: a clear error within milliseconds, exit status 2, nothing written.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use assert_cmd::Command;
use std::fs;
use std::path::Path;

/// Runs `zonec compile` on a file; gives standard output of a run that ended with status 2 and left no output folder.
fn refused(file: &Path) -> String {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("build");
    let run =
        Command::cargo_bin("zonec").unwrap().arg("compile").arg(file).arg("-o").arg(&out).arg("-q").assert().code(2);
    assert!(!out.exists(), "nothing is written");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "no leftovers beside it");
    String::from_utf8(run.get_output().stdout.clone()).unwrap()
}

fn refused_bytes(bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.yaml");
    fs::write(&file, bytes).unwrap();
    refused(&file)
}

#[test]
fn a_missing_file() {
    assert!(refused(Path::new("nowhere/site.yaml")).contains("there is no file"));
}

#[test]
fn an_empty_file() {
    assert!(refused_bytes(b"").contains("empty"));
    assert!(refused_bytes(b"  \n# only a comment\n").contains("empty"));
}

#[test]
fn a_file_of_a_gigabyte_is_refused_before_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("site.yaml");
    // Sparse: the size counts, not the blocks.
    fs::File::create(&file).unwrap().set_len(1 << 30).unwrap();
    assert!(refused(&file).contains("more than the limit"));
}

#[test]
fn a_binary_file() {
    assert!(refused_bytes(b"zonec: 1\0\0\x7fELF").contains("binary"));
}

#[test]
fn another_encoding() {
    assert!(refused_bytes(b"zonec: 1\nsite: { name: m\xfcnchen }\n").contains("UTF-8"));
}

#[test]
fn an_alias_bomb() {
    let mut text = String::from("a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
    for level in 1..9 {
        let before = level - 1;
        text += &format!("a{level}: &a{level} [{}]\n", vec![format!("*a{before}"); 9].join(", "));
    }
    assert!(refused_bytes(text.as_bytes()).contains("aliases copy more than"));
}

#[test]
fn nesting_of_ten_thousand() {
    assert!(refused_bytes(&[b'['; 10_000]).contains("nested deeper"));
    let maps: String = (0..10_000).map(|depth| format!("{}a:\n", " ".repeat(depth.min(200)))).collect();
    refused_bytes(maps.as_bytes());
}

#[test]
fn every_fault_of_a_file_is_told_at_once() {
    let text = refused_bytes(
        b"zonec: 1\nsite: { name: amt, blueprint: dvs-2.0 }\nzones:\n  web: { clas: external.web, addresses: [10.1.0.1/24] }\nflows:\n  f: { from: web, to: web, service: 70000/tcp }\n",
    );
    for told in ["has no field `clas`", "did you mean `class`?", "host bits set", "port 70000 does not exist"] {
        assert!(text.contains(told), "{told}\n{text}");
    }
}

#[test]
fn both_places_of_a_repeated_key() {
    let text = refused_bytes(b"zonec: 1\nsite: { name: amt, blueprint: dvs-2.0 }\nzones:\n  a: { class: internal }\n  a: { class: internal }\n");
    assert!(text.contains("stands twice") && text.contains("first `a`"), "{text}");
}

#[test]
fn a_violation_writes_nothing_and_leaves_the_old_folder() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("build");
    let compile = |site: &str| {
        let mut command = Command::cargo_bin("zonec").unwrap();
        command.args(["compile", site, "-q", "--as-of", "2026-11-24", "-o"]).arg(&out).assert()
    };
    compile("examples/kommune-musterau").code(0);
    let manifest = fs::read(out.join("manifest.json")).unwrap();
    compile("examples/amt-fehlerstedt").code(1);
    assert_eq!(fs::read(out.join("manifest.json")).unwrap(), manifest);
    fs::write(out.join("notes.txt"), "mine").unwrap();
    compile("examples/kommune-musterau").code(2);
    assert_eq!(fs::read(out.join("notes.txt")).unwrap(), b"mine");
}
