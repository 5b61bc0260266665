//! The close of a period (结算): roll-ups become rated lines, statements, share bills and transactions of the ledger.
//!
//! [`close`] is a function of its input and nothing else: the same roll-ups under the same terms give the same bytes, on
//! any machine, on any number of shards, any number of times. What it answers is stored whole or not at all.
//!
//! A line is the calls of one unit under one agreement, scenario and price in one month. Late calls, of a month that is
//! closed already, make lines of their own in the period that is open: they go on where the month's line ended, and name
//! the month they correct.

pub(crate) mod courses;
mod digest;
mod lines;
mod most;
mod posting;
pub mod rated;
mod shares;

use std::borrow::Cow;
use std::collections::BTreeMap;

use shuzha_core::{Id, MicroYuan};

use crate::correction::Correction;
use crate::ledger::Transaction;
use crate::metering::{Line, Row};
use crate::money::InFen as _;
use crate::split::{Contributions, Split};
use crate::vat::{Taxed, VatRates};
use crate::{Basis, Fen, Hour, Month, Overflow, PriceBook, RecordedPrice};

pub use digest::{Digest, Digester};
pub use most::most;
pub use posting::payable;
pub use rated::RatedLine;

/// By what terms a period is closed.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    /// Every price and ceiling, past ones too.
    pub book: PriceBook,
    /// Tax rates.
    pub vat: VatRates,
    /// How each agreement shares its revenue.
    pub splits: BTreeMap<Id, Split>,
    /// How many of a product's data sets each party provides: what one call uses of them.
    pub sources: BTreeMap<Id, Contributions>,
    /// Who operates each product.
    pub operators: BTreeMap<Id, Id>,
    /// What was said of each provider's data behind a product, by product and provider.
    pub quality: BTreeMap<(Id, Id), Quality>,
    /// The prices by which calls were recorded, of those that are another here: in a preview or a re-rating.
    pub recorded: BTreeMap<Id, RecordedPrice>,
}

impl Terms {
    /// The line that calls of a recorded line are rated on: another basis, where the price is another than the recorded one.
    ///
    /// # Errors
    /// [`CloseFault::Basis`] where no record tells it.
    pub(crate) fn rebased<'l>(&self, line: &'l Line) -> Result<Cow<'l, Line>, CloseFault> {
        let Some(recorded) = self.recorded.get(&line.price) else { return Ok(Cow::Borrowed(line)) };
        let Some(price) = self.book.find(line.product.as_str(), line.price.as_str()) else {
            return Ok(Cow::Borrowed(line));
        };
        match recorded.rebased(price, line.purpose, line.basis) {
            Some(basis) if basis == line.basis => Ok(Cow::Borrowed(line)),
            Some(basis) => Ok(Cow::Owned(Line { basis, ..line.clone() })),
            None => Err(CloseFault::Basis(line.price.clone(), line.basis)),
        }
    }
}

/// Calls of closed periods that lines go on from, by line and the month they were made in.
pub type Before = BTreeMap<(Line, Month), u64>;

/// Root of the Merkle tree (RFC 6962, SHA-256) over the records of one unit's calls in the period, in their sequence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallTree {
    /// The root.
    pub root: Digest,
    /// How many records.
    pub size: u64,
    /// Sequence of the first.
    pub first_seq: u64,
    /// Sequence of the last.
    pub last_seq: u64,
}

/// What a period is closed from.
#[derive(Clone, Copy, Debug)]
pub struct Input<'a> {
    /// The period.
    pub month: Month,
    /// What was gathered for it.
    pub rows: &'a [Row],
    /// What was billed before.
    pub before: &'a Before,
    /// By unit.
    pub trees: &'a BTreeMap<Id, CallTree>,
    /// Differences of closed periods that are billed in this one.
    pub corrections: &'a [Correction],
    /// By what terms.
    pub terms: &'a Terms,
}

/// What a unit owes for a period (结算单).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its number.
    pub number: String,
    /// The unit.
    pub unit: Id,
    /// The sum of its lines; never computed anew.
    pub taxed: Taxed,
    /// Positions in [`Closing::lines`].
    pub lines: std::ops::Range<usize>,
    /// Proof of which calls it is about; none where it has none of its own.
    pub tree: Option<CallTree>,
}

/// A party's share of one agreement's revenue from one product.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Share {
    /// The party.
    pub party: Id,
    /// The agreement.
    pub agreement: Id,
    /// The product.
    pub product: Id,
    /// What was shared.
    pub base: Fen,
    /// The party's weight.
    pub weight: u128,
    /// All weights.
    pub whole: u128,
    /// What it gets.
    pub amount: Fen,
}

/// What a party gets for a period (收益分配账单).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShareBill {
    /// Its number.
    pub number: String,
    /// The party.
    pub party: Id,
    /// The sum of its shares.
    pub amount: Fen,
    /// Positions in [`Closing::shares`].
    pub shares: std::ops::Range<usize>,
}

/// How good a provider's data were, as those who use them found (数据质量).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quality {
    /// Tickets about them that were opened in the period.
    pub tickets: u64,
    /// Of these, the ones in which the provider found its data wrong.
    pub faults: u64,
}

/// What a provider's data is judged by, beside income: effect and quality.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assessment {
    /// Application units that used the product.
    pub units: u64,
    /// Scenarios that it was used in.
    pub scenarios: u64,
    /// What was said of the data.
    pub quality: Quality,
}

/// What a provider's data did in a period (数据贡献评价; Yantai 19, Heilongjiang 25): effect, quality, income.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contribution {
    /// The provider.
    pub party: Id,
    /// The product.
    pub product: Id,
    /// Calls that used its data.
    pub calls: u64,
    /// Records of its data sets that they used.
    pub records: u64,
    /// Of the calls, those that were charged.
    pub charged: u64,
    /// Revenue of the product, tax included.
    pub revenue: Fen,
    /// What the free calls would be worth.
    pub notional: MicroYuan,
    /// Its share.
    pub share: Fen,
    /// Effect and quality; none of periods that were closed before these were recorded.
    pub assessment: Option<Assessment>,
}

/// A closed period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The period.
    pub month: Month,
    /// Rated lines, by unit.
    pub lines: Vec<RatedLine>,
    /// Statements, by unit.
    pub statements: Vec<Statement>,
    /// Shares, by party.
    pub shares: Vec<Share>,
    /// Share bills, by party.
    pub bills: Vec<ShareBill>,
    /// Contributions, by party.
    pub contributions: Vec<Contribution>,
    /// Revenue that counts towards the permitted revenue, by operator.
    pub revenue: BTreeMap<Id, MicroYuan>,
    /// What is posted.
    pub transactions: Vec<Transaction>,
    /// SHA-256 over its lines, statements, shares, transactions and contributions; [`Closing::bears`] tells those of former versions.
    pub digest: Digest,
}

/// Why a period cannot be closed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum CloseFault {
    /// Calls name a price that the book does not have.
    #[error("price {0} of product {1} is not in the book")]
    Price(Id, Id),
    /// Calls were charged by a price above a ceiling in force.
    #[error("price {0} was charged above ceiling {1} in the hour {2:?}")]
    AboveCeiling(Id, Id, Hour),
    /// No record tells on what basis calls would be answered by another price.
    #[error(
        "price {0}: calls recorded as `{basis}` cannot be rated by another list of charged outcomes, preference or free price: no \
         record says what their answers were, nor whose unit preferred",
        basis = .1.as_str()
    )]
    Basis(Id, Basis),
    /// No tax rate is in force.
    #[error("no tax rate is in force in {0}")]
    Vat(Month),
    /// Revenue of an agreement that does not say how it is shared.
    #[error("agreement {0} has no split")]
    Split(Id),
    /// Parts go by contribution, and who contributed is not known.
    #[error("agreement {0}, product {1}: nobody is known to have contributed")]
    Contribution(Id, Id),
    /// A provider shares by contribution and has not signed the agreement.
    #[error(
        "agreement {0}, product {1}: {2} shares by contribution and has not signed; it signs the agreement as a provider (补签), then the \
         month is closed"
    )]
    Unsigned(Id, Id, Id),
    /// A product that nobody operates.
    #[error("product {0} has no operator")]
    Operator(Id),
    /// Calls of a month after the period.
    #[error("calls of {0} are in a period that ends before")]
    Future(Month),
    /// A sum past what can be counted.
    #[error("a sum is beyond what can be counted")]
    Overflow,
    /// A transaction that may not be posted: a bug.
    #[error("transaction {0} may not be posted")]
    Transaction(String),
}

impl From<Overflow> for CloseFault {
    fn from(_: Overflow) -> Self {
        Self::Overflow
    }
}

/// Closes a period.
///
/// # Errors
/// Every reason why it cannot be; nothing is to be stored then.
pub fn close(input: &Input<'_>) -> Result<Closing, Vec<CloseFault>> {
    let (lines, adjusted) = lines::rate(input)?;
    let shared = shares::share(input, &lines)?;
    let statements = statements(input, &lines).map_err(|fault| vec![fault])?;
    let transactions = posting::post(input.month, &lines, &statements, &shared.shares)?;
    let mut closing = Closing {
        month: input.month,
        lines,
        statements,
        shares: shared.shares,
        bills: shared.bills,
        contributions: shared.contributions,
        revenue: adjusted,
        transactions,
        digest: [0; 32],
    };
    closing.digest = digest::of(&closing);
    Ok(closing)
}

/// One statement per unit, its header the sum of its lines.
fn statements(input: &Input<'_>, lines: &[RatedLine]) -> Result<Vec<Statement>, CloseFault> {
    let mut statements: Vec<Statement> = Vec::new();
    for (at, line) in lines.iter().enumerate() {
        let unit = &line.line.unit;
        if statements.last().is_none_or(|last| last.unit != *unit) {
            statements.push(Statement {
                number: format!("JS-{}-{unit}", input.month),
                unit: unit.clone(),
                taxed: Taxed::default(),
                lines: at..at,
                tree: input.trees.get(unit).copied(),
            });
        }
        let statement = statements.last_mut().expect("one was just made");
        statement.lines.end = at + 1;
        let (sum, one) = (statement.taxed, line.taxed);
        statement.taxed = Taxed {
            gross: sum.gross.plus(one.gross)?,
            net: sum.net.plus(one.net)?,
            tax: sum.tax.plus(one.tax)?,
        };
    }
    Ok(statements)
}

#[cfg(test)]
mod tests;
