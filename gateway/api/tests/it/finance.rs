//! Finance over HTTP: for whom, and what is refused by which code. What it decides is tested where it is decided.

use serde_json::json;

use crate::plane::Plane;

const READ: [&str; 9] = [
    "periods",
    "periods/2026-01",
    "periods/2026-01/usage",
    "periods/2026-01/lines",
    "periods/2026-01/statements",
    "periods/2026-01/shares",
    "periods/2026-01/contributions",
    "ledger",
    "balances",
];

fn path(rest: &str) -> String {
    format!("/api/v1/finance/{rest}")
}

#[test]
fn a3_finance_is_for_finance_and_the_auditor() {
    let plane = Plane::new();
    for part in READ {
        plane.ask("GET", &path(part)).send().expect(401);
        for person in ["finance", "auditor"] {
            plane.by(person, "GET", &path(part)).send().expect(200);
        }
        // A unit reads its own statements, a provider and an operator their own shares: here there are none.
        let own: &[&str] = match part {
            "periods/2026-01/statements" => &["bank", "lender"],
            "periods/2026-01/shares" | "periods/2026-01/contributions" => &["provider", "operator"],
            _ => &[],
        };
        for person in ["bank", "provider", "operator", "wang", "pricing", "root", "subject", "expert"] {
            let answer = plane.by(person, "GET", &path(part)).send();
            if own.contains(&person) {
                assert_eq!(answer.expect(200).json()["items"], json!([]));
            } else {
                answer.expect(403).refused("C1104");
            }
        }
    }
    plane.by("pricing", "GET", &path("permitted")).send().expect(200);
    plane.by("bank", "GET", &path("permitted")).send().expect(403);
    for verb in ["soft-close", "close"] {
        let path = path(&format!("periods/2026-01:{verb}"));
        plane.by("auditor", "POST", &path).send().expect(403).refused("C1104");
        plane.by("operator", "POST", &path).send().expect(403).refused("C1104");
    }
}

#[test]
fn g3_a_month_is_closed_by_two_persons_in_two_steps() {
    let plane = Plane::new();
    let post = |person: &str, rest: &str| plane.by(person, "POST", &path(rest));
    // The cast stands on 2026-02-02 (UTC).
    post("finance", "periods/2026-02:soft-close").send().expect(409).refused("C1611");
    post("finance", "periods/2026-01:close").send().expect(409).refused("C1600");
    let soft = post("finance", "periods/2026-01:soft-close").send().expect(200).json();
    assert_eq!((&soft["state"], &soft["softClosed"]["by"]), (&json!("soft-closed"), &json!("finance")));
    post("finance", "periods/2026-01:close").send().expect(403).refused("C1601");
    plane.person("second", "treasury", &[shuzha_core::Role::Finance]);
    post("second", "periods/2026-01:close").send().expect(409).refused("C1603");
    let tried = post("second", "periods/2026-01:close?dry_run=true").send().expect(200).json();
    assert_eq!(tried["period"]["state"], "soft-closed");
    assert_eq!(tried["closing"]["digest"].as_str().map(str::len), Some(64));
}

#[test]
fn g3_what_is_malformed_is_refused_by_name() {
    let plane = Plane::new();
    for rest in ["periods/2026-13", "periods/january/usage", "statements/JS-1", "periods/2026-1"] {
        plane.by("finance", "GET", &path(rest)).send().expect(404).refused("C1003");
    }
    for rest in ["periods/2026-01/nothing", "nothing"] {
        plane.by("finance", "GET", &path(rest)).send().expect(404);
    }
    for rest in ["periods/2026-01:reopen", "statements/JS-1:tear-up"] {
        plane.by("finance", "POST", &path(rest)).send().expect(404).refused("C006");
    }
    plane.by("finance", "POST", &path("periods/2026-01")).send().expect(405);
    let post =
        |body: &serde_json::Value| plane.by("finance", "POST", &path("transactions")).json(body).send();
    let good = json!({"kind": "prepay", "key": "t-1", "of": "bank", "amount": "10.00", "reason": "预付"});
    let first = post(&good).expect(200).json();
    assert_eq!(first["entries"].as_array().map(Vec::len), Some(2));
    assert_eq!(post(&good).expect(200).json(), first, "once for its key");
    let with = |field: &str, value: serde_json::Value| {
        let mut body = good.clone();
        body[field] = value;
        body
    };
    post(&with("amount", json!("11.00"))).expect(409).refused("C1607");
    post(&with("amount", json!("-1"))).expect(422).refused("C1608");
    assert_eq!(post(&with("amount", json!("1.001"))).expect(422).refused("C1002").faults(), ["amount"]);
    assert_eq!(post(&with("kind", json!("gift"))).expect(422).refused("C1002").faults(), ["kind"]);
    post(&with("of", json!("../bank"))).expect(422).refused("C1002");
    let back = json!({"kind": "reverse", "key": first["key"], "reason": "重复"});
    assert_eq!(post(&back).expect(200).json()["corrects"], first["key"]);
    post(&json!({"kind": "reverse", "key": "nobody", "reason": "x"})).expect(404).refused("C1003");
    let ledger = plane.by("auditor", "GET", &path("ledger?limit=1")).send().expect(200).json();
    assert_eq!((ledger["items"].as_array().map(Vec::len), &ledger["next"]), (Some(1), &json!("1")));
    let rest = plane.by("auditor", "GET", &path("ledger?cursor=1")).send().expect(200).json();
    assert_eq!(rest["items"][0]["number"], 2);
    let changes = json!({"changes": [{"kind": "Organisation", "name": "bank", "spec": {}}]});
    let preview = plane.by("finance", "POST", &path("periods/2026-01:preview")).json(&changes).send();
    preview.expect(422).refused("C1002");
}
