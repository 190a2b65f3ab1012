//! The statements of a rule, from text.

use super::ast::{Element, Header, Operand, Operator, Rule, Statement, Value, Verdict};
use super::cursor::Cursor;
use super::lexer::Kind;

const META_WITHOUT_WORD: [&str; 9] =
    ["iif", "iifname", "oif", "oifname", "mark", "pkttype", "nftrace", "skuid", "skgid"];
const PAYLOADS: [&str; 13] =
    ["ip", "ip6", "tcp", "udp", "sctp", "dccp", "udplite", "th", "icmp", "icmpv6", "ether", "esp", "ah"];

/// Reads one rule up to its end. What is not understood becomes [`Statement::Unknown`].
pub(super) fn rule(cursor: &mut Cursor) -> Rule {
    let mut rule = Rule { place: cursor.place(), comment: None, statements: Vec::new() };
    while !cursor.at_end() {
        if cursor.take_word("comment") {
            rule.comment = cursor.take_text();
            continue;
        }
        let statement = statement(cursor);
        let statement = statement.unwrap_or_else(|| Statement::Unknown(cursor.take_rest()));
        rule.statements.push(statement);
    }
    rule
}

/// One statement; `None` if it is not understood (some tokens may be gone then).
fn statement(cursor: &mut Cursor) -> Option<Statement> {
    if let Some(verdict) = verdict(cursor) {
        return Some(Statement::Verdict(verdict));
    }
    let word = cursor.peek_word()?.to_owned();
    match word.as_str() {
        "counter" => {
            cursor.next();
            if cursor.take_word("name") {
                cursor.take_text()?;
            }
            arguments(cursor, &["packets", "bytes"]);
            Some(Statement::Passive)
        }
        "log" => {
            cursor.next();
            let known = ["prefix", "level", "group", "snaplen", "queue-threshold", "flags"];
            arguments(cursor, &known);
            Some(Statement::Passive)
        }
        "limit" => {
            cursor.next();
            limit(cursor)
        }
        "reject" => {
            cursor.next();
            if cursor.take_word("with") {
                let family = cursor.take_text()?;
                cursor.take_word("type");
                if family != "tcp" || cursor.peek_word() == Some("reset") {
                    cursor.take_text()?;
                }
            }
            Some(Statement::Verdict(Verdict::Drop))
        }
        "masquerade" | "snat" => {
            cursor.take_rest();
            Some(Statement::SourceTranslation)
        }
        "meta" | "ct" if sets_mark(cursor) => Some(Statement::Passive),
        _ => comparison(cursor),
    }
}

/// Steps over pairs of word and argument.
fn arguments(cursor: &mut Cursor, known: &[&str]) {
    while cursor.peek_word().is_some_and(|word| known.contains(&word)) {
        cursor.next();
        cursor.next();
        while cursor.take_sign(",") {
            cursor.next();
        }
    }
}

/// `rate [over] N/unit [burst N packets]`
fn limit(cursor: &mut Cursor) -> Option<Statement> {
    if !cursor.take_word("rate") {
        return None;
    }
    let over = cursor.take_word("over");
    cursor.take_text()?;
    if cursor.peek_word().is_some_and(|word| word.contains("bytes/")) {
        cursor.next();
    }
    if cursor.take_word("burst") {
        cursor.take_text()?;
        if cursor.peek_word().is_some_and(|word| word == "packets" || word.contains("bytes")) {
            cursor.next();
        }
    }
    Some(Statement::Limit { over })
}

/// `meta mark set 5`, `ct mark set meta mark`: marks decide nothing the reader understands.
fn sets_mark(cursor: &mut Cursor) -> bool {
    let is = |position: usize, words: &[&str]| match cursor.peek_at(position) {
        Some(Kind::Word(word)) => words.contains(&word.as_str()),
        _ => false,
    };
    let passive = is(0, &["meta"]) && is(1, &["mark", "nftrace", "priority"]) || is(0, &["ct"]) && is(1, &["mark"]);
    if !passive || !is(2, &["set"]) {
        return false;
    }
    let copied = is(3, &["meta", "ct"]) && is(4, &["mark"]);
    for _ in 0..if copied { 5 } else { 4 } {
        cursor.next();
    }
    true
}

/// A verdict, if one stands here.
fn verdict(cursor: &mut Cursor) -> Option<Verdict> {
    let verdict = match cursor.peek_word()? {
        "accept" => Verdict::Accept,
        "drop" => Verdict::Drop,
        "continue" => Verdict::Continue,
        "return" => Verdict::Return,
        word @ ("jump" | "goto") => {
            let jump = word == "jump";
            let Some(Kind::Word(target)) = cursor.peek_at(1).cloned() else {
                return None;
            };
            cursor.next();
            cursor.next();
            let make = if jump { Verdict::Jump } else { Verdict::Goto };
            return Some(make(target));
        }
        _ => return None,
    };
    cursor.next();
    Some(verdict)
}

/// A match or a verdict map.
fn comparison(cursor: &mut Cursor) -> Option<Statement> {
    let mut key = vec![header(cursor)?];
    while cursor.take_sign(".") {
        key.push(header(cursor)?);
    }
    if cursor.take_word("vmap") {
        let entries = operand(cursor, key.len())?;
        return Some(Statement::Map { key, entries });
    }
    if let ([only], true) = (key.as_slice(), cursor.take_sign("&")) {
        let only = only.clone();
        let mask = bits(cursor)?;
        key = vec![Header::Masked(Box::new(only), mask)];
    }
    let written = operator(cursor);
    let operand = operand(cursor, key.len())?;
    if let ([only], Operand::One(value), true) = (key.as_slice(), &operand, cursor.take_sign("/")) {
        // `tcp flags syn / fin,syn,rst,ack`: the second list is the mask.
        let (only, value) = (only.clone(), value.clone());
        let mask = bits(cursor)?;
        return Some(Statement::Match {
            key: vec![Header::Masked(Box::new(only), mask)],
            operator: written.unwrap_or(Operator::Equal),
            operand: Operand::One(value),
        });
    }
    let several = matches!(&operand, Operand::One(Value::Bits(_)));
    let flags = matches!(key.as_slice(), [Header::Payload(p, f)] if p == "tcp" && f == "flags");
    let single = matches!(operand, Operand::One(_));
    let implied = if several || flags && single { Operator::AnyBit } else { Operator::Equal };
    Some(Statement::Match { key, operator: written.unwrap_or(implied), operand })
}

fn header(cursor: &mut Cursor) -> Option<Header> {
    let word = cursor.peek_word()?.to_owned();
    let two = matches!(cursor.peek_at(1), Some(Kind::Word(_)));
    if word == "meta" && two {
        cursor.next();
        return Some(Header::Meta(cursor.take_text()?));
    }
    if META_WITHOUT_WORD.contains(&word.as_str()) {
        cursor.next();
        return Some(Header::Meta(word));
    }
    if word == "ct" && two {
        cursor.next();
        return Some(Header::Ct(cursor.take_text()?));
    }
    if word == "fib" && two {
        return fib(cursor);
    }
    if PAYLOADS.contains(&word.as_str()) && two {
        cursor.next();
        return Some(Header::Payload(word, cursor.take_text()?));
    }
    None
}

/// `fib saddr . iif oif`: a question to the routing table, which no packet answers.
fn fib(cursor: &mut Cursor) -> Option<Header> {
    cursor.next();
    let mut words = vec!["fib".to_owned(), cursor.take_text()?];
    while cursor.take_sign(".") {
        words.push(cursor.take_text()?);
    }
    words.push(cursor.take_text()?);
    Some(Header::Unknown(words.join(" ")))
}

fn operator(cursor: &mut Cursor) -> Option<Operator> {
    let Some(Kind::Sign(sign)) = cursor.peek() else {
        return None;
    };
    let operator = match *sign {
        "==" => Operator::Equal,
        "!=" => Operator::NotEqual,
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterOrEqual,
        _ => return None,
    };
    cursor.next();
    Some(operator)
}

/// A value, a set, a named set.
fn operand(cursor: &mut Cursor, parts: usize) -> Option<Operand> {
    if let Some(Kind::Sign("{")) = cursor.peek() {
        return Some(Operand::Set(elements(cursor)?));
    }
    if let Some(name) = cursor.peek_word().and_then(|word| word.strip_prefix('@')) {
        let name = name.to_owned();
        cursor.next();
        return Some(Operand::Named(name));
    }
    if parts > 1 {
        let key = key(cursor)?;
        return Some(Operand::Set(vec![Element { key, verdict: None }]));
    }
    Some(Operand::One(bits(cursor)?))
}

/// `a`, `a,b`, `a | b`, `(a | b)`
fn bits(cursor: &mut Cursor) -> Option<Value> {
    let bracket = cursor.take_sign("(");
    let first = value(cursor)?;
    let mut words = Vec::new();
    while cursor.take_sign(",") || cursor.take_sign("|") {
        words.push(cursor.take_text()?);
    }
    if bracket && !cursor.take_sign(")") {
        return None;
    }
    match first {
        first if words.is_empty() => Some(first),
        Value::Word(first) => {
            words.insert(0, first);
            Some(Value::Bits(words))
        }
        _ => None,
    }
}

fn value(cursor: &mut Cursor) -> Option<Value> {
    let first = cursor.take_text()?;
    if cursor.take_sign("-") {
        return Some(Value::Range(first, cursor.take_text()?));
    }
    Some(Value::Word(first))
}

fn key(cursor: &mut Cursor) -> Option<Vec<Value>> {
    let mut key = vec![value(cursor)?];
    while cursor.take_sign(".") {
        key.push(value(cursor)?);
    }
    Some(key)
}

/// The elements between braces; a set inside a set (from a `define`) is part of it.
pub(super) fn elements(cursor: &mut Cursor) -> Option<Vec<Element>> {
    if !cursor.take_sign("{") {
        return None;
    }
    let mut list = Vec::new();
    loop {
        cursor.skip_ends();
        if cursor.take_sign("}") {
            return Some(list);
        }
        if let Some(Kind::Sign("{")) = cursor.peek() {
            list.extend(elements(cursor)?);
        } else {
            list.push(element(cursor)?);
        }
        cursor.skip_ends();
        if !cursor.take_sign(",") && cursor.peek() != Some(&Kind::Sign("}")) {
            return None;
        }
    }
}

fn element(cursor: &mut Cursor) -> Option<Element> {
    let key = key(cursor)?;
    loop {
        cursor.skip_ends();
        match cursor.peek_word() {
            Some("counter") => {
                cursor.next();
                arguments(cursor, &["packets", "bytes"]);
            }
            Some("comment") => {
                cursor.next();
                cursor.take_text()?;
            }
            _ => break,
        }
    }
    let verdict = if cursor.take_sign(":") {
        cursor.skip_ends();
        Some(verdict(cursor)?)
    } else {
        None
    };
    if cursor.take_word("comment") {
        cursor.take_text()?;
    }
    Some(Element { key, verdict })
}
