//! The keys of the gate, and what is made with them.

use std::sync::Arc;

use shuzha_core::{Code, Refusal, Timestamp};
use shuzha_evidence::commit::PeriodCommitters;
use shuzha_evidence::{Commitment, Committer};
use shuzha_privacy::subject::{Pseudonym, Pseudonymiser, SubjectPrf};
use shuzha_privacy::watermark::Watermarks;

/// The keys of the gate. Erasable: see `docs/trust.md`.
#[derive(Debug)]
pub struct Keys {
    /// Makes the commitments that calls are told apart by for longer than a period: to consents, whose identifiers are
    /// random, and to idempotency keys.
    pub committer: Committer,
    /// Makes the commitments to what calls were about: subjects, requests, answers. Their keys can be erased.
    pub periods: PeriodCommitters,
    /// Makes pairwise pseudonyms.
    pub pseudonymiser: Pseudonymiser<Arc<dyn SubjectPrf>>,
    /// Makes the watermarks of packages.
    pub watermarks: Watermarks,
}

impl Keys {
    /// The commitment to a consent: by its issuer and identifier, which is random and says nothing of the person.
    #[must_use]
    pub fn consent_commitment(&self, issuer: &str, jti: &str) -> Commitment {
        self.committer.commit("consent", &[issuer.as_bytes(), jti.as_bytes()])
    }

    /// The tags under which a person's calls stand in records, as far as the keys of their periods are still there.
    #[must_use]
    pub fn subject_tags(&self, pseudonym: &Pseudonym) -> Vec<Commitment> {
        self.periods.kept().iter().map(|committer| subject_tag(committer, pseudonym)).collect()
    }

    /// The committer for a call that was received at `at`.
    ///
    /// # Errors
    /// C093 where the key of that half-year is gone: nothing is served that cannot be recorded.
    pub(crate) fn period(&self, at: Timestamp) -> Result<Arc<Committer>, Refusal> {
        self.periods.at(at).ok_or_else(|| Code::C093.into())
    }
}

/// The tag of a person in records.
pub(crate) fn subject_tag(committer: &Committer, pseudonym: &Pseudonym) -> Commitment {
    committer.commit("subject", &[pseudonym.as_bytes()])
}
