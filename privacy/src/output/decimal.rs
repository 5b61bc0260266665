//! Decimal numbers of a contract as integers of 10⁻⁹, so that rounding to a step is exact.

use serde_json::Number;

/// Decimals a step may have.
const DECIMALS: usize = 9;

/// One, in nano-units.
pub(super) const UNIT: i128 = 1_000_000_000;

/// The number in nano-units, or `None` when it has more than nine decimals.
pub(super) fn nanos(number: &Number) -> Option<i128> {
    if let Some(whole) = number.as_i64() {
        return Some(i128::from(whole) * UNIT);
    }
    // Display of a double is its shortest decimal form, without exponent: what the author of the contract wrote.
    let text = number.as_f64()?.to_string();
    let (negative, digits) = text.strip_prefix('-').map_or((false, &*text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > DECIMALS || whole.len() > 18 {
        return None;
    }
    let size: i128 = format!("{whole}{fraction:0<DECIMALS$}").parse().ok()?;
    Some(if negative { -size } else { size })
}

/// The multiple of `step` nearest to `value`, ties away from zero.
pub(super) fn round_to(value: i128, step: i128) -> i128 {
    let (quotient, rest) = (value / step, value % step);
    let away = rest.abs() * 2 >= step;
    (quotient + if away { value.signum() } else { 0 }) * step
}

/// Writes nano-units as the shortest decimal.
pub(super) fn write(value: i128, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    let (whole, fraction) =
        (value.unsigned_abs() / UNIT.unsigned_abs(), value.unsigned_abs() % UNIT.unsigned_abs());
    out.extend_from_slice(whole.to_string().as_bytes());
    if fraction != 0 {
        let digits = format!(".{fraction:09}");
        out.extend_from_slice(digits.trim_end_matches('0').as_bytes());
    }
}
