//! Waiting for an entry to be durable.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::sync::oneshot;

use crate::{Position, Unavailable};

/// Resolves once its entry is durable, with the position; or to why it will not be.
#[derive(Debug)]
#[must_use = "an answer may leave only after this has resolved"]
pub struct Durable {
    position: Position,
    outcome: oneshot::Receiver<Result<(), Unavailable>>,
}

impl Durable {
    pub(crate) const fn new(position: Position, outcome: oneshot::Receiver<Result<(), Unavailable>>) -> Self {
        Self { position, outcome }
    }

    /// Where the entry will stand.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// Blocks the thread until the entry is durable.
    ///
    /// # Errors
    /// [`Unavailable`] when it will not be.
    ///
    /// # Panics
    /// Within an asynchronous task: await the future there.
    pub fn wait(self) -> Result<Position, Unavailable> {
        self.outcome.blocking_recv().unwrap_or(Err(Unavailable::Failed)).map(|()| self.position)
    }
}

impl Future for Durable {
    type Output = Result<Position, Unavailable>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let outcome = ready!(Pin::new(&mut self.outcome).poll(context));
        Poll::Ready(outcome.unwrap_or(Err(Unavailable::Failed)).map(|()| self.position))
    }
}
