//! A thread that deals with deadlines when they are due.

use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Result;
use shuzha_control::Control;
use shuzha_control::accounts::Accounts;

/// Longest time between two looks: the clock may be set, and an act may bring a nearer deadline.
const PAUSE: Duration = Duration::from_secs(1);
/// Looks between two removals of ended sessions.
const TIDY_EVERY: u32 = 600;

/// The thread. It ends with [`Scheduler::stop`].
pub(super) struct Scheduler {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: JoinHandle<()>,
}

impl Scheduler {
    pub(super) fn start(control: Arc<Control>, accounts: Arc<Accounts>) -> Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let told = Arc::clone(&stop);
        let keep = move || {
            let mut looks: u32 = 0;
            loop {
                // The register or the journal may be away for a while; what is due stays due.
                let idle = match control.tick() {
                    Ok(done) => done == 0,
                    Err(error) => {
                        tracing::error!(%error, "deadlines could not be dealt with");
                        true
                    }
                };
                if looks.is_multiple_of(TIDY_EVERY)
                    && let Err(error) = accounts.tidy()
                {
                    tracing::error!(%error, "ended sessions could not be removed");
                }
                looks = looks.wrapping_add(1);
                let pause = if idle { PAUSE } else { Duration::ZERO };
                let guard = told.0.lock().expect("nothing panics while it holds the flag");
                let waited = told.1.wait_timeout_while(guard, pause, |stop| !*stop);
                if *waited.expect("nothing panics while it holds the flag").0 {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("deadlines".to_owned()).spawn(keep)?;
        Ok(Self { stop, thread })
    }

    pub(super) fn stop(self) {
        *self.stop.0.lock().expect("nothing panics while it holds the flag") = true;
        self.stop.1.notify_all();
        if self.thread.join().is_err() {
            tracing::error!("the thread of the deadlines panicked");
        }
    }
}
