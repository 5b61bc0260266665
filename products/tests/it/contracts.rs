//! Contracts as a register holds them: whoever loads reads as whoever declares.

use serde_json::{Value, json};
use shuzha_core::Id;
use shuzha_products::World;

use crate::demo;

/// Attack F4: a contract that an older version took, planted in a register.
#[test]
fn a_planted_contract_is_refused_at_load_and_takes_nothing_with_it() {
    let item = json!({"$ref": "#/$defs/t"});
    let bomb = json!({
        "type": "object", "additionalProperties": false, "required": ["uscc"],
        "properties": {"uscc": {"type": "string"}, "x": item},
        "$defs": {"t": {"anyOf": [{"type": "array", "items": item}, {"type": "array", "items": {"allOf": [item, item]}}, {"type": "integer"}]}},
    });
    let slow = json!({
        "type": "object", "additionalProperties": false, "required": ["uscc"],
        "properties": {"uscc": {"type": "string"}, "x": {"type": "string", "maxLength": 1_000_000, "pattern": "a[ab]{2000}c"}},
    });
    for contract in [bomb, slow] {
        let world = demo();
        let specs = world.specs.iter().map(|((kind, name), spec)| {
            let mut spec: Value = serde_json::from_str(spec).expect("JSON");
            if (*kind, name.as_str()) == ("Product", "company-check") {
                spec["operations"][0]["input"] = contract.clone();
            }
            (*kind, name.clone(), spec.to_string())
        });
        let specs: Vec<(&str, Id, String)> = specs.collect();
        let read = World::from_specs(specs.iter().map(|(kind, name, spec)| (*kind, name, spec.as_str())));
        let faults = read.expect_err("the contract is refused");
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert_eq!(faults[0].object, "Product/company-check");
        assert!(faults[0].fault.path.ends_with("operations[0].input"), "{}", faults[0]);
    }
}
