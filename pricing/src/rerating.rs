//! Re-rating (重新计费): what a closed month would have come to by other prices, as differences.
//!
//! A closed month is not touched. Its lines are worked out again by the corrected prices, everything that was billed for
//! them in whatever period is taken off, and what is left stands in the period that is open, naming the month. So the same
//! prices give no difference, and once a difference is billed there is none any more.

use std::collections::{BTreeMap, BTreeSet};

use shuzha_core::{Id, MicroYuan};

use crate::closing::{CloseFault, Digest, Digester, Terms};
use crate::metering::Line;
use crate::{Basis, Month};

pub use crate::correction::Correction;

/// What was billed for one line and month so far, in all periods together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Billed {
    /// The line.
    pub line: Line,
    /// Quantity.
    pub quantity: u64,
    /// Charged, exactly.
    pub exact: MicroYuan,
    /// What free calls were said to be worth.
    pub notional: MicroYuan,
    /// Whether the month was the first of its year that the line was billed for: it bears the year's fee.
    pub year_begins: bool,
}

/// The differences between what was billed for `month` and what it comes to by `terms`, by line; none for lines that
/// come to the same.
///
/// # Errors
/// Every line that cannot be rated by these terms.
pub fn rerate(month: Month, billed: &[Billed], terms: &Terms) -> Result<Vec<Correction>, Vec<CloseFault>> {
    let (mut corrections, mut faults) = (Vec::new(), BTreeSet::new());
    for one in &rebased(billed, terms, &mut faults) {
        match correction(month, one, terms) {
            Ok(Some(correction)) => corrections.push(correction),
            Ok(None) => {}
            Err(fault) => drop(faults.insert(fault)),
        }
    }
    corrections.sort_by(|a, b| a.line.cmp(&b.line));
    if faults.is_empty() { Ok(corrections) } else { Err(faults.into_iter().collect()) }
}

/// What was billed, by the line that it is rated on: calls that the corrected price charges, and that were free, stand with those that
/// were charged.
fn rebased(billed: &[Billed], terms: &Terms, faults: &mut BTreeSet<CloseFault>) -> Vec<Billed> {
    let mut found: BTreeMap<Line, Billed> = BTreeMap::new();
    for one in billed {
        let together = terms.rebased(&one.line).and_then(|line| match found.remove(&*line) {
            None => Ok(Billed { line: line.into_owned(), ..one.clone() }),
            Some(before) => Ok(Billed {
                quantity: before.quantity.checked_add(one.quantity).ok_or(CloseFault::Overflow)?,
                exact: before.exact.checked_add(one.exact).ok_or(CloseFault::Overflow)?,
                notional: before.notional.checked_add(one.notional).ok_or(CloseFault::Overflow)?,
                year_begins: before.year_begins || one.year_begins,
                ..before
            }),
        });
        match together {
            Ok(together) => drop(found.insert(together.line.clone(), together)),
            Err(fault) => drop(faults.insert(fault)),
        }
    }
    found.into_values().collect()
}

fn correction(month: Month, billed: &Billed, terms: &Terms) -> Result<Option<Correction>, CloseFault> {
    let line = &billed.line;
    let price = terms.book.find(line.product.as_str(), line.price.as_str());
    let price = price.ok_or_else(|| CloseFault::Price(line.price.clone(), line.product.clone()))?;
    let (mut exact, mut notional) = (MicroYuan::ZERO, MicroYuan::ZERO);
    if line.basis.is_charged() {
        exact = price.bill(billed.quantity, billed.year_begins, line.basis == Basis::Preferred)?;
    } else if line.basis != Basis::Repeated {
        notional = price.tariff.notional(billed.quantity)?;
    }
    let minus = |all: MicroYuan, billed: MicroYuan| all.checked_sub(billed).ok_or(CloseFault::Overflow);
    let (exact, notional) = (minus(exact, billed.exact)?, minus(notional, billed.notional)?);
    let differs = !exact.is_zero() || !notional.is_zero();
    let of = || Correction { line: line.clone(), month, exact, notional, act: price.act.clone() };
    Ok(differs.then(of))
}

/// SHA-256 over differences: what the second person approves is what the first proposed.
#[must_use]
pub fn digest(corrections: &[Correction]) -> Digest {
    let mut to = Digester::default();
    to.text("shuzha rerating 1").number(corrections.len() as i128);
    for one in corrections {
        let line = &one.line;
        let names: [&Id; 5] = [&line.unit, &line.agreement, &line.scenario, &line.product, &line.price];
        for name in names {
            to.text(name.as_str());
        }
        to.number(line.purpose as u8).number(line.basis.number()).number(one.month.index());
        to.number(one.exact.micros()).number(one.notional.micros()).text(&one.act);
    }
    to.finish()
}
