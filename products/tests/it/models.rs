//! Models: what may be asked of one, and how little of its score may leave.

use serde_json::{Value, json};
use shuzha_privacy::output::FieldSet;
use shuzha_products::World;
use shuzha_products::input::{Choice, check};

use crate::demo_files;

fn model(operation: &str) -> Result<World, Vec<String>> {
    let mut files = demo_files();
    let product = format!(
        "apiVersion: shuzha/v1\nkind: Product\nmetadata: {{name: more}}\nspec:\n  kind: model\n  title: 评分\n  operator: \
         yunze-data\n  dataSets: [enterprises]\n  upstream: model\n  version: 1\n  operations:\n    - {{name: score, method: \
         POST, path: /v1/score, queriesPerQuarter: 100, {operation}}}\n"
    );
    files.push(("more.yaml".to_owned(), product));
    World::parse(&files).map_err(|faults| faults.iter().map(ToString::to_string).collect())
}

const SUBJECT: &str = "personal: false, subject: {kind: organisation, pointer: /uscc}";
const USCC: &str = "uscc: {type: string, minLength: 18, maxLength: 18}";
const SCORE: &str = "output: {/score: {type: integer, minimum: 0, maximum: 1000, step: 10}}";

/// Issue 14, section 4: inputs bound to committed subjects.
#[test]
fn e7_a_model_of_subjects_takes_no_features() {
    let input = |properties: &str| {
        format!(
            "input: {{type: object, additionalProperties: false, required: [uscc], properties: {{{properties}}}}}"
        )
    };
    let declared =
        |properties: &str| model(&format!("{SUBJECT}, inputs: subjects, {}, {SCORE}", input(properties)));
    let world = declared(USCC).expect("a subject and nothing else");
    let operation = &world.products["more"].operations[0];
    assert!(check(operation, br#"{"uscc":"91350100M000100Y43"}"#).is_ok());
    assert!(check(operation, br#"{"uscc":"91350100M000100Y43","age":3}"#).is_err());
    let choices = operation.input.as_ref().expect("a contract").choices().expect("fixed places");
    assert_eq!(choices.into_iter().collect::<Vec<_>>(), [("/uscc".to_owned(), Choice::Text)]);

    let faults = declared(&format!("{USCC}, age: {{type: integer}}")).expect_err("a feature is chosen");
    assert!(faults.iter().any(|fault| fault.contains("makes clients up")), "{faults:?}");
    let without = format!("personal: false, inputs: subjects, {}, {SCORE}", input(USCC));
    let faults = model(&without).expect_err("no subject");
    assert!(faults.iter().any(|fault| fault.contains("`subject`")), "{faults:?}");
    // Free inputs are the default, and say so.
    let free = model(&format!(
        "{SUBJECT}, inputs: free, {}, {SCORE}",
        input(&format!("{USCC}, age: {{type: integer}}"))
    ));
    assert!(free.is_ok());
}

/// 分数段: where a band is enough for the purpose, an operation answers with it, and only the band leaves.
#[test]
fn e7_a_score_may_leave_as_a_band() {
    let banded = |leaf: &str| {
        model(&format!(
            "personal: false, input: {{type: object, additionalProperties: false}}, output: {{/score: {leaf}}}"
        ))
    };
    let world = banded("{type: integer, minimum: 0, maximum: 1000, mask: band(100)}").expect("a band");
    let operation = &world.products["more"].operations[0];
    let released = |score: Value| {
        let answer = json!({"score": score, "probability": 0.123_4}).to_string();
        let released = operation.release(FieldSet(1), answer.as_bytes()).expect("released");
        (serde_json::from_slice::<Value>(&released.bytes).expect("JSON"), released.bytes.len())
    };
    let (shown, length) = released(json!(877));
    assert_eq!(shown, json!({"score": "800-899"}));
    assert_eq!(released(json!(801)), (shown, length), "nothing tells scores of a band apart");
    for unbounded in [
        "{type: integer, minimum: 0, mask: band(100)}",
        "{type: integer, minimum: 0, maximum: 1000}",
        "{type: integer, minimum: 0, maximum: 1000, mask: noise(3)}",
    ] {
        let faults = banded(unbounded).expect_err(unbounded);
        assert!(faults.iter().any(|fault| fault.contains("minimum, maximum and step")), "{faults:?}");
    }
}

/// A band of width 1 is the number, and one that holds everything says nothing. What was declared before goes on.
#[test]
fn e7_a_band_hides_something_and_says_something() {
    let banded = |width: u32| {
        model(&format!(
            "personal: false, input: {{type: object, additionalProperties: false}}, output: {{/score: {{type: integer, \
             minimum: 0, maximum: 1000, mask: band({width})}}}}"
        ))
    };
    for (width, wanted) in
        [(1, "a band of width 1"), (1_001, "one band holds everything"), (u32::MAX, "one band")]
    {
        let faults = banded(width).expect_err("it is refused");
        assert!(faults.iter().any(|fault| fault.contains("/score") && fault.contains(wanted)), "{faults:?}");
    }
    for width in [2, 100, 1_000] {
        let world = banded(width).unwrap_or_else(|faults| panic!("{width}: {faults:?}"));
        let old = |spec: &str| spec.replace(&format!("band({width})"), "band(1)");
        let specs: Vec<_> = world.specs.iter().map(|((kind, name), spec)| (*kind, name, old(spec))).collect();
        let specs = specs.iter().map(|(kind, name, spec)| (*kind, *name, spec.as_str()));
        let held = World::from_specs(specs).unwrap_or_else(|faults| panic!("in force: {faults:?}"));
        assert!(held.products.contains_key("more"));
    }
}
