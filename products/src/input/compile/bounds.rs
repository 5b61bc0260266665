//! Bounds: of lengths and counts, with what holds where none is stated; of numbers.

use serde_json::{Map, Value};

use super::at;
use crate::input::node::Range;
use crate::input::{BODY_BYTES_MAX, ITEMS_DEFAULT, LENGTH_DEFAULT, MEMBERS_DEFAULT, VALUES_MAX};

/// A pair of bounds of one kind.
pub(super) struct Bounds {
    least: &'static str,
    most: &'static str,
    /// Where a contract states no upper bound.
    default: usize,
    /// Highest bound that may be stated.
    highest: usize,
}

pub(super) const LENGTH: Bounds =
    Bounds { least: "minLength", most: "maxLength", default: LENGTH_DEFAULT, highest: BODY_BYTES_MAX };
pub(super) const ITEMS: Bounds =
    Bounds { least: "minItems", most: "maxItems", default: ITEMS_DEFAULT, highest: VALUES_MAX };
pub(super) const MEMBERS: Bounds =
    Bounds { least: "minProperties", most: "maxProperties", default: MEMBERS_DEFAULT, highest: VALUES_MAX };

impl Bounds {
    /// The lower and the upper bound.
    pub(super) fn read(&self, words: &Map<String, Value>, place: &str) -> Result<(usize, usize), String> {
        let number = |word: &str, default: usize| match words.get(word) {
            None => Ok(default),
            Some(value) => match value.as_u64().and_then(|value| usize::try_from(value).ok()) {
                Some(value) if value <= self.highest => Ok(value),
                _ => at(place, format_args!("`{word}` must be a whole number from 0 to {}", self.highest)),
            },
        };
        let (least, most) = (number(self.least, 0)?, number(self.most, self.default)?);
        if least > most {
            return at(place, format_args!("`{}` is above `{}` ({most})", self.least, self.most));
        }
        Ok((least, most))
    }
}

/// The bounds of a number.
pub(super) fn number(range: &mut Range, words: &Map<String, Value>, place: &str) -> Result<(), String> {
    let read = |word: &str| match words.get(word) {
        None => Ok(None),
        Some(Value::Number(number)) => Ok(Some(number.clone())),
        Some(_) => at(place, format_args!("`{word}` must be a number")),
    };
    range.least = read("minimum")?;
    range.above = read("exclusiveMinimum")?;
    range.most = read("maximum")?;
    range.below = read("exclusiveMaximum")?;
    range.step = read("multipleOf")?;
    if range.step.as_ref().is_some_and(|step| step.as_f64().is_none_or(|step| step <= 0.0)) {
        return at(place, "`multipleOf` must be above 0");
    }
    Ok(())
}
