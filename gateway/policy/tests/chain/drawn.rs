//! What may be drawn of an operation at all, through the whole chain (C505).

use std::time::Duration;

use crate::cast::Ask;
use crate::house::{House, outcome};
use crate::upstream::Fake;
use crate::world;

/// Issue 14, section 4: 500 queries copied a model, and a scenario more would have been as many again. The budget is of the
/// unit and the quarter: a restart, a change of policy and a failed call leave it as it was.
#[tokio::test]
async fn e7_a_model_answers_a_unit_so_often_in_a_quarter() {
    const BUDGET: &str = "queriesPerQuarter: 100";
    let house = House::new();
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
