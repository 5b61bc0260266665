//! Evidence over HTTP: for whom, in which shape, and what is refused by which code. What it finds is tested where it is found.

use serde_json::json;

use crate::plane::{CALL, Plane};

#[test]
fn h4_traces_are_for_those_whom_they_concern() {
    let plane = Plane::new();
    let (one, all) = (format!("/api/v1/traces/{CALL}"), "/api/v1/traces?product=company-check");
    for path in [&*one, all] {
        plane.ask("GET", path).send().expect(401);
        for person in ["operator", "finance", "pricing", "registrar", "expert", "root", "subject"] {
            plane.by(person, "GET", path).send().expect(403).refused("C1104");
        }
        for person in ["auditor", "wang"] {
            plane.by(person, "GET", path).send().expect(200);
        }
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
    assert_eq!(faults("product=a&unit=b"), ["?dataSet"]);
    assert_eq!(faults("product=a&cursor=x&limit=0&from=never&by=me"), ["?from", "?limit", "?cursor", "?by"]);
    for request in ["1", "2.1", "not-a-request", "019c1a2b-3c4d-7e5f-8a6b-7c8d9e0f1a2c"] {
        let path = format!("/api/v1/traces/{request}");
        plane.by("auditor", "GET", &path).send().expect(404).refused("C1730");
    }
    let later = "/api/v1/traces?product=company-check&from=2026-02-03&limit=1";
    assert_eq!(plane.by("auditor", "GET", later).send().expect(200).json()["items"], json!([]));
    plane.by("auditor", "POST", "/api/v1/traces").send().expect(405);
}
