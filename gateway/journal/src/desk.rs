//! How callers who wait for the disk are told.
//!
//! A group commit has many callers to wake at once, and each wake-up of a task from outside its runtime costs a system
//! call. So every runtime that callers wait in has a desk: a small task that is handed the news of a whole group, once,
//! and passes it on to the others from within, where a wake-up is a push to a queue.

use std::sync::Arc;

use tokio::runtime::{Handle, Id};
use tokio::sync::{mpsc, oneshot};

use crate::Unavailable;

pub(crate) type Outcome = Result<(), Unavailable>;

/// A caller that waits for a record.
pub(crate) struct Waiter {
    pub(crate) seq: u64,
    pub(crate) tell: oneshot::Sender<Outcome>,
    /// None for a thread that no runtime runs on.
    pub(crate) desk: Option<Arc<Desk>>,
}

/// The desk of one runtime.
pub(crate) struct Desk {
    runtime: Id,
    /// Never holds more than the journal's queue, whose records it is about.
    inbox: mpsc::UnboundedSender<News>,
}

/// What callers are told. Dropping it tells them, so that it cannot get lost, wherever it is: a desk whose runtime
/// has ended drops its post.
struct News {
    waiters: Vec<Waiter>,
    outcome: Outcome,
}

impl Drop for News {
    fn drop(&mut self) {
        for waiter in self.waiters.drain(..) {
            // The caller may have gone; then nobody needs to know.
            let _ = waiter.tell.send(self.outcome);
        }
    }
}

/// The desks of all runtimes that callers wait in.
#[derive(Default)]
pub(crate) struct Desks(Vec<Arc<Desk>>);

impl Desks {
    /// The desk of the runtime that runs the caller; set up at its first call.
    pub(crate) fn here(&mut self) -> Option<Arc<Desk>> {
        let runtime = Handle::try_current().ok()?;
        let id = runtime.id();
        if let Some(desk) = self.0.iter().find(|desk| desk.runtime == id) {
            return Some(Arc::clone(desk));
        }
        let (inbox, mut post) = mpsc::unbounded_channel();
        // Ends with the journal or with the runtime, whichever is first.
        runtime.spawn(async move { while post.recv().await.map(drop).is_some() {} });
        let desk = Arc::new(Desk { runtime: id, inbox });
        self.0.retain(|desk| !desk.inbox.is_closed());
        self.0.push(Arc::clone(&desk));
        Some(desk)
    }
}

/// Tells `waiters`, those of one runtime together.
pub(crate) fn tell(mut waiters: Vec<Waiter>, outcome: Outcome) {
    while let Some(first) = waiters.first() {
        let desk = first.desk.clone();
        let same = |waiter: &Waiter| match (&waiter.desk, &desk) {
            (Some(its), Some(desk)) => Arc::ptr_eq(its, desk),
            (None, None) => true,
            _ => false,
        };
        let (here, elsewhere) = waiters.into_iter().partition(same);
        let news = News { waiters: here, outcome };
        if let Some(desk) = desk {
            // A desk that has gone gives the news back, and dropping it is telling it.
            drop(desk.inbox.send(news));
        }
        waiters = elsewhere;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiter(desks: &mut Desks) -> (Waiter, oneshot::Receiver<Outcome>) {
        let (tell, told) = oneshot::channel();
        (Waiter { seq: 1, tell, desk: desks.here() }, told)
    }

    fn runtime() -> tokio::runtime::Runtime {
        tokio::runtime::Builder::new_current_thread().build().expect("a runtime")
    }

    #[test]
    fn everybody_is_told_within_and_without_runtimes() {
        let mut desks = Desks::default();
        let (one, other) = (runtime(), runtime());
        let (mut waiters, mut told) = (Vec::new(), Vec::new());
        for at in 0..30 {
            let _inside = match at % 3 {
                0 => None,
                1 => Some(one.enter()),
                _ => Some(other.enter()),
            };
            let (waiter, receiver) = waiter(&mut desks);
            waiters.push(waiter);
            told.push(receiver);
        }
        assert_eq!(desks.0.len(), 2, "one desk a runtime");
        tell(waiters, Ok(()));
        for (at, mut told) in told.into_iter().enumerate() {
            match at % 3 {
                0 => assert_eq!(told.try_recv(), Ok(Ok(()))),
                1 => assert_eq!(one.block_on(told), Ok(Ok(()))),
                _ => assert_eq!(other.block_on(told), Ok(Ok(()))),
            }
        }
    }

    #[test]
    fn news_for_a_runtime_that_ends_is_not_lost() {
        let mut desks = Desks::default();
        let ended = runtime();
        let (before, mut told_before) = ended.block_on(async { waiter(&mut desks) });
        let (after, mut told_after) = ended.block_on(async { waiter(&mut desks) });
        // In the post when the runtime ends.
        tell(vec![before], Ok(()));
        drop(ended);
        assert_eq!(told_before.try_recv(), Ok(Ok(())));
        // Sent when it has ended.
        tell(vec![after], Err(Unavailable::Failed));
        assert_eq!(told_after.try_recv(), Ok(Err(Unavailable::Failed)));
        // Its desk makes room for the next.
        let next = runtime();
        next.block_on(async { waiter(&mut desks) });
        assert_eq!(desks.0.len(), 1);
    }
}
