//! Faults planted in the node, each of which the auditor must notice.

use std::collections::BTreeMap;

use shuzha_evidence::Commitment;
use shuzha_store::State;
use shuzha_store::reduce::Mark;

/// What is wrong with the node, to show that the auditor would notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Planted {
    /// Nothing.
    Nothing,
    /// Syncs report success and do nothing, as if the answer had not waited for the disk.
    DiskLies,
    /// A dispatched use of a consent is given back when the node starts.
    VoidsConsents,
    /// A dispatched privacy charge is given back when the node starts.
    VoidsCharges,
    /// Retries are taken for new calls after a start.
    ForgetsKeys,
    /// Fees that were posted are forgotten.
    ForgetsMoney,
    /// A charge that was given back still covers the release of a retry.
    CoversRefunded,
    /// The machine's clock is believed whatever somebody sets it to.
    BelievesTheClock,
}

/// The marks of a seed that covered a charge before one was given back.
pub(super) type Covered = BTreeMap<Commitment, Mark>;

impl Planted {
    pub(super) fn forget(self, state: &mut State, covered: &Covered) {
        match self {
            Self::Nothing | Self::DiskLies | Self::BelievesTheClock => {}
            Self::CoversRefunded => {
                for (key, mark) in covered {
                    let _kept = state.marks.entry(*key).or_insert_with(|| mark.clone());
                }
            }
            Self::VoidsConsents => state.consents.clear(),
            Self::VoidsCharges => state.budgets = shuzha_privacy::budget::Ledger::default(),
            Self::ForgetsKeys => state.marks.clear(),
            Self::ForgetsMoney => state.posted.clear(),
        }
    }
}
