//! Stage 1 of 10, identify: which application unit is this?
//!
//! Asks: credential, signature over method, target, body and what decides the call, time window, nonce. An unknown key costs the
//! same work as a wrong signature and gets the same answer (C103); what is wrong with a known credential is told only to whoever
//! proved to hold it. Here it is decided whether a call is for real or a trial in the sandbox (沙箱): by the credential alone.
//! Takes: the nonce, and one request of the credential's pace.
//! Refuses: C101 C102 C103 C104 C105 C106 C107 C108 C109 C110 C111 C114 C115; C009 for a header that repeats; C093.

use shuzha_core::{Code, Refusal};
use shuzha_evidence::commit::{Opening, Request};

use crate::Inbound;
use crate::context::{CallContext, Received};
use crate::nonce;
use crate::signature::Claim;
use crate::snapshot::{Credential, Unit};

/// The state of a call whose caller is known.
pub(crate) struct Identified<'e> {
    pub(crate) caller: AuthenticatedCaller<'e>,
}

/// Proof that the request was signed, once, by a credential of this unit.
#[derive(Clone, Copy)]
pub(crate) struct AuthenticatedCaller<'e> {
    pub(crate) unit: &'e Unit,
    /// Its credential's name.
    pub(crate) credential: &'e str,
    /// SHA-256 of the body that was signed.
    pub(crate) body_sha256: [u8; 32],
    /// Opens the commitments to this request and to its answer.
    pub(crate) opening: Opening,
    pub(super) mode: CallMode,
}

/// What a credential signs for.
#[derive(Clone, Copy)]
pub(super) enum CallMode {
    /// For what its unit is granted.
    Real(RealCaller),
    /// To try things out: a test credential.
    Trial(TrialCaller),
}

/// Proof that a credential for real calls signed. All that is granted is reached through it.
#[derive(Clone, Copy)]
pub(super) struct RealCaller(());

/// Proof that a test credential signed. It opens the sandbox only: nothing makes a [`RealCaller`] of it.
#[derive(Clone, Copy)]
pub(super) struct TrialCaller(());

impl AuthenticatedCaller<'_> {
    /// Whether a test credential signed.
    pub(crate) const fn is_trial(&self) -> bool {
        matches!(self.mode, CallMode::Trial(_))
    }
}

/// Identifies the caller.
pub(crate) fn run<'c, 'e>(
    call: CallContext<'c, 'e, Received>,
) -> Result<CallContext<'c, 'e, Identified<'e>>, Refusal> {
    let (gate, inbound, now) = (call.gate, call.inbound, call.now());
    let claim = Claim::read(inbound)?;
    let window = gate.options.signature_window;
    let in_window = claim.created <= now.plus(window)
        && claim.created >= now.minus(window)
        && claim.expires.is_none_or(|expires| now <= expires);
    if !in_window {
        return Err(Refusal::at(Code::C104, "created"));
    }
    let credential = call.snapshot.credentials.get(claim.key_id);
    // Known or not, with or without a key that was deposited here: refused in the same time.
    let key = credential.and_then(|credential| credential.key.as_ref());
    let proven = claim.proven_by(key, &gate.decoys);
    let Some(credential) = credential.filter(|_| proven) else { return Err(Code::C103.into()) };
    if claim.is_first_version() && credential.simple_v1_until.is_none_or(|until| now >= until) {
        return Err(Refusal::at(Code::C114, "x-signature-version"));
    }
    let draft = &mut call.open.draft;
    draft.terms.credential = credential.name.as_str();
    draft.sandbox = credential.sandbox;
    // A credential outlives its unit as one that may not be used.
    let unit = call.snapshot.unit(credential).ok_or(Code::C106)?;
    draft.terms.unit = unit.name.as_str();
    if !credential.stands(now) {
        return Err(Code::C106.into());
    }
    check_address(credential, inbound)?;
    gate.check_pace(credential)?;
    draft.nonce = nonce::tag(claim.key_id, claim.nonce);
    gate.note_nonce(&unit.name, draft.nonce)?;
    let opening = gate.keys.period(inbound.received)?.opening(inbound.request.as_bytes());
    draft.request_commitment = Some(opening.request(&committed(inbound, &claim.body_sha256)));
    draft.openings = Some(Opening::bound(&opening, &opening));
    let caller = AuthenticatedCaller {
        unit,
        credential: credential.name.as_str(),
        body_sha256: claim.body_sha256,
        opening,
        mode: match credential.sandbox {
            true => CallMode::Trial(TrialCaller(())),
            false => CallMode::Real(RealCaller(())),
        },
    };
    Ok(call.advance(|_| Identified { caller }))
}

/// Whether the credential may be used from where it is.
fn check_address(credential: &Credential, inbound: &Inbound<'_>) -> Result<(), Refusal> {
    let allowed = &credential.allow;
    if allowed.is_empty() || allowed.iter().any(|net| net.contains(inbound.peer)) {
        Ok(())
    } else {
        Err(Code::C107.into())
    }
}

/// The request, as far as it is committed to.
pub(super) fn committed<'r>(inbound: &'r Inbound<'_>, body_sha256: &'r [u8; 32]) -> Request<'r> {
    Request {
        method: inbound.method.as_str(),
        path: inbound.path,
        query: inbound.query.unwrap_or_default(),
        body_sha256,
    }
}
