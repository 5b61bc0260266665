//! One canonical path, or none.
//!
//! The bytes that are routed are the bytes that are authorised, signed over and metered. Nothing is rewritten: a path that
//! two readers could read differently (RFC 3986 §6, RFC 9110 §4.2.3) is refused with C002.

#[cfg(test)]
mod tests;

/// Most bytes of a path.
pub(crate) const PATH_BYTES_MAX: usize = 1024;
/// Most bytes of a query.
pub(crate) const QUERY_BYTES_MAX: usize = 4096;

/// Whether `path` has exactly one reading.
///
/// Refused: anything that does not start with `/`; empty segments but a final one; `.` and `..` segments, encoded or
/// not; percent-encoding of what needs none, of `/`, `\`, `.`, `%` and of control characters; lower-case hexadecimal;
/// sequences that do not decode to UTF-8; `\`, `;`, control characters, spaces and bytes outside ASCII.
#[must_use]
pub fn is_canonical(path: &str) -> bool {
    let bytes = path.as_bytes();
    if bytes.len() > PATH_BYTES_MAX || bytes.first() != Some(&b'/') {
        return false;
    }
    let segments = &path[1..];
    let mut rest = segments.split('/').peekable();
    while let Some(segment) = rest.next() {
        let last = rest.peek().is_none();
        if segment.is_empty() && !(last) {
            return false;
        }
        if matches!(segment, "." | "..") || !segment_is_canonical(segment.as_bytes()) {
            return false;
        }
    }
    true
}

/// Whether a query holds only bytes that no reader changes: visible ASCII, well-formed percent-encoding.
#[must_use]
pub fn query_is_plain(query: &str) -> bool {
    let bytes = query.as_bytes();
    bytes.len() <= QUERY_BYTES_MAX
        && bytes.iter().all(|byte| matches!(byte, 0x21..=0x7e) && !matches!(byte, b'\\' | b'#'))
        && bytes.iter().enumerate().all(|(at, &byte)| byte != b'%' || escaped(&bytes[at..]).is_some())
}

/// Whether `authority` is `host` or `host:port` with a plain host: no user information, no percent-encoding, a port of
/// digits that fits, no trailing dot, and brackets only around an IPv6 address (RFC 9110 §4.2.4, RFC 3986 §3.2).
#[must_use]
pub fn authority_is_plain(authority: &str) -> bool {
    let (host, port) = if let Some(inner) = authority.strip_prefix('[') {
        let Some((address, after)) = inner.split_once(']') else { return false };
        if address.parse::<std::net::Ipv6Addr>().is_err() {
            return false;
        }
        match after.strip_prefix(':') {
            Some(port) => ("", Some(port)),
            None if after.is_empty() => ("", None),
            None => return false,
        }
    } else {
        let (host, port) = authority.split_once(':').map_or((authority, None), |(h, p)| (h, Some(p)));
        let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        let dots = host.starts_with('.') || host.ends_with('.') || host.contains("..");
        if host.is_empty() || host.len() > 253 || dots || !host.bytes().all(plain) {
            return false;
        }
        (host, port)
    };
    let _ = host;
    port.is_none_or(|port| {
        port.len() <= 5
            && port.bytes().all(|b| b.is_ascii_digit())
            && port.parse::<u16>().is_ok_and(|n| n > 0)
    })
}

/// The byte that `%XY` at the start of `bytes` stands for; only upper-case hexadecimal (RFC 3986 §2.1).
fn escaped(bytes: &[u8]) -> Option<u8> {
    let digit = |byte: &u8| match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'F' => Some(byte - b'A' + 10),
        _ => None,
    };
    match bytes {
        [b'%', high, low, ..] => Some(digit(high)? << 4 | digit(low)?),
        _ => None,
    }
}

/// Characters that may stand unencoded in a segment (RFC 3986 §3.3 without `;`, whose parameters readers split off).
const fn plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b'~' | b':' | b'@' | b'!' | b'$' | b'&')
        || matches!(byte, b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b'=')
}

/// One segment: plain characters, and percent-encoding only of what must be encoded and is not dangerous decoded.
fn segment_is_canonical(segment: &[u8]) -> bool {
    if segment.iter().all(|&byte| plain(byte)) {
        return true;
    }
    let mut decoded = Vec::with_capacity(segment.len());
    let mut at = 0;
    while let Some(&byte) = segment.get(at) {
        if byte != b'%' {
            if !plain(byte) {
                return false;
            }
            decoded.push(byte);
            at += 1;
            continue;
        }
        let Some(value) = escaped(&segment[at..]) else { return false };
        let harmful = value.is_ascii_control() || matches!(value, b'/' | b'\\' | b'%' | b';') || plain(value);
        if harmful {
            return false;
        }
        decoded.push(value);
        at += 3;
    }
    std::str::from_utf8(&decoded).is_ok_and(|text| !text.chars().any(char::is_control))
}
