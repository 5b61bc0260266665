//! The words of a contract, and those whose values are plain lists.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::at;
use crate::input::FIXED_VALUES_MAX;
use crate::input::node::{Types, values_in};

/// Every keyword that asks something.
pub(super) const KEYWORDS: &[&str] = &[
    "$ref",
    "type",
    "enum",
    "const",
    "minLength",
    "maxLength",
    "pattern",
    "format",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "items",
    "prefixItems",
    "minItems",
    "maxItems",
    "uniqueItems",
    "properties",
    "required",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "dependentRequired",
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
];
/// What may be said beside it.
pub(super) const ANNOTATIONS: &[&str] = &[
    "title",
    "description",
    "$comment",
    "default",
    "example",
    "examples",
    "deprecated",
    "readOnly",
    "writeOnly",
    "contentEncoding",
    "contentMediaType",
];
/// Keywords about text.
pub(super) const TEXT_WORDS: &[&str] = &["minLength", "maxLength", "pattern", "format"];
/// Keywords about arrays.
pub(super) const ARRAY_WORDS: &[&str] = &["items", "prefixItems", "minItems", "maxItems", "uniqueItems"];
/// Keywords about objects.
pub(super) const OBJECT_WORDS: &[&str] = &[
    "properties",
    "required",
    "additionalProperties",
    "minProperties",
    "maxProperties",
    "dependentRequired",
];

const TYPES: [(&str, Types); 7] = [
    ("null", Types::NULL),
    ("boolean", Types::BOOLEAN),
    ("integer", Types::INTEGER),
    ("number", Types::NUMBER),
    ("string", Types::STRING),
    ("array", Types::ARRAY),
    ("object", Types::OBJECT),
];

/// `type`: one name, or a list of them.
pub(super) fn types(value: &Value, place: &str) -> Result<Types, String> {
    let one = |value: &Value| {
        let name = value.as_str()?;
        TYPES.iter().find(|(known, _)| *known == name).map(|(_, types)| *types)
    };
    let all = match value {
        Value::Array(list) if !list.is_empty() => list.iter().map(one).collect::<Option<Vec<_>>>(),
        value => one(value).map(|types| vec![types]),
    };
    match all {
        Some(all) => Ok(all.into_iter().fold(Types::NONE, Types::with)),
        None => at(
            place,
            "`type` is one of null, boolean, integer, number, string, array, object, or a list of them",
        ),
    }
}

/// `enum` and `const`: the only values there are.
pub(super) fn fixed(words: &Map<String, Value>, place: &str) -> Result<Option<Vec<Value>>, String> {
    let values = match (words.get("enum"), words.get("const")) {
        (None, None) => return Ok(None),
        (None, Some(one)) => vec![one.clone()],
        (Some(Value::Array(list)), None) if !list.is_empty() => list.clone(),
        _ => return at(place, "either `const`, or `enum` with a list that is not empty"),
    };
    let size: u64 = values.iter().map(values_in).sum();
    if size > FIXED_VALUES_MAX {
        return at(place, format_args!("more than {FIXED_VALUES_MAX} values"));
    }
    Ok(Some(values))
}

/// A list of names, each once.
pub(super) fn names(value: Option<&Value>, place: &str) -> Result<Vec<String>, String> {
    let Some(value) = value else { return Ok(Vec::new()) };
    let list = value.as_array().map(|list| list.iter().map(Value::as_str).collect::<Option<BTreeSet<_>>>());
    match list.flatten() {
        Some(set) if set.len() == value.as_array().map_or(0, Vec::len) => {
            Ok(set.into_iter().map(str::to_owned).collect())
        }
        _ => at(place, "what is required is a list of names, each once"),
    }
}
