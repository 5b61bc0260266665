//! What the hot functions of this crate cost, beside the aims of issue and research (R17, projector ≤ 10 µs a KiB). Prints one
//! line each; every loop asserts that its work was done.

use std::hint::black_box;
use std::time::Instant;

use serde_json::json;
use shuzha_core::{Id, NanoCharge, OsRng, Timestamp};
use shuzha_privacy::abuse::{Seen, Volume, Watch};
use shuzha_privacy::blind::{self, Blinded, Element};
use shuzha_privacy::consent::{self, Algorithm, Claims, Issuers, Signer};
use shuzha_privacy::dp::{Domain, Measure, Query, Terms};
use shuzha_privacy::output::Contract;
use shuzha_privacy::subject::{CanonicalId, HmacSha256Prf, HmacSm3Prf, IdKind, Pseudonymiser, SubjectPrf};

use shuzha_testkit::printed::{heading, number};

/// Runs `work` often enough to be measured and prints microseconds per run.
fn measure(name: &str, runs: u32, work: impl FnMut() -> bool) {
    number(name, micros(name, runs, work), "µs", None);
}

/// Microseconds per run.
#[expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]
fn micros(name: &str, runs: u32, mut work: impl FnMut() -> bool) -> f64 {
    for _ in 0..runs / 10 {
        assert!(work(), "{name} did not do its work");
    }
    let start = Instant::now();
    let done = (0..runs).filter(|_| black_box(work())).count();
    let spent = start.elapsed().as_secs_f64() * 1e6 / f64::from(runs);
    assert_eq!(done, runs as usize, "{name} did not do its work");
    spent
}

fn projection() {
    let contract = Contract::compile(&json!({
        "/items/*/name": {"type": "string", "max_length": 40, "mask": "name"},
        "/items/*/kind": {"type": "string", "enum": ["limited", "sole"]},
        "/items/*/capital": {"type": "integer", "minimum": 0, "maximum": 1_000_000_000},
        "/score": {"type": "integer", "minimum": 0, "maximum": 1000, "step": 10}
    }))
    .expect("the contract compiles");
    let item =
        json!({"name": "某某有限公司", "kind": "limited", "capital": 5_000_000, "internal": "dropped"});
    let answer = json!({"score": 612, "items": vec![item; 11]}).to_string();
    let name = format!("project an answer of {} bytes, each KiB of it", answer.len());
    let spent = micros(&name, 50_000, || {
        contract.project(contract.all(), answer.as_bytes()).is_ok_and(|projected| projected.unlisted == 11)
    });
    number(&name, spent * 1024.0 / answer.len() as f64, "µs", Some(0.0..=10.0));
}

fn tokens(algorithm: Algorithm) {
    let signer = Signer::new("consent-service", "key-2026", algorithm, &[7; 32]).expect("a sound key");
    let mut issuers = Issuers::new();
    issuers.register("key-2026", "consent-service", algorithm, &signer.public_key()).expect("a sound key");
    let claims: Claims = serde_json::from_value(json!({
        "iss": "consent-service", "jti": "AAAAAAAAAAAAAAAAAAAAAA", "iat": 1_700_000_000, "nbf": 1_700_000_000,
        "exp": 1_700_003_600, "sub": "p1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "sub_alg": "hmac-sha256",
        "sub_kid": "2026q4", "aud": "gate",
        "authorization_details": [{"type": "data-product", "au": "bank-a", "scenario": "credit",
            "products": ["credit-score"], "fields": ["/score"], "purpose": "loan", "actions": ["query"]}],
        "use": {"max": 1},
        "legal": {"basis": "separate_consent", "sensitive": true, "notice": "n@1",
            "notice_hash": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}
    }))
    .expect("claims");
    let token = consent::issue(&claims, &signer).expect("a sound consent");
    let now = Timestamp::from_seconds(1_700_000_500);
    let aim = match algorithm {
        Algorithm::EdDsa => Some(0.0..=80.0),
        Algorithm::Sm2Sm3 => Some(0.0..=400.0),
        Algorithm::Es256 => None,
    };
    let name = format!("verify a consent never seen, {}", algorithm.as_str());
    let spent = micros(&name, 2_000, || consent::verify(&token, &issuers, "gate", now).is_ok());
    number(&name, spent, "µs", aim);
}

fn pseudonyms(prf: impl SubjectPrf) {
    let name = format!("pseudonym, {}", prf.algorithm());
    let pseudonymiser = Pseudonymiser::new(prf);
    let (unit, scenario) = (Id::new("bank-a").expect("a name"), Id::new("credit").expect("a name"));
    let person = CanonicalId::new(IdKind::Person, "11010519491231002X").expect("the standard's example");
    let first = pseudonymiser.pseudonym(&unit, &scenario, &person);
    measure(&name, 50_000, || pseudonymiser.pseudonym(&unit, &scenario, &person) == first);
}

fn statistics(measure_of: Measure) {
    let declared = json!({"data_version": "v", "max_rows_per_person": 1,
        "columns": {"age": {"type": "integer", "minimum": 17, "maximum": 90}}});
    let terms = Terms { measure: measure_of, per_query_max: NanoCharge::from_nanos(1_000_000_000) };
    let domain = Domain::compile(&declared, terms).expect("the domain compiles");
    let asked = json!({"measure": "histogram", "column": "age", "accuracy": {measure_of.as_str(): "0.1"}});
    let query = Query::parse(&asked, &domain).expect("the query is sound");
    let name = measure_of.as_str();
    measure(&format!("parse and price a query, {name}"), 20_000, || Query::parse(&asked, &domain).is_ok());
    measure(&format!("map and draw 74 values, {name}"), 2_000, || query.draw(&domain, &OsRng).is_ok());
    let engine = br#"{"data_version":"v","max_rows_per_person":1,"rows":[{"key":["40"],"count":1000}]}"#;
    measure(&format!("draw and release 74 values, {name}"), 2_000, || {
        let noise = query.draw(&domain, &OsRng).expect("the map confirms");
        query.release(noise, engine, &domain).is_ok_and(|released| released.bytes.len() > 74)
    });
}

/// The caller's side of blinded verification; the product service's is measured with it.
fn blinding() {
    let entry = blind::entry(&["690113200205284265", "杜秀红"]).expect("an entry");
    measure("blind an entry", 2_000, || Blinded::new(entry.clone(), &OsRng).is_ok());
    let element = Blinded::new(entry, &OsRng).expect("blinded").element().to_string();
    measure("check an element, as the gateway does", 20_000, || element.parse::<Element>().is_ok());
}

/// What watching costs each call.
fn watching() {
    let (mut watch, now) = (Watch::default(), Timestamp::from_seconds(1_700_000_000));
    let mut subject = 0_u64;
    measure("watch a call about a subject", 100_000, || {
        subject = subject.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let seen = Seen {
            parts: 1,
            missed: Some(false),
            subject: Some(subject),
            question: subject,
            volume: Volume { calls_per_day: Some(1_000_000), subjects_per_day: Some(1_000_000) },
            ..Seen::default()
        };
        watch.admit(now).is_ok() && watch.observe(&seen, now).is_none()
    });
}

fn main() {
    heading("functions of shuzha-privacy, one thread, in memory");
    blinding();
    watching();
    projection();
    for algorithm in [Algorithm::EdDsa, Algorithm::Es256, Algorithm::Sm2Sm3] {
        tokens(algorithm);
    }
    pseudonyms(HmacSha256Prf::new("k", &[7; 32]));
    pseudonyms(HmacSm3Prf::new("k", &[7; 32]));
    statistics(Measure::PureEps);
    statistics(Measure::Rho);
}
