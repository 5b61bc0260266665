//! The end of a piece of data is not the end of what a caller sends.
//!
//! While a request is answered, hyper must get all of its body, however it is cut, and must not get the end of the stream.

use super::*;
use crate::limits::Limits;

const BODY: &[u8] = b"{\"subject\":\"91350100M000100Y43\"}";

/// A socket that gives its pieces one by one, and then the end.
struct Ending(Pieces);

impl AsyncRead for Ending {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.0.0.is_empty() { Poll::Ready(Ok(())) } else { Pin::new(&mut self.0).poll_read(cx, into) }
    }
}

impl AsyncWrite for Ending {
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

fn conn() -> Arc<Conn> {
    Arc::new(Conn::new(IpAddr::V4(Ipv4Addr::LOCALHOST), false, false, Arc::default()))
}

const LINGER: Linger = Linger { time: Duration::ZERO, bytes_max: 0 };

fn heads<S>(io: S, conn: &Arc<Conn>) -> HeadGuard<S> {
    HeadGuard::heads(io, BytesMut::new(), Arc::clone(conn), LINGER)
}

/// What one read brings into `room` bytes: nothing yet, the end, or data.
fn read<S: AsyncRead + AsyncWrite + Unpin>(guard: &mut HeadGuard<S>, room: usize) -> Poll<Vec<u8>> {
    let mut space = vec![0_u8; room];
    let mut into = ReadBuf::new(&mut space);
    let cx = &mut Context::from_waker(std::task::Waker::noop());
    Pin::new(guard).poll_read(cx, &mut into).map(|read| {
        read.expect("pieces do not fail");
        into.filled().to_vec()
    })
}

fn head() -> Vec<u8> {
    let length = BODY.len();
    format!("POST /a HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n").into_bytes()
}

/// Reads the head, begins to answer, and reads what follows until nothing more comes or the stream ends.
fn body_after_head<S: AsyncRead + AsyncWrite + Unpin>(io: S, room: usize) -> (Vec<u8>, Poll<Vec<u8>>) {
    let conn = conn();
    let mut guard = heads(io, &conn);
    let mut all = Vec::new();
    while all.len() < head().len() {
        let Poll::Ready(piece) = read(&mut guard, room) else { panic!("the head is there") };
        all.extend(piece);
    }
    // hyper has handed the request on: from here it is being answered, and its body is waited for.
    let _serving = conn.begin(&Limits::default());
    loop {
        match read(&mut guard, room) {
            Poll::Ready(piece) if !piece.is_empty() => all.extend(piece),
            last => return (all, last),
        }
    }
}

#[tokio::test]
async fn a_body_in_a_packet_of_its_own_reaches_the_call_that_waits_for_it() {
    let whole = [head(), BODY.to_vec()].concat();
    for room in [1, 16, 8192] {
        let two = Pieces(vec![head(), BODY.to_vec()]);
        assert_eq!(body_after_head(two, room), (whole.clone(), Poll::Pending), "room for {room}");
        for cut in 1..BODY.len() {
            let three = Pieces(vec![head(), BODY[..cut].to_vec(), BODY[cut..].to_vec()]);
            assert_eq!(body_after_head(three, room), (whole.clone(), Poll::Pending), "cut at {cut}");
        }
        let mut many = vec![head()];
        many.extend(BODY.iter().map(|&byte| vec![byte]));
        assert_eq!(body_after_head(Pieces(many), room), (whole.clone(), Poll::Pending), "byte by byte");
    }
}

#[tokio::test]
async fn the_end_of_the_stream_is_kept_while_a_whole_request_is_answered() {
    let whole = [head(), BODY.to_vec()].concat();
    for room in [1, 16, 8192] {
        let io = Ending(Pieces(vec![head(), BODY.to_vec()]));
        assert_eq!(body_after_head(io, room), (whole.clone(), Poll::Pending), "it waits for its answer");
        let io = Ending(Pieces(vec![head(), BODY[..5].to_vec()]));
        let short = [head(), BODY[..5].to_vec()].concat();
        assert_eq!(body_after_head(io, room), (short, Poll::Ready(Vec::new())), "half a body ends at once");
    }
}

#[tokio::test]
async fn the_end_is_told_once_the_last_answer_is_made() {
    let conn = conn();
    let mut guard = heads(Ending(Pieces(vec![head(), BODY.to_vec()])), &conn);
    assert_eq!(read(&mut guard, 8192), Poll::Ready(head()));
    let serving = conn.begin(&Limits::default());
    assert_eq!(read(&mut guard, 8192), Poll::Ready(BODY.to_vec()));
    assert_eq!(read(&mut guard, 8192), Poll::Pending);
    drop(serving);
    assert_eq!(read(&mut guard, 8192), Poll::Ready(Vec::new()));
}

/// Whoever ends an HTTP/2 connection has gone: its streams end by themselves (RFC 9113 §5.4.1, §9.1).
#[tokio::test]
async fn over_http2_every_piece_and_the_end_pass_at_once() {
    let conn = conn();
    let _serving = conn.begin(&Limits::default());
    let data = |payload: &[u8]| {
        let length = u8::try_from(payload.len()).expect("a short frame");
        [&[0, 0, length, 0, 0, 0, 0, 0, 1][..], payload].concat()
    };
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    let sent = [preface, data(BODY), data(b""), data(b"x")].concat();
    for cut in 1..sent.len() {
        let io = Ending(Pieces(vec![sent[..cut].to_vec(), sent[cut..].to_vec()]));
        let meter = FrameMeter::new(100, Instant::now());
        let mut guard = HeadGuard::frames(io, BytesMut::new(), meter, Arc::clone(&conn), LINGER);
        assert_eq!(read(&mut guard, 8192), Poll::Ready(sent[..cut].to_vec()));
        assert_eq!(read(&mut guard, 8192), Poll::Ready(sent[cut..].to_vec()));
        assert_eq!(read(&mut guard, 8192), Poll::Ready(Vec::new()), "cut at {cut}");
    }
}
