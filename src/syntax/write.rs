//! Text → YAML: the one escaping point of everything that zonec writes in the zone language.

/// A scalar that every YAML reader takes for exactly this text, also inside `[…]` and `{…}`.
#[must_use]
pub fn scalar(text: &str) -> String {
    if is_plain(text, "") { text.to_owned() } else { quoted(text) }
}

/// The same for a value that has its line to itself, where a comma needs no quotes.
#[must_use]
pub fn line(text: &str) -> String {
    if is_plain(text, ",") { text.to_owned() } else { quoted(text) }
}

/// A service expression as it stands: `443/tcp` is a text to every reader of YAML.
#[must_use]
pub fn service(text: &str) -> String {
    let inert = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '/' | '-' | ':');
    let is_expression = text.contains(['/', ':']) && !text.ends_with(':') && text.chars().all(inert);
    if is_expression && text.ends_with(char::is_alphabetic) { text.to_owned() } else { scalar(text) }
}

/// A list on one line, or the one value alone.
#[must_use]
pub fn one_or_many<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    listed(values.into_iter().map(scalar).collect())
}

/// The same for service expressions.
#[must_use]
pub fn services<'a>(values: impl IntoIterator<Item = &'a str>) -> String {
    listed(values.into_iter().map(service).collect())
}

fn listed(values: Vec<String>) -> String {
    match values.as_slice() {
        [one] => one.clone(),
        _ => format!("[{}]", values.join(", ")),
    }
}

/// A map on one line; the values are YAML already. Keys of the language stand as they are, `on` among them.
#[must_use]
pub fn map<'a>(pairs: impl IntoIterator<Item = (&'a str, String)>) -> String {
    let is_key = |key: &str| {
        key.starts_with(|c: char| c.is_ascii_lowercase()) && key.chars().all(|c| c.is_ascii_lowercase() || c == '-')
    };
    let key = |key: &str| if is_key(key) { key.to_owned() } else { scalar(key) };
    let pairs: Vec<String> = pairs.into_iter().map(|(name, value)| format!("{}: {value}", key(name))).collect();
    format!("{{ {} }}", pairs.join(", "))
}

/// A comment of one line: whatever is in the text stays in it.
#[must_use]
pub fn comment(text: &str) -> String {
    let inert: String = text.chars().map(|c| if is_special(c) { '\u{fffd}' } else { c }).collect();
    format!("# {}", inert.trim_end())
}

/// Words that YAML 1.1 readers take for something other than text.
const MEANT: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];

/// Whether a text needs no quotes: it starts with a letter and holds nothing that YAML gives a meaning.
fn is_plain(text: &str, more: &str) -> bool {
    text.starts_with(char::is_alphabetic)
        && !text.ends_with(' ')
        && !MEANT.contains(&text.to_lowercase().as_str())
        && text.chars().all(|c| c.is_alphanumeric() || " ./()-_–".contains(c) || more.contains(c))
}

/// What a reader could take for a line's end, for nothing, or for another order of the text.
fn is_special(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{61c}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}')
}

fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if is_special(c) => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use crate::source::{FileId, Limits};
    use crate::syntax::tree;
    use proptest::prelude::*;

    fn read_back(yaml: &str) -> String {
        let text = format!("k: {{ a: {yaml}, b: [{yaml}] }}\nl: {yaml}\n");
        let node = tree::parse(&text, FileId(0), &Limits::default()).unwrap();
        let tree::Value::Map(pairs) = &node.value else { panic!("{text}") };
        let tree::Value::Map(inner) = &pairs[0].1.value else { panic!("{text}") };
        let tree::Value::Seq(items) = &inner[1].1.value else { panic!("{text}") };
        let texts = [inner[0].1.text().unwrap(), items[0].text().unwrap(), pairs[1].1.text().unwrap()];
        assert!(texts.iter().all(|text| *text == texts[0]), "{text}");
        texts[0].to_owned()
    }

    #[test]
    fn plain_words_stay_plain_and_the_rest_is_quoted() {
        for text in ["Fachdaten lesen", "CHG-4711", "Größe (neu)"] {
            assert_eq!(scalar(text), text);
        }
        assert_eq!(line("lesen, schreiben"), "lesen, schreiben");
        for text in ["", "5", "no", "a: b", "a, b", "*x", "{x}", "x #y", "a\"b\\", "2026-01-01", " x", "x "] {
            assert_eq!(scalar(text).chars().next(), Some('"'), "{text}");
        }
        assert_eq!(map([("ref", scalar("CHG-1")), ("by", scalar("a, b"))]), "{ ref: CHG-1, by: \"a, b\" }");
    }

    proptest! {
        #[test]
        fn every_text_reads_back(text in any::<String>()) {
            prop_assert_eq!(read_back(&scalar(&text)), text);
        }

        #[test]
        fn a_comment_is_one_line(text in any::<String>()) {
            let all = format!("{}\nk: v\n", comment(&text));
            let node = tree::parse(&all, FileId(0), &Limits::default()).unwrap();
            prop_assert!(matches!(&node.value, tree::Value::Map(pairs) if pairs.len() == 1));
        }
    }
}
