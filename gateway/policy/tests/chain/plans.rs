//! What a plan says the call would be refused with: the first refusal of stages 6 to 8, by the same judgement.

use serde_json::Value;
use shuzha_core::{Id, MicroYuan};

use crate::calls::{Ask, histogram};
use crate::gateway::{TestGateway, body, counted, outcome};
use crate::upstream::{Fake, Say, WARD};
use crate::world;

fn ward(epsilon: &str) -> Ask {
    Ask::new("study-1", "ward-report-a", "query", "study-sample").body(&histogram("sex", epsilon))
}

fn fake(keeps: bool) -> Fake {
    let fake = Fake::new([Say::Json(200, WARD)]);
    fake.keep(keeps);
    fake
}

/// What the plan of `ask` says, and nothing was taken for it.
async fn refused_with(house: &TestGateway, ask: &Ask, keeps: bool) -> Value {
    let mut plan = ask.clone();
    plan.path.push_str(":plan");
    let (fake, unit) = (fake(keeps), Id::new("study").expect("a name"));
    let before = (house.gate.charged(&unit), house.gate.privacy_spent(&Id::new("ward-a").expect("a name")));
    let reply = house.call(&plan, &fake).await;
    assert_eq!((outcome(&reply).as_str(), fake.seen().len()), ("answered", 0));
    let after = (house.gate.charged(&unit), house.gate.privacy_spent(&Id::new("ward-a").expect("a name")));
    assert_eq!((before, house.gate.held(&unit)), (after, MicroYuan::ZERO));
    let plan: Value = serde_json::from_slice(body(&reply)).expect("JSON");
    plan["refused_with"].clone()
}

/// Budget, price and the service's domain, each alone and in the order of the stages.
#[tokio::test]
async fn e6_a_plan_is_refused_with_what_the_call_is_refused_with() {
    const POOR: (&str, &str) = ("creditLimit: \"1100.00\"", "creditLimit: \"9.00\"");
    const PRICED: &str =
        "product: ward-report-a\n  perCall: \"10.00\"\n  charged: [answer]\n  window: {from: 2025-01-01,";
    let unpriced = PRICED.replace("2025", "2030");
    let house = TestGateway::new();
    for (change, epsilon, keeps, code) in [
        (None, "0.4", false, "C810"),
        (Some(POOR), "0.4", false, "C704"),
        (Some(POOR), "0.4", true, "C704"),
        (None, "0.4", true, "answered"),
        (None, "0.4", false, "answered"),
        (None, "0.3", false, "C601"),
    ] {
        house.gate.install(world::with(change.as_slice()));
        let said = refused_with(&house, &ward(epsilon), keeps).await;
        assert_eq!(said, if code == "answered" { Value::Null } else { code.into() }, "{epsilon} {keeps}");
        let really = outcome(&house.call(&ward(epsilon), &fake(keeps)).await);
        assert_eq!(really, code, "the plan of {epsilon} was wrong");
    }
    house.gate.install(world::with(&[(PRICED, &unpriced)]));
    assert_eq!(refused_with(&house, &ward("0.4"), true).await, "C701");
    let (intents, records) = counted(&house.records().await);
    assert_eq!((intents, records), (1, 13), "a plan is recorded and intends nothing");
}
