//! Consents (个人授权), and uses made of one's data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{IdNumber, Instant, Moment, Name};

/// Most products of a consent.
pub const PRODUCTS_MAX: usize = 5;
/// Most leaves of answers.
pub const FIELDS_MAX: usize = 64;
/// Most operations.
pub const ACTIONS_MAX: usize = 8;
/// Most uses.
pub const USES_MAX: u32 = 10_000;
/// What became of a call.
pub const DECISIONS: [&str; 5] = ["answered", "refused", "failed", "replayed", "planned"];

/// What a consent is narrowed to: what is left out stays as it is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NarrowerConsent {
    /// Products.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, length(min = 1, max = PRODUCTS_MAX), extend("uniqueItems" = true), inner(length(min = 1, max = 256)))]
    pub products: Option<Vec<String>>,
    /// Leaves of the answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, length(min = 1, max = FIELDS_MAX), extend("uniqueItems" = true), inner(length(min = 1, max = 256)))]
    pub fields: Option<Vec<String>>,
    /// Operations.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, length(min = 1, max = ACTIONS_MAX), extend("uniqueItems" = true), inner(length(min = 1, max = 256)))]
    pub actions: Option<Vec<String>>,
    /// How often.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required, range(min = 1, max = USES_MAX))]
    pub uses_max: Option<u32>,
    /// Until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub until: Option<Moment>,
}

/// A consent to be given. The service itself refuses one that is blanket or open-ended (C409).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(extend("required" = [
    "idNumber", "unit", "scenario", "products", "fields", "actions", "usesMax", "until", "notice", "noticeHash", "basis",
]))]
pub struct NewConsent {
    /// One's own.
    pub id_number: IdNumber,
    /// The application unit.
    pub unit: Name,
    /// The approved scenario.
    pub scenario: Name,
    /// What it allows; all of it must be said, and what is missing is refused with a code of its own.
    #[serde(flatten)]
    pub parts: NarrowerConsent,
    /// What the person was told: its name.
    #[schemars(length(min = 1, max = 128))]
    pub notice: String,
    /// Its digest.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{43}$"))]
    pub notice_hash: String,
    /// On which basis the person agrees.
    #[schemars(extend("enum" = ["consent", "separate_consent", "written_consent"]))]
    pub basis: String,
    /// Whether the data is sensitive.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    #[schemars(extend("default" = false))]
    pub sensitive: bool,
    /// For one blinded use of a list: what its element is made of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blinded: Option<BlindedEntry>,
}

/// What the element of a blinded consent is made of, beside one's own identity number. It is compared and not kept.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BlindedEntry {
    /// The element that the unit will send, as it shows it.
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{43}$"))]
    pub element: String,
    /// The parts of the entry after the identity number, such as the name.
    #[schemars(length(max = 8))]
    pub parts: Vec<String>,
    /// The secret of the blinding, as the unit shows it (`person.state`).
    #[schemars(regex(pattern = "^[A-Za-z0-9_-]{43}$"))]
    pub state: String,
}

impl std::fmt::Debug for BlindedEntry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("BlindedEntry(withheld)")
    }
}

/// A consent that an outside issuer has given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OutsideConsent {
    /// One's own.
    pub id_number: IdNumber,
    /// The token.
    #[schemars(length(min = 1, max = 4_096))]
    pub token: String,
}

/// Binds an account to the person whose papers were seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ConsentHolder {
    /// The account.
    pub account: Name,
    /// The person's.
    pub id_number: IdNumber,
}

/// Takes back all consents, or all that one unit has.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WithdrawAll {
    /// The application unit.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub unit: Option<Name>,
}

/// How many consents were taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WithdrawnCount {
    /// How many.
    pub withdrawn: usize,
}

/// Names a consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsentId {
    /// Its identifier.
    pub id: String,
}

/// A consent that was given; the token is shown here and never again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct GivenConsent {
    /// Its identifier.
    pub id: String,
    /// The token, for the unit.
    pub token: String,
    /// The receipt, for the person.
    pub receipt: String,
}

/// The signed receipts (同意回执) of a consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ConsentReceipts {
    /// Of the giving.
    pub given: Option<String>,
    /// Of the withdrawal.
    pub withdrawn: Option<String>,
}

/// Where outsiders look up whether a consent was withdrawn.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ListEntry {
    /// Address of the status list.
    pub list: String,
    /// The place in it.
    pub index: u64,
}

/// A consent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Consent {
    /// Its identifier.
    pub id: String,
    /// Who issued it.
    pub issuer: String,
    /// The application unit.
    #[schemars(required)]
    pub unit: Option<String>,
    /// The scenario.
    #[schemars(required)]
    pub scenario: Option<String>,
    /// The purpose of its approval.
    #[schemars(required)]
    pub purpose: Option<String>,
    /// Products.
    #[schemars(required)]
    pub products: Option<Vec<String>>,
    /// Leaves of the answers.
    #[schemars(required)]
    pub fields: Option<Vec<String>>,
    /// Operations.
    #[schemars(required)]
    pub actions: Option<Vec<String>>,
    /// How often it may be used.
    #[schemars(required)]
    pub uses_max: Option<u32>,
    /// How often it was used.
    #[schemars(required)]
    pub used: Option<u32>,
    /// When it begins.
    pub from: Instant,
    /// When it ends.
    #[schemars(required)]
    pub until: Option<Instant>,
    /// On which basis the person agreed.
    pub basis: String,
    /// Whether the data is sensitive.
    pub sensitive: bool,
    /// What the person was told.
    pub notice: String,
    /// Its digest.
    pub notice_hash: String,
    /// The consent that it narrows.
    pub parent: Option<String>,
    /// Where outsiders look up whether it was withdrawn.
    pub status: Option<ListEntry>,
    /// When it was given.
    pub given: Instant,
    /// When it was withdrawn.
    pub withdrawn: Option<Instant>,
    /// Neither before its time nor over, withdrawn or used up; nor is the one it narrows.
    pub live: bool,
}

/// A use of one's data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DataUse {
    /// Where the call's record stands in the journal.
    pub sequence: u64,
    /// When.
    pub at: Instant,
    /// The application unit.
    pub unit: String,
    /// The scenario.
    pub scenario: String,
    /// Class of the scenario's purpose.
    pub purpose: Option<String>,
    /// The product.
    pub product: String,
    /// The operation.
    pub operation: String,
    /// Never what was answered.
    #[schemars(extend("enum" = DECISIONS))]
    pub decision: String,
    /// Why it was refused or failed.
    pub code: Option<String>,
}
