//! Names that people read, codes of organisations, and contracts of requests, as they are declared.

use serde_json::json;

use crate::objects::organisation;
use crate::plane::Plane;

/// Attack F11, public reports F11: two organisations could look the same on paper, and a person could be one.
#[test]
fn names_that_cannot_be_told_apart_are_refused_wherever_they_are_declared() {
    let plane = Plane::new();
    let before = plane.kept();
    for name in ["云泽\u{202e}银行", "云泽\u{200b}银行", "云泽\u{e863}银行", "e\u{301}cole", "云泽\u{feff}"]
    {
        let mut spec = organisation("x");
        spec["name"] = json!(name);
        let wrong = plane.put("wang", "Organisation", "organisations", "x", &spec).send();
        assert_eq!(wrong.expect(422).refused("C1002").faults(), ["spec.name"], "{name:?}");
        let account = json!({"name": "x", "organisation": "x", "person": name, "roles": ["auditor"]});
        let wrong = plane.by("root", "POST", "/api/v1/accounts").json(&account).send();
        assert_eq!(wrong.expect(422).refused("C1002").faults(), ["person"], "{name:?}");
    }
    for code in ["690113199802030014", "000000000000000000", "91690114123456789X"] {
        let mut spec = organisation("x");
        spec["uscc"] = json!(code);
        let wrong = plane.put("wang", "Organisation", "organisations", "x", &spec).send();
        assert_eq!(wrong.expect(422).refused("C1002").faults(), ["spec.uscc"], "{code}");
    }
    assert_eq!(plane.kept(), before);
}

/// Attack F4: a bomb was accepted in a dry run.
#[test]
fn a_contract_that_is_a_bomb_is_refused_in_a_dry_run_too() {
    let plane = Plane::new();
    let item = json!({"$ref": "#/$defs/t"});
    for inner in [
        json!({"anyOf": [{"type": "array", "items": item}, {"type": "integer"}]}),
        json!({"type": "string", "maxLength": 1_000_000, "pattern": "a[ab]{2000}c"}),
        json!({"type": "array", "items": {"type": "string", "pattern": "(a|b)*a(a|b){50}c"}}),
    ] {
        let input = json!({
            "type": "object", "additionalProperties": false, "properties": {"x": item}, "$defs": {"t": inner},
        });
        let operation =
            json!({"name": "verify", "method": "POST", "path": "/v", "personal": false, "input": input});
        let spec = json!({"kind": "verification", "title": "核验", "operations": [operation]});
        let body = json!({
            "apiVersion": "shuzha/v1", "kind": "Product", "metadata": {"name": "bomb"}, "spec": spec,
        });
        let tried = plane.by("operator", "PUT", "/api/v1/products/bomb?dry_run=true").json(&body).send();
        let faults = tried.expect(422).refused("C1002").faults();
        assert!(faults.iter().any(|path| path.ends_with("operations[0].input")), "{faults:?}");
    }
}
