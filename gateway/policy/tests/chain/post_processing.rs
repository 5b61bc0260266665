//! What is done to noised numbers afterwards is no other question: one release, one charge, whatever is asked of it.

use serde_json::{Value, json};
use shuzha_core::Id;

use crate::calls::{Ask, histogram};
use crate::gateway::{TestGateway, body, outcome};
use crate::upstream::{Fake, Say};

/// One person: with noise of ε = 0.25 either count is often below zero.
const FEW: &str = r#"{"data_version":"adult-1","max_rows_per_person":1,"rows":[{"key":["Female"],"count":1},{"key":["Male"],"count":0}]}"#;
const CHARGE: u64 = 250_000_000;

fn census(nonnegative: bool, consistent: bool) -> Ask {
    let query = json!({
        "measure": "histogram", "column": "sex", "accuracy": {"epsilon": "0.25"},
        "nonnegative": nonnegative, "consistent": consistent,
    });
    Ask::new("civil-affairs-1", "census-report", "query", "civil-planning").body(&query.to_string())
}

async fn answered(house: &TestGateway, ask: &Ask, fake: &Fake) -> Value {
    let reply = house.call(ask, fake).await;
    assert_eq!(outcome(&reply), "answered");
    serde_json::from_slice(body(&reply)).expect("JSON")
}

fn counts(answer: &Value) -> Vec<i64> {
    let cells = answer["cells"].as_array().expect("cells");
    cells.iter().map(|cell| cell["count"].as_i64().expect("a count")).collect()
}

/// Privacy research: the flags made four canonical queries of one, each with noise and a charge of its own.
#[tokio::test]
async fn e6_post_processing_is_no_other_question() {
    let spent = |house: &TestGateway| house.gate.privacy_spent(&Id::new("census").expect("a name")).nanos();
    for first in [(false, false), (true, false), (true, true), (false, true)] {
        let house = TestGateway::new();
        let fake = Fake::new([Say::Json(200, FEW)]);
        let asked = answered(&house, &census(first.0, first.1), &fake).await;
        let noised = counts(&answered(&house, &census(false, false), &fake).await);
        let floored: Vec<i64> = noised.iter().map(|count| *count.max(&0)).collect();
        let nonnegative = answered(&house, &census(true, false), &fake).await;
        assert_eq!(counts(&nonnegative), floored);
        assert_eq!(nonnegative["post_processing"], json!(["nonnegative"]));
        let totals = answered(&house, &census(false, true), &fake).await;
        assert_eq!(
            (counts(&totals), &totals["totals"]["all"]),
            (noised.clone(), &json!(noised.iter().sum::<i64>()))
        );
        let both = answered(&house, &census(true, true), &fake).await;
        assert_eq!(both["totals"]["all"], json!(noised.iter().sum::<i64>().max(0)));
        assert!(counts(&both).iter().all(|count| *count >= 0));
        assert_eq!(answered(&house, &census(first.0, first.1), &fake).await, asked);
        assert_eq!((fake.seen().len(), spent(&house)), (1, CHARGE), "{first:?}");
        let house = house.killed();
        assert_eq!(answered(&house, &census(first.0, first.1), &fake).await, asked);
        assert_eq!((fake.seen().len(), spent(&house)), (1, CHARGE), "{first:?}");
    }
}

/// Whether another unit has asked the same is its own affair.
#[tokio::test]
async fn e6_a_plan_tells_nothing_of_what_others_asked() {
    let house = TestGateway::new();
    let ask = |credential: &str, scenario: &str| {
        Ask::new(credential, "census-report", "query", scenario).body(&histogram("sex", "0.25"))
    };
    let planned = |mut ask: Ask| {
        ask.path.push_str(":plan");
        ask
    };
    let fake = Fake::new([]);
    let (mine, other) = (ask("study-1", "study-sample"), ask("civil-affairs-1", "civil-planning"));
    let before = answered(&house, &planned(mine.clone()), &fake).await;
    answered(&house, &other, &fake).await;
    assert_eq!(answered(&house, &planned(mine), &fake).await, before);
    let own = answered(&house, &planned(other), &fake).await;
    assert_eq!((&own["released_before"], &own["charge_now"]), (&json!(true), &json!("0.0")));
}
