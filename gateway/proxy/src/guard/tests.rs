//! However the bytes are cut on their way, hyper gets the same.

mod ends;

use std::net::{IpAddr, Ipv4Addr};

use super::*;

/// A socket that gives its bytes piece by piece, and then has nothing more to say.
struct Pieces(Vec<Vec<u8>>);

impl AsyncRead for Pieces {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Some(piece) = self.0.first_mut() else { return Poll::Pending };
        let count = piece.len().min(into.remaining());
        into.put_slice(&piece[..count]);
        piece.drain(..count);
        if piece.is_empty() {
            self.0.remove(0);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Pieces {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What hyper reads when `pieces` arrive and its buffer has `room`; and the code of a refusal.
fn through(pieces: Vec<Vec<u8>>, room: usize) -> (Vec<u8>, Option<Code>) {
    let conn = Arc::new(Conn::new(IpAddr::V4(Ipv4Addr::LOCALHOST), false, false, Arc::default()));
    let linger = Linger { time: Duration::ZERO, bytes_max: 0 };
    let mut guard = HeadGuard::heads(Pieces(pieces), BytesMut::new(), Arc::clone(&conn), linger);
    let mut all = Vec::new();
    loop {
        let mut space = vec![0_u8; room];
        let mut into = ReadBuf::new(&mut space);
        let cx = &mut Context::from_waker(std::task::Waker::noop());
        match Pin::new(&mut guard).poll_read(cx, &mut into) {
            Poll::Pending => return (all, conn.refused()),
            Poll::Ready(read) => read.expect("pieces do not fail"),
        }
        assert!(!into.filled().is_empty(), "an end is never made up");
        all.extend_from_slice(into.filled());
    }
}

const SOUND: &[u8] =
    b"POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n\r\n\r\nxGET /b HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn sound_requests_pass_unchanged_however_they_are_cut() {
    for room in [1, 7, 64, 8192] {
        for cut in 1..SOUND.len() {
            let pieces = vec![SOUND[..cut].to_vec(), SOUND[cut..].to_vec()];
            assert_eq!(through(pieces, room), (SOUND.to_vec(), None), "cut at {cut}, room for {room}");
        }
        let bytes = SOUND.iter().map(|&byte| vec![byte]).collect();
        assert_eq!(through(bytes, room), (SOUND.to_vec(), None), "byte by byte, room for {room}");
    }
}

#[test]
fn a_refused_head_is_replaced_however_it_is_cut() {
    let bad =
        b"GET /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /d HTTP/1.1\r\n\r\n";
    let sent = [SOUND, bad].concat();
    let expected = [SOUND, HARMLESS].concat();
    for room in [1, 64, 8192] {
        for cut in 1..sent.len() {
            let pieces = vec![sent[..cut].to_vec(), sent[cut..].to_vec()];
            assert_eq!(through(pieces, room), (expected.clone(), Some(Code::C008)), "cut at {cut}");
        }
    }
}

#[test]
fn a_bad_head_is_refused_before_it_ends() {
    for bad in
        [&b"GET / HTTP/1.1\n"[..], b"GET /\0", b"GET / HTTP/1.1\r\nHost: a\r\nX\rY", b"GET / HTTP/3\r\n"]
    {
        assert_eq!(through(vec![bad.to_vec()], 8192), (HARMLESS.to_vec(), Some(Code::C001)), "{bad:?}");
    }
    let long = vec![vec![b'a'; HEAD_PIECE]; crate::limits::HEAD_BYTES_MAX / HEAD_PIECE + 1];
    assert_eq!(through(long, 8192).1, Some(Code::C004));
}

/// Bytes of the pieces of a head that is too long.
const HEAD_PIECE: usize = 1000;

#[test]
fn a_head_that_is_late_is_refused_where_it_stands() {
    let conn = Arc::new(Conn::new(IpAddr::V4(Ipv4Addr::LOCALHOST), false, false, Arc::default()));
    conn.make_late(Code::C005);
    assert_eq!(conn.take_late(), Some(Code::C005));
    assert_eq!(conn.take_late(), None, "refused once");
}
