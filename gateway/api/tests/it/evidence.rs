//! Evidence over HTTP: for whom, in which shape, and what is refused by which code. What it finds is tested where it is found.

use serde_json::json;

use crate::plane::{CALL, Plane};

#[test]
fn h4_traces_are_for_those_whom_they_concern() {
    let plane = Plane::new();
    let (one, all) = (format!("/api/v1/traces/{CALL}"), "/api/v1/traces?product=company-check");
    for path in [&*one, all] {
        plane.ask("GET", path).send().expect(401);
        for person in ["operator", "pricing", "registrar", "expert", "root", "subject"] {
            plane.by(person, "GET", path).send().expect(403).refused("C1104");
        }
        for person in ["auditor", "wang"] {
            plane.by(person, "GET", path).send().expect(200);
        }
    }
    // Who shares what calls earned sees that they were, not what they were about.
    plane.by("finance", "GET", &one).send().expect(403).refused("C1104");
    for (unit, found) in [("ghost", 1), ("bank", 0)] {
        let by_unit = plane.by("finance", "GET", &format!("{all}&unit={unit}")).send().expect(200).json();
        assert_eq!(by_unit["items"].as_array().map(Vec::len), Some(found), "{unit}");
    }
    // Theirs is neither the unit nor the data: it is not there for them.
    for person in ["provider", "bank"] {
        plane.by(person, "GET", &one).send().expect(404).refused("C1730");
        assert_eq!(plane.by(person, "GET", all).send().expect(200).json()["items"], json!([]));
    }
    let found = plane.by("auditor", "GET", &one).send().expect(200).json();
    assert_eq!(found["call"]["request"], CALL);
    assert_eq!(found["leaf"], json!({"log": "2026h1", "index": 1}));
    // Of a product that the register does not have nobody knows what it is made of.
    assert_eq!(found["madeOf"], json!({"operator": null, "exact": false, "dataSets": []}));
    let step = json!({"kind": "ApplicationUnit", "name": "ghost", "title": null, "facts": {},
        "changedSince": null, "acts": [], "withheld": false});
    assert_eq!(found["steps"][0], step);
    let page = plane.by("auditor", "GET", all).send().expect(200).json();
    assert_eq!((&page["items"][0]["request"], &page["next"]), (&json!(CALL), &json!(null)));
    assert_eq!((&page["items"][0]["grant"], &page["reachedSequence"]), (&json!(null), &json!(2)));
}

#[test]
fn h4_a_question_names_one_thing() {
    let plane = Plane::new();
    let faults = |query: &str| {
        let answer = plane.by("auditor", "GET", &format!("/api/v1/traces?{query}")).send();
        answer.expect(400).refused("C1001").faults()
    };
    assert_eq!(faults(""), ["?dataSet"]);
    assert_eq!(faults("product=a&grant=b"), ["?dataSet"]);
    assert_eq!(faults("product=a&unit=b&grant=c"), ["?dataSet"]);
    assert_eq!(faults("product=a&cursor=x&limit=0&from=never&by=me"), ["?from", "?limit", "?cursor", "?by"]);
    for request in ["1", "2.1", "not-a-request", "019c1a2b-3c4d-7e5f-8a6b-7c8d9e0f1a2c"] {
        let path = format!("/api/v1/traces/{request}");
        plane.by("auditor", "GET", &path).send().expect(404).refused("C1730");
    }
    let later = "/api/v1/traces?product=company-check&from=2026-02-03&limit=1";
    assert_eq!(plane.by("auditor", "GET", later).send().expect(200).json()["items"], json!([]));
    plane.by("auditor", "POST", "/api/v1/traces").send().expect(405);
}

#[test]
fn h3_half_years_are_for_those_who_supervise_and_keep() {
    let plane = Plane::new();
    let root = "/api/v1/evidence/logs";
    let read = [
        root.to_owned(),
        format!("{root}/2026h1"),
        format!("{root}/2026h1/inclusion?index=0"),
        format!("{root}/2026h1/consistency?from=1&tree=sm3"),
    ];
    for path in &read {
        plane.ask("GET", path).send().expect(401);
        for person in ["auditor", "wang", "root"] {
            plane.by(person, "GET", path).send().expect(200);
        }
        for person in ["bank", "provider", "operator", "finance", "subject"] {
            plane.by(person, "GET", path).send().expect(403).refused("C1104");
        }
    }
    let one = plane.by("auditor", "GET", &read[1]).send().expect(200).json();
    assert_eq!((&one["log"], &one["state"], &one["entries"]), (&json!("2026h1"), &json!("open"), &json!(2)));
    assert_eq!(
        (&one["keptUntil"], &one["tiles"]),
        (&json!("2028-07-01T00:00:00+08:00"), &json!("/log/2026h1/tile/"))
    );
    assert!(one["checkpoints"]["sha256"].as_str().unwrap().starts_with("log.example/gate-1/2026h1\n2\n"));
    assert_eq!((&one["sealing"], &one["destruction"]), (&json!(null), &json!(null)));
    let proof = plane.by("auditor", "GET", &read[2]).send().expect(200).json();
    assert!(proof["proof"].as_str().unwrap().starts_with("c2sp.org/tlog-proof@v1\nindex 0\n"));
    let post = |person: &str, verb: &str| {
        let body = json!({"reason": "半年结束"});
        plane.by(person, "POST", &format!("{root}/2026h1:{verb}")).json(&body).send()
    };
    let held = post("root", "seal").expect(409).refused("C1733").json();
    assert_eq!(held["errors"].as_array().or(held["faults"].as_array()).map(Vec::len), Some(1), "{held}");
    post("wang", "destroy").expect(409).refused("C1733");
    post("wang", "confirm").expect(409).refused("C1735");
    post("root", "confirm").expect(403).refused("C1104");
    post("auditor", "seal").expect(403).refused("C1104");
    post("wang", "burn").expect(404).refused("C006");
    for path in [format!("{root}/2025h1"), format!("{root}/2026h3"), format!("{root}/..")] {
        plane.by("auditor", "GET", &path).send().expect(404).refused("C1003");
    }
    plane.by("auditor", "GET", &format!("{root}/2026h1/exclusion")).send().expect(404);
    plane.by("auditor", "GET", &format!("{root}/2026h1:seal")).send().expect(405);
    plane.by("auditor", "DELETE", &format!("{root}/2026h1")).send().expect(405);
    let faults = |query: &str| {
        let answer = plane.by("auditor", "GET", &format!("{root}/2026h1/{query}")).send();
        answer.expect(400).refused("C1001").faults()
    };
    assert_eq!(faults("inclusion"), ["?index"]);
    assert_eq!(faults("inclusion?index=1&sequence=2"), ["?index"]);
    assert_eq!(faults("consistency?tree=md5"), ["?tree", "?from"]);
    let missing = format!("{root}/2026h1/inclusion?sequence=3");
    plane.by("auditor", "GET", &missing).send().expect(404).refused("C1003");
}
