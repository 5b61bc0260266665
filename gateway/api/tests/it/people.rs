//! The gate's side of consents, as the control plane under test meets it.

use std::sync::{Arc, Mutex};

use shuzha_control::Unrecorded;
use shuzha_control::consents::ConsentGate;
use shuzha_core::clock::ManualClock;
use shuzha_core::{Code, Id, PurposeClass, RequestId};
use shuzha_evidence::{Call, Commitment, Committer, Decision, Entry, Terms};
use shuzha_journal::Position;
use shuzha_privacy::consent::{Algorithm, Issuers, Signer};
use shuzha_privacy::subject::{CanonicalId, HmacSha256Prf, Pseudonym, Pseudonymiser};
use shuzha_store::{Changes, DataUse, Store, StoreError, UsesOf};

use crate::plane::NOW;

/// Stands for the gate's side of consents: it knows the platform's key, and keeps what it is told.
pub(crate) struct People {
    issuers: Arc<Issuers>,
    pseudonymiser: Pseudonymiser,
    committer: Committer,
    pub(crate) withdrawn: Mutex<Vec<String>>,
    pub(crate) uses: Store,
    clock: Arc<ManualClock>,
}

impl People {
    pub(crate) fn new(clock: &Arc<ManualClock>) -> Self {
        let (signer, mut issuers) = (Self::signer(), Issuers::new());
        issuers.register(signer.kid(), signer.issuer(), Algorithm::EdDsa, &signer.public_key()).unwrap();
        let other = Self::outsider();
        issuers.register(other.kid(), other.issuer(), Algorithm::Sm2Sm3, &other.public_key()).unwrap();
        Self {
            issuers: Arc::new(issuers),
            pseudonymiser: Pseudonymiser::new(HmacSha256Prf::new("local-1", &[5; 32])),
            committer: Committer::new(&[6; 32]),
            withdrawn: Mutex::default(),
            uses: Store::in_memory().unwrap(),
            clock: Arc::clone(clock),
        }
    }

    pub(crate) fn signer() -> Signer {
        Signer::from_seed("platform-consent", "platform-consent-1", &[7; 32])
    }

    /// A call about a person stands in the projection.
    pub(crate) fn used(
        &self,
        seq: u64,
        subject: Option<Commitment>,
        consent: Option<Commitment>,
        code: Option<Code>,
    ) {
        let decision = if code.is_some() { Decision::Refused } else { Decision::Answered };
        let terms = Terms {
            unit: "bank",
            product: "person-check",
            operation: "verify",
            scenario: "bank-onboarding",
            grant: "bank-person",
            purpose: Some(PurposeClass::Industry),
            ..Terms::default()
        };
        let call = Call {
            terms,
            consent,
            subject,
            quantity: 1,
            decision,
            code,
            outcome: shuzha_evidence::Outcome::Uncharged,
            ..Call::of(RequestId::from_bytes([u8::try_from(seq).unwrap(); 16]), NOW)
        };
        let (mut state, mut changes) = (self.uses.load_state().unwrap(), Changes::default());
        let position = Position { epoch: 0, seq };
        state.apply(position, &Entry::Call(Box::new(call)), &mut changes).unwrap();
        self.uses.project(&state, &mut changes).unwrap();
    }

    pub(crate) fn outsider() -> Signer {
        Signer::new("outside", "outside-1", Algorithm::Sm2Sm3, &[8; 32]).unwrap()
    }
}

impl ConsentGate for People {
    fn issuers(&self) -> Arc<Issuers> {
        Arc::clone(&self.issuers)
    }

    fn purpose(&self, unit: &Id, scenario: &Id) -> Option<PurposeClass> {
        let approved = unit.as_str() == "bank" && scenario.as_str() == "bank-onboarding";
        approved.then_some(PurposeClass::Industry)
    }

    fn asks_consent(&self, product: &Id, operation: &str) -> bool {
        matches!(product.as_str(), "person-check" | "income-check") && operation == "verify"
    }

    fn audience(&self) -> &str {
        "shuzha"
    }

    fn pseudonym_key(&self) -> (&'static str, String) {
        ("hmac-sha256", "local-1".to_owned())
    }

    fn pseudonym(&self, unit: &Id, scenario: &Id, person: &CanonicalId) -> Pseudonym {
        self.pseudonymiser.pseudonym(unit, scenario, person)
    }

    fn subject_tags(&self, pseudonym: &Pseudonym) -> Vec<Commitment> {
        vec![self.committer.commit("subject", &[pseudonym.as_bytes()])]
    }

    fn consent_commitment(&self, issuer: &str, jti: &str) -> Commitment {
        self.committer.commit("consent", &[issuer.as_bytes(), jti.as_bytes()])
    }

    fn given(&self, _: &str, _: &str) -> Result<(), Unrecorded> {
        Ok(())
    }

    fn withdraw(&self, _: &str, jti: &str) -> Result<(), Unrecorded> {
        self.withdrawn.lock().unwrap().push(jti.to_owned());
        Ok(())
    }

    fn knows_withdrawn(&self, _: &str, jti: &str) -> bool {
        self.withdrawn.lock().unwrap().iter().any(|known| known == jti)
    }

    fn times_used(&self, issuer: &str, jti: &str) -> u32 {
        let consents = self.uses.load_state().unwrap().consents;
        consents.get(&self.consent_commitment(issuer, jti)).map_or(0, |consent| consent.uses)
    }

    fn ahead_max(&self) -> std::time::Duration {
        std::time::Duration::from_secs(300)
    }

    fn heard(&self) {
        assert!(shuzha_core::Clock::now(&*self.clock) >= NOW);
    }

    fn uses(&self, of: &UsesOf, before: Option<u64>, limit: usize) -> Result<Vec<DataUse>, StoreError> {
        self.uses.data_uses(of, before, limit)
    }
}
