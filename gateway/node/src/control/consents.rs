//! The consent service in the binary: its keys and its store in the data folder, the gate that it tells, and the thread
//! that keeps the gate told.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use shuzha_control::consents::{ConsentGate, ConsentService, Parts};
use shuzha_control::{Control, Unrecorded};
use shuzha_core::{Clock, Id, PurposeClass};
use shuzha_evidence::Commitment;
use shuzha_files::NewFile;
use shuzha_files::secret;
use shuzha_policy::Gate;
use shuzha_privacy::consent::{Issuers, Signer};
use shuzha_privacy::subject::{CanonicalId, HmacSha256Prf, Pseudonym, SubjectPrf as _};
use shuzha_store::{ConsentStore, DataUse, Sealable as _, Store, StoreError, UsesOf};

use crate::config::ConsentConfig;
use crate::worker::{Waker, Worker};

/// Seed of the platform's key for consents (Ed25519).
const ISSUER_SEED_FILE: &str = "keys/consent-issuer.seed";
/// Its public key, for the register.
const ISSUER_PUBLIC_FILE: &str = "keys/consent-issuer.pub";
/// Key of the index under which the consent service knows persons.
const HOLDER_KEY_FILE: &str = "keys/consent-holders.key";
/// Longest time between two feedings of the gate: a fourth of the age at which it closes.
const FEED_PAUSE: Duration = Duration::from_millis(250);

/// Opens the service in `data_dir`; its keys and store are made at the first start.
///
/// # Errors
/// Of the files.
pub(super) fn open(
    data_dir: &Path,
    config: &ConsentConfig,
    consents: &ConsentStore,
    control: Arc<Control>,
    gate: Arc<Gate>,
    store: Store,
    clock: Arc<dyn Clock>,
) -> Result<ConsentService> {
    let seed = secret::load_or_create(&data_dir.join(ISSUER_SEED_FILE))?;
    let signer = Signer::from_seed(&config.issuer, &config.kid, &seed);
    let public = data_dir.join(ISSUER_PUBLIC_FILE);
    let text = BASE64_STANDARD.encode(signer.public_key());
    NewFile::open(&public)?.keep_all(text.as_bytes())?;
    let holders = secret::load_or_create(&data_dir.join(HOLDER_KEY_FILE))?;
    Ok(ConsentService::new(Parts {
        control,
        store: consents.clone(),
        feed: consents.reopened().context("the register of consents")?,
        gate: Arc::new(GateSide { gate, store, clock }),
        signer,
        holders: Arc::new(HmacSha256Prf::new("holders-1", &holders)),
        status_address: config.status_address.clone(),
    }))
}

/// The gate and its projection, as the service calls them.
struct GateSide {
    gate: Arc<Gate>,
    store: Store,
    clock: Arc<dyn Clock>,
}

impl ConsentGate for GateSide {
    fn issuers(&self) -> Arc<Issuers> {
        self.gate.snapshot().issuers()
    }

    fn purpose(&self, unit: &Id, scenario: &Id) -> Option<PurposeClass> {
        self.gate.snapshot().purpose(unit, scenario, self.clock.now())
    }

    fn asks_consent(&self, product: &Id, operation: &str) -> bool {
        self.gate.snapshot().asks_consent(product, operation)
    }

    fn audience(&self) -> &str {
        self.gate.audience()
    }

    fn pseudonym_key(&self) -> (&'static str, String) {
        let prf = self.gate.keys().pseudonymiser.prf();
        (prf.algorithm(), prf.key_id().to_owned())
    }

    fn pseudonym(&self, unit: &Id, scenario: &Id, person: &CanonicalId) -> Pseudonym {
        self.gate.keys().pseudonymiser.pseudonym(unit, scenario, person)
    }

    fn subject_tags(&self, pseudonym: &Pseudonym) -> Vec<Commitment> {
        self.gate.keys().subject_tags(pseudonym)
    }

    fn consent_commitment(&self, issuer: &str, jti: &str) -> Commitment {
        self.gate.keys().consent_commitment(issuer, jti)
    }

    fn given(&self, issuer: &str, jti: &str) -> Result<(), Unrecorded> {
        let durable = self.gate.note_consent(issuer, jti).map_err(|_| Unrecorded)?;
        durable.wait().map(drop).map_err(|_| Unrecorded)
    }

    fn withdraw(&self, issuer: &str, jti: &str) -> Result<(), Unrecorded> {
        // The person acts; whose account it was would say who they are.
        let durable = self.gate.note_withdrawal(issuer, jti, "consent-service").map_err(|_| Unrecorded)?;
        durable.wait().map(drop).map_err(|_| Unrecorded)
    }

    fn knows_withdrawn(&self, issuer: &str, jti: &str) -> bool {
        self.gate.knows_withdrawn(issuer, jti)
    }

    fn times_used(&self, issuer: &str, jti: &str) -> u32 {
        self.gate.consent_uses(issuer, jti)
    }

    fn ahead_max(&self) -> Duration {
        self.gate.signature_window()
    }

    fn heard(&self) {
        self.gate.heard_withdrawals();
    }

    fn uses(&self, of: &UsesOf, before: Option<u64>, limit: usize) -> Result<Vec<DataUse>, StoreError> {
        self.store.data_uses(of, before, limit)
    }
}

/// Starts the thread that feeds the gate. It feeds once before, so that nothing withdrawn is served when this returns. When
/// it has ended, products that need a consent close a second later.
///
/// # Errors
/// Of the store or the journal.
pub(super) fn feeder(service: Arc<ConsentService>) -> Result<Worker> {
    service.feed().context("bringing withdrawals to the gate")?;
    let feed = move || {
        if let Err(error) = service.feed() {
            tracing::error!(%error, "withdrawals do not reach the gate; products that need a consent close");
        }
        FEED_PAUSE
    };
    Ok(Worker::start("withdrawals", Waker::default(), feed)?)
}
