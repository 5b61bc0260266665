//! Forms of charging as they are declared: exactly one of `perCall`, `graduated`, `volume`, `package`, `free`, and what may
//! be put around it.

use std::num::NonZeroU64;

use shuzha_core::MicroYuan;
use shuzha_pricing::form::{Minimum, TIERS_MAX, Tier, Tiers};
use shuzha_pricing::price::{FreeGround, FreeUse};
use shuzha_pricing::{Form, Tariff};

use super::yuan;
use crate::yaml::{Place, Section};

/// The fields of a tariff.
pub(super) const TARIFF_FIELDS: &[&str] =
    &["perCall", "graduated", "volume", "package", "free", "annual", "minimum", "maximum"];

/// How many of them are forms; they come first.
const FORMS: usize = 5;

/// Most calls that a tier, block or least fee counts.
const CALLS_MAX: i64 = 1_000_000_000_000;

/// Most conditions of free use.
pub(crate) const CONDITIONS_MAX: usize = 32;

/// Grounds by their names.
const GROUNDS: [(&str, FreeGround); 4] = {
    let [one, two, three, four] = FreeGround::ALL;
    [(one.as_str(), one), (two.as_str(), two), (three.as_str(), three), (four.as_str(), four)]
};

/// Reads a tariff.
pub(super) fn read(spec: &Section<'_>) -> Option<Tariff> {
    let annual = spec.optional("annual").map(|place| yuan(&place));
    let minimum = spec.optional("minimum").map(|place| {
        let (fee, calls) = fee_for_calls(&place)?;
        Some(Minimum { fee, calls })
    });
    let maximum = spec.optional("maximum").map(|place| yuan(&place));
    let mut forms = TARIFF_FIELDS[..FORMS].iter().filter_map(|name| Some((*name, spec.optional(name)?)));
    let Some((name, place)) = forms.next() else {
        return spec.place().fail(format!("names one of {}", TARIFF_FIELDS[..FORMS].join(", ")));
    };
    if let Some((other, place)) = forms.next() {
        return place.fail(format!("a price has one form, and `{name}` is given: `{other}` is another"));
    }
    let form = match name {
        "perCall" => Form::Unit(yuan(&place)?),
        "graduated" => Form::Graduated(tiers(&place)?),
        "volume" => Form::Volume(tiers(&place)?),
        "package" => {
            let (fee, calls) = fee_for_calls(&place)?;
            Form::Package { calls, fee }
        }
        _ => free(&place)?,
    };
    Some(Tariff { form, annual: given(annual)?, minimum: given(minimum)?, maximum: given(maximum)? })
}

/// What is left out is none; what is given and cannot be read leaves nothing to build.
fn given<T>(read: Option<Option<T>>) -> Option<Option<T>> {
    match read {
        None => Some(None),
        Some(read) => read.map(Some),
    }
}

fn fee_for_calls(place: &Place<'_>) -> Option<(MicroYuan, NonZeroU64)> {
    let spec = place.section(&[&["fee", "calls"]])?;
    let fee = spec.required("fee").and_then(|place| yuan(&place));
    let calls = spec.required("calls").and_then(|place| place.count(1..=CALLS_MAX));
    Some((fee?, NonZeroU64::new(calls?.unsigned_abs())?))
}

fn free(place: &Place<'_>) -> Option<Form> {
    let spec = place.section(&[&["reason", "notional"], FREE_USE])?;
    let reason = spec.required("reason").and_then(|place| place.text());
    let notional = spec.required("notional").and_then(|place| yuan(&place));
    Some(Form::Free { reason: reason?.to_owned(), notional: notional? })
}

/// The fields that say under what conditions a price is free; prices from before they were recorded have none.
const FREE_USE: &[&str] = &["ground", "conditions"];

/// Reads under what conditions a price is free. A trial's ground is a trial's.
pub(super) fn free_use(spec: &Section<'_>, trial: bool) -> Option<Option<FreeUse>> {
    let Some(place) = spec.optional("free") else { return Some(None) };
    let free = place.section(&[&["reason", "notional"], FREE_USE])?;
    let (Some(ground), Some(conditions)) = (free.optional("ground"), free.optional("conditions")) else {
        return match free.optional("ground").or_else(|| free.optional("conditions")) {
            None => Some(None),
            Some(one) => one.fail("`ground` and `conditions` go together"),
        };
    };
    let stands = ground.word(&GROUNDS);
    if stands == Some(FreeGround::Trial) && !trial {
        return ground.fail("is the ground of a price on trial");
    }
    let items = conditions.some_items(CONDITIONS_MAX)?;
    let read: Vec<_> = items.iter().filter_map(|item| item.text().map(str::to_owned)).collect();
    let whole = read.len() == items.len();
    stands.filter(|_| whole).map(|ground| Some(FreeUse { ground, conditions: read }))
}

fn tiers(place: &Place<'_>) -> Option<Tiers> {
    let mut tiers = Vec::new();
    let items = place.some_items(TIERS_MAX)?;
    for item in &items {
        let spec = item.section(&[&["upTo", "each"]])?;
        let each = spec.required("each").and_then(|place| yuan(&place));
        let up_to = spec.optional("upTo").map(|place| place.count(1..=CALLS_MAX));
        tiers.push(Tier { up_to: given(up_to)?.map(i64::unsigned_abs), each: each? });
    }
    match Tiers::new(tiers) {
        Ok(tiers) => Some(tiers),
        Err(error) => place.fail(error.to_string()),
    }
}
