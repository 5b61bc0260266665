//! Roll-ups to rated lines.

use std::collections::{BTreeMap, BTreeSet};

use shuzha_core::{Id, MicroYuan};

use super::{CloseFault, Input, RatedLine, most};
use crate::correction::Correction;
use crate::metering::{Line, Sums};
use crate::money::round_half_away;
use crate::vat::Taxed;
use crate::{Basis, Month, Overflow, Price};

/// The sums of a line by the month its calls were made in. Months stand inside the line, so that a year's fee is taken
/// with the first of them.
type Gathered = BTreeMap<Line, BTreeMap<Month, Sums>>;

/// Rated lines, and revenue by operator.
type Rated = (Vec<RatedLine>, BTreeMap<Id, MicroYuan>);

/// Rates what was gathered; answers the lines, and the revenue that counts towards the permitted revenue by operator.
pub(super) fn rate(input: &Input<'_>) -> Result<Rated, Vec<CloseFault>> {
    let mut faults = BTreeSet::new();
    let (gathered, above) = gather(input, &mut faults);
    let mut lines = Vec::new();
    let mut revenue: BTreeMap<Id, MicroYuan> = BTreeMap::new();
    for (line, months) in gathered {
        let Some(price) = input.terms.book.find(line.product.as_str(), line.price.as_str()) else {
            faults.insert(CloseFault::Price(line.price, line.product));
            continue;
        };
        let Some(operator) = input.terms.operators.get(&line.product) else {
            faults.insert(CloseFault::Operator(line.product));
            continue;
        };
        let mut years = years_before(input, &line);
        for (month, sums) in months {
            let year_begins = years.insert(month.year());
            match rated(input, &line, price, (month, sums), year_begins) {
                Ok(rated) => {
                    count(&mut revenue, operator, rated.exact, &mut faults);
                    lines.push(rated);
                }
                Err(fault) => drop(faults.insert(fault)),
            }
        }
    }
    for correction in input.corrections {
        match corrected(input, correction) {
            Ok((operator, line)) => {
                count(&mut revenue, operator, line.exact, &mut faults);
                lines.push(line);
            }
            Err(fault) => drop(faults.insert(fault)),
        }
    }
    // A price above a ceiling is lifted by nothing but a correction of that line, which two persons decided.
    for ((line, month), fault) in above {
        match is_corrected(input, &lines, (&line, month)) {
            Ok(true) => {}
            Ok(false) => drop(faults.insert(fault)),
            Err(other) => drop(faults.insert(other)),
        }
    }
    // A correction stands behind what it might have been part of.
    lines.sort_by(|a, b| (&a.line, a.month, a.calls == 0).cmp(&(&b.line, b.month, b.calls == 0)));
    if faults.is_empty() { Ok((lines, revenue)) } else { Err(faults.into_iter().collect()) }
}

fn count(
    revenue: &mut BTreeMap<Id, MicroYuan>,
    operator: &Id,
    exact: MicroYuan,
    faults: &mut BTreeSet<CloseFault>,
) {
    let sum = revenue.entry(operator.clone()).or_default();
    match sum.checked_add(exact) {
        Some(more) => *sum = more,
        None => drop(faults.insert(CloseFault::Overflow)),
    }
}

/// A difference of a closed period as a line of this one.
fn corrected<'t>(input: &Input<'t>, correction: &Correction) -> Result<(&'t Id, RatedLine), CloseFault> {
    let Correction { line, month, exact, notional, act } = correction;
    let operator = input.terms.operators.get(&line.product);
    let operator = operator.ok_or_else(|| CloseFault::Operator(line.product.clone()))?;
    let rate = input.terms.vat.at(month.begin()).ok_or(CloseFault::Vat(*month))?;
    let (gross, residue) = round_half_away(*exact);
    let rated = RatedLine {
        line: line.clone(),
        month: *month,
        calls: 0,
        quantity: 0,
        exact: *exact,
        adjustment: *exact,
        notional: *notional,
        taxed: Taxed::inclusive(gross, rate.parts),
        residue,
        vat_parts: rate.parts,
        act: act.clone(),
        first_seq: 0,
        last_seq: 0,
    };
    Ok((operator, rated))
}

/// Whether the line was corrected, and comes to no more than its ceilings permit with that.
fn is_corrected(
    input: &Input<'_>,
    lines: &[RatedLine],
    (line, month): (&Line, Month),
) -> Result<bool, CloseFault> {
    if !input.corrections.iter().any(|one| one.line == *line && one.month == month) {
        return Ok(false);
    }
    let of = lines.iter().filter(|one| one.line == *line && one.month == month);
    let sum = of.map(|one| one.exact).try_fold(MicroYuan::ZERO, MicroYuan::checked_add);
    let sum = sum.ok_or(CloseFault::Overflow)?;
    Ok(most(&input.terms.book, input.rows, (line, month))?.is_none_or(|most| sum <= most))
}

/// The lines that were charged above a ceiling in some hour, and why that is.
type Above = BTreeMap<(Line, Month), CloseFault>;

/// Adds rows up by line and month, and checks every charged hour against the ceilings.
fn gather(input: &Input<'_>, faults: &mut BTreeSet<CloseFault>) -> (Gathered, Above) {
    let (mut gathered, mut above) = (Gathered::new(), Above::new());
    for (dimensions, sums) in input.rows {
        let hour = dimensions.hour;
        let line = match input.terms.rebased(&dimensions.line) {
            Ok(line) => line,
            Err(fault) => {
                faults.insert(fault);
                continue;
            }
        };
        let line: &Line = &line;
        let Ok(month) = Month::of(hour.begin()) else {
            faults.insert(CloseFault::Overflow);
            continue;
        };
        if month > input.month {
            faults.insert(CloseFault::Future(month));
        }
        if line.basis.is_charged()
            && let Some(price) = input.terms.book.find(line.product.as_str(), line.price.as_str())
            && input.terms.book.above(price, hour.begin()).is_some()
            && let Some(ceiling) = input.terms.book.above(price, hour.last())
        {
            let fault = CloseFault::AboveCeiling(price.id.clone(), ceiling.id.clone(), hour);
            above.entry((line.clone(), month)).or_insert(fault);
        }
        if !gathered.contains_key(line) {
            gathered.insert(line.clone(), BTreeMap::new());
        }
        let months = gathered.get_mut(line).expect("it was just put there");
        let sum = months.get(&month).map_or(Ok(*sums), |before| before.plus(*sums));
        match sum {
            Ok(sum) => drop(months.insert(month, sum)),
            Err(Overflow) => drop(faults.insert(CloseFault::Overflow)),
        }
    }
    (gathered, above)
}

/// The years in which the line was billed before.
fn years_before(input: &Input<'_>, line: &Line) -> BTreeSet<i32> {
    let of = (line.clone(), Month::FIRST)..=(line.clone(), Month::LAST);
    input.before.range(of).map(|((_, month), _)| month.year()).collect()
}

fn rated(
    input: &Input<'_>,
    line: &Line,
    price: &Price,
    (month, sums): (Month, Sums),
    year_begins: bool,
) -> Result<RatedLine, CloseFault> {
    let before = input.before.get(&(line.clone(), month)).copied().unwrap_or(0);
    let after = before.checked_add(sums.quantity).ok_or(CloseFault::Overflow)?;
    let minus = |all: MicroYuan, billed: MicroYuan| all.checked_sub(billed).ok_or(CloseFault::Overflow);
    let (mut exact, mut notional) = (MicroYuan::ZERO, MicroYuan::ZERO);
    if line.basis.is_charged() {
        let preferred = line.basis == Basis::Preferred;
        exact = minus(price.bill(after, year_begins, preferred)?, price.bill(before, false, preferred)?)?;
    } else if line.basis != Basis::Repeated {
        notional = minus(price.tariff.notional(after)?, price.tariff.notional(before)?)?;
    }
    let rate = input.terms.vat.at(month.begin()).ok_or(CloseFault::Vat(month))?;
    let (gross, residue) = round_half_away(exact);
    Ok(RatedLine {
        line: line.clone(),
        month,
        calls: sums.calls,
        quantity: sums.quantity,
        exact,
        adjustment: minus(exact, sums.amount)?,
        notional,
        taxed: Taxed::inclusive(gross, rate.parts),
        residue,
        vat_parts: rate.parts,
        act: price.act.clone(),
        first_seq: sums.first_seq,
        last_seq: sums.last_seq,
    })
}
