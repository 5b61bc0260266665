//! Retries over the turn of a half-year, where the keys of commitments change.

use super::*;

/// Logic M7: the half-year turns at midnight of 1 July in Shanghai, and the keys of commitments with it.
#[tokio::test]
async fn a_retry_over_the_turn_of_the_half_year_is_a_retry() {
    let turn = Timestamp::from_seconds(1_782_835_200);
    let house = TestGateway::new();
    let ask = Ask::new("bank-1", "company-check", "verify", "bank-onboarding").with("idempotency-key", "k1");
    let mut other = ask.clone();
    other.body = bytes::Bytes::from(String::from_utf8_lossy(&ask.body).replace("启木", "启林"));
    house.clock.set(turn.minus(Duration::from_secs(5)));
    assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "answered");
    let charged = house.gate.charged(&Id::new("bank").expect("a name"));
    house.clock.set(turn.plus(Duration::from_secs(5)));
    assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "replayed");
    assert_eq!(outcome(&house.call(&other, &Fake::new([])).await), "C308");
    house.records().await;
    let house = house.killed();
    assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "replayed");
    assert_eq!(house.gate.charged(&Id::new("bank").expect("a name")), charged);
    assert!(NOON < turn);
}

/// Coverage outlives the turn as well: what a failed try has spent is not spent again.
#[tokio::test]
async fn what_a_try_has_spent_covers_its_retry_over_the_turn() {
    let turn = Timestamp::from_seconds(1_782_835_200);
    let mut house = TestGateway::new();
    house.clock.set(turn.minus(Duration::from_secs(5)));
    let ask = person(&house, 1).with("idempotency-key", "k1");
    let timeout = || Fake::new([Say::Fault(UpstreamFault::Timeout)]);
    assert_eq!(outcome(&house.call(&ask, &timeout()).await), "C802");
    house.records().await;
    for _ in 0..2 {
        house = house.killed();
        house.clock.advance(Duration::from_secs(10));
        assert_eq!(
            outcome(&house.call(&ask, &timeout()).await),
            "C802",
            "the consent has one use, and it is taken"
        );
        house.records().await;
    }
    house = house.killed();
    assert_eq!(outcome(&house.call(&ask, &Fake::new([Say::Json(200, CONSISTENT)])).await), "answered");
}
