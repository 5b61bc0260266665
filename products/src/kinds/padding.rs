//! How long answers about persons are: records hold their length, and what a leaf is worth must not be read off it.

use serde_json::Value;

/// Answers are padded to multiples of so many bytes.
const BLOCK_BYTES: usize = 64;
/// Longest number or boolean in JSON: a double has at most 17 digits, a sign, a point and an exponent.
const NUMBER_BYTES_MAX: usize = 24;
/// Quotes, braces and commas around one leaf.
const PUNCTUATION_BYTES: usize = 8;
/// Most bytes of one character in JSON: an escape of six, or four of UTF-8.
const CHARACTER_BYTES_MAX: usize = 6;
/// Characters of the longest text that a mask makes of a shorter one: a pseudonym, or a band of two numbers.
const MASKED_CHARACTERS: usize = 48;

/// How long an answer with every leaf can be, as a multiple of [`BLOCK_BYTES`], so that one about nobody has the same length.
/// Answers with lists may be several times as long.
pub(super) fn block(rules: &Value) -> usize {
    let leaves = rules.as_object().into_iter().flatten();
    let bytes: usize = leaves.map(|(pointer, rule)| pointer.len() + PUNCTUATION_BYTES + longest(rule)).sum();
    bytes.next_multiple_of(BLOCK_BYTES).max(BLOCK_BYTES)
}

fn longest(rule: &Value) -> usize {
    if let Some(words) = rule["enum"].as_array() {
        return words.iter().map(|word| word.to_string().len()).max().unwrap_or(0);
    }
    let masked = if rule["mask"].is_null() { 0 } else { MASKED_CHARACTERS };
    match rule["max_length"].as_u64() {
        Some(length) => usize::try_from(length).unwrap_or(usize::MAX).max(masked) * CHARACTER_BYTES_MAX,
        None => NUMBER_BYTES_MAX.max(masked),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_block_holds_the_longest_answer() {
        let length = |rules: Value, longest: Value| {
            let (block, bytes) = (block(&rules), longest.to_string().len());
            assert!(bytes <= block && block % BLOCK_BYTES == 0, "{bytes} bytes in {block}");
            block
        };
        length(
            json!({"/a": {"type": "integer"}, "/b": {"type": "number"}}),
            json!({"a": i64::MIN, "b": -1.797e-300}),
        );
        length(json!({"/a": {"type": "string", "max_length": 40}}), json!({"a": "\u{1}".repeat(40)}));
        length(
            json!({"/a": {"type": "string", "max_length": 2, "mask": "pseudonym"}}),
            json!({"a": "x".repeat(22)}),
        );
        let band = json!({"/a": {"type": "integer", "mask": "band(10)"}});
        length(band, json!({"a": "-9007199254740991--9007199254740982"}));
        assert_eq!(length(json!({"/ok": {"type": "boolean"}}), json!({"ok": false})), BLOCK_BYTES);
        assert_eq!(
            length(json!({"/a": {"type": "string", "enum": ["是", "否"]}}), json!({"a": "否"})),
            BLOCK_BYTES
        );
    }
}
