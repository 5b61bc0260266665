//! The lines of one unit, agreement, scenario and product, of all versions of its prices: what they come to together.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use shuzha_core::{Id, MicroYuan, PurposeClass, Timestamp};

use super::CloseFault;
use crate::metering::Line;
use crate::versions::{Portion, bill, worth};
use crate::{Basis, Month, Overflow, Price};

/// What a year's fee is due for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Course {
    unit: Id,
    agreement: Id,
    scenario: Id,
    product: Id,
}

impl Course {
    pub(crate) fn of(line: &Line) -> Self {
        let Line { unit, agreement, scenario, product, .. } = line.clone();
        Self { unit, agreement, scenario, product }
    }
}

/// What counts along one price and its versions: charged calls together, free ones by why they are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Sequence {
    pub(crate) course: Course,
    free: Option<Basis>,
    pub(crate) month: Month,
    operation: Option<Id>,
}

impl Sequence {
    /// None for calls that cost nothing and are worth nothing: they were paid for before.
    pub(crate) fn of(line: &Line, month: Month, price: &Price) -> Option<Self> {
        if line.basis == Basis::Repeated {
            return None;
        }
        let free = (!line.basis.is_charged()).then_some(line.basis);
        Some(Self { course: Course::of(line), free, month, operation: price.operation.clone() })
    }

    pub(crate) const fn is_charged(&self) -> bool {
        self.free.is_none()
    }
}

/// Where a line stands in its sequence.
pub(crate) type Place = (Timestamp, Id, Basis, PurposeClass);

pub(crate) fn place(line: &Line, price: &Price) -> Place {
    (price.effective.from(), price.id.clone(), line.basis, line.purpose)
}

/// One line of a sequence: its calls.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Member<'a> {
    pub(crate) line: &'a Line,
    pub(crate) price: &'a Price,
    /// Of them, billed before.
    pub(crate) before: u64,
    /// All of them.
    pub(crate) after: u64,
}

impl Member<'_> {
    fn has_new(&self) -> bool {
        self.after > self.before
    }
}

/// The lines of one sequence, in their order.
pub(crate) type Members<'a> = BTreeMap<Place, Member<'a>>;

/// What the calls of each line come to, none billed before: charged, or what free ones are worth.
pub(crate) fn sums(
    sequence: &Sequence,
    members: &Members<'_>,
    calls: impl Fn(&Member<'_>) -> u64,
) -> Result<Vec<MicroYuan>, Overflow> {
    let each = members.values().map(|one| Portion {
        price: one.price,
        preferred: one.line.basis == Basis::Preferred,
        calls: calls(one),
    });
    let portions: Vec<_> = each.collect();
    if sequence.is_charged() { bill(&portions) } else { worth(&portions) }
}

/// What the calls that were not billed before come to, by line. What they change about lines without a new call is borne by
/// the first that has one.
pub(crate) fn differences(sequence: &Sequence, members: &Members<'_>) -> Result<Vec<MicroYuan>, CloseFault> {
    let before = sums(sequence, members, |one| one.before)?;
    let after = sums(sequence, members, |one| one.after)?;
    let minus =
        |(all, billed): (&MicroYuan, &MicroYuan)| all.checked_sub(*billed).ok_or(CloseFault::Overflow);
    let mut found = after.iter().zip(&before).map(minus).collect::<Result<Vec<_>, _>>()?;
    let Some(bearer) = members.values().position(Member::has_new) else { return Ok(found) };
    for (at, one) in members.values().enumerate() {
        if !one.has_new() {
            found[bearer] = found[bearer].checked_add(found[at]).ok_or(CloseFault::Overflow)?;
            found[at] = MicroYuan::ZERO;
        }
    }
    Ok(found)
}

/// Who bears the year's fees: the first charged line of each course and year by a version that asks one, in the order of
/// `Rank`, then of months, then of versions.
#[derive(Debug, Default)]
pub(crate) struct YearFees<Rank>(BTreeMap<(Course, i32), (Rank, Month, Place)>);

impl<Rank: Ord> YearFees<Rank> {
    pub(crate) fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Lets a line with charged calls ask.
    pub(crate) fn ask(&mut self, rank: Rank, line: &Line, month: Month, price: &Price) {
        if !line.basis.is_charged() || !price.asks_year_fee() {
            return;
        }
        let asked = (rank, month, place(line, price));
        match self.0.entry((Course::of(line), month.year())) {
            Entry::Vacant(free) => drop(free.insert(asked)),
            Entry::Occupied(mut taken) => {
                if asked < *taken.get() {
                    taken.insert(asked);
                }
            }
        }
    }

    /// What of a year's fee a line bears.
    pub(crate) fn borne(&self, line: &Line, month: Month, price: &Price) -> Option<(&Rank, MicroYuan)> {
        if !line.basis.is_charged() {
            return None;
        }
        let (rank, in_month, at) = self.0.get(&(Course::of(line), month.year()))?;
        let bears = *in_month == month && *at == place(line, price);
        bears.then(|| (rank, price.year_fee(line.basis == Basis::Preferred)))
    }
}
