//! Rated lines to shares: once per agreement and product, on the period's total.

use std::collections::{BTreeMap, BTreeSet};

use shuzha_core::{Id, MicroYuan};

use super::{Assessment, CloseFault, Contribution, Input, RatedLine, Share, ShareBill};
use crate::money::InFen as _;
use crate::split::{Base, Contributions, SplitError, largest_remainder};
use crate::{Fen, Overflow};

/// Everything that is about parties.
#[derive(Default)]
pub(super) struct Shared {
    pub(super) shares: Vec<Share>,
    pub(super) bills: Vec<ShareBill>,
    pub(super) contributions: Vec<Contribution>,
}

#[derive(Default)]
struct Total {
    gross: Fen,
    net: Fen,
    calls: u64,
}

pub(super) fn share(input: &Input<'_>, lines: &[RatedLine]) -> Result<Shared, Vec<CloseFault>> {
    let mut totals: BTreeMap<(&Id, &Id), Total> = BTreeMap::new();
    for line in lines {
        let total = totals.entry((&line.line.agreement, &line.line.product)).or_default();
        total.add(line).map_err(|fault| vec![fault])?;
    }
    let (mut shares, mut faults) = (Vec::new(), Vec::new());
    for ((agreement, product), total) in totals {
        match shares_of(input, agreement, product, &total) {
            Ok(more) => shares.extend(more),
            Err(wrong) => faults.extend(wrong),
        }
    }
    if !faults.is_empty() {
        faults.sort();
        return Err(faults);
    }
    shares.sort_by(|a, b| (&a.party, &a.agreement, &a.product).cmp(&(&b.party, &b.agreement, &b.product)));
    let bills = bills(input, &shares).map_err(|fault| vec![fault])?;
    let contributions = contributions(input, lines, &shares).map_err(|fault| vec![fault])?;
    Ok(Shared { shares, bills, contributions })
}

impl Total {
    fn add(&mut self, line: &RatedLine) -> Result<(), CloseFault> {
        self.gross = self.gross.plus(line.taxed.gross)?;
        self.net = self.net.plus(line.taxed.net)?;
        self.calls = self.calls.checked_add(line.calls).ok_or(CloseFault::Overflow)?;
        Ok(())
    }
}

/// The shares of one agreement and product. Without revenue there is nothing to share, and no split is asked for.
fn shares_of(
    input: &Input<'_>,
    agreement: &Id,
    product: &Id,
    total: &Total,
) -> Result<Vec<Share>, Vec<CloseFault>> {
    if total.gross == Fen::ZERO && total.net == Fen::ZERO {
        return Ok(Vec::new());
    }
    let split =
        input.terms.splits.get(agreement).ok_or_else(|| vec![CloseFault::Split(agreement.clone())])?;
    let none = Contributions::new();
    let sources = split.fields(product).or_else(|| input.terms.sources.get(product)).unwrap_or(&none);
    // A correction alone is of calls that were counted before; they used the same sets, one of each.
    let contributed = used(sources, total.calls.max(1)).map_err(|fault| vec![fault])?;
    // Its part is neither paid without a word of it nor given to the others (Yantai 20, Heilongjiang 23): the month waits.
    let unsigned = split.unsigned(&contributed);
    let unsigned: Vec<_> = unsigned
        .map(|party| CloseFault::Unsigned(agreement.clone(), product.clone(), party.clone()))
        .collect();
    if !unsigned.is_empty() {
        return Err(unsigned);
    }
    let weights = split.weights(&contributed).map_err(|error| match error {
        SplitError::Overflow => vec![CloseFault::Overflow],
        _ => vec![CloseFault::Contribution(agreement.clone(), product.clone())],
    })?;
    let whole = weights.values().sum();
    let base = match split.base() {
        Base::Gross => total.gross,
        Base::Net => total.net,
    };
    let one = |(party, amount): (Id, Fen)| Share {
        weight: weights.get(&party).copied().unwrap_or(0),
        party,
        agreement: agreement.clone(),
        product: product.clone(),
        base,
        whole,
        amount,
    };
    Ok(largest_remainder(base, &weights).into_iter().map(one).collect())
}

/// Records that `calls` calls used of each party's data sets: one of each set per call.
fn used(sources: &Contributions, calls: u64) -> Result<Contributions, CloseFault> {
    let times = |(party, sets): (&Id, &u64)| {
        sets.checked_mul(calls).map(|records| (party.clone(), records)).ok_or(CloseFault::Overflow)
    };
    sources.iter().map(times).collect()
}

fn bills(input: &Input<'_>, shares: &[Share]) -> Result<Vec<ShareBill>, CloseFault> {
    let mut bills: Vec<ShareBill> = Vec::new();
    for (at, share) in shares.iter().enumerate() {
        if bills.last().is_none_or(|last| last.party != share.party) {
            bills.push(ShareBill {
                number: format!("FP-{}-{}", input.month, share.party),
                party: share.party.clone(),
                amount: Fen::ZERO,
                shares: at..at,
            });
        }
        let bill = bills.last_mut().expect("one was just made");
        bill.shares.end = at + 1;
        bill.amount = bill.amount.plus(share.amount)?;
    }
    Ok(bills)
}

fn contributions(
    input: &Input<'_>,
    lines: &[RatedLine],
    shares: &[Share],
) -> Result<Vec<Contribution>, CloseFault> {
    let mut found: BTreeMap<(&Id, &Id), Contribution> = BTreeMap::new();
    let used = used_by(lines);
    let more = |sum: u64, one: u64| sum.checked_add(one).ok_or(CloseFault::Overflow);
    for line in lines {
        let product = &line.line.product;
        for (party, sets) in input.terms.sources.get(product).into_iter().flatten() {
            let one = found.entry((party, product)).or_insert_with(|| Contribution {
                party: party.clone(),
                product: product.clone(),
                calls: 0,
                records: 0,
                charged: 0,
                revenue: Fen::ZERO,
                notional: MicroYuan::ZERO,
                share: Fen::ZERO,
                assessment: Some(assessed(input, &used, party, product)),
            });
            one.calls = more(one.calls, line.calls)?;
            one.records = more(one.records, line.calls.checked_mul(*sets).ok_or(CloseFault::Overflow)?)?;
            one.charged = more(one.charged, if line.line.basis.is_charged() { line.calls } else { 0 })?;
            one.revenue = one.revenue.plus(line.taxed.gross)?;
            one.notional = one.notional.checked_add(line.notional).ok_or(Overflow)?;
        }
    }
    for share in shares {
        if let Some(one) = found.get_mut(&(&share.party, &share.product)) {
            one.share = one.share.plus(share.amount)?;
        }
    }
    Ok(found.into_values().collect())
}

/// The units and scenarios whose calls used each product.
type UsedBy<'a> = BTreeMap<&'a Id, (BTreeSet<&'a Id>, BTreeSet<&'a Id>)>;

fn used_by(lines: &[RatedLine]) -> UsedBy<'_> {
    let mut found = UsedBy::new();
    for line in lines.iter().filter(|line| line.calls > 0) {
        let (units, scenarios) = found.entry(&line.line.product).or_default();
        units.insert(&line.line.unit);
        scenarios.insert(&line.line.scenario);
    }
    found
}

fn assessed(input: &Input<'_>, used: &UsedBy<'_>, party: &Id, product: &Id) -> Assessment {
    let count = |found: &BTreeSet<&Id>| found.len() as u64;
    let (units, scenarios) =
        used.get(product).map_or((0, 0), |(units, scenarios)| (count(units), count(scenarios)));
    let quality = input.terms.quality.get(&(product.clone(), party.clone())).copied().unwrap_or_default();
    Assessment { units, scenarios, quality }
}
