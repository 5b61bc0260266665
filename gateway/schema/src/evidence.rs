//! What evidence answers.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::Instant;
use crate::object::Act;

/// A use in a list.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TracedUse {
    /// The call's request id.
    pub request: String,
    /// When it was received.
    pub at: Instant,
    /// Its record in the journal.
    pub sequence: u64,
    /// `answered`, `refused`, `failed`, `replayed` or `planned`.
    pub decision: String,
    /// The application unit.
    pub unit: Option<String>,
    /// The product.
    pub product: String,
    /// Its version.
    pub version: u32,
    /// The operation.
    pub operation: Option<String>,
    /// The scenario.
    pub scenario: Option<String>,
    /// The grant.
    pub grant: Option<String>,
    /// The agreement.
    pub agreement: Option<String>,
    /// The price.
    pub price: Option<String>,
}

/// A page of uses.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uses {
    /// The uses, in order of time.
    pub items: Vec<TracedUse>,
    /// The `cursor` of the page after; null where this is the last.
    pub next: Option<String>,
    /// The last journal record that the index has.
    pub reached_sequence: u64,
}

/// Why a call was refused.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Refusal {
    /// The code.
    pub code: String,
    /// What it says, in Chinese.
    pub title: String,
}

/// What only those see who see all of a call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CallDetails {
    /// The credential.
    pub credential: Option<String>,
    /// The price.
    pub price: Option<String>,
    /// What was charged for.
    pub quantity: u32,
    /// What was charged, in yuan.
    pub amount: String,
    /// The privacy charge.
    pub privacy_charge: String,
    /// Commitment to the consent.
    pub consent: Option<String>,
    /// Commitment to the consent that it narrows.
    pub consent_parent: Option<String>,
    /// Commitment to the request.
    pub request_commitment: Option<String>,
    /// Commitment to the answer.
    pub answer_commitment: Option<String>,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Call {
    /// Its request id.
    pub request: String,
    /// When it was received.
    pub at: Instant,
    /// `answered`, `refused`, `failed`, `replayed` or `planned`.
    pub decision: String,
    /// Why it was refused.
    pub refusal: Option<Refusal>,
    /// Whether it was a trial.
    pub sandbox: bool,
    /// The application unit.
    pub unit: Option<String>,
    /// The product.
    pub product: Option<String>,
    /// Its version.
    pub version: u32,
    /// The operation.
    pub operation: Option<String>,
    /// The scenario.
    pub scenario: Option<String>,
    /// The grant.
    pub grant: Option<String>,
    /// The agreement.
    pub agreement: Option<String>,
    /// Class of the scenario's purpose.
    pub purpose: Option<String>,
    /// The data set whose budget was charged.
    pub charged_data_set: Option<String>,
    /// Digest of the policy in force.
    pub snapshot: String,
    /// What only those see who see all of it.
    #[serde(flatten)]
    pub details: Option<CallDetails>,
}

/// Where a record stands in the evidence log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Leaf {
    /// The half-year.
    pub log: String,
    /// Its place, from 0.
    pub index: u64,
}

/// A data set and who provides it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Provided {
    /// The data set.
    pub data_set: String,
    /// Its provider.
    pub provider: String,
}

/// What a product was made of when it was called.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MadeOf {
    /// The operator; null where it is not known any more.
    pub operator: Option<String>,
    /// Whether it is known to be exactly this.
    pub exact: bool,
    /// The data sets.
    pub data_sets: Vec<Provided>,
}

/// An object that a call rested on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Step {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// What it is called.
    pub title: Option<String>,
    /// What of it matters here, as it stands now.
    pub facts: BTreeMap<String, Value>,
    /// Whether it was written after the call; null where it is not there any more.
    pub changed_since: Option<bool>,
    /// Acts on it up to the call, as histories show them.
    pub acts: Vec<Act>,
    /// Whether acts were left out: not the caller's to see, or too many.
    pub withheld: bool,
}

/// A call back to its data and those who decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Trace {
    /// The call.
    pub call: Call,
    /// Its record.
    pub leaf: Leaf,
    /// What the product was made of.
    pub made_of: Option<MadeOf>,
    /// What the call rested on.
    pub steps: Vec<Step>,
}

/// What two persons decide about a half-year.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decided {
    /// Who asked for it.
    pub asked_by: String,
    /// When.
    pub asked_at: Instant,
    /// Why.
    pub reason: String,
    /// Who decided.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Instant>,
    /// When it was done.
    pub finished_at: Option<Instant>,
    /// The document that says so.
    pub document: Option<String>,
}

/// A half-year of the log.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HalfYear {
    /// Its name, `2026h1`.
    pub log: String,
    /// `open`, `over`, `sealed`, `destruction-asked-for`, `destroying` or `destroyed`.
    pub state: String,
    /// The first journal record in it.
    pub first_sequence: u64,
    /// The last.
    pub last_sequence: u64,
    /// Entries.
    pub entries: u64,
    /// Until when it is kept at least.
    pub kept_until: Instant,
    /// Its sealing.
    pub sealing: Option<Decided>,
    /// Its destruction.
    pub destruction: Option<Decided>,
    /// What keeps it from being destroyed.
    pub holds: Vec<String>,
}

/// The latest signed heads of a half-year's trees.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Checkpoints {
    /// Of the SHA-256 tree.
    pub sha256: Option<String>,
    /// Of the SM3 tree.
    pub sm3: Option<String>,
    /// Of the SHA-256 tree, with the signatures of witnesses.
    pub cosigned: Option<String>,
}

/// A half-year by itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct WholeHalfYear {
    /// The half-year.
    #[serde(flatten)]
    pub half_year: HalfYear,
    /// Its signed heads.
    pub checkpoints: Checkpoints,
    /// Where its tiles are.
    pub tiles: String,
}

/// That a record is a leaf.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Inclusion {
    /// Its place, from 0.
    pub index: u64,
    /// The proof, as C2SP tlog-proof has it.
    pub proof: String,
}

/// That a tree is the beginning of a later one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Consistency {
    /// Leaves of the earlier tree.
    pub from: u64,
    /// Leaves of the later tree.
    pub to: u64,
    /// The proof: hashes in base64, as RFC 6962 orders them.
    pub hashes: Vec<String>,
}
