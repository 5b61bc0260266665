//! What the gate must know when it starts: the journal's projection, read from the store and the journal's end.

use shuzha_core::{Id, MicroYuan, Timestamp};
use shuzha_evidence::Commitment;
use shuzha_privacy::budget::Ledger;
use shuzha_store::{MarkStatus, State, Watched};

use crate::holds::CountKey;
use crate::holds::drawn::Drawn;
use crate::idempotency::{Answered, Covered, Known, KnownPast};
use crate::nonce::NonceTag;

/// Spent, used and seen, as of the last record of the journal.
#[derive(Default)]
pub struct Start {
    pub(crate) consents: Vec<(Commitment, u32, Timestamp)>,
    pub(crate) withdrawn: Vec<(Commitment, Timestamp)>,
    pub(crate) budgets: Ledger,
    pub(crate) purses: Vec<(Id, MicroYuan)>,
    pub(crate) counts: Vec<(Id, CountKey, u64)>,
    pub(crate) usage: Vec<(Id, i32, u64)>,
    pub(crate) drawn: Vec<Drawn>,
    pub(crate) packages: Vec<Id>,
    pub(crate) idempotency: Vec<Known>,
    pub(crate) nonces: Vec<NonceTag>,
    pub(crate) watched: Vec<(Id, Watched)>,
}

impl Start {
    /// What `state`, the journal's projection, means for the gate.
    #[must_use]
    pub fn from_state(state: &State) -> Self {
        let id = |name: &str| Id::new(name).ok();
        let usage = state.usage.iter().filter_map(|((grant, day), usage)| {
            Some((id(grant)?, i32::try_from(*day).ok()?, usage.quantity))
        });
        let drawn = state.drawn.iter().filter_map(|(key, answers)| {
            Some(Drawn {
                operation: (id(&key.product)?, id(&key.operation)?),
                unit: id(&key.unit)?,
                version: key.version,
                quarter: key.quarter,
                answers: *answers,
            })
        });
        let marks = state.marks.iter().filter_map(|(key, mark)| {
            let past = match mark.status {
                MarkStatus::Answered { .. } => {
                    let known = mark.answer.map(|answer| Answered {
                        request: answer.request,
                        received: mark.at,
                        commitment: answer.commitment,
                    });
                    KnownPast::Answered(known, mark.reruns)
                }
                MarkStatus::Open | MarkStatus::Spent => KnownPast::Spent(Covered {
                    consent: mark.covered_consent,
                    release: mark.covered_charge.and_then(|covered| covered.release),
                }),
            };
            let (unit, request) = (mark.unit.to_string(), mark.request?);
            Some(Known { unit, key: *key, request, at: mark.at, past })
        });
        let withdrawn = state.consents.iter().filter(|(_, consent)| consent.withdrawn);
        let counts = state.meters.iter().filter_map(|(meter, quantity)| {
            let key = CountKey {
                price: id(&meter.price)?,
                scenario: id(&meter.scenario)?,
                agreement: id(&meter.agreement)?,
                purpose: meter.purpose,
                basis: meter.basis,
                month: meter.month,
            };
            Some((id(&meter.unit)?, key, *quantity))
        });
        Self {
            consents: state.consents.iter().map(|(key, known)| (*key, known.uses, known.used)).collect(),
            withdrawn: withdrawn.map(|(key, known)| (*key, known.used)).collect(),
            budgets: state.budgets.clone(),
            purses: state.posted.iter().filter_map(|(unit, sum)| Some((id(unit)?, *sum))).collect(),
            counts: counts.collect(),
            usage: usage.collect(),
            drawn: drawn.collect(),
            packages: state.settled.keys().filter_map(|(grant, _)| id(grant)).collect(),
            idempotency: marks.collect(),
            watched: state.watched.iter().filter_map(|(name, watched)| Some((id(name)?, *watched))).collect(),
            nonces: state.nonces.iter().map(|(_, tag)| *tag).collect(),
        }
    }
}
