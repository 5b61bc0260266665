//! The auditor: counts on its own, from the records and the answers given, and compares with what was allowed.

use std::collections::{BTreeMap, BTreeSet};

use shuzha_core::{Code, RequestId, Timestamp};
use shuzha_evidence::{Commitment, Committer, Decision};
use shuzha_journal::Journal;
use shuzha_policy::{Payload, Reply};

use super::books::Books;
use crate::calls::Sent;
use crate::consents::Consent;
use crate::gateway::{COMMIT_KEY, TestGateway};

/// Farthest that a node's clock may be from the truth: what it goes along with at once, and is then slow to give back.
const CLOCK_MAX: u64 = 10 * 60_000_000;

/// An answer that reached a caller.
#[derive(Clone)]
pub(super) struct Given {
    request: RequestId,
    fee: i64,
    replayed: bool,
    consent: Option<usize>,
    answer: Vec<u8>,
    /// The query, where it is one: product and charge.
    query: Option<(String, u64)>,
    /// The idempotency key, and what was asked under it.
    key: Option<String>,
}

impl Given {
    /// The answer in `reply`, if it is one.
    pub(super) fn of<S>(reply: &Reply<S>, request: RequestId, consent: Option<usize>) -> Option<Self> {
        let answer = match &reply.payload {
            Payload::Refused(_) => return None,
            Payload::Answer(body) => body.to_vec(),
            Payload::Stream { .. } => Vec::new(),
        };
        let fee = reply.fee.expect("an answer has a fee").micros();
        Some(Self { request, fee, replayed: reply.replayed, consent, answer, query: None, key: None })
    }

    /// The same, of this query and under this key.
    pub(super) fn asked(self, query: Option<(String, u64)>, key: Option<String>) -> Self {
        Self { query, key, ..self }
    }
}

/// What a caller was told.
pub(super) struct Told {
    request: RequestId,
    /// The signature, and whether it was sent before.
    signed: Vec<u8>,
    again: bool,
    code: Option<Code>,
    /// When it came by the node's clock, and what the time was.
    received: Timestamp,
    really: Timestamp,
}

impl Told {
    /// What `reply` to `sent` tells.
    pub(super) fn of<S>(reply: &Reply<S>, (sent, again): (&Sent, bool), really: Timestamp) -> Self {
        let code = match &reply.payload {
            Payload::Refused(refusal) => Some(refusal.code),
            Payload::Answer(_) | Payload::Stream { .. } => None,
        };
        let signed = sent.headers.get("x-signature").expect("all of them are signed simply");
        let (request, received) = (sent.request, sent.received);
        Self { request, signed: signed.as_bytes().to_vec(), again, code, received, really }
    }
}

/// A consent, and what it allows.
struct Allowed {
    own: Commitment,
    parent: Option<Commitment>,
    uses: u32,
}

/// The auditor.
pub(super) struct Audit {
    consents: Vec<Allowed>,
    given: Vec<Given>,
    told: Vec<(Told, bool)>,
}

impl Audit {
    pub(super) fn new(consents: &[(Consent, u32)]) -> Self {
        let committer = Committer::new(&COMMIT_KEY);
        let committed = |jti: &str| committer.commit("consent", &[b"yunze-consent", jti.as_bytes()]);
        let known = |(consent, uses): &(Consent, u32)| Allowed {
            own: committed(&consent.jti),
            parent: consent.parent().map(committed),
            uses: *uses,
        };
        Self { consents: consents.iter().map(known).collect(), given: Vec::new(), told: Vec::new() }
    }

    /// An answer was given.
    pub(super) fn given(&mut self, given: Given) {
        self.given.push(given);
    }

    /// Something was told, by a node whose disk was in trouble or not.
    pub(super) fn told(&mut self, told: Told, troubled: bool) {
        self.told.push((told, troubled));
    }

    /// How many answers were given.
    pub(super) fn answers(&self) -> usize {
        self.given.len()
    }

    /// Checks the laws against the journal of a node that has just started; `memory` too, unless it is known to be
    /// wrong.
    ///
    /// # Errors
    /// The law that was broken.
    pub(super) fn check(&self, house: &TestGateway, memory: bool) -> Result<(), String> {
        let books = Books::read(house.gate.journal())?;
        self.check_books(&books)?;
        if memory { books.check_memory(house) } else { Ok(()) }
    }

    /// Checks the laws against a journal alone; what it says was spent of privacy.
    ///
    /// # Errors
    /// The law that was broken.
    pub(super) fn check_journal(&self, journal: &Journal) -> Result<u64, String> {
        let books = Books::read(journal)?;
        self.check_books(&books)?;
        Ok(books.epsilon.values().sum())
    }

    fn check_books(&self, books: &Books) -> Result<(), String> {
        self.check_answers(books)?;
        self.check_uses(books)?;
        self.check_releases(books)?;
        self.check_keys()?;
        self.check_told(books)?;
        books.check_caps()
    }

    /// What a caller behind stage 1 was told is in the journal, however the process ended; the same signed bytes were dealt with
    /// once; and a caller who tells the time rightly was not refused for it.
    fn check_told(&self, books: &Books) -> Result<(), String> {
        let mut dealt_with = BTreeSet::new();
        for (told, troubled) in &self.told {
            if told.received.micros_since(told.really).unsigned_abs() > CLOCK_MAX {
                return Err(format!("the clock shows {:?} at {:?}", told.received, told.really));
            }
            if told.code == Some(Code::C104) && !told.again {
                return Err("a call was refused for the clock of its caller, which is right".to_owned());
            }
            let stage = told.code.map_or(10, Code::stage);
            if stage == 1 || stage == 0 || *troubled {
                continue;
            }
            if !books.closed.contains_key(&told.request) {
                return Err(format!("{:?} was told and is not in the journal: {}", told.code, told.request));
            }
            if !dealt_with.insert(&told.signed) {
                return Err("the same signed bytes were dealt with twice".to_owned());
            }
        }
        Ok(())
    }

    /// Checks a node that still serves, as far as its journal is durable.
    ///
    /// # Errors
    /// The law that was broken.
    pub(super) fn check_living(&self, house: &TestGateway) -> Result<(), String> {
        Books::read(house.gate.journal())?.check_living(house)
    }

    /// Every answer that left is in the journal, at its fee.
    fn check_answers(&self, books: &Books) -> Result<(), String> {
        for given in &self.given {
            let Some(&(decision, amount)) = books.closed.get(&given.request) else {
                return Err(format!("an answer was given and is not in the journal: {}", given.request));
            };
            let wanted = if given.replayed { Decision::Replayed } else { Decision::Answered };
            // A repetition shows the fee of the first answer and is recorded without one.
            let fee = if given.replayed { 0 } else { given.fee };
            if (decision, amount) != (wanted, fee) {
                return Err(format!("an answer at {fee} is recorded as {decision:?} at {amount}"));
            }
        }
        Ok(())
    }

    /// released ≤ debited for every release: each answer is one that is paid for, and no two are of one release.
    fn check_releases(&self, books: &Books) -> Result<(), String> {
        let mut released: BTreeMap<&(String, u64), BTreeSet<&[u8]>> = BTreeMap::new();
        for given in &self.given {
            if let Some(query) = &given.query {
                released.entry(query).or_default().insert(&given.answer);
            }
        }
        for (query, answers) in released {
            let paid = books
                .paid
                .get(query)
                .map_or(0, |releases| releases.values().filter(|charges| **charges > 0).count());
            if answers.len() > paid {
                return Err(format!(
                    "privacy: {} releases of {query:?}, and {paid} are paid for",
                    answers.len()
                ));
            }
        }
        Ok(())
    }

    /// One key, one answer.
    fn check_keys(&self) -> Result<(), String> {
        let mut answers: BTreeMap<&str, &[u8]> = BTreeMap::new();
        for given in &self.given {
            let Some(key) = &given.key else { continue };
            if *answers.entry(key).or_insert(&given.answer) != given.answer {
                return Err(format!("the idempotency key {key} was given two answers"));
            }
        }
        Ok(())
    }

    /// released ≤ debited ≤ cap, for every consent.
    fn check_uses(&self, books: &Books) -> Result<(), String> {
        for (index, Allowed { own, uses: most, .. }) in self.consents.iter().enumerate() {
            let debited = books.uses.get(own).copied().unwrap_or(0);
            // An answer under a narrower consent is one under the consent that it narrows, too.
            let under = |given: &&Given| {
                given.consent.is_some_and(|at| at == index || self.consents[at].parent == Some(*own))
            };
            let released = self.given.iter().filter(|given| !given.replayed).filter(under).count();
            if released > debited as usize || debited > *most {
                return Err(format!("consent {index}: released {released}, debited {debited}, cap {most}"));
            }
        }
        Ok(())
    }
}
