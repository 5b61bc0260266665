//! The control API's own thread and runtime: what persons ask for takes nothing from the data plane's threads.

use std::net::{self, SocketAddr};
use std::thread::JoinHandle;

use anyhow::{Context as _, Result};
use shuzha_api::Api;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A listening control API.
pub(super) struct Listener {
    pub(super) address: SocketAddr,
    drain: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

/// The socket at `address`.
///
/// # Errors
/// When the address is taken.
pub(super) fn bind(address: SocketAddr) -> Result<net::TcpListener> {
    net::TcpListener::bind(address).with_context(|| format!("the control API cannot listen at {address}"))
}

impl Listener {
    /// Answers what comes to `socket`.
    ///
    /// # Errors
    /// When no thread can be had.
    pub(super) fn start(socket: net::TcpListener, api: Api) -> Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        socket.set_nonblocking(true)?;
        let address = socket.local_addr()?;
        let socket = runtime.block_on(async { TcpListener::from_std(socket) })?;
        let (drain, drained) = oneshot::channel();
        let serve = move || {
            // A dropped sender ends it as well.
            runtime.block_on(api.serve(socket, async { drop(drained.await) }));
        };
        let thread = std::thread::Builder::new().name("control-api".to_owned()).spawn(serve)?;
        Ok(Self { address, drain, thread })
    }

    /// Lets what is under way finish, and ends.
    pub(super) fn stop(self) {
        // It may have ended by itself.
        let _ = self.drain.send(());
        if self.thread.join().is_err() {
            tracing::error!("the thread of the control API panicked");
        }
    }
}
