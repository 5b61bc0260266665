//! The body of a response: one piece, or a package passed on chunk by chunk.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use shuzha_policy::call::Delivery;

use crate::conn::Serving;
use crate::upstream::{PackageBody, StreamFault};

/// A response body.
#[derive(Debug)]
pub(crate) enum Body {
    /// One piece, until it is taken.
    Whole(Option<Bytes>),
    /// A package.
    Package(Box<Package>),
}

impl Body {
    /// A body of one piece.
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self::Whole(Some(bytes).filter(|bytes| !bytes.is_empty()))
    }

    /// Keeps the request counted as in flight until a streamed body has ended.
    pub(crate) fn hold(&mut self, serving: Serving) {
        if let Self::Package(package) = self {
            package.serving = Some(serving);
        }
    }
}

/// A package on its way from the product service to the caller.
#[derive(Debug)]
pub(crate) struct Package {
    stream: PackageBody,
    /// Bytes still promised by `Content-Length`.
    left: Option<u64>,
    /// Bytes of the last chunk, counted as delivered only when the connection asks for more.
    pending: usize,
    /// Whether the original has ended: what is left is what its end makes of it.
    ended: bool,
    /// Whether it broke off: whatever comes after is not its end.
    broken: bool,
    delivery: Delivery,
    serving: Option<Serving>,
}

impl Package {
    /// The package that `stream` brings.
    pub(crate) fn new(stream: PackageBody, length: Option<u64>, delivery: Delivery) -> Self {
        Self { stream, left: length, pending: 0, ended: false, broken: false, delivery, serving: None }
    }

    /// The connection has taken the last chunk.
    fn taken(&mut self) {
        if self.pending > 0 {
            self.delivery.wrote(std::mem::take(&mut self.pending));
        }
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StreamFault>>> {
        self.taken();
        let polled = ready!(self.next_chunk(cx));
        self.broken |= matches!(polled, Some(Err(_)));
        Poll::Ready(polled)
    }

    fn next_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, StreamFault>>> {
        let original = if self.ended { None } else { ready!(self.stream.poll_chunk(cx)) };
        let leaves = match original {
            Some(Ok(bytes)) => self.delivery.pass(bytes).map_err(StreamFault::Marks).map(Some),
            Some(Err(fault)) => Err(fault),
            None if self.ended => Ok(None),
            None => {
                self.ended = true;
                let leaves = self.delivery.end().map_err(StreamFault::Marks);
                leaves.map(|leaves| Some(leaves).filter(|leaves| !leaves.is_empty()))
            }
        };
        match leaves.transpose() {
            // Nothing leaves of it yet. Others have their turn before the next.
            Some(Ok(bytes)) if bytes.is_empty() => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Ok(bytes)) => {
                self.pending = bytes.len();
                if let Some(left) = &mut self.left {
                    match left.checked_sub(bytes.len() as u64) {
                        Some(rest) => *left = rest,
                        None => return Poll::Ready(Some(Err(StreamFault::Length))),
                    }
                }
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Some(Err(fault)) => Poll::Ready(Some(Err(fault))),
            None if self.left.is_some_and(|left| left > 0) => Poll::Ready(Some(Err(StreamFault::Length))),
            None => {
                self.left = Some(0);
                Poll::Ready(None)
            }
        }
    }
}

impl Drop for Package {
    /// With a stated length the connection never asks again after the last chunk: it was taken with it.
    fn drop(&mut self) {
        if self.left == Some(0) && !self.broken {
            self.taken();
            self.delivery.completed();
        }
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = StreamFault;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamFault>>> {
        match self.get_mut() {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Package(package) => package.poll_chunk(cx),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Whole(bytes) => bytes.is_none(),
            Self::Package(package) => package.left == Some(0),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64)),
            Self::Package(package) => package.left.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}
