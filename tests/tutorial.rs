//! `docs/tutorial.md` is true: its commands are run and its edits made, in order, in an empty folder. `UPDATE=1` rewrites what
//! the commands print.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use assert_cmd::Command;
use std::fs;
use std::path::Path;

/// Applies a diff block: its first line names the file, the others say what stands there and what is to stand there.
fn edit(folder: &Path, block: &str) {
    let (file, rest) = block.split_once('\n').unwrap();
    let path = folder.join(file.strip_prefix("--- ").unwrap());
    let side = |other: char| -> String {
        let lines = rest.lines().filter(|line| !line.starts_with(other));
        lines.map(|line| format!("{}\n", line.get(1..).unwrap())).collect()
    };
    let (before, after) = (side('+'), side('-'));
    let text = fs::read_to_string(&path).unwrap();
    assert_eq!(text.matches(&before).count(), 1, "the tutorial's diff does not fit {}:\n{block}", path.display());
    fs::write(&path, text.replacen(&before, &after, 1)).unwrap();
}

/// Runs one command line and gives what a terminal shows.
fn run(folder: &Path, line: &str, wanted: i32) -> String {
    let mut words = line.split_whitespace();
    assert_eq!(words.next(), Some("zonec"));
    let mut command = Command::cargo_bin("zonec").unwrap();
    let output = command.current_dir(folder).args(words).args(["--as-of", "2026-11-24"]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap() + &String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(wanted), "{line}\n{said}");
    said.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

/// Line numbers and counts of artefacts change with the emitters and prove nothing here: all numbers look alike.
fn without_figures(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }) {
        if !(c == '0' && out.ends_with('0')) {
            out.push(c);
        }
    }
    out
}

#[test]
fn the_tutorial_works_as_it_is_written() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tutorial.md");
    let text = fs::read_to_string(&page).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut told = String::new();
    let mut commands = 0;
    for (index, part) in text.split("```").enumerate() {
        if index > 0 {
            told += "```";
        }
        let block = if index % 2 == 1 { part.split_once('\n') } else { None };
        match block {
            Some(("diff", block)) => edit(folder.path(), block),
            Some((info, block)) if info.starts_with("console") => {
                let wanted = info.strip_prefix("console exit=").unwrap().parse().unwrap();
                let line = block.lines().next().unwrap().strip_prefix("$ ").unwrap();
                told += &format!("{info}\n$ {line}\n{}", run(folder.path(), line, wanted));
                commands += 1;
                continue;
            }
            _ => {}
        }
        told += part;
    }
    assert!(commands > 8, "{commands} commands");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&page, &told).unwrap();
    }
    let same = without_figures(&text) == without_figures(&told);
    assert!(
        same || std::env::var_os("UPDATE").is_some(),
        "docs/tutorial.md is stale; run UPDATE=1 cargo test --test tutorial"
    );
}
