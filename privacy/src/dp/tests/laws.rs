//! What must hold for every query: sensitivity, charge, accuracy, and the closeness of neighbouring answers.

use proptest::prelude::*;
use serde_json::{Value, json};
use shuzha_core::NanoCharge;

use super::{asked, domain, domain_with};
use crate::dp::map::map_up;
use crate::dp::noise::Scale;
use crate::dp::{Domain, MapFault, Measure, Query, map};
use shuzha_testkit::Seeded;

/// A person's rows: (sex, town, age, gain).
type Person = Vec<(usize, usize, i64, i64)>;

fn any_person() -> impl Strategy<Value = Person> {
    prop::collection::vec((0_usize..2, 0_usize..3, 17_i64..=90, -50_i64..=100_000), 0..=3)
}

fn any_query() -> impl Strategy<Value = Value> {
    let measure = prop_oneof![
        Just(json!({"measure": "count"})),
        Just(json!({"measure": "sum", "column": "gain"})),
        Just(json!({"measure": "mean", "column": "age"})),
    ];
    let groups = prop_oneof![Just(json!([])), Just(json!(["sex"])), Just(json!(["town", "sex"]))];
    let condition = prop_oneof![
        Just(json!({"column": "sex", "op": "eq", "value": "Male"})),
        (17_i64..90).prop_map(|age| json!({"column": "age", "op": "ge", "value": age})),
        Just(json!({"column": "town", "op": "in", "value": ["a", "c"]})),
    ];
    (measure, groups, prop::collection::vec(condition, 0..3)).prop_map(|(mut query, groups, conditions)| {
        query["group_by"] = groups;
        query["where"] = json!(conditions);
        asked(query)
    })
}

/// A naive engine: exact counts and sums by cell key, straight from what was asked.
fn aggregate(people: &[Person], query: &Value) -> std::collections::BTreeMap<Vec<usize>, (i64, i64)> {
    let mut cells = std::collections::BTreeMap::new();
    for &(sex, town, age, gain) in people.iter().flatten() {
        let kept =
            query["where"].as_array().unwrap().iter().all(|condition| match condition["column"].as_str() {
                Some("sex") => sex == 1,
                Some("age") => age >= condition["value"].as_i64().unwrap(),
                _ => town != 1,
            });
        if kept {
            let part = |name: &Value| if name == "sex" { sex } else { town };
            let key: Vec<usize> = query["group_by"].as_array().unwrap().iter().map(part).collect();
            let cell: &mut (i64, i64) = cells.entry(key).or_default();
            cell.0 += 1;
            cell.1 += if query["column"] == "age" { age } else { gain };
        }
    }
    cells
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Neighbouring data sets: all rows of any one person, gone, move the aggregates by no more than the sensitivity.
    #[test]
    fn no_person_moves_an_answer_by_more_than_the_sensitivity(
        people in prop::collection::vec(any_person(), 1..12), gone in any::<prop::sample::Index>(), query in any_query(),
    ) {
        let domain = domain_with(Measure::PureEps, 3);
        let (counts, sums) = Query::parse(&query, &domain).unwrap().sensitivity(&domain);
        let mut fewer = people.clone();
        fewer.remove(gone.index(people.len()));
        let (with, without) = (aggregate(&people, &query), aggregate(&fewer, &query));
        let (mut moved_counts, mut moved_sums) = (0, 0);
        for (key, (count, sum)) in with {
            let (before_count, before_sum) = without.get(&key).copied().unwrap_or_default();
            moved_counts += count.abs_diff(before_count);
            moved_sums += sum.abs_diff(before_sum);
        }
        prop_assert!(moved_counts <= counts, "{} > {}", moved_counts, counts);
        if query["measure"] != "count" {
            prop_assert!(moved_sums <= sums, "{} > {}", moved_sums, sums);
        }
    }

    /// R6, R8: the loss of a scale is below its charge, exactly, and OpenDP's map, rounded up, says so too.
    #[test]
    fn scales_never_cost_more_than_their_charge(
        sensitivity in prop_oneof![1_u64..1_000, 1_u64..1_u64 << 34], nanos in 1_000_u64..2_000_000_000,
    ) {
        let charge = NanoCharge::from_nanos(nanos);
        let (d, e) = (u128::from(sensitivity), u128::from(nanos));
        if let Some(scale) = Scale::charge_up(Measure::PureEps, sensitivity, charge) {
            // Δ · 2^shift / n ≤ e / 10⁹, cleared of fractions.
            prop_assert!((d << scale.shift) * 1_000_000_000 <= e * u128::from(scale.numerator));
            prop_assert!(map_up(scale, sensitivity).unwrap() <= charge);
        }
        if let Some(scale) = Scale::charge_up(Measure::Rho, sensitivity, charge) {
            // Δ² · 4^shift / 2n² ≤ e / 10⁹.
            prop_assert!(((d * d) << (2 * scale.shift)) * 1_000_000_000 <= 2 * e * u128::from(scale.numerator).pow(2));
            prop_assert!(map_up(scale, sensitivity).unwrap() <= charge);
        }
    }

    /// What is drawn is confirmed by OpenDP's map for every query that parses.
    #[test]
    fn every_query_that_parses_draws(query in any_query(), nanos in 10_000_u64..1_000_000_000, rho in any::<bool>()) {
        let measure = if rho { Measure::Rho } else { Measure::PureEps };
        let domain = domain_with(measure, 3);
        let mut query = query;
        query["accuracy"] = json!({measure.as_str(): NanoCharge::from_nanos(nanos).to_string()});
        if let Ok(query) = Query::parse(&query, &domain) {
            prop_assert!(query.draw(&domain, &Seeded::new(nanos)).is_ok());
        }
    }
}

/// A scale that is too small by its last unit is caught by the map: the check can fail.
#[test]
fn the_map_refuses_a_scale_that_is_too_small() {
    for measure in [Measure::PureEps, Measure::Rho] {
        let charge = NanoCharge::from_nanos(100_000_000);
        let good = Scale::charge_up(measure, 1, charge).unwrap();
        let bad = Scale { numerator: good.numerator - 3, ..good };
        assert_eq!(map::check_map(&[(Some(good), 1)], charge), Ok(()));
        assert_eq!(map::check_map(&[(Some(bad), 1)], charge), Err(MapFault::AboveCharge), "{measure:?}");
        assert_eq!(map::check_map(&[(Some(good), 2)], charge), Err(MapFault::AboveCharge));
        assert_eq!(map::check_map(&[(Some(good), 1), (Some(good), 1)], charge), Err(MapFault::AboveCharge));
    }
}

/// The stated accuracy holds: of many draws at least 95 % are within it, and it is not wildly wide.
#[test]
fn the_stated_accuracy_holds() {
    for measure in [Measure::PureEps, Measure::Rho] {
        let domain = domain_with(measure, 1);
        let asked = json!({"measure": "histogram", "column": "age", "accuracy": {measure.as_str(): "0.02"}});
        let query = Query::parse(&asked, &domain).unwrap();
        let rng = Seeded::new(11);
        let (mut within, mut within_half, mut all) = (0_u32, 0_u32, 0_u32);
        for _ in 0..200 {
            let noise = query.draw(&domain, &rng).unwrap();
            let accuracy = noise.scales.count.unwrap().accuracy_95_up();
            for drawn in &noise.counts {
                all += 1;
                within += u32::from(drawn.unsigned_abs() <= accuracy);
                within_half += u32::from(2 * drawn.unsigned_abs() <= accuracy);
            }
        }
        // 14,800 draws: four standard deviations are 0.7 %.
        assert!(within * 1_000 >= all * 943, "{measure:?}: {within} of {all}");
        assert!(within_half * 1_000 < all * 850, "{measure:?}: {within_half} of {all}");
    }
}

/// The largest privacy loss seen between two sets of releases: over all thresholds, ln P(≤ t)/P'(≤ t) less 3.3 standard
/// errors, so that it is below the true loss with overwhelming probability.
fn loss_seen(one: &[i64], other: &[i64]) -> f64 {
    let below = |values: &[i64], t: i64| {
        let count = values.iter().filter(|&&value| value <= t).count();
        f64::from(u32::try_from(count).unwrap())
    };
    let at = |t: i64| {
        let (p, q) = (below(one, t), below(other, t));
        if p.min(q) < 200.0 { 0.0 } else { (p / q).ln() - 3.3 * (1.0 / p + 1.0 / q).sqrt() }
    };
    (-10..30).map(at).fold(0.0, f64::max)
}

/// All counts released for an engine's answer in which each of the 74 ages has `count` rows.
fn released_counts(query: &Query, domain: &Domain, count: i64, rng: &Seeded) -> Vec<i64> {
    let row = |age: i64| json!({"key": [age.to_string()], "count": count});
    let engine =
        json!({"data_version": "test-1", "max_rows_per_person": 1, "rows": (17..=90).map(row).collect::<Vec<_>>()}).to_string();
    let release = |_| {
        let noise = query.draw(domain, rng).unwrap();
        let bytes = query.release(noise, engine.as_bytes(), domain).unwrap().bytes;
        let released: Value = serde_json::from_slice(&bytes).unwrap();
        released["cells"]
            .as_array()
            .unwrap()
            .iter()
            .map(|cell| cell["count"].as_i64().unwrap())
            .collect::<Vec<_>>()
    };
    (0..800).flat_map(release).collect()
}

/// R9: between neighbouring data sets no event shows a loss above ε, through the whole of a release; and where one person
/// counts double, which the domain does not say, it does.
#[test]
fn neighbouring_answers_are_as_close_as_charged() {
    let domain = domain();
    let asked = json!({"measure": "histogram", "column": "age", "accuracy": {"epsilon": "0.5"}});
    let query = Query::parse(&asked, &domain).unwrap();
    let rng = Seeded::new(23);
    let [with, without, planted] = [5, 6, 7].map(|count| released_counts(&query, &domain, count, &rng));
    let seen = loss_seen(&with, &without);
    assert!((0.4..=0.5).contains(&seen), "a loss of {seen} at a charge of 0.5");
    let seen = loss_seen(&with, &planted);
    assert!(seen > 0.51, "the planted error shows a loss of {seen} only");
}
