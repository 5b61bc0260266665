//! What the journal adds up to.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use shuzha_core::{Code, MicroYuan, NanoCharge, PurposeClass, RequestId, Timestamp};
use shuzha_evidence::{Call, Commitment, Decision};
use shuzha_journal::Position;
use shuzha_privacy::budget::{Debit, Ledger};
use shuzha_privacy::consent::LIFETIME_MAX;

use super::{Changes, DrawnKey, MeterKey};

pub use shuzha_privacy::budget::Name;

/// For how long a nonce is remembered: more than any time window of a signature.
pub const NONCE_WINDOW: Duration = Duration::from_mins(15);

/// The stage that refuses what a person did not agree to.
const CONSENT_STAGE: u8 = 4;

/// For how long an idempotency key is remembered.
pub const IDEMPOTENCY_WINDOW: Duration = Duration::from_hours(24);

/// For how long a consent is remembered after its last use, or its withdrawal: the longest lifetime that a consent may have, and a
/// day. Whoever presents it later is refused by its own end.
pub const CONSENT_KEPT: Duration =
    Duration::from_secs(LIFETIME_MAX.unsigned_abs()).saturating_add(Duration::from_hours(24));

/// Days for which the use of a grant is kept day by day: those that a month's quota may look back to.
const USAGE_DAYS: i64 = 31;

/// The day under which the use of all days before those stands.
pub const BEFORE: i64 = -1;

/// What is known of one consent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Consent {
    /// Uses taken, held ones included.
    pub uses: u32,
    /// Whether the person has withdrawn it.
    pub withdrawn: bool,
    /// When it was last used, or withdrawn.
    pub used: Timestamp,
}

/// Use of a grant on one day.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Answered calls.
    pub calls: u64,
    /// Billed quantity.
    pub quantity: u64,
    /// Money posted.
    pub amount: MicroYuan,
}

impl Usage {
    pub(crate) fn plus(self, quantity: u32, amount: MicroYuan) -> Option<Self> {
        Some(Self {
            calls: self.calls.checked_add(1)?,
            quantity: self.quantity.checked_add(quantity.into())?,
            amount: self.amount.checked_add(amount)?,
        })
    }
}

/// What became of the calls under one idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mark {
    /// The unit that sent the key.
    pub unit: Name,
    /// Commitment to the request; another body under the same key is a conflict.
    pub request: Option<Commitment>,
    /// The consent of which earlier attempts have spent a use without releasing anything.
    pub covered_consent: Option<Commitment>,
    /// The privacy charge that an earlier attempt has spent without releasing anything. A retry is covered by it for that one
    /// release and no other.
    pub covered_charge: Option<CoveredCharge>,
    /// What became of the last attempt.
    pub status: MarkStatus,
    /// By what the answer is known again; none before there is one, of a package, and of software that did not keep it.
    pub answer: Option<MarkAnswer>,
    /// How often the call was run again since it was answered.
    pub reruns: u32,
    /// When the last attempt was received.
    pub at: Timestamp,
}

/// A privacy charge that an attempt has spent without releasing anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CoveredCharge {
    /// The attempt.
    pub request: RequestId,
    /// Commitment to the key of the release that it was charged for.
    pub release: Option<Commitment>,
    /// The charge.
    pub charge: NanoCharge,
}

/// By what the answer of a mark is known again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MarkAnswer {
    /// The call that was answered.
    pub request: RequestId,
    /// The commitment to its answer's bytes.
    pub commitment: Commitment,
}

/// What became of an attempt under an idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MarkStatus {
    /// It is under way.
    Open,
    /// It was dispatched and nothing was released. A retry may run, and takes only what is not covered.
    Spent,
    /// It was answered.
    Answered {
        /// Money posted.
        amount: MicroYuan,
        /// The call's record: its receipt.
        position: Position,
    },
}

/// What a call that is under way has taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenIntent {
    /// Idempotency key.
    pub mark: Option<Commitment>,
    /// Consent of which a use was taken.
    pub consent: Option<Commitment>,
    /// The consent that it narrows, of which a use was taken too.
    pub consent_parent: Option<Commitment>,
    /// Privacy charge debited.
    pub debit: Option<Debit>,
    /// Commitment to the key of the release that is being made.
    pub release: Option<Commitment>,
    /// Money held; not posted.
    pub held: MicroYuan,
}

/// The last act on the register that the journal holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterHead {
    /// Its place in the register.
    pub revision: u64,
    /// Its digest, which covers everything before it.
    pub digest: [u8; 32],
}

/// What the log was last told that the projection adds up to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProjectionCheckpoint {
    /// Sequence of the last record in it.
    pub seq: u64,
    /// SHA-256 of the projection's canonical form.
    pub digest: [u8; 32],
    /// Where the record stands that says so.
    pub at: Position,
}

/// What the gate itself has done about abnormal use of a scenario.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watched {
    /// The last signal that slowed it down.
    pub slowed: Option<Timestamp>,
    /// When it was stopped, if it is.
    pub stopped: Option<Timestamp>,
}

/// One use of data about a person, or a try at one that the consent stage refused: what the person may see of it
/// (去向可查, REQUIREMENTS D4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DataUse {
    /// Where the call's record stands.
    pub seq: u64,
    /// When the call was received.
    pub at: Timestamp,
    /// The person's tag under the unit and scenario.
    pub subject: Option<Commitment>,
    /// The consent.
    pub consent: Option<Commitment>,
    /// The application unit.
    pub unit: Name,
    /// The scenario.
    pub scenario: Name,
    /// The product.
    pub product: Name,
    /// The operation.
    pub operation: Name,
    /// The class of purpose.
    pub purpose: Option<PurposeClass>,
    /// What became of the call. Never what it answered.
    pub decision: Decision,
    /// Why it was refused or failed.
    pub code: Option<Code>,
}

impl DataUse {
    /// The use that a call's record shows; none where no person was concerned.
    pub(crate) fn of(seq: u64, call: &Call<'_>) -> Option<Self> {
        let tried = call.subject.is_some() && call.code.is_some_and(|code| code.stage() == CONSENT_STAGE);
        (call.consent.is_some() || tried).then(|| Self {
            seq,
            at: call.received,
            subject: call.subject,
            consent: call.consent,
            unit: call.terms.unit.into(),
            scenario: call.terms.scenario.into(),
            product: call.terms.product.into(),
            operation: call.terms.operation.into(),
            purpose: call.terms.purpose,
            decision: call.decision,
            code: call.code,
        })
    }
}

/// What the journal adds up to, up to [`State::reached`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    /// The last record applied; zero before the first.
    pub reached: Position,
    /// The latest time at which a call was received; windows end here.
    pub latest: Timestamp,
    /// Consents that were used or withdrawn.
    pub consents: BTreeMap<Commitment, Consent>,
    /// Privacy spent, held charges included.
    pub budgets: Ledger,
    /// Use per grant and day ([`super::local_day`]); of days long past in one sum, under [`BEFORE`].
    pub usage: BTreeMap<(Name, i64), Usage>,
    /// Money posted per unit.
    pub posted: BTreeMap<Name, MicroYuan>,
    /// Charged quantity per unit, price and month.
    pub meters: BTreeMap<MeterKey, u64>,
    /// Answers drawn per operation, unit, version and quarter.
    pub drawn: BTreeMap<DrawnKey, u64>,
    /// The first answer per grant and product. A package is charged once: when it is in here, it has been.
    pub settled: BTreeMap<(Name, Name), Position>,
    /// Idempotency keys of the last [`IDEMPOTENCY_WINDOW`].
    pub marks: BTreeMap<Commitment, Mark>,
    /// Tags of the nonces of the last [`NONCE_WINDOW`], with the time they were received.
    pub nonces: BTreeSet<(Timestamp, [u8; 8])>,
    /// Calls under way.
    pub open: BTreeMap<RequestId, OpenIntent>,
    /// Scenarios that were slowed down or stopped.
    pub watched: BTreeMap<Name, Watched>,
    /// How far the register is by the journal; none before the first act that binds what it leaves.
    pub register: Option<RegisterHead>,
    /// What the log was last told of this state; none where it never was.
    pub checkpoint: Option<ProjectionCheckpoint>,
    /// Consents by their last use or withdrawal, to forget the oldest.
    pub(crate) consents_by_time: BTreeSet<(Timestamp, Commitment)>,
    /// `marks` by time, to forget the oldest.
    pub(crate) marks_by_time: BTreeSet<(Timestamp, Commitment)>,
}

impl State {
    /// Remembers a nonce unless it is all zeros (there was none), and forgets what has left its window.
    pub(crate) fn remember(&mut self, received: Timestamp, nonce: [u8; 8], changes: &mut Changes) {
        if nonce != [0; 8] {
            self.nonces.insert((received, nonce));
            changes.nonces.insert((received, nonce));
        }
        self.latest = self.latest.max(received);
        self.forget_old_nonces();
        self.forget_ended_consents(changes);
        let oldest = self.latest.minus(IDEMPOTENCY_WINDOW);
        while let Some(&(_, mark)) = self.marks_by_time.first().filter(|(at, _)| *at < oldest) {
            self.set_mark(mark, None, changes);
        }
    }

    fn forget_ended_consents(&mut self, changes: &mut Changes) {
        let oldest = self.latest.minus(CONSENT_KEPT);
        while let Some(&(_, key)) = self.consents_by_time.first().filter(|(used, _)| *used < oldest) {
            self.consents_by_time.pop_first();
            self.consents.remove(&key);
            changes.consents.insert(key);
        }
    }

    /// Sets what is known of a consent.
    pub(crate) fn set_consent(&mut self, key: Commitment, consent: Consent) {
        if let Some(before) = self.consents.insert(key, consent) {
            self.consents_by_time.remove(&(before.used, key));
        }
        self.consents_by_time.insert((consent.used, key));
    }

    /// Adds the use of days before those that a quota of a month looks back to from `day` into one.
    pub(crate) fn fold_usage(&mut self, grant: &Name, day: i64, changes: &mut Changes) {
        let past = (grant.clone(), BEFORE + 1)..(grant.clone(), (day - USAGE_DAYS).max(BEFORE + 1));
        let keys: Vec<_> = self.usage.range(past).map(|(key, _)| key.clone()).collect();
        for key in keys {
            let Some(used) = self.usage.remove(&key) else { continue };
            let sum = self.usage.entry((grant.clone(), BEFORE)).or_default();
            sum.calls = sum.calls.saturating_add(used.calls);
            sum.quantity = sum.quantity.saturating_add(used.quantity);
            sum.amount = sum.amount.checked_add(used.amount).unwrap_or(sum.amount);
            changes.usage.insert((grant.clone(), BEFORE));
            changes.usage.insert(key);
        }
    }

    /// Adds what was drawn in earlier quarters than that of `key` into one.
    pub(crate) fn fold_drawn(&mut self, key: &DrawnKey, changes: &mut Changes) {
        let past = key.in_quarter(BEFORE + 1)..key.in_quarter(key.quarter.max(BEFORE + 1));
        let keys: Vec<_> = self.drawn.range(past).map(|(key, _)| key.clone()).collect();
        for key in keys {
            let Some(drawn) = self.drawn.remove(&key) else { continue };
            let before = key.in_quarter(BEFORE);
            let sum = self.drawn.entry(before.clone()).or_default();
            *sum = sum.saturating_add(drawn);
            changes.drawn.extend([before, key]);
        }
    }

    /// What was drawn in all quarters together.
    pub(crate) fn drawn_sums(&self) -> BTreeMap<DrawnKey, u64> {
        let mut sums = BTreeMap::new();
        for (key, drawn) in &self.drawn {
            let sum: &mut u64 = sums.entry(key.in_quarter(BEFORE)).or_default();
            *sum = sum.saturating_add(*drawn);
        }
        sums
    }

    pub(crate) fn forget_old_nonces(&mut self) {
        let oldest = self.latest.minus(NONCE_WINDOW);
        while self.nonces.first().is_some_and(|(at, _)| *at < oldest) {
            self.nonces.pop_first();
        }
    }

    /// Sets or removes a mark.
    pub(crate) fn set_mark(&mut self, key: Commitment, mark: Option<Mark>, changes: &mut Changes) {
        changes.marks.insert(key);
        let at = mark.as_ref().map(|mark| mark.at);
        let before = match mark {
            Some(mark) => self.marks.insert(key, mark),
            None => self.marks.remove(&key),
        };
        if let Some(before) = before {
            self.marks_by_time.remove(&(before.at, key));
        }
        if let Some(at) = at {
            self.marks_by_time.insert((at, key));
        }
    }
}
