//! The documents of the control API, each described once: as a type with serde, from which its schema is derived.
//!
//! The API answers these types, the OpenAPI document shows their schemas, and a client reads them. They are made of plain texts and
//! numbers: what a month or an amount is, the domain knows, and says so when it makes one.

pub mod evidence;
pub mod finance;
mod text;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use text::{Digest, Instant, Month, Yuan};

/// The schema of what is answered, with everything it refers to in its place.
#[must_use]
pub fn schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_serialize().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    settings.into_generator().into_root_schema_for::<T>().to_value()
}

/// A list that is answered whole.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schema_stands_by_itself_and_says_what_is_always_there() {
        let schema = schema::<Page<finance::Posted>>();
        let text = schema.to_string();
        assert!(!text.contains("$ref") && !text.contains("$schema"), "{text}");
        assert_eq!(schema["required"], serde_json::json!(["items", "next"]));
        let posted = &schema["properties"]["items"]["items"];
        assert!(posted["properties"]["hash"]["pattern"].is_string(), "{posted}");
        assert!(posted["required"].as_array().is_some_and(|all| all.contains(&"number".into())), "{posted}");
    }
}
