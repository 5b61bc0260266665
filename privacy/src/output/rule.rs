//! One leaf's rule: read from the declaration, applied to a scalar of an answer.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Number;

use super::keyed::MaskKey;
use super::mask::Mask;
use super::walk::Slot;
use super::{ITEMS_MAX, TEXT_LENGTH_MAX, decimal};

/// Largest magnitude of an integer leaf where the contract gives no bound: what every JSON reader keeps exactly
/// (RFC 8259 §6).
const INTEGER_MAX: i64 = (1 << 53) - 1;

/// A keyed mask was reached without a key: nothing may leave.
const NO_KEY: &str = "no key for its mask";

/// A rule as declared.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    r#type: RawType,
    minimum: Option<Number>,
    maximum: Option<Number>,
    step: Option<Number>,
    max_length: Option<u32>,
    r#enum: Option<Vec<String>>,
    mask: Option<String>,
    max_items: Option<u32>,
    sample_one_in: Option<u32>,
    #[serde(default)]
    clamp: bool,
    #[serde(default = "yes")]
    required: bool,
    #[serde(default)]
    nullable: bool,
}

fn yes() -> bool {
    true
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum RawType {
    Integer,
    Number,
    String,
    Boolean,
}

/// A compiled rule.
#[derive(Clone, Debug)]
pub(super) struct Rule {
    pub(super) required: bool,
    nullable: bool,
    kind: Kind,
    /// Elements allowed in each array on the leaf's path, where the leaf says so.
    pub(super) max_items: Option<u32>,
    /// One in so many elements of the array around the leaf is kept, where the leaf says so.
    pub(super) sample_one_in: Option<u32>,
    /// Values beyond the bounds become the bound (top and bottom coding) instead of being refused.
    clamp: bool,
}

#[derive(Clone, Debug)]
enum Kind {
    Integer { minimum: i64, maximum: i64, step: i64, mask: Option<Mask> },
    Number { minimum: f64, maximum: f64, step_nanos: Option<i128> },
    Text { length_max: usize, allowed: Option<Vec<String>>, mask: Option<Mask> },
    Boolean,
}

/// A scalar of an answer, before its rule.
pub(super) enum Scalar<'a> {
    Null,
    Boolean(bool),
    Integer(i64),
    Number(f64),
    Text(Cow<'a, str>),
}

impl Rule {
    /// Reads a declared rule; `faults` receives every reason it cannot stand.
    pub(super) fn read(declared: &serde_json::Value, faults: &mut Vec<String>) -> Option<Self> {
        let raw = match RawRule::deserialize(declared) {
            Ok(raw) => raw,
            Err(error) => {
                faults.push(error.to_string());
                return None;
            }
        };
        let before = faults.len();
        check_applicable(&raw, faults);
        if raw.max_items.is_some_and(|most| most == 0 || most > ITEMS_MAX) {
            faults.push(format!("max_items is 1 to {ITEMS_MAX}"));
        }
        if raw.sample_one_in.is_some_and(|one_in| one_in < 2) {
            faults.push("sample_one_in is 2 or more".to_owned());
        }
        if raw.clamp && (raw.minimum.is_none() || raw.maximum.is_none()) {
            faults.push("clamp needs minimum and maximum".to_owned());
        }
        let kind = match raw.r#type {
            RawType::Boolean => Some(Kind::Boolean),
            RawType::Integer => integer(&raw, faults),
            RawType::Number => number(&raw, faults),
            RawType::String => text(&raw, faults),
        };
        let kind = kind.filter(|_| faults.len() == before)?;
        Some(Self {
            required: raw.required,
            nullable: raw.nullable,
            kind,
            max_items: raw.max_items,
            sample_one_in: raw.sample_one_in,
            clamp: raw.clamp,
        })
    }

    /// Whether the rule needs a key.
    pub(super) fn is_keyed(&self) -> bool {
        let mask = match self.kind {
            Kind::Integer { mask, .. } | Kind::Text { mask, .. } => mask,
            Kind::Number { .. } | Kind::Boolean => None,
        };
        self.sample_one_in.is_some() || mask.is_some_and(Mask::is_keyed)
    }

    /// Applies the rule of the leaf at `leaf`: the value as it leaves, or what is wrong with it.
    pub(super) fn admit<'a>(
        &self,
        value: Scalar<'a>,
        leaf: &str,
        key: Option<&MaskKey>,
    ) -> Result<Slot<'a>, &'static str> {
        match (&self.kind, value) {
            (_, Scalar::Null) if self.nullable => Ok(Slot::Null),
            (_, Scalar::Null) => Err("null is not allowed"),
            (Kind::Boolean, Scalar::Boolean(value)) => Ok(Slot::Boolean(value)),
            (Kind::Integer { minimum, maximum, step, mask }, Scalar::Integer(value)) => {
                let value = if self.clamp { value.clamp(*minimum, *maximum) } else { value };
                if !(*minimum..=*maximum).contains(&value) {
                    return Err("outside the permitted range");
                }
                if let Some(Mask::Noise(most)) = mask {
                    let noised = Mask::noised(value, *most, leaf, key.ok_or(NO_KEY)?);
                    return Ok(Slot::Integer(noised.clamp(*minimum, *maximum)));
                }
                if let Some(mask) = mask {
                    return Ok(Slot::Text(Cow::Owned(mask.integer(value))));
                }
                let rounded = decimal::round_to(value.into(), (*step).into());
                Ok(Slot::Integer(i64::try_from(rounded).expect("bounds are multiples of the step")))
            }
            (Kind::Number { .. }, Scalar::Integer(value))
                if value.unsigned_abs() > INTEGER_MAX.unsigned_abs() =>
            {
                Err("outside the permitted range")
            }
            #[expect(clippy::cast_precision_loss, reason = "within 2^53 the conversion is exact")]
            (Kind::Number { .. }, Scalar::Integer(value)) => {
                self.admit(Scalar::Number(value as f64), leaf, key)
            }
            (Kind::Number { minimum, maximum, step_nanos }, Scalar::Number(value)) => {
                let value = if self.clamp { value.clamp(*minimum, *maximum) } else { value };
                if !(*minimum..=*maximum).contains(&value) {
                    return Err("outside the permitted range");
                }
                Ok(match step_nanos {
                    Some(step) => Slot::Decimal(decimal::round_to(to_nanos(value), *step)),
                    None => Slot::Number(value),
                })
            }
            (Kind::Text { length_max, allowed, mask }, Scalar::Text(value)) => {
                if value.chars().count() > *length_max {
                    return Err("longer than permitted");
                }
                if allowed.as_ref().is_some_and(|list| !list.iter().any(|one| *one == value)) {
                    return Err("not one of the permitted values");
                }
                Ok(Slot::Text(match mask {
                    None => value,
                    Some(Mask::Pseudonym) => {
                        let key = key.ok_or(NO_KEY)?;
                        if key.was_asked(&value) {
                            // Whoever asked knows it, and would know whose pseudonym it is.
                            if self.nullable {
                                return Ok(Slot::Null);
                            }
                            return Ok(Slot::Text(Cow::Owned(Mask::Suppress.text(&value))));
                        }
                        Cow::Owned(Mask::pseudonym(&value, leaf, key))
                    }
                    Some(mask) => Cow::Owned(mask.text(&value)),
                }))
            }
            _ => Err("wrong type"),
        }
    }
}

/// A number within the contract's bounds (at most 2^53) in nano-units.
#[expect(clippy::cast_possible_truncation, reason = "2^53 · 10^9 is far inside i128")]
fn to_nanos(value: f64) -> i128 {
    (value * 1e9).round() as i128
}

/// Names each member that the rule's type has no use for: a bound that is silently ignored is no bound.
fn check_applicable(raw: &RawRule, faults: &mut Vec<String>) {
    let numeric = matches!(raw.r#type, RawType::Integer | RawType::Number);
    let text = raw.r#type == RawType::String;
    let maskable = text || raw.r#type == RawType::Integer;
    for (present, applicable, member) in [
        (raw.minimum.is_some(), numeric, "minimum"),
        (raw.maximum.is_some(), numeric, "maximum"),
        (raw.step.is_some(), numeric, "step"),
        (raw.max_length.is_some(), text, "max_length"),
        (raw.r#enum.is_some(), text, "enum"),
        (raw.mask.is_some(), maskable, "mask"),
        (raw.clamp, numeric, "clamp"),
    ] {
        if present && !applicable {
            faults.push(format!("{member} does not apply to this type"));
        }
    }
}

fn read_mask(raw: &RawRule, for_integers: bool, faults: &mut Vec<String>) -> Option<Mask> {
    let mask = Mask::from_name(raw.mask.as_deref()?).filter(|mask| mask.fits(for_integers));
    if mask.is_none() {
        faults.push("mask is not known for this type".to_owned());
    }
    mask
}

fn integer(raw: &RawRule, faults: &mut Vec<String>) -> Option<Kind> {
    let mut read = |number: &Option<Number>, default: i64, member: &str| match number {
        None => default,
        Some(number) => {
            number.as_i64().filter(|n| n.unsigned_abs() <= INTEGER_MAX.unsigned_abs()).unwrap_or_else(|| {
                faults.push(format!("{member} is not an integer of at most 53 bits"));
                default
            })
        }
    };
    let step = read(&raw.step, 1, "step");
    let most = INTEGER_MAX - if step > 0 { INTEGER_MAX % step } else { 0 };
    let minimum = read(&raw.minimum, -most, "minimum");
    let maximum = read(&raw.maximum, most, "maximum");
    if step < 1 {
        faults.push("step is not positive".to_owned());
        return None;
    }
    check_bounds(minimum <= maximum, minimum % step == 0 && maximum % step == 0, faults);
    let mask = read_mask(raw, true, faults);
    if mask.is_some() && raw.step.is_some() {
        faults.push("a masked integer has no step".to_owned());
    }
    Some(Kind::Integer { minimum, maximum, step, mask })
}

fn number(raw: &RawRule, faults: &mut Vec<String>) -> Option<Kind> {
    #[expect(clippy::cast_precision_loss, reason = "2^53 - 1 is exact")]
    let most = INTEGER_MAX as f64;
    let mut read = |number: &Option<Number>, default: f64, member: &str| {
        let bound = number.as_ref().map_or(Some(default), Number::as_f64).filter(|bound| bound.abs() <= most);
        bound.unwrap_or_else(|| {
            faults.push(format!("{member} is beyond 53 bits"));
            default
        })
    };
    let (minimum, maximum) = (read(&raw.minimum, -most, "minimum"), read(&raw.maximum, most, "maximum"));
    let step_nanos = match &raw.step {
        None => None,
        Some(step) => match decimal::nanos(step).filter(|&step| step > 0) {
            Some(step) => Some(step),
            None => {
                faults.push("step is not positive with at most nine decimals".to_owned());
                return None;
            }
        },
    };
    let on_grid = step_nanos.is_none_or(|step| {
        let multiple = |bound: &Option<Number>| {
            bound.as_ref().is_none_or(|bound| decimal::nanos(bound).is_some_and(|nanos| nanos % step == 0))
        };
        multiple(&raw.minimum) && multiple(&raw.maximum)
    });
    check_bounds(minimum <= maximum, on_grid, faults);
    Some(Kind::Number { minimum, maximum, step_nanos })
}

/// Bounds off the step's grid would let rounding leave the range.
fn check_bounds(ordered: bool, on_grid: bool, faults: &mut Vec<String>) {
    if !ordered {
        faults.push("minimum is above maximum".to_owned());
    }
    if !on_grid {
        faults.push("minimum and maximum are not multiples of step".to_owned());
    }
}

fn text(raw: &RawRule, faults: &mut Vec<String>) -> Option<Kind> {
    let longest =
        raw.r#enum.as_ref().map(|list| list.iter().map(|one| one.chars().count()).max().unwrap_or(0));
    if raw.r#enum.as_ref().is_some_and(Vec::is_empty) {
        faults.push("enum is empty".to_owned());
    }
    if raw.r#enum.is_some() && raw.mask.is_some() {
        faults.push("enum and mask exclude each other".to_owned());
    }
    if raw.max_length.is_some_and(|length| length == 0 || length > TEXT_LENGTH_MAX) {
        faults.push(format!("max_length is 1 to {TEXT_LENGTH_MAX}"));
    }
    let Some(length_max) = raw.max_length.map(|length| length as usize).or(longest) else {
        faults.push("a string says its max_length or its enum".to_owned());
        return None;
    };
    Some(Kind::Text { length_max, allowed: raw.r#enum.clone(), mask: read_mask(raw, false, faults) })
}
