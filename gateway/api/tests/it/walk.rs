//! Every documented operation is asked, with real parameters, by a person of each role; the test client holds each answer
//! against the document.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::plane::{CAST, Plane};

/// Operations that answer nobody here what the document says of success, because what they would show is not there: nothing
/// was billed, proposed, corrected, consented to or logged, no account waits, and no provider is set up.
const NOTHING_TO_SHOW: &[&str] = &[];

/// A value for a parameter in the path: one of those that the document lists, or the name of something that is there.
fn real(plane: &Plane, path: &str, parameter: &Value) -> String {
    let schema = &parameter["schema"];
    if let Some(first) = schema["enum"].as_array().and_then(|all| all.first()) {
        return first.as_str().expect("words are texts").to_owned();
    }
    let name = parameter["name"].as_str().expect("a parameter has a name");
    match name {
        "name" => named(plane, path),
        "token" => "all".to_owned(),
        "month" => "2026-01".to_owned(),
        "number" => "1".to_owned(),
        "log" => "2026h1".to_owned(),
        "list" => "0".to_owned(),
        "code" => "DJ-1".to_owned(),
        "consent" => "A".repeat(22),
        "request" => "00000000-0000-4000-8000-000000000001".to_owned(),
        other => panic!("{path}: a value for `{other}` is to be given here"),
    }
}

/// The name of an object that is there, where there is one.
fn named(plane: &Plane, path: &str) -> String {
    let (list, _) = path.split_once("/{name}").expect("the name stands behind its list");
    if list == "/api/v1/accounts" {
        return "bank".to_owned();
    }
    let found = plane.by("auditor", "GET", list).send();
    let items = if found.status == 200 { found.json()["items"].take() } else { Value::Null };
    items[0]["metadata"]["name"].as_str().unwrap_or("nothing-here").to_owned()
}

/// What a query must have.
fn needed(operation: &Value) -> String {
    let parameters = operation["parameters"].as_array().into_iter().flatten();
    let needed = parameters.filter(|one| one["in"] == "query" && one["required"] == true);
    let pairs: Vec<_> = needed
        .map(|one| match one["name"].as_str().expect("a name") {
            "from" if one["schema"]["type"] == "integer" => "from=1".to_owned(),
            "from" => "from=2026-02-02".to_owned(),
            "days" => "days=5".to_owned(),
            other => panic!("a value for `{other}` is to be given here"),
        })
        .collect();
    pairs.join("&")
}

#[test]
fn every_operation_is_asked_with_real_parameters() {
    let plane = Plane::furnished();
    let document = shuzha_api::openapi::document();
    let (mut asked, mut shown) = (0, BTreeSet::new());
    let mut reads = BTreeSet::new();
    for (template, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            let id = operation["operationId"].as_str().expect("an id");
            let mut path = template.clone();
            for parameter in operation["parameters"].as_array().into_iter().flatten() {
                let parameter = match parameter["$ref"].as_str() {
                    Some(to) => document.pointer(to.trim_start_matches('#')).expect("it leads somewhere"),
                    None => parameter,
                };
                if parameter["in"] == "path" {
                    let name = parameter["name"].as_str().expect("a name");
                    path = path.replace(&format!("{{{name}}}"), &real(&plane, template, parameter));
                }
            }
            let query = needed(operation);
            if !query.is_empty() {
                path = format!("{path}?{query}");
            }
            let reading = method == "get";
            if reading {
                reads.insert(id);
            }
            let method = method.to_uppercase();
            for (person, ..) in CAST {
                let ask = plane.by(person, &method, &path);
                let ask = if reading { ask } else { ask.json(&json!({})) };
                let answer = ask.send();
                assert!(answer.status < 500, "{method} {path}: {answer:?}");
                asked += 1;
                if reading && answer.status < 400 {
                    shown.insert(id);
                }
            }
        }
    }
    assert!(asked > 2_000, "{asked}");
    let hidden: Vec<_> = reads.difference(&shown).copied().collect();
    assert_eq!(hidden, NOTHING_TO_SHOW);
}
