//! What may stand in a contract, and what may not.

use serde_json::{Value, json};
use shuzha_core::Code;

use super::{InputContract, closed, compiled, refusal};
use crate::input::{
    BODY_BYTES_MAX, ITEMS_DEFAULT, LENGTH_DEFAULT, MEMBERS_DEFAULT, VALUES_MAX, always_text, strict,
};

fn reason(schema: &Value) -> String {
    InputContract::compile(schema).map(|_| ()).expect_err(&schema.to_string())
}

#[test]
fn schemas_that_open_a_door_are_refused() {
    assert!(InputContract::compile(&closed(&json!({"type": "string", "format": "date"}))).is_ok());
    for schema in [
        json!({}),
        json!(true),
        json!({"type": "object"}),
        json!({"type": "object", "additionalProperties": {}}),
        closed(&json!({"$ref": "https://example.com/schema.json"})),
        closed(&json!({"$ref": "file:///etc/hosts"})),
        closed(&json!({"type": "text"})),
        closed(&json!({"type": "string", "format": "no-such-format"})),
        closed(&json!({"type": "string", "format": "regex"})),
        closed(&json!({"type": "string", "pattern": "(a"})),
        closed(&json!({"type": "string", "pattern": "^(?=a)b$"})),
        closed(&json!({"type": "string", "pattern": "((a{1000}){1000}){1000}"})),
        closed(&json!({"type": "string", "minLength": 9, "maxLength": 8})),
        closed(&json!({"type": "string", "minLength": 5000})),
        closed(&json!({"type": "string", "maxLength": -1})),
        closed(&json!({"type": "string", "maxLength": 2.5})),
        closed(&json!({"type": "array", "maxItems": "many"})),
        closed(&json!({"enum": []})),
        closed(&json!({"anyOf": []})),
        closed(&json!({"multipleOf": 0})),
        closed(&json!({"required": ["a", "a"]})),
        closed(&json!({"type": "array", "uniqueItems": true})),
        closed(&json!({"type": "array", "uniqueItems": true, "items": {"type": "object"}})),
        closed(&json!(7)),
    ] {
        assert!(InputContract::compile(&schema).is_err(), "{schema}");
    }
}

/// Each keyword of the standard that lets a contract cost what cannot be told beforehand, or be read in two ways; and
/// words of no standard, which would be bounds that bind nothing.
#[test]
fn keywords_outside_the_subset_are_refused_by_name() {
    for word in [
        "$dynamicRef",
        "$recursiveRef",
        "$anchor",
        "$dynamicAnchor",
        "$id",
        "$vocabulary",
        "$defs",
        "$schema",
        "definitions",
        "contains",
        "minContains",
        "maxContains",
        "patternProperties",
        "propertyNames",
        "dependentSchemas",
        "dependencies",
        "unevaluatedItems",
        "unevaluatedProperties",
        "additionalItems",
        "contentSchema",
        "maxlength",
        "max_items",
        "nullable",
    ] {
        let mut inner = json!({"type": "object"});
        inner[word] = json!({});
        assert!(
            reason(&closed(&inner)).contains(&format!("`{word}`")),
            "{word}: {}",
            reason(&closed(&inner))
        );
    }
    let said =
        json!({"type": "string", "title": "t", "description": "d", "example": "e", "x-note": {"any": 1}});
    assert!(InputContract::compile(&closed(&said)).is_ok());
}

#[test]
fn another_dialect_is_refused() {
    let mut schema = closed(&json!(true));
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    assert!(InputContract::compile(&schema).is_ok());
    schema["$schema"] = json!("http://json-schema.org/draft-07/schema#");
    assert!(reason(&schema).contains("$schema"));
}

/// Where no bound is stated, the documented one holds, exactly.
#[test]
fn what_is_not_bounded_has_the_documented_bound() {
    let text = |length: usize| json!({"a": "文".repeat(length)});
    let list = |length: usize| json!({"a": vec![0; length]});
    let object = |length: usize| {
        let members = (0..length).map(|at| (format!("k{at}"), Value::Null));
        json!({"a": members.collect::<serde_json::Map<_, _>>()})
    };
    #[expect(clippy::type_complexity, reason = "rows of a table of this test")]
    let rows: [(Value, &dyn Fn(usize) -> Value, usize); 5] = [
        (json!({"type": "string"}), &text, LENGTH_DEFAULT),
        (json!({"minLength": 1}), &text, LENGTH_DEFAULT),
        (json!({"type": "array"}), &list, ITEMS_DEFAULT),
        (json!({"items": {"type": "integer"}}), &list, ITEMS_DEFAULT),
        (json!({"type": "object"}), &object, MEMBERS_DEFAULT),
    ];
    for (inner, make, most) in rows {
        let schema = closed(&inner);
        assert_eq!(refusal(&schema, &make(most)), None, "{inner}");
        assert_eq!(refusal(&schema, &make(most + 1)).map(|found| found.code), Some(Code::C302), "{inner}");
    }
}

/// A body is bounded before a contract is asked: in bytes, and in values.
#[test]
fn a_body_has_at_most_so_many_bytes_and_values() {
    let values = |count: usize| format!("[{}]", vec!["0"; count - 1].join(","));
    let code = |body: &str| strict::parse(body.as_bytes()).err().map(|refusal| refusal.code);
    assert_eq!(code(&values(VALUES_MAX)), None);
    assert_eq!(code(&values(VALUES_MAX + 1)), Some(Code::C312));
    let objects = format!("[{}]", vec!["{\"a\":0}"; VALUES_MAX / 2].join(","));
    assert_eq!(code(&objects), Some(Code::C312), "what holds values counts too");
    let one_number = format!("[{}]", "9".repeat(BODY_BYTES_MAX - 2));
    assert_eq!(code(&one_number), Some(Code::C304), "a number of a million digits");
}

#[test]
fn a_missing_bound_that_would_cost_too_much_is_told_at_declaration() {
    let list = |items: Value| closed(&json!({"type": "array", "items": items}));
    let pattern = json!({"type": "string", "pattern": "^[a-z0-9-]+(\\.[a-z0-9-]+)*$"});
    assert!(reason(&list(pattern.clone())).contains("state lower maxItems, maxProperties or maxLength"));
    let mut bounded = pattern;
    bounded["maxLength"] = json!(20);
    assert!(compiled(&list(bounded)).cost() > 0);
    let nested = json!({"type": "array", "items": {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}}});
    assert!(InputContract::compile(&closed(&nested)).is_err(), "a thousand thousand thousand");
}

#[test]
fn a_subject_must_always_be_there() {
    let schema = json!({"required": ["p"], "properties": {
        "p": {"required": ["id"], "properties": {"id": {"type": "string"}, "n": {"type": "string"}}}}});
    assert!(always_text(&schema, "/p/id"));
    for pointer in ["", "/p", "/p/n", "/p/x", "/q/id", "p/id"] {
        assert!(!always_text(&schema, pointer), "{pointer}");
    }
}
