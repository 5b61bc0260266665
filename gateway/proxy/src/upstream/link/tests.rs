//! The clock is asked before the connection: what a service sends cannot put off the end of its time.
//!
//! The service is a thread with blocking sockets, so that a test decides when its runtime looks at them.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream as Blocking};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// A time that a test lets pass. A step that a busy machine makes after it finds the time over as well.
pub(in crate::upstream) const SHORT: Duration = Duration::from_millis(200);

const CHUNKED: &str = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Bytes that an endless service writes before it gives up: a test that fails comes to an end.
const ENDLESS_BYTES: usize = 64 << 20;

/// A product service that writes what it is told to, when it is told to.
pub(in crate::upstream) struct Told {
    tell: Sender<String>,
    wrote: Receiver<()>,
}

impl Told {
    /// Has the service write `text` once it has a request.
    pub(in crate::upstream) fn tell(&self, text: &str) {
        self.tell.send(text.to_owned()).expect("the service runs");
    }

    /// Waits until the service has written what it was told.
    pub(in crate::upstream) fn wrote(&self) {
        self.wrote.recv().expect("the service writes");
    }
}

/// A service at a free port, which reads one request and then does `then`.
fn service(then: impl FnOnce(Blocking) + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut seen = Vec::new();
        let mut space = [0; 1024];
        while !seen.ends_with(b"\r\n\r\n") {
            let count = stream.read(&mut space).expect("a request");
            assert_ne!(count, 0, "the request is whole");
            seen.extend_from_slice(&space[..count]);
        }
        then(stream);
    });
    address
}

/// A link to a service that writes what it is told to.
pub(in crate::upstream) async fn told() -> (Link, Told) {
    let (tell, told) = channel::<String>();
    let (done, wrote) = channel();
    let address = service(move |mut stream| {
        while let Ok(text) = told.recv() {
            stream.write_all(text.as_bytes()).expect("the link is open");
            if done.send(()).is_err() {
                return;
            }
        }
    });
    let link = Link::connect(address, due(Duration::MAX)).await.expect("it listens");
    (link, Told { tell, wrote })
}

pub(in crate::upstream) fn request() -> Request<Full<Bytes>> {
    Request::get("/").header("host", "service.test").body(Full::default()).expect("a good request")
}

/// The result of one poll.
pub(in crate::upstream) async fn once<F: Future>(mut future: Pin<&mut F>) -> Poll<F::Output> {
    poll_fn(|cx| Poll::Ready(future.as_mut().poll(cx))).await
}

#[tokio::test]
async fn an_answer_that_lies_there_after_its_time_is_late() {
    let (mut link, service) = told().await;
    let by = due(SHORT);
    let mut sending = pin!(link.send(request(), by));
    let first = once(sending.as_mut()).await;
    assert!(matches!(first, Poll::Pending | Poll::Ready(Err(SendFault::Late))), "nothing was answered");
    if first.is_pending() {
        service.tell("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        service.wrote();
        // The runtime learns that there is something to read while it waits.
        tokio::time::sleep_until(by).await;
        assert!(matches!(once(sending).await, Poll::Ready(Err(SendFault::Late))));
    }
}

#[tokio::test]
async fn a_piece_that_lies_there_after_its_time_is_late() {
    let (mut link, service) = told().await;
    let by = due(SHORT);
    service.tell(&format!("{CHUNKED}1\r\na\r\n"));
    let Ok(answer) = link.send(request(), by).await else { return };
    service.wrote();
    let mut reading = pin!(link.read(answer.into_body(), 1 << 20));
    let mut read = once(reading.as_mut()).await;
    if read.is_pending() {
        service.tell("1\r\nb\r\n0\r\n\r\n");
        service.wrote();
        tokio::time::sleep_until(by).await;
        read = once(reading).await;
    }
    assert_eq!(read, Poll::Ready(Err(ReadFault::Late)));
}

/// A peer that always has bytes leaves no timer a turn: only the clock ends it.
#[tokio::test]
async fn pieces_without_end_do_not_put_off_the_end_of_their_time() {
    let address = service(|mut stream| {
        let crumbs = "1\r\nx\r\n".repeat(8 * 1024);
        let mut left = ENDLESS_BYTES;
        let mut next = CHUNKED.to_owned();
        // The other side leaves in the middle.
        while left > 0 && stream.write_all(next.as_bytes()).is_ok() {
            left -= next.len().min(left);
            next.clone_from(&crumbs);
        }
    });
    let by = due(SHORT);
    let mut link = Link::connect(address, due(Duration::MAX)).await.expect("it listens");
    let Ok(answer) = link.send(request(), by).await else { return };
    assert_eq!(link.read(answer.into_body(), usize::MAX).await, Err(ReadFault::Late));
}

/// Informational answers without end: by their number, whatever the time.
#[tokio::test]
async fn informational_answers_without_end_are_a_broken_service() {
    let address = service(|mut stream| {
        let hints = "HTTP/1.1 103 E\r\n\r\n".repeat(4 * 1024);
        let mut left = ENDLESS_BYTES;
        while left > 0 && stream.write_all(hints.as_bytes()).is_ok() {
            left -= hints.len().min(left);
        }
    });
    let mut link = Link::connect(address, due(Duration::MAX)).await.expect("it listens");
    let sent = link.send(request(), due(Duration::MAX)).await;
    assert!(matches!(sent, Err(SendFault::Broken)), "{sent:?}");
}

/// Whatever a service has sent, a turn ends: counted, not timed.
#[tokio::test]
async fn a_turn_takes_so_many_pieces_and_no_more() {
    let (mut link, service) = told().await;
    let pieces = 3 * PIECES_PER_TURN;
    service.tell(&format!("{CHUNKED}{}0\r\n\r\n", "1\r\nx\r\n".repeat(pieces as usize)));
    let answer = link.send(request(), due(Duration::MAX)).await.expect("an answer");
    service.wrote();
    let mut body = answer.into_body();
    let mut most = 0;
    let mut all = 0;
    let mut ended = false;
    while !ended {
        let taken = poll_fn(|cx| {
            let mut taken = 0;
            loop {
                match link.poll_chunk(&mut body, cx) {
                    Poll::Ready(Some(chunk)) => taken += chunk.expect("a piece").len(),
                    Poll::Ready(None) => {
                        ended = true;
                        return Poll::Ready(taken);
                    }
                    // Woken by itself where more lies there, by the socket where not.
                    Poll::Pending if taken > 0 => return Poll::Ready(taken),
                    Poll::Pending => return Poll::Pending,
                }
            }
        });
        let taken = taken.await;
        most = most.max(taken);
        all += taken;
    }
    assert_eq!(all, pieces as usize);
    assert!(most <= PIECES_PER_TURN as usize, "{most}");
}
