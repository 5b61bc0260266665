//! R15 on one node: a request that was answered is never answered again — sent at once by many, later within the window of
//! signatures, with the signer's clock off by a minute, after kills and power cuts.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use crate::calls::Ask;
use crate::gateway::{TestGateway, outcome};
use crate::upstream::Fake;

/// Replays that every run of the tests makes, per clock and start.
const REPLAYS: usize = 250;
/// Requests whose replays are tried together.
const REQUESTS: usize = 8;

/// Replays each of `asks` `times` times at once; how many were not refused as replays, and with what.
async fn replayed(house: &Arc<TestGateway>, asks: &[Ask], times: usize) -> Vec<String> {
    let mut calls = JoinSet::new();
    for ask in asks {
        let (house, ask) = (Arc::clone(house), ask.clone());
        calls.spawn(async move {
            let mut others = Vec::new();
            for _ in 0..times {
                let got = outcome(&house.call(&ask, &Fake::new([])).await);
                if !matches!(got.as_str(), "C104" | "C105") {
                    others.push(got);
                }
            }
            others
        });
    }
    calls.join_all().await.into_iter().flatten().collect()
}

/// Makes `times` × 3 starts × 2 clocks × 8 requests replays.
async fn try_replays(times: usize) -> usize {
    let mut tried = 0;
    for skew in [-60, 60] {
        let mut house = Arc::new(TestGateway::new());
        let asks: Vec<Ask> = (0..REQUESTS)
            .map(|number| Ask {
                nonce: Some(format!("replayed-{skew}-{number}")),
                skew,
                ..Ask::new("bank-1", "company-check", "verify", "bank-onboarding")
            })
            .collect();
        for ask in &asks {
            assert_eq!(outcome(&house.call(ask, &Fake::new([])).await), "answered");
        }
        for how in [
            None,
            Some(TestGateway::killed as fn(TestGateway) -> TestGateway),
            Some(TestGateway::without_power),
        ] {
            if let Some(how) = how {
                house = Arc::new(how(Arc::into_inner(house).expect("no call is under way")));
            }
            // Signed anew with the old nonce at each call: fresh in time, and still the same nonce.
            for seconds in [0, 59, 60] {
                house.clock.advance(Duration::from_secs(seconds));
                assert_eq!(replayed(&house, &asks, times.div_ceil(3)).await, Vec::<String>::new());
                tried += asks.len() * times.div_ceil(3);
            }
        }
    }
    tried
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_answered_twice() {
    assert!(try_replays(REPLAYS).await > 10_000);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a million replays: some minutes"]
async fn a_million_replays_are_refused() {
    let mut tried = 0;
    while tried < 1_000_000 {
        tried += try_replays(1_500).await;
    }
    println!("{tried} replays refused");
}
