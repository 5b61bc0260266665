//! The guard between the socket and hyper's HTTP/1 parser.
//!
//! It keeps a request head to itself until the head is whole and sound, and counts the body so that it knows where the
//! next head starts. For an unsound head it hands over a fixed harmless one instead and leaves its code with the
//! connection, so that the service can answer with a proper problem; nothing after it is read as a request.
//! HTTP/2 passes through it unchanged: its framing is binary and hyper's. Two things are looked for in it: targets of which hyper
//! drops a part ([`targets`]), and floods of frames that carry nothing ([`frames`]). And it tells a caller who has sent everything
//! from one who has gone ([`half_close`]).

pub(crate) mod frames;
mod half_close;
pub(crate) mod head;
mod targets;
#[cfg(test)]
mod tests;

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, BytesMut};
use shuzha_core::Code;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep};

use crate::conn::Conn;
use frames::FrameMeter;
use half_close::HalfClosed;
use head::Verdict;
use targets::{Seen, Targets};

/// What hyper reads in place of a refused head.
const HARMLESS: &[u8] = b"REFUSED / HTTP/1.1\r\nhost: refused\r\nconnection: close\r\n\r\n";

/// Bytes read at once while a head is incomplete.
const READ_BYTES: usize = 4 * 1024;

/// How much of what a refused caller still sends is discarded.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Linger {
    pub(crate) time: Duration,
    pub(crate) bytes_max: usize,
}

enum Mode {
    /// HTTP/2.
    Frames(FrameMeter),
    /// HTTP/1: so many bytes of the present request's body are still to come.
    Heads { body: u64 },
    /// A head was refused: the harmless one is handed over, then nothing more.
    Shut,
}

/// A socket whose request heads are judged before hyper sees them.
pub(crate) struct HeadGuard<S> {
    io: S,
    conn: Arc<Conn>,
    mode: Mode,
    /// Bytes of a head that has not ended.
    held: BytesMut,
    /// Bytes that may be handed over.
    released: BytesMut,
    linger: Linger,
    lingering: Option<(Pin<Box<Sleep>>, usize)>,
    /// What looks at the targets of HTTP/2.
    targets: Option<Box<Targets>>,
    /// Heads handed over.
    heads: u32,
    /// Whether the last of them was of HTTP/1.0.
    old: bool,
    /// Requests begun when something was last written.
    written_in: u32,
    half_closed: Option<HalfClosed>,
}

impl<S> HeadGuard<S> {
    /// Guards HTTP/1 on `io`, of which `start` was already read.
    pub(crate) fn heads(io: S, start: BytesMut, conn: Arc<Conn>, linger: Linger) -> Self {
        let mut guard = Self::new(io, Mode::Heads { body: 0 }, conn, linger);
        guard.held = start;
        guard.judge_held();
        guard
    }

    /// Passes HTTP/2 on `io` through, of which `start` was already read.
    pub(crate) fn frames(
        io: S,
        start: BytesMut,
        mut meter: FrameMeter,
        conn: Arc<Conn>,
        linger: Linger,
    ) -> Self {
        // What is read before the protocol is known is too little to be a flood.
        meter.scan(&start, Instant::now());
        let mut guard = Self::new(io, Mode::Frames(meter), conn, linger);
        guard.targets = Some(Box::new(Targets::new()));
        guard.watch(&start);
        guard.released = start;
        guard
    }

    fn new(io: S, mode: Mode, conn: Arc<Conn>, linger: Linger) -> Self {
        Self {
            io,
            conn,
            mode,
            held: BytesMut::new(),
            released: BytesMut::new(),
            linger,
            lingering: None,
            targets: None,
            heads: 0,
            old: false,
            written_in: 0,
            half_closed: None,
        }
    }

    /// Looks at what passes through. A target with a fragment refuses every request of the connection from here on: which
    /// of its streams it was is hyper's to know, and its caller is the one who sent it.
    fn watch(&mut self, bytes: &[u8]) {
        if let Some(targets) = &mut self.targets
            && targets.read(bytes) == Seen::Amiss
        {
            self.conn.refuse(Code::C002);
            self.targets = None;
        }
    }

    /// Stands the harmless head in for whatever was coming.
    fn refuse(&mut self, code: Code) {
        self.conn.refuse(code);
        self.conn.head_pending(false);
        self.mode = Mode::Shut;
        self.held.clear();
        self.released.extend_from_slice(HARMLESS);
    }

    /// How many bytes of `chunk` hyper may have, and the code if what follows them is refused.
    fn sift(&mut self, chunk: &[u8]) -> (usize, Option<Code>) {
        let Mode::Heads { body } = &mut self.mode else { return (chunk.len(), None) };
        let mut at = 0;
        while at < chunk.len() {
            let left = chunk.len() - at;
            if *body > 0 {
                let taken = usize::try_from(*body).unwrap_or(usize::MAX).min(left);
                *body -= taken as u64;
                at += taken;
                continue;
            }
            match head::judge(&chunk[at..]) {
                Verdict::Incomplete => break,
                Verdict::Whole { length, body: next } => {
                    *body = next;
                    self.heads += 1;
                    self.old = is_old(&chunk[at..]);
                    at += length;
                }
                Verdict::Refused(code) => return (at, Some(code)),
            }
        }
        (at, None)
    }

    /// Judges what is held, and releases what is sound of it.
    fn judge_held(&mut self) {
        let held = std::mem::take(&mut self.held);
        let (sound, refused) = self.sift(&held);
        self.held = held;
        let sound = self.held.split_to(sound);
        if self.released.is_empty() {
            self.released = sound;
        } else {
            self.released.extend_from_slice(&sound);
        }
        if let Some(code) = refused {
            self.refuse(code);
        }
        self.conn.head_pending(!self.held.is_empty());
    }

    /// Whether a request that was handed over is not answered yet.
    fn in_flight(&self) -> bool {
        self.conn.is_serving() || self.heads != self.conn.served()
    }

    /// Whether the end of what the caller sends is kept from hyper, which would take it for a caller who left: a whole request is
    /// being answered.
    fn keeps_end(&self) -> bool {
        matches!(self.mode, Mode::Heads { body: 0 }) && self.in_flight()
    }

    /// Hands released bytes over.
    fn hand_over(&mut self, into: &mut ReadBuf<'_>) {
        let count = self.released.len().min(into.remaining());
        into.put_slice(&self.released[..count]);
        self.released.advance(count);
    }
}

impl<S: AsyncRead + Unpin> HeadGuard<S> {
    /// Reads into `into` and judges in place, so that a request that arrives whole is never copied. True when the
    /// caller has something to return.
    fn read_in_place(&mut self, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<bool>> {
        let start = into.filled().len();
        ready!(Pin::new(&mut self.io).poll_read(cx, into))?;
        if into.filled().len() == start {
            return Poll::Ready(Ok(true));
        }
        let (sound, refused) = self.sift(&into.filled()[start..]);
        if refused.is_none() && sound < into.filled().len() - start {
            self.held.extend_from_slice(&into.filled()[start + sound..]);
            self.conn.head_pending(true);
        }
        into.set_filled(start + sound);
        if let Some(code) = refused {
            self.refuse(code);
        }
        Poll::Ready(Ok(sound > 0))
    }

    /// Reads more of a head that has not ended. True at the end of the stream.
    fn read_held(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let mut space = [0_u8; READ_BYTES];
        let mut more = ReadBuf::new(&mut space);
        ready!(Pin::new(&mut self.io).poll_read(cx, &mut more))?;
        if more.filled().is_empty() {
            return Poll::Ready(Ok(true));
        }
        self.held.extend_from_slice(more.filled());
        self.judge_held();
        Poll::Ready(Ok(false))
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncRead for HeadGuard<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        loop {
            if !this.released.is_empty() {
                this.hand_over(into);
                return Poll::Ready(Ok(()));
            }
            match &mut this.mode {
                Mode::Frames(meter) => {
                    let start = into.filled().len();
                    ready!(Pin::new(&mut this.io).poll_read(cx, into))?;
                    let flood = meter.scan(&into.filled()[start..], Instant::now());
                    if let Some(end) = flood {
                        into.set_filled(start + end);
                    }
                    this.watch(&into.filled()[start..]);
                    if flood.is_some() {
                        this.released.extend_from_slice(frames::FLOOD);
                        this.mode = Mode::Shut;
                        if into.filled().len() == start {
                            continue;
                        }
                    }
                    return Poll::Ready(Ok(()));
                }
                // Not the end of the stream: hyper would take that for a caller who left and drop the answer.
                Mode::Shut => return Poll::Pending,
                Mode::Heads { .. } => {}
            }
            if let Some(code) = this.conn.take_late() {
                this.refuse(code);
                continue;
            }
            if this.half_closed.is_some() {
                return this.poll_half_closed(cx);
            }
            let start = into.filled().len();
            let done = if this.held.is_empty() {
                ready!(this.read_in_place(cx, into))?
            } else {
                ready!(this.read_held(cx))?
            };
            if done {
                let ended = into.filled().len() == start;
                if ended && this.keeps_end() {
                    this.half_closed = Some(HalfClosed::begin());
                    continue;
                }
                return Poll::Ready(Ok(()));
            }
        }
    }
}

/// Whether the sound head at the start of `bytes` is of HTTP/1.0.
fn is_old(bytes: &[u8]) -> bool {
    let line = memchr::memchr(b'\n', bytes).map_or(bytes, |end| &bytes[..end]);
    line.ends_with(b"HTTP/1.0\r")
}

impl<S: AsyncRead + AsyncWrite + Unpin> HeadGuard<S> {
    /// Of a caller who sends nothing more: nothing while it is being answered, then the end; an error once it has gone.
    fn poll_half_closed(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let over = !self.in_flight();
        // An interim answer is no part of HTTP/1.0, and must not come between the parts of another answer.
        let silent = !self.old && self.written_in != self.conn.served() && !self.conn.is_write_blocked();
        let Some(half) = &mut self.half_closed else { return Poll::Ready(Ok(())) };
        if over {
            return Poll::Ready(Ok(()));
        }
        half.poll_gone(&mut self.io, cx, silent).map(Err)
    }

    /// Before anything of an answer is written: a probe that was begun is ended.
    fn poll_probe_written(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.written_in = self.conn.served();
        match &mut self.half_closed {
            Some(half) => half.poll_written(&mut self.io, cx),
            None => Poll::Ready(Ok(())),
        }
    }

    /// Something was written, or the caller takes nothing.
    fn wrote(&mut self, written: &Poll<io::Result<usize>>) {
        self.conn.write_blocked(written.is_pending());
        if let (Mode::Frames(meter), Poll::Ready(Ok(bytes))) = (&mut self.mode, written) {
            meter.wrote(*bytes);
        }
    }

    /// Discards what a refused caller still sends: closing with unread bytes makes the kernel send a reset, which can
    /// overtake the answer.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let linger = self.linger;
        let (until, discarded) =
            self.lingering.get_or_insert_with(|| (Box::pin(tokio::time::sleep(linger.time)), 0));
        loop {
            if until.as_mut().poll(cx).is_ready() || *discarded >= linger.bytes_max {
                return Poll::Ready(());
            }
            let mut space = [0_u8; READ_BYTES];
            let mut waste = ReadBuf::new(&mut space);
            match ready!(Pin::new(&mut self.io).poll_read(cx, &mut waste)) {
                Ok(()) if !waste.filled().is_empty() => *discarded += waste.filled().len(),
                _ => return Poll::Ready(()),
            }
        }
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> AsyncWrite for HeadGuard<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_probe_written(cx))?;
        let written = Pin::new(&mut self.io).poll_write(cx, bytes);
        self.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_probe_written(cx))?;
        let written = Pin::new(&mut self.io).poll_write_vectored(cx, parts);
        self.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.lingering.is_none() {
            ready!(Pin::new(&mut self.io).poll_shutdown(cx))?;
        }
        let unread = matches!(self.mode, Mode::Shut | Mode::Heads { body: 1.. });
        if unread {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
