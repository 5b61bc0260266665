//! Strict reading of JSON from outside: a repeated key is refused, not resolved.
//!
//! Two readers that resolve a repeated key differently see two documents (RFC 8259 §4); one may be what was checked
//! and the other what is used.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Deepest nesting read.
pub const DEPTH_MAX: u32 = 32;
/// Most values read: each member and element counts, as does whatever holds them. A value of two bytes takes hundreds in
/// memory, so bytes alone are no bound.
pub const VALUES_MAX: u32 = 1 << 16;

/// Reads a JSON text in which no object repeats a key, nothing is nested deeper than [`DEPTH_MAX`], and no more than
/// [`VALUES_MAX`] values stand.
///
/// # Errors
/// What is wrong with the text, as the parser says it: not for others' eyes, for it may quote.
pub fn from_slice(text: &[u8]) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = deserialize_strict(&mut reader, &Cell::new(VALUES_MAX))?;
    reader.end().map(|()| value)
}

/// Reads one value.
fn deserialize_strict<'de, D: Deserializer<'de>>(reader: D, room: &Cell<u32>) -> Result<Value, D::Error> {
    Strict { depth: 0, room }.deserialize(reader)
}

/// Reads a value at this depth, while there is room.
#[derive(Clone, Copy)]
struct Strict<'r> {
    depth: u32,
    room: &'r Cell<u32>,
}

impl Strict<'_> {
    fn below<E: Error>(&self) -> Result<Self, E> {
        if self.depth >= DEPTH_MAX {
            return Err(E::custom("nested too deeply"));
        }
        Ok(Self { depth: self.depth + 1, room: self.room })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        let left = self.room.get().checked_sub(1).ok_or_else(|| D::Error::custom("too many values"))?;
        self.room.set(left);
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(self.below()?)? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut all = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(self.below()?)?;
            if all.insert(key, value).is_some() {
                return Err(A::Error::custom("a key is repeated"));
            }
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeated_keys_depth_and_trailing_text_are_refused() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"b":{"a":1,"\u0061":2}}]"#, "{} {}", "", "1e999", "[1,]"] {
            assert!(from_slice(text.as_bytes()).is_err(), "{text}");
        }
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(from_slice(nested(DEPTH_MAX as usize).as_bytes()).is_ok());
        assert!(from_slice(format!("{}1{}", "[".repeat(33), "]".repeat(33)).as_bytes()).is_err());
    }

    #[test]
    fn values_are_counted_while_they_are_read() {
        let list = |count: u32| format!("[{}]", vec!["0"; count as usize - 1].join(","));
        assert!(from_slice(list(VALUES_MAX).as_bytes()).is_ok());
        assert!(from_slice(list(VALUES_MAX + 1).as_bytes()).is_err());
        let objects = format!("[{}]", vec!["{\"a\":0}"; VALUES_MAX as usize / 2].join(","));
        assert!(from_slice(objects.as_bytes()).is_err(), "what holds values counts too");
    }

    #[test]
    fn everything_else_reads_as_usual() {
        let text = r#"{"a":[1,-2,3.5,true,null,"x"],"b":{"a":18446744073709551615}}"#;
        assert_eq!(from_slice(text.as_bytes()).unwrap(), serde_json::from_str::<Value>(text).unwrap());
    }
}
