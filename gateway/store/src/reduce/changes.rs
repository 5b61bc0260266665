//! Which parts of a state have changed since they were last written.

use std::collections::BTreeSet;

use shuzha_core::{RequestId, Timestamp};
use shuzha_evidence::Commitment;
use shuzha_journal::Position;
use shuzha_privacy::budget::Account;

use super::state::{DataUse, Name};
use super::{DrawnKey, MeterKey};

/// The keys that a batch of entries touched. A key that is no longer in the state is one whose row goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// The position that the state had reached before the first of them.
    pub(crate) after: Option<Position>,
    pub(crate) consents: BTreeSet<Commitment>,
    pub(crate) accounts: BTreeSet<Account>,
    pub(crate) spaces: BTreeSet<Name>,
    pub(crate) refunds: BTreeSet<RequestId>,
    pub(crate) usage: BTreeSet<(Name, i64)>,
    pub(crate) posted: BTreeSet<Name>,
    pub(crate) meters: BTreeSet<MeterKey>,
    pub(crate) drawn: BTreeSet<DrawnKey>,
    pub(crate) settled: BTreeSet<(Name, Name)>,
    pub(crate) marks: BTreeSet<Commitment>,
    pub(crate) nonces: BTreeSet<(Timestamp, [u8; 8])>,
    pub(crate) open: BTreeSet<RequestId>,
    pub(crate) watched: BTreeSet<Name>,
    pub(crate) register: bool,
    pub(crate) checkpoint: bool,
    /// Uses of persons' data, in order. They are rows only: nothing is decided by them, so the state does not hold them.
    pub(crate) data_uses: Vec<DataUse>,
}

impl Changes {
    /// Whether no entry was applied.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.after.is_none()
    }

    pub(crate) fn begin(&mut self, reached: Position) {
        self.after.get_or_insert(reached);
    }
}
