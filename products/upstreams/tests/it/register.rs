//! The register's three operations.

use http::{Method, StatusCode};
use serde_json::json;
use shuzha_upstreams::register::{ENTERPRISES, PERSONS, Register, enterprise, person};

use crate::harness::{Running, start};

async fn code(register: &Running, path: &str, body: serde_json::Value) -> String {
    let got = register.post(path, &body.to_string()).await;
    assert_eq!(got.status, StatusCode::OK, "{body}");
    assert_eq!(got.json().as_object().unwrap().len(), 1, "a verdict is a code and nothing else");
    got.code()
}

#[tokio::test]
async fn persons_are_consistent_inconsistent_or_not_there() {
    let register = start(Register).await;
    for index in [0, 1, 499_999, PERSONS - 1] {
        let (one, other) = (person(index), person((index + 1) % PERSONS));
        let ask = |name: &str| json!({ "id_number": one.id_number, "name": name });
        assert_eq!(code(&register, "/v1/persons:verify", ask(&one.name)).await, "00");
        assert_ne!(one.name, other.name, "the sample must differ");
        for wrong in [&other.name, "", &format!("{} ", one.name), &one.name[..3]] {
            assert_eq!(code(&register, "/v1/persons:verify", ask(wrong)).await, "01", "{wrong}");
        }
    }
    // The worked example of GB 11643-1999: well-formed, and nobody of ours.
    let ask = json!({ "id_number": "11010519491231002X", "name": "王敏" });
    assert_eq!(code(&register, "/v1/persons:verify", ask).await, "02");
}

#[tokio::test]
async fn enterprises_are_consistent_inconsistent_or_not_there() {
    let register = start(Register).await;
    for index in [0, 1, ENTERPRISES - 1] {
        let one = enterprise(index);
        let ask = |name: &str| json!({ "uscc": one.uscc, "name": name });
        assert_eq!(code(&register, "/v1/enterprises:verify", ask(&one.name)).await, "00");
        assert_eq!(code(&register, "/v1/enterprises:verify", ask("云泽市")).await, "01");
    }
    let ask = json!({ "uscc": "91350100M000100Y43", "name": "x" });
    assert_eq!(code(&register, "/v1/enterprises:verify", ask).await, "02");
}

#[tokio::test]
async fn a_profile_has_its_fields_and_one_too_many() {
    let register = start(Register).await;
    let one = enterprise(42);
    let got = register.post("/v1/enterprises:lookup", &json!({ "uscc": one.uscc }).to_string()).await;
    assert_eq!(got.status, StatusCode::OK);
    let expected = json!({
        "uscc": one.uscc,
        "name": one.name,
        "status": one.status.text(),
        "established": one.established.to_string(),
        "area": one.area.code,
        "legal_person": one.legal_person,
        "phone": one.phone,
        "registered_capital_yuan": one.registered_capital_yuan,
        "internal_risk_flag": if one.at_risk { "watch" } else { "none" },
    });
    assert_eq!(got.json(), expected);

    let got = register.post("/v1/enterprises:lookup", r#"{"uscc":"91350100M000100Y43"}"#).await;
    assert_eq!((got.status, got.json()), (StatusCode::NOT_FOUND, json!({ "code": "02" })));
}

/// E6: the service gives exact counts, small groups included, each group once; nobody can choose others.
#[tokio::test]
async fn the_table_counts_every_enterprise_once() {
    let register = start(Register).await;
    let got = register.post("/v1/tables/enterprises", "{}").await.json();
    assert_eq!(got["reference_date"], "2026-01-01");
    let rows = got["rows"].as_array().unwrap();
    let keys: std::collections::BTreeSet<_> = rows.iter().map(|row| row["key"].to_string()).collect();
    assert_eq!((rows.len(), keys.len()), (16 * 4, 16 * 4));
    let total: u64 = rows.iter().map(|row| row["count"].as_u64().unwrap()).sum();
    assert_eq!(total, u64::from(ENTERPRISES));
    let here = |index: &u32| {
        let firm = enterprise(*index);
        firm.area.code == "690114" && firm.status == shuzha_upstreams::register::Status::MovedOut
    };
    let counted = (0..ENTERPRISES).filter(here).count();
    let row = rows.iter().find(|row| row["key"] == json!(["690114", "迁出"])).unwrap();
    assert_eq!(row["count"], counted);
    for body in [r#"{"by":["phone"]}"#, "[1]", ""] {
        let got = register.post("/v1/tables/enterprises", body).await;
        assert_eq!(got.code(), "invalid", "{body}");
    }
}

#[tokio::test]
async fn other_operations_and_methods_are_refused() {
    let register = start(Register).await;
    let got = register.post("/v1/persons:list", "{}").await;
    assert_eq!((got.status, got.code().as_str()), (StatusCode::NOT_FOUND, "not_found"));
    let got = register.get(&Method::GET, "/v1/persons:verify", &[]).await;
    assert_eq!((got.status, got.header("allow")), (StatusCode::METHOD_NOT_ALLOWED, "POST"));
    for body in [r#"{"uscc":"91350100M000100Y44"}"#, r#"{"uscc":"９1350100M000100Y43"}"#, r#"{"uscc":""}"#] {
        let got = register.post("/v1/enterprises:lookup", body).await;
        assert_eq!(
            (got.status, got.code().as_str()),
            (StatusCode::UNPROCESSABLE_ENTITY, "invalid"),
            "{body}"
        );
    }
}
