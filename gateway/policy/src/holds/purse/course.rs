//! Charged calls of one unit under one scenario and agreement, counted by price and month, and what those under way hold.

use std::cmp::Ordering;
use std::collections::HashMap;

use shuzha_core::{Id, PurposeClass};
use shuzha_pricing::versions::{Portion, running};
use shuzha_pricing::{Basis, Month, Price, PriceBook};

use super::CountKey;

/// How many calls of one price, basis and month were charged, and are held.
#[derive(Clone, Debug)]
struct Count {
    price: Id,
    purpose: PurposeClass,
    basis: Basis,
    month: Month,
    posted: u64,
    held: u64,
}

impl Count {
    fn is_of(&self, key: &CountKey) -> bool {
        (self.month, self.basis, self.purpose) == (key.month, key.basis, key.purpose)
            && self.price == key.price
    }
}

/// By what prices counts are to be rated: those of one product.
#[derive(Clone, Copy)]
pub(super) struct Priced<'a> {
    pub(super) product: &'a Id,
    pub(super) book: &'a PriceBook,
}

/// One count and its price.
#[derive(Clone, Copy)]
struct Part<'a> {
    count: &'a Count,
    price: &'a Price,
}

/// Calls counted. Years before the last are forgotten: no call of theirs is under way.
#[derive(Debug, Default)]
pub(super) struct Course {
    counts: Vec<Count>,
    /// What the held calls may cost, by product; none where none is held.
    held: HashMap<Id, i64>,
}

impl Course {
    /// What the held calls may cost.
    pub(super) fn held(&self) -> i64 {
        self.held.values().fold(0, |sum, one| sum.saturating_add(*one))
    }

    /// Counts charged calls.
    pub(super) fn post(&mut self, key: &CountKey, calls: u64) {
        let count = self.count(key);
        count.posted = count.posted.saturating_add(calls);
    }

    /// What `calls` more may cost after all that are charged or held; none past what can be counted.
    pub(super) fn next(&mut self, key: &CountKey, calls: u64, priced: Priced<'_>) -> Option<i64> {
        let held = self.held.get(priced.product).copied().unwrap_or(0);
        let count = self.count(key);
        count.held = count.held.checked_add(calls)?;
        let after = self.span(priced);
        self.count(key).held -= calls;
        after?.checked_sub(held)
    }

    /// Holds `calls` more.
    pub(super) fn hold(&mut self, key: &CountKey, calls: u64, priced: Priced<'_>) {
        self.count(key).held += calls;
        self.settle(priced);
    }

    /// Takes the place of held calls; answers what they come to.
    pub(super) fn take(&mut self, key: &CountKey, calls: u64, priced: Priced<'_>) -> i64 {
        let parts = self.parts(priced, |count| count.month == key.month);
        let before = total(&parts, |count| count.posted);
        let after = total(&parts, |count| count.posted + if count.is_of(key) { calls } else { 0 });
        let count = self.count(key);
        count.posted += calls;
        count.held = count.held.saturating_sub(calls);
        self.settle(priced);
        // A call by a version that has ended can make those after it cheaper; the close gives that back.
        after.zip(before).map_or(0, |(after, before)| after.saturating_sub(before).max(0))
    }

    /// Gives back held calls.
    pub(super) fn give_back(&mut self, key: &CountKey, calls: u64, priced: Priced<'_>) {
        let count = self.count(key);
        count.held = count.held.saturating_sub(calls);
        self.settle(priced);
    }

    /// Gives back calls whose place was taken.
    pub(super) fn untake(&mut self, key: &CountKey, calls: u64, priced: Priced<'_>) {
        let count = self.count(key);
        count.posted = count.posted.saturating_sub(calls);
        self.settle(priced);
    }

    fn count(&mut self, key: &CountKey) -> &mut Count {
        let known = self.counts.iter().position(|count| count.is_of(key));
        let at = known.unwrap_or_else(|| {
            let CountKey { price, purpose, basis, month, .. } = key.clone();
            let kept = |count: &Count| count.held > 0 || count.month.year() + 1 >= month.year();
            self.counts.retain(kept);
            self.counts.push(Count { price, purpose, basis, month, posted: 0, held: 0 });
            self.counts.len() - 1
        });
        &mut self.counts[at]
    }

    /// Notes what the held calls of a product may cost now.
    fn settle(&mut self, priced: Priced<'_>) {
        match self.span(priced) {
            Some(0) => drop(self.held.remove(priced.product)),
            Some(span) => drop(self.held.insert(priced.product.clone(), span)),
            // It was counted with more calls when they were held.
            None => {}
        }
    }

    /// What the held calls of a product may cost together, charged in whatever order.
    fn span(&self, priced: Priced<'_>) -> Option<i64> {
        let holding: Vec<Month> =
            self.counts.iter().filter(|count| count.held > 0).map(|count| count.month).collect();
        let parts = self.parts(priced, |count| holding.contains(&count.month));
        if parts.iter().all(|part| part.count.held == 0) {
            return Some(0);
        }
        let before = total(&parts, |count| count.posted)?;
        let after = total(&parts, |count| count.posted.saturating_add(count.held))?;
        after.checked_sub(before).map(|span| span.max(0))
    }

    /// Counts of the product with their prices, in the order in which versions follow each other: of the months that
    /// `matters` says, and where a fee is asked for a year, of all.
    fn parts<'a>(&'a self, priced: Priced<'a>, matters: impl Fn(&Count) -> bool) -> Vec<Part<'a>> {
        let find = |count: &'a Count| {
            let price = priced.book.find(priced.product.as_str(), count.price.as_str())?;
            Some(Part { count, price })
        };
        let mut parts: Vec<_> = self.counts.iter().filter_map(find).collect();
        if !parts.iter().any(|part| part.price.asks_year_fee()) {
            parts.retain(|part| matters(part.count));
        }
        parts.sort_by(order);
        parts
    }
}

fn order(one: &Part<'_>, other: &Part<'_>) -> Ordering {
    let key = |part: &Part<'_>| (part.count.month, part.count.basis, part.count.purpose);
    let ((month, ..), (other_month, ..)) = (key(one), key(other));
    month
        .cmp(&other_month)
        .then_with(|| one.price.operation.cmp(&other.price.operation))
        .then_with(|| one.price.place().cmp(&other.price.place()))
        .then_with(|| key(one).cmp(&key(other)))
}

/// What has been taken when so many calls were charged: by month and price, and the years' fees. None past what can be
/// counted.
fn total(parts: &[Part<'_>], calls: impl Fn(&Count) -> u64) -> Option<i64> {
    let same = |one: &Part<'_>, other: &Part<'_>| {
        one.count.month == other.count.month && one.price.is_version_of(other.price)
    };
    let mut sum = 0_i64;
    for month in parts.chunk_by(same) {
        let each = month.iter().map(|part| Portion {
            price: part.price,
            preferred: part.count.basis == Basis::Preferred,
            calls: calls(part.count),
        });
        let portions: Vec<_> = each.collect();
        sum = sum.checked_add(running(&portions).ok()?.micros())?;
    }
    let mut asking: Vec<_> =
        parts.iter().filter(|part| part.price.asks_year_fee() && calls(part.count) > 0).collect();
    asking.sort_by_key(|part| (part.count.month, part.price.place(), part.count.basis, part.count.purpose));
    asking.dedup_by_key(|part| part.count.month.year());
    for part in asking {
        let fee = part.price.year_fee(part.count.basis == Basis::Preferred);
        sum = sum.checked_add(fee.micros())?;
    }
    Some(sum)
}
