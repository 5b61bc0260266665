//! One HTTP/1.1 connection to a product service, driven by whoever uses it.
//!
//! hyper's client hands out a sender and a connection future that must be polled. Usual clients spawn that future; here
//! the request that holds the link polls it, so that a call costs no second task and no wake-up between tasks, and a
//! dropped call drops its connection with it. A link that lies in the pool is not polled: whether the peer has closed it
//! is found out by polling it once when it is taken.

#[cfg(test)]
pub(super) mod tests;

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{Request, Response};
use http_body::Body as _;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use crate::limits::{HEAD_BYTES_MAX, HEAD_FIELDS_MAX};

/// Most informational answers (1xx) before the answer itself.
const INFORMATIONAL_MAX: usize = 8;

/// Most pieces of an answer that are taken in one turn of the task: a service that always has another one, however small, leaves
/// the thread to others after so many.
const PIECES_PER_TURN: u32 = 64;

/// A year: far, and still an instant that can be reckoned with.
const LONGEST: Duration = Duration::from_hours(365 * 24);

type Driver = Pin<Box<http1::Connection<TokioIo<TcpStream>, Full<Bytes>>>>;

/// A connection to a product service.
#[derive(Debug)]
pub(super) struct Link {
    sender: http1::SendRequest<Full<Bytes>>,
    /// None once the connection has ended.
    driver: Option<Driver>,
    /// When the answer is due. Made once for all requests on the link: to move a timer back costs next to nothing, a new
    /// one is put into the runtime's wheel under its lock and often wakes the runtime's poll.
    due: Pin<Box<Sleep>>,
    /// Pieces of an answer taken in this turn.
    pieces: u32,
    /// When the service at the other end last proved what it is, see [`super::proof`].
    pub(super) proved: Option<Instant>,
}

/// Why a request brought no answer.
#[derive(Debug)]
pub(super) enum SendFault {
    /// The connection had ended before a byte of the request was written: here it is back.
    Unsent(Box<Request<Full<Bytes>>>),
    /// The connection broke off, or what came was not HTTP.
    Broken,
    /// The answer was due.
    Late,
}

/// Why an answer could not be read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ReadFault {
    /// Larger than allowed.
    TooLarge,
    /// The connection broke off.
    Broken,
    /// The answer was due.
    Late,
}

/// The instant `within` from now; a limit that is longer than any process runs counts as [`LONGEST`].
pub(super) fn due(within: Duration) -> Instant {
    Instant::now() + within.min(LONGEST)
}

impl Link {
    /// Opens a connection. None when it cannot be opened in time.
    pub(super) async fn connect(to: SocketAddr, by: Instant) -> Option<Self> {
        let stream = tokio::time::timeout_at(by, TcpStream::connect(to)).await.ok()?.ok()?;
        stream.set_nodelay(true).ok()?;
        let (sender, driver) = http1::Builder::new()
            .max_headers(HEAD_FIELDS_MAX)
            .max_buf_size(4 * HEAD_BYTES_MAX)
            .handshake(TokioIo::new(stream))
            .await
            .ok()?;
        Some(Self {
            sender,
            driver: Some(Box::pin(driver)),
            due: Box::pin(tokio::time::sleep_until(by)),
            pieces: 0,
            proved: None,
        })
    }

    /// Whether the answer is due. The clock is asked first and the timer only where there is nothing to do: a peer that
    /// always has bytes uses up what the runtime lets a task do in one turn, and then no timer is ever ready.
    fn poll_due(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.is_late() { Poll::Ready(()) } else { self.due.as_mut().poll(cx) }
    }

    fn is_late(&self) -> bool {
        Instant::now() >= self.due.deadline()
    }

    /// Lets hyper work on the connection.
    fn drive(&mut self, cx: &mut Context<'_>) {
        if let Some(driver) = &mut self.driver
            && driver.as_mut().poll(cx).is_ready()
        {
            self.driver = None;
        }
    }

    /// Whether a pooled link can carry another request: finds out if the peer has closed it or spoken out of turn.
    pub(super) async fn is_fresh(&mut self) -> bool {
        poll_fn(|cx| {
            self.drive(cx);
            Poll::Ready(self.driver.is_some() && self.sender.is_ready())
        })
        .await
    }

    /// Sends a request and waits for the head of its answer, at most until `by`, which is also the limit of
    /// [`Link::read`].
    pub(super) async fn send(
        &mut self,
        mut request: Request<Full<Bytes>>,
        by: Instant,
    ) -> Result<Response<Incoming>, SendFault> {
        self.due.as_mut().reset(by);
        let informational = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&informational);
        hyper::ext::on_informational(&mut request, move |_| {
            counted.fetch_add(1, Relaxed);
        });
        let mut answer = pin!(self.sender.try_send_request(request));
        let (driver, due) = (&mut self.driver, &mut self.due);
        poll_fn(|cx| {
            // Before the connection: what it brings may never end.
            if Instant::now() >= by {
                return Poll::Ready(Err(SendFault::Late));
            }
            if let Some(running) = driver
                && running.as_mut().poll(cx).is_ready()
            {
                *driver = None;
            }
            if informational.load(Relaxed) > INFORMATIONAL_MAX {
                return Poll::Ready(Err(SendFault::Broken));
            }
            // Only the connection polled above can complete the answer, so nobody need be woken for it.
            match answer.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                Poll::Ready(Ok(response)) => Poll::Ready(Ok(response)),
                Poll::Ready(Err(mut fault)) => Poll::Ready(Err(match fault.take_message() {
                    Some(request) => SendFault::Unsent(Box::new(request)),
                    None => SendFault::Broken,
                })),
                Poll::Pending if driver.is_none() => Poll::Ready(Err(SendFault::Broken)),
                Poll::Pending => due.as_mut().poll(cx).map(|()| Err(SendFault::Late)),
            }
        })
        .await
    }

    /// The next chunk of `body`, which came over this link. After [`PIECES_PER_TURN`] there is none for now, and the task is
    /// woken to go on behind others.
    pub(super) fn poll_chunk(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, ReadFault>>> {
        if self.pieces == PIECES_PER_TURN {
            self.pieces = 0;
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let polled = self.poll_body(body, cx);
        self.pieces = if polled.is_pending() { 0 } else { self.pieces + 1 };
        polled
    }

    fn poll_body(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, ReadFault>>> {
        // Asking for a chunk tells the connection that one is wanted, so the connection is polled before and after.
        for _ in 0..2 {
            self.drive(cx);
            loop {
                match Pin::new(&mut *body).poll_frame(&mut Context::from_waker(Waker::noop())) {
                    Poll::Ready(None) => return Poll::Ready(None),
                    Poll::Ready(Some(Err(_))) => return Poll::Ready(Some(Err(ReadFault::Broken))),
                    Poll::Ready(Some(Ok(frame))) => match frame.into_data() {
                        Ok(bytes) => return Poll::Ready(Some(Ok(bytes))),
                        Err(_trailers) => {}
                    },
                    Poll::Pending if self.driver.is_none() => {
                        return Poll::Ready(Some(Err(ReadFault::Broken)));
                    }
                    Poll::Pending => break,
                }
            }
        }
        Poll::Pending
    }

    /// Reads `body` whole.
    pub(super) async fn read(&mut self, mut body: Incoming, bytes_max: usize) -> Result<Bytes, ReadFault> {
        if body.size_hint().lower() > bytes_max as u64 {
            return Err(ReadFault::TooLarge);
        }
        let mut first = Bytes::new();
        let mut rest: Option<BytesMut> = None;
        while !body.is_end_stream() {
            let chunk = poll_fn(|cx| {
                if self.is_late() {
                    return Poll::Ready(Some(Err(ReadFault::Late)));
                }
                match self.poll_chunk(&mut body, cx) {
                    Poll::Pending => self.poll_due(cx).map(|()| Some(Err(ReadFault::Late))),
                    ready => ready,
                }
            });
            let Some(chunk) = chunk.await else { break };
            let chunk = chunk?;
            if rest.as_ref().map_or(first.len(), BytesMut::len) + chunk.len() > bytes_max {
                return Err(ReadFault::TooLarge);
            }
            if first.is_empty() && rest.is_none() {
                first = chunk;
            } else {
                rest.get_or_insert_with(|| BytesMut::from(&*first)).extend_from_slice(&chunk);
            }
        }
        Ok(rest.map_or(first, BytesMut::freeze))
    }
}
