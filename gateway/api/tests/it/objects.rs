//! Declared objects: versions, dry runs, retries, pages, and what a person may not see.

use serde_json::{Value, json};
use shuzha_testkit::registered::organisation_code;

use crate::plane::Plane;

/// An organisation; another name is another legal entity.
pub(crate) fn organisation(name: &str) -> Value {
    let serial = name.bytes().fold(7_u32, |sum, byte| (sum * 31 + u32::from(byte)) % 1_000_000);
    json!({"kind": "unit", "uscc": organisation_code(serial), "name": name})
}

pub(crate) fn unit(organisation: &str) -> Value {
    json!({"organisation": organisation, "securityOfficer": "林望舒"})
}

impl Plane {
    /// Two organisations with a unit each.
    pub(crate) fn furnished() -> Self {
        let plane = Self::new();
        for name in ["bank", "lender"] {
            plane.put("wang", "Organisation", "organisations", name, &organisation(name)).send().expect(201);
            plane.put(name, "ApplicationUnit", "application-units", name, &unit(name)).send().expect(201);
        }
        plane
    }
}

#[test]
fn an_object_is_written_read_changed_and_removed_by_version() {
    let plane = Plane::new();
    let path = "/api/v1/organisations/bank";
    let made =
        plane.put("wang", "Organisation", "organisations", "bank", &organisation("一")).send().expect(201);
    assert_eq!(made.header("location"), Some(path));
    let change = made.json();
    assert_eq!(change["consequences"]["added"], json!([{"kind": "Organisation", "name": "bank"}]));
    assert_eq!(change["object"]["metadata"]["version"], made.version());

    let read = plane.by("bank", "GET", path).send().expect(200);
    assert_eq!((read.version(), &read.json()["spec"]), (made.version(), &organisation("一")));
    let known = format!("\"{}\"", read.version());
    plane.by("bank", "GET", path).header("if-none-match", &known).send().expect(304);
    let head = plane.by("bank", "HEAD", path).send().expect(200);
    assert_eq!(head.header("etag"), read.header("etag"));

    let write = |name: &str| plane.put("wang", "Organisation", "organisations", "bank", &organisation(name));
    write("二").send().expect(428).refused("C1006");
    write("二").header("if-match", "*").send().refused("C1006");
    write("二").header("if-none-match", "*").send().expect(409).refused("C1004");
    write("二").matching(made.version() + 1).send().expect(412).refused("C1005");
    write("二").header("if-match", "\"never\"").send().refused("C1005");
    let changed = write("二").matching(made.version()).send().expect(200);
    assert!(changed.version() > made.version());
    write("三").matching(made.version()).send().refused("C1005");

    plane.by("wang", "DELETE", path).send().expect(428);
    plane.by("wang", "DELETE", path).matching(made.version()).send().expect(412);
    let gone = plane.by("wang", "DELETE", path).matching(changed.version());
    let gone = gone.json(&json!({"reason": "登记有误"})).send().expect(200);
    assert_eq!(gone.json()["object"], Value::Null);
    plane.by("wang", "GET", path).send().expect(404).refused("C1003");
    let history =
        plane.by("auditor", "GET", "/api/v1/acts?kind=Organisation&name=bank").send().expect(200).json();
    let verbs: Vec<_> = history["items"].as_array().unwrap().iter().map(|act| &act["verb"]).collect();
    assert_eq!(verbs, ["delete", "put", "put"]);
    assert_eq!(history["items"][0]["reason"], "登记有误");
    assert_eq!(history["items"][0]["by"]["account"], "wang");
}

#[test]
fn a_dry_run_tells_and_changes_nothing() {
    let plane = Plane::furnished();
    let before = plane.kept();
    let tried = plane.by("wang", "PUT", "/api/v1/organisations/new?dry_run=true").json(&json!({
        "apiVersion": "shuzha/v1", "kind": "Organisation", "metadata": {"name": "new"}, "spec": organisation("新"),
    }));
    let tried = tried.send().expect(200);
    assert_eq!((tried.header("etag"), tried.header("location")), (None, None));
    assert_eq!(tried.json()["dryRun"], true);
    assert_eq!(tried.json()["consequences"]["added"][0]["name"], "new");
    let unit = plane.by("bank", "GET", "/api/v1/application-units/bank").send().expect(200);
    let remove =
        plane.by("bank", "DELETE", "/api/v1/application-units/bank?dry_run=true").matching(unit.version());
    let consequences = remove.send().expect(200).json()["consequences"].clone();
    assert_eq!(consequences["removed"], json!([{"kind": "ApplicationUnit", "name": "bank"}]));
    let referred = plane.by("wang", "GET", "/api/v1/organisations/bank").send().version();
    let remove = plane.by("wang", "DELETE", "/api/v1/organisations/bank?dry_run=true").matching(referred);
    remove.send().expect(409).refused("C1008");
    assert_eq!(plane.kept(), before);
}

#[test]
fn a_retry_gets_the_same_answer_and_changes_nothing_more() {
    let plane = Plane::new();
    let write = |name: &str| {
        plane.put("wang", "Organisation", "organisations", "bank", &organisation(name)).key("k-1")
    };
    let first = write("一").send().expect(201);
    let acts = plane.register.revision().unwrap();
    let again = write("一").send().expect(201);
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    assert_eq!((first.json(), first.version()), (again.json(), again.version()));
    assert_eq!(plane.register.revision().unwrap(), acts);
    write("二").send().expect(409).refused("C1009");
    // Another person's key of the same name is another key.
    let other = plane.put("li", "Organisation", "organisations", "lender", &organisation("二")).key("k-1");
    assert_eq!(other.send().expect(201).header("idempotency-replayed"), None);
}

#[test]
fn retries_that_race_make_one_change() {
    let plane = Plane::new();
    let answers: Vec<_> = std::thread::scope(|scope| {
        let one = || {
            plane.put("wang", "Organisation", "organisations", "bank", &organisation("一")).key("k").send()
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(one)).collect();
        threads.into_iter().map(|thread| thread.join().unwrap().expect(201)).collect()
    });
    let fresh = answers.iter().filter(|answer| answer.header("idempotency-replayed").is_none()).count();
    assert_eq!(fresh, 1);
    assert!(answers.iter().all(|answer| answer.version() == answers[0].version()));
}

#[test]
fn pages_stay_in_order_while_objects_come() {
    let plane = Plane::new();
    let put =
        |name: &str| plane.put("wang", "Organisation", "organisations", name, &organisation(name)).send();
    for at in 0..7 {
        put(&format!("org-{at}")).expect(201);
    }
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    for page in 0.. {
        let path = format!("/api/v1/organisations?limit=3{cursor}");
        let body = plane.by("bank", "GET", &path).send().expect(200).json();
        seen.extend(
            body["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].to_string()),
        );
        if page == 0 {
            // Before the cursor and after it: the first is not shown any more, the other in its place.
            put("org-0a").expect(201);
            put("org-5a").expect(201);
        }
        match body["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 8);
    assert!(seen.is_sorted() && seen.contains(&"\"org-5a\"".to_owned()));
    let found = plane.by("bank", "GET", "/api/v1/organisations?q=org-3").send().json();
    assert_eq!(found["items"].as_array().map(Vec::len), Some(1));
    let none = plane.by("bank", "GET", "/api/v1/organisations?owner=bank").send().json();
    assert_eq!(none["items"], json!([]));
}

#[test]
fn what_belongs_to_others_is_not_there() {
    let plane = Plane::furnished();
    let path = "/api/v1/application-units/lender";
    let version = plane.by("lender", "GET", path).send().expect(200).version();
    plane.by("bank", "GET", path).send().expect(404).refused("C1003");
    plane.by("bank", "GET", &format!("{path}/history")).send().expect(404);
    plane.by("bank", "DELETE", path).matching(version).send().expect(404);
    // What is not there at all looks the same.
    plane.by("bank", "DELETE", "/api/v1/application-units/none").matching(version).send().expect(404);
    plane
        .put("bank", "ApplicationUnit", "application-units", "lender", &unit("bank"))
        .matching(version)
        .send()
        .expect(404);
    plane
        .put("bank", "ApplicationUnit", "application-units", "none", &unit("bank"))
        .matching(version)
        .send()
        .expect(404);
    let list = plane.by("bank", "GET", "/api/v1/application-units").send().json();
    assert_eq!(list["items"].as_array().map(Vec::len), Some(1));
    plane.put("bank", "ApplicationUnit", "application-units", "second", &unit("lender")).send().expect(403);
    assert_eq!(plane.by("auditor", "GET", path).send().status, 200);
    plane
        .put("auditor", "ApplicationUnit", "application-units", "x", &unit("bank"))
        .send()
        .expect(403)
        .refused("C1104");
}

#[test]
fn rules_roles_and_working_days_can_be_asked_for() {
    let plane = Plane::new();
    let rules = plane.by("bank", "GET", "/api/v1/jurisdiction").send().expect(200).json();
    assert_eq!(rules["items"][0], json!({"rule": "certificate", "value": true, "article": null}));
    let roles = plane.by("bank", "GET", "/api/v1/roles").send().expect(200).json();
    assert_eq!(roles["items"].as_array().map(Vec::len), Some(11));
    // Ten working days from Friday are two weeks, and provisional without a loaded year.
    let due =
        plane.by("bank", "GET", "/api/v1/calendar/due?from=2027-01-08&days=10").send().expect(200).json();
    assert_eq!(due, json!({"at": "2027-01-23T00:00:00+08:00", "provisional": true}));
    let faults = plane.by("bank", "GET", "/api/v1/calendar/due?days=x").send().expect(400).faults();
    assert_eq!(faults, ["?days", "?from"]);
    let due = plane.by("bank", "GET", "/api/v1/deadlines?limit=1").send().expect(200).json();
    assert_eq!(due, json!({"items": [], "more": false}));
}
