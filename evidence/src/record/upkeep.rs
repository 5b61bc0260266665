//! Entries about the log itself: anchored, signed by new keys, sealed, destroyed; and what is counted rather than recorded.

use shuzha_core::{Code, Timestamp};

/// A checkpoint of the evidence log was anchored outside: a time-stamp, a chain, a notary. What came back is kept beside the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anchored<'a> {
    /// When it came back.
    pub at: Timestamp,
    /// The anchor, as the node's configuration names it.
    pub anchor: &'a str,
    /// The half-year's log.
    pub log: &'a str,
    /// Leaves under the checkpoint.
    pub size: u64,
    /// SHA-256 of the signed checkpoint.
    pub checkpoint: [u8; 32],
    /// SHA-256 of what came back.
    pub token: [u8; 32],
}

/// The evidence log's keys were handed over: the statement that old and new keys signed is kept beside the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysRotated<'a> {
    /// When.
    pub at: Timestamp,
    /// The half-year's log.
    pub log: &'a str,
    /// Leaves up to which the old keys sign, this entry among them.
    pub size: u64,
    /// SHA-256 of the statement.
    pub digest: [u8; 32],
}

/// What became of a half-year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RetentionAct {
    /// Its files were made unchangeable (封存).
    Sealed,
    /// Its calls were destroyed (销毁); hashes and life-cycle records stay.
    Destroyed,
}

/// A half-year of the log was sealed or destroyed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention<'a> {
    /// When it was decided.
    pub at: Timestamp,
    /// Who asked for it.
    pub actor: &'a str,
    /// The half-year.
    pub object: &'a str,
    /// What was done.
    pub act: RetentionAct,
    /// Sequence of the half-year's last record.
    pub last_seq: u64,
    /// Root of its SHA-256 tree, before and after.
    pub root: [u8; 32],
    /// SHA-256 of the signed manifest or certificate.
    pub document: [u8; 32],
    /// The second person, of a destruction.
    pub confirmed_by: &'a str,
}

/// What the journal's projection adds up to at one record, before older records are given up (docs/adr/0027).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Projected {
    /// When it was written.
    pub at: Timestamp,
    /// Sequence of the last record that is in it.
    pub last_seq: u64,
    /// SHA-256 of its canonical form.
    pub digest: [u8; 32],
}

/// Requests that were refused before a unit was known: nobody's calls, so they are counted and not recorded one by one. A
/// minute and code may be counted in several entries, which add up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RefusalCount {
    /// Beginning of the minute.
    pub at: Timestamp,
    /// The code they were refused with.
    pub code: Code,
    /// How many.
    pub count: u64,
}
