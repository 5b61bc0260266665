//! The statistics engine: published counts, fixed questions, bounded contributions, refusals.

use http::StatusCode;
use serde_json::{Value, json};
use shuzha_upstreams::statistics::{Column, Domain, QueryFault, Statistics, Table};

use crate::harness::start;
use crate::naive::{ENGINE, ROWS, engine, filled, naive};

#[test]
fn the_published_counts_come_out() {
    let high = json!({"measure":"count","where":[{"column":"income","op":"eq","value":">50K"}]});
    assert_eq!(engine(&high).unwrap()[&Vec::new()], (11_687, None));
    let hours = json!({"measure":"mean","column":"hours_per_week"});
    let (count, sum) = engine(&hours).unwrap()[&Vec::new()];
    assert_eq!(count, 48_842);
    #[expect(clippy::cast_precision_loss, reason = "both are far below 2⁵³")]
    let mean = sum.unwrap() as f64 / count as f64;
    assert!((mean - 40.4224).abs() < 0.000_05, "{mean}");
    assert_eq!((ENGINE.table().rows(), ENGINE.table().dropped()), (48_842, 0));
}

#[test]
fn fixed_questions_match_the_naive_count() {
    for query in [
        json!({"measure":"count","where":[],"group_by":["education"]}),
        json!({"measure":"count","where":[],"group_by":["workclass","birthplace"]}),
        json!({"measure":"sum","column":"capital_gain","where":[],"group_by":["sex","race"]}),
        json!({"measure":"mean","column":"age","where":[{"column":"occupation","op":"eq","value":"?"}],"group_by":["income"]}),
        json!({"measure":"histogram","column":"hours_per_week","where":[],"group_by":[]}),
        json!({"measure":"histogram","column":"age","where":[{"column":"sex","op":"in","value":["Female"]}],"group_by":["income"]}),
        json!({"measure":"histogram","column":"marital_status","where":[],"group_by":["relationship"]}),
        json!({"measure":"sum","column":"education_num","where":[{"column":"age","op":"in","value":[17,90,40]}],"group_by":[]}),
        json!({"measure":"count","where":[{"column":"age","op":"ge","value":30},{"column":"age","op":"le","value":29}],"group_by":["sex"]}),
    ] {
        let found = engine(&query).unwrap();
        let expected: u64 = naive(&query).values().map(|cell| cell.0).sum();
        assert_eq!(found.values().map(|cell| cell.0).sum::<u64>(), expected);
        assert_eq!(filled(found), naive(&query), "{query}");
    }
}

#[test]
fn which_cells_there_are_does_not_depend_on_the_data() {
    let whole = engine(&json!({"measure":"count","group_by":["birthplace","education"]})).unwrap();
    let nobody = json!({"measure":"count","where":[{"column":"age","op":"ge","value":91}],"group_by":["birthplace","education"]});
    let nobody = engine(&nobody).unwrap();
    assert_eq!(whole.len(), 42 * 16);
    assert!(whole.keys().eq(nobody.keys()));
    assert!(nobody.values().all(|cell| cell.0 == 0));
    let sums =
        engine(&json!({"measure":"sum","column":"age","where":[{"column":"age","op":"le","value":0}]}))
            .unwrap();
    assert_eq!(sums[&Vec::new()], (0, Some(0)));
}

#[test]
fn the_domain_names_every_key_and_only_those() {
    let domain = ENGINE.table().domain();
    assert_eq!((domain.data_version.as_str(), domain.max_rows_per_person), ("adult-1", 1));
    assert_eq!(domain.columns.len() + 1, ROWS[0].len(), "all columns but the person's number");
    for (name, column) in &domain.columns {
        if let Column::Categorical { keys } = column {
            let mut expected: Vec<&str> = keys.iter().map(String::as_str).collect();
            let mut found: Vec<&str> = ROWS.iter().map(|row| row[name].as_str()).collect();
            found.sort_unstable();
            found.dedup();
            expected.sort_unstable();
            assert_eq!(found, expected, "{name}");
        }
    }
}

fn small(max_rows: u32) -> Domain {
    let text = json!({"data_version":"t","max_rows_per_person":max_rows,"columns":{
        "kind":{"type":"categorical","keys":["a","b"]},
        "amount":{"type":"integer","minimum":-10,"maximum":10}}});
    Domain::parse(&text.to_string()).unwrap()
}

fn totals(csv: &str, max_rows: u32) -> Vec<(u64, Option<i64>)> {
    let table = Table::read(csv.as_bytes(), small(max_rows)).unwrap();
    let query =
        serde_json::from_value(json!({"measure":"sum","column":"amount","group_by":["kind"]})).unwrap();
    table.aggregate(&query).unwrap().iter().map(|row| (row.count, row.sum)).collect()
}

#[test]
fn a_person_moves_the_numbers_by_a_bounded_amount() {
    let csv = "person_id,kind,amount\n1,a,5\n1,a,7\n1,b,9\n2,b,1000000000000\n3,b,-99\n";
    assert_eq!(totals(csv, 1), [(1, Some(5)), (2, Some(0))]);
    assert_eq!(totals(csv, 2), [(2, Some(12)), (2, Some(0))]);
    assert_eq!(totals(csv, 3), [(2, Some(12)), (3, Some(9))]);
    assert_eq!(totals(csv, 0), [(0, Some(0)), (0, Some(0))]);
    assert_eq!(Table::read(csv.as_bytes(), small(1)).unwrap().dropped(), 2);
}

#[test]
fn rows_are_dropped_before_any_filter() {
    // Person 1 has its one row in `a`; asking for `b` must not bring the second one back.
    let table = Table::read("person_id,kind,amount\n1,a,1\n1,b,1\n".as_bytes(), small(1)).unwrap();
    let query = json!({"measure":"count","where":[{"column":"kind","op":"eq","value":"b"}]});
    assert_eq!(table.aggregate(&serde_json::from_value(query).unwrap()).unwrap()[0].count, 0);
}

#[test]
fn a_table_that_does_not_fit_its_domain_is_refused_with_its_line() {
    for (csv, reason) in [
        ("person_id,kind\n1,a\n", "there is no column amount"),
        ("kind,amount\na,1\n", "there is no column person_id"),
        ("person_id,kind,amount\n1,a,1\n2,c,1\n", "line 3: kind: not a key of the column"),
        ("person_id,kind,amount\n1,a,1.5\n", "line 2: amount: not a whole number"),
        ("person_id,kind,amount\nx,a,1\n", "line 2: person_id is not a number"),
    ] {
        assert_eq!(Table::read(csv.as_bytes(), small(1)).unwrap_err(), reason);
    }
    let crossed = Domain::parse(
        r#"{"data_version":"t","max_rows_per_person":1,"columns":{"n":{"type":"integer","minimum":2,"maximum":1}}}"#,
    );
    let error = Table::read("person_id,n\n1,1\n".as_bytes(), crossed.unwrap()).unwrap_err();
    assert_eq!(error, "n: the bounds are crossed");
}

/// Queries that are refused: what is asked, and a part of the reason.
const REFUSED: &[(&str, &str)] = &[
    (r#"{"measure":"count","column":"age"}"#, "no column"),
    (r#"{"measure":"sum"}"#, "an integer column"),
    (r#"{"measure":"sum","column":"sex"}"#, "an integer column"),
    (r#"{"measure":"mean","column":"person_id"}"#, "unknown column in column"),
    (r#"{"measure":"histogram"}"#, "not grouped by"),
    (r#"{"measure":"histogram","column":"sex","group_by":["sex"]}"#, "not grouped by"),
    (r#"{"measure":"histogram","column":"capital_gain"}"#, "cells"),
    (r#"{"measure":"histogram","column":"age","group_by":["education","sex"]}"#, ""),
    (r#"{"measure":"histogram","column":"age","group_by":["education","workclass"]}"#, "cells"),
    (r#"{"measure":"count","group_by":["person_id"]}"#, "unknown column in group_by"),
    (r#"{"measure":"count","group_by":["age"]}"#, "different categorical"),
    (r#"{"measure":"count","group_by":["sex","sex"]}"#, "different categorical"),
    (r#"{"measure":"count","group_by":["sex","race","income"]}"#, "more than 2 groups"),
    (
        r#"{"measure":"count","where":[{"column":"person_id","op":"eq","value":1}]}"#,
        "unknown column in where",
    ),
    (
        r#"{"measure":"count","where":[{"column":"sex","op":"eq","value":"Secret"}]}"#,
        "condition 1: the value is not",
    ),
    (
        r#"{"measure":"count","where":[{"column":"sex","op":"ge","value":"Male"}]}"#,
        "condition 1: the operator",
    ),
    (r#"{"measure":"count","where":[{"column":"sex","op":"eq","value":1}]}"#, "condition 1: the operator"),
    (r#"{"measure":"count","where":[{"column":"age","op":"eq","value":"40"}]}"#, "condition 1: the operator"),
    (r#"{"measure":"count","where":[{"column":"age","op":"in","value":40}]}"#, "condition 1: the operator"),
    (r#"{"measure":"count","where":[{"column":"age","op":"eq","value":40.5}]}"#, "line 1"),
    (r#"{"measure":"count","where":[{"column":"age","op":"eq","value":1e3}]}"#, "line 1"),
    (r#"{"measure":"count","where":[{"column":"age","op":"eq","value":99999999999999999999}]}"#, "line 1"),
    (r#"{"measure":"count","where":[{"column":"age","op":"ne","value":1}]}"#, "line 1"),
    (r#"{"measure":"count","where":[{"column":"age","op":"eq","value":1,"x":1}]}"#, "line 1"),
    (r#"{"measure":"median","column":"age"}"#, "line 1"),
    (r#"{"measure":"count","having":[]}"#, "line 1"),
    (r#"{"measure":"count","measure":"count"}"#, "line 1"),
    (r#"{"column":"age"}"#, "line 1"),
    ("[]", "line 1"),
];

#[tokio::test]
async fn questions_outside_the_domain_are_refused_by_place() {
    let service = start(Statistics::adult().unwrap()).await;
    let domain = ENGINE.table().domain().digest();
    for (query, reason) in REFUSED {
        let query = &query.replacen('{', &format!("{{\"domain\":\"{domain}\","), 1);
        let got = service.post("/v1/aggregate", query).await;
        if reason.is_empty() {
            assert_eq!(got.status, StatusCode::OK, "the control must be answered: {query}");
            continue;
        }
        assert_eq!(
            (got.status, got.code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            "{query}"
        );
        let detail = got.json()["detail"].as_str().unwrap().to_owned();
        assert!(detail.contains(reason) && !detail.contains("Secret"), "{query}: {detail}");
    }
    let many = json!({"column":"age","op":"ge","value":1});
    let seventeen = json!({"measure":"count","where":vec![many; 17],"domain":domain});
    assert_eq!(
        service.post("/v1/aggregate", &seventeen.to_string()).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    let values =
        json!({"measure":"count","where":[{"column":"age","op":"in","value":vec![1; 257]}],"domain":domain});
    assert_eq!(
        service.post("/v1/aggregate", &values.to_string()).await.status,
        StatusCode::UNPROCESSABLE_ENTITY
    );
    assert_eq!(service.post("/v1/rows", "{}").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_answer_has_the_agreed_shape() {
    let service = start(Statistics::adult().unwrap()).await;
    let domain = ENGINE.table().domain().digest();
    let query =
        json!({"measure":"sum","column":"hours_per_week","where":[],"group_by":["sex"],"domain":domain});
    let got = service.post("/v1/aggregate", &query.to_string()).await;
    let cells = naive(&query);
    let row = |key: &str| json!({"key":[key],"count":cells[&vec![key.to_owned()]].0,"sum":cells[&vec![key.to_owned()]].1});
    assert_eq!(
        got.json(),
        json!({"data_version":"adult-1","max_rows_per_person":1,"rows":[row("Female"),row("Male")]})
    );
    let query = json!({"measure":"count","column":null,"domain":domain}).to_string();
    let got = service.post("/v1/aggregate", &query).await;
    assert_eq!(
        got.json(),
        json!({"data_version":"adult-1","max_rows_per_person":1,"rows":[{"key":[],"count":48_842}]})
    );
}

fn open(keys_max: usize) -> Domain {
    let text = json!({"data_version":"t","max_rows_per_person":1,"columns":{
        "kind":{"type":"categorical","keys":["a","b"]},
        "street":{"type":"open","keys_max":keys_max}}});
    Domain::parse(&text.to_string()).unwrap()
}

#[test]
fn e6_open_keys_are_those_of_the_table_whatever_is_asked() {
    let csv = "person_id,kind,street\n1,a,Elm\n2,b,Oak\n3,b,Elm\n";
    let table = Table::read(csv.as_bytes(), open(2)).unwrap();
    let ask = |query: serde_json::Value| {
        let rows = table.aggregate(&serde_json::from_value(query).unwrap())?;
        Ok(rows.iter().map(|row| (row.key.join("/"), row.count)).collect::<Vec<_>>())
    };
    let all = json!({"measure":"count","group_by":["street"],"max_rows_per_person":1});
    assert_eq!(ask(all), Ok(vec![("Elm".to_owned(), 2), ("Oak".to_owned(), 1)]));
    let some =
        json!({"measure":"histogram","column":"street","where":[{"column":"kind","op":"eq","value":"a"}]});
    assert_eq!(ask(some), Ok(vec![("Elm".to_owned(), 1), ("Oak".to_owned(), 0)]));
    let filtered = json!({"measure":"count","where":[{"column":"street","op":"eq","value":"Elm"}]});
    assert!(ask(filtered).is_err());
    let elsewhere = json!({"measure":"count","group_by":["street"],"max_rows_per_person":2});
    assert_eq!(ask(elsewhere), Err(QueryFault::Bound));
    assert_eq!(
        Table::read(csv.as_bytes(), open(1)).unwrap_err(),
        "line 3: street: more keys than keys_max",
        "said when the table is loaded, never to an asker"
    );
    assert!(Table::read("person_id,kind,street\n1,a,\n".as_bytes(), open(1)).is_err());
}

/// The example of `docs/product-services.md`; `privacy/src/dp/tests/domains.rs` has the same.
#[test]
fn e6_the_canonical_text_of_a_domain_is_the_gateways() {
    let text = json!({"data_version":"adult-1","max_rows_per_person":1,"columns":{
        "sex":{"type":"categorical","keys":["Male","Female"]},
        "age":{"type":"integer","minimum":17,"maximum":90},
        "街道":{"type":"open","keys_max":50}}});
    let domain = Domain::parse(&text.to_string()).unwrap();
    let document = include_str!("../../../../docs/product-services.md");
    assert!(document.contains(&domain.canonical()), "{}", domain.canonical());
    assert!(document.contains(&domain.digest()), "{}", domain.digest());
}

/// Before it looks at a row, an engine compares the domain that the noise is drawn for with its own: whatever differs by one,
/// it refuses alike.
#[tokio::test]
async fn e6_an_engine_answers_for_its_own_domain_alone() {
    let declared = |pointer: &str, value: Value| {
        let mut text = json!({"data_version":"t","max_rows_per_person":1,"columns":{
            "kind":{"type":"categorical","keys":["a","b"]},
            "amount":{"type":"integer","minimum":-10,"maximum":10},
            "street":{"type":"open","keys_max":3}}});
        *text.pointer_mut(pointer).unwrap() = value;
        Domain::parse(&text.to_string()).unwrap()
    };
    let own = declared("/max_rows_per_person", json!(1));
    let table = Table::read("person_id,kind,amount,street\n1,a,5,Elm\n".as_bytes(), own.clone()).unwrap();
    let service = start(Statistics::over(table)).await;
    let ask = |domain: Option<String>| {
        json!({"measure":"sum","column":"amount","group_by":["kind"],"domain":domain}).to_string()
    };
    let answered = service.post("/v1/aggregate", &ask(Some(own.digest()))).await;
    assert_eq!(answered.status, StatusCode::OK);
    for (pointer, value) in [
        ("/columns/amount/minimum", json!(-11)),
        ("/columns/amount/minimum", json!(-9)),
        ("/columns/amount/maximum", json!(9)),
        ("/columns/amount/maximum", json!(11)),
        ("/columns/kind/keys", json!(["a"])),
        ("/columns/kind/keys", json!(["a", "b", "c"])),
        ("/columns/street/keys_max", json!(2)),
        ("/columns/street/keys_max", json!(4)),
        ("/max_rows_per_person", json!(2)),
        ("/data_version", json!("u")),
    ] {
        let other = declared(pointer, value);
        assert_ne!(other.digest(), own.digest(), "{pointer}");
        let refused = service.post("/v1/aggregate", &ask(Some(other.digest()))).await;
        assert_eq!((refused.status, refused.code().as_str()), (StatusCode::CONFLICT, "another_domain"));
    }
    for domain in [None, Some(String::new()), Some(own.digest().to_uppercase())] {
        assert_eq!(service.post("/v1/aggregate", &ask(domain)).await.status, StatusCode::CONFLICT);
    }
    let described = service.get(&http::Method::GET, "/.well-known/shuzha-service", &[]).await;
    assert_eq!(described.json()["domains"], json!([own.digest()]));
}
