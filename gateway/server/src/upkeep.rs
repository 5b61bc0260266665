//! A thread that has the gate forget what is over and hand its counts of refusals to the journal.

use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use shuzha_policy::Gate;

/// Time between two rounds.
const PAUSE: Duration = Duration::from_secs(5);

/// The thread. It ends with [`Upkeep::stop`].
pub(crate) struct Upkeep {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<()>,
}

impl Upkeep {
    /// Starts it; the first round is over when this returns.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub(crate) fn start(gate: Arc<Gate>) -> Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        gate.keep_up();
        let told = Arc::clone(&stop);
        let keep = move || {
            loop {
                let guard = told.0.lock().expect("nothing panics while it holds the flag");
                let waited = told.1.wait_timeout_while(guard, PAUSE, |stop| !*stop);
                if *waited.expect("nothing panics while it holds the flag").0 {
                    return;
                }
                gate.keep_up();
            }
        };
        let thread = std::thread::Builder::new().name("upkeep".to_owned()).spawn(keep)?;
        Ok(Self { stop, thread })
    }

    /// Ends it.
    pub(crate) fn stop(self) {
        *self.stop.0.lock().expect("nothing panics while it holds the flag") = true;
        self.stop.1.notify_all();
        if self.thread.join().is_err() {
            tracing::error!("the thread of the upkeep panicked");
        }
    }
}
