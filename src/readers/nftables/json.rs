//! Reads what `nft -j list ruleset` prints.

use serde_json::{Map, Value as Json};

use super::ast::{
    Base, Element, Header, NamedSet, Operand, Operator, Place, Remark, Rule, Ruleset, Statement, Value, Verdict,
};

/// Objects that decide nothing by themselves.
const PASSIVE: [&str; 9] =
    ["metainfo", "counter", "quota", "limit", "flowtable", "ct helper", "ct timeout", "ct expectation", "secmark"];

/// Reads a listing.
///
/// # Errors
/// The text is not JSON, or not the output of `nft -j list ruleset`. A construct the reader does
/// not know is no error but makes the result uncertain.
pub fn parse(text: &str) -> Result<Ruleset, Remark> {
    let fail = |text: String| Remark { place: Place::Nowhere, text };
    let json: Json = serde_json::from_str(text).map_err(|error| fail(format!("no JSON: {error}")))?;
    let objects = json.get("nftables").and_then(Json::as_array);
    let Some(objects) = objects else {
        return Err(fail("no `nftables` list, so no output of nft".to_owned()));
    };
    let mut ruleset = Ruleset { listed: true, ..Ruleset::default() };
    for object in objects {
        for (kind, body) in object.as_object().into_iter().flatten() {
            if PASSIVE.contains(&kind.as_str()) {
                continue;
            }
            let body = body.as_object();
            let done = body.and_then(|body| place_object(kind, body, &mut ruleset));
            if done.is_none() {
                ruleset.remark(Place::Nowhere, format!("`{kind}` object is not understood"));
            }
        }
    }
    Ok(ruleset)
}

fn place_object(kind: &str, body: &Map<String, Json>, ruleset: &mut Ruleset) -> Option<()> {
    let text = |key: &str| body.get(key).and_then(Json::as_str);
    let (family, name) = (text("family")?, text("name"));
    if kind == "table" {
        let table = ruleset.table(family, name?);
        table.dormant |= mentions(body.get("flags"), "dormant");
        return Some(());
    }
    let table = ruleset.table(family, text("table")?);
    match kind {
        "chain" => {
            let chain = table.chains.entry(name?.to_owned()).or_default();
            if body.contains_key("hook") {
                chain.base = Some(base(body)?);
            }
        }
        "set" | "map" => {
            table.sets.insert(name?.to_owned(), set(body));
        }
        "rule" => {
            let chain = table.chains.entry(text("chain")?.to_owned()).or_default();
            chain.rules.push(rule(body)?);
        }
        _ => return None,
    }
    Some(())
}

fn mentions(json: Option<&Json>, word: &str) -> bool {
    match json {
        Some(Json::String(text)) => text == word,
        Some(Json::Array(list)) => list.iter().any(|item| item == word),
        _ => false,
    }
}

/// A base chain; one bound to a device is not understood.
fn base(body: &Map<String, Json>) -> Option<Base> {
    if body.contains_key("dev") {
        return None;
    }
    let text = |key: &str| body.get(key).and_then(Json::as_str);
    let drops = match text("policy") {
        Some("drop") => true,
        Some("accept") => false,
        _ => return None,
    };
    Some(Base {
        kind: text("type")?.to_owned(),
        hook: text("hook")?.to_owned(),
        priority: body.get("prio").and_then(Json::as_i64),
        drops,
        place: Place::Nowhere,
    })
}

fn set(body: &Map<String, Json>) -> NamedSet {
    let flags = body.get("flags");
    let mut changes = mentions(flags, "dynamic") || mentions(flags, "timeout");
    changes |= body.contains_key("timeout");
    let list = body.get("elem").and_then(Json::as_array);
    let elements = list.into_iter().flatten().map(element).collect();
    NamedSet { elements, changes }
}

fn rule(body: &Map<String, Json>) -> Option<Rule> {
    let handle = body.get("handle").and_then(Json::as_u64);
    let comment = body.get("comment").and_then(Json::as_str);
    let parts = body.get("expr")?.as_array()?;
    Some(Rule {
        place: handle.map_or(Place::Nowhere, Place::Handle),
        comment: comment.map(str::to_owned),
        statements: parts.iter().map(statement).collect(),
    })
}

fn statement(json: &Json) -> Statement {
    let known = single(json).and_then(|(kind, body)| known_statement(kind, body));
    known.unwrap_or_else(|| Statement::Unknown(json.to_string()))
}

/// The only entry of an object.
fn single(json: &Json) -> Option<(&str, &Json)> {
    let object = json.as_object().filter(|object| object.len() == 1)?;
    let (key, value) = object.iter().next()?;
    Some((key, value))
}

fn known_statement(kind: &str, body: &Json) -> Option<Statement> {
    if let Some(verdict) = verdict(kind, body) {
        return Some(Statement::Verdict(verdict));
    }
    match kind {
        "counter" | "log" => Some(Statement::Passive),
        "masquerade" | "snat" => Some(Statement::SourceTranslation),
        "limit" => {
            body.get("rate")?;
            let over = body.get("inv").and_then(Json::as_bool).unwrap_or(false);
            Some(Statement::Limit { over })
        }
        "mangle" => match header(body.get("key")?) {
            Header::Meta(key) if ["mark", "nftrace", "priority"].contains(&key.as_str()) => Some(Statement::Passive),
            Header::Ct(key) if key == "mark" => Some(Statement::Passive),
            _ => None,
        },
        "vmap" => Some(Statement::Map { key: headers(body.get("key")?), entries: operand(body.get("data")?) }),
        "match" => Some(Statement::Match {
            key: headers(body.get("left")?),
            operator: operator(body.get("op")?.as_str()?)?,
            operand: operand(body.get("right")?),
        }),
        _ => None,
    }
}

fn verdict(kind: &str, body: &Json) -> Option<Verdict> {
    let target = || body.get("target").and_then(Json::as_str).map(str::to_owned);
    Some(match kind {
        "accept" => Verdict::Accept,
        "drop" | "reject" => Verdict::Drop,
        "continue" => Verdict::Continue,
        "return" => Verdict::Return,
        "jump" => Verdict::Jump(target()?),
        "goto" => Verdict::Goto(target()?),
        _ => return None,
    })
}

fn operator(text: &str) -> Option<Operator> {
    Some(match text {
        "==" => Operator::Equal,
        "!=" => Operator::NotEqual,
        "<" => Operator::Less,
        "<=" => Operator::LessOrEqual,
        ">" => Operator::Greater,
        ">=" => Operator::GreaterOrEqual,
        "in" => Operator::AnyBit,
        _ => return None,
    })
}

fn headers(json: &Json) -> Vec<Header> {
    match json.get("concat").and_then(Json::as_array) {
        Some(list) => list.iter().map(header).collect(),
        None => vec![header(json)],
    }
}

fn header(json: &Json) -> Header {
    let known = single(json).and_then(|(kind, body)| known_header(kind, body));
    known.unwrap_or_else(|| Header::Unknown(json.to_string()))
}

fn known_header(kind: &str, body: &Json) -> Option<Header> {
    let text = |key: &str| body.get(key).and_then(Json::as_str).map(str::to_owned);
    match kind {
        "payload" => Some(Header::Payload(text("protocol")?, text("field")?)),
        "meta" => Some(Header::Meta(text("key")?)),
        "ct" if body.get("dir").is_none() => Some(Header::Ct(text("key")?)),
        "&" => match body.as_array()?.as_slice() {
            [inner, mask] => Some(Header::Masked(Box::new(header(inner)), value(mask))),
            _ => None,
        },
        _ => None,
    }
}

fn operand(json: &Json) -> Operand {
    if let Some(name) = json.as_str().and_then(|text| text.strip_prefix('@')) {
        return Operand::Named(name.to_owned());
    }
    if let Some(list) = json.get("set") {
        // A set of one element may come without its brackets.
        let list = list.as_array().map_or(std::slice::from_ref(list), Vec::as_slice);
        return Operand::Set(list.iter().map(element).collect());
    }
    if json.get("concat").is_some() {
        return Operand::Set(vec![element(json)]);
    }
    Operand::One(value(json))
}

/// An element: a value, a concatenation, `[key, verdict]`, each perhaps wrapped in `elem`.
fn element(json: &Json) -> Element {
    if let Some([key, verdict_json]) = json.as_array().map(Vec::as_slice) {
        let key = element(key).key;
        let verdict = single(verdict_json).and_then(|(kind, body)| verdict(kind, body));
        return Element { key, verdict };
    }
    if let Some(inner) = json.get("elem").and_then(|elem| elem.get("val")) {
        return element(inner);
    }
    let key = match json.get("concat").and_then(Json::as_array) {
        Some(parts) => parts.iter().map(value).collect(),
        None => vec![value(json)],
    };
    Element { key, verdict: None }
}

fn value(json: &Json) -> Value {
    known_value(json).unwrap_or_else(|| Value::Unknown(json.to_string()))
}

fn known_value(json: &Json) -> Option<Value> {
    match json {
        Json::String(_) | Json::Number(_) => Some(Value::Word(word(json)?)),
        Json::Array(list) => Some(Value::Bits(list.iter().map(word).collect::<Option<_>>()?)),
        Json::Object(_) => match single(json)? {
            ("range", body) => match body.as_array()?.as_slice() {
                [low, high] => Some(Value::Range(word(low)?, word(high)?)),
                _ => None,
            },
            ("prefix", body) => {
                let length = body.get("len")?.as_u64()?;
                Some(Value::Prefix(word(body.get("addr")?)?, u32::try_from(length).ok()?))
            }
            ("|", body) => Some(Value::Bits(either(body)?)),
            _ => None,
        },
        _ => None,
    }
}

/// The words of nested `|`.
fn either(json: &Json) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for side in json.as_array()? {
        match side.get("|") {
            Some(inner) => words.append(&mut either(inner)?),
            None => words.push(word(side)?),
        }
    }
    Some(words)
}

fn word(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
