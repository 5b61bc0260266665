//! The signals that `shuzha serve` obeys, and those that it only reports.
//!
//! They are received on a thread of its own from the first step of the start on. Before the node is ready there is
//! nothing to drain and nothing to hand over: an order to end ends the process, an order to reload is carried out as soon
//! as there is something to reload. No other signal that a person or a program can send ends or stops the gateway: by
//! default a stray SIGUSR1 would cut off every call under way.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::{Context as _, Result};
use rustix::process::Signal as Number;
use shuzha_proxy::Handle;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;

use crate::node::{Node, Reloader};

/// What a signal orders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    /// SIGTERM: finish what is in flight, then end.
    Drain,
    /// SIGQUIT: pass the sockets to a new process, then drain.
    HandOver,
    /// SIGINT: end at once.
    Stop,
    /// SIGHUP: read world files, keys and the TLS certificate again.
    Reload,
    /// None of ours: reported, and nothing else.
    Stray(i32),
}

/// Signals whose default would end the process, or stop it, and that mean nothing to the gateway. SIGPIPE is ignored
/// from the start by Rust's runtime. Faults of the program itself keep their default (SIGSEGV, SIGABRT and their like),
/// and so does SIGTSTP: whoever presses Ctrl-Z at a terminal means it, and can resume the process.
const STRAY: [Number; 12] = [
    Number::USR1,
    Number::USR2,
    Number::ALARM,
    Number::VTALARM,
    Number::PROF,
    Number::IO,
    Number::POWER,
    Number::STKFLT,
    Number::XCPU,
    Number::XFSZ,
    Number::TTIN,
    Number::TTOU,
];
/// Real-time signals end a process by default as well. The C library keeps the first two for itself.
const REAL_TIME: std::ops::RangeInclusive<i32> = 34..=64;

/// The signals, received from now on.
struct Signals(Vec<(Order, Signal)>);

impl Signals {
    fn install() -> std::io::Result<Self> {
        let ours = [
            (Order::Drain, SignalKind::terminate()),
            (Order::HandOver, SignalKind::quit()),
            (Order::Stop, SignalKind::interrupt()),
            (Order::Reload, SignalKind::hangup()),
        ];
        let stray = STRAY.iter().map(|number| number.as_raw()).chain(REAL_TIME);
        let stray = stray.map(|number| (Order::Stray(number), SignalKind::from_raw(number)));
        let all = ours.into_iter().chain(stray);
        all.map(|(order, kind)| Ok((order, signal(kind)?))).collect::<std::io::Result<_>>().map(Self)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Order> {
        for (order, signal) in &mut self.0 {
            if signal.poll_recv(context).is_ready() {
                return Poll::Ready(*order);
            }
        }
        Poll::Pending
    }

    /// The next order that is ours. Others are reported.
    async fn next(&mut self) -> Order {
        loop {
            match poll_fn(|context| self.poll(context)).await {
                Order::Stray(number) => tracing::warn!(
                    signal = number,
                    "a signal that means nothing here is ignored; SIGTERM drains, SIGQUIT hands over, SIGHUP reloads, \
                     SIGINT ends at once"
                ),
                order => return order,
            }
        }
    }
}

/// A node that orders can be given to.
struct Served {
    handle: Handle,
    reloader: Arc<Reloader>,
}

/// Signals that are received while the node is still being built.
pub struct Early(oneshot::Sender<Served>);

/// Receives signals from now until the process ends.
///
/// # Errors
/// When the signals, or a thread for them, cannot be had.
pub fn receive() -> Result<Early> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut signals = {
        let _inside = runtime.enter();
        Signals::install().context("the signals")?
    };
    let (ready, served) = oneshot::channel();
    let obeying = move || {
        let Some((served, reload_due)) = runtime.block_on(until_ready(&mut signals, served)) else { return };
        if reload_due {
            reload(&served);
        }
        loop {
            match runtime.block_on(signals.next()) {
                Order::Drain => served.handle.drain(),
                Order::HandOver => served.handle.upgrade(),
                Order::Stop => served.handle.stop(),
                Order::Reload => reload(&served),
                Order::Stray(_) => {}
            }
        }
    };
    // Ends with the process: there is nothing to wait for in it.
    std::thread::Builder::new().name("signals".into()).spawn(obeying)?;
    Ok(Early(ready))
}

impl Early {
    /// Obeys signals from now until the process ends.
    pub fn obey(self, node: &Node) {
        let served = Served { handle: node.handle.clone(), reloader: Arc::clone(&node.reloader) };
        // The other side goes away only with the process.
        let _ = self.0.send(served);
    }
}

/// The node once it is ready, and whether a reload was ordered meanwhile; none when it will never be.
async fn until_ready(signals: &mut Signals, mut ready: oneshot::Receiver<Served>) -> Option<(Served, bool)> {
    let mut reload_due = false;
    loop {
        let order = tokio::select! {
            biased;
            served = &mut ready => return served.ok().map(|served| (served, reload_due)),
            order = signals.next() => order,
        };
        match order {
            // Nothing was accepted, and what the start writes may be cut off anywhere: it is made for a loss of power.
            Order::Drain | Order::Stop => {
                tracing::info!("told to end before it was ready: nothing was accepted");
                std::process::exit(0);
            }
            Order::HandOver => tracing::warn!("not ready: there is nothing to hand over yet"),
            Order::Reload => reload_due = true,
            Order::Stray(_) => {}
        }
    }
}

/// Ready once the process is asked to end, in whatever way. To be called within a runtime.
///
/// # Errors
/// When the signals cannot be had.
pub fn stopped() -> Result<impl Future<Output = ()>> {
    let mut signals = Signals::install()?;
    Ok(async move { while signals.next().await == Order::Reload {} })
}

/// The same for a program at a terminal: it also ends with the terminal, which sends SIGHUP.
///
/// # Errors
/// When the signals cannot be had.
pub fn stopped_or_left() -> Result<impl Future<Output = ()>> {
    let mut signals = Signals::install()?;
    Ok(async move {
        signals.next().await;
    })
}

/// Reads everything again that can change while the node runs. World and certificate do not depend on each other: a fault
/// of the one keeps neither an expiring certificate nor a suspension in a file waiting for the other.
fn reload(served: &Served) {
    let certificate = served.handle.reload_certificate();
    match &certificate {
        Ok(Some(state)) => tracing::info!(days_left = state.days_left, "the TLS certificate is reloaded"),
        Ok(None) => {}
        Err(fault) => {
            let fault = fault.to_string();
            tracing::error!(fault, "the TLS certificate is not reloaded: the one before stays in use");
        }
    }
    match (served.reloader.reload(), certificate) {
        (Ok(snapshot), Ok(_)) => tracing::info!(snapshot, "reloaded"),
        (Ok(snapshot), Err(fault)) => {
            let faults = fault.to_string();
            tracing::error!(snapshot, faults, "reloaded but for the TLS certificate");
        }
        (Err(error), _) => {
            let faults = format!("{error:#}");
            tracing::error!(faults, "not reloaded: what was in force stays in force");
        }
    }
}
