//! One HTTP/1 request head, judged on its raw bytes (RFC 9112).
//!
//! hyper's parser is strict, but it repairs what the RFC lets a recipient repair, and a repaired request is one that two
//! servers can read differently. Here nothing is repaired: what is ambiguous is refused before any parser sees it.

use shuzha_core::Code;

use crate::limits::{HEAD_BYTES_MAX, HEAD_FIELDS_MAX};
use crate::path;

/// The method that no caller can send: it marks the harmless head that stands in for a refused one.
pub(crate) const REFUSED_METHOD: &str = "REFUSED";

/// What a run of bytes that starts at a request line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The head has not ended yet, and nothing is wrong with it so far.
    Incomplete,
    /// A whole head of `length` bytes, followed by a body of `body` bytes.
    Whole {
        /// Bytes of the head with its empty line.
        length: usize,
        /// Its `Content-Length`.
        body: u64,
    },
    /// Not to be read further.
    Refused(Code),
}

/// What the fields of a head say that must agree with one another.
#[derive(Default)]
struct Seen<'a> {
    host: Option<&'a str>,
    length: Option<u64>,
    transfer_encoding: bool,
    fields: usize,
}

/// Judges the head at the start of `bytes`.
pub(crate) fn judge(bytes: &[u8]) -> Verdict {
    match lines(bytes) {
        Ok(verdict) => verdict,
        Err(code) => Verdict::Refused(code),
    }
}

fn lines(bytes: &[u8]) -> Result<Verdict, Code> {
    let mut seen = Seen::default();
    let mut start = None;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\n', &bytes[at..]) {
        let end = at + found;
        if end >= HEAD_BYTES_MAX {
            return Err(Code::C004);
        }
        // A line ends in CRLF, never in a bare LF (RFC 9112 §2.2 would let us repair it).
        let Some(line) = bytes[at..end].strip_suffix(b"\r") else { return Err(Code::C001) };
        at = end + 1;
        if memchr::memchr2(b'\r', 0, line).is_some() {
            return Err(Code::C001);
        }
        match start {
            None => start = Some(request_line(line)?),
            Some(request) if line.is_empty() => {
                return Ok(Verdict::Whole { length: at, body: agree(&request, &seen)? });
            }
            Some(_) => field(line, &mut seen)?,
        }
    }
    partial(&bytes[at..])?;
    if bytes.len() >= HEAD_BYTES_MAX { Err(Code::C004) } else { Ok(Verdict::Incomplete) }
}

/// A line that has not ended yet: refused as soon as it cannot become a good one.
fn partial(line: &[u8]) -> Result<(), Code> {
    let inside = line.strip_suffix(b"\r").unwrap_or(line);
    if memchr::memchr2(b'\r', 0, inside).is_some() { Err(Code::C001) } else { Ok(()) }
}

/// What the request line says that the fields must agree with.
struct RequestLine<'a> {
    /// The authority of an absolute-form target.
    authority: Option<&'a str>,
    old: bool,
}

fn request_line(line: &[u8]) -> Result<RequestLine<'_>, Code> {
    let text = std::str::from_utf8(line).map_err(|_| Code::C001)?;
    let mut parts = text.split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(Code::C001);
    };
    if method.is_empty() || !method.bytes().all(|byte| TCHARS[usize::from(byte)]) || method == REFUSED_METHOD
    {
        return Err(Code::C001);
    }
    let old = match version {
        "HTTP/1.1" => false,
        "HTTP/1.0" => true,
        _ => return Err(Code::C001),
    };
    if method == "CONNECT" {
        return Err(Code::C007);
    }
    // A fragment is never sent (RFC 9110 §7.1); the parser behind us would drop it, and what was signed and what is read
    // would be two targets.
    if target.bytes().any(|byte| !matches!(byte, 0x21..=0x7e) || byte == b'#') {
        return Err(Code::C002);
    }
    if target.starts_with('/') {
        return Ok(RequestLine { authority: None, old });
    }
    let rest =
        target.strip_prefix("http://").or_else(|| target.strip_prefix("https://")).ok_or(Code::C002)?;
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    Ok(RequestLine { authority: Some(authority), old })
}

fn field<'a>(line: &'a [u8], seen: &mut Seen<'a>) -> Result<(), Code> {
    seen.fields += 1;
    if seen.fields > HEAD_FIELDS_MAX {
        return Err(Code::C004);
    }
    // Obsolete line folding (RFC 9112 §5.2) and white space before the colon (§5.1) fall to the token test.
    let colon = memchr::memchr(b':', line).ok_or(Code::C001)?;
    let (name, value) = (&line[..colon], trim(&line[colon + 1..]));
    if name.is_empty() || !name.iter().all(|&byte| TCHARS[usize::from(byte)]) {
        return Err(Code::C001);
    }
    // Without an early end, so that it is done sixteen bytes at a time: a value is nearly always sound, and may be long.
    let control = |byte: u8| ((byte < 0x20) & (byte != b'\t')) | (byte == 0x7f);
    if value.iter().fold(false, |found, &byte| found | control(byte)) {
        return Err(Code::C009);
    }
    framing(name, value, seen)
}

/// The fields that decide where a request ends and for whom it is.
fn framing<'a>(name: &[u8], value: &'a [u8], seen: &mut Seen<'a>) -> Result<(), Code> {
    let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
    match name.len() {
        4 if is("host") => {
            let host = std::str::from_utf8(value).map_err(|_| Code::C001)?;
            if !path::authority_is_plain(host) {
                return Err(Code::C001);
            }
            once(&mut seen.host, host)?;
        }
        14 if is("content-length") => once(&mut seen.length, content_length(value)?)?,
        17 if is("transfer-encoding") => seen.transfer_encoding = true,
        7 if is("upgrade") => return Err(Code::C001),
        6 if is("expect") && !value.eq_ignore_ascii_case(b"100-continue") => return Err(Code::C009),
        // Some readers take these for the fields above.
        14 if is("content_length") => return Err(Code::C001),
        17 if is("transfer_encoding") => return Err(Code::C001),
        _ => {}
    }
    Ok(())
}

/// Keeps what may be said only once.
fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), Code> {
    if slot.replace(value).is_some() { Err(Code::C001) } else { Ok(()) }
}

/// Plain decimal digits without a sign, a list, leading zeros or white space inside (RFC 9110 §8.6).
fn content_length(value: &[u8]) -> Result<u64, Code> {
    let plain = value.iter().all(u8::is_ascii_digit) && (value.len() == 1 || value.first() != Some(&b'0'));
    let text = std::str::from_utf8(value).map_err(|_| Code::C001)?;
    if plain { text.parse().map_err(|_| Code::C001) } else { Err(Code::C001) }
}

/// Whether the parts of the head agree; the body's length.
fn agree(request: &RequestLine<'_>, seen: &Seen<'_>) -> Result<u64, Code> {
    let host = seen.host.ok_or(Code::C001)?;
    if request.authority.is_some_and(|authority| !authority.eq_ignore_ascii_case(host)) {
        return Err(Code::C001);
    }
    if seen.transfer_encoding {
        // RFC 9112 §6.1: with Content-Length or on HTTP/1.0 it is an attack; alone it is an encoding we do not take.
        return Err(if seen.length.is_some() || request.old { Code::C001 } else { Code::C008 });
    }
    Ok(seen.length.unwrap_or(0))
}

/// A value without the optional white space around it (RFC 9110 §5.6.3): spaces and tabs, nothing else.
fn trim(value: &[u8]) -> &[u8] {
    let outside = |byte: &u8| !matches!(byte, b' ' | b'\t');
    let start = value.iter().position(outside).unwrap_or(value.len());
    let end = value.iter().rposition(outside).map_or(start, |last| last + 1);
    &value[start..end]
}

/// Which bytes are characters of a token.
static TCHARS: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = u8::MAX;
    loop {
        table[byte as usize] = tchar(byte);
        if byte == 0 {
            break;
        }
        byte -= 1;
    }
    table
};

/// A character of a token (RFC 9110 §5.6.2).
const fn tchar(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'!' | b'#' | b'$' | b'%' | b'&' | b'\'' | b'*' | b'+' | b'-' | b'.')
        || matches!(byte, b'^' | b'_' | b'`' | b'|' | b'~')
}
