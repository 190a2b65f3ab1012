#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use super::*;
use crate::source::{FileId, Limits};
use crate::syntax::tree::{Node, Value, parse};

/// The place of `|` in a text without it: path, slot, word, siblings.
fn at(text: &str) -> Option<(String, Slot, String, String)> {
    let cursor = text.find('|').unwrap();
    let text = text.replacen('|', "", 1);
    let place = place(&text, cursor)?;
    let word = text.get(place.word.clone()).unwrap().to_owned();
    Some((place.path.join("."), place.slot, word, place.siblings.join(" ")))
}

fn is(path: &str, slot: Slot, word: &str, siblings: &str) -> Option<(String, Slot, String, String)> {
    Some((path.to_owned(), slot, word.to_owned(), siblings.to_owned()))
}

#[test]
fn block_style() {
    use Slot::{Key, Value};
    assert_eq!(at("flows:\n  a:\n    from: po|rtal # x\n"), is("flows.a.from", Value, "portal", ""));
    assert_eq!(at("flows:\n  a:\n    from: |\n    to: b\n"), is("flows.a.from", Value, "", ""));
    assert_eq!(at("flows:\n  a:\n    fr|\n    to: b\n  b:\n    x: y\n"), is("flows.a", Key, "fr", "to"));
    assert_eq!(at("flows:\n  a:\n    from: x\n    |\n  b: c\n"), is("flows.a", Key, "", "from"));
    assert_eq!(at("flows:\n  a:\n    |\n    from: x\n"), is("flows.a", Key, "", "from"));
    assert_eq!(at("zonec: 1\n|\nflows:\n  a: b\n"), is("", Key, "", "zonec flows"));
    assert_eq!(at("flows:\n  a:\n    from:\n      - x\n      - |\n"), is("flows.a.from", Key, "", ""));
    assert_eq!(at("flows:\n  a:\n    from:\n    - x\n    - y|\n    to: z\n"), is("flows.a.from", Key, "y", ""));
    assert_eq!(at("expect:\n- allow: {}\n  be|: x\n- deny: {}\n"), is("expect", Key, "be", "allow"));
    assert_eq!(at("site:\n  title: |\n"), is("site.title", Value, "", ""));
    assert_eq!(at("site:\n  \"na|me\": x\n"), is("site", Key, "name", ""));
    assert_eq!(at("site:\r\n  name: \"m|u\"\r\n"), is("site.name", Value, "mu", ""));
    assert_eq!(at("a: >\n  text: |\nb: c\n"), None);
    assert_eq!(at("a: b # c|\n"), None);
}

#[test]
fn flow_style() {
    use Slot::{Key, Value};
    assert_eq!(at("flows:\n  a: { from: x, t|: y, via: z }\n"), is("flows.a", Key, "t", "from via"));
    assert_eq!(at("flows:\n  a: { from: x, | }\n"), is("flows.a", Key, "", "from"));
    assert_eq!(at("flows:\n  a: {|}\n"), is("flows.a", Key, "", ""));
    assert_eq!(at("flows:\n  a: { from: [x, y|, z], to: q }\n"), is("flows.a.from", Value, "y", ""));
    assert_eq!(at("flows:\n  a: { from: [x, |\n  b: { to: q }\n"), is("flows.a.from", Value, "", ""));
    // A bracket left open above is forgotten.
    assert_eq!(at("flows:\n  a: { from: [x\n  b: { to: q| }\n"), is("flows.b.to", Value, "q", ""));
    assert_eq!(at("at: { web-in: [10.0.0.1, fd3a::|1] }\n"), is("at.web-in", Value, "fd3a::1", ""));
    assert_eq!(at("flows:\n  a: { from: x,\n       to: y|,\n  }\n  b: c\n"), is("flows.a.to", Value, "y", ""));
    assert_eq!(at("flows: { a: { service: | } }"), is("flows.a.service", Value, "", ""));
    assert_eq!(at("flows: { a: { service: |"), is("flows.a.service", Value, "", ""));
}

fn same(text: &str, node: &Node<'_>, path: &mut Vec<String>, name: &str, count: &mut usize) {
    match &node.value {
        Value::Map(pairs) => {
            for (key, value) in pairs {
                let found = place(text, key.span.start as usize + 1).unwrap_or_else(|| panic!("{name} {key:?}"));
                assert_eq!((&found.path, found.slot), (&*path, Slot::Key), "{name} {key:?}");
                assert_eq!(text.get(found.word), key.text(), "{name}");
                let own = key.text().unwrap();
                let mut others: Vec<&str> = pairs.iter().filter_map(|(key, _)| key.text()).collect();
                others.retain(|key| *key != own);
                assert_eq!(found.siblings, others, "{name} {key:?}");
                path.push(own.to_owned());
                same(text, value, path, name, count);
                path.pop();
            }
        }
        Value::Seq(items) => items.iter().for_each(|item| same(text, item, path, name, count)),
        // Empty values, and texts over several lines.
        Value::Scalar { text: scalar, .. }
            if node.is_null()
                || !text[node.span.range()].contains(&**scalar)
                || text[node.span.range()].contains('\n') => {}
        Value::Scalar { text: scalar, .. } => {
            let found = place(text, node.span.start as usize + 1).unwrap_or_else(|| panic!("{name} {node:?}"));
            assert_eq!(&found.path, path, "{name} {node:?}");
            assert_eq!(text.get(found.word), Some(&**scalar), "{name}");
            *count += 1;
        }
    }
}

/// Every key and scalar of the examples and of the rules' sites stands where the span tree says.
#[test]
fn it_agrees_with_the_span_tree() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let pattern = |folder: &str| format!("{}/{folder}/**/*.yaml", root.display());
    let mut count = 0;
    let examples = glob::glob(&pattern("examples")).unwrap();
    // A few of the 600: each node costs a scan of its file.
    let sites = glob::glob(&pattern("tests/sites")).unwrap().step_by(80);
    for path in examples.chain(sites).map(Result::unwrap) {
        let text = std::fs::read_to_string(&path).unwrap();
        if text.len() > 9_000 {
            continue;
        }
        let Ok(node) = parse(&text, FileId(0), &Limits::default()) else { continue };
        same(&text, &node, &mut Vec::new(), &path.display().to_string(), &mut count);
    }
    assert!(count > 1_000, "{count}");
}

/// Any cursor in any prefix of a file gives an answer or none, and never a word outside of the text.
#[test]
fn any_cursor_in_any_text_is_survived() {
    let text = "site: { nämé: [\"ü🏛\", 'b' ], c: &x d }\r\n- a: - b:\n  ? x\n\t: {y\n\"q\n'\n|\n> :\n-\n-- }]\n";
    for end in (0..=text.len()).filter(|end| text.is_char_boundary(*end)) {
        let part = &text[..end];
        for cursor in 0..=end + 2 {
            if let Some(found) = place(part, cursor) {
                assert!(found.word.end <= part.len().max(cursor), "{part:?} {cursor}");
            }
        }
    }
}
