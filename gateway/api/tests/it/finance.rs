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
    let plane = Plane::furnished();
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
    let proposed = post(&back).expect(202).json();
    assert_eq!(
        (&proposed["state"], &proposed["key"], &proposed["of"]),
        (&json!("proposed"), &first["key"], &json!(null))
    );
    assert_eq!(post(&back).expect(202).json()["number"], proposed["number"], "the same still waits");
    let decide =
        |person: &str, rest: &str| plane.by(person, "POST", &path(&format!("proposals/{rest}"))).send();
    decide("finance", "1:approve").expect(403).refused("C1614");
    decide("auditor", "1:approve").expect(403).refused("C1104");
    decide("finance", "1:reopen").expect(404).refused("C006");
    decide("finance", "9:decline").expect(404).refused("C1003");
    plane.by("finance", "GET", &path("proposals/1")).send().expect(405);
    plane.person("second", "treasury", &[shuzha_core::Role::Finance]);
    let approved = decide("second", "1:approve").expect(200).json();
    assert_eq!(
        (&approved["state"], &approved["transaction"]["corrects"]),
        (&json!("approved"), &first["key"])
    );
    decide("second", "1:decline").expect(409).refused("C1622");
    let listed = plane.by("auditor", "GET", &path("proposals")).send().expect(200).json();
    assert_eq!(listed["items"][0]["posted"], approved["transaction"]["key"]);
    plane.by("bank", "GET", &path("proposals")).send().expect(403).refused("C1104");
    post(&json!({"kind": "pay-out", "key": "t-9", "of": "nobody-at-all", "amount": "5.00", "reason": "x"}))
        .expect(422)
        .refused("C1620");
    post(&json!({"kind": "refund", "key": "t-9", "of": "bank", "amount": "5.00", "reason": "x"}))
        .expect(409)
        .refused("C1618");
    post(&json!({"kind": "reverse", "key": "nobody", "reason": "x"})).expect(404).refused("C1003");
    let ledger = plane.by("auditor", "GET", &path("ledger?limit=1")).send().expect(200).json();
    assert_eq!((ledger["items"].as_array().map(Vec::len), &ledger["next"]), (Some(1), &json!("1")));
    let rest = plane.by("auditor", "GET", &path("ledger?cursor=1")).send().expect(200).json();
    assert_eq!(rest["items"][0]["number"], 2);
    let changes = json!({"changes": [{"kind": "Organisation", "name": "bank", "spec": {}}]});
    let preview = plane.by("finance", "POST", &path("periods/2026-01:preview")).json(&changes).send();
    preview.expect(422).refused("C1002");
}

#[test]
fn g4_exports_are_files_with_their_totals_beside() {
    let plane = Plane::new();
    let get = |file: &str| plane.by("finance", "GET", &format!("/api/v1/exports/{file}"));
    let file = get("usage.csv?period=2026-01").send().expect(200);
    assert!(file.body.starts_with(b"\xef\xbb\xbf"), "spreadsheets need the byte order mark");
    let tag = file.header("etag").expect("names the bytes").to_owned();
    assert_eq!(file.header("content-disposition"), Some("attachment; filename=\"usage-2026-01.csv\""));
    assert_eq!(file.header("x-export-rows"), Some("0"));
    let manifest = get("usage.manifest?period=2026-01").send().expect(200).json();
    assert_eq!(manifest["digest"].as_str(), file.header("x-export-digest"));
    assert_eq!((&manifest["totals"]["period"], &manifest["rows"]), (&json!("2026-01"), &json!(0)));
    assert_eq!(get("usage.csv?period=2026-01").send().expect(200).body, file.body);
    get("usage.csv?period=2026-01").header("if-none-match", &tag).send().expect(304);
    get("usage.csv?period=2026-01&lang=en").header("if-none-match", &tag).send().expect(200);
    let head = plane.by("finance", "HEAD", "/api/v1/exports/usage.csv?period=2026-01").send().expect(200);
    assert_eq!((head.header("etag"), head.body.len()), (Some(tag.as_str()), 0));
    for (file, kind) in [
        ("ledger.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
        ("permitted.parquet", "application/vnd.apache.parquet"),
        ("focus.jsonl?period=2026-01", "application/jsonl"),
        ("lines.gb18030.csv?period=2026-01", "text/csv; charset=gb18030; header=present"),
    ] {
        let file = get(file).header("accept", kind).send().expect(200);
        assert_eq!(file.header("content-type"), Some(kind));
        assert!(!file.body.is_empty());
    }
    for file in ["usage", "usage.pdf", "nothing.csv", "usage.csv.gz", ".csv"] {
        get(&format!("{file}?period=2026-01")).send().expect(404).refused("C1003");
    }
    for query in ["", "?period=2026-13", "?period=2026-01&period=2026-02", "?period=2026-01&lang=fr"] {
        get(&format!("usage.csv{query}")).send().expect(400).refused("C1001");
    }
    plane.ask("GET", "/api/v1/exports/usage.csv?period=2026-01").send().expect(401);
    for person in ["bank", "provider", "operator", "wang", "pricing", "root", "subject"] {
        let asked = plane.by(person, "GET", "/api/v1/exports/usage.csv?period=2026-01");
        asked.send().expect(403).refused("C1104");
    }
    plane.by("finance", "POST", "/api/v1/exports/usage.csv").send().expect(405);
}

#[test]
fn g3_charts_are_pictures_and_papers_are_not_there_before_a_close() {
    let plane = Plane::new();
    let get = |rest: &str| {
        plane.by("finance", "GET", &path(rest)).header("accept", "image/svg+xml, text/html").send()
    };
    let chart = get("charts/usage.svg?period=2026-01&lang=en").expect(200);
    assert_eq!(chart.header("content-type"), Some("image/svg+xml; charset=utf-8"));
    assert!(chart.body.starts_with(b"<svg"));
    get("charts/shares.svg?period=2026-01").expect(200);
    get("charts/revenue.svg?permitted=nobody").expect(404).refused("C1003");
    get("charts/revenue.svg").expect(400).refused("C1001");
    get("charts/pie.svg?period=2026-01").expect(404).refused("C1003");
    for rest in ["statements/JS-1/paper", "statements/JS-1/paper?form=1", "bills/FP-1/paper", "bills/FP-1"] {
        plane.by("finance", "GET", &path(rest)).send().expect(404).refused("C1003");
    }
    for rest in ["statements/JS-1/paper?form=0", "bills/FP-1/paper?form=first"] {
        plane.by("finance", "GET", &path(rest)).send().expect(400).refused("C1001");
    }
}

#[test]
fn g3_closed_months_are_corrected_by_two_and_the_ledger_is_looked_over() {
    let plane = Plane::new();
    let get = |person: &str, rest: &str| plane.by(person, "GET", &path(rest)).send();
    let change = json!({"kind": "Price", "name": "p", "spec": {}});
    let rerate = |person: &str, body: &serde_json::Value| {
        plane.by(person, "POST", &path("periods/2026-01:rerate")).json(body).send()
    };
    rerate("finance", &json!({"changes": [change], "reason": "文号有误"})).expect(409).refused("C1600");
    rerate("finance", &json!({"changes": [change]})).expect(422).refused("C1002");
    rerate("finance", &json!({"reason": "x"})).expect(422).refused("C1002");
    rerate("auditor", &json!({"changes": [change], "reason": "x"})).expect(403).refused("C1104");
    assert_eq!(get("auditor", "reratings").expect(200).json()["items"], json!([]));
    get("bank", "reratings").expect(403).refused("C1104");
    let approve = |rest: &str| plane.by("finance", "POST", &path(&format!("reratings/{rest}"))).send();
    approve("1:approve").expect(404).refused("C1003");
    approve("x:approve").expect(404).refused("C1003");
    approve("1:reopen").expect(404).refused("C006");
    get("finance", "reratings/1").expect(405);
    let whole = get("auditor", "ledger/verification").expect(200).json();
    assert_eq!(
        (&whole["whole"], &whole["entries"], &whole["broken"]),
        (&json!(true), &json!(0), &json!(null))
    );
    get("bank", "ledger/verification").expect(403).refused("C1104");
    for person in ["finance", "pricing", "operator"] {
        assert_eq!(get(person, "stopped-prices").expect(200).json()["items"], json!([]));
    }
    get("provider", "stopped-prices").expect(403).refused("C1104");
}

#[test]
fn g3_a_correction_of_a_line_names_all_of_it_and_is_for_finance() {
    let plane = Plane::new();
    let good = json!({"unit": "bank", "agreement": "bank-2026", "scenario": "onboarding", "product": "company-check",
        "price": "company-check-2025", "purpose": "industry", "basis": "price", "month": "2026-01", "amount": "-1.00",
        "reason": "重复调用误计"});
    let propose = |person: &str, body: &serde_json::Value| {
        plane.by(person, "POST", &path("line-corrections")).json(body).send()
    };
    propose("finance", &good).expect(404).refused("C1003");
    propose("auditor", &good).expect(403).refused("C1104");
    for (field, wrong) in [
        ("amount", json!("much")),
        ("basis", json!("gift")),
        ("purpose", json!("fun")),
        ("month", json!("2026-13")),
    ] {
        let mut body = good.clone();
        body[field] = wrong;
        assert_eq!(propose("finance", &body).expect(422).refused("C1002").faults(), [field]);
    }
    let mut nothing = good;
    nothing["amount"] = json!("0");
    propose("finance", &nothing).expect(422).refused("C1002");
    let get = |person: &str, rest: &str| plane.by(person, "GET", &path(rest)).send();
    assert_eq!(get("auditor", "line-corrections").expect(200).json()["items"], json!([]));
    get("bank", "line-corrections").expect(403).refused("C1104");
    get("finance", "line-corrections/1").expect(405);
    let decide = |rest: &str| plane.by("finance", "POST", &path(&format!("line-corrections/{rest}"))).send();
    decide("1:approve").expect(404).refused("C1003");
    decide("1:decline").expect(404).refused("C1003");
    decide("1:reopen").expect(404).refused("C006");
}
