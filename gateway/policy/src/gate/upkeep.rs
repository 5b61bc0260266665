//! What bounds callers: pace and nonces of credentials, counts of refusals before a unit is known, what a request may weigh before
//! its body is read, and the upkeep of all of it.

use std::net::IpAddr;

use http::HeaderMap;
use shuzha_core::{Code, Id, Pace, Refusal};
use shuzha_evidence::Decision;

use super::Gate;
use crate::bounds::Use;
use crate::nonce::{Moment, NonceTag};
use crate::signature;
use crate::snapshot::Credential;

/// Refusals of stage 1 that are recorded for one credential in a second; more are counted. Whoever sends one signed request
/// again and again needs no key for it.
const REFUSALS_RECORDED_PER_SECOND: u32 = 10;

/// What a request may weigh, as far as its head tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight {
    /// Whether it names a credential that may be used now and from there. Not yet whether it was signed with it.
    pub identified: bool,
    /// Whether what it asks for takes a body.
    pub takes_body: bool,
    /// Largest body of what it asks for, in bytes, where the operation declares one.
    pub body_bytes_max: Option<usize>,
}

/// The paces of one credential.
#[derive(Default)]
pub(crate) struct Paces {
    signed: Pace,
    refused: Pace,
}

impl Gate {
    fn moment(&self) -> Moment {
        Moment { now: self.clock.now(), running: self.clock.running() }
    }

    /// Lets a signed request of `credential` pass at its pace.
    ///
    /// # Errors
    /// C110 with the time to wait; nothing was noted of the request then.
    pub(crate) fn check_pace(&self, credential: &Credential) -> Result<(), Refusal> {
        let pace = self.paces.of(credential.name.as_str());
        let most = self.bounds.signed_requests_per_second;
        pace.signed.pass(self.clock.running(), most).map_err(|wait| Refusal::retry(Code::C110, wait))
    }

    /// Notes the nonce of a request that `unit` signed.
    ///
    /// # Errors
    /// C105, C109, C111.
    pub(crate) fn note_nonce(&self, unit: &Id, tag: NonceTag) -> Result<(), Refusal> {
        let moment = self.moment();
        self.nonces.insert(unit.as_str(), tag, moment).map_err(|code| match code {
            // A generation is over by then.
            Code::C109 | Code::C111 => Refusal::retry(code, self.options.signature_window),
            code => code.into(),
        })
    }

    /// Whether a refusal is recorded by itself. One before a unit is known is counted; so are, of a known credential, those over
    /// its pace, and those of stage 1 that are too many.
    pub(crate) fn records_refusal(&self, unit: &str, credential: &str, code: Code) -> bool {
        if unit.is_empty() || code == Code::C110 {
            return false;
        }
        let replayable = code.stage() == 1;
        !replayable
            || self
                .paces
                .of(credential)
                .refused
                .pass(self.clock.running(), REFUSALS_RECORDED_PER_SECOND)
                .is_ok()
    }

    /// Counts a refusal that has no record.
    pub(crate) fn count_refusal(&self, code: Code) {
        self.tally.count(code, self.clock.now(), &self.journal);
    }

    /// Counts a request that never became a call.
    pub fn refused_at_edge(&self, code: Code) {
        self.metrics.counted(Decision::Refused, code);
        self.count_refusal(code);
    }

    /// What a request may weigh, from its head alone.
    #[must_use]
    pub fn weigh(&self, path: &str, headers: &HeaderMap, peer: IpAddr) -> Weight {
        let snapshot = self.snapshot.load();
        let now = self.clock.now();
        let named = signature::key_id(headers).and_then(|key_id| snapshot.credentials.get(key_id));
        let usable = |credential: &Credential| {
            let here = credential.allow.is_empty() || credential.allow.iter().any(|net| net.contains(peer));
            credential.key.is_some() && !credential.revoked && credential.window.contains(now) && here
        };
        let asked =
            snapshot.route(path.strip_suffix(":plan").unwrap_or(path)).map(|(_, operation)| operation);
        Weight {
            identified: named.is_some_and(|credential| usable(credential)),
            takes_body: asked.is_some_and(|operation| operation.takes_body()),
            body_bytes_max: asked.and_then(|operation| operation.request_bytes_max()),
        }
    }

    /// Forgets what is over, and hands counts of past minutes to the journal. Called every few seconds.
    pub fn keep_up(&self) {
        let moment = self.moment();
        self.tally.keep_up(moment.now, false, &self.journal);
        self.nonces.keep_up(moment);
        self.consents.keep_up(moment.now);
        self.idempotency.keep_up(moment.now);
        self.sandbox.keys.keep_up(moment.now);
        self.paces.forget(|pace| pace.signed.is_idle(moment.running) && pace.refused.is_idle(moment.running));
        self.metrics.bounds(&self.bounds_used());
    }

    /// Hands every count to the journal: nothing is refused any more.
    pub fn stop_counting(&self) {
        self.tally.keep_up(self.clock.now(), true, &self.journal);
    }

    /// How full the tables that callers fill are.
    #[must_use]
    pub fn bounds_used(&self) -> [Use; 6] {
        let one = |bound, used: usize, max: usize| Use { bound, used: used as u64, max: max as u64 };
        let [nonces, nonces_of_unit] = self.nonces.used();
        let [keys, keys_of_unit, answers] = self.idempotency.used();
        let [sandbox_keys, ..] = self.sandbox.keys.used();
        let bounds = &self.bounds;
        [
            one("nonces", nonces, self.options.nonces_max),
            one("nonces_of_fullest_unit", nonces_of_unit, bounds.nonces_per_unit),
            one("idempotency_keys", keys, bounds.idempotency_keys),
            one("idempotency_keys_of_fullest_unit", keys_of_unit, bounds.idempotency_keys_per_unit),
            one("stored_response_bytes", answers, bounds.answer_bytes),
            one("sandbox_idempotency_keys", sandbox_keys, bounds.sandbox().idempotency_keys),
        ]
    }
}
