//! Stage 4 of 10, consent: does the person's live consent (个人授权) cover exactly this? Of a business secret (商业秘密), the
//! enterprise's authorisation (企业授权): the same token, whose subject is the enterprise.
//!
//! The token is verified once and then known; unit, scenario, product, operation, fields and subject
//! are compared on every call. Effective right = contract ∩ grant ∩ consent: a consent never widens anything.
//! One use is held here.

use std::sync::Arc;

use shuzha_core::{Code, Refusal};
use shuzha_privacy::consent::{self, Asked, Consent};
use shuzha_privacy::output::FieldSet;

use super::validate::Ask;
use crate::consent_cache::Known;
use crate::env::Env;
use crate::holds::{ConsentBounds, Consents};
use crate::signature::single;

/// Proof that the person or the enterprise agrees, where the product asks for it.
pub(crate) struct Agreed<'e> {
    ask: Ask<'e>,
    fields: FieldSet,
}

impl<'e> Agreed<'e> {
    /// What was asked.
    pub(crate) fn ask(&self) -> &Ask<'e> {
        &self.ask
    }
    /// The fields that may leave.
    pub(crate) fn fields(&self) -> FieldSet {
        self.fields
    }
}

/// Checks the consent and holds one use of it.
pub(crate) fn run<'e>(env: &mut Env<'e>, ask: Ask<'e>) -> Result<Agreed<'e>, Refusal> {
    let granted = ask.right().fields();
    let asked = ask.right().operation();
    let missing = match (asked.personal, asked.secret) {
        (true, _) => Code::C401,
        (false, true) => Code::C412,
        (false, false) => return Ok(Agreed { ask, fields: granted }),
    };
    let token = single(env.call.headers, "x-consent")?.ok_or(missing)?;
    let known = verified(env, token)?;
    let consent = &known.consent;
    let right = ask.right();
    consent.covers(&Asked {
        unit: right.unit().name.as_str(),
        scenario: right.scenario().name.as_str(),
        product: right.product().name.as_str(),
        action: right.operation().name.as_str(),
        purpose: right.scenario().purpose.as_str(),
    })?;
    check_subject(env, &ask, consent)?;
    let operation = right.operation();
    let fields = granted.and(operation.fields_among(&consent.fields));
    if operation.has_fields() && fields.is_empty() {
        return Err(Code::C405.into());
    }
    env.facts.consent = Some(known.consents);
    env.gate.check_withdrawals_known()?;
    if !env.covers_consent(&known.consents.own) {
        let parent_max = consent.parent.as_ref().map_or(0, |parent| parent.max);
        let bounds = ConsentBounds { max: consent.uses_max, parent_max, expires: consent.expires };
        let taken = env.gate.consents.take(known.consents, bounds, env.now());
        env.holds.consent = Some(taken?);
    } else if env.gate.consents.is_withdrawn(&known.consents) {
        return Err(Code::C408.into());
    }
    Ok(Agreed { ask, fields })
}

/// Whether the consent is of whom the request is about: named by the same function and key, or by the one blinded element.
fn check_subject(env: &Env<'_>, ask: &Ask<'_>, consent: &Consent) -> Result<(), Code> {
    if ask.is_blinded() {
        consent.check_subject_is_element()?;
    } else {
        let prf = env.gate.keys.pseudonymiser.prf();
        consent.check_subject_named_by(prf.algorithm(), prf.key_id())?;
    }
    consent.check_subject(ask.subject().ok_or(Code::C406)?)
}

/// The consent in `token`: from the cache, or verified now.
fn verified(env: &Env<'_>, token: &str) -> Result<Arc<Known>, Refusal> {
    let (now, gate) = (env.now(), env.gate);
    // An issuer is a signer like any other: its clock may be as far ahead as a unit's.
    let ahead_max = gate.options.signature_window;
    let generation = env.snapshot.issuers_generation;
    if let Some(known) = gate.consent_cache.get(token, generation) {
        known.consent.check_time_within(now, ahead_max)?;
        return Ok(known);
    }
    let issuers = &env.snapshot.issuers;
    let (fresh, _) = consent::verify_within(token, issuers, &gate.options.audience, now, ahead_max)?;
    let committed = |jti: &str| gate.keys.consent_commitment(&fresh.issuer, jti);
    let parent = fresh.parent.as_ref().map(|parent| committed(&parent.jti));
    let consents = Consents { own: committed(&fresh.jti), parent };
    let fresh = Known::new(token, generation, fresh, consents);
    gate.consent_cache.put(Arc::clone(&fresh), now);
    Ok(fresh)
}
