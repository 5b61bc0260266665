//! Following the journal on a thread: catch up, wait for more, until drained.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shuzha_journal::{Health, Journal};

/// How long to wait for records before looking whether to end.
const DRAIN_POLL: Duration = Duration::from_millis(50);

/// Calls `catch_up`, which answers the last record it has dealt with, whenever the journal has more and `interval` is over. Ends
/// after a last call once `draining` is set, or the journal has failed or closed.
///
/// # Errors
/// What `catch_up` answers.
pub(crate) fn follow<E>(
    journal: &Journal,
    draining: &AtomicBool,
    interval: Duration,
    mut catch_up: impl FnMut() -> Result<u64, E>,
) -> Result<(), E> {
    let over =
        || draining.load(Ordering::Acquire) || matches!(journal.health(), Health::Failed(_) | Health::Closed);
    loop {
        let last = over();
        let reached = catch_up()?;
        if last {
            return Ok(());
        }
        let mut waited = Duration::ZERO;
        while (journal.wait_durable_beyond(reached, DRAIN_POLL) <= reached || waited < interval) && !over() {
            if journal.durable_seq() > reached {
                std::thread::sleep(DRAIN_POLL);
            }
            waited += DRAIN_POLL;
        }
    }
}
