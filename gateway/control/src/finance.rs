//! Finance (财务): usage, the close of periods, statements and their confirmation, share bills, the ledger, permitted
//! revenue, and previews of what a change would have come to.
//!
//! Everything here is the finance role's, but for what concerns one party: a unit reads, confirms and disputes its own
//! statements, a provider reads its own shares and contributions, the pricing authority reads permitted revenue, and the
//! auditor reads all of it.

mod acts;
mod charts;
mod credit;
mod exports;
mod free_use;
mod line_corrections;
mod names;
mod papers;
mod payments;
mod permitted;
mod postings;
mod preview;
mod provided;
mod reratings;
mod review;
mod terms;

use std::sync::Arc;
use std::time::Duration;

use shuzha_core::{Clock, Code, Fen, Id, MicroYuan, Rng, Role, Timestamp};
use shuzha_pricing::Month;
use shuzha_pricing::closing::{Contribution, RatedLine, Share, ShareBill};
use shuzha_pricing::ledger::Account;
use shuzha_pricing::metering::Row;
use shuzha_store::Books;
use shuzha_store::ledger::{BooksError, LedgerPage, MeterHandle, Period, Stated};

use crate::{ActLog, Caller, Control, Error};

pub use charts::Chart;
pub use credit::CreditAccounts;
pub use exports::{Export, Wanted};
pub use payments::Payment;
pub use permitted::Standing;
pub use postings::PostingRequest;
pub use preview::{Change, Effect, Preview, Sums};
pub use review::Stopped;
pub use shuzha_pricing::statement_page::FreeGround;
pub use terms::terms_of;

/// How long after a soft close late records are still waited for, unless configured otherwise.
pub const GRACE: Duration = Duration::from_hours(48);

/// Most rows of usage or rated lines in one answer; more are exported.
const ROWS_MAX: usize = 20_000;

/// What finance is made of.
pub struct Parts {
    /// Where everything is kept.
    pub books: Books,
    /// Keeps roll-ups close behind the journal.
    pub meter: MeterHandle,
    /// What is declared and agreed.
    pub control: Arc<Control>,
    /// Where acts are recorded for good.
    pub log: Arc<dyn ActLog>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Randomness, fit for secrets.
    pub rng: Arc<dyn Rng>,
    /// How long late records are waited for.
    pub grace: Duration,
    /// What units may spend, where calls are served.
    pub credit: Arc<dyn CreditAccounts>,
}

/// The use cases of finance.
pub struct Finance(Parts);

/// A statement with its lines.
#[derive(Clone, Debug)]
pub struct StatementView {
    /// The statement, and what was said about it.
    pub stated: Stated,
    /// Its lines.
    pub lines: Vec<RatedLine>,
    /// Under what conditions those are free that are.
    pub free_use: Vec<FreeGround>,
}

/// A share bill with its shares.
#[derive(Clone, Debug)]
pub struct BillView {
    /// The bill.
    pub bill: ShareBill,
    /// Its shares.
    pub shares: Vec<Share>,
    /// Whose calls each share is of: the units of their agreements, in the same order; none where the register does not say.
    pub units: Vec<Option<Id>>,
}

/// Roles that read everything.
const READERS: [Role; 2] = [Role::Finance, Role::Auditor];

impl Finance {
    /// Finance over these parts.
    #[must_use]
    pub const fn new(parts: Parts) -> Self {
        Self(parts)
    }

    /// The books.
    #[must_use]
    pub const fn books(&self) -> &Books {
        &self.0.books
    }

    /// Refuses whoever is neither of finance nor the auditor.
    ///
    /// # Errors
    /// C1104, C1106 where only the token's scope is missing.
    pub fn reader(&self, caller: &Caller) -> Result<(), Error> {
        may_read(caller, &READERS)
    }

    /// Every month with use, the latest first.
    ///
    /// # Errors
    /// C1104, C1106 without the role, or of the books.
    pub fn periods(&self, caller: &Caller) -> Result<Vec<Period>, Error> {
        self.reader(caller)?;
        Ok(self.0.books.periods()?)
    }

    /// One period.
    ///
    /// # Errors
    /// As [`Self::periods`].
    pub fn period(&self, caller: &Caller, month: Month) -> Result<Period, Error> {
        self.reader(caller)?;
        Ok(self.0.books.period(month)?)
    }

    /// The usage of a month by hour, up to the last record that is durable now.
    ///
    /// # Errors
    /// As [`Self::periods`]; C1606 where metering cannot go on; C1613 for more rows than one answer holds.
    pub fn usage(&self, caller: &Caller, month: Month) -> Result<Vec<Row>, Error> {
        self.reader(caller)?;
        self.catch_up()?;
        let mut rows = Vec::new();
        self.0.books.snapshot()?.each_usage(month, |row| {
            rows.push(row);
            if rows.len() > ROWS_MAX { Err(Error::from(Code::C1613)) } else { Ok(()) }
        })?;
        Ok(rows)
    }

    /// The rated lines of a closed period.
    ///
    /// # Errors
    /// As [`Self::periods`]; C1613 for more than one answer holds.
    pub fn lines(&self, caller: &Caller, month: Month) -> Result<Vec<RatedLine>, Error> {
        self.reader(caller)?;
        let mut lines = Vec::new();
        self.0.books.snapshot()?.each_line(month, |_, line| {
            lines.push(line);
            if lines.len() > ROWS_MAX { Err(Error::from(Code::C1613)) } else { Ok(()) }
        })?;
        Ok(lines)
    }

    /// The statements of a closed period; a unit sees its own.
    ///
    /// # Errors
    /// C1104, C1106, or of the books.
    pub fn statements(&self, caller: &Caller, month: Month) -> Result<Vec<Stated>, Error> {
        let all = may_read(caller, &READERS);
        if all.is_err() && !caller.is(Role::ApplicationUnit) {
            return Err(all.expect_err("it was just found to be one"));
        }
        let mut found = Vec::new();
        for stated in self.0.books.statements(month)? {
            if all.is_ok() || self.owns(caller, &stated.statement.unit)? {
                found.push(stated);
            }
        }
        Ok(found)
    }

    /// One statement with its lines; a unit sees its own.
    ///
    /// # Errors
    /// C1003 where there is none the caller sees; C1104; of the books.
    pub fn statement(&self, caller: &Caller, number: &str) -> Result<StatementView, Error> {
        let stated = self.0.books.statement(number)?.ok_or(Code::C1003)?;
        if may_read(caller, &READERS).is_err() && !self.owns(caller, &stated.statement.unit)? {
            return Err(Code::C1003.into());
        }
        let lines = self.0.books.lines_of(&stated)?;
        let free_use = self.free_use(&lines, self.closed_at(stated.month)?)?;
        Ok(StatementView { stated, lines, free_use })
    }

    /// The share bills of a closed period; a party sees its own.
    ///
    /// # Errors
    /// C1104, C1106, or of the books.
    pub fn bills(&self, caller: &Caller, month: Month) -> Result<Vec<BillView>, Error> {
        let all = self.party_reader(caller)?;
        let shares = self.0.books.shares(month)?;
        let mut found = Vec::new();
        for bill in self.0.books.bills(month)? {
            if all || bill.party == caller.organisation {
                let shares = shares.get(bill.shares.clone()).unwrap_or_default().to_vec();
                found.push(self.billed(bill, shares)?);
            }
        }
        Ok(found)
    }

    /// What providers' data did in a closed period (数据贡献评价); a provider sees its own.
    ///
    /// # Errors
    /// C1104, C1106, or of the books.
    pub fn contributions(&self, caller: &Caller, month: Month) -> Result<Vec<Contribution>, Error> {
        let all = self.party_reader(caller)?;
        let mut found = self.0.books.contributions(month)?;
        found.retain(|one| all || one.party == caller.organisation);
        Ok(found)
    }

    /// The ledger after a transaction's number.
    ///
    /// # Errors
    /// As [`Self::periods`].
    pub fn ledger(&self, caller: &Caller, after: u64, limit: usize) -> Result<LedgerPage, Error> {
        self.reader(caller)?;
        Ok(self.0.books.ledger(after, limit)?)
    }

    /// Every balance (试算平衡表), as it is or as it stood at some instant; they sum to nothing.
    ///
    /// # Errors
    /// As [`Self::periods`]; C1001 for an instant that is yet to come.
    pub fn balances(
        &self,
        caller: &Caller,
        as_of: Option<Timestamp>,
    ) -> Result<Vec<(Account, MicroYuan)>, Error> {
        self.reader(caller)?;
        let balances = match as_of {
            None => self.0.books.balances()?,
            Some(at) if at > self.0.clock.now() => {
                let reason = "is yet to come: balances are known up to now";
                return Err(Error::fault(Code::C1001, "?as_of", reason));
            }
            Some(at) => self.0.books.balances_at(at)?,
        };
        Ok(balances.into_iter().collect())
    }

    /// Whether the caller sees all parties; refused where they see none.
    fn party_reader(&self, caller: &Caller) -> Result<bool, Error> {
        match may_read(caller, &READERS) {
            Ok(()) => Ok(true),
            Err(_) if caller.is(Role::Provider) || caller.is(Role::Operator) => Ok(false),
            Err(refused) => Err(refused),
        }
    }

    /// Whether the unit is the caller's organisation's, and the caller acts for units.
    fn owns(&self, caller: &Caller, unit: &Id) -> Result<bool, Error> {
        if !caller.is(Role::ApplicationUnit) {
            return Ok(false);
        }
        Ok(self.organisation_of(unit)?.as_ref() == Some(&caller.organisation))
    }

    fn catch_up(&self) -> Result<u64, Error> {
        self.0.meter.catch_up().map_err(|error| {
            tracing::error!(%error, "metering cannot go on");
            Code::C1606.into()
        })
    }
}

/// What is owed in 分, for messages and reports.
pub(crate) fn in_fen(all: impl IntoIterator<Item = Fen>) -> Result<Fen, Error> {
    let sum = all.into_iter().try_fold(Fen::ZERO, Fen::checked_add);
    sum.ok_or_else(|| Code::C1604.into())
}

pub(crate) fn may_read(caller: &Caller, roles: &[Role]) -> Result<(), Error> {
    if roles.iter().any(|role| caller.is(*role)) {
        return Ok(());
    }
    let withheld = caller.withheld.iter().any(|role| roles.contains(role));
    Err(if withheld { Code::C1106 } else { Code::C1104 }.into())
}

impl From<BooksError> for Error {
    fn from(error: BooksError) -> Self {
        match error {
            BooksError::Refused(code) => code.into(),
            BooksError::Unbalanced { key, why } => Self::fault(Code::C1608, &key, why.to_string()),
            BooksError::Store(error) => Self::Store(error),
        }
    }
}

impl std::fmt::Debug for Finance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Finance")
    }
}
