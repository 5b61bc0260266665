//! The ten stages of a call (DESIGN §2) as a typed chain, the snapshot they read and the holds they take.
//!
//! **Invariant:** no HTTP framework in here; the `http` crate's vocabulary types only.

pub mod call;

pub use call::{Dispatch, Fetched, Inbound, Opened, Payload, RateLimit, Reply, Upstream, UpstreamFault};
