//! Every documented operation is asked with real parameters; the test client holds each answer against the document.

use serde_json::{Value, json};

use crate::plane::{CAST, Plane};

/// Reading operations that show nobody anything here, because there is none of it: nothing was billed, logged, certified or
/// consented to, and no identity provider is set up.
const NOTHING_TO_SHOW: &[&str] = &[
    "beginOidc",
    "consentReceipts",
    "consentUses",
    "dataUses",
    "endOidc",
    "errorPage",
    "getBill",
    "getChart",
    "getConsent",
    "getExport",
    "getStatement",
    "inclusionProof",
    "listConsents",
    "printBill",
    "printStatement",
    "publicCertificate",
    "statusList",
    "traceCall",
    "traceUses",
];
/// Who asks for changes.
const WRITERS: &[&str] = &["wang", "bank"];
/// A name that nothing has.
const NOTHING: &str = "nothing-here";

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
    items[0]["metadata"]["name"].as_str().unwrap_or(NOTHING).to_owned()
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

/// Where an operation is asked, with real parameters.
fn address(plane: &Plane, document: &Value, template: &str, operation: &Value) -> String {
    let mut path = template.to_owned();
    for parameter in operation["parameters"].as_array().into_iter().flatten() {
        let parameter = match parameter["$ref"].as_str() {
            Some(to) => document.pointer(to.trim_start_matches('#')).expect("it leads somewhere"),
            None => parameter,
        };
        if parameter["in"] == "path" {
            let name = parameter["name"].as_str().expect("a name");
            path = path.replace(&format!("{{{name}}}"), &real(plane, template, parameter));
        }
    }
    let query = needed(operation);
    if query.is_empty() { path } else { format!("{path}?{query}") }
}

#[test]
fn every_operation_is_asked_with_real_parameters() {
    let plane = Plane::furnished();
    let document = shuzha_api::openapi::document();
    let mut all = Vec::new();
    for (template, item) in document["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            all.push((method.to_uppercase(), address(&plane, &document, template, operation), operation));
        }
    }
    // Reading first: some of the changes end a sign-on.
    let (reads, changes): (Vec<_>, Vec<_>) = all.into_iter().partition(|(method, ..)| method == "GET");
    let mut hidden = Vec::new();
    for (method, path, operation) in &reads {
        // Those who see most come last in the cast.
        let shown = CAST.iter().rev().any(|(person, ..)| {
            let answer = plane.by(person, method, path).send();
            assert!(answer.status < 500, "{path}: {answer:?}");
            answer.status < 400
        });
        if !shown && !path.contains(NOTHING) {
            hidden.push(operation["operationId"].as_str().expect("an id"));
        }
    }
    for (method, path, _) in &changes {
        for person in WRITERS {
            let answer = plane.by(person, method, path).json(&json!({})).send();
            assert!(answer.status < 500, "{method} {path}: {answer:?}");
        }
    }
    assert!(reads.len() > 90 && changes.len() > 150, "{} {}", reads.len(), changes.len());
    hidden.sort_unstable();
    assert_eq!(hidden, NOTHING_TO_SHOW);
}
