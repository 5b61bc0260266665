//! As much HTTP/1.1 as a load generator needs: where a message ends, and the status of an answer.
//!
//! Only messages with `Content-Length` are understood. Anything else is an error, so that a peer which answers in an
//! unexpected form voids the measurement instead of skewing it.

use std::str;

use anyhow::{Context, Result, bail};

/// Most bytes of a message head.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// A whole message at the front of a buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    /// Bytes of head and body.
    pub(crate) len: usize,
    /// Bytes of the head alone.
    pub(crate) head: usize,
    /// Whether the sender closes the connection after it.
    pub(crate) last: bool,
}

/// The message at the front of `buffer`, or `None` while it is incomplete.
///
/// # Errors
/// When the head is too large or frames its body in another way than by `Content-Length`.
pub(crate) fn message(buffer: &[u8]) -> Result<Option<Message>> {
    let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
        if buffer.len() > HEAD_BYTES_MAX {
            bail!("a message head above {HEAD_BYTES_MAX} bytes");
        }
        return Ok(None);
    };
    let mut body = 0;
    let mut last = false;
    for line in buffer[..end].split(|byte| *byte == b'\n').skip(1) {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let Some(colon) = line.iter().position(|byte| *byte == b':') else {
            bail!("a header line without a colon")
        };
        let (name, value) = (&line[..colon], line[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"content-length") {
            body = str::from_utf8(value)?.parse().context("Content-Length is not a number")?;
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            bail!("a message with Transfer-Encoding");
        } else if name.eq_ignore_ascii_case(b"connection") {
            last = value.eq_ignore_ascii_case(b"close");
        }
    }
    let head = end + 4;
    Ok((buffer.len() >= head + body).then_some(Message { len: head + body, head, last }))
}

/// The status of an answer.
///
/// # Errors
/// When the buffer does not begin with an HTTP/1.1 status line.
pub(crate) fn status(answer: &[u8]) -> Result<u16> {
    let digits =
        answer.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.get(..3)).context("not an HTTP/1.1 answer")?;
    str::from_utf8(digits)?.parse().context("a status that is not a number")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANSWER: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nConnection: close\r\n\r\n{}HTTP/1.1";

    #[test]
    fn a_message_ends_where_its_length_says() {
        let whole = message(ANSWER).expect("well-formed").expect("complete");
        assert_eq!(&ANSWER[whole.head..whole.len], b"{}");
        assert!(whole.last);
        assert_eq!(status(ANSWER).expect("an answer"), 200);
        for cut in 0..whole.len {
            assert_eq!(message(&ANSWER[..cut]).expect("well-formed so far"), None, "cut at {cut}");
        }
    }

    #[test]
    fn other_framing_is_an_error_and_not_a_guess() {
        assert!(message(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").is_err());
        assert!(message(b"HTTP/1.1 200 OK\r\nContent-Length: two\r\n\r\n").is_err());
        assert!(message(&[b'x'; HEAD_BYTES_MAX + 1]).is_err());
        assert!(status(b"HTTP/2 200").is_err());
    }
}
