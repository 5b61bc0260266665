//! The documents of the control API, each described once: as a type with serde, from which its schema is derived.
//!
//! The API answers these types, the OpenAPI document shows their schemas, and a client reads and writes them. They are made of
//! plain texts and numbers: what a month or an amount is, the domain knows, and says so when it makes one. A reader takes
//! fields that it does not know, because the other side may be newer.

pub mod about;
pub mod account;
pub mod consent;
pub mod evidence;
pub mod finance;
pub mod object;
mod text;

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::transform_subschemas;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use schemars::JsonSchema;
pub use text::{Digest, IdNumber, Instant, Moment, Month, Name, Reason, RequestId, Revision, Role, Yuan};

/// Where a document has its schemas.
const PLACE: &str = "/components/schemas";
/// What a schema in the making has beside its own: the schemas that it refers to, by name.
const NEEDED: &str = "x-needed";

/// A reference to the schema of `T` among the components of a document, to be completed by [`publish`].
#[must_use]
pub fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.meta_schema = None;
        settings.definitions_path = PLACE.into();
        settings.transforms = vec![Box::new(closed)];
    });
    let mut generator = settings.into_generator();
    let mut schema = generator.subschema_for::<T>();
    schema.insert(NEEDED.to_owned(), generator.take_definitions(true).into());
    schema.to_value()
}

/// The schema of `T` itself, with these in place of the schemas of its fields; to be completed by [`publish`].
#[must_use]
pub fn schema_with<T: JsonSchema>(fields: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let mut whole = schema::<T>();
    let Some(Value::Object(mut needed)) = whole.get_mut(NEEDED).map(Value::take) else { return whole };
    let mut own = needed.remove(&*T::schema_name()).unwrap_or_default();
    for (field, schema) in fields {
        own["properties"][field] = schema;
    }
    own[NEEDED] = needed.into();
    own
}

/// Puts the schemas that a document's schemas need among its components.
///
/// # Panics
/// When two schemas have one name.
pub fn publish(document: &mut Value) {
    let mut found = Map::new();
    gather(document, &mut found);
    let schemas = &mut document["components"]["schemas"];
    for (name, schema) in found {
        let there = schemas.get(&name);
        assert!(there.is_none_or(|there| *there == schema), "two schemas are called `{name}`");
        schemas[name] = schema;
    }
}

fn gather(value: &mut Value, found: &mut Map<String, Value>) {
    match value {
        Value::Object(map) => {
            if let Some(Value::Object(needed)) = map.remove(NEEDED) {
                for (name, schema) in needed {
                    let known = found.entry(name.as_str()).or_insert_with(|| schema.clone());
                    assert!(*known == schema, "two schemas are called `{name}`");
                }
            }
            map.values_mut().for_each(|value| gather(value, found));
        }
        Value::Array(items) => items.iter_mut().for_each(|value| gather(value, found)),
        _ => {}
    }
}

/// An object has the fields that its type has, and no others.
fn closed(schema: &mut Schema) {
    transform_subschemas(&mut closed, schema);
    if schema.get("properties").is_some() && schema.get("additionalProperties").is_none() {
        schema.insert("additionalProperties".to_owned(), false.into());
    }
}

/// A list that is answered whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}List")]
pub struct List<T> {
    /// Everything, in order.
    pub items: Vec<T>,
}

impl<T> List<T> {
    /// These.
    pub fn of(items: impl IntoIterator<Item = T>) -> Self {
        Self { items: items.into_iter().collect() }
    }
}

/// A part of a longer list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "{T}Page")]
pub struct Page<T> {
    /// This part, in order.
    pub items: Vec<T>,
    /// The `cursor` of the part after; null where this is the last.
    pub next: Option<String>,
}

/// Who did something, and when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct By {
    /// The account.
    pub by: String,
    /// When.
    pub at: Instant,
}

/// A body that says nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Nothing {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_says_what_is_always_there_and_that_nothing_else_is() {
        let schema = schema::<Page<finance::Posted>>();
        assert_eq!(schema["$ref"], "#/components/schemas/PostedPage");
        assert!(!schema.to_string().contains("$schema"), "{schema}");
        assert_eq!(schema[NEEDED]["PostedPage"]["required"], serde_json::json!(["items", "next"]));
        let posted = &schema[NEEDED]["Posted"];
        assert_eq!(posted["properties"]["hash"]["$ref"], "#/components/schemas/Digest", "{posted}");
        assert!(posted["required"].as_array().is_some_and(|all| all.contains(&"number".into())), "{posted}");
        assert_eq!(posted["additionalProperties"], false, "{posted}");
    }

    #[test]
    fn what_may_be_left_out_is_not_null_and_a_reader_takes_what_is_new() {
        let schema = schema::<account::SignIn>();
        let code = &schema[NEEDED]["SignIn"]["properties"]["code"];
        assert_eq!(code["type"], "string", "{schema}");
        assert_eq!(schema[NEEDED]["SignIn"]["required"], serde_json::json!(["name", "password"]));
        let newer = r#"{"by": "li", "at": "2026-01-01T00:00:00+08:00", "reason": "new"}"#;
        assert!(serde_json::from_str::<By>(newer).is_ok());
    }
}
