//! What a refusal tells, that nothing a caller sends makes the parser panic, and that the subset means what the standard
//! means.

mod bombs;
mod names;
mod oracle;
mod subset;

use proptest::prelude::*;
use serde_json::{Value, json};
use shuzha_core::{Code, Refusal};

use super::{InputContract, strict};

/// A closed object with one property `a`.
fn closed(inner: &Value) -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": {"a": inner}})
}

fn compiled(schema: &Value) -> InputContract {
    InputContract::compile(schema).unwrap_or_else(|reason| panic!("{schema}: {reason}"))
}

fn refusal(schema: &Value, body: &Value) -> Option<Refusal> {
    compiled(schema).meets(body).err()
}

fn refused_at(body: &Value) -> String {
    let schema = json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["name"],
        "properties": {
            "name": {"type": "string", "maxLength": 8},
            "phones": {"type": "object", "additionalProperties": {"type": "integer"}},
            "list": {"type": "array", "items": {"type": "integer"}},
            "a/b": {"type": "integer"},
            "who": {"type": "object", "required": ["id~1"], "properties": {"id~1": {"type": "string"}}},
            "pair": {"type": "object", "dependentRequired": {"from": ["until"]}},
        },
    });
    let refusal = refusal(&schema, body).expect("refused");
    assert_eq!(refusal.code, Code::C302);
    refusal.at.expect("a place")
}

#[test]
fn a_refusal_repeats_no_key_of_the_caller() {
    assert_eq!(refused_at(&json!({"name": "", "phones": {"13800000000": "x"}})), "/phones/*");
    assert_eq!(refused_at(&json!({"name": "", "phones": {"某某": "x"}})), "/phones/*");
    assert_eq!(refused_at(&json!({"name": "", "13800000000": 1})), "/*");
    assert_eq!(refused_at(&json!({"name": "", "list": [1, "x"]})), "/list/1");
    assert_eq!(refused_at(&json!({"name": "", "a/b": "x"})), "/a~1b");
    assert_eq!(refused_at(&json!([])), "");
}

/// Cases D6: a field that is not there has no place of its own, so the place where it should stand is told.
#[test]
fn a_missing_field_is_told_by_its_place() {
    assert_eq!(refused_at(&json!({})), "/name");
    assert_eq!(refused_at(&json!({"name": "", "who": {}})), "/who/id~01");
    assert_eq!(refused_at(&json!({"name": "", "pair": {"from": 1}})), "/pair/until");
}

/// JSON within the limits, by depth.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-1e15..1e15_f64).prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 48, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map("\\PC{0,6}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_parsed_or_refused(body in prop::collection::vec(any::<u8>(), 0..64)) {
        if let Ok(parsed) = strict::parse(&body) {
            prop_assert_eq!(Some(parsed), serde_json::from_slice::<Value>(&body).ok());
        }
    }

    #[test]
    fn good_json_reads_as_itself(value in value()) {
        let body = serde_json::to_vec(&value).expect("JSON");
        prop_assert_eq!(strict::parse(&body).map_err(|refusal| refusal.code), Ok(value));
    }

    /// One more copy of any key of the root is noticed, wherever it stands.
    #[test]
    fn a_repeated_key_is_always_refused(keys in prop::collection::btree_set("[a-z]{1,3}", 1..8), at in any::<prop::sample::Index>()) {
        let again = at.get(&keys.iter().collect::<Vec<_>>()).to_string();
        let pairs: Vec<_> = keys.iter().chain([&again]).map(|key| format!("\"{key}\":0")).collect();
        let body = format!("{{{}}}", pairs.join(","));
        prop_assert_eq!(strict::parse(body.as_bytes()).map_err(|refusal| refusal.code), Err(Code::C306));
    }
}
