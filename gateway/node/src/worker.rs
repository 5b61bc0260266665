//! A thread that does one thing again and again: when it is woken, and when its pause is over.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// What the thread is told.
#[derive(Default)]
struct Told {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    woken: bool,
    stop: bool,
}

impl Told {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Wakes a worker; may be kept by whoever has work for it.
#[derive(Clone, Default)]
pub(crate) struct Waker(Arc<Told>);

impl Waker {
    /// There is work.
    pub(crate) fn wake(&self) {
        self.0.lock().woken = true;
        self.0.changed.notify_all();
    }

    /// Whether the worker is to end: for work that takes long.
    pub(crate) fn is_stopping(&self) -> bool {
        self.0.lock().stop
    }
}

/// The thread. It ends with [`Worker::stop`].
pub(crate) struct Worker {
    waker: Waker,
    thread: JoinHandle<()>,
}

impl Worker {
    /// Starts a thread that calls `work` at once, and then whenever `waker` says so or the pause that `work` answered is over.
    ///
    /// # Errors
    /// When no thread can be started.
    pub(crate) fn start(
        name: &str,
        waker: Waker,
        mut work: impl FnMut() -> Duration + Send + 'static,
    ) -> std::io::Result<Self> {
        let told = waker.clone();
        let keep = move || {
            while !told.is_stopping() {
                let pause = work();
                let idle = |state: &mut State| !state.woken && !state.stop;
                let waited = told.0.changed.wait_timeout_while(told.0.lock(), pause, idle);
                waited.unwrap_or_else(PoisonError::into_inner).0.woken = false;
            }
        };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(keep)?;
        Ok(Self { waker, thread })
    }

    /// Ends it, and waits until it has.
    pub(crate) fn stop(self) {
        self.waker.0.lock().stop = true;
        self.waker.0.changed.notify_all();
        if self.thread.join().is_err() {
            tracing::error!("a worker panicked");
        }
    }
}
