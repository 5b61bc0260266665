//! Quantiles, groups by non-public keys, totals and plans; and that one question has one canonical form.

use serde_json::{Value, json};
use shuzha_core::{Code, NanoCharge};

use super::{domain, domain_with, open_domain, parse};
use crate::dp::noise::Scale;
use crate::dp::threshold::threshold_up;
use crate::dp::{Domain, Measure, Query};
use shuzha_testkit::Seeded;

fn released(domain: &Domain, asked: &Value, rows: &Value, seed: u64) -> Value {
    let query = Query::parse(asked, domain).unwrap();
    let noise = query.draw(domain, &Seeded::new(seed)).unwrap();
    let rows_max = domain.rows_per_person_max();
    let engine =
        json!({"data_version": domain.data_version(), "max_rows_per_person": rows_max, "rows": rows});
    let bytes = query.release(noise, engine.to_string().as_bytes(), domain).unwrap().bytes;
    serde_json::from_slice(&bytes).unwrap()
}

/// The released quantile's rank is as near as it says, in at least 95 of 100 answers.
#[test]
fn e6_quantiles_keep_their_accuracy() {
    // 100 rows at each age of 17 to 90: the quantile q is at rank 7,400·q.
    let rows: Vec<Value> = (17..=90).map(|age| json!({"key": [age.to_string()], "count": 100})).collect();
    for (measure, charge) in [(Measure::PureEps, "0.1"), (Measure::Rho, "0.005")] {
        let domain = domain_with(measure, 1);
        for quantile in ["0.1", "0.5", "0.99"] {
            let asked = json!({"measure": "quantile", "column": "age", "quantile": quantile,
                "accuracy": {measure.as_str(): charge}});
            let rank = quantile.parse::<f64>().unwrap() * 7_400.0;
            let mut within = 0;
            for seed in 0..300 {
                let answer = released(&domain, &asked, &json!(rows), seed);
                let value = answer["cells"][0]["quantile"].as_f64().unwrap();
                let accuracy = answer["rank_accuracy_95"].as_f64().unwrap();
                // The ranks of the rows with that value.
                let (low, high) = ((value - 17.0) * 100.0, (value - 16.0) * 100.0);
                let off = (low - rank).max(rank - high).max(0.0);
                within += i32::from(off <= accuracy);
                assert!(accuracy < 1_500.0, "{measure:?} {quantile}: a bound of {accuracy} says nothing");
            }
            assert!(within >= 285, "{measure:?} {quantile}: {within} of 300");
        }
    }
}

#[test]
fn e6_quantiles_come_by_group_and_drown_in_noise() {
    let domain = domain();
    let asked = json!({"measure": "quantile", "column": "age", "quantile": "0.25", "group_by": ["sex"],
        "where": [{"column": "age", "op": "ge", "value": 88}], "accuracy": {"epsilon": "1"}});
    let rows = json!([{"key": ["Male", "88"], "count": 50_000}, {"key": ["Male", "90"], "count": 50_000}]);
    let answer = released(&domain, &asked, &rows, 1);
    assert_eq!(
        answer["cells"],
        json!([{"key": ["Female"], "quantile": null}, {"key": ["Male"], "quantile": 88}])
    );
    assert_eq!((&answer["column"], &answer["key_columns"]), (&json!("age"), &json!(["sex"])));
    assert_eq!(answer["quantile"], 0.25);
    let query = Query::parse(&asked, &domain).unwrap();
    assert_eq!(query.engine_request(&domain)["measure"], "histogram");
}

/// Partial sums of the noise stay within their bound, all at once.
#[test]
fn e6_the_accuracy_of_sums_holds() {
    for measure in [Measure::PureEps, Measure::Rho] {
        for cells in [1_usize, 2, 6, 7, 40] {
            let scale = Scale::charge_up(measure, 1, NanoCharge::from_nanos(20_000_000)).unwrap();
            let most = scale.accuracy_of_sums_95_up(cells);
            let domain = domain_with(measure, 1);
            let asked =
                json!({"measure": "histogram", "column": "age", "accuracy": {measure.as_str(): "0.02"}});
            let query = Query::parse(&asked, &domain).unwrap();
            let (rng, mut within, mut all) = (Seeded::new(3), 0_u32, 0_u32);
            while all < 2_000 {
                for noise in query.draw(&domain, &rng).unwrap().counts.chunks_exact(cells) {
                    let partial = noise.iter().scan(0_i128, |sum, drawn| {
                        *sum += drawn;
                        Some(sum.unsigned_abs())
                    });
                    all += 1;
                    within += u32::from(partial.max().unwrap() <= most);
                }
            }
            // Four standard deviations of 2,000 draws are 2 %.
            assert!(within * 100 >= all * 93, "{measure:?} {cells}: {within} of {all}");
        }
    }
}

/// A sum of more is never told to be nearer than a sum of fewer.
#[test]
fn e6_the_accuracy_of_sums_never_falls_as_they_grow() {
    for measure in [Measure::PureEps, Measure::Rho] {
        let scale = Scale::charge_up(measure, 1, NanoCharge::from_nanos(500_000_000)).unwrap();
        let told: Vec<_> = (1..=64).map(|cells| scale.accuracy_of_sums_95_up(cells)).collect();
        assert!(told.is_sorted(), "{measure:?}: {told:?}");
    }
}

#[test]
fn e6_open_keys_show_only_above_the_threshold() {
    for measure in [Measure::PureEps, Measure::Rho] {
        let domain = open_domain(measure);
        let asked =
            json!({"measure": "count", "group_by": ["street"], "accuracy": {measure.as_str(): "0.1"}});
        let rows = json!([{"key": ["Oak"], "count": 5_000}, {"key": ["Ash"], "count": 2},
            {"key": ["Elm"], "count": 4_000}, {"key": ["Fir"], "count": 0}]);
        let answer = released(&domain, &asked, &rows, 5);
        let keys: Vec<_> = answer["cells"].as_array().unwrap().iter().map(|cell| &cell["key"][0]).collect();
        assert_eq!(keys, ["Elm", "Oak"], "in the keys' order, whatever the engine's");
        assert_eq!(answer["privacy"]["delta"], 1e-10);
        let threshold = answer["threshold"].as_u64().unwrap();
        assert!((10..500).contains(&threshold), "{measure:?}: {threshold}");
        let plan = Query::parse(&asked, &domain).unwrap().plan(&domain);
        assert_eq!((&plan["threshold"], &plan["cells"]), (&answer["threshold"], &json!(50)));
    }
}

/// OpenDP's own measurement with a threshold confirms ours for every scale; one that is a fifth lower it does not.
#[test]
fn e6_thresholds_are_confirmed_by_opendp() {
    use crate::dp::map::check_threshold_map;
    for measure in [Measure::PureEps, Measure::Rho] {
        let domain = open_domain(measure);
        for nanos in [1_000_000, 50_000_000, 1_000_000_000] {
            let charge = NanoCharge::from_nanos(nanos);
            let scale = Scale::charge_up(measure, 1, charge).unwrap();
            let threshold = threshold_up(scale, charge, &domain);
            let check = |threshold| check_threshold_map(scale, threshold, 1, charge, charge.nanos());
            assert_eq!(check(threshold), Ok(()), "{measure:?} {nanos}");
            assert!(check(threshold * 4 / 5).is_err(), "{measure:?} {nanos}: too low");
        }
    }
}

/// Rows that are no keys of the column are left out and counted, and refuse nothing: which keys there are is data.
#[test]
fn e6_an_engine_that_lies_about_open_keys_changes_no_status() {
    let domain = open_domain(Measure::PureEps);
    let asked = json!({"measure": "histogram", "column": "street", "accuracy": {"epsilon": "0.1"}});
    let query = Query::parse(&asked, &domain).unwrap();
    let many: Vec<Value> = (0..51).map(|at| json!({"key": [at.to_string()], "count": 1})).collect();
    for (rows, astray) in [
        (json!(many), 1),
        (json!([{"key": ["a"], "count": 1}, {"key": ["a"], "count": 90_000}]), 1),
        (json!([{"key": [], "count": 90_000}]), 1),
        (json!([{"key": [""], "count": 90_000}]), 1),
        (json!([{"key": ["a"], "count": -1}]), 1),
        (json!([{"count": 90_000}, 5, {"key": "a", "count": 90_000}]), 3),
    ] {
        let noise = query.draw(&domain, &Seeded::new(1)).unwrap();
        let engine = json!({"data_version": "open-1", "max_rows_per_person": 1, "rows": rows}).to_string();
        let released = query.release(noise, engine.as_bytes(), &domain).unwrap();
        assert!(released.astray >= astray, "{rows}");
        let answer: Value = serde_json::from_slice(&released.bytes).unwrap();
        assert_eq!(answer["cells"], json!([]), "{rows}");
    }
    let other_bound = json!({"data_version": "open-1", "max_rows_per_person": 2, "rows": []}).to_string();
    let noise = query.draw(&domain, &Seeded::new(1)).unwrap();
    let refused = query.release(noise, other_bound.as_bytes(), &domain).unwrap_err();
    assert_eq!(refused.at, "/max_rows_per_person");
    for bad in [
        json!({"measure": "count", "group_by": ["street", "kind"]}),
        json!({"measure": "histogram", "column": "street", "consistent": true}),
        json!({"measure": "count", "where": [{"column": "street", "op": "eq", "value": "Elm"}]}),
    ] {
        let mut bad = bad;
        bad["accuracy"] = json!({"epsilon": "0.1"});
        assert!(Query::parse(&bad, &domain).is_err(), "{bad}");
    }
}

/// Cells add up to the totals, and no cell is negative, where that was asked; the answer says so.
#[test]
fn e6_totals_are_consistent() {
    let domain = domain();
    let rows = json!([{"key": ["Male", "a"], "count": 40}, {"key": ["Female", "b"], "count": 3}]);
    for seed in 0..60 {
        for (nonnegative, notes) in
            [(true, json!(["nonnegative", "consistent_totals"])), (false, json!(["consistent_totals"]))]
        {
            let asked = json!({"measure": "count", "group_by": ["sex", "town"], "consistent": true,
                "nonnegative": nonnegative, "accuracy": {"epsilon": "0.2"}});
            let answer = released(&domain, &asked, &rows, seed);
            let cells: Vec<i64> = answer["cells"]
                .as_array()
                .unwrap()
                .iter()
                .map(|cell| cell["count"].as_i64().unwrap())
                .collect();
            assert_eq!(answer["totals"]["all"].as_i64(), Some(cells.iter().sum()));
            assert!(!nonnegative || cells.iter().all(|cell| *cell >= 0), "{cells:?}");
            for column in ["sex", "town"] {
                let margin = answer["totals"]["by"][column].as_array().unwrap();
                let sum: i64 = margin.iter().map(|part| part[1].as_i64().unwrap()).sum();
                assert_eq!(answer["totals"]["all"].as_i64(), Some(sum));
            }
            assert_eq!(answer["post_processing"], notes);
        }
    }
    let plain = released(&domain, &json!({"measure": "count", "accuracy": {"epsilon": "1"}}), &json!([]), 1);
    assert!(plain["totals"].is_null() && plain["post_processing"].is_null());
}

#[test]
fn e6_quantiles_are_read_strictly() {
    let asked = |quantile: Value| {
        let mut query = json!({"measure": "quantile", "column": "age", "accuracy": {"epsilon": "0.5"}});
        query["quantile"] = quantile;
        parse(query).map(|query| query.quantile)
    };
    for (text, parts) in [("0.5", 5_000), ("0.0001", 1), ("0.9999", 9_999), ("0.50000", 5_000)] {
        assert_eq!(asked(json!(text)), Ok(Some(parts)), "{text}");
    }
    for bad in
        [json!("0"), json!("1"), json!("0.00001"), json!("-0.5"), json!("NaN"), json!(""), json!("6.5537")]
    {
        assert_eq!(asked(bad.clone()), Err((Code::C302, "/quantile".to_owned())), "{bad}");
    }
    assert_eq!(asked(json!(0.5)).map_err(|(code, _)| code), Err(Code::C302));
    assert_eq!(
        parse(json!({"measure": "count", "quantile": "0.5", "accuracy": {"epsilon": "0.5"}})).unwrap_err().1,
        "/quantile"
    );
}

/// R11: 10,000 spellings of 100 queries are 100 queries.
#[test]
fn e6_ten_thousand_spellings_of_a_hundred_queries() {
    let rng = Seeded::new(77);
    let below = |end: u64| {
        let bytes: [u8; 8] = shuzha_core::Rng::bytes(&rng);
        usize::try_from(u64::from_le_bytes(bytes) % end).unwrap()
    };
    let mut forms = std::collections::BTreeSet::new();
    for number in 0..100 {
        let (low, high) = (20 + number % 7, 60 + number % 11);
        let charge = format!("0.{:02}", 10 + number % 80);
        let town = [["a", "b"], ["b", "c"]][number % 2];
        let mut own = std::collections::BTreeSet::new();
        for _ in 0..100 {
            // Ages of low to high, said in one of several ways, some of it twice or more loosely.
            let mut conditions = match below(3) {
                0 => vec![json!({"column": "age", "op": "in", "value": (low..=high).collect::<Vec<_>>()})],
                _ => vec![
                    json!({"column": "age", "op": "ge", "value": low}),
                    json!({"column": "age", "op": "le", "value": high}),
                ],
            };
            conditions.push(json!({"column": "town", "op": "in",
                "value": if below(2) == 0 { vec![town[0], town[1], town[0]] } else { vec![town[1], town[0]] }}));
            for looser in [
                json!({"column": "age", "op": "ge", "value": 17}),
                json!({"column": "age", "op": "le", "value": 90}),
                json!({"column": "sex", "op": "in", "value": ["Male", "Female"]}),
                conditions[below(conditions.len() as u64)].clone(),
            ] {
                if below(2) == 0 {
                    conditions.insert(below(conditions.len() as u64 + 1), looser);
                }
            }
            let mut query = match (number % 3, below(2)) {
                (0, 0) => json!({"measure": "count", "group_by": ["sex"]}),
                (0, _) => json!({"measure": "histogram", "column": "sex"}),
                (1, 0) => json!({"measure": "count", "group_by": ["town", "sex"]}),
                (1, _) => json!({"measure": "histogram", "column": "town", "group_by": ["sex"]}),
                _ => json!({"measure": "sum", "column": "gain", "nonnegative": below(2) == 0}),
            };
            query["where"] = json!(conditions);
            query["accuracy"] = json!({"epsilon": format!("{charge}{}", "0".repeat(below(5)))});
            if below(2) == 0 {
                query["consistent"] = json!(false);
            }
            // Text with its members in another order is the same document.
            let text = query.to_string();
            own.insert(parse(serde_json::from_str(&text).unwrap()).unwrap().canonical());
        }
        assert_eq!(own.len(), 1, "query {number} has several forms");
        forms.extend(own);
    }
    assert_eq!(forms.len(), 100, "queries share a form");
}
