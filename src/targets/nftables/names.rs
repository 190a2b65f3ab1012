//! The one place where names and texts of the model become words of nft.
//!
//! nft has no escapes: a comment ends at the next `"`, a log prefix expands `$name`, and any keyword that stands
//! where a name should is a syntax error. So names pass a closed alphabet and get a prefix that no keyword has,
//! and texts lose what nft cannot hold. A value that has not been through here has no type the writer takes.

use std::fmt;

use sha2::{Digest, Sha256};

/// Longest generated name in bytes. The kernel takes 255; 60 keeps a line readable.
const NAME: usize = 60;
/// What [`Name::with`] may add to a name of two parts.
const SUFFIX: usize = 14;
/// Longest comment of a rule in bytes (kernel: `NFTNL_UDATA_COMMENT_MAXLEN`, without the final NUL).
const COMMENT: usize = 127;
/// Longest log prefix in bytes (kernel: `NF_LOG_PREFIXLEN` 128, without the final NUL).
const LOG_PREFIX: usize = 127;
/// Longest interface name in bytes (kernel: `IFNAMSIZ` 16, without the final NUL).
const INTERFACE: usize = 15;

/// The name of a chain, set, map or counter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// `prefix` and the parts, joined by `__`: `p_web_in__app`. Different parts give different names: a part keeps
    /// its lower-case letters and digits, `-` becomes `_`; a part that could be mistaken for two, or is too long, is
    /// cut and ends in an upper-case digest, which no other part has.
    #[must_use]
    pub fn of(prefix: &str, parts: &[&str]) -> Self {
        let room = match parts.len() {
            0 | 1 => NAME - prefix.len(),
            count => (NAME - SUFFIX - prefix.len()) / count - 2,
        };
        let parts: Vec<String> = parts.iter().map(|part| mangle(part, room)).collect();
        Self(format!("{prefix}{}", parts.join("__")))
    }

    /// This name with something after it: `m_web_in__app` and `_tcp4`.
    #[must_use]
    pub fn with(&self, suffix: impl fmt::Display) -> Self {
        Self(format!("{}{suffix}", self.0))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn mangle(part: &str, room: usize) -> String {
    let plain = part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-');
    let whole = plain && !part.is_empty() && part.len() <= room && !part.contains("--") && !part.ends_with('-');
    let words: String =
        part.chars().map(|c| if c.is_ascii_lowercase() || c.is_ascii_digit() { c } else { '_' }).collect();
    if whole {
        return words;
    }
    let digest: String = Sha256::digest(part).iter().take(5).map(|byte| format!("{byte:02X}")).collect();
    let stem: String = words.chars().take(room.saturating_sub(digest.len() + 1)).collect();
    format!("{stem}_{digest}X") // the X keeps a digest of digits alone apart from plain names
}

/// A quoted text: comment, log prefix or interface name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quoted(String);

impl Quoted {
    /// A comment on a rule: no quotes or control characters, cut at a character border.
    #[must_use]
    pub fn comment(text: &str) -> Self {
        Self(cut(text.chars().map(|c| if c.is_control() { ' ' } else { c }), COMMENT))
    }

    /// A log prefix. nft ends it with a blank so that the kernel's `IN=` stands apart.
    #[must_use]
    pub fn log_prefix(text: &str) -> Self {
        let printable = text.chars().map(|c| if c.is_ascii_graphic() && c != '$' { c } else { ' ' });
        Self(cut(printable, LOG_PREFIX - 1) + " ")
    }

    /// An interface name; `None` when the kernel has no such name, or nft would read a pattern.
    #[must_use]
    pub fn interface(text: &str) -> Option<Self> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@-".contains(&byte);
        let fits = (1..=INTERFACE).contains(&text.len()) && text != "." && text != "..";
        (fits && text.bytes().all(known)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for Quoted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{}\"", self.0)
    }
}

/// Text for a `#` comment of the file: one line.
#[must_use]
pub fn remark(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// As many characters as fit into `limit` bytes; quotes become apostrophes.
fn cut(text: impl Iterator<Item = char>, limit: usize) -> String {
    let mut kept = String::new();
    for c in text.map(|c| if c == '"' { '\'' } else { c }) {
        if kept.len() + c.len_utf8() > limit {
            break;
        }
        kept.push(c);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn pairs_keep_their_border() {
        assert_eq!(Name::of("p_", &["web-in", "app"]).to_string(), "p_web_in__app");
        assert_ne!(Name::of("p_", &["a", "b--c"]), Name::of("p_", &["a--b", "c"]));
        assert_ne!(Name::of("p_", &["a-", "b"]), Name::of("p_", &["a", "-b"]));
        assert_ne!(Name::of("f_", &["a_b"]), Name::of("f_", &["a-b"]));
    }

    #[test]
    fn texts_are_cut_at_characters() {
        let umlauts = "ü".repeat(100);
        assert_eq!(Quoted::comment(&umlauts).to_string().len(), 126 + 2);
        assert_eq!(Quoted::comment("say \"hi\"\n$x").to_string(), "\"say 'hi' $x\"");
        assert_eq!(Quoted::log_prefix("zonec+ $x\"").to_string(), "\"zonec+  x' \"");
    }

    #[test]
    fn interfaces_are_names_not_patterns() {
        for bad in ["", "eth*", "a b", "a\"b", "sixteen-letters-", "..", "ä", "a/b"] {
            assert_eq!(Quoted::interface(bad), None, "{bad}");
        }
        assert!(Quoted::interface("bond0.120").is_some());
    }

    proptest! {
        #[test]
        fn names_are_injective_and_fit(a in "[a-z][a-z0-9-]{0,62}", b in "[a-z][a-z0-9-]{0,62}", c in "[a-z][a-z0-9-]{0,62}") {
            let name = Name::of("p_", &[&a, &b]);
            let text = name.to_string();
            prop_assert!(text.len() <= NAME, "{}", text);
            prop_assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'));
            prop_assert_eq!(name == Name::of("p_", &[&a, &c]), b == c);
            prop_assert_eq!(Name::of("f_", &[&a]) == Name::of("f_", &[&c]), a == c);
        }

        #[test]
        fn quoted_texts_never_end_early(text in any::<String>()) {
            for quoted in [Quoted::comment(&text), Quoted::log_prefix(&text)] {
                let inside = quoted.to_string();
                let inside = inside.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or("\"");
                prop_assert!(!inside.contains('"') && !inside.contains('\n') && inside.len() <= 127);
            }
            prop_assert!(!Quoted::log_prefix(&text).to_string().contains('$'));
        }
    }
}
