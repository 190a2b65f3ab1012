//! What a cell holds: names, addresses, prefixes, ranges, in the writings that spreadsheets have.

use super::{Said, Why};
use crate::model::Addresses;
use crate::model::address::Ranges;
use crate::syntax::decode::Scalar;
use crate::syntax::scalars::Address;
use std::net::{IpAddr, Ipv4Addr};

/// A part of a cell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Part {
    /// Something that may be a name.
    Name(String),
    /// Addresses, as written and as a set.
    Addresses(String, Addresses),
}

/// The parts of a cell, in order. Commas, semicolons, line breaks and "und" divide it; blanks divide addresses.
pub(super) fn parts(cell: &str) -> Result<Vec<Part>, Why> {
    let mut found = Vec::new();
    for piece in pieces(cell) {
        if let Some(addresses) = address(&piece)? {
            found.push(Part::Addresses(piece, addresses));
            continue;
        }
        // "waf (10.1.1.4)" is a name with its address.
        if let Some((before, inside)) = piece.strip_suffix(')').and_then(|text| text.rsplit_once('('))
            && let (name, Some(addresses)) = (before.trim(), address(inside.trim())?)
        {
            found.extend((!name.is_empty()).then(|| Part::Name(name.to_owned())));
            found.push(Part::Addresses(inside.trim().to_owned(), addresses));
            continue;
        }
        let words: Vec<&str> = piece.split_whitespace().collect();
        let each: Vec<Option<Addresses>> = words.iter().map(|word| address(word)).collect::<Result<_, _>>()?;
        if each.len() > 1 && each.iter().all(Option::is_some) {
            let list = words.iter().zip(each);
            found.extend(list.filter_map(|(word, set)| Some(Part::Addresses((*word).to_owned(), set?))));
        } else {
            found.push(Part::Name(piece));
        }
    }
    Ok(found)
}

/// A cell divided at what divides lists.
pub(super) fn pieces(cell: &str) -> Vec<String> {
    let marked = cell.replace(" und ", "\n").replace(" and ", "\n").replace(" & ", "\n").replace("\t", " ");
    let pieces = marked.split(['\n', '\r', ';', ',', '|']);
    let pieces = pieces.map(|piece| piece.split_whitespace().collect::<Vec<_>>().join(" "));
    pieces.filter(|piece| !piece.is_empty()).collect()
}

/// The addresses of one writing; `None` when it is none.
fn address(text: &str) -> Result<Option<Addresses>, Why> {
    if !text.contains(['.', ':']) || text.contains(|c: char| !c.is_ascii_hexdigit() && !"./:- ".contains(c)) {
        return Ok(None);
    }
    match Address::parse(text) {
        Ok(address) => return Ok(Some(Addresses::from_nets([&address.0]))),
        Err(fault) if fault.case == "host-bits" => {
            let why = Why::new(Said::new("host-bits").arg("text", text));
            return Err(why.near(fault.fix));
        }
        Err(fault) if fault.case == "everything" => return Err(Why::new(Said::new("any"))),
        Err(_) => {}
    }
    if let Some(prefix) = masked(text) {
        return address(&prefix);
    }
    range(text)
}

/// `10.1.1.0 255.255.255.0` as a prefix.
fn masked(text: &str) -> Option<String> {
    let (net, mask) = text.split_once([' ', '/'])?;
    let (net, mask) = (net.parse::<Ipv4Addr>().ok()?, mask.parse::<Ipv4Addr>().ok()?);
    let bits = u32::from(mask);
    let is_mask = bits.leading_ones() + bits.trailing_zeros() == 32 && mask.octets().first() == Some(&255);
    is_mask.then(|| format!("{net}/{}", bits.leading_ones()))
}

/// `10.1.1.4-10.1.1.7` and `10.1.1.4-7`.
fn range(text: &str) -> Result<Option<Addresses>, Why> {
    let Some((first, last)) = text.split_once('-').map(|(first, last)| (first.trim(), last.trim())) else {
        return Ok(None);
    };
    let Ok(start) = first.parse::<IpAddr>() else { return Ok(None) };
    let end = match (last.parse::<IpAddr>(), start, last.parse::<u8>()) {
        (Ok(end), ..) => end,
        (_, IpAddr::V4(start), Ok(octet)) => {
            let [a, b, c, _] = start.octets();
            IpAddr::V4(Ipv4Addr::new(a, b, c, octet))
        }
        _ => return Ok(None),
    };
    let set = match (start, end) {
        (IpAddr::V4(a), IpAddr::V4(b)) => Addresses { v4: Ranges::new([(a.into(), b.into())]), v6: Ranges::default() },
        (IpAddr::V6(a), IpAddr::V6(b)) => Addresses { v4: Ranges::default(), v6: Ranges::new([(a.into(), b.into())]) },
        _ => return Ok(None),
    };
    if set.is_empty() {
        return Err(Why::new(Said::new("reversed-addresses").arg("text", text)));
    }
    Ok(Some(set))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn shown(cell: &str) -> Vec<String> {
        let part = |part: &Part| match part {
            Part::Name(text) => format!("`{text}`"),
            Part::Addresses(_, set) => set.to_string(),
        };
        parts(cell).unwrap().iter().map(part).collect()
    }

    #[test]
    fn cells_are_divided_into_names_and_addresses() {
        assert_eq!(shown("waf, portal\nWeb Server 1;x"), ["`waf`", "`portal`", "`Web Server 1`", "`x`"]);
        assert_eq!(shown("10.1.1.4 10.1.1.5\n10.1.2.0/24"), ["10.1.1.4", "10.1.1.5", "10.1.2.0/24"]);
        assert_eq!(shown("10.1.1.0 255.255.255.0"), ["10.1.1.0/24"]);
        assert_eq!(shown("10.1.1.0/255.255.255.0"), ["10.1.1.0/24"]);
        assert_eq!(shown("10.1.1.4 - 10.1.1.7"), ["10.1.1.4/30"]);
        assert_eq!(shown("10.1.1.4-5"), ["10.1.1.4/31"]);
        assert_eq!(shown("waf (2001:db8::4)"), ["`waf`", "2001:db8::4"]);
        assert_eq!(shown("portal.example.org, v1.2"), ["`portal.example.org`", "`v1.2`"]);
    }

    #[test]
    fn doubtful_addresses_are_told() {
        for (cell, key) in
            [("10.1.1.4/24", "host-bits"), ("10.1.1.9-10.1.1.4", "reversed-addresses"), ("0.0.0.0/0", "any")]
        {
            assert_eq!(parts(cell).unwrap_err().said.key, key, "{cell}");
        }
    }
}
