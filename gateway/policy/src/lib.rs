//! The ten stages of a call (DESIGN §2) as a typed chain, the snapshot they read and the holds they take.
//!
//! **Invariant:** no HTTP framework in here; the `http` crate's vocabulary types only.

mod abuse;
mod bounds;
pub mod call;
mod calls;
mod consent_cache;
mod context;
mod delivery;
mod draft;
mod feed;
mod gate;
mod holds;
mod idempotency;
pub mod kept;
mod left_out;
pub mod metrics;
mod nonce;
mod open_call;
mod packages;
mod range;
mod refund;
mod releases;
mod replay;
mod sandbox;
mod shards;
mod signature;
mod snapshot;
mod stages;
mod start;
mod tally;
mod units;
mod watching;

pub use bounds::{Bounds, IDEMPOTENCY_KEY_BYTES_MAX, NONCE_BYTES_MAX, Use};
pub use call::{
    Dispatch, DomainDigest, Fetched, Inbound, Opened, Payload, RateLimit, RateLimits, Reply, Upstream,
    UpstreamFault,
};
pub use feed::{FEED_AGE, FEED_AGE_MAX};
pub use gate::{Gate, Keys, Options, Parts, RefundOutcome, Weight};
pub use left_out::LeftOut;
pub use refund::REFUND;
pub use releases::{KeptRelease, NewRelease, ReleaseKey, ReleaseStore};
pub use signature::{Algorithm, KeyError, SECRET_BYTES_MIN, VerifyingKey};
pub use snapshot::{CompileError, Delta, Engine, KeyRing, Mark, Snapshot};
pub use start::Start;
