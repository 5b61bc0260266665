//! A package on its way from a product service.

#[cfg(test)]
mod tests;

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::Body as _;
use hyper::body::Incoming;
use shuzha_policy::call::{Delivery, MarkFault};
use tokio::time::{Instant, Sleep};

use super::link::Link;
use super::pool::Pool;
use crate::reply::{Body, Package, PackageStream};

/// Why a package broke off. The connection to the caller is cut, so that a part is never taken for the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StreamFault {
    /// The product service closed the connection.
    #[error("the product service broke off")]
    Broken,
    /// The product service sent nothing for too long.
    #[error("the product service stalled")]
    Stalled,
    /// More or fewer bytes came than were promised.
    #[error("the package is not as long as promised")]
    Length,
    /// It is not the table that was declared: its marks have no place.
    #[error("the package is not the declared table: {0}")]
    Marks(#[from] MarkFault),
}

/// The body of an answer in the package lane.
#[derive(Debug)]
pub struct PackageBody {
    body: Incoming,
    /// None once it went back to its pool.
    link: Option<Link>,
    pool: Arc<Pool>,
    stall: Duration,
    /// Set while a chunk is waited for.
    timer: Option<Pin<Box<Sleep>>>,
}

impl PackageBody {
    pub(super) fn new(body: Incoming, link: Link, pool: Arc<Pool>, stall: Duration) -> Self {
        Self { body, link: Some(link), pool, stall, timer: None }
    }

    /// The next chunk.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, StreamFault>>> {
        let Some(link) = &mut self.link else { return Poll::Ready(None) };
        // The clock before the connection: bytes that are no content (extensions of chunks, trailers) may never end, and
        // leave the timer no turn.
        if self.timer.as_ref().is_some_and(|timer| Instant::now() >= timer.deadline()) {
            self.link = None;
            return Poll::Ready(Some(Err(StreamFault::Stalled)));
        }
        match link.poll_chunk(&mut self.body, cx) {
            Poll::Ready(Some(Ok(bytes))) => {
                self.timer = None;
                // With a stated length nobody asks again after the last chunk.
                if self.body.is_end_stream()
                    && let Some(link) = self.link.take()
                {
                    self.pool.give(link);
                }
                Poll::Ready(Some(Ok(bytes)))
            }
            Poll::Ready(Some(Err(_))) => {
                self.link = None;
                Poll::Ready(Some(Err(StreamFault::Broken)))
            }
            Poll::Ready(None) => {
                if let Some(link) = self.link.take() {
                    self.pool.give(link);
                }
                Poll::Ready(None)
            }
            Poll::Pending => {
                let stall = self.stall;
                let timer = self.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
                timer.as_mut().poll(cx).map(|()| Some(Err(StreamFault::Stalled)))
            }
        }
    }
}

impl PackageStream for PackageBody {
    fn into_body(self, length: Option<u64>, delivery: Delivery) -> Body {
        Body::Package(Box::new(Package::new(self, length, delivery)))
    }
}
