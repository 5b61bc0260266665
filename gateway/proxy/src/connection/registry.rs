//! All open connections of a server: so that a drain can tell each of them, and knows when the last is gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};

use tokio::sync::Notify;
use tokio::time::Instant;

use crate::conn::{Conn, Wanted};

/// The open connections.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// Owner: this registry; held only to insert, remove and copy.
    open: Mutex<HashMap<u64, Arc<Conn>>>,
    next: AtomicU64,
    draining: AtomicBool,
    emptied: Notify,
    wanted: Arc<Wanted>,
    /// Connections that were idle when last looked, the one that has been longest at the end. Owner: whoever makes room.
    idle: Mutex<Vec<(Instant, Weak<Conn>)>>,
}

/// Idle connections noted at a time: looking through all of them is paid for by as many that are closed.
const NOTED_MAX: usize = 64;

impl Registry {
    /// Counts a connection in until the ticket is dropped.
    pub(crate) fn enter(self: &Arc<Self>, conn: &Arc<Conn>) -> Ticket {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
        conn.tell(&self.wanted);
        self.lock().insert(key, Arc::clone(conn));
        // A drain that began before the insertion has not told this connection.
        if self.is_draining() {
            conn.retire();
        }
        Ticket { registry: Arc::clone(self), key }
    }

    /// Whether a drain has begun.
    pub(crate) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Connections open now.
    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Tells every connection to close once what it has in flight is answered.
    pub(crate) fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
        let open: Vec<_> = self.lock().values().cloned().collect();
        for conn in open {
            conn.retire();
        }
    }

    /// Makes room by ending the connection that has carried no request for longest, and resolves once one was told to end.
    pub(crate) async fn make_room(&self) {
        self.wanted.wait(true);
        while !self.end_oldest_idle() {
            self.wanted.offered().await;
        }
        self.wanted.wait(false);
    }

    fn end_oldest_idle(&self) -> bool {
        let mut noted = self.idle.lock().expect("no code panics while it holds this lock");
        for _ in 0..2 {
            while let Some((since, oldest)) = noted.pop() {
                // One that was used since is not the oldest any more; it is noted again when its turn comes.
                if let Some(conn) = oldest.upgrade()
                    && conn.idle_since() == Some(since)
                    && !conn.is_closing()
                {
                    conn.cut();
                    return true;
                }
            }
            let open = self.lock();
            let mut idle: Vec<_> =
                open.values().filter_map(|conn| Some((conn.idle_since()?, Arc::downgrade(conn)))).collect();
            drop(open);
            idle.sort_by_key(|(since, _)| *since);
            noted.extend(idle.into_iter().take(NOTED_MAX).rev());
        }
        false
    }

    /// Resolves when no connection is open.
    pub(crate) async fn empty(&self) {
        loop {
            let emptied = self.emptied.notified();
            if self.len() == 0 {
                return;
            }
            emptied.await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Conn>>> {
        self.open.lock().expect("no code panics while it holds this lock")
    }
}

/// Counts its connection out when dropped.
#[derive(Debug)]
pub(crate) struct Ticket {
    registry: Arc<Registry>,
    key: u64,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut open = self.registry.lock();
        open.remove(&self.key);
        if open.is_empty() {
            self.registry.emptied.notify_waiters();
        }
    }
}
