//! The product services as one call sees them, with a stopwatch.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::Duration;

use shuzha_core::Id;
use shuzha_policy::{Dispatch, DomainDigest, Fetched, Opened, Upstream, UpstreamFault};

use super::{PackageBody, Upstreams};
use crate::metrics::Stopwatch;

/// The product services as one call sees them: its time there is measured.
#[derive(Debug)]
pub(crate) struct Timed<'a> {
    upstreams: &'a Upstreams,
    spent: Stopwatch,
    answered: AtomicBool,
}

impl<'a> Timed<'a> {
    pub(crate) fn new(upstreams: &'a Upstreams) -> Self {
        Self { upstreams, spent: Stopwatch::default(), answered: AtomicBool::new(false) }
    }

    /// Whether a product service answered.
    pub(crate) fn answered(&self) -> bool {
        self.answered.load(Relaxed)
    }

    /// Time spent waiting for product services.
    pub(crate) fn spent(&self) -> Duration {
        self.spent.total()
    }

    fn ended<T>(&self, started: tokio::time::Instant, ended: &Result<T, UpstreamFault>) {
        self.spent.add(started.elapsed());
        self.answered.fetch_or(ended.is_ok(), Relaxed);
    }
}

impl Upstream for Timed<'_> {
    type Stream = PackageBody;

    fn keeps(&self, upstream: &Id, domain: DomainDigest) -> bool {
        self.upstreams.keeps(upstream, domain)
    }

    async fn fetch(&self, dispatch: Dispatch<'_>) -> Result<Fetched, UpstreamFault> {
        let started = tokio::time::Instant::now();
        let ended = self.upstreams.fetch(dispatch).await;
        self.ended(started, &ended);
        ended
    }

    async fn open(&self, dispatch: Dispatch<'_>) -> Result<Opened<PackageBody>, UpstreamFault> {
        let started = tokio::time::Instant::now();
        let ended = self.upstreams.open(dispatch).await;
        self.ended(started, &ended);
        ended
    }
}
