//! Versions of a price (价格版本) in one month: what is due once is due once, and tiers go on from one version to the next.
//!
//! A month's charged calls of one unit, agreement and scenario by the versions of one price ([`Price::is_version_of`]) are
//! one sequence. It is walked in the order in which the versions take effect:
//!
//! - The least and the most of a month are those of the first version by which a call of the month was charged.
//! - A graduated tier, and that of a volume, counts the calls of the month from its first, whichever version rated them. All
//!   calls by a volume price cost what the tier of the whole month says.
//! - A block of a package that was begun pays for the calls that follow it in the month, whichever version rates them.
//! - A year's fee is due once for the unit, agreement, scenario and product: by the version of the year's first charged call
//!   among those that ask one.
//!
//! What each version bears is what the sum grows by with its calls. So the same terms under two names come to the same sum as
//! under one, and what a month comes to depends on how many calls each version rated and on nothing else.

use shuzha_core::MicroYuan;

use crate::money::Overflow;
use crate::price::WHOLE;
use crate::{Form, Price};

/// The calls of a month that one version rated, on one basis.
#[derive(Clone, Copy, Debug)]
pub struct Portion<'a> {
    /// The version.
    pub price: &'a Price,
    /// Whether they were charged by the preference for the department that provides the data.
    pub preferred: bool,
    /// Charged calls.
    pub calls: u64,
}

/// Calls of a month: after the first `from`, up to `to`, of `all`.
#[derive(Clone, Copy)]
struct Stretch {
    from: u64,
    to: u64,
    all: u64,
}

/// What a month's charged calls come to in the end, by portion; year's fees apart. Portions stand in the order of
/// [`Price::place`].
///
/// # Errors
/// [`Overflow`].
pub fn bill(portions: &[Portion<'_>]) -> Result<Vec<MicroYuan>, Overflow> {
    walk(portions, |form, Stretch { from, to, all }| form.between(from, to, all))
}

/// What has been taken when a month's charged calls were made, year's fees apart. Never falls when the last version rates
/// more.
///
/// # Errors
/// [`Overflow`].
pub fn running(portions: &[Portion<'_>]) -> Result<MicroYuan, Overflow> {
    let taken = walk(portions, |form, Stretch { from, to, .. }| form.peak_between(from, to))?;
    crate::money::sum(taken)
}

/// What a month's free calls would be worth, by portion: what a free form says, or what the tariff would ask.
///
/// # Errors
/// [`Overflow`].
pub fn worth(portions: &[Portion<'_>]) -> Result<Vec<MicroYuan>, Overflow> {
    walk(portions, |form, Stretch { from, to, all }| match form {
        Form::Free { notional, .. } => i128::from(notional.micros()) * i128::from(to - from),
        other => other.between(from, to, all),
    })
}

fn walk(
    portions: &[Portion<'_>],
    usage_of: impl Fn(&Form, Stretch) -> i128,
) -> Result<Vec<MicroYuan>, Overflow> {
    let calls = portions.iter().try_fold(0_u64, |sum, one| sum.checked_add(one.calls));
    let all = calls.ok_or(Overflow)?;
    // The terms of the month: of its first charged call.
    let first = portions.iter().find(|one| one.calls > 0).map(|one| &one.price.tariff);
    let mut walked = Walked::default();
    let mut sums = Vec::with_capacity(portions.len());
    for one in portions {
        let (form, to) = (&one.price.tariff.form, walked.calls + one.calls);
        let from = walked.covered.clamp(walked.calls, to);
        if from < to {
            let usage = usage_of(form, Stretch { from, to, all });
            walked.usage = walked.usage.checked_add(usage).ok_or(Overflow)?;
            if let Form::Package { calls, .. } = form {
                let blocks = (to - from).div_ceil(calls.get());
                walked.covered = from.saturating_add(blocks.saturating_mul(calls.get()));
            }
        }
        walked.calls = to;
        let level = first.filter(|_| to > 0).map_or(0, |terms| match terms.form {
            Form::Free { .. } => walked.usage,
            _ => terms.within(walked.usage),
        });
        let parts = i128::from(one.price.paid_parts(one.preferred));
        walked.parts = (level - walked.level)
            .checked_mul(parts)
            .and_then(|more| walked.parts.checked_add(more))
            .ok_or(Overflow)?;
        walked.level = level;
        // Rounded once for the month, down: a preference never costs more.
        let sum = walked.parts / i128::from(WHOLE);
        let own = i64::try_from(sum - walked.sum).map_err(|_| Overflow)?;
        walked.sum = sum;
        sums.push(MicroYuan::from_micros(own));
    }
    Ok(sums)
}

/// How far a month was walked.
#[derive(Default)]
struct Walked {
    /// Calls so far.
    calls: u64,
    /// The call up to which blocks that were begun pay.
    covered: u64,
    /// What they cost by the forms.
    usage: i128,
    /// What that comes to within the least and the most.
    level: i128,
    /// What is paid of it, in parts of [`WHOLE`].
    parts: i128,
    /// What is paid of it.
    sum: i128,
}

#[cfg(test)]
mod tests;
