//! Queries, charges and releases, by example and by property.

use serde_json::{Value, json};
use shuzha_core::{Code, NanoCharge};

use super::*;
use shuzha_testkit::Seeded;

mod audit;
mod domains;
mod laws;
mod mechanisms;

fn domain_with(measure: Measure, rows_per_person_max: u32) -> Domain {
    let declared = json!({
        "data_version": "test-1", "max_rows_per_person": rows_per_person_max,
        "columns": {
            "sex": {"type": "categorical", "keys": ["Female", "Male"]},
            "town": {"type": "categorical", "keys": ["a", "b", "c"]},
            "age": {"type": "integer", "minimum": 17, "maximum": 90},
            "gain": {"type": "integer", "minimum": -50, "maximum": 100_000}
        }
    });
    let terms = Terms { measure, per_query_max: "1".parse().unwrap() };
    Domain::compile(&declared, terms).unwrap()
}

/// A domain with a column whose keys are not public.
fn open_domain(measure: Measure) -> Domain {
    let declared = json!({
        "data_version": "open-1", "max_rows_per_person": 1,
        "columns": {
            "street": {"type": "open", "keys_max": 50}, "kind": {"type": "categorical", "keys": ["a", "b"]}
        }
    });
    Domain::compile(&declared, Terms { measure, per_query_max: "1".parse().unwrap() }).unwrap()
}

fn domain() -> Domain {
    domain_with(Measure::PureEps, 1)
}

#[expect(clippy::needless_pass_by_value, reason = "rows of tables are built where they are passed")]
fn parse(asked: Value) -> Result<Query, (Code, String)> {
    Query::parse(&asked, &domain()).map_err(|refusal| (refusal.code, refusal.at.unwrap_or_default()))
}

/// A query with the accuracy added.
fn asked(mut query: Value) -> Value {
    query["accuracy"] = json!({"epsilon": "0.5"});
    query
}

#[test]
fn refusals_by_example() {
    let accuracy = |accuracy: Value| json!({"measure": "count", "accuracy": accuracy});
    let condition = |column: &str, op: &str, value: Value| {
        asked(json!({"measure": "count", "where": [{"column": column, "op": op, "value": value}]}))
    };
    for (query, code, at) in [
        (json!({"measure": "count"}), Code::C302, ""),
        (json!([]), Code::C302, ""),
        (asked(json!({"measure": "median"})), Code::C302, ""),
        (asked(json!({"measure": "count", "sql": "…"})), Code::C302, ""),
        (accuracy(json!({"epsilon": 0.5})), Code::C302, ""),
        (accuracy(json!({"epsilon": "0.5", "rho": "0.5"})), Code::C302, ""),
        (accuracy(json!({"rho": "0.5"})), Code::C302, "/accuracy"),
        (accuracy(json!({"epsilon": "0"})), Code::C302, "/accuracy"),
        (accuracy(json!({"epsilon": "-0.5"})), Code::C302, "/accuracy"),
        (accuracy(json!({"epsilon": "NaN"})), Code::C302, "/accuracy"),
        (accuracy(json!({"epsilon": "1e-3"})), Code::C302, "/accuracy"),
        (accuracy(json!({"epsilon": "0.0000000001"})), Code::C302, "/accuracy"),
        (accuracy(json!({"epsilon": "99999999999999999999"})), Code::C302, "/accuracy"),
        (accuracy(json!({"epsilon": "1.000000001"})), Code::C604, "/accuracy"),
        (asked(json!({"measure": "count", "column": "age"})), Code::C302, "/column"),
        (asked(json!({"measure": "sum"})), Code::C302, "/column"),
        (asked(json!({"measure": "sum", "column": "sex"})), Code::C302, "/column"),
        (asked(json!({"measure": "sum", "column": "salary"})), Code::C605, "/column"),
        (asked(json!({"measure": "count", "group_by": ["age"]})), Code::C302, "/group_by/0"),
        (asked(json!({"measure": "count", "group_by": ["sex", "sex"]})), Code::C302, "/group_by/1"),
        (asked(json!({"measure": "histogram", "column": "sex", "group_by": ["sex"]})), Code::C302, "/column"),
        (asked(json!({"measure": "count", "group_by": ["ward"]})), Code::C605, "/group_by/0"),
        (asked(json!({"measure": "histogram", "column": "gain"})), Code::C605, "/column"),
        (condition("sex", "eq", json!("Other")), Code::C605, "/where/0/value"),
        (condition("sex", "eq", json!(1)), Code::C302, "/where/0/value"),
        (condition("sex", "ge", json!("Male")), Code::C302, "/where/0/value"),
        (condition("sex", "in", json!([])), Code::C302, "/where"),
        (condition("age", "ge", json!(16)), Code::C605, "/where/0/value"),
        (condition("age", "ge", json!(17.5)), Code::C302, ""),
        (condition("age", "in", json!([17, 91])), Code::C605, "/where/0/value"),
        (condition("name", "eq", json!("x")), Code::C605, "/where/0/column"),
    ] {
        assert_eq!(parse(query.clone()).unwrap_err(), (code, at.to_owned()), "{query}");
    }
    let nothing =
        json!([{"column": "age", "op": "ge", "value": 40}, {"column": "age", "op": "le", "value": 39}]);
    let query = asked(json!({"measure": "count", "where": nothing}));
    assert_eq!(parse(query).unwrap_err(), (Code::C302, "/where".to_owned()));
    let tiny = json!({"measure": "mean", "column": "age", "accuracy": {"epsilon": "0.000000001"}});
    assert_eq!(parse(tiny).unwrap_err(), (Code::C302, "/accuracy".to_owned()));
}

/// R11: one question, many spellings, one canonical form.
#[test]
fn spellings_of_one_question_are_one_query() {
    let groups = [
        [json!({"measure": "histogram", "column": "sex"}), json!({"measure": "count", "group_by": ["sex"]})],
        [
            json!({"measure": "count", "group_by": ["sex", "town"]}),
            json!({"measure": "histogram", "column": "sex", "group_by": ["town"]}),
        ],
        [
            json!({"measure": "count", "where": [{"column": "age", "op": "ge", "value": 30},
                {"column": "sex", "op": "in", "value": ["Male", "Male"]}, {"column": "age", "op": "le", "value": 32}]}),
            json!({"measure": "count", "where": [{"column": "sex", "op": "eq", "value": "Male"},
                {"column": "age", "op": "in", "value": [32, 30, 31, 30]}]}),
        ],
        [
            json!({"measure": "sum", "column": "age", "where": [{"column": "town", "op": "in", "value": ["c", "b", "a"]},
                {"column": "age", "op": "ge", "value": 17}]}),
            json!({"measure": "sum", "column": "age"}),
        ],
    ];
    let mut seen = std::collections::BTreeSet::new();
    for [one, other] in groups {
        let canonical = |query: Value| parse(asked(query)).unwrap().canonical();
        assert_eq!(canonical(one.clone()), canonical(other), "{one}");
        assert!(seen.insert(canonical(one)), "two questions share a form");
    }
    let spent = |epsilon: &str| parse(json!({"measure": "count", "accuracy": {"epsilon": epsilon}})).unwrap();
    assert_eq!(spent("0.5").canonical(), spent("0.500").canonical());
    assert_ne!(spent("0.5").canonical(), spent("0.6").canonical());
}

#[test]
fn the_engine_is_asked_in_its_own_words() {
    let query = parse(asked(json!({"measure": "histogram", "column": "age", "group_by": ["town", "sex"],
        "where": [{"column": "age", "op": "ge", "value": 80}, {"column": "gain", "op": "in", "value": [0, 5]}]})));
    assert_eq!(
        query.unwrap().engine_request(&domain()),
        json!({"measure": "histogram", "column": "age", "group_by": ["sex", "town"], "max_rows_per_person": 1,
            "domain": domain().digest().to_string(), "where": [
            {"column": "age", "op": "ge", "value": 80}, {"column": "age", "op": "le", "value": 90},
            {"column": "gain", "op": "in", "value": [0, 5]}]})
    );
}

#[test]
fn releases_carry_noise_scale_accuracy_and_charge() {
    let domain = domain();
    let query = parse(asked(json!({"measure": "count", "group_by": ["sex"]}))).unwrap();
    let noise = query.draw(&domain, &Seeded::new(1)).unwrap();
    let drawn = noise.counts.clone();
    let engine = json!({"data_version": "test-1", "max_rows_per_person": 1, "rows": [{"key": ["Male"], "count": 1000}]});
    let bytes = query.release(noise, engine.to_string().as_bytes(), &domain).unwrap().bytes;
    let released: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(released["cells"][0], json!({"key": ["Female"], "count": drawn[0]}));
    assert_eq!(released["cells"][1], json!({"key": ["Male"], "count": 1000 + drawn[1]}));
    assert_eq!(
        released["privacy"],
        json!({"unit": "person", "max_rows_per_person": 1, "measure": "epsilon", "charge": "0.5"})
    );
    assert_eq!(released["noise"][0]["mechanism"], "discrete_laplace");
    assert_eq!(released["noise"][0]["accuracy_95"], 6);
    let scale = released["noise"][0]["scale"].as_f64().unwrap();
    assert!((2.0..2.0001).contains(&scale), "{scale}");
}

#[test]
fn means_are_of_noisy_numbers_and_guarded() {
    let domain = domain_with(Measure::Rho, 1);
    let asked = json!({"measure": "mean", "column": "age", "group_by": ["sex"], "accuracy": {"rho": "0.1"}, "nonnegative": true});
    let query = Query::parse(&asked, &domain).unwrap();
    let engine = json!({"data_version": "test-1", "max_rows_per_person": 1, "rows": [{"key": ["Male"], "count": 100_000, "sum": 4_000_000},
        {"key": ["Female"], "count": 0, "sum": 0}]});
    let noise = query.draw(&domain, &Seeded::new(5)).unwrap();
    let bytes = query.release(noise, engine.to_string().as_bytes(), &domain).unwrap().bytes;
    let released: Value = serde_json::from_slice(&bytes).unwrap();
    assert_eq!(released["cells"][0]["mean"], Value::Null);
    assert!(released["cells"][0]["count"].as_i64().unwrap() >= 0);
    let mean = released["cells"][1]["mean"].as_f64().unwrap();
    assert!((mean - 40.0).abs() < 0.1, "{mean}");
    assert_eq!(released["noise"].as_array().unwrap().len(), 2);
}

#[test]
fn domains_name_every_fault_at_once() {
    let declared = json!({
        "data_version": "", "max_rows_per_person": 0,
        "columns": {
            "a": {"type": "categorical", "keys": []}, "b": {"type": "categorical", "keys": ["x", "x"]},
            "c": {"type": "integer", "minimum": 2, "maximum": 1}, "d": {"type": "integer", "minimum": 0, "maximum": 1_i64 << 40}
        }
    });
    let terms = Terms { measure: Measure::Rho, per_query_max: NanoCharge::ZERO };
    assert_eq!(Domain::compile(&declared, terms).unwrap_err().len(), 7);
    assert!(Domain::compile(&json!({}), terms).is_err());
}
