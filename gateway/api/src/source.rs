//! Where a request comes from: the connection's other end, or what a trusted proxy says of it.

use std::net::{IpAddr, Ipv6Addr};

use http::HeaderMap;
use http::header::FORWARDED;
use shuzha_products::credential::Cidr;

/// The header that most proxies write, beside the standard `Forwarded` (RFC 7239).
const X_FORWARDED_FOR: &str = "x-forwarded-for";
/// Most addresses of a chain of proxies that are looked at.
const HOPS_MAX: usize = 32;

/// The address a request came from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Source(pub(crate) IpAddr);

/// The client behind `peer`. Only what a trusted proxy wrote is believed: the chain is read from its near end, and ends at
/// the first address that is no trusted proxy, or that cannot be read.
pub(crate) fn client(peer: IpAddr, headers: &HeaderMap, trusted: &[Cidr]) -> IpAddr {
    let peer = peer.to_canonical();
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let mut client = peer;
    for hop in chain(headers).iter().rev().take(HOPS_MAX) {
        let Some(address) = hop else { break };
        client = *address;
        if !is_trusted(client) {
            break;
        }
    }
    client
}

/// The addresses that proxies noted, farthest first; none where one cannot be read. `Forwarded` goes before the older form.
fn chain(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = |name: &str| {
        let values = headers.get_all(name).iter();
        values.map(|value| value.to_str().unwrap_or_default().to_owned()).collect::<Vec<_>>().join(",")
    };
    if headers.contains_key(FORWARDED) {
        values(FORWARDED.as_str()).split(',').map(forwarded_for).collect()
    } else if headers.contains_key(X_FORWARDED_FOR) {
        values(X_FORWARDED_FOR).split(',').map(|text| node(text.trim())).collect()
    } else {
        Vec::new()
    }
}

/// The `for` of one element (RFC 7239 §4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.eq_ignore_ascii_case("for"))?;
    node(value.trim().trim_matches('"'))
}

/// A node (RFC 7239 §6): an address, perhaps in brackets, perhaps with a port. Obfuscated and unknown ones are none.
fn node(text: &str) -> Option<IpAddr> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        // One colon sets a port off; more are an IPv6 address.
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

/// What counts as one place: an IPv6 subscriber has a whole /64 to choose addresses from.
pub(crate) fn place(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() >> 64 << 64)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderName, HeaderValue};

    fn came(peer: &str, trusted: &[&str], fields: &[(&'static str, &'static str)]) -> String {
        let trusted: Vec<Cidr> = trusted.iter().map(|text| text.parse().expect("a network")).collect();
        let mut headers = HeaderMap::new();
        for (name, value) in fields {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        client(peer.parse().expect("an address"), &headers, &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed_and_only_as_far_as_the_first_stranger() {
        let lie = &[("x-forwarded-for", "198.51.100.9")];
        assert_eq!(came("192.0.2.1", &[], lie), "192.0.2.1");
        assert_eq!(came("192.0.2.1", &["10.0.0.0/8"], lie), "192.0.2.1");
        assert_eq!(came("10.0.0.1", &["10.0.0.0/8"], lie), "198.51.100.9");
        // What the client wrote itself stands before what the proxies wrote.
        let chain = &[("x-forwarded-for", "1.2.3.4, 203.0.113.7"), ("x-forwarded-for", "10.0.0.2")];
        assert_eq!(came("10.0.0.1", &["10.0.0.0/8"], chain), "203.0.113.7");
        let standard = &[
            ("forwarded", "for=1.2.3.4, for=\"[2001:db8::7]:4711\";proto=https"),
            ("x-forwarded-for", "9.9.9.9"),
        ];
        assert_eq!(came("10.0.0.1", &["10.0.0.0/8"], standard), "2001:db8::7");
        for unreadable in ["unknown", "_hidden", "", "not an address"] {
            let fields: &[(&'static str, &'static str)] = &[("x-forwarded-for", unreadable)];
            assert_eq!(came("10.0.0.1", &["10.0.0.0/8"], fields), "10.0.0.1", "{unreadable}");
        }
        assert_eq!(came("::ffff:10.0.0.1", &["10.0.0.0/8"], lie), "198.51.100.9");
    }

    #[test]
    fn an_ipv6_subscriber_is_one_place() {
        let at = |text: &str| place(text.parse().expect("an address"));
        assert_eq!(at("2001:db8:1:2::5"), at("2001:db8:1:2:ffff::9"));
        assert_ne!(at("2001:db8:1:2::5"), at("2001:db8:1:3::5"));
        assert_ne!(at("192.0.2.1"), at("192.0.2.2"));
    }
}
