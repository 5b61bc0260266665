//! Contracts that were bombs: a request of sixty bytes took seconds and gigabytes. Each is refused when it is declared,
//! or bounded in steps and memory when it is asked. Steps are counted, for a clock would measure the machine.

use serde_json::{Value, json};
use shuzha_core::Code;

use super::{InputContract, closed, compiled, refusal};
use crate::input::walk::Walk;
use crate::input::{BODY_BYTES_MAX, STEPS_MAX, VALUES_MAX, strict};

fn with_definitions(definitions: &Value) -> Value {
    let mut schema = closed(&json!({"$ref": "#/$defs/t"}));
    schema["$defs"] = definitions.clone();
    schema
}

/// Steps that checking `value` took, whatever became of it.
fn steps(contract: &InputContract, value: &Value) -> u64 {
    let mut walk = Walk::new(&contract.nodes);
    let _ = walk.check(contract.nodes.len() - 1, value);
    walk.steps
}

fn reason(schema: &Value) -> String {
    InputContract::compile(schema).map(|_| ()).expect_err("refused")
}

#[test]
fn a_recursive_contract_is_refused_however_it_is_written() {
    let integer = json!({"type": "integer"});
    let of = |name: &str| json!({"$ref": format!("#/$defs/{name}")});
    let rows = [
        json!({"t": {"anyOf": [{"type": "array", "items": of("t")}, {"type": "array", "items": {"allOf": [of("t"), of("t")]}}, integer]}}),
        json!({"t": of("t")}),
        json!({"t": of("u"), "u": of("t")}),
        json!({"t": {"type": "object", "properties": {"next": of("t")}}}),
        json!({"t": {"type": "object", "additionalProperties": of("u")}, "u": {"not": of("t")}}),
        json!({"t": {"type": "array", "prefixItems": [of("t")]}}),
        json!({"t": {"if": true, "then": of("t")}}),
        // Nothing refers to it today; a later version might.
        json!({"t": integer, "unused": {"items": of("unused")}}),
    ];
    for definitions in &rows {
        assert!(reason(&with_definitions(definitions)).contains("refers to itself"), "{definitions}");
    }
    for reference in ["#", "#/properties/a", "#/$defs/t/items", "#t", "t"] {
        let schema = closed(&json!({"$ref": reference}));
        let reason = reason(&schema);
        let told = reason.contains("a reference is `#/$defs/NAME`") || reason.contains("refers to nothing");
        assert!(told, "{reference}: {reason}");
    }
}

/// Without a circle, too, what refers twice to what refers twice … doubles with every definition.
#[test]
fn a_contract_that_doubles_is_refused_without_being_unfolded() {
    let mut definitions = json!({"d0": {"type": "integer"}});
    for at in 1..28 {
        let below = json!({"$ref": format!("#/$defs/d{}", at - 1)});
        definitions[format!("d{at}")] = json!({"allOf": [below, below]});
    }
    definitions["t"] = json!({"$ref": "#/$defs/d27"});
    assert!(reason(&with_definitions(&definitions)).contains("would take"));
    definitions["t"] = json!({"$ref": "#/$defs/d3"});
    assert!(InputContract::compile(&with_definitions(&definitions)).is_ok());
}

#[test]
fn a_long_chain_of_references_ends_before_the_stack_does() {
    let mut definitions = json!({"d0": {"type": "integer"}});
    for at in 1..3_000 {
        definitions[format!("d{at}")] = json!({"$ref": format!("#/$defs/d{}", at - 1)});
    }
    definitions["t"] = json!({"$ref": "#/$defs/d2999"});
    assert!(reason(&with_definitions(&definitions)).contains("deeper than"));
    // Read from the bottom, every one of them is shallow by itself.
    let mut upwards = json!({"t": {"type": "integer"}, "a000": {"type": "integer"}});
    for at in 1..100 {
        upwards[format!("a{at:03}")] = json!({"$ref": format!("#/$defs/a{:03}", at - 1)});
    }
    assert!(reason(&with_definitions(&upwards)).contains("within one another"));
}

#[test]
fn a_combinator_over_arrays_over_combinators_is_refused() {
    let branch = json!({"type": "array", "maxItems": 2, "items": {"anyOf": [{"type": "integer"}, {"type": "string", "maxLength": 1}]}});
    for word in ["anyOf", "oneOf", "allOf"] {
        let mut schema = json!({});
        schema[word] = json!([branch, {"type": "null"}]);
        assert!(reason(&closed(&schema)).contains("may hold no combinator"), "{word}");
    }
    for word in ["not", "if"] {
        let mut schema = json!({});
        schema[word] = branch.clone();
        assert!(reason(&closed(&schema)).contains("may hold no combinator"), "{word}");
    }
    assert!(InputContract::compile(&closed(&branch)).is_ok(), "an array may hold one");
    let scalars = json!({"anyOf": [{"type": "integer"}, {"type": "array", "maxItems": 9, "items": {"type": "integer"}}]});
    assert!(InputContract::compile(&closed(&scalars)).is_ok(), "a branch may be an array of plain values");
}

#[test]
fn patterns_are_bounded_in_size_number_and_work() {
    let of = |pattern: &str, most: usize| {
        closed(&json!({"type": "string", "pattern": pattern, "maxLength": most}))
    };
    for pattern in ["a[ab]{2000}c", "(a|b)*a(a|b){500}c", "(x+x+)+y", "(\\p{L}{3}){30}", "^(a?){300}a{300}$"]
    {
        assert!(InputContract::compile(&of(pattern, 1_000_000)).is_err(), "{pattern}");
    }
    assert!(reason(&of(&"a".repeat(2_000), 10)).contains("1024 bytes"));
    let many =
        (0..65).map(|at| (format!("p{at}"), json!({"type": "string", "maxLength": 1, "pattern": "^a$"})));
    let schema = json!({"type": "object", "additionalProperties": false, "properties": many.collect::<serde_json::Map<_, _>>()});
    assert!(reason(&schema).contains("patterns"));
    assert!(InputContract::compile(&of("^[0-9]{17}[0-9X]$", 18)).is_ok());
}

/// The costliest text for the costliest pattern that is let in: still within the steps of one call.
#[test]
fn the_worst_text_for_a_permitted_pattern_stays_within_the_steps() {
    let mut most = 1_000_000;
    let contract = loop {
        let schema = closed(&json!({"type": "string", "pattern": "(a|b)*a(a|b){100}c", "maxLength": most}));
        match InputContract::compile(&schema) {
            Ok(contract) => break contract,
            Err(_) => most /= 2,
        }
    };
    assert!(most > 100, "a pattern of this size is of use");
    let worst: String = (0..most).map(|at| if at % 3 == 0 { 'b' } else { 'a' }).collect();
    let worst = json!({"a": worst});
    let refused = contract.meets(&worst).expect_err("no c at the end");
    assert_eq!(refused.code, Code::C302);
    let taken = steps(&contract, &worst);
    assert!(taken <= contract.cost(), "{taken} of {}", contract.cost());
    assert!(taken >= contract.cost() / 16, "{taken} of {}: the estimate is of use", contract.cost());
}

/// What is estimated at declaration is never less than what is done: the budget of a call is a second lock, not the first.
#[test]
fn no_call_takes_more_steps_than_its_contract_was_declared_for() {
    let schema = json!({
        "type": "object", "additionalProperties": false,
        "properties": {
            "list": {"type": "array", "maxItems": 20, "items": {"oneOf": [
                {"type": "string", "pattern": "^(a|b)+$", "maxLength": 40},
                {"enum": [1, 2, 3, {"k": [1, 2]}]},
                {"type": "object", "additionalProperties": {"type": "string", "format": "date", "maxLength": 10}, "maxProperties": 3},
            ]}},
            "set": {"type": "array", "uniqueItems": true, "maxItems": 50, "items": {"type": ["string", "number"], "maxLength": 90}},
        },
    });
    let contract = compiled(&schema);
    let long = "文".repeat(90);
    let object = json!({"k0": "2026-01-01", "k1": "2026-01-01", "k2": "2026-01-01"});
    let set: Vec<Value> = (0..50).map(|at| json!(format!("{}{at:02}", &long[..264]))).collect();
    for item in [json!("ab".repeat(20)), json!({"k": [1, 2]}), object, json!(3)] {
        let steps = contract.meets(&json!({"list": vec![item; 20], "set": set})).expect("meets the contract");
        assert!(steps <= contract.cost(), "{steps} of {}", contract.cost());
    }
    assert!(contract.cost() <= STEPS_MAX);
}

/// A contract on disk that an older version took is not read into a gate that could be brought down by it: the reader
/// that loads is the reader that declares. Here: what is planted all the same ends by the steps of one call.
#[test]
fn the_steps_of_a_call_end_what_no_estimate_foresaw() {
    use crate::input::node::{Node, Types};
    let mut nodes = vec![Node::open(Types::ALL)];
    for below in 0..40 {
        let mut node = Node::open(Types::ALL);
        node.branches.all = vec![below, below];
        nodes.push(node);
    }
    let planted = InputContract { nodes, is_blinded: false };
    assert_eq!(planted.meets(&json!({})).expect_err("2^40 steps").code, Code::C313);
}

/// Memory: the nested call of sixty bytes, against the nearest contract that is permitted.
#[test]
fn nested_brackets_take_no_memory_to_refuse() {
    let scalar = json!({"type": "integer"});
    let two =
        json!({"type": "array", "maxItems": 4, "items": {"type": "array", "maxItems": 4, "items": scalar}});
    let schema = closed(&json!({"anyOf": [two, scalar]}));
    for depth in [1, 3, 8, 14] {
        let body = format!("{{\"a\":{}\"s\"{}}}", "[".repeat(depth), "]".repeat(depth));
        let value = strict::parse(body.as_bytes()).expect("JSON");
        assert_eq!(refusal(&schema, &value).expect("refused").code, Code::C302, "{depth}");
        let taken = steps(&compiled(&schema), &value);
        assert!(taken <= 32, "{taken} steps for {depth} brackets: it was 2^{depth}");
    }
}

/// Of whatever a body is made, its values are as many as a contract may take: they, and not its bytes, are what memory it needs.
#[test]
fn a_body_of_nothing_but_brackets_makes_a_bounded_number_of_values() {
    let bodies = [
        format!("[{}1]", "[],".repeat(BODY_BYTES_MAX / 3 - 2)),
        format!("[{}1]", "1,".repeat(BODY_BYTES_MAX / 2 - 2)),
        format!("[{}1]", "{\"\":0},".repeat(BODY_BYTES_MAX / 7 - 2)),
    ];
    for body in bodies {
        assert!(body.len() <= BODY_BYTES_MAX);
        assert_eq!(strict::parse(body.as_bytes()).expect_err("too many").code, Code::C312, "{}", &body[..8]);
    }
    // The dearest value is an object of one member: its map has a node for eleven (`BTreeMap`, B = 6). Two values each.
    let node = 11 * (size_of::<String>() + size_of::<Value>()) + 2 * size_of::<usize>();
    let most = VALUES_MAX / 2 * (node + size_of::<Value>());
    assert!(most <= 48 << 20, "{most} bytes while a worker reads one body");
}
