//! A thread that has the gate forget what is over and hand its counts of refusals to the journal, and compares the node's clock
//! with the machine's.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use prometheus::{IntGauge, Registry};
use shuzha_core::clock::{GuardedClock, ShiftedClock};
use shuzha_policy::Gate;

use crate::worker::{Waker, Worker};

/// Time between two rounds.
const PAUSE: Duration = Duration::from_secs(5);

/// Watches the machine's clock.
struct ClockWatch {
    clock: Arc<GuardedClock>,
    astray: IntGauge,
    /// Whether it was astray at the last round.
    was: bool,
}

impl ClockWatch {
    fn new(clock: Arc<GuardedClock>, registry: &Registry) -> Result<Self> {
        let astray = IntGauge::new(
            "shuzha_clock_astray_seconds",
            "How far the machine's clock was set away from the node's; 0 while they agree",
        )?;
        registry.register(Box::new(astray.clone()))?;
        Ok(Self { clock, astray, was: false })
    }

    fn round(&mut self, gate: &Gate) {
        let apart = self.clock.compare().map(|apart| apart.as_secs().max(1));
        self.astray.set(apart.and_then(|seconds| i64::try_from(seconds).ok()).unwrap_or_default());
        match apart {
            Some(seconds) if !self.was => {
                tracing::error!(
                    seconds,
                    "the machine's clock was set away from the node's, which goes on as before"
                );
                gate.note_clock(seconds);
            }
            None if self.was => tracing::info!("the machine's clock agrees with the node's again"),
            _ => {}
        }
        self.was = apart.is_some();
    }
}

/// Starts the thread; the first round over what the gate forgets is over when this returns.
///
/// # Errors
/// When there is no thread to be had, or the metric is registered already.
pub(crate) fn start(gate: Arc<Gate>, clock: &ShiftedClock, registry: &Registry) -> Result<Worker> {
    let mut watch = ClockWatch::new(Arc::clone(clock.guarded()), registry)?;
    gate.keep_up();
    let round = move || {
        gate.keep_up();
        watch.round(&gate);
        PAUSE
    };
    Ok(Worker::start("upkeep", Waker::default(), round)?)
}
