//! What the benchmarks stand on: the test gateway, a product service that answers at once, a clock, a voice.

use std::time::Instant;

use bytes::Bytes;
use shuzha_policy::{Dispatch, Fetched, Opened, Upstream, UpstreamFault};

use shuzha_testkit_policy::upstream;

/// A product service that answers at once and allocates nothing.
pub(crate) struct AtOnce;

impl Upstream for AtOnce {
    type Stream = ();

    fn keeps(&self, _: &shuzha_core::Id, _: shuzha_privacy::dp::DomainDigest) -> bool {
        true
    }

    async fn fetch(&self, _: Dispatch<'_>) -> Result<Fetched, UpstreamFault> {
        Ok(Fetched { status: 200, body: Bytes::from_static(upstream::CONSISTENT.as_bytes()) })
    }

    async fn open(&self, _: Dispatch<'_>) -> Result<Opened<()>, UpstreamFault> {
        Err(UpstreamFault::Unreachable)
    }
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub(crate) fn now() -> Instant {
    Instant::now()
}

#[expect(clippy::print_stdout, reason = "a benchmark prints its result")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
