//! Idle links to one instance of a product service.

use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::link::Link;

/// Idle links kept per instance; more are closed.
const IDLE_MAX: usize = 256;
/// How long a link may lie idle. Shorter than what servers commonly grant, so that we close first.
const IDLE_TIME_MAX: Duration = Duration::from_secs(30);

/// A stack of idle links: the one used last is taken first, so that those not needed grow old.
#[derive(Debug, Default)]
pub(super) struct Pool {
    /// Owner: this pool, oldest first; held only to push and pop.
    idle: Mutex<Vec<(Instant, Link)>>,
}

impl Pool {
    /// A link that can carry a request.
    pub(super) async fn take(&self) -> Option<Link> {
        loop {
            let (since, mut link) = self.lock().pop()?;
            if since.elapsed() < IDLE_TIME_MAX && link.is_fresh().await {
                return Some(link);
            }
        }
    }

    /// Puts back a link whose answer was read to its end.
    pub(super) fn give(&self, link: Link) {
        let now = Instant::now();
        let mut idle = self.lock();
        let old = idle.iter().take_while(|(since, _)| now.duration_since(*since) >= IDLE_TIME_MAX).count();
        let spare = idle.drain(..old).collect::<Vec<_>>();
        if idle.len() < IDLE_MAX {
            idle.push((now, link));
        }
        drop(idle);
        drop(spare);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<(Instant, Link)>> {
        self.idle.lock().expect("no code panics while it holds this lock")
    }
}
