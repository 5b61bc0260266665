//! JSON in its unambiguous part: bounded depth, no repeated key, no number that two parsers read differently.
//!
//! RFC 8259 leaves repeated keys and large numbers to the reader; I-JSON (RFC 7493 §2.2, §2.3) does not. What the
//! gateway checks must be what the product service sees.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use shuzha_core::{Code, Refusal};

use super::VALUES_MAX;

/// Deepest nesting of a request: the root object is level 1.
pub const DEPTH_MAX: usize = 16;
/// Largest magnitude of a number that is not an `i64`: 2^53 − 1. At 2^53 itself, two different integers have become one
/// number (RFC 7493 §2.2).
pub const NUMBER_MAX: f64 = 9_007_199_254_740_991.0;

/// Parses a body.
///
/// # Errors
/// C301 not JSON; C304 too deep or a number out of range; C306 a key is repeated; C312 more values than [`VALUES_MAX`].
pub(super) fn parse(body: &[u8]) -> Result<Value, Refusal> {
    let (fault, room) = (Cell::new(None), Cell::new(VALUES_MAX));
    let mut reader = serde_json::Deserializer::from_slice(body);
    let parsed = Strict { depth: 0, fault: &fault, room: &room }
        .deserialize(&mut reader)
        .and_then(|value| reader.end().map(|()| value));
    parsed.map_err(|error| fault.get().unwrap_or_else(|| classify(&error)).into())
}

/// The parser's own limits are ours under other names; everything else is not JSON.
fn classify(error: &serde_json::Error) -> Code {
    let text = error.to_string();
    let limit = text.starts_with("number out of range") || text.starts_with("recursion limit exceeded");
    if limit { Code::C304 } else { Code::C301 }
}

/// Builds one value at `depth`. The fault's code travels beside serde's error, which can only hold text.
#[derive(Clone, Copy)]
struct Strict<'f> {
    depth: usize,
    fault: &'f Cell<Option<Code>>,
    /// Values that may still come. Counted while they come: a value takes far more memory than the two bytes it may have.
    room: &'f Cell<usize>,
}

impl Strict<'_> {
    fn stop<E: Error>(self, code: Code) -> E {
        self.fault.set(Some(code));
        E::custom(code.as_str())
    }

    fn deeper<E: Error>(self) -> Result<Self, E> {
        if self.depth == DEPTH_MAX {
            return Err(self.stop(Code::C304));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        match self.room.get().checked_sub(1) {
            Some(left) => self.room.set(left),
            None => return Err(self.stop(Code::C312)),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        i64::try_from(value).map(|value| Value::Number(value.into())).map_err(|_| self.stop(Code::C304))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let inside = value.abs() <= NUMBER_MAX;
        Number::from_f64(value).filter(|_| inside).map(Value::Number).ok_or_else(|| self.stop(Code::C304))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut items = Vec::new();
        while let Some(item) = access.next_element_seed(inner)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let value = access.next_value_seed(inner)?;
            if object.insert(key, value).is_some() {
                return Err(self.stop(Code::C306));
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(body: &[u8]) -> Option<Code> {
        parse(body).err().map(|refusal| refusal.code)
    }

    #[test]
    fn ambiguous_json_has_its_code() {
        for (body, expected) in [
            ("", Code::C301),
            ("{", Code::C301),
            ("{}x", Code::C301),
            ("\u{feff}{}", Code::C301),
            ("{'a':1}", Code::C301),
            ("{\"a\":1,}", Code::C301),
            ("{\"a\":NaN}", Code::C301),
            ("{\"a\":01}", Code::C301),
            ("{\"a\":\"\\ud800\"}", Code::C301),
            ("{\"a\":1,\"a\":1}", Code::C306),
            ("{\"a\":1,\"\\u0061\":1}", Code::C306),
            ("{\"b\":{\"a\":1,\"a\":1}}", Code::C306),
            ("{\"a\":1e999}", Code::C304),
            ("{\"a\":9007199254740993.0}", Code::C304),
            ("{\"a\":-1e300}", Code::C304),
            ("{\"a\":9223372036854775808}", Code::C304),
            ("{\"a\":-9223372036854775809}", Code::C304),
        ] {
            assert_eq!(code(body.as_bytes()), Some(expected), "{body}");
        }
        assert_eq!(code(b"{\"a\":\"\xff\"}"), Some(Code::C301));
    }

    #[test]
    fn depth_is_bounded_exactly() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(code(nested(DEPTH_MAX).as_bytes()), None);
        assert_eq!(code(nested(DEPTH_MAX + 1).as_bytes()), Some(Code::C304));
        assert_eq!(code(nested(1_000_000).as_bytes()), Some(Code::C304));
    }

    #[test]
    fn good_json_is_kept_as_it_is() {
        for text in
            [r#"{"a":[1,-2,0.5,true,null,"文"],"b":{"c":""}}"#, "9223372036854775807", "-9223372036854775808"]
        {
            assert_eq!(parse(text.as_bytes()).expect(text), serde_json::from_str::<Value>(text).expect(text));
        }
    }
}
