//! Double entry (复式记账): the chart of accounts, what a transaction must be, and which accounts may face each other.
//!
//! Every transaction sums to nothing and follows one template, whose accounts and sides are listed: a balanced
//! transaction on accounts that have no business with each other is refused. Nothing is ever changed; what was wrong is
//! corrected by a later transaction that mirrors it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use shuzha_core::{Id, MicroYuan};

use crate::money::InFen as _;
use crate::{Fen, Month, Overflow};

/// Most entries of one transaction.
pub const ENTRIES_MAX: usize = 20_000;

/// Longest key or reason of a transaction, in bytes.
pub const TEXT_BYTES_MAX: usize = 256;

macro_rules! chart {
    ($($(#[$doc:meta])* $name:ident $code:literal $zh:literal $dimensions:literal;)*) => {
        /// The chart of accounts (科目). Codes are those of 企业会计准则, with letters for what they do not know.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Chart { $($(#[$doc])* $name,)* }

        impl Chart {
            /// Every account of the chart.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its code.
            #[must_use]
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// For people.
            #[must_use]
            pub const fn title_zh(self) -> &'static str {
                match self { $(Self::$name => $zh,)* }
            }

            /// How many names follow the code: `1122/bank-a` has one.
            #[must_use]
            pub const fn dimensions(self) -> usize {
                match self { $(Self::$name => $dimensions,)* }
            }
        }
    };
}

chart! {
    /// Money in the bank.
    Bank "1002" "银行存款" 0;
    /// Issued statements, by unit.
    Receivable "1122" "应收账款" 1;
    /// Rated and not yet on a statement, by unit and product.
    Unbilled "1124U" "应收—未开单" 2;
    /// Shares owed after the statement was confirmed, by party.
    SharePayable "2202" "应付账款—分成" 1;
    /// Shares before confirmation, by party.
    ShareAccrued "2202A" "分成—暂估" 1;
    /// Prepaid by a unit.
    Prepaid "2204" "合同负债" 1;
    /// Output tax.
    OutputTax "2221.01" "应交税费—销项税额" 0;
    /// Revenue, by product and class of purpose. Counts towards the permitted revenue.
    Revenue "6001" "主营业务收入—公共数据运营服务费" 2;
    /// Cost of shares, by party.
    ShareCost "6401" "主营业务成本—数据分成" 1;
    /// What rounding to 分 leaves.
    Rounding "6711R" "尾差" 0;
    /// Memo: free use at what it would be worth, by product and reason.
    FreeMemo "M90" "备查—免费使用价值" 2;
    /// The other side of memos.
    MemoContra "M99" "备查—对方" 0;
}

/// One account: `6001/credit-score/industry`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Account {
    chart: Chart,
    of: Vec<Id>,
}

/// Not an account of the chart with as many names as it asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an account of the chart")]
pub struct AccountError;

impl Account {
    /// An account of the chart; `of` names unit, party, product as its line says.
    ///
    /// # Panics
    /// Where the number of names is another.
    #[must_use]
    pub fn new(chart: Chart, of: &[&Id]) -> Self {
        assert_eq!(of.len(), chart.dimensions(), "{chart:?} has so many names");
        Self { chart, of: of.iter().map(|&id| id.clone()).collect() }
    }

    /// Its line of the chart.
    #[must_use]
    pub const fn chart(&self) -> Chart {
        self.chart
    }

    /// Its names.
    #[must_use]
    pub fn of(&self) -> &[Id] {
        &self.of
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.chart.code())?;
        self.of.iter().try_for_each(|id| write!(f, "/{id}"))
    }
}

impl FromStr for Account {
    type Err = AccountError;

    fn from_str(text: &str) -> Result<Self, AccountError> {
        let mut parts = text.split('/');
        let code = parts.next().ok_or(AccountError)?;
        let chart = Chart::ALL.iter().copied().find(|chart| chart.code() == code).ok_or(AccountError)?;
        let of: Vec<Id> = parts.map(Id::new).collect::<Result<_, _>>().map_err(|_| AccountError)?;
        if of.len() == chart.dimensions() { Ok(Self { chart, of }) } else { Err(AccountError) }
    }
}

/// On which side of a template an account may stand.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Debit,
    Credit,
    Either,
}

/// What a transaction is about; each allows its own accounts only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Template {
    /// T1: rated use becomes revenue.
    Accrue,
    /// T2: shares of it are accrued.
    ShareAccrue,
    /// T3: a statement is issued: 分, tax, residue.
    Statement,
    /// T4: shares become payable, because the statement was confirmed.
    ShareFinal,
    /// T5: a unit pays ahead.
    Prepay,
    /// T5: a prepaid balance pays a statement.
    Draw,
    /// T6: a unit pays a statement.
    Pay,
    /// T7: a party is paid its share.
    PayOut,
    /// T8: what a unit paid ahead and has not drawn is paid back.
    Refund,
    /// T10: free use is noted at what it would be worth.
    Free,
}

impl Template {
    /// Every template.
    pub const ALL: [Self; 10] = [
        Self::Accrue,
        Self::ShareAccrue,
        Self::Statement,
        Self::ShareFinal,
        Self::Prepay,
        Self::Draw,
        Self::Pay,
        Self::PayOut,
        Self::Refund,
        Self::Free,
    ];

    /// Its name in the ledger.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accrue => "accrue",
            Self::ShareAccrue => "share-accrue",
            Self::Statement => "statement",
            Self::ShareFinal => "share-final",
            Self::Prepay => "prepay",
            Self::Draw => "draw",
            Self::Pay => "pay",
            Self::PayOut => "pay-out",
            Self::Refund => "refund",
            Self::Free => "free",
        }
    }

    /// The template of this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.as_str() == name)
    }

    /// The routes: which accounts, on which side. A mirrored transaction (红冲) has every side turned.
    const fn routes(self) -> &'static [(Chart, Side)] {
        use Chart::{
            Bank, FreeMemo, MemoContra, OutputTax, Prepaid, Receivable, Revenue, Rounding, ShareAccrued,
            ShareCost, SharePayable, Unbilled,
        };
        use Side::{Credit, Debit, Either};

        match self {
            // Some lines of a unit may correct earlier periods downwards, so sides are not fixed where they are summed.
            Self::Accrue => &[(Unbilled, Either), (Revenue, Either)],
            Self::ShareAccrue => &[(ShareCost, Debit), (ShareAccrued, Credit)],
            Self::Statement => &[
                (Receivable, Either),
                (Unbilled, Either),
                (Rounding, Either),
                (Revenue, Either),
                (OutputTax, Either),
            ],
            Self::ShareFinal => &[(ShareAccrued, Debit), (SharePayable, Credit)],
            Self::Prepay => &[(Bank, Debit), (Prepaid, Credit)],
            Self::Draw => &[(Prepaid, Debit), (Receivable, Credit)],
            Self::Pay => &[(Bank, Debit), (Receivable, Credit)],
            Self::PayOut => &[(SharePayable, Debit), (Bank, Credit)],
            Self::Refund => &[(Prepaid, Debit), (Bank, Credit)],
            Self::Free => &[(FreeMemo, Either), (MemoContra, Either)],
        }
    }

    fn allows(self, entries: &[Entry], mirrored: bool) -> bool {
        entries.iter().all(|entry| {
            let debit = (entry.amount > MicroYuan::ZERO) != mirrored;
            self.routes().iter().any(|&(chart, side)| {
                chart == entry.account.chart
                    && match side {
                        Side::Either => true,
                        Side::Debit => debit,
                        Side::Credit => !debit,
                    }
            })
        })
    }
}

/// One side of a transaction: debits are positive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The account.
    pub account: Account,
    /// The amount, in micro-yuan; debit positive, credit negative.
    pub amount: MicroYuan,
}

/// One transaction of the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// What it is about.
    pub template: Template,
    /// Names it for good: posting the same key again is the same transaction, or a conflict.
    pub key: String,
    /// The period it is posted in.
    pub period: Month,
    /// Why, for people.
    pub reason: String,
    /// The key of the transaction that it corrects.
    pub corrects: Option<String>,
    /// Its sides.
    pub entries: Vec<Entry>,
}

/// Why a transaction was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unbalanced {
    /// No key or reason, or one too long.
    #[error("key and reason have 1 to {TEXT_BYTES_MAX} bytes")]
    Text,
    /// Fewer than two sides, or too many.
    #[error("has 2 to {ENTRIES_MAX} entries")]
    Count,
    /// An entry of nothing.
    #[error("{0}: an entry of nothing")]
    Nothing(String),
    /// An account stands twice.
    #[error("{0}: stands twice")]
    Twice(String),
    /// The sides do not sum to nothing.
    #[error("the entries sum to {0} micro-yuan")]
    Sum(i128),
    /// An account that the template does not allow on that side.
    #[error("the template does not allow these accounts on these sides")]
    Route,
}

impl Transaction {
    /// Adds up `amounts` by account and leaves out what comes to nothing.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn entries(amounts: impl IntoIterator<Item = (Account, MicroYuan)>) -> Result<Vec<Entry>, Overflow> {
        let mut sums: BTreeMap<Account, MicroYuan> = BTreeMap::new();
        for (account, amount) in amounts {
            let sum = sums.entry(account).or_default();
            *sum = sum.checked_add(amount).ok_or(Overflow)?;
        }
        let kept = sums.into_iter().filter(|(_, amount)| !amount.is_zero());
        Ok(kept.map(|(account, amount)| Entry { account, amount }).collect())
    }

    /// A transaction of one debit and one credit.
    ///
    /// # Errors
    /// [`Overflow`].
    pub fn simple(
        (template, key, period): (Template, String, Month),
        reason: String,
        (debit, credit): (Account, Account),
        amount: Fen,
    ) -> Result<Self, Overflow> {
        let amount = amount.exact()?;
        let minus = MicroYuan::ZERO.checked_sub(amount).ok_or(Overflow)?;
        let entries = Self::entries([(debit, amount), (credit, minus)])?;
        Ok(Self { template, key, period, reason, corrects: None, entries })
    }

    /// The transaction that takes this one back (红冲), posted in `period`.
    #[must_use]
    pub fn mirrored(&self, period: Month, reason: String) -> Self {
        let turn = |entry: &Entry| Entry {
            account: entry.account.clone(),
            amount: MicroYuan::from_micros(-entry.amount.micros()),
        };
        Self {
            template: self.template,
            key: format!("reversal/{}", self.key),
            period,
            reason,
            corrects: Some(self.key.clone()),
            entries: self.entries.iter().map(turn).collect(),
        }
    }

    /// Whether it may be posted.
    ///
    /// # Errors
    /// [`Unbalanced`]: nothing of it is posted.
    pub fn check(&self) -> Result<(), Unbalanced> {
        let fits = |text: &str| (1..=TEXT_BYTES_MAX).contains(&text.len());
        if !fits(&self.key) || !fits(&self.reason) {
            return Err(Unbalanced::Text);
        }
        if !(2..=ENTRIES_MAX).contains(&self.entries.len()) {
            return Err(Unbalanced::Count);
        }
        let mut seen = BTreeSet::new();
        let mut sum = 0_i128;
        for entry in &self.entries {
            if entry.amount.is_zero() {
                return Err(Unbalanced::Nothing(entry.account.to_string()));
            }
            if !seen.insert(&entry.account) {
                return Err(Unbalanced::Twice(entry.account.to_string()));
            }
            sum += i128::from(entry.amount.micros());
        }
        if sum != 0 {
            return Err(Unbalanced::Sum(sum));
        }
        let mirrored = self.entries.iter().all(|entry| entry.amount.micros() != i64::MIN);
        let allowed = self.template.allows(&self.entries, false) || self.template.allows(&self.entries, true);
        if allowed && mirrored { Ok(()) } else { Err(Unbalanced::Route) }
    }
}

#[cfg(test)]
mod tests;
