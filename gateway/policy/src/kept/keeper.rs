//! Keeps the file in step with what is in force, in the background and at a bounded rate.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use super::{KeptKey, write, write_sealed};
use crate::shards::lock;
use crate::{Gate, Mark};

/// Writes the world in force to a file whenever it has changed, at most once per pause. Dropping it writes the last
/// change and ends the thread.
pub struct Keeper {
    stop: Arc<(Mutex<bool>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Starts keeping what `gate` has in force at `path`, under `key` where there is one. `on_disk` is the digest of the world that is there already, and
    /// how far it follows.
    /// A failure is logged and tried again after the next pause: serving does not depend on it.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn start(
        gate: Arc<Gate>,
        path: PathBuf,
        pause: Duration,
        on_disk: Option<([u8; 32], Option<Mark>)>,
        key: Option<KeptKey>,
    ) -> io::Result<Self> {
        let stop = Arc::new((Mutex::new(false), Condvar::new()));
        let told = Arc::clone(&stop);
        let mut kept = on_disk;
        let keep = move || {
            loop {
                let guard = lock(&told.0);
                let waited = told.1.wait_timeout_while(guard, pause, |stop| !*stop);
                let stopping = *waited.unwrap_or_else(std::sync::PoisonError::into_inner).0;
                let snapshot = gate.snapshot();
                let now = Some((*snapshot.digest(), snapshot.mark()));
                if kept != now {
                    let written = match &key {
                        Some(key) => write_sealed(&path, &snapshot, key),
                        None => write(&path, &snapshot),
                    };
                    match written {
                        Ok(()) => kept = now,
                        Err(error) => tracing::error!(%error, "the world in force could not be kept on disk"),
                    }
                }
                if stopping {
                    return;
                }
            }
        };
        let thread = std::thread::Builder::new().name("keeper".to_owned()).spawn(keep)?;
        Ok(Self { stop, thread: Some(thread) })
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        *lock(&self.stop.0) = true;
        self.stop.1.notify_all();
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the keeper of the world on disk panicked");
        }
    }
}
