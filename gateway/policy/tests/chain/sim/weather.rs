//! Randomness of the simulation, and a product service that depends on it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use shuzha_policy::{Dispatch, Fetched, Opened, Upstream, UpstreamFault};

use crate::upstream::{CONSISTENT, WARD};

/// 不一致: what a service may say when it is asked again.
const INCONSISTENT: &str = r#"{"code":"01"}"#;

/// SplitMix64: every seed is as good as any other.
pub(super) struct Rng(u64);

impl Rng {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x2545_F491_4F6C_DD1D) ^ 0x5DEE_CE66)
    }

    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// An index below `length`.
    pub(super) fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).expect("below a length")
    }
}

/// How well the product service does.
#[derive(Clone, Copy)]
pub(super) enum Weather {
    /// It always answers.
    Fair,
    /// It answers every second time.
    Foul,
}

impl Weather {
    pub(super) fn of(rng: &mut Rng) -> Self {
        if rng.below(3) == 0 { Self::Foul } else { Self::Fair }
    }
}

/// The product service.
pub(super) struct Chance {
    rng: Mutex<Rng>,
    weather: Weather,
    /// Of the data over the ward's people.
    version: AtomicUsize,
}

impl Chance {
    pub(super) fn new(seed: u64, weather: Weather, version: usize) -> Self {
        Self { rng: Mutex::new(Rng::new(seed)), weather, version: version.into() }
    }

    /// The version of the ward's data.
    pub(super) fn version(&self) -> usize {
        self.version.load(Ordering::Relaxed)
    }

    /// The ward's data have another version from now on.
    pub(super) fn set_version(&self, version: usize) {
        self.version.store(version, Ordering::Relaxed);
    }

    pub(super) fn with<T>(&self, draw: impl FnOnce(&mut Rng) -> T) -> T {
        draw(&mut self.rng.lock().expect("no holder panics"))
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
