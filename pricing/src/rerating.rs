//! Re-rating (重新计费): what a closed month would have come to by other prices, as differences.
//!
//! A closed month is not touched. Its lines are worked out again by the corrected prices, everything that was billed for
//! them in whatever period is taken off, and what is left stands in the period that is open, naming the month. So the same
//! prices give no difference, and once a difference is billed there is none any more.

use std::collections::{BTreeMap, BTreeSet};

use shuzha_core::{Id, MicroYuan};

use crate::Month;
use crate::closing::courses::{Member, Members, Sequence, YearFees, place, sums};
use crate::closing::{CloseFault, Digest, Digester, Terms};
use crate::metering::Line;

pub use crate::correction::Correction;

/// What was billed for one line and month so far, in all periods together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BilledLine {
    /// The line.
    pub line: Line,
    /// Quantity.
    pub quantity: u64,
    /// Charged, exactly.
    pub exact: MicroYuan,
    /// What free calls were said to be worth.
    pub notional: MicroYuan,
}

/// When calls of a line and month were billed first. Who bears a year's fee follows from it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FirstBilled {
    /// The line.
    pub line: Line,
    /// The month of the calls.
    pub month: Month,
    /// The period in which they were billed first.
    pub period: Month,
}

/// What was billed for a month so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Billed {
    /// By line.
    pub lines: Vec<BilledLine>,
    /// Of every line and month of the month's year.
    pub year: Vec<FirstBilled>,
}

/// The differences between what was billed for `month` and what it comes to by `terms`, by line; none for lines that
/// come to the same, nor for versions of one price that come to the same together.
///
/// # Errors
/// Every line that cannot be rated by these terms.
pub fn rerate(month: Month, billed: &Billed, terms: &Terms) -> Result<Vec<Correction>, Vec<CloseFault>> {
    let (mut corrections, mut faults) = (Vec::new(), BTreeSet::new());
    let priced = |line: &Line| terms.book.find(line.product.as_str(), line.price.as_str());
    let mut fees = YearFees::new();
    for FirstBilled { line, month, period } in &billed.year {
        // What no record tells is named by the lines of the month.
        if let (Some(price), Ok(line)) = (priced(line), terms.rebased(line)) {
            fees.ask(*period, &line, *month, price);
        }
    }
    let lines = rebased(&billed.lines, terms, &mut faults);
    let mut sequences: BTreeMap<Sequence, (Members<'_>, Vec<&BilledLine>)> = BTreeMap::new();
    for one in &lines {
        let BilledLine { line, quantity, .. } = one;
        let Some(price) = priced(line) else {
            faults.insert(CloseFault::Price(line.price.clone(), line.product.clone()));
            continue;
        };
        let Some(sequence) = Sequence::of(line, month, price) else { continue };
        let (members, all) = sequences.entry(sequence).or_default();
        members.insert(place(line, price), Member { line, price, before: 0, after: *quantity });
        all.push(one);
    }
    for (sequence, (members, all)) in &sequences {
        match compared(sequence, members, all, &fees) {
            Ok(found) => corrections.extend(found),
            Err(fault) => drop(faults.insert(fault)),
        }
    }
    corrections.sort_by(|a, b| a.line.cmp(&b.line));
    if faults.is_empty() { Ok(corrections) } else { Err(faults.into_iter().collect()) }
}

/// What was billed, by the line that it is rated on: calls that the corrected price charges, and that were free, stand with those that
/// were charged.
fn rebased(billed: &[BilledLine], terms: &Terms, faults: &mut BTreeSet<CloseFault>) -> Vec<BilledLine> {
    let mut found: BTreeMap<Line, BilledLine> = BTreeMap::new();
    for one in billed {
        let together = terms.rebased(&one.line).and_then(|line| match found.remove(&*line) {
            None => Ok(BilledLine { line: line.into_owned(), ..one.clone() }),
            Some(before) => Ok(BilledLine {
                quantity: before.quantity.checked_add(one.quantity).ok_or(CloseFault::Overflow)?,
                exact: before.exact.checked_add(one.exact).ok_or(CloseFault::Overflow)?,
                notional: before.notional.checked_add(one.notional).ok_or(CloseFault::Overflow)?,
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

/// The differences of one sequence; none where it comes to the same in sum.
fn compared(
    sequence: &Sequence,
    members: &Members<'_>,
    all: &[&BilledLine],
    fees: &YearFees<Month>,
) -> Result<Vec<Correction>, CloseFault> {
    let by_line: BTreeMap<&Line, &BilledLine> = all.iter().map(|one| (&one.line, *one)).collect();
    let (mut found, mut sums_of) = (Vec::new(), [0_i128; 2]);
    for (member, amount) in members.values().zip(sums(sequence, members, |one| one.after)?) {
        let Member { line, price, .. } = *member;
        let fee = fees.borne(line, sequence.month, price).map_or(MicroYuan::ZERO, |(_, fee)| fee);
        let amount = amount.checked_add(fee).ok_or(CloseFault::Overflow)?;
        let billed = by_line.get(line).ok_or(CloseFault::Overflow)?;
        let zero = MicroYuan::ZERO;
        let (exact, notional) = if sequence.is_charged() { (amount, zero) } else { (zero, amount) };
        let exact = exact.checked_sub(billed.exact).ok_or(CloseFault::Overflow)?;
        let notional = notional.checked_sub(billed.notional).ok_or(CloseFault::Overflow)?;
        sums_of[0] += i128::from(exact.micros());
        sums_of[1] += i128::from(notional.micros());
        let (line, act) = (line.clone(), price.act.clone());
        found.push(Correction { line, month: sequence.month, exact, notional, act });
    }
    found.retain(|one| sums_of != [0, 0] && !(one.exact.is_zero() && one.notional.is_zero()));
    Ok(found)
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
