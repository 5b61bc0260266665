//! Randomness of the simulation, and a product service that depends on it.

use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use shuzha_policy::{Dispatch, Fetched, Opened, Upstream, UpstreamFault};
use shuzha_testkit::Seeded;

use crate::upstream::{CONSISTENT, WARD};

/// 不一致: what a service may say when it is asked again.
const INCONSISTENT: &str = r#"{"code":"01"}"#;

/// How well the product service does.
#[derive(Clone, Copy)]
pub(super) enum Weather {
    /// It always answers.
    Fair,
    /// It answers every second time.
    Foul,
}

impl Weather {
    pub(super) fn of(rng: &Seeded) -> Self {
        if rng.below(3) == 0 { Self::Foul } else { Self::Fair }
    }
}

/// The product service.
pub(super) struct Chance {
    rng: Seeded,
    weather: Weather,
    /// Of the data over the ward's people.
    version: AtomicUsize,
}

impl Chance {
    pub(super) fn new(seed: u64, weather: Weather, version: usize) -> Self {
        Self { rng: Seeded::new(seed), weather, version: version.into() }
    }

    /// The version of the ward's data.
    pub(super) fn version(&self) -> usize {
        self.version.load(Ordering::Relaxed)
    }

    /// The ward's data have another version from now on.
    pub(super) fn set_version(&self, version: usize) {
        self.version.store(version, Ordering::Relaxed);
    }

    pub(super) fn with<T>(&self, draw: impl FnOnce(&Seeded) -> T) -> T {
        draw(&self.rng)
    }

    async fn happens(&self) -> Result<bool, UpstreamFault> {
        let (turns, outcome) = self.with(|rng| (rng.below(6), rng.below(10)));
        super::turns(turns).await;
        match (self.weather, outcome) {
            (Weather::Fair, _) | (Weather::Foul, 0..5) => Ok(true),
            (Weather::Foul, 5) => Ok(false),
            (Weather::Foul, 6) => Err(UpstreamFault::Unreachable),
            (Weather::Foul, 7) => Err(UpstreamFault::NoneHealthy),
            (Weather::Foul, 8) => Err(UpstreamFault::Closed),
            (Weather::Foul, _) => Err(UpstreamFault::Timeout),
        }
    }
}

impl Upstream for Chance {
    type Stream = ();

    fn keeps(&self, _: &shuzha_core::Id, _: shuzha_privacy::dp::DomainDigest) -> bool {
        true
    }

    async fn fetch(&self, dispatch: Dispatch<'_>) -> Result<Fetched, UpstreamFault> {
        let right = match dispatch.path {
            "/v1/aggregate" => WARD.replace("ward-1", &format!("ward-{}", self.version())),
            // What is asked twice may have changed meanwhile.
            _ => self.with(|rng| if rng.below(4) == 0 { INCONSISTENT } else { CONSISTENT }).to_owned(),
        };
        let body = if self.happens().await? { right } else { "lies".to_owned() };
        Ok(Fetched { status: 200, body: Bytes::from(body) })
    }

    async fn open(&self, _: Dispatch<'_>) -> Result<Opened<()>, UpstreamFault> {
        let status = if self.happens().await? { 200 } else { 500 };
        Ok(Opened { status, length: Some(100), content_range: None, etag: None, stream: () })
    }
}
