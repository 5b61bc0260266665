//! Whatever the subset takes, it means what JSON Schema 2020-12 means: a general validator agrees on every value that is
//! within the documented default bounds.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::InputContract;

fn small() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3..6_i64).prop_map(Value::from),
        prop_oneof![Just(0.5), Just(1.0), Just(-2.0), Just(2.5)].prop_map(|number: f64| json!(number)),
        "[ab]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[abc]", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

/// One keyword with its value; schemas within are of `inner`.
#[expect(clippy::needless_pass_by_value, reason = "strategies are handles, and are handed on")]
fn keyword(inner: BoxedStrategy<Value>) -> impl Strategy<Value = (&'static str, Value)> {
    let word =
        |word: &'static str, value: BoxedStrategy<Value>| value.prop_map(move |value| (word, value)).boxed();
    let count = (0..4_u64).prop_map(Value::from).boxed();
    let number = prop_oneof![(-2..4_i64).prop_map(Value::from), Just(json!(0.5)), Just(json!(1.0))].boxed();
    let types =
        prop::sample::select(vec!["null", "boolean", "integer", "number", "string", "array", "object"]);
    let some = prop::collection::vec(inner.clone(), 1..3).prop_map(Value::from).boxed();
    let names = prop::sample::subsequence(vec!["a", "b", "c"], 0..3).prop_map(|names| json!(names)).boxed();
    let object = prop::collection::btree_map("[abc]", inner.clone(), 0..3).prop_map(|map| json!(map)).boxed();
    let together =
        prop::collection::btree_map("[abc]", names.clone(), 0..2).prop_map(|map| json!(map)).boxed();
    let pattern = prop::sample::select(vec!["^a", "b$", "^(ab)*$", "a|b"]).prop_map(Value::from).boxed();
    let fixed = prop::collection::vec(small(), 1..4).prop_map(Value::from).boxed();
    let size = ["minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"];
    let range = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"];
    let mut words = vec![
        word("type", types.prop_map(Value::from).boxed()),
        word("enum", fixed),
        word("multipleOf", prop_oneof![Just(json!(2)), Just(json!(0.5))].boxed()),
        word("pattern", pattern),
        word("properties", object),
        word("dependentRequired", together),
        word("required", names),
        word("uniqueItems", any::<bool>().prop_map(Value::from).boxed()),
    ];
    words.extend(size.map(|name| word(name, count.clone())));
    words.extend(range.map(|name| word(name, number.clone())));
    words.extend(["allOf", "anyOf", "oneOf", "prefixItems"].map(|name| word(name, some.clone())));
    words.extend(
        ["not", "if", "then", "else", "items", "additionalProperties"].map(|name| word(name, inner.clone())),
    );
    prop::strategy::Union::new(words)
}

fn schema() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![any::<bool>().prop_map(Value::from), Just(json!({}))].boxed();
    leaf.prop_recursive(3, 24, 3, |inner| {
        prop::collection::vec(keyword(inner), 0..4)
            .prop_map(|words| {
                Value::Object(words.into_iter().map(|(word, value)| (word.to_owned(), value)).collect())
            })
            .boxed()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_the_subset_takes_means_what_the_standard_means(inner in schema(), value in small()) {
        let whole = super::closed(&inner);
        let body = json!({"a": value});
        if let Ok(contract) = InputContract::compile(&whole) {
            let general = jsonschema::draft202012::new(&whole).expect("the subset is JSON Schema");
            prop_assert_eq!(contract.meets(&body).is_ok(), general.is_valid(&body), "{} against {}", body, whole);
        }
    }
}
