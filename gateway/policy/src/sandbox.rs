//! What the sandbox (数据创新应用实验室, REQUIREMENTS K1) remembers: its own counters and its own idempotency keys, in memory
//! only. Nothing real is counted here, and nothing here is counted anywhere else.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use shuzha_core::Clock;

use crate::bounds::Bounds;
use crate::holds::GrantLedger;
use crate::holds::grant::{CallQuota, Limits, QuotaWindow, Rate};
use crate::idempotency::Idempotency;

/// Calls of one unit per [`RATE_WINDOW`].
const CALLS_PER_WINDOW: u32 = 10;
/// The window of the rate.
const RATE_WINDOW: Duration = Duration::from_secs(1);
/// Most calls of one unit in a row before the rate holds them back.
const BURST: u32 = 20;
/// Most calls of one unit in flight.
const CALLS_AT_ONCE: u32 = 4;
/// Most calls of one unit in a day (Asia/Shanghai): enough to build and test against, too few to serve from.
const CALLS_PER_DAY: u64 = 2_000;

/// The limits of every unit.
const LIMITS: Limits = Limits {
    quota: Some(CallQuota { max: CALLS_PER_DAY, per: QuotaWindow::Day }),
    rate: Some(Rate {
        calls: NonZeroU32::new(CALLS_PER_WINDOW).expect("not zero"),
        window: RATE_WINDOW,
        burst: NonZeroU32::new(BURST).expect("not zero"),
    }),
    concurrency: NonZeroU32::new(CALLS_AT_ONCE),
};

/// The state of the sandbox.
pub(crate) struct Sandbox {
    /// Calls per unit; under the unit's name, where the real ledger has a grant's.
    pub(crate) units: GrantLedger,
    pub(crate) keys: Idempotency,
}

impl Sandbox {
    pub(crate) fn new(clock: Arc<dyn Clock>, bounds: Bounds) -> Self {
        Self { units: GrantLedger::new(clock, []), keys: Idempotency::new(bounds.sandbox(), []) }
    }

    pub(crate) const fn limits() -> &'static Limits {
        &LIMITS
    }
}
