//! How the server stops: by its handle, in order or at once.
//!
//! Pingora asks [`ShutdownSignalWatch::recv`] when to shut down, and then drops the tasks of its runtimes after whole
//! seconds of waiting. So everything that takes care happens before `recv` returns: when it does, no connection is open
//! and Pingora has nothing to wait for.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use pingora_core::server::{ShutdownSignal, ShutdownSignalWatch};
use tokio::sync::watch;

use super::handover;
use super::sockets::Sockets;
use crate::connection::Registry;

/// What the server was told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// Finish what is in flight, then end.
    Drain,
    /// End now.
    Fast,
    /// Pass the sockets on, then drain. The number tells orders apart.
    Upgrade(u32),
}

/// The server's end, prepared.
pub(super) struct Stopping {
    pub(super) orders: watch::Receiver<Option<Order>>,
    pub(super) stop_data: watch::Sender<bool>,
    pub(super) stop_operations: watch::Sender<bool>,
    pub(super) connections: Arc<Registry>,
    /// Owner: this watcher; taken when the sockets are passed on or closed.
    pub(super) sockets: Mutex<Option<Sockets>>,
    pub(super) upgrade_socket: Option<PathBuf>,
    pub(super) drain: Duration,
}

#[async_trait]
impl ShutdownSignalWatch for Stopping {
    async fn recv(&self) -> ShutdownSignal {
        let mut orders = self.orders.clone();
        loop {
            match next(&mut orders).await {
                Order::Fast => break,
                Order::Drain => {
                    self.close(false, &mut orders).await;
                    break;
                }
                Order::Upgrade(_) => {
                    if self.pass_on().await {
                        self.close(true, &mut orders).await;
                        break;
                    }
                }
            }
        }
        // Not `FastShutdown`: with it Pingora would not wait for its threads to end.
        ShutdownSignal::GracefulTerminate
    }
}

/// The next order. Were the last handle gone, that would be an order to drain: nobody could give one.
async fn next(orders: &mut watch::Receiver<Option<Order>>) -> Order {
    let order = match orders.changed().await {
        Ok(()) => *orders.borrow_and_update(),
        Err(_) => None,
    };
    order.unwrap_or(Order::Drain)
}

impl Stopping {
    /// Stops accepting, closes connections in order, and returns when the last is gone, the time is up, or a second
    /// order says to end now.
    async fn close(&self, operations: bool, orders: &mut watch::Receiver<Option<Order>>) {
        drop(self.take_sockets());
        self.stop_data.send_replace(true);
        if operations {
            self.stop_operations.send_replace(true);
        }
        let closing = async {
            // The accept loops have ended once nobody listens to the order to stop.
            self.stop_data.closed().await;
            self.connections.drain();
            self.connections.empty().await;
        };
        let now = async { while next(orders).await != Order::Fast {} };
        tokio::select! {
            () = closing => {}
            () = now => {}
            () = tokio::time::sleep(self.drain) => {
                tracing::warn!(open = self.connections.len(), "the drain ran out of time");
            }
        }
    }

    /// Passes the sockets to the new process. False when that failed: the server goes on.
    async fn pass_on(&self) -> bool {
        let Some(path) = self.upgrade_socket.clone() else {
            tracing::error!("an upgrade was ordered, but no upgrade socket is configured");
            return false;
        };
        let Some(sockets) = self.take_sockets() else { return false };
        let passing = tokio::task::spawn_blocking(move || {
            let passed = handover::hand_over(&sockets, &path);
            (sockets, passed)
        });
        let Ok((sockets, passed)) = passing.await else { return false };
        if let Err(fault) = passed {
            tracing::error!(%fault, "the upgrade failed; this process goes on serving");
            *self.sockets.lock().expect("no code panics while it holds this lock") = Some(sockets);
            return false;
        }
        true
    }

    fn take_sockets(&self) -> Option<Sockets> {
        self.sockets.lock().expect("no code panics while it holds this lock").take()
    }
}
