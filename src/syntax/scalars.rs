//! The scalars of the language: names, texts, dates, addresses, services.

use super::decode::{Cx, Decode, Fault, Scalar};
use super::names::nearest;
use super::record::scalar;
use super::schema::Defs;
use super::tree::Node;
use crate::source::Date;
use ipnet::IpNet;
use serde_json::{Value as Json, json};
use std::net::IpAddr;

/// An unknown word of a closed enumeration, with the nearest known one.
#[must_use]
pub fn unknown_word(shape: &'static str, text: &str, words: &[&'static str]) -> Fault {
    let fault = Fault::of("unknown-word", text).arg("shape", shape).arg("words", words.join("`, `"));
    match nearest(text, words.iter().copied()) {
        Some(near) => fault.fix(near),
        None => fault,
    }
}

fn is_name(text: &str) -> bool {
    let rest = text.strip_prefix(|c: char| c.is_ascii_lowercase());
    rest.is_some_and(|rest| rest.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
        && text.len() <= 63
}

/// A text that is no name, with the name that it would be in lower case.
fn no_name(case: &'static str, text: &str) -> Fault {
    let lower = text.to_lowercase().replace(['_', ' ', '.'], "-");
    let plain = lower.replace('ä', "ae").replace('ö', "oe").replace('ü', "ue").replace('ß', "ss");
    let fault = Fault::of(case, text);
    if is_name(&plain) { fault.fix(plain) } else { fault }
}

/// A name: `[a-z][a-z0-9-]{0,62}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Name(pub String);

impl Scalar for Name {
    const SHAPE: &'static str = "name";

    fn parse(text: &str) -> Result<Self, Fault> {
        if is_name(text) { Ok(Self(text.to_owned())) } else { Err(no_name("invalid-name", text)) }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,62}$" })
    }
}

/// A reference: a name, or `cluster/namespace`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Ref(pub String);

impl Scalar for Ref {
    const SHAPE: &'static str = "reference";

    fn parse(text: &str) -> Result<Self, Fault> {
        let valid = match text.split_once('/') {
            Some((cluster, namespace)) => is_name(cluster) && is_name(namespace),
            None => is_name(text),
        };
        if valid { Ok(Self(text.to_owned())) } else { Err(no_name("invalid-reference", text)) }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,62}(/[a-z][a-z0-9-]{0,62})?$" })
    }
}

/// The name of an environment, line, duct, product and the like: one word of letters, digits and `._:+-`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Word(pub String);

impl Scalar for Word {
    const SHAPE: &'static str = "word";

    fn parse(text: &str) -> Result<Self, Fault> {
        let valid = !text.is_empty()
            && text.len() <= 63
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._:+-".contains(&b));
        if valid { Ok(Self(text.to_owned())) } else { Err(Fault::of("invalid-word", text)) }
    }

    fn schema() -> Json {
        json!({ "type": ["string", "number"], "pattern": "^[A-Za-z0-9._:+-]{1,63}$" })
    }
}

/// The id of a deviation: `[A-Za-z][A-Za-z0-9-]{0,62}`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct DeviationName(pub String);

impl Scalar for DeviationName {
    const SHAPE: &'static str = "deviation-id";

    fn parse(text: &str) -> Result<Self, Fault> {
        let valid = text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.len() <= 63
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        if valid { Ok(Self(text.to_owned())) } else { Err(Fault::of("invalid-deviation-id", text)) }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9-]{0,62}$" })
    }
}

/// Free text of one line: no control characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Text(pub String);

impl Scalar for Text {
    const SHAPE: &'static str = "text";

    fn parse(text: &str) -> Result<Self, Fault> {
        // A folded or literal block ends with a line break; that one is layout, the rest is content.
        let text = text.trim_end_matches('\n');
        match text
            .chars()
            .find(|c| (c.is_control() && *c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'))
        {
            Some(c) => Err(Fault::of("control-character", text).arg("code", format!("U+{:04X}", c as u32))),
            None => Ok(Self(text.replace('\n', " "))),
        }
    }

    fn schema() -> Json {
        json!({ "type": ["string", "number", "boolean"] })
    }
}

impl Scalar for bool {
    const SHAPE: &'static str = "boolean";

    fn parse(text: &str) -> Result<Self, Fault> {
        match text {
            "true" => Ok(true),
            "false" => Ok(false),
            "yes" | "Yes" | "on" | "True" => Err(Fault::of("not-a-boolean", text).fix("true")),
            "no" | "No" | "off" | "False" => Err(Fault::of("not-a-boolean", text).fix("false")),
            _ => Err(Fault::of("not-a-boolean", text)),
        }
    }

    fn schema() -> Json {
        json!({ "type": "boolean" })
    }
}

impl Scalar for u16 {
    const SHAPE: &'static str = "number";

    fn parse(text: &str) -> Result<Self, Fault> {
        let digits =
            !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
        digits.then(|| text.parse().ok()).flatten().ok_or_else(|| Fault::of("not-a-number", text))
    }

    fn schema() -> Json {
        json!({ "type": "integer", "minimum": 0, "maximum": u16::MAX })
    }
}

impl Scalar for Date {
    const SHAPE: &'static str = "date";

    fn parse(text: &str) -> Result<Self, Fault> {
        text.parse().map_err(|()| {
            let fault = Fault::of("invalid-date", text);
            german_date(text).map_or(fault.clone(), |date| fault.fix(date.to_string()))
        })
    }

    fn schema() -> Json {
        json!({ "type": "string", "format": "date", "pattern": "^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$" })
    }
}

/// `24.11.2026` as a date.
fn german_date(text: &str) -> Option<Date> {
    let mut parts = text.split('.');
    let (day, month, year) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    if parts.next().is_some() { None } else { Date::new(year, month, day) }
}

/// The rule id of a catalogue: `ZM-PAP-01`. A wildcard parses, so that ZM-ABW-07 can name it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RuleName(pub String);

impl Scalar for RuleName {
    const SHAPE: &'static str = "rule-id";

    fn parse(text: &str) -> Result<Self, Fault> {
        let valid = !text.is_empty()
            && text.len() <= 32
            && text.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || b"-*".contains(&b));
        if valid { Ok(Self(text.to_owned())) } else { Err(Fault::of("invalid-rule-id", text)) }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[A-Z0-9*-]{1,32}$" })
    }
}

/// The id of an object that a deviation names: any name of the model, or `*`, which ZM-ABW-07 reports.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ObjectName(pub String);

impl Scalar for ObjectName {
    const SHAPE: &'static str = "object-id";

    fn parse(text: &str) -> Result<Self, Fault> {
        let valid = !text.is_empty()
            && text.len() <= 127
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-/*".contains(&b));
        if valid { Ok(Self(text.to_owned())) } else { Err(Fault::of("invalid-object-id", text)) }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[A-Za-z0-9*/-]{1,127}$" })
    }
}

/// A network interface as the kernel names it: 1 to 15 bytes.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct InterfaceName(pub String);

impl Scalar for InterfaceName {
    const SHAPE: &'static str = "interface-name";

    fn parse(text: &str) -> Result<Self, Fault> {
        let valid = (1..=15).contains(&text.len())
            && text.starts_with(|c: char| c.is_ascii_alphabetic())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b));
        if valid { Ok(Self(text.to_owned())) } else { Err(Fault::of("invalid-interface-name", text)) }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9._-]{0,14}$" })
    }
}

/// A fully qualified domain name, lower or upper case, without the trailing dot; `*.` may stand in front.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Fqdn(pub String);

impl Scalar for Fqdn {
    const SHAPE: &'static str = "fqdn";

    fn parse(text: &str) -> Result<Self, Fault> {
        let name = text.strip_prefix("*.").unwrap_or(text);
        let label = |l: &str| {
            !l.is_empty()
                && l.len() <= 63
                && !l.starts_with('-')
                && !l.ends_with('-')
                && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
        };
        let valid = name.len() <= 253 && name.contains('.') && name.split('.').all(label);
        if valid { Ok(Self(text.to_ascii_lowercase())) } else { Err(Fault::of("invalid-fqdn", text)) }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^(\\*\\.)?([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\\.)+[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$" })
    }
}

/// A label key or value of Kubernetes, checked for its characters; the emitters check length and form once more.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct LabelText(pub String);

impl Scalar for LabelText {
    const SHAPE: &'static str = "label";

    fn parse(text: &str) -> Result<Self, Fault> {
        let name = text.rsplit('/').next().unwrap_or_default();
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let valid = text.len() <= 253
            && text.matches('/').count() <= 1
            && name.len() <= 63
            && edge(name.chars().next())
            && edge(name.chars().last())
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b));
        if valid { Ok(Self(text.to_owned())) } else { Err(Fault::of("invalid-label", text)) }
    }

    fn schema() -> Json {
        json!({ "type": ["string", "number", "boolean"], "pattern": "^([A-Za-z0-9._-]+/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$" })
    }
}

/// A step of an uplink's path: `kind:name`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PathStep {
    /// `duct`, `fibre` (shared-risk edges), `entry`, `pop`, `router`, … (nodes).
    pub kind: String,
    /// Name of the thing.
    pub name: String,
}

impl Scalar for PathStep {
    const SHAPE: &'static str = "path-step";

    fn parse(text: &str) -> Result<Self, Fault> {
        match text.split_once(':') {
            Some((kind, name)) if is_name(kind) && Word::parse(name).is_ok() => {
                Ok(Self { kind: kind.to_owned(), name: name.to_owned() })
            }
            _ => Err(Fault::of("invalid-path-step", text)),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": "^[a-z][a-z0-9-]{0,62}:[A-Za-z0-9._:+-]{1,63}$" })
    }
}

/// An address prefix in canonical form: no host bits, no IPv4-mapped IPv6.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Prefix(pub IpNet);

/// One address (as /32 or /128) or a prefix, in canonical form.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Address(pub IpNet);

/// An IPv4 address, and the letters of an IPv6 address, as a regular expression for editors.
const V4: &str = "((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])\\.){3}(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
const V6: &str = "[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]+";

fn parse_net(text: &str) -> Result<IpNet, Fault> {
    let net: IpNet = text.parse().map_err(|_| Fault::of("invalid-prefix", text))?;
    if net.addr() != net.network() {
        let fixed = net.trunc().to_string();
        return Err(Fault::of("host-bits", text).arg("network", &fixed).fix(fixed));
    }
    if let IpNet::V6(v6) = net
        && v6.addr().to_ipv4_mapped().is_some()
    {
        return Err(Fault::of("mapped-address", text));
    }
    if net.prefix_len() == 0 {
        return Err(Fault::of("everything", text));
    }
    Ok(net)
}

impl Scalar for Prefix {
    const SHAPE: &'static str = "prefix";

    fn parse(text: &str) -> Result<Self, Fault> {
        if let Ok(address) = text.parse::<IpAddr>() {
            let (bits, net) = if address.is_ipv4() { (32, 24) } else { (128, 64) };
            let fault = Fault::of("prefix-without-length", text);
            return Err(fault.arg("host", format!("{text}/{bits}")).arg("net", format!("{text}/{net}")));
        }
        parse_net(text).map(Self)
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": format!("^({V4}/([1-9]|[12][0-9]|3[0-2])|{V6}/([1-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))$") })
    }
}

impl Scalar for Address {
    const SHAPE: &'static str = "address";

    fn parse(text: &str) -> Result<Self, Fault> {
        match text.parse::<IpAddr>() {
            Ok(IpAddr::V6(v6)) if v6.to_ipv4_mapped().is_some() => Err(Fault::of("mapped-address", text)),
            Ok(address) => Ok(Self(IpNet::from(address))),
            Err(_) if text.contains('/') => parse_net(text).map(Self),
            Err(_) => Err(Fault::of("invalid-address", text)),
        }
    }

    fn schema() -> Json {
        json!({ "type": "string", "pattern": format!("^({V4}(/([1-9]|[12][0-9]|3[0-2]))?|{V6}(/([1-9]|[1-9][0-9]|1[01][0-9]|12[0-8]))?)$") })
    }
}

scalar!(
    Name,
    Ref,
    Word,
    DeviationName,
    Text,
    bool,
    u16,
    Date,
    RuleName,
    ObjectName,
    InterfaceName,
    Fqdn,
    LabelText,
    PathStep,
    Prefix,
    Address,
);

/// Whether a value is one of two shapes: a short form or a record.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Either<A, B> {
    /// The short form (a scalar or a list).
    Short(A),
    /// The record.
    Long(B),
}

impl<A: Decode, B: Decode> Decode for Either<A, B> {
    fn decode(node: &Node<'_>, cx: &mut Cx) -> Option<Self> {
        match node.value {
            super::tree::Value::Map(_) => B::decode(node, cx).map(Self::Long),
            _ => A::decode(node, cx).map(Self::Short),
        }
    }

    fn schema(defs: &mut Defs) -> Json {
        json!({ "anyOf": [A::schema(defs), B::schema(defs)] })
    }
}
