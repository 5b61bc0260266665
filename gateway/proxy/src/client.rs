//! Whose request it is, where a reverse proxy stands between: networks of proxies that are trusted, and what they tell.
//!
//! Nobody else is believed. How a proxy tells is configured, never guessed: a proxy that sets one field passes another on as
//! the caller wrote it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::HeaderMap;
use http::header::FORWARDED;
use shuzha_products::credential::Cidr;
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// How a trusted proxy tells whose connection or request it passes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Told {
    /// By `X-Forwarded-For` on each request.
    #[default]
    XForwardedFor,
    /// By `Forwarded` on each request (RFC 7239).
    Forwarded,
    /// By the PROXY protocol, version 1 or 2, at the start of each connection, before TLS.
    ProxyProtocol,
}

impl Told {
    /// Each with its name in the configuration.
    pub const ALL: [(&'static str, Self); 3] = [
        ("x-forwarded-for", Self::XForwardedFor),
        ("forwarded", Self::Forwarded),
        ("proxy-protocol", Self::ProxyProtocol),
    ];
}

/// Reverse proxies that are believed.
#[derive(Clone, Debug, Default)]
pub struct TrustedProxies {
    /// Where they are.
    pub networks: Vec<Cidr>,
    /// How they tell.
    pub told: Told,
}

/// Longest header of version 1 (proxy-protocol.txt §2.1).
const V1_BYTES_MAX: usize = 107;
/// Most bytes of addresses and extensions of version 2 that are read past.
const V2_BYTES_MAX: usize = 2_048;
/// How a header of version 2 starts.
const V2_SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Most proxies behind one another whose entries are walked.
const HOPS_MAX: usize = 32;

impl TrustedProxies {
    /// Whether `address` is such a proxy.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }

    /// Whose request it is that `proxy`, which is trusted, passes on: the last address in the field that is no trusted proxy
    /// itself. What cannot be read, and what stands left of it, is not believed.
    pub(crate) fn caller(&self, proxy: IpAddr, headers: &HeaderMap) -> IpAddr {
        let hops: Vec<&str> = match self.told {
            Told::ProxyProtocol => return proxy,
            Told::XForwardedFor => entries(headers, "x-forwarded-for"),
            Told::Forwarded => entries(headers, FORWARDED.as_str()),
        };
        let mut known = proxy;
        for hop in hops.iter().rev().take(HOPS_MAX) {
            let told = match self.told {
                Told::Forwarded => forwarded_for(hop),
                _ => node(hop),
            };
            let Some(told) = told else { break };
            known = told;
            if !self.contains(told) {
                break;
            }
        }
        known
    }
}

/// The entries of a list field, in order, over all its lines. A line that is no text ends what is believed.
fn entries<'a>(headers: &'a HeaderMap, name: &str) -> Vec<&'a str> {
    let lines = headers.get_all(name).iter();
    lines.flat_map(|line| line.to_str().unwrap_or("?").split(',')).map(str::trim).collect()
}

/// The `for` of one element of `Forwarded` (RFC 7239 §4). No quoted string of an address holds a comma or semicolon.
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut found = None;
    for pair in element.split(';') {
        let (name, value) = pair.trim().split_once('=')?;
        if name.eq_ignore_ascii_case("for") {
            let quoted = value.strip_prefix('"').map(|rest| rest.strip_suffix('"'));
            let value = match quoted {
                Some(inside) => inside?,
                None => value,
            };
            if found.replace(node(value)?).is_some() {
                return None;
            }
        }
    }
    found
}

/// An address, perhaps with a port, and in brackets where it is IPv6.
fn node(text: &str) -> Option<IpAddr> {
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address =
        bare.parse::<IpAddr>().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|node| node.ip()));
    address.map(|address| address.to_canonical())
}

fn bad(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Reads the PROXY header at the start of `stream` and not a byte more. None where the proxy speaks for itself (`LOCAL`,
/// `UNKNOWN`).
///
/// # Errors
/// When there is no such header; the connection is then nobody's.
pub(crate) async fn read_proxy_header<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Option<IpAddr>> {
    let mut start = [0; 12];
    stream.read_exact(&mut start).await?;
    if start == *V2_SIGNATURE { read_v2(stream).await } else { read_v1(stream, &start).await }
}

/// `PROXY TCP4 source destination port port` in one line.
async fn read_v1<S: AsyncRead + Unpin>(stream: &mut S, start: &[u8]) -> io::Result<Option<IpAddr>> {
    let mut line = start.to_vec();
    if !line.starts_with(b"PROXY ") {
        return Err(bad("no PROXY header"));
    }
    while !line.ends_with(b"\r\n") {
        if line.len() >= V1_BYTES_MAX {
            return Err(bad("a PROXY header that does not end"));
        }
        line.push(stream.read_u8().await?);
    }
    let text = std::str::from_utf8(&line).map_err(|_| bad("a PROXY header that is no text"))?;
    let mut words = text.trim_end_matches("\r\n").split(' ').skip(1);
    let family = words.next();
    if family == Some("UNKNOWN") {
        return Ok(None);
    }
    let source: Option<IpAddr> = words.next().and_then(|source| source.parse().ok());
    let whole = words.count() == 3;
    match (family, source) {
        (Some("TCP4"), Some(IpAddr::V4(v4))) if whole => Ok(Some(v4.into())),
        (Some("TCP6"), Some(IpAddr::V6(v6))) if whole => Ok(Some(IpAddr::V6(v6).to_canonical())),
        _ => Err(bad("a PROXY header that is malformed")),
    }
}

/// Version and command, family, length, addresses, extensions (§2.2).
async fn read_v2<S: AsyncRead + Unpin>(stream: &mut S) -> io::Result<Option<IpAddr>> {
    let (command, family) = (stream.read_u8().await?, stream.read_u8().await?);
    let length = usize::from(stream.read_u16().await?);
    if length > V2_BYTES_MAX {
        return Err(bad("a PROXY header that is too long"));
    }
    let mut rest = vec![0; length];
    stream.read_exact(&mut rest).await?;
    let address = match (command, family) {
        (0x20, _) => return Ok(None),
        (0x21, 0x11 | 0x12) if length >= 12 => {
            let bytes: [u8; 4] = rest[..4].try_into().expect("four bytes");
            IpAddr::V4(Ipv4Addr::from(bytes))
        }
        (0x21, 0x21 | 0x22) if length >= 36 => {
            let bytes: [u8; 16] = rest[..16].try_into().expect("sixteen bytes");
            IpAddr::V6(Ipv6Addr::from(bytes)).to_canonical()
        }
        (0x21, 0x00) => return Ok(None),
        _ => return Err(bad("a PROXY header that is malformed")),
    };
    Ok(Some(address))
}

#[cfg(test)]
mod tests;
