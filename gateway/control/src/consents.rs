//! The consent service (个人授权): a person who has signed on gives, narrows, lists and takes back consents, and sees who
//! used their data (REQUIREMENTS D1–D4; 个人信息保护法 14–15).
//!
//! A person is known here by a keyed index of their identifier and by pairwise pseudonyms; the identifier itself comes with
//! a request, is compared and forgotten. Everybody's own: what is another's is not there (C1003).
//!
//! A withdrawal is first in the store, then in effect and in the journal, then answered. What a crash leaves between the
//! two steps, [`ConsentService::feed`] brings to the gate before consented products are served again.

mod holder;
mod issue;
mod outside;
mod withdraw;

pub use holder::KIND as HOLDER_KIND;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use shuzha_core::{Code, Id, PurposeClass, Role, Timestamp};
use shuzha_evidence::Commitment;
use shuzha_privacy::consent::{Claims, Issuers, Signer};
use shuzha_privacy::subject::{CanonicalId, Pseudonym, SubjectPrf};
use shuzha_store::consents::{Holder, KeptConsent};
use shuzha_store::{ConsentStore, DataUse, StoreError, UsesOf};

use crate::{Caller, Control, Error, Page, Unrecorded};

pub use issue::{BlindedEntry, Given, Wanted};
pub use outside::STATUS_TTL;

/// Most consents of a page.
const PAGE_MAX: usize = 200;
/// Most consents of one person whose uses are looked for at once.
const CONSENTS_MAX: usize = 10_000;

/// The gate, as the consent service needs it.
pub trait ConsentGate: Send + Sync + 'static {
    /// The issuers that are trusted now.
    fn issuers(&self) -> Arc<Issuers>;

    /// The purpose of a scenario that is approved for a unit and open now.
    fn purpose(&self, unit: &Id, scenario: &Id) -> Option<PurposeClass>;

    /// Whether a product in force asks for a consent to an operation.
    fn asks_consent(&self, product: &Id, operation: &str) -> bool;

    /// The name under which consents are made out to this gate (`aud`).
    fn audience(&self) -> &str;

    /// The function that the gate makes pseudonyms with: its name and its key's.
    fn pseudonym_key(&self) -> (&'static str, String);

    /// The person's pseudonym towards a unit in a scenario.
    fn pseudonym(&self, unit: &Id, scenario: &Id, person: &CanonicalId) -> Pseudonym;

    /// The tags of a pseudonym in records, one for each period whose key is still there.
    fn subject_tags(&self, pseudonym: &Pseudonym) -> Vec<Commitment>;

    /// The commitment to a consent in records.
    fn consent_commitment(&self, issuer: &str, jti: &str) -> Commitment;

    /// Records that a consent was given; durable on return.
    ///
    /// # Errors
    /// [`Unrecorded`].
    fn given(&self, issuer: &str, jti: &str) -> Result<(), Unrecorded>;

    /// Refuses a consent from now on; recorded and durable on return.
    ///
    /// # Errors
    /// [`Unrecorded`]; it is refused all the same.
    fn withdraw(&self, issuer: &str, jti: &str) -> Result<(), Unrecorded>;

    /// Whether the gate refuses the consent as withdrawn.
    fn knows_withdrawn(&self, issuer: &str, jti: &str) -> bool;

    /// How often the gate has used the consent up.
    fn times_used(&self, issuer: &str, jti: &str) -> u32;

    /// How far the clock of an issuer may be ahead of the gate's.
    fn ahead_max(&self) -> Duration;

    /// Everything that was withdrawn up to now is known to the gate.
    fn heard(&self);

    /// Uses of data about a person, newest first.
    ///
    /// # Errors
    /// Of the store.
    fn uses(&self, of: &UsesOf, before: Option<u64>, limit: usize) -> Result<Vec<DataUse>, StoreError>;
}

/// What the service is made of.
pub struct Parts {
    /// The register, and who acts on it.
    pub control: Arc<Control>,
    /// Where consents are kept.
    pub store: ConsentStore,
    /// The same, opened once more: feeding the gate does not wait for a consent to reach the disk.
    pub feed: ConsentStore,
    /// The gate.
    pub gate: Arc<dyn ConsentGate>,
    /// The platform's own key. Consents are given only while the register names it among the trusted issuers.
    pub signer: Signer,
    /// Makes the index under which a person is known here: a key of its own, so that nothing joins with pseudonyms.
    pub holders: Arc<dyn SubjectPrf>,
    /// Address at which status lists are served, without the list's number; empty where outsiders reach none.
    pub status_address: String,
}

/// The consent service.
pub struct ConsentService {
    control: Arc<Control>,
    store: ConsentStore,
    feed: ConsentStore,
    gate: Arc<dyn ConsentGate>,
    signer: Signer,
    holders: Arc<dyn SubjectPrf>,
    status_address: String,
    /// Signed status lists by number, with the time they were signed. Owned by whoever asks, for the time of one look.
    lists: Mutex<HashMap<u32, (Timestamp, Arc<str>)>>,
    /// How far the gate was fed; taken for the length of one feeding.
    fed: Mutex<u64>,
}

/// A consent as shown to its person.
#[derive(Clone, Debug)]
pub struct ConsentView {
    /// What it says.
    pub claims: Claims,
    /// When it was given.
    pub given: Timestamp,
    /// When it was withdrawn.
    pub withdrawn: Option<Timestamp>,
    /// How often it was used.
    pub used: u32,
    /// Whether it can be used at present: begun, not over, not withdrawn, not used up, and neither is the one it narrows.
    pub live: bool,
}

impl ConsentService {
    /// The service on these parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            control: parts.control,
            store: parts.store,
            feed: parts.feed,
            gate: parts.gate,
            signer: parts.signer,
            holders: parts.holders,
            status_address: parts.status_address,
            lists: Mutex::default(),
            fed: Mutex::new(0),
        }
    }

    /// One's own consents, newest first; of one unit where it is given.
    ///
    /// # Errors
    /// C1104 without the role; C1501 where the account is bound to nobody.
    pub fn list(
        &self,
        caller: &Caller,
        unit: Option<&Id>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Page<ConsentView, u64>, Error> {
        let holder = self.reading(caller)?;
        let limit = limit.clamp(1, PAGE_MAX);
        let kept = self.store.list(&holder, unit.map(Id::as_str), before, limit + 1)?;
        let page = Page::cut(kept, limit, |kept| kept.seq);
        let items = page.items.iter().map(|kept| self.view(kept)).collect::<Result<_, _>>()?;
        Ok(Page { items, next: page.next })
    }

    /// One of one's own consents.
    ///
    /// # Errors
    /// C1003 where it is not one's own.
    pub fn get(&self, caller: &Caller, jti: &str) -> Result<ConsentView, Error> {
        let (_, kept) = self.own(caller, jti)?;
        self.view(&kept)
    }

    /// The receipts of one of one's own consents: of the giving, and of the withdrawal. One that was given elsewhere has
    /// its receipt from there.
    ///
    /// # Errors
    /// C1003 where it is not one's own.
    pub fn receipts(&self, caller: &Caller, jti: &str) -> Result<[Option<String>; 2], Error> {
        let (_, kept) = self.own(caller, jti)?;
        Ok(self.store.receipts(&kept.jti)?)
    }

    /// Who used one's data, when, for what (去向可查): under one consent and those derived from it, or all of one's own, with
    /// tries that were refused. Newest first. Never what was answered.
    ///
    /// # Errors
    /// C1003 where the consent is not one's own.
    pub fn uses(
        &self,
        caller: &Caller,
        jti: Option<&str>,
        before: Option<u64>,
        limit: usize,
    ) -> Result<Page<DataUse, u64>, Error> {
        let mut of = UsesOf::default();
        if let Some(jti) = jti {
            let (_, kept) = self.own(caller, jti)?;
            let derived = self.store.derived_from(jti)?;
            let all = std::iter::once(&kept.jti).chain(&derived);
            of.consents = all.map(|jti| self.gate.consent_commitment(&kept.issuer, jti)).collect();
        } else {
            let holder = self.reading(caller)?;
            for kept in self.store.list(&holder, None, None, CONSENTS_MAX)? {
                of.consents.push(self.gate.consent_commitment(&kept.issuer, &kept.jti));
                of.subjects.extend(self.gate.subject_tags(&Pseudonym::from_bytes(kept.subject)));
            }
            of.subjects.sort_unstable();
            of.subjects.dedup();
        }
        let limit = limit.clamp(1, PAGE_MAX);
        let found = self.gate.uses(&of, before, limit + 1)?;
        Ok(Page::cut(found, limit, |one| one.seq))
    }

    /// The person behind an account that may only read.
    fn reading(&self, caller: &Caller) -> Result<Holder, Error> {
        if !caller.is(Role::DataSubject) {
            return Err(caller.acting(&[Role::DataSubject]).err().unwrap_or_else(|| Code::C1104.into()));
        }
        self.store.holder(&caller.account)?.ok_or_else(|| Code::C1501.into())
    }

    /// The person behind an account that changes something.
    fn acting(&self, caller: &Caller) -> Result<Holder, Error> {
        caller.acting(&[Role::DataSubject])?;
        self.reading(caller)
    }

    fn own(&self, caller: &Caller, jti: &str) -> Result<(Holder, KeptConsent), Error> {
        let holder = self.reading(caller)?;
        let kept = self.store.get(&holder, jti)?.ok_or(Code::C1003)?;
        Ok((holder, kept))
    }

    fn view(&self, kept: &KeptConsent) -> Result<ConsentView, Error> {
        let claims = claims_of(kept)?;
        let now = self.control.now();
        let begun = claims.nbf <= now.seconds();
        let uses_max = claims.r#use.as_ref().and_then(|uses| uses.max).unwrap_or_default();
        let own = (&kept.jti, uses_max);
        let parent = claims.parent.as_ref().map(|parent| (&parent.jti, parent.max));
        // Its issuer may have withdrawn it at the gate itself.
        let usable = |(jti, most): (&String, u32)| {
            !self.gate.knows_withdrawn(&kept.issuer, jti) && self.gate.times_used(&kept.issuer, jti) < most
        };
        let live = begun
            && now < kept.expires
            && kept.withdrawn.is_none()
            && std::iter::once(own).chain(parent).all(usable);
        let used = self.gate.times_used(&kept.issuer, &kept.jti);
        Ok(ConsentView { claims, given: kept.given, withdrawn: kept.withdrawn, used, live })
    }
}

impl std::fmt::Debug for ConsentService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ConsentService")
    }
}

fn claims_of(kept: &KeptConsent) -> Result<Claims, Error> {
    serde_json::from_str(&kept.claims).map_err(|error| Error::Unreadable {
        kind: "Consent".to_owned(),
        name: kept.jti.clone(),
        what: error.to_string(),
    })
}
