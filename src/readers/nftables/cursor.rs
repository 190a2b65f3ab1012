//! Walks over the tokens of a file, with `define`s put in.

use std::collections::BTreeMap;

use super::ast::{Place, Remark};
use super::lexer::{Kind, Token, tokens};

/// A position in a list of tokens.
#[derive(Debug)]
pub(super) struct Cursor {
    tokens: Vec<Token>,
    at: usize,
}

impl Cursor {
    /// Reads a text and puts in what it defines.
    ///
    /// # Errors
    /// Characters nft does not know, names that are not defined.
    pub fn new(text: &str) -> Result<Self, Remark> {
        let tokens = with_definitions(tokens(text)?)?;
        Ok(Self { tokens, at: 0 })
    }

    /// The next token.
    pub fn peek(&self) -> Option<&Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    /// The token `ahead` places after the next one.
    pub fn peek_at(&self, ahead: usize) -> Option<&Kind> {
        self.tokens.get(self.at + ahead).map(|token| &token.kind)
    }

    /// The line of the next token.
    pub fn place(&self) -> Place {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        token.map_or(Place::Nowhere, |token| Place::Line(token.line))
    }

    /// Takes the next token.
    pub fn next(&mut self) -> Option<Kind> {
        let kind = self.peek().cloned();
        self.at += 1;
        kind
    }

    /// The next token, if it is a bare word.
    pub fn peek_word(&self) -> Option<&str> {
        match self.peek() {
            Some(Kind::Word(word)) => Some(word),
            _ => None,
        }
    }

    /// Takes the next token if it is this word.
    pub fn take_word(&mut self, word: &str) -> bool {
        let found = self.peek_word() == Some(word);
        self.at += usize::from(found);
        found
    }

    /// Takes the next token if it is this sign.
    pub fn take_sign(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Some(Kind::Sign(next)) if *next == sign);
        self.at += usize::from(found);
        found
    }

    /// Takes a word or a quoted string.
    pub fn take_text(&mut self) -> Option<String> {
        let text = match self.peek() {
            Some(Kind::Word(text) | Kind::Quoted(text)) => text.clone(),
            _ => return None,
        };
        self.at += 1;
        Some(text)
    }

    /// Whether a statement ends here.
    pub fn at_end(&self) -> bool {
        matches!(self.peek(), None | Some(Kind::End | Kind::Sign("}")))
    }

    /// Steps over ends of lines.
    pub fn skip_ends(&mut self) {
        while self.peek() == Some(&Kind::End) {
            self.at += 1;
        }
    }

    /// Takes everything up to the end of the statement, with blocks in braces, as text.
    pub fn take_rest(&mut self) -> String {
        let mut depth = 0_usize;
        let mut words = Vec::new();
        while let Some(kind) = self.peek() {
            match kind {
                Kind::End | Kind::Sign("}") if depth == 0 => break,
                Kind::Sign("{") => depth += 1,
                Kind::Sign("}") => depth -= 1,
                _ => {}
            }
            match kind {
                Kind::Word(word) => words.push(word.clone()),
                Kind::Quoted(text) => words.push(format!("\"{text}\"")),
                Kind::Sign(sign) => words.push((*sign).to_owned()),
                Kind::End => {}
            }
            self.at += 1;
        }
        words.join(" ")
    }

    /// An error at the next token.
    pub fn error(&self, text: impl Into<String>) -> Remark {
        let text = text.into();
        let place = self.place();
        Remark { place, text }
    }
}

/// Takes out the `define`s and puts their tokens where `$name` stands.
fn with_definitions(tokens: Vec<Token>) -> Result<Vec<Token>, Remark> {
    let mut known: BTreeMap<String, Vec<Kind>> = BTreeMap::new();
    let mut result: Vec<Token> = Vec::with_capacity(tokens.len());
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        let place = Place::Line(token.line);
        let fail = |text: String| Err(Remark { place, text });
        let fresh = result.last().is_none_or(|last| last.kind == Kind::End);
        match &token.kind {
            Kind::Word(word) if word == "define" && fresh => {
                let (Some(name), Some(equals)) = (tokens.next(), tokens.next()) else {
                    return fail("unfinished `define`".to_owned());
                };
                let (Kind::Word(name), Kind::Sign("=")) = (name.kind, equals.kind) else {
                    return fail("cannot read this `define`".to_owned());
                };
                let mut depth = 0_usize;
                let mut value = Vec::new();
                while let Some(next) = tokens.peek() {
                    match next.kind {
                        Kind::End if depth == 0 => break,
                        Kind::Sign("{") => depth += 1,
                        Kind::Sign("}") => depth = depth.saturating_sub(1),
                        _ => {}
                    }
                    let next = tokens.next();
                    let kinds = next.map(|next| next.kind).filter(|kind| *kind != Kind::End);
                    match kinds {
                        Some(Kind::Word(word)) if word.starts_with('$') => {
                            value.extend(definition(&known, &word, place)?.iter().cloned());
                        }
                        kind => value.extend(kind),
                    }
                }
                known.insert(format!("${name}"), value);
            }
            Kind::Word(word) if word.starts_with('$') => {
                let value = definition(&known, word, place)?;
                let line = token.line;
                result.extend(value.iter().map(|kind| Token { kind: kind.clone(), line }));
            }
            _ => result.push(token),
        }
    }
    Ok(result)
}

fn definition<'a>(known: &'a BTreeMap<String, Vec<Kind>>, name: &str, place: Place) -> Result<&'a [Kind], Remark> {
    known.get(name).map(Vec::as_slice).ok_or_else(|| Remark { place, text: format!("`{name}` is not defined") })
}
