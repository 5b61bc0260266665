//! JSON of product services and of tokens, read strictly, in one set of limits.

use serde_json::Value;
use shuzha_core::json::{self, JsonFault, JsonLimits, Numbers};

/// Deepest nesting read.
pub const DEPTH_MAX: usize = 32;
/// Most values read.
pub const VALUES_MAX: usize = 1 << 16;

/// Reads a JSON text in which no object repeats a key, nothing is nested deeper than [`DEPTH_MAX`], and no more than
/// [`VALUES_MAX`] values stand.
///
/// # Errors
/// What is wrong with the text: not for others' eyes, for it may quote.
pub fn from_slice(text: &[u8]) -> Result<Value, JsonFault> {
    json::read(text, JsonLimits { depth: DEPTH_MAX, values: VALUES_MAX, numbers: Numbers::Json })
}
