//! One instant decides a call: when its head came. Its price, its windows and its month are those of that instant, however
//! long its body takes and whatever the clock does meanwhile.

use std::time::Duration;

use shuzha_core::Timestamp;
use shuzha_evidence::Entry;
use shuzha_policy::Snapshot;

use crate::calls::Ask;
use crate::deltas::{objects, whole};
use crate::gateway::{NOON, TestGateway, outcome};
use crate::upstream::Fake;

/// The end of NOON's day in China.
const MIDNIGHT: Timestamp = Timestamp::from_seconds(NOON.seconds() + 12 * 3_600);

fn bank() -> Ask {
    Ask::new("bank-1", "company-check", "verify", "bank-onboarding")
}

/// The world in which the price of `company-check` and its ceiling rise at that midnight.
fn dearer_from_midnight() -> Snapshot {
    let mut objects = objects();
    for kind in ["Price", "Ceiling"] {
        let at = |name: &str| (kind.to_owned(), name.to_owned());
        let now = objects.get_mut(&at("company-check-2025")).expect("it is in the demo's world");
        let later = now
            .replace("name: company-check-2025", "name: company-check-2026")
            .replace("from: 2025-01-01", "from: 2026-03-03")
            .replace("\"0.30\"", "\"0.80\"")
            .replace("\"0.50\"", "\"0.90\"");
        *now = now.replace("until: 2031-01-01", "until: 2026-03-03");
        objects.insert(at("company-check-2026"), later);
    }
    whole(&objects)
}

/// Whose head came before midnight and whose body after pays the price of the day whose call it is: the close compares it with
/// the ceiling of that hour, and could never be made otherwise.
#[tokio::test]
async fn f3_a_call_over_midnight_pays_the_price_of_the_instant_it_came() {
    let house = TestGateway::new();
    house.gate.install(dearer_from_midnight());
    let fake = Fake::new([]);
    house.clock.set(MIDNIGHT.minus(Duration::from_millis(3)));
    let sent = bank().send(MIDNIGHT.minus(Duration::from_millis(3)));
    house.clock.set(MIDNIGHT.plus(Duration::from_millis(2)));
    assert_eq!(outcome(&house.gate.serve(&sent.inbound(), &fake).await), "answered");
    assert_eq!(outcome(&house.call(&bank(), &fake).await), "answered");
    let mut priced = Vec::new();
    for record in house.records().await {
        if let Entry::Call(call) = record.entry().expect("an entry") {
            priced.push((call.received < MIDNIGHT, call.terms.price.to_owned(), call.amount.micros()));
        }
    }
    let expected =
        [(true, "company-check-2025".to_owned(), 300_000), (false, "company-check-2026".to_owned(), 800_000)];
    assert_eq!(priced, expected);
}

/// An answer that is given again is an answer: it keeps to the rate of its grant.
#[tokio::test]
async fn a_kept_answer_is_given_again_no_faster_than_the_grant_allows() {
    let house = TestGateway::new();
    let fake = Fake::new([]);
    let ask = bank().with("idempotency-key", "once");
    assert_eq!(outcome(&house.call(&ask, &fake).await), "answered");
    // 100 calls a second, 200 at once.
    for _ in 0..199 {
        assert_eq!(outcome(&house.call(&ask, &fake).await), "replayed");
    }
    assert_eq!(outcome(&house.call(&ask, &fake).await), "C501");
    house.clock.advance(Duration::from_secs(1));
    assert_eq!(outcome(&house.call(&ask, &fake).await), "replayed");
}
