//! Which addresses a stranger may make us send packets to.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Where cloud providers answer with credentials to whoever asks from inside the machine: the documented metadata endpoints that
/// are not link-local (Amazon IPv6, Google IPv6, Alibaba, Azure, Oracle).
const METADATA: [IpAddr; 5] = [
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V6(Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V4(Ipv4Addr::new(192, 0, 0, 192)),
];

/// A kind of address that no candidate may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AddressClass {
    /// `0.0.0.0/8`, `::`.
    Unspecified,
    /// `127.0.0.0/8`, `::1`: this machine's own services.
    Loopback,
    /// `224.0.0.0/4`, `ff00::/8`.
    Multicast,
    /// `255.255.255.255` and the rest of `240.0.0.0/4`.
    Broadcast,
    /// `169.254.0.0/16`, where metadata services live.
    LinkLocal,
    /// A metadata service elsewhere.
    Metadata,
}

impl fmt::Display for AddressClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            AddressClass::Unspecified => "no address at all",
            AddressClass::Loopback => "this machine itself",
            AddressClass::Multicast => "multicast",
            AddressClass::Broadcast => "broadcast",
            AddressClass::LinkLocal => "IPv4 link-local",
            AddressClass::Metadata => "a cloud metadata service",
        })
    }
}

/// The class that `ip` is in, looking through the IPv6 forms that carry an IPv4 address (`::ffff:127.0.0.1` got past the deny list
/// of a TURN server, CVE-2026-27624). `None`: an ordinary address.
///
/// `fe80::/10` is ordinary: it reaches the same wire only, has no metadata service, and two webrtcbins on one wire use it.
pub(super) fn class_of(ip: IpAddr) -> Option<AddressClass> {
    if METADATA.contains(&ip) {
        return Some(AddressClass::Metadata);
    }
    match ip {
        IpAddr::V4(v4) => class_of_v4(v4),
        IpAddr::V6(v6) if v6.is_unspecified() => Some(AddressClass::Unspecified),
        IpAddr::V6(v6) if v6.is_loopback() => Some(AddressClass::Loopback),
        IpAddr::V6(v6) if v6.is_multicast() => Some(AddressClass::Multicast),
        IpAddr::V6(v6) => embedded_v4(v6).and_then(|v4| class_of(v4.into())),
    }
}

/// Not routed on the internet: RFC 1918, RFC 4193, link-local, loopback.
pub(super) fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => match embedded_v4(v6) {
            Some(v4) => is_private(v4.into()),
            None => v6.is_unique_local() || v6.is_unicast_link_local() || v6.is_loopback(),
        },
    }
}

fn class_of_v4(ip: Ipv4Addr) -> Option<AddressClass> {
    match ip.octets() {
        [0, ..] => Some(AddressClass::Unspecified),
        [127, ..] => Some(AddressClass::Loopback),
        [169, 254, ..] => Some(AddressClass::LinkLocal),
        [224..=239, ..] => Some(AddressClass::Multicast),
        [240..=255, ..] => Some(AddressClass::Broadcast),
        _ => None,
    }
}

/// IPv4-compatible and IPv4-mapped (RFC 4291 section 2.5.5), NAT64 (RFC 6052, RFC 8215), 6to4 (RFC 3056), Teredo (RFC 4380).
fn embedded_v4(ip: Ipv6Addr) -> Option<Ipv4Addr> {
    let of = |high: u16, low: u16| Some(Ipv4Addr::from((u32::from(high) << 16) | u32::from(low)));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] => of(high, low),
        [0, 0, 0, 0, 0xffff, 0, high, low] => of(high, low),
        [0x64, 0xff9b, 0 | 1, _, _, _, high, low] => of(high, low),
        [0x2002, high, low, ..] => of(high, low),
        [0x2001, 0, .., high, low] => of(!high, !low),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dangerous_addresses_are_seen_through_every_disguise() {
        let table = [
            ("0.0.0.0", AddressClass::Unspecified),
            ("0.1.2.3", AddressClass::Unspecified),
            ("::", AddressClass::Unspecified),
            ("127.0.0.1", AddressClass::Loopback),
            ("127.255.0.9", AddressClass::Loopback),
            ("::1", AddressClass::Loopback),
            ("::ffff:127.0.0.1", AddressClass::Loopback),
            ("::127.0.0.1", AddressClass::Loopback),
            ("::ffff:0:127.0.0.1", AddressClass::Loopback),
            ("64:ff9b::7f00:1", AddressClass::Loopback),
            ("64:ff9b:1::7f00:1", AddressClass::Loopback),
            ("2002:7f00:1::", AddressClass::Loopback),
            ("2001:0:1:2:3:4:80ff:fffe", AddressClass::Loopback),
            ("169.254.169.254", AddressClass::LinkLocal),
            ("::ffff:169.254.169.254", AddressClass::LinkLocal),
            ("64:ff9b::a9fe:a9fe", AddressClass::LinkLocal),
            ("224.0.0.251", AddressClass::Multicast),
            ("::ffff:224.0.0.1", AddressClass::Multicast),
            ("ff02::1", AddressClass::Multicast),
            ("255.255.255.255", AddressClass::Broadcast),
            ("fd00:ec2::254", AddressClass::Metadata),
            ("100.100.100.200", AddressClass::Metadata),
            ("::ffff:168.63.129.16", AddressClass::Metadata),
        ];
        for (text, class) in table {
            assert_eq!(class_of(text.parse().expect(text)), Some(class), "{text}");
        }
    }

    #[test]
    fn ordinary_addresses_pass() {
        for text in ["192.168.1.4", "10.0.0.1", "203.0.113.9", "2001:db8::1", "fe80::1", "fd12::1", "::ffff:10.0.0.1"] {
            assert_eq!(class_of(text.parse().expect(text)), None, "{text}");
        }
    }
}
