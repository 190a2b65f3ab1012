//! Cells that say on what service → service expressions of the language.
//!
//! A port without a protocol is never completed by a guess, "any" never written. Ports decide: a service name beside ports
//! is a label, as `HTTPS` beside `8443` usually is, and stays as a remark.

use super::addresses::pieces;
use super::words::{Meaning, Words, fold_word};
use super::{Said, Why};
use crate::model::{Blueprint, ServiceMatch, Site};
use crate::syntax::decode::Scalar;
use crate::syntax::nearest;
use crate::syntax::service::{ServiceExpr, Transport};

/// What a row asks for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Wanted {
    /// Expressions as flows write them.
    pub services: Vec<String>,
    /// The cells, when they say more than the expressions.
    pub cells: Option<String>,
}

/// What is known of services.
pub(super) struct Services<'a> {
    pub words: &'a Words,
    pub blueprint: &'a Blueprint,
    pub site: Option<&'a Site>,
    /// Text → service, from the file for `--map`.
    pub given: &'a std::collections::BTreeMap<String, String>,
}

/// Ports of a cell before their protocol is known.
type Range = (u16, u16);

/// What one cell says.
#[derive(Debug, Default)]
struct Cell {
    named: Vec<String>,
    unknown: Vec<String>,
    /// Complete expressions.
    exprs: Vec<ServiceExpr>,
    /// Ports for which this cell gives no protocol.
    bare: Vec<Range>,
    /// Protocols for which this cell gives no port.
    protocols: Vec<String>,
}

impl Services<'_> {
    /// The services that the cells for service, protocol and port name together.
    pub(super) fn wanted(&self, service: &str, protocol: &str, port: &str) -> Result<Wanted, Why> {
        let cells =
            [service, protocol, port].map(|cell| if self.words.means(cell, Meaning::Empty) { "" } else { cell });
        if cells.iter().any(|cell| self.words.means(cell, Meaning::Any)) {
            return Err(Why::new(Said::new("any-service")));
        }
        let [service, protocol, port] = [self.cell(cells[0])?, self.cell(cells[1])?, self.cell(cells[2])?];
        let said = cells.iter().filter(|cell| !cell.is_empty()).copied().collect::<Vec<_>>().join(" / ");
        let all = [&service, &protocol, &port];
        let mut named: Vec<String> = Vec::new();
        all.iter().flat_map(|cell| &cell.named).for_each(|name| push(&mut named, name.clone()));
        let mut exprs: Vec<ServiceExpr> = Vec::new();
        all.iter().flat_map(|cell| &cell.exprs).for_each(|expr| push(&mut exprs, expr.clone()));
        let bare: Vec<Range> = all.iter().flat_map(|cell| cell.bare.clone()).collect();
        let mut protocols: Vec<String> = all.iter().flat_map(|cell| cell.protocols.clone()).collect();
        if !bare.is_empty() && protocols.is_empty() {
            protocols.extend(self.transport(&named));
        }
        for range in &bare {
            if protocols.is_empty() {
                return Err(Why::new(Said::new("port-without-protocol").arg("text", shown(*range))));
            }
            for protocol in &protocols {
                push(&mut exprs, expression(protocol, *range)?);
            }
        }
        let from_ports = !exprs.is_empty();
        let alone =
            |cell: &&&Cell| cell.named.len() + cell.unknown.len() == 1 && cell.exprs.is_empty() && cell.bare.is_empty();
        // A name beside ports is a label when it has its cell to itself; of several names each must be known.
        let labels = all.iter().filter(alone).count();
        let unknown = all.iter().map(|cell| cell.unknown.len()).sum::<usize>();
        if (!from_ports && named.is_empty()) || (unknown > 0 && !(from_ports && unknown + named.len() == labels)) {
            return Err(self.nothing(&all, &protocols));
        }
        if bare.is_empty()
            && from_ports
            && service.is_complete()
            && !(service.exprs.is_empty() && service.named.is_empty())
        {
            // The first cell says everything and the others repeat it: our own export.
            let own: Vec<String> =
                service.named.iter().cloned().chain(service.exprs.iter().map(ToString::to_string)).collect();
            let rest = exprs.iter().map(ToString::to_string).filter(|expr| !own.contains(expr));
            if self.packets(&own) == self.packets(&own.iter().cloned().chain(rest).collect::<Vec<_>>()) {
                return Ok(Self::told(Self::in_order(cells[0], own), said));
            }
        }
        if from_ports {
            let services: Vec<String> = exprs.iter().map(ToString::to_string).collect();
            if !named.is_empty() && self.packets(&named) == self.packets(&services) {
                return Ok(Self::told(named, said));
            }
            if unknown + named.len() > labels {
                let said = Said::new("service-disagrees").arg("name", named.join("`, `"));
                return Err(Why::new(said.arg("text", services.join(", "))));
            }
            return Ok(Self::told(services, said));
        }
        for protocol in &protocols {
            if !self.packets(&named).iter().any(|found| carries(found, protocol)) {
                let said = Said::new("service-disagrees").arg("name", named.join("`, `"));
                return Err(Why::new(said.arg("text", protocol.to_uppercase())));
            }
        }
        // "DNS" over UDP alone is less than the service: its ports of that protocol.
        if !protocols.is_empty() {
            let kept: Vec<ServiceMatch> = self
                .packets(&named)
                .into_iter()
                .filter(|found| protocols.iter().any(|word| carries(found, word)))
                .collect();
            if kept != self.packets(&named) {
                let services =
                    kept.iter().flat_map(|found| found.to_string().split(", ").map(str::to_owned).collect::<Vec<_>>());
                return Ok(Self::told(services.collect(), said));
            }
        }
        Ok(Self::told(named, said))
    }

    fn told(services: Vec<String>, said: String) -> Wanted {
        let same = said == services.join(", ");
        Wanted { services, cells: (!same).then_some(said) }
    }

    /// Services in the order of their cell.
    fn in_order(cell: &str, mut services: Vec<String>) -> Vec<String> {
        let order = pieces(cell);
        services.sort_by_key(|service| order.iter().position(|piece| piece == service).unwrap_or(usize::MAX));
        services
    }

    /// Why no service is known.
    fn nothing(&self, cells: &[&Cell; 3], protocols: &[String]) -> Why {
        if let Some(text) = cells.iter().flat_map(|cell| &cell.unknown).next() {
            let known = self.blueprint.services.keys().map(String::as_str);
            let own = self.site.iter().flat_map(|site| site.services.keys().map(String::as_str));
            let near = nearest(&fold_word(text).replace(' ', "-"), known.chain(own)).map(str::to_owned);
            return Why::new(Said::new("unknown-service").arg("text", text)).near(near);
        }
        match protocols.first().map(String::as_str) {
            Some("icmp") => Why::new(Said::new("icmp-type")).near(Some("icmp:echo-request".to_owned())),
            Some("icmpv6") => Why::new(Said::new("icmp-type")).near(Some("icmpv6:echo-request".to_owned())),
            Some(protocol) => Why::new(Said::new("protocol-without-port").arg("text", protocol.to_uppercase())),
            None => Why::new(Said::new("empty-cell")),
        }
    }

    /// The one protocol of some named services.
    fn transport(&self, named: &[String]) -> Option<String> {
        let mut found: Vec<Transport> = Vec::new();
        for service in self.packets(named) {
            match service {
                ServiceMatch::Ports(transport, _) => push(&mut found, transport),
                _ => return None,
            }
        }
        match found.as_slice() {
            [only] => Some(only.word().to_owned()),
            _ => None,
        }
    }

    /// The packets of expressions and names.
    fn packets(&self, services: &[String]) -> Vec<ServiceMatch> {
        let one = |text: &String| -> Vec<ServiceMatch> {
            if let Some(own) = self.site.and_then(|site| site.services.get(text)) {
                return own.matches.clone();
            }
            if let Some(known) = self.blueprint.services.get(text) {
                return known.matches().to_vec();
            }
            ServiceExpr::parse(text).ok().and_then(|expr| ServiceMatch::of(&expr)).into_iter().collect()
        };
        ServiceMatch::normalise(services.iter().flat_map(one).collect())
    }

    fn is_known(&self, name: &str) -> bool {
        self.site.is_some_and(|site| site.services.contains_key(name)) || self.blueprint.services.contains_key(name)
    }

    fn cell(&self, text: &str) -> Result<Cell, Why> {
        let mut cell = Cell::default();
        // "TCP 443, 8443": the protocol in front holds for the ports behind it.
        let mut leading: Vec<String> = Vec::new();
        for piece in pieces(text) {
            let piece = piece.as_str();
            if self.words.means(piece, Meaning::Any) {
                return Err(Why::new(Said::new("any-service")));
            }
            if let Some(service) = self.given.get(piece) {
                match ServiceExpr::parse(service) {
                    Ok(ServiceExpr::Named(name)) => cell.named.push(name),
                    Ok(expr) => cell.exprs.push(expr),
                    Err(_) => cell.unknown.push(service.clone()),
                }
                continue;
            }
            if let Some(found) = self.service(piece) {
                match found {
                    ServiceExpr::Named(name) => cell.named.push(name),
                    expr => cell.exprs.push(expr),
                }
                continue;
            }
            self.words_of(piece, &mut cell, &mut leading)?;
        }
        Ok(cell)
    }

    /// A piece that is a service as it stands.
    fn service(&self, piece: &str) -> Option<ServiceExpr> {
        let word = fold_word(piece);
        let word = self.words.service(piece).unwrap_or(&word);
        let named = [word.to_owned(), word.replace(' ', "-")].into_iter().find(|name| self.is_known(name));
        if let Some(name) = named {
            return Some(ServiceExpr::Named(name));
        }
        match ServiceExpr::parse(word) {
            Ok(ServiceExpr::Named(_) | ServiceExpr::Any) | Err(_) => None,
            Ok(ServiceExpr::Ports(_, 1, u16::MAX)) => None,
            Ok(expr) => Some(expr),
        }
    }

    /// A piece of several words: `TCP/443`, `tcp 8443-8445`, `443 (TCP)`, `HTTPS (443/tcp)`, `TCP/UDP 53`.
    fn words_of(&self, piece: &str, cell: &mut Cell, leading: &mut Vec<String>) -> Result<(), Why> {
        let (mut protocols, mut ports, mut names) = (Vec::new(), Vec::new(), Vec::new());
        let mut protocol_first = false;
        for word in lexed(piece) {
            if let Some(protocol) = self.words.protocol(&word) {
                protocol_first |= ports.is_empty();
                push(&mut protocols, protocol.to_owned());
            } else if let Some(range) = range(&word)? {
                ports.push(range);
            } else if self.words.means(&word, Meaning::Any) {
                return Err(Why::new(Said::new("any-service")));
            } else {
                names.push(word);
            }
        }
        let name = names.join(" ");
        let known = if name.is_empty() { None } else { self.service(&name) };
        if !name.is_empty() && !ports.is_empty() {
            return self.labelled(known, &protocols, &ports, cell);
        }
        match known {
            Some(ServiceExpr::Named(name)) => cell.named.push(name),
            Some(expr) => cell.exprs.push(expr),
            None if !name.is_empty() => cell.unknown.push(name),
            None => {}
        }
        match (protocols.is_empty(), ports.is_empty()) {
            (false, false) => {
                let before = std::mem::take(&mut cell.bare);
                // "443, 8443 TCP": a protocol behind the last port holds for the ports before it.
                let (before, kept) = if protocol_first { (Vec::new(), before) } else { (before, Vec::new()) };
                cell.bare = kept;
                for range in before.into_iter().chain(ports) {
                    for protocol in &protocols {
                        cell.exprs.push(expression(protocol, range)?);
                    }
                }
                *leading = if protocol_first { protocols } else { Vec::new() };
            }
            (true, false) => {
                for range in ports {
                    if leading.is_empty() {
                        cell.bare.push(range);
                    }
                    for protocol in leading.iter() {
                        cell.exprs.push(expression(protocol, range)?);
                    }
                }
            }
            (false, true) => {
                leading.clone_from(&protocols);
                cell.protocols.extend(protocols);
            }
            (true, true) => {}
        }
        Ok(())
    }
}

impl Services<'_> {
    /// `HTTPS (443/tcp)`: a name with its ports. The name stays when it means just these ports.
    fn labelled(
        &self,
        known: Option<ServiceExpr>,
        protocols: &[String],
        ports: &[Range],
        cell: &mut Cell,
    ) -> Result<(), Why> {
        let named: Vec<String> = known.iter().map(ToString::to_string).collect();
        let protocols =
            if protocols.is_empty() { self.transport(&named).into_iter().collect() } else { protocols.to_vec() };
        if protocols.is_empty() {
            cell.bare.extend(ports);
            return Ok(());
        }
        let mut exprs = Vec::new();
        for range in ports {
            for protocol in &protocols {
                exprs.push(expression(protocol, *range)?);
            }
        }
        let texts: Vec<String> = exprs.iter().map(ToString::to_string).collect();
        if self.packets(&named) == self.packets(&texts) {
            cell.named.extend(named)
        } else {
            cell.exprs.extend(exprs)
        }
        Ok(())
    }
}

impl Cell {
    /// Whether the cell needs no other.
    fn is_complete(&self) -> bool {
        self.bare.is_empty() && self.protocols.is_empty() && self.unknown.is_empty()
    }
}

/// The words of a piece; blanks around a dash and "bis" between ports make a range.
fn lexed(piece: &str) -> Vec<String> {
    let plain = piece.to_lowercase().replace(['–', '—'], "-").replace(" bis ", "-").replace(" to ", "-");
    let plain = plain.replace(" - ", "-").replace("- ", "-").replace(" -", "-");
    let words = plain.split(|c: char| c.is_whitespace() || "/():+".contains(c));
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// A port or a range of ports; `None` when the word is neither.
fn range(word: &str) -> Result<Option<Range>, Why> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if let Some((whole, decimals)) = word.split_once('.')
        && is_number(whole)
        && is_number(decimals)
    {
        return Err(Why::new(Said::new("port-decimals").arg("text", word)));
    }
    let (first, last) = word.split_once('-').unwrap_or((word, word));
    if !is_number(first) || !is_number(last) {
        return Ok(None);
    }
    let port = |text: &str| {
        let port = text.parse::<u16>().ok().filter(|port| *port > 0);
        port.ok_or_else(|| Why::new(Said::new("port-range").arg("text", text)))
    };
    let (first, last) = (port(first)?, port(last)?);
    if (first, last) == (1, u16::MAX) {
        return Err(Why::new(Said::new("any-service")));
    }
    if first > last {
        let why = Why::new(Said::new("reversed-ports").arg("text", word));
        return Err(why.near(Some(format!("{last}-{first}"))));
    }
    Ok(Some((first, last)))
}

fn shown((first, last): Range) -> String {
    if first == last { first.to_string() } else { format!("{first}-{last}") }
}

/// A port with its protocol; for ICMP the number is the type.
fn expression(protocol: &str, (first, last): Range) -> Result<ServiceExpr, Why> {
    let transport = match protocol {
        "tcp" => Transport::Tcp,
        "udp" => Transport::Udp,
        "sctp" => Transport::Sctp,
        _ => {
            let typed = ServiceExpr::parse(&format!("{protocol}:{}", shown((first, last))));
            return typed.map_err(|_| Why::new(Said::new("icmp-type")));
        }
    };
    Ok(ServiceExpr::Ports(transport, first, last))
}

/// Whether packets are of a protocol.
fn carries(found: &ServiceMatch, protocol: &str) -> bool {
    match found {
        ServiceMatch::Ports(transport, _) => transport.word() == protocol,
        ServiceMatch::Icmp(_) => protocol == "icmp",
        ServiceMatch::Icmpv6(_) => protocol == "icmpv6",
        ServiceMatch::Protocol(_) | ServiceMatch::Any => false,
    }
}

fn push<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;
    use std::collections::BTreeMap;

    fn wanted(service: &str, protocol: &str, port: &str) -> Result<String, &'static str> {
        let (words, blueprint) = (Words::load().unwrap(), Blueprint::load("dvs-2.0").unwrap());
        let given = BTreeMap::from([("Fachverfahren X".to_owned(), "8443/tcp".to_owned())]);
        let services = Services { words: &words, blueprint: &blueprint, site: None, given: &given };
        services.wanted(service, protocol, port).map(|wanted| wanted.services.join(" ")).map_err(|why| why.said.key)
    }

    #[test]
    fn the_writings_of_spreadsheets_are_read() {
        let own = |text: &str| Ok(text.to_owned());
        for (cell, services) in [
            ("HTTPS", "https"),
            ("443/tcp", "443/tcp"),
            ("TCP/443", "443/tcp"),
            ("tcp:443", "443/tcp"),
            ("TCP 443, 8443 - 8445", "443/tcp 8443-8445/tcp"),
            ("443, 8443-8445 TCP", "443/tcp 8443-8445/tcp"),
            ("TCP/UDP 53", "53/tcp 53/udp"),
            ("53/udp\n853/tcp", "53/udp 853/tcp"),
            ("HTTPS (443/tcp)", "https"),
            ("HTTPS (8443)", "8443/tcp"),
            ("Fachverfahren X", "8443/tcp"),
            ("Ping", "ping"),
            ("ICMP echo request", "icmp:echo-request"),
            ("SQL Server", "mssql"),
            ("https, 8443/tcp", "https 8443/tcp"),
            ("TCP 8000 bis 8010", "8000-8010/tcp"),
        ] {
            assert_eq!(wanted(cell, "", ""), own(services), "{cell}");
        }
        for (cells, services) in [
            (["", "TCP", "443, 8443-8445"], "443/tcp 8443-8445/tcp"),
            (["", "HTTPS", "8443"], "8443/tcp"),
            (["Webdienst", "tcp", "443"], "443/tcp"),
            (["https", "tcp", "443"], "https"),
            (["DNS", "UDP", ""], "53/udp"),
            (["DNS", "TCP/UDP", "53"], "dns"),
            (["https, 8443/tcp", "443/tcp, 8443/tcp", ""], "https 8443/tcp"),
            (["", "ICMP", "8"], "icmp:echo-request"),
            (["", "TCP/UDP", "53"], "53/tcp 53/udp"),
        ] {
            assert_eq!(wanted(cells[0], cells[1], cells[2]), own(services), "{cells:?}");
        }
    }

    #[test]
    fn what_is_doubtful_is_told_and_never_completed() {
        for (cells, key) in [
            (["443", "", ""], "port-without-protocol"),
            (["53/udp, 443", "", ""], "port-without-protocol"),
            (["any", "", ""], "any-service"),
            (["", "TCP", "any"], "any-service"),
            (["", "TCP", "1-65535"], "any-service"),
            (["", "IP", "any"], "any-service"),
            (["any/tcp", "", ""], "any-service"),
            (["TCP 8445-8443", "", ""], "reversed-ports"),
            (["TCP 70000", "", ""], "port-range"),
            (["", "TCP", "443.8443"], "port-decimals"),
            (["", "TCP", ""], "protocol-without-port"),
            (["", "ICMP", ""], "icmp-type"),
            (["Fachverfahren Y", "", ""], "unknown-service"),
            (["https", "udp", ""], "service-disagrees"),
            (["", "-", ""], "empty-cell"),
        ] {
            assert_eq!(wanted(cells[0], cells[1], cells[2]), Err(key), "{cells:?}");
        }
    }
}
