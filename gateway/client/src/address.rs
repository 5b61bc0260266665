//! Addresses of the web as the configuration and the command line take them: scheme, host and port that mean one thing.

use std::net::{IpAddr, Ipv6Addr};

/// Longest address.
const BYTES_MAX: usize = 2_048;
/// Longest host name (RFC 1035 §2.3.4).
const HOST_BYTES_MAX: usize = 253;

/// An address that was understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebAddress<'a> {
    /// Whether it is HTTPS.
    pub secure: bool,
    /// Host, and port where one is given.
    pub authority: &'a str,
    /// The host alone, an IPv6 address without its brackets.
    pub host: &'a str,
    /// Everything behind: empty, or from `/` or `?` on.
    pub rest: &'a str,
}

impl<'a> WebAddress<'a> {
    /// Reads an absolute address.
    ///
    /// A name and password in it are refused: they would stand in logs and in lists of processes, and go to whatever host
    /// follows the `@`, which need not be the one that a reader sees first. So is a fragment, which no server gets.
    ///
    /// # Errors
    /// The reason. It does not repeat the text: that may hold a password.
    pub fn read(text: &'a str) -> Result<Self, &'static str> {
        if text.len() > BYTES_MAX {
            return Err("an address of at most 2048 characters is expected");
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err("an address has no blanks, no control characters and nothing beyond ASCII");
        }
        let (secure, behind) = match (text.strip_prefix("https://"), text.strip_prefix("http://")) {
            (Some(behind), _) => (true, behind),
            (_, Some(behind)) => (false, behind),
            _ => return Err("an address that begins with https:// or http:// is expected"),
        };
        let end = behind.find(['/', '?', '#']).unwrap_or(behind.len());
        let (authority, rest) = behind.split_at(end);
        if authority.contains('@') {
            return Err("an address has no user name and no password in it");
        }
        if rest.contains('#') {
            return Err("an address has no fragment (#…)");
        }
        let host = host_of(authority).ok_or("an address has a host, and at most a port behind it")?;
        Ok(Self { secure, authority, host, rest })
    }

    /// Whether it is on this machine.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.host == "localhost" || self.host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    }
}

/// The host of `host`, `host:port` or `[address]:port`; none where that is not what it is.
fn host_of(authority: &str) -> Option<&str> {
    let (host, port) = if let Some(inside) = authority.strip_prefix('[') {
        let (host, behind) = inside.split_once(']')?;
        host.parse::<Ipv6Addr>().ok()?;
        (host, if behind.is_empty() { None } else { Some(behind.strip_prefix(':')?) })
    } else {
        let (host, port) = match authority.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        };
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        let sound = !host.is_empty() && host.len() <= HOST_BYTES_MAX && host.bytes().all(plain);
        if !sound {
            return None;
        }
        (host, port)
    };
    let digits = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match port {
        None => Some(host),
        Some(port) if digits(port) && port.parse::<u16>().is_ok_and(|port| port > 0) => Some(host),
        Some(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_means_one_host_or_is_refused() {
        for (text, host, loopback) in [
            ("http://127.0.0.1:8080", "127.0.0.1", true),
            ("http://[::1]:8080/x", "::1", true),
            ("http://localhost", "localhost", true),
            ("https://gate.example/status?x=1", "gate.example", false),
            ("http://127.0.0.1.example", "127.0.0.1.example", false),
        ] {
            let read = WebAddress::read(text).expect(text);
            assert_eq!((read.host, read.is_loopback()), (host, loopback), "{text}");
        }
        for text in [
            "",
            "gate.example",
            "ftp://gate.example",
            "HTTP://gate.example",
            "http://",
            "http:///path",
            "http://:8080",
            "http://user@gate.example",
            "http://user:secret@gate.example",
            "http://127.0.0.1@gate.example",
            "http://gate.example:0",
            "http://gate.example:70000",
            "http://gate.example:+80",
            "http://gate.example:",
            "http://gate example",
            "http://gate.example/a\r\nX: y",
            "http://gate.example\\@other",
            "http://闸.example",
            "http://gate.example#x",
            "http://[::1",
            "http://[gate]:80",
            "http://[::1]80",
        ] {
            let refused = WebAddress::read(text).expect_err(text);
            assert!(!refused.contains("secret"), "{refused}");
        }
    }
}
