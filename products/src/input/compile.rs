//! From a declared JSON Schema to an [`InputContract`].

use std::collections::HashSet;

use jsonschema::{Draft, PatternOptions};
use serde_json::Value;

use super::InputContract;

/// Largest compiled pattern in bytes.
const PATTERN_BYTES_MAX: usize = 1 << 20;

pub(super) fn contract(schema: &Value) -> Result<InputContract, String> {
    if schema["type"].as_str() != Some("object") || schema["additionalProperties"] != Value::Bool(false) {
        return Err("the root must have `type: object` and `additionalProperties: false`".to_owned());
    }
    let validator = jsonschema::options()
        .with_draft(Draft::Draft202012)
        .offline()
        .should_validate_formats(true)
        .should_ignore_unknown_formats(false)
        .with_pattern_options(PatternOptions::regex().size_limit(PATTERN_BYTES_MAX))
        .build(schema)
        .map_err(|error| {
            let path = error.instance_path().as_str();
            let place = if path.is_empty() { String::new() } else { format!("{path}: ") };
            format!("not a JSON Schema: {place}{error}")
        })?;
    let mut names = HashSet::new();
    collect_names(schema, &mut names);
    Ok(InputContract { validator, names, is_blinded: false })
}

fn collect_names(schema: &Value, names: &mut HashSet<String>) {
    match schema {
        Value::Object(keywords) => {
            if let Some(Value::Object(properties)) = keywords.get("properties") {
                names.extend(properties.keys().cloned());
            }
            keywords.values().for_each(|inner| collect_names(inner, names));
        }
        Value::Array(items) => items.iter().for_each(|inner| collect_names(inner, names)),
        _ => {}
    }
}

/// Whether every request that meets `schema` holds text at `pointer`: each property on the way is required.
pub(crate) fn always_text(schema: &Value, pointer: &str) -> bool {
    let Some(rest) = pointer.strip_prefix('/') else { return false };
    let mut at = schema;
    for token in rest.split('/') {
        let name = token.replace("~1", "/").replace("~0", "~");
        let required =
            at["required"].as_array().is_some_and(|list| list.iter().any(|one| *one == name.as_str()));
        let Some(next) = at["properties"].get(&name).filter(|_| required) else { return false };
        at = next;
    }
    at["type"].as_str() == Some("string")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn schemas_that_open_a_door_are_refused() {
        let closed = |inner: Value| json!({"type": "object", "additionalProperties": false, "properties": {"a": inner}});
        assert!(contract(&closed(json!({"type": "string", "format": "date"}))).is_ok());
        for schema in [
            json!({}),
            json!(true),
            json!({"type": "object"}),
            closed(json!({"$ref": "https://example.com/schema.json"})),
            closed(json!({"$ref": "file:///etc/hosts"})),
            closed(json!({"type": "text"})),
            closed(json!({"type": "string", "format": "no-such-format"})),
            closed(json!({"type": "string", "pattern": "(a"})),
            closed(json!({"type": "string", "pattern": "^(?=a)b$"})),
            closed(json!({"type": "string", "pattern": "((a{1000}){1000}){1000}"})),
        ] {
            assert!(contract(&schema).is_err(), "{schema}");
        }
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
}
