//! What may leave and what may not, by example and by property.

mod fuzz;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

fn contract() -> Contract {
    Contract::compile(&json!({
        "/score": {"type": "integer", "minimum": 0, "maximum": 1000, "step": 5},
        "/ratio": {"type": "number", "minimum": 0, "maximum": 1, "step": 0.05, "required": false},
        "/ok": {"type": "boolean", "required": false, "nullable": true},
        "/holder/name": {"type": "string", "max_length": 40, "mask": "name", "required": false},
        "/holder/age": {"type": "integer", "minimum": 0, "maximum": 150, "mask": "band(10)", "required": false},
        "/items/*/kind": {"type": "string", "enum": ["a", "b"], "required": false, "max_items": 3},
        "/a~1b": {"type": "string", "max_length": 3, "required": false}
    }))
    .unwrap()
}

fn project(fields: &[&str], answer: &str) -> Result<(String, u32), Violation> {
    let contract = contract();
    let set = contract.fields(fields.iter().copied()).unwrap();
    let projected = contract.project(set, answer.as_bytes())?;
    Ok((String::from_utf8(projected.bytes).unwrap(), projected.unlisted))
}

const ALL: &[&str] = &["/score", "/ratio", "/ok", "/holder/name", "/holder/age", "/items/*/kind", "/a~1b"];

#[test]
fn permitted_leaves_leave_in_the_contracts_order() {
    let answer = r#"{"score": 612, "ratio": 0.33, "items": [{"kind":"b"},{"kind":"a"}], "ok": null,
        "holder": {"age": 37, "name": "张三"}, "a/b": "x\u0041"}"#;
    let (bytes, unlisted) = project(ALL, answer).unwrap();
    let expected = r#"{"a/b":"xA","holder":{"age":"30-39","name":"张*"},"items":[{"kind":"b"},{"kind":"a"}],"ok":null,"ratio":0.35,"score":610}"#;
    assert_eq!((&*bytes, unlisted), (expected, 0));
    let contract = contract();
    let pointers: Vec<&str> = contract.pointers(contract.all()).collect();
    assert_eq!(pointers.len(), ALL.len());
    assert_eq!(pointers[0], "/a~1b");
}

#[test]
fn what_is_not_granted_is_dropped_and_what_is_not_listed_is_counted() {
    for (fields, answer, left, unlisted) in [
        (&["/score"][..], r#"{"score":5,"ratio":0.1,"holder":{"name":"x"}}"#, r#"{"score":5}"#, 0),
        (&["/score"], r#"{"score":5,"raw":{"id":"1","xs":[1,2]},"e":[],"o":{}}"#, r#"{"score":5}"#, 5),
        (&["/score"], r#"{"score":5,"ratio":{"deep":1}}"#, r#"{"score":5}"#, 1),
        (&["/score"], r#"{"score":5,"items":"no longer a list"}"#, r#"{"score":5}"#, 1),
        (&["/ok"], r#"{"score":"wrong, but not asked for"}"#, "{}", 0),
        (&["/holder/name"], r#"{"holder":{"id":"7"},"score":1}"#, r#"{"holder":{}}"#, 1),
        (&[], r#"{"score":5}"#, "{}", 0),
    ] {
        assert_eq!(project(fields, answer), Ok((left.to_owned(), unlisted)), "{answer}");
    }
}

#[test]
fn violations_name_the_leaf_and_never_the_value() {
    for (answer, at, what) in [
        ("", "", "not well-formed JSON"),
        ("{\"score\":5} x", "", "not well-formed JSON"),
        ("{\"score\":NaN}", "", "not well-formed JSON"),
        ("{\"score\":1e999}", "", "not well-formed JSON"),
        ("{\"score\":5,}", "", "not well-formed JSON"),
        ("\u{feff}{\"score\":5}", "", "not well-formed JSON"),
        ("[]", "", "wrong type"),
        ("7", "", "wrong type"),
        ("{}", "/score", "a required leaf is missing"),
        (r#"{"score":5,"score":6}"#, "", "a key is repeated"),
        (r#"{"score":5,"x":1,"y":2,"x":3}"#, "", "a key is repeated"),
        (r#"{"score":5,"raw":{"x":1,"x":1}}"#, "", "a key is repeated"),
        (r#"{"score":5,"holder":{"age":1,"\u0061ge":2}}"#, "/holder", "a key is repeated"),
        (r#"{"score":"612"}"#, "/score", "wrong type"),
        (r#"{"score":61.5}"#, "/score", "wrong type"),
        (r#"{"score":null}"#, "/score", "null is not allowed"),
        (r#"{"score":[5]}"#, "/score", "wrong type"),
        (r#"{"score":1001}"#, "/score", "outside the permitted range"),
        (r#"{"score":-1}"#, "/score", "outside the permitted range"),
        (r#"{"score":18446744073709551615}"#, "/score", "outside the permitted range"),
        (r#"{"score":5,"ratio":1.0001}"#, "/ratio", "outside the permitted range"),
        (r#"{"score":5,"ratio":-9223372036854775808}"#, "/ratio", "outside the permitted range"),
        (r#"{"score":5,"items":[{"kind":"c"}]}"#, "/items/*/kind", "not one of the permitted values"),
        (r#"{"score":5,"items":[{},{},{},{}]}"#, "/items", "too many elements"),
        (r#"{"score":5,"items":{"kind":"a"}}"#, "/items", "wrong type"),
        (r#"{"score":5,"items":[["a"]]}"#, "/items/*", "wrong type"),
        (r#"{"score":5,"a/b":"long"}"#, "/a~1b", "longer than permitted"),
    ] {
        let found = project(ALL, answer).unwrap_err();
        assert_eq!((&*found.at, found.what), (at, what), "{answer}");
    }
}

#[test]
fn nesting_is_bounded_inside_unlisted_parts_too() {
    let nest = |depth: usize| format!("{{\"score\":5,\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let deepest = ANSWER_DEPTH_MAX as usize - 1;
    assert_eq!(project(ALL, &nest(deepest)).unwrap().1, 1);
    assert_eq!(project(ALL, &nest(deepest + 1)).unwrap_err().what, "nested too deeply");
    assert_eq!(project(ALL, &nest(100_000)).unwrap_err().what, "nested too deeply");
}

#[test]
fn a_contract_may_describe_a_list() {
    let contract =
        Contract::compile(&json!({"/*": {"type": "integer", "maximum": 9, "max_items": 2}})).unwrap();
    assert_eq!(contract.project(contract.all(), b"[1, 2]").unwrap().bytes, b"[1,2]");
    assert!(contract.project(contract.all(), b"[1, 2, 3]").is_err());
    assert_eq!(contract.project(FieldSet(0), b"[1, 2, 3]").unwrap().bytes, b"[]");
}

#[test]
fn every_fault_of_a_declaration_is_named_at_once() {
    let faults = Contract::compile(&json!({
        "score": {"type": "integer"},
        "/a": {"type": "integer", "step": 5, "maximum": 12},
        "/b": {"type": "integer", "minimum": 2, "maximum": 1},
        "/c": {"type": "string"},
        "/d": {"type": "string", "enum": [], "pattern": "x"},
        "/e": {"type": "boolean", "maximum": 1, "mask": "name"},
        "/f": {"type": "string", "max_length": 4, "mask": "band(3)"},
        "/g~2": {"type": "boolean"},
        "/h": {"type": "boolean", "max_items": 3},
        "/i": {"type": "number", "step": 1e-10},
        "/j": {"type": "integer", "step": 0},
        "/k": {"type": "date"},
        "/l": {"type": "number", "minimum": 0, "maximum": 1e16}
    }))
    .unwrap_err();
    for start in
        ["score:", "/a:", "/b:", "/c:", "/d:", "/e:", "/f:", "/g~2:", "/h:", "/i:", "/j:", "/k:", "/l:"]
    {
        assert!(faults.iter().any(|fault| fault.starts_with(start)), "{start} {faults:?}");
    }
    assert_eq!(faults.iter().filter(|fault| fault.starts_with("/e:")).count(), 2);
}

#[test]
fn contracts_that_cannot_be_a_tree_are_refused() {
    let leaf = json!({"type": "boolean"});
    for pointers in [&["/a", "/a/b"][..], &["/a/*", "/a/b"], &[], &[""]] {
        let declared: serde_json::Map<String, Value> =
            pointers.iter().map(|&pointer| (pointer.to_owned(), leaf.clone())).collect();
        assert!(Contract::compile(&Value::Object(declared)).is_err(), "{pointers:?}");
    }
    let many = |count: usize| (0..count).map(|at| (format!("/{at}"), leaf.clone())).collect();
    assert!(Contract::compile(&Value::Object(many(LEAVES_MAX))).is_ok());
    assert!(Contract::compile(&Value::Object(many(LEAVES_MAX + 1))).is_err());
    let deep = |depth: usize| json!({ "/a".repeat(depth): leaf });
    assert!(Contract::compile(&deep(POINTER_DEPTH_MAX)).is_ok());
    assert!(Contract::compile(&deep(POINTER_DEPTH_MAX + 1)).is_err());
    assert!(Contract::compile(&json!([])).is_err());
}

#[test]
fn the_first_unknown_field_is_named() {
    assert_eq!(contract().fields(["/score", "/nope", "/other"]), Err("/nope".to_owned()));
    assert_eq!(contract().fields_among(["/nope", "/score"]), contract().fields(["/score"]).unwrap());
    assert!(contract().all().covers(contract().fields(["/score"]).unwrap()));
}

/// Any JSON, with the contract's own names among the keys so that both sides meet.
fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-20_i64..1_020).prop_map(Value::from),
        (-0.1..1.1).prop_map(Value::from),
        "[ab张]{0,4}".prop_map(Value::from),
    ];
    let key = prop_oneof![
        Just("score"),
        Just("ratio"),
        Just("ok"),
        Just("holder"),
        Just("name"),
        Just("age"),
        Just("items"),
        Just("kind"),
        Just("a/b"),
        Just("secret"),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().map(|(k, v)| (k.to_owned(), v)).collect())),
        ]
    })
}

/// The leaf pointers of a JSON text, with `*` for indices.
fn leaf_pointers(value: &Value, at: &str, into: &mut Vec<String>) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (key, value) in map {
                let segment = key.replace('~', "~0").replace('/', "~1");
                leaf_pointers(value, &format!("{at}/{segment}"), into);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            items.iter().for_each(|item| leaf_pointers(item, &format!("{at}/*"), into));
        }
        Value::Object(_) | Value::Array(_) => {}
        _ => into.push(at.to_owned()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// REQUIREMENTS E2: whatever a product service answers, only granted leaves are in what leaves, and leaving
    /// again changes nothing that is not masked.
    #[test]
    fn only_granted_leaves_leave(answer in any_json(), fields in any::<u64>()) {
        let contract = contract();
        let fields = FieldSet(fields).and(contract.all());
        let granted: Vec<&str> = contract.pointers(fields).collect();
        if let Ok(projected) = contract.project(fields, answer.to_string().as_bytes()) {
            let left: Value = serde_json::from_slice(&projected.bytes).unwrap();
            let mut pointers = Vec::new();
            leaf_pointers(&left, "", &mut pointers);
            for pointer in pointers {
                prop_assert!(granted.contains(&&*pointer), "{} left", pointer);
            }
        }
    }

    /// No bytes whatever make the projector panic.
    #[test]
    fn no_bytes_panic(answer in prop::collection::vec(any::<u8>(), 0..200)) {
        let contract = contract();
        prop_assert!(contract.project(contract.all(), &answer).is_err());
    }

    /// REQUIREMENTS E3: top and bottom coding, noise, pseudonyms and samples through a whole contract; without its key
    /// nothing leaves.
    #[test]
    fn e3_keyed_masks_need_their_key_and_repeat_themselves(age in 0_i64..200, seed in any::<[u8; 32]>()) {
        let contract = Contract::compile(&json!({
            "/age": {"type": "integer", "minimum": 18, "maximum": 90, "clamp": true},
            "/staff": {"type": "integer", "minimum": 0, "maximum": 500, "mask": "noise(3)"},
            "/owners/*/id": {"type": "string", "max_length": 18, "mask": "pseudonym", "sample_one_in": 2}
        }))
        .unwrap();
        prop_assert!(contract.is_keyed());
        let owners: Vec<Value> = (0..40).map(|at| json!({"id": at.to_string()})).collect();
        let answer = json!({"age": age, "staff": age, "owners": owners}).to_string();
        let all = contract.all();
        prop_assert!(contract.project(all, answer.as_bytes()).is_err(), "no key");
        let key = MaskKey::new(&seed);
        let cut = Cut { fields: all, key: Some(&key) };
        let first = contract.project(cut, answer.as_bytes()).unwrap();
        prop_assert_eq!(&first, &contract.project(cut, answer.as_bytes()).unwrap());
        let shown: Value = serde_json::from_slice(&first.bytes).unwrap();
        prop_assert_eq!(shown["age"].as_i64().unwrap(), age.clamp(18, 90));
        let staff = shown["staff"].as_i64().unwrap();
        prop_assert!((staff - age).abs() <= 3 && (0..=500).contains(&staff));
        let kept = shown["owners"].as_array().unwrap().len();
        prop_assert!((5..=35).contains(&kept), "{} of 40 in a sample of one half", kept);
        let in_clear = |owner: &Value| owner["id"].as_str().unwrap().len() != 22;
        prop_assert!(!shown["owners"].as_array().unwrap().iter().any(in_clear));
    }

    /// REQUIREMENTS E3: a sample stays the same however many elements come before; nobody sees the whole by waiting.
    #[test]
    fn e3_a_sample_does_not_change_with_the_place(seed in any::<[u8; 32]>(), more in 1_usize..30) {
        let contract = Contract::compile(&json!({
            "/trips/*/id": {"type": "string", "max_length": 18, "sample_one_in": 4, "max_items": 100}
        }))
        .unwrap();
        let key = MaskKey::new(&seed);
        let cut = Cut { fields: contract.all(), key: Some(&key) };
        let shown = |from: usize| {
            let trips: Vec<Value> = (from..60).map(|at| json!({"id": (at / 2).to_string()})).collect();
            let left = contract.project(cut, json!({"trips": trips}).to_string().as_bytes()).unwrap();
            serde_json::from_slice::<Value>(&left.bytes).unwrap()["trips"].as_array().unwrap().clone()
        };
        // Newest first: what was there stays where it is, behind what came; two of each are alike.
        let (early, late) = (shown(more * 2 % 60), shown(0));
        let tail = &late[late.len() - early.len()..];
        prop_assert_eq!(&early[..], tail);
    }

    #[test]
    fn rounding_stays_on_the_grid_and_within_half_a_step(value in 0_i64..=1000) {
        let (bytes, _) = project(&["/score"], &format!("{{\"score\":{value}}}")).unwrap();
        let left = serde_json::from_str::<Value>(&bytes).unwrap()["score"].as_i64().unwrap();
        prop_assert!(left % 5 == 0 && (left - value).abs() <= 2);
    }
}
