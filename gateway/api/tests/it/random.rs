//! Random requests to every documented route: never a 5xx, never a hang, always what the document promises.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Map, Value, json};

use crate::plane::{CAST, Plane};

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|number| json!(number)),
        ".{0,12}".prop_map(Value::from),
        "[a-z0-9][a-z0-9._-]{0,8}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            prop::collection::btree_map(field(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn field() -> impl Strategy<Value = String> {
    let known = [
        "apiVersion",
        "kind",
        "metadata",
        "spec",
        "name",
        "reason",
        "attachments",
        "roles",
        "until",
        "window",
        "password",
    ];
    prop_oneof![prop::sample::select(known.to_vec()).prop_map(str::to_owned), "[a-zA-Z]{0,6}"]
}

#[test]
fn no_request_brings_the_api_down() {
    let plane = Plane::furnished();
    let document = shuzha_api::openapi::document();
    let mut routes = Vec::new();
    for (path, item) in document["paths"].as_object().unwrap() {
        routes.extend(item.as_object().unwrap().keys().map(|method| (path.clone(), method.to_uppercase())));
    }
    let config = Config { cases: 1_500, failure_persistence: None, ..Config::default() };
    let people: Vec<_> = CAST.iter().map(|(name, ..)| *name).collect();
    let headers = prop::collection::vec(
        (
            prop::sample::select(vec![
                "if-match",
                "if-none-match",
                "idempotency-key",
                "accept",
                "content-type",
                "cookie",
                "x-csrf-token",
            ]),
            "[ -~]{0,12}",
        ),
        0..2,
    );
    let request = (
        prop::sample::select(routes),
        prop::sample::select(people),
        prop_oneof![
            "[a-z0-9]{1,6}".boxed(),
            "[a-zA-Z0-9%._~-]{1,12}".boxed(),
            Just("bank".to_owned()).boxed()
        ],
        value(),
        headers,
        prop::option::of(1_u64..30),
        prop::option::of("[a-z_]{1,8}=[a-zA-Z0-9%-]{0,8}"),
        any::<bool>(),
    );
    TestRunner::new(config)
        .run(&request, |((path, method), person, name, body, headers, version, query, enveloped)| {
            let mut path = filled(&path, &name);
            if let Some(query) = query {
                path = format!("{path}?{query}");
            }
            let body = if enveloped { envelope(&path, &name, body) } else { body };
            let mut ask = plane.by(person, &method, &path);
            if let Some(version) = version {
                ask = ask.matching(version);
            }
            for (name, value) in headers {
                ask = ask.header(name, &value);
            }
            if method != "GET" {
                ask = ask.json(&body);
            }
            let answer = ask.send();
            prop_assert!(answer.status < 500, "{method} {path}: {answer:?}");
            Ok(())
        })
        .unwrap();
}

/// The path with `name` for its parameters that name objects, and for others, as often, what they can be.
fn filled(path: &str, name: &str) -> String {
    let real = [
        ("{month}", "2026-01"),
        ("{log}", "2026h1"),
        ("{list}", "0"),
        ("{number}", "1"),
        ("{file}", "usage.csv"),
        ("{chart}", "revenue"),
        ("{request}", "00000000-0000-4000-8000-000000000001"),
        ("{consent}", "AAAAAAAAAAAAAAAAAAAAAA"),
    ];
    let by_chance = ["{name}", "{token}", "{code}"]
        .into_iter()
        .fold(path.to_owned(), |path, part| path.replace(part, name));
    real.into_iter().fold(by_chance, |path, (part, real)| {
        path.replace(part, if name.len().is_multiple_of(2) { real } else { name })
    })
}

/// The body as a spec in a right envelope, so that it reaches the kind's own reader.
fn envelope(path: &str, name: &str, spec: Value) -> Value {
    let plural = path.split('/').nth(3).unwrap_or_default();
    let kind = shuzha_control::Kind::find(plural).map_or("None", |kind| kind.name());
    let fields: Map<_, _> = [
        ("apiVersion", json!("shuzha/v1")),
        ("kind", json!(kind)),
        ("metadata", json!({"name": name})),
        ("spec", spec),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .into_iter()
    .collect();
    Value::Object(fields)
}
