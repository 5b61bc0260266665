//! Bands of a number (分数段) that say less than the number and more than nothing.

use serde_json::Value;
use shuzha_privacy::output::mask::Mask;

/// What is wrong with a band of width 1.
const SINGLE: &str =
    "a band of width 1 is the number itself 宽度为 1 的分数段就是原值: `band(n)` needs n of at least 2";
/// What is wrong with a width that holds all there is.
const ALL: &str = "one band holds everything from minimum to maximum 只有一个分数段: take a narrower `band(n)`, or leave the leaf out";

/// Refuses a band that hides nothing or says nothing. Whether there are several is known where minimum and maximum are.
pub(super) fn check(rule: &Value) -> Result<(), &'static str> {
    let Some(Mask::Band(width)) = rule["mask"].as_str().and_then(Mask::from_name) else { return Ok(()) };
    let width = i64::from(width.get());
    if width < 2 {
        return Err(SINGLE);
    }
    match (rule["minimum"].as_i64(), rule["maximum"].as_i64()) {
        (Some(least), Some(most)) if least.div_euclid(width) == most.div_euclid(width) => Err(ALL),
        _ => Ok(()),
    }
}
