//! One accepted connection: which HTTP it speaks, hyper's server on it, and the clock over both.

mod registry;

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::BytesMut;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};

use crate::conn::{Conn, Due, Protocol};
use crate::edge::Edge;
use crate::guard::frames::FrameMeter;
use crate::guard::{HeadGuard, Linger};
use crate::limits::{HEAD_BYTES_MAX, HEAD_FIELDS_MAX, Limits};
use crate::reply::Body;

pub(crate) use registry::{Registry, Ticket};

/// How an HTTP/2 connection starts (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Most bytes hyper keeps of what a pipelining caller sent ahead.
const READ_AHEAD_BYTES_MAX: usize = 4 * HEAD_BYTES_MAX;

/// Serves `io` until it closes, is idle for too long, or `conn` is told to close and has nothing in flight.
pub(crate) async fn serve<S, E>(io: S, alpn: Option<Protocol>, conn: Arc<Conn>, edge: Arc<E>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    E: Edge,
{
    let mut io = io;
    let mut start = BytesMut::new();
    let known = match alpn {
        Some(protocol) => Some(protocol),
        None => detect(&mut io, &mut start, &conn, edge.limits()).await,
    };
    let limits = edge.limits().clone();
    let linger = Linger { time: limits.linger, bytes_max: limits.linger_bytes_max };
    match known {
        Some(Protocol::H1) => {
            let _open = edge.metrics().connection(Protocol::H1);
            let guard = HeadGuard::heads(io, start, Arc::clone(&conn), linger);
            serve_h1(guard, &conn, edge, &limits).await;
        }
        Some(Protocol::H2) => {
            let _open = edge.metrics().connection(Protocol::H2);
            let meter = FrameMeter::new(limits.h2_empty_frames_per_second, tokio::time::Instant::now());
            let guard = HeadGuard::frames(io, start, meter, Arc::clone(&conn), linger);
            serve_h2(guard, &conn, edge, &limits).await;
        }
        None => {}
    }
}

/// Reads as little as tells HTTP/2 with prior knowledge from HTTP/1. None when nothing came.
async fn detect<S: AsyncRead + Unpin>(
    io: &mut S,
    start: &mut BytesMut,
    conn: &Conn,
    limits: &Limits,
) -> Option<Protocol> {
    let reading = async {
        loop {
            match io.read_buf(start).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
            let compared = start.len().min(PREFACE.len());
            if start[..compared] != PREFACE[..compared] {
                return Some(Protocol::H1);
            }
            if compared == PREFACE.len() {
                return Some(Protocol::H2);
            }
        }
    };
    let mut reading = pin!(tokio::time::timeout(limits.idle, reading));
    let mut farewell = Farewell::default();
    poll_fn(|cx| {
        conn.watch(cx.waker());
        match reading.as_mut().poll(cx) {
            Poll::Ready(found) => Poll::Ready(found.ok().flatten()),
            Poll::Pending if conn.is_closing() || farewell.is_over(conn, limits, cx) => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        }
    })
    .await
}

async fn serve_h1<S, E>(guard: HeadGuard<S>, conn: &Arc<Conn>, edge: Arc<E>, limits: &Limits)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    E: Edge,
{
    let service = service(conn, edge);
    let served = hyper::server::conn::http1::Builder::new()
        .keep_alive(true)
        // So that a caller who resets the connection is noticed. One who only sends nothing more is not: the guard keeps the end of
        // what it sends from hyper while a request is being answered.
        .half_close(false)
        .max_headers(HEAD_FIELDS_MAX)
        .max_buf_size(READ_AHEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(guard), service);
    drive(pin!(served), conn, limits, |served| served.graceful_shutdown()).await;
}

/// The wait for one more request on a connection that a drain wants closed.
#[derive(Default)]
struct Farewell(Option<Pin<Box<tokio::time::Sleep>>>);

impl Farewell {
    /// Whether the connection is to be closed now: a request is in flight, whose answer then says so, or none came in time.
    fn is_over(&mut self, conn: &Conn, limits: &Limits, cx: &mut std::task::Context<'_>) -> bool {
        match conn.farewell_left(limits) {
            None => false,
            Some(Duration::ZERO) => true,
            Some(left) => {
                let timer = self.0.get_or_insert_with(|| Box::pin(tokio::time::sleep(left)));
                timer.as_mut().poll(cx).is_ready()
            }
        }
    }
}

async fn serve_h2<S, E>(guard: HeadGuard<S>, conn: &Arc<Conn>, edge: Arc<E>, limits: &Limits)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    E: Edge,
{
    let service = service(conn, edge);
    let served = hyper::server::conn::http2::Builder::new(Streams)
        .timer(TokioTimer::new())
        .max_concurrent_streams(limits.h2_streams_max)
        .max_pending_accept_reset_streams(limits.h2_resets_max)
        .max_local_error_reset_streams(limits.h2_resets_max)
        .max_header_list_size(u32::try_from(HEAD_BYTES_MAX).unwrap_or(u32::MAX))
        .initial_stream_window_size(limits.h2_window_bytes)
        .initial_connection_window_size(limits.h2_window_bytes)
        .keep_alive_interval(limits.h2_ping)
        .keep_alive_timeout(limits.h2_ping)
        .serve_connection(TokioIo::new(guard), service);
    // Over HTTP/2 the notice of closing (GOAWAY) says itself which streams are still served.
    let limits = Limits { farewell: Duration::ZERO, ..limits.clone() };
    drive(pin!(served), conn, &limits, |served| served.graceful_shutdown()).await;
}

/// The edge as hyper's service.
fn service<E: Edge>(
    conn: &Arc<Conn>,
    edge: Arc<E>,
) -> impl hyper::service::Service<
    http::Request<Incoming>,
    Response = http::Response<Body>,
    Error = Infallible,
    Future = impl Future<Output = Result<http::Response<Body>, Infallible>> + Send + 'static,
> {
    let conn = Arc::clone(conn);
    service_fn(move |request| {
        let (conn, edge) = (Arc::clone(&conn), Arc::clone(&edge));
        async move { Ok(edge.answer(conn, request).await) }
    })
}

/// Polls hyper's connection, closes it in order when told to, and keeps its time limits with a single coarse timer:
/// the timer is not moved for each request, it looks at what has run out whenever it fires.
async fn drive<C: Future>(
    mut served: Pin<&mut C>,
    conn: &Conn,
    limits: &Limits,
    close: impl Fn(Pin<&mut C>),
) {
    let mut timer = pin!(tokio::time::sleep(limits.head.min(limits.idle)));
    let mut closed = false;
    let mut asked = false;
    let mut farewell = Farewell::default();
    poll_fn(|cx| {
        conn.watch(cx.waker());
        if conn.is_cut() {
            return Poll::Ready(());
        }
        if !closed && (conn.is_closing() || farewell.is_over(conn, limits, cx)) {
            closed = true;
            // First what has already arrived: hyper closes a connection that it has read nothing from.
            if served.as_mut().poll(cx).is_ready() {
                return Poll::Ready(());
            }
            close(served.as_mut());
        }
        while timer.as_mut().poll(cx).is_ready() {
            let again = match conn.due(limits) {
                Due::Nothing(after) => after,
                Due::HeadLate => {
                    conn.make_late(shuzha_core::Code::C005);
                    limits.linger
                }
                Due::Idle if asked => return Poll::Ready(()),
                Due::Idle => {
                    asked = true;
                    closed = true;
                    close(served.as_mut());
                    limits.linger
                }
                Due::Stalled => return Poll::Ready(()),
            };
            timer.as_mut().reset(tokio::time::Instant::now() + again);
        }
        // A broken connection is the caller's affair: there is nobody to tell.
        served.as_mut().poll(cx).map(drop)
    })
    .await;
}

/// Runs HTTP/2 streams as tasks of the runtime that serves the connection. They need no tracking of their own: the
/// connection is counted, and ends after its streams.
#[derive(Clone, Copy, Debug)]
struct Streams;

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, stream: F) {
        tokio::runtime::Handle::current().spawn(stream);
    }
}
