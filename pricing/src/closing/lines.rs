//! Roll-ups to rated lines.

use std::collections::{BTreeMap, BTreeSet};

use shuzha_core::{Id, MicroYuan};

use super::courses::{Member, Members, Sequence, YearFees, differences, place};
use super::{CloseFault, Input, RatedLine, most};
use crate::correction::Correction;
use crate::metering::{Line, Sums};
use crate::money::round_half_away;
use crate::vat::Taxed;
use crate::{Month, Overflow, Price};

/// The sums of a line by the month its calls were made in.
type Gathered = BTreeMap<Line, BTreeMap<Month, Sums>>;

/// Rated lines, and revenue by operator.
type Rated = (Vec<RatedLine>, BTreeMap<Id, MicroYuan>);

/// What was billed before, as a year's fee asks for it; new calls come after.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum When {
    Billed,
    Now,
}

/// A line's new calls of one month, found in the book.
struct Found<'t> {
    line: &'t Line,
    month: Month,
    sums: Sums,
    price: &'t Price,
    operator: &'t Id,
}

/// Rates what was gathered; answers the lines, and the revenue that counts towards the permitted revenue by operator.
pub(super) fn rate(input: &Input<'_>) -> Result<Rated, Vec<CloseFault>> {
    let mut faults = BTreeSet::new();
    let (gathered, above) = gather(input, &mut faults);
    let found = find(input, &gathered, &mut faults);
    let mut lines = Vec::new();
    let mut revenue: BTreeMap<Id, MicroYuan> = BTreeMap::new();
    let amounts = amounts(input, &found, &mut faults);
    for (one, amount) in found.iter().zip(amounts) {
        match rated(input, one, amount) {
            Ok(rated) => {
                count(&mut revenue, one.operator, rated.exact, &mut faults);
                lines.push(rated);
            }
            Err(fault) => drop(faults.insert(fault)),
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

/// Looks up what is rated: price and operator.
fn find<'t>(input: &Input<'t>, gathered: &'t Gathered, faults: &mut BTreeSet<CloseFault>) -> Vec<Found<'t>> {
    let mut found = Vec::new();
    for (line, months) in gathered {
        let Some(price) = input.terms.book.find(line.product.as_str(), line.price.as_str()) else {
            faults.insert(CloseFault::Price(line.price.clone(), line.product.clone()));
            continue;
        };
        let Some(operator) = input.terms.operators.get(&line.product) else {
            faults.insert(CloseFault::Operator(line.product.clone()));
            continue;
        };
        found.extend(months.iter().map(|(month, sums)| Found {
            line,
            month: *month,
            sums: *sums,
            price,
            operator,
        }));
    }
    found
}

/// What each line comes to: charged, or what its free calls are worth.
fn amounts(input: &Input<'_>, found: &[Found<'_>], faults: &mut BTreeSet<CloseFault>) -> Vec<MicroYuan> {
    let mut sequences: BTreeMap<Sequence, Members<'_>> = BTreeMap::new();
    let mut fees = YearFees::new();
    let mut amounts = vec![MicroYuan::ZERO; found.len()];
    for one in found {
        let Some(sequence) = Sequence::of(one.line, one.month, one.price) else { continue };
        let before = input.before.get(&(one.line.clone(), one.month)).copied().unwrap_or(0);
        let Some(after) = before.checked_add(one.sums.quantity) else {
            faults.insert(CloseFault::Overflow);
            continue;
        };
        let member = Member { line: one.line, price: one.price, before, after };
        sequences.entry(sequence).or_default().insert(place(one.line, one.price), member);
        if one.sums.quantity > 0 {
            fees.ask(When::Now, one.line, one.month, one.price);
        }
    }
    // What was billed before goes before: along the tiers of its month, and for the year's fee.
    for ((line, month), billed) in input.before.iter().filter(|(_, billed)| **billed > 0) {
        let price = input.terms.book.find(line.product.as_str(), line.price.as_str());
        let Some(price) = price else { continue };
        fees.ask(When::Billed, line, *month, price);
        let members = Sequence::of(line, *month, price).and_then(|of| sequences.get_mut(&of));
        if let Some(members) = members {
            let member = Member { line, price, before: *billed, after: *billed };
            members.entry(place(line, price)).or_insert(member);
        }
    }
    let mut worked_out: BTreeMap<(&Line, Month), MicroYuan> = BTreeMap::new();
    for (sequence, members) in &sequences {
        match differences(sequence, members) {
            Ok(each) => {
                let lines = members.values().map(|one| (one.line, sequence.month));
                worked_out.extend(lines.zip(each));
            }
            Err(fault) => drop(faults.insert(fault)),
        }
    }
    for (one, amount) in found.iter().zip(&mut amounts) {
        let own = worked_out.get(&(one.line, one.month)).copied().unwrap_or_default();
        let fee = match fees.borne(one.line, one.month, one.price) {
            Some((When::Now, fee)) => fee,
            _ => MicroYuan::ZERO,
        };
        match own.checked_add(fee) {
            Some(sum) => *amount = sum,
            None => drop(faults.insert(CloseFault::Overflow)),
        }
    }
    amounts
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
        exact: *exact,
        adjustment: *exact,
        notional: *notional,
        taxed: Taxed::inclusive(gross, rate.parts),
        residue,
        vat_parts: rate.parts,
        act: act.clone(),
        ..RatedLine::of(line.clone(), *month)
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

/// A line that comes to `amount`.
fn rated(input: &Input<'_>, found: &Found<'_>, amount: MicroYuan) -> Result<RatedLine, CloseFault> {
    let Found { line, month, sums, price, .. } = *found;
    let zero = MicroYuan::ZERO;
    let (exact, notional) = if line.basis.is_charged() { (amount, zero) } else { (zero, amount) };
    let rate = input.terms.vat.at(month.begin()).ok_or(CloseFault::Vat(month))?;
    let (gross, residue) = round_half_away(exact);
    Ok(RatedLine {
        calls: sums.calls,
        quantity: sums.quantity,
        exact,
        adjustment: exact.checked_sub(sums.amount).ok_or(CloseFault::Overflow)?,
        notional,
        taxed: Taxed::inclusive(gross, rate.parts),
        residue,
        vat_parts: rate.parts,
        act: price.act.clone(),
        first_seq: sums.first_seq,
        last_seq: sums.last_seq,
        ..RatedLine::of(line.clone(), month)
    })
}
