//! Turns at hashing passwords, which takes much memory and time on purpose: so many at once, and so many that wait.

use std::sync::{Condvar, Mutex, MutexGuard};
use std::time::Duration;

use shuzha_core::Code;

use crate::Error;
use crate::error::Refusal;

/// Most passwords that are hashed at once.
const HASHES_MAX: usize = 4;
/// Most that wait for a turn; more are told to come again.
const WAITING_MAX: usize = 24;
/// Longest time that one waits.
const WAIT_MAX: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct Count {
    hashing: usize,
    waiting: usize,
}

/// Who hashes and who waits for it.
#[derive(Debug, Default)]
pub(super) struct Turns {
    count: Mutex<Count>,
    free: Condvar,
}

/// A turn, until this is dropped.
pub(super) struct Turn<'t>(&'t Turns);

impl Turns {
    fn lock(&self) -> MutexGuard<'_, Count> {
        self.count.lock().expect("nothing panics while it holds the count")
    }

    /// Waits for a turn.
    ///
    /// # Errors
    /// C092 where too many wait already, or the wait is too long.
    pub(super) fn take(&self) -> Result<Turn<'_>, Error> {
        let busy = || {
            let retry_after = Some(Duration::from_secs(1));
            Error::Refused(Refusal { code: Code::C092, faults: Vec::new(), retry_after })
        };
        let mut count = self.lock();
        if count.hashing >= HASHES_MAX && count.waiting >= WAITING_MAX {
            return Err(busy());
        }
        count.waiting += 1;
        let waited = self.free.wait_timeout_while(count, WAIT_MAX, |count| count.hashing >= HASHES_MAX);
        let (mut count, _) = waited.expect("nothing panics while it holds the count");
        count.waiting -= 1;
        if count.hashing >= HASHES_MAX {
            return Err(busy());
        }
        count.hashing += 1;
        Ok(Turn(self))
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.lock().hashing -= 1;
        self.0.free.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_may_wait_are_refused_at_once_and_turns_come_back() {
        let turns = Turns::default();
        let held: Vec<_> = (0..HASHES_MAX).map(|_| turns.take().expect("a turn")).collect();
        turns.lock().waiting = WAITING_MAX;
        assert_eq!(turns.take().err().map(|error| error.code()), Some(Code::C092));
        turns.lock().waiting = 0;
        drop(held);
        assert!(turns.take().is_ok());
        assert_eq!(turns.lock().hashing, 0);
    }
}
