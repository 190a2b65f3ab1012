//! The judge's own reading of a ruleset file: the lines that zonec emits and their changed forms, nothing else.
//!
//! Shares no code with the emitter, the readers or the packet space. A line it does not know makes it refuse the file.

use std::collections::BTreeMap;
use std::net::IpAddr;

/// All tables of a file that are still there at its end.
#[derive(Debug, Default)]
pub struct Rules {
    pub tables: Vec<Table>,
}

#[derive(Debug, Default)]
pub struct Table {
    pub name: String,
    pub chains: BTreeMap<String, Chain>,
    pub sets: BTreeMap<String, Vec<Element>>,
}

#[derive(Debug, Default)]
pub struct Chain {
    pub base: Option<Base>,
    pub rules: Vec<Vec<Part>>,
}

#[derive(Debug)]
pub struct Base {
    pub hook: String,
    pub priority: i32,
    pub drops: bool,
}

#[derive(Debug)]
pub enum Part {
    /// Goes on if some element matches (or, negated, none does).
    Match(Vec<Key>, bool, Elements),
    Map(Vec<Key>, Elements),
    Verdict(Verdict),
    /// A rate: what follows in the rule happens to some packets only.
    Limit,
}

#[derive(Debug)]
pub enum Elements {
    Here(Vec<Element>),
    Named(String),
}

#[derive(Clone, Debug)]
pub struct Element {
    pub key: Vec<Value>,
    pub verdict: Option<Verdict>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Range(u128, u128),
    Name(String),
}

#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    Accept,
    Drop,
    Continue,
    Return,
    Jump(String),
    Goto(String),
}

/// What a rule looks at. Protocol and family that nft adds are in the key itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Key {
    Source(u8),
    Destination(u8),
    /// Destination port of this protocol.
    Port(u8),
    /// Type of ICMP or ICMPv6; in its own family only unless the rule named the protocol before.
    Type(u8, Option<u8>),
    Input,
    Output,
    State,
    Family,
    Protocol,
    /// Hop limit 255 or not; IPv6.
    Hop,
    /// Whether a TCP segment is a SYN alone.
    Opening,
}

/// Reads a file; `None` when it holds a line that is not known.
pub fn read(text: &str) -> Option<Rules> {
    let mut rules = Rules::default();
    let mut lines = text.lines().map(without_remark).filter(|line| !line.is_empty());
    while let Some(line) = lines.next() {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["delete", "chain", "inet", "zonec", _] => {}
            ["delete", "table", "inet", name] => rules.tables.retain(|table| table.name != *name),
            ["table", "inet", name, "{"] => {
                let at = rules.tables.iter().position(|table| table.name == *name).unwrap_or_else(|| {
                    rules.tables.push(Table { name: (*name).to_owned(), ..Table::default() });
                    rules.tables.len() - 1
                });
                rules.tables[at].read(&mut lines)?;
            }
            _ => return None,
        }
    }
    Some(rules)
}

fn without_remark(line: &str) -> &str {
    let mut quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => quoted = !quoted,
            '#' if !quoted => return line[..at].trim(),
            _ => {}
        }
    }
    line.trim()
}

impl Table {
    fn read<'a>(&mut self, lines: &mut impl Iterator<Item = &'a str>) -> Option<()> {
        while let Some(line) = lines.next() {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words.as_slice() {
                ["}"] => return Some(()),
                ["counter", _, "{", "}"] => {}
                // One line: `chain forward { type filter …; policy drop; }`
                ["chain", name, "{", head @ .., "}"] => {
                    self.chains.entry((*name).to_owned()).or_default().base = Some(base(&head.join(" "))?);
                }
                ["chain", name, "{"] => {
                    let chain = self.chains.entry((*name).to_owned()).or_default();
                    loop {
                        let mut line = lines.next()?.to_owned();
                        while line.matches('{').count() > line.matches('}').count() {
                            line = format!("{line} {}", lines.next()?);
                        }
                        match line.as_str() {
                            "}" => break,
                            line if line.starts_with("type filter hook") => chain.base = Some(base(line)?),
                            line => chain.rules.push(rule(line)?),
                        }
                    }
                }
                ["set" | "map", name, "{", ..] => {
                    let mut elements = String::new();
                    loop {
                        let line = lines.next()?;
                        if line == "}" {
                            break;
                        }
                        elements = format!("{elements} {line}");
                    }
                    let inner = elements.trim().strip_prefix("elements = {")?.strip_suffix('}')?;
                    self.sets.insert((*name).to_owned(), list(inner)?);
                }
                _ => return None,
            }
        }
        None
    }
}

fn base(line: &str) -> Option<Base> {
    let line = line.strip_prefix("type filter hook ")?;
    let (hook, rest) = line.split_once(" priority ")?;
    let (priority, policy) = rest.split_once(';')?;
    let priority = match priority.trim() {
        "raw" => -300,
        "filter" => 0,
        number => number.parse().ok()?,
    };
    Some(Base { hook: hook.to_owned(), priority, drops: policy.trim() == "policy drop;" })
}

/// Elements between braces: `a . b . c : goto x, …`.
fn list(text: &str) -> Option<Vec<Element>> {
    let parts = text.split(", ").flat_map(|part| part.split(",\t")).map(str::trim);
    parts.filter(|part| !part.is_empty()).map(element).collect()
}

fn element(text: &str) -> Option<Element> {
    let text = text.trim_end_matches(',');
    let (key, verdict) = match text.split_once(" : ") {
        Some((key, words)) => (key, Some(verdict(&words.split_whitespace().collect::<Vec<_>>())?)),
        None => (text, None),
    };
    let key = key.split(" . ").map(|part| value(part.trim())).collect::<Option<_>>()?;
    Some(Element { key, verdict })
}

fn verdict(words: &[&str]) -> Option<Verdict> {
    Some(match words {
        ["accept"] => Verdict::Accept,
        ["drop"] => Verdict::Drop,
        ["continue"] => Verdict::Continue,
        ["return"] => Verdict::Return,
        ["jump", chain] => Verdict::Jump((*chain).to_owned()),
        ["goto", chain] => Verdict::Goto((*chain).to_owned()),
        _ => return None,
    })
}

fn value(text: &str) -> Option<Value> {
    let number = |text: &str| -> Option<u128> {
        Some(match text.parse::<IpAddr>() {
            Ok(IpAddr::V4(address)) => address.to_bits().into(),
            Ok(IpAddr::V6(address)) => address.to_bits(),
            Err(_) => text.parse().ok()?,
        })
    };
    if let Some(name) = text.strip_prefix('"') {
        return Some(Value::Name(name.strip_suffix('"')?.to_owned()));
    }
    if let Some(point) = number(text) {
        return Some(Value::Range(point, point));
    }
    if let Some((address, length)) = text.split_once('/') {
        let width = if address.contains(':') { 128 } else { 32 };
        let free = u32::checked_sub(width, length.parse().ok()?)?;
        let rest = if free == 128 { u128::MAX } else { (1 << free) - 1 };
        let first = number(address)? & !rest;
        return Some(Value::Range(first, first | rest));
    }
    if let Some((first, last)) = text.split_once('-')
        && let (Some(first), Some(last)) = (number(first), number(last))
    {
        return (first <= last).then_some(Value::Range(first, last));
    }
    Some(Value::Name(text.to_owned()))
}

/// A rule: matches, then perhaps a verdict.
fn rule(line: &str) -> Option<Vec<Part>> {
    let mut words = &*split(line);
    let mut parts = Vec::new();
    let mut named = false;
    while !words.is_empty() {
        let all: Vec<&str> = words.iter().map(String::as_str).collect();
        let used = match all.as_slice() {
            ["counter", "name", _, ..] => 3,
            ["counter", ..] => 1,
            ["comment", _, ..] => 2,
            ["limit", "rate", _, "burst", _, "packets", ..] => {
                parts.push(Part::Limit);
                6
            }
            ["log", "prefix", _, "group", _, "snaplen", _, ..] => 7,
            ["log", "prefix", _, "level" | "group", _, ..] => 5,
            ["tcp", "flags", "&", "(fin", "|", "syn", "|", "rst", "|", "ack)", operator, "syn", ..] => {
                (["==", "!="].contains(operator)).then_some(())?;
                let elements = Elements::Here(vec![Element { key: vec![Value::Range(1, 1)], verdict: None }]);
                parts.push(Part::Match(vec![Key::Opening], *operator == "!=", elements));
                12
            }
            // Without a sign it is `==` (seen with nft 1.0.6: `nft --debug=netlink`).
            ["tcp", "flags", "&", "(fin", "|", "syn", "|", "rst", "|", "ack)", "syn", ..] => {
                let elements = Elements::Here(vec![Element { key: vec![Value::Range(1, 1)], verdict: None }]);
                parts.push(Part::Match(vec![Key::Opening], false, elements));
                11
            }
            ["goto" | "jump", _, ..] => {
                parts.push(Part::Verdict(verdict(&all[..2])?));
                2
            }
            ["accept" | "drop" | "continue" | "return", ..] => {
                parts.push(Part::Verdict(verdict(&all[..1])?));
                1
            }
            _ => {
                let (part, used) = lookup(&all, named)?;
                named |= matches!(&part, Part::Match(keys, ..) if keys.contains(&Key::Protocol));
                parts.push(part);
                used
            }
        };
        words = words.get(used..)?;
    }
    Some(parts)
}

/// Words of a line; quoted texts, with their blanks, are one word.
fn split(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        quoted ^= c == '"';
        match (c, quoted, words.last_mut()) {
            (' ' | '\t', false, _) => words.push(String::new()),
            (c, _, Some(word)) => word.push(c),
            _ => {}
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

/// `key [. key] [vmap] (value | { elements } | @name)`
fn lookup(words: &[&str], named: bool) -> Option<(Part, usize)> {
    let mut keys = Vec::new();
    let mut at = 0;
    loop {
        let (key, used) = key(&words[at..], named)?;
        keys.push(key);
        at += used;
        if words.get(at) != Some(&".") {
            break;
        }
        at += 1;
    }
    let map = words.get(at) == Some(&"vmap");
    at += usize::from(map);
    let negated = words.get(at) == Some(&"!=");
    at += usize::from(negated);
    let first = *words.get(at)?;
    let elements = if let Some(name) = first.strip_prefix('@') {
        at += 1;
        Elements::Named(name.to_owned())
    } else if first == "{" {
        let end = at + words[at..].iter().position(|word| *word == "}")?;
        let inner = words[at + 1..end].join(" ");
        at = end + 1;
        Elements::Here(list(&inner)?)
    } else {
        at += 1;
        Elements::Here(vec![element(first)?])
    };
    Some((if map { Part::Map(keys, elements) } else { Part::Match(keys, negated, elements) }, at))
}

fn key(words: &[&str], named: bool) -> Option<(Key, usize)> {
    let family = |number: u8| (!named).then_some(number);
    Some(match words {
        ["ip", "saddr", ..] => (Key::Source(0), 2),
        ["ip6", "saddr", ..] => (Key::Source(1), 2),
        ["ip", "daddr", ..] => (Key::Destination(0), 2),
        ["ip6", "daddr", ..] => (Key::Destination(1), 2),
        ["tcp", "dport", ..] => (Key::Port(6), 2),
        ["udp", "dport", ..] => (Key::Port(17), 2),
        ["sctp", "dport", ..] => (Key::Port(132), 2),
        ["icmp", "type", ..] => (Key::Type(1, family(0)), 2),
        ["icmpv6", "type", ..] => (Key::Type(58, family(1)), 2),
        ["ip6", "hoplimit", ..] => (Key::Hop, 2),
        ["meta", "protocol", ..] => (Key::Family, 2),
        ["meta", "l4proto", ..] => (Key::Protocol, 2),
        ["ct", "state", ..] => (Key::State, 2),
        ["iif" | "iifname", ..] => (Key::Input, 1),
        ["oif" | "oifname", ..] => (Key::Output, 1),
        _ => return None,
    })
}
