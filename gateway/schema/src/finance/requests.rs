//! What finance is asked, and answers that a client tells apart by their fields.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Line, PostingProposal, Transaction};
use crate::Month;

/// An object as it would be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProposedChange {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it would say.
    #[schemars(extend("type" = "object"))]
    pub spec: Value,
}

/// Changes whose effect on a period's usage is worked out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Changes {
    /// The objects as they would be.
    #[schemars(length(max = 100))]
    pub changes: Vec<ProposedChange>,
}

/// Corrections of prices of a closed month.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NewRerating {
    /// The objects as they should have been.
    #[serde(flatten)]
    pub changes: Changes,
    /// Why.
    #[schemars(length(min = 1, max = 2_000))]
    pub reason: String,
}

/// A payment to be posted, or a posting to be proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NewTransaction {
    /// What kind of posting.
    #[schemars(extend("enum" = ["prepay", "draw", "pay", "pay-out", "refund", "reverse"]))]
    pub kind: String,
    /// What it is known by: the same is posted once.
    #[schemars(length(min = 1, max = 200))]
    pub key: String,
    /// Why.
    #[schemars(length(min = 1, max = 200))]
    pub reason: String,
    /// Whose money; not for a reversal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub of: Option<String>,
    /// How much, in yuan; not for a reversal.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, regex(pattern = "^-?[0-9]+([.][0-9]{1,2})?$"))]
    pub amount: Option<String>,
}

/// What came of a [`NewTransaction`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Recorded {
    /// Another person is to approve it.
    Proposed(Box<PostingProposal>),
    /// It is posted.
    Posted(Transaction),
}

/// A proposed posting that was decided; `transaction` is what was posted, where it was approved.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DecidedPosting {
    /// The proposal.
    #[serde(flatten)]
    pub proposal: PostingProposal,
    /// The transaction.
    pub transaction: Option<Transaction>,
}

/// A correction of a single line, to be proposed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct NewLineCorrection {
    /// The line.
    #[serde(flatten)]
    pub line: Line,
    /// The month of the line's calls.
    pub month: Month,
    /// Yuan more, or with a minus less, as decimal text.
    #[schemars(regex(pattern = "^-?[0-9]+([.][0-9]{1,2})?$"))]
    pub amount: String,
    /// Why; the statement says it.
    #[schemars(length(min = 1, max = 600))]
    pub reason: String,
}
