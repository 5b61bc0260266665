//! A node that is killed or loses power and starts again: nothing is over-spent, forgotten or charged twice.

use shuzha_core::{Clock, Id, MicroYuan};
use shuzha_policy::UpstreamFault;

use crate::calls::{Ask, PERSON};
use crate::gateway::{TestGateway, outcome};
use crate::upstream::{CONSISTENT, Fake, Say};

fn person(house: &TestGateway, uses: u32) -> Ask {
    let consent = house.consent(PERSON.0, "probe", uses);
    Ask::new("probe-1", "person-check", "verify", "probe-kyc").with("x-consent", &consent.token)
}

fn again(how: usize, house: TestGateway) -> TestGateway {
    if how == 0 { house.killed() } else { house.without_power() }
}

#[tokio::test]
async fn answered_calls_stay_spent_and_their_nonces_seen() {
    for how in [0, 1] {
        let house = TestGateway::new();
        let unit = Id::new("probe").expect("a name");
        let mut ask = person(&house, 2);
        ask.nonce = Some("nonce-of-before".to_owned());
        assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "answered");
        let house = again(how, house);
        assert_eq!(house.gate.charged(&unit), MicroYuan::from_micros(500_000));
        assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "C105");
        ask.nonce = None;
        assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "answered");
        let house = again(how, house);
        assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "C407", "the consent has two uses");
        for _ in 0..2 {
            assert_eq!(outcome(&house.call(&person(&house, 1), &Fake::new([])).await), "answered");
        }
        let house = again(how, house);
        assert_eq!(
            outcome(&house.call(&person(&house, 1), &Fake::new([])).await),
            "C503",
            "four calls a day"
        );
    }
}

#[tokio::test]
async fn a_retry_after_a_restart_is_answered_and_charged_once() {
    for how in [0, 1] {
        let mut house = TestGateway::new();
        let unit = Id::new("probe").expect("a name");
        let ask = person(&house, 1).with("idempotency-key", "once");
        assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "answered");
        // Each start forgets the answer and not that there was one; a failing repetition must not forget it either.
        for says in
            [Say::Json(200, CONSISTENT), Say::Fault(UpstreamFault::Timeout), Say::Json(200, CONSISTENT)]
        {
            house = again(how, house);
            let expected = if matches!(says, Say::Fault(_)) { "C802" } else { "replayed" };
            assert_eq!(outcome(&house.call(&ask, &Fake::new([says])).await), expected);
            assert_eq!(house.gate.charged(&unit), MicroYuan::from_micros(500_000));
        }
        let state = house.state().await;
        assert_eq!(state.posted.values().map(|sum| sum.micros()).sum::<i64>(), 500_000);
        assert_eq!(state.consents.values().map(|consent| consent.uses).sum::<u32>(), 1);
        assert_eq!(state.usage.values().map(|usage| usage.calls).sum::<u64>(), 1);
    }
}

#[tokio::test]
async fn a_call_that_was_under_way_stays_spent_and_is_not_charged() {
    let house = TestGateway::new();
    let unit = Id::new("probe").expect("a name");
    let ask = person(&house, 1).with("idempotency-key", "once");
    let waiting = Fake::new([Say::Wait(CONSISTENT)]);
    let disk = tokio::select! {
        biased;
        _ = house.call(&ask, &waiting) => panic!("nobody let the product service answer"),
        disk = async {
            waiting.arrived().await;
            house.records().await;
            house.disk.killed()
        } => disk,
    };
    let house = house.again_on(disk);
    assert_eq!(house.gate.charged(&unit), MicroYuan::ZERO);
    let mut other = ask.clone();
    other.headers.truncate(1);
    assert_eq!(outcome(&house.call(&other, &Fake::new([])).await), "C407", "its use was dispatched");
    assert_eq!(
        outcome(&house.call(&ask, &Fake::new([])).await),
        "answered",
        "the same key has paid with that use"
    );
    assert_eq!(house.gate.charged(&unit), MicroYuan::from_micros(500_000));
}

#[tokio::test]
async fn a_withdrawn_consent_stays_withdrawn() {
    for how in [0, 1] {
        let house = TestGateway::new();
        let consent = house.consent(PERSON.0, "probe", 5);
        let ask =
            Ask::new("probe-1", "person-check", "verify", "probe-kyc").with("x-consent", &consent.token);
        house.withdraw(&consent).await;
        let house = again(how, house);
        assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "C408");
    }
}

#[tokio::test]
async fn a_package_is_charged_once_and_a_released_query_once() {
    for how in [0, 1] {
        let mut house = TestGateway::new();
        let unit = Id::new("study").expect("a name");
        let census = Id::new("census").expect("a name");
        let package = Ask::new("study-1", "enterprise-list", "download", "study-sample");
        let query = Ask::new("study-1", "census-report", "query", "study-sample");
        let mut first_answer = Vec::new();
        for start in 1..=3 {
            assert_eq!(outcome(&house.call(&package, &Fake::new([])).await), "opened");
            let reply = house.call(&query, &Fake::new([])).await;
            assert_eq!(outcome(&reply), "answered");
            if start == 1 {
                first_answer = crate::gateway::body(&reply).to_vec();
            }
            assert_eq!(crate::gateway::body(&reply), first_answer, "the same query is noised once");
            let fees = 800_000_000 + start * 50_000_000;
            assert_eq!(house.gate.charged(&unit), MicroYuan::from_micros(fees));
            assert_eq!(house.gate.privacy_spent(&census).nanos(), 250_000_000);
            house = again(how, house);
        }
    }
}

/// Whoever holds no credential leaves nothing in memory: not a nonce, not a key.
#[tokio::test]
async fn refused_strangers_fill_no_table() {
    let house = TestGateway::planned(crate::gateway::Plan { nonces_max: 256, ..Default::default() });
    let fake = Fake::new([]);
    for _ in 0..2_000 {
        let stranger =
            Ask::new("stranger", "company-check", "verify", "bank-onboarding").with("idempotency-key", "k");
        assert_eq!(outcome(&house.call(&stranger, &fake).await), "C103");
    }
    let known = Ask::new("bank-1", "company-check", "verify", "bank-onboarding").with("idempotency-key", "k");
    assert_eq!(outcome(&house.call(&known, &fake).await), "answered", "the replay table of 256 has room");
    assert_eq!(fake.seen().len(), 1);
}

/// What a caller was told is on disk, refusals and plans too, whether money or privacy was taken or nothing: a kill loses
/// neither the record nor the nonce.
#[tokio::test]
async fn a_refusal_is_told_once_it_is_on_disk() {
    let nowhere = Ask::new("bank-1", "nowhere", "verify", "bank-onboarding");
    let mut plan = Ask::new("study-1", "ward-report-a", "query", "study-sample");
    plan.path.push_str(":plan");
    for (ask, told) in [(nowhere, "C201"), (plan, "answered")] {
        let house = TestGateway::new();
        let sent = ask.send(house.clock.now());
        house.records().await;
        house.disk.hold_syncs();
        let (inbound, fake) = (sent.inbound(), Fake::new([]));
        let mut serving = Box::pin(house.gate.serve(&inbound, &fake));
        // Whatever does not wait for the disk is done by then.
        let mut early = None;
        for _ in 0..10_000 {
            tokio::select! {
                biased;
                reply = &mut serving => {
                    early = Some(outcome(&reply));
                    break;
                }
                () = tokio::task::yield_now() => {}
            }
        }
        house.disk.release_syncs();
        assert_eq!(early, None, "told before it is on disk");
        assert_eq!(outcome(&serving.await), told);
        let house = house.without_power();
        let records = house.records().await;
        assert_eq!(crate::gateway::last_call(&records).request, sent.request);
    }
}
