//! What callers ask with and what they are shown.

use serde_json::Value;
use shuzha_core::{Id, RequestId, Role, Timestamp};
use shuzha_store::register::{Deadline, Reference};

/// A document that stands behind an act; it is kept elsewhere, and named here by its digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// Its name.
    pub name: String,
    /// Its size in bytes, at most [`Attachment::BYTES_MAX`].
    pub bytes: u64,
    /// Its SHA-256.
    pub sha256: [u8; 32],
}

impl Attachment {
    /// Largest document (C1010).
    pub const BYTES_MAX: u64 = 10 << 20;
    /// Most documents of one act.
    pub const COUNT_MAX: usize = 32;
    /// Longest name in characters.
    pub const NAME_CHARS_MAX: usize = 200;
}

/// How a change is asked for.
#[derive(Clone, Copy, Debug, Default)]
pub struct Request<'a> {
    /// The version the caller acts on (`If-Match`); none for a new object.
    pub expected: Option<u64>,
    /// Answer what would happen, and change nothing.
    pub dry_run: bool,
    /// A retry with the same key gets the same answer and changes nothing more.
    pub key: Option<&'a str>,
    /// Why.
    pub reason: &'a str,
    /// Documents behind it.
    pub attachments: &'a [Attachment],
}

impl Request<'_> {
    /// Longest reason in characters.
    pub const REASON_CHARS_MAX: usize = 2_000;
    /// Longest idempotency key in bytes.
    pub const KEY_BYTES_MAX: usize = 128;
}

/// An object as shown.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectView {
    /// Its kind.
    pub kind: &'static str,
    /// Its name.
    pub name: Id,
    /// Its version, for `ETag`.
    pub version: u64,
    /// Whose it is.
    pub owner: Option<Id>,
    /// Its spec.
    pub spec: Value,
    /// For cases: the state's name and what it holds.
    pub state: Option<(String, Value)>,
    /// For cases: what is due, or passed and still open.
    pub deadlines: Vec<Deadline>,
    /// When it was first written.
    pub created: Timestamp,
    /// When it was last written.
    pub updated: Timestamp,
}

/// What a change does to what is in force.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consequences {
    /// Objects that come into force.
    pub added: Vec<Reference>,
    /// Objects in force that change.
    pub changed: Vec<Reference>,
    /// Objects that are no longer in force.
    pub removed: Vec<Reference>,
    /// Grants in force that are cut off by it, with their application units.
    pub losing: Vec<(Id, Id)>,
    /// Whether there are more such grants than are named.
    pub losing_more: bool,
    /// Exit reviews that do not speak for their product any more: it needs a new one.
    pub unreviewed: Vec<Reference>,
    /// Objects in force that refer to a changed one and were not read again, being too many.
    pub unchecked: bool,
}

/// An accepted change, or what it would be.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The object afterwards; none when it was removed, or is not the caller's to see.
    pub object: Option<ObjectView>,
    /// The act's place in the order of acts; 0 in a dry run.
    pub revision: u64,
    /// What it does to what is in force.
    pub consequences: Consequences,
    /// Whether this is the kept answer for an idempotency key.
    pub replayed: bool,
}

/// Who acted, as far as the caller is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// The account: for persons of their own organisation, and for those who supervise.
    pub account: Option<Id>,
    /// For which organisation.
    pub organisation: Id,
    /// In which role.
    pub role: Role,
}

/// One act, as shown in history and audit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HistoryEntry {
    /// Its place in the order of all acts.
    pub revision: u64,
    /// Its identity in the journal.
    pub id: RequestId,
    /// When.
    pub at: Timestamp,
    /// Who; none when time itself acted.
    pub by: Option<Author>,
    /// What.
    pub verb: String,
    /// On which object.
    pub object: Reference,
    /// State of the case afterwards.
    pub state: Option<String>,
    /// Why.
    pub reason: String,
    /// Documents behind it.
    pub attachments: Vec<Attachment>,
    /// Where it stands in the journal.
    pub journal_seq: Option<u64>,
}
