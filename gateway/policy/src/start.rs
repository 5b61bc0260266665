//! What the gate must know when it starts: the journal's projection, read from the store and the journal's end.

use shuzha_core::{Id, MicroYuan, NanoCharge, Timestamp};
use shuzha_evidence::Commitment;

use crate::holds::budget::QuotaKey;
use crate::nonce::NonceTag;

/// Spent, used and seen, as of the last record of the journal.
#[derive(Default)]
pub struct Start {
    pub(crate) consents: Vec<(Commitment, u32)>,
    pub(crate) withdrawn: Vec<Commitment>,
    pub(crate) budgets: Vec<(QuotaKey, NanoCharge)>,
    pub(crate) purses: Vec<(Id, MicroYuan)>,
    pub(crate) usage: Vec<(Id, i32, u64)>,
    pub(crate) packages: Vec<Id>,
    pub(crate) idempotency: Vec<(Commitment, Commitment, Timestamp, bool)>,
    pub(crate) nonces: Vec<(NonceTag, Timestamp)>,
}
