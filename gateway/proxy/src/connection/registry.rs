//! All open connections of a server: so that a drain can tell each of them, and knows when the last is gone.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use super::Conn;

/// The open connections.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    /// Owner: this registry; held only to insert, remove and copy.
    open: Mutex<HashMap<u64, Arc<Conn>>>,
    next: AtomicU64,
    draining: AtomicBool,
    emptied: Notify,
}

impl Registry {
    /// Counts a connection in until the ticket is dropped.
    pub(crate) fn enter(self: &Arc<Self>, conn: &Arc<Conn>) -> Ticket {
        let key = self.next.fetch_add(1, Ordering::Relaxed);
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
