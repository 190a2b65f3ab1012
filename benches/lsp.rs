//! How long the language server takes to answer after a keystroke on a large site: `cargo bench --bench lsp`.
//!
//! An editor speaks with the program over its standard input and output, so that everything is in the figures: reading and writing
//! messages too. The goal is a median of 100 ms (docs/performance.md has figures).
#![cfg(feature = "lsp")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a benchmark fails by panicking")]

#[path = "../tests/support/editor.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod editor;
#[path = "../tests/support/large.rs"]
mod large;

use editor::{Editor, position, uri};
use large::Size;
use serde_json::json;
use std::time::{Duration, Instant};

const ROUNDS: usize = 21;

fn main() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.yaml");
    for flows in [1_250, 5_000] {
        let text = large::site(Size { zones: 500, components: 5_000, flows });
        std::fs::write(&path, &text).unwrap();
        let mut editor = Editor::greeted(&[]);
        editor.open(&path, &text);
        editor.settle(&path);
        println!("{flows} flows, {} KiB in one file, median of {ROUNDS} (best)", text.len() / 1024);

        let middle = text.find(&format!("f{}: ", flows / 2)).unwrap();
        let purpose = middle + text[middle..].find("Fachverfahren").unwrap();
        let from = middle + text[middle..].find("from: c").unwrap() + "from: ".len();
        let at = |byte: usize| json!({ "start": position(&text, byte), "end": position(&text, byte) });
        let letter = |byte: usize| json!({ "start": position(&text, byte), "end": position(&text, byte + 1) });

        // A letter typed, and at once the question that an editor asks: nothing waits for the worker.
        let mut ask = |what: &str, byte: usize| {
            let mut took = Vec::new();
            for _ in 0..ROUNDS {
                let start = Instant::now();
                editor.change(&path, Some(at(purpose)), "x");
                editor.ask_at(what, &path, &text, byte, &json!({})).unwrap();
                took.push(start.elapsed());
                let taken = letter(purpose);
                editor.change(&path, Some(taken), "");
                editor.settle(&path);
            }
            tell(what, took);
        };
        ask("textDocument/completion", from + 2);
        ask("textDocument/hover", from + 1);
        ask("textDocument/definition", from + 1);

        // A letter that makes a fault, until the editor is told of it; and its correction, until all rules are judged again.
        let (mut fault, mut whole) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            for (new, took) in [("x", &mut fault), ("c", &mut whole)] {
                let start = Instant::now();
                editor.change(&path, Some(letter(from)), new);
                let is_fault = new == "x";
                let here = uri(&path);
                editor.until(|editor| {
                    let codes = editor.shown[&here].iter().map(|item| item["code"].as_str().unwrap());
                    codes.filter(|code| *code == "ZM-MOD-01").count() == usize::from(is_fault)
                        && (is_fault || !editor.shown[&here].is_empty())
                });
                took.push(start.elapsed());
            }
        }
        tell("a fault is shown", fault);
        tell("all rules are judged", whole);
        assert_eq!(editor.quit(), Some(0));
    }
}

fn tell(what: &str, mut took: Vec<Duration>) {
    took.sort_unstable();
    let (median, best) = (took[took.len() / 2], took[0]);
    println!("  {what:28} {:6.1} ms  ({:.1})", median.as_secs_f64() * 1e3, best.as_secs_f64() * 1e3);
}
