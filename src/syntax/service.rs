//! Service expressions: `443/tcp`, `8000-8099/tcp`, `icmp:echo-request`, `esp`, or the name of a service.

use super::decode::{Fault, Scalar};
use super::names::nearest;
use super::record::scalar;
use serde_json::{Value as Json, json};
use std::fmt;

/// A transport protocol with ports.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Transport {
    /// TCP, protocol 6.
    Tcp,
    /// UDP, protocol 17.
    Udp,
    /// SCTP, protocol 132.
    Sctp,
}

impl Transport {
    /// IANA protocol number.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Tcp => 6,
            Self::Udp => 17,
            Self::Sctp => 132,
        }
    }

    /// Lower-case name, as nft and the language write it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Sctp => "sctp",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        match text {
            "tcp" => Some(Self::Tcp),
            "udp" => Some(Self::Udp),
            "sctp" => Some(Self::Sctp),
            _ => None,
        }
    }
}

/// ICMP message types by name, per family: (name, type number).
pub const ICMP_TYPES: &[(&str, u8)] = &[("echo-request", 8), ("timestamp-request", 13)];
/// ICMPv6 message types by name.
pub const ICMPV6_TYPES: &[(&str, u8)] = &[("echo-request", 128)];
/// IP protocols without ports by name.
pub const PROTOCOLS: &[(&str, u8)] =
    &[("ah", 51), ("esp", 50), ("gre", 47), ("ipip", 4), ("l2tp-ip", 115), ("ospf", 89), ("6in4", 41), ("vrrp", 112)];

/// A service expression as written.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum ServiceExpr {
    /// A service of the site or of the built-in catalogue.
    Named(String),
    /// Destination ports of one transport, both ends included, from 1.
    Ports(Transport, u16, u16),
    /// An ICMP request type (number).
    Icmp(u8),
    /// An ICMPv6 request type (number).
    Icmpv6(u8),
    /// An IP protocol without ports (number).
    Protocol(u8),
    /// Everything; parses so that ZM-FLO-01 can name it, and is never compiled.
    Any,
}

impl fmt::Display for ServiceExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |table: &[(&'static str, u8)], number: u8| {
            table.iter().find(|(_, n)| *n == number).map_or_else(|| number.to_string(), |(name, _)| (*name).to_owned())
        };
        match self {
            Self::Named(text) => f.write_str(text),
            Self::Ports(transport, first, last) if first == last => write!(f, "{first}/{}", transport.word()),
            Self::Ports(transport, first, last) => write!(f, "{first}-{last}/{}", transport.word()),
            Self::Icmp(number) => write!(f, "icmp:{}", name(ICMP_TYPES, *number)),
            Self::Icmpv6(number) => write!(f, "icmpv6:{}", name(ICMPV6_TYPES, *number)),
            Self::Protocol(number) => f.write_str(&name(PROTOCOLS, *number)),
            Self::Any => f.write_str("any"),
        }
    }
}

fn port(text: &str, whole: &str) -> Result<u16, Fault> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    match text.parse::<u16>() {
        Ok(0) => Err(Fault::of("port-zero", whole)),
        Ok(number) if digits => Ok(number),
        _ if digits => Err(Fault::of("port-too-large", whole).arg("port", text)),
        _ => Err(Fault::of("invalid-service", whole)),
    }
}

fn ports(text: &str, transport: Transport, whole: &str) -> Result<ServiceExpr, Fault> {
    if text == "any" {
        return Ok(ServiceExpr::Ports(transport, 1, u16::MAX));
    }
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (port(first, whole)?, port(last, whole)?),
        None => (port(text, whole)?, port(text, whole)?),
    };
    if first > last {
        return Err(Fault::of("reversed-range", whole).fix(format!("{last}-{first}/{}", transport.word())));
    }
    Ok(ServiceExpr::Ports(transport, first, last))
}

fn icmp(text: &str, whole: &str, table: &[(&'static str, u8)]) -> Result<u8, Fault> {
    let known = table.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
    known.or_else(|| table.iter().find(|(_, number)| text == number.to_string()).map(|(_, number)| *number)).ok_or_else(
        || {
            let names: Vec<&str> = table.iter().map(|(name, _)| *name).collect();
            Fault::of("unknown-icmp-type", whole).arg("words", names.join("`, `"))
        },
    )
}

impl Scalar for ServiceExpr {
    const SHAPE: &'static str = "service";

    fn parse(text: &str) -> Result<Self, Fault> {
        if let Some(kind) = text.strip_prefix("icmp:") {
            return icmp(kind, text, ICMP_TYPES).map(Self::Icmp);
        }
        if let Some(kind) = text.strip_prefix("icmpv6:") {
            return icmp(kind, text, ICMPV6_TYPES).map(Self::Icmpv6);
        }
        if matches!(text, "any" | "any/any") {
            return Ok(Self::Any);
        }
        if let Some((left, right)) = text.split_once('/') {
            if let Some(transport) = Transport::parse(right) {
                return ports(left, transport, text);
            }
            if Transport::parse(left).is_some() {
                return Err(Fault::of("service-order", text).fix(format!("{right}/{left}")));
            }
            let near = nearest(right, ["tcp", "udp", "sctp"].into_iter());
            let fault = Fault::of("unknown-protocol", text).arg("protocol", right);
            return Err(near.map_or(fault.clone(), |near| fault.fix(format!("{left}/{near}"))));
        }
        if let Some((_, number)) = PROTOCOLS.iter().find(|(name, _)| *name == text) {
            return Ok(Self::Protocol(*number));
        }
        if !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
            return Err(Fault::of("port-without-protocol", text).fix(format!("{text}/tcp")));
        }
        super::scalars::Name::parse(text)
            .map(|name| Self::Named(name.0))
            .map_err(|_| Fault::of("invalid-service", text))
    }

    fn schema() -> Json {
        let port = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
        json!({ "type": "string", "pattern": format!("^({port}(-{port})?/(tcp|udp|sctp)|any(/(any|tcp|udp|sctp))?|icmp(v6)?:[a-z0-9-]+|6in4|[a-z][a-z0-9-]{{0,62}})$") })
    }
}

scalar!(ServiceExpr);

/// The pod port of a service: a bare port takes the service's protocol, an expression states its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PodPort {
    /// A port of the service's protocol.
    Bare(u16),
    /// A service expression.
    Expr(ServiceExpr),
}

impl Scalar for PodPort {
    const SHAPE: &'static str = "service";

    fn parse(text: &str) -> Result<Self, Fault> {
        if text.bytes().all(|b| b.is_ascii_digit()) {
            return port(text, text).map(Self::Bare);
        }
        ServiceExpr::parse(text).map(Self::Expr)
    }

    fn schema() -> Json {
        json!({ "anyOf": [{ "type": "integer", "minimum": 1, "maximum": u16::MAX }, ServiceExpr::schema()] })
    }
}

scalar!(PodPort);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_language_says() {
        for text in
            ["443/tcp", "8000-8099/tcp", "53/udp", "icmp:echo-request", "icmpv6:echo-request", "esp", "https", "any"]
        {
            assert_eq!(ServiceExpr::parse(text).map(|e| e.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn refuses_the_usual_slips() {
        let cases = [
            ("443", "port-without-protocol"),
            ("65536/tcp", "port-too-large"),
            ("0/tcp", "port-zero"),
            ("90-80/tcp", "reversed-range"),
            ("tcp/443", "service-order"),
            ("443/tpc", "unknown-protocol"),
            ("HTTPS", "invalid-service"),
            ("icmp:redirect", "unknown-icmp-type"),
        ];
        for (text, case) in cases {
            assert_eq!(ServiceExpr::parse(text).map_err(|fault| fault.case), Err(case), "{text}");
        }
    }
}
