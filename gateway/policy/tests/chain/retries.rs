//! What a retry by idempotency key may be given: a mark names what it covers, and each resource is judged by itself
//! (docs/adr/0022-what-a-mark-covers.md). Nothing is released for nothing but the bytes that were answered.

mod half_years;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use shuzha_core::{Clock, Code, Id, MicroYuan, NanoCharge, RequestId, Timestamp};
use shuzha_evidence::Decision;
use shuzha_policy::{Bounds, KeptRelease, NewRelease, ReleaseKey, ReleaseStore, UpstreamFault};
use shuzha_store::Store;

use crate::calls::{Ask, PERSON, histogram};
use crate::gateway::{NOON, Plan, TestGateway, body, last_call, outcome};
use crate::upstream::{CENSUS, CONSISTENT, Fake, MISS, Say, WARD};
use crate::world;

const QUARTER: u64 = 250_000_000;
const CENSUS_2: &str = r#"{"data_version":"adult-2","max_rows_per_person":1,"rows":[{"key":["Female"],"count":301},{"key":["Male"],"count":700}]}"#;

fn census() -> Ask {
    Ask::new("civil-affairs-1", "census-report", "query", "civil-planning").body(&histogram("sex", "0.25"))
}

fn ward(epsilon: &str) -> Ask {
    Ask::new("study-1", "ward-report-a", "query", "study-sample").body(&histogram("sex", epsilon))
}

fn person(house: &TestGateway, uses: u32) -> Ask {
    let consent = house.consent(PERSON.0, "probe", uses);
    Ask::new("probe-1", "person-check", "verify", "probe-kyc").with("x-consent", &consent.token)
}

fn spent(house: &TestGateway, set: &str) -> u64 {
    house.gate.privacy_spent(&Id::new(set).expect("a name")).nanos()
}

/// A refund by hand. It blocks, so it is not for a thread that drives calls.
fn refund(house: &TestGateway, set: &str, request: RequestId) -> Result<(), Code> {
    let (set, case) = (Id::new(set).expect("a name"), Id::new("refund-1").expect("a name"));
    let made = std::thread::scope(|scope| scope.spawn(|| house.gate.refund(&set, request, &case)).join());
    made.expect("no panic").map_err(|refusal| refusal.code)
}

/// Logic H1: four releases of new data for one debit, each after a restart, under one key.
#[tokio::test]
async fn e6_a_retry_of_an_answered_query_draws_no_noise_on_new_data() {
    let house = TestGateway::new();
    let ask = census().with("idempotency-key", "k1");
    let first = house.call(&ask, &Fake::new([])).await;
    assert_eq!((outcome(&first).as_str(), spent(&house, "census")), ("answered", QUARTER));
    let first = body(&first).to_vec();
    house.records().await;
    let house = house.killed();
    // The same version of the data: the release that it was answered with, byte for byte.
    let again = house.call(&ask, &Fake::new([])).await;
    assert_eq!((outcome(&again).as_str(), body(&again)), ("replayed", &first[..]));
    let house = house.killed();
    house.gate.install(world::changed("data-sets", "adult-1", "adult-2"));
    let fake = Fake::new([Say::Json(200, CENSUS_2)]);
    assert_eq!(outcome(&house.call(&ask, &fake).await), "C314");
    assert!(fake.seen().is_empty(), "nothing is asked of the data");
    let records = house.records().await;
    let call = last_call(&records);
    assert_eq!((call.decision, call.charge, call.quantity), (Decision::Refused, NanoCharge::ZERO, 0));
    assert_eq!(spent(&house, "census"), QUARTER);
    // A new key is a new call, and pays.
    let new = census().with("idempotency-key", "k2");
    assert_eq!(outcome(&house.call(&new, &Fake::new([Say::Json(200, CENSUS_2)])).await), "answered");
    assert_eq!(spent(&house, "census"), 2 * QUARTER);
    // Even now that there is a release of the new data, it is not what the first key was answered with.
    assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "C314");
}

/// Another version of the product is another release; and so is one where the first was lost with its store.
#[tokio::test]
async fn e6_a_retry_is_not_answered_by_another_product_version_or_after_its_release_was_lost() {
    let lost = Arc::new(Forgetful::default());
    let plan = Plan { releases: Some(Arc::clone(&lost) as Arc<dyn ReleaseStore>), ..Plan::default() };
    let house = TestGateway::planned(Plan {
        bounds: Bounds { answer_bytes_per_unit: 1, ..Bounds::default() },
        ..plan
    });
    let ask = census().with("idempotency-key", "k1");
    // No answer fits into what may be kept, so that each retry is one of an answer that has gone.
    assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "answered");
    assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "replayed");
    lost.forgets.store(true, Ordering::Relaxed);
    let fake = Fake::new([Say::Json(200, CENSUS)]);
    assert_eq!(outcome(&house.call(&ask, &fake).await), "C314");
    lost.forgets.store(false, Ordering::Relaxed);
    assert_eq!(outcome(&house.call(&ask, &fake).await), "replayed");
    house.gate.install(world::changed("products-data", "version: 1", "version: 2"));
    assert_eq!(outcome(&house.call(&ask, &fake).await), "C314");
    assert!(fake.seen().is_empty());
    assert_eq!(spent(&house, "census"), QUARTER);
}

/// Logic M3: a consent of one use, and fresh data about the person after each of three restarts.
#[tokio::test]
async fn e6_a_retry_of_an_answered_personal_call_is_given_the_same_bytes_or_nothing() {
    let house = TestGateway::new();
    let unit = Id::new("probe").expect("a name");
    let ask = person(&house, 1).with("idempotency-key", "k1");
    let first = house.call(&ask, &Fake::new([Say::Json(200, CONSISTENT)])).await;
    assert_eq!(outcome(&first), "answered");
    let first = body(&first).to_vec();
    let house = house.killed();
    let changed = house.call(&ask, &Fake::new([Say::Json(200, MISS)])).await;
    assert_eq!(outcome(&changed), "C314", "what has changed meanwhile is not told for nothing");
    let house = house.killed();
    let same = house.call(&ask, &Fake::new([Say::Json(200, CONSISTENT)])).await;
    assert_eq!((outcome(&same).as_str(), body(&same)), ("replayed", &first[..]));
    assert_eq!(house.gate.charged(&unit), MicroYuan::from_micros(500_000));
    let state = house.state().await;
    assert_eq!(state.consents.values().map(|consent| consent.uses).sum::<u32>(), 1);
}

/// A service is not sent a call for nothing without end, whatever becomes of it, and restarts do not begin to count anew.
#[tokio::test]
async fn a_call_whose_answer_has_gone_is_sent_again_three_times() {
    let mut house = TestGateway::new();
    let ask = person(&house, 1).with("idempotency-key", "k1");
    assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "answered");
    // What never reached the service does not count.
    let unsent = Fake::new([Say::Fault(UpstreamFault::Unreachable)]);
    house = house.killed();
    assert_eq!(outcome(&house.call(&ask, &unsent).await), "C801");
    let timeout = || Fake::new([Say::Fault(UpstreamFault::Timeout)]);
    for says in [timeout(), Fake::new([Say::Json(200, MISS)]), timeout()] {
        house.records().await;
        house = house.killed();
        house.clock.advance(Duration::from_secs(60));
        let code = outcome(&house.call(&ask, &says).await);
        assert!(matches!(&*code, "C802" | "C314"), "{code}");
        assert_eq!(says.seen().len(), 1);
    }
    for _ in 0..2 {
        let fake = Fake::new([]);
        house.clock.advance(Duration::from_secs(60));
        assert_eq!(outcome(&house.call(&ask, &fake).await), "C314");
        assert!(fake.seen().is_empty());
        house.records().await;
        house = house.killed();
    }
}

/// Without a restart: the caller hangs up while the record becomes durable, and nobody keeps its answer.
#[tokio::test]
async fn hanging_up_on_an_answer_gives_no_fresh_ones() {
    let house = TestGateway::new();
    let ask = person(&house, 1).with("idempotency-key", "k1");
    let answered = Fake::new([Say::Json(200, CONSISTENT)]);
    // The record is with the journal's thread when the future is first dropped after it was handed over.
    for polls in 1.. {
        let fake = Fake::new([Say::Json(200, CONSISTENT)]);
        if hang_up(&house, &ask, &fake, polls).await {
            panic!("it was never cut off in the wait for its record");
        }
        let records = house.records().await;
        if last_call(&records).decision == Decision::Answered {
            break;
        }
    }
    let changed = Fake::new([Say::Json(200, MISS)]);
    assert_eq!(outcome(&house.call(&ask, &changed).await), "C314");
    assert_eq!(outcome(&house.call(&ask, &answered).await), "replayed");
    let state = house.state().await;
    assert_eq!(state.usage.values().map(|usage| usage.calls).sum::<u64>(), 1);
}

/// Polls a call so often and drops it; whether it was done by then.
async fn hang_up(house: &TestGateway, ask: &Ask, fake: &Fake, polls: usize) -> bool {
    let sent = ask.send(house.clock.now());
    let inbound = sent.inbound();
    let mut call = Box::pin(house.gate.serve(&inbound, fake));
    let mut left = polls;
    std::future::poll_fn(|context| {
        if call.as_mut().poll(context).is_ready() {
            return std::task::Poll::Ready(true);
        }
        left -= 1;
        if left == 0 { std::task::Poll::Ready(false) } else { std::task::Poll::Pending }
    })
    .await
}

/// Logic H2 a, b: one charge, given back and used, in both orders.
#[tokio::test]
async fn e6_a_refunded_charge_covers_no_retry_and_a_used_one_is_not_refunded() {
    for refund_first in [true, false] {
        for restart in [false, true] {
            let mut house = TestGateway::new();
            let ask = ward("0.004").with("idempotency-key", "k1");
            let failed = house.call(&ask, &Fake::new([Say::Fault(UpstreamFault::Timeout)])).await;
            house.records().await;
            assert_eq!((outcome(&failed).as_str(), spent(&house, "ward-a")), ("C802", 4_000_000));
            if restart {
                house = house.killed();
            }
            if refund_first {
                assert_eq!(refund(&house, "ward-a", failed.request), Ok(()));
                assert_eq!(spent(&house, "ward-a"), 0);
                if restart {
                    house = house.killed();
                }
            }
            assert_eq!(outcome(&house.call(&ask, &Fake::new([Say::Json(200, WARD)])).await), "answered");
            assert_eq!(spent(&house, "ward-a"), 4_000_000, "one release, one debit");
            house.records().await;
            if !refund_first {
                assert_eq!(refund(&house, "ward-a", failed.request), Err(Code::C1550));
                let house = house.killed();
                assert_eq!(refund(&house, "ward-a", failed.request), Err(Code::C1550));
                assert_eq!(spent(&house, "ward-a"), 4_000_000);
            }
        }
    }
}

/// A retry that is under way may yet be answered by the charge: it is not given back meanwhile.
#[tokio::test]
async fn e6_no_charge_is_given_back_while_its_call_is_tried_again() {
    let house = TestGateway::new();
    let ask = ward("0.004").with("idempotency-key", "k1");
    let failed = house.call(&ask, &Fake::new([Say::Fault(UpstreamFault::Timeout)])).await;
    house.records().await;
    let waiting = Fake::new([Say::Wait(WARD)]);
    let retry = house.call(&ask, &waiting);
    let meanwhile = async {
        waiting.arrived().await;
        let refused = refund(&house, "ward-a", failed.request);
        waiting.go();
        refused
    };
    let (retried, refused) = tokio::join!(retry, meanwhile);
    assert_eq!((outcome(&retried).as_str(), refused), ("answered", Err(Code::C309)));
    assert_eq!(spent(&house, "ward-a"), 4_000_000);
}

/// A charge covers the one release that it was debited for: a retry over new data pays for that.
#[tokio::test]
async fn e6_a_failed_charge_covers_no_other_release() {
    let house = TestGateway::new();
    let ask = census().with("idempotency-key", "k1");
    let failed = house.call(&ask, &Fake::new([Say::Fault(UpstreamFault::Timeout)])).await;
    assert_eq!((outcome(&failed).as_str(), spent(&house, "census")), ("C802", QUARTER));
    house.gate.install(world::changed("data-sets", "adult-1", "adult-2"));
    assert_eq!(outcome(&house.call(&ask, &Fake::new([Say::Json(200, CENSUS_2)])).await), "answered");
    assert_eq!(spent(&house, "census"), 2 * QUARTER);
}

/// Logic H2 c: the caller hangs up while the release is being kept, has its charge given back, and asks again.
#[tokio::test]
async fn e6_hanging_up_on_a_release_does_not_make_it_free() {
    let slow = Arc::new(Slow::default());
    let house = TestGateway::planned(Plan {
        releases: Some(Arc::clone(&slow) as Arc<dyn ReleaseStore>),
        ..Plan::default()
    });
    let sent = ward("0.004").send(house.clock.now());
    let inbound = sent.inbound();
    {
        let fake = Fake::new([Say::Json(200, WARD)]);
        let mut call = Box::pin(house.gate.serve(&inbound, &fake));
        tokio::select! {
            biased;
            _ = &mut call => panic!("the release cannot be kept yet"),
            () = slow.arrived() => {}
        }
    }
    let records = house.records().await;
    let call = last_call(&records);
    assert_eq!(call.decision, Decision::Failed);
    assert!(call.response_commitment.is_some(), "it is told that an answer was made, and not delivered");
    assert_eq!(refund(&house, "ward-a", sent.request), Err(Code::C1550));
    slow.go();
    assert_eq!(refund(&house, "ward-a", sent.request), Err(Code::C1550));
    assert_eq!(spent(&house, "ward-a"), 4_000_000);
}

/// The same where nothing tells: the process ended between the release and the record.
#[tokio::test]
async fn e6_a_release_without_a_record_keeps_its_charge() {
    let slow = Arc::new(Slow::default());
    let house = TestGateway::planned(Plan {
        releases: Some(Arc::clone(&slow) as Arc<dyn ReleaseStore>),
        ..Plan::default()
    });
    let sent = ward("0.004").send(house.clock.now());
    let inbound = sent.inbound();
    let fake = Fake::new([Say::Json(200, WARD)]);
    let disk = tokio::select! {
        biased;
        _ = house.gate.serve(&inbound, &fake) => panic!("the release cannot be kept yet"),
        disk = async {
            slow.arrived().await;
            house.disk.killed()
        } => disk,
    };
    slow.go();
    slow.kept().await;
    let house = house.planned_on(disk, Plan { releases: Some(Arc::clone(&slow) as _), ..Plan::default() });
    assert_eq!(spent(&house, "ward-a"), 4_000_000);
    assert_eq!(refund(&house, "ward-a", sent.request), Err(Code::C1550));
}

/// A store that says it has nothing while it forgets.
#[derive(Default)]
struct Forgetful {
    store: InMemory,
    forgets: AtomicBool,
}

struct InMemory(Store);

impl Default for InMemory {
    fn default() -> Self {
        Self(Store::in_memory().expect("a database in memory"))
    }
}

impl ReleaseStore for Forgetful {
    fn get(&self, key: &ReleaseKey) -> Result<Option<Vec<u8>>, String> {
        if self.forgets.load(Ordering::Relaxed) { Ok(None) } else { ReleaseStore::get(&self.store.0, key) }
    }

    fn put(&self, key: &ReleaseKey, release: &NewRelease) -> Result<Vec<u8>, String> {
        ReleaseStore::put(&self.store.0, key, release)
    }

    fn after(&self, last: Option<&ReleaseKey>, most: usize) -> Result<Vec<KeptRelease>, String> {
        self.store.0.after(last, most)
    }
}

/// A store that keeps a release when it is let go.
struct Slow {
    store: InMemory,
    arrived: tokio::sync::Semaphore,
    go: (std::sync::Mutex<std::sync::mpsc::Sender<()>>, std::sync::Mutex<std::sync::mpsc::Receiver<()>>),
    kept: tokio::sync::Semaphore,
}

impl Default for Slow {
    fn default() -> Self {
        let (sender, receiver) = std::sync::mpsc::channel();
        Self {
            store: InMemory::default(),
            arrived: tokio::sync::Semaphore::new(0),
            go: (sender.into(), receiver.into()),
            kept: tokio::sync::Semaphore::new(0),
        }
    }
}

impl Slow {
    async fn arrived(&self) {
        self.arrived.acquire().await.expect("never closed").forget();
    }

    fn go(&self) {
        self.go.0.lock().expect("no holder panics").send(()).expect("it waits");
    }

    async fn kept(&self) {
        self.kept.acquire().await.expect("never closed").forget();
    }
}

impl ReleaseStore for Slow {
    fn get(&self, key: &ReleaseKey) -> Result<Option<Vec<u8>>, String> {
        ReleaseStore::get(&self.store.0, key)
    }

    fn put(&self, key: &ReleaseKey, release: &NewRelease) -> Result<Vec<u8>, String> {
        self.arrived.add_permits(1);
        self.go.1.lock().expect("no holder panics").recv().expect("it is let go");
        let kept = ReleaseStore::put(&self.store.0, key, release);
        self.kept.add_permits(1);
        kept
    }

    fn after(&self, last: Option<&ReleaseKey>, most: usize) -> Result<Vec<KeptRelease>, String> {
        self.store.0.after(last, most)
    }
}
