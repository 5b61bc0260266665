//! Many presenters of one consent, and its withdrawal while they call: research table R14 and R15.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use shuzha_policy::FEED_AGE_MAX;
use tokio::task::JoinSet;

use crate::calls::{Ask, PERSON};
use crate::consents::Consent;
use crate::gateway::{TestGateway, body, outcome};
use crate::upstream::{CONSISTENT, Fake, Say};

/// Callers at once.
const PRESENTERS: usize = 1_000;

fn ask(consent: &Consent) -> Ask {
    Ask::new("bank-1", "person-check", "verify", "bank-onboarding").with("x-consent", &consent.token)
}

/// All present `consents` in turn, at once, from several threads; how many were answered, and all other outcomes.
async fn presented(house: &Arc<TestGateway>, consents: &[Consent]) -> (usize, Vec<String>) {
    let mut calls = JoinSet::new();
    for (number, _) in (0..PRESENTERS).enumerate() {
        let (house, ask) = (Arc::clone(house), ask(&consents[number % consents.len()]));
        calls.spawn(async move { outcome(&house.call(&ask, &Fake::new([])).await) });
    }
    let outcomes = calls.join_all().await;
    let answered = outcomes.iter().filter(|outcome| *outcome == "answered").count();
    (answered, outcomes.into_iter().filter(|outcome| outcome != "answered").collect())
}

fn whole(house: Arc<TestGateway>) -> TestGateway {
    Arc::into_inner(house).expect("no call is under way")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn d5_a_thousand_presenters_of_one_use_get_one_answer() {
    for how in [TestGateway::killed, TestGateway::without_power] {
        let house = Arc::new(TestGateway::new());
        let consent = house.consent(PERSON.0, "bank", 1);
        let (answered, others) = presented(&house, std::slice::from_ref(&consent)).await;
        assert_eq!(answered, 1);
        assert!(others.iter().all(|code| code == "C407"), "{others:?}");
        // The same requests after a restart, and new ones: the use stays used.
        let house = Arc::new(how(whole(house)));
        assert_eq!(presented(&house, std::slice::from_ref(&consent)).await.0, 0);
    }
}

/// Twenty narrower consents to one use each, of a consent to seven: seven answers, whoever presents which.
#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn d5_narrower_consents_get_no_more_than_their_parent() {
    let house = Arc::new(TestGateway::new());
    let parent = house.consent(PERSON.0, "bank", 7);
    let now = shuzha_core::Clock::now(&*house.clock);
    let mut consents: Vec<_> = (0..20).map(|_| parent.narrowed(1, now)).collect();
    consents.push(parent);
    let (answered, others) = presented(&house, &consents).await;
    assert_eq!(answered, 7);
    assert!(others.iter().all(|code| code == "C407"), "{others:?}");
    let house = Arc::new(whole(house).without_power());
    assert_eq!(presented(&house, &consents).await.0, 0);
}

#[tokio::test]
async fn d3_withdrawing_a_consent_ends_what_was_derived_from_it() {
    let house = TestGateway::new();
    let parent = house.consent(PERSON.0, "bank", 5);
    let narrower = parent.narrowed(2, shuzha_core::Clock::now(&*house.clock));
    assert_eq!(outcome(&house.call(&ask(&narrower), &Fake::new([])).await), "answered");
    house.withdraw(&parent).await;
    assert_eq!(outcome(&house.call(&ask(&narrower), &Fake::new([])).await), "C408");
    let house = house.killed();
    assert_eq!(outcome(&house.call(&ask(&narrower), &Fake::new([])).await), "C408");
    // The other way round nothing ends: a narrower consent is one of many.
    let parent = house.consent(PERSON.0, "bank", 5);
    let narrower = parent.narrowed(2, shuzha_core::Clock::now(&*house.clock));
    house.withdraw(&narrower).await;
    assert_eq!(outcome(&house.call(&ask(&narrower), &Fake::new([])).await), "C408");
    assert_eq!(outcome(&house.call(&ask(&parent), &Fake::new([])).await), "answered");
}

/// Answers after which the clock stands still: 40 s of it, while the consent lives for longer.
const ANSWERS_MAX: usize = 2_000;

/// R14 on one node: callers never pause, the person withdraws; not a byte leaves in answer to a call that began after
/// the withdrawal was acknowledged, nor one that was under way with the product service.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn d3_no_byte_leaves_after_a_withdrawal() {
    let house = Arc::new(TestGateway::new());
    let consent = house.consent(PERSON.0, "bank", 10_000);
    let (withdrawn, over) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let (before, after, bytes_after) =
        (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let mut callers = JoinSet::new();
    for _ in 0..8 {
        let (house, ask) = (Arc::clone(&house), ask(&consent));
        let (withdrawn, over) = (Arc::clone(&withdrawn), Arc::clone(&over));
        let (before, after, bytes_after) =
            (Arc::clone(&before), Arc::clone(&after), Arc::clone(&bytes_after));
        callers.spawn(async move {
            while !over.load(Ordering::SeqCst) {
                let late = withdrawn.load(Ordering::SeqCst);
                // A refusal is ready at once: without this the callers would leave no turn to anyone else.
                tokio::task::yield_now().await;
                let reply = house.call(&ask, &Fake::new([])).await;
                if late {
                    after.fetch_add(1, Ordering::SeqCst);
                    bytes_after.fetch_add(body(&reply).len(), Ordering::SeqCst);
                    assert_eq!(outcome(&reply), "C408");
                } else if outcome(&reply) == "answered" && before.fetch_add(1, Ordering::SeqCst) < ANSWERS_MAX
                {
                    // The rate of the grant is not what is tried here.
                    house.clock.advance(Duration::from_millis(20));
                }
            }
        });
    }
    let waiting = Arc::new(Fake::new([Say::Wait(CONSISTENT)]));
    let under_way = {
        let (house, ask, waiting) = (Arc::clone(&house), ask(&consent), Arc::clone(&waiting));
        async move { house.call(&ask, &waiting).await }
    };
    let mut under_way = JoinSet::from_iter([under_way]);
    waiting.arrived().await;
    while before.load(Ordering::SeqCst) < 50 {
        tokio::task::yield_now().await;
    }
    house.withdraw(&consent).await;
    withdrawn.store(true, Ordering::SeqCst);
    waiting.go();
    let caught = under_way.join_next().await.expect("one call").expect("no panic");
    assert_eq!((outcome(&caught), body(&caught).len()), ("C903".to_owned(), 0));
    while after.load(Ordering::SeqCst) < 500 {
        tokio::task::yield_now().await;
    }
    over.store(true, Ordering::SeqCst);
    callers.join_all().await;
    assert_eq!(bytes_after.load(Ordering::SeqCst), 0);
}

/// A feed that falls silent closes consented products within a second, and only those; one that is heard again opens them.
#[tokio::test]
async fn d3_a_silent_feed_of_withdrawals_closes_consented_products() {
    let house = TestGateway::new();
    let consent = house.consent(PERSON.0, "bank", 9);
    let person = ask(&consent);
    let company = Ask::new("bank-1", "company-check", "verify", "bank-onboarding");
    let called = async |ask: &Ask| outcome(&house.call(ask, &Fake::new([])).await);
    house.gate.heard_withdrawals();
    house.clock.advance(FEED_AGE_MAX);
    assert_eq!(called(&person).await, "answered");
    house.clock.advance(Duration::from_micros(1));
    assert_eq!(called(&person).await, "C410");
    assert_eq!(called(&company).await, "answered");
    house.gate.heard_withdrawals();
    assert_eq!(called(&person).await, "answered");
    // Silent while the product service works: the answer stays.
    let waiting = Fake::new([Say::Wait(CONSISTENT)]);
    let (reply, ()) = tokio::join!(house.call(&person, &waiting), async {
        waiting.arrived().await;
        house.clock.advance(FEED_AGE_MAX + Duration::from_micros(1));
        waiting.go();
    });
    assert_eq!((outcome(&reply), body(&reply).len()), ("C410".to_owned(), 0));
}
