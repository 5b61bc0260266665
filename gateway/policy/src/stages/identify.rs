//! Stage 1 of 10, identify: which application unit is this?
//!
//! Credential, signature over method, target, body and what decides the call, time window, nonce. An unknown key costs the
//! same work as a wrong signature and gets the same answer (C103); what is wrong with a known credential is told only to
//! whoever proved to hold it: C106, C107, and C114 for a signature that leaves out what decides.

use shuzha_core::{Code, Refusal};
use shuzha_evidence::commit::Opening;

use crate::env::Env;
use crate::nonce;
use crate::signature::Claim;
use crate::snapshot::{Credential, Unit};

/// Proof that the request was signed, once, by a credential of this unit.
pub(crate) struct Caller<'e> {
    unit: &'e Unit,
}

impl<'e> Caller<'e> {
    /// The application unit.
    pub(crate) fn unit(&self) -> &'e Unit {
        self.unit
    }
}

/// Proof that the request was signed, once, by a test credential of this unit. It opens the sandbox only: stage 2 asks
/// for a [`Caller`], and nothing makes one of this.
pub(crate) struct Trial<'e> {
    unit: &'e Unit,
}

impl<'e> Trial<'e> {
    /// The application unit.
    pub(crate) fn unit(&self) -> &'e Unit {
        self.unit
    }
}

/// Who calls, and for what.
pub(crate) enum Identified<'e> {
    /// A unit, for what it is granted.
    Caller(Caller<'e>),
    /// A unit, to try things out.
    Trial(Trial<'e>),
}

impl<'e> Identified<'e> {
    /// The application unit.
    pub(crate) fn unit(&self) -> &'e Unit {
        match self {
            Self::Caller(caller) => caller.unit(),
            Self::Trial(trial) => trial.unit(),
        }
    }
}

/// Identifies the caller.
pub(crate) fn run<'e>(env: &mut Env<'e>) -> Result<Identified<'e>, Refusal> {
    let call = env.call;
    let claim = Claim::read(call)?;
    let now = env.now();
    let window = env.gate.options.signature_window;
    let in_window = claim.created <= now.plus(window)
        && claim.created >= now.minus(window)
        && claim.expires.is_none_or(|expires| now <= expires);
    if !in_window {
        return Err(Refusal::at(Code::C104, "created"));
    }
    let credential = env.snapshot.credentials.get(claim.key_id);
    // Known or not, with or without a key that was deposited here: refused in the same time.
    let key = credential.and_then(|credential| credential.key.as_ref());
    let proven = claim.proven_by(key, &env.gate.decoys);
    let Some(credential) = credential.filter(|_| proven) else { return Err(Code::C103.into()) };
    if claim.is_first_version() && credential.simple_v1_until.is_none_or(|until| now >= until) {
        return Err(Refusal::at(Code::C114, "x-signature-version"));
    }
    env.facts.terms.credential = credential.name.as_str();
    env.sandbox = credential.sandbox;
    // A credential outlives its unit as one that may not be used.
    let unit = env.snapshot.unit(credential).ok_or(Code::C106)?;
    env.facts.terms.unit = unit.name.as_str();
    check_standing(env, credential)?;
    env.gate.check_pace(credential)?;
    env.facts.nonce = nonce::tag(claim.key_id, claim.nonce);
    env.gate.note_nonce(&unit.name, env.facts.nonce)?;
    env.facts.body_sha256 = claim.body_sha256;
    let opening = env.gate.keys.period(call.received)?.opening(call.request.as_bytes());
    env.facts.request_commitment = Some(opening.request(&env.committed_request()));
    env.facts.openings = Some(Opening::bound(&opening, &opening));
    env.facts.answer_opening = Some(opening);
    Ok(if credential.sandbox {
        Identified::Trial(Trial { unit })
    } else {
        Identified::Caller(Caller { unit })
    })
}

/// Whether the credential may be used now and from here.
fn check_standing(env: &Env<'_>, credential: &Credential) -> Result<(), Refusal> {
    if !credential.stands(env.now()) {
        return Err(Code::C106.into());
    }
    if !credential.allow.is_empty() && !credential.allow.iter().any(|net| net.contains(env.call.peer)) {
        return Err(Code::C107.into());
    }
    Ok(())
}
