//! A caller who has sent all it will send and still reads (RFC 9112 §9.6), told from one who has gone.
//!
//! Both look alike: the end of what they send. The difference shows only when something is written to them, so after a moment an
//! interim `100 Continue` is, which every client of HTTP/1.1 passes over (RFC 9110 §15.2). Whoever has gone answers it with a
//! reset.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::AsyncWrite;
use tokio::time::{Instant, Sleep};

/// A first probe this long after the end: most answers are out by then.
const FIRST: Duration = Duration::from_secs(1);
/// The next soon after it: what the first met shows only to the second.
const SECOND: Duration = Duration::from_millis(250);
/// And then at this pace.
const LATER: Duration = Duration::from_secs(5);

const PROBE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// A caller who sends nothing more.
pub(super) struct HalfClosed {
    next: Pin<Box<Sleep>>,
    probes: u32,
    unsent: &'static [u8],
}

impl HalfClosed {
    /// From now on.
    pub(super) fn begin() -> Self {
        Self { next: Box::pin(tokio::time::sleep(FIRST)), probes: 0, unsent: &[] }
    }

    /// Writes what is left of a probe; nothing else may be written before.
    pub(super) fn poll_written<S: AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        while !self.unsent.is_empty() {
            let count = ready!(Pin::new(&mut *io).poll_write(cx, self.unsent))?;
            if count == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.unsent = &self.unsent[count..];
        }
        Poll::Ready(Ok(()))
    }

    /// Probes when it is time and nothing of an answer is on its way (`silent`). Ready with an error once the caller has gone.
    pub(super) fn poll_gone<S: AsyncWrite + Unpin>(
        &mut self,
        io: &mut S,
        cx: &mut Context<'_>,
        silent: bool,
    ) -> Poll<io::Error> {
        loop {
            match self.poll_written(io, cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(gone)) => return Poll::Ready(gone),
                Poll::Pending => return Poll::Pending,
            }
            if self.probes > 0
                && let Poll::Ready(Err(gone)) = Pin::new(&mut *io).poll_flush(cx)
            {
                return Poll::Ready(gone);
            }
            ready!(self.next.as_mut().poll(cx));
            let pause = if self.probes == 0 { SECOND } else { LATER };
            self.next.as_mut().reset(Instant::now() + pause);
            if silent {
                self.probes += 1;
                self.unsent = PROBE;
            }
        }
    }
}
