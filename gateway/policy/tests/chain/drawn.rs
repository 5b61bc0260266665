//! What may be drawn of an operation at all, through the whole chain (C505).

use std::time::Duration;

use crate::calls::Ask;
use crate::gateway::{TestGateway, outcome};
use crate::upstream::{Fake, Say};
use crate::world;

/// Issue 14, section 4: 500 queries copied a model, and a scenario more would have been as many again. The budget is of the
/// unit and the quarter: a restart, a change of policy and a failed call leave it as it was.
#[tokio::test]
async fn e7_a_model_answers_a_unit_so_often_in_a_quarter() {
    const BUDGET: &str = "queriesPerQuarter: 100";
    let house = TestGateway::new();
    house.gate.install(world::changed("products-data", BUDGET, "queriesPerQuarter: 5"));
    let ask = Ask::new("bank-1", "credit-score", "score", "bank-credit");
    for _ in 0..5 {
        assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "answered");
    }
    assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "C505");
    let house = house.killed();
    house.gate.install(world::changed("products-data", BUDGET, "queriesPerQuarter: 6"));
    assert_eq!(
        outcome(&house.call(&ask, &Fake::new([])).await),
        "answered",
        "one more was given at a review"
    );
    assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "C505");
    house.clock.advance(Duration::from_hours(24 * 92));
    assert_eq!(outcome(&house.call(&ask, &Fake::new([])).await), "answered", "another quarter");
}

/// One blinded element and its evaluation with the proof, and two of them (`table.txt`).
const ONE: [&str; 2] = [
    r#"{"epoch":"2026q4","elements":["hj8zDMGhJZ7VpZmKI6z9N_tDUaeTpbPAkLZC3cQ5uUU"]}"#,
    r#"{"evaluated":["qo-gSHZNViOGhnlAL_YQjSUhiE-hOM1_nHZpqaAUJn4"],"proof":"3e-TdyaS5TXRpTkD2yQ2c1XMLMeN6Ts75aj_zGmF3QZtQ0ZCHRe_UReiof8Pyyp1n1ilOd--hXpAvOTPSexgDQ"}"#,
];
const TWO: [&str; 2] = [
    r#"{"epoch":"2026q4","elements":["hj8zDMGhJZ7VpZmKI6z9N_tDUaeTpbPAkLZC3cQ5uUU","kKAUXqnaKSVMOla-T-GFRl67O_KhgB9xJLu62sdR5lQ"]}"#,
    r#"{"evaluated":["qo-gSHZNViOGhnlAL_YQjSUhiE-hOM1_nHZpqaAUJn4","zFrCIZUKSc6qc8jbQbgsIDcqTI1j5d3tLbkgt-7jaio"],"proof":"zCA5EBddeGkn7rROqEcygEeJLd-FkOcjw3IFy3RgCwpatTN8jrTOrgSUws-JUp3PlFcu0mdHPVZ67tarhz3uCA"}"#,
];

/// Issue 14, section 4: the whole list came out, and quotas of several units added up. What is counted is elements, of all units
/// together; a restart, a refusal and another version of the policy give nothing back, and whoever is refused keeps their quota.
#[tokio::test]
async fn e8_a_list_gives_so_many_elements_in_an_epoch() {
    const BOUND: &str = "elementsPerEpoch: 1000";
    const QUOTA: &str = "quota: {max: 5, per: day}";
    let under = |most: u32| {
        world::with(&[(BOUND, &format!("elementsPerEpoch: {most}")), (QUOTA, "quota: {max: 50, per: day}")])
    };
    let house = TestGateway::new();
    house.gate.install(under(5));
    let ask = |[body, _]: [&str; 2]| Ask::new("study-1", "toy-match", "evaluate", "study-sample").body(body);
    let says = |[_, answer]: [&'static str; 2]| Fake::new([Say::Json(200, answer)]);
    for (batch, left) in [(TWO, 48), (TWO, 46)] {
        let reply = house.call(&ask(batch), &says(batch)).await;
        assert_eq!(outcome(&reply), "answered");
        assert_eq!(reply.limit.quota.expect("a quota").remaining, left);
    }
    let refused = house.call(&ask(TWO), &says(TWO)).await;
    assert_eq!(outcome(&refused), "C505", "a batch is taken whole or not at all");
    assert_eq!(
        refused.limit.quota.expect("a quota").remaining,
        46,
        "what was refused is not taken from the quota"
    );
    assert_eq!(outcome(&house.call(&ask(ONE), &says(ONE)).await), "answered");
    assert_eq!(outcome(&house.call(&ask(ONE), &says(ONE)).await), "C505");
    let house = house.killed();
    house.gate.install(under(5));
    assert_eq!(outcome(&house.call(&ask(ONE), &says(ONE)).await), "C505", "over a restart");
    house.clock.advance(Duration::from_hours(24 * 92));
    assert_eq!(outcome(&house.call(&ask(ONE), &says(ONE)).await), "C505", "an epoch is no quarter");
    house.gate.install(under(6));
    assert_eq!(
        outcome(&house.call(&ask(ONE), &says(ONE)).await),
        "answered",
        "one more was given at a review"
    );
    assert_eq!(outcome(&house.call(&ask(ONE), &says(ONE)).await), "C505");
}
