//! JSON from outside, read strictly: a key that stands twice is a fault, nesting and values are bounded.
//!
//! RFC 8259 leaves repeated keys and large numbers to the reader; I-JSON (RFC 7493 §2.2, §2.3) does not. Two readers that resolve
//! them differently see two documents: one may be what was checked, and the other what is used.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Largest magnitude of a number that is no `i64`: 2^53 − 1. At 2^53 itself, two different integers have become one number
/// (RFC 7493 §2.2).
pub const NUMBER_MAX: f64 = 9_007_199_254_740_991.0;

/// How numbers are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Numbers {
    /// As they stand, while they are finite.
    Json,
    /// The same; `7.0` is the integer 7, as it is to JSON Schema and to whoever wrote it in a language with one type of number.
    Whole,
    /// Only those that every reader takes for the same number: an `i64`, or not beyond [`NUMBER_MAX`].
    Interoperable,
}

/// What a text may have.
#[derive(Clone, Copy, Debug)]
pub struct JsonLimits {
    /// Deepest nesting: what stands in nothing is at 0, an element of the outermost array at 1.
    pub depth: usize,
    /// Most values: each member and element counts, as does whatever holds them. A value of two bytes takes hundreds in memory, so
    /// bytes alone are no bound.
    pub values: usize,
    /// How numbers are taken.
    pub numbers: Numbers,
}

/// Why a text is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is not JSON.
    Syntax,
    /// It is nested too deeply.
    Depth,
    /// It has too many values.
    Values,
    /// A number is out of range.
    Number,
    /// A key stands twice in one object.
    Repeated,
}

/// What is wrong, and where. The parser's own words may quote the text: they are for whoever sent it, and for no log.
#[derive(Debug, thiserror::Error)]
#[error("{error}")]
pub struct JsonFault {
    /// Why.
    pub reason: Reason,
    error: serde_json::Error,
}

impl JsonFault {
    /// Line and column, from 1.
    #[must_use]
    pub fn place(&self) -> (usize, usize) {
        (self.error.line(), self.error.column())
    }
}

/// Reads one JSON text.
///
/// # Errors
/// The first fault.
pub fn read(text: &[u8], limits: JsonLimits) -> Result<Value, JsonFault> {
    let (fault, room) = (Cell::new(None), Cell::new(limits.values));
    let mut reader = serde_json::Deserializer::from_slice(text);
    let strict = Strict { depth: 0, limits, fault: &fault, room: &room };
    let read = strict.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    read.map_err(|error| JsonFault { reason: fault.get().unwrap_or_else(|| of_the_parser(&error)), error })
}

/// The parser's own limits are ours under other names; everything else is not JSON.
fn of_the_parser(error: &serde_json::Error) -> Reason {
    let text = error.to_string();
    if text.starts_with("number out of range") {
        Reason::Number
    } else if text.starts_with("recursion limit exceeded") {
        Reason::Depth
    } else {
        Reason::Syntax
    }
}

/// Reads a value at this depth. The reason travels beside serde's error, which can only hold text.
#[derive(Clone, Copy)]
struct Strict<'r> {
    depth: usize,
    limits: JsonLimits,
    fault: &'r Cell<Option<Reason>>,
    /// Values that may still come, counted while they come.
    room: &'r Cell<usize>,
}

impl Strict<'_> {
    fn stop<E: Error>(self, reason: Reason) -> E {
        self.fault.set(Some(reason));
        E::custom(match reason {
            Reason::Syntax => "not JSON",
            Reason::Depth => "nested too deeply",
            Reason::Values => "too many values",
            Reason::Number => "a number is out of range",
            Reason::Repeated => "a key stands twice",
        })
    }

    fn below<E: Error>(self) -> Result<Self, E> {
        if self.depth >= self.limits.depth {
            return Err(self.stop(Reason::Depth));
        }
        Ok(Self { depth: self.depth + 1, ..self })
    }
}

impl<'de> DeserializeSeed<'de> for Strict<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        match self.room.get().checked_sub(1) {
            Some(left) => self.room.set(left),
            None => return Err(self.stop(Reason::Values)),
        }
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
        match (self.limits.numbers, i64::try_from(value)) {
            (Numbers::Interoperable, Err(_)) => Err(self.stop(Reason::Number)),
            _ => Ok(value.into()),
        }
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        let inside = value.abs() <= NUMBER_MAX;
        match self.limits.numbers {
            Numbers::Interoperable if !inside => return Err(self.stop(Reason::Number)),
            #[expect(
                clippy::cast_possible_truncation,
                reason = "it is whole, and within what both types hold"
            )]
            Numbers::Whole if inside && value.fract() == 0.0 => return Ok((value as i64).into()),
            _ => {}
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| self.stop(Reason::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.below()?;
        let mut all = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            all.push(item);
        }
        Ok(Value::Array(all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let inner = self.below()?;
        let mut all = Map::new();
        while let Some(key) = members.next_key::<String>()? {
            let value = members.next_value_seed(inner)?;
            if all.insert(key, value).is_some() {
                return Err(self.stop(Reason::Repeated));
            }
        }
        Ok(Value::Object(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDE: JsonLimits = JsonLimits { depth: 32, values: 1 << 16, numbers: Numbers::Json };

    fn reason(text: &str, limits: JsonLimits) -> Option<Reason> {
        read(text.as_bytes(), limits).err().map(|fault| fault.reason)
    }

    #[test]
    fn ambiguous_json_is_refused_for_its_reason() {
        let strict = JsonLimits { numbers: Numbers::Interoperable, ..WIDE };
        for (text, expected) in [
            ("", Reason::Syntax),
            ("{", Reason::Syntax),
            ("{} {}", Reason::Syntax),
            ("\u{feff}{}", Reason::Syntax),
            ("{'a':1}", Reason::Syntax),
            ("[1,]", Reason::Syntax),
            ("{\"a\":NaN}", Reason::Syntax),
            ("{\"a\":01}", Reason::Syntax),
            ("\"\\ud800\"", Reason::Syntax),
            ("{\"a\":1,\"a\":1}", Reason::Repeated),
            ("[{\"b\":{\"a\":1,\"\\u0061\":2}}]", Reason::Repeated),
            ("1e999", Reason::Number),
            ("9007199254740993.0", Reason::Number),
            ("-1e300", Reason::Number),
            ("9223372036854775808", Reason::Number),
            ("-9223372036854775809", Reason::Number),
        ] {
            assert_eq!(reason(text, strict), Some(expected), "{text}");
        }
        assert_eq!(read(b"\"\xff\"", strict).map_err(|fault| fault.reason), Err(Reason::Syntax));
    }

    #[test]
    fn depth_is_bounded_exactly() {
        let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        for depth in [1, 16, 100] {
            let limits = JsonLimits { depth, ..WIDE };
            assert_eq!(reason(&nested(depth), limits), None);
            assert_eq!(reason(&nested(depth + 1), limits), Some(Reason::Depth));
            assert_eq!(reason(&nested(1_000_000), limits), Some(Reason::Depth));
        }
    }

    #[test]
    fn values_are_counted_while_they_are_read() {
        let limits = JsonLimits { values: 1_000, ..WIDE };
        let list = |count: usize| format!("[{}]", vec!["0"; count - 1].join(","));
        assert_eq!(reason(&list(1_000), limits), None);
        assert_eq!(reason(&list(1_001), limits), Some(Reason::Values));
        let objects = format!("[{}]", vec!["{\"a\":0}"; 500].join(","));
        assert_eq!(reason(&objects, limits), Some(Reason::Values), "what holds values counts too");
    }

    #[test]
    fn a_whole_number_is_one_however_it_is_written() {
        let whole = JsonLimits { numbers: Numbers::Whole, ..WIDE };
        let read = read(b"[7.0, -0.0, 1e3, 0.5]", whole).expect("JSON");
        assert_eq!(read, serde_json::json!([7, 0, 1000, 0.5]));
    }

    #[test]
    fn everything_else_reads_as_usual() {
        let text = r#"{"a":[1,-2,3.5,true,null,"x\n文"],"b":{"a":18446744073709551615}}"#;
        let usual: Value = serde_json::from_str(text).expect("JSON");
        assert_eq!(read(text.as_bytes(), WIDE).expect("JSON"), usual);
    }

    #[test]
    fn a_fault_says_where() {
        let fault = read(b"{\n \"a\": 1,\n \"a\": 2}", WIDE).expect_err("twice");
        assert_eq!((fault.reason, fault.place().0), (Reason::Repeated, 3));
        assert!(fault.to_string().contains("line 3"), "{fault}");
    }
}
