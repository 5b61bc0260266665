//! Objects and cases of every kind, what is done to them, and what is due.

mod acts;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Digest, Instant, Name, Reason};

pub use acts::{Act, Author, Deadlines, Due, DueDeadline, Notice, Refused};

/// The version of the envelope.
pub const API_VERSION: &str = "shuzha/v1";
/// Largest document behind an act, in bytes.
pub const ATTACHMENT_BYTES_MAX: u64 = 10 << 20;
/// Most documents of one act.
pub const ATTACHMENTS_MAX: usize = 32;
/// Longest name of one in characters.
pub const ATTACHMENT_NAME_MAX: usize = 200;
/// Longest reason in characters.
pub const REASON_MAX: usize = 2_000;

/// Which object.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Reference {
    /// Its kind.
    pub kind: String,
    /// Its name.
    pub name: Name,
}

/// A document behind an act, which is kept elsewhere.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Attachment {
    /// Its name.
    #[schemars(length(min = 1, max = ATTACHMENT_NAME_MAX))]
    pub name: String,
    /// Its size.
    #[schemars(range(max = ATTACHMENT_BYTES_MAX))]
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: Digest,
}

/// What is known of an object beside what it says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Metadata {
    /// Its name.
    pub name: Name,
    /// The `ETag`; 0 in a dry run.
    pub version: u64,
    /// The organisation it belongs to.
    pub owner: Option<Name>,
    /// When it was first written.
    pub created: Instant,
    /// When it was last written.
    pub updated: Instant,
}

/// A deadline of a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deadline {
    /// Which: a word of the kind's.
    pub what: String,
    /// The first instant that is too late.
    pub at: Instant,
    /// Computed past the loaded calendar.
    pub provisional: bool,
    /// Whether it has passed.
    pub passed: bool,
}

/// How a case stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Status {
    /// Its state.
    pub state: String,
    /// Since when.
    pub since: Instant,
    /// What the case has gathered: opinions, dates, numbers.
    pub details: Value,
    /// What is due, or passed and still open.
    pub deadlines: Vec<Deadline>,
    /// What the caller may do now.
    pub verbs: Vec<String>,
    /// What is to be done, where it waits for somebody or stops something.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub advice: Option<String>,
}

/// An object in its envelope.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Object {
    /// The version of the envelope.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// What is known of it.
    pub metadata: Metadata,
    /// What it says.
    pub spec: Value,
    /// How it stands, for cases and credentials.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub status: Option<Status>,
}

/// Names an object that is to be written.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// Its name.
    pub name: Name,
}

/// An object as it is to be.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Write {
    /// The version of the envelope.
    pub api_version: String,
    /// Its kind.
    pub kind: String,
    /// Names it.
    pub metadata: Named,
    /// What it says.
    pub spec: Value,
    /// Why, and what is behind it.
    #[serde(flatten)]
    pub words: Words,
}

/// Why something is done, and documents behind it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Words {
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub reason: Option<Reason>,
    /// Documents behind it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(length(max = ATTACHMENTS_MAX))]
    pub attachments: Vec<Attachment>,
}

impl Words {
    /// A reason alone, where there is one.
    #[must_use]
    pub fn of(reason: Option<&str>) -> Self {
        Self { reason: reason.map(Reason::of), attachments: Vec::new() }
    }
}

/// Why something is done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Reasoned {
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(required)]
    pub reason: Option<Reason>,
}

impl Reasoned {
    /// Why.
    #[must_use]
    pub fn of(reason: &str) -> Self {
        Self { reason: Some(Reason::of(reason)) }
    }
}

/// Brings a credential into force by proof of its key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Confirmation {
    /// Ed25519, in base 64, over `status.details.challenge`.
    #[schemars(length(min = 1, max = 128))]
    pub signature: String,
    /// Why, and what is behind it.
    #[serde(flatten)]
    pub words: Words,
}

/// A grant that is cut off.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Losing {
    /// The grant.
    pub grant: Name,
    /// Its application unit.
    pub unit: Name,
}

/// What a change does to what is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Consequences {
    /// Objects that come into force.
    pub added: Vec<Reference>,
    /// Objects in force that change.
    pub changed: Vec<Reference>,
    /// Objects that are no longer in force.
    pub removed: Vec<Reference>,
    /// Grants that are cut off, with their units.
    pub losing: Vec<Losing>,
    /// Whether there are more than are named.
    pub losing_more: bool,
    /// Exit reviews that do not speak for their product any more.
    pub unreviewed: Vec<Reference>,
    /// Whether too many objects refer to it to read them all again.
    pub unchecked: bool,
}

/// A change, made or only tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// Whether it was only tried.
    pub dry_run: bool,
    /// The act's place in the order of acts; 0 in a dry run.
    pub revision: u64,
    /// Null when it was removed, or is not the caller's to see.
    pub object: Option<Object>,
    /// What it does to what is in force.
    pub consequences: Consequences,
}

/// The secret of a credential.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IssuedSecret {
    /// The credential.
    pub credential: Name,
    /// What it signs with.
    #[schemars(extend("enum" = ["hmac-sha256", "hmac-sm3"]))]
    pub algorithm: String,
    /// Whether calls are known by it already. Otherwise the act is recorded and the node goes on trying (C1018); keep the secret.
    pub in_force: bool,
    /// In base 64. Null in the answer to a retry.
    pub secret: Option<String>,
    /// Whether this answers a retry: the secret was shown the first time and is not shown again.
    pub already_shown: bool,
}
