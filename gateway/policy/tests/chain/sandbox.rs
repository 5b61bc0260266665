//! The sandbox (数据创新应用实验室, REQUIREMENTS K1): a test credential is answered from synthetic data, free and marked, and
//! whatever it tries, nothing real is reached, spent or counted.

use std::time::Duration;

use shuzha_core::{Id, MicroYuan};
use shuzha_evidence::{Entry, Outcome};
use shuzha_policy::{CompileError, Delta, UpstreamFault};
use shuzha_products::World;
use shuzha_store::State;

use crate::calls::{Ask, PERSON};
use crate::deltas::key;
use crate::gateway::{TestGateway, body, counted, last_call, outcome};
use crate::upstream::{CENSUS, CONSISTENT, Fake, Say};
use crate::world;

fn person() -> Ask {
    Ask::new("bank-sandbox", "person-check", "verify", "bank-onboarding")
}

/// Without what every call leaves, trial or not.
fn sums(state: &State) -> State {
    let mut sums = state.clone();
    (sums.reached, sums.latest, sums.nonces) = Default::default();
    sums
}

#[tokio::test]
async fn k1_a_trial_is_answered_marked_and_free_and_counts_nowhere() {
    let house = TestGateway::new();
    let upstream = Fake::new([Say::Json(200, CENSUS), Say::Package(200)]);
    let mut ends = Vec::new();
    for (product, operation, from) in [
        ("toy-report", "query", "toy"),
        ("toy-list", "download", "toy"),
        ("person-check", "verify", ""),
        ("company-profile", "lookup", ""),
    ] {
        let mut ask = Ask::new("bank-sandbox", product, operation, "bank-credit");
        let before = upstream.seen().len();
        for scenario in [Some("bank-credit".to_owned()), Some("bank-marketing".to_owned()), None] {
            // The report and the package were scripted once.
            if !from.is_empty() && scenario.is_some() {
                continue;
            }
            ask.scenario = scenario;
            let reply = house.call(&ask, &upstream).await;
            assert!(matches!(&*outcome(&reply), "answered" | "opened"), "{product}: {}", outcome(&reply));
            assert!(reply.sandbox && reply.fee == Some(MicroYuan::ZERO) && reply.receipt.is_some());
            let records = house.records().await;
            let call = last_call(&records);
            assert!(call.sandbox && call.consent.is_none() && call.subject.is_none());
            assert_eq!((call.amount, call.quantity, call.outcome), (MicroYuan::ZERO, 0, Outcome::Uncharged));
            assert_eq!((call.terms.grant, call.terms.price, call.terms.data_set), ("", "", ""));
            assert!(call.charge.is_zero());
            assert_eq!((call.terms.unit, call.terms.credential), ("bank", "bank-sandbox"));
            ends.push(String::from_utf8_lossy(body(&reply)).into_owned());
        }
        let seen: Vec<_> = upstream.seen()[before..].iter().map(|seen| seen.upstream.clone()).collect();
        assert_eq!(seen, if from.is_empty() { vec![] } else { vec![from.to_owned()] }, "{product}");
    }
    // Let out through the whole contract: masked, and every leaf of it.
    let profile = ends.last().expect("the profile");
    assert!(profile.contains("\"phone\":\"138****0000\"") && profile.contains("示**"), "{profile}");
    assert!(profile.contains("registered_capital_yuan"), "a leaf that no grant of the bank has");
    let records = house.records().await;
    assert_eq!(counted(&records), (0, 8));
    assert_eq!(sums(&house.state().await), sums(&State::default()));
    assert_eq!(house.gate.charged(&Id::new("bank").expect("a name")), MicroYuan::ZERO);
    assert!(house.gate.privacy_spent(&Id::new("census").expect("a name")).is_zero());
}

/// Whatever is asked with a test credential, and however: no real service sees it, and the sums stay as they are.
#[tokio::test]
async fn k1_planted_attempts_reach_nothing_real() {
    let house = TestGateway::new();
    let consent = house.consent(PERSON.0, "bank", 1);
    let real = Ask::new("bank-1", "company-check", "verify", "bank-onboarding").with("idempotency-key", "k1");
    assert_eq!(outcome(&house.call(&real, &Fake::new([])).await), "answered");
    let before = house.state().await;
    let upstream = Fake::new([]);
    let products = world::operations();
    assert!(products.len() >= 10, "{products:?}");
    for (product, operation) in &products {
        for header in [
            ("x-consent", consent.token.as_str()),
            ("idempotency-key", "k1"),
            ("x-sandbox", "false"),
            ("x-app-key-of", "bank-1"),
        ] {
            house.clock.advance(Duration::from_secs(1));
            for scenario in ["bank-onboarding", "bank-credit", "bank-research"] {
                let ask = Ask::new("bank-sandbox", product, operation, scenario).with(header.0, header.1);
                let reply = house.call(&ask, &upstream).await;
                assert!(reply.sandbox, "{product}: {}", outcome(&reply));
                assert!(matches!(reply.fee, None | Some(MicroYuan::ZERO)));
            }
        }
    }
    let seen = upstream.seen();
    assert!(!seen.is_empty() && seen.iter().all(|seen| seen.upstream == "toy"), "{seen:?}");
    assert_eq!(sums(&house.state().await), sums(&before));
    // The consent that was shown to the sandbox still has its one use.
    let ask =
        Ask::new("bank-1", "person-check", "verify", "bank-onboarding").with("x-consent", &consent.token);
    assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "answered");
    // And nobody gets in by asking for it.
    let reply = house.call(&real.clone().with("x-sandbox", "true"), &Fake::new([])).await;
    assert!(!reply.sandbox && reply.replayed);
}

#[tokio::test]
async fn k1_keys_work_within_the_sandbox_and_never_across() {
    let house = TestGateway::new();
    let upstream = Fake::new([]);
    let real = Ask::new("bank-1", "company-profile", "lookup", "bank-credit").with("idempotency-key", "k1");
    let trial = Ask { credential: "bank-sandbox".to_owned(), ..real.clone() };
    let first = house.call(&trial, &upstream).await;
    assert_eq!((outcome(&first), first.sandbox), ("answered".to_owned(), true));
    let again = house.call(&trial, &upstream).await;
    assert_eq!(
        (outcome(&again), again.sandbox, again.receipt),
        ("replayed".to_owned(), true, first.receipt.clone())
    );
    let paid = house.call(&real, &upstream).await;
    assert_eq!((outcome(&paid), paid.sandbox), ("answered".to_owned(), false));
    assert_eq!(paid.fee.map(|fee| fee.to_string()).as_deref(), Some("1.20"));
    assert_ne!(body(&paid), body(&first));
    let other = trial.clone().body(r#"{"uscc":"91690000MA0001333Q"}"#);
    assert_eq!(outcome(&house.call(&other, &upstream).await), "C308");
    // A restart forgets the sandbox's keys and none of the real ones.
    let house = house.killed();
    assert_eq!(outcome(&house.call(&trial, &upstream).await), "answered");
    let again = house.call(&real, &upstream).await;
    assert_eq!((again.replayed, again.fee), (true, Some(MicroYuan::ZERO)));
}

#[tokio::test]
async fn k1_trials_have_limits_of_their_own() {
    let house = TestGateway::new();
    let upstream = Fake::new([]);
    let said = async |ask: &Ask| outcome(&house.call(ask, &upstream).await);
    let mut answered = 0;
    while said(&person()).await == "answered" {
        answered += 1;
        assert!(answered <= 20, "the rate holds");
    }
    assert_eq!((answered, said(&person()).await), (20, "C501".to_owned()));
    let real = Ask::new("bank-1", "company-check", "verify", "bank-onboarding");
    assert_eq!(said(&real).await, "answered", "the unit's own calls are not held back");
    let other = Ask::new("study-sandbox", "person-check", "verify", "study-sample");
    assert_eq!(said(&other).await, "answered", "nor another unit's trials");
    loop {
        house.clock.advance(Duration::from_millis(100));
        match &*said(&person()).await {
            "answered" => answered += 1,
            last => {
                assert_eq!((answered, last), (2_000, "C503"));
                break;
            }
        }
    }
    assert_eq!(said(&real).await, "answered");
    house.clock.advance(Duration::from_secs(24 * 3_600));
    assert_eq!(said(&person()).await, "answered", "a new day");
}

#[tokio::test]
async fn k1_a_suspension_stops_trials_too() {
    for (kind, name) in [
        ("ApplicationUnit", "bank"),
        ("Product", "person-check"),
        ("Scenario", "bank-onboarding"),
        ("DataSet", "population"),
    ] {
        let house = TestGateway::new();
        house.gate.install(world::snapshot(&world::suspension(kind, name)));
        let reply = house.call(&person(), &Fake::new([])).await;
        assert_eq!((outcome(&reply), reply.sandbox), ("C208".to_owned(), true), "{kind}");
    }
    let stop = "---\napiVersion: shuzha/v1\nkind: Suspension\nmetadata: {name: stop}\nspec:\n  \
                target: {kind: Everything}\n  since: 2025-03-03T09:00:00+08:00\n  reason: 测试\n";
    let house = TestGateway::new();
    house.gate.install(world::snapshot(stop));
    assert_eq!(outcome(&house.call(&person(), &Fake::new([])).await), "C208");
    // Once more before it leaves.
    let house = TestGateway::new();
    let waiting = Fake::new([Say::Wait(CENSUS)]);
    let ask = Ask::new("bank-sandbox", "toy-report", "query", "bank-research");
    let (reply, ()) = tokio::join!(house.call(&ask, &waiting), async {
        waiting.arrived().await;
        house.gate.install(world::snapshot(stop));
        waiting.go();
    });
    assert_eq!(outcome(&reply), "C903");
}

/// Faults of the synthetic service end a trial as those of a real one end a call, in one record.
#[tokio::test]
async fn k1_a_failed_trial_is_recorded_and_marked() {
    let house = TestGateway::new();
    let ask = Ask::new("bank-sandbox", "toy-report", "query", "bank-research");
    for (say, code) in [
        (Say::Fault(UpstreamFault::Timeout), "C802"),
        (Say::Fault(UpstreamFault::Unreachable), "C801"),
        (Say::Json(200, CONSISTENT), "C901"),
        (Say::Json(500, CENSUS), "C804"),
    ] {
        let reply = house.call(&ask, &Fake::new([say])).await;
        assert_eq!((outcome(&reply), reply.sandbox), (code.to_owned(), true));
        let records = house.records().await;
        let call = last_call(&records);
        assert_eq!((call.code.map(|code| code.as_str()), call.sandbox), (Some(code), true));
    }
    let records = house.records().await;
    assert_eq!(counted(&records), (0, 4));
    assert!(records.iter().all(|record| !matches!(record.entry(), Ok(Entry::Call(call)) if !call.sandbox)));
    assert_eq!(sums(&house.state().await), sums(&State::default()));
}

/// A service that stands behind a sandbox cannot be turned into a real one behind its back.
#[test]
fn k1_a_synthetic_service_cannot_become_a_real_one() {
    let mut files = world::files("");
    let (_, text) = files.last_mut().expect("the tests' own file");
    *text = text.replace(", synthetic: true", "");
    let faults = World::parse(&files).expect_err("two products are tried with it");
    let shown: Vec<String> =
        faults.iter().map(|fault| format!("{} {}", fault.object, fault.fault.path)).collect();
    assert_eq!(shown, ["Product/toy-report spec.sandbox.upstream", "Product/toy-list spec.sandbox.upstream"]);
    // Nor alone: the products must be read again with it, and cannot.
    let house = TestGateway::new();
    let world = World::parse(&world::files("")).expect("a world");
    let alone = Delta { world, changed: vec![key("Upstream", "toy")], removed: Vec::new(), mark: None };
    let faults = house.gate.apply(alone, &world::key_ring()).err().expect("its products are not with it");
    let dependents = faults.iter().filter(|fault| matches!(fault, CompileError::Dependent { .. }));
    assert_eq!(dependents.count(), 2, "{faults:?}");
}
