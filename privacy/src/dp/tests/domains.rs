//! What gateway and engine agree on, and what becomes of an answer outside it.

use proptest::prelude::*;
use serde_json::{Value, json};
use shuzha_core::OsRng;

use super::{asked, domain, parse};
use crate::dp::{Domain, Measure, Query, Terms};
use shuzha_testkit::Seeded;

fn compiled(declared: &Value) -> Domain {
    let terms = Terms { measure: Measure::PureEps, per_query_max: "1".parse().unwrap() };
    Domain::compile(declared, terms).unwrap()
}

/// The example of `docs/product-services.md`; `products/upstreams/tests/it/statistics.rs` has the same.
fn documented() -> Value {
    json!({"data_version": "adult-1", "max_rows_per_person": 1, "columns": {
        "sex": {"type": "categorical", "keys": ["Male", "Female"]},
        "age": {"type": "integer", "minimum": 17, "maximum": 90},
        "街道": {"type": "open", "keys_max": 50},
    }})
}

#[test]
fn the_canonical_text_is_as_documented() {
    let domain = compiled(&documented());
    assert_eq!(
        domain.canonical(),
        "shuzha-domain-v1\ndata_version 7:adult-1\nmax_rows_per_person 1\ncolumn 3:age integer 17 90\n\
         column 3:sex categorical 2\nkey 6:Female\nkey 4:Male\ncolumn 6:街道 open 50\n"
    );
    assert_eq!(
        domain.digest().to_string(),
        "d6a0342073a87036e8d542d42701830b30dbaf575997679714554cc04717e366"
    );
    let document = include_str!("../../../../docs/product-services.md");
    assert!(document.contains(&domain.canonical()) && document.contains(&domain.digest().to_string()));
}

/// Every difference by one has a digest of its own; an order of declaration has none.
#[test]
fn e6_a_domain_that_differs_by_one_has_another_digest() {
    let own = compiled(&documented()).digest();
    let mut reordered = documented();
    reordered["columns"]["sex"]["keys"] = json!(["Female", "Male"]);
    assert_eq!(compiled(&reordered).digest(), own);
    let mut seen = vec![own];
    for (pointer, value) in [
        ("/columns/age/minimum", json!(16)),
        ("/columns/age/minimum", json!(18)),
        ("/columns/age/maximum", json!(89)),
        ("/columns/age/maximum", json!(91)),
        ("/columns/sex/keys", json!(["Male"])),
        ("/columns/sex/keys", json!(["Male", "Female", "?"])),
        ("/columns/sex/keys", json!(["Male", "Femal"])),
        ("/columns/街道/keys_max", json!(49)),
        ("/columns/街道/keys_max", json!(51)),
        ("/max_rows_per_person", json!(2)),
        ("/data_version", json!("adult-2")),
        ("/columns/sex", json!({"type": "open", "keys_max": 2})),
    ] {
        let mut other = documented();
        *other.pointer_mut(pointer).unwrap() = value;
        let digest = compiled(&other).digest();
        assert!(!seen.contains(&digest), "{pointer}");
        seen.push(digest);
    }
    for moved in [json!(["a\nkey 1:b"]), json!(["a", "b"]), json!(["ab"])] {
        let mut other = documented();
        other["columns"]["sex"]["keys"] = moved;
        let digest = compiled(&other).digest();
        assert!(!seen.contains(&digest), "no key reads as two");
        seen.push(digest);
    }
}

fn sum_of_men() -> Query {
    parse(asked(json!({"measure": "sum", "column": "gain", "group_by": ["sex"],
        "where": [{"column": "sex", "op": "eq", "value": "Male"}]})))
    .unwrap()
}

/// What is released of one row, without its noise, and how much of it was astray.
fn exact(query: &Query, rows: &Value) -> (i64, u32) {
    let domain = domain();
    let noise = query.draw(&domain, &Seeded::new(1)).unwrap();
    let drawn = i64::try_from(noise.sums[0]).unwrap();
    let answer = json!({"data_version": "test-1", "max_rows_per_person": 1, "rows": rows}).to_string();
    let released = query.release(noise, answer.as_bytes(), &domain).unwrap();
    let answer: Value = serde_json::from_slice(&released.bytes).unwrap();
    (answer["cells"][0]["sum"].as_i64().unwrap() - drawn, released.astray)
}

#[test]
fn e6_what_lies_outside_the_domain_is_brought_into_it() {
    let query = sum_of_men();
    let cell = |key: &str, count: Value, sum: Value| json!({"key": [key], "count": count, "sum": sum});
    let male = |count: Value, sum: Value| json!([cell("Male", count, sum)]);
    for (rows, sum, astray) in [
        (male(json!(2), json!(200_000)), 200_000, false),
        (male(json!(2), json!(-100)), -100, false),
        // A cell of the domain that the conditions exclude, listed and empty, as the engine does.
        (json!([cell("Female", json!(0), json!(0))]), 0, false),
        (male(json!(2), json!(200_001)), 200_000, true),
        (male(json!(2), json!(-101)), -100, true),
        (male(json!(-1), json!(5)), 0, true),
        (male(json!(u64::MAX), json!(7)), 7, true),
        (male(json!(2), json!(1e300)), 200_000, true),
        (male(json!(2), json!("200")), 0, true),
        (male(json!(1.5), json!(7)), 7, true),
        (json!([cell("Female", json!(1), json!(0))]), 0, true),
        (json!([cell("Other", json!(0), json!(0))]), 0, true),
        (json!([{"key": [], "count": 1, "sum": 1}]), 0, true),
        (json!([{"key": ["Male"], "count": 1}]), 0, true),
        (json!([cell("Male", json!(1), json!(3)), cell("Male", json!(9), json!(9))]), 3, true),
        (json!([{"key": ["Male"], "count": 1, "sum": 3, "name": "x"}]), 3, true),
        (json!("none"), 0, true),
        (json!([null, 1, []]), 0, true),
    ] {
        let (found, beyond) = exact(&query, &rows);
        assert_eq!((found, beyond > 0), (sum, astray), "{rows}");
    }
}

/// What stands beside the rows is public metadata: an answer about something else is refused, whatever its rows.
#[test]
fn an_answer_about_something_else_is_refused() {
    let (domain, query) = (domain(), sum_of_men());
    for (answer, at) in [
        ("", ""),
        ("[]", ""),
        (r#"{"data_version":"test-1","max_rows_per_person":1,"rows":[],"rows":[]}"#, ""),
        (r#"{"data_version":"test-2","max_rows_per_person":1,"rows":[]}"#, "/data_version"),
        (r#"{"data_version":"test-1","max_rows_per_person":2,"rows":[]}"#, "/max_rows_per_person"),
    ] {
        let noise = query.draw(&domain, &OsRng).unwrap();
        assert_eq!(query.release(noise, answer.as_bytes(), &domain).unwrap_err().at, at, "{answer}");
    }
    let other = parse(asked(json!({"measure": "count"}))).unwrap().draw(&domain, &OsRng).unwrap();
    let answer = r#"{"data_version":"test-1","max_rows_per_person":1,"rows":[]}"#;
    assert!(query.release(other, answer.as_bytes(), &domain).is_err());
}

/// An engine that clamps at ten times the declared bound, over neighbours that differ by one person: each is answered. It
/// was the other way that showed without noise whose sum lay outside.
#[test]
fn e6_no_status_tells_neighbours_apart() {
    let declared = json!({"data_version": "t", "max_rows_per_person": 1, "columns": {
        "sex": {"type": "categorical", "keys": ["Female", "Male"]},
        "gain": {"type": "integer", "minimum": 0, "maximum": 10},
    }});
    let domain = compiled(&declared);
    let query = asked(json!({"measure": "sum", "column": "gain", "group_by": ["sex"]}));
    let query = Query::parse(&query, &domain).unwrap();
    let numbers = Seeded::new(7);
    let next = move |below: u64| {
        use shuzha_core::Rng as _;
        u64::from_be_bytes(numbers.bytes::<8>()) % below
    };
    for _ in 0..1_000 {
        let people: Vec<(u64, u64)> = (0..next(8) + 1).map(|_| (next(2), next(100))).collect();
        for people in [&people[..], &people[1..]] {
            let row = |sex: u64, name: &str| {
                let own = people.iter().filter(|(of, _)| *of == sex);
                json!({"key": [name], "count": own.clone().count(), "sum": own.map(|(_, gain)| gain).sum::<u64>()})
            };
            let rows = [row(0, "Female"), row(1, "Male")];
            let answer = json!({"data_version": "t", "max_rows_per_person": 1, "rows": rows}).to_string();
            let noise = query.draw(&domain, &Seeded::new(3)).unwrap();
            assert!(query.release(noise, answer.as_bytes(), &domain).is_ok(), "{answer}");
        }
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e300..1e300).prop_map(Value::from),
        prop_oneof![Just("Male"), Just("Female"), Just("")].prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 12, 4, |inner| {
        let member = prop_oneof![Just("key"), Just("count"), Just("sum"), Just("x")];
        let members = prop::collection::btree_map(member.prop_map(str::to_owned), inner.clone(), 0..4);
        prop_oneof![
            prop::collection::vec(inner, 0..4).prop_map(Value::from),
            members.prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

proptest! {
    /// Whatever stands in the rows, there is an answer, of the same length of cells.
    #[test]
    fn e6_no_row_refuses(rows in any_json(), mean in any::<bool>()) {
        let domain = domain();
        let measure = if mean { "mean" } else { "sum" };
        let query = parse(asked(json!({"measure": measure, "column": "gain", "group_by": ["sex", "town"]}))).unwrap();
        let answer = json!({"data_version": "test-1", "max_rows_per_person": 1, "rows": rows}).to_string();
        let noise = query.draw(&domain, &Seeded::new(2)).unwrap();
        let released = query.release(noise, answer.as_bytes(), &domain).unwrap();
        let released: Value = serde_json::from_slice(&released.bytes).unwrap();
        prop_assert_eq!(released["cells"].as_array().unwrap().len(), 6);
    }
}

/// The limit on an engine's answer holds the longest that there is, so that no key's length is told by a refusal.
#[test]
fn e6_the_longest_answer_is_within_the_limit() {
    let declared = json!({"data_version": "t", "max_rows_per_person": 1, "columns": {
        "street": {"type": "open", "keys_max": 40},
    }});
    let domain = compiled(&declared);
    let query = asked(json!({"measure": "histogram", "column": "street"}));
    let query = Query::parse(&query, &domain).unwrap();
    let rows: Vec<_> = (0..40_u8)
        .map(|at| json!({"key": [format!("{}{}", "\u{1}".repeat(126), at + 10)], "count": 10_000_000_000_u64, "sum": i64::MIN}))
        .collect();
    let answer = json!({"data_version": "t", "max_rows_per_person": 1, "rows": rows}).to_string();
    assert!(answer.len() <= query.answer_bytes_max(&domain), "{}", answer.len());
}
