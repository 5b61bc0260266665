//! What finance answers.

mod books;
mod requests;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{By, Digest, Instant, Month, Yuan};

pub use books::{
    ApprovedPosting, Balance, Broken, Close, Closing, Correction, Entry, LineCorrection, Manifest, NewBill,
    NewStatement, Permitted, Posted, PostingProposal, Preview, Proposed, Rerating, StoppedPrice, Sums,
    Transaction, Verification,
};
pub use requests::{
    Changes, DecidedPosting, NewLineCorrection, NewRerating, NewTransaction, ProposedChange, Recorded,
};

/// A period of accounts: a month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Period {
    /// The month.
    pub month: Month,
    /// `open`, `soft-closed` or `closed`.
    pub state: String,
    /// The first of the two who close it.
    pub soft_closed: Option<By>,
    /// The second.
    pub closed: Option<By>,
    /// The journal record up to which it was counted.
    pub reached: Option<u64>,
    /// Over everything that the close brought about.
    pub digest: Option<Digest>,
}

/// What calls of one kind have in common.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Line {
    /// The application unit.
    pub unit: String,
    /// The agreement.
    pub agreement: String,
    /// The scenario.
    pub scenario: String,
    /// The product.
    pub product: String,
    /// The price.
    pub price: String,
    /// Class of the scenario's purpose.
    pub purpose: String,
    /// Why it was charged, or was not.
    pub basis: String,
}

/// Use of one hour.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// What was used.
    #[serde(flatten)]
    pub line: Line,
    /// When the hour begins.
    pub hour: Instant,
    /// The operation.
    pub operation: String,
    /// Calls.
    pub calls: u64,
    /// What was charged for, in the price's unit.
    pub quantity: u64,
    /// What was charged call by call.
    pub amount: Yuan,
    /// The first and the last journal record.
    pub sequences: [u64; 2],
}

/// An amount with its tax.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Amounts {
    /// With tax.
    pub gross: Yuan,
    /// Without.
    pub net: Yuan,
    /// The tax.
    pub tax: Yuan,
}

/// A line of a statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RatedLine {
    /// What it is for.
    #[serde(flatten)]
    pub line: Line,
    /// The month of the calls; before the period's for late calls and corrections.
    pub month: Month,
    /// Calls; 0 for a correction of calls that were billed before.
    pub calls: u64,
    /// Quantity.
    pub quantity: u64,
    /// What it comes to by its price, before rounding.
    pub exact: Yuan,
    /// Of that, what the close adds to what was charged call by call.
    pub adjustment: Yuan,
    /// What free calls would be worth.
    pub notional: Yuan,
    /// What the rounding leaves.
    pub residue: Yuan,
    /// What is billed.
    pub amounts: Amounts,
    /// Tax rate, in parts of ten thousand.
    pub vat_parts: u32,
    /// Number of the act behind the price.
    pub act: String,
    /// The first and the last journal record.
    pub sequences: [u64; 2],
}

/// What somebody said about a statement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatementAct {
    /// `confirm`, `dispute` or `resolve`.
    pub act: String,
    /// The account.
    pub account: String,
    /// Its organisation.
    pub organisation: String,
    /// When.
    pub at: Instant,
    /// Why.
    pub reason: String,
}

/// A Merkle tree over the records of a unit's calls.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Calls {
    /// Its root.
    pub root: Digest,
    /// Records.
    pub size: u64,
    /// The first and the last journal record.
    pub sequences: [u64; 2],
}

/// A statement (结算单) in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Statement {
    /// Its number.
    pub number: String,
    /// The period.
    pub month: Month,
    /// The application unit.
    pub unit: String,
    /// `issued`, `confirmed`, `disputed` or `resolved`.
    pub state: String,
    /// What is owed.
    pub amounts: Amounts,
    /// What was said about it.
    pub acts: Vec<StatementAct>,
    /// Which calls it is about; null where it has none of its own.
    pub calls: Option<Calls>,
}

/// Under what conditions lines of a statement are free (有条件无偿使用).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FreeUse {
    /// `Scenario`, where its purpose is free, or `Price`.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// `public-governance`, `public-welfare`, `trial` or `provider`; empty for a price from before grounds were recorded.
    pub ground: String,
    /// The conditions; none where none are on record.
    pub conditions: Vec<String>,
}

/// A statement by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WholeStatement {
    /// The statement.
    #[serde(flatten)]
    pub statement: Statement,
    /// Its lines.
    pub lines: Vec<RatedLine>,
    /// Under what conditions those are free that are.
    pub free_use: Vec<FreeUse>,
}

/// A share of the revenue of a product under one agreement.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Share {
    /// The agreement.
    pub agreement: String,
    /// The product.
    pub product: String,
    /// What is shared.
    pub base: Yuan,
    /// The party's weight.
    pub weight: String,
    /// The sum of all weights.
    pub whole: String,
    /// The share.
    pub amount: Yuan,
    /// Address of the calls that it is for.
    pub calls: String,
}

/// A share bill (收益分配账单) in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Bill {
    /// Its number.
    pub number: String,
    /// Whom it is for.
    pub party: String,
    /// What it comes to.
    pub amount: Yuan,
    /// Its shares.
    pub shares: Vec<Share>,
}

/// A share bill by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WholeBill {
    /// The bill.
    #[serde(flatten)]
    pub bill: Bill,
    /// The period.
    pub month: Month,
}

/// What a provider's data contributed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Contribution {
    /// The provider.
    pub party: String,
    /// The product.
    pub product: String,
    /// Calls that used its data.
    pub calls: u64,
    /// Records of its data sets that they used.
    pub records: u64,
    /// Of the calls, those that were charged.
    pub charged: u64,
    /// Revenue of the product, tax included.
    pub revenue: Yuan,
    /// What the free calls would be worth.
    pub notional: Yuan,
    /// Its share.
    pub share: Yuan,
    /// Application units that used the product; nothing in periods that were closed before this was recorded.
    pub units: Option<u64>,
    /// Scenarios that it was used in.
    pub scenarios: Option<u64>,
    /// Tickets about the provider's data that were opened in the period.
    pub tickets: Option<u64>,
    /// Of these, the ones in which the provider found its data wrong.
    pub faults: Option<u64>,
}
