//! What a retry takes anew (重试语义): earlier tries under the same idempotency key have spent something, or were answered. Each
//! resource asks for itself.

use shuzha_core::{Code, Refusal};
use shuzha_evidence::Commitment;

use crate::gate::Keys;
use crate::idempotency::{Answered, Covered, Found};

/// What earlier tries leave for this one to take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReplayPolicy {
    /// There were none, or they took nothing.
    First,
    /// They released nothing: what they have spent is not taken again, money and quota are.
    Spent(Covered),
    /// One was answered and charged: nothing is taken, and nothing leaves but the answer that it was.
    Answered(Option<Answered>),
}

impl From<&Found> for ReplayPolicy {
    fn from(found: &Found) -> Self {
        match found {
            Found::First => Self::First,
            Found::Spent(covered) => Self::Spent(*covered),
            Found::Answered(_) => Self::Answered(None),
            Found::AnsweredBefore(answered) => Self::Answered(*answered),
        }
    }
}

impl ReplayPolicy {
    /// Whether an earlier try took something.
    pub(crate) const fn is_retry(&self) -> bool {
        !matches!(self, Self::First)
    }

    /// Whether an earlier try was answered and charged.
    pub(crate) const fn was_answered(&self) -> bool {
        matches!(self, Self::Answered(_))
    }

    /// Whether an earlier try has taken a use of `consent` that this one may use.
    pub(crate) fn covers_consent(&self, consent: &Commitment) -> bool {
        match self {
            Self::First => false,
            Self::Spent(covered) => covered.consent.as_ref() == Some(consent),
            Self::Answered(_) => true,
        }
    }

    /// Whether an earlier try has paid for `release`, and released nothing.
    pub(crate) fn covers_release(&self, release: &Commitment) -> bool {
        matches!(self, Self::Spent(covered) if covered.release.as_ref() == Some(release))
    }

    /// Whether `body` may leave: after an answer under the same key, only the same bytes may.
    ///
    /// # Errors
    /// C314 where they are others, or nobody can tell.
    pub(crate) fn check_same_answer(&self, keys: &Keys, body: &[u8]) -> Result<(), Refusal> {
        let Self::Answered(answered) = self else { return Ok(()) };
        let same = answered.is_some_and(|Answered { request, received, commitment }| {
            let committer = keys.periods.at(received);
            committer.is_some_and(|committer| {
                committer.opening(request.as_bytes()).answer(&request, body) == commitment
            })
        });
        if same { Ok(()) } else { Err(Code::C314.into()) }
    }
}
