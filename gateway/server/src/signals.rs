//! The signals that `shuzha serve` obeys.
//!
//! They are received on a thread of its own from before the node says that it is ready, so that none can come too
//! early: what they order is kept for the data plane until it looks.

use std::sync::Arc;

use anyhow::Result;
use shuzha_proxy::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::node::Reloader;

/// What a signal orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// SIGTERM: finish what is in flight, then end.
    Drain,
    /// SIGQUIT: pass the sockets to a new process, then drain.
    HandOver,
    /// SIGINT: end at once.
    Stop,
    /// SIGHUP: read world files and keys again.
    Reload,
}

/// The signals, received from now on.
struct Signals {
    term: Signal,
    quit: Signal,
    int: Signal,
    hup: Signal,
}

impl Signals {
    fn install() -> std::io::Result<Self> {
        Ok(Self {
            term: signal(SignalKind::terminate())?,
            quit: signal(SignalKind::quit())?,
            int: signal(SignalKind::interrupt())?,
            hup: signal(SignalKind::hangup())?,
        })
    }

    async fn next(&mut self) -> Order {
        tokio::select! {
            _ = self.term.recv() => Order::Drain,
            _ = self.quit.recv() => Order::HandOver,
            _ = self.int.recv() => Order::Stop,
            _ = self.hup.recv() => Order::Reload,
        }
    }
}

/// Obeys signals from now until the process ends.
///
/// # Errors
/// When the signals, or a thread for them, cannot be had.
pub(crate) fn obey(handle: Handle, reloader: Arc<Reloader>) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::install()?
    };
    let obeying = move || {
        loop {
            match runtime.block_on(signals.next()) {
                Order::Drain => handle.drain(),
                Order::HandOver => handle.upgrade(),
                Order::Stop => handle.stop(),
                Order::Reload => reload(&reloader),
            }
        }
    };
    // Ends with the process: there is nothing to wait for in it.
    std::thread::Builder::new().name("signals".into()).spawn(obeying)?;
    Ok(())
}

/// Ready once the process is asked to end, in whatever way. To be called within a runtime.
///
/// # Errors
/// When the signals cannot be had.
pub(crate) fn stopped() -> Result<impl Future<Output = ()>> {
    let mut signals = Signals::install()?;
    Ok(async move { while signals.next().await == Order::Reload {} })
}

fn reload(reloader: &Reloader) {
    match reloader.reload() {
        Ok(snapshot) => tracing::info!(snapshot, "reloaded"),
        Err(error) => {
            let faults = format!("{error:#}");
            tracing::error!(faults, "not reloaded: what was in force stays in force");
        }
    }
}
