//! Charts: revenue against what is permitted, shares by party, use by product.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use shuzha_core::{Code, Id, Lang, MicroYuan};
use shuzha_pricing::Month;
use shuzha_pricing::chart::{Bar, Bars, Caption, Measure, Month as Column, Revenue};
use shuzha_pricing::money::InFen as _;

use super::{Finance, Standing};
use crate::{Caller, Error};

/// Most months of a cycle that are drawn.
const MONTHS_MAX: usize = 120;

/// What a chart is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chart {
    /// Revenue month by month against this permitted revenue.
    Revenue(Id),
    /// Share bills of a period by party.
    Shares(Month),
    /// Calls of a period by product.
    Usage(Month),
}

impl Finance {
    /// A chart as an SVG picture.
    ///
    /// # Errors
    /// C1104, C1106 without a role that may read what it shows; C1003 for a permitted revenue there is not; of the books.
    pub fn chart(&self, caller: &Caller, chart: &Chart, lang: Lang) -> Result<String, Error> {
        match chart {
            Chart::Revenue(name) => self.revenue_chart(caller, name, lang),
            Chart::Shares(month) => self.shares_chart(caller, *month, lang),
            Chart::Usage(month) => self.usage_chart(caller, *month, lang),
        }
    }

    fn revenue_chart(&self, caller: &Caller, name: &Id, lang: Lang) -> Result<String, Error> {
        let found = self.permitted(caller)?.into_iter().find(|one| one.permitted.id == *name);
        let standing = found.ok_or(Code::C1003)?;
        let operator = self.organisation(&standing.permitted.operator, self.0.clock.now())?.name;
        let title = match lang {
            Lang::Zh => format!("{operator}：收入与最高准许收入"),
            Lang::En => format!("{operator}: revenue and what is permitted"),
        };
        let months = self.months(&standing)?;
        let drawn = Revenue {
            caption: Caption { id: "revenue", title: &title, lang },
            months: &months,
            permitted: standing.permitted.effective(),
            forecast: Some(standing.level.forecast),
        };
        Ok(drawn.draw())
    }

    /// The months of a cycle with what each brought: closed periods, and what is charged in open ones.
    fn months(&self, standing: &Standing) -> Result<Vec<Column>, Error> {
        let (cycle, operator) = (standing.permitted.cycle, &standing.permitted.operator);
        let mut revenue: BTreeMap<Month, MicroYuan> = BTreeMap::new();
        let mut add = |month: Month, amount: MicroYuan| {
            let sum = revenue.entry(month).or_default();
            *sum = sum.checked_add(amount).ok_or(Code::C1604)?;
            Ok::<_, Error>(())
        };
        self.books().revenue(operator)?.into_iter().try_for_each(|(month, amount)| add(month, amount))?;
        for (month, product, amount) in self.books().open_revenue()? {
            if self.operator_of(&product, self.0.clock.now())?.as_ref() == Some(operator) {
                add(month, amount)?;
            }
        }
        let now = self.0.clock.now();
        let first = Month::of(cycle.from()).map_err(|_| Code::C1604)?;
        let until = cycle.until().unwrap_or(now);
        let all = std::iter::successors(Some(first), |month| Some(month.next()));
        let within = all.take(MONTHS_MAX).take_while(|month| month.begin() < until);
        let column = |month: Month| Column {
            name: month.to_string(),
            revenue: (month.begin() <= now).then(|| revenue.get(&month).copied().unwrap_or_default()),
        };
        Ok(within.map(column).collect())
    }

    fn shares_chart(&self, caller: &Caller, month: Month, lang: Lang) -> Result<String, Error> {
        let mut bars = Vec::new();
        for view in self.bills(caller, month)? {
            let paid = view.bill.amount.exact().map_err(|_| Code::C1604)?.micros();
            bars.push(Bar {
                name: self.organisation(&view.bill.party, self.0.clock.now())?.name,
                paid,
                free: 0,
            });
        }
        let title = match lang {
            Lang::Zh => format!("{month} 收益分配"),
            Lang::En => format!("{month}: shares by party"),
        };
        Ok(drawn("shares", &title, lang, Measure::Money, bars))
    }

    fn usage_chart(&self, caller: &Caller, month: Month, lang: Lang) -> Result<String, Error> {
        self.reader(caller)?;
        self.catch_up()?;
        let mut calls: BTreeMap<Id, (i64, i64)> = BTreeMap::new();
        for (product, basis, count) in self.books().use_by_product(month)? {
            let (paid, free) = calls.entry(product).or_default();
            let sum = if basis.is_charged() { paid } else { free };
            *sum = sum.saturating_add(i64::try_from(count).unwrap_or(i64::MAX));
        }
        let mut bars = Vec::new();
        for (product, (paid, free)) in calls {
            bars.push(Bar { name: self.title("Product", &product, self.0.clock.now())?, paid, free });
        }
        let title = match lang {
            Lang::Zh => format!("{month} 各产品调用量"),
            Lang::En => format!("{month}: calls by product"),
        };
        Ok(drawn("usage", &title, lang, Measure::Calls, bars))
    }
}

/// Bars, the greatest first.
fn drawn(id: &str, title: &str, lang: Lang, measure: Measure, mut bars: Vec<Bar>) -> String {
    bars.sort_by_key(|bar| (Reverse(bar.paid.saturating_add(bar.free)), bar.name.clone()));
    Bars { caption: Caption { id, title, lang }, measure, bars: &bars }.draw()
}
