//! What every kind of end leaves behind: in memory, in the journal, and for a retry with the same key.
//!
//! Refund rules of DESIGN §2: before dispatch everything goes back; after it consent use and ε stay spent whatever
//! happens; money and quota are taken for an answer, and for nothing else.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use shuzha_core::{Code, Id, MicroYuan};
use shuzha_journal::disk::memory::DiskFault;
use shuzha_policy::UpstreamFault;

use crate::calls::{Ask, PERSON};
use crate::consents::Consent;
use crate::gateway::{TestGateway, counted, decision, last_call, outcome};
use crate::upstream::{CENSUS, CONSISTENT, Fake, Say};
use crate::world;

/// Uses of the consent in these tests.
const USES: u32 = 3;
/// Calls a day of the grant in these tests (`world.yaml`).
const QUOTA: u32 = 4;

/// How the call ends.
#[derive(Clone, Copy, Debug)]
enum End {
    Says(&'static str),
    Status(u16),
    Fault(UpstreamFault),
    SuspendedMeanwhile,
    /// The caller leaves while the product service works.
    Left,
    /// The disk fills before the record is written.
    FullAtSettle,
    /// The call is refused before dispatch: by stage.
    Body(&'static str),
    NoScenario,
    AnotherPerson,
}

/// What must be left.
struct Left {
    code: &'static str,
    decision: &'static str,
    uses: u32,
    quota: u32,
    money: i64,
    intents: usize,
    /// What a retry with the same key takes of the consent.
    retry_uses: u32,
}

const fn left(
    code: &'static str,
    decision: &'static str,
    spent: [u32; 2],
    intents: usize,
    retry_uses: u32,
) -> Left {
    let [uses, quota] = spent;
    // 0.50 yuan for every call that counts.
    Left { code, decision, uses, quota, money: quota as i64 * 500_000, intents, retry_uses }
}

const ENDS: [(End, Left); 16] = [
    (End::Says(CONSISTENT), left("answered", "answered", [1, 1], 1, 0)),
    (End::Says(r#"{"code":"02"}"#), left("answered", "answered", [1, 1], 1, 0)),
    (End::NoScenario, left("C203", "refused", [0, 0], 0, 1)),
    (End::Body("{"), left("C301", "refused", [0, 0], 0, 1)),
    (End::AnotherPerson, left("C406", "refused", [0, 0], 0, 1)),
    (End::Fault(UpstreamFault::Unreachable), left("C801", "refused", [0, 0], 1, 1)),
    (End::Fault(UpstreamFault::NoneHealthy), left("C806", "refused", [0, 0], 1, 1)),
    (End::Fault(UpstreamFault::Timeout), left("C802", "failed", [1, 0], 1, 0)),
    (End::Fault(UpstreamFault::Closed), left("C803", "failed", [1, 0], 1, 0)),
    (End::Fault(UpstreamFault::TooLarge), left("C805", "failed", [1, 0], 1, 0)),
    (End::Status(500), left("C804", "failed", [1, 0], 1, 0)),
    (End::Says("not JSON"), left("C902", "failed", [1, 0], 1, 0)),
    (End::Says(r#"{"code":"99"}"#), left("C902", "failed", [1, 0], 1, 0)),
    (End::SuspendedMeanwhile, left("C903", "failed", [1, 0], 1, 0)),
    (End::Left, left("C807", "failed", [1, 0], 1, 0)),
    (End::FullAtSettle, left("C090", "", [1, 0], 1, 0)),
];

fn ask(consent: &Consent) -> Ask {
    Ask::new("probe-1", "person-check", "verify", "probe-kyc").with("x-consent", &consent.token)
}

/// Makes the call end as it should; gives the outcome's name.
async fn end(house: &TestGateway, end: End, ask: &Ask) -> String {
    let waiting = Fake::new([Say::Wait(CONSISTENT)]);
    match end {
        End::Says(body) => outcome(&house.call(ask, &Fake::new([Say::Json(200, body)])).await),
        End::Status(status) => outcome(&house.call(ask, &Fake::new([Say::Json(status, "{}")])).await),
        End::Fault(fault) => outcome(&house.call(ask, &Fake::new([Say::Fault(fault)])).await),
        End::Body(body) => outcome(&house.call(&ask.clone().body(body), &Fake::new([])).await),
        End::NoScenario => outcome(&house.call(&Ask { scenario: None, ..ask.clone() }, &Fake::new([])).await),
        End::AnotherPerson => {
            let other = r#"{"id_number":"690109196909147724","name":"陈秀"}"#;
            outcome(&house.call(&ask.clone().body(other), &Fake::new([])).await)
        }
        End::Left => {
            tokio::select! {
                biased;
                _ = house.call(ask, &waiting) => panic!("nobody let the product service answer"),
                () = waiting.arrived() => "C807".to_owned(),
            }
        }
        End::SuspendedMeanwhile | End::FullAtSettle => {
            let (reply, ()) = tokio::join!(house.call(ask, &waiting), async {
                waiting.arrived().await;
                match end {
                    End::SuspendedMeanwhile => {
                        house.gate.install(world::snapshot(&world::suspension("ApplicationUnit", "probe")));
                    }
                    End::FullAtSettle => {
                        house.records().await;
                        house.disk.set_capacity(Some(0));
                    }
                    _ => {}
                }
                waiting.go();
            });
            house.gate.install(world::snapshot(""));
            outcome(&reply)
        }
    }
}

/// Makes the journal serve again after its disk was full.
async fn make_room(house: &TestGateway) {
    house.disk.set_capacity(None);
    while house.gate.journal().health() != shuzha_journal::Health::Serving {
        tokio::task::yield_now().await;
    }
}

/// Calls with the same consent until it is used up, then with fresh ones until the quota is; how many were answered.
async fn probe(house: &TestGateway, consent: &Consent) -> (u32, u32) {
    let fake = Fake::new([]);
    let mut of_consent = 0;
    let mut all = 0;
    for fresh in [false, true] {
        loop {
            let consent = if fresh { house.consent(PERSON.0, "probe", 1) } else { consent.clone() };
            match &*outcome(&house.call(&ask(&consent), &fake).await) {
                "answered" => all += 1,
                "C407" if !fresh => break,
                "C503" => break,
                other => panic!("a hold is left over: {other}"),
            }
            of_consent += u32::from(!fresh);
        }
    }
    (of_consent, all)
}

#[tokio::test]
async fn every_end_leaves_exactly_what_the_refund_rules_say() {
    for (how, left) in ENDS {
        let house = TestGateway::new();
        let consent = house.consent(PERSON.0, "probe", USES);
        let found = end(&house, how, &ask(&consent)).await;
        assert_eq!(found, left.code, "{how:?}");
        make_room(&house).await;
        let records = house.records().await;
        let closed = usize::from(!left.decision.is_empty());
        assert_eq!(counted(&records), (left.intents, closed), "{how:?}: intents and closing records");
        let unit = Id::new("probe").expect("a name");
        assert_eq!(house.gate.charged(&unit), MicroYuan::from_micros(left.money), "{how:?}");
        assert_eq!(house.gate.held(&unit), MicroYuan::ZERO, "{how:?}: money is still held");
        let state = house.state().await;
        assert_eq!(state.consents.values().map(|consent| consent.uses).sum::<u32>(), left.uses, "{how:?}");
        assert_eq!(state.posted.values().map(|sum| sum.micros()).sum::<i64>(), left.money, "{how:?}");
        assert_eq!(
            state.usage.values().map(|usage| usage.calls).sum::<u64>(),
            u64::from(left.quota),
            "{how:?}"
        );
        if closed == 1 {
            let call = last_call(&records);
            assert_eq!(decision(&call), left.decision, "{how:?}");
            assert_eq!(call.code.map_or("answered", Code::as_str), left.code, "{how:?}");
            assert!(state.open.is_empty(), "{how:?}: an intent is open");
        }
        let (of_consent, all) = probe(&house, &consent).await;
        assert_eq!(
            (of_consent, all),
            (USES - left.uses, QUOTA - left.quota),
            "{how:?}: what was left in memory"
        );
    }
}

#[tokio::test]
async fn a_retry_takes_what_no_earlier_try_has_spent() {
    for (how, left) in ENDS {
        let house = TestGateway::new();
        let consent = house.consent(PERSON.0, "probe", USES);
        let ask = ask(&consent).with("idempotency-key", "once");
        end(&house, how, &ask).await;
        make_room(&house).await;
        let before = house.state().await;
        let reply = house.call(&ask, &Fake::new([])).await;
        let answered = if left.code == "answered" { "replayed" } else { "answered" };
        assert_eq!(outcome(&reply), answered, "{how:?}");
        let after = house.state().await;
        let uses =
            |state: &shuzha_store::State| state.consents.values().map(|consent| consent.uses).sum::<u32>();
        let open = u32::try_from(before.open.len()).expect("few");
        assert_eq!(uses(&after) - uses(&before), left.retry_uses, "{how:?}, {open} open");
        let charged: i64 = after.posted.values().map(|sum| sum.micros()).sum();
        assert_eq!(charged, 500_000, "{how:?}: one answer, one fee");
        let again = house.call(&ask, &Fake::new([])).await;
        assert_eq!(outcome(&again), "replayed", "{how:?}");
        let unit = Id::new("probe").expect("a name");
        assert_eq!(house.gate.held(&unit), MicroYuan::ZERO, "{how:?}: money is still held");
    }
}

/// Polls a future once and drops it.
fn poll_once(future: impl Future<Output: Sized>) {
    let done = pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready();
    assert!(!done, "the call is over before it was left");
}

#[tokio::test]
async fn a_caller_who_leaves_before_dispatch_gets_the_privacy_charge_back() {
    let house = TestGateway::new();
    let census = Id::new("census").expect("a name");
    let fake = Fake::new([]);
    let ask = Ask::new("study-1", "census-report", "query", "study-sample");
    house.disk.hold_syncs();
    poll_once(house.call(&ask, &fake));
    assert_eq!(house.gate.privacy_spent(&census).nanos(), 0);
    house.disk.release_syncs();
    let records = house.records().await;
    assert_eq!(counted(&records), (1, 1));
    assert_eq!((decision(&last_call(&records)), last_call(&records).code), ("refused", Some(Code::C807)));
    assert!(fake.seen().is_empty(), "the request left before its debit was on disk");
    let state = house.state().await;
    assert!(
        state.open.is_empty() && state.budgets.spaces().values().all(|space| space.spent.is_zero()),
        "{state:?}"
    );
}

#[tokio::test]
async fn a_caller_who_leaves_at_settle_is_charged_once_even_if_it_retries() {
    let house = TestGateway::new();
    let unit = Id::new("probe").expect("a name");
    let consent = house.consent(PERSON.0, "probe", USES);
    let ask = ask(&consent).with("idempotency-key", "once");
    house.disk.hold_syncs();
    poll_once(house.call(&ask, &Fake::new([])));
    house.disk.release_syncs();
    let state = house.state().await;
    assert_eq!(state.posted.values().map(|sum| sum.micros()).sum::<i64>(), 500_000);
    assert_eq!(
        house.gate.charged(&unit).micros(),
        500_000,
        "the journal has the fee, so memory must have it"
    );
    let retry = house.call(&ask, &Fake::new([])).await;
    assert_eq!((&*outcome(&retry), retry.fee), ("replayed", Some(MicroYuan::ZERO)));
    let (of_consent, all) = probe(&house, &consent).await;
    assert_eq!((of_consent, all), (USES - 1, QUOTA - 1));
}

#[tokio::test]
async fn a_disk_that_fails_at_the_intent_or_at_the_record_lets_nothing_out() {
    for (after, fault) in [
        (0, DiskFault::Before),
        (0, DiskFault::Half),
        (1, DiskFault::Before),
        (0, DiskFault::After),
        (1, DiskFault::After),
    ] {
        let house = TestGateway::new();
        let unit = Id::new("study").expect("a name");
        house.disk.fail_after(after, fault);
        let fake = Fake::new([Say::Json(200, CENSUS)]);
        let ask = Ask::new("study-1", "census-report", "query", "study-sample");
        assert_eq!(outcome(&house.call(&ask, &fake).await), "C090", "{after} {fault:?}");
        assert!(fake.seen().is_empty(), "{after} {fault:?}: the request left before its debit was on disk");
        assert_eq!(house.gate.charged(&unit), MicroYuan::ZERO);
        assert_eq!(outcome(&house.call(&ask, &fake).await), "C090", "it must not serve unmetered");
    }
}

#[tokio::test]
async fn withdrawal_during_the_call_keeps_the_use_and_takes_no_money() {
    let house = TestGateway::new();
    let consent = house.consent(PERSON.0, "probe", USES);
    let waiting = Fake::new([Say::Wait(CONSISTENT)]);
    let ask = ask(&consent);
    let (reply, ()) = tokio::join!(house.call(&ask, &waiting), async {
        waiting.arrived().await;
        house.withdraw(&consent).await;
        waiting.go();
    });
    assert_eq!(outcome(&reply), "C903");
    let state = house.state().await;
    let known = state.consents.values().next().expect("one consent");
    assert_eq!((known.uses, known.withdrawn, state.posted.len()), (1, true, 0));
    assert_eq!(outcome(&house.call(&ask, &waiting).await), "C408");
}

#[tokio::test]
async fn a_retry_whose_intent_finds_no_room_takes_no_second_use() {
    let house = TestGateway::new();
    let consent = house.consent(PERSON.0, "probe", 1);
    let ask = ask(&consent).with("idempotency-key", "once");
    let timeout = Fake::new([Say::Fault(UpstreamFault::Timeout)]);
    assert_eq!(outcome(&house.call(&ask, &timeout).await), "C802");
    house.records().await;
    house.disk.set_capacity(Some(0));
    let waiting = Fake::new([Say::Wait("a lie")]);
    tokio::join!(house.call(&ask, &waiting), async {
        while house.gate.journal().health() != shuzha_journal::Health::Full {
            tokio::task::yield_now().await;
        }
        make_room(&house).await;
        waiting.go();
    });
    let state = house.state().await;
    assert_eq!(state.consents.values().map(|consent| consent.uses).sum::<u32>(), 1);
}

/// A consent that was verified is known by its token. A token that ends in the same signature and says something else
/// was never verified.
#[tokio::test]
async fn a_known_consents_signature_vouches_for_no_other_token() {
    let house = TestGateway::new();
    let consent = house.consent(PERSON.0, "bank", 9);
    let ask = |token: &str| {
        Ask::new("bank-1", "person-check", "verify", "bank-onboarding").with("x-consent", token)
    };
    let fake = Fake::new([]);
    assert_eq!(outcome(&house.call(&ask(&consent.token), &fake).await), "answered");
    let mut parts = consent.token.split('.');
    let (head, claims, tag) =
        (parts.next().expect("a header"), parts.next().expect("claims"), parts.next().expect("a signature"));
    let json = BASE64_URL_SAFE_NO_PAD.decode(claims).expect("base64url");
    let json = String::from_utf8(json).expect("JSON").replace("\"max\":9", "\"max\":8");
    let claims = BASE64_URL_SAFE_NO_PAD.encode(&json);
    assert!(json.contains("\"max\":8"), "the claims were changed");
    let forged = format!("{head}.{claims}.{tag}");
    assert_eq!(outcome(&house.call(&ask(&forged), &fake).await), "C403");
    assert_eq!(outcome(&house.call(&ask(&consent.token), &fake).await), "answered");
}
