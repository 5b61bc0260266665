//! What was done, what was refused, and what is due.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{ATTACHMENTS_MAX, Attachment, Deadline, Reference};
use crate::{Instant, Name, RequestId, Role};

/// Who acted, as far as the caller is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Author {
    /// Null for persons of other organisations, but for authority, registrar and auditor.
    pub account: Option<Name>,
    /// For which organisation.
    pub organisation: Name,
    /// In which role.
    pub role: Role,
}

/// An act.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Act {
    /// Its place in the order of all acts.
    #[schemars(range(min = 1))]
    pub revision: u64,
    /// Its identity in the journal.
    pub id: RequestId,
    /// When.
    pub at: Instant,
    /// Null when time itself acted.
    pub by: Option<Author>,
    /// What.
    pub verb: String,
    /// On what.
    pub object: Reference,
    /// State of the case afterwards.
    pub state: Option<String>,
    /// Why.
    pub reason: String,
    /// Documents behind it.
    #[schemars(length(max = ATTACHMENTS_MAX))]
    pub attachments: Vec<Attachment>,
    /// Its record in the journal.
    pub journal_sequence: Option<u64>,
}

/// A refused act, or several of one minute together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Refused {
    /// When; of several, the first.
    pub at: Instant,
    /// Null for sign-ons by names that nobody has.
    pub account: Option<String>,
    /// For which organisation.
    pub organisation: Option<String>,
    /// In which roles.
    pub roles: Vec<Role>,
    /// Empty, like kind and name, where several of one minute stand together.
    pub verb: String,
    /// Of which kind.
    pub kind: String,
    /// On which object.
    pub name: String,
    /// The code.
    pub code: String,
    /// How many.
    #[schemars(range(min = 1))]
    pub count: u64,
}

/// A deadline and what it is of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DueDeadline {
    /// The deadline.
    #[serde(flatten)]
    pub deadline: Deadline,
    /// The case.
    pub object: Reference,
}

/// What is due next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Deadlines {
    /// In order of time.
    pub items: Vec<DueDeadline>,
    /// Whether there are more.
    pub more: bool,
}

/// A deadline that passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Notice {
    /// Its place in the order of notices.
    pub id: u64,
    /// When it was written.
    pub at: Instant,
    /// The case.
    pub object: Reference,
    /// The deadline that passed.
    pub what: String,
    /// When that was due.
    pub due: Instant,
}

/// When a number of working days has passed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Due {
    /// The first instant that is too late.
    pub at: Instant,
    /// Computed past the loaded calendar.
    pub provisional: bool,
}
