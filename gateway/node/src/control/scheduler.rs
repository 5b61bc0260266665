//! A thread that deals with deadlines when they are due.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use shuzha_control::Control;
use shuzha_control::accounts::Accounts;

use crate::worker::{Waker, Worker};

/// Longest time between two looks: the clock may be set, and an act may bring a nearer deadline.
const PAUSE: Duration = Duration::from_secs(1);
/// Looks between two removals of ended sessions.
const TIDY_EVERY: u32 = 600;

/// Starts the thread.
pub(super) fn start(control: Arc<Control>, accounts: Arc<Accounts>) -> Result<Worker> {
    let mut looks: u32 = 0;
    let look = move || {
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
        if idle { PAUSE } else { Duration::ZERO }
    };
    Ok(Worker::start("deadlines", Waker::default(), look)?)
}
