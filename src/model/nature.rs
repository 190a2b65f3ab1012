//! What an address is by itself, whoever has it (IANA special-purpose registries, RFC 6890).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Nature {
    /// 0/8 and `::`: no host, only a sender that has no address yet.
    Unspecified,
    /// 127/8 and `::1`.
    Loopback,
    /// 169.254/16 (RFC 3927) and fe80::/10: never routed.
    LinkLocal,
    /// 224/4 and ff00::/8.
    Multicast,
    /// 255.255.255.255: every host of the link.
    Broadcast,
    /// 10/8, 172.16/12, 192.168/16 (RFC 1918), 100.64/10 (RFC 6598) and fc00::/7 (RFC 4193).
    Private,
    /// 240/4, and IPv6 outside of 2000::/3 that is nothing else here: not given to anyone.
    Reserved,
    /// Globally routable.
    Global,
}

impl Nature {
    /// The nature of an address. Documentation prefixes count as global, so that examples mean what they say.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::of_v4(address),
            IpAddr::V6(address) => Self::of_v6(address),
        }
    }

    fn of_v4(address: Ipv4Addr) -> Self {
        match address.octets() {
            [0, ..] => Self::Unspecified,
            [127, ..] => Self::Loopback,
            [255, 255, 255, 255] => Self::Broadcast,
            [224..=239, ..] => Self::Multicast,
            [240..=255, ..] => Self::Reserved,
            [100, 64..=127, ..] => Self::Private,
            _ if address.is_link_local() => Self::LinkLocal,
            _ if address.is_private() => Self::Private,
            _ => Self::Global,
        }
    }

    fn of_v6(address: Ipv6Addr) -> Self {
        match address.segments()[0] {
            _ if address.is_unspecified() => Self::Unspecified,
            _ if address.is_loopback() => Self::Loopback,
            0xff00.. => Self::Multicast,
            0xfe80..=0xfebf => Self::LinkLocal,
            0xfc00..=0xfdff => Self::Private,
            0x2000..=0x3fff => Self::Global,
            _ => Self::Reserved,
        }
    }

    /// Whether routers pass packets to such an address on.
    #[must_use]
    pub const fn is_forwarded(self) -> bool {
        matches!(self, Self::Private | Self::Global | Self::Reserved)
    }

    /// The word in outputs.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Unspecified => "unspecified",
            Self::Loopback => "loopback",
            Self::LinkLocal => "link-local",
            Self::Multicast => "multicast",
            Self::Broadcast => "broadcast",
            Self::Private => "private",
            Self::Reserved => "reserved",
            Self::Global => "global",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_what_the_registries_say() {
        let cases = [
            ("0.0.0.1", Nature::Unspecified),
            ("127.1.2.3", Nature::Loopback),
            ("169.254.1.1", Nature::LinkLocal),
            ("239.1.1.1", Nature::Multicast),
            ("255.255.255.255", Nature::Broadcast),
            ("100.127.0.1", Nature::Private),
            ("100.128.0.1", Nature::Global),
            ("172.32.0.1", Nature::Global),
            ("240.0.0.1", Nature::Reserved),
            ("192.0.2.1", Nature::Global),
            ("::", Nature::Unspecified),
            ("::1", Nature::Loopback),
            ("::ffff:10.0.0.1", Nature::Reserved),
            ("fe80::1", Nature::LinkLocal),
            ("ff02::1", Nature::Multicast),
            ("fd00::1", Nature::Private),
            ("2001:db8::1", Nature::Global),
        ];
        for (text, nature) in cases {
            assert_eq!(Nature::of(text.parse().unwrap()), nature, "{text}");
        }
    }
}
