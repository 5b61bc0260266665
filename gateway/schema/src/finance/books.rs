//! What the books answer: the ledger, closes, corrections, permitted revenue, exports.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Amounts, Line, Period};
use crate::{By, Digest, Instant, Month, Yuan};

/// One side of a transaction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// The account.
    pub account: String,
    /// What is added to it; below nothing what is taken.
    pub amount: Yuan,
}

/// A transaction of the ledger; its entries sum to nothing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    /// What kind of transaction.
    pub template: String,
    /// What it is known by: the same is posted once.
    pub key: String,
    /// The period.
    pub period: Month,
    /// Why.
    pub reason: String,
    /// The key of the transaction that it takes back (红冲).
    pub corrects: Option<String>,
    /// Its entries.
    pub entries: Vec<Entry>,
}

/// A transaction in its place in the ledger.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Posted {
    /// The transaction.
    #[serde(flatten)]
    pub transaction: Transaction,
    /// Its place, from 1.
    pub number: u64,
    /// When it was recorded.
    pub recorded: Instant,
    /// Over it and all before it.
    pub hash: Digest,
}

/// A posting that two persons make: money out, or a reversal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PostingProposal {
    /// Its number.
    pub number: u64,
    /// `pay-out`, `refund` or `reverse`.
    pub kind: String,
    /// What it is known by: the bank's reference, or the key of what is taken back.
    pub key: String,
    /// Why.
    pub reason: String,
    /// `proposed`, `approved` or `declined`.
    pub state: String,
    /// Whom the money goes to; null for a reversal.
    pub of: Option<String>,
    /// How much; null for a reversal.
    pub amount: Option<Yuan>,
    /// The first of two persons.
    pub proposed: By,
    /// The second, or who withdrew it.
    pub decided: Option<By>,
    /// The key of what was posted.
    pub posted: Option<String>,
}

/// A proposed posting that was approved, and what was posted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ApprovedPosting {
    /// The proposal.
    #[serde(flatten)]
    pub proposal: PostingProposal,
    /// The transaction.
    pub transaction: Transaction,
}

/// An account of the trial balance.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Balance {
    /// The account.
    pub account: String,
    /// What it is called, in Chinese.
    pub title: String,
    /// Its balance.
    pub amount: Yuan,
}

/// How far a permitted revenue (最高准许收入) is used.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Permitted {
    /// Its name.
    pub name: String,
    /// Number of the act.
    pub act: String,
    /// The operator.
    pub operator: String,
    /// What is permitted in the cycle.
    pub amount: Yuan,
    /// What was carried over from the cycle before.
    pub carried: Yuan,
    /// When the cycle begins.
    pub from: Instant,
    /// When it ends; null where it does not.
    pub until: Option<Instant>,
    /// Revenue of closed periods.
    pub closed: Yuan,
    /// Revenue of periods that are not closed.
    pub open: Yuan,
    /// What is left.
    pub left: Yuan,
    /// Where the cycle ends at this pace.
    pub forecast: Yuan,
    /// What would be deducted from the next cycle if this one ended now.
    pub carry: Yuan,
    /// The highest alert that is reached, in percent.
    pub reached: Option<u8>,
}

/// A figure as it is and as it would be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sums {
    /// As it is.
    pub now: Yuan,
    /// As it would be.
    pub then: Yuan,
}

/// What changes of prices would have come to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Preview {
    /// Altogether.
    pub total: Sums,
    /// By application unit.
    pub units: BTreeMap<String, Sums>,
    /// By party of the shares.
    pub parties: BTreeMap<String, Sums>,
    /// By product.
    pub products: BTreeMap<String, Sums>,
}

/// A statement that a close brings about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NewStatement {
    /// Its number.
    pub number: String,
    /// The application unit.
    pub unit: String,
    /// What is owed.
    pub amounts: Amounts,
}

/// A share bill that a close brings about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NewBill {
    /// Its number.
    pub number: String,
    /// Whom it is for.
    pub party: String,
    /// What it comes to.
    pub amount: Yuan,
}

/// What a close brings about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Closing {
    /// Over all of it.
    pub digest: Digest,
    /// Lines.
    pub lines: usize,
    /// Transactions.
    pub transactions: usize,
    /// Statements.
    pub statements: Vec<NewStatement>,
    /// Share bills.
    pub bills: Vec<NewBill>,
}

/// A period and what its close brought, or would bring about.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Close {
    /// The period.
    pub period: Period,
    /// The close.
    pub closing: Closing,
}

/// A difference by corrected prices.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Correction {
    /// What it is for.
    #[serde(flatten)]
    pub line: Line,
    /// The month of the calls.
    pub month: Month,
    /// The difference, before rounding.
    pub exact: Yuan,
    /// The difference of what free calls would be worth.
    pub notional: Yuan,
    /// Number of the act behind the corrected price.
    pub act: String,
}

/// A correction of a single line (单行更正).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LineCorrection {
    /// Its number.
    pub number: u64,
    /// The line.
    #[serde(flatten)]
    pub line: Line,
    /// The month of the line's calls.
    pub month: Month,
    /// What is charged more, or less, before rounding.
    pub amount: Yuan,
    /// Why; the statement says it.
    pub reason: String,
    /// `proposed`, `approved` or `declined`.
    pub state: String,
    /// The first of two persons.
    pub proposed: By,
    /// The second, or who withdrew it.
    pub decided: Option<By>,
    /// The period that it is billed in.
    pub period: Option<Month>,
}

/// A re-rating of a closed month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Rerating {
    /// Its number.
    pub number: u64,
    /// The closed month.
    pub month: Month,
    /// Why.
    pub reason: String,
    /// How many differences there are.
    pub lines: u64,
    /// Over all of them.
    pub digest: Digest,
    /// `proposed` or `approved`.
    pub state: String,
    /// The corrected prices.
    pub changes: Value,
    /// The first of two persons.
    pub proposed: By,
    /// The second.
    pub approved: Option<By>,
    /// The period in which the differences are billed.
    pub period: Option<Month>,
}

/// A re-rating that was proposed, with its differences; without differences nothing is proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Proposed {
    /// It is kept, for the second person.
    Kept {
        /// The re-rating.
        #[serde(flatten)]
        rerating: Box<Rerating>,
        /// Its differences.
        corrections: Vec<Correction>,
    },
    /// Nothing differs.
    Nothing {
        /// Null.
        number: Option<u64>,
        /// The closed month.
        month: Month,
        /// None.
        corrections: Vec<Correction>,
    },
}

/// Where the ledger is not as it was posted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Broken {
    /// The transaction.
    pub number: u64,
    /// What is wrong with it.
    pub why: String,
}

/// The ledger, checked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verification {
    /// Whether every link, sum and route holds.
    pub whole: bool,
    /// Transactions.
    pub transactions: u64,
    /// Entries.
    pub entries: u64,
    /// What all entries sum to.
    pub balance: String,
    /// The first that is broken.
    pub broken: Option<Broken>,
}

/// A price that a ceiling stops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StoppedPrice {
    /// The price.
    pub price: String,
    /// Its product.
    pub product: String,
    /// The ceiling.
    pub ceiling: String,
    /// Number of the ceiling's act.
    pub act: String,
    /// From when on.
    pub from: Instant,
}

/// The control totals of an export.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Manifest {
    /// Which rows.
    pub set: String,
    /// What they are called, in Chinese.
    pub title: String,
    /// The period; empty where it has none.
    pub period: String,
    /// Rows.
    pub rows: u64,
    /// Over all rows.
    pub digest: Digest,
    /// Every control total by its name.
    pub totals: BTreeMap<String, String>,
    /// The formats in which the file can be had.
    pub formats: Vec<String>,
}
