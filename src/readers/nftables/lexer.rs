//! Text to tokens.

use super::ast::{Place, Remark};

/// A token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A bare word: keyword, number, address, name.
    Word(String),
    /// A quoted string without its quotes.
    Quoted(String),
    /// Punctuation.
    Sign(&'static str),
    /// End of a line or `;`.
    End,
}

/// A token with its line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub kind: Kind,
    pub line: usize,
}

/// Longer signs come first.
const SIGNS: [&str; 18] =
    ["!=", "==", "<=", ">=", "<<", ">>", "{", "}", "(", ")", ",", "=", "<", ">", "&", "|", "^", "!"];

/// Splits a file.
///
/// # Errors
/// A quote that does not end on its line, a character nft does not know.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, Remark> {
    let mut tokens = Vec::new();
    let mut continued = false;
    for (index, full) in text.lines().enumerate() {
        let line = index + 1;
        let mut rest = full.trim_start();
        continued = loop {
            rest = rest.trim_start();
            if rest.is_empty() || rest.starts_with('#') {
                break false;
            }
            if rest == "\\" {
                break true;
            }
            let (kind, length) = token(rest)
                .ok_or_else(|| Remark { place: Place::Line(line), text: format!("cannot read `{rest}`") })?;
            tokens.push(Token { kind, line });
            rest = rest.get(length..).unwrap_or("");
        };
        if !continued {
            let kind = Kind::End;
            tokens.push(Token { kind, line });
        }
    }
    if continued {
        let kind = Kind::End;
        let line = text.lines().count();
        tokens.push(Token { kind, line });
    }
    Ok(tokens)
}

/// The first token of a text that does not begin with white space, and its length.
fn token(text: &str) -> Option<(Kind, usize)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let end = quoted.find('"')?;
        return Some((Kind::Quoted(quoted.get(..end)?.to_owned()), end + 2));
    }
    if text.starts_with(';') {
        return Some((Kind::End, 1));
    }
    if let Some(sign) = SIGNS.into_iter().find(|sign| text.starts_with(sign)) {
        return Some((Kind::Sign(sign), sign.len()));
    }
    let end = text.find(|c: char| !is_word(c)).unwrap_or(text.len());
    let mut word = text.get(..end).filter(|word| !word.is_empty())?;
    // `established: accept`; an address may well end in `::`, and a colon alone is a token.
    if word.len() > 1 && word.ends_with(':') && !word.ends_with("::") {
        word = word.get(..word.len() - 1)?;
    }
    let kind = match word {
        "." => Kind::Sign("."),
        ":" => Kind::Sign(":"),
        "/" => Kind::Sign("/"),
        "-" => Kind::Sign("-"),
        "+" => Kind::Sign("+"),
        word => Kind::Word(word.to_owned()),
    };
    Some((kind, word.len()))
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || "_.:/-+*@$%\\".contains(c)
}
