//! The most that the ceilings in force let a line come to.

use shuzha_core::MicroYuan;

use super::CloseFault;
use crate::metering::{Line, Row};
use crate::{Hour, Month, PriceBook};

/// The most that `line` may come to for its calls of `month` among `rows`: each hour's quantity at the ceiling of that hour, and
/// the highest year's fee that those ceilings permit. None where some hour has no ceiling.
///
/// # Errors
/// [`CloseFault::Overflow`].
pub fn most(
    book: &PriceBook,
    rows: &[Row],
    (line, month): (&Line, Month),
) -> Result<Option<MicroYuan>, CloseFault> {
    let (mut sum, mut annual) = (MicroYuan::ZERO, MicroYuan::ZERO);
    for (dimensions, sums) in rows {
        if dimensions.line != *line || Month::of(dimensions.hour.begin()) != Ok(month) {
            continue;
        }
        let Some((each, fee)) = ceiling(book, line, dimensions.hour) else { return Ok(None) };
        let quantity = i64::try_from(sums.quantity).map_err(|_| CloseFault::Overflow)?;
        let hour = each.micros().checked_mul(quantity).map(MicroYuan::from_micros);
        sum = hour.and_then(|hour| sum.checked_add(hour)).ok_or(CloseFault::Overflow)?;
        annual = annual.max(fee);
    }
    sum.checked_add(annual).map(Some).ok_or(CloseFault::Overflow)
}

/// The most for one call, and for a year, in an hour; the higher where the ceiling changes in it.
fn ceiling(book: &PriceBook, line: &Line, hour: Hour) -> Option<(MicroYuan, MicroYuan)> {
    let ceilings = book.ceilings(line.product.as_str()).iter();
    let in_force =
        ceilings.filter(|one| one.effective.holds(hour.begin()) || one.effective.holds(hour.last()));
    in_force
        .map(|one| (one.per_call_max, one.annual_max.unwrap_or(MicroYuan::ZERO)))
        .reduce(|a, b| (a.0.max(b.0), a.1.max(b.1)))
}
